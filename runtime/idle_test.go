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

// TestIdleConnections has 1,000 readers wait, for the first byte and then between two batches: each holds at most 8 KiB beside
// its schema and dictionaries, and none of the pool.
func TestIdleConnections(t *testing.T) {
	if race || mem.Debug {
		t.Skip("memory is counted of release builds")
	}
	const n, most = 1000, 8 << 10
	stream := tradeStream(t, 1, 200)
	stream = stream[:len(stream)-8] // without its end marker
	pool := mem.NewPool(nil)
	type end struct {
		near net.Conn
		read chan struct{}
		done chan error
	}
	open := func(read func(e *end, far net.Conn) error) []end {
		all := make([]end, n)
		for i := range all {
			far, near := net.Pipe()
			e := &all[i]
			*e = end{near, make(chan struct{}), make(chan error, 1)}
			go func() { e.done <- read(e, far) }()
		}
		return all
	}
	closeAll := func(all []end) {
		for i := range all {
			all[i].near.Close()
			if err := <-all[i].done; err == nil {
				t.Error("no error at the end")
			}
		}
	}
	waiting := func(since int64) int64 {
		time.Sleep(100 * time.Millisecond) // until they wait
		return (heap() - since) / n
	}

	before := heap()
	bare := open(func(_ *end, far net.Conn) error {
		_, err := far.Read(make([]byte, 8))
		return err
	})
	before += n * waiting(before) // what the connections have without a reader
	closeAll(bare)
	bare = nil

	all := open(func(e *end, far net.Conn) error {
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
	dictionaries, base := make([]*column.Dictionary, n), heap()
	for i := range dictionaries {
		dictionaries[i] = column.NewDictionary(0)
		for _, row := range trades(200) {
			if _, err := dictionaries[i].Index(row.Symbol, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	dictionary := (heap() - base) / n
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
	later -= pool.Stats().KeptBytes/n + schema + dictionary
	t.Logf("%d bytes a connection before the first byte; %d between batches, beside %d for the schema and %d for the dictionary", first, later, schema, dictionary)
	if first > most || later > most {
		t.Errorf("a connection holds %d bytes before the first byte and %d between batches, want at most %d", first, later, most)
	}
	closeAll(all)
}
