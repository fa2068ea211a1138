package tcp_test

import (
	"context"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestWireFaults(t *testing.T) {
	transporttest.RunFaults(t, transporttest.Faulty{
		Network: "tcp", DiallerSends: true,
		Listen: func(ctx context.Context) (transports.Listener, error) { return tcp.Listen(ctx, "127.0.0.1:0", nil) },
		Dial: func(ctx context.Context, _ transports.Listener, addr string, _ transporttest.Role) (transports.Conn, error) {
			return tcp.Dial(ctx, addr, nil)
		},
	})
}
