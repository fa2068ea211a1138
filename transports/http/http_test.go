package http_test

import (
	"context"
	"os"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	secured "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// TestMain runs this program as the other end of one of its tests if that asks for it.
func TestMain(m *testing.M) {
	if role := os.Getenv("HTTP_TEST_CHILD"); role != "" {
		os.Exit(child(role))
	}
	transporttest.Main(m)
}

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
	for _, tt := range []struct {
		name    string
		version http.Version
		tls     bool
		both    bool
	}{
		{name: "1.1", version: http.HTTP1},
		{name: "1.1 over TLS", version: http.HTTP1, tls: true},
		{name: "2", version: http.HTTP2},
		{name: "2 over TLS", version: http.HTTP2, tls: true},
		{name: "2 both ways", both: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scheme := "http://"
			lo, do := &http.ListenOptions{Path: "/feed", AnswerTime: -1}, &http.Options{Version: tt.version}
			if tt.tls {
				scheme, lo.TLS, do.TLS = "https://", p.listener(), p.client()
			}
			listen := func(ctx context.Context) (transports.Listener, error) {
				return http.Listen(ctx, "127.0.0.1:0", lo)
			}
			dial := func(ctx context.Context, l transports.Listener, role transporttest.Role) (transports.Conn, error) {
				url := scheme + l.Addr().String()
				switch {
				case tt.both:
					return http.Both(ctx, url, do)
				case role == transporttest.Receives:
					return http.Get(ctx, url, do)
				default:
					return http.Post(ctx, url, do)
				}
			}
			if tt.both {
				transporttest.RunWith(t, dial, listen, transports.Caps{Duplex: true, Deadline: true},
					transporttest.Options{Dialled: transports.Caps{HalfClose: true}, AbortDrops: true})
				return
			}
			transporttest.Run(t, dial, listen, transports.Caps{HalfClose: true, Deadline: true})
		})
	}
}
