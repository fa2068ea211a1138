package rt_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// noted is a sink that notes what is done to it.
type noted struct {
	schema *ipc.Schema
	calls  []string
	rows   int
	err    error // of the next Write
}

func (l *noted) Schema() *ipc.Schema { return l.schema }

func (l *noted) Write(_ context.Context, rows int, _ []column.Data) error {
	err := l.err
	if l.err = nil; err == nil {
		l.rows += rows
	}
	l.calls = append(l.calls, "write")
	return err
}

func (l *noted) Close() error {
	l.calls = append(l.calls, "close")
	return nil
}

// abortNoted is one that can be aborted.
type abortNoted struct{ noted }

func (l *abortNoted) Abort() { l.calls = append(l.calls, "abort") }

func tradeSink(t *testing.T, sink rt.Sink) *rt.SinkWriter[feed.Trade, feed.TradeBatch, *feed.TradeBuilder] {
	t.Helper()
	w, err := rt.NewSinkWriter(feed.TradeTable, sink, &rt.WriterOptions{BatchRows: 2})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestSinkWriterAborts wants a sink that is given up not to be closed, and what waits not to be written.
func TestSinkWriterAborts(t *testing.T) {
	sink := &abortNoted{noted{schema: feed.TradeTable.Schema()}}
	w := tradeSink(t, sink)
	if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	for range 2 {
		if err := w.Close(); !errors.Is(err, rt.ErrAborted) {
			t.Errorf("%v", err)
		}
	}
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: time.Unix(0, 0)})
	for _, err := range []error{w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)}), w.Flush(t.Context()), w.Write(t.Context(), b)} {
		if !errors.Is(err, rt.ErrAborted) {
			t.Errorf("%v", err)
		}
	}
	if !slices.Equal(sink.calls, []string{"abort"}) {
		t.Errorf("%q", sink.calls)
	}

	sink = &abortNoted{noted{schema: feed.TradeTable.Schema()}}
	w = tradeSink(t, sink)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	w.Abort()
	if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)}); !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("%v", err)
	}
	if !slices.Equal(sink.calls, []string{"close"}) {
		t.Errorf("%q", sink.calls)
	}
}

// TestSinkWriterFails wants the first error of a sink to be that of every later call, rows not to be written twice, and no Close to make
// whole what lacks rows.
func TestSinkWriterFails(t *testing.T) {
	broken := errors.New("broken")
	for _, last := range []string{"abort", "close"} {
		plain := &noted{schema: feed.TradeTable.Schema(), err: broken}
		var sink rt.Sink = plain
		if last == "abort" {
			a := &abortNoted{*plain}
			sink, plain = a, &a.noted
		}
		w := tradeSink(t, sink)
		first := w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)})
		if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)}); first != nil || err != broken {
			t.Fatalf("%v, %v", first, err)
		}
		for _, err := range []error{w.Flush(t.Context()), w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)}), w.Close(), w.Close()} {
			if err != broken {
				t.Errorf("%v", err)
			}
		}
		if !slices.Equal(plain.calls, []string{"write", last}) || plain.rows != 0 {
			t.Errorf("%q, %d rows", plain.calls, plain.rows)
		}
	}
}

// TestSinkWriterCancelled wants a context that has ended to leave the writer usable, without the row that was not taken.
func TestSinkWriterCancelled(t *testing.T) {
	sink := &noted{schema: feed.TradeTable.Schema()}
	w := tradeSink(t, sink)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := w.Append(ended, feed.Trade{Time: time.Unix(0, 0)}); !errors.Is(err, context.Canceled) {
			t.Fatalf("%v", err)
		}
	}
	if err := w.Close(); err != nil || sink.rows != 1 {
		t.Errorf("%v, %d rows", err, sink.rows)
	}
}

// TestSinkWriterWritesBatches passes received batches on, between rows.
func TestSinkWriterWritesBatches(t *testing.T) {
	in := tradeStream(t, 3, 10)
	var out bytes.Buffer
	w := tradeSink(t, ipc.NewWriter(&out, feed.TradeTable.Schema(), nil))
	var want []feed.Trade
	for b, err := range feed.NewTradeReader(bytes.NewReader(in), nil).Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		want = b.AppendTo(append(want, feed.Trade{Time: time.Unix(0, 0), Size: 7}))
		if err := errors.Join(w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0), Size: 7}), w.WriteBatch(t.Context(), b)); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for row, err := range feed.NewTradeReader(&out, nil).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n >= len(want) || row.Size != want[n].Size || row.Symbol != want[n].Symbol {
			t.Fatalf("row %d is %+v", n, row)
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d rows, want %d", n, len(want))
	}
}

