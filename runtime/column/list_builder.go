package column

import (
	"fmt"
	"slices"
	"sort"
)

// ListBuilder fills a list column. B is the builder of its items, which are the rows' own one after the other, and E what rows
// have of an item.
type ListBuilder[E any, B Builder] struct{ lists[int32, E, B] }

// LargeListBuilder fills a list column with 64-bit offsets.
type LargeListBuilder[E any, B Builder] struct{ lists[int64, E, B] }

// ListOf returns the builder of a list column. Add adds some to the items.
func ListOf[E any, B Builder](items B, add func(B, []E)) *ListBuilder[E, B] {
	return &ListBuilder[E, B]{listsOf[int32](items, add)}
}

// LargeListOf is [ListOf] with 64-bit offsets.
func LargeListOf[E any, B Builder](items B, add func(B, []E)) *LargeListBuilder[E, B] {
	return &LargeListBuilder[E, B]{listsOf[int64](items, add)}
}

// lists is what builders of lists share.
type lists[O int32 | int64, E any, B Builder] struct {
	listRows[O]
	items B
	add   func(B, []E)
}

func listsOf[O int32 | int64, E any, B Builder](items B, add func(B, []E)) lists[O, E, B] {
	return lists[O, E, B]{listRows[O]{below: items}, items, add}
}

// listRows is what does not depend on the items, and is compiled once for each width of offsets.
type listRows[O int32 | int64] struct {
	header
	below    Builder // of the items
	offsets  []O     // one more than rows, from 0; empty before the first row
	children [1]Data
}

// Init sets what the column and its items may hold.
func (b *listRows[O]) Init(c Config) {
	b.header.Init(c)
	b.below.Init(c.Children[0])
}

// Items returns the builder of the items, to fill row by row: each is ended by [ListBuilder.End].
func (b *lists[O, E, B]) Items() B { return b.items }

// Children returns the builder of the items.
func (b *listRows[O]) Children() []Builder { return []Builder{b.below} }

// Len returns the number of rows.
func (b *listRows[O]) Len() int { return max(len(b.offsets)-1, 0) }

// Size returns about how many bytes of body the rows take.
func (b *listRows[O]) Size() int {
	return len(b.offsets)*SizeOf[O]() + len(b.validity) + b.below.Size()
}

// Append adds a row of the items v. A nil v is a null row where the column is nullable, an empty one where it is not.
func (b *lists[O, E, B]) Append(v []E) {
	if v == nil && b.Nullable {
		b.AppendNull()
		return
	}
	b.add(b.items, v)
	b.End()
}

// AppendAll adds a row for each of v.
func (b *lists[O, E, B]) AppendAll(v [][]E) {
	for _, items := range v {
		b.Append(items)
	}
}

// AppendNull adds a null row.
func (b *listRows[O]) AppendNull() {
	b.End()
	b.setNull(b.Len() - 1)
}

// AppendBlank adds n rows that stand below a null.
func (b *listRows[O]) AppendBlank(n int) {
	for range n {
		if b.Nullable {
			b.AppendNull()
		} else {
			b.End()
		}
	}
}

// End adds a row of the items that were added since the row before.
func (b *listRows[O]) End() {
	if len(b.offsets) == 0 {
		b.start()
	}
	end := b.below.Len()
	if int(O(end)) != end {
		last := int(b.offsets[len(b.offsets)-1])
		b.fail(b.Len(), fmt.Errorf("%w: %d items are there, %d more came; send smaller batches", ErrTooManyItems, last, end-last))
		b.below.Truncate(last)
		end = last
	}
	if len(b.offsets) == cap(b.offsets) {
		b.offsets = growFixed(b.offsets, 1)
	}
	b.offsets = append(b.offsets, O(end))
}

// start sets the first offset.
func (b *listRows[O]) start() { b.offsets = append(growFixed(b.offsets, 64), 0) }

// Err returns the first error, a *ValueError.
func (b *listRows[O]) Err() error {
	if b.err != nil {
		return b.err
	}
	rows := b.Len()
	if end := b.below.Len(); rows != 0 && end != int(b.offsets[rows]) || rows == 0 && end != 0 {
		return &ValueError{b.Name, rows, fmt.Errorf("%w: the items of a row that was not ended; end each row by End", ErrUneven)}
	}
	return errBelow(b.below, func(item int) int {
		return sort.Search(rows, func(row int) bool { return int(b.offsets[row+1]) > item })
	})
}

