package soak

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/mem"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

var duration = flag.Duration("for", 2*time.Second, "how long to stream")

// soak is one run.
type soak struct {
	t        *testing.T
	ctx      context.Context // ends when it is time to stop
	listener net.Listener
	rows     atomic.Int64
	batches  atomic.Int64
	streams  atomic.Int64
	wait     sync.WaitGroup
}

// TestSoak streams tables of every form at full rate, over many connections that come and go, and checks each row's number. What
// the process holds after a warm-up of a fifth of the time must not grow until the end, but for the memory of a run under 20 seconds.
func TestSoak(t *testing.T) {
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), *duration)
	defer cancel()
	s := &soak{t: t, ctx: ctx, listener: l}
	for name, stream := range map[string]func(*rand.Rand, net.Conn, net.Conn) error{
		"batcher": s.batcher, "nested": s.nested, "small": s.small, "large": s.large, "protocol": s.protocol,
	} {
		s.wait.Go(func() { s.repeat(name, stream) })
	}
	s.watch()
	s.wait.Wait()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d rows in %d batches of %d streams", s.rows.Load(), s.batches.Load(), s.streams.Load())
	if s.rows.Load() == 0 || s.streams.Load() < 5 {
		t.Error("nothing was streamed")
	}
	for range 100 { // connections are closed in the background
		if runtime.NumGoroutine() <= goroutines && descriptors(t) <= files {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines at the end, %d at the start\n%s", n, goroutines, buf[:runtime.Stack(buf, true)])
	}
	if n := descriptors(t); n > files+2 { // those of the poller are opened with the first connection
		t.Errorf("%d files are open at the end, %d at the start", n, files)
	}
	if n := mem.SharedPool().Stats().InUseBytes; n != 0 {
		t.Errorf("%d bytes of the pool are in use at the end", n)
	}
}

// held is the most that was held in a part of the run.
type held struct {
	resident   int64
	goroutines int
	files      int
}

func (h *held) add(o held) {
	h.resident, h.goroutines, h.files = max(h.resident, o.resident), max(h.goroutines, o.goroutines), max(h.files, o.files)
}

// watch compares what is held in the last part of the run with what was held in the one after the warm-up.
func (s *soak) watch() {
	const parts, warm = 5, 1
	var all [parts]held
	start := time.Now()
	tick := time.NewTicker(max(*duration/500, 5*time.Millisecond))
	defer tick.Stop()
	for s.ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
		}
		part := min(int(time.Since(start)*parts / *duration), parts-1)
		all[part].add(held{resident(s.t), runtime.NumGoroutine(), descriptors(s.t)})
	}
	for i, h := range all {
		s.t.Logf("part %d of %d: at most %d MiB resident, %d goroutines, %d files", i+1, parts, h.resident>>20, h.goroutines, h.files)
	}
	after, last := all[warm], all[parts-1]
	// The collector lets the heap get twice what is in use, and what that is at a time is chance. A fifth of a short run is no warm-up.
	if most := after.resident + after.resident/4 + 32<<20; last.resident > most && *duration >= 20*time.Second {
		s.t.Errorf("%d MiB are resident at the end, %d after the warm-up, want at most %d", last.resident>>20, after.resident>>20, most>>20)
	}
	if last.goroutines > after.goroutines+10 || last.files > after.files+10 {
		s.t.Errorf("%d goroutines and %d files at the end, %d and %d after the warm-up", last.goroutines, last.files, after.goroutines, after.files)
	}
}

// life is how long one connection of a stream is used.
const life = 300 * time.Millisecond

// repeat runs a stream over a new connection, again and again.
func (s *soak) repeat(name string, stream func(random *rand.Rand, near, far net.Conn) error) {
	for i := uint64(0); s.ctx.Err() == nil; i++ {
		near, far, err := s.connect()
		if err != nil {
			s.t.Errorf("%s: %v", name, err)
			return
		}
		err = stream(rand.New(rand.NewPCG(i, 7)), near, far)
		s.streams.Add(1)
		if err = errors.Join(err, near.Close(), far.Close()); err != nil {
			s.t.Errorf("%s, stream %d: %v", name, i, err)
			return
		}
	}
}

var dialing sync.Mutex // so that the connection accepted is the one dialled

func (s *soak) connect() (near, far net.Conn, err error) {
	dialing.Lock()
	defer dialing.Unlock()
	conn, err := tcp.Dial(context.Background(), s.listener.Addr().String(), nil)
	if err != nil {
		return nil, nil, err
	}
	far, err = s.listener.Accept()
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, far, nil
}

// until is when a stream that begins now is to end.
func (s *soak) until() func() bool {
	end := time.Now().Add(life)
	return func() bool { return time.Now().Before(end) && s.ctx.Err() == nil }
}

