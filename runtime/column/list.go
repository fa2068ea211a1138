package column

import (
	"encoding/binary"
	"iter"
)

// Lists is a column of lists: each row is a part of one column of items, of which V is the view.
type Lists[V Rows[V]] struct {
	list
	items V
}

// list is what lists of all items have. What does not depend on them is compiled once.
type list struct {
	validity bitmap
	offsets  []byte // of the rows, from the first on; nil where rows have a fixed length
	sizes    []byte // of rows that say so themselves, else nil
	wide     bool   // offsets and sizes have 64 bits, not 32
	width    int    // items of each row where that is fixed
	from, n  int    // rows before the first, where rows have a fixed length; rows
}

// Offsets is the width of the offsets and sizes of a column of lists.
type Offsets bool

const (
	Offsets32 Offsets = false // of lists and list views
	Offsets64 Offsets = true  // of the large ones
)

// ListsOf returns the view of a list column or, with 64-bit offsets, a large one.
func ListsOf[V Rows[V]](d *Data, width Offsets, items V) Lists[V] {
	return Lists[V]{list{validity: validityOf(d), offsets: orEmpty(d.Buffers[1]), wide: bool(width), n: d.Len}, items}
}

// ListViewsOf returns the view of a list view column or, with 64-bit offsets and sizes, a large one.
func ListViewsOf[V Rows[V]](d *Data, width Offsets, items V) Lists[V] {
	c := ListsOf(d, width, items)
	c.sizes = orEmpty(d.Buffers[2])
	return c
}

// FixedListsOf returns the view of a column of lists of width items.
func FixedListsOf[V Rows[V]](d *Data, width int, items V) Lists[V] {
	return Lists[V]{list{validity: validityOf(d), width: width, n: d.Len}, items}
}

func orEmpty(b []byte) []byte {
	if b == nil {
		return empty
	}
	return b
}

// Child returns the i-th column below a nested one.
func (d *Data) Child(i int) *Data { return &d.Children[i] }

// Len returns the number of rows.
func (c list) Len() int { return c.n }

// IsNull tells whether row i is null.
func (c list) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the items of row i, none where it is null. They alias the batch.
func (c Lists[V]) At(i int) V { return c.items.Slice(c.bounds(i)) }

// Get returns the items of row i, and whether there is a list.
func (c Lists[V]) Get(i int) (v V, ok bool) { return c.At(i), !c.IsNull(i) }

// Bounds returns which of [Lists.Items] row i has: from … to-1, none where it is null.
func (c list) Bounds(i int) (from, to int) { return c.bounds(i) }

func (c *list) bounds(i int) (from, to int) {
	if c.offsets == nil {
		rangeOf(i, i+1, c.n)
		from = (c.from + i) * c.width
		to = from + c.width
	} else {
		from = c.integer(c.offsets, i)
		if c.sizes != nil {
			to = from + c.integer(c.sizes, i)
		} else {
			to = c.integer(c.offsets, i+1)
		}
	}
	if !c.validity.has(i) {
		return 0, 0
	}
	return from, to
}

// integer reads an offset or size.
func (c *list) integer(b []byte, i int) int {
	if c.wide {
		return int(int64(binary.LittleEndian.Uint64(b[8*i:])))
	}
	return int(int32(binary.LittleEndian.Uint32(b[4*i:])))
}

// Items returns the items of all rows, one row's after the other's. Between them, and before the first, there may be others that
// no row has.
func (c Lists[V]) Items() V { return c.items }

// Slice returns the rows from … to-1.
func (c Lists[V]) Slice(from, to int) Lists[V] {
	c.slice(from, to)
	return c
}

func (c *list) slice(from, to int) {
	rangeOf(from, to, c.n)
	c.validity, c.n = c.validity.slice(from), to-from
	if c.offsets == nil {
		c.from += from
		return
	}
	width := 4
	if c.wide {
		width = 8
	}
	c.offsets = c.offsets[min(from*width, len(c.offsets)):]
	if c.sizes != nil {
		c.sizes = c.sizes[from*width:]
	}
}

// All yields each row's number and items, none where it is null. The items alias the batch.
func (c Lists[V]) All() iter.Seq2[int, V] { return all(c.Len(), c.At) }

// Span returns the smallest part of [Lists.Items] that has those of all rows.
func (c list) Span() (from, to int) {
	first := true
	for i := range c.n {
		lo, hi := c.bounds(i)
		switch {
		case lo == hi:
		case first:
			from, to, first = lo, hi, false
		default:
			from, to = min(from, lo), max(to, hi)
		}
	}
	return from, to
}

// Maps is a column of maps: lists of entries, in the order in which the sender wrote them. That no key is there twice is up to
// the sender.
type Maps[K Rows[K], V Rows[V]] = Lists[Entries[K, V]]

// MapsOf returns the view of a map column, keys and values being views of the two columns below its entries.
func MapsOf[K Rows[K], V Rows[V]](d *Data, keys K, values V) Maps[K, V] {
	return ListsOf(d, false, Entries[K, V]{keys, values})
}

// Entries are the entries of maps: a key and a value in each row.
type Entries[K Rows[K], V Rows[V]] struct {
	keys   K
	values V
}

// Len returns the number of entries.
func (e Entries[K, V]) Len() int { return e.keys.Len() }

// IsNull returns false.
func (e Entries[K, V]) IsNull(int) bool { return false }

// Keys returns the keys.
func (e Entries[K, V]) Keys() K { return e.keys }

// Values returns the values, in the order of the keys.
func (e Entries[K, V]) Values() V { return e.values }

// Slice returns the entries from … to-1.
func (e Entries[K, V]) Slice(from, to int) Entries[K, V] {
	return Entries[K, V]{e.keys.Slice(from, to), e.values.Slice(from, to)}
}
