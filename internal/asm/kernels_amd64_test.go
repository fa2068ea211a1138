//go:build !purego

package asm

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/sys/cpu"
)

// levels are what the processor can be taken for: the first is the portable code alone.
func levels(t testing.TB) []string {
	t.Helper()
	if !useAVX2 {
		t.Skip("this processor has no AVX2 with BMI1 and POPCNT")
	}
	if !useAVX512 {
		return []string{"portable", "AVX2"}
	}
	return []string{"portable", "AVX2", "AVX-512"}
}

// as does f with the kernels of a level.
func as(level string, f func()) {
	defer func(avx2, avx512 bool) { useAVX2, useAVX512 = avx2, avx512 }(useAVX2, useAVX512)
	useAVX2, useAVX512 = level != "portable", level == "AVX-512"
	f()
}

// inEach runs a test with the kernels of each level: where a processor has AVX-512, those for AVX2 are tested too.
func inEach(t *testing.T, f func(t *testing.T)) {
	if !useAVX2 {
		f(t)
		return
	}
	for _, level := range levels(t) {
		t.Run(level, func(t *testing.T) { as(level, func() { f(t) }) })
	}
}

// eachLevel runs a benchmark with the kernels of each level.
func eachLevel(b *testing.B, name string, f func(b *testing.B)) {
	for _, level := range levels(b) {
		b.Run(name+"/"+level, func(b *testing.B) { as(level, func() { f(b) }) })
	}
}

// TestKernels compares each kernel with the portable code, for every length, at addresses that are multiples of nothing, and wants the
// bytes on both sides of what is written to be what they were.
func TestKernels(t *testing.T) {
	levels := levels(t)
	r := newRand()
	for _, l := range loops {
		t.Run(l.name, func(t *testing.T) {
			for name, fill := range fills {
				for n := range maxLen + 1 {
					start, end := r.IntN(65), r.IntN(65)
					src := make([]byte, start+n*l.width+end)
					fill(r, src)
					src = src[start:]
					fill(r, src[:n*l.width:n*l.width])
					if n > 0 && r.IntN(2) == 0 { // one byte that is none of these
						src[r.IntN(n*l.width)] ^= 1 << r.IntN(8)
					}
					src = src[: n*l.width : n*l.width]
					size := 0
					if l.dst != nil {
						size = l.dst(n)
					}
					arg := int(r.Int32())
					var want int
					var wantBytes []byte
					for _, level := range levels {
						around := bytes.Repeat([]byte{0xA5}, start+size+end)
						in := bytes.Clone(src)
						var got int
						as(level, func() { got = l.run(around[start:start+size:start+size], src, n, arg) })
						if level == "portable" {
							want, wantBytes = got, around
							continue
						}
						if got != want || !bytes.Equal(around, wantBytes) {
							t.Fatalf("%s, %s, n=%d at %d, arg %#x: got %d, want %d\nsrc  %x\ngot  %x\nwant %x", level, name, n, start, arg, got, want, src, around, wantBytes)
						}
						if l.name != "PackBools" && !bytes.Equal(in, src) {
							t.Fatalf("%s, %s, n=%d: the source has changed", level, name, n)
						}
					}
				}
			}
		})
	}
}

// TestKernelsRun wants each kernel to do what is its part, and nothing where it is switched off: without that the tests above would
// compare the portable code with itself.
func TestKernelsRun(t *testing.T) {
	const n = 1000
	b := make([]byte, 8*n)
	o32, o64, bools := make([]int32, n), make([]int64, n), make([]bool, n)
	of := func(n int, _ bool) int { return n }
	var full [1]Slots
	for j := range full[0].Size {
		full[0].Size[j] = 1
	}
	fronts := map[string]struct {
		front func() int
		want  int
	}{
		"shift":    {func() int { return shiftFront(b[:n], b[:n+1], 3) }, 960},
		"pack":     {func() int { return packFront(b, bools) }, 960},
		"unpack":   {func() int { return unpackFront(bools, b) }, 960},
		"rising32": {func() int { return of(ascending32Front(o32)) }, n - 1},
		"rising64": {func() int { return of(ascending64Front(o64)) }, n - 1},
		"narrow":   {func() int { return narrow64Front(o32, o64, 1) }, 992},
		"widen":    {func() int { return widen32Front(o64, o32, 1) }, 992},
		"scale":    {func() int { _, n := scale64Front(o64, make([]int64, n), 1000); return n }, 992},
		"widen8":   {func() int { return widenFront(o32, make([]uint8, n)) }, 992},
		"within8":  {func() int { return of(withinFront(make([]int8, n), 100)) }, n},
		"within16": {func() int { return of(withinFront(make([]uint16, n), 100)) }, n},
		"within32": {func() int { return of(withinFront(o32, 100)) }, n},
		"within64": {func() int { return of(withinFront(o64, 100)) }, n},
		"nulls32":  {func() int { return nullsFront(b[:4*n], b[4*n:], make([]byte, n/8), 4) }, n},
		"nulls64":  {func() int { return nullsFront(make([]byte, 8*n), b, make([]byte, n/8), 8) }, n},
		"text":     {func() int { n, _, _ := textFront(b[:n]); return n }, 960},
		"find":     {func() int { _, n := findFront(make([]uint32, n), b[:n], 0, ',', '"', '\n'); return n }, 960},
		"join": {func() int {
			rows, _, _ := joinFront(make([]byte, SlotSize*SlotRows), full[:], 0, SlotRows)
			return rows
		}, SlotRows},
		"swap16": {func() int { return swap16Front(b[:n], b[n:2*n]) }, 960},
		"swap32": {func() int { return swap32Front(b[:n], b[n:2*n]) }, 960},
		"swap64": {func() int { return swap64Front(b[:n], b[n:2*n]) }, 960},
	}
	for _, level := range levels(t) {
		as(level, func() {
			for name, f := range fronts {
				want := f.want
				if level == "portable" {
					want = 0
				}
				if got := f.front(); got != want {
					t.Errorf("%s, %s: the front has %d, want %d", level, name, got, want)
				}
			}
			want := map[string]int{"portable": 0, "AVX2": 960, "AVX-512": n}[level]
			if _, got := countFront(b[:n]); got != want {
				t.Errorf("%s, count: the front has %d, want %d", level, got, want)
			}
		})
	}
}

// TestDispatch wants the kernels to be used where the processor has what they need.
func TestDispatch(t *testing.T) {
	there := cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasPOPCNT
	if useAVX2 != there {
		t.Errorf("AVX2: used %v, there %v", useAVX2, there)
	}
	if there := there && cpu.X86.HasBMI2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VPOPCNTDQ; useAVX512 != there {
		t.Errorf("AVX-512: used %v, there %v", useAVX512, there)
	}
}

// The bounds of indices at which something turns over, which those of loops do not come near.
func TestKernelsWithin(t *testing.T) {
	for _, level := range levels(t)[1:] {
		as(level, func() {
			for _, last := range []uint64{0, 1, 1<<31 - 1, 1 << 31, 1<<62 - 1, 1 << 62, 1<<63 - 2, 1<<63 - 1} {
				for _, v := range []uint64{0, last - 1, last, last + 1, 1 << 63, 1<<64 - 1} {
					for at := range 9 {
						idx := slices.Repeat([]uint64{last}, 9)
						idx[at] = v
						if n, ok := withinFront(idx, last); n != 9 || ok != (v <= last) {
							t.Fatalf("%s: %#x of %#x at %d: %v, %d", level, v, last, at, ok, n)
						}
					}
				}
			}
		})
	}
}
