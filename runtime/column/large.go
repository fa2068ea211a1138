package column

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

// LargeBinaries is a column of byte strings with 64-bit offsets.
type LargeBinaries struct {
	offsets  []int64
	data     []byte
	validity bitmap
}

// LargeBinariesOf returns the view of a large binary column.
func LargeBinariesOf(d *Data) LargeBinaries {
	return LargeBinaries{View[int64](d.Buffers[1]), d.Buffers[2], validityOf(d)}
}

// Len returns the number of rows.
func (c LargeBinaries) Len() int { return max(len(c.offsets)-1, 0) }

// IsNull tells whether row i is null.
func (c LargeBinaries) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the bytes of row i, nil where it is null and never nil elsewhere. They alias the batch and are read-only.
func (c LargeBinaries) At(i int) []byte {
	from, to := c.offsets[i], c.offsets[i+1]
	if !c.validity.has(i) {
		return nil
	}
	if from == to {
		return empty
	}
	return c.data[from:to:to]
}

// Get returns the bytes of row i, and whether there are any.
func (c LargeBinaries) Get(i int) (v []byte, ok bool) {
	v = c.At(i) // never nil where there is one
	return v, v != nil
}

// Clone returns a copy of the bytes of row i, nil where it is null.
func (c LargeBinaries) Clone(i int) []byte { return bytes.Clone(c.At(i)) }

// GetClone returns a copy of the bytes of row i, and whether there are any.
func (c LargeBinaries) GetClone(i int) (v []byte, ok bool) { return c.Clone(i), c.validity.has(i) }

// All yields each row's number and bytes, nil where it is null. The bytes alias the batch.
func (c LargeBinaries) All() iter.Seq2[int, []byte] { return all(c.Len(), c.At) }

// LargeTexts is a column of utf8 strings with 64-bit offsets.
type LargeTexts struct{ c LargeBinaries }

// LargeTextsOf returns the view of a large utf8 column.
func LargeTextsOf(d *Data) LargeTexts { return LargeTexts{LargeBinariesOf(d)} }

// Len returns the number of rows.
func (c LargeTexts) Len() int { return c.c.Len() }

// IsNull tells whether row i is null.
func (c LargeTexts) IsNull(i int) bool { return c.c.IsNull(i) }

// At returns the string of row i, "" where it is null. It aliases the batch: strings.Clone keeps it longer.
func (c LargeTexts) At(i int) string { return stringOf(c.c.At(i)) }

// Get returns the string of row i, and whether there is one.
func (c LargeTexts) Get(i int) (v string, ok bool) {
	b, ok := c.c.Get(i)
	return stringOf(b), ok
}

// Clone returns a copy of the string of row i.
func (c LargeTexts) Clone(i int) string { return strings.Clone(c.At(i)) }

// GetClone returns a copy of the string of row i, and whether there is one.
func (c LargeTexts) GetClone(i int) (v string, ok bool) { return c.Clone(i), !c.IsNull(i) }

// Bytes returns the bytes of row i, none where it is null. They alias the batch and are read-only.
func (c LargeTexts) Bytes(i int) []byte { return c.c.At(i) }

// All yields each row's number and string, "" where it is null. The strings alias the batch.
func (c LargeTexts) All() iter.Seq2[int, string] { return all(c.Len(), c.At) }

// LargeBinaryBuilder fills a column of byte strings with 64-bit offsets.
type LargeBinaryBuilder struct {
	header
	offsets []int64 // one more than rows, from 0; empty before the first row
	text    []byte
}

// Len returns the number of rows.
func (b *LargeBinaryBuilder) Len() int { return max(len(b.offsets)-1, 0) }

// Size returns about how many bytes of body the rows take.
func (b *LargeBinaryBuilder) Size() int { return len(b.offsets)*8 + len(b.text) + len(b.validity) }

// Append adds a copy of v as a row. A nil v is a null row where the column is nullable, an empty one where it is not.
func (b *LargeBinaryBuilder) Append(v []byte) {
	if v == nil && b.Nullable {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(v))
}

// AppendNullable adds a copy of v, or a null row if it is not valid.
func (b *LargeBinaryBuilder) AppendNullable(v []byte, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(v))
}

// AppendPtr adds a copy of what p points to, a null row if that is nothing.
func (b *LargeBinaryBuilder) AppendPtr(p *[]byte) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(*p))
}

// AppendAll adds a row for each of v, as Append does.
func (b *LargeBinaryBuilder) AppendAll(v [][]byte) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendBlank adds n rows that stand below a null.
func (b *LargeBinaryBuilder) AppendBlank(n int) {
	for range n {
		b.end()
	}
	b.blank(b.Len()-n, b.Len())
}

// AppendNull adds a null row.
func (b *LargeBinaryBuilder) AppendNull() { b.setNull(b.end()) }

func (b *LargeBinaryBuilder) append(s string) {
	if len(s) > cap(b.text)-len(b.text) {
		b.text = mem.Grow(b.text, len(s))
	}
	b.text = append(b.text, s...)
	b.end()
}

