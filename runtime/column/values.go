package column

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

// FixedValues lays out the values of a dictionary of fixed-width values, width bytes each, as a column.
func FixedValues(v Values, width int) Data {
	n := v.Len()
	d := nullsOf(v)
	b := mem.Alloc(n * width)
	for i := range n {
		if !v.IsNull(i) {
			copy(b[i*width:], v.At(i))
		}
	}
	d.Buffers[1] = b
	return d
}

// TextValues lays out the values of a dictionary of strings or byte strings as a column in the given form.
func TextValues(v Values, form TextForm) (Data, error) {
	n, size := v.Len(), 0
	for i := range n {
		size += len(v.At(i))
	}
	if size > math.MaxInt32 && form != LargeText {
		return Data{}, fmt.Errorf("lightstream: %w: a dictionary of %d bytes", ErrTooLong, size)
	}
	d := nullsOf(v)
	text := mem.Alloc(size)[:0]
	switch form {
	case ViewText:
		views := mem.Alloc(n * viewSize)
		for i := range n {
			text = PutView(views[i*viewSize:], text, v.At(i))
		}
		d.Buffers[1] = views
		if len(text) != 0 {
			d.Variadic = [][]byte{text}
		}
		return d, nil
	case LargeText:
		offsets := mem.Alloc((n + 1) * 8)
		for i := range n {
			text = append(text, v.At(i)...)
			binary.LittleEndian.PutUint64(offsets[8*i+8:], uint64(len(text)))
		}
		d.Buffers[1] = offsets
	default:
		offsets := mem.Alloc((n + 1) * 4)
		for i := range n {
			text = append(text, v.At(i)...)
			binary.LittleEndian.PutUint32(offsets[4*i+4:], uint32(len(text)))
		}
		d.Buffers[1] = offsets
	}
	d.Buffers[2] = text
	return d, nil
}

// PutView writes the view of s, and appends s to text where it is too long to stand in the view.
func PutView[T string | []byte](view, text []byte, s T) []byte {
	binary.LittleEndian.PutUint32(view, uint32(len(s)))
	if len(s) <= inlined {
		copy(view[4:], s)
		return text
	}
	copy(view[4:8], s)
	binary.LittleEndian.PutUint32(view[12:], uint32(len(text))) // of buffer 0
	return append(text, s...)
}

// nullsOf starts a column of as many rows as there are values, with their nulls.
func nullsOf(v Values) Data {
	d := Data{Len: v.Len(), Padded: true}
	if !v.HasNulls() {
		return d
	}
	validity := mem.Alloc((d.Len + 7) / 8)
	for i := range d.Len {
		if v.IsNull(i) {
			d.Nulls++
		} else {
			validity[i>>3] |= 1 << (i & 7)
		}
	}
	if d.Nulls != 0 {
		d.Buffers[0] = validity
	}
	return d
}
