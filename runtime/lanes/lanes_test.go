package lanes_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/pipe"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type (
	sink   = lanes.Sink[*feed.TradeBuilder]
	source = lanes.Source[feed.TradeBatch]
)

// fill makes batch k: k%3+1 rows.
func fill(b *feed.TradeBuilder, k int) {
	b.Reset()
	for i := range k%3 + 1 {
		b.Append(feed.Trade{Time: time.Unix(int64(k), 0), Symbol: fmt.Sprint("S", k%5), Size: int64(k), Price: float64(i)})
	}
}

func check(t *testing.T, b feed.TradeBatch, k int) {
	t.Helper()
	if b.Len() != k%3+1 {
		t.Fatalf("batch %d has %d rows", k, b.Len())
	}
	for i := range b.Len() {
		if r := b.Row(i); r.Size != int64(k) || r.Symbol != fmt.Sprint("S", k%5) || r.Price != float64(i) {
			t.Fatalf("batch %d, row %d: %+v", k, i, r)
		}
	}
	b.Release()
}

// overTCP returns n lanes over one listener.
func overTCP(t *testing.T, n int) (out []transports.Conn, in []transports.Conn) {
	l, err := tcp.Listen(t.Context(), "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range n {
		c, err := tcp.Dial(t.Context(), l.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out, in = append(out, c), append(in, a)
		t.Cleanup(func() { c.Close(); a.Close() })
	}
	return out, in
}

func typed(out, in []transports.Conn) (sinks []sink, sources []source) {
	for i := range out {
		sinks = append(sinks, feed.NewTradeWriter(out[i], nil))
		sources = append(sources, feed.NewTradeReader(in[i], nil))
	}
	return sinks, sources
}

// TestLanes sends from several goroutines over TCP, ordered and not.
func TestLanes(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		for _, n := range []int{1, 2, 4, 7} {
			t.Run(fmt.Sprintf("ordered=%v/lanes=%d", ordered, n), func(t *testing.T) {
				sinks, sources := typed(overTCP(t, n))
				opts := &lanes.Options{Ordered: ordered}
				w, r := lanes.NewWriter(sinks, opts), lanes.NewReader(sources, opts)
				const batches = 500
				var order sync.Mutex // so that the numbers are those of the batches
				next := 0
				var senders sync.WaitGroup
				for range 4 {
					senders.Go(func() {
						b := feed.NewTradeBuilder(nil)
						for {
							order.Lock()
							if next == batches {
								order.Unlock()
								return
							}
							fill(b, next)
							next++
							var err error
							if ordered {
								err = w.Write(t.Context(), b)
								order.Unlock()
							} else {
								order.Unlock()
								err = w.Write(t.Context(), b)
							}
							if err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				go func() {
					senders.Wait()
					if err := w.Close(); err != nil {
						t.Error(err)
					}
				}()
				seen := map[int]bool{}
				for b, err := range r.Batches(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					k := int(b.Size()[0])
					if ordered && k != len(seen) || seen[k] {
						t.Fatalf("batch %d after %d", k, len(seen))
					}
					seen[k] = true
					check(t, b, k)
				}
				if len(seen) != batches {
					t.Fatalf("%d batches", len(seen))
				}
				if _, err := r.Next(t.Context()); err != io.EOF {
					t.Fatal(err)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				if w.Batches() != batches {
					t.Fatal(w.Batches())
				}
				if err := w.Write(t.Context(), feed.NewTradeBuilder(nil)); !errors.Is(err, ipc.ErrClosed) {
					t.Fatal(err)
				}
			})
		}
	}
}

// TestUntyped passes batches of any schema on.
func TestUntyped(t *testing.T) {
	var a, b bytes.Buffer
	schema := feed.TradeTable.Schema()
	w := lanes.NewWriter([]lanes.Sink[lanes.Columns]{
		lanes.Untyped(ipc.NewWriter(&a, schema, nil)), lanes.Untyped(ipc.NewWriter(&b, schema, nil)),
	}, &lanes.Options{Ordered: true})
	builder := feed.NewTradeBuilder(nil)
	for k := range 9 {
		fill(builder, k)
		message, err := feed.TradeTable.AppendMessage(nil, builder)
		if err != nil {
			t.Fatal(err)
		}
		batch, err := ipc.NewReader(bytes.NewReader(message), nil).Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(t.Context(), lanes.Columns{Rows: batch.Len(), Columns: ipc.Columns(batch), Metadata: []ipc.KeyValue{{Key: "of", Value: fmt.Sprint(k)}, {Key: lanes.Sequence, Value: "1000"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// The lanes may stand in any order.
	r := lanes.NewReader([]lanes.Source[ipc.Batch]{ipc.NewReader(&b, nil), ipc.NewReader(&a, nil)}, &lanes.Options{Ordered: true})
	defer r.Close()
	k := 0
	for batch, err := range r.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		want := []ipc.KeyValue{{Key: lanes.Sequence, Value: fmt.Sprint(k)}, {Key: "of", Value: fmt.Sprint(k)}}
		if batch.Len() != k%3+1 || !slices.Equal(batch.Metadata(), want) {
			t.Fatalf("batch %d has %d rows and %v", k, batch.Len(), batch.Metadata())
		}
		k++
	}
	if k != 9 {
		t.Fatal(k)
	}
}

// lane makes the stream of one lane, with these numbers, and an end marker unless it is cut.
func lane(t *testing.T, cut bool, seqs ...string) source {
	var p bytes.Buffer
	w := feed.NewTradeWriter(&p, nil)
	b := feed.NewTradeBuilder(nil)
	for _, s := range seqs {
		var k int
		fmt.Sscan(s, &k)
		fill(b, k)
		if s != "none" {
			w.SetMetadata([]ipc.KeyValue{{Key: "other", Value: "x"}, {Key: lanes.Sequence, Value: s}})
		}
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if cut {
		w.Abort()
	} else if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return feed.NewTradeReader(&p, nil)
}

// TestWrong has lanes that are not one order.
func TestWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		lanes [][]string // "cut" at the end: without a marker
		good  int        // batches that come before
		text  string
		is    error
	}{
		{"gap", [][]string{{"0", "2"}, {"3"}}, 1, "lane 1 of 2, batch 1: the batches of the lanes have a gap: it is missing: its lane begins with batch 3, and with 2 lanes each begins with one before 2", lanes.ErrGap},
		{"gap within a lane", [][]string{{"0", "2", "4"}, {"1", "5"}}, 3, "lane 1 of 2, batch 3: the batches of the lanes have a gap: it is missing: batch 5 came on its lane in place of 3", lanes.ErrGap},
		{"early end", [][]string{{"0", "2", "4"}, {"1"}}, 3, "lane 1 of 2, batch 3: the batches of the lanes have a gap: it is missing: its lane has ended, and batch 4 has come on lane 0", lanes.ErrGap},
		{"no batch", [][]string{{"0", "2"}, {}}, 1, "lane 1 of 2, batch 1: the batches of the lanes have a gap: it is missing: its lane has ended, and batch 2 has come on lane 0", lanes.ErrGap},
		{"twice", [][]string{{"0", "2", "2"}, {"1", "3", "5"}}, 4, "lane 0 of 2, batch 4: the batches of the lanes have a gap: batch 2 came on its lane in place of 4", lanes.ErrGap},
		{"back", [][]string{{"0", "2", "0"}, {"1", "3"}}, 4, "lane 0 of 2, batch 4: the batches of the lanes have a gap: batch 0 came on its lane in place of 4", lanes.ErrGap},
		{"twice on two lanes", [][]string{{"0"}, {"0"}}, 1, "batch 0: the batches of the lanes have a gap: it came on another lane too; 1 is next", lanes.ErrGap},
		{"other count", [][]string{{"0", "3"}, {"1", "4"}}, 2, "lane 0 of 2, batch 2: the batches of the lanes have a gap: it is missing: batch 3 came on its lane in place of 2", lanes.ErrGap},
		{"lost", [][]string{{"0", "2", "4"}, {"1", "cut"}}, 3, "lane 1 of 2, batch 3: ", rt.ErrUnfinished},
		{"all lost", [][]string{{"0", "cut"}, {"1", "cut"}}, 2, "lane 0 of 2, batch 2: ", rt.ErrUnfinished},
		{"not ordered", [][]string{{"none"}, {"none"}}, 0, "read them without Ordered", nil},
		{"no number", [][]string{{"0x"}, {"1"}}, 0, `ls.seq_id is "0x", want a number in decimal`, lanes.ErrGap},
		{"sign", [][]string{{"-0"}, {"1"}}, 0, `ls.seq_id is "-0"`, lanes.ErrGap},
		{"zeros", [][]string{{"00"}, {"1"}}, 0, `ls.seq_id is "00"`, lanes.ErrGap},
		{"too large", [][]string{{"18446744073709551616"}}, 0, "want a number in decimal", lanes.ErrGap},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in []source
			for _, seqs := range c.lanes {
				cut := slices.Contains(seqs, "cut")
				if cut {
					seqs = seqs[:len(seqs)-1]
				}
				in = append(in, lane(t, cut, seqs...))
			}
			r := lanes.NewReader(in, &lanes.Options{Ordered: true})
			defer r.Close()
			for k := range c.good {
				b, err := r.Next(t.Context())
				if err != nil {
					t.Fatalf("batch %d: %v", k, err)
				}
				check(t, b, k)
			}
			_, err := r.Next(t.Context())
			var e *lanes.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.text) || c.is != nil && !errors.Is(err, c.is) {
				t.Fatalf("%v, want %q", err, c.text)
			}
			if _, again := r.Next(t.Context()); again != err {
				t.Fatalf("%v, then %v", err, again)
			}
		})
	}
}

// TestLostUnordered wants the loss of a lane to be an error also where there is no order.
func TestLostUnordered(t *testing.T) {
	r := lanes.NewReader([]source{lane(t, false, "0", "2"), lane(t, true, "1")}, nil)
	defer r.Close()
	n := 0
	for b, err := range r.Batches(t.Context()) {
		if err != nil {
			var e *lanes.Error
			if !errors.As(err, &e) || e.Lane != 1 || !errors.Is(err, rt.ErrUnfinished) {
				t.Fatal(err)
			}
			return
		}
		b.Release()
		n++
	}
	t.Fatalf("%d batches, and no error", n)
}

// TestSlowLane wants what waits to be bounded when one lane does not get on: on both sides.
func TestSlowLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, in []transports.Conn
		for range 3 {
			a, b := pipe.New(&pipe.Options{Buffer: 4 << 10})
			out, in = append(out, a), append(in, b)
		}
		sinks, sources := typed(out, in)
		opts := &lanes.Options{Ordered: true}
		w, r := lanes.NewWriter(sinks, opts), lanes.NewReader(sources, opts)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := feed.NewTradeBuilder(nil)
		var err error
		for k := 0; err == nil; k++ {
			fill(b, k)
			if err = w.Write(ctx, b); k > 100 {
				t.Fatal("nobody reads, and nothing waits")
			}
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		w.Abort()
		// Lane 0 is read up to where it was cut; the batches of the others wait for theirs, one of each.
		n := 0
		for b, err := range r.Batches(t.Context()) {
			if err != nil {
				break
			}
			check(t, b, n)
			if n++; n == 1 {
				synctest.Wait()
			}
			cancel()
			for _, c := range out {
				c.Close()
			}
		}
		if n == 0 {
			t.Fatal("nothing came")
		}
		r.Close()
	})
}

// TestCancelled wants a call that was given up to change nothing.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, in []transports.Conn
		for range 2 {
			a, b := pipe.New(nil)
			out, in = append(out, a), append(in, b)
		}
		sinks, sources := typed(out, in)
		opts := &lanes.Options{Ordered: true}
		w, r := lanes.NewWriter(sinks, opts), lanes.NewReader(sources, opts)
		for k := range 6 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			b := feed.NewTradeBuilder(nil)
			fill(b, k)
			if err := w.Write(ctx, b); !errors.Is(err, context.DeadlineExceeded) { // it has ended
				t.Fatal(err)
			}
			cancel()
			bad := feed.NewTradeBuilder(nil)
			bad.Append(feed.Trade{}) // a time out of range
			if err := w.Write(t.Context(), bad); err == nil {
				t.Fatal("a batch with an error was sent")
			}
			if err := w.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			got, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			check(t, got, k)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(t.Context()); err != io.EOF {
			t.Fatal(err)
		}
		r.Close()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w.Abort()
	})
}

