package rt_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestZeroNullsWithoutText reads a text column of nulls only, which has no bytes at all, as empty strings.
func TestZeroNullsWithoutText(t *testing.T) {
	for _, typ := range []ipc.Type{ipc.Utf8, ipc.LargeUtf8} {
		schema := &ipc.Schema{}
		for i := range feed.TradeTable.Schema().Fields {
			f := feed.TradeTable.Schema().Fields[i]
			if f.Name == "symbol" {
				f.Type, f.Dictionary, f.Nullable = typ, nil, true
			}
			schema.Fields = append(schema.Fields, f)
		}
		b := feed.NewTradeBuilder(nil)
		b.AppendRows(trades(3))
		columns := []column.Data{b.Time().Data(), {}, b.Price().Data(), b.Size().Data(), b.Note().Data()}
		width := 4
		if typ.Kind == ipc.KindLargeUtf8 {
			width = 8
		}
		columns[1] = column.Data{Len: 3, Nulls: 3, Buffers: [3][]byte{{0}, make([]byte, 4*width)}}
		var wire bytes.Buffer
		w := ipc.NewWriter(&wire, schema, nil)
		if err := errors.Join(w.Write(t.Context(), 3, columns), w.Close()); err != nil {
			t.Fatal(err)
		}
		rows := 0
		for row, err := range feed.NewTradeReader(&wire, &rt.ReaderOptions{Nulls: rt.ZeroNulls}).Rows(t.Context()) {
			if err != nil || row.Symbol != "" {
				t.Fatal(row, err)
			}
			rows++
		}
		if rows != 3 {
			t.Fatalf("%v: %d rows", typ, rows)
		}
	}
}

// TestCloseThatCannotSend returns the same error each time.
func TestCloseThatCannotSend(t *testing.T) {
	ctx := context.Background()
	var wire bytes.Buffer
	w := feed.NewTradeWriter(&wire, &rt.WriterOptions{Dictionaries: ipc.OnceDictionaries})
	other := feed.NewTradeBuilder(nil)
	other.Append(feed.Trade{Time: time.Unix(1, 0), Symbol: "a"})
	if err := w.Write(ctx, other); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(ctx, feed.Trade{Time: time.Unix(1, 0), Symbol: "b"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); !errors.Is(err, rt.ErrChanged) {
			t.Fatalf("%v, want ErrChanged", err)
		}
	}
	for _, err := range feed.NewTradeReader(&wire, nil).Batches(ctx) {
		if err != nil && !errors.Is(err, rt.ErrUnfinished) {
			t.Fatal(err)
		}
	}
}
