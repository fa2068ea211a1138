package column

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// ErrNoMember tells of a value of a type that is no member of the column's union.
var ErrNoMember = errors.New("value is of no member of the union")

// UnionBuilder fills a union column: a builder of each member, and for each row the member that it is of. Generated builders of
// unions embed it.
type UnionBuilder struct {
	header
	members  []Builder
	ids      []int32 // type ids of the members
	null     int     // the member that nil is, -1 for none
	types    []int8
	offsets  []int32 // dense: the row of the member
	counts   []int   // rows of each member
	children []Data
}

// Members sets the builders of the members. Null is the one that nil is, -1 for none. It is for generated code only.
func (b *UnionBuilder) Members(null int, members ...Builder) {
	b.null, b.members = null, members
	b.children, b.counts = make([]Data, len(members)), make([]int, len(members))
}

// Init sets what the column and its members may hold. It is for generated code only.
func (b *UnionBuilder) Init(c Config) {
	b.header.Init(c)
	if b.ids = c.TypeIDs; b.ids == nil {
		b.ids = make([]int32, len(b.members))
		for i := range b.ids {
			b.ids[i] = int32(i)
		}
	}
	for i, m := range b.members {
		m.Init(c.Children[i])
	}
}

// Children returns the builders of the members.
func (b *UnionBuilder) Children() []Builder { return b.members }

// Len returns the number of rows.
func (b *UnionBuilder) Len() int { return len(b.types) }

// Size returns about how many bytes of body the rows take.
func (b *UnionBuilder) Size() int {
	n := len(b.types) + 4*len(b.offsets)
	for _, m := range b.members {
		n += m.Size()
	}
	return n
}

// End adds a row of the member with the given type id: the first value that was added to the member's builder and has no row yet.
func (b *UnionBuilder) End(id int8) {
	k := slices.Index(b.ids, int32(id))
	if k < 0 {
		b.fail(b.Len(), fmt.Errorf("%w: type id %d", ErrNoMember, id))
		b.blank(1)
		return
	}
	b.end(k)
}

// end is End of member k.
func (b *UnionBuilder) end(k int) {
	rows, at := len(b.types), b.counts[k]
	if rows == cap(b.types) {
		b.types = growFixed(b.types, 1)
	}
	b.types = append(b.types, int8(b.ids[k]))
	b.counts[k]++
	if !b.Sparse {
		if at > math.MaxInt32 {
			b.fail(rows, fmt.Errorf("%w: %d items of one member; send smaller batches", ErrTooManyItems, at+1))
		}
		if rows == cap(b.offsets) {
			b.offsets = growFixed(b.offsets, 1)
		}
		b.offsets = append(b.offsets, int32(at))
		return
	}
	for i, m := range b.members {
		if i != k {
			m.AppendBlank(1)
		}
	}
}

// AppendNull adds nil, if the union has a member for it.
func (b *UnionBuilder) AppendNull() {
	if b.null < 0 {
		b.fail(b.Len(), fmt.Errorf("%w: nil, of which the union has no member; give it null as one", ErrNotNullable))
	}
	b.blank(1)
}

// Refuse adds a row for a value that is of no member, which is the column's error.
func (b *UnionBuilder) Refuse(v any) {
	remedy := "name it in the comment of the interface"
	if t := reflect.TypeOf(v); t != nil && t.Kind() == reflect.Pointer {
		remedy = "use the value that it points to"
	}
	b.fail(b.Len(), fmt.Errorf("%w: it is a %T; %s", ErrNoMember, v, remedy))
	b.blank(1)
}

// AppendBlank adds n rows that stand below a null.
func (b *UnionBuilder) AppendBlank(n int) { b.blank(n) }

// blank adds n rows of the member that nil is, or of the first.
func (b *UnionBuilder) blank(n int) {
	k := max(b.null, 0)
	for range n {
		b.members[k].AppendBlank(1)
		b.end(k)
	}
}

// rows returns how many rows member k has to have.
func (b *UnionBuilder) rows(k int) int {
	if b.Sparse {
		return b.Len()
	}
	return b.counts[k]
}

// Err returns the first error, a *ValueError.
func (b *UnionBuilder) Err() error {
	if b.err != nil {
		return b.err
	}
	for k, m := range b.members {
		if n, want := m.Len(), b.rows(k); n != want {
			row, remedy := b.Len(), "end each value's row by End"
			if n < want {
				row, remedy = b.rowOf(k, n), "add a value to the member before End"
			}
			return &ValueError{b.Name, row, fmt.Errorf("%w: member %q has %d rows, the column needs %d; %s",
				ErrUneven, b.Config.Children[k].field(), n, want, remedy)}
		}
		if err := errBelow(m, func(at int) int { return b.rowOf(k, at) }); err != nil {
			return err
		}
	}
	return nil
}

// rowOf returns the row that is row at of member k.
func (b *UnionBuilder) rowOf(k, at int) int {
	if b.Sparse {
		return at
	}
	for i, id := range b.types {
		if int32(id) == b.ids[k] && int(b.offsets[i]) == at {
			return i
		}
	}
	return b.Len()
}

// Reset drops all rows and the error and keeps the memory.
func (b *UnionBuilder) Reset() {
	for _, m := range b.members {
		m.Reset()
	}
	b.types, b.offsets = b.types[:0], b.offsets[:0]
	clear(b.counts)
	b.reset()
}

// Truncate drops the rows from n on, with values that were not ended.
func (b *UnionBuilder) Truncate(n int) {
	n = min(n, b.Len())
	for _, id := range b.types[n:] {
		b.counts[slices.Index(b.ids, int32(id))]--
	}
	b.types = b.types[:n]
	if !b.Sparse {
		b.offsets = b.offsets[:n]
	}
	for k, m := range b.members {
		m.Truncate(min(b.rows(k), m.Len()))
	}
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *UnionBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *UnionBuilder) DataTo(d *Data) {
	d.Len, d.Padded = b.Len(), true
	d.Buffers[1] = pad(Bytes(b.types))
	if !b.Sparse {
		d.Buffers[2] = pad(Bytes(b.offsets))
	}
	for i, m := range b.members {
		m.DataTo(&b.children[i])
	}
	d.Children = b.children
}
