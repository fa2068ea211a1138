package column

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/internal/asm"
)

// Nullable is a fixed-width column that may hold nulls. (One that may not is a plain slice.)
type Nullable[T any] struct {
	values   []T
	validity bitmap
}

// NullableOf returns the view of a fixed-width column.
func NullableOf[T Value](d *Data) Nullable[T] {
	return Nullable[T]{View[T](d.Buffers[1]), validityOf(d)}
}

// ArraysOf returns the values of a column of byte strings of one length, T being an array of that many bytes.
func ArraysOf[T any](d *Data) []T {
	mustBeFixed[T]()
	return viewOf[T](d.Buffers[1])
}

// NullableArraysOf is [ArraysOf] of a column that may hold nulls.
func NullableArraysOf[T any](d *Data) Nullable[T] {
	return Nullable[T]{ArraysOf[T](d), validityOf(d)}
}

// Len returns the number of rows.
func (c Nullable[T]) Len() int { return len(c.values) }

// IsNull tells whether row i is null.
func (c Nullable[T]) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the value of row i, zero where it is null.
func (c Nullable[T]) At(i int) T {
	v := c.values[i]
	if !c.validity.has(i) {
		return *new(T)
	}
	return v
}

// Get returns the value of row i, and whether there is one.
func (c Nullable[T]) Get(i int) (v T, ok bool) {
	v = c.values[i]
	if ok = c.validity.has(i); !ok {
		v = *new(T)
	}
	return v, ok
}

// Values returns all values in row order, aliasing the batch. Those at null rows are unspecified.
func (c Nullable[T]) Values() []T { return c.values }

// All yields each row's number and value, zero where it is null.
func (c Nullable[T]) All() iter.Seq2[int, T] { return all(c.Len(), c.At) }

// Bools is a bool column: one bit a value.
type Bools struct {
	bits     []byte
	validity bitmap
	from, n  int // of bits
}

// BoolsOf returns the view of a bool column.
func BoolsOf(d *Data) Bools { return Bools{d.Buffers[1], validityOf(d), 0, d.Len} }

// Len returns the number of rows.
func (c Bools) Len() int { return c.n }

// IsNull tells whether row i is null.
func (c Bools) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the value of row i, false where it is null.
func (c Bools) At(i int) bool {
	at := c.from + i
	return c.bits[at>>3]&(1<<(at&7)) != 0 && c.validity.has(i)
}

// Get returns the value of row i, and whether there is one.
func (c Bools) Get(i int) (v, ok bool) {
	ok = c.validity.has(i)
	at := c.from + i
	return ok && c.bits[at>>3]&(1<<(at&7)) != 0, ok
}

// Bitmap returns the values as they are in memory: row i is bit k&7 of byte k>>3, k being from+i. It aliases the batch. Of a
// whole column from is 0.
func (c Bools) Bitmap() (bits []byte, from int) { return c.bits, c.from }

// AppendTo appends the values of all rows to dst, false where they are null, faster than one after the other.
func (c Bools) AppendTo(dst []bool) []bool {
	dst = slices.Grow(dst, c.n)
	dst = dst[:len(dst)+c.n]
	rows := dst[len(dst)-c.n:]
	i := 0
	for ; i < c.n && (c.from+i)&7 != 0; i++ { // up to a whole byte
		rows[i] = c.At(i)
	}
	asm.UnpackBools(rows[i:], c.bits[(c.from+i)>>3:])
	if c.validity.bits == nil {
		return dst
	}
	for from := 0; from < c.n; from += 64 {
		var valid [8]byte
		n := min(64, c.n-from)
		asm.CopyBits(valid[:], 0, c.validity.bits, c.validity.from+from, n)
		nulls := ^binary.LittleEndian.Uint64(valid[:]) & (^uint64(0) >> (64 - n))
		for ; nulls != 0; nulls &= nulls - 1 {
			rows[from+bits.TrailingZeros64(nulls)] = false
		}
	}
	return dst
}

