package asm

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func naiveCheck[T int32 | int64](o []T, limit int64) int {
	for i := range o {
		if o[i] < 0 || int64(o[i]) > limit || i > 0 && o[i] < o[i-1] {
			return i
		}
	}
	return -1
}

func checkAll[T int32 | int64](t *testing.T, o []T, limit int64) {
	t.Helper()
	want := naiveCheck(o, limit)
	var got int
	switch o := any(o).(type) {
	case []int32:
		got = CheckOffsets32(o, limit)
		if len(o) > 0 && ascending32(o) != ascendingGeneric(o) {
			t.Fatalf("ascending32(%v) = %v", o, ascending32(o))
		}
	case []int64:
		got = CheckOffsets64(o, limit)
		if len(o) > 0 && ascending64(o) != ascendingGeneric(o) {
			t.Fatalf("ascending64(%v) = %v", o, ascending64(o))
		}
	}
	if got != want {
		t.Fatalf("check of %d %v, limit %d: got %d, want %d", len(o), o, limit, got, want)
	}
}

func testCheckOffsets[T int32 | int64](t *testing.T, largest T) {
	r := newRand()
	for n := range maxLen + 1 {
		for start := range 3 {
			o := make([]T, n+start)[start:]
			random := func(scale int64) {
				var v int64
				for i := range o {
					if r.Uint32()&3 != 0 {
						v += r.Int64N(scale)
					}
					o[i] = T(v)
				}
			}
			for _, scale := range []int64{1, 2, 1000, int64(largest) / maxLen} {
				random(scale)
				if n == 0 {
					checkAll(t, o, 0)
					continue
				}
				last := int64(o[n-1])
				for _, limit := range []int64{last, last + 1, last - 1, 0, -1, math.MaxInt64, math.MinInt64} {
					checkAll(t, o, limit)
				}
				// One bad value anywhere, of each kind.
				i := r.IntN(n)
				old := o[i]
				for _, bad := range []T{-1, -largest - 1, largest, old - 1, old + 1, 0} {
					o[i] = bad
					checkAll(t, o, last)
					checkAll(t, o, math.MaxInt64)
				}
				o[i] = old
			}
			// Garbage, including differences that overflow.
			for range 4 {
				for i := range o {
					o[i] = T(r.Uint64())
				}
				checkAll(t, o, math.MaxInt64)
			}
		}
	}
}

func TestCheckOffsets32(t *testing.T) {
	inEach(t, func(t *testing.T) { testCheckOffsets[int32](t, math.MaxInt32) })
}

func TestCheckOffsets64(t *testing.T) {
	inEach(t, func(t *testing.T) { testCheckOffsets[int64](t, math.MaxInt64) })
}

// Each pair of extreme values, at each place of a word and of a block.
func TestCheckOffsetsPairs(t *testing.T) { inEach(t, testCheckOffsetsPairs) }

func testCheckOffsetsPairs(t *testing.T) {
	values := []int32{math.MinInt32, math.MinInt32 + 1, -2, -1, 0, 1, 2, math.MaxInt32 - 1, math.MaxInt32}
	for _, n := range []int{2, 3, 17, 18, 19, 40, 150} {
		for i := range n - 1 {
			for _, a := range values {
				for _, b := range values {
					for _, rest := range []int32{0, math.MaxInt32} {
						o := make([]int32, n)
						for j := i; j < n; j++ {
							o[j] = rest
						}
						o[i], o[i+1] = a, b
						checkAll(t, o, math.MaxInt64)
					}
				}
			}
		}
	}
}

func TestRebaseNarrowWiden(t *testing.T) {
	r := newRand()
	for n := range maxLen + 1 {
		s32, s64 := make([]int32, n), make([]int64, n)
		for i := range n {
			s32[i], s64[i] = int32(r.Uint32()), int64(r.Uint64())
		}
		for _, by := range []int64{0, 1, -1, math.MaxInt32, math.MinInt32, r.Int64()} {
			rebased, narrow, wide := make([]int32, n+2), make([]int32, n+2), make([]int64, n+2)
			Rebase32(rebased, s32, int32(by))
			Narrow64(narrow, s64, by)
			Widen32(wide, s32, by)
			for i := range n + 2 {
				var r, m int32
				var w int64
				if i < n {
					r, m, w = s32[i]-int32(by), int32(s64[i]-by), int64(s32[i])-by
				}
				if rebased[i] != r || narrow[i] != m || wide[i] != w {
					t.Fatalf("n=%d by=%d [%d]: got %d %d %d, want %d %d %d", n, by, i, rebased[i], narrow[i], wide[i], r, m, w)
				}
			}
			inPlace := slices.Clone(s32)
			Rebase32(inPlace, inPlace, int32(by))
			if !slices.Equal(inPlace, rebased[:n]) {
				t.Fatalf("n=%d by=%d: in place %v, want %v", n, by, inPlace, rebased[:n])
			}
		}
	}
}

func ExampleCheckOffsets32() {
	offsets := []int32{0, 4, 4, 9}
	fmt.Println(CheckOffsets32(offsets, 9), CheckOffsets32(offsets, 8))
	// Output: -1 3
}
