package asm

import (
	"fmt"
	"slices"
	"testing"
)

// TestFindPlaces wants each place of the three, byte values at both ends among them, many in a row and none, and nothing written behind what
// is as long as the source.
func TestFindPlaces(t *testing.T) {
	r := newRand()
	const untouched = 0xA5A5A5A5
	for _, sought := range [][3]byte{{',', '"', '\n'}, {0, 0xFF, 0x80}, {0x7F, 1, 0xFE}, {';', ';', ';'}} {
		for n := range maxLen + 1 {
			for _, rare := range []int{1, 3, 40} { // how many others there are for one of them, about
				src := make([]byte, n)
				for i := range src {
					if src[i] = byte(r.Uint32()); r.IntN(rare) == 0 { // one of them, or the byte beside it
						src[i] = sought[r.IntN(3)] + byte(r.IntN(2)&(rare-1))
					}
				}
				first := r.Uint32()
				var want []uint32
				for i, v := range src {
					if v == sought[0] || v == sought[1] || v == sought[2] {
						want = append(want, first+uint32(i))
					}
				}
				for name, find := range map[string]func(dst []uint32, src []byte, first uint32, a, b, c byte) int{"": FindPlaces, "Generic": findPlacesGeneric} {
					dst := slices.Repeat([]uint32{untouched}, n+1)
					if got := dst[:find(dst[:n], src, first, sought[0], sought[1], sought[2])]; !slices.Equal(got, want) {
						t.Fatalf("FindPlaces%s(%q, %d, %q): %d, want %d", name, src, first, sought, got, want)
					}
					if dst[n] != untouched {
						t.Fatalf("FindPlaces%s of %d bytes has written place %d", name, n, n)
					}
				}
			}
		}
	}
}

func BenchmarkFindPlaces(b *testing.B) {
	for _, n := range []int{64, 4096} {
		src, dst := make([]byte, n), make([]uint32, n)
		for i := range src {
			if src[i] = 'x'; i%13 == 0 {
				src[i] = ','
			}
		}
		eachLevel(b, fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				FindPlaces(dst, src, 0, ',', '"', '\n')
			}
		})
	}
}
