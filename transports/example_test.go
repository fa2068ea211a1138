package transports_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/pipe"
)

// send works over any transport, and half-closes where there is a half-close.
func send(c transports.Conn, parts ...string) error {
	var bufs [][]byte
	for _, p := range parts {
		bufs = append(bufs, []byte(p))
	}
	if _, err := c.WriteBuffers(bufs); err != nil {
		return err
	}
	if !c.Caps().HalfClose {
		return c.Close()
	}
	return c.CloseWrite()
}

func ExampleConn() {
	a, b := pipe.New(nil)
	fmt.Println(send(a, "one ", "two"))
	buf := make([]byte, 100)
	n, err := b.Read(buf)
	fmt.Printf("%s %v\n", buf[:n], err)
	_, err = b.Read(buf)
	fmt.Println(err)
	fmt.Println(send(a, "three"))
	// Output:
	// <nil>
	// one two <nil>
	// EOF
	// lightstream: pipe memory: write: use of closed network connection; CloseWrite was called before
}

// A program that is told by its user where to connect to. It links the transports that it imports; this one imports tcp
// and uds.
func ExampleOpen() {
	ctx := context.Background()
	l, err := transports.Listen(ctx, "tcp://127.0.0.1:0", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	c, err := transports.Open(ctx, "tcp://"+l.Addr().String()+"?timeout=10s", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println("connected to", c.RemoteAddr().String() == l.Addr().String())

	_, err = transports.Open(ctx, "quic://localhost:9000", nil)
	fmt.Println(err)
	_, err = transports.Open(ctx, "uds:///run/feed.sock?colour=red", nil)
	fmt.Println(err)
	// Output:
	// connected to true
	// lightstream: quic: the scheme quic is not linked into this program; add import _ "github.com/lightstream-go/lightstream/transports/quic"
	// lightstream: uds:///run/feed.sock: colour=: unknown parameter; known for uds: announce, compression, mode, ordered, protocol, streams, timeout
}

// Whoever sends more than bytes parses the URI and obeys its Stream.
func ExampleParseURI() {
	u, err := transports.ParseURI("tcp+listen://:9000?compression=zstd&streams=4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u, u.Stream.Protocol, u.Stream.Compression, u.Stream.Streams)
	_, err = transports.ParseURI("tcp://me:password@localhost:9000")
	fmt.Println(err)
	// Output:
	// tcp+listen://:9000 arrow zstd 4
	// lightstream: tcp: a user or a password in a URI is refused; URIs end up in logs; give credentials by options
}

func ExampleError() {
	a, b := pipe.New(&pipe.Options{Name: "feed"})
	_ = a.SetReadDeadline(time.Unix(1, 0))
	_, late := a.Read(make([]byte, 1))
	_ = b.Close()
	_, gone := a.Write([]byte("x"))
	_ = a.Close()
	_, closed := a.Write([]byte("x"))

	for _, err := range []error{late, gone, closed} {
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			fmt.Println("too late, the connection is still good:", err)
		case errors.Is(err, transports.ErrPeerClosed):
			fmt.Println("nobody there:", err)
		case errors.Is(err, net.ErrClosed):
			fmt.Println("closed here:", err)
		}
		if e := (*transports.Error)(nil); errors.As(err, &e) {
			fmt.Println("  ", e.Transport, e.Addr, e.Op)
		}
	}
	// Output:
	// too late, the connection is still good: lightstream: pipe feed: read: i/o timeout
	//    pipe feed read
	// nobody there: lightstream: pipe feed: write: the peer closed the connection
	//    pipe feed write
	// closed here: lightstream: pipe feed: write: use of closed network connection
	//    pipe feed write
}
