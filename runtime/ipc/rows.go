package ipc

import (
	"fmt"
	"sort"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// slice returns rows of a column.
func (p *columnPlan) slice(d *column.Data, from, to int) column.Data {
	if from < 0 || to < from || to > d.Len {
		panic(fmt.Sprintf("lightstream: rows %d to %d of a column of %d", from, to, d.Len))
	}
	if from == 0 && to == d.Len {
		return *d
	}
	n := to - from
	s := column.Data{Len: n, Variadic: d.Variadic, Dictionary: d.Dictionary, Values: d.Values}
	if d.Buffers[0] != nil {
		s.Buffers[0] = sliceBits(d.Buffers[0], from, n)
		s.Nulls = n - asm.CountBits(s.Buffers[0], n)
	} else if d.Nulls != 0 { // a null column
		s.Nulls = n
	}
	for k, b := range p.fixed {
		switch have := d.Buffers[1+k]; {
		case b.bits:
			s.Buffers[1+k] = sliceBits(have, from, n)
		case b.oneMore && n == 0: // as for a column of no rows
		case b.oneMore:
			s.Buffers[1+k] = have[from*b.width : (to+1)*b.width]
		default:
			s.Buffers[1+k] = have[from*b.width : to*b.width]
		}
	}
	first, last := from, to // rows of the children
	switch p.layout {
	case layoutOffsets32, layoutOffsets64, layoutList32, layoutList64:
		first, last = p.rebase(&s)
		if d.Buffers[2] != nil {
			s.Buffers[2] = d.Buffers[2][first:last:last]
		}
	case layoutFixedList:
		first, last = from*p.width, to*p.width
	case layoutRunEnds:
		first, last = p.sliceRuns(&d.Children[0], from, to)
	}
	if len(p.children) == 0 {
		return s
	}
	s.Children = make([]column.Data, len(p.children))
	for i := range p.children {
		c := &d.Children[i]
		switch p.layout {
		case layoutListView32, layoutListView64, layoutDenseUnion: // whose rows may be anywhere
			s.Children[i] = *c
		default:
			s.Children[i] = p.children[i].slice(c, first, last)
		}
	}
	if p.layout == layoutRunEnds {
		p.children[0].shift(&s.Children[0], 0, -int64(from))
	}
	return s
}

func sliceBits(bits []byte, from, n int) []byte {
	if from&7 == 0 {
		return bits[from>>3 : (from+n+7)>>3]
	}
	to := mem.Alloc((n + 7) / 8)
	asm.CopyBits(to, 0, bits, from, n)
	return to
}

// rebase makes the offsets of a column begin with 0, and returns what they began and ended with.
func (p *columnPlan) rebase(d *column.Data) (first, last int) {
	if d.Len == 0 {
		return 0, 0
	}
	wide := p.fixed[0].width == 8
	first, last = int(integerAt(d.Buffers[1], wide, 0)), int(integerAt(d.Buffers[1], wide, d.Len))
	if first != 0 {
		p.shift(d, 0, -int64(first))
	}
	return first, last
}

// shift adds by to the integers in fixed buffer k of a column, in memory of its own.
func (p *columnPlan) shift(d *column.Data, k int, by int64) {
	b := d.Buffers[1+k]
	to := mem.Alloc(len(b))
	switch p.fixed[k].width {
	case 2:
		for i := 0; i < len(b); i += 2 {
			le.PutUint16(to[i:], le.Uint16(b[i:])+uint16(by))
		}
	case 4:
		if column.Native {
			asm.Rebase32(column.View[int32](to), column.View[int32](b), int32(-by))
			break
		}
		for i := 0; i < len(b); i += 4 {
			le.PutUint32(to[i:], le.Uint32(b[i:])+uint32(by))
		}
	default:
		for i := 0; i < len(b); i += 8 {
			le.PutUint64(to[i:], le.Uint64(b[i:])+uint64(by))
		}
	}
	d.Buffers[1+k] = to
}

// sliceRuns returns the runs that rows are part of.
func (p *columnPlan) sliceRuns(ends *column.Data, from, to int) (first, last int) {
	end := func(i int) int { return int(column.SignedAt(ends, p.children[0].width, i)) }
	first = sort.Search(ends.Len, func(i int) bool { return end(i) > from })
	last = first
	if to > from {
		last += sort.Search(ends.Len-first, func(i int) bool { return end(first+i) >= to }) + 1
	}
	return first, last
}

// NewDictionary returns a dictionary of the values in a column, whose contents are right: f is the field of a dictionary column or
// of the column itself. Byte strings are copied; a column of other values is the dictionary's from then on.
func NewDictionary(f *Field, values *column.Data) *column.Dictionary {
	p := valuesPlan(f)
	if !p.isText() {
		return column.ColumnDictionary(values)
	}
	d := column.NewDictionary(0)
	for i := range values.Len {
		null := values.IsNull(i)
		d.AppendBytes(p.valueAt(values, i, null), null)
	}
	return d
}

// DictionaryColumn lays the values of a dictionary out as a column, f being the field of the dictionary column or of the values.
func DictionaryColumn(f *Field, values column.Values) (column.Data, error) {
	p := valuesPlan(f)
	return p.valuesData(values, 0)
}

// valuesPlan returns the plan of the values of a dictionary column.
func valuesPlan(f *Field) columnPlan {
	values := *f
	values.Dictionary = nil
	return planOf(&values, f.Name)
}

// valueAt returns the bytes of a value that is a byte string, none where it is null.
func (p *columnPlan) valueAt(d *column.Data, i int, null bool) []byte {
	switch {
	case null:
		return nil
	case p.layout == layoutFixed:
		return d.Buffers[1][i*p.width : (i+1)*p.width]
	}
	return column.TextAt(d, p.textForm(), i)
}