// end adds a row that ends where the text does, and returns its number.
func (b *LargeBinaryBuilder) end() int {
	if len(b.offsets)+1 >= cap(b.offsets) {
		b.offsets = growFixed(b.offsets, 64)
	}
	if len(b.offsets) == 0 {
		b.offsets = append(b.offsets, 0)
	}
	b.offsets = append(b.offsets, int64(len(b.text)))
	return len(b.offsets) - 2
}

// Reset drops all rows and the error and keeps the memory.
func (b *LargeBinaryBuilder) Reset() {
	b.offsets, b.text = b.offsets[:0], b.text[:0]
	b.reset()
}

// Truncate drops the rows from n on.
func (b *LargeBinaryBuilder) Truncate(n int) {
	if n < b.Len() {
		b.offsets = b.offsets[:n+1]
		b.text = b.text[:b.offsets[n]]
	}
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *LargeBinaryBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *LargeBinaryBuilder) DataTo(d *Data) {
	if len(b.offsets) == 0 {
		b.offsets = append(growFixed(b.offsets, 64), 0)
	}
	b.data(d, len(b.offsets)-1)
	d.Buffers[1], d.Buffers[2] = pad(Bytes(b.offsets)), pad(b.text)
}

// LargeTextBuilder fills a column of utf8 strings with 64-bit offsets. One that is not valid UTF-8 is refused with [ErrUTF8].
type LargeTextBuilder struct{ LargeBinaryBuilder }

// Append adds a row.
func (b *LargeTextBuilder) Append(s string) { b.append(s) }

// AppendAll adds a row for each of v.
func (b *LargeTextBuilder) AppendAll(v []string) {
	for _, s := range v {
		b.append(s)
	}
}

// AppendNullable adds s, or a null row if it is not valid.
func (b *LargeTextBuilder) AppendNullable(s string, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.append(s)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *LargeTextBuilder) AppendPtr(p *string) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.append(*p)
}

// append is that of LargeBinaryBuilder, after a check.
func (b *LargeTextBuilder) append(s string) { b.LargeBinaryBuilder.append(b.checkText(s, b.Len())) }

// Data returns the rows as buffers.
func (b *LargeTextBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *LargeTextBuilder) DataTo(d *Data) {
	b.LargeBinaryBuilder.DataTo(d)
	d.ValidUTF8 = !b.raw
}

// BinaryViews is a column of byte strings in the layout of views: the short ones stand in the views, the others in any number
// of data buffers.
type BinaryViews struct {
	views    []byte
	data     [][]byte
	validity bitmap
}

// BinaryViewsOf returns the view of a binary view column.
func BinaryViewsOf(d *Data) BinaryViews {
	return BinaryViews{d.Buffers[1], d.Variadic, validityOf(d)}
}

// Len returns the number of rows.
func (c BinaryViews) Len() int { return len(c.views) / viewSize }

// IsNull tells whether row i is null.
func (c BinaryViews) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the bytes of row i, nil where it is null and never nil elsewhere. They alias the batch and are read-only.
func (c BinaryViews) At(i int) []byte {
	if !c.validity.has(i) {
		return nil
	}
	return viewed(c.views[i*viewSize:i*viewSize+viewSize], c.data)
}

// Get returns the bytes of row i, and whether there are any.
func (c BinaryViews) Get(i int) (v []byte, ok bool) { return c.At(i), !c.IsNull(i) }

// Clone returns a copy of the bytes of row i, nil where it is null.
func (c BinaryViews) Clone(i int) []byte { return bytes.Clone(c.At(i)) }

// GetClone returns a copy of the bytes of row i, and whether there are any.
func (c BinaryViews) GetClone(i int) (v []byte, ok bool) { return c.Clone(i), !c.IsNull(i) }

// All yields each row's number and bytes, nil where it is null. The bytes alias the batch.
func (c BinaryViews) All() iter.Seq2[int, []byte] { return all(c.Len(), c.At) }

// TextViews is a column of utf8 strings in the layout of views.
type TextViews struct{ c BinaryViews }

// TextViewsOf returns the view of a utf8 view column.
func TextViewsOf(d *Data) TextViews { return TextViews{BinaryViewsOf(d)} }

// Len returns the number of rows.
func (c TextViews) Len() int { return c.c.Len() }

// IsNull tells whether row i is null.
func (c TextViews) IsNull(i int) bool { return c.c.IsNull(i) }

// At returns the string of row i, "" where it is null. It aliases the batch: strings.Clone keeps it longer.
func (c TextViews) At(i int) string { return stringOf(c.c.At(i)) }

// Get returns the string of row i, and whether there is one.
func (c TextViews) Get(i int) (v string, ok bool) { return c.At(i), !c.IsNull(i) }

// Clone returns a copy of the string of row i.
func (c TextViews) Clone(i int) string { return strings.Clone(c.At(i)) }

