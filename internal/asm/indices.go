package asm

// Index is the type of dictionary indices, type ids and the like.
type Index interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// CheckIndices returns the position of the first index that is negative or not less than n, or -1.
func CheckIndices[I Index](idx []I, n int) int {
	// The sign bit of acc is set if an index is negative as an int64, which includes the uint64 that are too large
	// for one, or if n-1 minus an index is.
	last := int64(max(n, 0)) - 1
	var acc int64
	rest := idx
	for len(rest) >= 8 {
		a, b, c, d := int64(rest[0]), int64(rest[1]), int64(rest[2]), int64(rest[3])
		e, f, g, h := int64(rest[4]), int64(rest[5]), int64(rest[6]), int64(rest[7])
		acc |= (a | (last - a)) | (b | (last - b)) | (c | (last - c)) | (d | (last - d)) |
			(e | (last - e)) | (f | (last - f)) | (g | (last - g)) | (h | (last - h))
		rest = rest[8:]
	}
	for _, v := range rest {
		a := int64(v)
		acc |= a | (last - a)
	}
	if acc >= 0 {
		return -1
	}
	for i, v := range idx {
		if a := int64(v); a < 0 || a > last {
			return i
		}
	}
	return -1
}
