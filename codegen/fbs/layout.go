package fbs

import "fmt"

// layouts gives every struct its size and alignment and each of its fields an offset, inner structs first.
func (r *resolver) layouts() {
	state := map[*Struct]layoutState{}
	for _, s := range r.schema.Structs {
		r.layoutFrom(s, state)
	}
}

type layoutState uint8

const (
	layoutOpen layoutState = iota + 1 // the struct is on the stack
	layoutDone
)

// layoutFrom lays out s after the structs inside it. Its stack is a slice: how deep structs nest is up to the input.
func (r *resolver) layoutFrom(s *Struct, state map[*Struct]layoutState) {
	type frame struct {
		s    *Struct
		next int
	}
	if state[s] != 0 {
		return
	}
	state[s] = layoutOpen
	stack := []frame{{s: s}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(top.s.Fields) {
			r.layout(top.s)
			state[top.s] = layoutDone
			stack = stack[:len(stack)-1]
			continue
		}
		f := top.s.Fields[top.next]
		top.next++
		inner := innerStruct(f.Type)
		switch {
		case inner == nil || state[inner] == layoutDone:
		case state[inner] == layoutOpen:
			r.add(f.Type.Pos, "a struct that does not lead back to itself, or a table", "struct %q inside itself", clip(inner.Name))
			f.Type = &Type{Pos: f.Type.Pos, Kind: Byte} // so that sizes end; the error stops the rest
		default:
			state[inner] = layoutOpen
			stack = append(stack, frame{s: inner})
		}
	}
}

// innerStruct is the struct that a field holds, by itself or in an array.
func innerStruct(t *Type) *Struct {
	if t.Kind == ArrayOf {
		t = t.Elem
	}
	if t.Kind == StructType {
		return t.Struct
	}
	return nil
}

// layout places the fields of a struct whose inner structs have their sizes.
func (r *resolver) layout(s *Struct) {
	offset := uint64(0)
	s.Align = 1
	for _, f := range s.Fields {
		size, align, ok := r.inline(f)
		if !ok {
			continue
		}
		offset = roundUp(offset, align)
		f.Offset = int(offset)
		offset += size
		s.Align = max(s.Align, int(align))
		if offset > maxStructSize {
			r.add(f.Pos, fmt.Sprintf("at most %d", maxStructSize), "struct %q with more than %d bytes", clip(s.Name), maxStructSize)
			offset = 0
			break
		}
	}
	r.forceAlign(s)
	s.Size = int(roundUp(offset, uint64(s.Align)))
}

func roundUp(n, align uint64) uint64 { return (n + align - 1) / align * align }

// inline is the size and alignment of a field in a struct. It reports what cannot be there.
func (r *resolver) inline(f *Field) (size, align uint64, ok bool) {
	t, n := f.Type, 1
	if t.Kind == ArrayOf {
		t, n = t.Elem, t.Len
	}
	switch {
	case t.Kind == 0: // unknown, and reported
		return 0, 1, false
	case t.Kind == StructType:
		return uint64(t.Struct.Size) * uint64(n), uint64(max(t.Struct.Align, 1)), true
	case t.IsScalar():
		return uint64(t.Size()) * uint64(n), uint64(t.Size()), true
	}
	r.add(f.Type.Pos, "numbers, enums, structs and arrays of these", "%v in a struct", f.Type)
	return 0, 1, false
}

// forceAlign raises the alignment of a struct to what its attribute says.
func (r *resolver) forceAlign(s *Struct) {
	a := s.Attrs.Get("force_align")
	if a == nil {
		return
	}
	const most = 256
	align, err := parseInt(a.Value, UShort)
	if err != nil || align < int64(s.Align) || align > most || align&(align-1) != 0 {
		r.add(a.Pos, fmt.Sprintf("a power of two from %d to %d", s.Align, most), "force_align %q", clip(a.Value))
		return
	}
	s.Align = int(align)
}
