package transporttest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
)

// listenCases are about the listener and about dialling it.
var listenCases = []testCase{
	{name: "accept is given up", once: true, run: testAcceptCancel},
	{name: "one accept of several is given up", once: true, run: testAcceptCancelOne},
	{name: "close ends accepts", once: true, run: testCloseEndsAccept},
	{name: "dial is given up", once: true, run: testDialCancel},
	{name: "dial finds nobody", once: true, run: testDialNobody},
	{name: "many connections", once: true, run: testManyConnections},
	{name: "connections outlive the listener", run: testOutlive},
	{name: "a listener counts", once: true, run: testListenerStats},
}

// testListenerStats is for listeners that have Stats.
func testListenerStats(t *testing.T, e *env) {
	l := e.listener(t)
	counts, ok := l.(interface {
		Stats() transports.ListenerStats
	})
	if !ok {
		t.Skip("the listener has no Stats")
	}
	if s := counts.Stats(); s != (transports.ListenerStats{}) {
		t.Fatalf("%+v before the first connection", s)
	}
	var ends []transports.Conn
	for i := range int64(3) {
		dialled, accepted := e.dialAndAccept(t, l, Sends)
		ends = append(ends, dialled, accepted)
		if s, want := counts.Stats(), (transports.ListenerStats{Accepted: i + 1, Open: i + 1}); s != want {
			t.Fatalf("%+v, want %+v", s, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Accept(ctx); err == nil { // which is no failure of the listener
		t.Fatal("a connection for an ended context")
	}
	for i, c := range ends {
		for range 2 {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if s, want := counts.Stats(), (transports.ListenerStats{Accepted: 3, Open: 3 - int64(i+1)/2}); s != want {
			t.Fatalf("%+v, want %+v", s, want)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(t.Context()); err == nil {
		t.Fatal("a closed listener accepts")
	}
	if s, want := counts.Stats(), (transports.ListenerStats{Accepted: 3}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func testAcceptCancel(t *testing.T, e *env) {
	l := e.listener(t)
	for _, before := range []bool{true, false} { // cancelled before the call, or while it waits
		ctx, cancel := context.WithCancel(t.Context())
		if before {
			cancel()
		}
		accept := start(func() (transports.Conn, error) { return l.Accept(ctx) })
		cancel()
		if r := <-accept; r.val != nil || !errors.Is(r.err, context.Canceled) {
			t.Fatalf("Accept that was given up = %v, %v, want context.Canceled", r.val, r.err)
		}
	}
	// The listener goes on.
	dialled, accepted := e.dialAndAccept(t, l, Sends)
	exchange(t, dialled, accepted)
}

// exchange sends a few bytes from one end to the other.
func exchange(t *testing.T, sender, receiver transports.Conn) {
	t.Helper()
	if _, err := sender.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4)
	if _, err := io.ReadFull(receiver, buf); err != nil || string(buf) != "ping" {
		t.Fatalf("received %q, %v", buf, err)
	}
}

func testAcceptCancelOne(t *testing.T, e *env) {
	l := e.listener(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var given []<-chan result[transports.Conn]
	for range 3 {
		given = append(given, start(func() (transports.Conn, error) { return l.Accept(ctx) }))
	}
	kept := start(func() (transports.Conn, error) { return l.Accept(t.Context()) })
	cancel()
	for _, g := range given {
		if r := <-g; !errors.Is(r.err, context.Canceled) {
			t.Errorf("Accept that was given up: %v, want context.Canceled", r.err)
		}
	}
	dialled, err := e.dial(t.Context(), l, Sends)
	if err != nil {
		_ = l.Close()
		<-kept
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = dialled.Close() })
	e.greet(t, dialled, Sends)
	r := <-kept
	if r.err != nil {
		t.Fatalf("the other Accept: %v", r.err)
	}
	t.Cleanup(func() { _ = r.val.Close() })
	e.greeted(t, r.val, Sends)
	exchange(t, dialled, r.val)
}

func testCloseEndsAccept(t *testing.T, e *env) {
	l := e.listener(t)
	var accepts []<-chan result[transports.Conn]
	for range 3 {
		accepts = append(accepts, start(func() (transports.Conn, error) { return l.Accept(t.Context()) }))
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	for _, a := range accepts {
		if r := <-a; r.val != nil || !errors.Is(r.err, net.ErrClosed) {
			t.Errorf("Accept = %v, %v, want net.ErrClosed", r.val, r.err)
		}
	}
	_, err := l.Accept(t.Context())
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v, want net.ErrClosed", err)
	}
	if te := (*transports.Error)(nil); !errors.As(err, &te) || te.Op != "accept" || te.Transport != l.Addr().Network() {
		t.Errorf("Accept after Close: %v, want a *transports.Error of accept", err)
	}
}

func testDialCancel(t *testing.T, e *env) {
	l := e.listener(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := e.dial(ctx, l, Sends)
	if err == nil {
		_ = c.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Dial that was given up: %v, want context.Canceled", err)
	}
}

func testDialNobody(t *testing.T, e *env) {
	l := e.listener(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := e.dial(t.Context(), l, Sends)
	if err == nil {
		_ = c.Close()
		t.Fatal("Dial of a listener that was closed succeeded")
	}
	te := (*transports.Error)(nil)
	if !errors.As(err, &te) {
		t.Fatalf("Dial: %v is a %T, want a *transports.Error", err, err)
	}
	if te.Op != "dial" || te.Transport != l.Addr().Network() || te.Addr == "" || te.Hint == "" {
		t.Errorf("Dial: %v, want transport, address and what to do next", err)
	}
}

func testManyConnections(t *testing.T, e *env) {
	l := e.listener(t)
	const conns = 8
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			c, err := e.dial(t.Context(), l, Sends)
			if err != nil {
				t.Errorf("dial: %v", err)
				_ = l.Close() // ends the Accepts that wait for it
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			if _, err := c.Write([]byte{byte(i)}); err != nil {
				t.Errorf("sending: %v", err)
			}
		})
	}
	var mu sync.Mutex
	seen := map[byte]int{}
	for range conns {
		wg.Go(func() {
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Errorf("accept: %v", err)
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			var b [1]byte
			if _, err := io.ReadFull(c, b[:]); err != nil {
				t.Errorf("receiving: %v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen[b[0]]++
		})
	}
	wg.Wait()
	for i := range conns {
		if seen[byte(i)] != 1 {
			t.Errorf("connection %d came %d times", i, seen[byte(i)])
		}
	}
}

func testOutlive(t *testing.T, e *env) {
	l := e.listener(t)
	dialled, accepted := e.dialAndAccept(t, l, Sends)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	exchange(t, dialled, accepted)
}
