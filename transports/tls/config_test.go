package tls_test

import (
	"bytes"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
)

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	// In one step, as tools that renew certificates do; so the file is another one even within one tick of the clock.
	next := to + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, to); err != nil {
		t.Fatal(err)
	}
}

// TestReload replaces certificate and authorities while the server runs.
func TestReload(t *testing.T) {
	ca, other := testcert.New(t), testcert.New(t)
	dir := t.TempDir()
	o := tls.ListenOptions{TLS: tls.Config{
		CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key"), CAFile: filepath.Join(dir, "ca"),
	}}
	reloads := make(chan error, 10)
	o.TLS.Reloaded = func(err error) { reloads <- err }
	first, second := ca.Issue(t, "127.0.0.1"), ca.Issue(t, "127.0.0.1")
	copyFile(t, first.CertFile, o.TLS.CertFile)
	copyFile(t, first.KeyFile, o.TLS.KeyFile)
	copyFile(t, ca.File, o.TLS.CAFile)
	s := newServer(t, o)

	// connect returns the serial number of the certificate that the server has shown.
	connect := func(client *testcert.Cert) (serial string, read error) {
		t.Helper()
		c, err := tls.Dial(t.Context(), s.Addr().String(), &tls.DialOptions{TLS: trusts(certOf(client), ca)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		serial = c.ConnectionState().PeerCertificates[0].SerialNumber.String()
		accepted := make(chan transports.Conn)
		go func() {
			a, err := s.Accept(t.Context())
			if err != nil {
				close(accepted)
				return
			}
			_ = a.CloseWrite()
			accepted <- a
		}()
		if _, read = c.Read(make([]byte, 1)); read == io.EOF { //nolint:errorlint // the contract
			read = nil
			a := <-accepted
			_ = a.Close()
			return serial, nil
		}
		t.Cleanup(func() { <-accepted }) // ends when the listener is closed
		return serial, read
	}
	client, stranger := ca.Issue(t), other.Issue(t)
	if got, err := connect(client); err != nil || got != first.TLS.Leaf.SerialNumber.String() {
		t.Errorf("at first: %s, %v", got, err)
	}

	// Half of a pair: the old one stays in use, and that is told once.
	copyFile(t, second.CertFile, o.TLS.CertFile)
	for range 2 {
		if got, err := connect(client); err != nil || got != first.TLS.Leaf.SerialNumber.String() {
			t.Errorf("with half of the new pair: %s, %v", got, err)
		}
	}
	if err := <-reloads; err == nil || !strings.Contains(err.Error(), "private key does not match") {
		t.Errorf("half of a pair: %v", err)
	}
	copyFile(t, second.KeyFile, o.TLS.KeyFile)
	if got, err := connect(client); err != nil || got != second.TLS.Leaf.SerialNumber.String() {
		t.Errorf("with the new pair: %s, %v", got, err)
	}
	if err := <-reloads; err != nil {
		t.Errorf("the new pair: %v", err)
	}

	// Another authority for clients.
	copyFile(t, other.File, o.TLS.CAFile)
	if _, err := connect(stranger); err != nil {
		t.Errorf("a client of the new authority: %v", err)
	}
	if err := <-reloads; err != nil {
		t.Errorf("the new authority: %v", err)
	}
	if _, err := connect(client); !errors.Is(err, tls.ErrUnknownAuthority) {
		t.Errorf("a client of the old authority: %v", err)
	}
	if len(reloads) > 0 {
		t.Errorf("reloaded again: %v", <-reloads)
	}
	_ = s.Close() // for those that wait for it
}

func TestConfigErrors(t *testing.T) {
	ca := testcert.New(t)
	a, b := ca.Issue(t, "127.0.0.1"), ca.Issue(t, "127.0.0.1")
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name         string
		config       tls.Config
		client, want string // client is "" if that is the same
	}{
		{"no certificate", tls.Config{}, "no error", "a server needs a certificate and its key"},
		{"no key", tls.Config{CertFile: a.CertFile}, "", "a certificate and its key come together"},
		{"no file", tls.Config{CertFile: "nothing", KeyFile: a.KeyFile}, "", "certificate nothing, key "},
		{"another key", tls.Config{CertFile: a.CertFile, KeyFile: b.KeyFile}, "", "private key does not match"},
		{"no authority", trusts(certOf(a), &testcert.Authority{File: garbage}), "", "no certificate in " + garbage},
		{"old", tls.Config{Base: &stdtls.Config{MaxVersion: stdtls.VersionTLS12}}, "", "Base.MaxVersion is below TLS 1.3"},
		{"trusting", tls.Config{Base: &stdtls.Config{InsecureSkipVerify: true}}, "", "accepts any server; set VerifyConnection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tls.Listen(t.Context(), "127.0.0.1:0", &tls.ListenOptions{TLS: tt.config})
			wantError(t, "Listen", err, nil, "lightstream: tls 127.0.0.1:0: listen: ", tt.want)
			if tt.client == "" {
				_, err = tls.Dial(t.Context(), "127.0.0.1:1", &tls.DialOptions{TLS: tt.config})
				wantError(t, "Dial", err, nil, "lightstream: tls 127.0.0.1:1: dial: ", tt.want)
			}
		})
	}

	for uri, want := range map[string]string{
		"tls://h:1?cert=x":                    "lightstream: tls://h:1: cert=: stands without key=",
		"tls://h:1?key=x":                     "lightstream: tls://h:1: key=: stands without cert=",
		"tls://h:1?usertimeout=x":             `lightstream: tls://h:1: usertimeout=: found "x"; want a time such as 500ms or 5s`,
		"tls+listen://h:1?servername=x":       "lightstream: tls+listen://h:1: servername=: is for the end that dials",
		"tls+listen://h:1?cert=x":             "lightstream: tls+listen://h:1: cert=: stands without key=",
		"tls+listen://127.0.0.1:0":            "lightstream: tls 127.0.0.1:0: listen: a server needs a certificate and its key; see ListenOptions.TLS (cert=, key=, ca=)",
		"tls://h:1?insecure=1":                "lightstream: tls://h:1: insecure=: unknown parameter; known for tls: announce, ca, cert, compression, key, ordered, protocol, servername, streams, timeout, usertimeout",
		"tls+listen://h:1?usertimeout=tuesda": `lightstream: tls+listen://h:1: usertimeout=: found "tuesda"; want a time such as 500ms or 5s`,
	} {
		if _, err := transports.Open(t.Context(), uri, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", uri, err, want)
		}
	}
}

