package column

import (
	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Data is one column as its buffers: what a decoder has found in a message, and what an encoder sends.
//
// The zero value is a column of no rows. Data is a description and owns nothing: what keeps the memory alive is said
// by whoever hands it out.
type Data struct {
	Len   int // rows
	Nulls int // null rows, 0 ≤ Nulls ≤ Len

	// Buffers are validity, then values, offsets, indices or views, then the bytes of text, as the layout has them. An
	// absent buffer is nil. Lengths are exact, without padding.
	Buffers [3][]byte

	// Variadic are the data buffers of a view layout.
	Variadic [][]byte

	// Dictionary says what the indices of a dictionary column stand for, nil for all other columns. Values is the part of
	// it that the batch was made with, so that a dictionary that grows does not change an older batch.
	Dictionary *Dictionary
	Values     Values

	// Children are the columns below a nested one.
	Children []Data

	// Padded tells that each buffer has capacity up to the next multiple of 64, that those bytes are zero, and that bits
	// past the end of a bitmap are zero: the buffers can be sent with their padding as they are.
	Padded bool

	// ValidUTF8 tells that the text of the column is known to be valid, so that nobody has to look again before it is sent. Builders
	// of text set it, unless rows were added to the bytes below them.
	ValidUTF8 bool
}

// IsNull tells whether row i is null by the validity buffer. (A dictionary column may also point at a null value.)
func (d *Data) IsNull(i int) bool {
	v := d.Buffers[0]
	return v != nil && v[i>>3]&(1<<(i&7)) == 0
}

// FirstNull returns the first null row, or -1.
func (d *Data) FirstNull() int {
	if d.Buffers[0] == nil {
		return -1
	}
	return asm.FirstZero(d.Buffers[0], d.Len)
}

// bit reads bit i of a bitmap in which nil stands for all ones.
func bit(bitmap []byte, i int) bool {
	return bitmap == nil || bitmap[i>>3]&(1<<(i&7)) != 0
}

// Clone returns the column in memory of its own, padded with zeros. Dictionaries are shared, as they never change.
func (d *Data) Clone() Data {
	c := *d
	c.Padded = false // bits past the end of a bitmap are what they were
	for i, b := range d.Buffers {
		c.Buffers[i] = cloned(b)
	}
	if d.Variadic != nil {
		c.Variadic = make([][]byte, len(d.Variadic))
		for i, b := range d.Variadic {
			c.Variadic[i] = cloned(b)
		}
	}
	if d.Children != nil {
		c.Children = make([]Data, len(d.Children))
		for i := range d.Children {
			c.Children[i] = d.Children[i].Clone()
		}
	}
	return c
}

// cloned copies a buffer; one that is there but empty stays there.
func cloned(b []byte) []byte {
	if b == nil {
		return nil
	}
	if len(b) == 0 {
		return []byte{}
	}
	c := mem.Alloc(len(b))
	copy(c, b)
	return c
}
