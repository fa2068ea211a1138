package wt_test

import (
	"context"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	secured "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
	"github.com/lightstream-go/lightstream/transports/wt"
)

func TestWireFaults(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "127.0.0.1")
	o := wt.Options{Linger: time.Second, HandshakeTimeout: 2 * time.Second, IdleTimeout: 2 * time.Second}
	transporttest.RunFaults(t, transporttest.Faulty{
		Network: "udp", Sealed: true, DiallerSends: true,
		Listen: func(ctx context.Context) (transports.Listener, error) {
			return wt.Listen(ctx, "127.0.0.1:0", &wt.ListenOptions{
				Options: o, TLS: secured.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile},
			})
		},
		Dial: func(ctx context.Context, _ transports.Listener, addr string, role transporttest.Role) (transports.Conn, error) {
			return wt.Dial(ctx, "https://"+addr, &wt.DialOptions{
				Options: o, TLS: secured.Config{CAFile: a.File}, Receives: role == transporttest.Receives,
			})
		},
	})
}
