package wt_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	lshttp "github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/http/h3"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	secured "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
	"github.com/lightstream-go/lightstream/transports/wt"
)

func TestMain(m *testing.M) { transporttest.Main(m) }

// quick is for tests that close both ends: no Close has to wait for the other. Where the packet that says so is lost, IdleTimeout ends it.
var quick = wt.Options{Linger: -1, HandshakeTimeout: 4 * time.Second, IdleTimeout: 10 * time.Second}

func TestTransport(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	listen := func(ctx context.Context) (transports.Listener, error) {
		return wt.Listen(ctx, "127.0.0.1:0", &wt.ListenOptions{
			Options: quick, TLS: secured.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}, Path: "/feed",
		})
	}
	dial := func(ctx context.Context, l transports.Listener, role transporttest.Role) (transports.Conn, error) {
		return wt.Dial(ctx, "https://"+l.Addr().String(), &wt.DialOptions{
			Options: quick, TLS: secured.Config{CAFile: a.File}, Receives: role == transporttest.Receives,
		})
	}
	caps := transports.Caps{HalfClose: true, Duplex: true, Deadline: true}
	transporttest.RunWith(t, dial, listen, caps, transporttest.Options{DiallerFirst: true})
}

func TestProcesses(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	transporttest.RunProcesses(t, "wt://127.0.0.1:0/feed?idle=2s&cert="+cert.CertFile+"&key="+cert.KeyFile, func(addr net.Addr) string {
		return "wt://" + addr.String() + "?idle=2s&ca=" + a.File
	})
}

// server listens with a certificate of its own, and clients trust it.
type server struct {
	*wt.Listener
	client  secured.Config
	refused chan error
}

func newServer(t *testing.T, o wt.ListenOptions) *server {
	t.Helper()
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	s := &server{client: secured.Config{CAFile: a.File}, refused: make(chan error, 16)}
	if o.TLS.CAFile == "" {
		o.TLS = secured.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}
	}
	o.Refused = func(_ *transports.Peer, err error) { s.refused <- err }
	var err error
	if s.Listener, err = wt.Listen(t.Context(), "127.0.0.1:0", &o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *server) url(path string) string {
	host, _, _ := strings.Cut(s.Addr().String(), "/")
	return "https://" + host + path
}

// TestRefused has clients that ask in a wrong way, each of which is told so.
func TestRefused(t *testing.T) {
	denied := errors.New("not this one")
	s := newServer(t, wt.ListenOptions{
		Options: quick, Path: "/feed", Origins: []string{"*.example"},
		Authorize: func(_ context.Context, p *transports.Peer) error {
			if p.Identity.(*http.Request).Header.Get("Authorization") != "Bearer sesame" {
				return denied
			}
			return nil
		},
	})
	for _, c := range []struct {
		name, path, token, origin string
		code                      int
	}{
		{"another path", "/other", "sesame", "", http.StatusNotFound},
		{"no token", "/feed", "", "", http.StatusForbidden},
		{"a page of elsewhere", "/feed", "sesame", "https://evil.test", http.StatusForbidden},
		{"a page", "/feed", "sesame", "https://app.example", 0},
		{"a program", "/feed", "sesame", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := wt.DialOptions{Options: quick, TLS: s.client, Token: c.token}
			if c.origin != "" {
				o.Header = http.Header{"Origin": {c.origin}}
			}
			conn, err := wt.Dial(t.Context(), s.url(c.path), &o)
			if c.code == 0 {
				if err != nil {
					t.Fatal(err)
				}
				conn.Close()
				return
			}
			var status *wt.StatusError
			if !errors.As(err, &status) || status.Code != c.code {
				t.Fatalf("%v, want status %d", err, c.code)
			}
			if c.code == http.StatusForbidden {
				if err := <-s.refused; c.origin == "" && !errors.Is(err, denied) {
					t.Errorf("Refused was told %v", err)
				}
			}
		})
	}
	if n := s.Stats().Refused; n != 2 {
		t.Errorf("%d were refused, want 2", n)
	}
}

// TestCertificates has ends that do not trust each other.
func TestCertificates(t *testing.T) {
	s := newServer(t, wt.ListenOptions{Options: quick})
	_, err := wt.Dial(t.Context(), s.url("/"), &wt.DialOptions{Options: quick, TLS: secured.Config{CAFile: testcert.New(t).File}})
	if !errors.Is(err, secured.ErrUnknownAuthority) {
		t.Errorf("another authority: %v", err)
	}
	if err := <-s.refused; !errors.Is(err, secured.ErrRefused) {
		t.Errorf("the listener: %v", err)
	}
	wrong := s.client
	wrong.ServerName = "feed.example"
	if _, err := wt.Dial(t.Context(), s.url("/"), &wt.DialOptions{Options: quick, TLS: wrong}); !errors.Is(err, secured.ErrWrongName) {
		t.Errorf("another name: %v", err)
	}
	<-s.refused
}

// TestSilent has clients that open no stream: they lose their connections when their time is over, or when others come.
func TestSilent(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int
		time  time.Duration
		why   string
	}{
		{"for too long", 10, 3 * time.Second, "no stream in time"},
		{"too many", 1, time.Minute, "give way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := quick
			o.HandshakeTimeout = c.time
			s := newServer(t, wt.ListenOptions{Options: o, MaxPending: c.limit})
			silent, err := wt.Dial(t.Context(), s.url("/"), &wt.DialOptions{Options: quick, TLS: s.client}) // sends nothing
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			good, err := wt.Dial(t.Context(), s.url("/"), &wt.DialOptions{Options: quick, TLS: s.client, Receives: true})
			if err != nil {
				t.Fatal(err)
			}
			defer good.Close()
			a, err := s.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if err := <-s.refused; !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v, want %q", err, c.why)
			}
			if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, transports.ErrPeerClosed) {
				t.Errorf("the silent one reads %v", err)
			}
			if _, err := a.Write([]byte("hi")); err != nil {
				t.Error(err)
			}
			p := make([]byte, 2)
			if _, err := io.ReadFull(good, p); err != nil || string(p) != "hi" {
				t.Errorf("the other one reads %q, %v", p, err)
			}
		})
	}
}

// TestOtherHTTP3 dials a server of HTTP/3 that has no WebTransport.
func TestOtherHTTP3(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "127.0.0.1")
	l, err := h3.Listen(t.Context(), "127.0.0.1:0", &lshttp.ListenOptions{TLS: secured.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = wt.Dial(t.Context(), "https://"+l.Addr().String(), &wt.DialOptions{Options: quick, TLS: secured.Config{CAFile: a.File}})
	if err == nil || !strings.Contains(err.Error(), "without WebTransport") {
		t.Errorf("%v", err)
	}
}
