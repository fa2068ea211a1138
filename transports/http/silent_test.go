package http_test

import (
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
)

// TestSilent has clients that send no whole request: they lose their connections when their time is over, or when others come.
func TestSilent(t *testing.T) {
	p := newPKI(t)
	for _, tt := range []struct {
		name  string
		tls   bool   // of the server
		shake bool   // the client ends its handshake
		sends string // behind it
		o     http.ListenOptions
		why   string
	}{
		{name: "nothing", why: "no request in time"},
		{name: "a header without an end", sends: "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", why: "no request in time"},
		{name: "the preface of HTTP/2 alone", sends: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", why: "no request in time"},
		{name: "no handshake", tls: true, why: "no request in time"},
		{name: "half a handshake", tls: true, sends: "\x16\x03\x01\x02\x00\x01", why: "no request in time"},
		{name: "nothing over TLS", tls: true, shake: true, o: http.ListenOptions{HandshakeTimeout: 3 * time.Second}, why: "no request in time"},
		{name: "too many", o: http.ListenOptions{HandshakeTimeout: time.Minute, MaxPending: 1}, sends: "GET ", why: "give way"},
		{name: "too many in their handshake", tls: true, o: http.ListenOptions{HandshakeTimeout: time.Minute, MaxPending: 1}, why: "give way"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := make(chan error, 10)
			o := tt.o
			if o.HandshakeTimeout == 0 {
				o.HandshakeTimeout = 200 * time.Millisecond
			}
			o.Refused = func(_ *transports.Peer, err error) { told <- err }
			if tt.tls {
				o.TLS = p.listener()
			}
			l, err := http.Listen(t.Context(), "127.0.0.1:0", &o)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			var silent []net.Conn
			for range 2 {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if tt.shake {
					trust := p.client()
					config, err := trust.Client("127.0.0.1", "http/1.1")
					if err != nil {
						t.Fatal(err)
					}
					tc := stdtls.Client(c, config)
					if err := tc.Handshake(); err != nil {
						t.Fatal(err)
					}
					c = tc
				}
				_, _ = io.WriteString(c, tt.sends) // on a slow machine its time may be over
				silent = append(silent, c)
			}
			var refused *transports.Error
			if err := <-told; !errors.As(err, &refused) || refused.Op != "handshake" || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("%v, want %q", err, tt.why)
			}
			if _, err := io.Copy(io.Discard, silent[0]); errors.Is(err, io.ErrNoProgress) {
				t.Error(err)
			}
			if n := l.Stats().Refused; n == 0 {
				t.Error("nobody was counted")
			}
		})
	}
}

// TestBusyStay has as many clients as there may be without a request, and one whose request is being answered: it keeps its connection.
func TestBusyStay(t *testing.T) {
	for _, version := range []http.Version{http.HTTP1, http.HTTP2} {
		l, err := http.Listen(t.Context(), "127.0.0.1:0", &http.ListenOptions{MaxPending: 1})
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan transports.Conn, 1)
		go func() {
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Error(err)
			}
			accepted <- c
		}()
		busy, err := http.Get(t.Context(), "http://"+l.Addr().String(), &http.Options{Version: version})
		if err != nil {
			t.Fatal(err)
		}
		server := <-accepted
		for range 20 {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		for l.Stats().Refused < 19 {
			time.Sleep(time.Millisecond) // until the others have given way
		}
		if _, err := io.WriteString(server, "hello"); err != nil {
			t.Fatal(err)
		}
		if err := server.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if p, err := io.ReadAll(busy); string(p) != "hello" || err != nil {
			t.Errorf("%v: %q, %v", version, p, err)
		}
		if err := errors.Join(server.Close(), busy.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	}
}
