package quic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"

	"github.com/lightstream-go/lightstream/transports/quic"
	"github.com/lightstream-go/lightstream/transports/tls"
)

// An end that dials in order to receive says so.
func ExampleDial() {
	c, err := quic.Dial(context.Background(), "feed.example:9000", &quic.DialOptions{
		TLS:      tls.Config{CAFile: "authority.pem"},
		Receives: true,
	})
	if err != nil {
		fmt.Println("no such file:", errors.Is(err, fs.ErrNotExist))
		return
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", text, err)
	// Output: no such file: true
}

// A listener hands out streams. What is written before Close arrives, as Close waits until the other end has read it.
func ExampleListen() {
	l, err := quic.Listen(context.Background(), "localhost:9000", &quic.ListenOptions{
		TLS: tls.Config{CertFile: "server.pem", KeyFile: "server.key"},
	})
	if err != nil {
		fmt.Println("no such file:", errors.Is(err, fs.ErrNotExist))
		return
	}
	defer l.Close()
	c, err := l.Accept(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "hello")
	if err := c.Close(); err != nil {
		fmt.Println(err)
	}
	// Output: no such file: true
}

// Several streams of one connection, each at its own pace. The end that has sent waits until the other one closes.
func ExampleDialSession() {
	ctx := context.Background()
	s, err := quic.DialSession(ctx, "feed.example:9000", &quic.DialOptions{TLS: tls.Config{CAFile: "authority.pem"}})
	if err != nil {
		fmt.Println("no such file:", errors.Is(err, fs.ErrNotExist))
		return
	}
	defer s.Close()
	for i := range 4 {
		c, err := s.OpenSender(ctx)
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer c.Close()
			fmt.Fprintf(c, "stream %d", i)
		}()
	}
	fmt.Println(s.Wait(ctx))
	// Output: no such file: true
}
