package rt_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"reflect"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// heap returns how much of the heap is in use after a collection.
func heap() int64 {
	for range 3 { // what pools of package sync keep goes with the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// idle are how many connections wait in a test, and idleMost how many bytes each may hold.
const idle, idleMost = 1000, 8 << 10

// idleEnd is one of them: what is written to near arrives at a reader, which tells what it has read, and how it ended.
type idleEnd struct {
	near net.Conn
	read chan struct{}
	done chan error
}

// inRead is how many reads of idle connections wait.
var inRead atomic.Int64

// counted is the end that is read.
type counted struct{ net.Conn }

func (c counted) Read(p []byte) (int, error) {
	inRead.Add(1)
	defer inRead.Add(-1)
	return c.Conn.Read(p)
}

// openIdle has readers of as many connections wait.
func openIdle(read func(e *idleEnd, far net.Conn) error) []idleEnd {
	all := make([]idleEnd, idle)
	for i := range all {
		far, near := net.Pipe()
		e := &all[i]
		*e = idleEnd{near, make(chan struct{}), make(chan error, 1)}
		go func() { e.done <- read(e, counted{far}) }()
	}
	return all
}

func closeIdle(t *testing.T, all []idleEnd) {
	for i := range all {
		all[i].near.Close()
		if err := <-all[i].done; err == nil {
			t.Error("no error at the end")
		}
	}
}

// waiting returns how many bytes each connection holds.
func waiting(since int64) int64 {
	for again := false; inRead.Load() != idle || !again; again = true { // and those that have been woken have gone on
		time.Sleep(50 * time.Millisecond)
	}
	return (heap() - since) / idle
}

// bareIdle returns how much is held before a test, with what the connections have without a reader.
func bareIdle(t *testing.T) int64 {
	before := heap()
	bare := openIdle(func(_ *idleEnd, far net.Conn) error {
		_, err := far.Read(make([]byte, 8))
		return err
	})
	before += idle * waiting(before)
	closeIdle(t, bare)
	return before
}

// TestIdleConnections has 1,000 readers wait, for the first byte and then between two batches: each holds at most 8 KiB beside
// its schema and dictionaries, and none of the pool.
func TestIdleConnections(t *testing.T) {
	if race || mem.Debug {
		t.Skip("memory is counted of release builds")
	}
	stream := tradeStream(t, 1, 200)
	stream = stream[:len(stream)-8] // without its end marker
	pool := mem.NewPool(nil)
	before := bareIdle(t)
	all := openIdle(func(e *idleEnd, far net.Conn) error {
		r := feed.NewTradeReader(far, &rt.ReaderOptions{Pool: pool})
		for {
			b, err := r.Next(context.Background())
			if err != nil {
				return err
			}
			b.Release()
			e.read <- struct{}{}
		}
	})
	first := waiting(before)

	head, _ := frameSize(stream)
	for i := range all { // the schema, with what the reader has worked out of it
		if _, err := all[i].near.Write(stream[:head]); err != nil {
			t.Fatal(err)
		}
	}
	schema := waiting(before) - first
	dictionaries, base := make([]*column.Dictionary, idle), heap()
	for i := range dictionaries {
		dictionaries[i] = column.NewDictionary(0)
		for _, row := range trades(200) {
			if _, err := dictionaries[i].Index(row.Symbol, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	dictionary := (heap() - base) / idle
	runtime.KeepAlive(dictionaries)
	dictionaries = nil

	for i := range all {
		if _, err := all[i].near.Write(stream[head:]); err != nil {
			t.Fatal(err)
		}
		<-all[i].read
	}
	later := waiting(before)
	if s := pool.Stats(); s.InUseBytes != 0 || s.Gets == 0 {
		t.Errorf("idle connections hold %d bytes of the pool", s.InUseBytes)
	}
	later -= pool.Stats().KeptBytes/idle + schema + dictionary
	t.Logf("%d bytes a connection before the first byte; %d between batches, beside %d for the schema and %d for the dictionary", first, later, schema, dictionary)
	if first > idleMost || later > idleMost {
		t.Errorf("a connection holds %d bytes before the first byte and %d between batches, want at most %d", first, later, idleMost)
	}
	closeIdle(t, all)
}

// finite gives memory of which it is known how much the collector has not taken yet.
type finite struct{ left *atomic.Int64 }

func (f finite) Allocate(size int) []byte {
	b := make([]byte, max(size, 64))
	f.left.Add(1)
	runtime.AddCleanup(&b[0], func(left *atomic.Int64) { left.Add(-1) }, f.left)
	return b[:size]
}

func (f finite) Reallocate(size int, b []byte) []byte {
	to := f.Allocate(size)
	copy(to, b)
	return to
}

func (finite) Free([]byte) {}

// atEnd calls a function where its reader wants more than there is.
type atEnd func()

func (f atEnd) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// TestIdleKeepsNoMemory has a pool give up its memory while a reader of each kind waits behind a batch that was released: nothing of
// the reader keeps it from the collector.
func TestIdleKeepsNoMemory(t *testing.T) {
	if mem.Debug {
		t.Skip("debug builds keep what was released for a while, to see who still writes to it")
	}
	ctx := context.Background()
	var framed bytes.Buffer
	conn, err := feed.NewFeedConn(&framed, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(2000))
	if err := conn.SendTrade(ctx, b); err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	w := feed.NewTradeWriter(&stream, nil)
	if err := w.Write(ctx, b); err != nil { // and no end marker
		t.Fatal(err)
	}
	defer w.Abort()
	twice := func(next func(context.Context) (rt.Handle, error)) {
		h, err := next(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		h.Release()
		_, _ = next(ctx) // waits, and ends
	}
	for _, c := range []struct {
		name string
		in   []byte
		read func(in io.Reader, o *rt.ReaderOptions)
	}{
		{"as it came", stream.Bytes(), func(in io.Reader, o *rt.ReaderOptions) {
			twice(ipc.NewReader(in, &ipc.ReaderOptions{Pool: o.Pool}).Next)
		}},
		{"rows", stream.Bytes(), func(in io.Reader, o *rt.ReaderOptions) {
			for range feed.NewTradeReader(in, o).Rows(ctx) { //nolint:revive // to the end
			}
		}},
		{"columns in another order", stream.Bytes(), func(in io.Reader, o *rt.ReaderOptions) {
			r := rt.NewReader(bagOf(col("size", ipc.Int64), col("price", ipc.Float64)), in, o)
			twice(func(ctx context.Context) (rt.Handle, error) {
				b, err := r.Next(ctx)
				return b.h, err
			})
		}},
		{"protocol", framed.Bytes(), func(in io.Reader, o *rt.ReaderOptions) {
			conn, err := feed.NewFeedConn(&duplex{in: in}, &rt.ProtocolOptions{Reader: o})
			if err != nil {
				t.Fatal(err)
			}
			twice(func(ctx context.Context) (rt.Handle, error) {
				item, err := conn.Recv(ctx)
				if b, ok := item.(*feed.TradeBatch); ok {
					b.Release()
				}
				return rt.Handle{}, err
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			waited, left := false, new(atomic.Int64)
			pool := mem.NewPool(&mem.PoolOptions{Allocator: finite{left}})
			c.read(io.MultiReader(bytes.NewReader(c.in), atEnd(func() {
				waited = true
				if pool.Stats().Gets == 0 || left.Load() == 0 {
					t.Error("the pool was not asked")
				}
				pool.Trim()
				for n := 0; left.Load() != 0; n++ {
					if n == 1000 {
						t.Errorf("%d pieces of memory are kept; %+v", left.Load(), pool.Stats())
						return
					}
					runtime.GC()
				}
			})), &rt.ReaderOptions{Pool: pool})
			if !waited {
				t.Error("the reader has not waited for more")
			}
		})
	}
}

// TestReleasedGivesBack wants the memory of a batch to go back to the pool when it is released, although nobody waits for the next one: a
// connection may be at rest there too.
func TestReleasedGivesBack(t *testing.T) {
	ctx := t.Context()
	stream, want := tradeStream(t, 2, 500), trades(500)
	for i := range want {
		want[i].Size %= 1000
	}
	var framed bytes.Buffer
	conn, err := feed.NewFeedConn(&framed, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(500))
	if err := conn.SendTrade(ctx, b); err != nil {
		t.Fatal(err)
	}
	pool := mem.NewPool(nil)
	opts := &rt.ReaderOptions{Pool: pool}
	r := feed.NewTradeReader(iotest.OneByteReader(bytes.NewReader(stream)), opts)
	c, err := feed.NewFeedConn(&duplex{in: bytes.NewReader(framed.Bytes())}, &rt.ProtocolOptions{Reader: opts})
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []func() (feed.TradeBatch, error){
		func() (feed.TradeBatch, error) { return r.Next(ctx) },
		func() (feed.TradeBatch, error) { return r.Next(ctx) },
		func() (feed.TradeBatch, error) {
			item, err := c.Recv(ctx)
			if err != nil {
				return feed.TradeBatch{}, err
			}
			return *item.(*feed.TradeBatch), nil
		},
	} {
		batch, err := next()
		if err != nil {
			t.Fatal(err)
		}
		if pool.Stats().InUseBytes == 0 {
			t.Error("a batch is in no memory of the pool")
		}
		kept := batch.Retain()
		batch.Release()
		rows := kept.AppendTo(nil)
		for i := range rows {
			rows[i].Size %= 1000
		}
		if !reflect.DeepEqual(rows, want) {
			t.Error("other rows")
		}
		kept.Release()
		if n := pool.Stats().InUseBytes; n != 0 {
			t.Errorf("%d bytes are in use after the last release", n)
		}
	}
}

// TestIdleProtocol does that with connections of the Lightstream protocol, between two messages.
func TestIdleProtocol(t *testing.T) {
	if race || mem.Debug {
		t.Skip("memory is counted of release builds")
	}
	framer, err := feed.NewFeedFramer(nil)
	if err != nil {
		t.Fatal(err)
	}
	message, err := framer.AppendHeartbeat(nil, &feed.Heartbeat{Host: "host", Digest: make([]byte, 16)})
	if err != nil {
		t.Fatal(err)
	}
	pool := mem.NewPool(nil)
	before := bareIdle(t)
	all := openIdle(func(e *idleEnd, far net.Conn) error {
		c, err := feed.NewFeedConn(far, &rt.ProtocolOptions{Reader: &rt.ReaderOptions{Pool: pool}})
		if err != nil {
			return err
		}
		for {
			if _, err := c.Recv(context.Background()); err != nil {
				return err
			}
			e.read <- struct{}{}
		}
	})
	first := waiting(before)
	for i := range all {
		if _, err := all[i].near.Write(message); err != nil {
			t.Fatal(err)
		}
		<-all[i].read
	}
	later := waiting(before) - pool.Stats().KeptBytes/idle
	if s := pool.Stats(); s.InUseBytes != 0 || s.Gets == 0 {
		t.Errorf("idle connections hold %d bytes of the pool", s.InUseBytes)
	}
	t.Logf("%d bytes a connection before the first byte; %d between messages", first, later)
	if first > idleMost || later > idleMost {
		t.Errorf("a connection holds %d bytes before the first byte and %d between messages, want at most %d", first, later, idleMost)
	}
	closeIdle(t, all)
}
