package arrowgo

import (
	"math"
	"sort"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// nested sets the buffers of a nested column but its validity, and the columns below it.
func (s *source) nested(d *column.Data) (err error) {
	if have := len(s.data.Children()); have != len(s.children) {
		return s.malformed("children", "%d arrays, want %d", have, len(s.children))
	}
	d.Children = make([]column.Data, len(s.children))
	t := s.field.Type
	switch t.Kind {
	case ipc.KindStruct:
		return s.all(d, s.offset, s.rows)
	case ipc.KindFixedSizeList:
		if t.Width > 0 && s.offset+s.rows > math.MaxInt/t.Width {
			return s.malformed("children", "%d rows of %d items", s.offset+s.rows, t.Width)
		}
		return s.all(d, s.offset*t.Width, s.rows*t.Width)
	case ipc.KindUnion:
		if d.Buffers[1], err = s.slice(1, "types", s.rows, 1); err != nil {
			return err
		}
		if t.Variant == 0 {
			return s.all(d, s.offset, s.rows)
		}
		if d.Buffers[2], err = s.values(2, "offsets", 4); err != nil {
			return err
		}
	case ipc.KindListView, ipc.KindLargeListView:
		width := offsetWidth(t)
		if d.Buffers[1], err = s.values(1, "offsets", width); err != nil {
			return err
		}
		if d.Buffers[2], err = s.values(2, "sizes", width); err != nil {
			return err
		}
	case ipc.KindRunEndEncoded:
		return s.runs(d)
	default:
		from, to, err := s.offsets(d, s.data.Children()[0].Len(), "items")
		if err != nil {
			return err
		}
		return s.all(d, from, to-from)
	}
	for i := range s.children { // the rows may be any of theirs
		child := s.data.Children()[i]
		if err := s.children[i].read(&d.Children[i], child, 0, child.Len()); err != nil {
			return err
		}
	}
	return nil
}

// all reads the same rows of each child.
func (s *source) all(d *column.Data, from, rows int) error {
	for i := range s.children {
		if err := s.children[i].read(&d.Children[i], s.data.Children()[i], from, rows); err != nil {
			return err
		}
	}
	return nil
}

// runs reads the runs that the rows are part of. Their ends count from the first row.
func (s *source) runs(d *column.Data) error {
	ends, values := s.data.Children()[0], s.data.Children()[1]
	e := &d.Children[0]
	if err := s.children[0].read(e, ends, 0, ends.Len()); err != nil {
		return err
	}
	width := widthOf(s.field.Children[0].Type)
	end := func(i int) int64 { return signed(e.Buffers[1], width, i) }
	// Ends that do not rise lead nowhere, but not outside either.
	first := sort.Search(e.Len, func(i int) bool { return end(i) > int64(s.offset) })
	last := first
	if s.rows != 0 {
		last += sort.Search(e.Len-first, func(i int) bool { return end(first+i) >= int64(s.offset+s.rows) }) + 1
	}
	if last > e.Len {
		return s.malformed("run_ends", "the last run ends before row %d", s.offset+s.rows)
	}
	e.Len, e.Buffers[1] = last-first, e.Buffers[1][first*width:last*width]
	if s.offset != 0 && e.Len != 0 {
		e.Buffers[1] = s.copy(e.Buffers[1])
		subtract(e.Buffers[1], width, int64(s.offset))
	}
	return s.children[1].read(&d.Children[1], values, first, last-first)
}
