package tls_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestMain(m *testing.M) { transporttest.Main(m) }

func TestTransport(t *testing.T) {
	ca := testcert.New(t)
	server := ca.Issue(t, "127.0.0.1")
	listen := func(ctx context.Context) (transports.Listener, error) {
		return tls.Listen(ctx, "127.0.0.1:0", &tls.ListenOptions{TLS: tls.Config{CertFile: server.CertFile, KeyFile: server.KeyFile}})
	}
	dial := func(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
		c, err := tls.Dial(ctx, l.Addr().String(), &tls.DialOptions{TLS: tls.Config{CAFile: ca.File}})
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	transporttest.Run(t, dial, listen, transports.Caps{HalfClose: true, Duplex: true, Deadline: true})
}

func TestProcesses(t *testing.T) {
	ca := testcert.New(t)
	server, client := ca.Issue(t, "127.0.0.1"), ca.Issue(t)
	listen := fmt.Sprintf("tls://127.0.0.1:0?cert=%s&key=%s&ca=%s", server.CertFile, server.KeyFile, ca.File)
	transporttest.RunProcesses(t, listen, func(a net.Addr) string {
		return fmt.Sprintf("tls://%s?cert=%s&key=%s&ca=%s", a, client.CertFile, client.KeyFile, ca.File)
	})
}

// TestOpenRefused wants who waits for a single peer to be told of those that were not let in.
func TestOpenRefused(t *testing.T) {
	server := testcert.New(t).Issue(t, "127.0.0.1")
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	_, err := transports.Open(ctx, fmt.Sprintf("tls+listen://127.0.0.1:0?cert=%s&key=%s", server.CertFile, server.KeyFile), &transports.Options{
		Listening: func(a net.Addr) {
			go func() {
				c, err := net.Dial("tcp", a.String())
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
					t.Error(err)
				}
				<-ctx.Done()
			}()
		},
		Refused: func(*transports.Peer, error) { told++; cancel() },
	})
	if err == nil || told != 1 || !errors.Is(err, context.Canceled) || !errors.Is(err, tls.ErrNotTLS) || !strings.Contains(err.Error(), "; 1 were refused, the last one: ") {
		t.Fatalf("%v, told %d times", err, told)
	}
}
