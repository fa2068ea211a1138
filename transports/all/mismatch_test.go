package all_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/ws"
)

// TestWrongScheme has a client of each scheme at a server of each other one that goes over TCP. Both ends must say what the other one speaks, or
// what to use.
func TestWrongScheme(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	server, client := tls.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}, tls.Config{CAFile: a.File}
	const at, within = "127.0.0.1:0", 2 * time.Second
	type refused = func(*transports.Peer, error)
	servers := map[string]func(refused) (transports.Listener, error){
		"tcp": func(refused) (transports.Listener, error) { return tcp.Listen(t.Context(), at, nil) },
		"tls": func(f refused) (transports.Listener, error) {
			return tls.Listen(t.Context(), at, &tls.ListenOptions{TLS: server, Refused: f, HandshakeTimeout: within})
		},
		"ws": func(f refused) (transports.Listener, error) {
			return ws.Listen(t.Context(), at, &ws.ListenOptions{Refused: f, HandshakeTimeout: within})
		},
		"wss": func(f refused) (transports.Listener, error) {
			return ws.Listen(t.Context(), at, &ws.ListenOptions{TLS: &server, Refused: f, HandshakeTimeout: within})
		},
		"http": func(f refused) (transports.Listener, error) {
			return http.Listen(t.Context(), at, &http.ListenOptions{Refused: f, HandshakeTimeout: within})
		},
		"https": func(f refused) (transports.Listener, error) {
			return http.Listen(t.Context(), at, &http.ListenOptions{TLS: server, Refused: f, HandshakeTimeout: within})
		},
	}
	clients := map[string]func(addr string) (transports.Conn, error){
		"tcp": func(addr string) (transports.Conn, error) { return tcp.Dial(t.Context(), addr, nil) },
		"tls": func(addr string) (transports.Conn, error) {
			return tls.Dial(t.Context(), addr, &tls.DialOptions{TLS: client})
		},
		"ws": func(addr string) (transports.Conn, error) { return ws.Dial(t.Context(), "ws://"+addr, nil) },
		"wss": func(addr string) (transports.Conn, error) {
			return ws.Dial(t.Context(), "wss://"+addr, &ws.DialOptions{TLS: client})
		},
		"http": func(addr string) (transports.Conn, error) { return http.Get(t.Context(), "http://"+addr, nil) },
		"https": func(addr string) (transports.Conn, error) {
			return http.Get(t.Context(), "https://"+addr, &http.Options{TLS: client})
		},
	}
	// What the ends must say, of each server with each client: the client's words and the server's.
	words := map[string]map[string][2]string{
		"tcp": {
			"tls": {"One that does not is tcp://", "the peer speaks TLS, use tls://"}, "ws": {"is it a WebSocket server?", "the peer is an HTTP client"},
			"wss": {"One that does not is tcp://", "the peer speaks TLS, use tls://"}, "http": {"without HTTP is tcp://", "the peer is an HTTP client"},
			"https": {"without HTTP is tcp://", "the peer speaks TLS, use tls://"},
		},
		"tls": {
			"tcp": {"use tls://", "the peer speaks Arrow without TLS"}, "ws": {"it speaks TLS, use wss://", "an HTTP client without TLS"},
			"wss": {"is it a WebSocket server?", "the peer is an HTTP client"}, "http": {"This port speaks TLS", "an HTTP client without TLS"},
			"https": {"or tls://", "the peer is an HTTP client"},
		},
		"ws": {
			"tcp": {"the peer speaks HTTP", "Arrow without HTTP"}, "tls": {"use http:// or ws://", "the peer speaks TLS"},
			"wss": {"use http:// or ws://", "the peer speaks TLS"}, "http": {"use ws:// or wss://", "asks for no WebSocket"},
			"https": {"use http:// or ws://", "the peer speaks TLS"},
		},
		"wss": {
			"tcp": {"use tls://", "the peer speaks Arrow without TLS"}, "tls": {"the peer speaks HTTP", "Arrow over TLS without HTTP"},
			"ws": {"it speaks TLS, use wss://", "an HTTP client without TLS"}, "http": {"This port speaks TLS", "an HTTP client without TLS"},
			"https": {"use ws:// or wss://", "asks for no WebSocket"},
		},
		"http": {
			"tcp": {"the peer speaks HTTP", "Arrow without HTTP"}, "tls": {"use http:// or ws://", "the peer speaks TLS"},
			"wss": {"use http:// or ws://", "the peer speaks TLS"}, "ws": {"is it a WebSocket server", "asks for a WebSocket"},
			"https": {"use http:// or ws://", "the peer speaks TLS"},
		},
		"https": {
			"tcp": {"use tls://", "the peer speaks Arrow without TLS"}, "tls": {"the peer speaks HTTP", "Arrow over TLS without HTTP"},
			"ws": {"it speaks TLS, use wss://", "an HTTP client without TLS"}, "http": {"This port speaks TLS", "an HTTP client without TLS"},
			"wss": {"is it a WebSocket server", "asks for a WebSocket"},
		},
	}
	for to, clientsOf := range words {
		for from, want := range clientsOf {
			t.Run(from+" to "+to, func(t *testing.T) {
				told := make(chan error, 100) // of this case, as clients that try again may be refused when it is over
				l, err := servers[to](func(_ *transports.Peer, err error) { told <- err })
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				var accepting sync.WaitGroup
				accepting.Go(func() { // a server that reads
					for {
						c, err := l.Accept(t.Context())
						if err != nil {
							return
						}
						_, err = feed.NewTradeReader(c, nil).Next(t.Context())
						told <- err
						c.Close()
					}
				})
				c, err := clients[from](strings.TrimSuffix(l.Addr().String(), "/"))
				if err == nil {
					w := feed.NewTradeWriter(c, nil)
					b := feed.NewTradeBuilder(nil)
					fillCrowd(b, 0)
					err = w.Write(t.Context(), b)
					_, again := feed.NewTradeReader(c, nil).Next(t.Context())
					err = errors.Join(err, again)
					c.Close()
				}
				if err == nil || !strings.Contains(err.Error(), want[0]) {
					t.Errorf("the client: %v, want %q", err, want[0])
				}
				if err := <-told; err == nil || !strings.Contains(err.Error(), want[1]) {
					t.Errorf("the server: %v, want %q", err, want[1])
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				accepting.Wait()
			})
		}
	}
}

