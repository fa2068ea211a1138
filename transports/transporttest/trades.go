package transporttest

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/mem"
	"github.com/lightstream-go/lightstream/transports"
)

// The rows that go over a connection where tables do: row i is computed from i, so that both ends know it. The symbols
// are more and more different ones, so the dictionary grows. No two columns have the same bytes. From row bigFrom on the
// notes are long.

var (
	symbols = func() []string {
		s := make([]string, 3000)
		for i := range s {
			s[i] = fmt.Sprintf("SYM%d", i)
		}
		return s
	}()
	notes = func() string {
		p := patternAt(0, 10007)
		for i := range p {
			p[i] = ' ' + p[i]%('~'-' '+1)
		}
		return string(p)
	}()
)

func timeAt(i int) int64    { return 1_700_000_000_000_000_000 + int64(i)*1_000_003 }
func symbolAt(i int) string { return symbols[i%min(1+i/10, len(symbols))] }
func priceAt(i int) float64 { return 100 + float64(i)/4 }
func sizeAt(i int) int64    { return 7 - 3*int64(i) }

func noteAt(i int) (note string, valid bool) {
	size := i % 60
	if i >= bigFrom {
		size = 5000 + i%1000
	}
	from := i * 37 % (len(notes) - 6000)
	return notes[from : from+size], i%5 != 2
}

func tradeAt(i int) (row feed.Trade) {
	row.Time, row.Symbol, row.Price, row.Size = timestamp(i), symbolAt(i), priceAt(i), sizeAt(i)
	if note, valid := noteAt(i); valid {
		row.Note = &note
	}
	return row
}

// fillTrades makes rows from, from+1 and so on those of b, n in all.
func fillTrades(b *feed.TradeBuilder, from, n int) {
	b.Reset()
	prices, sizes := b.Price().Extend(n), b.Size().Extend(n)
	for k := range n {
		b.Time().AppendValue(timeAt(from + k))
		b.Symbol().Append(symbolAt(from + k))
		prices[k], sizes[k] = priceAt(from+k), sizeAt(from+k)
		b.Note().AppendNullable(noteAt(from + k))
	}
}

// trades returns a builder with rows from, from+1 and so on, n in all.
func trades(from, n int) *feed.TradeBuilder {
	b := feed.NewTradeBuilder(nil)
	fillTrades(b, from, n)
	return b
}

// bigTrades returns a batch of 30 MiB, which no transport takes at once from a writer whose peer does not read: the
// largest window is about 15 MiB.
var bigTrades = sync.OnceValue(func() *feed.TradeBuilder { return trades(bigFrom, bigRows) })

const bigFrom, bigRows = 1_000_000, 7000

// checkTrades wants b to hold rows from, from+1 and so on, in columns that start at multiples of 64 bytes.
func checkTrades(b feed.TradeBatch, from int) error {
	times, symbols, prices, sizes, notes := b.Time().Values(), b.Symbol(), b.Price(), b.Size(), b.Note()
	for k := range b.Len() {
		i := from + k
		note, valid := noteAt(i)
		if !valid {
			note = ""
		}
		switch {
		case times[k] != timeAt(i):
			return fmt.Errorf("row %d: the time is %d, want %d", i, times[k], timeAt(i))
		case symbols.At(k) != symbolAt(i):
			return fmt.Errorf("row %d: the symbol is %q, want %q", i, symbols.At(k), symbolAt(i))
		case prices[k] != priceAt(i):
			return fmt.Errorf("row %d: the price is %v, want %v", i, prices[k], priceAt(i))
		case sizes[k] != sizeAt(i):
			return fmt.Errorf("row %d: the size is %d, want %d", i, sizes[k], sizeAt(i))
		case notes.IsNull(k) == valid || notes.At(k) != note:
			return fmt.Errorf("row %d: the note is %q (null: %t), want %q (null: %t)", i, notes.At(k), notes.IsNull(k), note, !valid)
		}
	}
	for i := range b.Handle().NumColumns() {
		for k, buf := range b.Handle().Column(i).Buffers {
			if len(buf) != 0 && !mem.IsAligned(buf, mem.Alignment) {
				return fmt.Errorf("buffer %d of column %d does not start at a multiple of 64", k, i)
			}
		}
	}
	return nil
}

