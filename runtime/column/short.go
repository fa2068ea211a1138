package column

import "encoding/binary"

// shortCopy is the room that appendShort wants behind what it copies.
const shortCopy = 16

// appendShort appends s to dst, which has room for len(s)+shortCopy more bytes. Texts are mostly short, and two moves that
// overlap are faster than a call of memmove.
func appendShort(dst []byte, s string) []byte {
	n := len(dst)
	to := dst[n : n+len(s) : cap(dst)]
	switch {
	case len(s) > 16:
		copy(to, s)
	case len(s) >= 8:
		lo, hi := load64(s), load64(s[len(s)-8:])
		binary.LittleEndian.PutUint64(to, lo)
		binary.LittleEndian.PutUint64(to[len(s)-8:], hi)
	case len(s) >= 4:
		lo, hi := load32(s), load32(s[len(s)-4:])
		binary.LittleEndian.PutUint32(to, lo)
		binary.LittleEndian.PutUint32(to[len(s)-4:], hi)
	default:
		for i := range len(s) {
			to[i] = s[i]
		}
	}
	return dst[:n+len(s)]
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
