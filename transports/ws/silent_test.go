package ws_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/ws"
)

// TestSilent has clients that send no whole request: they lose their connections when their time is over, or when others come.
func TestSilent(t *testing.T) {
	for _, tt := range []struct {
		name, sends string
		o           ws.ListenOptions
		why         string
	}{
		{"nothing", "", ws.ListenOptions{HandshakeTimeout: 2 * time.Second}, "no request in time"},
		{"a header without an end", "GET / HTTP/1.1\r\nX: ", ws.ListenOptions{HandshakeTimeout: 2 * time.Second}, "no request in time"},
		{"too many", "GET ", ws.ListenOptions{HandshakeTimeout: time.Minute, MaxPending: 1}, "give way"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := make(chan error, 10)
			o := tt.o
			o.Refused = func(_ *transports.Peer, err error) { told <- err }
			l, err := ws.Listen(t.Context(), "127.0.0.1:0", &o)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()

			// One that is let in is no longer among them.
			accepted := make(chan transports.Conn, 1)
			go func() {
				c, err := l.Accept(t.Context())
				if err != nil {
					t.Error(err)
				}
				accepted <- c
			}()
			c, err := ws.Dial(t.Context(), "ws://"+l.Addr().String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			server := <-accepted
			for range 2 {
				silent, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer silent.Close()
				_, _ = io.WriteString(silent, tt.sends) // on a slow machine its time may be over
			}
			var refused *transports.Error
			if err := <-told; !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("%v, want %q", err, tt.why)
			}
			if _, err := io.WriteString(server, "hello"); err != nil {
				t.Error(err)
			}
			p := make([]byte, 5)
			if _, err := io.ReadFull(c, p); string(p) != "hello" {
				t.Errorf("%q, %v", p, err)
			}
			server.Close()
			c.Close()
		})
	}
}