// A tape reads the trades of a stream, in order and each batch compared, with memory of its own.
type tape struct {
	r    *feed.TradeReader
	pool *mem.Pool

	// Again says that each batch begins with row 0 or bigFrom.
	again bool

	batches, rows int64 // so far
}

func newTape(src io.Reader) *tape {
	pool := mem.NewPool(nil)
	return &tape{r: feed.NewTradeReader(src, &rt.ReaderOptions{Pool: pool}), pool: pool}
}

// next reads a batch and compares it.
func (p *tape) next(ctx context.Context) error {
	b, err := p.keep(ctx)
	if err == nil {
		b.Release()
	}
	return err
}

// keep is next for a batch that is still wanted.
func (p *tape) keep(ctx context.Context) (feed.TradeBatch, error) {
	b, err := p.r.Next(ctx)
	if err != nil {
		return feed.TradeBatch{}, err
	}
	from := int(p.rows)
	if p.again {
		if from = 0; b.Len() != 0 && b.Size()[0] == sizeAt(bigFrom) {
			from = bigFrom
		}
	}
	if err := checkTrades(b, from); err != nil {
		return feed.TradeBatch{}, fmt.Errorf("batch %d: %w", p.batches, err)
	}
	p.batches++
	p.rows += int64(b.Len())
	return b, nil
}

// all reads the batches up to an error, which is io.EOF after the end marker.
func (p *tape) all(ctx context.Context) error {
	for {
		if err := p.next(ctx); err != nil {
			return err
		}
	}
}

// play reads the whole stream that comes over c in a goroutine. If that fails it closes c, else the sender would wait for
// ever.
func (p *tape) play(t *testing.T, c transports.Conn) <-chan result[*tape] {
	var failed atomic.Pointer[error]
	t.Cleanup(func() { // also where the sender fails first, because of that
		if err := failed.Load(); err != nil && t.Failed() {
			t.Logf("the receiver stopped with: %v", *err)
		}
	})
	return start(func() (*tape, error) {
		err := p.all(context.Background())
		if err == io.EOF { //nolint:errorlint // the contract is a bare io.EOF
			return p, nil
		}
		failed.Store(&err)
		_ = c.Close()
		return p, err
	})
}

// wantFreed wants all memory to have gone back to the pool, as it does when a stream has ended and the batches were
// released.
func (p *tape) wantFreed(t *testing.T) {
	t.Helper()
	if s := p.pool.Stats(); s.InUseBytes != 0 {
		t.Errorf("the reader still holds %d bytes after the end: %+v", s.InUseBytes, s)
	}
}

// settle ends the stream of w over sender, waits until the receiver has seen all of it, and compares what both counted.
func settle(t *testing.T, w *feed.TradeWriter, sender transports.Conn, got <-chan result[*tape]) *tape {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Errorf("closing the writer: %v", err)
	}
	if err := finish(sender); err != nil {
		t.Errorf("ending the stream: %v", err)
	}
	r := <-got
	if r.err != nil {
		t.Fatalf("receiving, after %d batches: %v", r.val.batches, r.err)
	}
	wantStats(t, r.val, w)
	r.val.wantFreed(t)
	return r.val
}

// wantStats wants all that was sent to have come, and every column to have been read where it lay.
func wantStats(t *testing.T, p *tape, w *feed.TradeWriter) {
	t.Helper()
	sent, got := w.Stats(), p.r.Stats()
	sent.InPlace = 5 * sent.Batches
	if got != sent {
		t.Errorf("the reader counts %+v, want %+v", got, sent)
	}
	if p.batches != sent.Batches || p.rows != sent.Rows {
		t.Errorf("received %d batches with %d rows, want %d with %d", p.batches, p.rows, sent.Batches, sent.Rows)
	}
}

// writeTrades sends a batch.
func writeTrades(t *testing.T, w *feed.TradeWriter, b *feed.TradeBuilder) {
	t.Helper()
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatalf("sending batch %d: %v", w.Stats().Batches, err)
	}
}
