package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// tradeStream returns a stream of batches of n rows each.
func tradeStream(tb testing.TB, batches, n int) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, nil)
	b := feed.NewTradeBuilder(nil)
	for i := range batches {
		b.Reset()
		rows := trades(n)
		for k := range rows {
			rows[k].Size += int64(i * 1000)
		}
		b.AppendRows(rows)
		if err := w.Write(context.Background(), b); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func next(tb testing.TB, r *feed.TradeReader) feed.TradeBatch {
	tb.Helper()
	b, err := r.Next(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// panics returns what f panics with, "" if it does not.
func panics(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}

// accessors are all ways to reach into a batch.
func accessors(b feed.TradeBatch) map[string]func() {
	return map[string]func(){
		"Len": func() { b.Len() }, "Time": func() { b.Time() }, "Symbol": func() { b.Symbol() }, "Price": func() { b.Price() },
		"Size": func() { b.Size() }, "Note": func() { b.Note() }, "Row": func() { b.Row(0) }, "AppendTo": func() { b.AppendTo(nil) },
		"Retain": func() { b.Retain() }, "Handle.Len": func() { b.Handle().Len() }, "Handle.Column": func() { b.Handle().Column(0) },
		"Handle.NumColumns": func() { b.Handle().NumColumns() }, "Handle.Seq": func() { b.Handle().Seq() },
	}
}

func TestReleased(t *testing.T) {
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, 5, 10)), nil)
	b := next(t, r)
	copied := b
	b.Release()
	for _, dead := range []feed.TradeBatch{b, copied} {
		for name, f := range accessors(dead) {
			text := panics(f)
			if !strings.HasPrefix(text, "lightstream: batch was released") {
				t.Errorf("%s of a released batch: %q", name, text)
			}
			if mem.Debug && !strings.Contains(text, "lifetime_test.go:") {
				t.Errorf("%s does not say where the batch was released: %q", name, text)
			}
		}
		dead.Release() // does nothing
	}
	// The record is another batch's now: the old handles are still dead, and releasing them does not touch it.
	c := next(t, r)
	b.Release()
	copied.Release()
	if c.Len() != 10 || c.Size()[3] != 1003 {
		t.Error("a second release reached another batch")
	}
	for name, f := range accessors(b) {
		if panics(f) == "" {
			t.Errorf("%s of a released batch does not panic once its record serves another", name)
		}
	}
	for name, f := range accessors(feed.TradeBatch{}) {
		if text := panics(f); !strings.Contains(text, "zero batch") {
			t.Errorf("%s of the zero batch: %q", name, text)
		}
	}
	feed.TradeBatch{}.Release()
}

func TestRetain(t *testing.T) {
	pool := mem.NewPool(nil)
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, 3, 10)), &rt.ReaderOptions{Pool: pool})
	a := next(t, r)
	b := a.Retain()
	c := b.Retain()
	a.Release()
	a.Release()
	if panics(func() { a.Len() }) == "" {
		t.Error("the released handle is alive")
	}
	d := next(t, r) // takes the record of a
	for name, x := range map[string]feed.TradeBatch{"b": b, "c": c} {
		if x.Len() != 10 || x.Size()[9] != 9 || x.Symbol().At(3) != "SYM3" || x.Note().At(3) != "note 3" {
			t.Errorf("%s has changed", name)
		}
	}
	b.Release()
	b.Release()
	if c.Size()[9] != 9 || d.Size()[9] != 1009 {
		t.Error("a second release reached another handle")
	}
	c.Release()
	d.Release()
	next(t, r).Release()
	if _, err := r.Next(context.Background()); err != io.EOF {
		t.Error(err)
	}
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Errorf("%d bytes are held at the end", used)
	}
}

// TestForgottenBatches keeps a slice of each batch and forgets the batches: the collector may not take what the slices show.
func TestForgottenBatches(t *testing.T) {
	const batches = 200
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, batches, 100)), &rt.ReaderOptions{Pool: mem.NewPool(&mem.PoolOptions{MaxKept: 1 << 20})})
	var sizes [][]int64
	var symbols, notes []string
	for b, err := range r.Batches(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, b.Size())
		symbols = append(symbols, b.Symbol().At(5))
		notes = append(notes, b.Note().At(6))
		if len(sizes)%20 == 0 {
			runtime.GC()
		}
	}
	runtime.GC()
	for i := range sizes {
		if sizes[i][7] != int64(i*1000+7) || symbols[i] != "SYM5" || notes[i] != "note 6" {
			t.Fatalf("batch %d: %d, %q, %q", i, sizes[i][7], symbols[i], notes[i])
		}
	}
}

