package transporttest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
)

// OpenLanes opens n lanes. accept returns their other ends, in the same order, and is called when something is sent over each. All are closed
// when the test ends.
type OpenLanes func(t *testing.T, n int) (senders []transports.Conn, accept func() []transports.Conn)

// RunLanes streams a table over several connections at once, or several streams of one: typed and untyped, in one order and in any, and with
// lanes that are wrong, each of which must be an error that names the number of the batch that is missing.
func RunLanes(t *testing.T, open OpenLanes) {
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() {
				if !t.Failed() {
					if err := leaked(before); err != nil {
						t.Error(err)
					}
				}
			})
			f(t)
		})
	}
	for _, typed := range []bool{true, false} {
		name := map[bool]string{true: "typed", false: "untyped"}[typed]
		for _, ordered := range []bool{true, false} {
			run(fmt.Sprintf("%s, ordered %t", name, ordered), func(t *testing.T) { testLanes(t, open, typed, ordered) })
		}
		for _, w := range wrongLanes {
			run(name+", "+w.name, func(t *testing.T) { testWrongLanes(t, open, typed, w) })
		}
	}
}

// laneBatch makes batch k: one row.
func laneBatch(b *feed.TradeBuilder, k int) {
	b.Reset()
	b.Append(feed.Trade{Time: time.Unix(int64(k), 0), Symbol: symbolAt(k), Size: int64(k)})
}

