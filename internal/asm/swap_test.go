package asm

import (
	"bytes"
	"slices"
	"testing"
)

func TestSwap(t *testing.T) {
	r := newRand()
	for width, swap := range map[int]func(dst, src []byte){2: Swap16, 4: Swap32, 8: Swap64} {
		for n := range maxLen + 1 {
			src := make([]byte, n)
			for i := range src {
				src[i] = byte(r.Uint32())
			}
			want := bytes.Repeat([]byte{0xA5}, n+3)
			for i := 0; i+width <= n; i += width {
				copy(want[i:], src[i:i+width])
				slices.Reverse(want[i : i+width])
			}
			dst := bytes.Repeat([]byte{0xA5}, n+3)
			swap(dst, src)
			if !bytes.Equal(dst, want) {
				t.Fatalf("width %d:\nsrc  %x\ngot  %x\nwant %x", width, src, dst, want)
			}
			swap(src, src)
			if whole := n / width * width; !bytes.Equal(src[:whole], want[:whole]) {
				t.Fatalf("width %d, in place: got %x, want %x", width, src, want)
			}
		}
	}
}
