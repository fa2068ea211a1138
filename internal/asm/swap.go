package asm

import "encoding/binary"

// Swap16 sets dst to the integers of 16 bits in src, each with its bytes the other way round. dst may be src; an odd byte at the end
// is passed over.
func Swap16(dst, src []byte) {
	src = src[:len(src)&^1]
	dst = dst[:len(src):len(dst)]
	for i := swap16Front(dst, src); i < len(src); i += 2 {
		binary.LittleEndian.PutUint16(dst[i:], binary.BigEndian.Uint16(src[i:]))
	}
}

// Swap32 is [Swap16] for integers of 32 bits.
func Swap32(dst, src []byte) {
	src = src[:len(src)&^3]
	dst = dst[:len(src):len(dst)]
	for i := swap32Front(dst, src); i < len(src); i += 4 {
		binary.LittleEndian.PutUint32(dst[i:], binary.BigEndian.Uint32(src[i:]))
	}
}

// Swap64 is [Swap16] for integers of 64 bits.
func Swap64(dst, src []byte) {
	src = src[:len(src)&^7]
	dst = dst[:len(src):len(dst)]
	for i := swap64Front(dst, src); i < len(src); i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], binary.BigEndian.Uint64(src[i:]))
	}
}
