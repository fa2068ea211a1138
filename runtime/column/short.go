package column

import "encoding/binary"

// shortCopy is the length up to which builders copy text themselves: texts are mostly short, and two moves that overlap are
// faster than a call of memmove. It is also the room that they keep behind their text, to be written over.
const shortCopy = 16

// topBits are those of the bytes of a word, which ASCII has not.
const topBits = 0x8080808080808080

// cutCopy is how much of a text is copied that is cut out of a longer one, however short it is.
const cutCopy = 32

// cut copies so much. It loads all before it stores any, in the place of a call that asks whether they overlap.
func cut(dst, src *[cutCopy]byte) {
	a, b := binary.LittleEndian.Uint64(src[0:]), binary.LittleEndian.Uint64(src[8:])
	c, d := binary.LittleEndian.Uint64(src[16:]), binary.LittleEndian.Uint64(src[24:])
	binary.LittleEndian.PutUint64(dst[0:], a)
	binary.LittleEndian.PutUint64(dst[8:], b)
	binary.LittleEndian.PutUint64(dst[16:], c)
	binary.LittleEndian.PutUint64(dst[24:], d)
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
