package h3_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"testing"
	"time"

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
			TLS: secured.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}, Path: "/feed",
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
