package asm

import "encoding/binary"

// FindBytes sets bit i%64 of word i/64 in dst where src[i] is a, b or c. Bits behind the end of src are zero; words behind its last are
// left as they are.
func FindBytes(dst []uint64, src []byte, a, b, c byte) {
	dst = dst[:(len(src)+63)/64]
	n := findFront(dst, src, a, b, c) // a multiple of 64
	findBytesGeneric(dst[n/64:], src[n:], a, b, c)
}

const (
	ones = 0x0101010101010101
	tops = ones << 7
	lows = ^uint64(tops)
)

// findBytesGeneric is FindBytes in portable Go.
func findBytesGeneric(dst []uint64, src []byte, a, b, c byte) {
	as, bs, cs := ones*uint64(a), ones*uint64(b), ones*uint64(c)
	for i := range dst {
		var found uint64
		part := src[64*i : min(64*i+64, len(src))]
		at := 0
		for ; at+8 <= len(part); at += 8 {
			w := binary.LittleEndian.Uint64(part[at:])
			x, y, z := w^as, w^bs, w^cs
			// The top bit of each byte that is zero in one of them, and then these eight bits side by side.
			m := tops &^ ((x&lows + lows | x) & (y&lows + lows | y) & (z&lows + lows | z))
			found |= m >> 7 * 0x0102040810204080 >> 56 << at
		}
		for ; at < len(part); at++ {
			if v := part[at]; v == a || v == b || v == c {
				found |= 1 << at
			}
		}
		dst[i] = found
	}
}
