package tls_test

import (
	"context"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestWireFaults(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "127.0.0.1")
	transporttest.RunFaults(t, transporttest.Faulty{
		Network: "tcp", Sealed: true, DiallerSends: true, EachByte: true,
		Listen: func(ctx context.Context) (transports.Listener, error) {
			return tls.Listen(ctx, "127.0.0.1:0", &tls.ListenOptions{TLS: tls.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}})
		},
		Dial: func(ctx context.Context, _ transports.Listener, addr string, _ transporttest.Role) (transports.Conn, error) {
			return tls.Dial(ctx, addr, &tls.DialOptions{TLS: tls.Config{CAFile: a.File}})
		},
	})
}
