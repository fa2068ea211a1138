package asm

// CheckOffsets32 returns -1 if 0 <= offsets[0] <= offsets[1] <= … <= limit, and else the position of the first offset
// that is negative, less than the one before it, or greater than limit.
func CheckOffsets32(offsets []int32, limit int64) int { return checkOffsets(offsets, limit) }

// CheckOffsets64 is [CheckOffsets32] for 64-bit offsets.
func CheckOffsets64(offsets []int64, limit int64) int { return checkOffsets(offsets, limit) }

func checkOffsets[T int32 | int64](offsets []T, limit int64) int {
	if len(offsets) == 0 {
		return -1
	}
	// The sign bit of acc is set if an offset is negative or, where none is and differences cannot overflow, if one
	// is less than its predecessor. Ascending offsets are within the limit if the last one is.
	acc := offsets[0]
	prev, rest := offsets[0], offsets[1:]
	for len(rest) >= 8 {
		a, b, c, d, e, f, g, h := rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], rest[6], rest[7]
		acc |= (a | (a - prev)) | (b | (b - a)) | (c | (c - b)) | (d | (d - c)) |
			(e | (e - d)) | (f | (f - e)) | (g | (g - f)) | (h | (h - g))
		prev, rest = h, rest[8:]
	}
	for _, a := range rest {
		acc |= a | (a - prev)
		prev = a
	}
	if acc >= 0 && int64(prev) <= limit {
		return -1
	}
	prev = 0
	for i, a := range offsets {
		if a < prev || int64(a) > limit {
			return i
		}
		prev = a
	}
	return -1
}

// Rebase32 sets dst[i] to src[i]-by, for all of src. dst may be src.
func Rebase32(dst, src []int32, by int32) {
	dst = dst[:len(src)]
	for len(src) >= 8 && len(dst) >= 8 {
		dst[0] = src[0] - by
		dst[1] = src[1] - by
		dst[2] = src[2] - by
		dst[3] = src[3] - by
		dst[4] = src[4] - by
		dst[5] = src[5] - by
		dst[6] = src[6] - by
		dst[7] = src[7] - by
		src, dst = src[8:], dst[8:]
	}
	for i, v := range src {
		dst[i] = v - by
	}
}

// Narrow64 sets dst[i] to the low 32 bits of src[i]-by, for all of src. That they are all of it is checked elsewhere.
func Narrow64(dst []int32, src []int64, by int64) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = int32(v - by)
	}
}

// Widen32 sets dst[i] to src[i]-by, for all of src.
func Widen32(dst []int64, src []int32, by int64) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = int64(v) - by
	}
}
