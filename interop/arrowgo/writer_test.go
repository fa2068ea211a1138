package arrowgo_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// gatherer keeps the parts that a writer sends, as they are.
type gatherer struct {
	bytes.Buffer
	parts [][]byte
}

func (g *gatherer) WriteBuffers(bufs [][]byte) (total int64, err error) {
	for _, b := range bufs {
		g.parts = append(g.parts, b)
		g.Write(b)
		total += int64(len(b))
	}
	return total, nil
}

func TestWriter(t *testing.T) {
	var buf bytes.Buffer
	out := ipc.NewWriter(&buf, feed.TradeTable.Schema(), nil)
	w := arrowgo.NewWriter(out)
	var want []feed.Trade
	for i := range 5 {
		rows := trades(i*100, 300)
		rec := tradeRecord(t, memory.DefaultAllocator, rows)
		from, to := int64(i*3), int64(300-i)
		ok(t, w.Write(ctx, rec.NewSlice(from, to)))
		want = append(want, rows[from:to]...)
	}
	ok(t, out.Close())

	var have []feed.Trade
	for row, err := range feed.NewTradeReader(bytes.NewReader(buf.Bytes()), nil).Rows(ctx) {
		ok(t, err)
		have = append(have, row)
	}
	sameRows(t, have, want)

	r := must(aipc.NewReader(&buf))(t)
	have = nil
	for r.Next() {
		have = append(have, rowsOf(r.RecordBatch())...)
	}
	ok(t, r.Err())
	sameRows(t, have, want)
}

// TestWriterDoesNotCopy finds what was sent in the record's own memory.
func TestWriterDoesNotCopy(t *testing.T) {
	rec := tradeRecord(t, memory.DefaultAllocator, trades(0, 5000))
	var g gatherer
	w := arrowgo.NewWriter(ipc.NewWriter(&g, feed.TradeTable.Schema(), nil))
	ok(t, w.Write(ctx, rec))
	for i, c := range rec.Columns() {
		for k, b := range c.Data().Buffers() {
			if b == nil || k == 0 && c.NullN() == 0 {
				continue
			}
			found := false
			for _, part := range g.parts {
				found = found || within(part, b.Bytes())
			}
			if !found {
				t.Errorf("column %d: buffer %d was copied", i, k)
			}
		}
	}
}

func TestWriterAllocations(t *testing.T) {
	if !column.Native {
		t.Skip("indices are copied")
	}
	rec := tradeRecord(t, memory.DefaultAllocator, trades(0, 5000))
	w := arrowgo.NewWriter(ipc.NewWriter(discard{}, feed.TradeTable.Schema(), nil))
	if n := testing.AllocsPerRun(100, func() { ok(t, w.Write(ctx, rec)) }); n != 0 {
		t.Errorf("%v allocations to write a record, want none", n)
	}
}

// discard takes gathered writes.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) WriteBuffers(bufs [][]byte) (total int64, err error) {
	for _, b := range bufs {
		total += int64(len(b))
	}
	return total, nil
}

// TestWriterSendsSlicesOnly does not send what a slice does not show.
func TestWriterSendsSlicesOnly(t *testing.T) {
	rec := tradeRecord(t, memory.DefaultAllocator, trades(0, 100_000)).NewSlice(99_000, 99_010)
	var buf bytes.Buffer
	out := ipc.NewWriter(&buf, feed.TradeTable.Schema(), nil)
	ok(t, arrowgo.NewWriter(out).Write(ctx, rec))
	ok(t, out.Close())
	if buf.Len() > 4000 {
		t.Errorf("%d bytes for 10 rows", buf.Len())
	}
}

