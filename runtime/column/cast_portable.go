//go:build purego || !(386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64 || wasm)

package column

import (
	"encoding/binary"
	"math"
)

// Native tells that columns in memory have the byte order and form of the wire. Here they have not: [View] and [Bytes]
// convert value by value.
const Native = false

// SizeOf returns the width of T in bytes.
func SizeOf[T Fixed]() int { return binary.Size(*new(T)) }

// View returns a copy of the little-endian values in b, len(b)/size of them.
func View[T Fixed](b []byte) []T {
	size := SizeOf[T]()
	n := len(b) / size
	if n == 0 {
		return nil
	}
	v := make([]T, n)
	switch v := any(v).(type) {
	case []float32:
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return any(v).([]T)
	case []float64:
		for i := range v {
			v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
		return any(v).([]T)
	}
	for i := range v {
		v[i] = load[T](b[size*i:], size)
	}
	return v
}

// Bytes returns a copy of v as little-endian bytes.
func Bytes[T Fixed](v []T) []byte {
	if cap(v) == 0 {
		return nil
	}
	size := SizeOf[T]()
	b := make([]byte, 0, (len(v)*size+63)&^63)
	for _, x := range v {
		switch size {
		case 1:
			b = append(b, byte(bits(x)))
		case 2:
			b = binary.LittleEndian.AppendUint16(b, uint16(bits(x)))
		case 4:
			b = binary.LittleEndian.AppendUint32(b, uint32(bits(x)))
		default:
			b = binary.LittleEndian.AppendUint64(b, bits(x))
		}
	}
	return b
}

func growFixed[T Fixed](v []T, n int) []T {
	if cap(v)-len(v) >= n {
		return v
	}
	w := make([]T, len(v), max(len(v)+n, 2*cap(v), 64))
	copy(w, v)
	return w
}

func stringOf(b []byte) string { return string(b) }

// isFloat tells floats from integers of any name: only a float keeps a half.
func isFloat[T Fixed]() bool {
	var one T = 1
	return one/2 != 0
}

func bits[T Fixed](x T) uint64 {
	if isFloat[T]() {
		if SizeOf[T]() == 4 {
			return uint64(math.Float32bits(float32(x)))
		}
		return math.Float64bits(float64(x))
	}
	return uint64(x)
}

func load[T Fixed](b []byte, size int) T {
	switch size {
	case 1:
		return T(b[0])
	case 2:
		return T(binary.LittleEndian.Uint16(b))
	case 4:
		u := binary.LittleEndian.Uint32(b)
		if isFloat[T]() {
			return T(math.Float32frombits(u))
		}
		return T(u)
	default:
		u := binary.LittleEndian.Uint64(b)
		if isFloat[T]() {
			return T(math.Float64frombits(u))
		}
		return T(u)
	}
}
