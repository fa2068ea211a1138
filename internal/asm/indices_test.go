package asm

import (
	"math"
	"testing"
)

func naiveIndices[I Index](idx []I, n int) int {
	for i, v := range idx {
		if v < 0 || n <= 0 || uint64(v) > uint64(n-1) {
			return i
		}
	}
	return -1
}

func testCheckIndices[I Index](t *testing.T) {
	r := newRand()
	width := bitsOf[I]()
	// All values at which something turns over, in idx and as n.
	var edges []int
	for _, e := range []int{0, 1, 7, 100, math.MaxInt8, math.MaxUint8, math.MaxInt16, math.MaxUint16, math.MaxInt32, math.MaxInt} {
		edges = append(edges, e-1, e, e+1)
	}
	if width > 32 || math.MaxInt > math.MaxInt32 {
		edges = append(edges, int(int64(math.MaxUint32)&int64(math.MaxInt)))
	}
	check := func(idx []I, n int) {
		t.Helper()
		want := naiveIndices(idx, n)
		if got := CheckIndices(idx, n); got != want {
			t.Fatalf("CheckIndices[%T](%v, %d) = %d, want %d", I(0), idx, n, got, want)
		}
		if n > 0 {
			if got := indicesWithinGeneric(idx, int64(n)-1); got != (want < 0) {
				t.Fatalf("indicesWithinGeneric[%T](%v, %d) = %v", I(0), idx, n-1, got)
			}
			if got := indicesWithin(idx, int64(n)-1); got != (want < 0) {
				t.Fatalf("indicesWithin[%T](%v, %d) = %v", I(0), idx, n-1, got)
			}
		}
	}
	for length := range maxLen + 1 {
		start := r.IntN(9)
		idx := make([]I, start+length)[start:]
		for _, n := range edges {
			// All as large as allowed and fits, then one changed, at a random place.
			most := I(0)
			if n > 0 {
				most = I(min(uint64(n)-1, uint64(1)<<(width-1)-1))
			}
			for i := range idx {
				idx[i] = most
			}
			check(idx, n)
			if length == 0 {
				continue
			}
			i := r.IntN(length)
			for range 4 {
				idx[i] = I(edges[r.IntN(len(edges))])
				check(idx, n)
			}
			idx[i] = I(r.Uint64())
			check(idx, n)
			idx[i] = I(uint64(1) << (width - 1))
			check(idx, n)
			idx[length-1] = ^I(0)
			check(idx, n)
		}
		for range 8 {
			n := r.IntN(300)
			for i := range idx {
				idx[i] = I(r.IntN(300))
			}
			check(idx, n)
			for i := range idx {
				idx[i] = I(r.Uint64())
			}
			check(idx, n)
		}
	}
}

// bitsOf returns the bits of an I.
func bitsOf[I Index]() int {
	n := 0
	for v := I(1); v != 0; v <<= 1 {
		n++
	}
	return n
}

type named uint16

func TestCheckIndices(t *testing.T) {
	inEach(t, func(t *testing.T) {
		t.Run("int8", testCheckIndices[int8])
		t.Run("int16", testCheckIndices[int16])
		t.Run("int32", testCheckIndices[int32])
		t.Run("int64", testCheckIndices[int64])
		t.Run("uint8", testCheckIndices[uint8])
		t.Run("uint16", testCheckIndices[uint16])
		t.Run("uint32", testCheckIndices[uint32])
		t.Run("uint64", testCheckIndices[uint64])
		t.Run("named", testCheckIndices[named])
	})
}
