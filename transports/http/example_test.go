package http_test

import (
	"context"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
)

// A handler in a server of the program's own. The functions of a feed would have a reader or writer of a table.
func ExampleHandler() {
	mux := nethttp.NewServeMux()
	mux.Handle("/feed", &http.Handler{
		Send: func(_ context.Context, c *http.Conn) error {
			if c.Request().FormValue("day") != "today" {
				return &http.StatusError{Code: nethttp.StatusNotFound, Text: "there is today only"}
			}
			_, err := fmt.Fprint(c, "a stream")
			return err
		},
		Receive: func(_ context.Context, c *http.Conn) error {
			stream, err := io.ReadAll(c)
			fmt.Printf("received %s\n", stream)
			return err
		},
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	ctx := context.Background()
	c, err := http.Get(ctx, server.URL+"/feed?day=today", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	stream, err := io.ReadAll(c)
	fmt.Printf("%s, %v, %v\n", stream, err, c.Close())

	c, err = http.Post(ctx, server.URL+"/feed", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "another stream")
	if err := c.CloseWrite(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(c.Close()) // nil: it was received
	// Output:
	// a stream, <nil>, <nil>
	// received another stream
	// <nil>
}

// A listener hands out a connection for each request.
func ExampleListen() {
	ctx := context.Background()
	l, err := http.Listen(ctx, "127.0.0.1:0", &http.ListenOptions{Path: "/feed", Role: transports.Sends})
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
		fmt.Fprint(c, "hello")
		_ = c.CloseWrite() // else the response is broken off
	}()
	c, err := http.Get(ctx, "http://"+l.Addr().String(), &http.Options{Version: http.HTTP2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", text, err)
	// Output: hello, <nil>
}

// A connection both ways, over HTTP/2.
func ExampleBoth() {
	server := httptest.NewUnstartedServer(&http.Handler{
		Receive: func(_ context.Context, c *http.Conn) error {
			_, err := io.Copy(c, io.LimitReader(c, 5)) // before the request has ended
			return err
		},
	})
	server.Config.Protocols = &nethttp.Protocols{}
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()

	c, err := http.Both(context.Background(), server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	text, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", text, err)
	// Output: hello, <nil>
}

// What a client reads, a server asks of its request.
func ExampleCodecs() {
	r := httptest.NewRequest(nethttp.MethodGet, "/feed", nil)
	r.Header.Set("Accept", http.ContentType+`;codecs="zstd,lz4"`)
	fmt.Println(http.Codecs(r))
	// Output: [zstd lz4]
}
