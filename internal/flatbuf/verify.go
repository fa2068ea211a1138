package flatbuf

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Limits bound what a buffer may make its verifier do.
type Limits struct {
	// MaxDepth is how many tables may lie inside each other, the root included. Zero means 128.
	MaxDepth int
	// MaxTables is how many tables are visited, one that two fields lead to counting twice. Zero means one for
	// each four bytes of the buffer, the least that a table takes: no buffer exceeds that whose tables are its own.
	MaxTables int
	// MaxExpanded is how many bytes a copy of what the tables lead to may take, what several fields lead to counting each time:
	// texts and vectors, and, where the caller says what they take, their elements and single values. Zero means no limit, as
	// nothing is copied to read a buffer.
	MaxExpanded int64
}

// Verifier checks one buffer. Generated code calls its methods for each field of each table; one that returns false has
// recorded why, and nothing else is checked after it.
type Verifier struct {
	buf    []byte
	limits Limits
	depth  int // tables open
	tables int // tables visited
	memory int64

	at          int
	found, want string
	err         error
	path        []string // of the failure, the innermost name first
}

// NewVerifier returns a verifier for buf.
func NewVerifier(buf []byte, limits Limits) Verifier {
	if limits.MaxDepth == 0 {
		limits.MaxDepth = 128
	}
	if limits.MaxTables == 0 {
		limits.MaxTables = len(buf) / 4
	}
	return Verifier{buf: buf, limits: limits}
}

// pathEnds is how many names at either end of a very long path an error has.
const pathEnds = 8

// Error returns what was recorded, with root as the first name of the path.
func (v *Verifier) Error(root string) error {
	var path strings.Builder
	path.WriteString(root)
	for i := len(v.path) - 1; i >= 0; i-- { // from the innermost one out
		if i >= pathEnds && i <= len(v.path)-pathEnds {
			if i == pathEnds {
				path.WriteString(".…")
			}
			continue
		}
		path.WriteByte('.')
		path.WriteString(v.path[i])
	}
	return &Error{Offset: int64(v.at), Path: path.String(), Found: v.found, Want: v.want, Err: v.err}
}

// fail records what is wrong at a byte; name is the field at fault or "".
func (v *Verifier) fail(err error, at int, name, found, want string) bool {
	v.err, v.at, v.found, v.want = err, at, found, want
	if name != "" {
		v.path = append(v.path, name)
	}
	return false
}

// In adds the name of the field that led to the failure, and returns false.
func (v *Verifier) In(name string) bool {
	v.path = append(v.path, name)
	return false
}

// InElem is In for element i of a vector.
func (v *Verifier) InElem(name string, i int) bool { return v.In(fmt.Sprintf("%s[%d]", name, i)) }

// Object is a table under verification. Its vtable is known to lie in the buffer.
//
// The size of the table, which the vtable has too, says nothing: some builders, that of google/flatbuffers for Go among
// them, let tables share a vtable that differ in it.
type Object struct {
	pos             int // of the table
	vtable, entries int // where the slots begin, and how many there are
}

// Root returns where the root table is.
func (v *Verifier) Root() (pos int, ok bool) {
	if len(v.buf) < 4 {
		return 0, v.fail(ErrBounds, 0, "", fmt.Sprintf("a buffer of %d bytes", len(v.buf)), "at least 4")
	}
	if len(v.buf) > math.MaxInt32 {
		return 0, v.fail(ErrLimit, 0, "", fmt.Sprintf("a buffer of %d bytes", len(v.buf)), "less than 2 GiB")
	}
	return v.follow(0, "")
}

// Begin opens the table at pos, which lies in the buffer and is aligned.
func (v *Verifier) Begin(pos int) (o Object, ok bool) {
	v.depth++
	v.tables++
	if v.depth > v.limits.MaxDepth {
		return o, v.fail(ErrLimit, pos, "", "tables nested deeper", fmt.Sprintf("at most %d inside each other", v.limits.MaxDepth))
	}
	if v.tables > v.limits.MaxTables {
		return o, v.fail(ErrLimit, pos, "", "more tables", fmt.Sprintf("at most %d, as many as so many bytes are let have", v.limits.MaxTables))
	}
	back := int64(int32(le.Uint32(v.buf[pos:])))
	at := int64(pos) - back
	if at < 0 || at > int64(len(v.buf)-4) {
		return o, v.fail(ErrBounds, pos, "", fmt.Sprintf("a vtable at byte %d", at), fmt.Sprintf("one from 0 to %d", len(v.buf)-4))
	}
	if at&1 != 0 {
		return o, v.fail(ErrAlign, pos, "", fmt.Sprintf("a vtable at byte %d", at), "an even place")
	}
	vtable := int(at)
	bytes := int(le.Uint16(v.buf[vtable:]))
	if bytes < 4 || bytes&1 != 0 || bytes > len(v.buf)-vtable {
		return o, v.fail(ErrVTable, vtable, "", fmt.Sprintf("a vtable of %d bytes", bytes), fmt.Sprintf("an even number from 4 to %d", len(v.buf)-vtable))
	}
	return Object{pos: pos, vtable: vtable + 4, entries: (bytes - 4) / 2}, true
}

