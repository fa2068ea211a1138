package rt

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// nested works out how a nested column of the stream, and the columns below it, become those of the table. Fields of structs go by
// their names, items of lists and entries of maps by their places.
func (f *fitter) nested(c *columnFit) (remedy string) {
	want, have := c.want, c.have
	w, h := want.Type.Kind, have.Type.Kind
	c.children = make([]columnFit, len(want.Parts))
	switch {
	case w == ipc.KindStruct && h == ipc.KindStruct:
		for i := range want.Parts {
			part := &want.Parts[i]
			f.place(&c.children[i], part, have.Children, c.path+"."+part.Name)
		}
	case w == ipc.KindMap && h == ipc.KindMap:
		entries := &have.Children[0]
		if entries.Type.Kind != ipc.KindStruct || len(entries.Children) != 2 {
			return noConversion
		}
		c.children = c.children[:1]
		f.entries(&c.children[0], &Column{Field: ipc.Field{Name: "entries", Type: ipc.Struct}, Parts: want.Parts, From: want.From}, entries, c.path)
	case w == ipc.KindFixedSizeList && h == ipc.KindFixedSizeList:
		if want.Type.Width != have.Type.Width {
			return fmt.Sprintf("no conversion; make it an array of %d", have.Type.Width)
		}
		f.column(&c.children[0], &want.Parts[0], &have.Children[0], c.path+".item")
	case isList(w) && (isList(h) || h == ipc.KindFixedSizeList):
		c.convert = convertLists(w, have.Type)
		f.column(&c.children[0], &want.Parts[0], &have.Children[0], c.path+".item")
	case w == ipc.KindUnion && h == ipc.KindUnion:
		remedy = f.union(c)
	case w == ipc.KindRunEndEncoded && h == ipc.KindRunEndEncoded:
		remedy = f.runs(c)
	default:
		return noConversion
	}
	for i := range c.children {
		c.below = c.below || c.children[i].changes || c.children[i].from != i
	}
	return remedy
}

// entries fits the entries of maps, whose columns go by their places.
func (f *fitter) entries(c *columnFit, want *Column, have *ipc.Field, path string) {
	c.want, c.have, c.path, c.refuse = want, have, path+".entries", have.Nullable
	c.children = make([]columnFit, len(want.Parts))
	for i := range want.Parts {
		k := &c.children[i]
		f.column(k, &want.Parts[i], &have.Children[i], path+"."+want.Parts[i].Name)
		k.from = i
		c.below = c.below || k.changes
	}
	c.changes = c.below || c.refuse
}

func isList(k ipc.Kind) bool {
	return k == ipc.KindList || k == ipc.KindLargeList || k == ipc.KindListView || k == ipc.KindLargeListView
}

// below makes the columns below d what the table has.
func (f *fitting) below(h Handle, c *columnFit, d *column.Data, zero bool) (converted bool, err error) {
	have := d.Children
	d.Children = record.Children(h, len(c.children))
	for i := range c.children {
		k, child := &c.children[i], &d.Children[i]
		var visible []byte
		if k.from < 0 {
			*child = column.Data{Len: d.Len}
			if c.want.Type.Kind == ipc.KindUnion && d.Buffers[2] != nil {
				child.Len = 0
			}
		} else {
			if *child = have[k.from]; !k.changes && !zero || k.have == nil {
				continue
			}
			if c.isRuns() {
				visible, err = c.visibleRuns(h, d, child.Len)
			} else {
				visible, err = c.want.From.below.visible(c, h, d, i, child.Len)
			}
			if err != nil {
				return false, &ConvertError{f.source, c.path, h.Seq(), 0, err}
			}
		}
		child.Padded = false // what is behind converted buffers is anything
		done, err := f.column(h, k, child, visible, zero)
		switch e := err.(type) {
		case nil:
		case *NullError:
			e.Row = c.rowAbove(d, i, e.Row)
			return false, e
		case *ConvertError:
			e.Row = c.rowAbove(d, i, e.Row)
			return false, e
		default:
			return false, err
		}
		converted = converted || done
	}
	return converted, nil
}

// firstNull returns the first row that is null and visible, or -1.
func firstNull(d *column.Data, visible []byte) int {
	if visible == nil || d.Buffers[0] == nil {
		return d.FirstNull()
	}
	for i, v := range visible {
		if null := v &^ d.Buffers[0][i]; null != 0 {
			return 8*i + bits.TrailingZeros8(null)
		}
	}
	return -1
}

