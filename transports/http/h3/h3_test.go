package h3_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/http/h3"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	secured "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestMain(m *testing.M) { transporttest.Main(m) }

func TestTransport(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	o := &http.Options{TLS: secured.Config{CAFile: a.File}}
	listen := func(ctx context.Context) (transports.Listener, error) {
		return h3.Listen(ctx, "127.0.0.1:0", &http.ListenOptions{
			TLS: secured.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}, Path: "/feed", AnswerTime: -1,
		})
	}
	t.Run("one way", func(t *testing.T) {
		dial := func(ctx context.Context, l transports.Listener, role transporttest.Role) (transports.Conn, error) {
			if role == transporttest.Receives {
				return h3.Get(ctx, "https://"+l.Addr().String(), o)
			}
			return h3.Post(ctx, "https://"+l.Addr().String(), o)
		}
		transporttest.Run(t, dial, listen, transports.Caps{HalfClose: true, Deadline: true})
	})
	t.Run("both ways", func(t *testing.T) {
		dial := func(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
			return h3.Both(ctx, "https://"+l.Addr().String(), o)
		}
		transporttest.RunWith(t, dial, listen, transports.Caps{Duplex: true, Deadline: true},
			transporttest.Options{Dialled: transports.Caps{HalfClose: true}, AbortDrops: true})
	})
}

// TestRefused has clients whose handshakes fail, each for another reason, and such that send no request.
func TestRefused(t *testing.T) {
	a := testcert.New(t)
	server := a.Issue(t, "localhost", "127.0.0.1")
	client := a.Issue(t, "client")
	now := time.Now()
	expired := a.IssueFor(t, now.Add(-2*time.Hour), now.Add(-time.Hour), "client")
	open := func(t *testing.T, o http.ListenOptions) (l *h3.Listener, url string, told chan error) {
		told = make(chan error, 10)
		o.TLS = secured.Config{CertFile: server.CertFile, KeyFile: server.KeyFile, CAFile: o.TLS.CAFile}
		o.Refused = func(p *transports.Peer, err error) {
			if p.Addr.Network() != "https" || p.Addr.String() == "" {
				t.Errorf("the peer is %+v", p)
			}
			told <- err
		}
		l, err := h3.Listen(t.Context(), "127.0.0.1:0", &o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l, "https://" + l.Addr().String(), told
	}
	for _, c := range []struct {
		name         string
		client       secured.Config
		near, server error // what the client has, nil for any, and the server
	}{
		{"an authority that the client does not know", secured.Config{CAFile: testcert.New(t).File}, secured.ErrUnknownAuthority, secured.ErrRefused},
		{"another name", secured.Config{CAFile: a.File, ServerName: "feed.example"}, secured.ErrWrongName, secured.ErrRefused},
		{"no certificate", secured.Config{CAFile: a.File}, secured.ErrNoCertificate, secured.ErrNoCertificate},
		{"an expired one", secured.Config{CAFile: a.File, CertFile: expired.CertFile, KeyFile: expired.KeyFile}, secured.ErrExpired, secured.ErrExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, url, told := open(t, http.ListenOptions{TLS: secured.Config{CAFile: a.File}})
			conn, err := h3.Get(t.Context(), url, &http.Options{TLS: c.client})
			if err == nil { // TLS 1.3 has let it go on
				_, err = conn.Read(make([]byte, 1))
				conn.Close()
			}
			if err == nil || c.near != nil && !errors.Is(err, c.near) {
				t.Errorf("the client: %v, want %v", err, c.near)
			}
			if err := <-told; !errors.Is(err, c.server) {
				t.Errorf("the listener: %v, want %v", err, c.server)
			}
			if n := l.Stats().Refused; n != 1 && n != 2 { // a client that is refused before it has sent its request tries once more
				t.Errorf("%d were refused", n)
			}
		})
	}
	for _, c := range []struct {
		name string
		o    http.ListenOptions
		why  string
	}{
		{"silent for too long", http.ListenOptions{HandshakeTimeout: 4 * time.Second}, "no request in time"},
		{"too many are silent", http.ListenOptions{HandshakeTimeout: time.Minute, MaxPending: 1}, "give way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, url, told := open(t, c.o)
			roots, err := (&secured.Config{CAFile: a.File, CertFile: client.CertFile, KeyFile: client.KeyFile}).Client("127.0.0.1", http3.NextProtoH3)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				qc, err := quic.DialAddr(t.Context(), url[len("https://"):], roots, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer qc.CloseWithError(0, "")
			}
			var refused *transports.Error
			if err := <-told; !errors.As(err, &refused) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v, want %q", err, c.why)
			}
		})
	}
}

