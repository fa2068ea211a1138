package tls_test

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tls"
)

// A client that shows a certificate to a server of an authority of its own.
func ExampleDial() {
	c, err := tls.Dial(context.Background(), "feed.example:9000", &tls.DialOptions{TLS: tls.Config{
		CAFile:   "authority.pem",
		CertFile: "client.pem",
		KeyFile:  "client.key",
	}})
	switch {
	case errors.Is(err, tls.ErrWrongName), errors.Is(err, tls.ErrExpired), errors.Is(err, tls.ErrUnknownAuthority):
		log.Fatal("this is not the server: ", err)
	case errors.Is(err, tls.ErrNotTLS):
		log.Fatal("this is no TLS port: ", err)
	case err != nil:
		fmt.Println("no such file:", errors.Is(err, fs.ErrNotExist))
		return
	}
	defer c.Close()
	// Output: no such file: true
}

// A server that lets in clients with a certificate of its authority, of one name.
func ExampleListen() {
	l, err := tls.Listen(context.Background(), "localhost:9000", &tls.ListenOptions{
		TLS: tls.Config{CertFile: "server.pem", KeyFile: "server.key", CAFile: "authority.pem"},
		Authorize: func(_ context.Context, p *transports.Peer) error {
			state := p.Identity.(*stdtls.ConnectionState)
			return state.PeerCertificates[0].VerifyHostname("reader.example")
		},
		Refused: func(p *transports.Peer, err error) { log.Print(err) },
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
	defer c.Close()
	_, _ = io.WriteString(c, "hello")
	// Output: no such file: true
}
