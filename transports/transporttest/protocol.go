package transporttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
	"github.com/lightstream-go/lightstream/transports"
)

// protocolCases speak the Lightstream protocol: several tables and messages on one connection.
var protocolCases = []testCase{
	{name: "protocol: tables and messages", run: testProtocol},
	{name: "protocol: announced, with heartbeats", run: testProtocolAnnounced},
	{name: "protocol: of any schema", run: testProtocolUntyped},
	{name: "protocol: both directions at once", needs: transports.Caps{Duplex: true}, run: testProtocolBothWays},
	{name: "protocol: an answer behind the end of the question", needs: transports.Caps{HalfClose: true, Duplex: true}, run: testProtocolHalfClose},
	{name: "protocol: sender dies in a frame", run: testProtocolSenderDies},
	{name: "protocol: sender dies before the announced end", run: testProtocolUnfinished},
	{name: "protocol: another order of members", run: testProtocolOrder},
}

// The frames that go over a connection: of round i a message, a batch of trades that go on from the last one, a message of another kind,
// and quotes. In one round the trades have 30 MiB, for which no transport has room.
const protocolRounds = 24

func roundRows(i int) int { return i * 131 % 401 }

func heartbeatAt(i int) feed.Heartbeat {
	return feed.Heartbeat{Sent: int64(i), Host: fmt.Sprint("host ", i%3), Load: float64(i) / 3, Digest: []byte{byte(i)}, Name: "ünï"}
}

func rawAt(i int) []byte { return patternAt(int64(i), int64(i*37%3000)) }

func quotesAt(i int) []feed.Quote {
	rows := make([]feed.Quote, i%7)
	for k := range rows {
		rows[k] = feed.Quote{Symbol: symbols[(i+k)%100], Bid: float64(i) - 0.25, Ask: float64(k)}
	}
	return rows
}

// sendFeed sends the rounds, and ends the direction.
func sendFeed(ctx context.Context, conn transports.Conn, opts *rt.ProtocolOptions, big bool) error {
	c, err := feed.NewFeedConn(conn, opts)
	if err != nil {
		return err
	}
	tb, qb, row := feed.NewTradeBuilder(nil), feed.NewQuoteBuilder(nil), 0
	for i := range protocolRounds {
		if opts != nil && opts.Heartbeats {
			if err := c.Conn().Heartbeat(ctx); err != nil {
				return err
			}
		}
		h, raw := heartbeatAt(i), feed.Raw{Text: rawAt(i)}
		if big && i == protocolRounds/2 {
			fillTrades(tb, bigFrom, bigRows) // not bigTrades, as the other end may send at once
		} else {
			fillTrades(tb, row, roundRows(i))
			row += roundRows(i)
		}
		qb.Reset()
		qb.AppendRows(quotesAt(i))
		if err := errors.Join(c.SendHeartbeat(ctx, &h), c.SendTrade(ctx, tb), c.SendRaw(ctx, &raw), c.SendQuote(ctx, qb)); err != nil {
			return err
		}
	}
	return endFeed(conn, c, opts != nil && opts.Announce)
}

// endFeed ends the direction that c sends on conn. On a wire without a half-close that is not announced it must say that it cannot.
func endFeed(conn transports.Conn, c io.Closer, announced bool) error {
	err := c.Close()
	if conn.Caps().HalfClose || announced {
		return err
	}
	if again := c.Close(); !errors.Is(err, errors.ErrUnsupported) || again != err { //nolint:errorlint // the same one
		return fmt.Errorf("a direction that nothing ends is closed: %w, and again: %w, want an error that wraps ErrUnsupported", err, again)
	}
	return nil
}

// receiveFeed receives the rounds, and returns an error unless they come whole and in order, with the end behind them.
func receiveFeed(ctx context.Context, conn transports.Conn, opts *rt.ProtocolOptions) error {
	var o rt.ProtocolOptions
	if opts != nil {
		o = *opts
	}
	pool := mem.NewPool(nil)
	o.Reader = &rt.ReaderOptions{Pool: pool}
	c, err := feed.NewFeedConn(conn, &o)
	if err != nil {
		return err
	}
	row, frames := 0, 0
	for {
		item, err := c.Recv(ctx)
		if err == io.EOF { //nolint:errorlint // the contract is a bare io.EOF
			break
		}
		if err != nil {
			return fmt.Errorf("frame %d: %w", frames, err)
		}
		round := frames / 4
		switch item := item.(type) {
		case *feed.Heartbeat:
			if want := heartbeatAt(round); frames%4 != 0 || item.Sent != want.Sent || item.Host != want.Host || item.Name != want.Name {
				return fmt.Errorf("frame %d is %+v, want %+v", frames, *item, want)
			}
		case *feed.TradeBatch:
			from, n := row, roundRows(round)
			if item.Len() == bigRows {
				from, n = bigFrom, bigRows
			} else {
				row += n
			}
			if frames%4 != 1 || item.Len() != n {
				return fmt.Errorf("frame %d is %d trades, want %d", frames, item.Len(), n)
			}
			if err := checkTrades(*item, from); err != nil {
				return fmt.Errorf("frame %d: %w", frames, err)
			}
			item.Release()
		case *feed.Raw:
			if want := rawAt(round); frames%4 != 2 || string(item.Text) != string(want) {
				return fmt.Errorf("frame %d is a message of %d bytes that was not sent", frames, len(item.Text))
			}
		case *feed.QuoteBatch:
			want := quotesAt(round)
			if frames%4 != 3 || item.Len() != len(want) {
				return fmt.Errorf("frame %d is %d quotes, want %d", frames, item.Len(), len(want))
			}
			for i, q := range item.AppendTo(nil) {
				if q != want[i] {
					return fmt.Errorf("frame %d: quote %d is %+v, want %+v", frames, i, q, want[i])
				}
			}
			item.Release()
		}
		frames++
	}
	if frames != 4*protocolRounds {
		return fmt.Errorf("%d frames before the end, want %d", frames, 4*protocolRounds)
	}
	if s := pool.Stats(); s.InUseBytes != 0 {
		return fmt.Errorf("%d bytes are held after the end: %+v", s.InUseBytes, s)
	}
	return nil
}

