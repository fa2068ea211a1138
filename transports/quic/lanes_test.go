package quic_test

import (
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/quic"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// TestLanes has the batches of a table on unidirectional streams of one connection.
func TestLanes(t *testing.T) {
	p := newPKI(t)
	transporttest.RunLanes(t, func(t *testing.T, n int) (senders []transports.Conn, accept func() []transports.Conn) {
		l := listen(t, &quic.ListenOptions{TLS: p.listener()})
		near, err := quic.DialSession(t.Context(), l.Addr().String(), &quic.DialOptions{TLS: p.client()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { near.Close() })
		far, err := l.AcceptSession(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { far.Close() })
		for range n {
			c, err := near.OpenSender(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			senders = append(senders, c)
		}
		return senders, func() (receivers []transports.Conn) {
			for range n { // as they come is the order in which they were opened
				c, err := far.AcceptReceiver(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				receivers = append(receivers, c)
			}
			return receivers
		}
	})
}
