package http_test

import (
	"context"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	secured "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestWireFaults(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "127.0.0.1")
	for _, c := range []struct {
		name, scheme string
		version      http.Version
	}{{"HTTP1", "http", http.HTTP1}, {"HTTP2", "http", http.HTTP2}, {"TLS", "https", http.HTTP2}} {
		t.Run(c.name, func(t *testing.T) {
			sealed := c.scheme == "https"
			transporttest.RunFaults(t, transporttest.Faulty{
				Network: "tcp", Sealed: sealed, DiallerSends: true, EachByte: true,
				Listen: func(ctx context.Context) (transports.Listener, error) {
					o := &http.ListenOptions{AnswerTime: -1}
					if sealed {
						o.TLS = secured.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}
					}
					return http.Listen(ctx, "127.0.0.1:0", o)
				},
				Dial: func(ctx context.Context, _ transports.Listener, addr string, role transporttest.Role) (transports.Conn, error) {
					o := &http.Options{TLS: secured.Config{CAFile: a.File}, Version: c.version, Linger: time.Second}
					if role == transporttest.Receives {
						return http.Get(ctx, c.scheme+"://"+addr, o)
					}
					return http.Post(ctx, c.scheme+"://"+addr, o)
				},
			})
		})
	}
}