// TestReuse ends each batch with the next read.
func TestReuse(t *testing.T) {
	pool := mem.NewPool(nil)
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, 50, 1000)), &rt.ReaderOptions{Reuse: true, Pool: pool})
	a := next(t, r)
	kept := a.Retain()
	b := next(t, r)
	if text := panics(func() { a.Price() }); !strings.Contains(text, "batch was released") {
		t.Errorf("the batch before: %q", text)
	}
	if b.Size()[1] != 1001 || kept.Size()[1] != 1 {
		t.Error("a batch has changed")
	}
	kept.Release()
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil || b.Len() != 1000 {
			t.Fatal(err)
		}
	}
	if s := pool.Stats(); s.InUseBytes != 0 || s.Misses > 4 {
		t.Errorf("%+v", s)
	}
}

// TestReleaseElsewhere has other goroutines read and release the batches.
func TestReleaseElsewhere(t *testing.T) {
	const batches = 300
	pool := mem.NewPool(nil)
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, batches, 50)), &rt.ReaderOptions{Pool: pool})
	work := make(chan feed.TradeBatch, 8)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := make(map[int64]bool)
	for range 4 {
		wg.Go(func() {
			for b := range work {
				first := b.Size()[0]
				if b.Len() != 50 || b.Symbol().At(20) != "SYM3" || b.Note().At(48) != "note 48" || len(b.AppendTo(nil)) != 50 {
					t.Error("a batch is wrong")
				}
				b.Release()
				mu.Lock()
				seen[first] = true
				mu.Unlock()
			}
		})
	}
	var inner sync.WaitGroup
	for b, err := range r.Batches(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		second := b.Retain()
		inner.Go(func() {
			if second.Size()[3]%1000 != 3 {
				t.Error("a batch is wrong")
			}
			second.Release()
		})
		work <- b
	}
	close(work)
	wg.Wait()
	inner.Wait()
	if len(seen) != batches {
		t.Errorf("%d batches, want %d", len(seen), batches)
	}
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Errorf("%d bytes are held at the end", used)
	}
}

// TestSharedBatch has many goroutines read one batch at once.
func TestSharedBatch(t *testing.T) {
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, 1, 500)), nil)
	b := next(t, r)
	want := b.AppendTo(nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got := b.AppendTo(nil); !reflect.DeepEqual(got, want) {
					t.Error("rows differ")
				}
			}
		})
	}
	wg.Wait()
	b.Release()
}

// TestRowsAreOwned keeps the rows of all batches, of Rows and of Row, while their memory is used again and filled.
func TestRowsAreOwned(t *testing.T) {
	const batches, n = 20, 300
	in := tradeStream(t, batches, n)
	pool := mem.NewPool(nil)
	var rows, each []feed.Trade
	for row, err := range feed.NewTradeReader(bytes.NewReader(in), &rt.ReaderOptions{Pool: pool}).Rows(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Errorf("Rows holds %d bytes at the end", used)
	}
	for b, err := range feed.NewTradeReader(bytes.NewReader(in), &rt.ReaderOptions{Pool: pool}).Batches(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			each = append(each, b.Row(i))
		}
		b.Release()
	}
	poison(pool)
	if len(rows) != batches*n || len(each) != len(rows) {
		t.Fatal(len(rows), len(each))
	}
	want := trades(n)
	for i := range rows {
		w := want[i%n]
		w.Size += int64(i / n * 1000)
		same(t, rows[i], w)
		same(t, each[i], w)
	}
}

// poison fills what a pool keeps, and what it hands out next.
func poison(pool *mem.Pool) {
	var blocks []*mem.Block
	for _, size := range []int{4 << 10, 64 << 10, 256 << 10, 1 << 20} {
		for range 8 {
			b := pool.Get(size)
			for i := range b.Bytes() {
				b.Bytes()[i] = 0xA5
			}
			blocks = append(blocks, b)
		}
	}
	for _, b := range blocks {
		b.Release()
	}
}

