package asm

// PackBools writes src to the first (len(src)+7)/8 bytes of dst, value i as bit i, and zeros behind the last one.
func PackBools(dst []byte, src []bool) {
	packBools(dst[:(len(src)+7)/8:len(dst)], src)
}

// packBoolsGeneric is packBools in portable Go. dst has exactly the bytes that are written.
func packBoolsGeneric(dst []byte, src []bool) {
	i := 0
	for ; i <= len(src)-8; i += 8 {
		c := (*[8]bool)(src[i:])
		dst[i>>3] = bit(c[0]) | bit(c[1])<<1 | bit(c[2])<<2 | bit(c[3])<<3 |
			bit(c[4])<<4 | bit(c[5])<<5 | bit(c[6])<<6 | bit(c[7])<<7
	}
	if i < len(src) {
		var v byte
		for j, b := range src[i:] {
			v |= bit(b) << (j & 7)
		}
		dst[i>>3] = v
	}
}

// bit is free: the compiler knows that a bool is 0 or 1 in memory.
func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// UnpackBools sets dst to the first len(dst) bits.
func UnpackBools(dst []bool, bitmap []byte) {
	b := bitmap[: (len(dst)+7)/8 : len(bitmap)]
	i := unpackFront(dst, b)
	for ; i <= len(dst)-64; i += 64 {
		d, c := (*[64]bool)(dst[i:]), (*[8]byte)(b[i>>3:])
		*(*[8]bool)(d[0:]) = unpacked[c[0]]
		*(*[8]bool)(d[8:]) = unpacked[c[1]]
		*(*[8]bool)(d[16:]) = unpacked[c[2]]
		*(*[8]bool)(d[24:]) = unpacked[c[3]]
		*(*[8]bool)(d[32:]) = unpacked[c[4]]
		*(*[8]bool)(d[40:]) = unpacked[c[5]]
		*(*[8]bool)(d[48:]) = unpacked[c[6]]
		*(*[8]bool)(d[56:]) = unpacked[c[7]]
	}
	for ; i <= len(dst)-8; i += 8 {
		*(*[8]bool)(dst[i:]) = unpacked[b[i>>3]]
	}
	for j := i; j < len(dst); j++ {
		dst[j] = b[i>>3]>>(j&7)&1 != 0
	}
}

// unpacked has the eight bools of each byte: 2 KiB, which stay in the cache while they are in use.
var unpacked = func() (t [256][8]bool) {
	for b := range t {
		for i := range t[b] {
			t[b][i] = b>>i&1 != 0
		}
	}
	return t
}()