// closing closes c where f fails, so that the other end does not wait.
func closing(c transports.Conn, f func() error) (struct{}, error) {
	err := f()
	if err != nil {
		_ = c.Close()
	}
	return struct{}{}, err
}

// pass sends the rounds from one end to the other.
func pass(t *testing.T, sender, receiver transports.Conn, opts *rt.ProtocolOptions, big bool) {
	t.Helper()
	got := start(func() (struct{}, error) {
		return closing(receiver, func() error { return receiveFeed(t.Context(), receiver, opts) })
	})
	_, err := closing(sender, func() error { return sendFeed(t.Context(), sender, opts, big) })
	if err != nil {
		t.Errorf("sending: %v", err)
	}
	if !sender.Caps().HalfClose {
		if err := sender.Close(); err != nil {
			t.Errorf("ending the direction: %v", err)
		}
	}
	if r := <-got; r.err != nil {
		t.Errorf("receiving: %v", r.err)
	}
}

func testProtocol(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	pass(t, sender, receiver, nil, true)
}

func testProtocolAnnounced(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	pass(t, sender, receiver, &rt.ProtocolOptions{Announce: true, Heartbeats: true}, false)
}

// feedMembers are the members of the protocol without their Go types.
func feedMembers() []ipc.Member {
	return []ipc.Member{
		{Name: "trade", Kind: frame.Table, Schema: feed.TradeTable.Schema()},
		{Name: "quote", Kind: frame.Table, Schema: feed.QuoteTable.Schema()},
		{Name: "heartbeat", Kind: frame.Flatbuffer},
		{Name: "raw", Kind: frame.Opaque},
	}
}

// testProtocolUntyped passes what a program without generated code receives on to one with it: frames, not bytes.
func testProtocolUntyped(t *testing.T, e *env) {
	sender, middleIn := e.pair(t)
	middleOut, receiver := e.pair(t)
	sent := start(func() (struct{}, error) {
		return closing(sender, func() error {
			if err := sendFeed(t.Context(), sender, nil, true); err != nil {
				return err
			}
			return finish(sender)
		})
	})
	passed := start(func() (struct{}, error) {
		_, err := closing(middleIn, func() error { return passFrames(t.Context(), middleIn, middleOut) })
		if err != nil {
			_ = middleOut.Close()
		}
		return struct{}{}, err
	})
	if _, err := closing(receiver, func() error { return receiveFeed(t.Context(), receiver, nil) }); err != nil {
		t.Errorf("receiving: %v", err)
	}
	if r := <-passed; r.err != nil {
		t.Errorf("passing on: %v", r.err)
	}
	if r := <-sent; r.err != nil {
		t.Errorf("sending: %v", r.err)
	}
}

// passFrames sends all frames of one connection over another.
func passFrames(ctx context.Context, from, to transports.Conn) error {
	in, err := ipc.NewProtocolConn(from, feedMembers(), nil)
	if err != nil {
		return err
	}
	out, err := ipc.NewProtocolConn(to, feedMembers(), nil)
	if err != nil {
		return err
	}
	for {
		f, err := in.Recv(ctx)
		if err == io.EOF { //nolint:errorlint // the contract
			break
		}
		if err != nil {
			return err
		}
		if f.Tag < 2 {
			err = out.SendBatch(ctx, f.Tag, f.Batch.Len(), ipc.Columns(f.Batch))
			f.Batch.Release()
		} else {
			err = out.SendMessage(ctx, f.Tag, f.Payload)
			f.Release()
		}
		if err != nil {
			return err
		}
	}
	if err := endFeed(to, out, false); err != nil {
		return err
	}
	return finish(to)
}

