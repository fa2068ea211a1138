package quic_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/quic"
	secured "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// TestMain runs this program as the other end of one of its tests if that asks for it.
func TestMain(m *testing.M) {
	if role := os.Getenv("QUIC_TEST_CHILD"); role != "" {
		os.Exit(child(role))
	}
	transporttest.Main(m)
}

// quick is for tests that close both ends: no Close has to wait for the other. Where the packet that says so is lost, IdleTimeout ends it.
var quick = quic.Options{Linger: -1, HandshakeTimeout: 4 * time.Second, IdleTimeout: 10 * time.Second}

// A pki is who is whom in a test.
type pki struct {
	authority *testcert.Authority
	server    *testcert.Cert
}

func newPKI(t testing.TB) *pki {
	a := testcert.New(t)
	return &pki{a, a.Issue(t, "localhost", "127.0.0.1")}
}

func (p *pki) client() secured.Config { return secured.Config{CAFile: p.authority.File} }

func (p *pki) listener() secured.Config {
	return secured.Config{CertFile: p.server.CertFile, KeyFile: p.server.KeyFile}
}

func TestTransport(t *testing.T) {
	p := newPKI(t)
	listen := func(ctx context.Context) (transports.Listener, error) {
		return quic.Listen(ctx, "127.0.0.1:0", &quic.ListenOptions{Options: quick, TLS: p.listener()})
	}
	dial := func(ctx context.Context, l transports.Listener, role transporttest.Role) (transports.Conn, error) {
		return quic.Dial(ctx, l.Addr().String(), &quic.DialOptions{
			Options: quick, TLS: p.client(), Receives: role == transporttest.Receives,
		})
	}
	caps := transports.Caps{HalfClose: true, Duplex: true, Deadline: true}
	transporttest.RunWith(t, dial, listen, caps, transporttest.Options{DiallerFirst: true})
}

