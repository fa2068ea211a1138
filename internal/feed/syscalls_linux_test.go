package feed_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/mem"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/uds"
)

// calls returns how often this process has called the system to read and to write, as the kernel counts.
func calls(t *testing.T) (reads, writes int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip(err) // a kernel without accounts, or an emulator
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), ": ")
		switch name {
		case "syscr":
			_, err = fmt.Sscan(value, &reads)
		case "syscw":
			_, err = fmt.Sscan(value, &writes)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return reads, writes
}

// TestSystemCalls wants a small batch to go out in one call, and to come in with few: where batches come one by one, one call that
// reads one, and another that finds nothing there, after which the runtime of Go waits. Batches that wait for one another in a buffer do
// with as many calls together.
func TestSystemCalls(t *testing.T) {
	if race || mem.Debug || testing.Short() {
		t.Skip("of release builds")
	}
	for _, network := range []string{"tcp", "uds"} {
		for _, rows := range []int{10, 1_000} {
			t.Run(fmt.Sprintf("%s/rows=%d", network, rows), func(t *testing.T) { systemCalls(t, network, rows, 0) })
		}
		t.Run(network+"/buffered", func(t *testing.T) { systemCalls(t, network, 10, 64<<10) })
	}
}

func systemCalls(t *testing.T, network string, rows, buffer int) {
	ctx := t.Context()
	var l transports.Listener
	var err error
	var dial func() (transports.Conn, error)
	if network == "tcp" {
		l, err = tcp.Listen(ctx, "127.0.0.1:0", nil)
		dial = func() (transports.Conn, error) { return tcp.Dial(ctx, l.Addr().String(), nil) }
	} else {
		l, err = uds.Listen(ctx, t.TempDir()+"/s", nil)
		dial = func() (transports.Conn, error) { return uds.Dial(ctx, l.Addr().String(), nil) }
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()

	quotes := feed.NewQuoteBuilder(nil)
	for i := range rows {
		quotes.Append(feed.Quote{Symbol: fmt.Sprint("S", i%7), Bid: float64(i), Ask: float64(i + 1)})
	}
	together := 1 // batches that are sent at once
	if buffer > 0 {
		together = 20
	}
	w, r := feed.NewQuoteWriter(c, &rt.WriterOptions{BufferBytes: buffer, MaxDelay: -1}), feed.NewQuoteReader(peer, nil)
	next := make(chan error, together)
	exchange := func() { // nothing is on its way afterwards
		for range together {
			if err := w.Write(ctx, quotes); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		for range together {
			if err := <-next; err != nil {
				t.Fatal(err)
			}
		}
	}
	const n = 500
	go func() {
		for range (n + 10) * together {
			b, err := r.Next(context.WithoutCancel(ctx))
			if err == nil && b.Len() != rows {
				err = fmt.Errorf("%d rows, want %d", b.Len(), rows)
			}
			if err == nil {
				b.Release()
			}
			next <- err
		}
	}()
	for range 10 { // the schema and the dictionary go first
		exchange()
	}
	r0, w0 := calls(t)
	for range n {
		exchange()
	}
	r1, w1 := calls(t)
	reads, writes := float64(r1-r0)/n, float64(w1-w0)/n
	t.Logf("%.2f reads and %.2f writes of %d", reads, writes, together)
	if writes < 0.9 || writes > 1.5 {
		t.Errorf("%.2f writes of %d, want one", writes, together)
	}
	if reads < 0.9 || reads > 3.3 {
		t.Errorf("%.2f reads of %d, want two or three", reads, together)
	}
}
