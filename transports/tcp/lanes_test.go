package tcp_test

import (
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// TestLanes has the batches of a table on several connections.
func TestLanes(t *testing.T) {
	transporttest.RunLanes(t, func(t *testing.T, n int) (senders []transports.Conn, accept func() []transports.Conn) {
		var receivers []transports.Conn
		l, err := tcp.Listen(t.Context(), "127.0.0.1:0", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for range n {
			out, err := tcp.Dial(t.Context(), l.Addr().String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			in, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { out.Close(); in.Close() })
			senders, receivers = append(senders, out), append(receivers, in)
		}
		return senders, func() []transports.Conn { return receivers }
	})
}
