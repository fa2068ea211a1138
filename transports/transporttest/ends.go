package transporttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
)

// The cases of tableCases in which a stream does not come to its end undisturbed.

// A gate is a connection that tells when its reader waits at a certain byte.
type gate struct {
	transports.Conn
	mu      sync.Mutex
	left    int           // bytes to come before that
	waiting chan struct{} // closed when a read begins after them
}

func newGate(c transports.Conn) *gate {
	g := &gate{Conn: c}
	g.arm(0)
	return g
}

// arm sets the gate n bytes from here.
func (g *gate) arm(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.waiting = n, make(chan struct{})
}

func (g *gate) Read(p []byte) (int, error) {
	g.mu.Lock()
	if g.left <= 0 && !isClosed(g.waiting) {
		close(g.waiting)
	}
	g.mu.Unlock()
	n, err := g.Conn.Read(p)
	g.mu.Lock()
	g.left -= n
	g.mu.Unlock()
	return n, err
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A recording is the bytes of a stream of trades, and where its messages end.
type recording struct {
	bytes []byte
	ends  []int
	// batches and rows are how many there are in the first so many messages.
	batches, rows []int64
}

// recordTrades returns a stream of batches with so many rows. The schema is the first message, and there is a dictionary before
// each batch with new symbols.
func recordTrades(t *testing.T, sizes ...int) recording {
	t.Helper()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, nil)
	b := feed.NewTradeBuilder(nil)
	from := 0
	for _, n := range sizes {
		fillTrades(b, from, n)
		writeTrades(t, w, b)
		from += n
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rec := recording{bytes: buf.Bytes(), batches: []int64{0}, rows: []int64{0}}
	s := frame.NewStream(bytes.NewReader(rec.bytes), &frame.IPC{}, nil)
	batches, rows := int64(0), int64(0)
	for m, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		if m.Batch != nil {
			batches++
			rows += m.Batch.Rows()
		}
		m.Release()
		rec.ends = append(rec.ends, int(s.Bytes()))
		rec.batches, rec.rows = append(rec.batches, batches), append(rec.rows, rows)
	}
	s.Free()
	if len(rec.ends) < 4 || rec.ends[len(rec.ends)-1] != len(rec.bytes) {
		t.Fatalf("messages end at %v of %d bytes", rec.ends, len(rec.bytes))
	}
	return rec
}

// cuts returns places inside message i, which is not the end marker, as bytes from the start of the stream.
func (r *recording) cuts(i int) (from int, at []int) {
	if i > 0 {
		from = r.ends[i-1]
	}
	n := r.ends[i] - from
	for _, k := range []int{1, 4, 7, 8, 100, n / 2, n - 1} {
		at = append(at, from+k)
	}
	return from, at
}

// send writes p in a goroutine.
func send(c transports.Conn, p []byte) <-chan result[int] {
	return start(func() (int, error) { return c.Write(p) })
}

// cause returns a context and what ends it with errCancelled.
func cause() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	return ctx, func() { cancel(errCancelled) }
}

// wantCause wants the error that a context was ended with, which is context.Canceled, too.
func wantCause(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, errCancelled) || !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v, want the cause of its context", what, err)
	}
}

// testCancelBetween cancels reads at the end of each message. Nothing is lost by that.
func testCancelBetween(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	rec := recordTrades(t, 50, 1, 20, 0, 3000)
	g := newGate(receiver)
	p := newTape(g)
	cancelled := func(what string, before bool) {
		t.Helper()
		ctx, cancel := cause()
		if before {
			cancel()
		}
		next := start(func() (*tape, error) { return p, p.all(ctx) })
		if !before {
			<-g.waiting
			cancel()
		}
		wantCause(t, what, (<-next).err)
	}
	cancelled("before the first byte", true)
	cancelled("before the first byte", false)
	from := 0
	for i, end := range rec.ends[:len(rec.ends)-1] {
		g.arm(end - from)
		sent := send(sender, rec.bytes[from:end])
		cancelled("after a message", false)
		cancelled("after a message", true)
		if r := <-sent; r.err != nil {
			t.Fatal(r.err)
		}
		if p.batches != rec.batches[i+1] {
			t.Fatalf("after message %d: %d batches, want %d", i, p.batches, rec.batches[i+1])
		}
		from = end
	}
	// The connection is as it was: it can be read without the reader, too.
	sent := send(sender, []byte("mine"))
	mine := make([]byte, 4)
	if _, err := io.ReadFull(receiver, mine); err != nil || string(mine) != "mine" {
		t.Errorf("reading past the reader: %q, %v", mine, err)
	}
	<-sent

	got := p.play(t, receiver)
	sent = send(sender, rec.bytes[from:])
	if r := <-got; r.err != nil || p.batches != 5 || p.rows != 3071 {
		t.Errorf("received %d batches with %d rows, %v, want 5 with 3071", p.batches, p.rows, r.err)
	}
	<-sent
	p.wantFreed(t)
}

