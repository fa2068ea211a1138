package lz4

import "math/bits"

// checksum returns the 32-bit hash that frames have, xxHash with seed 0.
//
// Source: xxHash fast digest algorithm 0.1.1.
func checksum(p []byte) uint32 {
	const (
		p1 uint32 = 0x9E3779B1
		p2 uint32 = 0x85EBCA77
		p3 uint32 = 0xC2B2AE3D
		p4 uint32 = 0x27D4EB2F
		p5 uint32 = 0x165667B1
	)
	n := uint32(len(p))
	h := p5
	if len(p) >= 16 {
		seed := uint32(0)
		lanes := [4]uint32{seed + p1 + p2, seed + p2, seed, seed - p1}
		for ; len(p) >= 16; p = p[16:] {
			for i := range lanes {
				lanes[i] = bits.RotateLeft32(lanes[i]+le.Uint32(p[4*i:])*p2, 13) * p1
			}
		}
		h = bits.RotateLeft32(lanes[0], 1) + bits.RotateLeft32(lanes[1], 7) + bits.RotateLeft32(lanes[2], 12) + bits.RotateLeft32(lanes[3], 18)
	}
	h += n
	for ; len(p) >= 4; p = p[4:] {
		h = bits.RotateLeft32(h+le.Uint32(p)*p3, 17) * p4
	}
	for _, b := range p {
		h = bits.RotateLeft32(h+uint32(b)*p5, 11) * p1
	}
	h = (h ^ h>>15) * p2
	h = (h ^ h>>13) * p3
	return h ^ h>>16
}
