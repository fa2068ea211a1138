package ws_test

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/ws"
)

func newListener(t *testing.T, o *ws.ListenOptions) *ws.Listener {
	t.Helper()
	l, err := ws.Listen(t.Context(), "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// bare returns a connection of coder/websocket to a listener, and the listener's end.
func bare(t *testing.T, l *ws.Listener, o *websocket.DialOptions) (*websocket.Conn, transports.Conn) {
	t.Helper()
	type end struct {
		c   transports.Conn
		err error
	}
	accepted := make(chan end, 1)
	go func() {
		c, err := l.Accept(t.Context())
		accepted <- end{c, err}
	}()
	c, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	e := <-accepted
	if e.err != nil {
		t.Fatal(e.err)
	}
	t.Cleanup(func() { _ = e.c.Close() })
	return c, e.c
}

// wantError wants a *transports.Error that matches kind and has the words in its text.
func wantError(t *testing.T, what string, err, kind error, words ...string) {
	t.Helper()
	var te *transports.Error
	if err == nil || !errors.As(err, &te) || te.Op == "" || kind != nil && !errors.Is(err, kind) {
		t.Errorf("%s: %v, want a *transports.Error that matches %v", what, err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %v, want %q in it", what, err, w)
		}
	}
}

// TestOtherClient has a client that is not of this package: messages of all sizes, in fragments, empty ones, and pings.
func TestOtherClient(t *testing.T) {
	ctx := t.Context()
	c, accepted := bare(t, newListener(t, nil), nil)
	var want []byte
	sent := make(chan error, 1)
	sizes := []int{0, 1, 125, 126, 65_535, 65_536, 3 << 20}
	for _, n := range sizes {
		want = append(want, bytes.Repeat([]byte{byte(n) | 1}, n)...)
	}
	want = append(want, "in three parts"...)
	go func() {
		sent <- func() error {
			for _, n := range sizes {
				if err := c.Write(ctx, websocket.MessageBinary, bytes.Repeat([]byte{byte(n) | 1}, n)); err != nil {
					return err
				}
			}
			w, err := c.Writer(ctx, websocket.MessageBinary)
			if err != nil {
				return err
			}
			for _, part := range []string{"in ", "three ", "parts"} {
				if _, err := io.WriteString(w, part); err != nil {
					return err
				}
			}
			if err := w.Close(); err != nil {
				return err
			}
			read := c.CloseRead(ctx) // for the pong
			if err := c.Ping(ctx); err != nil {
				return err
			}
			if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
				return err
			}
			<-read.Done()
			return nil
		}()
	}()
	got, err := io.ReadAll(accepted)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("received %d bytes, %v, want %d", len(got), err, len(want))
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	// The end is that of both directions.
	if _, err := accepted.Write([]byte("x")); !errors.Is(err, transports.ErrPeerClosed) {
		t.Errorf("a write after the peer's end: %v, want ErrPeerClosed", err)
	}
}

// TestOtherServer has a server that is not of this package.
func TestOtherServer(t *testing.T) {
	got := make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"other"}, CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		got <- r.Header.Get("Sec-WebSocket-Protocol") + r.Header.Get("Sec-WebSocket-Extensions") + r.Header.Get("X-Feed")
		for {
			kind, p, err := c.Read(r.Context())
			if err != nil {
				got <- websocket.CloseStatus(err).String()
				return
			}
			if kind != websocket.MessageBinary {
				t.Errorf("a message of kind %v", kind)
			}
			if err := c.Write(r.Context(), kind, p); err != nil {
				t.Error(err)
			}
		}
	}))
	defer s.Close()
	c, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), &ws.DialOptions{Header: http.Header{"X-Feed": {"trades"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if h := <-got; h != "trades" {
		t.Errorf("the request had %q", h)
	}
	big := bytes.Repeat([]byte("0123456789"), 250_000) // three messages, none above the server's limit
	written := make(chan error, 1)
	go func() {
		_, err := c.WriteBuffers([][]byte{[]byte("head"), nil, big, []byte("tail")})
		written <- err
	}()
	echo := make([]byte, len(big)+8)
	if _, err := io.ReadFull(c, echo); err != nil || string(echo[:4]) != "head" || !bytes.Equal(echo[4:len(echo)-4], big) || string(echo[len(echo)-4:]) != "tail" {
		t.Errorf("other bytes came back, %v", err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if code := <-got; code != websocket.StatusNormalClosure.String() {
		t.Errorf("closed with %s", code)
	}
}

func TestEnds(t *testing.T) {
	ctx := t.Context()
	l := newListener(t, &ws.ListenOptions{MaxMessage: 1000})
	t.Run("text", func(t *testing.T) {
		c, accepted := bare(t, l, nil)
		if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err := accepted.Read(make([]byte, 10))
			wantError(t, "the server", err, ws.ErrText, "read: a text message, where a stream is binary; send binary messages")
		}
		if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
			t.Errorf("the client: %v", err)
		}
	})
	t.Run("another status", func(t *testing.T) {
		c, accepted := bare(t, l, nil)
		closed := make(chan error, 1)
		go func() { closed <- c.Close(websocket.StatusGoingAway, "bye\n") }()
		_, err := accepted.Read(make([]byte, 10))
		wantError(t, "the server", err, transports.ErrPeerClosed, `the peer ended the connection with status 1001, "bye\n"`)
		<-closed
	})
	t.Run("cut", func(t *testing.T) {
		c, accepted := bare(t, l, nil)
		if err := c.Write(ctx, websocket.MessageBinary, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		_ = c.CloseNow()
		got, err := io.ReadAll(accepted)
		if string(got) != "hello" {
			t.Errorf("received %q", got)
		}
		wantError(t, "the server", err, transports.ErrPeerClosed, "the connection was cut before its end")
	})
	t.Run("too big", func(t *testing.T) {
		c, accepted := bare(t, l, nil)
		if err := c.Write(ctx, websocket.MessageBinary, make([]byte, 2000)); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(accepted)
		if len(got) > 1001 {
			t.Errorf("received %d bytes", len(got))
		}
		wantError(t, "the server", err, nil, "a message is larger than MaxMessage; raise MaxMessage")
	})
	t.Run("deadline inside a frame", func(t *testing.T) {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		accepted := make(chan transports.Conn, 1)
		go func() {
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Error(err)
			}
			accepted <- c
		}()
		// A frame of five bytes of which two come.
		_, err = io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x82\x85\x00\x00\x00\x00he")
		if err != nil {
			t.Fatal(err)
		}
		c := <-accepted
		defer c.Close()
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			n, err := c.Read(make([]byte, 10))
			if n != 0 {
				t.Errorf("%d bytes", n)
			}
			wantError(t, "the server", err, os.ErrDeadlineExceeded)
			_ = c.SetReadDeadline(time.Time{})
		}
	})
}

func TestOrigins(t *testing.T) {
	refused := make(chan error, 10)
	l := newListener(t, &ws.ListenOptions{
		Origins: []string{"*.example.com", "https://app.example"},
		Refused: func(p *transports.Peer, err error) {
			if r, ok := p.Identity.(*http.Request); !ok || r.Header.Get("Origin") == "" || p.Transport != "ws" {
				t.Errorf("refused %+v", p)
			}
			refused <- err
		},
	})
	for origin, want := range map[string]bool{
		"http://" + l.Addr().String(): true, "http://a.example.com": true, "https://app.example": true, "": true,
		"http://app.example": false, "http://example.org": false, "null": false, "https://app.example.org": false,
	} {
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(done)
			if c, err := l.Accept(ctx); err == nil {
				_ = c.Close()
			}
		}()
		h := http.Header{}
		if origin != "" {
			h.Set("Origin", origin)
		}
		c, err := ws.Dial(t.Context(), "ws://"+l.Addr().String(), &ws.DialOptions{Header: h})
		if want {
			if err != nil {
				t.Errorf("%q: %v", origin, err)
			} else {
				_ = c.Close()
			}
		} else {
			var status *ws.StatusError
			if !errors.As(err, &status) || status.Code != http.StatusForbidden {
				t.Errorf("%q: %v, want status 403", origin, err)
			}
			wantError(t, "the server", <-refused, nil, "handshake: ")
		}
		cancel()
		<-done
	}
}

