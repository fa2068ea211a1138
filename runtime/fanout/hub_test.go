package fanout_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
	"github.com/lightstream-go/lightstream/transports/pipe"
)

// trade is row i of the source. Each has a symbol that no other has.
func trade(i int) feed.Trade {
	note := fmt.Sprint("note of row ", i)
	return feed.Trade{Time: time.Unix(int64(i), 0).UTC(), Symbol: fmt.Sprint("S", i), Price: float64(i) / 2, Size: int64(i), Note: &note}
}

// source writes batches of two rows.
type source struct {
	t *testing.T
	w *feed.TradeWriter
	b *feed.TradeBuilder
	n int // batches
}

func newSource(t *testing.T, dst io.Writer, opts *rt.WriterOptions) *source {
	return &source{t: t, w: feed.NewTradeWriter(dst, opts), b: feed.NewTradeBuilder(nil)}
}

func (s *source) write(ctx context.Context, batches int) error {
	for range batches {
		s.b.Reset()
		s.b.Append(trade(2 * s.n))
		s.b.Append(trade(2*s.n + 1))
		if err := s.w.Write(ctx, s.b); err != nil {
			return err
		}
		s.n++
	}
	return nil
}

func (s *source) must(batches int) {
	s.t.Helper()
	if err := s.write(s.t.Context(), batches); err != nil {
		s.t.Fatal(err)
	}
}

// client is a reader with a connection of its own.
type client struct {
	sent error // what Send returned
	end  error // how the stream ended
	rows []feed.Trade
	done sync.WaitGroup
}

// join starts a reader. It begins to read when start is closed.
func join(ctx context.Context, hub *fanout.Hub, start <-chan struct{}) *client {
	c := &client{}
	here, there := pipe.New(&pipe.Options{Buffer: 256})
	c.done.Go(func() {
		c.sent = hub.Send(ctx, here)
		here.Close()
	})
	c.done.Go(func() {
		<-start
		for row, err := range feed.NewTradeReader(there, nil).Rows(context.Background()) {
			if err != nil {
				c.end = err
				break
			}
			c.rows = append(c.rows, row)
		}
		there.Close()
	})
	return c
}

// want waits for the end and wants the rows of these batches.
func (c *client) want(t *testing.T, batches ...int) {
	t.Helper()
	c.done.Wait()
	if c.sent != nil || c.end != nil {
		t.Fatalf("Send returned %v, and the stream ended with %v", c.sent, c.end)
	}
	c.wantRows(t, batches...)
}

func (c *client) wantRows(t *testing.T, batches ...int) {
	t.Helper()
	got := c.rows
	for _, b := range batches {
		for i := 2 * b; i < 2*b+2; i++ {
			if len(got) == 0 {
				t.Fatalf("row %d is missing", i)
			}
			want := trade(i)
			if !got[0].Time.Equal(want.Time) || got[0].Symbol != want.Symbol || got[0].Price != want.Price || got[0].Size != want.Size || *got[0].Note != *want.Note {
				t.Fatalf("%+v, want %+v", got[0], want)
			}
			got = got[1:]
		}
	}
	if len(got) != 0 {
		t.Fatalf("%d rows too many, the first is %+v", len(got), got[0])
	}
}

func span(from, to int) (s []int) {
	for ; from < to; from++ {
		s = append(s, from)
	}
	return s
}

var now = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func TestHub(t *testing.T) {
	for _, how := range []ipc.Dictionaries{ipc.ReplaceDictionaries, ipc.DeltaDictionaries} {
		synctest.Test(t, func(t *testing.T) {
			hub := fanout.New(nil)
			s := newSource(t, hub, &rt.WriterOptions{Dictionaries: how})
			first, second := join(t.Context(), hub, now), join(t.Context(), hub, now)
			synctest.Wait()
			s.must(3)
			late := join(t.Context(), hub, now)
			synctest.Wait()
			s.must(2)
			if n := hub.Stats(); n.Readers != 3 || n.Batches != 5 || n.Dictionaries != 5 || n.Kept == 0 {
				t.Fatalf("%+v", n)
			}
			if err := s.w.Close(); err != nil {
				t.Fatal(err)
			}
			first.want(t, span(0, 5)...)
			second.want(t, span(0, 5)...)
			late.want(t, 3, 4)
			join(t.Context(), hub, now).want(t) // a stream without batches
			if err := s.write(t.Context(), 1); err == nil {
				t.Fatal("a batch after the end")
			}
			if _, err := hub.Write([]byte{0}); !errors.Is(err, fanout.ErrEnded) {
				t.Fatal(err)
			}
			hub.Close()
			if err := hub.Send(t.Context(), io.Discard); !errors.Is(err, fanout.ErrEnded) {
				t.Fatal(err)
			}
			if n := hub.Stats(); n.Readers != 0 || n.Joined != 4 || n.Waiting != 0 || n.Kept != 0 || n.Sent < 2*n.Bytes {
				t.Fatalf("%+v", n)
			}
		})
	}
}

