package asm

import (
	"math"
	"slices"
	"testing"
)

func TestScale64(t *testing.T) {
	r := newRand()
	for n := range 40 {
		for _, by := range []int64{1, 1000, 1_000_000_000, 1 << 32, -3} {
			src, dst := make([]int64, n), make([]int64, n)
			var want int64
			for i := range src {
				src[i] = int64(r.Uint64()) >> r.UintN(64)
				want |= max(src[i], ^src[i])
			}
			if bits := Scale64(dst, src, by); bits != want {
				t.Fatalf("%d by %d: bits %#x, want %#x", src, by, bits, want)
			}
			for i, v := range src {
				if dst[i] != v*by {
					t.Fatalf("%d by %d is %d", v, by, dst[i])
				}
			}
		}
	}
	if bits := Scale64(make([]int64, 17), slices.Repeat([]int64{math.MinInt64}, 17), 1000); bits != math.MaxInt64 {
		t.Errorf("%#x", bits)
	}
}

func TestWidenIndices(t *testing.T) {
	for n := range 100 {
		src, dst := make([]int8, n), make([]uint32, n+1)
		for i := range src {
			src[i] = int8(i * 5 & 0x7F)
		}
		WidenIndices(dst, src)
		for i, v := range src {
			if dst[i] != uint32(v) {
				t.Fatalf("%d is %d", v, dst[i])
			}
		}
		if dst[n] != 0 {
			t.Fatal("one more was set")
		}
	}
}
