package asm

// Scale64 sets dst[i] to src[i]*by, without a look at what does not fit, for all of src. It returns the bits of all src[i], of ^src[i]
// where that is negative: none of them is more than that. Dst and src do not overlap.
func Scale64(dst, src []int64, by int64) (bits int64) {
	dst = dst[:len(src):len(dst)]
	bits, n := scale64Front(dst, src, by)
	var all int64
	i := n
	for ; i <= len(src)-8; i += 8 {
		d, c := (*[8]int64)(dst[i:]), (*[8]int64)(src[i:])
		all |= c[0] | c[1] | c[2] | c[3] | c[4] | c[5] | c[6] | c[7]
		d[0], d[1], d[2], d[3] = c[0]*by, c[1]*by, c[2]*by, c[3]*by
		d[4], d[5], d[6], d[7] = c[4]*by, c[5]*by, c[6]*by, c[7]*by
	}
	for ; i < len(src); i++ {
		all |= src[i]
		dst[i] = src[i] * by
	}
	if all >= 0 {
		return bits | all
	}
	for _, v := range src[n:] {
		bits |= v ^ v>>63
	}
	return bits
}

// WidenIndices sets dst[i] to src[i], for all of src. None is negative, and each fits.
func WidenIndices[D, S Index](dst []D, src []S) {
	dst = dst[:len(src):len(dst)]
	i := widenFront(dst, src)
	for ; i <= len(src)-8; i += 8 {
		d, c := (*[8]D)(dst[i:]), (*[8]S)(src[i:])
		d[0], d[1], d[2], d[3] = D(c[0]), D(c[1]), D(c[2]), D(c[3])
		d[4], d[5], d[6], d[7] = D(c[4]), D(c[5]), D(c[6]), D(c[7])
	}
	for ; i < len(src); i++ {
		dst[i] = D(src[i])
	}
}
