package rt_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// pair is a protocol of a message and a table.
type pair struct {
	rt.Protocol
	hello *rt.ProtocolMessage[[]byte]
	trade *rt.ProtocolTable[feed.Trade, feed.TradeBatch, *feed.TradeBuilder]
}

func newPair() *pair {
	p := new(pair)
	p.hello = rt.AddMessage(&p.Protocol, "hello", rt.Bytes{})
	p.trade = rt.AddTable(&p.Protocol, feed.TradeTable)
	return p
}

// TestProtocolWire compares what a connection sends with golden bytes, frame by frame.
func TestProtocolWire(t *testing.T) {
	p := newPair()
	var wire duplex
	c, err := p.Conn(&wire, &rt.ProtocolOptions{Announce: true, Heartbeats: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(1))
	cuts := []string{}
	step := func(what string, err error) {
		if err != nil {
			t.Fatal(what, err)
		}
		cuts = append(cuts, fmt.Sprint(what, "\n", hex.Dump(wire.out.Bytes())))
		wire.out.Reset()
	}
	step("announcement, and message \"hi\" with tag 0", p.hello.Send(ctx, c, []byte("hi")))
	step("heartbeat", c.Heartbeat(ctx))
	step("first batch with tag 1: schema, dictionary of column 1, batch", p.trade.Send(ctx, c, b))
	step("second batch: nothing but a batch", p.trade.Send(ctx, c, b))
	step("end frame", c.Close())
	got := strings.Join(cuts, "\n")
	const name = "testdata/protocol.hex"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the connection sent\n%s\nwant\n%s", got, want)
	}
}