func TestDropOldest(t *testing.T) {
	for _, how := range []ipc.Dictionaries{ipc.ReplaceDictionaries, ipc.DeltaDictionaries} {
		synctest.Test(t, func(t *testing.T) {
			hub := fanout.New(&fanout.Options{Slow: fanout.DropOldest, MaxBatches: 4})
			s := newSource(t, hub, &rt.WriterOptions{Dictionaries: how})
			start := make(chan struct{})
			fast, slow := join(t.Context(), hub, now), join(t.Context(), hub, start)
			synctest.Wait()
			for range 100 {
				s.must(1)
				synctest.Wait()
			}
			n := hub.Stats()
			if n.Dropped == 0 || n.Dropped > 96 || n.Waited != 0 {
				t.Fatalf("%+v", n)
			}
			if how == ipc.ReplaceDictionaries && n.Waiting > 10*n.Bytes/100 {
				t.Fatalf("%d bytes wait, of %d: dictionaries that were replaced are kept", n.Waiting, n.Bytes)
			}
			close(start)
			if err := s.w.Close(); err != nil {
				t.Fatal(err)
			}
			fast.want(t, span(0, 100)...)
			slow.done.Wait()
			got := len(slow.rows) / 2
			if int64(got)+n.Dropped != 100 {
				t.Fatalf("%d batches came and %d were dropped", got, n.Dropped)
			}
			slow.want(t, append(span(0, got-4), span(96, 100)...)...)
		})
	}
}

func TestDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := fanout.New(&fanout.Options{Slow: fanout.Disconnect, MaxBytes: 8 << 10})
		s := newSource(t, hub, nil)
		start := make(chan struct{})
		fast, slow := join(t.Context(), hub, now), join(t.Context(), hub, start)
		synctest.Wait()
		for range 50 {
			s.must(1)
			synctest.Wait()
		}
		if n := hub.Stats(); n.Disconnected != 1 || n.Readers != 1 {
			t.Fatalf("%+v", n)
		}
		close(start)
		slow.done.Wait()
		if !errors.Is(slow.sent, fanout.ErrSlow) || slow.end == nil {
			t.Fatalf("Send returned %v, and the stream ended with %v", slow.sent, slow.end)
		}
		slow.wantRows(t, span(0, len(slow.rows)/2)...)
		if err := s.w.Close(); err != nil {
			t.Fatal(err)
		}
		fast.want(t, span(0, 50)...)
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := fanout.New(&fanout.Options{MaxBatches: 4})
		s := newSource(t, hub, nil)
		start := make(chan struct{})
		fast, slow := join(t.Context(), hub, now), join(t.Context(), hub, start)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.write(ctx, 100)
		if !errors.Is(err, context.DeadlineExceeded) || s.n < 4 || s.n > 10 {
			t.Fatalf("%d batches, %v", s.n, err)
		}
		if n := hub.Stats(); n.Waited == 0 || n.Waiting > 64<<10 {
			t.Fatalf("%+v", n)
		}
		time.AfterFunc(time.Minute, func() { close(start) })
		s.must(20) // the writer is usable, as no message had begun
		n := s.n
		if err := s.w.Close(); err != nil {
			t.Fatal(err)
		}
		fast.want(t, span(0, n)...)
		slow.want(t, span(0, n)...)
	})
}

// TestWaitOfOneWhoLeaves wants a reader that goes away to hold nobody up.
func TestWaitOfOneWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := fanout.New(&fanout.Options{MaxBatches: 4})
		s := newSource(t, hub, nil)
		ctx, cancel := context.WithCancel(t.Context())
		start := make(chan struct{})
		c := join(ctx, hub, start)
		synctest.Wait()
		time.AfterFunc(time.Minute, cancel)
		s.must(100)
		close(start)
		c.done.Wait()
		if !errors.Is(c.sent, context.Canceled) || !errors.Is(c.end, rt.ErrUnfinished) && c.end == nil {
			t.Fatalf("Send returned %v, and the stream ended with %v", c.sent, c.end)
		}
		c.wantRows(t, span(0, len(c.rows)/2)...)
	})
}

