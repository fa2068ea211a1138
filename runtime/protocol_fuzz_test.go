package rt_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// FuzzProtocol receives whatever comes on a connection that speaks a protocol of a message and a table.
func FuzzProtocol(f *testing.F) {
	var p rt.Protocol
	hello := rt.AddMessage(&p, "hello", rt.Bytes{})
	trade := rt.AddTable(&p, feed.TradeTable)
	ctx := context.Background()
	for _, announce := range []bool{false, true} {
		var wire duplex
		c, err := p.Conn(&wire, &rt.ProtocolOptions{Announce: announce})
		if err != nil {
			f.Fatal(err)
		}
		b := feed.NewTradeBuilder(nil)
		b.AppendRows(trades(3))
		for range 2 {
			if err := hello.Send(ctx, c, []byte("hi")); err != nil {
				f.Fatal(err)
			}
			if err := trade.Send(ctx, c, b); err != nil {
				f.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(wire.out.Bytes(), announce)
	}
	f.Fuzz(func(t *testing.T, in []byte, announce bool) {
		c, err := p.Conn(&duplex{in: bytes.NewReader(in)}, &rt.ProtocolOptions{Announce: announce, MaxPayload: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for {
			item, err := c.Recv(ctx)
			if err != nil {
				return
			}
			switch item.Tag() {
			case hello.Tag():
				if _, err := hello.Message(item); err != nil {
					t.Fatal(err)
				}
			case trade.Tag():
				batch := trade.Batch(item)
				for i := range batch.Len() {
					_ = batch.Row(i) // must not fault once validated
				}
				batch.Release()
			}
		}
	})
}

// duplex is a connection between two byte strings.
type duplex struct {
	in  io.Reader
	out bytes.Buffer
}

func (d *duplex) Read(p []byte) (int, error)  { return d.in.Read(p) }
func (d *duplex) Write(p []byte) (int, error) { return d.out.Write(p) }
