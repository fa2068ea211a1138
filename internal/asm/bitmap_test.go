package asm

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// maxLen is the greatest length that is tried exhaustively: more than four words and two blocks of any loop.
const maxLen = 257

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func getBit(b []byte, i int) bool { return b[i/8]>>(i%8)&1 != 0 }

func putBit(b []byte, i int, v bool) {
	b[i/8] &^= 1 << (i % 8)
	if v {
		b[i/8] |= 1 << (i % 8)
	}
}

// bitmaps yields bitmaps of n bits with garbage behind them, at each of the given starts within a larger array: all
// zero, all one, one zero, one one, and random ones.
func bitmaps(r *rand.Rand, n int, yield func([]byte)) {
	size := (n + 7) / 8
	for start := range 3 {
		back := make([]byte, size+8)
		b := back[start : start+size : start+size+5]
		fill := func(v byte) []byte {
			for i := range back {
				back[i] = v
			}
			return b
		}
		yield(fill(0))
		yield(fill(0xFF))
		if n > 0 {
			fill(0)
			putBit(b, r.IntN(n), true)
			yield(b)
			fill(0xFF)
			putBit(b, r.IntN(n), false)
			yield(b)
			fill(0xFF)
			putBit(b, n-1, false)
			yield(b)
		}
		for i := range back {
			back[i] = byte(r.Uint32())
		}
		yield(b)
	}
}

func TestCountBitsAndFirstZero(t *testing.T) {
	r := newRand()
	for n := range maxLen + 1 {
		bitmaps(r, n, func(b []byte) {
			// Every prefix of it, as the bits behind the prefix must not count.
			count, first := 0, -1
			for k := 0; ; k++ {
				if got := CountBits(b, k); got != count {
					t.Fatalf("CountBits(%x, %d) = %d, want %d", b, k, got, count)
				}
				if got := FirstZero(b, k); got != first {
					t.Fatalf("FirstZero(%x, %d) = %d, want %d", b, k, got, first)
				}
				if got := AllSet(b, k); got != (first < 0) {
					t.Fatalf("AllSet(%x, %d) = %v", b, k, got)
				}
				if k == n {
					break
				}
				if getBit(b, k) {
					count++
				} else if first < 0 {
					first = k
				}
			}
		})
	}
}

func TestSetBits(t *testing.T) {
	const bits = 96 * 8
	r := newRand()
	for n := range maxLen + 1 {
		for range 20 {
			from := r.IntN(bits - n + 1)
			got, want := make([]byte, bits/8), make([]byte, bits/8)
			for i := range got {
				got[i] = byte(r.Uint32())
			}
			copy(want, got)
			for i := from; i < from+n; i++ {
				putBit(want, i, true)
			}
			SetBits(got, from, n)
			if !bytes.Equal(got, want) {
				t.Fatalf("SetBits from %d, %d bits:\ngot  %x\nwant %x", from, n, got, want)
			}
		}
	}
}

func TestCopyBits(t *testing.T) {
	const size = 96
	r := newRand()
	src, got, want := make([]byte, size), make([]byte, size), make([]byte, size)
	for n := range maxLen + 1 {
		for shift := range 64 {
			for i := range src {
				src[i], got[i] = byte(r.Uint32()), byte(r.Uint32())
			}
			copy(want, got)
			// All pairs of positions within a byte, at random bytes.
			at, from := shift/8+8*r.IntN(size-n/8-2), shift%8+8*r.IntN(size-n/8-2)
			for i := range n {
				putBit(want, at+i, getBit(src, from+i))
			}
			// The exact bytes and no more, so that any access behind them panics.
			end, srcEnd := (at+n+7)/8, (from+n+7)/8
			CopyBits(got[:end:end], at, src[:srcEnd:srcEnd], from, n)
			if !bytes.Equal(got, want) {
				t.Fatalf("CopyBits of %d bits from %d to %d:\ngot  %x\nwant %x", n, from, at, got, want)
			}
		}
	}
}

// Lengths are those of the slices, whatever lies behind in their capacity.
func TestTooShort(t *testing.T) {
	b := make([]byte, 64)[:4]
	for name, f := range map[string]func(){
		"CountBits":         func() { CountBits(b, 33) },
		"FirstZero":         func() { FirstZero(b, 33) },
		"AllSet":            func() { AllSet(b, 33) },
		"SetBits":           func() { SetBits(b, 30, 3) },
		"SetBits from":      func() { SetBits(b, -1, 3) },
		"CopyBits dst":      func() { CopyBits(b, 1, b[:64], 0, 32) },
		"CopyBits src":      func() { CopyBits(b[:64], 0, b, 1, 32) },
		"CopyBits negative": func() { CopyBits(b, -8, b, 0, 8) },
		"PackBools":         func() { PackBools(b, make([]bool, 33)) },
		"UnpackBools":       func() { UnpackBools(make([]bool, 33), b) },
		"Rebase32":          func() { Rebase32(make([]int32, 8)[:3], make([]int32, 4), 0) },
		"Narrow64":          func() { Narrow64(make([]int32, 8)[:3], make([]int64, 4), 0) },
		"Scale64":           func() { Scale64(make([]int64, 8)[:3], make([]int64, 4), 1) },
		"WidenIndices":      func() { WidenIndices(make([]int32, 8)[:3], make([]int8, 4)) },
		"Widen32":           func() { Widen32(make([]int64, 8)[:3], make([]int32, 4), 0) },
		"huge":              func() { CountBits(b, int(^uint(0)>>1)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestNothingToDo(t *testing.T) {
	for _, n := range []int{0, -1, -64} {
		if CountBits(nil, n) != 0 || FirstZero(nil, n) != -1 || !AllSet(nil, n) {
			t.Errorf("n=%d: want 0, -1, true", n)
		}
		SetBits(nil, 5, n)
		CopyBits(nil, 5, nil, 7, n)
	}
	PackBools(nil, nil)
	UnpackBools(nil, nil)
	Rebase32(nil, nil, 1)
	Narrow64(nil, nil, 1)
	Widen32(nil, nil, 1)
	Scale64(nil, nil, 1)
	WidenIndices[int32, int8](nil, nil)
}
