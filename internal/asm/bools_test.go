package asm

import (
	"bytes"
	"slices"
	"testing"
)

func TestPackBools(t *testing.T) {
	r := newRand()
	for n := range maxLen + 1 {
		for start := range 9 {
			back := make([]bool, start+n)
			src := back[start:]
			for i := range src {
				src[i] = r.Uint32()&1 != 0
			}
			want := bytes.Repeat([]byte{0xA5}, n/8+8)
			for i := range (n + 7) / 8 * 8 {
				putBit(want, i, i < n && src[i])
			}
			for name, pack := range map[string]func([]byte, []bool){
				"PackBools": PackBools,
				"generic":   func(dst []byte, src []bool) { packBoolsGeneric(dst[:(len(src)+7)/8], src) },
			} {
				got := bytes.Repeat([]byte{0xA5}, n/8+8)
				pack(got, src)
				if !bytes.Equal(got, want) {
					t.Fatalf("%s, %d values at %d:\ngot  %x\nwant %x", name, n, start, got, want)
				}
			}
		}
	}
}

func TestUnpackBools(t *testing.T) {
	r := newRand()
	for n := range maxLen + 1 {
		bitmaps(r, n, func(b []byte) {
			for start := range 3 {
				back := make([]bool, start+n+8)
				UnpackBools(back[start:start+n], b)
				want := make([]bool, start+n+8)
				for i := range n {
					want[start+i] = getBit(b, i)
				}
				if !slices.Equal(back, want) {
					t.Fatalf("%d values of %x:\ngot  %v\nwant %v", n, b, back, want)
				}
				// Each is a proper bool, so that packing gives the bitmap again.
				again := make([]byte, len(b))
				PackBools(again, back[start:start+n])
				for i := range n {
					if getBit(again, i) != getBit(b, i) {
						t.Fatalf("bit %d of %x became %x", i, b, again)
					}
				}
			}
		})
	}
}
