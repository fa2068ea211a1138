//go:build unix && amd64 && !purego

package asm

import (
	"bytes"
	"testing"
	"unsafe"
)

// TestJoinSlotsGuard compares the kernel with the portable loop, of columns that lie right before a page that cannot be touched and of those
// that begin right behind one, into memory that does so too.
func TestJoinSlotsGuard(t *testing.T) {
	const size, most = int(unsafe.Sizeof(Slots{})), 7
	r := newRand()
	in, out := guarded(t, most*size), guarded(t, most*SlotRows*SlotSize)
	for n := 1; n <= SlotRows; n++ {
		for columns := 1; columns <= most; columns++ {
			for _, end := range []bool{false, true} {
				room := n * columns * SlotSize
				src, dst := in[:columns*size], out[:room:room]
				if end {
					src, dst = in[len(in)-columns*size:], out[len(out)-room:]
				}
				list, from := of[Slots](src, columns), SlotRows-n
				slotsOf(r, list, from, n, 200)
				var want []byte
				rows := 0
				for _, level := range levels(t) {
					fillWith(out, func(int) byte { return 0xA5 })
					as(level, func() {
						got, bytesOf := JoinSlots(dst, list, from, n)
						if level == "portable" {
							want, rows = bytes.Clone(dst[:bytesOf]), got
						} else if got != rows || !bytes.Equal(dst[:bytesOf], want) {
							t.Fatalf("%s: %d rows of %d columns: %d rows in %d bytes, want %d in %d", level, n, columns, got, bytesOf, rows, len(want))
						}
					})
					for i, b := range out {
						if (end && i < len(out)-room || !end && i >= room) && b != 0xA5 {
							t.Fatalf("%s: %d rows of %d columns: byte %d was written", level, n, columns, i)
						}
					}
				}
			}
		}
	}
}

func BenchmarkJoinSlots(b *testing.B) {
	list := make([]Slots, 6)
	slotsOf(newRand(), list, 0, 0, 1<<20)
	dst := make([]byte, len(list)*SlotRows*SlotSize)
	eachLevel(b, "64x6", func(b *testing.B) {
		for b.Loop() {
			JoinSlots(dst, list, 0, SlotRows)
		}
	})
}
