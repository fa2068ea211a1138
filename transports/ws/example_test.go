package ws_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/ws"
)

func ExampleListen() {
	ctx := context.Background()
	l, err := ws.Listen(ctx, "127.0.0.1:0", nil)
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
		defer c.Close() // a close frame with status 1000
		_, _ = io.WriteString(c, "hello")
	}()

	c, err := ws.Dial(ctx, "ws://"+l.Addr().String(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", text, err)
	// Output: hello, <nil>
}

// A feed beside the pages of a web server.
func ExampleNewListener() {
	feed := ws.NewListener(&ws.ListenOptions{
		Origins: []string{"app.example"},
		Authorize: func(_ context.Context, p *transports.Peer) error {
			if p.Identity.(*http.Request).URL.Query().Get("ticket") == "" {
				return fmt.Errorf("%s has no ticket", p.Addr)
			}
			return nil
		},
	})
	defer feed.Close()
	mux := http.NewServeMux()
	mux.Handle("/feed", feed)
	server := httptest.NewServer(mux)
	defer server.Close()

	_, err := ws.Dial(context.Background(), strings.Replace(server.URL, "http", "ws", 1)+"/feed", nil)
	fmt.Println(strings.SplitAfterN(err.Error(), ": ", 3)[2])
	// Output: handshake: the server answered 403 Forbidden: "this client may not connect"; it does not let this client in
}
