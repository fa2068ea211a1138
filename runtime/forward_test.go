package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// gathered keeps the parts of the last write as they were handed over.
type gathered struct{ parts [][]byte }

func (g *gathered) Write(p []byte) (int, error) {
	g.parts = [][]byte{bytes.Clone(p)}
	return len(p), nil
}

func (g *gathered) WriteBuffers(bufs [][]byte) (n int64, err error) {
	g.parts = append(g.parts[:0], bufs...)
	for _, b := range bufs {
		n += int64(len(b))
	}
	return n, nil
}

// TestForwardSendsWhatItReceived wants the body of a batch to be sent from the memory it was received in, and the whole output to
// be the bytes of the input.
func TestForwardSendsWhatItReceived(t *testing.T) {
	in := tradeStream(t, 4, 2000)
	r := feed.NewTradeReader(bytes.NewReader(in), nil)
	var g gathered
	var out bytes.Buffer
	same, whole := feed.NewTradeWriter(&g, nil), feed.NewTradeWriter(&out, nil)
	for b, err := range r.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(same.Forward(t.Context(), b), whole.Forward(t.Context(), b)); err != nil {
			t.Fatal(err)
		}
		last := g.parts[len(g.parts)-1]
		if column.Native && !within(b.Price()[:1], last) { // elsewhere columns are swapped into other memory
			t.Error("the body was copied")
		}
		b.Release()
	}
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), in) {
		t.Error("the bytes differ from those received")
	}
	if s := whole.Stats(); s.Forwarded != 4 || s.Encoded != 0 || s.Batches != 4 || s.Rows != 8000 || s.Bytes != int64(len(in)) {
		t.Errorf("%+v", s)
	}
}

