package parquet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// int32s returns little-endian integers.
func int32s(of ...int) (b []byte) {
	for _, v := range of {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// repeated returns n times the same.
func repeated[T any](n int, v T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}

// listViews returns rows that all have the same items, which are all there are.
func listViews(rows int, items column.Data) column.Data {
	return column.Data{Len: rows, Buffers: [3][]byte{1: make([]byte, 4*rows), 2: int32s(repeated(rows, items.Len)...)}, Children: []column.Data{items}}
}

type shared struct {
	field ipc.Field
	data  column.Data
}

// sharing are columns of so many rows that all have the same items, or the same text of so many bytes.
func sharing(rows, items int) map[string]shared {
	views := func(t ipc.Type) ipc.Field {
		return ipc.Field{Name: "v", Type: ipc.ListView, Children: []ipc.Field{{Name: "item", Type: t, Nullable: t.Kind == ipc.KindNull}}}
	}
	index := func(f ipc.Field, values *column.Dictionary) shared {
		f.Dictionary = &ipc.DictionaryEncoding{Index: ipc.Int32}
		return shared{f, column.Data{Len: rows, Buffers: [3][]byte{1: make([]byte, 4*rows)}, Dictionary: values, Values: values.Values()}}
	}
	view := append(int32s(items), "xxxx\x00\x00\x00\x00\x00\x00\x00\x00"...)
	text := column.NewDictionary(0)
	text.Append(strings.Repeat("y", items), false)
	bytesOf := column.Data{Len: items, Buffers: [3][]byte{1: bytes.Repeat([]byte{7}, items)}}
	list := listViews(1, bytesOf)
	return map[string]shared{
		"list views":     {views(ipc.Int8), listViews(rows, bytesOf)},
		"lists of nulls": {views(ipc.Null), listViews(rows, column.Data{Len: items, Nulls: items})},
		"views": {ipc.Field{Name: "v", Type: ipc.Utf8View}, column.Data{
			Len: rows, Buffers: [3][]byte{1: bytes.Repeat(view, rows)}, Variadic: [][]byte{bytes.Repeat([]byte("x"), items)},
		}},
		"dictionary":          index(ipc.Field{Name: "v", Type: ipc.Utf8}, text),
		"dictionary of lists": index(views(ipc.Int8), column.ColumnDictionary(&list)),
		"dense union": {
			ipc.Field{Name: "v", Type: ipc.Type{Kind: ipc.KindUnion, Variant: 1}, Children: []ipc.Field{views(ipc.Int8)}},
			column.Data{Len: rows, Buffers: [3][]byte{1: make([]byte, rows), 2: make([]byte, 4*rows)}, Children: []column.Data{list}},
		},
		"runs": {
			ipc.Field{Name: "v", Type: ipc.Type{Kind: ipc.KindRunEndEncoded}, Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int32}, views(ipc.Int8)}},
			column.Data{Len: rows, Children: []column.Data{{Len: 1, Buffers: [3][]byte{1: int32s(rows)}}, list}},
		},
	}
}

// TestSharedInParts writes batches whose rows share what they lead to, for which there is only room for some rows at a time.
func TestSharedInParts(t *testing.T) {
	const rows, items = 300, 2000
	for name, c := range sharing(rows, items) {
		t.Run(name, func(t *testing.T) {
			s := &ipc.Schema{Fields: []ipc.Field{c.field}}
			if err := ipc.NewChecker(s).Column(0, &c.data, ipc.Contents); err != nil {
				t.Fatal(err)
			}
			var got [2]*table
			for i, most := range []int64{1 << 40, 64 << 10} {
				var out bytes.Buffer
				w, err := parquet.NewWriter(&out, s, &parquet.WriterOptions{MaxRow: most, RowGroupRows: 100})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if err := w.Write(ctx, rows, []column.Data{c.data}); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if s := w.Stats(); s.Batches != 2 || s.Rows != 2*rows {
					t.Errorf("%d batches, %d rows", s.Batches, s.Rows)
				}
				if got[i], err = load(out.Bytes(), nil); err != nil {
					t.Fatal(err)
				}
			}
			sameRows(t, got[1], got[0], nil)
			if n := len(got[0].rows); n != 2*rows || len(got[0].rows[n-1][0]) < items {
				t.Errorf("%d rows, the last is %.100s", n, got[0].rows[n-1][0])
			}
		})
	}
}

// TestMaxRow refuses a row that takes more than the limit, which the error names, and writes others after that. A batch of some KiB that
// stands for gigabytes takes no such memory.
func TestMaxRow(t *testing.T) {
	for name, c := range sharing(20_000, 50_000) {
		t.Run(name, func(t *testing.T) {
			s := &ipc.Schema{Fields: []ipc.Field{{Name: "l", Type: ipc.ListView, Children: []ipc.Field{c.field}}}}
			all := listViews(8, c.data)
			few := all
			few.Buffers[2] = int32s(repeated(8, 1)...)
			one := few
			one.Buffers[2] = int32s(1, 1, 1, 1, 20_000, 1, 1, 1)
			var out bytes.Buffer
			w, err := parquet.NewWriter(&out, s, &parquet.WriterOptions{MaxRow: 4 << 20})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(ctx, 8, []column.Data{few}); err != nil {
				t.Fatal(err)
			}
			before := out.Len()
			for _, d := range []column.Data{all, one} {
				if err := w.Write(ctx, 8, []column.Data{d}); !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "WriterOptions.MaxRow") {
					t.Fatal(err)
				}
			}
			if out.Len() != before {
				t.Error("something of the batch is written")
			}
			if err := w.Write(ctx, 8, []column.Data{few}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err := load(out.Bytes(), nil); err != nil || len(got.rows) != 16 {
				t.Error(err)
			}
		})
	}
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapSys > 512<<20 {
		t.Errorf("%d MiB of memory", m.HeapSys>>20)
	}
	t.Logf("%d MiB of memory", m.HeapSys>>20)
}

// TestLongValues writes a value that is longer than MaxRow by itself, which no row shares.
func TestLongValues(t *testing.T) {
	for name, c := range sharing(1, 1<<20) {
		var out bytes.Buffer
		w, err := parquet.NewWriter(&out, &ipc.Schema{Fields: []ipc.Field{c.field}}, &parquet.WriterOptions{MaxRow: 1 << 10})
		if err != nil {
			t.Fatal(err)
		}
		err = w.Write(ctx, 1, []column.Data{c.data})
		if name == "lists of nulls" { // which have no bytes of their own
			if !errors.Is(err, ipc.ErrLimit) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := load(out.Bytes(), nil); err != nil || len(got.rows) != 1 || len(got.rows[0][0]) < 1<<20 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
