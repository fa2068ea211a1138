//go:build !purego && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64 || wasm)

package column

import (
	"unsafe"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Native tells that columns in memory have the byte order and form of the wire, so that [View] and [Bytes] alias.
const Native = true

// SizeOf returns the width of T in bytes.
func SizeOf[T Value]() int { return int(unsafe.Sizeof(*new(T))) }

// View returns the little-endian values in b, len(b)/size of them. It aliases b where the target is little-endian and b
// is aligned for T, else it is a copy.
func View[T Value](b []byte) []T { return viewOf[T](b) }

func sizeOf[T any]() int { return int(unsafe.Sizeof(*new(T))) }

// viewOf is View of any T that [mustBeFixed] lets pass: memory of any content is a valid T.
func viewOf[T any](b []byte) []T {
	var t T
	size := int(unsafe.Sizeof(t))
	n := len(b) / max(size, 1)
	if n == 0 {
		return nil
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(p)&(unsafe.Alignof(t)-1) != 0 {
		// Received columns are realigned before anyone looks at them; only hand-made Data comes here.
		c := mem.Alloc(n * size)
		copy(c, b)
		p = unsafe.Pointer(unsafe.SliceData(c))
	}
	// Aligned: just checked. Long enough: n*size ≤ len(b). Kept alive: the slice points into b's or c's allocation. The
	// build line names little-endian targets only.
	return unsafe.Slice((*T)(p), n)
}

// Bytes returns v as little-endian bytes. It aliases v where the target is little-endian, else it is a copy. The capacity
// is that of v.
func Bytes[T Value](v []T) []byte { return bytesOf(v) }

func bytesOf[T any](v []T) []byte {
	var t T
	size := int(unsafe.Sizeof(t))
	if cap(v) == 0 {
		return nil
	}
	// Any address is aligned for bytes, the length is that of v's memory, and the slice keeps it alive.
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), cap(v)*size)[:len(v)*size]
}

// growFixed makes room for n more values in 64-byte-aligned memory and keeps what is there.
func growFixed[T any](v []T, n int) []T {
	mustBeFixed[T]()
	var t T
	size := int(unsafe.Sizeof(t))
	length := len(v)
	b := mem.Grow(bytesOf(v), n*size)
	b = b[:cap(b)]
	// Aligned: mem hands out multiples of 64. Long enough: cap(b)/size values. Kept alive: by the slice itself.
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/size)[:length]
}

// stringOf returns b as a string without copying. The caller promises that b does not change while the string lives.
func stringOf(b []byte) string {
	// The length is b's own, and the string keeps b's memory alive.
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// bytesIn returns the bytes of s without copying. The caller promises not to change them.
func bytesIn(s string) []byte {
	// The length is s's own, the slice has no more capacity, and it keeps s's memory alive.
	return unsafe.Slice(unsafe.StringData(s), len(s))
}
