package ipc_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// numbersOf returns the widths of the numbers that a value in buffer k of a column is made of, nil where it has none.
func numbersOf(t ipc.Type, k int) []int {
	switch t.Kind {
	case ipc.KindInt, ipc.KindFloat, ipc.KindTime, ipc.KindDecimal:
		return []int{t.Bits / 8}
	case ipc.KindTimestamp, ipc.KindDuration:
		return []int{8}
	case ipc.KindDate:
		return []int{4 + 4*t.Variant}
	case ipc.KindInterval:
		return [][]int{{4}, {4, 4}, {4, 4, 8}}[t.Variant]
	case ipc.KindUtf8, ipc.KindBinary:
		return [][]int{{4}, nil}[k-1]
	case ipc.KindLargeUtf8, ipc.KindLargeBinary:
		return [][]int{{8}, nil}[k-1]
	case ipc.KindList, ipc.KindMap, ipc.KindListView:
		return []int{4}
	case ipc.KindLargeList, ipc.KindLargeListView:
		return []int{8}
	case ipc.KindUnion:
		return [][]int{nil, {4}}[k-1]
	}
	return nil
}

// reversed returns a column with each of its numbers byte by byte from the end.
func reversed(f *ipc.Field, d *column.Data) column.Data {
	c := d.Clone()
	for k := 1; k <= 2; k++ {
		b := c.Buffers[k]
		if f.Type.Kind == ipc.KindUtf8View || f.Type.Kind == ipc.KindBinaryView {
			for ; len(b) > 0; b = b[16:] {
				long := b[0] > 12 || b[1] != 0
				slices.Reverse(b[:4])
				if long {
					slices.Reverse(b[8:12])
					slices.Reverse(b[12:16])
				}
			}
		}
		for widths := numbersOf(f.Type, k); len(b) > 0 && widths != nil; {
			for _, n := range widths {
				slices.Reverse(b[:n])
				b = b[n:]
			}
		}
	}
	for i := range c.Children {
		c.Children[i] = reversed(&f.Children[i], &d.Children[i])
	}
	return c
}

// TestBigEndian writes what the little-endian golden files hold with the bytes of each number in the other order.
func TestBigEndian(t *testing.T) {
	kinds := make(map[ipc.Kind]bool)
	for _, name := range goldens(t) {
		if strings.Contains(name, "bigendian") || strings.Contains(name, "dict") || strings.Contains(name, "extension") || strings.Contains(name, "compression") {
			continue
		}
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
			want := goldenJSON(t, name)
			add := everyKind(want.Schema.Fields, kinds)
			p := ipc.BigEndianSchema(want.Schema)
			for _, b := range want.Batches {
				columns := make([]column.Data, len(b.Columns))
				for i := range b.Columns {
					columns[i] = reversed(&want.Schema.Fields[i], &b.Columns[i])
				}
				p = append(p, ipc.UncheckedBatch(want.Schema, b.Rows, columns)...)
			}
			p = append(p, it.End...)
			same(t, "big-endian", streamContent(t, bytes.NewReader(p), nil), want)
			add()
		})
	}
	for _, k := range []ipc.Kind{ipc.KindInt, ipc.KindFloat, ipc.KindDecimal, ipc.KindListView, ipc.KindUnion, ipc.KindUtf8, ipc.KindLargeUtf8, ipc.KindMap, ipc.KindTimestamp} {
		if !kinds[k] {
			t.Errorf("no column of %v", k)
		}
	}
}

func everyKind(fields []ipc.Field, kinds map[ipc.Kind]bool) (add func()) {
	return func() {
		for i := range fields {
			kinds[fields[i].Type.Kind] = true
			everyKind(fields[i].Children, kinds)()
		}
	}
}

// TestBigEndianOthers is for the types that the golden files do not have.
func TestBigEndianOthers(t *testing.T) {
	item := []ipc.Field{{Name: "item", Type: ipc.Float16, Nullable: true}}
	long := "one that is longer than twelve bytes"
	views, data := it.Views(long, "short", strings.Repeat("x", 256))
	nano := it.I32(1, -2)
	fields := []ipc.Field{
		{Name: "v", Type: ipc.Utf8View},
		{Name: "n", Type: ipc.Type{Kind: ipc.KindInterval, Variant: 2}},
		{Name: "d", Type: ipc.Type{Kind: ipc.KindInterval, Variant: 1}},
		{Name: "r", Type: ipc.Type{Kind: ipc.KindRunEndEncoded}, Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int16}, {Name: "values", Type: ipc.Decimal(256, 70, 3), Nullable: true}}},
		{Name: "l", Type: ipc.Type{Kind: ipc.KindLargeList}, Children: item},
		{Name: "b", Type: ipc.FixedSizeBinary(4)},
	}
	big := make([]byte, 64)
	for i := range big {
		big[i] = byte(i)
	}
	columns := []column.Data{
		{Len: 3, Buffers: [3][]byte{nil, views}, Variadic: [][]byte{data}},
		{Len: 3, Buffers: [3][]byte{nil, slices.Concat(nano, it.I64(3), nano, it.I64(-4), nano, it.I64(1<<40))}},
		{Len: 3, Buffers: [3][]byte{nil, it.I32(1, 2, 3, 4, 5, -6)}},
		{Len: 3, Children: []column.Data{{Len: 2, Buffers: [3][]byte{nil, it.I16(1, 300)}}, {Len: 2, Buffers: [3][]byte{nil, big}}}},
		{Len: 3, Buffers: [3][]byte{nil, it.I64(0, 1, 1, 2)}, Children: []column.Data{{Len: 2, Buffers: [3][]byte{nil, it.I16(0x3c00, 0x4000)}}}},
		{Len: 3, Buffers: [3][]byte{nil, []byte("abcdefghijkl")}},
	}
	want := &arrowjson.Content{Schema: &ipc.Schema{Fields: fields}, Batches: []arrowjson.Batch{{Rows: 3, Columns: columns}}}
	other := make([]column.Data, len(columns))
	for i := range columns {
		other[i] = reversed(&fields[i], &columns[i])
	}
	p := stream(ipc.BigEndianSchema(want.Schema), ipc.UncheckedBatch(want.Schema, 3, other), it.End)
	same(t, "big-endian", streamContent(t, bytes.NewReader(p), nil), want)
}