// listen returns a listener that is closed when the test ends.
func listen(t testing.TB, o *quic.ListenOptions) *quic.Listener {
	t.Helper()
	l, err := quic.Listen(t.Context(), "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connect returns the ends of a stream on which the dialling end has sent one byte, which was read.
func connect(t testing.TB, l *quic.Listener, o *quic.DialOptions) (dialled, accepted *quic.Conn) {
	t.Helper()
	dialled, err := quic.Dial(t.Context(), l.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close() })
	if _, err := dialled.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return dialled, c.(*quic.Conn)
}

// TestReceiverDials has the dialling end only receive: the listener sees the stream at once.
func TestReceiverDials(t *testing.T) {
	p := newPKI(t)
	l := listen(t, &quic.ListenOptions{TLS: p.listener()})
	c, err := quic.Dial(t.Context(), l.Addr().String(), &quic.DialOptions{TLS: p.client(), Receives: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write of an end that receives: %v, want net.ErrClosed", err)
	}
	a, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := a.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // the contract
		t.Errorf("Read = %d, %v, want io.EOF", n, err)
	}
	sent := make([]byte, 3<<20)
	closed := make(chan error, 1)
	go func() {
		_, err := a.Write(sent)
		closed <- errors.Join(err, a.Close()) // which waits for the other end
	}()
	got, err := io.ReadAll(c)
	if err != nil || len(got) != len(sent) {
		t.Errorf("received %d bytes, %v, want %d", len(got), err, len(sent))
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	// The end stays the end, although the connection is gone.
	for range 2 {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // the contract
			t.Errorf("Read after the end = %d, %v, want io.EOF", n, err)
		}
	}
}

// TestOneCloses closes one end, after which the other one reads.
func TestOneCloses(t *testing.T) {
	p := newPKI(t)
	const size = 500_000 // fits into the first window
	for _, first := range []string{"dialled", "accepted"} {
		l := listen(t, &quic.ListenOptions{Options: quick, TLS: p.listener()})
		a, b := connect(t, l, &quic.DialOptions{Options: quick, TLS: p.client()})
		if first == "accepted" {
			a, b = b, a
		}
		if _, err := a.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if err := b.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(a); err != nil || len(got) != size {
			t.Errorf("%s: received %d bytes, %v", first, len(got), err)
		}
		if err := a.Close(); err != nil { // both directions have ended, and b has read nothing
			t.Fatal(err)
		}
		if got, err := io.ReadAll(b); err != nil || len(got) != size {
			t.Errorf("after the %s end was closed: received %d bytes, %v, want %d", first, len(got), err, size)
		}
	}
}

// TestCut closes a stream in the middle of a write: the reader must not take it for one that has ended.
func TestCut(t *testing.T) {
	p := newPKI(t)
	l := listen(t, &quic.ListenOptions{Options: quick, TLS: p.listener()})
	a, b := connect(t, l, &quic.DialOptions{Options: quick, TLS: p.client()})
	wrote := make(chan error, 1)
	go func() {
		_, err := a.Write(make([]byte, 64<<20)) // more than any window
		wrote <- err
	}()
	if _, err := io.ReadFull(b, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the write: %v, want net.ErrClosed", err)
	}
	if _, err := io.Copy(io.Discard, b); !errors.Is(err, transports.ErrPeerClosed) || errors.Is(err, net.ErrClosed) {
		t.Errorf("the read: %v, want ErrPeerClosed", err)
	}
}

func TestCertificates(t *testing.T) {
	p, other := newPKI(t), testcert.New(t)
	now := time.Now()
	mutual := p.listener()
	mutual.CAFile = p.authority.File
	with := func(c *testcert.Cert) secured.Config {
		return secured.Config{CAFile: p.authority.File, CertFile: c.CertFile, KeyFile: c.KeyFile}
	}
	of := func(c *testcert.Cert) secured.Config {
		return secured.Config{CertFile: c.CertFile, KeyFile: c.KeyFile}
	}
	for _, tt := range []struct {
		name           string
		server, client secured.Config
		want, refused  error // at the dialling end, and at the listener
		text           string
	}{
		{"wrong name", of(p.authority.Issue(t, "elsewhere.example")), p.client(), secured.ErrWrongName, secured.ErrRefused, "127.0.0.1"},
		{"expired", of(p.authority.IssueFor(t, now.Add(-2*time.Hour), now.Add(-time.Hour), "127.0.0.1")), p.client(), secured.ErrExpired, nil, "expired"},
		{"unknown authority", p.listener(), secured.Config{CAFile: other.File}, secured.ErrUnknownAuthority, nil, "not trusted"},
		{"no client certificate", mutual, p.client(), secured.ErrNoCertificate, secured.ErrNoCertificate, "wants a certificate"},
		{"client of an unknown authority", mutual, with(other.Issue(t, "me")), secured.ErrUnknownAuthority, secured.ErrUnknownAuthority, ""},
		{"expired client", mutual, with(p.authority.IssueFor(t, now.Add(-2*time.Hour), now.Add(-time.Hour), "me")), nil, secured.ErrExpired, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused := make(chan error, 1)
			l := listen(t, &quic.ListenOptions{
				Options: quick, TLS: tt.server,
				Refused: func(_ *transports.Peer, err error) { refused <- err },
			})
			ctx, cancel := context.WithCancel(t.Context())
			accepted := make(chan error, 1)
			go func() {
				_, err := l.Accept(ctx)
				accepted <- err
			}()
			c, err := quic.Dial(t.Context(), l.Addr().String(), &quic.DialOptions{Options: quick, TLS: tt.client})
			if err == nil { // the listener looks at the client's certificate after that
				if err = c.SetReadDeadline(time.Now().Add(time.Minute)); err == nil {
					_, err = c.Read(make([]byte, 1))
				}
				if !errors.Is(err, transports.ErrPeerClosed) {
					t.Errorf("Read: %v, want ErrPeerClosed too", err)
				}
				_ = c.Close()
			}
			var te *transports.Error
			if !errors.As(err, &te) || tt.want != nil && (!errors.Is(err, tt.want) || te.Hint == "") || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("dialling: %v, want %v, with a hint", err, tt.want)
			}
			if err := <-refused; tt.refused != nil && !errors.Is(err, tt.refused) {
				t.Errorf("the listener has seen %v, want %v", err, tt.refused)
			} else {
				t.Logf("dialling: %v; listening: %v", te, err)
			}
			cancel()
			if err := <-accepted; !errors.Is(err, context.Canceled) {
				t.Errorf("Accept: %v", err)
			}
			if s := l.Stats(); s.Accepted != 0 || s.Refused != 1 {
				t.Errorf("%+v, want one refused", s)
			}
		})
	}
}

