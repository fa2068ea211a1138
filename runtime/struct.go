package rt

import "github.com/lightstream-go/lightstream/runtime/column"

// Struct is a struct column of a batch, or a part of one: what generated views of structs wrap. Like the accessors of a batch
// those of a view panic after the batch was released.
type Struct struct {
	h       Handle
	d       *column.Data
	from, n int
}

// StructOf returns the struct column d of batch h.
func StructOf(h Handle, d *column.Data) Struct { return Struct{h, d, 0, d.Len} }

// Len returns the number of rows.
func (s Struct) Len() int { return s.n }

// IsNull tells whether row i is null.
func (s Struct) IsNull(i int) bool {
	s.h.Len() // panics if the batch was released
	return s.d.IsNull(s.from + i)
}

// Field returns column i below the struct, of which [Struct.Bounds] are the rows.
func (s Struct) Field(i int) *column.Data {
	s.h.Len() // panics if the batch was released
	return &s.d.Children[i]
}

// Batch returns the batch.
func (s Struct) Batch() Handle { return s.h }

// Bounds returns which rows of the whole column these are: from … to-1.
func (s Struct) Bounds() (from, to int) { return s.from, s.from + s.n }

// Slice returns the rows from … to-1.
func (s Struct) Slice(from, to int) Struct {
	_ = make([]struct{}, s.n)[from:to] // are there so many
	return Struct{s.h, s.d, s.from + from, to - from}
}
