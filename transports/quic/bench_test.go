package quic_test

import (
	"context"
	"crypto/tls"
	"io"
	"testing"

	quicgo "github.com/quic-go/quic-go"

	"github.com/lightstream-go/lightstream/transports/quic"
)

const benchBlock = 1 << 20

// BenchmarkStream sends blocks of 1 MiB, beside quic-go with its defaults alone.
func BenchmarkStream(b *testing.B) {
	p := newPKI(b)
	b.Run("transport=quic", func(b *testing.B) {
		l := listen(b, &quic.ListenOptions{Options: quick, TLS: p.listener()})
		dialled, accepted := connect(b, l, &quic.DialOptions{Options: quick, TLS: p.client()})
		benchStream(b, dialled, accepted)
	})
	b.Run("transport=quic-go", func(b *testing.B) {
		ctx := context.Background()
		config := &tls.Config{Certificates: []tls.Certificate{p.server.TLS}, NextProtos: []string{"ls"}, RootCAs: p.authority.Pool}
		l, err := quicgo.ListenAddr("127.0.0.1:0", config, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		near, err := quicgo.DialAddr(ctx, l.Addr().String(), config, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer near.CloseWithError(0, "")
		far, err := l.Accept(ctx)
		if err != nil {
			b.Fatal(err)
		}
		defer far.CloseWithError(0, "")
		dialled, err := near.OpenStream()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := dialled.Write([]byte{1}); err != nil {
			b.Fatal(err)
		}
		accepted, err := far.AcceptStream(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(accepted, make([]byte, 1)); err != nil {
			b.Fatal(err)
		}
		benchStream(b, dialled, accepted)
	})
}

func benchStream(b *testing.B, w io.Writer, r io.Reader) {
	done := make(chan error, 1)
	total := int64(b.N) * benchBlock
	go func() {
		buf := make([]byte, 256<<10)
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(r, total), buf)
		done <- err
	}()
	block := make([]byte, benchBlock)
	b.SetBytes(benchBlock)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := w.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