// TestHandler mounts a listener on servers of package http, with and without TLS, and asks for a token.
func TestHandler(t *testing.T) {
	l := ws.NewListener(&ws.ListenOptions{Authorize: func(_ context.Context, p *transports.Peer) error {
		r := p.Identity.(*http.Request)
		if r.Header.Get("Authorization") != "Bearer SECRET" || (r.TLS != nil) != (p.Transport == "wss") {
			return errors.New("not you")
		}
		return nil
	}})
	mux := http.NewServeMux()
	mux.Handle("/feed", l)
	mux.HandleFunc("/else", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/feed", http.StatusFound) })
	plain := httptest.NewServer(mux)
	defer plain.Close()
	ca := testcert.New(t)
	secure := httptest.NewUnstartedServer(mux)
	cert := ca.Issue(t, "127.0.0.1")
	secure.TLS = &stdtls.Config{Certificates: []stdtls.Certificate{cert.TLS}}
	secure.StartTLS()
	defer secure.Close()

	for _, s := range []*httptest.Server{plain, secure} {
		uri := "ws" + strings.TrimPrefix(s.URL, "http")
		o := &ws.DialOptions{Token: "SECRET", TLS: tls.Config{CAFile: ca.File}}
		accepted := make(chan transports.Conn, 1)
		go func() {
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Error(err)
			}
			accepted <- c
		}()
		c, err := ws.Dial(t.Context(), uri+"/feed", o)
		if err != nil {
			t.Fatal(err)
		}
		a := <-accepted
		if err := a.SetWriteDeadline(time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
		n, err := a.Write([]byte("late"))
		if n != 0 {
			t.Errorf("%d bytes were written too late", n)
		}
		wantError(t, "a late write", err, os.ErrDeadlineExceeded)
		if err := a.SetWriteDeadline(time.Time{}); err != nil {
			t.Error(err)
		}
		if _, err := io.WriteString(a, "hello"); err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
			t.Errorf("%s: received %q, %v", uri, got, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}

		for _, tt := range []struct{ path, token, want string }{
			{"/feed", "", `handshake: the server answered 403 Forbidden: "this client may not connect"; it does not let this client in`},
			{"/feed", "SECRET2", "403 Forbidden"},
			{"/else", "SECRET", `handshake: the server answered 200 OK: "a page"; is it a WebSocket server, and the path right?`},
			{"/none", "SECRET", `handshake: the server answered 404 Not Found: "404 page not found"`},
			{"/moved", "SECRET", "handshake: the server answered 302 Found"},
		} {
			_, err := ws.Dial(t.Context(), uri+tt.path, &ws.DialOptions{Token: tt.token, TLS: tls.Config{CAFile: ca.File}})
			wantError(t, tt.path, err, nil, tt.want)
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Error(err)
			}
		}
	}
	if s := l.Stats(); s != (transports.ListenerStats{Accepted: 2, Refused: 4}) {
		t.Errorf("%+v", s)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	_, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(plain.URL, "http")+"/feed", &ws.DialOptions{Token: "SECRET"})
	wantError(t, "a handler that was closed", err, nil, "503 Service Unavailable")
	for _, uri := range []string{"ws://feed.example/", "ws://10.0.0.1/"} {
		_, err = ws.Dial(t.Context(), uri, &ws.DialOptions{Token: "SECRET"})
		wantError(t, "a token in plain text", err, nil, "dial: a token is not sent without TLS; use wss://")
	}
}

// TestWrongScheme has peers that speak something else.
func TestWrongScheme(t *testing.T) {
	ca := testcert.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	config := tls.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}
	serve := func(answer string) (addr string) {
		l, err := tcp.Listen(t.Context(), "127.0.0.1:0", nil)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if c, err := l.Accept(t.Context()); err == nil {
				_, _ = io.WriteString(c, answer)
				_ = c.CloseWrite()
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}
		}()
		t.Cleanup(func() {
			_ = l.Close()
			<-done
		})
		return l.Addr().String()
	}
	secure := newListener(t, &ws.ListenOptions{TLS: &config})
	bareTLS, err := tls.Listen(t.Context(), "127.0.0.1:0", &tls.ListenOptions{TLS: config})
	if err != nil {
		t.Fatal(err)
	}
	defer bareTLS.Close()
	plain := newListener(t, nil)
	for _, tt := range []struct {
		name, uri string
		kind      error
		want      string
	}{
		{"ws to wss", "ws://" + secure.Addr().String(), nil, "it speaks TLS, use wss://"},
		{"ws to tls", "ws://" + bareTLS.Addr().String(), nil, "it speaks TLS, use wss://"},
		{"wss to ws", "wss://" + plain.Addr().String(), tls.ErrNotTLS, "wss 127.0.0.1:"},
		{"wss without trust", "wss://" + secure.Addr().String(), tls.ErrUnknownAuthority, "authority that is not trusted"},
		{"ws to Arrow", "ws://" + serve("\xff\xff\xff\xff\x00\x00\x00\x00"), nil, "the peer speaks Arrow without WebSocket; use tcp:// or tls://"},
		{"ws to an alert", "ws://" + serve("\x15\x03\x03\x00\x02\x02\x0a"), nil, "the peer speaks TLS; use wss://"},
		{"ws to anything", "ws://" + serve("220 mail.example ready\r\n"), nil, "the peer does not speak HTTP; is it a WebSocket server?"},
		{"ws to nothing", "ws://" + serve(""), transports.ErrPeerClosed, "the peer closed the connection in the handshake"},
		{"half an answer", "ws://" + serve("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), nil, "Sec-WebSocket-Accept"},
		{"no scheme", "http://localhost", nil, "the scheme is neither ws nor wss"},
		{"no URL", "ws://a:b:c", nil, "the URL cannot be parsed; want ws://host:port/path"},
		{"a password", "ws://me:SECRET@localhost/", nil, "a user or a password in a URL is refused"},
	} {
		_, err := ws.Dial(t.Context(), tt.uri, nil)
		wantError(t, tt.name, err, tt.kind, tt.want)
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Error(err)
		}
	}

	l, err := net.Listen("tcp", "127.0.0.1:0") // which answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = ws.Dial(t.Context(), "ws://"+l.Addr().String(), &ws.DialOptions{HandshakeTimeout: 20 * time.Millisecond})
	wantError(t, "silence", err, context.DeadlineExceeded, "no answer to the handshake in time; is it a WebSocket server?")
	if ne := net.Error(nil); !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("%v does not say Timeout", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = ws.Dial(ctx, "ws://"+l.Addr().String(), nil)
	wantError(t, "silence", err, context.DeadlineExceeded)
}

// TestNoCertificate dials a server that wants a certificate, without one. The error is that of the server's alert and no longer.
func TestNoCertificate(t *testing.T) {
	ca := testcert.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	l := newListener(t, &ws.ListenOptions{TLS: &tls.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile, CAFile: ca.File}})
	uri := "wss://" + l.Addr().String()
	_, err := ws.Dial(t.Context(), uri, &ws.DialOptions{TLS: tls.Config{CAFile: ca.File}})
	wantError(t, "no certificate", err, tls.ErrNoCertificate, "handshake: the server wants a certificate from this client; set CertFile")
}

