package rt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var errGone = errors.New("gone")

// cancelled tells whether err is the end of a context with the cause errGone, and to errors.Is context.Canceled, too.
func cancelled(err error) bool { return errors.Is(err, errGone) && errors.Is(err, context.Canceled) }

// errorOf returns the error of a call in a goroutine of its own.
func errorOf(call func() error) chan error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	return done
}

// TestCancelReads cancels a read that waits before each byte of a stream: between messages the next context reads on, inside one the
// error stays.
func TestCancelReads(t *testing.T) {
	in := tradeStream(t, 2, 3)
	starts := messageStarts(t, in)
	for _, cut := range cuts(starts, len(in)) {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			r := feed.NewTradeReader(b, nil)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			got := 0
			read := errorOf(func() error {
				for {
					batch, err := r.Next(ctx)
					if err != nil {
						return err
					}
					got += batch.Len()
					batch.Release()
				}
			})
			if _, err := a.Write(in[:cut]); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // it waits for more
			select {
			case err := <-read: // it had all
				if err != io.EOF || cut < len(in) {
					t.Fatal(err)
				}
				return
			default:
			}
			cancel(errGone)
			if err := <-read; !cancelled(err) {
				t.Fatalf("cut at %d: %v, want the cause", cut, err)
			}
			rest := errorOf(func() error { _, err := a.Write(in[cut:]); return err })
			total, err := drain(r)
			if starts[cut] {
				if err != nil || got+total != 6 {
					t.Errorf("cut at %d, between messages: %d rows, %v", cut, got+total, err)
				}
			} else if !cancelled(err) || total != 0 {
				t.Errorf("cut at %d, inside a message: %d more rows, %v", cut, total, err)
			}
			b.Close()
			<-rest
		})
	}
}

// drain reads what is left.
func drain(r *feed.TradeReader) (rows int, err error) {
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += b.Len()
		b.Release()
	}
}

// messageStarts returns where the messages of a stream begin, its end marker included.
func messageStarts(t *testing.T, in []byte) map[int]bool {
	t.Helper()
	starts := make(map[int]bool)
	for at := 0; at < len(in); {
		starts[at] = true
		h, err := frameSize(in[at:])
		if err != nil {
			t.Fatal(err)
		}
		at += h
	}
	return starts
}

// cuts are places to cut a stream at: each start of a message and its neighbours, and some others.
func cuts(starts map[int]bool, n int) (at []int) {
	for i := range n {
		if i%97 == 0 || starts[i] || starts[i+1] || starts[i-1] {
			at = append(at, i)
		}
	}
	return at
}

// TestCancelWrites cancels a write that waits after each number of bytes that a slow reader took.
func TestCancelWrites(t *testing.T) {
	in := tradeStream(t, 1, 300)
	for _, taken := range []int{0, 1, 7, 300, 4095, 4096, 4097, len(in) - 9} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			w := feed.NewTradeWriter(a, nil)
			rows := feed.NewTradeBuilder(nil)
			rows.AppendRows(trades(300))
			ctx, cancel := context.WithCancelCause(t.Context())
			wrote := errorOf(func() error { return w.Write(ctx, rows) })
			got := make([]byte, taken)
			if _, err := io.ReadFull(b, got); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // it waits for room
			cancel(errGone)
			err := <-wrote
			if taken == 0 {
				if !cancelled(err) {
					t.Fatalf("before a byte: %v, want the cause", err)
				}
				// The connection is as it was: the same batch goes out with another context.
				rest := errorOf(func() error { return errors.Join(w.Write(t.Context(), rows), w.Close(), a.Close()) })
				n, err := drain(feed.NewTradeReader(b, nil))
				if n != 300 || err != nil || <-rest != nil {
					t.Errorf("%d rows, %v", n, err)
				}
				return
			}
			var e *rt.WriteError
			if !errors.As(err, &e) || !errors.Is(err, errGone) || e.Batches != 0 {
				t.Fatalf("after %d bytes: %v", taken, err)
			}
			for name, again := range map[string]error{
				"Write": w.Write(t.Context(), rows), "Append": w.Append(t.Context(), trades(1)[0]), "Flush": w.Flush(t.Context()),
				"Close": w.Close(), "Close again": w.Close(),
			} {
				if again != err {
					t.Errorf("%s after %v: %v", name, err, again)
				}
			}
			// Nothing more was sent, and above all no end marker.
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			if more, err := io.ReadAll(b); len(more) != 0 || err != nil {
				t.Errorf("%d more bytes, %v", len(more), err)
			}
			_, err = drain(feed.NewTradeReader(io.MultiReader(bytes.NewReader(got), b), nil))
			if !errors.Is(err, rt.ErrTruncated) && !errors.Is(err, rt.ErrUnfinished) {
				t.Errorf("the peer reads to the end: %v", err)
			}
		})
	}
}

