package ipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// textColumn returns a column of texts in one of the forms, as a caller makes it that has no builder.
func textColumn(t ipc.Type, nulls []byte, texts ...string) column.Data {
	d := column.Data{Len: len(texts)}
	switch t.Kind {
	case ipc.KindUtf8View:
		var data []byte
		d.Buffers[1], data = it.Views(texts...)
		d.Variadic = [][]byte{data}
	case ipc.KindLargeUtf8:
		d.Buffers[1], d.Buffers[2] = it.LargeTexts(texts...)
	default:
		d.Buffers[1], d.Buffers[2] = it.Texts(texts...)
	}
	if nulls != nil {
		d.Buffers[0], d.Nulls = nulls, 1
	}
	return d
}

// TestWriterRefusesInvalidText gives a writer of any schema text that is not valid, in all layouts and at any depth.
func TestWriterRefusesInvalidText(t *testing.T) {
	const long = "a text that does not fit a view \xff"
	utf8 := ipc.Type{Kind: ipc.KindUtf8}
	for _, kind := range []ipc.Kind{ipc.KindUtf8, ipc.KindLargeUtf8, ipc.KindUtf8View} {
		typ := ipc.Type{Kind: kind}
		for _, texts := range [][]string{{"a", "\xff"}, {"é", long}, {"a\xc3", "\xa9b"}} { // the last is valid where the texts touch
			row := 1
			if texts[0] == "a\xc3" {
				row = 0
			}
			flat := ipc.Field{Name: "name", Type: typ, Nullable: true}
			refuse(t, flat, textColumn(typ, nil, texts...), "name", row)

			parent := ipc.Field{Name: "order", Type: ipc.Type{Kind: ipc.KindStruct}, Children: []ipc.Field{flat}}
			refuse(t, parent, column.Data{Len: 2, Children: []column.Data{textColumn(typ, nil, texts...)}}, "order.name", row)

			list := ipc.Field{Name: "names", Type: ipc.Type{Kind: ipc.KindList}, Children: []ipc.Field{{Name: "item", Type: typ}}}
			items := column.Data{Len: 1, Buffers: [3][]byte{nil, it.I32(0, 2)}, Children: []column.Data{textColumn(typ, nil, texts...)}}
			refuse(t, list, items, "names.item", row)

			dict := flat
			dict.Dictionary = &ipc.DictionaryEncoding{Index: ipc.Int8}
			values := column.NewDictionary(0)
			for _, s := range texts {
				values.Append(s, false)
			}
			indices := column.Data{Len: 1, Buffers: [3][]byte{nil, {0}}, Dictionary: values, Values: values.Values()}
			refuse(t, dict, indices, "name.dictionary", row)
		}
		// What stands below a null is nobody's text.
		if err := writeText(ipc.Field{Name: "name", Type: typ, Nullable: true}, textColumn(typ, it.Bits(1, 0), "é", "\xff")); err != nil {
			t.Fatal(kind, err)
		}
	}
	// Binaries may be anything, and offsets that lead out of their buffer are no panic.
	if err := writeText(ipc.Field{Name: "b", Type: ipc.Type{Kind: ipc.KindBinary}}, textColumn(utf8, nil, "\xff")); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int32{-7, math.MaxInt32, 1 << 20} {
		d := textColumn(utf8, nil, "é", "é", "é")
		binary.LittleEndian.PutUint32(d.Buffers[1][4:], uint32(at))
		if err := writeText(ipc.Field{Name: "s", Type: utf8}, d); !errors.Is(err, ipc.ErrMalformed) {
			t.Fatalf("an offset of %d: %v", at, err)
		}
	}
}

func writeText(f ipc.Field, d column.Data) error {
	var buf bytes.Buffer
	err := ipc.NewWriter(&buf, &ipc.Schema{Fields: []ipc.Field{f}}, nil).Write(context.Background(), d.Len, []column.Data{d})
	if err != nil && buf.Len() != 0 {
		return errors.New("something was sent")
	}
	return err
}

func refuse(t *testing.T, f ipc.Field, d column.Data, path string, row int) {
	t.Helper()
	err := writeText(f, d)
	var v *column.ValueError
	if !errors.Is(err, column.ErrUTF8) || !errors.As(err, &v) || v.Column != path || v.Row != row {
		t.Fatalf("%v, want column %q, row %d: %v", err, path, row, column.ErrUTF8)
	}
}

