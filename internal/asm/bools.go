package asm

// PackBools writes src to the first (len(src)+7)/8 bytes of dst, value i as bit i, and zeros behind the last one.
func PackBools(dst []byte, src []bool) {
	if len(src) == 0 {
		return
	}
	dst = dst[:(len(src)+7)/8]
	packBools(dst, src)
}

func packBoolsGeneric(dst []byte, src []bool) {
	for len(src) >= 8 && len(dst) > 0 {
		dst[0] = bit(src[0]) | bit(src[1])<<1 | bit(src[2])<<2 | bit(src[3])<<3 |
			bit(src[4])<<4 | bit(src[5])<<5 | bit(src[6])<<6 | bit(src[7])<<7
		src, dst = src[8:], dst[1:]
	}
	if len(src) > 0 {
		var v byte
		for i, b := range src {
			v |= bit(b) << (i & 7)
		}
		dst[0] = v
	}
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// UnpackBools sets dst to the first len(dst) bits.
func UnpackBools(dst []bool, bitmap []byte) {
	if len(dst) == 0 {
		return
	}
	bitmap = bitmap[:(len(dst)+7)/8]
	for len(dst) >= 8 && len(bitmap) > 0 {
		*(*[8]bool)(dst) = unpacked[bitmap[0]]
		dst, bitmap = dst[8:], bitmap[1:]
	}
	for i := range dst {
		dst[i] = bitmap[0]>>(i&7)&1 != 0
	}
}

// unpacked has the bools of each byte: 2 KiB that stay in the cache while they are in use.
var unpacked = func() (t [256][8]bool) {
	for b := range t {
		for i := range t[b] {
			t[b][i] = b>>i&1 != 0
		}
	}
	return
}()
