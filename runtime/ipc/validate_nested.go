package ipc

import (
	"github.com/lightstream-go/lightstream/runtime/column"
)

// nestedContents checks each value by which rows of a nested column find those of its children.
func (p *columnPlan) nestedContents(d *column.Data) error {
	switch p.layout {
	case layoutList32, layoutList64:
		return p.checkOffsets(d, d.Children[0].Len, "items")
	case layoutListView32, layoutListView64:
		return p.checkListViews(d)
	case layoutSparseUnion, layoutDenseUnion:
		return p.checkUnion(d)
	case layoutRunEnds:
		return p.checkRunEnds(d)
	}
	return nil
}

func (p *columnPlan) checkListViews(d *column.Data) error {
	items := int64(d.Children[0].Len)
	wide := p.layout == layoutListView64
	for i := range d.Len {
		from, size := integerAt(d.Buffers[1], wide, i), integerAt(d.Buffers[2], wide, i)
		if (from < 0 || size < 0 || from > items || size > items-from) && !d.IsNull(i) {
			return p.malformed("offsets", "row %d is %d items from %d on, there are %d", i, size, from, items)
		}
	}
	return nil
}

// integerAt returns value i of 4 or, wide, 8 bytes.
func integerAt(b []byte, wide bool, i int) int64 {
	if wide {
		return int64(le.Uint64(b[8*i:]))
	}
	return int64(int32(le.Uint32(b[4*i:])))
}

// childOf maps the type ids of a union to its children; -1 is none.
func (t Type) childOf(children int) (of [128]int8) {
	for i := range of {
		of[i] = -1
		if t.TypeIDs == nil && i < children {
			of[i] = int8(i)
		}
	}
	for i, id := range t.TypeIDs {
		of[id] = int8(i)
	}
	return of
}

// checkUnion checks that each row has a child and an item of it, and that the items of a child come in order, though rows may share one.
//
// Source: Arrow columnar format, "Dense Union": the offsets of each child are in order, which pyarrow's full validation asks for, too.
func (p *columnPlan) checkUnion(d *column.Data) error {
	of := p.field.Type.childOf(len(p.children))
	var last [128]int64 // of each child
	for i, id := range d.Buffers[1] {
		if id > 127 || of[id] < 0 {
			return p.malformed("types", "row %d has type id %d, which the union does not have", i, int8(id))
		}
		if p.layout == layoutSparseUnion {
			continue
		}
		at, n := integerAt(d.Buffers[2], false, i), d.Children[of[id]].Len
		if at < 0 || at >= int64(n) {
			return p.malformed("offsets", "row %d is item %d of a child with %d", i, at, n)
		}
		switch before := &last[of[id]]; {
		case at >= *before:
			*before = at
		case !d.IsNull(i): // a union of version V4 may be null there
			return p.malformed("offsets", "row %d is item %d of its child, behind item %d, want them in order", i, at, *before)
		}
	}
	return nil
}

func (p *columnPlan) checkRunEnds(d *column.Data) error {
	ends := &d.Children[0]
	last := int64(0)
	for i := range ends.Len {
		end := column.SignedAt(ends, p.children[0].width, i)
		if end <= last {
			return p.malformed("run_ends", "run %d ends at %d, the one before at %d", i, end, last)
		}
		last = end
	}
	if last < int64(d.Len) {
		return p.malformed("run_ends", "the last run ends at %d of %d rows", last, d.Len)
	}
	return nil
}
