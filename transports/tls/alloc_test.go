//go:build !race

package tls_test

import (
	"testing"

	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tls"
)

// TestWriteBuffersAllocs counts what the sender allocates. Of what is received package crypto/tls allocates a little with
// each record; so the receiver does nothing until the count is made, and what is sent fits into its socket.
func TestWriteBuffersAllocs(t *testing.T) {
	ca := testcert.New(t)
	s := newServer(t, tls.ListenOptions{TLS: certOf(ca.Issue(t, "127.0.0.1"))})
	c, err := tls.Dial(t.Context(), s.Addr().String(), &tls.DialOptions{TLS: tls.Config{CAFile: ca.File}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	accepted, err := s.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	bufs := [][]byte{make([]byte, 100), nil, make([]byte, 5000), make([]byte, 7)}
	const runs = 20
	got := testing.AllocsPerRun(runs, func() {
		if _, err := c.WriteBuffers(bufs); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(bufs[0]); err != nil {
			t.Fatal(err)
		}
	})
	// The buffers are in pools, which the collector may empty once.
	if got > 1 {
		t.Errorf("%v allocations per call, want 0", got)
	}
}
