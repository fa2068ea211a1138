package rt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
)

// noisy is a connection that tells when a call begins.
type noisy struct {
	net.Conn
	began chan struct{}
}

func (c noisy) Read(p []byte) (int, error) {
	c.began <- struct{}{}
	return c.Conn.Read(p)
}

func (c noisy) Write(p []byte) (int, error) {
	c.began <- struct{}{}
	return c.Conn.Write(p)
}

// TestCancelLeavesConnection cancels a read and a write between messages: the connection is as it was, for others too.
func TestCancelLeavesConnection(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	c := noisy{a, make(chan struct{})}
	r, w := feed.NewTradeReader(c, nil), feed.NewTradeWriter(c, nil)
	calls := map[string]func(context.Context) error{
		"Next": func(ctx context.Context) error {
			_, err := r.Next(ctx)
			return err
		},
		"Write": func(ctx context.Context) error { return w.Write(ctx, feed.NewTradeBuilder(nil)) },
	}
	for name, call := range calls {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- call(ctx) }()
		<-c.began
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: %v, want context.Canceled", name, err)
		}
		if err := call(ctx); !errors.Is(err, context.Canceled) { // and once more
			t.Fatalf("%s: %v, want context.Canceled", name, err)
		}
	}
	go func() { _, _ = io.CopyN(b, b, 4) }() // an echo
	if _, err := a.Write([]byte("ping")); err != nil {
		t.Errorf("writing after a Write was cancelled: %v", err)
	}
	if _, err := io.ReadFull(a, make([]byte, 4)); err != nil {
		t.Errorf("reading after a Next was cancelled: %v", err)
	}
}

// TestCancelAfterCall ends the context of a call that has returned, and sees it in the next call only.
func TestCancelAfterCall(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() {
		w := feed.NewTradeWriter(b, nil)
		_ = w.Write(context.Background(), feed.NewTradeBuilder(nil))
		_, _ = b.Write([]byte("mine"))
	}()
	r := feed.NewTradeReader(a, nil)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Next: %v, want context.Canceled", err)
	}
	mine := make([]byte, 4)
	if _, err := io.ReadFull(a, mine); err != nil || string(mine) != "mine" {
		t.Errorf("reading after a Next was cancelled: %q, %v", mine, err)
	}
}

// TestReplacedCounts wants reader and writer to count alike, also where the first dictionary has no values.
func TestReplacedCounts(t *testing.T) {
	ctx := t.Context()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, nil)
	b := feed.NewTradeBuilder(nil)
	for _, n := range []int{0, 3, 30} {
		b.Reset()
		b.AppendRows(trades(n))
		if err := w.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := feed.NewTradeReader(&buf, nil)
	for _, err := range r.Batches(ctx) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, want := r.Stats().Replaced, w.Stats().Replaced; got != want || want != 2 {
		t.Errorf("the reader counts %d replaced dictionaries, the writer %d, want 2", got, want)
	}
}