// errBelow returns the error of a column below, told by the row that it is in.
func errBelow(b Builder, row func(int) int) error {
	err := b.Err()
	if e, ok := err.(*ValueError); ok {
		return &ValueError{e.Column, row(e.Row), e.Err}
	}
	return err
}

// Reset drops all rows and the error and keeps the memory.
func (b *listRows[O]) Reset() {
	b.offsets = b.offsets[:min(len(b.offsets), 1)]
	b.below.Reset()
	b.reset()
}

// Truncate drops the rows from n on, with items that were not ended.
func (b *listRows[O]) Truncate(n int) {
	n = min(n, b.Len())
	end := 0
	if len(b.offsets) != 0 {
		b.offsets = b.offsets[:n+1]
		end = int(b.offsets[n])
	}
	b.below.Truncate(end)
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *listRows[O]) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *listRows[O]) DataTo(d *Data) {
	b.rows(d)
	b.below.DataTo(&b.children[0])
}

// rows sets d to the rows without their items.
func (b *listRows[O]) rows(d *Data) {
	if len(b.offsets) == 0 {
		b.start()
	}
	b.data(d, len(b.offsets)-1)
	d.Buffers[1] = pad(Bytes(b.offsets))
	d.Children = b.children[:]
}

// ListViewBuilder fills a list column whose rows say where their items begin and how many there are.
type ListViewBuilder[E any, B Builder] struct {
	ListBuilder[E, B]
	starts, sizes []int32
}

// ListViewOf returns the builder of a list view column. Add adds some to the items.
func ListViewOf[E any, B Builder](items B, add func(B, []E)) *ListViewBuilder[E, B] {
	return &ListViewBuilder[E, B]{ListBuilder: *ListOf(items, add)}
}

// Data returns the rows as buffers.
func (b *ListViewBuilder[E, B]) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *ListViewBuilder[E, B]) DataTo(d *Data) {
	b.ListBuilder.DataTo(d)
	b.starts, b.sizes = growFixed(b.starts[:0], d.Len)[:d.Len], growFixed(b.sizes[:0], d.Len)[:d.Len]
	for i := range d.Len {
		b.starts[i], b.sizes[i] = b.offsets[i], b.offsets[i+1]-b.offsets[i]
	}
	d.Buffers[1], d.Buffers[2] = pad(Bytes(b.starts)), pad(Bytes(b.sizes))
}

// FixedListBuilder fills a column of lists of the same number of items. Rows have them as an array A of E.
type FixedListBuilder[A, E any, B Builder] struct {
	header
	items    B
	add      func(B, []E)
	slice    func(*A) []E
	row      A // being added: where it was passed it would be moved to the heap
	width    int
	children [1]Data
}

// FixedListOf returns the builder of a column of lists of as many items as slice returns of an array. Add adds some to the items.
func FixedListOf[A, E any, B Builder](items B, slice func(*A) []E, add func(B, []E)) *FixedListBuilder[A, E, B] {
	return &FixedListBuilder[A, E, B]{items: items, add: add, slice: slice, width: len(slice(new(A)))}
}

// Init sets what the column and its items may hold.
func (b *FixedListBuilder[A, E, B]) Init(c Config) {
	b.header.Init(c)
	b.items.Init(c.Children[0])
}

// Items returns the builder of the items, as many for each row as the column says.
func (b *FixedListBuilder[A, E, B]) Items() B { return b.items }

// Children returns the builder of the items.
func (b *FixedListBuilder[A, E, B]) Children() []Builder { return []Builder{b.items} }

// Len returns the number of rows.
func (b *FixedListBuilder[A, E, B]) Len() int { return b.items.Len() / b.width }

// Size returns about how many bytes of body the rows take.
func (b *FixedListBuilder[A, E, B]) Size() int { return b.items.Size() + len(b.validity) }

// Append adds a row.
func (b *FixedListBuilder[A, E, B]) Append(v A) {
	b.row = v
	b.add(b.items, b.slice(&b.row))
}

// AppendAll adds a row for each of v.
func (b *FixedListBuilder[A, E, B]) AppendAll(v []A) {
	for i := range v {
		b.add(b.items, b.slice(&v[i]))
	}
}