func testLanes(t *testing.T, open OpenLanes, typed, ordered bool) {
	const streams, count = 3, 100
	out, accept := open(t, streams)
	o := &lanes.Options{Ordered: ordered}
	sent := start(func() (struct{}, error) {
		send := sendUntyped
		if typed {
			send = sendTyped
		}
		err := send(t.Context(), out, count, o)
		for _, c := range out {
			err = errors.Join(err, finish(c))
		}
		return struct{}{}, err
	})
	in := accept()
	next, stop := laneReader(in, typed, o)
	seen := make(map[int64]bool)
	for {
		n, err := next(t.Context())
		if err == io.EOF { //nolint:errorlint // the contract
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if seen[n] || n < 0 || n >= count || ordered && n != int64(len(seen)) {
			t.Errorf("batch %d is number %d", len(seen), n)
		}
		seen[n] = true
	}
	if len(seen) != count {
		t.Errorf("received %d batches, want %d", len(seen), count)
	}
	for _, c := range in { // to the end of the direction, so that the sender is not cut off
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Error(err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if r := <-sent; r.err != nil {
		t.Error(r.err)
	}
}

func sendTyped(ctx context.Context, out []transports.Conn, count int, o *lanes.Options) error {
	var sinks []lanes.Sink[*feed.TradeBuilder]
	for _, c := range out {
		sinks = append(sinks, feed.NewTradeWriter(c, &rt.WriterOptions{KeepOpen: true}))
	}
	w := lanes.NewWriter(sinks, o)
	defer w.Abort()
	b := feed.NewTradeBuilder(nil)
	for k := range count {
		laneBatch(b, k)
		if err := w.Write(ctx, b); err != nil {
			return err
		}
	}
	return w.Close()
}

func sendUntyped(ctx context.Context, out []transports.Conn, count int, o *lanes.Options) error {
	var sinks []lanes.Sink[lanes.Columns]
	for _, c := range out {
		sinks = append(sinks, lanes.Untyped(ipc.NewWriter(c, feed.TradeTable.Schema(), &ipc.WriterOptions{KeepOpen: true})))
	}
	w := lanes.NewWriter(sinks, o)
	defer w.Abort()
	b := feed.NewTradeBuilder(nil)
	for k := range count {
		laneBatch(b, k)
		message, err := feed.TradeTable.AppendMessage(nil, b)
		if err != nil {
			return err
		}
		one, err := ipc.NewReader(bytes.NewReader(message), nil).Next(ctx) // as a program has it that knows no table
		if err != nil {
			return err
		}
		err = w.Write(ctx, lanes.Columns{Rows: one.Len(), Columns: ipc.Columns(one)})
		one.Release()
		if err != nil {
			return err
		}
	}
	return w.Close()
}

// laneReader returns a function that returns the number in the next batch, and one that ends the reader.
func laneReader(in []transports.Conn, typed bool, o *lanes.Options) (next func(context.Context) (int64, error), stop func() error) {
	if typed {
		var sources []lanes.Source[feed.TradeBatch]
		for _, c := range in {
			sources = append(sources, feed.NewTradeReader(c, nil))
		}
		r := lanes.NewReader(sources, o)
		return func(ctx context.Context) (int64, error) {
			b, err := r.Next(ctx)
			if err != nil {
				return 0, err
			}
			defer b.Release()
			return b.Size()[0], nil
		}, r.Close
	}
	var sources []lanes.Source[ipc.Batch]
	for _, c := range in {
		sources = append(sources, ipc.NewReader(c, nil))
	}
	r := lanes.NewReader(sources, o)
	return func(ctx context.Context) (int64, error) {
		b, err := r.Next(ctx)
		if err != nil {
			return 0, err
		}
		defer b.Release()
		sizes := ipc.Columns(b)[3].Buffers[1]
		return int64(binary.LittleEndian.Uint64(sizes)), nil // untyped columns hold little-endian bytes everywhere
	}, r.Close
}

// wrongLane is what is sent on two lanes that are not one order.
type wrongLane struct {
	name  string
	lanes [2][]int // the numbers of the batches
	lost  bool     // lane 1 is closed without an end, when so many have come
	good  int      // batches that come before the error
	gap   bool     // the error is a gap
}

var wrongLanes = []wrongLane{
	{"gap", [2][]int{{0, 2, 4}, {1, 5}}, false, 3, true},
	{"early end", [2][]int{{0, 2, 4}, {1}}, false, 3, true},
	{"no batch on a lane", [2][]int{{0, 2}, {}}, false, 1, true},
	{"twice", [2][]int{{0, 2, 2}, {1, 3, 5}}, false, 4, true},
	{"lost lane", [2][]int{{0, 2, 4}, {1}}, true, 3, false},
}

func testWrongLanes(t *testing.T, open OpenLanes, typed bool, c wrongLane) {
	out, accept := open(t, 2)
	cut := make(chan struct{})
	over := make(chan struct{})
	var sent [2]<-chan result[struct{}]
	for i, conn := range out {
		sent[i] = start(func() (struct{}, error) {
			w := feed.NewTradeWriter(conn, &rt.WriterOptions{KeepOpen: true})
			b := feed.NewTradeBuilder(nil)
			for _, k := range c.lanes[i] {
				laneBatch(b, k)
				w.SetMetadata([]ipc.KeyValue{{Key: lanes.Sequence, Value: fmt.Sprint(k)}})
				if err := w.Write(t.Context(), b); err != nil {
					return struct{}{}, err
				}
			}
			if c.lost && i == 1 {
				<-cut
				w.Abort()
				return struct{}{}, conn.Close()
			}
			if err := w.Close(); err != nil {
				return struct{}{}, err
			}
			<-over
			return struct{}{}, nil
		})
	}
	in := accept()
	next, stop := laneReader(in, typed, &lanes.Options{Ordered: true})
	for k := range c.good {
		if n, err := next(t.Context()); err != nil || n != int64(k) {
			t.Errorf("batch %d is number %d, %v", k, n, err)
			break
		}
	}
	close(cut)
	n, err := next(t.Context())
	var e *lanes.Error
	if !errors.As(err, &e) || e.Batch != uint64(c.good) || errors.Is(err, lanes.ErrGap) != c.gap {
		t.Errorf("batch %d, %v, want an error about batch %d", n, err, c.good)
	}
	close(over)
	for _, s := range sent {
		if r := <-s; r.err != nil {
			t.Error(r.err)
		}
	}
	for _, conn := range append(in, out...) { // which ends the reads of the lanes, and lets the senders go
		_ = conn.Close()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
