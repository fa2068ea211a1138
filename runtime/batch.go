package rt

import (
	"bytes"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
)

// Handle is a received batch without its Go types: what a generated batch wraps.
type Handle = record.Handle

// Values returns a fixed-width column without nulls.
func Values[T column.Value](h Handle, i int) []T { return column.View[T](h.Column(i).Buffers[1]) }

// Nullable returns a fixed-width column that may hold nulls.
func Nullable[T column.Value](h Handle, i int) column.Nullable[T] {
	return column.NullableOf[T](h.Column(i))
}

// Bools returns a bool column.
func Bools(h Handle, i int) column.Bools { return column.BoolsOf(h.Column(i)) }

// Timestamps returns a timestamp column of the given unit.
func Timestamps(h Handle, i int, unit column.Unit) column.Timestamps {
	return column.TimestampsOf(h.Column(i), unit)
}

// Texts returns a utf8 column.
func Texts(h Handle, i int) column.Texts { return column.TextsOf(h.Column(i)) }

// Binaries returns a binary column.
func Binaries(h Handle, i int) column.Binaries { return column.BinariesOf(h.Column(i)) }

// Dict returns a dictionary column.
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
	own := h.Retain()
	for i := range record.Columns(own) {
		if d := own.Column(i); len(d.Buffers[2]) != 0 {
			d.Buffers[2] = bytes.Clone(d.Buffers[2])
		}
	}
	return own
}
