package rt

import (
	"bytes"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
)

// Handle is a received batch without its Go types: what a generated batch wraps. Its methods are Len, Seq, the number of the batch in its
// stream, Column, Metadata, Retain and Release.
type Handle = record.Handle

// Values returns a fixed-width column without nulls.
func Values[T column.Value](h Handle, i int) []T { return column.View[T](h.Column(i).Buffers[1]) }

// Nullable returns a fixed-width column that may hold nulls.
func Nullable[T column.Value](h Handle, i int) column.Nullable[T] {
	return column.NullableOf[T](h.Column(i))
}

// Arrays returns a column of byte strings of one length without nulls, T being an array of that many bytes.
func Arrays[T any](h Handle, i int) []T { return column.ArraysOf[T](h.Column(i)) }

// NullableArrays is [Arrays] of a column that may hold nulls.
func NullableArrays[T any](h Handle, i int) column.Nullable[T] {
	return column.NullableArraysOf[T](h.Column(i))
}

// Bools returns a bool column.
func Bools(h Handle, i int) column.Bools { return column.BoolsOf(h.Column(i)) }

// Timestamps returns a timestamp column of the given unit.
func Timestamps(h Handle, i int, unit column.Unit) column.Timestamps {
	return column.TimestampsOf(h.Column(i), unit)
}

// Dates returns a date column as times.
func Dates[T column.Day](h Handle, i int) column.Dates[T] { return column.DatesOf[T](h.Column(i)) }

// Durations returns a duration column of the given unit.
func Durations(h Handle, i int, unit column.Unit) column.Durations {
	return column.DurationsOf(h.Column(i), unit, 64)
}

// Times32 returns a column of times of day of 32 bits in the given unit.
func Times32(h Handle, i int, unit column.Unit) column.Durations {
	return column.DurationsOf(h.Column(i), unit, 32)
}

// Times64 returns a column of times of day of 64 bits in the given unit.
func Times64(h Handle, i int, unit column.Unit) column.Durations {
	return column.DurationsOf(h.Column(i), unit, 64)
}

// AllNull returns a null column.
func AllNull(h Handle, i int) column.Nulls { return column.NullsOf(h.Column(i)) }

// Texts returns a utf8 column.
func Texts(h Handle, i int) column.Texts { return column.TextsOf(h.Column(i)) }

// Binaries returns a binary column.
func Binaries(h Handle, i int) column.Binaries { return column.BinariesOf(h.Column(i)) }

// LargeTexts returns a large utf8 column.
func LargeTexts(h Handle, i int) column.LargeTexts { return column.LargeTextsOf(h.Column(i)) }

// LargeBinaries returns a large binary column.
func LargeBinaries(h Handle, i int) column.LargeBinaries { return column.LargeBinariesOf(h.Column(i)) }

// TextViews returns a utf8 view column.
func TextViews(h Handle, i int) column.TextViews { return column.TextViewsOf(h.Column(i)) }

// BinaryViews returns a binary view column.
func BinaryViews(h Handle, i int) column.BinaryViews { return column.BinaryViewsOf(h.Column(i)) }

// DictBinaries returns a dictionary column of byte strings.
func DictBinaries[I column.Index](h Handle, i int) column.DictBinaries[I] {
	return column.DictBinariesOf[I](h.Column(i))
}

// DictInts returns a dictionary column of integers.
func DictInts[I, T column.Index](h Handle, i int) column.DictInts[I, T] {
	return column.DictIntsOf[I, T](h.Column(i))
}

// Enums returns a dictionary column of names.
func Enums[I column.Index, E column.Enum](h Handle, i int) column.Enums[I, E] {
	return column.EnumsOf[I, E](h.Column(i))
}

// Dict returns a dictionary column of strings.
func Dict[I column.Index](h Handle, i int) column.Dict[I] { return column.DictOf[I](h.Column(i)) }

// readChunk is how many rows are read at once where a whole batch is not wanted in memory.
const readChunk = 16 << 10

// AppendRows appends all rows of a batch to dst. The texts of each column are copied once, and its rows share the copy.
func AppendRows[R, B any](h Handle, dst []R, newBatch func(Handle) B, readRows func(b B, rows []R, from int)) []R {
	own := ownTexts(h)
	defer own.Release()
	n := len(dst)
	dst = slices.Grow(dst, h.Len())[:n+h.Len()]
	readRows(newBatch(own), dst[n:], 0)
	return dst
}

// ownTexts returns a second handle on a batch whose texts lie in memory of their own, which is never reused.
func ownTexts(h Handle) Handle {
	own := record.Share(h)
	for i := range record.Columns(own) {
		ownColumn(own.Column(i))
	}
	return own
}

// ownColumn gives a column, and those below it, texts in memory of their own.
func ownColumn(d *column.Data) {
	for i := range d.Children {
		ownColumn(&d.Children[i])
	}
	switch {
	case len(d.Children) != 0: // buffer 2 are sizes or offsets
	case d.Variadic != nil:
		ownViews(d)
	case len(d.Buffers[2]) != 0:
		d.Buffers[2] = bytes.Clone(d.Buffers[2])
	}
}

// ownViews copies views and what they point to into one piece of memory.
func ownViews(d *column.Data) {
	n := len(d.Buffers[1])
	for _, b := range d.Variadic {
		n += len(b)
	}
	all := append(make([]byte, 0, n), d.Buffers[1]...)
	d.Buffers[1] = all
	for i, b := range d.Variadic {
		from := len(all)
		all = append(all, b...)
		d.Variadic[i] = all[from:]
	}
}