// End closes the table opened last, and returns true.
func (v *Verifier) End() bool {
	v.depth--
	return true
}

// field returns where the field of a slot is stored, 0 when it is absent. It has size bytes.
func (v *Verifier) field(o Object, slot, size, align int, name string) (pos int, ok bool) {
	if slot >= o.entries {
		return 0, true
	}
	entry := o.vtable + 2*slot
	off := int(le.Uint16(v.buf[entry:]))
	if off == 0 {
		return 0, true
	}
	if room := len(v.buf) - o.pos - size; off < 4 || off > room {
		return 0, v.fail(ErrBounds, entry, name, fmt.Sprintf("a field of %d bytes at byte %d of its table", size, off), fmt.Sprintf("one from 4 to %d", room))
	}
	pos = o.pos + off
	if pos&(align-1) != 0 {
		return 0, v.misaligned(pos, align, name)
	}
	return pos, true
}

func (v *Verifier) misaligned(pos, align int, name string) bool {
	return v.fail(ErrAlign, pos, name, fmt.Sprintf("data at byte %d", pos), fmt.Sprintf("a multiple of %d", align))
}

// follow returns where the offset stored at a place leads: to at least 4 aligned bytes.
func (v *Verifier) follow(at int, name string) (pos int, ok bool) {
	off := le.Uint32(v.buf[at:])
	room := len(v.buf) - at - 4
	if off == 0 || uint64(off) > uint64(room) {
		return 0, v.fail(ErrBounds, at, name, fmt.Sprintf("an offset of %d", off), fmt.Sprintf("1 to %d", room))
	}
	pos = at + int(off)
	if pos&3 != 0 {
		return 0, v.misaligned(pos, 4, name)
	}
	return pos, true
}

// Required checks that the field of a slot is there.
func (v *Verifier) Required(o Object, slot int, name string) bool {
	if slot < o.entries && le.Uint16(v.buf[o.vtable+2*slot:]) != 0 {
		return true
	}
	return v.fail(ErrRequired, o.pos, name, "no value", "one, as it is required")
}

// Scalar checks a field that is a number of size bytes.
func (v *Verifier) Scalar(o Object, slot, size int, name string) bool {
	_, ok := v.field(o, slot, size, size, name)
	return ok
}

// Struct checks a field that is a struct.
func (v *Verifier) Struct(o Object, slot, size, align int, name string) bool {
	_, ok := v.field(o, slot, size, align, name)
	return ok
}

// Table returns where the table of a field is, 0 when it is absent.
func (v *Verifier) Table(o Object, slot int, name string) (pos int, ok bool) {
	at, ok := v.field(o, slot, 4, 4, name)
	if !ok || at == 0 {
		return 0, ok
	}
	return v.follow(at, name)
}

// String checks a field that is a string.
func (v *Verifier) String(o Object, slot int, name string) bool {
	pos, ok := v.Table(o, slot, name)
	return ok && (pos == 0 || v.Text(pos, name))
}

// Text checks the string at pos.
func (v *Verifier) Text(pos int, name string) bool {
	n, room := le.Uint32(v.buf[pos:]), len(v.buf)-pos-5
	if int64(n) > int64(room) {
		return v.fail(ErrBounds, pos, name, fmt.Sprintf("a string of %d bytes", n), fmt.Sprintf("at most %d", room))
	}
	if end := pos + 4 + int(n); v.buf[end] != 0 {
		return v.fail(ErrString, end, name, fmt.Sprintf("%#02x after a string", v.buf[end]), "0")
	}
	return v.take(pos, int64(n), name)
}

// take counts n bytes that a copy of what is at pos takes.
func (v *Verifier) take(pos int, n int64, name string) bool {
	if v.limits.MaxExpanded == 0 {
		return true
	}
	if v.memory += n; v.memory > v.limits.MaxExpanded {
		return v.fail(ErrLimit, pos, name, "texts, vectors and tables that take more memory", fmt.Sprintf("at most %d bytes for a buffer of %d (Limits.MaxExpanded)", v.limits.MaxExpanded, len(v.buf)))
	}
	return true
}

