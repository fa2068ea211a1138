package rt_test

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
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

// openIdle has readers of as many connections wait.
func openIdle(read func(e *idleEnd, far net.Conn) error) []idleEnd {
	all := make([]idleEnd, idle)
	for i := range all {
		far, near := net.Pipe()
		e := &all[i]
		*e = idleEnd{near, make(chan struct{}), make(chan error, 1)}
		go func() { e.done <- read(e, far) }()
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
	time.Sleep(100 * time.Millisecond) // until they wait
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