// gone is a lane that takes what it is told to take.
type gone struct {
	hold    chan struct{} // nil: at once
	err     error
	aborted bool
	closed  bool
	seqs    []string
}

func (g *gone) Write(ctx context.Context, n int) error {
	if g.hold != nil {
		<-g.hold
	}
	return g.err
}
func (g *gone) SetMetadata(kv []ipc.KeyValue) { g.seqs = append(g.seqs, kv[0].Value) }
func (g *gone) Close() error                  { g.closed = true; return nil }
func (g *gone) Abort()                        { g.aborted = true }

// TestWriterGap has a lane fail when a later batch was already numbered.
func TestWriterGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &gone{hold: make(chan struct{}), err: os.ErrDeadlineExceeded}, &gone{}
		w := lanes.NewWriter([]lanes.Sink[int]{a, b}, &lanes.Options{Ordered: true})
		first := make(chan error)
		go func() { first <- w.Write(t.Context(), 0) }()
		synctest.Wait()
		if err := w.Write(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		close(a.hold)
		if err := <-first; err != os.ErrDeadlineExceeded {
			t.Fatal(err)
		}
		err := w.Write(t.Context(), 2)
		if !errors.Is(err, lanes.ErrGap) || !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "batch 0 was not sent") {
			t.Fatal(err)
		}
		if err := w.Close(); !errors.Is(err, lanes.ErrGap) || !a.aborted || !b.aborted || b.closed {
			t.Fatalf("%v, %+v, %+v", err, a, b)
		}

		// Abort does it too, whatever the error was.
		a, b = &gone{hold: make(chan struct{}), err: ipc.ErrClosed}, &gone{}
		w = lanes.NewWriter([]lanes.Sink[int]{a, b}, &lanes.Options{Ordered: true})
		go func() { first <- w.Write(t.Context(), 0) }()
		synctest.Wait()
		if err := w.Write(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		close(a.hold)
		<-first
		if w.Abort(); !a.aborted || !b.aborted {
			t.Fatalf("%+v, %+v", a, b)
		}
		a, b = &gone{hold: make(chan struct{}), err: ipc.ErrClosed}, &gone{}
		w = lanes.NewWriter([]lanes.Sink[int]{a, b}, &lanes.Options{Ordered: true})
		go func() { first <- w.Write(t.Context(), 0) }()
		synctest.Wait()
		if err := w.Write(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		close(a.hold)
		<-first
		if err := w.Close(); !errors.Is(err, lanes.ErrGap) || !a.aborted || !b.aborted {
			t.Fatalf("%v, %+v, %+v", err, a, b)
		}

		// Without a later one its number goes to the next.
		a = &gone{err: os.ErrDeadlineExceeded}
		w = lanes.NewWriter([]lanes.Sink[int]{a, b}, &lanes.Options{Ordered: true})
		for range 2 {
			if err := w.Write(t.Context(), 0); err != os.ErrDeadlineExceeded {
				t.Fatal(err)
			}
		}
		a.err = nil
		if err := w.Write(t.Context(), 0); err != nil || !slices.Equal(a.seqs, []string{"0", "0", "0"}) {
			t.Fatalf("%v, %v", err, a.seqs)
		}
		if err := w.Close(); err != nil || !a.closed {
			t.Fatal(err)
		}
	})
}

