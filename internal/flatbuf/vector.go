package flatbuf

import (
	"fmt"
	"math"
)

// Vector is a vector in a verified buffer. The zero Vector is that of an absent field: it has no elements.
type Vector struct {
	buf     []byte
	pos     int // of the first element
	n, size int
}

// Len returns how many elements there are.
func (v Vector) Len() int { return v.n }

// Pos returns where in the buffer the first element is, 0 when the vector is absent.
func (v Vector) Pos() int { return v.pos }

// Bytes returns the elements as they are stored, nil when the vector is absent. They alias the buffer.
func (v Vector) Bytes() []byte {
	if v.buf == nil {
		return nil
	}
	end := v.pos + v.n*v.size
	return v.buf[v.pos:end:end]
}

// at returns the bytes from element i on. Like the index of a slice, i has to be less than Len.
func (v Vector) at(i int) []byte {
	if uint(i) >= uint(v.n) {
		panic(fmt.Sprintf("flatbuf: index %d of a vector of %d", i, v.n))
	}
	return v.buf[v.pos+i*v.size:]
}

// Bool returns element i of a vector of bools.
func (v Vector) Bool(i int) bool { return v.at(i)[0] != 0 }

// Int8 returns element i of a vector of bytes.
func (v Vector) Int8(i int) int8 { return int8(v.at(i)[0]) }

// Uint8 returns element i of a vector of ubytes.
func (v Vector) Uint8(i int) uint8 { return v.at(i)[0] }

// Int16 returns element i of a vector of shorts.
func (v Vector) Int16(i int) int16 { return int16(le.Uint16(v.at(i))) }

// Uint16 returns element i of a vector of ushorts.
func (v Vector) Uint16(i int) uint16 { return le.Uint16(v.at(i)) }

// Int32 returns element i of a vector of ints.
func (v Vector) Int32(i int) int32 { return int32(le.Uint32(v.at(i))) }

// Uint32 returns element i of a vector of uints.
func (v Vector) Uint32(i int) uint32 { return le.Uint32(v.at(i)) }

// Int64 returns element i of a vector of longs.
func (v Vector) Int64(i int) int64 { return int64(le.Uint64(v.at(i))) }

// Uint64 returns element i of a vector of ulongs.
func (v Vector) Uint64(i int) uint64 { return le.Uint64(v.at(i)) }

// Float32 returns element i of a vector of floats.
func (v Vector) Float32(i int) float32 { return Float32(v.at(i)) }

// Float64 returns element i of a vector of doubles.
func (v Vector) Float64(i int) float64 { return Float64(v.at(i)) }

// Struct returns element i of a vector of structs.
func (v Vector) Struct(i int) Struct { return v.at(i)[:v.size:v.size] }

// Table returns element i of a vector of tables.
func (v Vector) Table(i int) Table { return Table{v.buf, v.follow(i)} }

// Text returns the bytes of element i of a vector of strings. They alias the buffer.
func (v Vector) Text(i int) []byte {
	p := v.follow(i)
	end := p + 4 + int(le.Uint32(v.buf[p:]))
	return v.buf[p+4 : end : end]
}

// String returns element i of a vector of strings. It aliases the buffer.
func (v Vector) String(i int) string { return text(v.Text(i)) }

// follow returns where element i of a vector of offsets leads.
func (v Vector) follow(i int) int { return v.pos + i*v.size + int(le.Uint32(v.at(i))) }

// Struct is the bytes of a struct in a verified buffer, nil when it is absent. Its fields are at fixed offsets; those of
// an absent struct are zero.
type Struct []byte

// Bool returns the bool at an offset.
func (s Struct) Bool(off int) bool { return s != nil && s[off] != 0 }

// Int8 returns the byte at an offset.
func (s Struct) Int8(off int) int8 { return int8(s.Uint8(off)) }

// Uint8 returns the ubyte at an offset.
func (s Struct) Uint8(off int) uint8 {
	if s == nil {
		return 0
	}
	return s[off]
}

// Int16 returns the short at an offset.
func (s Struct) Int16(off int) int16 { return int16(s.Uint16(off)) }

// Uint16 returns the ushort at an offset.
func (s Struct) Uint16(off int) uint16 {
	if s == nil {
		return 0
	}
	return le.Uint16(s[off:])
}

// Int32 returns the int at an offset.
func (s Struct) Int32(off int) int32 { return int32(s.Uint32(off)) }

// Uint32 returns the uint at an offset.
func (s Struct) Uint32(off int) uint32 {
	if s == nil {
		return 0
	}
	return le.Uint32(s[off:])
}

// Int64 returns the long at an offset.
func (s Struct) Int64(off int) int64 { return int64(s.Uint64(off)) }

// Uint64 returns the ulong at an offset.
func (s Struct) Uint64(off int) uint64 {
	if s == nil {
		return 0
	}
	return le.Uint64(s[off:])
}

// Float32 returns the float at an offset.
func (s Struct) Float32(off int) float32 { return math.Float32frombits(s.Uint32(off)) }

// Float64 returns the double at an offset.
func (s Struct) Float64(off int) float64 { return math.Float64frombits(s.Uint64(off)) }

// Struct returns the struct of size bytes at an offset.
func (s Struct) Struct(off, size int) Struct {
	if s == nil {
		return nil
	}
	return s[off : off+size : off+size]
}

// Elem returns element i of the array at an offset: n elements of size bytes each.
func (s Struct) Elem(off, n, size, i int) Struct {
	if uint(i) >= uint(n) {
		panic(fmt.Sprintf("flatbuf: index %d of an array of %d", i, n))
	}
	return s.Struct(off+i*size, size)
}

// Float32 returns the float that b starts with.
func Float32(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) }

// Float64 returns the double that b starts with.
func Float64(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }
