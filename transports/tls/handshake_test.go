package tls_test

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
)

// server is a listener that notes whom it refuses.
type server struct {
	*tls.Listener
	refused chan error
}

func newServer(t *testing.T, o tls.ListenOptions) *server {
	t.Helper()
	s := &server{refused: make(chan error, 10)}
	o.Refused = func(p *transports.Peer, err error) {
		if p.Transport != "tls" || p.Addr.Network() != "tls" || p.Addr.String() == "" {
			t.Errorf("refused %+v", p)
		}
		s.refused <- err
	}
	l, err := tls.Listen(t.Context(), "127.0.0.1:0", &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Listener = l
	return s
}

// wantError wants err to match kind, and its text to have each of the words.
func wantError(t *testing.T, what string, err, kind error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %v", what, kind)
		return
	}
	var te *transports.Error
	if !errors.As(err, &te) || te.Transport != "tls" || te.Addr == "" || kind != nil && !errors.Is(err, kind) {
		t.Errorf("%s: %v, want a *transports.Error that matches %v", what, err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %v, want %q in it", what, err, w)
		}
	}
}

func certOf(c *testcert.Cert) tls.Config { return tls.Config{CertFile: c.CertFile, KeyFile: c.KeyFile} }

// trusts returns c with an authority that it trusts.
func trusts(c tls.Config, a *testcert.Authority) tls.Config {
	c.CAFile = a.File
	return c
}

// TestServerCertificate has servers that a client must refuse.
func TestServerCertificate(t *testing.T) {
	ca, other := testcert.New(t), testcert.New(t)
	now := time.Now()
	for _, tt := range []struct {
		name   string
		cert   *testcert.Cert
		trusts *testcert.Authority
		kind   error
		words  []string
	}{
		{"wrong name", ca.Issue(t, "example.com", "10.0.0.1"), ca, tls.ErrWrongName, []string{"handshake: the certificate is for another name: 127.0.0.1 is wanted and it has example.com, 10.0.0.1; dial one of its names"}},
		{"no name", ca.Issue(t), ca, tls.ErrWrongName, []string{"it has none"}},
		{"expired", ca.IssueFor(t, now.Add(-2*time.Hour), now.Add(-time.Hour), "127.0.0.1"), ca, tls.ErrExpired, []string{"has expired", "it is valid from 20", "renew it"}},
		{"not yet valid", ca.IssueFor(t, now.Add(time.Hour), now.Add(2*time.Hour), "127.0.0.1"), ca, tls.ErrExpired, []string{"not valid yet"}},
		{"unknown authority", other.Issue(t, "127.0.0.1"), ca, tls.ErrUnknownAuthority, []string{"authority that is not trusted; trust its authority by CAFile (ca=)"}},
		{"unknown to the system", other.Issue(t, "127.0.0.1"), nil, tls.ErrUnknownAuthority, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, tls.ListenOptions{TLS: certOf(tt.cert)})
			var o tls.DialOptions
			if tt.trusts != nil {
				o.TLS.CAFile = tt.trusts.File
			}
			c, err := tls.Dial(t.Context(), s.Addr().String(), &o)
			if c != nil {
				t.Fatal("connected")
			}
			wantError(t, "the client", err, tt.kind, tt.words...)
			wantError(t, "the server", <-s.refused, tls.ErrRefused, "handshake: the peer refused this end's certificate; it is for another name, expired, or of an authority not trusted there")
			if st := s.Stats(); st != (transports.ListenerStats{Refused: 1}) {
				t.Errorf("%+v", st)
			}
		})
	}
}

// TestClientCertificate has clients that a server must refuse. TLS 1.3 tells them after the handshake, when they read or write.
func TestClientCertificate(t *testing.T) {
	ca, other := testcert.New(t), testcert.New(t)
	now := time.Now()
	for _, tt := range []struct {
		name   string
		client tls.Config
		kind   error
		here   string // what the client says
		there  string // what the server says
	}{
		{"none", tls.Config{}, tls.ErrNoCertificate, "the server wants a certificate from this client; set CertFile and KeyFile", "the client has no certificate and the server wants one"},
		{"unknown authority", certOf(other.Issue(t)), tls.ErrUnknownAuthority, "the peer does not trust the authority of this end's certificate", "authority that is not trusted"},
		{"expired", certOf(ca.IssueFor(t, now.Add(-2*time.Hour), now.Add(-time.Hour))), tls.ErrExpired, "the peer says that this end's certificate has expired", "has expired"},
	} {
		for _, writes := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				s := newServer(t, tls.ListenOptions{TLS: trusts(certOf(ca.Issue(t, "127.0.0.1")), ca)})
				c, err := tls.Dial(t.Context(), s.Addr().String(), &tls.DialOptions{TLS: trusts(tt.client, ca)})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if writes {
					for err == nil { // some are taken before the refusal arrives
						_, err = c.Write(make([]byte, 100_000))
					}
				} else {
					_, err = c.Read(make([]byte, 1))
				}
				wantError(t, "the client", err, tt.kind, tt.here)
				wantError(t, "the server", <-s.refused, tt.kind, tt.there)
			})
		}
	}
}