// TestInMemory has certificates that are in no file, and a server that is known by its certificate alone.
func TestInMemory(t *testing.T) {
	ca := testcert.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	s := newServer(t, tls.ListenOptions{TLS: tls.Config{Base: &stdtls.Config{Certificates: []stdtls.Certificate{cert.TLS}}}})
	for _, base := range []*stdtls.Config{
		{RootCAs: ca.Pool},
		{InsecureSkipVerify: true, VerifyConnection: func(state stdtls.ConnectionState) error {
			if !bytes.Equal(state.PeerCertificates[0].Raw, cert.TLS.Certificate[0]) {
				return x509.UnknownAuthorityError{}
			}
			return nil
		}},
	} {
		c, err := tls.Dial(t.Context(), s.Addr().String(), &tls.DialOptions{TLS: tls.Config{Base: base}})
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := s.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		talk(t, c, accepted.(*tls.Conn))
		if err := errors.Join(c.Close(), accepted.Close()); err != nil {
			t.Error(err)
		}
	}
}

// between is a proxy that passes so many bytes of what the server sends, and then does something to the rest.
func between(t *testing.T, server string, pass int64, then func(to *net.TCPConn, rest io.Reader)) (addr string) {
	t.Helper()
	l, err := tcp.Listen(t.Context(), "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept(t.Context())
		if err != nil {
			return
		}
		defer c.Close()
		s, err := tcp.Dial(t.Context(), server, nil)
		if err != nil {
			return
		}
		defer s.Close()
		go func() {
			_, _ = io.Copy(s, onlyReader{c})
			_ = s.CloseWrite()
		}()
		_, err = io.CopyN(c, onlyReader{s}, pass)
		if err == nil {
			then(c.(*tcp.Conn).NetConn(), onlyReader{s})
		}
		_ = c.CloseWrite()
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

type onlyReader struct{ io.Reader }

// TestFaults cuts a stream, and flips a bit of it, at many places after the handshake. A cut is told from the end, and nothing
// that was not sent is received.
func TestFaults(t *testing.T) {
	ca := testcert.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	s := newServer(t, tls.ListenOptions{TLS: certOf(cert)})
	b := feed.NewTradeBuilder(nil)
	for i := range 3 {
		b.Append(feed.Trade{Time: time.Unix(int64(i), 0), Symbol: "ACME", Size: int64(i)})
	}
	// run returns how many rows came and the error after them.
	run := func(addr string) (rows int, err error) {
		t.Helper()
		c, err := tls.Dial(t.Context(), addr, &tls.DialOptions{TLS: tls.Config{CAFile: ca.File}})
		if err != nil {
			return 0, err // inside the handshake
		}
		defer c.Close()
		accepted, err := s.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		w := feed.NewTradeWriter(accepted, nil)
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r := feed.NewTradeReader(c, nil)
		for {
			batch, err := r.Next(t.Context())
			if err == io.EOF { //nolint:errorlint // the contract
				// After the end marker, which is not the end of the connection.
				_, err = c.Read(make([]byte, 1))
				return rows, err
			}
			if err != nil {
				return rows, err
			}
			for i, size := range batch.Size() {
				if size != int64(i) || batch.Symbol().At(i) != "ACME" {
					t.Errorf("row %d was not sent", i)
				}
			}
			rows += batch.Len()
		}
	}
	rows, err := run(between(t, s.Addr().String(), 0, func(to *net.TCPConn, rest io.Reader) { _, _ = io.Copy(to, rest) }))
	if rows != 3 || err != io.EOF { //nolint:errorlint // the contract
		t.Fatalf("%d rows, %v", rows, err)
	}
	s.drain()
	cuts, flips := 0, 0
	for at := int64(700); at < 4000; at += 61 { // from within the certificate to beyond the end
		addr := between(t, s.Addr().String(), at, func(to *net.TCPConn, rest io.Reader) {
			_ = to.CloseWrite()
			_, _ = io.Copy(io.Discard, rest)
		})
		if rows, err := run(addr); err != io.EOF { //nolint:errorlint // not cut at all
			cuts++
			if !errors.Is(err, transports.ErrPeerClosed) || rows != 0 && rows != 3 {
				t.Errorf("cut at byte %d: %d rows, %v", at, rows, err)
			}
		}
		addr = between(t, s.Addr().String(), at, func(to *net.TCPConn, rest io.Reader) {
			buf := make([]byte, 16<<10)
			n, _ := rest.Read(buf)
			if n > 0 {
				buf[0] ^= 4
			}
			_, _ = to.Write(buf[:n])
			_, _ = io.Copy(to, rest)
		})
		if rows, err := run(addr); err != io.EOF { //nolint:errorlint // not flipped at all
			flips++
			if err == nil || errors.Is(err, rt.ErrMalformed) || rows != 0 && rows != 3 {
				t.Errorf("flipped at byte %d: %d rows, %v", at, rows, err)
			}
		}
		s.drain()
	}
	if cuts < 10 || flips < 10 {
		t.Errorf("%d cuts and %d flips", cuts, flips)
	}
}

// drain forgets refusals.
func (s *server) drain() {
	for len(s.refused) > 0 {
		<-s.refused
	}
}
