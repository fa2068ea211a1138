package rt

import (
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// union works out how a union of the stream becomes one of the table. Members go by their names.
func (f *fitter) union(c *columnFit) (remedy string) {
	want, have := c.want, c.have
	known := make([]bool, len(have.Children))
	types, same := [128]int8{}, true
	for i := range types {
		types[i] = -1
	}
	for i := range want.Parts {
		part, k := &want.Parts[i], &c.children[i]
		path := c.path + "." + part.Name
		from, problem := find(have.Children, part)
		k.want, k.path, k.from = part, path, from
		switch {
		case problem != "":
			f.differ(k, "(twice)", problem)
		case from < 0: // no row is of it
			k.absent(&f.limits)
		default:
			known[from] = true
			f.column(k, part, &have.Children[from], path)
			id := int8(typeID(&want.Type, i))
			types[typeID(&have.Type, from)] = id
			same = same && int8(typeID(&have.Type, from)) == id
		}
	}
	for i := range known {
		if member := &have.Children[i]; !known[i] {
			f.diffs = append(f.diffs, Difference{c.path + "." + member.Name, "(absent)", member.String(), "add the member to the union"})
		}
	}
	if same {
		types[0] = -1
	}
	dense := have.Type.Variant == 1
	if !same || want.Type.Variant == 1 && !dense {
		c.convert = convertUnion(types, same, want.Type.Variant == 1 && !dense)
	}
	if want.Type.Variant == 0 && dense {
		most := f.limits.MaxExpanded
		c.after = func(h Handle, d *column.Data, _ bool) (int, error) { return 0, spread(h, want, d, most) }
	}
	return ""
}

// typeID returns the type id of member i of a union.
func typeID(t *ipc.Type, i int) byte {
	if t.TypeIDs == nil {
		return byte(i)
	}
	return byte(t.TypeIDs[i])
}

// convertUnion gives rows the type ids of the table, unless they have them, and those of a sparse union offsets.
func convertUnion(types [128]int8, same, offsets bool) converter {
	return func(h Handle, d *column.Data) (row int, err error) {
		if !same {
			b, err := record.Scratch(h, d.Len)
			if err != nil {
				return 0, err
			}
			for i, id := range d.Buffers[1] {
				b[i] = byte(types[id&127])
			}
			d.Buffers[1] = b
		}
		if offsets {
			if d.Buffers[2], err = steps[int32](h, d.Len, 1); err == nil {
				d.Buffers[2] = d.Buffers[2][:4*d.Len]
			}
		}
		return 0, err
	}
}

// spread gives each member of a dense union the rows of the union.
func spread(h Handle, want *Column, d *column.Data, most int64) error {
	rows, err := scratch[int32](h, d.Len)
	if err != nil {
		return err
	}
	t := taker{h: h, most: most}
	offsets := column.Data{Buffers: [3][]byte{1: d.Buffers[2]}}
	for k := range want.Parts {
		id := typeID(&want.Type, k)
		for i := range rows {
			if rows[i] = -1; d.Buffers[1][i] == id {
				rows[i] = int32(column.SignedAt(&offsets, 4, i))
			}
		}
		if err := t.take(&want.Parts[k], &d.Children[k], rows); err != nil {
			return err
		}
	}
	d.Buffers[2] = nil
	return nil
}

// runs works out how a run-end encoded column of the stream becomes one of the table.
func (f *fitter) runs(c *columnFit) (remedy string) {
	c.children = make([]columnFit, 2)
	f.column(&c.children[1], &c.want.Parts[0], &c.have.Children[1], c.path)
	c.children[1].from = 1
	want, have := c.want.runEnds(), c.have.Children[0].Type.Bits
	if want != have {
		c.convert = convertEnds(want, have)
	}
	return ""
}

// expandRuns works out how a run-end encoded column of the stream becomes a column of the table whose rows have a value each.
func (f *fitter) expandRuns(c *columnFit) {
	want, bits, most := c.want, c.have.Children[0].Type.Bits, f.limits.MaxExpanded
	c.children = make([]columnFit, 2)
	f.column(&c.children[1], want, &c.have.Children[1], c.path)
	c.children[1].from = 1
	c.below = true
	c.after = func(h Handle, d *column.Data, zero bool) (int, error) {
		runs, err := runsOf(h, d, bits)
		if err != nil {
			return 0, err
		}
		for i := range runs {
			if d.IsNull(i) {
				runs[i] = -1
			}
		}
		values := d.Children[1]
		t := taker{h: h, most: most, zero: zero}
		if err := t.plain(want, &values, runs); err != nil {
			return 0, err
		}
		*d = values
		return 0, nil
	}
}

// wrapRuns makes a column, the values of want, one of runs, each of one row.
func wrapRuns(want *Column, most int64) func(h Handle, d *column.Data, zero bool) (int, error) {
	part := &want.Parts[0]
	return func(h Handle, d *column.Data, zero bool) (int, error) {
		values := *d
		if values.Nulls != 0 && !part.Nullable { // nobody sees them
			rows, err := scratch[int32](h, values.Len)
			if err != nil {
				return 0, err
			}
			for i := range rows {
				if rows[i] = int32(i); values.IsNull(i) {
					rows[i] = -1
				}
			}
			t := taker{h: h, most: most, zero: zero}
			if err := t.take(part, &values, rows); err != nil {
				return 0, err
			}
			t.settle(part, &values)
		}
		*d = column.Data{Len: values.Len, Children: record.Children(h, 2)}
		d.Children[1] = values
		return 0, endEach(h, d, want.runEnds())
	}
}

// convertEnds gives run ends other bits. The last run ends with the rows.
func convertEnds(want, have int) converter {
	return func(h Handle, d *column.Data) (int, error) {
		if want < 64 && d.Len > 1<<(want-1)-1 {
			return d.Len - 1, fmt.Errorf("%w: %d rows; run ends of %d bits do not count them; use wider ones, or send smaller batches", ErrInexact, d.Len, want)
		}
		ends := d.Children[0]
		runs := 0
		for end := int64(0); end < int64(d.Len); runs++ {
			end = column.SignedAt(&ends, have/8, runs)
		}
		b, err := record.Scratch(h, runs*want/8)
		if err != nil {
			return 0, err
		}
		for k := range runs {
			putEnd(b, want/8, k, int(min(column.SignedAt(&ends, have/8, k), int64(d.Len))))
		}
		values := d.Children[1]
		d.Children = record.Children(h, 2)
		d.Children[0] = column.Data{Len: runs, Buffers: [3][]byte{1: b}}
		d.Children[1] = values
		return 0, nil
	}
}

// runBits returns how many bits the run ends of d, a column of the stream whose ends may have been converted, have.
func (c *columnFit) runBits() int {
	if c.want.Type.Kind == ipc.KindRunEndEncoded {
		return c.want.runEnds()
	}
	return c.have.Children[0].Type.Bits
}

// visibleRuns returns a bit for each of the n values of runs, of those with rows that are seen.
func (c *columnFit) visibleRuns(h Handle, d *column.Data, n int) ([]byte, error) {
	set, err := record.Scratch(h, (n+7)/8)
	if err != nil {
		return nil, err
	}
	clear(set)
	bits := c.runBits()
	k := 0
	for i := range d.Len {
		for column.SignedAt(&d.Children[0], bits/8, k) <= int64(i) {
			k++
		}
		if !d.IsNull(i) {
			set[k>>3] |= 1 << (k & 7)
		}
	}
	return set, nil
}

// firstOfRun returns the first row of run k, of those that are seen if there are any.
func (c *columnFit) firstOfRun(d *column.Data, k int) int {
	ends, width := &d.Children[0], c.runBits()/8
	first := 0
	if k != 0 {
		first = int(column.SignedAt(ends, width, k-1))
	}
	last := min(int(column.SignedAt(ends, width, k)), d.Len)
	for i := first; i < last; i++ {
		if !d.IsNull(i) {
			return i
		}
	}
	return first
}

// visibleMembers sets the bits of the values of member k of a union that rows have which are seen.
func (c *columnFit) visibleMembers(d *column.Data, k int, set []byte) {
	id := typeID(&c.want.Type, k)
	offsets := column.Data{Buffers: [3][]byte{1: d.Buffers[2]}}
	for i, t := range d.Buffers[1] {
		if t != id || d.IsNull(i) {
			continue
		}
		at := i
		if d.Buffers[2] != nil {
			at = int(column.SignedAt(&offsets, 4, i))
		}
		set[at>>3] |= 1 << (at & 7)
	}
}

// rowOfMember returns the row that value at of member k is.
func (c *columnFit) rowOfMember(d *column.Data, k, at int) int {
	if d.Buffers[2] == nil {
		return at
	}
	id := typeID(&c.want.Type, k)
	offsets := column.Data{Buffers: [3][]byte{1: d.Buffers[2]}}
	for i, t := range d.Buffers[1] {
		if t == id && column.SignedAt(&offsets, 4, i) == int64(at) && !d.IsNull(i) {
			return i
		}
	}
	return 0
}

// blankRows makes the rows of a union, or a run-end encoded column, that are null what a row is that nobody sees.
func blankRows(h Handle, want *Column, d *column.Data, most int64) error {
	rows, err := scratch[int32](h, d.Len)
	if err != nil {
		return err
	}
	for i := range rows {
		if rows[i] = int32(i); d.IsNull(i) {
			rows[i] = -1
		}
	}
	t := taker{h: h, most: most, zero: true}
	return t.take(want, d, rows)
}