// TestRowsLeftEarly breaks a loop over rows: the rest of that batch is dropped, its memory is back, and the next loop begins with the
// next batch.
func TestRowsLeftEarly(t *testing.T) {
	pool := mem.NewPool(nil)
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, 3, 10)), &rt.ReaderOptions{Pool: pool})
	for want := range int64(3) {
		for row, err := range r.Rows(context.Background()) {
			if err != nil || row.Size != want*1000 {
				t.Fatal(row, err)
			}
			break
		}
	}
	for row, err := range r.Rows(context.Background()) {
		t.Fatal(row, err)
	}
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Errorf("%d bytes are held at the end", used)
	}
}

// TestBudgetOfReader reads within a budget, and is refused beyond it.
func TestBudgetOfReader(t *testing.T) {
	in := tradeStream(t, 20, 1000)
	for _, size := range []int64{0, 100 << 10, 300 << 10, 10 << 20} {
		budget := mem.NewBudget(size)
		r := feed.NewTradeReader(bytes.NewReader(in), &rt.ReaderOptions{Pool: mem.NewPool(&mem.PoolOptions{Budget: budget})})
		var held []feed.TradeBatch
		var err error
		for {
			var b feed.TradeBatch
			if b, err = r.Next(context.Background()); err != nil {
				break
			}
			if budget.Used() > size {
				t.Fatalf("%d bytes of %d are used", budget.Used(), size)
			}
			held = append(held, b)
		}
		if refused := errors.Is(err, mem.ErrBudget); refused != (size < 10<<20) || !refused && err != io.EOF {
			t.Errorf("a budget of %d: %v after %d batches", size, err, len(held))
		}
		for _, b := range held {
			b.Release()
		}
		if used := budget.Used(); used != 0 {
			t.Errorf("a budget of %d: %d bytes are held at the end", size, used)
		}
	}
}

// TestReleaseTwiceAtOnce releases one handle from many goroutines: what the batch had goes back once.
func TestReleaseTwiceAtOnce(t *testing.T) {
	const batches = 200
	pool := mem.NewPool(nil)
	r := feed.NewTradeReader(bytes.NewReader(tradeStream(t, batches, 3)), &rt.ReaderOptions{Pool: pool})
	for range batches {
		b := next(t, r)
		kept := b.Retain()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(b.Release)
		}
		wg.Wait()
		if kept.Len() != 3 || kept.Size()[2]%1000 != 2 {
			t.Fatal("a batch that was retained has changed")
		}
		kept.Release()
	}
	if _, err := r.Next(context.Background()); err != io.EOF {
		t.Error(err)
	}
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Errorf("%d bytes are held at the end", used)
	}
}

// TestRetainDoesNotPin keeps small batches of a stream that comes fast and of one that comes slowly: neither keeps slabs.
func TestRetainDoesNotPin(t *testing.T) {
	const batches = 64
	in := tradeStream(t, batches, 10)
	for name, src := range map[string]io.Reader{"at once": bytes.NewReader(in), "bit by bit": &dribble{in}} {
		pool := mem.NewPool(nil)
		r := feed.NewTradeReader(src, &rt.ReaderOptions{Pool: pool})
		var kept []feed.TradeBatch
		for b, err := range r.Batches(context.Background()) {
			if err != nil {
				t.Fatal(name, err)
			}
			kept = append(kept, b.Retain())
			b.Release()
		}
		if used := pool.Stats().InUseBytes; used > batches*8<<10 {
			t.Errorf("%s: %d batches of 10 rows keep %d KiB", name, batches, used>>10)
		}
		for i, b := range kept {
			if b.Len() != 10 || b.Size()[9] != int64(i*1000+9) || b.Symbol().At(3) != "SYM3" || b.Note().At(3) != "note 3" || b.Note().IsNull(0) {
				t.Fatalf("%s: batch %d has changed", name, i)
			}
			b.Release()
		}
		if used := pool.Stats().InUseBytes; used != 0 {
			t.Errorf("%s: %d bytes are held at the end", name, used)
		}
	}
}

// dribble is a source that has 700 bytes at a time.
type dribble struct{ p []byte }

func (d *dribble) Read(p []byte) (int, error) {
	if len(d.p) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.p[:min(700, len(d.p))])
	d.p = d.p[n:]
	return n, nil
}
