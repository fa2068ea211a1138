//go:build !purego

package asm

import "encoding/binary"

// ascending32 reports whether there are offsets, all at least 0 and none less than the one before it. It subtracts two
// neighbours from the two that follow each of them at a time.
func ascending32(offsets []int32) bool {
	const signs = 1<<63 | 1<<31
	n, ok := ascending32Front(offsets)
	if !ok || n != 0 && n == len(offsets)-1 {
		return ok && offsets[n] >= 0
	}
	offsets = offsets[n:] // the first one is what the others are compared with
	b := bytesOf(offsets)
	// As in the generic version. Where no offset is negative, the lower of two differences borrows from the upper one
	// only if it is negative itself, and so acc has a sign bit set either way. In both byte orders the neighbour of a
	// value is in the same lane of the next word.
	var a0, a1, a2, a3 uint64
	i := 0
	for ; i <= len(b)-68; i += 64 {
		c := (*[68]byte)(b[i:])
		a0 |= binary.NativeEndian.Uint64(c[0:]) | (binary.NativeEndian.Uint64(c[4:]) - binary.NativeEndian.Uint64(c[0:]))
		a1 |= binary.NativeEndian.Uint64(c[8:]) | (binary.NativeEndian.Uint64(c[12:]) - binary.NativeEndian.Uint64(c[8:]))
		a2 |= binary.NativeEndian.Uint64(c[16:]) | (binary.NativeEndian.Uint64(c[20:]) - binary.NativeEndian.Uint64(c[16:]))
		a3 |= binary.NativeEndian.Uint64(c[24:]) | (binary.NativeEndian.Uint64(c[28:]) - binary.NativeEndian.Uint64(c[24:]))
		a0 |= binary.NativeEndian.Uint64(c[32:]) | (binary.NativeEndian.Uint64(c[36:]) - binary.NativeEndian.Uint64(c[32:]))
		a1 |= binary.NativeEndian.Uint64(c[40:]) | (binary.NativeEndian.Uint64(c[44:]) - binary.NativeEndian.Uint64(c[40:]))
		a2 |= binary.NativeEndian.Uint64(c[48:]) | (binary.NativeEndian.Uint64(c[52:]) - binary.NativeEndian.Uint64(c[48:]))
		a3 |= binary.NativeEndian.Uint64(c[56:]) | (binary.NativeEndian.Uint64(c[60:]) - binary.NativeEndian.Uint64(c[56:]))
	}
	// The last offset looked at was only compared with; it begins the rest.
	return (a0|a1|a2|a3)&signs == 0 && ascendingGeneric(offsets[i/4:])
}
