//go:build !purego

package asm

import "encoding/binary"

// indicesWithin reports whether 0 <= v <= last for each v of idx, where last >= 0. It looks at as many indices at a
// time as there are in 64 bits. Which of them is where does not matter, so the host's byte order is as good as any.
func indicesWithin[I Index](idx []I, last int64) bool {
	size := sizeOf[I]()
	if size == 8 {
		n, ok := withinFront(idx, uint64(last))
		return ok && (n == len(idx) || indicesWithinGeneric(idx[n:], last))
	}
	top := int64(1) << (8*size - 1) // the sign bit of a signed I
	var zero I
	signed := zero-1 < 0
	if last >= 2*top-1 && !signed {
		return true // no I is greater
	}
	if signed {
		last = min(last, top-1) // no I is greater than that
	}
	n, ok := withinFront(idx, uint64(last))
	if !ok || n == len(idx) {
		return ok
	}
	idx = idx[n:]
	if last >= top { // some indices with the top bit are good ones
		return indicesWithinGeneric(idx, last)
	}
	// As in the generic version, lane by lane: where no index has the top bit set, no sum carries into the lane above,
	// and a sum has the top bit set exactly where the index is greater than last.
	lanes := ^uint64(0) / (uint64(top)*2 - 1) // 1 in each lane
	k := lanes * uint64(top-1-last)
	var acc uint64
	b := bytesOf(idx)
	i := 0
	for ; i <= len(b)-64; i += 64 {
		c := (*[64]byte)(b[i:])
		w0, w1 := binary.NativeEndian.Uint64(c[0:]), binary.NativeEndian.Uint64(c[8:])
		w2, w3 := binary.NativeEndian.Uint64(c[16:]), binary.NativeEndian.Uint64(c[24:])
		acc |= w0 | (w0 + k) | w1 | (w1 + k) | w2 | (w2 + k) | w3 | (w3 + k)
		w0, w1 = binary.NativeEndian.Uint64(c[32:]), binary.NativeEndian.Uint64(c[40:])
		w2, w3 = binary.NativeEndian.Uint64(c[48:]), binary.NativeEndian.Uint64(c[56:])
		acc |= w0 | (w0 + k) | w1 | (w1 + k) | w2 | (w2 + k) | w3 | (w3 + k)
	}
	for ; i <= len(b)-8; i += 8 {
		w := binary.NativeEndian.Uint64(b[i:])
		acc |= w | (w + k)
	}
	return acc&(lanes*uint64(top)) == 0 && indicesWithinGeneric(idx[i/size:], last)
}
