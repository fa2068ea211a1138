package all_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/serve"
)

// TestLeft has a client of each transport leave after a batch, while the server goes on to send. That is no failure: it is counted by itself, and
// told at level Debug.
func TestLeft(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	server := "?cert=" + url.QueryEscape(cert.CertFile) + "&key=" + url.QueryEscape(cert.KeyFile)
	client := "?ca=" + url.QueryEscape(a.File)
	for _, scheme := range []string{"tcp", "uds", "ws", "http", "tls", "wss", "https", "quic", "h3", "wt"} {
		t.Run(scheme, func(t *testing.T) {
			at, own, trust := scheme+"://", "127.0.0.1:0", ""
			switch scheme {
			case "uds":
				if runtime.GOOS == "windows" {
					t.Skip("a path of Windows is no URI's")
				}
				dir, err := os.MkdirTemp("", "ls") // a short name
				if err != nil {
					t.Fatal(err)
				}
				defer os.RemoveAll(dir)
				own = filepath.Join(dir, "s")
			case "tcp", "ws", "http":
			default:
				own, trust = own+server, client
			}
			l, err := transports.Listen(t.Context(), at+own, &transports.Options{Role: transports.Sends})
			if err != nil {
				t.Fatal(err)
			}
			var told, loud bytes.Buffer
			served := make(chan struct{})
			s := &serve.Server{
				Log: slog.New(slog.NewMultiHandler(
					slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug}), slog.NewTextHandler(&loud, nil),
				)),
				Handle: func(ctx context.Context, conn transports.Conn) error {
					defer close(served)
					w, b := feed.NewTradeWriter(conn, nil), feed.NewTradeBuilder(nil)
					defer w.Abort()
					for {
						fillCrowd(b, 0)
						if err := w.Write(ctx, b); err != nil {
							return err
						}
					}
				},
			}
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(l) }()
			c, err := transports.Open(t.Context(), at+l.Addr().String()+trust, &transports.Options{Role: transports.Receives})
			if err != nil {
				t.Fatal(err)
			}
			b, err := feed.NewTradeReader(c, nil).Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			<-served
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if err := <-ended; !errors.Is(err, serve.ErrClosed) {
				t.Error(err)
			}
			if n := s.Stats(); n != (serve.Stats{Served: 1, Left: 1}) {
				t.Errorf("%+v", n)
			}
			if loud.Len() != 0 || !bytes.Contains(told.Bytes(), []byte("a client has left")) {
				t.Errorf("told %q, and at level Info %q", &told, &loud)
			}
		})
	}
}
