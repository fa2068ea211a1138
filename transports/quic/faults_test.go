package quic_test

import (
	"context"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/quic"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestWireFaults(t *testing.T) {
	p := newPKI(t)
	o := quic.Options{Linger: time.Second, HandshakeTimeout: 2 * time.Second, IdleTimeout: 2 * time.Second}
	transporttest.RunFaults(t, transporttest.Faulty{
		Network: "udp", Sealed: true, DiallerSends: true,
		Listen: func(ctx context.Context) (transports.Listener, error) {
			return quic.Listen(ctx, "127.0.0.1:0", &quic.ListenOptions{Options: o, TLS: p.listener()})
		},
		Dial: func(ctx context.Context, _ transports.Listener, addr string, role transporttest.Role) (transports.Conn, error) {
			return quic.Dial(ctx, addr, &quic.DialOptions{Options: o, TLS: p.client(), Receives: role == transporttest.Receives})
		},
	})
}