// TestProtocolHi is the example of the protocol's description.
func TestProtocolHi(t *testing.T) {
	p := newPair()
	var wire duplex
	c, err := p.Conn(&wire, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.hello.Send(context.Background(), c, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("% x", wire.out.Bytes()); got != "00 02 00 00 00 68 69" {
		t.Errorf("%s", got)
	}
}

// TestProtocolHeartbeats are passed over where they are announced, and refused where not.
func TestProtocolHeartbeats(t *testing.T) {
	ctx := context.Background()
	p := newPair()
	var wire duplex
	c, err := p.Conn(&wire, &rt.ProtocolOptions{Announce: true, Heartbeats: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := errors.Join(c.Heartbeat(ctx), p.hello.Send(ctx, c, []byte("x")), c.Heartbeat(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Heartbeat(ctx); !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	sent := wire.out.Bytes()
	if n, err := received(t, p, sent); n != 3 || err != io.EOF {
		t.Errorf("%d messages, %v", n, err)
	}
	silent := bytes.Clone(sent)
	silent[4] = 1 // an end frame will come, and no heartbeats
	if _, err := received(t, p, silent); !errors.Is(err, rt.ErrMalformed) || !strings.Contains(err.Error(), "a heartbeat, and the peer's announcement says that none will come") {
		t.Errorf("a heartbeat that was not announced: %v", err)
	}
	endless := bytes.Clone(sent)
	endless[4] = 2
	if _, err := received(t, p, endless); !errors.Is(err, rt.ErrMalformed) || !strings.Contains(err.Error(), "an end frame, and") {
		t.Errorf("an end frame that was not announced: %v", err)
	}
	if n, err := received(t, p, endless[:len(endless)-5]); n != 3 || err != io.EOF {
		t.Errorf("no end frame, and none announced: %d messages, %v", n, err)
	}

	if _, err := p.Conn(&wire, &rt.ProtocolOptions{Heartbeats: true}); err == nil || !strings.Contains(err.Error(), "set both or neither") {
		t.Errorf("heartbeats without an announcement: %v", err)
	}
	if c, err = p.Conn(&wire, &rt.ProtocolOptions{Announce: true}); err != nil {
		t.Fatal(err)
	}
	if err := c.Heartbeat(ctx); err == nil || !strings.Contains(err.Error(), "set ProtocolOptions.Announce and Heartbeats") {
		t.Errorf("a heartbeat that was not announced: %v", err)
	}
}

// received counts the items of an announced direction.
func received(t *testing.T, p *pair, wire []byte) (n int, err error) {
	t.Helper()
	c, err := p.Conn(&duplex{in: bytes.NewReader(wire)}, &rt.ProtocolOptions{Announce: true})
	if err != nil {
		t.Fatal(err)
	}
	for ; ; n++ {
		if _, err := c.Recv(context.Background()); err != nil {
			return n, err
		}
	}
}

// TestProtocolPrefixes ends an announced direction after each byte.
func TestProtocolPrefixes(t *testing.T) {
	ctx := context.Background()
	p := newPair()
	var wire duplex
	c, err := p.Conn(&wire, &rt.ProtocolOptions{Announce: true})
	if err != nil {
		t.Fatal(err)
	}
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(2))
	boundaries := map[int]int{0: 0} // of frames, and how many items came before
	for i, err := range []error{p.hello.Send(ctx, c, []byte("hi")), nil, nil} {
		if i == 1 {
			err = p.trade.Send(ctx, c, b)
		} else if i == 2 {
			err = p.trade.Send(ctx, c, b)
		}
		if err != nil {
			t.Fatal(err)
		}
		boundaries[wire.out.Len()] = i + 1
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	all := wire.out.Bytes()
	announced := 8 + 2*19 + len("hello") + len("trade")
	boundaries[announced] = 0
	for k := range len(all) {
		n, err := received(t, p, all[:k])
		if items, at := boundaries[k]; at {
			if !errors.Is(err, rt.ErrUnfinished) || n != items {
				t.Fatalf("%d of %d bytes: %d items, %v, want %d and ErrUnfinished", k, len(all), n, err, items)
			}
		} else if !errors.Is(err, rt.ErrTruncated) {
			t.Fatalf("%d of %d bytes: %v, want ErrTruncated", k, len(all), err)
		}
	}
	if n, err := received(t, p, all); n != 3 || err != io.EOF {
		t.Fatalf("%d items, %v", n, err)
	}
}

// TestProtocolTooLong sends a batch of more than 4 GiB, whose columns share 64 MiB of memory.
func TestProtocolTooLong(t *testing.T) {
	schema := &ipc.Schema{}
	var columns []column.Data
	values := make([]byte, 64<<20)
	for i := range 64 {
		schema.Fields = append(schema.Fields, ipc.Field{Name: fmt.Sprint("c", i), Type: ipc.Int64})
		d := column.Data{Len: len(values) / 8}
		d.Buffers[1] = values
		columns = append(columns, d)
	}
	var wire duplex
	members := []ipc.Member{{Name: "wide", Kind: frame.Table, Schema: schema}}
	c, err := ipc.NewProtocolConn(&wire, members, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	err = c.SendBatch(ctx, 0, columns[0].Len, columns)
	if !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "does not fit a 32-bit length; split it") {
		t.Fatalf("%v, want ErrLimit", err)
	}
	if wire.out.Len() != 0 {
		t.Fatalf("%d bytes were sent", wire.out.Len())
	}
	for i := range columns { // it is usable, and the schema still comes first
		columns[i].Len, columns[i].Buffers[1] = 1, values[:8]
	}
	if err := c.SendBatch(ctx, 0, 1, columns); err != nil {
		t.Fatal(err)
	}
	back, err := ipc.NewProtocolConn(&duplex{in: &wire.out}, members, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := back.Recv(ctx); err != nil || f.Batch.Len() != 1 {
		t.Fatal(f, err)
	}
}

// TestProtocolFramer carries frames without a connection, found by their sizes and without them.
func TestProtocolFramer(t *testing.T) {
	p := newPair()
	out, err := p.Framer(nil)
	if err != nil {
		t.Fatal(err)
	}
	var wire []byte
	sizes := []int{3, 20_000, 0}
	b := feed.NewTradeBuilder(nil)
	for _, n := range sizes {
		text := fmt.Append(nil, n, " rows")
		if wire, err = p.hello.AppendFrame(wire, out, &text); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		b.AppendRows(trades(n))
		if wire, err = p.trade.AppendFrame(wire, out, b); err != nil {
			t.Fatal(err)
		}
	}
	if _, sent := out.Stats(); sent.Batches != 3 || sent.Rows != 20_003 {
		t.Errorf("%+v", sent)
	}
	for name, wrap := range map[string]func(frame.Decoder[rt.Item]) frame.Decoder[rt.Item]{
		"sized": func(d frame.Decoder[rt.Item]) frame.Decoder[rt.Item] { return d },
		"plain": func(d frame.Decoder[rt.Item]) frame.Decoder[rt.Item] { return unsized[rt.Item]{d} },
	} {
		t.Run(name, func(t *testing.T) {
			in, err := p.Framer(nil)
			if err != nil {
				t.Fatal(err)
			}
			i := 0
			for item, err := range frame.NewStream(bytes.NewReader(wire), wrap(in), nil).All() {
				if err != nil {
					t.Fatal(err)
				}
				rows := sizes[i/2]
				if i%2 == 0 {
					if m, err := p.hello.Message(item); err != nil || string(m) != fmt.Sprint(rows, " rows") {
						t.Fatalf("%q, %v", m, err)
					}
				} else {
					batch := p.trade.Batch(item)
					want := trades(rows)
					for k, row := range batch.AppendTo(nil) {
						same(t, row, want[k])
					}
					batch.Release()
				}
				i++
			}
			if i != 6 {
				t.Fatalf("%d frames", i)
			}
			if got, _ := in.Stats(); got.Batches != 3 || got.Rows != 20_003 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestProtocolReuse ends the life of a batch with the next Recv.
func TestProtocolReuse(t *testing.T) {
	ctx := context.Background()
	p := newPair()
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		defer near.Close()
		c, err := p.Conn(near, nil)
		if err != nil {
			t.Error(err)
			return
		}
		b := feed.NewTradeBuilder(nil)
		b.AppendRows(trades(3))
		if err := errors.Join(p.trade.Send(ctx, c, b), p.trade.Send(ctx, c, b)); err != nil {
			t.Error(err)
		}
	}()
	c, err := p.Conn(far, &rt.ProtocolOptions{Reader: &rt.ReaderOptions{Reuse: true}})
	if err != nil {
		t.Fatal(err)
	}
	item, err := c.Recv(ctx)
	if err != nil {
		t.Fatal(err)
	}
	batch := p.trade.Batch(item)
	kept := batch.Retain()
	if _, err := c.Recv(ctx); err != nil {
		t.Fatal(err)
	}
	if kept.Len() != 3 {
		t.Errorf("%d rows", kept.Len())
	}
	defer func() {
		if recover() == nil {
			t.Error("a batch lives after the next Recv")
		}
	}()
	batch.Len()
}

// TestProtocolErrorsHavePlaces damages a table's frame.
func TestProtocolErrorsHavePlaces(t *testing.T) {
	ctx := context.Background()
	p := newPair()
	var wire duplex
	c, err := p.Conn(&wire, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(3))
	if err := errors.Join(p.hello.Send(ctx, c, []byte("hi")), p.trade.Send(ctx, c, b), p.hello.Send(ctx, c, nil)); err != nil {
		t.Fatal(err)
	}
	at := wire.out.Len()
	if err := p.trade.Send(ctx, c, b); err != nil {
		t.Fatal(err)
	}
	wire.out.Bytes()[at+5+4] = 0xFF // in the length of the metadata
	c, err = p.Conn(&duplex{in: &wire.out}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var place *rt.DecodeError
	for err == nil {
		_, err = c.Recv(ctx)
	}
	if !errors.As(err, &place) || place.Frame != 3 || !strings.HasPrefix(place.Path, "trade") || place.Offset < 5 {
		t.Errorf("%v (%+v), want frame 3 and its table", err, place)
	}
}

// TestProtocolAligned wants columns that are the received bytes, in spite of heads of five bytes.
func TestProtocolAligned(t *testing.T) {
	ctx := context.Background()
	p := newPair()
	var wire duplex
	c, err := p.Conn(&wire, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(1500))
	for range 20 {
		if err := p.trade.Send(ctx, c, b); err != nil {
			t.Fatal(err)
		}
	}
	if c, err = p.Conn(&duplex{in: &wire.out}, nil); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		item, err := c.Recv(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.trade.Batch(item).Release()
	}
	if received, _ := c.Stats(); received.Batches != 20 || received.Realigned != 0 || received.InPlace == 0 {
		t.Errorf("%+v, want nothing copied", received)
	}
}