// All yields each row's number and value, false where it is null.
func (c Bools) All() iter.Seq2[int, bool] { return all(c.Len(), c.At) }

// Unit is the unit of a time: how many of it make a second.
type Unit int64

// The units of Arrow.
const (
	Second      Unit = 1
	Millisecond Unit = 1e3
	Microsecond Unit = 1e6
	Nanosecond  Unit = 1e9
)

// String returns the unit's abbreviation, such as "us".
func (u Unit) String() string {
	switch u {
	case Second:
		return "s"
	case Millisecond:
		return "ms"
	case Microsecond:
		return "us"
	case Nanosecond:
		return "ns"
	}
	return "?"
}

// Time returns the instant v units after 1970-01-01 UTC, in UTC.
func (u Unit) Time(v int64) time.Time {
	switch u { // by constants, as dividing by what is not one takes several times as long
	case Second:
		return time.Unix(v, 0).UTC()
	case Millisecond:
		return time.UnixMilli(v).UTC()
	case Microsecond:
		return time.UnixMicro(v).UTC()
	}
	return time.Unix(v/int64(Nanosecond), v%int64(Nanosecond)).UTC()
}

// get returns the instant v units after 1970-01-01 and true, where the validity has row i.
func (u Unit) get(v int64, validity bitmap, i int) (t time.Time, ok bool) {
	if !validity.has(i) {
		return t, false
	}
	return u.Time(v), true
}

// Timestamps is a column of instants, or of wall-clock times when its type has no zone: those are held as UTC.
type Timestamps struct {
	values   []int64
	validity bitmap
	unit     Unit
}

// TimestampsOf returns the view of a timestamp column of the given unit.
func TimestampsOf(d *Data, unit Unit) Timestamps {
	return Timestamps{View[int64](d.Buffers[1]), validityOf(d), unit}
}

// Len returns the number of rows.
func (c Timestamps) Len() int { return len(c.values) }

// IsNull tells whether row i is null.
func (c Timestamps) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the time of row i in UTC, the zero time where it is null.
func (c Timestamps) At(i int) time.Time {
	v, _ := c.unit.get(c.values[i], c.validity, i)
	return v
}

// Get returns the time of row i, and whether there is one. It is inlined, and what it calls takes registers: a column is larger.
func (c Timestamps) Get(i int) (v time.Time, ok bool) {
	return c.unit.get(c.values[i], c.validity, i)
}

// Values returns all values in row order, in units since 1970-01-01, aliasing the batch. Those at null rows are
// unspecified.
func (c Timestamps) Values() []int64 { return c.values }

// Unit returns the unit of [Timestamps.Values].
func (c Timestamps) Unit() Unit { return c.unit }

// All yields each row's number and time, the zero time where it is null.
func (c Timestamps) All() iter.Seq2[int, time.Time] { return all(c.Len(), c.At) }

// Texts is a column of utf8 strings.
type Texts struct{ c Binaries }

// TextsOf returns the view of a utf8 column.
func TextsOf(d *Data) Texts { return Texts{BinariesOf(d)} }

// Len returns the number of rows.
func (c Texts) Len() int { return c.c.Len() }

// IsNull tells whether row i is null.
func (c Texts) IsNull(i int) bool { return c.c.IsNull(i) }

// At returns the string of row i, "" where it is null. It aliases the batch: strings.Clone keeps it longer.
func (c Texts) At(i int) string { return stringOf(c.c.At(i)) }

// Get returns the string of row i, and whether there is one.
func (c Texts) Get(i int) (v string, ok bool) {
	return textIn(c.c.offsets[i], c.c.offsets[i+1], c.c.data, c.c.validity.bits, c.c.validity.from+i)
}

// textIn returns the string between two offsets and true, where the validity has row i. Its arguments fit registers.
func textIn(from, to int32, data, bits []byte, i int) (v string, ok bool) {
	if bits != nil && bits[i>>3]&(1<<(i&7)) == 0 {
		return "", false
	}
	return stringOf(data[from:to:to]), true
}

// Clone returns a copy of the string of row i.
func (c Texts) Clone(i int) string { return strings.Clone(c.At(i)) }

