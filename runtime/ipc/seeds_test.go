package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/endian"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
)

// trades writes a few rows in two batches, the second with more in its dictionary.
func trades(tb testing.TB, w *feed.TradeWriter) {
	tb.Helper()
	ctx := context.Background()
	b := feed.NewTradeBuilder(nil)
	for i, symbol := range []string{"AAPL", "MSFT", "AAPL"} {
		note := fmt.Sprint("note ", i)
		b.Append(feed.Trade{Time: unix(int64(i)), Symbol: symbol, Price: 1.5, Size: -1, Note: &note})
		b.Append(feed.Trade{Time: unix(int64(i)), Symbol: symbol})
		if err := w.Write(ctx, b); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

// arrowGo returns a stream or file of arrow-go with one column of each of several types, flat and nested.
func arrowGo(tb testing.TB, file bool) []byte {
	tb.Helper()
	types := []arrow.DataType{
		arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.StringView, arrow.BinaryTypes.LargeString, arrow.FixedWidthTypes.Boolean,
		arrow.ListOf(arrow.PrimitiveTypes.Int16), arrow.StructOf(arrow.Field{Name: "s", Type: arrow.BinaryTypes.Binary, Nullable: true}),
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: arrow.BinaryTypes.String}, arrow.Null,
	}
	values := []string{
		`[1, null, 3]`, `["short", "one that is longer than twelve", null]`, `["a", null, ""]`, `[true, false, null]`,
		`[[1, 2], null, []]`, `[{"s": "YQ=="}, null, {"s": null}]`, `["x", "y", null]`, `[null, null, null]`,
	}
	fields := make([]arrow.Field, len(types))
	columns := make([]arrow.Array, len(types))
	for i, typ := range types {
		fields[i] = arrow.Field{Name: fmt.Sprint("c", i), Type: typ, Nullable: true}
		var err error
		if columns[i], _, err = array.FromJSON(memory.DefaultAllocator, typ, bytes.NewReader([]byte(values[i]))); err != nil {
			tb.Fatal(typ, err)
		}
	}
	schema := arrow.NewSchema(fields, nil)
	batch := array.NewRecordBatch(schema, columns, 3)
	var buf bytes.Buffer
	var w interface {
		Write(arrow.RecordBatch) error
		io.Closer
	} = aipc.NewWriter(&buf, aipc.WithSchema(schema))
	if file {
		fw, err := aipc.NewFileWriter(&buf, aipc.WithSchema(schema))
		if err != nil {
			tb.Fatal(err)
		}
		w = fw
	}
	if err := errors.Join(w.Write(batch), w.Write(batch.NewSlice(1, 3)), w.Close()); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// handMade returns a stream with columns of views, nested columns and dictionaries that change, field by field.
func handMade() []byte {
	fields := []it.Field{
		{Name: "v", Type: it.Utf8View, Nullable: true},
		{Name: "u", Type: it.Union(arrowfb.UnionModeDense, 5, 7), Children: []it.Field{{Name: "a", Type: it.Int(8, true)}, {Name: "b", Type: it.Bool, Nullable: true}}},
		{Name: "r", Type: it.Plain(arrowfb.TypeRunEndEncoded), Children: []it.Field{{Name: "run_ends", Type: it.Int(16, true)}, {Name: "values", Type: it.Float(arrowfb.PrecisionHalf), Nullable: true}}},
		{Name: "w", Type: it.Plain(arrowfb.TypeListView), Nullable: true, Children: []it.Field{{Name: "i", Type: it.LargeUtf8}}},
		{Name: "f", Type: it.FixedList(2), Nullable: true, Children: []it.Field{{Name: "i", Type: it.FixedBinary(3)}}},
		{Name: "d", Type: it.Utf8View, Nullable: true, Dict: &it.Dict{ID: 9, Bits: 16}},
		{Name: "e", Type: it.Int(64, true), Nullable: true, Dict: &it.Dict{ID: 10, Bits: 8, Signed: true}},
	}
	views, data := it.Views("one that is longer than twelve", "short")
	offsets, text := it.LargeTexts("p", "", "qr")
	batch := it.NewBatch(2).AddViews(2, 1, it.Bits(1, 0), views, data).
		Add(2, 0, it.I8(7, 5), it.I32(0, 0)).Add(1, 0, nil, it.I8(4)).Add(1, 0, nil, it.Bits(1)).
		Add(2, 0).Add(2, 0, nil, it.I16(1, 2)).Add(2, 1, it.Bits(0, 1), it.I16(0, 0x3c00)).
		Add(2, 0, nil, it.I32(1, 0), it.I32(2, 1)).Add(3, 0, nil, offsets, text).
		Add(2, 1, it.Bits(1, 0)).Add(4, 0, nil, []byte("abcdefghijkl")).
		Add(2, 0, nil, it.I16(1, 0)).Add(2, 1, it.Bits(0, 1), it.I8(-1, 1)).Message()
	first := it.NewBatch(2).AddViews(2, 0, nil, views, data).Dictionary(9, false)
	more := it.NewBatch(2).AddViews(2, 0, nil, views, data).Dictionary(9, true)
	ints := it.NewBatch(2).Add(2, 0, nil, it.I64(5, 6)).Dictionary(10, false)
	return stream(it.Schema(fields...), first, ints, batch, more, batch, first, batch, it.End)
}

// seeds returns small streams of this module, of arrow-go and made by hand.
func seeds(tb testing.TB) map[string][]byte {
	tb.Helper()
	var ours bytes.Buffer
	trades(tb, feed.NewTradeWriter(&ours, nil))
	m := map[string][]byte{"ours": ours.Bytes(), "hand-made": handMade()}
	if !endian.IsBigEndian { // as arrow-go writes there
		m["arrow-go's"] = arrowGo(tb, false)
	}
	for name, p := range m {
		if rows, err := readAll(bytes.NewReader(p), nil); err != nil || rows == 0 {
			tb.Fatalf("%s: %d rows, %v", name, rows, err)
		}
	}
	return m
}

// fileSeeds returns small files of this module and of arrow-go.
func fileSeeds(tb testing.TB) map[string][]byte {
	tb.Helper()
	var ours bytes.Buffer
	trades(tb, rt.NewFileWriter(feed.TradeTable, &ours, nil))
	m := map[string][]byte{"ours": ours.Bytes()}
	if !endian.IsBigEndian {
		m["arrow-go's"] = arrowGo(tb, true)
	}
	for name, p := range m {
		if rows, err := readFile(p, nil); err != nil || rows == 0 {
			tb.Fatalf("%s: %d rows, %v", name, rows, err)
		}
	}
	return m
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 5).UTC() }
