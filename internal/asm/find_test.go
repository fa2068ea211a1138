package asm

import (
	"fmt"
	"testing"
)

// TestFindBytes wants a bit for each of the three, the byte values at both ends among them, and nothing behind the words of the source.
func TestFindBytes(t *testing.T) {
	r := newRand()
	for _, want := range [][3]byte{{',', '"', '\n'}, {0, 0xFF, 0x80}, {0x7F, 1, 0xFE}, {';', ';', ';'}} {
		for n := range maxLen + 1 {
			src := make([]byte, n)
			for i := range src {
				if src[i] = byte(r.Uint32()); r.IntN(3) == 0 { // one of them, or the byte beside it
					src[i] = want[r.IntN(3)] + byte(r.IntN(2))
				}
			}
			for name, find := range map[string]func(dst []uint64, src []byte, a, b, c byte){"": FindBytes, "Generic": findBytesGeneric} {
				words := (n + 63) / 64
				dst := make([]uint64, words+1)
				for i := range dst {
					dst[i] = 0xA5A5A5A5A5A5A5A5
				}
				find(dst[:words], src, want[0], want[1], want[2])
				for i := range 64 * words {
					there := i < n && (src[i] == want[0] || src[i] == want[1] || src[i] == want[2])
					if got := dst[i/64]>>(i%64)&1 != 0; got != there {
						t.Fatalf("FindBytes%s(%q, %q), byte %d: %v, want %v", name, src, want, i, got, there)
					}
				}
				if dst[words] != 0xA5A5A5A5A5A5A5A5 {
					t.Fatalf("FindBytes%s of %d bytes has written word %d", name, n, words)
				}
			}
		}
	}
}

func BenchmarkFindBytes(b *testing.B) {
	for _, n := range []int{64, 4096} {
		src, dst := make([]byte, n), make([]uint64, n/64)
		for i := range src {
			if src[i] = 'x'; i%13 == 0 {
				src[i] = ','
			}
		}
		eachLevel(b, fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				FindBytes(dst, src, ',', '"', '\n')
			}
		})
	}
}