// TestForwardEncodesAnew forwards batches that cannot go as they are: converted ones, and those that were copied by Retain.
func TestForwardEncodesAnew(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "time", Type: ipc.Timestamp(column.Second, "UTC")},
		{Name: "symbol", Type: ipc.Utf8},
		{Name: "price", Type: ipc.Float32},
		{Name: "size", Type: ipc.Int16},
		{Name: "note", Type: ipc.LargeUtf8, Nullable: true},
	}}
	var in bytes.Buffer
	w := ipc.NewWriter(&in, schema, nil)
	for range 3 {
		var when column.FixedBuilder[int64]
		var symbol column.TextBuilder
		var price column.FixedBuilder[float32]
		var size column.FixedBuilder[int16]
		var note column.LargeTextBuilder
		for _, b := range []column.Builder{&when, &symbol, &price, &size, &note} {
			b.Init(column.Config{Nullable: true})
		}
		for k := range 5 {
			when.Append(int64(k))
			symbol.Append(fmt.Sprint("S", k%3))
			price.Append(float32(k))
			size.Append(int16(k))
			note.AppendNull()
		}
		if err := w.Write(t.Context(), 5, []column.Data{when.Data(), symbol.Data(), price.Data(), size.Data(), note.Data()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows := readTrades(t, in.Bytes())
	r := feed.NewTradeReader(&in, nil)
	var out bytes.Buffer
	f := feed.NewTradeWriter(&out, nil)
	for b, err := range r.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		kept := b.Retain()
		b.Release()
		if err := f.Forward(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		kept.Release()
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readTrades(t, out.Bytes()); !reflect.DeepEqual(got, rows) || len(got) != 15 {
		t.Errorf("%d rows, want %d the same", len(got), len(rows))
	}
	if s := f.Stats(); s.Forwarded != 0 || s.Encoded != 3 {
		t.Errorf("%+v", s)
	}
}

func readTrades(t *testing.T, in []byte) (rows []feed.Trade) {
	t.Helper()
	for row, err := range feed.NewTradeReader(bytes.NewReader(in), nil).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// TestForwardDoesNotAllocate forwards in the steady state.
func TestForwardDoesNotAllocate(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, 300, 500)), nil)
	w := feed.NewTradeWriter(&gathered{}, nil)
	forward := func() {
		b := next(t, r)
		if err := w.Forward(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	for range 20 {
		forward()
	}
	if n := testing.AllocsPerRun(200, forward); n != 0 && column.Native && !mem.Debug && !race {
		t.Errorf("%v allocations a batch", n)
	}
}

// TestForwardNestedDoesNotAllocate forwards batches with dictionaries below lists.
func TestForwardNestedDoesNotAllocate(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	var buf bytes.Buffer
	in := feed.NewNestedWriter(&buf, nil)
	for i := range 300 {
		if err := in.Append(context.Background(), feed.Nested{ID: int64(i), Viewed: []string{"a", "b"}, Tags: []string{}}); err != nil {
			t.Fatal(err)
		}
		if err := in.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	r, w := feed.NewNestedReader(&buf, nil), feed.NewNestedWriter(&gathered{}, nil)
	forward := func() {
		b, err := r.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Forward(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	for range 20 {
		forward()
	}
	if n := testing.AllocsPerRun(200, forward); n != 0 && column.Native && !mem.Debug {
		t.Errorf("%v allocations a batch", n)
	}
}

// source is a reader of trades whose symbols come in an order of its own.
type source struct {
	reader *feed.TradeReader
	rows   [][]feed.Trade
}

// sources makes n streams of batches whose dictionaries grow, some alike at first and some not.
func sources(t *testing.T, random *rand.Rand, n, batches int, mode ipc.Dictionaries) []*source {
	all := make([]*source, n)
	for i := range all {
		s := &source{}
		var buf bytes.Buffer
		w := feed.NewTradeWriter(&buf, &rt.WriterOptions{Dictionaries: mode})
		b := feed.NewTradeBuilder(nil)
		for k := range batches {
			b.Reset()
			rows := trades(1 + random.IntN(20))
			for j := range rows {
				symbol := random.IntN(3 + 2*k)
				if i%3 == 0 { // these begin alike
					symbol = j % (3 + 2*k)
				}
				rows[j].Symbol, rows[j].Size = fmt.Sprint("symbol ", symbol), int64(i*1000+k)
			}
			b.AppendRows(rows)
			if err := w.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			s.rows = append(s.rows, rows)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		s.reader = feed.NewTradeReader(&buf, nil)
		all[i] = s
	}
	return all
}

// TestFanIn forwards the batches of several readers into one writer in any order, with batches of a builder between them.
func TestFanIn(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		received := ipc.Dictionaries(round % 3)
		sent := ipc.Dictionaries(round / 3 % 3)
		file := round%4 == 3
		all := sources(t, random, 1+random.IntN(5), 6, received)
		var out bytes.Buffer
		opts := &rt.WriterOptions{Dictionaries: sent}
		w := feed.NewTradeWriter(&out, opts)
		if file {
			w = rt.NewFileWriter(feed.TradeTable, &out, opts)
		}
		own := feed.NewTradeBuilder(nil)
		var want []feed.Trade
		for len(all) > 0 {
			i := random.IntN(len(all))
			s := all[i]
			b, err := s.reader.Next(t.Context())
			if err == io.EOF {
				all = append(all[:i], all[i+1:]...)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Forward(t.Context(), b); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			b.Release()
			want, s.rows = append(want, s.rows[0]...), s.rows[1:]
			if !file && random.IntN(4) == 0 {
				rows := trades(3)
				own.Reset()
				own.AppendRows(rows)
				if err := w.Write(t.Context(), own); err != nil {
					t.Fatal(err)
				}
				want = append(want, rows...)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var got []feed.Trade
		if file {
			f, err := rt.NewFileReader(feed.TradeTable, bytes.NewReader(out.Bytes()), int64(out.Len()), nil)
			if err != nil {
				t.Fatal(err)
			}
			for row, err := range f.Rows(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, row)
			}
		} else {
			got = readTrades(t, out.Bytes())
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d (received %v, sent %v, file %v): %d rows, want %d, or they differ", round, received, sent, file, len(got), len(want))
		}
	}
}

// TestFanInOfTheSame forwards two streams with the same dictionary: it is sent once.
func TestFanInOfTheSame(t *testing.T) {
	in := tradeStream(t, 5, 100)
	a, b := feed.NewTradeReader(bytes.NewReader(in), nil), feed.NewTradeReader(bytes.NewReader(in), nil)
	var out bytes.Buffer
	w := feed.NewTradeWriter(&out, nil)
	for range 5 {
		for _, r := range []*feed.TradeReader{a, b} {
			batch := next(t, r)
			if err := w.Forward(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			batch.Release()
		}
	}
	if s := w.Stats(); s.Replaced != 0 || s.Deltas != 0 || s.Forwarded != 10 {
		t.Errorf("%+v", s)
	}
}

// TestFanInOutgrowsTheIndex merges dictionaries that have more values together than 8 bits tell apart.
func TestFanInOutgrowsTheIndex(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "d", Type: ipc.Utf8, Nullable: true, Dictionary: ipc.DictionaryOf(ipc.Int8)}}}
	batchOf := func(from, n int) ipc.Batch {
		var b column.DictBuilder[int8]
		b.Init(column.Config{Nullable: true})
		for i := range n {
			b.Append(fmt.Sprint(from + i))
		}
		b.AppendNull()
		var buf bytes.Buffer
		w := ipc.NewWriter(&buf, schema, nil)
		if err := errors.Join(w.Write(t.Context(), n+1, []column.Data{b.Data()}), w.Close()); err != nil {
			t.Fatal(err)
		}
		h, err := ipc.NewReader(&buf, nil).Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, schema, nil)
	for _, h := range []ipc.Batch{batchOf(0, 70), batchOf(60, 60)} {
		if err := w.Forward(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	size := out.Len()
	if err := w.Forward(t.Context(), batchOf(100, 60)); !errors.Is(err, column.ErrDictionaryFull) || out.Len() != size {
		t.Fatalf("%v, %d bytes were sent", err, out.Len()-size)
	}
	if err := errors.Join(w.Forward(t.Context(), batchOf(60, 60)), w.Close()); err != nil { // it is usable
		t.Fatal(err)
	}
	r := ipc.NewReader(&out, nil)
	for i, want := range []int{0, 60, 60} {
		h, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d := column.DictOf[int8](h.Column(0))
		for k := range h.Len() - 1 {
			if d.At(k) != fmt.Sprint(want+k) {
				t.Fatalf("batch %d, row %d: %q", i, k, d.At(k))
			}
		}
		if !d.IsNull(h.Len() - 1) {
			t.Error("the null is gone")
		}
	}
}

func TestForwardReleased(t *testing.T) {
	b := next(t, feed.NewTradeReader(bytes.NewReader(tradeStream(t, 1, 10)), nil))
	b.Release()
	w := feed.NewTradeWriter(io.Discard, nil)
	if text := panics(func() { _ = w.Forward(t.Context(), b) }); text == "" {
		t.Error("a released batch was forwarded")
	}
}