// TestForwardPassesInvalidText passes on what a reader let pass, bit by bit, and wants Write to refuse the same.
func TestForwardPassesInvalidText(t *testing.T) {
	offsets, text := it.Texts("a", "\xff")
	stream := bytes.Join([][]byte{it.Schema(it.Field{Name: "s", Type: it.Utf8}), it.NewBatch(2).Add(2, 0, nil, offsets, text).Message(), it.End}, nil)
	r := ipc.NewReader(bytes.NewReader(stream), nil)
	b, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	schema, err := r.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := ipc.NewWriter(&buf, schema, nil)
	if err := w.Write(t.Context(), b.Len(), ipc.Columns(b)); !errors.Is(err, column.ErrUTF8) {
		t.Fatalf("Write: %v", err)
	}
	if err := w.Forward(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(buf.Bytes(), []byte("a\xff")) {
		t.Fatal("the text is not there as it was")
	}
	if err := w.Write(t.Context(), b.Len(), ipc.Columns(b)); !errors.Is(err, column.ErrUTF8) {
		t.Fatalf("Write after Forward: %v", err)
	}
}

// sharedViews returns a column of rows that all stand for the same bytes of one data buffer.
func sharedViews(rows int, data []byte, from, n int) column.Data {
	views := bytes.Repeat(it.View(uint32(n), string(data[from:from+4]), 0, uint32(from)), rows)
	return column.Data{Len: rows, Buffers: [3][]byte{nil, views}, Variadic: [][]byte{data}}
}

// TestSharedViews has rows point at the same bytes again and again. They are not read as often where all of the buffer is valid, and are given up
// where it is not.
func TestSharedViews(t *testing.T) {
	field := ipc.Field{Name: "s", Type: ipc.Utf8View}
	data := bytes.Repeat([]byte("é"), 1<<19)
	const rows = 1 << 18
	if err := writeText(field, sharedViews(rows, data, 0, len(data))); err != nil {
		t.Fatal(err)
	}
	refuse(t, field, sharedViews(rows, data, 1, len(data)-1), "s", 0)
	refuse(t, field, sharedViews(rows, data, 0, len(data)-1), "s", 0)
	refuse(t, field, sharedViews(2, data, 1, 21), "s", 0) // too little to look at the whole
	stray := slices.Concat([]byte{0xff}, data[:1<<16])
	if err := writeText(field, sharedViews(10, stray, 1, 1<<16)); err != nil {
		t.Fatal(err)
	}
	if err := writeText(field, sharedViews(500, stray, 1, 1<<16)); !errors.Is(err, ipc.ErrLimit) {
		t.Fatalf("500 rows of a buffer that is not valid as a whole: %v, want %v", err, ipc.ErrLimit)
	}
	stray[len(stray)-1] = 'x'
	refuse(t, field, sharedViews(500, stray, 1, 1<<16), "s", 0)

	// Values of a dictionary are no better.
	dict := field
	dict.Dictionary = &ipc.DictionaryEncoding{Index: ipc.Int16}
	stray[len(stray)-1] = data[1]
	shared := sharedViews(500, stray, 1, 1<<16)
	values := column.ColumnDictionary(&shared)
	indices := column.Data{Len: 1, Buffers: [3][]byte{nil, {0, 0}}, Dictionary: values, Values: values.Values()}
	if err := writeText(dict, indices); !errors.Is(err, ipc.ErrLimit) {
		t.Fatalf("a dictionary: %v, want %v", err, ipc.ErrLimit)
	}
	shared = sharedViews(rows, data, 0, len(data))
	values = column.ColumnDictionary(&shared)
	indices.Dictionary, indices.Values = values, values.Values()
	if err := writeText(dict, indices); err != nil {
		t.Fatal(err)
	}

	// A reader that checks text does so, too.
	for _, c := range []struct {
		data []byte
		want error
	}{{data[:1<<16], nil}, {stray[1:], nil}, {stray, ipc.ErrLimit}} {
		d := sharedViews(500, c.data, len(c.data)-1<<15, 1<<15)
		msg := it.NewBatch(500).AddViews(500, 0, nil, d.Buffers[1], c.data).Message()
		r := ipc.NewReader(bytes.NewReader(slices.Concat(it.Schema(it.Field{Name: "s", Type: it.Utf8View}), msg, it.End)), &ipc.ReaderOptions{Validate: ipc.UTF8})
		if _, err := r.Next(t.Context()); !errors.Is(err, c.want) {
			t.Fatalf("a reader: %v, want %v", err, c.want)
		}
	}
}

// TestWriterTakesLongerOffsets writes columns whose offsets go on behind the last row, as padding or rows that are no longer there.
func TestWriterTakesLongerOffsets(t *testing.T) {
	for _, kind := range []ipc.Kind{ipc.KindUtf8, ipc.KindLargeUtf8} {
		d := textColumn(ipc.Type{Kind: kind}, nil, "é", "b")
		d.Buffers[1] = append(d.Buffers[1][:len(d.Buffers[1]):len(d.Buffers[1])], make([]byte, 24)...)
		flat := ipc.Field{Name: "name", Type: ipc.Type{Kind: kind}}
		if err := writeText(flat, d); err != nil {
			t.Error(kind, err)
		}
		parent := ipc.Field{Name: "order", Type: ipc.Type{Kind: ipc.KindStruct}, Children: []ipc.Field{flat}}
		if err := writeText(parent, column.Data{Len: 2, Children: []column.Data{d}}); err != nil {
			t.Error(kind, "below a struct:", err)
		}
		d.Buffers[2] = []byte("é\xff")
		refuse(t, flat, d, "name", 1)
	}
}