func TestWriterDictionaries(t *testing.T) {
	record := func(values ...string) arrow.RecordBatch {
		return arrays("s", dict(t, p.Int8, arrow.BinaryTypes.String, []string{"0", "1"}, values...))
	}
	recs := []arrow.RecordBatch{
		record("a", "b"), record("a", "b"), record("a", "b", "c"), record("a", "b", "c", "d"), record("x", "y"),
	}
	schema := must(arrowgo.FromSchema(recs[0].Schema()))(t)
	t.Run("stream", func(t *testing.T) {
		var buf bytes.Buffer
		out := ipc.NewWriter(&buf, schema, nil)
		w := arrowgo.NewWriter(out)
		for _, rec := range recs {
			ok(t, w.Write(ctx, rec))
		}
		ok(t, out.Close())
		if s := out.Stats(); s.Batches != 5 || s.Replaced+s.Deltas != 3 {
			t.Errorf("%+v", s)
		}
		r := must(aipc.NewReader(&buf))(t)
		for _, want := range []string{"a", "a", "a", "a", "x"} {
			if !r.Next() {
				t.Fatal(r.Err())
			}
			if have := r.RecordBatch().Column(0).ValueStr(0); have != want {
				t.Errorf("%q, want %q", have, want)
			}
		}
	})
	t.Run("file", func(t *testing.T) {
		var buf bytes.Buffer
		out := ipc.NewFileWriter(&buf, schema, nil)
		w := arrowgo.NewWriter(out)
		for _, rec := range recs[:4] {
			ok(t, w.Write(ctx, rec))
			wantError(t, w.Write(ctx, arrays("t", rec.Column(0))), `is "t"`)
		}
		if err := w.Write(ctx, recs[4]); !errors.Is(err, ipc.ErrReplaced) {
			t.Errorf("%v, want %v", err, ipc.ErrReplaced)
		}
		ok(t, w.Write(ctx, recs[3]))
		ok(t, out.Close())
		r := must(aipc.NewFileReader(bytes.NewReader(buf.Bytes())))(t)
		if r.NumRecords() != 5 {
			t.Errorf("%d batches", r.NumRecords())
		}
	})
}

func TestWriterRefuses(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int32}, {Name: "b", Type: ipc.Utf8, Nullable: true}}}
	var buf bytes.Buffer
	out := ipc.NewWriter(&buf, schema, nil)
	w := arrowgo.NewWriter(out)
	good := arrays("a", of(t, p.Int32, "1", "2"), "b", of(t, arrow.BinaryTypes.String, "x", "-"))
	ok(t, w.Write(ctx, good))
	sent := buf.Len()

	refused := func(text string, rec arrow.RecordBatch) {
		t.Helper()
		wantError(t, w.Write(ctx, rec), text)
		if buf.Len() != sent {
			t.Error("something was sent")
		}
	}
	refused(`the record has 1 columns, want 2`, arrays("a", of(t, p.Int32, "1")))
	refused(`column 0 of the record is "c", int32; want "a", int32`, arrays("c", of(t, p.Int32, "1"), "b", of(t, arrow.BinaryTypes.String, "x")))
	refused(`column 1 of the record is "b", large_utf8; want "b", utf8`, arrays("a", of(t, p.Int32, "1"), "b", of(t, arrow.BinaryTypes.LargeString, "x")))
	null := arrays("a", of(t, p.Int32, "1", "-"), "b", of(t, arrow.BinaryTypes.String, "x", "y"))
	refused(`column "a", row 1: null in a column that is not nullable`, null)
	if err := w.Write(ctx, null); !errors.Is(err, column.ErrNotNullable) {
		t.Error(err)
	}
	refused(`column 1 of the record is "b", dictionary<int8, bool>; want "b", utf8`, arrays("a", of(t, p.Int32, "1"), "b",
		array.NewDictionaryArray(&arrow.DictionaryType{IndexType: p.Int8, ValueType: arrow.FixedWidthTypes.Boolean}, of(t, p.Int8, "0"), of(t, arrow.FixedWidthTypes.Boolean, "true"))))
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := w.Write(cancelled, good); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	ok(t, w.Write(ctx, good)) // still usable
	ok(t, out.Close())
	if err := w.Write(ctx, good); !errors.Is(err, ipc.ErrClosed) {
		t.Error(err)
	}
	r := must(aipc.NewReader(&buf))(t)
	n := int64(0)
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if n != 4 || r.Err() != nil {
		t.Errorf("%d rows, %v; want 4", n, r.Err())
	}
}
