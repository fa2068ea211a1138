package asm

import (
	"encoding/binary"
	"math/bits"
)

// ZeroNulls sets dst to the values in src, width bytes each, and to zero where their bit is not set. It does nothing for a width that
// is not positive.
func ZeroNulls(dst, src, bitmap []byte, width int) {
	if width <= 0 {
		return
	}
	rows := len(src) / width
	src = src[:rows*width]
	dst = dst[:len(src):len(dst)]
	bitmap = bitmap[: (rows+7)/8 : len(bitmap)]
	n := nullsFront(dst, src, bitmap, width) // a multiple of 8
	zeroNullsGeneric(dst[n*width:], src[n*width:], bitmap[n/8:], width, rows-n)
}

// zeroNullsGeneric is ZeroNulls of so many rows in portable Go.
func zeroNullsGeneric(dst, src, bitmap []byte, width, rows int) {
	copy(dst, src)
	for from := 0; from < rows; from += 64 {
		n := min(64, rows-from)
		var valid uint64
		if b := bitmap[from>>3:]; len(b) >= 8 {
			valid = binary.LittleEndian.Uint64(b)
		} else {
			valid = loadTail(b)
		}
		for nulls := ^valid & (^uint64(0) >> (64 - n)); nulls != 0; nulls &= nulls - 1 {
			at := (from + bits.TrailingZeros64(nulls)) * width
			clear(dst[at : at+width])
		}
	}
}
