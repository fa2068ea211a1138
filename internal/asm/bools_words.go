//go:build !purego

package asm

import "encoding/binary"

// packBools packs eight bools at a time, read as the eight bytes 0 or 1 that they are. dst has exactly the bytes that
// are written.
func packBools(dst []byte, src []bool) {
	b := bytesOf(src)
	i := packFront(dst, src)
	for ; i <= len(b)-64; i += 64 {
		c := (*[64]byte)(b[i:])
		binary.LittleEndian.PutUint64(dst[i>>3:],
			gather(c[0:])>>56|gather(c[8:])>>56<<8|gather(c[16:])>>56<<16|gather(c[24:])>>56<<24|
				gather(c[32:])>>56<<32|gather(c[40:])>>56<<40|gather(c[48:])>>56<<48|gather(c[56:])>>56<<56)
	}
	for ; i <= len(b)-8; i += 8 {
		dst[i>>3] = byte(gather(b[i:]) >> 56)
	}
	if i < len(b) {
		packBoolsGeneric(dst[i>>3:], src[i:])
	}
}

// gather returns a word whose highest byte has bit i set if b[i] is 1. Byte i of the factor's product with itself
// shifted ends up there: bit 8i is moved by 56-7i places, and no two of the 64 partial products meet, so that there are
// no carries.
func gather(b []byte) uint64 {
	return binary.LittleEndian.Uint64(b) * 0x0102040810204080
}
