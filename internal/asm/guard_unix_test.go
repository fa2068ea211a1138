//go:build unix && !purego

package asm

import (
	"os"
	"syscall"
	"testing"
)

// guarded returns memory of at least n bytes between two pages that cannot be touched.
func guarded(t *testing.T, n int) []byte {
	t.Helper()
	page := os.Getpagesize()
	size := (n + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(b); err != nil {
			t.Error(err)
		}
	})
	for _, p := range [][]byte{b[:page], b[page+size:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return b[page : page+size : page+size]
}

// TestGuardPages runs each loop, with the kernels of each level, in memory right behind a page that cannot be touched, and right before
// one: a loop that reads or writes a byte too many ends the process.
func TestGuardPages(t *testing.T) {
	r := newRand()
	in, out := guarded(t, 8*maxLen), guarded(t, 8*maxLen)
	for _, level := range levels(t) {
		as(level, func() {
			for _, l := range loops {
				for n := range maxLen + 1 {
					size := 0
					if l.dst != nil {
						size = l.dst(n)
					}
					for _, fill := range fills {
						for _, end := range []bool{false, true} {
							src, dst := in[:n*l.width:n*l.width], out[:size:size]
							if end {
								src, dst = in[len(in)-n*l.width:], out[len(out)-size:]
							}
							fill(r, src)
							l.run(dst, src, n, int(r.Int32()))
						}
					}
				}
			}
		})
	}
}