// hand is a lane whose batches a test brings.
type hand struct{ batches chan ipc.Batch }

var errCut = errors.New("cut")

func (h hand) Next(ctx context.Context) (b ipc.Batch, err error) {
	select {
	case b, ok := <-h.batches:
		if !ok {
			return b, errCut
		}
		return b, nil
	case <-ctx.Done():
		return b, ctx.Err()
	}
}

// TestBrokenLane wants a lane that broke off to be told of when its batch is the next, also while others are silent.
func TestBrokenLane(t *testing.T) {
	for _, broken := range [][]string{{"0", "2"}, {"0"}, {}} {
		synctest.Test(t, func(t *testing.T) {
			var p bytes.Buffer
			w := feed.NewTradeWriter(&p, nil)
			b := feed.NewTradeBuilder(nil)
			for k := range 3 {
				fill(b, k)
				w.SetMetadata([]ipc.KeyValue{{Key: lanes.Sequence, Value: fmt.Sprint(k)}})
				if err := w.Write(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			in := ipc.NewReader(&p, nil)
			lane := []hand{{make(chan ipc.Batch, 3)}, {make(chan ipc.Batch, 3)}}
			for k := range 3 {
				batch, err := in.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if k%2 == 1 || slices.Contains(broken, fmt.Sprint(k)) {
					lane[k%2].batches <- batch
				}
			}
			close(lane[0].batches)
			r := lanes.NewReader([]lanes.Source[ipc.Batch]{lane[0], lane[1]}, &lanes.Options{Ordered: true})
			defer r.Close()
			good := []int{0, 2, 3}[len(broken)] // those that come before the error
			for k := range good {
				if _, err := r.Next(t.Context()); err != nil {
					t.Fatalf("batch %d: %v", k, err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := r.Next(ctx)
			var e *lanes.Error
			if good == 3 { // lane 1 is to bring the next
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				return
			}
			if !errors.As(err, &e) || !errors.Is(err, errCut) || e.Lane != 0 || e.Batch != uint64(good) {
				t.Fatal(err)
			}
		})
	}
}
