package ipc

import (
	"fmt"
	"math"
	"sort"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// SliceColumn returns rows from ≤ i < to of a column of the given field whose contents are right. It shares memory with the column
// where the rows lie as they must, and has the rest of it in memory of its own. It panics where there are no such rows.
func SliceColumn(f *Field, d *column.Data, from, to int) column.Data {
	p := planOf(f, f.Name)
	return p.slice(d, from, to)
}

// ConcatColumns returns the rows of a and then those of b, both columns of the given field whose contents are right, in memory of
// its own. Dictionary columns must have the same dictionary; the result has b's values. The error wraps [column.ErrTooLong] where
// the offsets of the field's type do not reach.
func ConcatColumns(f *Field, a, b *column.Data) (column.Data, error) {
	p := planOf(f, f.Name)
	return p.concat(a, b)
}

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

// concat returns the rows of two columns.
func (p *columnPlan) concat(a, b *column.Data) (column.Data, error) {
	d := column.Data{Len: a.Len + b.Len, Nulls: a.Nulls + b.Nulls, Dictionary: b.Dictionary, Values: b.Values}
	if a.Dictionary != b.Dictionary {
		return d, fmt.Errorf("lightstream: column %q: columns with different dictionaries cannot be put together", p.path)
	}
	if a.Buffers[0] != nil || b.Buffers[0] != nil {
		d.Buffers[0] = concatBits(a.Buffers[0], a.Len, b.Buffers[0], b.Len)
	}
	for k := range p.fixed {
		f := &p.fixed[k]
		x, y := a.Buffers[1+k], b.Buffers[1+k]
		switch {
		case f.bits:
			d.Buffers[1+k] = concatBits(x, a.Len, y, b.Len)
		case f.oneMore:
			if err := p.concatOffsets(&d, a, b); err != nil {
				return d, err
			}
		default:
			d.Buffers[1+k] = concatBytes(x, y)
		}
	}
	if p.layout == layoutView {
		p.concatViews(&d, a, b)
	}
	if len(p.children) == 0 {
		return d, nil
	}
	return d, p.concatChildren(&d, a, b)
}

func concatBytes(x, y []byte) []byte {
	to := mem.Alloc(len(x) + len(y))
	copy(to[copy(to, x):], y)
	return to
}

// concatBits puts two bitmaps together, in which nil stands for all ones.
func concatBits(x []byte, n int, y []byte, m int) []byte {
	to := mem.Alloc((n + m + 7) / 8)
	for _, part := range []struct {
		bits    []byte
		from, n int
	}{{x, 0, n}, {y, n, m}} {
		if part.bits == nil {
			asm.SetBits(to, part.from, part.n)
		} else {
			asm.CopyBits(to, part.from, part.bits, 0, part.n)
		}
	}
	return to
}

// concatOffsets puts the offsets of two columns together so that they begin with 0, and the bytes of text.
func (p *columnPlan) concatOffsets(d *column.Data, a, b *column.Data) error {
	x, y := *a, *b
	from, to := p.rebase(&x)
	first, last := p.rebase(&y)
	width := p.fixed[0].width
	if width == 4 && to-from > math.MaxInt32-(last-first) {
		return fmt.Errorf("lightstream: column %q: %w: %d and %d", p.path, column.ErrTooLong, to-from, last-first)
	}
	switch {
	case d.Len == 0:
		return nil
	case y.Len == 0:
		d.Buffers[1] = concatBytes(x.Buffers[1], nil)
	case x.Len == 0:
		d.Buffers[1] = concatBytes(y.Buffers[1], nil)
	default:
		p.shift(&y, 0, int64(to-from))
		d.Buffers[1] = concatBytes(x.Buffers[1], y.Buffers[1][width:])
	}
	if len(p.children) == 0 {
		d.Buffers[2] = concatBytes(a.Buffers[2][from:to], b.Buffers[2][first:last])
	}
	return nil
}

// concatViews gives the views of b the numbers that their data buffers have behind those of a.
func (p *columnPlan) concatViews(d *column.Data, a, b *column.Data) {
	for _, v := range [][][]byte{a.Variadic, b.Variadic} {
		for _, data := range v {
			d.Variadic = append(d.Variadic, concatBytes(data, nil))
		}
	}
	views := d.Buffers[1]
	for i := a.Len; i < d.Len; i++ {
		if v := views[16*i:]; le.Uint32(v) > 12 {
			le.PutUint32(v[8:], le.Uint32(v[8:])+uint32(len(a.Variadic)))
		}
	}
}

// concatChildren puts the children of two columns together, and makes those values of b that point at them point behind those of a.
func (p *columnPlan) concatChildren(d *column.Data, a, b *column.Data) (err error) {
	d.Children = make([]column.Data, len(p.children))
	whole := func(c *column.Data) (from, to func(i int) int) {
		rows := p.childRows(c)
		from = func(int) int { return 0 }
		to = func(i int) int { return rows }
		switch p.layout {
		case layoutList32, layoutList64:
			if c.Len != 0 {
				wide := p.fixed[0].width == 8
				from = func(int) int { return int(integerAt(c.Buffers[1], wide, 0)) }
				to = func(int) int { return int(integerAt(c.Buffers[1], wide, c.Len)) }
			}
		case layoutListView32, layoutListView64, layoutDenseUnion:
			to = func(i int) int { return c.Children[i].Len }
		case layoutRunEnds:
			_, runs := p.sliceRuns(&c.Children[0], 0, c.Len)
			to = func(int) int { return runs }
		}
		return from, to
	}
	fromA, toA := whole(a)
	fromB, toB := whole(b)
	for i := range p.children {
		child := &p.children[i]
		x := child.slice(&a.Children[i], fromA(i), toA(i))
		y := child.slice(&b.Children[i], fromB(i), toB(i))
		if p.layout == layoutRunEnds && i == 0 {
			if d.Len > 1<<(8*child.width-1)-1 {
				return fmt.Errorf("lightstream: column %q: %w: %d rows", p.path, column.ErrTooLong, d.Len)
			}
			clipRuns(&x, child.width, a.Len)
			child.shift(&y, 0, int64(a.Len))
		}
		if d.Children[i], err = child.concat(&x, &y); err != nil {
			return err
		}
	}
	return p.shiftRows(d, a)
}

// clipRuns ends the last run with the rows.
func clipRuns(ends *column.Data, width, rows int) {
	if ends.Len == 0 {
		return
	}
	ends.Buffers[1] = concatBytes(ends.Buffers[1], nil)
	last := ends.Buffers[1][(ends.Len-1)*width:]
	for i := range width {
		last[i] = byte(uint64(rows) >> (8 * i))
	}
}

// shiftRows makes the rows of list views and dense unions from a.Len on point behind the items of a.
func (p *columnPlan) shiftRows(d *column.Data, a *column.Data) error {
	var child [128]int8
	if p.layout == layoutDenseUnion {
		child = p.field.Type.childOf(len(p.children))
	}
	for row := a.Len; row < d.Len; row++ {
		switch p.layout {
		case layoutListView64:
			at := d.Buffers[1][8*row:]
			le.PutUint64(at, le.Uint64(at)+uint64(a.Children[0].Len))
		case layoutListView32, layoutDenseUnion:
			offsets, k := d.Buffers[1], 0
			if p.layout == layoutDenseUnion {
				offsets, k = d.Buffers[2], int(child[d.Buffers[1][row]])
			}
			at := offsets[4*row:]
			to := int64(le.Uint32(at)) + int64(a.Children[k].Len)
			if to > math.MaxInt32 && !d.IsNull(row) {
				return fmt.Errorf("lightstream: column %q: %w: item %d", p.path, column.ErrTooLong, to)
			}
			le.PutUint32(at, uint32(to))
		default:
			return nil
		}
	}
	return nil
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
