package asm

import (
	"math/bits"
	"math/rand/v2"
)

// The seeds are drawn once per process, so that nobody outside can prepare keys that collide.
var seed0, seed1, seed2 = rand.Uint64(), rand.Uint64(), rand.Uint64()

// HashString returns a hash of s, all of whose bits are usable, for tables in memory. It differs from process to
// process and must not leave it: the hash is not cryptographic, and whoever sees hashes can find keys that collide.
func HashString(s string) uint64 {
	n, h := uint64(len(s)), seed0
	if len(s) > 16 {
		if len(s) > 64 {
			g := seed1
			for len(s) > 32 {
				h = mix(load64(s)^seed1, load64(s[8:])^h)
				g = mix(load64(s[16:])^seed2, load64(s[24:])^g)
				s = s[32:]
			}
			h ^= g
		}
		for len(s) > 16 {
			h = mix(load64(s)^seed1, load64(s[8:])^h)
			s = s[16:]
		}
	}
	var a, b uint64
	switch k := len(s); {
	case k >= 8:
		a, b = load64(s), load64(s[k-8:])
	case k >= 4:
		a, b = uint64(load32(s)), uint64(load32(s[k-4:]))
	case k > 0:
		a, b = uint64(s[0])|uint64(s[k-1])<<8, uint64(s[k>>1])
	}
	// One round leaves keys that differ in few bits too close together. The second also takes in the length, as keys of
	// different lengths can have the same a and b.
	return mix(mix(a^seed1, b^h)^seed2, n^seed0)
}

// HashWord is [HashString] for a word.
func HashWord(v uint64) uint64 { return mix(mix(v^seed1, seed0)^seed2, seed0) }

// mix returns the halves of the product of a and b folded together: each bit of both has a say in most bits of it.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// load64 returns the first eight bytes of s; the compiler makes it one load where the processor can.
func load64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// load32 is load64 for four bytes.
func load32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
