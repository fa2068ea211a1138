package quic_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports/quic"
)

// TestLanes has the batches of a table on unidirectional streams of one connection, typed and untyped, in one order and in any.
func TestLanes(t *testing.T) {
	const streams, count = 3, 40
	p := newPKI(t)
	for _, typed := range []bool{true, false} {
		for _, ordered := range []bool{true, false} {
			t.Run(fmt.Sprintf("typed %t, ordered %t", typed, ordered), func(t *testing.T) {
				l := listen(t, &quic.ListenOptions{TLS: p.listener()})
				near, err := quic.DialSession(t.Context(), l.Addr().String(), &quic.DialOptions{TLS: p.client()})
				if err != nil {
					t.Fatal(err)
				}
				defer near.Close()
				far, err := l.AcceptSession(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer far.Close()
				o := &lanes.Options{Ordered: ordered}
				sent := make(chan error, 1)
				go func() { sent <- sendLanes(t.Context(), near, streams, count, typed, o) }()
				var got []int64
				var in []*quic.Conn
				for range streams { // as they come is the order in which they were opened
					c, err := far.AcceptReceiver(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					in = append(in, c)
				}
				if typed {
					got, err = receiveTyped(t.Context(), in, o)
				} else {
					got, err = receiveUntyped(t.Context(), in, o)
				}
				if err := errors.Join(err, <-sent); err != nil {
					t.Fatal(err)
				}
				seen := make(map[int64]bool)
				for i, n := range got {
					if seen[n] || n < 0 || n >= count || ordered && n != int64(i) {
						t.Errorf("batch %d is number %d", i, n)
					}
					seen[n] = true
				}
				if len(got) != count {
					t.Errorf("received %d batches, want %d", len(got), count)
				}
				// All has been read, so this end closes, for which the other one waits.
				if err := far.Close(); err != nil {
					t.Error(err)
				}
				if err := near.Wait(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func sendLanes(ctx context.Context, s *quic.Session, streams, count int, typed bool, o *lanes.Options) error {
	var conns []*quic.Conn
	for range streams {
		c, err := s.OpenSender(ctx)
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	b := feed.NewTradeBuilder(nil)
	fill := func(k int) {
		b.Reset()
		b.Append(feed.Trade{Time: time.Unix(int64(k), 0), Symbol: fmt.Sprint("S", k%5), Size: int64(k)})
	}
	if typed {
		var sinks []lanes.Sink[*feed.TradeBuilder]
		for _, c := range conns {
			sinks = append(sinks, feed.NewTradeWriter(c, nil))
		}
		w := lanes.NewWriter(sinks, o)
		for k := range count {
			fill(k)
			if err := w.Write(ctx, b); err != nil {
				w.Abort()
				return err
			}
		}
		return w.Close()
	}
	schema := feed.TradeTable.Schema()
	var sinks []lanes.Sink[lanes.Columns]
	for _, c := range conns {
		sinks = append(sinks, lanes.Untyped(ipc.NewWriter(c, schema, nil)))
	}
	w := lanes.NewWriter(sinks, o)
	for k := range count {
		fill(k)
		one, err := untyped(ctx, b)
		if err != nil {
			w.Abort()
			return err
		}
		if err := w.Write(ctx, lanes.Columns{Rows: one.Len(), Columns: ipc.Columns(one)}); err != nil {
			w.Abort()
			return err
		}
		one.Release()
	}
	return w.Close()
}

func receiveTyped(ctx context.Context, in []*quic.Conn, o *lanes.Options) (got []int64, err error) {
	var sources []lanes.Source[feed.TradeBatch]
	for _, c := range in {
		sources = append(sources, feed.NewTradeReader(c, nil))
	}
	r := lanes.NewReader(sources, o)
	for {
		b, err := r.Next(ctx)
		if err == io.EOF { //nolint:errorlint // the contract
			return got, r.Close()
		}
		if err != nil {
			return nil, err
		}
		got = append(got, b.Size()[0])
		b.Release()
	}
}

// untyped is a batch as a reader of any schema has it.
func untyped(ctx context.Context, b *feed.TradeBuilder) (ipc.Batch, error) {
	message, err := feed.TradeTable.AppendMessage(nil, b)
	if err != nil {
		return ipc.Batch{}, err
	}
	return ipc.NewReader(bytes.NewReader(message), nil).Next(ctx)
}

func receiveUntyped(ctx context.Context, in []*quic.Conn, o *lanes.Options) (got []int64, err error) {
	var sources []lanes.Source[ipc.Batch]
	for _, c := range in {
		sources = append(sources, ipc.NewReader(c, nil))
	}
	r := lanes.NewReader(sources, o)
	for {
		b, err := r.Next(ctx)
		if err == io.EOF { //nolint:errorlint // the contract
			return got, r.Close()
		}
		if err != nil {
			return nil, err
		}
		sizes := ipc.Columns(b)[3].Buffers[1]
		got = append(got, int64(binary.LittleEndian.Uint64(sizes))) // untyped columns hold little-endian bytes everywhere
		b.Release()
	}
}