// TestIdle has clients whose requests were answered and that keep their connections: of them there are not more than MaxPending. One whose
// request is being answered stays, and so does one that asks again.
func TestIdle(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	l, err := h3.Listen(t.Context(), "127.0.0.1:0", &http.ListenOptions{
		TLS: secured.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}, MaxPending: 2, Path: "/feed",
		Refused: func(_ *transports.Peer, err error) { t.Errorf("refused: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, _, _ := strings.Cut(l.Addr().String(), "/")
	config, err := (&secured.Config{CAFile: a.File}).Client("127.0.0.1", http3.NextProtoH3)
	if err != nil {
		t.Fatal(err)
	}
	var tr http3.Transport
	open := func() (*quic.Conn, *http3.ClientConn) {
		qc, err := quic.DialAddr(t.Context(), host, config, &quic.Config{KeepAlivePeriod: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { qc.CloseWithError(0, "") })
		return qc, tr.NewClientConn(qc)
	}
	get := func(c *http3.ClientConn, path string, status int) *nethttp.Response {
		t.Helper()
		r, err := nethttp.NewRequestWithContext(t.Context(), nethttp.MethodGet, "https://"+host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.RoundTrip(r)
		if err != nil || resp.StatusCode != status {
			t.Fatalf("%v, %v, want %d", resp, err, status)
		}
		return resp
	}
	accepted := make(chan transports.Conn, 1)
	go func() {
		c, err := l.Accept(t.Context())
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	busy, busyClient := open()
	body := get(busyClient, "/feed", nethttp.StatusOK).Body
	server := <-accepted

	var idle []*quic.Conn
	for range 6 {
		qc, c := open()
		_ = get(c, "/none", nethttp.StatusNotFound).Body.Close()
		_ = get(c, "/none", nethttp.StatusNotFound).Body.Close() // in time
		idle = append(idle, qc)
	}
	for _, qc := range idle[:4] {
		<-qc.Context().Done()
		var e *quic.ApplicationError
		if err := context.Cause(qc.Context()); !errors.As(err, &e) || e.ErrorCode != quic.ApplicationErrorCode(http3.ErrCodeNoError) {
			t.Errorf("one that gave way: %v", err)
		}
	}
	for i, qc := range append(idle[4:], busy) {
		if err := qc.Context().Err(); err != nil {
			t.Errorf("connection %d: %v", i, context.Cause(qc.Context()))
		}
	}
	if _, err := io.WriteString(server, "hello"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(server.CloseWrite(), server.Close()); err != nil {
		t.Error(err)
	}
	if p, err := io.ReadAll(body); string(p) != "hello" || err != nil {
		t.Errorf("%q, %v", p, err)
	}
}

// TestBoth has a handler of an http3.Server send back each batch as it comes.
func TestBoth(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := &http.Handler{Receive: func(ctx context.Context, c *http.Conn) error {
		w := feed.NewTradeWriter(c, nil)
		for b, err := range feed.NewTradeReader(c, nil).Batches(ctx) {
			if err != nil {
				return err
			}
			if err := w.Forward(ctx, b); err != nil {
				return err
			}
			b.Release()
		}
		return w.Close()
	}}
	server := &http3.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert.TLS}},
		Handler: nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			handler.ServeHTTP(h3.Abortable(w), r)
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(udp) }()
	c, err := h3.Both(t.Context(), "https://"+udp.LocalAddr().String()+"/echo", &http.Options{TLS: secured.Config{CAFile: a.File}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (transports.Caps{HalfClose: true, Duplex: true, Deadline: true}); c.Caps() != want {
		t.Errorf("Caps are %+v", c.Caps())
	}
	w, r := feed.NewTradeWriter(c, nil), feed.NewTradeReader(c, nil)
	for i := range 5 { // each batch is back before the next is sent
		b := feed.NewTradeBuilder(nil)
		b.Append(feed.Trade{Time: time.Unix(0, 0), Symbol: "SYM", Size: int64(i)})
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		back, err := r.Next(t.Context())
		if err != nil || back.Len() != 1 || back.Size()[0] != int64(i) {
			t.Fatalf("batch %d: %v", i, err)
		}
		back.Release()
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Next(t.Context()); err != io.EOF { //nolint:errorlint // the contract
		t.Errorf("after the end: %v", err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // the contract
		t.Errorf("after the end of the response: %d, %v", n, err)
	}
	if err := errors.Join(c.Close(), server.Close()); err != nil {
		t.Error(err)
	}
	<-served
	if err := udp.Close(); err != nil {
		t.Error(err)
	}
}

func TestProcesses(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	transporttest.RunProcesses(t, "h3://127.0.0.1:0?idle=2s&cert="+cert.CertFile+"&key="+cert.KeyFile, func(addr net.Addr) string {
		return "h3://" + addr.String() + "?idle=2s&ca=" + a.File
	})
}
