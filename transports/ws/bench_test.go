package ws_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/ws"
)

// BenchmarkSend sends 1 MiB at a time, beside bare connections of coder/websocket with messages of that size.
func BenchmarkSend(b *testing.B) {
	const size = 1 << 20
	p := make([]byte, size)
	run := func(b *testing.B, send func([]byte) error, shut func() error, receive func([]byte) (int, error)) {
		done := make(chan error, 1)
		go func() {
			buf := make([]byte, 256<<10)
			for {
				if _, err := receive(buf); err != nil {
					done <- err
					return
				}
			}
		}()
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			if err := send(p); err != nil {
				b.Fatal(err)
			}
		}
		if err := shut(); err != nil {
			b.Error(err)
		}
		if err := <-done; !errors.Is(err, io.EOF) {
			b.Error(err)
		}
	}
	for _, server := range []bool{true, false} {
		name := map[bool]string{true: "server", false: "client"}[server]
		b.Run("lightstream/"+name, func(b *testing.B) {
			l, err := ws.Listen(b.Context(), "127.0.0.1:0", nil)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			accept := make(chan transports.Conn)
			go func() {
				c, _ := l.Accept(context.Background())
				accept <- c
			}()
			var sender, receiver transports.Conn
			if sender, err = ws.Dial(b.Context(), "ws://"+l.Addr().String(), nil); err != nil {
				b.Fatal(err)
			}
			receiver = <-accept
			if server {
				sender, receiver = receiver, sender
			}
			defer receiver.Close()
			run(b, func(p []byte) error { _, err := sender.Write(p); return err }, sender.Close, receiver.Read)
		})
		b.Run("coder/"+name, func(b *testing.B) {
			accept := make(chan *websocket.Conn)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, _ := websocket.Accept(w, r, nil)
				accept <- c
			}))
			defer s.Close()
			sender, _, err := websocket.Dial(b.Context(), s.URL, nil)
			if err != nil {
				b.Fatal(err)
			}
			receiver := <-accept
			if server {
				sender, receiver = receiver, sender
			}
			receiver.SetReadLimit(-1)
			ctx := context.Background()
			var message io.Reader
			receive := func(buf []byte) (n int, err error) {
				if message == nil {
					if _, message, err = receiver.Reader(ctx); err != nil {
						if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
							err = io.EOF
						}
						return 0, err
					}
				}
				if n, err = message.Read(buf); err == io.EOF {
					message, err = nil, nil
				}
				return n, err
			}
			run(b, func(p []byte) error { return sender.Write(ctx, websocket.MessageBinary, p) },
				func() error { return sender.Close(websocket.StatusNormalClosure, "") }, receive)
		})
	}
}
