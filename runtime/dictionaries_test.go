package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	aipc "github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestDictionaryModes sends a dictionary that grows with each batch in each way there is, to our reader and to arrow-go.
func TestDictionaryModes(t *testing.T) {
	const batches = 5
	ctx := context.Background()
	for _, c := range []struct {
		mode             ipc.Dictionaries
		replaced, deltas int64
	}{{ipc.AutoDictionaries, batches - 1, 0}, {ipc.ReplaceDictionaries, batches - 1, 0}, {ipc.DeltaDictionaries, 0, batches - 1}} {
		var buf bytes.Buffer
		w := feed.NewTradeWriter(&buf, &rt.WriterOptions{Dictionaries: c.mode})
		b := feed.NewTradeBuilder(nil)
		for i := range batches {
			b.Reset()
			for k := range i + 1 {
				b.Append(feed.Trade{Time: time.Unix(1, 0), Symbol: fmt.Sprint(k)})
			}
			if err := w.Write(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if s := w.Stats(); s.Replaced != c.replaced || s.Deltas != c.deltas {
			t.Errorf("mode %d: %d replaced, %d deltas, want %d and %d", c.mode, s.Replaced, s.Deltas, c.replaced, c.deltas)
		}
		wire := bytes.Clone(buf.Bytes())

		r := feed.NewTradeReader(&buf, nil)
		var kept []feed.TradeBatch // an older batch keeps the dictionary that it came with
		for batch, err := range r.Batches(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, batch)
		}
		for i, batch := range kept {
			if n := batch.Symbol().Values().Len(); n != i+1 {
				t.Errorf("mode %d: batch %d has a dictionary of %d values, want %d", c.mode, i, n, i+1)
			}
			for k, s := range batch.Symbol().All() {
				if s != fmt.Sprint(k) {
					t.Errorf("mode %d: batch %d row %d is %q", c.mode, i, k, s)
				}
			}
		}
		if s := r.Stats(); s.Replaced != c.replaced || s.Deltas != c.deltas {
			t.Errorf("mode %d: read %d replaced, %d deltas", c.mode, s.Replaced, s.Deltas)
		}

		ar, err := aipc.NewReader(bytes.NewReader(wire))
		if err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		for ar.Next() {
			rec := ar.RecordBatch()
			for i := range int(rec.NumRows()) {
				if s := rec.Column(1).ValueStr(i); s != fmt.Sprint(i) {
					t.Errorf("mode %d: arrow-go reads %q in row %d", c.mode, s, i)
				}
			}
			rows += rec.NumRows()
		}
		if ar.Err() != nil || rows != batches*(batches+1)/2 {
			t.Errorf("mode %d: arrow-go reads %d rows, %v", c.mode, rows, ar.Err())
		}
	}
}

func TestDictionaryOnce(t *testing.T) {
	ctx := context.Background()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, &rt.WriterOptions{Dictionaries: ipc.OnceDictionaries})
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: time.Unix(1, 0), Symbol: "a"})
	for range 2 {
		if err := w.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	n := buf.Len()
	b.Append(feed.Trade{Time: time.Unix(1, 0), Symbol: "b"})
	if err := w.Write(ctx, b); !errors.Is(err, ipc.ErrChanged) || buf.Len() != n {
		t.Fatalf("%v after %d bytes, want ErrChanged and nothing sent", err, buf.Len()-n)
	}
	b.Truncate(1)
	c := feed.NewTradeBuilder(nil)
	c.Append(feed.Trade{Time: time.Unix(1, 0), Symbol: "a"})
	if err := w.Write(ctx, c); !errors.Is(err, ipc.ErrChanged) {
		t.Fatalf("another dictionary: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestEmptyDictionaryInFile begins a file with a batch whose dictionary is empty: what comes after it is a delta, since a
// second dictionary that is none is refused by pyarrow.
func TestEmptyDictionaryInFile(t *testing.T) {
	ctx := context.Background()
	var buf bytes.Buffer
	w := rt.NewFileWriter(feed.TradeTable, &buf, nil)
	b := feed.NewTradeBuilder(nil)
	for i := range 3 {
		if err := w.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		b.Append(feed.Trade{Time: time.Unix(1, 0), Symbol: fmt.Sprint(i)})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if s := w.Stats(); s.Deltas != 2 || s.Replaced != 0 {
		t.Errorf("%d deltas, %d replaced, want 2 and 0", s.Deltas, s.Replaced)
	}
	r, err := rt.NewFileReader(feed.TradeTable, bytes.NewReader(buf.Bytes()), int64(buf.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Deltas != 2 {
		t.Errorf("read %d deltas, want 2", s.Deltas)
	}
}
