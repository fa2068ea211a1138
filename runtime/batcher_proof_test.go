package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// producers is how many goroutines fill a batcher.
const producers = 8

// numbered is row i of a producer. Its number is in two columns, so that a row that is put together from two is seen.
func numbered(producer int, i int64) feed.Trade {
	return feed.Trade{Time: time.Unix(i, 0).UTC(), Symbol: fmt.Sprint("producer ", producer), Price: float64(producer), Size: i}
}

// producerOf returns the producer of a row, and fails if its columns are not of one row.
func producerOf(t *testing.T, row feed.Trade) int {
	t.Helper()
	p := int(row.Price)
	if row.Symbol != fmt.Sprint("producer ", p) || row.Time.Unix() != row.Size {
		t.Fatalf("columns of several rows: %+v", row)
	}
	return p
}

// produce fills a batcher from all producers until each has offered its rows or the batcher refuses all. Some calls are cancelled
// before they begin, some while they wait; some rows do not fit; and now and then a producer flushes. It returns the numbers of the
// rows that were taken, and the first error of each producer that ended it.
func produce(t *testing.T, seed uint64, batcher *rt.Batcher[feed.Trade, feed.TradeBatch, *feed.TradeBuilder], rows int64) (taken [producers][]int64, ends [producers]error) {
	t.Helper()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(p)))
			for i := range rows {
				ctx, cancel := context.Background(), context.CancelFunc(func() {})
				switch random.IntN(20) {
				case 0:
					ctx, cancel = context.WithCancel(ctx)
					cancel()
				case 1, 2:
					ctx, cancel = context.WithTimeout(ctx, time.Duration(random.IntN(300))*time.Microsecond)
				}
				var err error
				switch random.IntN(400) {
				case 0:
					err = batcher.Flush(ctx)
				case 1:
					bad := numbered(p, i)
					bad.Time = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
					var refused *column.ValueError
					if err = batcher.Append(ctx, bad); errors.As(err, &refused) {
						err = nil
					} else if err == nil {
						t.Error("a time out of range was taken")
					}
				default:
					if err = batcher.Append(ctx, numbered(p, i)); err == nil {
						taken[p] = append(taken[p], i)
					}
				}
				cancel()
				switch {
				case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
				case errors.Is(err, rt.ErrFull):
					time.Sleep(50 * time.Microsecond)
				default:
					ends[p] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return taken, ends
}

// someOptions are settings that make batches of other sizes, for other reasons, in each round.
func someOptions(random *rand.Rand) *rt.BatcherOptions {
	return &rt.BatcherOptions{
		BatchRows:  1 + random.IntN(300),
		BatchBytes: 500 + random.IntN(20_000),
		MaxDelay:   []time.Duration{-1, 0, time.Microsecond, time.Millisecond}[random.IntN(4)],
		RefuseFull: random.IntN(2) == 0,
	}
}

// TestBatcherOnAHealthyConnection has eight goroutines append numbered rows, cancelled at random, over TCP and over a pipe without
// room. Each row that was taken arrives, once, and in its producer's order.
func TestBatcherOnAHealthyConnection(t *testing.T) {
	rounds, rows := 12, int64(3000)
	if testing.Short() {
		rounds, rows = 4, 500
	}
	for round := range rounds {
		random := rand.New(rand.NewPCG(uint64(round), 4))
		a, b := connections(t, round%2 == 0)
		batcher := rt.NewBatcher(feed.NewTradeWriter(a, nil), someOptions(random))
		var arrived [producers][]int64
		read := make(chan error, 1)
		go func() {
			r := feed.NewTradeReader(b, nil)
			for row, err := range r.Rows(context.Background()) {
				if err != nil {
					read <- err
					return
				}
				p := producerOf(t, row)
				arrived[p] = append(arrived[p], row.Size)
			}
			read <- nil
		}()
		taken, ends := produce(t, uint64(round), batcher, rows)
		if err := batcher.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		for p := range producers {
			if ends[p] != nil {
				t.Errorf("round %d: producer %d: %v", round, p, ends[p])
			}
			if !slices.Equal(taken[p], arrived[p]) {
				t.Errorf("round %d: producer %d: %d rows were taken, %d arrived, or in another order", round, p, len(taken[p]), len(arrived[p]))
			}
			if len(taken[p]) < int(rows)/10 {
				t.Errorf("round %d: producer %d: only %d of %d rows were taken", round, p, len(taken[p]), rows)
			}
		}
		if err := batcher.Append(t.Context(), numbered(0, 0)); !errors.Is(err, rt.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	}
}

// connections returns the two ends of a connection, of TCP or of a pipe.
func connections(t *testing.T, tcp bool) (a, b net.Conn) {
	t.Helper()
	if !tcp {
		a, b = net.Pipe()
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if b, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

var errCut = errors.New("cut")

// cutter takes a number of bytes and then fails, in the middle of a write or between two.
type cutter struct {
	left int
	got  []byte
}

func (c *cutter) Write(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.left -= n
	c.got = append(c.got, p[:n]...)
	if n < len(p) {
		return n, errCut
	}
	return n, nil
}

// gatheringCutter gathers, too.
type gatheringCutter struct{ cutter }

func (c *gatheringCutter) WriteBuffers(bufs [][]byte) (n int64, err error) {
	for _, b := range bufs {
		k, err := c.Write(b)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// TestBatcherOnABrokenConnection has eight goroutines append numbered rows to a destination that fails after a random number of
// bytes. What the error says was accepted was, and what was is the beginning of what each producer had taken.
func TestBatcherOnABrokenConnection(t *testing.T) {
	rounds := 200
	if testing.Short() || race {
		rounds = 40
	}
	whole := 0
	for round := range rounds {
		random := rand.New(rand.NewPCG(uint64(round), 5))
		cut := &gatheringCutter{cutter{left: random.IntN(1 << (8 + random.IntN(10)))}}
		var dst io.Writer = &cut.cutter
		if round%2 == 0 {
			dst = cut
		}
		batcher := rt.NewBatcher(feed.NewTradeWriter(dst, nil), someOptions(random))
		rows := int64(1000)
		if round%4 == 1 { // which may fit
			rows = 20
		}
		taken, ends := produce(t, uint64(round), batcher, rows)
		err := batcher.Close()
		var failed *rt.WriteError
		if err != nil && (!errors.As(err, &failed) || !errors.Is(err, errCut)) {
			t.Fatalf("round %d: %v, want a WriteError", round, err)
		}
		for p, end := range ends {
			if end != nil && !errors.Is(end, errCut) {
				t.Fatalf("round %d: producer %d: %v", round, p, end)
			}
		}
		batches, n, arrived, rerr := readNumbered(t, cut.got)
		if rerr != nil && err == nil {
			t.Fatalf("round %d: %v, although Close gave no error", round, rerr)
		}
		for p := range producers {
			if len(arrived[p]) > len(taken[p]) || !slices.Equal(taken[p][:len(arrived[p])], arrived[p]) {
				t.Errorf("round %d: producer %d: %d rows were taken, and what was accepted are not the first of them", round, p, len(taken[p]))
			}
			if err == nil && len(arrived[p]) != len(taken[p]) {
				t.Errorf("round %d: producer %d: %d of %d rows, and no error", round, p, len(arrived[p]), len(taken[p]))
			}
		}
		if err == nil {
			whole++
			continue
		}
		// A batch may have been accepted whole by the write that failed behind it, so it may be one more than the error says.
		if failed.Batches > batches || failed.Rows > n || failed.Batches < batches-1 {
			t.Errorf("round %d: the error says %d batches of %d rows, the destination had accepted %d of %d", round, failed.Batches, failed.Rows, batches, n)
		}
		if err := batcher.Append(t.Context(), numbered(0, 0)); !errors.Is(err, errCut) {
			t.Errorf("round %d: a later row: %v", round, err)
		}
		if err := batcher.Flush(t.Context()); !errors.Is(err, errCut) {
			t.Errorf("round %d: a later flush: %v", round, err)
		}
	}
	if whole == 0 || whole > rounds/2 {
		t.Errorf("%d of %d rounds were not cut at all", whole, rounds)
	}
}

// readNumbered reads what there is of a stream, and returns the numbers of its rows by producer and the error that it ended with.
func readNumbered(t *testing.T, in []byte) (batches, rows int64, arrived [producers][]int64, err error) {
	t.Helper()
	for b, err := range feed.NewTradeReader(bytes.NewReader(in), nil).Batches(t.Context()) {
		if err != nil {
			return batches, rows, arrived, err
		}
		batches++
		rows += int64(b.Len())
		for i := range b.Len() {
			row := b.Row(i)
			p := producerOf(t, row)
			arrived[p] = append(arrived[p], row.Size)
		}
		b.Release()
	}
	return batches, rows, arrived, nil
}

// recording keeps the bytes that a connection has accepted.
type recording struct {
	net.Conn
	accepted []byte
}

func (c *recording) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.accepted = append(c.accepted, p[:n]...)
	return n, err
}

// TestBatcherWhosePeerGoes resets a TCP connection after the peer has read a random number of bytes: all producers end with the
// same error, whose count is never more than what the kernel had accepted, and the peer has the beginning of what was taken.
func TestBatcherWhosePeerGoes(t *testing.T) {
	rounds := 30
	if testing.Short() || race {
		rounds = 8
	}
	broken := 0
	for round := range rounds {
		random := rand.New(rand.NewPCG(uint64(round), 6))
		a, b := connections(t, true)
		dst := &recording{Conn: a}
		opts := someOptions(random)
		opts.RefuseFull = false
		batcher := rt.NewBatcher(feed.NewTradeWriter(dst, nil), opts)
		got := make(chan []byte, 1)
		limit := int64(random.IntN(1 << 17))
		go func() {
			read, _ := io.ReadAll(io.LimitReader(b, limit))
			_ = b.(*net.TCPConn).SetLinger(0)
			b.Close()
			got <- read
		}()
		taken, ends := produce(t, uint64(round), batcher, 2000)
		err := batcher.Close()
		read := <-got
		_, _, arrived, _ := readNumbered(t, read)
		batches, rows, _, _ := readNumbered(t, dst.accepted)
		for p := range producers {
			if len(arrived[p]) > len(taken[p]) || !slices.Equal(taken[p][:len(arrived[p])], arrived[p]) {
				t.Errorf("round %d: producer %d: what arrived are not the first rows that were taken", round, p)
			}
			if ends[p] != nil && err == nil {
				t.Errorf("round %d: producer %d ended with %v, and Close gave no error", round, p, ends[p])
			}
		}
		if err == nil {
			continue
		}
		broken++
		var failed *rt.WriteError
		if !errors.As(err, &failed) {
			t.Fatalf("round %d: %v, want a WriteError", round, err)
		}
		if !bytes.HasPrefix(dst.accepted, read) || failed.Batches > batches || failed.Rows > rows || failed.Batches < batches-1 {
			t.Errorf("round %d: the error says %d batches of %d rows, the kernel had accepted %d of %d", round, failed.Batches, failed.Rows, batches, rows)
		}
	}
	if broken == 0 {
		t.Error("no connection broke while rows were sent")
	}
}

// TestBatcherDelay wants the delay to count from the oldest waiting row.
func TestBatcherDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, dst := io.Pipe()
		batcher := rt.NewBatcher(feed.NewTradeWriter(dst, nil), &rt.BatcherOptions{MaxDelay: 20 * time.Millisecond})
		start := time.Now()
		var got []time.Duration
		read := errorOf(func() error {
			for b, err := range feed.NewTradeReader(src, nil).Batches(context.Background()) {
				if err != nil {
					return err
				}
				for range b.Len() {
					got = append(got, time.Since(start))
				}
				b.Release()
			}
			return nil
		})
		for i, pause := range []time.Duration{0, 15, 30, 0} { // at 0, 15, 45, 45 ms
			time.Sleep(pause * time.Millisecond)
			if err := batcher.Append(t.Context(), numbered(0, int64(i))); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if err := batcher.Append(t.Context(), numbered(0, 5)); err != nil { // Close does not wait for the delay
			t.Fatal(err)
		}
		if err := errors.Join(batcher.Close(), <-read); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{20, 20, 65, 65, 1045}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(got, want) {
			t.Errorf("rows came after %v, want %v", got, want)
		}
	})
}

// TestBatcherBlocks wants a row to wait where the batcher is full, to be taken when there is room, and not to be taken if its
// context ends first.
func TestBatcherBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		batcher := rt.NewBatcher(feed.NewTradeWriter(a, nil), &rt.BatcherOptions{BatchRows: 2, MaxDelay: -1})
		for i := range int64(4) { // two are being sent, to nobody, and two fill the next batch
			if err := batcher.Append(t.Context(), numbered(0, i)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		given := errorOf(func() error { return batcher.Append(ctx, numbered(0, 4)) })
		waits := errorOf(func() error { return batcher.Append(t.Context(), numbered(0, 5)) })
		flush := errorOf(func() error { return batcher.Flush(ctx) })
		synctest.Wait()
		cancel(errGone)
		if err := <-given; !cancelled(err) {
			t.Errorf("%v, want the cause", err)
		}
		if err := <-flush; !cancelled(err) {
			t.Errorf("flush: %v, want the cause", err)
		}
		synctest.Wait()
		select {
		case err := <-waits:
			t.Fatalf("the row did not wait: %v", err)
		default:
		}
		closed := make(chan error, 1)
		go func() {
			err := <-waits
			closed <- errors.Join(err, batcher.Close(), a.Close())
		}()
		var got []int64
		for row, err := range feed.NewTradeReader(b, nil).Rows(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row.Size)
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, []int64{0, 1, 2, 3, 5}) {
			t.Errorf("rows %v", got)
		}
	})
}

// TestDropped counts the rows that are not sent.
func TestDropped(t *testing.T) {
	bad := numbered(0, 0)
	bad.Time = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
	type writer interface {
		Append(ctx context.Context, row feed.Trade) error
		Stats() rt.Stats
	}
	add := func(w writer, rows ...feed.Trade) {
		t.Helper()
		for _, row := range rows {
			var refused *column.ValueError
			if err := w.Append(t.Context(), row); err != nil && !errors.As(err, &refused) && !errors.Is(err, rt.ErrFull) {
				t.Fatal(err)
			}
		}
	}
	want := func(w writer, rows, dropped int64) {
		t.Helper()
		if s := w.Stats(); s.Rows != rows || s.Dropped != dropped {
			t.Errorf("%d rows sent, %d dropped, want %d and %d", s.Rows, s.Dropped, rows, dropped)
		}
	}
	w := feed.NewTradeWriter(io.Discard, &rt.WriterOptions{BatchRows: 2})
	add(w, numbered(0, 0), bad, numbered(0, 1), numbered(0, 2), bad)
	want(w, 2, 2)
	w.Abort() // one waits
	w.Abort()
	want(w, 2, 3)

	w = feed.NewTradeWriter(&cutter{}, nil)
	add(w, numbered(0, 0), numbered(0, 1))
	for range 2 {
		if err := w.Close(); !errors.Is(err, errCut) {
			t.Error(err)
		}
		want(w, 0, 2)
	}

	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		batcher := rt.NewBatcher(feed.NewTradeWriter(a, nil), &rt.BatcherOptions{BatchRows: 1, MaxDelay: -1, RefuseFull: true})
		for i := range int64(4) { // one is being sent, to nobody, one waits, and two are refused
			add(batcher, numbered(0, i))
			synctest.Wait()
		}
		add(batcher, bad)
		want(batcher, 0, 3)
		b.Close()
		if err := batcher.Close(); err == nil {
			t.Error("no error of a closed connection")
		}
		want(batcher, 0, 5)
	})
}
