package rt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// writes counts what comes, and fails after some.
type writes struct {
	bytes.Buffer
	n, fail int
}

func (w *writes) Write(b []byte) (int, error) {
	if w.n++; w.fail != 0 && w.n >= w.fail {
		return 0, errors.New("gone")
	}
	return w.Buffer.Write(b)
}

// TestBufferBytes wants the same bytes with a buffer and without, in far fewer writes, of streams and of files, of small batches and
// some that no buffer holds.
func TestBufferBytes(t *testing.T) {
	const batches = 300
	for name, open := range map[string]func(io.Writer, *rt.WriterOptions) *feed.TradeWriter{
		"stream": func(dst io.Writer, o *rt.WriterOptions) *feed.TradeWriter {
			return rt.NewWriter(feed.TradeTable, dst, o)
		},
		"file": func(dst io.Writer, o *rt.WriterOptions) *feed.TradeWriter {
			return rt.NewFileWriter(feed.TradeTable, dst, o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			write := func(buffer int) *writes {
				dst := &writes{}
				w, b := open(dst, &rt.WriterOptions{BufferBytes: buffer}), feed.NewTradeBuilder(nil)
				rows := trades(5_000)
				for i := range batches {
					b.Reset()
					if i%100 == 50 {
						b.AppendRows(rows)
					} else {
						b.AppendRows(rows[i : i+10])
					}
					if err := w.Write(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if s := w.Stats(); s.Batches != batches || s.Bytes != int64(dst.Len()) {
					t.Errorf("%+v, of %d bytes", s, dst.Len())
				}
				return dst
			}
			plain, buffered := write(0), write(64<<10)
			if !bytes.Equal(plain.Bytes(), buffered.Bytes()) {
				t.Errorf("%d bytes with a buffer, %d other ones without", buffered.Len(), plain.Len())
			}
			if plain.n < batches || buffered.n > batches/10 {
				t.Errorf("%d writes with a buffer, %d without", buffered.n, plain.n)
			}
		})
	}
}

// TestBufferFails wants only batches that the destination has accepted to be counted, and the rest as lost.
func TestBufferFails(t *testing.T) {
	dst := &writes{fail: 3}
	w, b := feed.NewTradeWriter(dst, &rt.WriterOptions{BufferBytes: 16 << 10}), feed.NewTradeBuilder(nil)
	b.AppendRows(trades(10))
	taken, accepted := int64(0), int64(0)
	var err error
	for err == nil {
		if err = w.Write(t.Context(), b); err == nil {
			taken++
		}
		if s := w.Stats(); s.Batches > accepted {
			accepted = s.Batches
		}
	}
	var failed *rt.WriteError
	if !errors.As(err, &failed) || failed.Batches != accepted || failed.Rows != 10*accepted || accepted == 0 || accepted >= taken {
		t.Fatalf("%v; %d batches taken, %d accepted", err, taken, accepted)
	}
	r := feed.NewTradeReader(&dst.Buffer, nil)
	got := int64(0)
	for b, err := range r.Batches(t.Context()) {
		if err != nil {
			break // unfinished
		}
		got++
		b.Release()
	}
	if got != accepted {
		t.Errorf("%d batches arrived whole, %d were accepted", got, accepted)
	}
	for range 2 {
		if s := w.Stats(); s.Rows != 10*accepted || s.Dropped != 10*(taken-accepted) {
			t.Errorf("%+v after %d batches of 10, %d of them accepted", s, taken, accepted)
		}
		w.Abort()
	}
	if err := w.Flush(t.Context()); !errors.As(err, &failed) {
		t.Error(err)
	}
}

// short takes some bytes of a write and fails.
type short struct {
	bytes.Buffer
	left int
}

func (s *short) Write(b []byte) (int, error) {
	n := min(len(b), s.left)
	s.left -= n
	s.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errors.New("gone")
	}
	return n, nil
}

// TestBufferCut has the destination fail inside of what waits, at any place: the batches that it took whole are counted, and no others.
func TestBufferCut(t *testing.T) {
	for _, forward := range []bool{false, true} {
		for left := 0; left < 40_000; left += 997 {
			dst := &short{left: left}
			w, b := feed.NewTradeWriter(dst, &rt.WriterOptions{BufferBytes: 16 << 10}), feed.NewTradeBuilder(nil)
			b.AppendRows(trades(10))
			var received feed.TradeBatch
			if forward {
				var stream bytes.Buffer
				if err := feed.NewTradeWriter(&stream, nil).Write(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				var err error
				if received, err = feed.NewTradeReader(&stream, nil).Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			taken := int64(0)
			var err error
			for err == nil {
				if forward {
					err = w.Forward(t.Context(), received)
				} else {
					err = w.Write(t.Context(), b)
				}
				if err == nil {
					taken++
				}
			}
			arrived := int64(0)
			for b, err := range feed.NewTradeReader(&dst.Buffer, nil).Batches(t.Context()) {
				if err != nil {
					break
				}
				arrived++
				b.Release()
			}
			s := w.Stats()
			var failed *rt.WriteError
			if !errors.As(err, &failed) || failed.Batches != arrived || failed.Rows != 10*arrived || s.Batches != arrived || s.Dropped != 10*(taken-arrived) ||
				forward && s.Forwarded+s.Encoded != arrived {
				t.Fatalf("cut at %d: %v; %+v; %d taken, %d arrived", left, err, s, taken, arrived)
			}
			if forward {
				received.Release()
			}
		}
	}
}

// TestBufferBeforeRefused wants batches that wait to be sent although rows behind them cannot be.
func TestBufferBeforeRefused(t *testing.T) {
	var stream bytes.Buffer
	w, b := feed.NewTradeWriter(&stream, &rt.WriterOptions{BufferBytes: 64 << 10, Dictionaries: ipc.OnceDictionaries}), feed.NewTradeBuilder(nil)
	b.AppendRows(trades(10))
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(1, 0), Symbol: "another"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err == nil {
		t.Fatal("a second dictionary was sent")
	}
	if s := w.Stats(); s.Rows != 10 || int(s.Bytes) != stream.Len() {
		t.Errorf("%+v", s)
	}
	if err := w.Write(t.Context(), b); err == nil {
		t.Fatal("a second dictionary was sent")
	}
	if err := w.Close(); err == nil {
		t.Fatal("a row was lost without a word")
	}
	if s := w.Stats(); s.Rows != 10 || s.Dropped != 1 {
		t.Errorf("%+v", s)
	}
}

// TestBufferCancelled wants what waits to be sent once, after a cancel in which nothing of it was.
func TestBufferCancelled(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	w := feed.NewTradeWriter(a, &rt.WriterOptions{BufferBytes: 1 << 20, BatchRows: 3})
	want := trades(9)
	for i := range want {
		if err := w.Append(t.Context(), want[i]); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	flushed := make(chan error)
	go func() { flushed <- w.Flush(ctx) }()
	cancel()
	if err := <-flushed; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s := w.Stats(); s.Rows != 0 || s.Dropped != 0 {
		t.Fatalf("%+v", s)
	}
	go func() { flushed <- w.Close() }()
	var got []feed.Trade
	for row, err := range feed.NewTradeReader(b, nil).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row)
	}
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d rows of %d", len(got), len(want))
	}
	if s := w.Stats(); s.Rows != 9 || s.Batches != 3 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

// TestBufferDelay wants nothing to wait for longer than MaxDelay: rows of Append, batches of Append, of Write and of Forward.
func TestBufferDelay(t *testing.T) {
	received, stream := feed.NewTradeBuilder(nil), &bytes.Buffer{}
	received.AppendRows(trades(2))
	first := feed.NewTradeWriter(stream, nil)
	if err := first.Write(t.Context(), received); err != nil {
		t.Fatal(err)
	}
	b, err := feed.NewTradeReader(stream, nil).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	for name, send := range map[string]func(context.Context, *feed.TradeWriter) error{
		"row": func(ctx context.Context, w *feed.TradeWriter) error {
			return w.Append(ctx, feed.Trade{Time: time.Unix(1, 0)})
		},
		"batch of rows": func(ctx context.Context, w *feed.TradeWriter) error {
			return errors.Join(w.Append(ctx, feed.Trade{Time: time.Unix(1, 0)}), w.Append(ctx, feed.Trade{Time: time.Unix(2, 0)}))
		},
		"batch":   func(ctx context.Context, w *feed.TradeWriter) error { return w.Write(ctx, received) },
		"forward": func(ctx context.Context, w *feed.TradeWriter) error { return w.Forward(ctx, b) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := feed.NewTradeWriter(io.Discard, &rt.WriterOptions{BufferBytes: 1 << 20, BatchRows: 2, MaxDelay: 20 * time.Millisecond})
				for range 3 {
					before := w.Stats().Rows
					if err := send(t.Context(), w); err != nil {
						t.Fatal(err)
					}
					time.Sleep(15 * time.Millisecond)
					if err := send(t.Context(), w); err != nil { // does not begin the delay anew
						t.Fatal(err)
					}
					time.Sleep(4 * time.Millisecond)
					synctest.Wait()
					if s := w.Stats(); s.Rows != before {
						t.Errorf("after 19 ms: %d rows, %d before", s.Rows, before)
					}
					time.Sleep(2 * time.Millisecond)
					synctest.Wait()
					if s := w.Stats(); s.Rows <= before {
						t.Error("after 21 ms: nothing was sent")
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestBufferAllocations wants none for batches that wait.
func TestBufferAllocations(t *testing.T) {
	if race || !rt.Aliased {
		t.Skip("the race detector allocates, and columns that are not aliased are copied")
	}
	w, b := feed.NewTradeWriter(io.Discard, &rt.WriterOptions{BufferBytes: 8 << 10}), feed.NewTradeBuilder(nil)
	b.AppendRows(trades(10))
	send := func() {
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		send()
	}
	if n := testing.AllocsPerRun(500, send); n != 0 {
		t.Errorf("%v allocations per batch", n)
	}
}
