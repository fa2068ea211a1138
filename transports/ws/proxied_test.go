package ws_test

import (
	"context"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
	"github.com/lightstream-go/lightstream/transports/ws"
)

func TestWireFaults(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "127.0.0.1")
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			var server *tls.Config
			if scheme == "wss" {
				server = &tls.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}
			}
			transporttest.RunFaults(t, transporttest.Faulty{
				Network: "tcp", Sealed: server != nil, DiallerSends: true, EachByte: true,
				Listen: func(ctx context.Context) (transports.Listener, error) {
					return ws.Listen(ctx, "127.0.0.1:0", &ws.ListenOptions{TLS: server})
				},
				Dial: func(ctx context.Context, _ transports.Listener, addr string, _ transporttest.Role) (transports.Conn, error) {
					return ws.Dial(ctx, scheme+"://"+addr, &ws.DialOptions{TLS: tls.Config{CAFile: a.File}})
				},
			})
		})
	}
}