// GetClone returns a copy of the string of row i, and whether there is one.
func (c TextViews) GetClone(i int) (v string, ok bool) { return c.Clone(i), !c.IsNull(i) }

// Bytes returns the bytes of row i, none where it is null. They alias the batch and are read-only.
func (c TextViews) Bytes(i int) []byte { return c.c.At(i) }

// All yields each row's number and string, "" where it is null. The strings alias the batch.
func (c TextViews) All() iter.Seq2[int, string] { return all(c.Len(), c.At) }

// BinaryViewBuilder fills a column of byte strings in the layout of views, with one data buffer.
type BinaryViewBuilder struct {
	header
	views []byte
	text  []byte
	parts [1][]byte
}

// Len returns the number of rows.
func (b *BinaryViewBuilder) Len() int { return len(b.views) / viewSize }

// Size returns about how many bytes of body the rows take.
func (b *BinaryViewBuilder) Size() int { return len(b.views) + len(b.text) + len(b.validity) }

// Append adds a copy of v as a row. A nil v is a null row where the column is nullable, an empty one where it is not.
func (b *BinaryViewBuilder) Append(v []byte) {
	if v == nil && b.Nullable {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(v))
}

// AppendNullable adds a copy of v, or a null row if it is not valid.
func (b *BinaryViewBuilder) AppendNullable(v []byte, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(v))
}

// AppendPtr adds a copy of what p points to, a null row if that is nothing.
func (b *BinaryViewBuilder) AppendPtr(p *[]byte) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(*p))
}

// AppendAll adds a row for each of v, as Append does.
func (b *BinaryViewBuilder) AppendAll(v [][]byte) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendBlank adds n rows that stand below a null.
func (b *BinaryViewBuilder) AppendBlank(n int) {
	for range n {
		b.next()
	}
	b.blank(b.Len()-n, b.Len())
}

// AppendNull adds a null row.
func (b *BinaryViewBuilder) AppendNull() {
	b.next()
	b.setNull(b.Len() - 1)
}

// next adds a row of zeros, which is the empty string, and returns its view.
func (b *BinaryViewBuilder) next() []byte {
	from := len(b.views)
	if cap(b.views)-from < viewSize {
		b.views = mem.Grow(b.views, 64*viewSize)
	}
	b.views = b.views[:from+viewSize]
	clear(b.views[from:])
	return b.views[from:]
}

func (b *BinaryViewBuilder) append(s string) {
	if len(s) > math.MaxInt32-len(b.text) {
		b.fail(b.Len(), fmt.Errorf("%w: %d bytes are there, %d more came; send smaller batches", ErrTooLong, len(b.text), len(s)))
		s = ""
	}
	view := b.next()
	if len(s) > inlined && len(s) > cap(b.text)-len(b.text) {
		b.text = mem.Grow(b.text, len(s))
	}
	b.text = PutView(view, b.text, s)
}

// Reset drops all rows and the error and keeps the memory.
func (b *BinaryViewBuilder) Reset() {
	b.views, b.text = b.views[:0], b.text[:0]
	b.reset()
}

// Truncate drops the rows from n on.
func (b *BinaryViewBuilder) Truncate(n int) {
	n = min(n, b.Len())
	b.views = b.views[:n*viewSize]
	end := 0 // of the last long text
	for i := n - 1; i >= 0 && end == 0 && len(b.text) != 0; i-- {
		if v := b.views[i*viewSize:]; binary.LittleEndian.Uint32(v) > inlined {
			end = int(binary.LittleEndian.Uint32(v[12:]) + binary.LittleEndian.Uint32(v))
		}
	}
	b.text = b.text[:end]
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *BinaryViewBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *BinaryViewBuilder) DataTo(d *Data) {
	b.data(d, b.Len())
	d.Buffers[1] = pad(b.views)
	b.parts[0] = pad(b.text)
	d.Variadic = b.parts[:]
}

// TextViewBuilder fills a column of utf8 strings in the layout of views, with one data buffer. One that is not valid UTF-8 is refused
// with [ErrUTF8].
type TextViewBuilder struct{ BinaryViewBuilder }

// Append adds a row.
func (b *TextViewBuilder) Append(s string) { b.append(s) }

// AppendAll adds a row for each of v.
func (b *TextViewBuilder) AppendAll(v []string) {
	for _, s := range v {
		b.append(s)
	}
}

// AppendNullable adds s, or a null row if it is not valid.
func (b *TextViewBuilder) AppendNullable(s string, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.append(s)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *TextViewBuilder) AppendPtr(p *string) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.append(*p)
}

// append is that of BinaryViewBuilder, after a check.
func (b *TextViewBuilder) append(s string) { b.BinaryViewBuilder.append(b.checkText(s, b.Len())) }

// Data returns the rows as buffers.
func (b *TextViewBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *TextViewBuilder) DataTo(d *Data) {
	b.BinaryViewBuilder.DataTo(d)
	d.ValidUTF8 = !b.raw
}
