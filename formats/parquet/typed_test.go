package parquet_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// through takes rows of a table to Parquet and back.
func through[R, B any, W rt.Builder[R]](table *rt.Table[R, B, W]) func(*rapid.T) {
	return func(t *rapid.T) {
		rows := make([]R, rapid.IntRange(0, 9).Draw(t, "rows"))
		for i := range rows {
			rows[i] = feedtest.Draw[R](t)
		}
		var buf bytes.Buffer
		file, err := parquet.NewWriter(&buf, table.Schema(), &parquet.WriterOptions{RowGroupRows: 4})
		if err != nil {
			t.Fatal(err)
		}
		w, err := rt.NewSinkWriter(table, file, &rt.WriterOptions{BatchRows: 3})
		if err != nil {
			t.Fatal(err)
		}
		var want []R
		for i := range rows {
			if w.Append(ctx, rows[i]) == nil {
				want = append(want, rows[i])
			}
		}
		if err := w.Close(); errors.Is(err, ipc.ErrUnsupported) {
			return // a value that does not go across
		} else if err != nil {
			t.Fatal(err)
		}
		src, err := parquet.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()), &parquet.ReaderOptions{Select: table.Select})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		n := 0
		for have, err := range rt.NewSourceReader(table, src, nil).Rows(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if n >= len(want) {
				t.Fatalf("more than %d rows", len(want))
			}
			if at := feedtest.Difference(want[n], have); at != "" {
				t.Fatalf("row %d: %s", n, at)
			}
			n++
		}
		if n != len(want) {
			t.Fatalf("%d rows, want %d", n, len(want))
		}
	}
}

// TestTyped takes rows of tables of all types to Parquet and back.
func TestTyped(t *testing.T) {
	t.Run("trade", rapid.MakeCheck(through(feed.TradeTable)))
	t.Run("nested", rapid.MakeCheck(through(feed.NestedTable)))
	t.Run("tree", rapid.MakeCheck(through(feed.TreeTable)))
	t.Run("every", rapid.MakeCheck(through(feed.EveryTable)))
}

// TestTypedSchema refuses a file that does not fit the table, when its footer is read.
func TestTypedSchema(t *testing.T) {
	b := written(t, 5, nil)
	_, err := parquet.NewReader(bytes.NewReader(b), int64(len(b)), &parquet.ReaderOptions{Select: feed.TradeTable.Select})
	var schema *rt.SchemaError
	if !errors.As(err, &schema) {
		t.Errorf("%v", err)
	}
	src := reader(t, b, nil)
	r := rt.NewSourceReader(feed.TradeTable, src, nil)
	for range 2 {
		if _, err := r.Next(ctx); !errors.As(err, &schema) {
			t.Errorf("%v", err)
		}
	}
	s, _ := numbers(0, 0)
	w, err := parquet.NewWriter(io.Discard, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = rt.NewSinkWriter(feed.TradeTable, w, nil)
	if !errors.As(err, &schema) || !strings.Contains(err.Error(), "sink has") || !strings.Contains(err.Error(), "make the sink with TradeTable.Schema()") {
		t.Errorf("%v", err)
	}
}
