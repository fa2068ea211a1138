//go:build purego || !(386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64 || wasm)

package column

import "encoding/binary"

// Native tells that columns in memory have the byte order and form of the wire. Here they have not: [View] and [Bytes]
// convert value by value.
const Native = false

// SizeOf returns the width of T in bytes.
func SizeOf[T Value]() int { return binary.Size(*new(T)) }

// View returns a copy of the little-endian values in b, len(b)/size of them.
func View[T Value](b []byte) []T { return viewOf[T](b) }

func sizeOf[T any]() int { return binary.Size(*new(T)) }

func viewOf[T any](b []byte) []T {
	size := max(sizeOf[T](), 1)
	n := len(b) / size
	if n == 0 {
		return nil
	}
	v := make([]T, n)
	if _, err := binary.Decode(b, binary.LittleEndian, v); err != nil {
		panic(err) // n values were counted above, and T has one size
	}
	return v
}

// Bytes returns a copy of v as little-endian bytes.
func Bytes[T Value](v []T) []byte { return bytesOf(v) }

func bytesOf[T any](v []T) []byte {
	if cap(v) == 0 {
		return nil
	}
	n := len(v) * sizeOf[T]()
	b, err := binary.Append(make([]byte, 0, (n+63)&^63), binary.LittleEndian, v)
	if err != nil {
		panic(err) // T has one size
	}
	return b
}

func growFixed[T any](v []T, n int) []T {
	mustBeFixed[T]()
	if cap(v)-len(v) >= n {
		return v
	}
	w := make([]T, len(v), max(len(v)+n, 2*cap(v), 64))
	copy(w, v)
	return w
}

func stringOf(b []byte) string { return string(b) }

func bytesIn(s string) []byte { return []byte(s) }