// Elems are the elements of a vector under verification.
type Elems struct{ pos, n int }

// Len returns how many elements there are.
func (e Elems) Len() int { return e.n }

// Vector checks a field that is a vector of numbers or structs, of size bytes each. Where those lie is not checked: they are
// read byte by byte, and some writers leave structs with numbers of 8 bytes at a multiple of 4.
func (v *Verifier) Vector(o Object, slot, size int, name string) bool {
	return v.Structs(o, slot, size, size, name)
}

// Structs is Vector for structs that take memory bytes each when they are copied.
func (v *Verifier) Structs(o Object, slot, size, memory int, name string) bool {
	e, ok := v.elems(o, slot, size, name)
	return ok && v.take(e.pos, int64(e.n)*int64(memory), name)
}

// New counts memory bytes for a copy of a field, if that is there.
func (v *Verifier) New(o Object, slot, memory int, name string) bool {
	if slot >= o.entries || le.Uint16(v.buf[o.vtable+2*slot:]) == 0 {
		return true
	}
	return v.take(o.pos, int64(memory), name)
}

// Offsets returns the elements of a field that is a vector of strings or tables. Nothing is known yet about where they
// lead.
func (v *Verifier) Offsets(o Object, slot int, name string) (e Elems, ok bool) {
	return v.Tables(o, slot, 4, name)
}

// Tables is Offsets for tables that take memory bytes each when they are copied.
func (v *Verifier) Tables(o Object, slot, memory int, name string) (e Elems, ok bool) {
	if e, ok = v.elems(o, slot, 4, name); ok && !v.take(e.pos, int64(e.n)*int64(memory), name) {
		return Elems{}, false
	}
	return e, ok
}

// textMemory is what a string takes beside its bytes.
const textMemory = 2 * bits.UintSize / 8

func (v *Verifier) elems(o Object, slot, size int, name string) (e Elems, ok bool) {
	pos, ok := v.Table(o, slot, name)
	if !ok || pos == 0 {
		return e, ok
	}
	n, room := le.Uint32(v.buf[pos:]), len(v.buf)-pos-4
	if uint64(n)*uint64(size) > uint64(room) {
		return e, v.fail(ErrBounds, pos, name, fmt.Sprintf("a vector of %d elements of %d bytes", n, size), fmt.Sprintf("at most %d bytes", room))
	}
	return Elems{pos + 4, int(n)}, true
}

// Elem returns where element i of a vector of offsets leads.
func (v *Verifier) Elem(e Elems, i int) (pos int, ok bool) { return v.follow(e.pos+4*i, "") }

// Strings checks a field that is a vector of strings.
func (v *Verifier) Strings(o Object, slot int, name string) bool {
	e, ok := v.Tables(o, slot, textMemory, name)
	for i := 0; ok && i < e.n; i++ {
		var pos int
		if pos, ok = v.Elem(e, i); !ok || !v.Text(pos, "") {
			return v.InElem(name, i)
		}
	}
	return ok
}

// Union returns the tag of a union and where its value is. Both are 0 when there is none.
func (v *Verifier) Union(o Object, slot int, name string) (tag uint8, pos int, ok bool) {
	at, ok := v.field(o, slot, 1, 1, name)
	if !ok {
		return 0, 0, false
	}
	if at != 0 {
		tag = v.buf[at]
	}
	if pos, ok = v.Table(o, slot+1, name); !ok {
		return 0, 0, false
	}
	if (tag == 0) != (pos == 0) {
		if tag == 0 {
			return 0, 0, v.fail(ErrUnion, o.pos, name, "a value without a tag", "both or none")
		}
		return 0, 0, v.fail(ErrUnion, at, name, fmt.Sprintf("the tag %d without a value", tag), "both or none")
	}
	return tag, pos, true
}

// UnknownTag records that a union has a tag that none of its members has.
func (v *Verifier) UnknownTag(o Object, slot int, tag uint8, name string) bool {
	at, _ := v.field(o, slot, 1, 1, name)
	return v.fail(ErrUnion, at, name, fmt.Sprintf("the tag %d", tag), "that of a known member")
}

// Inline checks a struct that an offset leads to, which only unions do.
func (v *Verifier) Inline(pos, size, align int, name string) bool {
	if size > len(v.buf)-pos {
		return v.fail(ErrBounds, pos, name, fmt.Sprintf("a struct of %d bytes", size), fmt.Sprintf("at most %d", len(v.buf)-pos))
	}
	if pos&(align-1) != 0 {
		return v.misaligned(pos, align, name)
	}
	return true
}
