package tcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

func ExampleDial() {
	ctx := context.Background()
	l, err := tcp.Listen(ctx, "127.0.0.1:0", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	go func() {
		c, err := l.Accept(ctx)
		if err != nil {
			return
		}
		defer c.Close()
		request, _ := io.ReadAll(c) // to the other end's CloseWrite
		fmt.Fprintf(c, "%d bytes, thank you", len(request))
	}()

	c, err := tcp.Dial(ctx, l.Addr().String(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	n, err := c.WriteBuffers([][]byte{[]byte("header"), nil, []byte("body")})
	fmt.Println("sent", n, err)
	if err := c.CloseWrite(); err != nil {
		fmt.Println(err)
	}
	answer, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", answer, err)
	// Output:
	// sent 10 <nil>
	// 10 bytes, thank you, <nil>
}

// A peer that is cut off without a word is noticed after 20 seconds while data is on its way to it, and after a minute
// and a half when the connection is silent.
func ExampleDial_options() {
	_, err := tcp.Dial(context.Background(), "localhost", &tcp.DialOptions{Socket: tcp.Socket{
		KeepAliveIdle:     time.Minute,
		KeepAliveInterval: 10 * time.Second,
		KeepAliveCount:    3,
	}})
	fmt.Println(err)
	// Output: lightstream: tcp localhost: dial: address localhost: missing port in address; want "host:port"
}

func ExampleListen() {
	ctx := context.Background()
	l, err := tcp.Listen(ctx, "127.0.0.1:0", &tcp.ListenOptions{
		Authorize: func(_ context.Context, p *transports.Peer) error {
			fmt.Println("asked about a peer over", p.Transport)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := tcp.Dial(ctx, l.Addr().String(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	accepted, err := l.Accept(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer accepted.Close()
	fmt.Println("connected:", accepted.RemoteAddr().String() == c.LocalAddr().String())

	// Waiting can be bounded; the listener goes on afterwards.
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, err = l.Accept(soon)
	fmt.Println("in time:", !errors.Is(err, context.DeadlineExceeded))
	fmt.Println("closed:", l.Close())
	// Output:
	// asked about a peer over tcp
	// connected: true
	// in time: false
	// closed: <nil>
}
