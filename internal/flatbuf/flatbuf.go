// Package flatbuf is what generated readers of flatbuffers stand on: a verifier for buffers from outside, and plain
// reads for buffers that passed it.
//
// A buffer begins with the position of its root table. A table begins with how far before it its vtable lies; a vtable
// has, for each slot, how far into the table that field is. All numbers are little-endian.
//
//	root     uint32  from here to the root table
//	...
//	vtable   uint16  bytes of the vtable, these included
//	         uint16  bytes of the table, which nothing relies on
//	         uint16  per slot: from the table to the field, 0 when absent
//	...
//	table    int32   from the vtable to here
//	         ...     fields: numbers and structs in place, all else as uint32 from there to a string, vector or table
//
//	string   uint32  bytes, without the zero after them
//	vector   uint32  elements, which follow
//
// Reads do no checks of their own beyond those of Go: on a buffer that was not verified they give nonsense or panic, but
// touch nothing outside of it. They expect that the buffer does not change its structure afterwards.
package flatbuf

import "encoding/binary"

var le = binary.LittleEndian

// Table is a table in a verified buffer. The zero Table is that of an absent field: all its fields are absent.
type Table struct {
	buf []byte
	pos int
}

// Root returns the root table of a verified buffer.
func Root(buf []byte) Table { return Table{buf, int(le.Uint32(buf))} }

// IsZero reports whether the table is absent.
func (t Table) IsZero() bool { return t.buf == nil }

// Buf returns the buffer that the table lies in.
func (t Table) Buf() []byte { return t.buf }

// Start returns where in its buffer the table starts.
func (t Table) Start() int { return t.pos }

// Pos returns where in its buffer the field of a slot is stored, 0 when it is absent.
func (t Table) Pos(slot int) int {
	if t.buf == nil {
		return 0
	}
	vtable := t.buf[t.pos-int(int32(le.Uint32(t.buf[t.pos:]))):]
	entry := 4 + 2*slot
	if entry >= int(le.Uint16(vtable)) {
		return 0
	}
	if off := int(le.Uint16(vtable[entry:])); off != 0 {
		return t.pos + off
	}
	return 0
}

// Has reports whether the field of a slot is there.
func (t Table) Has(slot int) bool { return t.Pos(slot) != 0 }

// Bool returns a bool field, or def when it is absent.
func (t Table) Bool(slot int, def bool) bool {
	if p := t.Pos(slot); p != 0 {
		return t.buf[p] != 0
	}
	return def
}

// Int8 returns a byte field, or def when it is absent.
func (t Table) Int8(slot int, def int8) int8 {
	if p := t.Pos(slot); p != 0 {
		return int8(t.buf[p])
	}
	return def
}

// Uint8 returns a ubyte field or the tag of a union, or def when it is absent.
func (t Table) Uint8(slot int, def uint8) uint8 {
	if p := t.Pos(slot); p != 0 {
		return t.buf[p]
	}
	return def
}

// Int16 returns a short field, or def when it is absent.
func (t Table) Int16(slot int, def int16) int16 {
	if p := t.Pos(slot); p != 0 {
		return int16(le.Uint16(t.buf[p:]))
	}
	return def
}

// Uint16 returns a ushort field, or def when it is absent.
func (t Table) Uint16(slot int, def uint16) uint16 {
	if p := t.Pos(slot); p != 0 {
		return le.Uint16(t.buf[p:])
	}
	return def
}

// Int32 returns an int field, or def when it is absent.
func (t Table) Int32(slot int, def int32) int32 {
	if p := t.Pos(slot); p != 0 {
		return int32(le.Uint32(t.buf[p:]))
	}
	return def
}

// Uint32 returns a uint field, or def when it is absent.
func (t Table) Uint32(slot int, def uint32) uint32 {
	if p := t.Pos(slot); p != 0 {
		return le.Uint32(t.buf[p:])
	}
	return def
}

// Int64 returns a long field, or def when it is absent.
func (t Table) Int64(slot int, def int64) int64 {
	if p := t.Pos(slot); p != 0 {
		return int64(le.Uint64(t.buf[p:]))
	}
	return def
}

// Uint64 returns a ulong field, or def when it is absent.
func (t Table) Uint64(slot int, def uint64) uint64 {
	if p := t.Pos(slot); p != 0 {
		return le.Uint64(t.buf[p:])
	}
	return def
}

// Float32 returns a float field, or def when it is absent.
func (t Table) Float32(slot int, def float32) float32 {
	if p := t.Pos(slot); p != 0 {
		return Float32(t.buf[p:])
	}
	return def
}

// Float64 returns a double field, or def when it is absent.
func (t Table) Float64(slot int, def float64) float64 {
	if p := t.Pos(slot); p != 0 {
		return Float64(t.buf[p:])
	}
	return def
}

// Struct returns a struct field of size bytes, nil when it is absent.
func (t Table) Struct(slot, size int) Struct {
	if p := t.Pos(slot); p != 0 {
		return t.buf[p : p+size : p+size]
	}
	return nil
}

// Table returns the table that a field leads to, the zero Table when it is absent.
func (t Table) Table(slot int) Table {
	if p := t.Pos(slot); p != 0 {
		return Table{t.buf, p + int(le.Uint32(t.buf[p:]))}
	}
	return Table{}
}

// Bytes returns the bytes of a string field, nil when it is absent. They alias the buffer.
func (t Table) Bytes(slot int) []byte { return t.Vector(slot, 1).Bytes() }

// String returns a copy of a string field, or def when it is absent.
func (t Table) String(slot int, def string) string {
	if v := t.Vector(slot, 1); v.buf != nil {
		return string(v.Bytes())
	}
	return def
}

// Text returns a string field, "" when it is absent. It aliases the buffer.
func (t Table) Text(slot int) string { return text(t.Bytes(slot)) }

// Vector returns the vector that a field leads to, the zero Vector when it is absent. An element has size bytes; that of
// a vector of strings or tables has the 4 of an offset.
func (t Table) Vector(slot, size int) Vector {
	p := t.Pos(slot)
	if p == 0 {
		return Vector{}
	}
	p += int(le.Uint32(t.buf[p:]))
	return Vector{buf: t.buf, pos: p + 4, n: int(le.Uint32(t.buf[p:])), size: size}
}

// Inline returns the size bytes where the table starts, for a union's value that is a struct.
func (t Table) Inline(size int) Struct {
	if t.buf == nil {
		return nil
	}
	return t.buf[t.pos : t.pos+size : t.pos+size]
}
