package asm

import (
	"encoding/binary"
	"math/bits"
)

// FindPlaces sets the first n of dst to first+i, in order, for each i for which src[i] is a, b or c. Dst is as long as src at least; of it
// up to the length of src, others than the first n may be changed.
func FindPlaces(dst []uint32, src []byte, first uint32, a, b, c byte) (n int) {
	dst = dst[:len(src)]
	n, done := findFront(dst, src, first, a, b, c)
	return n + findPlacesGeneric(dst[n:], src[done:], first+uint32(done), a, b, c)
}

const (
	ones = 0x0101010101010101
	tops = ones << 7
	lows = ^uint64(tops)
)

// findPlacesGeneric is FindPlaces in portable Go.
func findPlacesGeneric(dst []uint32, src []byte, first uint32, a, b, c byte) (n int) {
	as, bs, cs := ones*uint64(a), ones*uint64(b), ones*uint64(c)
	for len(src) >= 8 {
		w := binary.LittleEndian.Uint64(src)
		x, y, z := w^as, w^bs, w^cs
		// The top bit of each byte that is zero in one of them.
		for m := tops &^ ((x&lows + lows | x) & (y&lows + lows | y) & (z&lows + lows | z)); m != 0; m &= m - 1 {
			dst[n] = first + uint32(bits.TrailingZeros64(m)>>3)
			n++
		}
		src, first = src[8:], first+8
	}
	for i, v := range src {
		if v == a || v == b || v == c {
			dst[n] = first + uint32(i)
			n++
		}
	}
	return n
}