// testCancelInside cancels reads within messages: of the schema, a dictionary, a small batch, and one that has memory of
// its own.
func testCancelInside(t *testing.T, e *env) {
	rec := recordTrades(t, 50, 8000)
	for i := range rec.ends[:len(rec.ends)-1] {
		_, cuts := rec.cuts(i)
		for _, cut := range cuts {
			sender, receiver := e.pair(t)
			g := newGate(receiver)
			g.arm(cut)
			p := newTape(g)
			ctx, cancel := cause()
			next := start(func() (*tape, error) { return p, p.all(ctx) })
			sent := send(sender, rec.bytes[:cut])
			<-g.waiting
			cancel()
			wantCause(t, "a read inside a message", (<-next).err)
			wantCause(t, "the next read", p.next(context.Background()))
			if r := <-sent; r.err != nil {
				t.Error(r.err)
			}
			if p.batches != rec.batches[i] {
				t.Errorf("cut at byte %d: %d batches, want %d", cut, p.batches, rec.batches[i])
			}
			p.wantFreed(t)
			if err := errors.Join(receiver.Close(), sender.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}

// testCancelLateRead cancels a read where there are no deadlines: the call goes on, and the next one returns the cause.
func testCancelLateRead(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	rec := recordTrades(t, 50, 1, 1) // no batch but the first brings new symbols
	g := newGate(receiver)
	var src io.Reader = g
	if e.caps.Deadline {
		src = onlyReader{g}
	}
	p := newTape(src)
	first := rec.ends[2] // schema, dictionary, batch
	g.arm(first)
	sent := send(sender, rec.bytes[:first])
	if err := p.next(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-sent

	ctx, cancel := cause()
	next := start(func() (*tape, error) { return p, p.next(ctx) })
	<-g.waiting
	cancel()
	sent = send(sender, rec.bytes[first:])
	if r := <-next; r.err != nil {
		t.Fatalf("a read that nothing can interrupt: %v", r.err)
	}
	wantCause(t, "the read after that", p.next(ctx))
	if err := p.all(t.Context()); err != io.EOF || p.batches != 3 { //nolint:errorlint // the contract
		t.Errorf("received %d batches, %v, want 3", p.batches, err)
	}
	<-sent
	p.wantFreed(t)
}

// testCancelledWrite writes with contexts that have ended. Nothing is sent, and the writer can be used.
func testCancelledWrite(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := newTape(receiver).play(t, receiver)
	w := feed.NewTradeWriter(sender, nil)
	for i := range 3 {
		ctx, cancel := cause()
		cancel()
		wantCause(t, "Write", w.Write(ctx, trades(5*i, 5)))
		wantCause(t, "Write again", w.Write(ctx, trades(5*i, 5)))
		writeTrades(t, w, trades(5*i, 5))
	}
	settle(t, w, sender, got)
}

// testCancelWrite cancels a write that has sent a part of its message and waits for the peer.
func testCancelWrite(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	w := feed.NewTradeWriter(sender, nil)
	small, big := trades(0, 100), bigTrades()
	head := make([]byte, headOf(t, small)+1)
	ctx, cancel := cause()
	sent := start(func() (int64, error) {
		if err := w.Write(ctx, small); err != nil {
			return 0, err
		}
		err := w.Write(ctx, big)
		return w.Stats().Batches, err
	})
	if _, err := io.ReadFull(receiver, head); err != nil {
		t.Fatal(err)
	}
	cancel()
	r := <-sent
	if failed := (*rt.WriteError)(nil); !errors.As(r.err, &failed) || r.val != 1 {
		t.Errorf("a write inside batch %d: %v, want a *WriteError after batch 1", r.val, r.err)
	}
	p := newTape(io.MultiReader(bytes.NewReader(head), receiver))
	p.again = true
	checkCut(t, w, sender, small, r.err, p.play(t, receiver))
}

// headOf returns how many bytes a stream has up to the end of its first batch.
func headOf(t *testing.T, first *feed.TradeBuilder) int {
	t.Helper()
	var buf bytes.Buffer
	writeTrades(t, feed.NewTradeWriter(&buf, nil), first)
	return buf.Len()
}

// testCancelLateWrite cancels a write where there are no deadlines: the call goes on, and the next one returns the cause.
func testCancelLateWrite(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	var dst io.Writer = sender
	if e.caps.Deadline {
		dst = onlyWriter{sender}
	}
	w := feed.NewTradeWriter(dst, nil)
	ctx, cancel := cause()
	sent := start(func() (int, error) { return 0, w.Write(ctx, bigTrades()) })
	var head [1]byte
	if _, err := io.ReadFull(receiver, head[:]); err != nil {
		t.Fatal(err)
	}
	cancel()
	p := newTape(io.MultiReader(bytes.NewReader(head[:]), receiver))
	p.again = true
	got := p.play(t, receiver)
	if r := <-sent; r.err != nil {
		t.Fatalf("a write that nothing can interrupt: %v", r.err)
	}
	wantCause(t, "the write after that", w.Write(ctx, trades(0, 1)))
	writeTrades(t, w, trades(0, 1))
	settle(t, w, sender, got)
}

// testCancelOneWay cancels one direction inside a message. The other one goes on.
func testCancelOneWay(t *testing.T, e *env) {
	rec := recordTrades(t, 50, 8000)
	half := len(rec.bytes) / 2

	// A read is cancelled while a write waits.
	a, b := e.duplex(t)
	g := newGate(a)
	g.arm(half)
	p := newTape(g)
	ctx, cancel := cause()
	next := start(func() (*tape, error) { return p, p.all(ctx) })
	fromB := send(b, rec.bytes[:half])
	<-g.waiting
	w := feed.NewTradeWriter(a, nil)
	fromA := start(func() (int, error) { return 0, w.Write(t.Context(), bigTrades()) })
	var head [1]byte
	if _, err := io.ReadFull(b, head[:]); err != nil {
		t.Fatal(err)
	}
	cancel()
	wantCause(t, "a read inside a message", (<-next).err)
	rest := newTape(io.MultiReader(bytes.NewReader(head[:]), b))
	rest.again = true
	got := rest.play(t, b)
	if r := <-fromA; r.err != nil {
		t.Errorf("a write, after a read of the same connection was cancelled: %v", r.err)
	}
	writeTrades(t, w, trades(0, 10))
	<-fromB
	if e.caps.HalfClose {
		settle(t, w, a, got)
	} else if err := w.Close(); err != nil || (<-got).err != nil {
		t.Errorf("the stream of the other direction: %v, %d batches", err, rest.batches)
	}

	// A write is cancelled while a read waits.
	a, b = e.duplex(t)
	g = newGate(a)
	p = newTape(g)
	got = p.play(t, a)
	w = feed.NewTradeWriter(a, nil)
	ctx, cancel = cause()
	fromA = start(func() (int, error) { return 0, w.Write(ctx, bigTrades()) })
	if _, err := io.ReadFull(b, head[:]); err != nil {
		t.Fatal(err)
	}
	<-g.waiting
	cancel()
	if r := <-fromA; !errors.Is(r.err, errCancelled) {
		t.Errorf("a write inside a message: %v, want the cause of its context", r.err)
	}
	if _, err := b.Write(rec.bytes); err != nil {
		t.Error(err)
	}
	if r := <-got; r.err != nil || p.batches != 2 {
		t.Errorf("received %d batches, %v, want 2, after a write of the same connection was cancelled", p.batches, r.err)
	}
}

// testCancelEarlier ends contexts of calls that have returned, before and while others run.
func testCancelEarlier(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	g := newGate(receiver)
	p := newTape(g)
	rec := recordTrades(t, 50, 1, 1, 1)
	ends := rec.ends[2:] // of the batches
	from := 0
	var cancels [3]func()
	for i := range cancels {
		var ctx context.Context
		ctx, cancels[i] = cause()
		g.arm(0) // for the next read
		next := start(func() (*tape, error) { return p, p.next(ctx) })
		<-g.waiting
		if i > 0 {
			cancels[i-1]()
		}
		sent := send(sender, rec.bytes[from:ends[i]])
		if r := <-next; r.err != nil {
			t.Fatalf("read %d: %v", i, r.err)
		}
		<-sent
		from = ends[i]
	}
	cancels[2]()
	got := p.play(t, receiver)
	<-send(sender, rec.bytes[from:])
	if r := <-got; r.err != nil || p.batches != 4 {
		t.Errorf("received %d batches, %v, want 4", p.batches, r.err)
	}

	sender, receiver = e.pair(t)
	w := feed.NewTradeWriter(sender, nil)
	before, cancelBefore := cause()
	ctx, cancel := cause()
	sent := start(func() (int, error) {
		if err := w.Write(before, trades(0, 1)); err != nil {
			return 0, err
		}
		return 0, w.Write(ctx, bigTrades())
	})
	head := make([]byte, headOf(t, trades(0, 1))+1)
	if _, err := io.ReadFull(receiver, head); err != nil {
		t.Fatal(err)
	}
	cancelBefore()
	p = newTape(io.MultiReader(bytes.NewReader(head), receiver))
	p.again = true
	got = p.play(t, receiver)
	if r := <-sent; r.err != nil {
		t.Errorf("a write, after the context of the one before it ended: %v", r.err)
	}
	cancel()
	writeTrades(t, w, trades(0, 1))
	settle(t, w, sender, got)
}

// testSenderDiesInMessage ends the stream inside a message, by half-close and by Close.
func testSenderDiesInMessage(t *testing.T, e *env) {
	rec := recordTrades(t, 50, 8000)
	for i := range rec.ends[:len(rec.ends)-1] {
		from, cuts := rec.cuts(i)
		for k, cut := range cuts {
			died := k%2 == 0
			p, err := cutStream(t, e, rec.bytes[:cut], died)
			var de *rt.DecodeError
			switch {
			case died && e.opts.AbortDrops && errors.Is(err, transports.ErrPeerClosed) && !errors.As(err, &de) &&
				p.batches <= rec.batches[i] && p.rows <= rec.rows[i]:
				continue // all of the message was dropped, so that the error is between two
			case !errors.As(err, &de) || !errors.Is(err, rt.ErrTruncated) && !(died && errors.Is(err, transports.ErrPeerClosed)):
				t.Errorf("cut at byte %d: %v, want a *DecodeError that wraps ErrTruncated", cut, err)
			case died && e.opts.AbortDrops && de.Frame <= int64(i) && de.Source != "" && p.batches <= rec.batches[i] && p.rows <= rec.rows[i]:
				continue
			case de.Frame != int64(i) || de.Offset != int64(cut-from) || de.Source == "":
				t.Errorf("cut at byte %d: %v, want frame %d, byte %d", cut, err, i, cut-from)
			}
			if p.batches != rec.batches[i] || p.rows != rec.rows[i] {
				t.Errorf("cut at byte %d: %d batches with %d rows came, want %d with %d", cut, p.batches, p.rows, rec.batches[i], rec.rows[i])
			}
		}
	}
}

// cutStream sends p and ends the stream, by Close or more gently, and returns what has read it and how that ended.
func cutStream(t *testing.T, e *env, p []byte, died bool) (*tape, error) {
	t.Helper()
	sender, receiver := e.pair(t)
	got := start(func() (*tape, error) {
		p := newTape(receiver)
		return p, p.all(context.Background())
	})
	if _, err := sender.Write(p); err != nil {
		t.Error(err)
	}
	end := finish
	if died {
		end = transports.Conn.Close
	}
	if err := end(sender); err != nil {
		t.Error(err)
	}
	r := <-got
	if again := r.val.next(t.Context()); again != r.err { //nolint:errorlint // the same one
		t.Errorf("after %v: %v", r.err, again)
	}
	r.val.wantFreed(t)
	if err := errors.Join(sender.Close(), receiver.Close()); err != nil {
		t.Error(err)
	}
	return r.val, r.err
}

// testSenderDiesBetween ends the stream between messages, without the end marker.
func testSenderDiesBetween(t *testing.T, e *env) {
	rec := recordTrades(t, 50, 8000, 1)
	cuts := append([]int{0}, rec.ends[:len(rec.ends)-1]...)
	for i, cut := range cuts {
		for _, died := range []bool{true, false} {
			p, err := cutStream(t, e, rec.bytes[:cut], died)
			if died && e.opts.AbortDrops && err != nil && p.batches <= rec.batches[i] && p.rows <= rec.rows[i] {
				continue
			}
			if p.batches != rec.batches[i] || p.rows != rec.rows[i] {
				t.Errorf("ended after message %d: %d batches with %d rows came, want %d with %d", i, p.batches, p.rows, rec.batches[i], rec.rows[i])
			}
			if died && errors.Is(err, transports.ErrPeerClosed) {
				continue
			}
			wantUnfinished(t, p, err)
		}
	}
}

// wantUnfinished wants err to say that a stream ended where p is.
func wantUnfinished(t *testing.T, p *tape, err error) {
	t.Helper()
	var ue *ipc.UnfinishedError
	if !errors.As(err, &ue) || !errors.Is(err, rt.ErrUnfinished) || ue.Batches != p.batches || ue.Rows != p.rows || ue.Source == "" {
		t.Errorf("a stream without an end marker: %v, want an *UnfinishedError after %d batches with %d rows", err, p.batches, p.rows)
	}
}

// testAbort has the sender give up, before the first batch and after some. What waits to be sent is dropped.
func testAbort(t *testing.T, e *env) {
	for _, batches := range []int64{0, 3} {
		sender, receiver := e.pair(t)
		got := start(func() (*tape, error) {
			p := newTape(receiver)
			return p, p.all(context.Background())
		})
		w := feed.NewTradeWriter(sender, nil)
		for i := range int(batches) {
			writeTrades(t, w, trades(10*i, 10))
		}
		if err := w.Append(t.Context(), tradeAt(0)); err != nil {
			t.Error(err)
		}
		w.Abort()
		w.Abort()
		for range 2 {
			if err := w.Close(); !errors.Is(err, rt.ErrAborted) {
				t.Errorf("Close after Abort: %v, want ErrAborted", err)
			}
		}
		if err := w.Write(t.Context(), trades(0, 1)); !errors.Is(err, rt.ErrAborted) {
			t.Errorf("Write after Abort: %v, want ErrAborted", err)
		}
		if err := finish(sender); err != nil {
			t.Error(err)
		}
		r := <-got
		if r.val.batches != batches {
			t.Errorf("received %d batches, want %d", r.val.batches, batches)
		}
		wantUnfinished(t, r.val, r.err)
		r.val.wantFreed(t)
	}
}

// testTableReceiverDies closes the receiving end after a batch. The writer learns it, and from then on every call says so.
func testTableReceiverDies(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	w := feed.NewTradeWriter(sender, nil)
	block := trades(0, 10_000)
	sent := start(func() (int, error) {
		for w.Stats().Bytes < mostUnread {
			if err := w.Write(context.Background(), block); err != nil {
				return 0, err
			}
		}
		return 0, errors.New("all was accepted and nobody reads")
	})
	p := newTape(receiver)
	if err := p.next(t.Context()); err != nil {
		t.Error(err)
	}
	if err := receiver.Close(); err != nil {
		t.Error(err)
	}
	r := <-sent
	var failed *rt.WriteError
	if !errors.As(r.err, &failed) || !errors.Is(r.err, transports.ErrPeerClosed) || failed.Batches != w.Stats().Batches {
		t.Fatalf("writing to a receiver that is gone: %v, want a *WriteError after %d batches that wraps ErrPeerClosed", r.err, w.Stats().Batches)
	}
	wantSticky(t, w, r.err)
	if err := p.all(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading on from a connection that was closed: %v, want net.ErrClosed", err)
	}
}