func (s *soak) count(rows int) {
	s.rows.Add(int64(rows))
	s.batches.Add(1)
}

func trade(i int64, symbols int) feed.Trade {
	t := feed.Trade{Time: time.Unix(i, 0), Symbol: fmt.Sprint("symbol ", i%int64(symbols)), Price: float64(i), Size: i}
	if i%5 == 0 {
		note := fmt.Sprint("note ", i)
		t.Note = &note
	}
	return t
}

// batcher sends rows of four goroutines, which another connection forwards and reads as rows. Its dictionary grows.
func (s *soak) batcher(random *rand.Rand, near, far net.Conn) error {
	near2, far2, err := s.connect()
	if err != nil {
		return err
	}
	defer near2.Close()
	defer far2.Close()
	const producers = 4
	batcher := rt.NewBatcher(feed.NewTradeWriter(near, nil), &rt.BatcherOptions{BatchRows: 1 + random.IntN(5000), MaxDelay: time.Millisecond})
	var sent [producers]int64
	errs := make(chan error, producers+2)
	more := s.until()
	var filling sync.WaitGroup
	for p := range producers {
		filling.Go(func() {
			for ; more(); sent[p]++ {
				row := trade(sent[p], 50_000)
				row.Price = float64(p)
				if err := batcher.Append(context.Background(), row); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		})
	}
	go func() { // forwards
		w := feed.NewTradeWriter(near2, nil)
		for b, err := range feed.NewTradeReader(far, nil).Batches(context.Background()) {
			if err == nil {
				err = w.Forward(context.Background(), b)
				b.Release()
			}
			if err != nil {
				near2.Close()
				errs <- err
				return
			}
		}
		errs <- w.Close()
	}()
	got := [producers]int64{}
	read := make(chan error, 1)
	go func() {
		for row, err := range feed.NewTradeReader(far2, nil).Rows(context.Background()) {
			if err != nil {
				read <- err
				return
			}
			p := int(row.Price)
			if row.Size != got[p] || row.Symbol != trade(row.Size, 50_000).Symbol {
				read <- fmt.Errorf("row %+v, want number %d", row, got[p])
				return
			}
			got[p]++
		}
		read <- nil
	}()
	filling.Wait()
	err = batcher.Close()
	for range producers + 1 {
		err = errors.Join(err, <-errs)
	}
	if err = errors.Join(err, <-read); err == nil && got != sent {
		err = fmt.Errorf("%v rows arrived, %v were sent", got, sent)
	}
	for _, n := range got {
		s.rows.Add(n)
	}
	s.batches.Add(1)
	return err
}

// nestedRows are rows with columns below columns.
var nestedRows = sync.OnceValue(func() []feed.Nested {
	rows := make([]feed.Nested, 64)
	for i := range rows {
		rows[i] = rapid.Custom(feedtest.Draw[feed.Nested]).Example(i)
		rows[i].ID = int64(i)
	}
	return rows
})

// nested sends small and large batches of nested rows, read as batches and as rows in turn.
func (s *soak) nested(random *rand.Rand, near, far net.Conn) error {
	rows := nestedRows()
	sent := make(chan error, 1)
	total := 0
	go func() {
		w, b := feed.NewNestedWriter(near, nil), feed.NewNestedBuilder(nil)
		defer w.Abort()
		for more := s.until(); more(); {
			b.Reset()
			for range 1 + random.IntN(20) {
				b.AppendRows(rows)
				total += len(rows)
			}
			if err := w.Write(context.Background(), b); err != nil {
				sent <- err
				return
			}
		}
		sent <- w.Close()
	}()
	r := feed.NewNestedReader(far, nil)
	n := 0
	var read []feed.Nested
	for b, err := range r.Batches(context.Background()) {
		if err != nil {
			return errors.Join(err, near.Close(), <-sent)
		}
		read = b.AppendTo(read[:0])
		b.Release()
		for i := range read {
			if read[i].ID != int64(n%len(rows)) {
				return fmt.Errorf("row %d has number %d", n, read[i].ID)
			}
			n++
		}
		s.count(len(read))
	}
	if err := <-sent; err != nil || n != total {
		return fmt.Errorf("%d rows arrived, %d were sent, %w", n, total, err)
	}
	return nil
}

// small sends few rows at a time, because of a delay, and is aborted at times.
func (s *soak) small(random *rand.Rand, near, far net.Conn) error {
	abort := random.IntN(2) == 0
	sent := make(chan error, 1)
	go func() {
		w := feed.NewTradeWriter(near, &rt.WriterOptions{BatchRows: 10, MaxDelay: 100 * time.Microsecond})
		more := s.until()
		for i := int64(0); more(); i++ {
			if err := w.Append(context.Background(), trade(i, 20)); err != nil {
				sent <- err
				return
			}
		}
		if abort {
			w.Abort()
			sent <- near.(*tcp.Conn).CloseWrite()
			return
		}
		sent <- w.Close()
	}()
	next := int64(0)
	for b, err := range feed.NewTradeReader(far, &rt.ReaderOptions{Reuse: true}).Batches(context.Background()) {
		if err != nil {
			if abort && errors.Is(err, rt.ErrUnfinished) {
				break
			}
			return errors.Join(err, near.Close(), <-sent)
		}
		for i, size := range b.Size() {
			if size != next || b.Symbol().At(i) != trade(size, 20).Symbol {
				return fmt.Errorf("row %d has number %d", next, size)
			}
			next++
		}
		s.count(b.Len())
	}
	return <-sent
}

// forgetful counts what is forgotten as in use for ever.
var forgetful = mem.NewPool(nil)

// large sends batches of some megabytes, some of which are forgotten and not released.
func (s *soak) large(random *rand.Rand, near, far net.Conn) error {
	sent := make(chan error, 1)
	go func() {
		w, b := feed.NewTradeWriter(near, nil), feed.NewTradeBuilder(nil)
		next := int64(0)
		for more := s.until(); more(); {
			b.Reset()
			n := 10_000 + random.IntN(200_000)
			size := b.Size().Extend(n)
			for i := range size {
				size[i] = next
				next++
			}
			clear(b.Price().Extend(n))
			for range n {
				b.Time().Append(time.Unix(0, 0))
				b.Symbol().Append("one")
				b.Note().AppendNull()
			}
			if err := w.Write(context.Background(), b); err != nil {
				sent <- err
				return
			}
		}
		sent <- w.Close()
	}()
	next, batches := int64(0), 0
	for b, err := range feed.NewTradeReader(far, &rt.ReaderOptions{Pool: forgetful}).Batches(context.Background()) {
		if err != nil {
			return errors.Join(err, near.Close(), <-sent)
		}
		for _, size := range b.Size() {
			if size != next {
				return fmt.Errorf("row %d has number %d", next, size)
			}
			next++
		}
		s.count(b.Len())
		if batches++; batches%5 != 0 {
			b.Release()
		}
	}
	return <-sent
}

// protocol sends tables and messages in both directions of one connection.
func (s *soak) protocol(_ *rand.Rand, near, far net.Conn) error {
	opts := &rt.ProtocolOptions{Announce: true}
	a, err := feed.NewFeedConn(near, opts)
	if err != nil {
		return err
	}
	b, err := feed.NewFeedConn(far, opts)
	if err != nil {
		return err
	}
	errs := make(chan error, 4)
	for _, c := range []*feed.FeedConn{a, b} {
		go func() { errs <- s.feedSend(c) }()
		go func() { errs <- s.feedReceive(c) }()
	}
	for range cap(errs) {
		err = errors.Join(err, <-errs)
	}
	return err
}

func (s *soak) feedSend(c *feed.FeedConn) error {
	trades, quotes := feed.NewTradeBuilder(nil), feed.NewQuoteBuilder(nil)
	more := s.until()
	for i := int64(0); more(); i++ {
		trades.Reset()
		for k := range int64(100) {
			trades.Append(trade(100*i+k, 500))
		}
		quotes.Reset()
		quotes.Append(feed.Quote{Symbol: fmt.Sprint(i % 100), Bid: float64(i)})
		beat := feed.Heartbeat{Sent: i, Host: "here", Digest: []byte{1}}
		if err := errors.Join(c.SendTrade(context.Background(), trades), c.SendHeartbeat(context.Background(), &beat), c.SendQuote(context.Background(), quotes)); err != nil {
			return err
		}
	}
	return c.Close()
}

func (s *soak) feedReceive(c *feed.FeedConn) error {
	var trades, quotes, beats int64
	for {
		item, err := c.Recv(context.Background())
		if err == io.EOF {
			if trades != 100*quotes || beats != quotes {
				return fmt.Errorf("%d trades, %d quotes, %d heartbeats", trades, quotes, beats)
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch v := item.(type) {
		case *feed.TradeBatch:
			for _, size := range v.Size() {
				if size != trades {
					return fmt.Errorf("trade %d comes where %d should", size, trades)
				}
				trades++
			}
			s.count(v.Len())
			v.Release()
		case *feed.QuoteBatch:
			quotes += int64(v.Len())
			v.Release()
		case *feed.Heartbeat:
			if v.Sent != beats {
				return fmt.Errorf("heartbeat %d comes where %d should", v.Sent, beats)
			}
			beats++
		}
	}
}