// hide makes the rows null that are not visible. The bitmap is d's from now on.
func hide(d *column.Data, visible []byte) {
	for i, v := range d.Buffers[0] {
		visible[i] &= v
	}
	d.Buffers[0] = visible
	d.Nulls = d.Len - asm.CountBits(visible, d.Len)
}

// visible, of a column that is not run-end encoded in the stream, returns a bit for each of the n rows of column k below d that one of d's rows has, nil if that is all of them.
func (c *columnFit) visible(h Handle, d *column.Data, k, n int) ([]byte, error) {
	kind, width := c.want.Type.Kind, c.want.Type.Width
	all := d.Nulls == 0
	switch {
	case kind == ipc.KindUnion:
		all = false
	case kind == ipc.KindStruct:
		all = all && n == d.Len
	case kind == ipc.KindFixedSizeList:
		all = all && n == d.Len*width
	case kind == ipc.KindListView || kind == ipc.KindLargeListView:
		all = false
	default:
		from, _ := c.bounds(d, 0)
		_, to := c.bounds(d, d.Len-1)
		all = all && from == 0 && to == n
	}
	if all {
		return nil, nil
	}
	set, err := record.Scratch(h, (n+7)/8)
	if err != nil {
		return nil, err
	}
	clear(set)
	switch {
	case kind == ipc.KindUnion:
		c.visibleMembers(d, k, set)
	case kind == ipc.KindStruct && d.Nulls == 0:
		asm.SetBits(set, 0, d.Len)
	case kind == ipc.KindStruct:
		copy(set, d.Buffers[0][:d.Len/8])
		for i := d.Len &^ 7; i < d.Len; i++ {
			if !d.IsNull(i) {
				set[i>>3] |= 1 << (i & 7)
			}
		}
	case kind == ipc.KindListView || kind == ipc.KindLargeListView:
		return set, c.overlapping(h, d, n, set)
	default:
		for i := range d.Len {
			if from, to := c.bounds(d, i); from < to && !d.IsNull(i) {
				asm.SetBits(set, from, to-from)
			}
		}
	}
	return set, nil
}

// overlapping sets the bits of items that rows of a list view have. Rows may share items, all of them all, so they are counted by
// where they begin and end.
func (c *columnFit) overlapping(h Handle, d *column.Data, n int, set []byte) error {
	more, err := scratch[int32](h, n+1)
	if err != nil {
		return err
	}
	clear(more)
	for i := range d.Len {
		if from, to := c.bounds(d, i); from < to && !d.IsNull(i) {
			more[from]++
			more[to]--
		}
	}
	open := int32(0)
	for i := range n {
		if open += more[i]; open > 0 {
			set[i>>3] |= 1 << (i & 7)
		}
	}
	return nil
}

// bounds returns which rows below d row i has.
func (c *columnFit) bounds(d *column.Data, i int) (from, to int) {
	switch k := c.want.Type.Kind; {
	case k == ipc.KindFixedSizeList:
		return i * c.want.Type.Width, (i + 1) * c.want.Type.Width
	case d.Len == 0:
		return 0, 0
	case k == ipc.KindList || k == ipc.KindMap:
		return int(column.SignedAt(d, 4, i)), int(column.SignedAt(d, 4, i+1))
	case k == ipc.KindLargeList:
		return int(column.SignedAt(d, 8, i)), int(column.SignedAt(d, 8, i+1))
	}
	width := 4
	if c.want.Type.Kind == ipc.KindLargeListView {
		width = 8
	}
	sizes := column.Data{Buffers: [3][]byte{1: d.Buffers[2]}}
	from = int(column.SignedAt(d, width, i))
	return from, from + int(column.SignedAt(&sizes, width, i))
}

// isRuns tells whether the column is run-end encoded in the stream.
func (c *columnFit) isRuns() bool { return c.have != nil && c.have.Type.Kind == ipc.KindRunEndEncoded }

// rowAbove returns the row that has row below of column k below d.
func (c *columnFit) rowAbove(d *column.Data, k, below int) int {
	if c.isRuns() {
		return c.firstOfRun(d, below)
	}
	return c.want.From.below.rowOf(c, d, k, below)
}

// rowOf is rowAbove of a column that is not run-end encoded in the stream.
func (c *columnFit) rowOf(d *column.Data, k, below int) int {
	switch c.want.Type.Kind {
	case ipc.KindUnion:
		return c.rowOfMember(d, k, below)
	case ipc.KindStruct:
		return below
	case ipc.KindFixedSizeList:
		return below / c.want.Type.Width
	}
	for i := range d.Len {
		if from, to := c.bounds(d, i); from <= below && below < to && !d.IsNull(i) {
			return i
		}
	}
	return 0
}