func TestAborted(t *testing.T) {
	for name, end := range map[string]func(*fanout.Hub, *source){
		"close":       func(h *fanout.Hub, s *source) { h.Close() },
		"half-closed": func(h *fanout.Hub, s *source) { s.w.Abort(); h.CloseWrite() },
		"malformed":   func(h *fanout.Hub, s *source) { h.Write([]byte("not an Arrow message")) },
		"schema": func(h *fanout.Hub, s *source) {
			h.Write(it.Schema(it.Field{Name: "x", Type: it.Int(32, true)}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hub := fanout.New(nil)
				s := newSource(t, hub, nil)
				c := join(t.Context(), hub, now)
				synctest.Wait()
				s.must(2)
				end(hub, s)
				c.done.Wait()
				if c.sent == nil || !errors.Is(c.end, rt.ErrUnfinished) {
					t.Fatalf("Send returned %v, and the stream ended with %v", c.sent, c.end)
				}
				c.wantRows(t, 0, 1)
				if _, err := hub.Write([]byte{0}); err == nil {
					t.Fatal("a write after the end")
				}
				if err := hub.Send(t.Context(), io.Discard); err == nil {
					t.Fatal("a reader after the end")
				}
			})
		})
	}
}

func TestLimits(t *testing.T) {
	hub := fanout.New(&fanout.Options{MaxReaders: 1, MaxDictionaries: 64 << 10, MaxBody: 1 << 20})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { hub.Send(ctx, io.Discard) })
	for hub.Stats().Readers == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := hub.Send(ctx, io.Discard); !errors.Is(err, fanout.ErrFull) {
		t.Fatal(err)
	}
	s := newSource(t, hub, &rt.WriterOptions{Dictionaries: ipc.DeltaDictionaries})
	if err := s.write(ctx, 1000); !errors.Is(err, frame.ErrLimit) || s.n == 0 || s.n > 16 { // each delta keeps a block of 4 KiB
		t.Fatalf("%d batches, %v", s.n, err)
	}
	cancel()
	wg.Wait()

	// A length is not believed before it is looked at.
	hub = fanout.New(&fanout.Options{MaxBody: 1 << 20})
	batch := it.NewBatch(1).Add(1, 0, nil, it.I32(1))
	_, err := hub.Write(it.Message(it.Meta(4, batch.Header, 1<<60), nil))
	if !errors.Is(err, frame.ErrLimit) {
		t.Fatal(err)
	}
	hub = fanout.New(&fanout.Options{Pool: mem.NewPool(&mem.PoolOptions{Budget: mem.NewBudget(64 << 10)})})
	if _, err = hub.Write(it.Message(it.Meta(4, batch.Header, 1<<20), nil)); !errors.Is(err, mem.ErrBudget) {
		t.Fatal(err)
	}
}

// TestCuts wants a stream to come out as it went in, whatever the writes.
func TestCuts(t *testing.T) {
	var stream bytes.Buffer
	s := newSource(t, &stream, nil)
	s.must(3)
	if err := s.w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{1, 2, 3, 7, 64, 100, 1000, stream.Len()} {
		hub := fanout.New(nil)
		var out bytes.Buffer
		for part := range slices.Chunk(stream.Bytes(), cut) {
			if n, err := hub.WriteBuffers([][]byte{part[:len(part)/2], nil, part[len(part)/2:]}); int(n) != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := hub.Send(t.Context(), &out); err != nil { // schema, the last dictionary, end marker
			t.Fatal(err)
		}
		r, err := ipc.NewReader(&out, nil).Next(t.Context())
		if err != io.EOF {
			t.Fatal(r, err)
		}
	}
}

// TestLongMessage wants a message longer than the first block to come out as it went in.
func TestLongMessage(t *testing.T) {
	values := make([]byte, 40<<20)
	for i := range values {
		values[i] = byte(i * 7)
	}
	batch := it.NewBatch(10<<20).Add(10<<20, 0, nil, values)
	in := slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Int(32, true)}), batch.Message(), it.End)
	hub := fanout.New(nil)
	var out bytes.Buffer
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := hub.Send(t.Context(), &out); err != nil {
			t.Error(err)
		}
	})
	for hub.Stats().Joined == 0 {
		time.Sleep(time.Millisecond)
	}
	for part := range slices.Chunk(in, 3<<20+1) {
		if _, err := hub.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if !bytes.Equal(in, out.Bytes()) {
		t.Fatal("it came out changed")
	}
}