// GetClone returns a copy of the string of row i, and whether there is one.
func (c Texts) GetClone(i int) (v string, ok bool) { return c.Clone(i), !c.IsNull(i) }

// Bytes returns the bytes of row i, none where it is null. They alias the batch and are read-only.
func (c Texts) Bytes(i int) []byte { return c.c.At(i) }

// All yields each row's number and string, "" where it is null. The strings alias the batch.
func (c Texts) All() iter.Seq2[int, string] { return all(c.Len(), c.At) }

// Binaries is a column of byte strings.
type Binaries struct {
	offsets  []int32
	data     []byte
	validity bitmap
}

// BinariesOf returns the view of a binary column.
func BinariesOf(d *Data) Binaries {
	return Binaries{View[int32](d.Buffers[1]), d.Buffers[2], validityOf(d)}
}

// Len returns the number of rows.
func (c Binaries) Len() int { return max(len(c.offsets)-1, 0) }

// IsNull tells whether row i is null.
func (c Binaries) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the bytes of row i, nil where it is null and never nil elsewhere. They alias the batch and are read-only.
func (c Binaries) At(i int) []byte {
	from, to := c.offsets[i], c.offsets[i+1]
	if !c.validity.has(i) {
		return nil
	}
	if from == to {
		return empty
	}
	return c.data[from:to:to]
}

var empty = []byte{}

// Get returns the bytes of row i, and whether there are any.
func (c Binaries) Get(i int) (v []byte, ok bool) {
	v = c.At(i) // never nil where there is one
	return v, v != nil
}

// Clone returns a copy of the bytes of row i, nil where it is null.
func (c Binaries) Clone(i int) []byte { return bytes.Clone(c.At(i)) }

// GetClone returns a copy of the bytes of row i, and whether there are any.
func (c Binaries) GetClone(i int) (v []byte, ok bool) { return c.Clone(i), c.validity.has(i) }

// All yields each row's number and bytes, nil where it is null. The bytes alias the batch.
func (c Binaries) All() iter.Seq2[int, []byte] { return all(c.Len(), c.At) }

// Dict is a column of strings that stand in a dictionary; I is the type of the indices.
type Dict[I Index] struct {
	indices  []I
	validity bitmap
	values   Values
}

// DictOf returns the view of a dictionary column.
func DictOf[I Index](d *Data) Dict[I] {
	return Dict[I]{View[I](d.Buffers[1]), validityOf(d), d.Values}
}

// Len returns the number of rows.
func (c Dict[I]) Len() int { return len(c.indices) }

// IsNull tells whether row i is null: by its validity, or because its value is a null of the dictionary.
func (c Dict[I]) IsNull(i int) bool {
	return !c.validity.has(i) || c.values.IsNull(int(c.indices[i]))
}

// At returns the string of row i, "" where it is null. It belongs to the dictionary, not to the batch: it stays valid
// after the batch is released, and keeps the dictionary's memory alive.
func (c Dict[I]) At(i int) string {
	x := c.indices[i]
	if !c.validity.has(i) {
		return ""
	}
	return c.values.text[x]
}

// Get returns the string of row i, and whether there is one.
func (c Dict[I]) Get(i int) (v string, ok bool) {
	x := c.indices[i]
	if !c.validity.has(i) || c.values.nulls != nil && c.values.nulls[x] {
		return "", false
	}
	return c.values.text[x], true
}

// Indices returns each row's index into [Dict.Values], aliasing the batch. Those at null rows are unspecified.
func (c Dict[I]) Indices() []I { return c.indices }

// Values returns the dictionary that the batch was made with. It stays valid after the batch is released.
func (c Dict[I]) Values() Values { return c.values }

// All yields each row's number and string, "" where it is null.
func (c Dict[I]) All() iter.Seq2[int, string] { return all(c.Len(), c.At) }

func all[T any](n int, at func(int) T) iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for i := range n {
			if !yield(i, at(i)) {
				return
			}
		}
	}
}
