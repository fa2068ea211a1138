package asm

// CheckOffsets32 returns -1 if 0 <= offsets[0] <= offsets[1] <= … <= limit, and else the position of the first offset
// that is negative, less than the one before it, or greater than limit.
func CheckOffsets32(offsets []int32, limit int64) int {
	if ascending32(offsets) && int64(offsets[len(offsets)-1]) <= limit {
		return -1
	}
	return firstBad(offsets, limit)
}

// CheckOffsets64 is [CheckOffsets32] for 64-bit offsets.
func CheckOffsets64(offsets []int64, limit int64) int {
	if ascending64(offsets) && offsets[len(offsets)-1] <= limit {
		return -1
	}
	return firstBad(offsets, limit)
}

// firstBad is CheckOffsets, value by value.
func firstBad[T int32 | int64](offsets []T, limit int64) int {
	var prev T
	for i, o := range offsets {
		if o < prev || int64(o) > limit {
			return i
		}
		prev = o
	}
	return -1
}

// ascendingGeneric reports whether there are offsets, all at least 0 and none less than the one before it.
func ascendingGeneric[T int32 | int64](o []T) bool {
	if len(o) == 0 {
		return false
	}
	// Where no offset is negative no difference overflows, and it is negative where an offset is less than the one
	// before. So the sign bit of acc tells.
	acc := o[0]
	i := 0
	for ; i <= len(o)-9; i += 8 {
		c := (*[9]T)(o[i:])
		acc |= c[1] | (c[1] - c[0]) | c[2] | (c[2] - c[1]) | c[3] | (c[3] - c[2]) | c[4] | (c[4] - c[3])
		acc |= c[5] | (c[5] - c[4]) | c[6] | (c[6] - c[5]) | c[7] | (c[7] - c[6]) | c[8] | (c[8] - c[7])
	}
	prev := o[i]
	for _, v := range o[i+1:] {
		acc |= v | (v - prev)
		prev = v
	}
	return acc >= 0
}

// ascending64 reports whether there are offsets, all at least 0 and none less than the one before it.
func ascending64(o []int64) bool {
	n, ok := ascending64Front(o)
	return ok && ascendingGeneric(o[n:])
}

// Rebase32 sets dst[i] to src[i]-by, for all of src. dst may be src.
func Rebase32(dst, src []int32, by int32) {
	dst = dst[:len(src):len(dst)]
	i := 0
	for ; i <= len(src)-8; i += 8 {
		d, c := (*[8]int32)(dst[i:]), (*[8]int32)(src[i:])
		d[0] = c[0] - by
		d[1] = c[1] - by
		d[2] = c[2] - by
		d[3] = c[3] - by
		d[4] = c[4] - by
		d[5] = c[5] - by
		d[6] = c[6] - by
		d[7] = c[7] - by
	}
	for ; i < len(src); i++ {
		dst[i] = src[i] - by
	}
}

// Narrow64 sets dst[i] to the low 32 bits of src[i]-by, for all of src. Whoever calls it has checked that they are all
// of it.
func Narrow64(dst []int32, src []int64, by int64) {
	dst = dst[:len(src):len(dst)]
	i := narrow64Front(dst, src, by)
	for ; i <= len(src)-8; i += 8 {
		d, c := (*[8]int32)(dst[i:]), (*[8]int64)(src[i:])
		d[0] = int32(c[0] - by)
		d[1] = int32(c[1] - by)
		d[2] = int32(c[2] - by)
		d[3] = int32(c[3] - by)
		d[4] = int32(c[4] - by)
		d[5] = int32(c[5] - by)
		d[6] = int32(c[6] - by)
		d[7] = int32(c[7] - by)
	}
	for ; i < len(src); i++ {
		dst[i] = int32(src[i] - by)
	}
}

// Widen32 sets dst[i] to src[i]-by, for all of src.
func Widen32(dst []int64, src []int32, by int64) {
	dst = dst[:len(src):len(dst)]
	i := widen32Front(dst, src, by)
	for ; i <= len(src)-8; i += 8 {
		d, c := (*[8]int64)(dst[i:]), (*[8]int32)(src[i:])
		d[0] = int64(c[0]) - by
		d[1] = int64(c[1]) - by
		d[2] = int64(c[2]) - by
		d[3] = int64(c[3]) - by
		d[4] = int64(c[4]) - by
		d[5] = int64(c[5]) - by
		d[6] = int64(c[6]) - by
		d[7] = int64(c[7]) - by
	}
	for ; i < len(src); i++ {
		dst[i] = int64(src[i]) - by
	}
}
