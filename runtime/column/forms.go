package column

import (
	"encoding/binary"

	"github.com/lightstream-go/lightstream/internal/asm"
)

// TextForm is a layout of variable-length values.
type TextForm int

// The forms that Arrow has.
const (
	PlainText TextForm = iota // int32 offsets, bytes
	LargeText                 // int64 offsets, bytes
	ViewText                  // views of 16 bytes, any number of data buffers
)

// viewSize is the width of a view: length, then up to 12 bytes of the value, or its first four bytes, buffer and offset.
const (
	viewSize = 16
	inlined  = 12
)

// TextAt returns the bytes of row i of a column in the given form, which alias its buffers.
func TextAt(d *Data, form TextForm, i int) []byte {
	switch form {
	case LargeText:
		from := binary.LittleEndian.Uint64(d.Buffers[1][8*i:])
		to := binary.LittleEndian.Uint64(d.Buffers[1][8*i+8:])
		return d.Buffers[2][from:to:to]
	case ViewText:
		return viewed(d.Buffers[1][viewSize*i:viewSize*i+viewSize], d.Variadic)
	}
	from := binary.LittleEndian.Uint32(d.Buffers[1][4*i:])
	to := binary.LittleEndian.Uint32(d.Buffers[1][4*i+4:])
	return d.Buffers[2][from:to:to]
}

// viewed returns the bytes that a view stands for.
func viewed(v []byte, data [][]byte) []byte {
	n := binary.LittleEndian.Uint32(v)
	if n <= inlined {
		return v[4 : 4+n : 4+n]
	}
	from := binary.LittleEndian.Uint32(v[12:])
	to := uint64(from) + uint64(n)
	return data[binary.LittleEndian.Uint32(v[8:])][from:to:to]
}

// CheckViews returns the first row that is not null and whose view points outside the data buffers, or -1.
func CheckViews(d *Data) int {
	for i := range d.Len {
		v := d.Buffers[1][viewSize*i : viewSize*i+viewSize]
		n := binary.LittleEndian.Uint32(v)
		if n <= inlined {
			continue
		}
		buffer, from := binary.LittleEndian.Uint32(v[8:]), binary.LittleEndian.Uint32(v[12:])
		if n > 1<<31-1 || uint64(buffer) >= uint64(len(d.Variadic)) ||
			uint64(from)+uint64(n) > uint64(len(d.Variadic[buffer])) {
			if !d.IsNull(i) {
				return i
			}
		}
	}
	return -1
}

// CheckIndices returns the first row that is not null and whose index is outside the column's dictionary, or -1.
func CheckIndices(d *Data, bits int, signed bool) int {
	n := uint64(d.Values.Len())
	if signed {
		n = min(n, 1<<(bits-1)) // as unsigned numbers, the negative ones are those from there on
	}
	switch bits {
	case 8:
		return checkIndices[uint8](d, int(n))
	case 16:
		return checkIndices[uint16](d, int(n))
	case 32:
		return checkIndices[uint32](d, int(n))
	}
	return checkIndices[uint64](d, int(n))
}

func checkIndices[I uint8 | uint16 | uint32 | uint64](d *Data, n int) int {
	indices := View[I](d.Buffers[1])[:d.Len]
	first := asm.CheckIndices(indices, n)
	if first < 0 || d.Nulls == 0 {
		return first
	}
	for i, x := range indices[first:] {
		if uint64(x) >= uint64(n) && !d.IsNull(first+i) {
			return first + i
		}
	}
	return -1
}

// FirstNullValue returns the first row that is valid and whose value is a null of the dictionary, or -1. Indices that are
// outside the dictionary are passed over.
func FirstNullValue(d *Data, bits int, signed bool) int {
	for i := range d.Len {
		if x := IndexAt(d, bits, signed, i); !d.IsNull(i) && x < uint64(d.Values.Len()) && d.Values.IsNull(int(x)) {
			return i
		}
	}
	return -1
}

// IndexAt returns the index of row i of a dictionary column; a negative one is far beyond any dictionary.
func IndexAt(d *Data, bits int, signed bool, i int) uint64 {
	b := d.Buffers[1]
	switch {
	case bits == 8 && signed:
		return uint64(int8(b[i]))
	case bits == 8:
		return uint64(b[i])
	case bits == 16 && signed:
		return uint64(int16(binary.LittleEndian.Uint16(b[2*i:])))
	case bits == 16:
		return uint64(binary.LittleEndian.Uint16(b[2*i:]))
	case bits == 32 && signed:
		return uint64(int32(binary.LittleEndian.Uint32(b[4*i:])))
	case bits == 32:
		return uint64(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return binary.LittleEndian.Uint64(b[8*i:])
}

// SignedAt returns row i of a column of signed integers of width bytes.
func SignedAt(d *Data, width, i int) int64 {
	b := d.Buffers[1]
	switch width {
	case 1:
		return int64(int8(b[i]))
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b[2*i:])))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
	return int64(binary.LittleEndian.Uint64(b[8*i:]))
}