// TestOldUnions reads unions of metadata version V4, which have a validity of their own. What is null there is so; to write it is
// refused, since nothing has a place for it any more.
func TestOldUnions(t *testing.T) {
	for _, mode := range []arrowfb.UnionMode{arrowfb.UnionModeSparse, arrowfb.UnionModeDense} {
		schema := it.Meta(arrowfb.MetadataVersionV4, it.SchemaHeader(0, it.Field{
			Name: "u", Type: it.Union(mode, 5, 7), Nullable: true,
			Children: []it.Field{{Name: "a", Type: it.Int(32, true), Nullable: true}, {Name: "b", Type: it.Int(8, true), Nullable: true}},
		}), 0)
		for nulls := range int64(2) {
			validity := it.Bits(1, 1-int(nulls), 1)
			b := it.NewBatch(3)
			b.Version = arrowfb.MetadataVersionV4
			if mode == arrowfb.UnionModeSparse {
				b.Add(3, nulls, validity, it.I8(5, 7, 7)).Add(3, 0, nil, it.I32(1, 2, 3)).Add(3, 0, nil, it.I8(4, 5, 6))
			} else {
				b.Add(3, nulls, validity, it.I8(5, 7, 7), it.I32(0, 0, 1)).Add(1, 0, nil, it.I32(1)).Add(2, 0, nil, it.I8(5, 6))
			}
			got := streamContent(t, bytes.NewReader(stream(it.Message(schema, nil), b.Message(), it.End)), nil)
			u := &got.Batches[0].Columns[0]
			if u.Nulls != int(nulls) || u.IsNull(1) != (nulls == 1) || u.Buffers[1][1] != 7 || len(u.Children) != 2 {
				t.Fatalf("%+v", u)
			}
			w := ipc.NewWriter(new(bytes.Buffer), got.Schema, nil)
			if err := w.Write(t.Context(), 3, got.Batches[0].Columns); (err != nil) != (nulls == 1) {
				t.Errorf("%d nulls: %v", nulls, err)
			}
		}
	}
}

// TestOldRuns reads run-end encoded columns of metadata version V4, which C++ writes with a validity buffer that has nothing, and null counts
// of columns that have no bitmap, which count what is null below them.
func TestOldRuns(t *testing.T) {
	runs := it.Field{Name: "r", Type: it.Plain(arrowfb.TypeRunEndEncoded), Nullable: true, Children: []it.Field{
		{Name: "run_ends", Type: it.Int(16, true)}, {Name: "values", Type: it.Int(32, true), Nullable: true},
	}}
	union := it.Field{Name: "u", Type: it.Union(arrowfb.UnionModeSparse, 0), Nullable: true, Children: []it.Field{{Name: "a", Type: it.Int(8, true), Nullable: true}}}
	for _, x := range []struct {
		version arrowfb.MetadataVersion
		nulls   int64
		want    string // of the error
	}{{arrowfb.MetadataVersionV4, 0, ""}, {arrowfb.MetadataVersionV4, 2, "2 nulls of a run-end encoded column"}, {arrowfb.MetadataVersionV5, 2, ""}} {
		b := it.NewBatch(3)
		b.Version = x.version
		var validity [][]byte // of V4
		counted := x.nulls
		if x.version == arrowfb.MetadataVersionV4 {
			validity, counted = [][]byte{nil}, 0
		}
		b.Add(3, x.nulls, validity...).Add(2, 0, nil, it.I16(1, 3)).Add(2, 1, it.Bits(1, 0), it.I32(7, 0))
		b.Add(3, counted, append(validity, it.I8(0, 0, 0))...).Add(3, 0, nil, it.I8(1, 2, 3))
		schema := it.Message(it.Meta(x.version, it.SchemaHeader(0, runs, union), 0), nil)
		r := ipc.NewReader(bytes.NewReader(stream(schema, b.Message(), it.End)), &ipc.ReaderOptions{Validate: ipc.UTF8})
		h, err := r.Next(t.Context())
		if x.want != "" {
			if !errors.Is(err, ipc.ErrMalformed) || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v: %v, want %s", x.version, err, x.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", x.version, err)
			continue
		}
		for i := range 2 {
			if d := h.Column(i); d.Nulls != 0 || d.Buffers[0] != nil || d.Len != 3 {
				t.Errorf("%v: column %d is %+v", x.version, i, d)
			}
		}
		s, err := r.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := ipc.NewWriter(io.Discard, s, nil).Write(t.Context(), 3, ipc.Columns(h)); err != nil {
			t.Errorf("%v: %v", x.version, err)
		}
	}
}