// TestTimeouts lets deadlines of contexts pass, with the clock of a bubble.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		r := feed.NewTradeReader(b, nil)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			start := time.Now()
			if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.HasSuffix(err.Error(), ": gave up waiting for message 0: context deadline exceeded") || time.Since(start) != time.Hour {
				t.Fatal(err, time.Since(start))
			}
			cancel()
		}
		sent := errorOf(func() error { _, err := a.Write(tradeStream(t, 2, 5)); return err })
		if n, err := drain(r); n != 10 || err != nil {
			t.Error(n, err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
}

// TestDeadlineOfTheOwner has the owner of a connection set a deadline of its own: its error is told as it is.
func TestDeadlineOfTheOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		r := feed.NewTradeReader(b, nil)
		if err := b.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if _, err := r.Next(t.Context()); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Error(err)
		}
	})
}

// plain is a source or destination without deadlines.
type plain struct {
	io.Reader
	io.Writer
}

// TestCancelWithoutDeadlines takes effect at the next call.
func TestCancelWithoutDeadlines(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := feed.NewTradeReader(plain{Reader: bytes.NewReader(tradeStream(t, 3, 2))}, nil)
	if _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := feed.NewTradeWriter(plain{Writer: &buf}, nil)
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(2))
	if err := w.Write(ctx, b); err != nil {
		t.Fatal(err)
	}
	size := buf.Len()
	cancel(errGone)
	for range 2 {
		if _, err := r.Next(ctx); !cancelled(err) {
			t.Error(err)
		}
		if err := w.Write(ctx, b); !cancelled(err) {
			t.Error(err)
		}
		for row, err := range r.Rows(ctx) {
			if !cancelled(err) || row != (feed.Trade{}) {
				t.Error(row, err)
			}
		}
	}
	if buf.Len() != size {
		t.Error("a write with a context that has ended sent something")
	}
	if n, err := drain(r); n != 4 || err != nil {
		t.Error(n, err)
	}
	if err := errors.Join(w.Write(t.Context(), b), w.Close()); err != nil {
		t.Error(err)
	}
	if n, err := drain(feed.NewTradeReader(&buf, nil)); n != 4 || err != nil {
		t.Error(n, err)
	}
}

