package asm

import (
	"math/bits"
	"math/rand/v2"
)

// The seeds are drawn once per process, so that nobody outside can prepare keys that collide.
var seed0, seed1 = rand.Uint64(), rand.Uint64()

// HashString returns a hash of s for tables in memory. It differs from process to process, and is not meant to resist
// those who can observe it.
func HashString(s string) uint64 {
	n := len(s)
	var a, b uint64
	h := seed0
	switch {
	case n > 16:
		for len(s) > 16 {
			h = mix(load64(s)^seed1, load64(s[8:])^h)
			s = s[16:]
		}
		// 1 to 16 bytes are left.
		return hashShort(s, h, n)
	}
	_, _ = a, b
	return hashShort(s, h, n)
}

func hashShort(s string, h uint64, n int) uint64 {
	var a, b uint64
	switch k := len(s); {
	case k >= 8:
		a, b = load64(s), load64(s[k-8:])
	case k >= 4:
		a, b = uint64(load32(s)), uint64(load32(s[k-4:]))
	case k > 0:
		a = uint64(s[0])<<16 | uint64(s[k>>1])<<8 | uint64(s[k-1])
	}
	return mix(mix(a^seed1, b^h)^seed0, uint64(n)^seed1)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

func load64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
