package ws_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
	"github.com/lightstream-go/lightstream/transports/ws"
)

func TestMain(m *testing.M) { transporttest.Main(m) }

var caps = transports.Caps{Duplex: true, Deadline: true}

func TestTransport(t *testing.T) {
	listen := func(ctx context.Context) (transports.Listener, error) { return ws.Listen(ctx, "127.0.0.1:0", nil) }
	transporttest.Run(t, dialWith(nil), listen, caps)
}

func dialWith(o *ws.DialOptions) transporttest.DialFunc {
	return func(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
		c, err := ws.Dial(ctx, l.Addr().Network()+"://"+l.Addr().String()+"/feed", o)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}

func TestTransportTLS(t *testing.T) {
	ca := testcert.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	listen := func(ctx context.Context) (transports.Listener, error) {
		return ws.Listen(ctx, "127.0.0.1:0", &ws.ListenOptions{TLS: &tls.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}})
	}
	transporttest.Run(t, dialWith(&ws.DialOptions{TLS: tls.Config{CAFile: ca.File}}), listen, caps)
}

func TestProcesses(t *testing.T) {
	transporttest.RunProcesses(t, "ws://127.0.0.1:0/feed", func(a net.Addr) string { return "ws://" + a.String() + "/feed" })
	ca := testcert.New(t)
	server, client := ca.Issue(t, "127.0.0.1"), ca.Issue(t)
	uri := func(addr string, c *testcert.Cert) string {
		q := url.Values{"cert": {c.CertFile}, "key": {c.KeyFile}, "ca": {ca.File}}
		return fmt.Sprintf("wss://%s/?%s", addr, q.Encode())
	}
	transporttest.RunProcesses(t, uri("127.0.0.1:0", server), func(a net.Addr) string { return uri(a.String(), client) })
}
