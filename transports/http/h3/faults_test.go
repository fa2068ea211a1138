package h3_test

import (
	"context"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestWireFaults(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "127.0.0.1")
	transporttest.RunFaults(t, transporttest.Faulty{
		Network: "udp", Sealed: true, DiallerSends: true,
		Listen: func(ctx context.Context) (transports.Listener, error) {
			return transports.Listen(ctx, "h3://127.0.0.1:0?idle=2s&cert="+cert.CertFile+"&key="+cert.KeyFile, nil)
		},
		Dial: func(ctx context.Context, _ transports.Listener, addr string, role transporttest.Role) (transports.Conn, error) {
			return transports.Open(ctx, "h3://"+addr+"?idle=2s&timeout=4s&ca="+a.File, &transports.Options{Role: role})
		},
	})
}