func TestMutual(t *testing.T) {
	ca := testcert.New(t)
	client := ca.Issue(t, "client.example")
	asked := make(chan string, 2)
	s := newServer(t, tls.ListenOptions{
		TLS: trusts(certOf(ca.Issue(t, "feed.example")), ca),
		Authorize: func(_ context.Context, p *transports.Peer) error {
			state := p.Identity.(*stdtls.ConnectionState)
			asked <- state.PeerCertificates[0].DNSNames[0]
			if len(asked) == 1 {
				return errors.New("not yet")
			}
			return nil
		},
	})
	o := &tls.DialOptions{TLS: trusts(certOf(client), ca)}
	o.TLS.ServerName = "feed.example"
	type result struct {
		conn transports.Conn
		err  error
	}
	accepts := make(chan result, 1)
	go func() {
		c, err := s.Accept(t.Context())
		accepts <- result{c, err}
	}()
	refused, err := tls.Dial(t.Context(), s.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	if err := <-s.refused; err.Error() != "not yet" {
		t.Errorf("refused: %v", err)
	}
	c, err := tls.Dial(t.Context(), s.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := <-accepts
	if r.err != nil {
		t.Fatal(r.err)
	}
	accepted := r.conn
	defer accepted.Close()
	if a, b := <-asked, <-asked; a != "client.example" || b != a {
		t.Errorf("asked about %s, %s", a, b)
	}
	state := accepted.(*tls.Conn).ConnectionState()
	if state.Version != stdtls.VersionTLS13 || state.ServerName != "feed.example" || state.DidResume {
		t.Errorf("%+v", state)
	}
	if got, want := s.Stats(), (transports.ListenerStats{Accepted: 1, Open: 1, Refused: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := refused.Read(make([]byte, 1)); !errors.Is(err, transports.ErrPeerClosed) {
		t.Errorf("the refused client: %v, want ErrPeerClosed", err)
	}
}

func TestOldVersions(t *testing.T) {
	ca := testcert.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	s := newServer(t, tls.ListenOptions{TLS: certOf(cert)})
	_, err := stdtls.Dial("tcp", s.Addr().String(), &stdtls.Config{RootCAs: ca.Pool, MaxVersion: stdtls.VersionTLS12})
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("an old client: %v", err)
	}
	wantError(t, "the server of an old client", <-s.refused, tls.ErrVersion, "the peer speaks nothing as new as TLS 1.3")

	old, err := stdtls.Listen("tcp", "127.0.0.1:0", &stdtls.Config{Certificates: []stdtls.Certificate{cert.TLS}, MaxVersion: stdtls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := old.Accept(); err == nil {
			_ = c.(*stdtls.Conn).Handshake()
			_ = c.Close()
		}
	}()
	_, err = tls.Dial(t.Context(), old.Addr().String(), &tls.DialOptions{TLS: tls.Config{CAFile: ca.File}})
	wantError(t, "the client of an old server", err, tls.ErrVersion, "TLS 1.3")
	<-done
}

// TestPlainClient has clients that do not speak TLS.
func TestPlainClient(t *testing.T) {
	cert := testcert.New(t).Issue(t, "127.0.0.1")

	t.Run("sends Arrow", func(t *testing.T) {
		s := newServer(t, tls.ListenOptions{TLS: certOf(cert)})
		c, err := tcp.Dial(t.Context(), s.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		w, b := feed.NewTradeWriter(c, nil), feed.NewTradeBuilder(nil)
		b.Append(feed.Trade{Time: time.Unix(0, 0), Symbol: "ACME"})
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		wantError(t, "the server", <-s.refused, tls.ErrNotTLS, "the peer speaks Arrow without TLS; one end uses tls://, the other tcp://")
		_, err = feed.NewTradeReader(c, nil).Next(t.Context())
		if err == nil || !strings.Contains(err.Error(), "use tls://") {
			t.Errorf("the client: %v", err)
		}
		for err = nil; err == nil; {
			_, err = c.Write(make([]byte, 100_000))
		}
		if !errors.Is(err, transports.ErrPeerClosed) {
			t.Errorf("the client's write: %v", err)
		}
	})
	t.Run("only sends", func(t *testing.T) {
		s := newServer(t, tls.ListenOptions{TLS: certOf(cert)})
		c, err := tcp.Dial(t.Context(), s.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for err == nil {
			_, err = c.Write(bytes.Repeat([]byte{0xff}, 100_000))
		}
		if !errors.Is(err, transports.ErrPeerClosed) || runtime.GOOS == "linux" && !strings.HasSuffix(err.Error(), "; the peer speaks TLS, use tls://") {
			t.Errorf("the client: %v", err)
		}
		<-s.refused
	})
	t.Run("waits", func(t *testing.T) {
		s := newServer(t, tls.ListenOptions{TLS: certOf(cert), HandshakeTimeout: 20 * time.Millisecond})
		c, err := tcp.Dial(t.Context(), s.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = feed.NewTradeReader(c, nil).Next(t.Context())
		if err == nil || !strings.Contains(err.Error(), "use tls://") {
			t.Errorf("the client: %v", err)
		}
		wantError(t, "the server", <-s.refused, os.ErrDeadlineExceeded, "the peer sent nothing; does it speak TLS?")
	})
	t.Run("speaks HTTP", func(t *testing.T) {
		s := newServer(t, tls.ListenOptions{TLS: certOf(cert)})
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("http://" + s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || string(text) != "This port speaks TLS.\n" {
			t.Errorf("the client got %s, %q", resp.Status, text)
		}
		wantError(t, "the server", <-s.refused, tls.ErrNotTLS, "the peer is an HTTP client without TLS")
	})
	t.Run("speaks something else", func(t *testing.T) {
		s := newServer(t, tls.ListenOptions{TLS: certOf(cert)})
		c, err := tcp.Dial(t.Context(), s.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "SSH-2.0-test\r\n"); err != nil {
			t.Fatal(err)
		}
		wantError(t, "the server", <-s.refused, tls.ErrNotTLS, "the peer does not speak TLS")
	})
}

// TestPlainServer has servers that do not speak TLS.
func TestPlainServer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		serve func(c net.Conn)
		kind  error
		words string
	}{
		{"sends Arrow", func(c net.Conn) { _, _ = io.WriteString(c, "\xff\xff\xff\xff\x00\x00\x00\x00") }, tls.ErrNotTLS, "the peer speaks Arrow without TLS; one end uses tls://, the other tcp://"},
		{"speaks HTTP", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, tls.ErrNotTLS, "the peer is an HTTP server without TLS; use http:// or ws://"},
		{"closes", func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }, transports.ErrPeerClosed, "the peer closed the connection in the handshake: the peer closed the connection; does it speak TLS?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				if c, err := l.Accept(); err == nil {
					tt.serve(c)
					_, _ = io.Copy(io.Discard, c) // a close with unread bytes would be a reset
					_ = c.Close()
				}
			}()
			_, err = tls.Dial(t.Context(), l.Addr().String(), nil)
			wantError(t, "the client", err, tt.kind, tt.words)
			<-done
		})
	}
	t.Run("waits", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, err = tls.Dial(t.Context(), l.Addr().String(), &tls.DialOptions{HandshakeTimeout: 20 * time.Millisecond})
		wantError(t, "the client", err, os.ErrDeadlineExceeded, "the peer sent nothing; does it speak TLS?")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err = tls.Dial(ctx, l.Addr().String(), nil)
		wantError(t, "the client", err, context.DeadlineExceeded)
	})
}

// TestSlowHandshakes has peers that never finish. They delay nobody, and give way when there are too many.
func TestSlowHandshakes(t *testing.T) {
	ca := testcert.New(t)
	s := newServer(t, tls.ListenOptions{TLS: certOf(ca.Issue(t, "127.0.0.1")), MaxPending: 4})
	var slow []net.Conn
	for range 8 {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		slow = append(slow, c)
	}
	for range 5 {
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
		talk(t, c, accepted.(*tls.Conn))
	}
	for range 4 {
		wantError(t, "a slow peer", <-s.refused, nil, "its handshake had to give way: too many peers are in theirs; see ListenOptions.MaxPending")
	}
	if _, err := slow[0].Read(make([]byte, 1)); err == nil {
		t.Error("the first slow peer is still there")
	}
}

// talk sends a word each way.
func talk(t *testing.T, a, b *tls.Conn) {
	t.Helper()
	for _, ends := range [][2]*tls.Conn{{a, b}, {b, a}} {
		if _, err := io.WriteString(ends[0], "hello"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(ends[1], got); err != nil || string(got) != "hello" {
			t.Fatalf("received %q, %v", got, err)
		}
	}
}