// TestOtherProtocols has ends that speak something else over QUIC, and ends that speak nothing.
func TestOtherProtocols(t *testing.T) {
	p := newPKI(t)
	h3 := &tls.Config{Certificates: []tls.Certificate{p.server.TLS}, NextProtos: []string{"h3"}, RootCAs: p.authority.Pool}
	server, err := quicgo.ListenAddr("127.0.0.1:0", h3, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, err = quic.Dial(t.Context(), server.Addr().String(), &quic.DialOptions{Options: quick, TLS: p.client()})
	if err == nil || !strings.Contains(err.Error(), `another protocol over QUIC than "ls"`) || !strings.Contains(err.Error(), "HTTP/3") {
		t.Errorf("dialling a server of HTTP/3: %v", err)
	}

	refused := make(chan error, 1)
	l := listen(t, &quic.ListenOptions{
		Options: quick, TLS: p.listener(), Refused: func(_ *transports.Peer, err error) { refused <- err },
	})
	if _, err := quicgo.DialAddr(t.Context(), l.Addr().String(), h3, nil); err == nil {
		t.Error("a client of HTTP/3 was taken")
	}
	if err := <-refused; err == nil || !strings.Contains(err.Error(), "another protocol over QUIC") {
		t.Errorf("a client of HTTP/3: %v", err)
	}

	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, err = quic.Dial(t.Context(), silent.LocalAddr().String(), &quic.DialOptions{
		Options: quic.Options{HandshakeTimeout: 200 * time.Millisecond}, TLS: p.client(),
	})
	var te *transports.Error
	if !errors.As(err, &te) || !te.Timeout() || te.Hint == "" {
		t.Errorf("dialling who does not answer: %v, want a time-out with a hint", err)
	}
}

func TestAuthorize(t *testing.T) {
	p := newPKI(t)
	mutual := p.listener()
	mutual.CAFile = p.authority.File
	me := p.authority.Issue(t, "me")
	var asked []*transports.Peer
	told := make(chan *transports.Peer, 2)
	no := errors.New("not you")
	l := listen(t, &quic.ListenOptions{
		Options: quick, TLS: mutual,
		Authorize: func(_ context.Context, peer *transports.Peer) error {
			asked = append(asked, peer)
			if len(asked) == 1 {
				return no
			}
			return nil
		},
		Refused: func(peer *transports.Peer, err error) {
			if err == no { //nolint:errorlint // the very same
				told <- peer
			}
		},
	})
	o := &quic.DialOptions{Options: quick, TLS: secured.Config{CAFile: p.authority.File, CertFile: me.CertFile, KeyFile: me.KeyFile}}
	first, err := quic.Dial(t.Context(), l.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	let := make(chan transports.Conn, 1)
	go func() {
		c, err := l.Accept(t.Context())
		if err != nil {
			t.Error(err)
		}
		let <- c
	}()
	<-told // before there is another: which of two comes first is not said
	second, err := quic.Dial(t.Context(), l.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := second.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	accepted := <-let
	if accepted == nil {
		t.FailNow()
	}
	defer accepted.Close()
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, transports.ErrPeerClosed) || !strings.Contains(err.Error(), "did not let this end in") {
		t.Errorf("Read of the peer that was refused: %v", err)
	}
	if accepted.RemoteAddr().String() == "" || accepted.RemoteAddr().Network() != "quic" || len(second.TLS().PeerCertificates) != 1 {
		t.Errorf("accepted %v", accepted.RemoteAddr())
	}
	if len(asked) != 2 || len(told) != 0 {
		t.Fatalf("asked %d times, told %d times more", len(asked), len(told))
	}
	for _, peer := range asked {
		state, ok := peer.Identity.(*tls.ConnectionState)
		if !ok || peer.Transport != "quic" || len(state.PeerCertificates) != 1 || state.PeerCertificates[0].DNSNames[0] != "me" {
			t.Errorf("peer %+v", peer)
		}
	}
	if s, want := l.Stats(), (transports.ListenerStats{Accepted: 1, Open: 1, Refused: 1}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func TestSession(t *testing.T) {
	p := newPKI(t)
	l := listen(t, &quic.ListenOptions{Options: quick, TLS: p.listener()})
	accepted := make(chan *quic.Session, 1)
	go func() {
		s, err := l.AcceptSession(t.Context())
		if err != nil {
			t.Error(err)
		}
		accepted <- s
	}()
	near, err := quic.DialSession(t.Context(), l.Addr().String(), &quic.DialOptions{Options: quick, TLS: p.client()})
	if err != nil {
		t.Fatal(err)
	}
	far := <-accepted
	if far == nil {
		t.FailNow()
	}

	// A stream that nobody reads does not stop the others.
	stuck, err := near.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := stuck.Write(make([]byte, 32<<20))
		wrote <- err
	}()
	unread, err := far.AcceptStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if unread.StreamID() != stuck.StreamID() {
		t.Errorf("streams %d and %d", unread.StreamID(), stuck.StreamID())
	}
	for _, ends := range [][2]*quic.Session{{near, far}, {far, near}} {
		for range 3 {
			s, err := ends[0].OpenSender(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want := (transports.Caps{HalfClose: true, Deadline: true}); s.Caps() != want {
				t.Errorf("Caps of a sender are %+v", s.Caps())
			}
			if _, err := s.Read(make([]byte, 1)); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("Read of a sender: %v", err)
			}
			go func() {
				if _, err := s.Write(make([]byte, 1<<20)); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			r, err := ends[1].AcceptReceiver(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want := (transports.Caps{Deadline: true}); r.Caps() != want {
				t.Errorf("Caps of a receiver are %+v", r.Caps())
			}
			for _, err := range []error{r.CloseWrite(), r.SetWriteDeadline(time.Time{}), second(r.Write([]byte{1}))} {
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("a receiver that sends: %v", err)
				}
			}
			if got, err := io.ReadAll(r); err != nil || len(got) != 1<<20 {
				t.Errorf("received %d bytes, %v", len(got), err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if s, want := l.Stats(), (transports.ListenerStats{Accepted: 1, Open: 1}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	if err := far.Close(); err != nil {
		t.Error(err)
	}
	if err := near.Wait(t.Context()); err != nil {
		t.Errorf("Wait: %v", err)
	}
	if err := <-wrote; !errors.Is(err, transports.ErrPeerClosed) {
		t.Errorf("the write that nobody read: %v, want ErrPeerClosed", err)
	}
	if _, err := near.OpenStream(t.Context()); err == nil {
		t.Error("a stream of a session that has ended")
	}
	for range 2 {
		if err := errors.Join(near.Close(), far.Close()); err != nil {
			t.Error(err)
		}
	}
	if s, want := l.Stats(), (transports.ListenerStats{Accepted: 1}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func second[A any](_ A, err error) error { return err }

// TestStreamsOfAPeer has the listener return each stream of a connection.
func TestStreamsOfAPeer(t *testing.T) {
	p := newPKI(t)
	l := listen(t, &quic.ListenOptions{Options: quick, TLS: p.listener()})
	s, err := quic.DialSession(t.Context(), l.Addr().String(), &quic.DialOptions{Options: quick, TLS: p.client()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range byte(4) {
		c, err := s.OpenStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte{i}); err != nil {
			t.Fatal(err)
		}
		a, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(a); err != nil || len(got) != 1 || got[0] != i {
			t.Errorf("stream %d: %v, %v", i, got, err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	// After Close there are no more, and the peer is told.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := s.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte{9}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, transports.ErrPeerClosed) || !strings.Contains(err.Error(), "takes no more streams") {
		t.Errorf("a stream that nobody takes: %v", err)
	}
}

// TestUnexpectedStream has a peer send on a unidirectional stream, as one does that sends parallel streams.
func TestUnexpectedStream(t *testing.T) {
	p := newPKI(t)
	told := make(chan error, 1)
	l := listen(t, &quic.ListenOptions{Options: quick, TLS: p.listener(), Refused: func(_ *transports.Peer, err error) { told <- err }})
	s, err := quic.DialSession(t.Context(), l.Addr().String(), &quic.DialOptions{Options: quick, TLS: p.client()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _, _ = l.Accept(ctx) }()
	c, err := s.OpenSender(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "parallel streams") {
		t.Errorf("the session ended with %v", err)
	}
	if err := <-told; !strings.Contains(err.Error(), "parallel streams") {
		t.Errorf("the listener was told %v", err)
	}
}

// TestIdle has ends that send nothing, not even to keep the connection.
func TestIdle(t *testing.T) {
	p := newPKI(t)
	o := quic.Options{Linger: -1, KeepAlive: -1, IdleTimeout: 3 * time.Second} // the time that a slow machine has to connect
	l := listen(t, &quic.ListenOptions{Options: o, TLS: p.listener()})
	dialled, accepted := connect(t, l, &quic.DialOptions{Options: o, TLS: p.client()})
	for _, c := range []*quic.Conn{dialled, accepted} {
		_, err := c.Read(make([]byte, 1))
		if te := (*transports.Error)(nil); !errors.Is(err, transports.ErrPeerClosed) || !errors.As(err, &te) || !te.Timeout() {
			t.Errorf("Read of a connection that was idle: %v, want ErrPeerClosed and a time-out", err)
		}
	}
}

func TestOptions(t *testing.T) {
	p := newPKI(t)
	for what, err := range map[string]error{
		"no certificate": second(quic.Listen(t.Context(), "127.0.0.1:0", nil)),
		"no port":        second(quic.Listen(t.Context(), "localhost", &quic.ListenOptions{TLS: p.listener()})),
		"no port there":  second(quic.Dial(t.Context(), "localhost", nil)),
		"negative":       second(quic.Dial(t.Context(), "localhost:1", &quic.DialOptions{Options: quic.Options{ConnWindow: -1}})),
		"negative there": second(quic.Listen(t.Context(), "localhost:0", &quic.ListenOptions{Options: quic.Options{MaxStreams: -1}, TLS: p.listener()})),
		"no file":        second(quic.Dial(t.Context(), "localhost:1", &quic.DialOptions{TLS: secured.Config{CAFile: p.authority.File + ".no"}})),
	} {
		if te := (*transports.Error)(nil); !errors.As(err, &te) || te.Transport != "quic" || te.Addr == "" {
			t.Errorf("%s: %v, want a *transports.Error", what, err)
		}
	}
}

func TestURI(t *testing.T) {
	p := newPKI(t)
	query := "?ca=" + p.authority.File
	l, err := transports.Listen(t.Context(), "quic://127.0.0.1:0?idle=20s&cert="+p.server.CertFile+"&key="+p.server.KeyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := transports.Open(t.Context(), "quic://"+l.Addr().String()+query, &transports.Options{Role: transports.Receives})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := a.Write([]byte("hello"))
		if err := errors.Join(err, a.Close()); err != nil {
			t.Error(err)
		}
	}()
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("received %q, %v", got, err)
	}
	for _, uri := range []string{"quic://h:1?cert=x", "quic://h:1?idle=x", "quic://h:1?keepalive=0s", "quic+listen://h:1?servername=x"} {
		_, err := transports.Open(t.Context(), uri, nil)
		if ue := (*transports.URIError)(nil); !errors.As(err, &ue) {
			t.Errorf("%s: %v, want a *URIError", uri, err)
		}
	}
}

// TestSilent has connections without a stream: they are closed when their time is over, or when others come.
func TestSilent(t *testing.T) {
	p := newPKI(t)
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
			o, refused := quick, make(chan error, 16)
			o.HandshakeTimeout = c.time
			came := make(chan struct{}, 2)
			l := listen(t, &quic.ListenOptions{
				Options: o, TLS: p.listener(), MaxPending: c.limit, Refused: func(_ *transports.Peer, err error) { refused <- err },
				Authorize: func(context.Context, *transports.Peer) error { came <- struct{}{}; return nil },
			})
			let := make(chan transports.Conn, 1)
			go func() {
				a, err := l.Accept(t.Context()) // lets both in
				if err != nil {
					t.Error(err)
				}
				let <- a
			}()
			silent, err := quic.Dial(t.Context(), l.Addr().String(), &quic.DialOptions{Options: quick, TLS: p.client()})
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			<-came // before the other one, which has to come last
			good, err := quic.Dial(t.Context(), l.Addr().String(), &quic.DialOptions{Options: quick, TLS: p.client(), Receives: true})
			if err != nil {
				t.Fatal(err)
			}
			defer good.Close()
			a := <-let
			if a == nil {
				t.FailNow()
			}
			defer a.Close()
			if err := <-refused; !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v, want %q", err, c.why)
			}
			if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, transports.ErrPeerClosed) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("the silent one reads %v", err)
			}
			if _, err := a.Write([]byte("hi")); err != nil {
				t.Error(err)
			}
			b := make([]byte, 2)
			if _, err := io.ReadFull(good, b); err != nil || string(b) != "hi" {
				t.Errorf("the other one reads %q, %v", b, err)
			}
		})
	}
}