// AppendNull adds a null row.
func (b *FixedListBuilder[A, E, B]) AppendNull() {
	n := b.Len()
	b.items.AppendBlank(b.width)
	b.setNull(n)
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *FixedListBuilder[A, E, B]) AppendNullable(v A, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *FixedListBuilder[A, E, B]) AppendPtr(p *A) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.add(b.items, b.slice(p))
}

// AppendBlank adds n rows that stand below a null.
func (b *FixedListBuilder[A, E, B]) AppendBlank(n int) {
	for range n {
		if b.Nullable {
			b.AppendNull()
		} else {
			b.items.AppendBlank(b.width)
		}
	}
}

// Err returns the first error, a *ValueError.
func (b *FixedListBuilder[A, E, B]) Err() error {
	switch n := b.items.Len(); {
	case b.err != nil:
		return b.err
	case n%b.width != 0:
		return &ValueError{b.Name, n / b.width, fmt.Errorf("%w: %d items, want a multiple of %d; add as many for each row", ErrUneven, n, b.width)}
	}
	return errBelow(b.items, func(item int) int { return item / b.width })
}

// Reset drops all rows and the error and keeps the memory.
func (b *FixedListBuilder[A, E, B]) Reset() { b.items.Reset(); b.reset() }

// Truncate drops the rows from n on.
func (b *FixedListBuilder[A, E, B]) Truncate(n int) {
	n = min(n, b.Len())
	b.items.Truncate(n * b.width)
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *FixedListBuilder[A, E, B]) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *FixedListBuilder[A, E, B]) DataTo(d *Data) {
	b.data(d, b.Len())
	b.items.DataTo(&b.children[0])
	d.Children = b.children[:]
}

// MapBuilder fills a map column. The entries of a Go map are written in the order of their keys, so that the same map gives the
// same bytes.
type MapBuilder[K comparable, V any, BK, BV Builder] struct {
	lists[int32, K, BK] // of keys
	values              BV
	addValues           func(BV, []V)
	compare             func(a, b K) int
	sorted              []K // keys and values of the map being added
	inOrder             []V
	entries             [2]Data
}

// MapOf returns the builder of a map column, of its keys, their order, and its values.
func MapOf[K comparable, V any, BK, BV Builder](keys BK, addKeys func(BK, []K), compare func(a, b K) int, values BV, addValues func(BV, []V)) *MapBuilder[K, V, BK, BV] {
	return &MapBuilder[K, V, BK, BV]{lists: listsOf[int32](keys, addKeys), values: values, addValues: addValues, compare: compare}
}

// Init sets what the column, its keys and its values may hold.
func (b *MapBuilder[K, V, BK, BV]) Init(c Config) {
	entries := c.Children[0]
	b.header.Init(c)
	b.items.Init(entries.Children[0])
	b.values.Init(entries.Children[1])
}

// Keys returns the builder of the keys, to fill row by row: each is ended by [MapBuilder.End].
func (b *MapBuilder[K, V, BK, BV]) Keys() BK { return b.items }

// Values returns the builder of the values, of which there must be one for each key.
func (b *MapBuilder[K, V, BK, BV]) Values() BV { return b.values }

// Children returns the builders of keys and values.
func (b *MapBuilder[K, V, BK, BV]) Children() []Builder { return []Builder{b.items, b.values} }

// Size returns about how many bytes of body the rows take.
func (b *MapBuilder[K, V, BK, BV]) Size() int { return b.lists.Size() + b.values.Size() }

// Append adds a row. A nil map is a null row where the column is nullable, an empty one where it is not.
func (b *MapBuilder[K, V, BK, BV]) Append(m map[K]V) {
	if m == nil && b.Nullable {
		b.AppendNull()
		return
	}
	for k := range m {
		b.sorted = append(b.sorted, k)
	}
	slices.SortFunc(b.sorted, b.compare)
	for _, k := range b.sorted {
		b.inOrder = append(b.inOrder, m[k])
	}
	b.add(b.items, b.sorted)
	b.addValues(b.values, b.inOrder)
	clear(b.sorted) // they keep nothing alive
	clear(b.inOrder)
	b.sorted, b.inOrder = b.sorted[:0], b.inOrder[:0]
	b.End()
}