// TestAppendWithEndedContext: the row that completes a batch is not taken where its context has ended, so that appending it again
// does not send it twice.
func TestAppendWithEndedContext(t *testing.T) {
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, &rt.WriterOptions{BatchRows: 2})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errGone)
	rows := trades(3)
	if err := w.Append(ctx, rows[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(ctx, rows[1]); !cancelled(err) {
		t.Fatal(err)
	}
	if err := errors.Join(w.Append(t.Context(), rows[1]), w.Append(t.Context(), rows[2]), w.Close()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for row, err := range feed.NewTradeReader(&buf, nil).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		same(t, row, rows[n])
		n++
	}
	if n != 3 {
		t.Errorf("%d rows", n)
	}
}

// faulty is a destination that takes a number of bytes, fails, and works again.
type faulty struct {
	buf     bytes.Buffer
	left    int
	closed  int
	failure error
}

func (f *faulty) Write(p []byte) (int, error) {
	if f.failure == nil || len(p) <= f.left {
		f.left -= len(p)
		return f.buf.Write(p)
	}
	n, _ := f.buf.Write(p[:f.left])
	err := f.failure
	f.left, f.failure = 0, nil
	return n, err
}

func (f *faulty) CloseWrite() error { f.closed++; return nil }

func (*faulty) Name() string { return "faulty.arrows" }

// TestFailedWrites fails a destination at every byte. What follows is the same error, and no marker.
func TestFailedWrites(t *testing.T) {
	size := len(tradeStream(t, 2, 3))
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(3))
	for left := range size {
		dst := &faulty{left: left, failure: errGone}
		w := feed.NewTradeWriter(dst, nil)
		err := w.Write(t.Context(), b)
		if err == nil {
			err = w.Write(t.Context(), b)
		}
		if err == nil {
			err = w.Close()
		}
		var e *rt.WriteError
		if !errors.As(err, &e) || !errors.Is(err, errGone) || e.Destination != "faulty.arrows" || !strings.HasPrefix(err.Error(), "lightstream: faulty.arrows: after ") || e.Rows != 3*e.Batches {
			t.Fatalf("after %d bytes: %v", left, err)
		}
		for range 2 {
			if again := w.Close(); !errors.Is(again, errGone) || strings.Count(again.Error(), "gone") != 1 {
				t.Fatalf("after %d bytes, Close: %v", left, again)
			}
		}
		w.Abort()
		if dst.buf.Len() != left || dst.closed != 0 {
			t.Fatalf("after %d bytes: %d were written, and the destination closed %d times", left, dst.buf.Len(), dst.closed)
		}
		n, err := drain(feed.NewTradeReader(&dst.buf, nil))
		if !errors.Is(err, rt.ErrTruncated) && !errors.Is(err, rt.ErrUnfinished) || n < int(e.Rows) {
			t.Fatalf("after %d bytes the peer read %d rows and %v; %d were accepted", left, n, err, e.Rows)
		}
	}
}

// shortWriter takes less than it is given and says nothing, or lies.
type shortWriter struct{ n int }

func (s shortWriter) Write([]byte) (int, error) { return s.n, nil }

type shortGather struct{ shortWriter }

func (s shortGather) WriteBuffers([][]byte) (int64, error) { return int64(s.n), nil }

func TestShortWrites(t *testing.T) {
	for _, rows := range []int{1, 10_000} {
		b := feed.NewTradeBuilder(nil)
		b.AppendRows(trades(rows))
		for _, n := range []int{-1, 0, 1, 1 << 30} {
			for _, dst := range []io.Writer{shortWriter{n}, shortGather{shortWriter{n}}} {
				w := feed.NewTradeWriter(dst, nil)
				err := w.Write(t.Context(), b)
				if _, gathers := dst.(shortGather); gathers && n == 1<<30 && rows > 1 {
					continue // nothing to tell it from
				}
				if !errors.Is(err, io.ErrShortWrite) {
					t.Errorf("%T of %d for %d rows: %v", dst, n, rows, err)
				}
			}
		}
	}
}