func testProtocolBothWays(t *testing.T, e *env) {
	a, b := e.duplex(t)
	sides := make([]<-chan result[struct{}], 0, 2)
	for _, c := range []transports.Conn{a, b} {
		sides = append(sides, start(func() (struct{}, error) {
			sent := start(func() (struct{}, error) {
				return closing(c, func() error { return sendFeed(t.Context(), c, &rt.ProtocolOptions{Announce: true}, true) })
			})
			_, err := closing(c, func() error { return receiveFeed(t.Context(), c, &rt.ProtocolOptions{Announce: true}) })
			s := <-sent
			return struct{}{}, errors.Join(err, s.err)
		}))
	}
	for _, side := range sides {
		if r := <-side; r.err != nil {
			t.Error(r.err)
		}
	}
}

// testProtocolHalfClose sends all of one direction and ends it, before the other begins.
func testProtocolHalfClose(t *testing.T, e *env) {
	a, b := e.duplex(t)
	answered := start(func() (struct{}, error) {
		return closing(b, func() error {
			if err := receiveFeed(t.Context(), b, nil); err != nil {
				return err
			}
			return sendFeed(t.Context(), b, nil, false)
		})
	})
	if _, err := closing(a, func() error { return sendFeed(t.Context(), a, nil, true) }); err != nil {
		t.Errorf("the question: %v", err)
	}
	if _, err := closing(a, func() error { return receiveFeed(t.Context(), a, nil) }); err != nil {
		t.Errorf("the answer: %v", err)
	}
	if r := <-answered; r.err != nil {
		t.Error(r.err)
	}
}

// recvOne takes the heartbeat of round 0, and returns what the frame behind it is.
func recvOne(t *testing.T, c *feed.FeedConn) error {
	t.Helper()
	item, err := c.Recv(t.Context())
	if err != nil {
		return err
	}
	if h, ok := item.(*feed.Heartbeat); !ok || h.Host != heartbeatAt(0).Host {
		t.Errorf("the first frame is %#v", item)
	}
	item, err = c.Recv(t.Context())
	if err == nil {
		t.Errorf("a second frame is %#v", item)
	}
	return err
}

// begun connects a sender that has sent a heartbeat, and a receiver.
func begun(t *testing.T, e *env, opts *rt.ProtocolOptions) (sender transports.Conn, receiver *feed.FeedConn) {
	t.Helper()
	sender, conn := e.pair(t)
	c, err := feed.NewFeedConn(sender, opts)
	if err != nil {
		t.Fatal(err)
	}
	h := heartbeatAt(0)
	if err := c.SendHeartbeat(t.Context(), &h); err != nil {
		t.Fatal(err)
	}
	if receiver, err = feed.NewFeedConn(conn, opts); err != nil {
		t.Fatal(err)
	}
	return sender, receiver
}

// testProtocolSenderDies closes the connection with a part of a frame on it.
func testProtocolSenderDies(t *testing.T, e *env) {
	sender, c := begun(t, e, nil)
	got := start(func() (struct{}, error) { return struct{}{}, recvOne(t, c) })
	if _, err := sender.Write([]byte{3, 100, 0, 0, 0, 'h', 'a', 'l', 'f'}); err != nil { // a message of 100 bytes
		t.Fatal(err)
	}
	if err := finish(sender); err != nil {
		t.Fatal(err)
	}
	if r := <-got; !errors.Is(r.err, rt.ErrTruncated) {
		t.Errorf("%v, want an error that wraps ErrTruncated", r.err)
	}
}

// testProtocolUnfinished ends a direction in which an end frame was announced and does not come.
func testProtocolUnfinished(t *testing.T, e *env) {
	sender, c := begun(t, e, &rt.ProtocolOptions{Announce: true})
	got := start(func() (struct{}, error) { return struct{}{}, recvOne(t, c) })
	if err := finish(sender); err != nil {
		t.Fatal(err)
	}
	if r := <-got; !errors.Is(r.err, rt.ErrUnfinished) {
		t.Errorf("%v, want an error that wraps ErrUnfinished", r.err)
	}
}

// testProtocolOrder has the ends announce their members in other orders.
func testProtocolOrder(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	members := feedMembers()
	members[0], members[1] = members[1], members[0]
	near, err := ipc.NewProtocolConn(sender, members, &ipc.ProtocolOptions{Announce: true})
	if err != nil {
		t.Fatal(err)
	}
	far, err := feed.NewFeedConn(receiver, &rt.ProtocolOptions{Announce: true})
	if err != nil {
		t.Fatal(err)
	}
	got := start(func() (feed.FeedItem, error) { return far.Recv(t.Context()) })
	if err := near.SendMessage(t.Context(), 3, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	r := <-got
	var decode *rt.DecodeError
	if !errors.As(r.err, &decode) {
		t.Errorf("%v, %v, want a *DecodeError", r.val, r.err)
		return
	}
	for _, name := range []string{"trade", "quote"} {
		if !strings.Contains(r.err.Error(), name) {
			t.Errorf("%v, want one that names %s", r.err, name)
		}
	}
}