// FuzzHub wants what a reader gets to be the messages that came, and never anything that was not whole.
func FuzzHub(f *testing.F) {
	var stream bytes.Buffer
	w := feed.NewTradeWriter(&stream, nil)
	b := feed.NewTradeBuilder(nil)
	for i := range 3 {
		b.Reset()
		b.Append(trade(i))
		if err := w.Write(context.Background(), b); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(stream.Bytes(), 7)
	f.Add(stream.Bytes()[:stream.Len()/2], 100)
	dict := it.Dictionary(1, false, "a")
	f.Add(slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Int(32, true)}), dict[:len(dict):len(dict)], make([]byte, 8), it.End), 3)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		hub := fanout.New(&fanout.Options{MaxBody: 1 << 20})
		var out bytes.Buffer
		take, err := hub.Join()
		if err != nil {
			t.Fatal(err)
		}
		for part := range slices.Chunk(in, max(cut&1023, 1)) {
			if _, err = hub.Write(part); err != nil {
				break
			}
			take(&out)
		}
		take(&out)
		// The messages that came, without zeros between them.
		d := &frame.IPC{MaxBody: 1 << 20}
		var want []byte
		for at := 0; at < len(in); {
			m, n, err := d.Decode(in[at:])
			if err != nil || n == 0 {
				break
			}
			if m.End {
				break
			}
			message := in[at : at+n]
			if i := bytes.Index(message, []byte{0xFF, 0xFF, 0xFF, 0xFF}); i > 0 && len(bytes.Trim(message[:i], "\x00")) == 0 {
				message = message[i:]
			}
			want, at = append(want, message...), at+n
		}
		if !bytes.HasPrefix(want, out.Bytes()) || err == nil && out.Len() != len(want) {
			t.Fatalf("%d bytes came out that are not the %d of the messages that came in", out.Len(), len(want))
		}
	})
}

// TestLongMetadata wants metadata longer than the first block to come out as it went in.
func TestLongMetadata(t *testing.T) {
	schema := it.Message(it.Meta(4, it.SchemaHeader(0, it.Field{Name: string(make([]byte, 20<<20)), Type: it.Int(32, true)}), 0), nil)
	in := slices.Concat(schema, it.NewBatch(1).Add(1, 0, nil, it.I32(1)).Message(), it.End)
	hub := fanout.New(&fanout.Options{MaxMetadata: 32 << 20})
	take, err := hub.Join()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := hub.Write(in); n != len(in) || err != nil {
		t.Fatal(n, err)
	}
	var out bytes.Buffer
	take(&out)
	if !bytes.Equal(out.Bytes(), in[:len(in)-8]) { // Join takes no end marker
		t.Fatalf("%d of %d bytes", out.Len(), len(in))
	}
}

// TestLateAndSlow wants the dictionaries that a reader gets when it joins to leave it no more room than others have once they are sent.
func TestLateAndSlow(t *testing.T) {
	hub := fanout.New(&fanout.Options{MaxBytes: 2_000, Slow: fanout.Disconnect})
	s := newSource(t, hub, nil)
	s.must(300) // a dictionary of 600 values
	kept := hub.Stats().Kept
	take, err := hub.Join()
	if err != nil {
		t.Fatal(err)
	}
	take(&bytes.Buffer{})
	if n := hub.Stats(); n.Waiting != 0 || kept < 4_000 {
		t.Fatalf("%+v", n)
	}
	for hub.Stats().Disconnected == 0 {
		if s.must(1); hub.Stats().Waiting > 2_000+2*5_500 { // and the dictionary of one batch
			t.Fatalf("%+v", hub.Stats())
		}
	}
}

// TestBegunMessages wants the memory of messages that never came to their end to be given up.
func TestBegunMessages(t *testing.T) {
	batch := it.NewBatch(1).Add(1, 0, nil, it.I32(1))
	begun := it.Message(it.Meta(4, batch.Header, 1<<20), nil)
	for name, end := range map[string]func(*fanout.Hub){
		"half-closed": func(h *fanout.Hub) { h.CloseWrite() },
		"closed":      func(h *fanout.Hub) { h.Close(); h.Write([]byte{0}) },
	} {
		pool := mem.NewPool(&mem.PoolOptions{Budget: mem.NewBudget(1 << 30)})
		hub := fanout.New(&fanout.Options{Pool: pool})
		if _, err := hub.Write(begun); err != nil {
			t.Fatal(err)
		}
		if pool.Stats().InUseBytes == 0 {
			t.Fatal("no memory is in use")
		}
		if end(hub); pool.Stats().InUseBytes != 0 {
			t.Errorf("%s: %d bytes are in use", name, pool.Stats().InUseBytes)
		}
	}
}
