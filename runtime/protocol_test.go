package rt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// TestProtocol mixes two tables and two kinds of messages on one connection, with and without an announcement.
func TestProtocol(t *testing.T) {
	for _, announce := range []bool{false, true} {
		t.Run(fmt.Sprint("announce=", announce), func(t *testing.T) { mixed(t, announce) })
	}
}

func mixed(t *testing.T, announce bool) {
	const rounds = 50
	var p rt.Protocol
	hello := rt.AddMessage(&p, "hello", rt.Bytes{})
	trade := rt.AddTable(&p, feed.TradeTable)
	all := rt.AddTable(&p, feed.AllTable)
	beat := rt.AddMessage(&p, "beat", rt.Binary[time.Time, *time.Time]{})

	a, b := net.Pipe()
	ctx := context.Background()
	opts := &rt.ProtocolOptions{Announce: announce}
	sent := make(chan error, 1)
	go func() {
		sent <- func() error {
			defer a.Close()
			c, err := p.Conn(a, opts)
			if err != nil {
				return err
			}
			tb, ab := feed.NewTradeBuilder(nil), feed.NewAllBuilder(nil)
			for i := range rounds {
				at := time.Unix(int64(i), 0).UTC()
				tb.Reset()
				tb.AppendRows(trades(i))
				ab.Reset()
				row := feed.All{Int32: int32(i), Text: fmt.Sprint(i), Dict32: fmt.Sprint(i % 5)}
				row.Micro, row.Nano, row.Milli, row.Second = at, at, at, at
				ab.Append(row)
				err := errors.Join(
					hello.Send(ctx, c, fmt.Append(nil, "hello ", i)),
					trade.Send(ctx, c, tb),
					beat.Send(ctx, c, at),
					all.Send(ctx, c, ab),
				)
				if err != nil {
					return err
				}
			}
			return c.Close()
		}()
	}()
	c, err := p.Conn(b, opts)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; ; n++ {
		item, err := c.Recv(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		i := n / 4
		switch item.Tag() {
		case hello.Tag():
			if m, err := hello.Message(item); err != nil || string(m) != fmt.Sprint("hello ", i) {
				t.Fatalf("%q, %v", m, err)
			}
		case beat.Tag():
			if m, err := beat.Message(item); err != nil || m.Unix() != int64(i) {
				t.Fatal(m, err)
			}
		case trade.Tag():
			batch := trade.Batch(item)
			want := trades(i)
			if batch.Len() != len(want) {
				t.Fatalf("%d rows, want %d", batch.Len(), len(want))
			}
			for k, row := range batch.AppendTo(nil) {
				same(t, row, want[k])
			}
			batch.Release()
		case all.Tag():
			batch := all.Batch(item)
			if row := batch.Row(0); row.Int32 != int32(i) || row.Text != fmt.Sprint(i) || row.Dict32 != fmt.Sprint(i%5) {
				t.Fatalf("%+v", row)
			}
			batch.Release()
		}
	}
	if err := <-sent; err != nil || n != 4*rounds {
		t.Fatalf("%d items, %v", n, err)
	}
}

// TestProtocolDiffers connects ends that do not agree.
func TestProtocolDiffers(t *testing.T) {
	protocol := func(names []string) (p *rt.Protocol, members []*rt.ProtocolMessage[[]byte]) {
		p = new(rt.Protocol)
		for _, n := range names {
			members = append(members, rt.AddMessage(p, n, rt.Bytes{}))
		}
		return p, members
	}
	ab, ba, a := []string{"a", "b"}, []string{"b", "a"}, []string{"a"}
	for _, c := range []struct {
		name               string
		from, to           []string
		announces, expects bool
		want               string
	}{
		{"order", ab, ba, true, true, `the peer has tag 0 for message "a", this end tag 0 for message "b"`},
		{"number", a, ab, true, true, "the peer has 1 tags, this end 2"},
		{"one announces", a, a, true, false, "set announce on both ends or on neither"},
		{"the other announces", a, a, false, true, "set announce on both ends or on neither"},
		{"an unknown tag", ab, a, false, false, "tag 1, of 1 that are registered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			from, members := protocol(c.from)
			to, _ := protocol(c.to)
			go func() {
				defer near.Close()
				conn, err := from.Conn(near, &rt.ProtocolOptions{Announce: c.announces})
				if err != nil {
					t.Error(err)
					return
				}
				for _, m := range members {
					if err := m.Send(context.Background(), conn, []byte("x")); err != nil {
						return // the other end has seen enough
					}
				}
			}()
			conn, err := to.Conn(far, &rt.ProtocolOptions{Announce: c.expects})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err = conn.Recv(context.Background()); err != nil {
					break
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if _, again := conn.Recv(context.Background()); again != err {
				t.Errorf("then %v", again)
			}
		})
	}
}

// TestProtocolUnfinished ends an announced direction without its end frame.
func TestProtocolUnfinished(t *testing.T) {
	var p rt.Protocol
	m := rt.AddMessage(&p, "m", rt.Bytes{})
	a, b := net.Pipe()
	go func() {
		c, err := p.Conn(a, &rt.ProtocolOptions{Announce: true})
		if err == nil {
			err = m.Send(context.Background(), c, []byte("x"))
		}
		if err != nil {
			t.Error(err)
		}
		a.Close()
	}()
	c, err := p.Conn(b, &rt.ProtocolOptions{Announce: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(context.Background()); !errors.Is(err, rt.ErrUnfinished) {
		t.Fatalf("%v, want ErrUnfinished", err)
	}
}
