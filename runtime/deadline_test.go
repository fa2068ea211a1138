package rt_test

import (
	"context"
	"net"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
)

// TestIdleContext ends a context after the call that it was for: the connection is the caller's, and has no deadline.
func TestIdleContext(t *testing.T) {
	a, b := net.Pipe()
	go func() {
		buf := make([]byte, 1<<16)
		for {
			if _, err := b.Read(buf); err != nil {
				return
			}
		}
	}()
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		builder := feed.NewTradeBuilder(nil)
		builder.AppendRows(trades(2))
		if err := feed.NewTradeWriter(a, nil).Write(ctx, builder); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := a.Write([]byte("mine")); err != nil {
			t.Fatal(err)
		}
	}
	a.Close()
}