// TestEnds: Close is idempotent and half-closes once, Abort leaves the stream unfinished, KeepOpen leaves the direction open.
func TestEnds(t *testing.T) {
	ctx := t.Context()
	open := func(opts *rt.WriterOptions) (*faulty, *feed.TradeWriter) {
		dst := new(faulty)
		return dst, feed.NewTradeWriter(dst, opts)
	}
	dst, w := open(nil)
	for range 3 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.Abort()
	size := dst.buf.Len()
	for name, err := range map[string]error{
		"Write": w.Write(ctx, feed.NewTradeBuilder(nil)), "Append": w.Append(ctx, feed.Trade{Time: time.Unix(1, 0)}), "Flush": w.Flush(ctx),
	} {
		if !errors.Is(err, ipc.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if n, err := drain(feed.NewTradeReader(&dst.buf, nil)); n != 0 || err != nil || dst.closed != 1 || size == 0 {
		t.Errorf("%d rows, %v, closed %d times, %d bytes", n, err, dst.closed, size)
	}

	dst, w = open(&rt.WriterOptions{KeepOpen: true})
	if err := errors.Join(w.Append(ctx, trades(1)[0]), w.Close()); err != nil || dst.closed != 0 {
		t.Errorf("KeepOpen: %v, closed %d times", err, dst.closed)
	}
	if n, err := drain(feed.NewTradeReader(&dst.buf, nil)); n != 1 || err != nil {
		t.Error(n, err)
	}

	for _, flushed := range []bool{true, false} {
		dst, w = open(nil)
		if err := w.Append(ctx, trades(1)[0]); err != nil {
			t.Fatal(err)
		}
		if flushed {
			if err := w.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
		w.Abort()
		w.Abort()
		for name, err := range map[string]error{
			"Close": w.Close(), "Write": w.Write(ctx, feed.NewTradeBuilder(nil)), "Append": w.Append(ctx, trades(1)[0]), "Flush": w.Flush(ctx),
		} {
			if err != rt.ErrAborted {
				t.Errorf("%s after Abort: %v", name, err)
			}
		}
		if dst.closed != 0 {
			t.Error("Abort half-closed the destination")
		}
		in := dst.buf.Bytes()
		n, err := drain(feed.NewTradeReader(bytes.NewReader(in), nil))
		var e *ipc.UnfinishedError
		if !errors.As(err, &e) || !errors.Is(err, rt.ErrUnfinished) || flushed != (n == 1) || e.Rows != int64(n) {
			t.Errorf("after Abort the peer read %d rows and %v", n, err)
		}
		if !flushed {
			continue
		}
		r := feed.NewTradeReader(bytes.NewReader(in), &rt.ReaderOptions{AllowMissingEnd: true})
		if n, err := drain(r); n != 1 || err != nil {
			t.Errorf("AllowMissingEnd: %d rows, %v", n, err)
		}
		r = feed.NewTradeReader(bytes.NewReader(in[:len(in)-1]), &rt.ReaderOptions{AllowMissingEnd: true})
		if _, err := drain(r); !errors.Is(err, rt.ErrTruncated) {
			t.Errorf("AllowMissingEnd inside a message: %v", err)
		}
	}
	r := feed.NewTradeReader(bytes.NewReader(nil), &rt.ReaderOptions{AllowMissingEnd: true})
	if _, err := drain(r); !errors.Is(err, rt.ErrUnfinished) {
		t.Errorf("AllowMissingEnd without a schema: %v", err)
	}
}

// closing fails to half-close, in ways that matter and in one that does not.
type closing struct {
	faulty
	err error
}

func (c *closing) CloseWrite() error { return c.err }

func TestCloseWriteFails(t *testing.T) {
	w := feed.NewTradeWriter(&closing{err: errors.ErrUnsupported}, nil)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	w = feed.NewTradeWriter(&closing{err: errGone}, nil)
	for range 2 {
		if err := w.Close(); !errors.Is(err, errGone) {
			t.Error(err)
		}
	}
}

// TestNotArrow gives readers of a table what is something else.
func TestNotArrow(t *testing.T) {
	for in, says := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n\r\n": `"HTTP/1.1 400" is not an Arrow stream; the peer speaks HTTP, use http://`,
		"\x16\x03\x01\x00\xa5\x01\x00":     "the peer speaks TLS, use tls://",
		"PAR1":                             "is a Parquet file",
		"ARROW1\x00\x00\xff\xff\xff\xff":   "is an Arrow IPC file, not an Arrow stream; read it with a file reader",
		"\x1f\x8b\x08":                     "", // too short to tell
		"\x1f\x8b\x08\x00":                 "is gzip",
		"symbol,price\nA,1\n":              `"symbol,price" is not an Arrow stream`,
	} {
		_, err := feed.NewTradeReader(strings.NewReader(in), nil).Next(t.Context())
		var e *rt.DecodeError
		if !errors.As(err, &e) || e.Frame != 0 || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", in, err, says)
		}
	}
	var file bytes.Buffer
	w := rt.NewFileWriter(feed.TradeTable, &file, nil)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.NewTradeReader(&file, nil).Next(t.Context()); err == nil || !strings.Contains(err.Error(), "read it with a file reader") {
		t.Error(err)
	}
}

// frameSize returns the length of the message that p begins with.
func frameSize(p []byte) (int, error) {
	m, n, err := new(frame.IPC).Decode(p)
	m.Release()
	return n, err
}
