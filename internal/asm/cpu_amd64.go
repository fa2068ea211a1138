//go:build !purego

package asm

import (
	"os"
	"runtime"
	"strings"
)

// What the processor has of what kernels need. Tests switch them off to reach the portable code.
var useAVX2, useAVX512 = features()

// features tells whether kernels of AVX2 and AVX-512 may be used: the processor has them, with what goes with them, the system keeps their
// registers, and GODEBUG does not say otherwise. It is here because golang.org/x/sys/cpu links several times as much.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID and XGETBV.
func features() (avx2, avx512 bool) {
	const (
		// Leaf 1, ECX.
		popcnt, osxsave = 1 << 23, 1 << 27
		// Leaf 7, EBX.
		bmi1, avx2Bit, bmi2             = 1 << 3, 1 << 5, 1 << 8
		avx512F, avx512DQ, avx512BW     = 1 << 16, 1 << 17, 1 << 30
		avx512VPOPCNTDQ                 = 1 << 14 // ECX
		xmm, ymm, masks, zmm, zmmBeyond = 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7
	)
	all := func(have, want uint32) bool { return have&want == want }
	if most, _, _, _ := cpuid(0, 0); most < 7 {
		return false, false
	}
	_, _, c1, _ := cpuid(1, 0)
	if !all(c1, popcnt|osxsave) {
		return false, false
	}
	_, b7, c7, _ := cpuid(7, 0)
	state := xgetbv()
	avx2 = all(state, xmm|ymm) && all(b7, avx2Bit|bmi1)
	avx512 = avx2 && all(state, masks|zmm|zmmBeyond) && all(b7, bmi2|avx512F|avx512DQ|avx512BW) && all(c7, avx512VPOPCNTDQ)
	for options := os.Getenv("GODEBUG"); options != ""; {
		end := strings.IndexByte(options, ',')
		if end < 0 {
			end = len(options)
		}
		option := options[:end]
		options = options[min(end+1, len(options)):]
		switch option {
		case "cpu.all=off", "cpu.avx2=off":
			return false, false
		case "cpu.avx512f=off":
			avx512 = false
		}
	}
	// Darwin turns the registers of AVX-512 on when a thread uses them first.
	return avx2, avx512 && runtime.GOOS != "darwin"
}