// convertLists brings the offsets of lists to those of kind want.
func convertLists(want ipc.Kind, have ipc.Type) converter {
	switch w, h := want, have.Kind; {
	case w == h:
		return nil
	case w == ipc.KindLargeList && h == ipc.KindList:
		return widenOffsets
	case w == ipc.KindList && h == ipc.KindLargeList:
		return narrowItems
	case w == ipc.KindList && h == ipc.KindFixedSizeList:
		return fixedToList[int32](have.Width)
	case w == ipc.KindLargeList && h == ipc.KindFixedSizeList:
		return fixedToList[int64](have.Width)
	case w == ipc.KindList:
		return viewsToList[int32](h == ipc.KindLargeListView)
	case w == ipc.KindLargeList:
		return viewsToList[int64](h == ipc.KindLargeListView)
	}
	return listToViews(want == ipc.KindLargeListView, have)
}

func narrowItems(h Handle, d *column.Data) (int, error) {
	if d.Len == 0 {
		d.Buffers[1] = nil
		return 0, nil
	}
	if to := column.SignedAt(d, 8, d.Len); to > math.MaxInt32 {
		return d.Len - 1, fmt.Errorf("%w: the items go to %d; 32-bit offsets reach 2,147,483,647; use a large list, or send smaller batches", ErrInexact, to)
	}
	dst, err := scratch[int32](h, d.Len+1)
	if err != nil {
		return 0, err
	}
	for i := range dst {
		dst[i] = int32(column.SignedAt(d, 8, i))
	}
	d.Buffers[1] = column.Bytes(dst)
	return 0, nil
}

// fixedToList gives lists of width items their offsets.
func fixedToList[O int32 | int64](width int) converter {
	return func(h Handle, d *column.Data) (row int, err error) {
		if int64(O(d.Len*width)) != int64(d.Len*width) {
			return d.Len - 1, fmt.Errorf("%w: %d rows of %d items; 32-bit offsets reach 2,147,483,647; use a large list, or send smaller batches", ErrInexact, d.Len, width)
		}
		d.Buffers[1], err = steps[O](h, d.Len, width)
		return 0, err
	}
}

// viewsToList takes lists that say where they begin, if each begins where the one before ends.
func viewsToList[O int32 | int64](wide bool) converter {
	width := 4
	if wide {
		width = 8
	}
	return func(h Handle, d *column.Data) (int, error) {
		dst, err := scratch[O](h, d.Len+1)
		if err != nil {
			return 0, err
		}
		sizes := column.Data{Buffers: [3][]byte{1: d.Buffers[2]}}
		end, any := int64(0), false
		for i := range d.Len {
			from, size := column.SignedAt(d, width, i), column.SignedAt(&sizes, width, i)
			switch {
			case d.IsNull(i) || size == 0:
				from, size = end, 0
			case !any:
				end, any = from, true
				for k := range i + 1 { // what comes before is empty
					dst[k] = O(from)
				}
			}
			if from != end || int64(O(from+size)) != from+size {
				return i, fmt.Errorf("%w: the items of the row begin at %d, those of the row before end at %d; make it a list view", ErrInexact, from, end)
			}
			dst[i] = O(from)
			end = from + size
		}
		dst[d.Len] = O(end)
		d.Buffers[1], d.Buffers[2] = column.Bytes(dst), nil
		return 0, nil
	}
}

// listToViews has lists say where they begin and how many items they have.
func listToViews(wide bool, have ipc.Type) converter {
	if wide {
		return toViews[int64](have)
	}
	return toViews[int32](have)
}

func toViews[O int32 | int64](have ipc.Type) converter {
	c := columnFit{want: &Column{Field: ipc.Field{Type: have}}}
	return func(h Handle, d *column.Data) (int, error) {
		starts, err := scratch[O](h, d.Len)
		if err != nil {
			return 0, err
		}
		sizes, err := scratch[O](h, d.Len)
		if err != nil {
			return 0, err
		}
		for i := range d.Len {
			from, to := c.bounds(d, i)
			if d.IsNull(i) {
				from, to = 0, 0
			}
			if starts[i], sizes[i] = O(from), O(to-from); int(starts[i]) != from || int(sizes[i]) != to-from {
				return i, fmt.Errorf("%w: the items of the row begin at %d; 32-bit offsets reach 2,147,483,647; use a large list, or send smaller batches", ErrInexact, from)
			}
		}
		d.Buffers[1], d.Buffers[2] = column.Bytes(starts), column.Bytes(sizes)
		return 0, nil
	}
}