// TestWrongSchemeOfReader has a client that only reads at a server that waits for its word: it is told what to speak before it is closed.
func TestWrongSchemeOfReader(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	server := tls.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}
	const at, within = "127.0.0.1:0", 200 * time.Millisecond
	for name, listen := range map[string]func() (transports.Listener, error){
		"tls": func() (transports.Listener, error) {
			return tls.Listen(t.Context(), at, &tls.ListenOptions{TLS: server, HandshakeTimeout: within})
		},
		"ws": func() (transports.Listener, error) {
			return ws.Listen(t.Context(), at, &ws.ListenOptions{HandshakeTimeout: within})
		},
		"wss": func() (transports.Listener, error) {
			return ws.Listen(t.Context(), at, &ws.ListenOptions{TLS: &server, HandshakeTimeout: within})
		},
		"http": func() (transports.Listener, error) {
			return http.Listen(t.Context(), at, &http.ListenOptions{HandshakeTimeout: within})
		},
		"https": func() (transports.Listener, error) {
			return http.Listen(t.Context(), at, &http.ListenOptions{TLS: server, HandshakeTimeout: within})
		},
	} {
		want := map[string]string{"ws": "use http://", "http": "use http://"}[name]
		if want == "" {
			want = "use tls://"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := listen()
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			c, err := tcp.Dial(t.Context(), strings.TrimSuffix(l.Addr().String(), "/"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := feed.NewTradeReader(c, nil).Next(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// TestWrongSchemeQUIC is the same for those over QUIC. A client of WebTransport leaves a server of HTTP/3 that does not offer that before it asks
// for anything, so there is nothing for the server to say.
func TestWrongSchemeQUIC(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "127.0.0.1")
	for _, c := range []struct{ server, client, clientSays, serverSays string }{
		{"quic", "h3", "another protocol over QUIC than HTTP/3; streams over QUIC without HTTP are quic://", "it must use quic://, or this end be h3://"},
		{"quic", "wt", "another protocol over QUIC than HTTP/3; streams over QUIC without HTTP are quic://", "it must use quic://, or this end be h3://"},
		{"h3", "quic", "That is h3:// or wt://", "the peer does not speak HTTP/3; it must use h3://"},
		{"wt", "quic", "That is h3:// or wt://", "the peer does not speak HTTP/3; it must use wt://"},
		{"wt", "h3", "This port speaks WebTransport: use wt://", "without WebTransport; it must use wt://, or this end be h3://"},
		{"h3", "wt", "is it h3://?", ""},
	} {
		t.Run(c.client+" to "+c.server, func(t *testing.T) {
			told := make(chan error, 10)
			l, err := transports.Listen(t.Context(), c.server+"://127.0.0.1:0?cert="+cert.CertFile+"&key="+cert.KeyFile, &transports.Options{
				Refused: func(_ *transports.Peer, err error) { told <- err },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			conn, err := transports.Open(t.Context(), c.client+"://"+l.Addr().String()+"?timeout=10s&ca="+a.File, &transports.Options{Role: transports.Receives})
			if err == nil {
				conn.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.clientSays) || strings.Contains(err.Error(), "CRYPTO_ERROR") {
				t.Errorf("the client: %v, want %q", err, c.clientSays)
			}
			if c.serverSays == "" {
				return
			}
			select {
			case err := <-told:
				if !strings.Contains(err.Error(), c.serverSays) {
					t.Errorf("the server: %v, want %q", err, c.serverSays)
				}
			case <-time.After(10 * time.Second):
				t.Error("the server says nothing")
			}
		})
	}
}
