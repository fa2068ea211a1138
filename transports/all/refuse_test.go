package all_test

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
)

// TestRefuse has a server that does not take what a client sends, when that has sent all and half-closed: the client gets an error, which has the
// server's words where the wire has a place for them.
func TestRefuse(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	server := "?cert=" + url.QueryEscape(cert.CertFile) + "&key=" + url.QueryEscape(cert.KeyFile)
	client := "?ca=" + url.QueryEscape(a.File)
	const why = "this end is for other streams, such as those of ships, and of those only such as have sails, which yours cannot be: it is too long by far, and is cut — here or there"
	for _, scheme := range []string{"tcp", "ws", "tls", "wss", "quic", "wt", "http", "http?version=2", "https", "h3"} {
		t.Run(scheme, func(t *testing.T) {
			own, trust := "", ""
			scheme, params, _ := strings.Cut(scheme, "?")
			switch scheme {
			case "tcp", "ws", "http":
				if params != "" {
					trust = "?" + params
				}
			default:
				own, trust = server, client
			}
			l, err := transports.Listen(t.Context(), scheme+"://127.0.0.1:0"+own, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			sent := make(chan struct{})
			refused := make(chan error, 1)
			go func() {
				c, err := l.Accept(t.Context())
				if err == nil {
					<-sent
					_, err = io.ReadFull(c, make([]byte, 5)) // all of it, so that nothing but Refuse tells
					err = errors.Join(err, transports.Refuse(c, why), c.Close())
				}
				refused <- err
			}()
			c, err := transports.Open(t.Context(), scheme+"://"+l.Addr().String()+trust, &transports.Options{Role: transports.Sends})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("ships")); err != nil {
				t.Fatal(err)
			}
			if c.Caps().HalfClose {
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			close(sent)
			if err := <-refused; err != nil {
				t.Error(err)
			}
			begun := time.Now()
			switch f := c.(type) {
			case interface{ Finish(time.Duration) error }:
				err = errors.Join(f.Finish(5*time.Second), c.Close())
			default:
				if scheme == "tcp" || scheme == "tls" { // whose Close does not wait
					_, err = c.Read(make([]byte, 1))
				}
				err = errors.Join(err, c.Close())
			}
			if !errors.Is(err, transports.ErrPeerClosed) {
				t.Errorf("%v, want an error", err)
			}
			if words := why[:100]; scheme != "tcp" && scheme != "tls" && (err == nil || !strings.Contains(err.Error(), words)) {
				t.Errorf("%v, want %q", err, words)
			}
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
