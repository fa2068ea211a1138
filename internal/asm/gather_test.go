//go:build unix && amd64 && !purego

package asm

import (
	"testing"
	"unsafe"
)

type gathered struct {
	A int32
	B int64
	C [3]byte
	D float64
	E uint64
}

// TestGather compares the kernel with a plain loop, of rows that end right before a page that cannot be touched and of those that begin
// right behind one, into words that do so too, and wants what lies beside these to stay.
func TestGather(t *testing.T) {
	const size = int(unsafe.Sizeof(gathered{}))
	r := newRand()
	in, out := guarded(t, maxLen*size), guarded(t, 8*maxLen+16)
	for _, level := range levels(t) {
		as(level, func() {
			for n := range maxLen + 1 {
				for _, end := range []bool{false, true} {
					src, to := in[:n*size], out[:8*n]
					if end {
						src, to = in[len(in)-n*size:], out[len(out)-8*n:]
					}
					rows := of[gathered](src, n)
					for i := range rows {
						rows[i] = gathered{B: int64(r.Uint64()), D: r.Float64(), E: r.Uint64()}
					}
					aligned := n == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(to)))%16 == 0
					check := func(got bool) {
						if want := level != "portable" && n > 0 && aligned; got != want {
							t.Fatalf("%s, n=%d, end %v: gathered %v, want %v", level, n, end, got, want)
						}
					}
					if n == 0 {
						check(Gather(of[int64](to, n), rows, new(int64)))
						continue
					}
					fillWith(out, func(int) byte { return 0xA5 })
					ints := of[int64](to, n)
					did := Gather(ints, rows, &rows[0].B)
					check(did)
					for i := range ints {
						if did && ints[i] != rows[i].B {
							t.Fatalf("%s, n=%d: row %d is %d, want %d", level, n, i, ints[i], rows[i].B)
						}
					}
					for i, b := range out {
						if at := uintptr(unsafe.Pointer(&out[i])) - uintptr(unsafe.Pointer(&to[0])); (!did || at >= uintptr(len(to))) && b != 0xA5 {
							t.Fatalf("%s, n=%d: byte %d was written", level, n, i)
						}
					}
					floats, last := of[float64](to, n), of[uint64](to, n)
					if check(Gather(floats, rows, &rows[0].D)); did && (floats[0] != rows[0].D || floats[n-1] != rows[n-1].D) {
						t.Fatalf("%s, n=%d: floats differ", level, n)
					}
					if check(Gather(last, rows, &rows[0].E)); did && (last[0] != rows[0].E || last[n-1] != rows[n-1].E) {
						t.Fatalf("%s, n=%d: the last field differs", level, n)
					}
				}
			}
			// What is no field of the first row is left to the caller.
			rows, words := make([]gathered, 16), make([]uint64, 16)
			if Gather(words, rows[:8], &rows[9].E) || Gather(words, rows[1:], &rows[0].E) {
				t.Errorf("%s: a field of another row was gathered", level)
			}
			if behind := of[uint64](in[256:], 1); Gather(words, of[int32](in, 16), &behind[0]) || Gather(words, of[struct{}](in, 16), &behind[0]) {
				t.Errorf("%s: a field was gathered of rows that are too small for one", level)
			}
			if PastCache(rows) || PastCache(make([]gathered, pastCache/size)) != (level != "portable") || PastCache(make([]struct{}, 1)) {
				t.Errorf("%s: the wrong rows are worth it", level)
			}
		})
	}
}