// AppendAll adds a row for each of v.
func (b *MapBuilder[K, V, BK, BV]) AppendAll(v []map[K]V) {
	for _, m := range v {
		b.Append(m)
	}
}

// Err returns the first error, a *ValueError.
func (b *MapBuilder[K, V, BK, BV]) Err() error {
	if err := b.lists.Err(); err != nil {
		return err
	}
	rows := b.Len()
	rowOf := func(item int) int {
		return sort.Search(rows, func(row int) bool { return int(b.offsets[row+1]) > item })
	}
	if keys, values := b.items.Len(), b.values.Len(); keys != values {
		row := max(min(rowOf(min(keys, values)), rows-1), 0)
		return &ValueError{b.Name, row, fmt.Errorf("%w: %d keys and %d values; add a value for each key", ErrUneven, keys, values)}
	}
	return errBelow(b.values, rowOf)
}

// Reset drops all rows and the error and keeps the memory.
func (b *MapBuilder[K, V, BK, BV]) Reset() { b.lists.Reset(); b.values.Reset() }

// Truncate drops the rows from n on, with entries that were not ended.
func (b *MapBuilder[K, V, BK, BV]) Truncate(n int) {
	b.lists.Truncate(n)
	b.values.Truncate(min(b.items.Len(), b.values.Len()))
}

// Data returns the rows as buffers.
func (b *MapBuilder[K, V, BK, BV]) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *MapBuilder[K, V, BK, BV]) DataTo(d *Data) {
	b.rows(d)
	b.items.DataTo(&b.entries[0])
	b.values.DataTo(&b.entries[1])
	b.children[0] = Data{Len: b.entries[0].Len, Padded: true, Children: b.entries[:]}
}

// StructBuilder fills a struct column: a builder of each field, all of the same number of rows. Generated builders of structs
// embed it.
type StructBuilder struct {
	header
	fields   []Builder
	children []Data
}

// Fields sets the builders of the fields. It is for generated code only.
func (b *StructBuilder) Fields(fields ...Builder) {
	b.fields, b.children = fields, make([]Data, len(fields))
}

// Init sets what the column and its fields may hold. It is for generated code only.
func (b *StructBuilder) Init(c Config) {
	b.header.Init(c)
	for i, f := range b.fields {
		f.Init(c.Children[i])
	}
}

// Children returns the builders of the fields.
func (b *StructBuilder) Children() []Builder { return b.fields }

// Len returns the number of rows, which is that of the first field.
func (b *StructBuilder) Len() int { return b.fields[0].Len() }

// Size returns about how many bytes of body the rows take.
func (b *StructBuilder) Size() int {
	n := len(b.validity)
	for _, f := range b.fields {
		n += f.Size()
	}
	return n
}

// AppendNull adds a null row.
func (b *StructBuilder) AppendNull() {
	n := b.Len()
	for _, f := range b.fields {
		f.AppendBlank(1)
	}
	b.setNull(n)
}

// AppendBlank adds n rows that stand below a null.
func (b *StructBuilder) AppendBlank(n int) {
	if b.Nullable {
		for range n {
			b.AppendNull()
		}
		return
	}
	for _, f := range b.fields {
		f.AppendBlank(n)
	}
}

// Err returns the first error, a *ValueError.
func (b *StructBuilder) Err() error {
	if b.err != nil {
		return b.err
	}
	rows := b.Len()
	for i, f := range b.fields {
		if n := f.Len(); n != rows {
			return &ValueError{b.Name, min(n, rows), fmt.Errorf("%w: field %q has %d rows, field %q has %d; give each the same number",
				ErrUneven, b.Config.Children[i].field(), n, b.Config.Children[0].field(), rows)}
		}
		if err := f.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Reset drops all rows and the error and keeps the memory.
func (b *StructBuilder) Reset() {
	for _, f := range b.fields {
		f.Reset()
	}
	b.reset()
}

// Truncate drops the rows from n on.
func (b *StructBuilder) Truncate(n int) {
	for _, f := range b.fields {
		f.Truncate(min(n, f.Len()))
	}
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *StructBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *StructBuilder) DataTo(d *Data) {
	b.data(d, b.Len())
	for i, f := range b.fields {
		f.DataTo(&b.children[i])
	}
	d.Children = b.children
}