// refusing is a sink that cannot write its schema.
type refusing struct {
	noted
	bad error
}

func (r *refusing) Err() error { return r.bad }

// TestSinkWriterOf wants a sink that cannot write the table to fail before any row, and every call of a writer that has no other error.
func TestSinkWriterOf(t *testing.T) {
	bad := errors.New("no place for it")
	if _, err := rt.NewSinkWriter(feed.TradeTable, &refusing{noted{schema: feed.TradeTable.Schema()}, bad}, nil); err != bad {
		t.Errorf("%v", err)
	}
	var other *rt.SchemaError
	for name, of := range map[string]struct {
		sink func(*ipc.Schema) rt.Sink
		is   func(error) bool
	}{
		"refused": {func(s *ipc.Schema) rt.Sink { return &refusing{noted{schema: s}, bad} }, func(err error) bool { return err == bad }},
		"other":   {func(*ipc.Schema) rt.Sink { return &noted{schema: feed.QuoteTable.Schema()} }, func(err error) bool { return errors.As(err, &other) }},
		"right":   {func(s *ipc.Schema) rt.Sink { return &noted{schema: s} }, func(err error) bool { return err == nil }},
	} {
		w := rt.SinkWriterOf(feed.TradeTable, of.sink, nil)
		b := feed.NewTradeBuilder(nil)
		b.Append(feed.Trade{Time: time.Unix(0, 0)})
		for i, err := range []error{w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)}), w.Flush(t.Context()), w.Write(t.Context(), b), w.Close()} {
			if !of.is(err) {
				t.Errorf("%s, call %d: %v", name, i, err)
			}
		}
	}
}

// countingSink is one that counts bytes.
type countingSink struct{ abortNoted }

func (*countingSink) Stats() ipc.Stats { return ipc.Stats{Bytes: 77, Rows: 1e6} }

// TestSinkWriterStats wants what was written and what was dropped to be counted.
func TestSinkWriterStats(t *testing.T) {
	sink := &countingSink{abortNoted{noted{schema: feed.TradeTable.Schema()}}}
	w := tradeSink(t, sink)
	row := feed.Trade{Time: time.Unix(0, 0)}
	for range 2 {
		if err := w.Append(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	b := feed.NewTradeBuilder(nil)
	b.Append(row)
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0), Symbol: "\xff"}); err == nil {
		t.Fatal("a symbol that is no UTF-8 is taken")
	}
	if err := w.Append(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if s, want := w.Stats(), (rt.Stats{Batches: 2, Rows: 3, Bytes: 77, Dropped: 1}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	w.Abort() // with the row that waits
	w.Abort()
	if s, want := w.Stats(), (rt.Stats{Batches: 2, Rows: 3, Bytes: 77, Dropped: 2}); s != want {
		t.Errorf("after Abort: %+v, want %+v", s, want)
	}

	failing := &noted{schema: feed.TradeTable.Schema(), err: errors.New("broken")}
	w = tradeSink(t, failing)
	for range 2 {
		_ = w.Append(t.Context(), row) // the second writes both
	}
	_ = w.Close()
	if s, want := w.Stats(), (rt.Stats{Dropped: 2}); s != want {
		t.Errorf("of a sink that fails: %+v, want %+v", s, want)
	}
}

// TestSinkWriterOptions wants options that mean nothing to a sink to be refused by their name, one by one, so that none is forgotten.
func TestSinkWriterOptions(t *testing.T) {
	taken := []string{"BatchRows", "BatchBytes", "Builder"}
	set := rt.WriterOptions{
		BatchRows: 1, BatchBytes: 1, BufferBytes: 1, MaxDelay: time.Hour, Builder: &rt.BuilderOptions{}, KeepOpen: true,
		Dictionaries: ipc.ReplaceDictionaries, Observer: noObserver{}, Compression: ipc.LZ4, Metadata: []ipc.KeyValue{{Key: "a"}},
	}
	all := reflect.ValueOf(set)
	for i := range all.NumField() {
		name := all.Type().Field(i).Name
		if all.Field(i).IsZero() {
			t.Fatalf("%s is not set by the test", name)
		}
		var opts rt.WriterOptions
		reflect.ValueOf(&opts).Elem().Field(i).Set(all.Field(i))
		_, err := rt.NewSinkWriter(feed.TradeTable, &noted{schema: feed.TradeTable.Schema()}, &opts)
		if slices.Contains(taken, name) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), "WriterOptions."+name+" is set") {
			t.Errorf("%s: error %v, want one that names it", name, err)
		}
	}
}

type noObserver struct{ rt.Observer }
