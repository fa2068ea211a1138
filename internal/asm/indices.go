package asm

import "math"

// Index is any type of dictionary indices, union type ids, list sizes and the like.
type Index interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// CheckIndices returns the position of the first index that is negative or not less than n, or -1.
func CheckIndices[I Index](idx []I, n int) int {
	if n > 0 && indicesWithin(idx, int64(n)-1) {
		return -1
	}
	for i, v := range idx {
		if a := int64(v); a < 0 || a >= int64(n) {
			return i
		}
	}
	return -1
}

// indicesWithinGeneric reports whether 0 <= v <= last for each v of idx, where last >= 0.
func indicesWithinGeneric[I Index](idx []I, last int64) bool {
	// With 0 <= v, v+k is at most the largest int64 if v <= last, and wraps round to a negative number if not. A
	// negative v, which is also what a uint64 of 2^63 or more turns into, speaks for itself.
	k := math.MaxInt64 - last
	var acc int64
	i := 0
	for ; i <= len(idx)-8; i += 8 {
		c := (*[8]I)(idx[i:])
		v0, v1, v2, v3 := int64(c[0]), int64(c[1]), int64(c[2]), int64(c[3])
		acc |= v0 | (v0 + k) | v1 | (v1 + k) | v2 | (v2 + k) | v3 | (v3 + k)
		v0, v1, v2, v3 = int64(c[4]), int64(c[5]), int64(c[6]), int64(c[7])
		acc |= v0 | (v0 + k) | v1 | (v1 + k) | v2 | (v2 + k) | v3 | (v3 + k)
	}
	for ; i < len(idx); i++ {
		v := int64(idx[i])
		acc |= v | (v + k)
	}
	return acc >= 0
}
