package rt_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/endian"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// A bag is a table of any columns, which are read without Go types of their own.
type (
	bagRow     struct{}
	bagBatch   struct{ h rt.Handle }
	bagBuilder struct{ rt.BuilderBase }
	bagReader  = rt.Reader[bagRow, bagBatch]
)

func (*bagBuilder) Append(bagRow)       {}
func (*bagBuilder) AppendRows([]bagRow) {}

func bagOf(columns ...rt.Column) *rt.Table[bagRow, bagBatch, *bagBuilder] {
	return rt.NewTable(rt.TableSpec[bagRow, bagBatch, *bagBuilder]{
		Name:       "bag",
		Columns:    columns,
		NewBatch:   func(h rt.Handle) bagBatch { return bagBatch{h} },
		NewBuilder: func(*rt.BuilderOptions) *bagBuilder { return new(bagBuilder) },
		ReadRows:   func(bagBatch, []bagRow, int) {},
	})
}

func openBag(p []byte, opts *rt.ReaderOptions, columns ...rt.Column) *bagReader {
	return rt.NewReader(bagOf(columns...), bytes.NewReader(p), opts)
}

// texts returns the values of a column as text, by the views that generated code uses.
func texts(h rt.Handle, i int, c *rt.Column) []string {
	var out []string
	add := func(null bool, format string, v any) {
		if null {
			out = append(out, "null")
		} else {
			out = append(out, fmt.Sprintf(format, v))
		}
	}
	switch t := c.Type; {
	case c.Dictionary != nil:
		out = dictionaryTexts(h, i, c)
	case t.Kind == ipc.KindBool:
		v := rt.Bools(h, i)
		for k := range v.Len() {
			add(v.IsNull(k), "%v", v.At(k))
		}
	case t.Kind == ipc.KindTimestamp:
		v := rt.Timestamps(h, i, t.Unit)
		for k := range v.Len() {
			add(v.IsNull(k), "%s", v.At(k).Format(time.RFC3339Nano))
		}
	case t.Kind == ipc.KindDate && t.Variant == 0:
		out = viewTexts(rt.Dates[rt.Date](h, i), func(v time.Time) string { return v.Format(time.DateOnly) })
	case t.Kind == ipc.KindDate:
		out = viewTexts(rt.Dates[rt.DateMillis](h, i), func(v time.Time) string { return v.Format(time.DateTime) })
	case t.Kind == ipc.KindTime && t.Bits == 32:
		out = viewTexts(rt.Times32(h, i, t.Unit), time.Duration.String)
	case t.Kind == ipc.KindTime:
		out = viewTexts(rt.Times64(h, i, t.Unit), time.Duration.String)
	case t.Kind == ipc.KindDuration:
		out = viewTexts(rt.Durations(h, i, t.Unit), time.Duration.String)
	case t.Kind == ipc.KindDecimal && t.Bits == 32:
		out = viewTexts(rt.Nullable[rt.Decimal32](h, i), func(v rt.Decimal32) string { return v.Text(t.Scale) })
	case t.Kind == ipc.KindDecimal && t.Bits == 64:
		out = viewTexts(rt.Nullable[rt.Decimal64](h, i), func(v rt.Decimal64) string { return v.Text(t.Scale) })
	case t.Kind == ipc.KindDecimal && t.Bits == 128:
		out = viewTexts(rt.Nullable[rt.Decimal128](h, i), func(v rt.Decimal128) string { return v.Text(t.Scale) })
	case t.Kind == ipc.KindDecimal:
		out = viewTexts(rt.Nullable[rt.Decimal256](h, i), func(v rt.Decimal256) string { return v.Text(t.Scale) })
	case t.Kind == ipc.KindFixedSizeBinary && t.Width == 3:
		out = viewTexts(rt.NullableArrays[[3]byte](h, i), func(v [3]byte) string { return string(v[:]) })
	case t.Kind == ipc.KindNull:
		for range rt.AllNull(h, i).Len() {
			out = append(out, "null")
		}
	case t.Kind == ipc.KindLargeUtf8:
		out = viewTexts(rt.LargeTexts(h, i), strings.Clone)
	case t.Kind == ipc.KindLargeBinary:
		out = viewTexts(rt.LargeBinaries(h, i), func(v []byte) string { return string(v) })
	case t.Kind == ipc.KindUtf8View:
		out = viewTexts(rt.TextViews(h, i), strings.Clone)
	case t.Kind == ipc.KindBinaryView:
		out = viewTexts(rt.BinaryViews(h, i), func(v []byte) string { return string(v) })
	case t.IsText():
		v := rt.Texts(h, i)
		for k := range v.Len() {
			add(v.IsNull(k), "%s", v.At(k))
		}
	case t.IsBinary():
		v := rt.Binaries(h, i)
		for k := range v.Len() {
			add(v.IsNull(k), "%s", v.At(k))
		}
	case t.Kind == ipc.KindFloat && t.Bits == 16:
		out = numberTexts(rt.Nullable[rt.Float16](h, i))
	case t.Kind == ipc.KindFloat && t.Bits == 32:
		out = numberTexts(rt.Nullable[float32](h, i))
	case t.Kind == ipc.KindFloat:
		out = numberTexts(rt.Nullable[float64](h, i))
	case t.Signed && t.Bits == 8:
		out = numberTexts(rt.Nullable[int8](h, i))
	case t.Signed && t.Bits == 16:
		out = numberTexts(rt.Nullable[int16](h, i))
	case t.Signed && t.Bits == 32:
		out = numberTexts(rt.Nullable[int32](h, i))
	case t.Signed:
		out = numberTexts(rt.Nullable[int64](h, i))
	case t.Bits == 8:
		out = numberTexts(rt.Nullable[uint8](h, i))
	case t.Bits == 16:
		out = numberTexts(rt.Nullable[uint16](h, i))
	case t.Bits == 32:
		out = numberTexts(rt.Nullable[uint32](h, i))
	default:
		out = numberTexts(rt.Nullable[uint64](h, i))
	}
	return out
}

