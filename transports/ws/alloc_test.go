//go:build !race

package ws_test

import (
	"context"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/ws"
)

// TestAllocs sends a message each way and reads it. What is sent fits into the sockets.
func TestAllocs(t *testing.T) {
	l := newListener(t, nil)
	accepted := make(chan transports.Conn, 1)
	go func() {
		c, err := l.Accept(context.Background())
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	client, err := ws.Dial(t.Context(), "ws://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server := <-accepted
	defer server.Close()
	bufs := [][]byte{make([]byte, 100), nil, make([]byte, 40<<10), make([]byte, 7)}
	p := make([]byte, 100+len(bufs[2])+7)
	for name, ends := range map[string][2]transports.Conn{"the server sends": {server, client}, "the client sends": {client, server}} {
		got := testing.AllocsPerRun(50, func() {
			if _, err := ends[0].WriteBuffers(bufs); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(ends[1], p); err != nil {
				t.Fatal(err)
			}
		})
		// The buffers are in pools, which the collector may empty once.
		if got > 1 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}
