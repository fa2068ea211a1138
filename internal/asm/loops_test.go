//go:build !purego

package asm

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"unsafe"
)

// A loop is one of the package's functions over memory that a test has laid out: src has n elements of width bytes.
type loop struct {
	name  string
	width int
	dst   func(n int) int                           // bytes that are written, nil where none are
	run   func(dst, src []byte, n int, arg int) int // arg is anything
}

// of returns memory as n values. It may lie anywhere: the tests that call it are for processors that allow that, or give it memory
// that is aligned.
func of[T any](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

func times(k int) func(int) int { return func(n int) int { return k * n } }

func index[I Index](name string, width int) loop {
	return loop{name, width, nil, func(_, src []byte, n, arg int) int {
		idx := of[I](src, n)
		return CheckIndices(idx, []int{1, 100, 128, 256, 300, 1 << 16, 1<<31 - 1}[uint(arg)%7])
	}}
}

// inside is index without the search for the first one that is not within, which would make good for a kernel that finds too many.
func inside[I Index](name string, width int) loop {
	return loop{name, width, nil, func(_, src []byte, n, arg int) int {
		return yes(indicesWithin(of[I](src, n), []int64{0, 99, 127, 255, 299, 1<<16 - 1, 1<<31 - 2}[uint(arg)%7]))
	}}
}

// zero takes the bitmap from the end of the source.
func zero(name string, width int) loop {
	return loop{name, width, times(width), func(dst, src []byte, n, _ int) int {
		rows := n * 8 / 9
		ZeroNulls(dst[:rows*width], src[:rows*width], src[len(src)-(rows+7)/8:], width)
		return 0
	}}
}

func yes(v bool) int { return int(bit(v)) }

// loops are all functions that have a kernel on some target.
var loops = []loop{
	{"CountBits", 1, nil, func(_, src []byte, n, arg int) int { return CountBits(src, max(8*n-arg&7, 0)) }},
	{"CopyBits", 1, times(1), func(dst, src []byte, n, arg int) int {
		if n == 0 {
			return 0
		}
		from, to := arg&7, arg>>3&7
		CopyBits(dst, to, src, from, 8*n-max(from, to)) // all that both have
		return 0
	}},
	{"PackBools", 1, func(n int) int { return (n + 7) / 8 }, func(dst, src []byte, n, _ int) int {
		for i := range src {
			src[i] &= 1
		}
		PackBools(dst, of[bool](src, n))
		return 0
	}},
	{"UnpackBools", 1, times(8), func(dst, src []byte, n, arg int) int {
		UnpackBools(of[bool](dst, max(8*n-arg&7, 0)), src)
		return 0
	}},
	{"CheckOffsets32", 4, nil, func(_, src []byte, n, arg int) int {
		return CheckOffsets32(of[int32](src, n), int64(arg)<<20)
	}},
	{"CheckOffsets64", 8, nil, func(_, src []byte, n, arg int) int {
		return CheckOffsets64(of[int64](src, n), int64(arg)<<20)
	}},
	{"ascending32", 4, nil, func(_, src []byte, n, _ int) int { return yes(ascending32(of[int32](src, n))) }},
	{"ascending64", 8, nil, func(_, src []byte, n, _ int) int { return yes(ascending64(of[int64](src, n))) }},
	{"Narrow64", 8, times(4), func(dst, src []byte, n, arg int) int {
		Narrow64(of[int32](dst, n), of[int64](src, n), int64(arg))
		return 0
	}},
	{"Widen32", 4, times(8), func(dst, src []byte, n, arg int) int {
		Widen32(of[int64](dst, n), of[int32](src, n), int64(arg))
		return 0
	}},
	{"Scale64", 8, times(8), func(dst, src []byte, n, arg int) int {
		bits := Scale64(of[int64](dst, n), of[int64](src, n), int64(arg))
		return int(bits ^ bits>>32)
	}},
	{"WidenIndices/uint8-int32", 1, times(4), func(dst, src []byte, n, _ int) int {
		WidenIndices(of[int32](dst, n), of[uint8](src, n))
		return 0
	}},
	{"WidenIndices/uint16-uint64", 2, times(8), func(dst, src []byte, n, _ int) int {
		WidenIndices(of[uint64](dst, n), of[uint16](src, n))
		return 0
	}},
	index[int8]("CheckIndices/int8", 1),
	index[uint8]("CheckIndices/uint8", 1),
	index[int16]("CheckIndices/int16", 2),
	index[uint16]("CheckIndices/uint16", 2),
	index[int32]("CheckIndices/int32", 4),
	index[uint32]("CheckIndices/uint32", 4),
	index[int64]("CheckIndices/int64", 8),
	index[uint64]("CheckIndices/uint64", 8),
	inside[int8]("indicesWithin/int8", 1),
	inside[uint8]("indicesWithin/uint8", 1),
	inside[int16]("indicesWithin/int16", 2),
	inside[uint16]("indicesWithin/uint16", 2),
	inside[int32]("indicesWithin/int32", 4),
	inside[uint32]("indicesWithin/uint32", 4),
	inside[int64]("indicesWithin/int64", 8),
	inside[uint64]("indicesWithin/uint64", 8),
	zero("ZeroNulls/2", 2),
	zero("ZeroNulls/4", 4),
	zero("ZeroNulls/8", 8),
	{"CheckUTF8", 1, nil, func(_, src []byte, _, _ int) int {
		valid, ascii := CheckUTF8(src)
		return yes(valid) + 2*yes(ascii)
	}},
	{"FindPlaces", 1, times(4), func(dst, src []byte, n, arg int) int {
		places := of[uint32](dst, n)
		found := FindPlaces(places, src, uint32(arg), byte(arg), byte(arg>>8), 'a')
		clear(places[found:]) // which may be anything
		return found
	}},
	{"Swap16", 2, times(2), func(dst, src []byte, _, _ int) int { Swap16(dst, src); return 0 }},
	{"Swap32", 4, times(4), func(dst, src []byte, _, _ int) int { Swap32(dst, src); return 0 }},
	{"Swap64", 8, times(8), func(dst, src []byte, _, _ int) int { Swap64(dst, src); return 0 }},
}

// texts has characters of each length, the first and the last of each.
var texts = strings.Repeat("a\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff, héllo wörld, 世界, 🂡! ", 64)

// fills lay out memory as those who call the loops do, or do not.
var fills = map[string]func(r *rand.Rand, b []byte){
	"zeros":  func(_ *rand.Rand, b []byte) { clear(b) },
	"ones":   func(_ *rand.Rand, b []byte) { fillWith(b, func(int) byte { return 0xFF }) },
	"random": func(r *rand.Rand, b []byte) { fillWith(b, func(int) byte { return byte(r.Uint32()) }) },
	"ascii":  func(r *rand.Rand, b []byte) { fillWith(b, func(int) byte { return byte(r.Uint32()) & 0x7F }) },
	"text":   func(_ *rand.Rand, b []byte) { copy(b, texts) },
	"rising32": func(r *rand.Rand, b []byte) {
		v := uint32(0)
		for i := 0; i+4 <= len(b); i += 4 {
			v += r.Uint32N(1 << 20)
			binary.NativeEndian.PutUint32(b[i:], v)
		}
	},
	"rising64": func(r *rand.Rand, b []byte) {
		v := uint64(0)
		for i := 0; i+8 <= len(b); i += 8 {
			v += r.Uint64N(1 << 20)
			binary.NativeEndian.PutUint64(b[i:], v)
		}
	},
	"small": func(r *rand.Rand, b []byte) { fillWith(b, func(i int) byte { return byte(r.UintN(100)) }) },
	"small16": func(r *rand.Rand, b []byte) {
		for i := 0; i+2 <= len(b); i += 2 {
			binary.NativeEndian.PutUint16(b[i:], uint16(r.UintN(300)))
		}
	},
	"small32": func(r *rand.Rand, b []byte) {
		for i := 0; i+4 <= len(b); i += 4 {
			binary.NativeEndian.PutUint32(b[i:], uint32(r.UintN(300)))
		}
	},
	"small64": func(r *rand.Rand, b []byte) {
		for i := 0; i+8 <= len(b); i += 8 {
			binary.NativeEndian.PutUint64(b[i:], uint64(r.UintN(300)))
		}
	},
}

func fillWith(b []byte, f func(i int) byte) {
	for i := range b {
		b[i] = f(i)
	}
}