// viewTexts returns the values of a view as text.
func viewTexts[T any](v interface {
	Len() int
	IsNull(i int) bool
	Get(i int) (T, bool)
}, text func(T) string,
) (out []string) {
	for k := range v.Len() {
		x, ok := v.Get(k)
		switch {
		case ok == v.IsNull(k):
			panic("Get and IsNull differ")
		case ok:
			out = append(out, text(x))
		default:
			out = append(out, "null")
		}
	}
	return out
}

// dictionaryTexts is texts of a dictionary column.
func dictionaryTexts(h rt.Handle, i int, c *rt.Column) []string {
	index := c.Dictionary.Index
	switch {
	case index.Signed && index.Bits == 8:
		return indexTexts[int8](h, i, c)
	case index.Signed && index.Bits == 16:
		return indexTexts[int16](h, i, c)
	case index.Signed && index.Bits == 32:
		return indexTexts[int32](h, i, c)
	case index.Signed:
		return indexTexts[int64](h, i, c)
	case index.Bits == 8:
		return indexTexts[uint8](h, i, c)
	case index.Bits == 16:
		return indexTexts[uint16](h, i, c)
	case index.Bits == 32:
		return indexTexts[uint32](h, i, c)
	}
	return indexTexts[uint64](h, i, c)
}

func indexTexts[I column.Index](h rt.Handle, i int, c *rt.Column) []string {
	switch {
	case c.Names != nil:
		return viewTexts(rt.Enums[I, feed.Mood](h, i), feed.Mood.String)
	case c.Type.IsText():
		return dictTexts(rt.Dict[I](h, i))
	case c.Type.IsBinary():
		return viewTexts(rt.DictBinaries[I](h, i), func(v []byte) string { return string(v) })
	case c.Type.Bits == 16:
		return viewTexts(rt.DictInts[I, int16](h, i), func(v int16) string { return fmt.Sprint(v) })
	case c.Type.Signed:
		return viewTexts(rt.DictInts[I, int64](h, i), func(v int64) string { return fmt.Sprint(v) })
	}
	return viewTexts(rt.DictInts[I, uint64](h, i), func(v uint64) string { return fmt.Sprint(v) })
}

func dictTexts[I column.Index](v column.Dict[I]) (out []string) {
	for k := range v.Len() {
		if s, ok := v.Get(k); ok {
			out = append(out, s)
		} else {
			out = append(out, "null")
		}
		if s := v.At(k); v.IsNull(k) && s != "" {
			panic(s)
		}
	}
	return out
}

func numberTexts[T column.Fixed](v column.Nullable[T]) (out []string) {
	for k := range v.Len() {
		if x, ok := v.Get(k); ok {
			out = append(out, fmt.Sprint(x))
		} else {
			out = append(out, "null")
		}
	}
	return out
}

// fits reads a stream as a table of columns and returns the values of each column of all batches, with blanks between.
func fits(p []byte, opts *rt.ReaderOptions, columns ...rt.Column) ([]string, error) {
	r := openBag(p, opts, columns...)
	out := make([]string, len(columns))
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range columns {
			out[i] = strings.TrimSpace(out[i] + " " + strings.Join(texts(b.h, i, &columns[i]), " "))
		}
		b.h.Release()
	}
}

// arrowColumn is a column for arrow-go to write: each of values is the JSON of a batch.
type arrowColumn struct {
	field  arrow.Field
	values []string
}

func arrowOf(name string, typ arrow.DataType, nullable bool, values ...string) arrowColumn {
	return arrowColumn{arrow.Field{Name: name, Type: typ, Nullable: nullable}, values}
}

// arrowStream has arrow-go write a stream.
func arrowStream(tb testing.TB, columns ...arrowColumn) []byte {
	tb.Helper()
	if endian.IsBigEndian {
		tb.Skip("arrow-go writes big-endian here, and its streams are what is compared")
	}
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	schema := arrow.NewSchema(fields, nil)
	var buf bytes.Buffer
	w := aipc.NewWriter(&buf, aipc.WithSchema(schema))
	for k := range columns[0].values {
		arrays := make([]arrow.Array, len(columns))
		var err error
		for i, c := range columns {
			if arrays[i], _, err = array.FromJSON(memory.DefaultAllocator, c.field.Type, strings.NewReader(c.values[k])); err != nil {
				tb.Fatalf("%v: %v", c.field, err)
			}
		}
		if err := w.Write(array.NewRecordBatch(schema, arrays, int64(arrays[0].Len()))); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func col(name string, typ ipc.Type) rt.Column {
	return rt.Column{Field: ipc.Field{Name: name, Type: typ}}
}

func null(c rt.Column) rt.Column { c.Nullable = true; return c }

func dictionary(c rt.Column, index ipc.Type) rt.Column {
	c.Dictionary = ipc.DictionaryOf(index)
	return c
}
