package ipc

import (
	"math/bits"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// A column that is not nullable may have nulls where no row leads to them: below a null of a column above it, between the items of lists, or in
// a member of a union that the row has not chosen. sight finds those that a row leads to. Columns without nulls, which are nearly all, cost a
// look at their counts.
type sight struct {
	sets [][]byte // a bitmap for each column above, kept for the next batch
	used int
}

// maxKept is how many bytes of a bitmap are kept.
const maxKept = 64 << 10

// canShow tells whether a column below d has nulls and is not nullable.
func (p *columnPlan) canShow(d *column.Data) bool {
	if !p.strict {
		return false
	}
	for i := range p.children {
		if c := &p.children[i]; c.mustNot(&d.Children[i]) || c.canShow(&d.Children[i]) {
			return true
		}
	}
	return false
}

// mustNot tells whether d has nulls that no row may lead to.
func (p *columnPlan) mustNot(d *column.Data) bool {
	return !p.field.Nullable && p.hasValidity() && d.Nulls != 0 && d.Buffers[0] != nil
}

// firstShown returns the first column below d that has a null which a row of d leads to and is not nullable, and the row of that column. It is
// nil if there is none. The lengths of buffers must be right; offsets, type ids and run ends may be wrong.
func (s *sight) firstShown(p *columnPlan, d *column.Data) (*columnPlan, int) {
	if !p.canShow(d) {
		return nil, 0
	}
	s.used = 0
	live := d.Buffers[0]
	if d.Nulls == 0 {
		live = nil
	}
	at, row := s.below(p, d, live)
	for i := range s.sets {
		if cap(s.sets[i]) > maxKept {
			s.sets[i] = nil
		}
	}
	return at, row
}

// below is firstShown where a row of d counts whose bit is set; nil are all. Bits behind the last row are anything.
func (s *sight) below(p *columnPlan, d *column.Data, live []byte) (*columnPlan, int) {
	for i := range p.children {
		c, child := &p.children[i], &d.Children[i]
		shows, further := c.mustNot(child), c.canShow(child)
		if !shows && !further {
			continue
		}
		before := s.used
		set := s.items(p, d, live, i)
		valid := child.Buffers[0]
		if child.Nulls == 0 {
			valid = nil
		}
		if shows {
			if row := firstHole(valid, set, child.Len); row >= 0 {
				return c, row
			}
		}
		if further {
			switch {
			case set == nil:
				set = valid
			case valid != nil:
				both := s.set(child.Len)
				for k := range both {
					both[k] = set[k] & valid[k]
				}
				set = both
			}
			if at, row := s.below(c, child, set); at != nil {
				return at, row
			}
		}
		s.used = before
	}
	return nil, 0
}

// firstHole returns the first of n rows whose bit is set in live and not in valid, or -1.
func firstHole(valid, live []byte, n int) int {
	if live == nil {
		return asm.FirstZero(valid, n)
	}
	i, last := 0, (n+7)/8
	for ; i+8 <= last; i += 8 {
		if le.Uint64(live[i:])&^le.Uint64(valid[i:]) != 0 {
			break
		}
	}
	for ; i < last; i++ {
		if hole := live[i] &^ valid[i]; hole != 0 {
			if row := 8*i + bits.TrailingZeros8(hole); row < n {
				return row
			}
		}
	}
	return -1
}

// set returns a bitmap of n zeros.
func (s *sight) set(n int) []byte {
	if s.used == len(s.sets) {
		s.sets = append(s.sets, nil)
	}
	size := (n + 7) / 8
	b := s.sets[s.used]
	if cap(b) < size {
		b = make([]byte, size)
	}
	b = b[:size]
	clear(b)
	s.sets[s.used] = b
	s.used++
	return b
}

// items returns a bit for each row of child k of d to which a row of d leads that is live; nil are all.
func (s *sight) items(p *columnPlan, d *column.Data, live []byte, k int) []byte {
	n := d.Children[k].Len
	switch p.layout {
	case layoutStruct:
		if n == d.Len {
			return live
		}
	case layoutFixedList:
		if live == nil && n == d.Len*p.width {
			return nil
		}
	case layoutList32, layoutList64:
		if wide := p.layout == layoutList64; live == nil && d.Len != 0 && integerAt(d.Buffers[1], wide, 0) == 0 && integerAt(d.Buffers[1], wide, d.Len) == int64(n) {
			return nil
		}
	}
	set := s.set(n)
	switch p.layout {
	case layoutListView32, layoutListView64:
		itemsViewed(p, d, live, set, n)
		return set
	case layoutRunEnds:
		runsSeen(p, d, live, set, n)
		return set
	}
	of := [128]int8{}
	if p.unionLayout() {
		of = p.field.Type.childOf(len(p.children))
	}
	for i := range d.Len {
		if live != nil && live[i>>3]&(1<<(i&7)) == 0 {
			continue
		}
		from, to := int64(i), int64(i)+1
		switch p.layout {
		case layoutList32, layoutList64:
			wide := p.layout == layoutList64
			from, to = integerAt(d.Buffers[1], wide, i), integerAt(d.Buffers[1], wide, i+1)
		case layoutFixedList:
			from = int64(i) * int64(p.width)
			to = from + int64(p.width)
		case layoutSparseUnion, layoutDenseUnion:
			if id := d.Buffers[1][i]; id > 127 || of[id] != int8(k) {
				continue
			}
			if p.layout == layoutDenseUnion {
				from = integerAt(d.Buffers[2], false, i)
				to = from + 1
			}
		}
		if 0 <= from && from < to && to <= int64(n) {
			asm.SetBits(set, int(from), int(to-from))
		}
	}
	return set
}

// itemsViewed sets the bits of the items of a list view. Rows may share items, all of them all, so whole bytes are counted where they begin and end.
func itemsViewed(p *columnPlan, d *column.Data, live, set []byte, n int) {
	wide := p.layout == layoutListView64
	more := make([]int32, len(set)+1)
	for i := range d.Len {
		from, size := integerAt(d.Buffers[1], wide, i), integerAt(d.Buffers[2], wide, i)
		if live != nil && live[i>>3]&(1<<(i&7)) == 0 || from < 0 || size <= 0 || from > int64(n) || size > int64(n)-from {
			continue
		}
		first, last := int(from+7)>>3, int(from+size)>>3 // whole bytes
		if first > last {
			asm.SetBits(set, int(from), int(size))
			continue
		}
		asm.SetBits(set, int(from), 8*first-int(from))
		asm.SetBits(set, 8*last, int(from+size)-8*last)
		more[first]++
		more[last]--
	}
	open := int32(0)
	for i := range set {
		if open += more[i]; open > 0 {
			set[i] = 0xff
		}
	}
}

// runsSeen sets the bits of the runs of which a row is live.
func runsSeen(p *columnPlan, d *column.Data, live, set []byte, n int) {
	ends, row := &d.Children[0], 0
	for k := range min(ends.Len, n) {
		end := int(min(column.SignedAt(ends, p.children[0].width, k), int64(d.Len)))
		for ; row < end; row++ {
			if live == nil || live[row>>3]&(1<<(row&7)) != 0 {
				set[k>>3] |= 1 << (k & 7)
				row = end
				break
			}
		}
	}
}

// shown checks that no row of d leads to a null of a column below it that is not nullable, and says which column is wrong.
func (s *sight) shown(p *columnPlan, d *column.Data) (at *columnPlan, err error) {
	at, row := s.firstShown(p, d)
	if at == nil {
		return nil, nil
	}
	return at, at.malformed("validity", "row %d is null, in a column that is not nullable, and no column above hides it", row)
}
