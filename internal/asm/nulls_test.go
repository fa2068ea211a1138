package asm

import (
	"bytes"
	"testing"
)

func TestZeroNulls(t *testing.T) {
	r := newRand()
	for _, width := range []int{1, 3, 4, 8, 16} {
		for n := range maxLen + 1 {
			bitmaps(r, n, func(bitmap []byte) {
				src, want := make([]byte, n*width), bytes.Repeat([]byte{0xA5}, n*width+9)
				for i := range src {
					src[i] = byte(r.Uint32()) | 1
					want[i] = src[i]
					if !getBit(bitmap, i/width) {
						want[i] = 0
					}
				}
				dst := bytes.Repeat([]byte{0xA5}, n*width+9)
				ZeroNulls(dst, src, bitmap, width)
				if !bytes.Equal(dst, want) {
					t.Fatalf("%d values of %d bytes, %x:\ngot  %x\nwant %x", n, width, bitmap, dst, want)
				}
			})
		}
	}
}