// TestFragile has a deadline cut a write on a connection of a crypto/tls server, which breaks it. Nothing hangs, and later
// writes return the same.
func TestFragile(t *testing.T) {
	ca := testcert.New(t)
	l := ws.NewListener(nil)
	s := httptest.NewUnstartedServer(l)
	s.TLS = &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(t, "127.0.0.1").TLS}}
	s.StartTLS()
	defer s.Close()
	accepted := make(chan transports.Conn, 1)
	go func() {
		c, err := l.Accept(t.Context())
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	c, err := ws.Dial(t.Context(), "wss"+strings.TrimPrefix(s.URL, "https"), &ws.DialOptions{TLS: tls.Config{CAFile: ca.File}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a := <-accepted
	wrote := make(chan error, 1)
	go func() {
		_, err := a.Write(make([]byte, 64<<20)) // more than fits on the way
		wrote <- err
	}()
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	if err := a.SetWriteDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	err = <-wrote
	wantError(t, "a write that nobody reads on", err, os.ErrDeadlineExceeded)
	_ = a.SetWriteDeadline(time.Time{})
	_, err = a.Write([]byte("more"))
	wantError(t, "the next write", err, os.ErrDeadlineExceeded)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, c); !errors.Is(err, transports.ErrPeerClosed) {
		t.Errorf("the client: %v, want ErrPeerClosed", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestURIs(t *testing.T) {
	for uri, want := range map[string]string{
		"ws://h/?origin=x":         "lightstream: ws://h:80/: origin=: is for the end that dials",
		"ws://h/?ca=x":             "lightstream: ws://h:80/: ca=: unknown parameter; known for ws: announce, compression, ordered, origin, protocol, streams, timeout, usertimeout",
		"wss://h/?key=x":           "lightstream: wss://h:443/: key=: stands without cert=",
		"wss+listen://h?cert=x":    "lightstream: wss+listen://h:443/: cert=: stands without key=",
		"ws://h/?usertimeout=x":    `lightstream: ws://h:80/: usertimeout=: found "x"; want a time such as 500ms or 5s`,
		"ws+listen://h:port/":      "lightstream: ws: cannot be parsed; want ws+listen://host:port/path",
		"wss+listen://127.0.0.1:0": "lightstream: wss 127.0.0.1:0: listen: a server needs a certificate and its key; see ListenOptions.TLS (cert=, key=, ca=)",
	} {
		want = strings.Replace(want, "is for the end that dials", "is for the end that listens", 1)
		if _, err := transports.Open(t.Context(), uri, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", uri, err, want)
		}
	}
	l, err := transports.Listen(t.Context(), "ws://127.0.0.1:0/feed?origin=a.example,b.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = transports.Open(t.Context(), "ws://"+l.Addr().String()+"/other", nil)
	wantError(t, "another path", err, nil, "404 Not Found")
}
