package column

import "encoding/binary"

// shortCopy is the room that builders keep behind their text, to be written over.
const shortCopy = 16

// copyShort copies s, of at most 16 bytes, to to. Texts are mostly short, and two moves that overlap are faster than a call
// of memmove.
func copyShort(to *[shortCopy]byte, s string) {
	switch n := len(s); {
	case n >= 8:
		lo, hi := load64(s), load64(s[n-8:])
		binary.LittleEndian.PutUint64(to[:8], lo)
		binary.LittleEndian.PutUint64(to[(n-8)&8|(n-8)&7:], hi)
	case n >= 4:
		lo, hi := load32(s), load32(s[n-4:])
		binary.LittleEndian.PutUint32(to[:4], lo)
		binary.LittleEndian.PutUint32(to[(n-4)&7:], hi)
	case n > 0:
		to[0], to[n>>1&3], to[(n-1)&3] = s[0], s[n>>1], s[n-1]
	}
}

// shortKey returns a word that no other string of up to 7 bytes has, and that is not zero: the bytes, and the length plus one.
func shortKey(s string) uint64 {
	n := len(s)
	length := uint64(n+1) << 56
	switch {
	case n >= 4: // bytes that are in both halves are in the same place of both
		return length | uint64(load32(s)) | uint64(load32(s[n-4:]))<<(8*(n-4)&63)
	case n > 0:
		return length | uint64(s[0]) | uint64(s[n>>1])<<8 | uint64(s[n-1])<<16
	}
	return length
}

func load64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
