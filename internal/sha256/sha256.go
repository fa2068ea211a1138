// Package sha256 computes SHA-256 of a few bytes, such as what is digested of a schema. It is no cryptographic module and is not for
// secrets: those have crypto/sha256, which brings the whole of FIPS 140 into a program, with its tests and its source of entropy, also
// where nothing of it is called.
//
// Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5.1.1, 5.3.3 and 6.2.
package sha256

import (
	"encoding/binary"
	"math/bits"
)

// Size is the length of a digest in bytes.
const Size = 32

const blockSize = 64

// initial are the first 32 bits of the fractions of the square roots of the first 8 primes.
var initial = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// rounds are the first 32 bits of the fractions of the cube roots of the first 64 primes.
var rounds = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// Sum returns the digest of b.
func Sum(b []byte) [Size]byte {
	state := initial
	whole := len(b) &^ (blockSize - 1)
	for i := 0; i < whole; i += blockSize {
		update(&state, (*[blockSize]byte)(b[i:]))
	}
	// A bit behind what is left, zeros, and the number of bits at the end of the last block.
	var last [2 * blockSize]byte
	n := copy(last[:], b[whole:])
	last[n] = 0x80
	end := blockSize
	if n >= blockSize-8 {
		end = 2 * blockSize
	}
	binary.BigEndian.PutUint64(last[end-8:], uint64(len(b))*8)
	for i := 0; i < end; i += blockSize {
		update(&state, (*[blockSize]byte)(last[i:]))
	}
	var sum [Size]byte
	for i, h := range state {
		binary.BigEndian.PutUint32(sum[4*i:], h)
	}
	return sum
}

func update(state *[8]uint32, block *[blockSize]byte) {
	var w [64]uint32 // the message schedule
	for t := range 16 {
		w[t] = binary.BigEndian.Uint32(block[4*t:])
	}
	for t := 16; t < len(w); t++ {
		v, u := w[t-2], w[t-15]
		w[t] = (rotate(v, 17) ^ rotate(v, 19) ^ v>>10) + w[t-7] + (rotate(u, 7) ^ rotate(u, 18) ^ u>>3) + w[t-16]
	}
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	for t := range w {
		t1 := h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (e&f ^ ^e&g) + rounds[t] + w[t]
		t2 := (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + (a&b ^ a&c ^ b&c)
		a, b, c, d, e, f, g, h = t1+t2, a, b, c, d+t1, e, f, g
	}
	for i, v := range [8]uint32{a, b, c, d, e, f, g, h} {
		state[i] += v
	}
}

// rotate moves the bits of x to the right by k, and those that fall out to the left end.
func rotate(x uint32, k int) uint32 { return bits.RotateLeft32(x, -k) }
