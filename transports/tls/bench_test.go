package tls_test

import (
	stdtls "crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/tls"
)

// BenchmarkSend sends 1 MiB at a time, beside a bare crypto/tls connection over TCP.
func BenchmarkSend(b *testing.B) {
	ca := testcert.New(b)
	server := ca.Issue(b, "127.0.0.1")
	const size = 1 << 20
	run := func(b *testing.B, sender io.Writer, receiver io.Reader, shut func() error) {
		done := make(chan error, 1)
		go func() {
			buf := make([]byte, 256<<10)
			for {
				if _, err := receiver.Read(buf); err != nil {
					done <- err
					return
				}
			}
		}()
		p := make([]byte, size)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := sender.Write(p); err != nil {
				b.Fatal(err)
			}
		}
		if err := shut(); err != nil {
			b.Error(err)
		}
		if err := <-done; err != io.EOF {
			b.Error(err)
		}
	}
	b.Run("lightstream", func(b *testing.B) {
		l, err := tls.Listen(b.Context(), "127.0.0.1:0", &tls.ListenOptions{TLS: tls.Config{CertFile: server.CertFile, KeyFile: server.KeyFile}})
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		sender, err := tls.Dial(b.Context(), l.Addr().String(), &tls.DialOptions{TLS: tls.Config{CAFile: ca.File}})
		if err != nil {
			b.Fatal(err)
		}
		defer sender.Close()
		receiver, err := l.Accept(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer receiver.Close()
		run(b, sender, receiver, sender.CloseWrite)
	})
	b.Run("crypto-tls", func(b *testing.B) {
		l, err := stdtls.Listen("tcp", "127.0.0.1:0", &stdtls.Config{Certificates: []stdtls.Certificate{server.TLS}})
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		accepted := make(chan net.Conn, 1)
		go func() {
			c, _ := l.Accept()
			_ = c.(*stdtls.Conn).Handshake()
			accepted <- c
		}()
		sender, err := stdtls.Dial("tcp", l.Addr().String(), &stdtls.Config{RootCAs: ca.Pool})
		if err != nil {
			b.Fatal(err)
		}
		defer sender.Close()
		receiver := <-accepted
		defer receiver.Close()
		run(b, sender, receiver, sender.CloseWrite)
	})
}
