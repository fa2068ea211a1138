package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// boundary is a place between two messages of a stream, and what has come whole before it.
type boundary struct {
	at            int
	batches, rows int64
}

// boundaries returns the places at which a stream can end between two messages, without that behind its end marker. It fails if
// the stream has no end marker.
func boundaries(t *testing.T, in []byte) (list []boundary) {
	t.Helper()
	var b boundary
	for {
		list = append(list, b)
		m, n, err := new(frame.IPC).Decode(in[b.at:])
		if err != nil || n == 0 {
			t.Fatalf("byte %d: a message of %d bytes, %v", b.at, n, err)
		}
		end := m.End
		if m.Batch != nil {
			b.batches, b.rows = b.batches+1, b.rows+m.Batch.Rows()
		}
		m.Release()
		if end {
			return list
		}
		b.at += n
	}
}

// unfinished checks the error of a stream that was cut between two messages.
func unfinished(t *testing.T, what string, b boundary, batches, rows int64, err error) {
	t.Helper()
	var e *ipc.UnfinishedError
	if !errors.As(err, &e) || !errors.Is(err, rt.ErrUnfinished) || errors.Is(err, rt.ErrTruncated) {
		t.Fatalf("%s, cut at %d: %v, want ErrUnfinished", what, b.at, err)
	}
	if batches != b.batches || rows != b.rows || e.Batches != b.batches || e.Rows != b.rows {
		t.Fatalf("%s, cut at %d: %d batches of %d rows and %+v, want %d of %d", what, b.at, batches, rows, *e, b.batches, b.rows)
	}
	want := fmt.Sprintf("stream ended after batch %d (%d rows) without an end marker; the sender stopped early", b.batches, b.rows)
	if b.batches == 0 {
		want = "stream ended before the first batch without an end marker; the sender stopped early"
	}
	if got := strings.ReplaceAll(err.Error(), ",", ""); got != "lightstream: "+want {
		t.Fatalf("%s, cut at %d: %q, want %q", what, b.at, got, want)
	}
}

// growing is a stream of trades whose dictionary grows with each batch.
func growing(t *testing.T, opts *rt.WriterOptions) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, opts)
	b := feed.NewTradeBuilder(nil)
	for i := range 5 {
		b.Reset()
		rows := trades(2 + i)
		for k := range rows {
			rows[k].Symbol = fmt.Sprint("symbol ", i*k)
		}
		b.AppendRows(rows)
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// legacy writes a stream without its continuation markers, as Arrow did before 0.15.
func legacy(t *testing.T, in []byte) (out []byte) {
	t.Helper()
	list := boundaries(t, in)
	for i, b := range list {
		end := len(in)
		if i+1 < len(list) {
			end = list[i+1].at
		}
		out = append(out, in[b.at+4:end]...)
	}
	return out
}

// TestUnfinishedAtEveryMessage ends streams between any two of their messages: each way to read them gives all whole batches, and
// then ErrUnfinished with their number. At every other byte it is ErrTruncated.
func TestUnfinishedAtEveryMessage(t *testing.T) {
	streams := map[string][]byte{
		"replaced": growing(t, nil),
		"deltas":   growing(t, &rt.WriterOptions{Dictionaries: ipc.DeltaDictionaries}),
		"legacy":   legacy(t, growing(t, nil)),
		"empty":    growingNone(t),
	}
	for name, in := range streams {
		list := boundaries(t, in)
		whole := list[len(list)-1]
		if name != "empty" && (len(list) < 10 || whole.batches != 5 || whole.rows != 20) {
			t.Fatalf("%s: %d messages, %+v", name, len(list), whole)
		}
		at := make(map[int]bool)
		for _, b := range list {
			at[b.at] = true
			cut := in[:b.at]
			batches, rows, err := readUntyped(cut, nil)
			unfinished(t, name+", untyped", b, batches, rows, err)

			r := feed.NewTradeReader(bytes.NewReader(cut), nil)
			batches, rows = 0, 0
			for {
				var batch feed.TradeBatch
				if batch, err = r.Next(t.Context()); err != nil {
					break
				}
				batches, rows = batches+1, rows+int64(batch.Len())
				batch.Release()
			}
			unfinished(t, name+", Next", b, batches, rows, err)
			if _, again := r.Next(t.Context()); again != err {
				t.Errorf("%s, cut at %d: then %v", name, b.at, again)
			}

			batches, rows, err = 0, 0, nil
			for batch, e := range feed.NewTradeReader(bytes.NewReader(cut), nil).Batches(t.Context()) {
				if err != nil {
					t.Fatal("more after the error")
				}
				if err = e; e == nil {
					batches, rows = batches+1, rows+int64(batch.Len())
					batch.Release()
				}
			}
			unfinished(t, name+", Batches", b, batches, rows, err)

			rows, err = 0, nil
			for _, e := range feed.NewTradeReader(bytes.NewReader(cut), nil).Rows(t.Context()) {
				if err != nil {
					t.Fatal("more after the error")
				}
				if err = e; e == nil {
					rows++
				}
			}
			unfinished(t, name+", Rows", b, b.batches, rows, err)

			batches, rows, err = readUntyped(cut, &ipc.ReaderOptions{AllowMissingEnd: true})
			if b.at == 0 {
				unfinished(t, name+", with AllowMissingEnd", b, batches, rows, err)
			} else if err != nil || batches != b.batches || rows != b.rows {
				t.Errorf("%s, cut at %d, with AllowMissingEnd: %d batches of %d rows, %v", name, b.at, batches, rows, err)
			}
		}
		for cut := range in {
			if at[cut] || race && cut%5 != 0 {
				continue
			}
			if _, err := drain(feed.NewTradeReader(bytes.NewReader(in[:cut]), nil)); !errors.Is(err, rt.ErrTruncated) || errors.Is(err, rt.ErrUnfinished) {
				t.Fatalf("%s, cut at %d: %v, want ErrTruncated", name, cut, err)
			}
		}
		if batches, rows, err := readUntyped(in, nil); err != nil || batches != whole.batches || rows != whole.rows {
			t.Errorf("%s, whole: %d batches of %d rows, %v", name, batches, rows, err)
		}
	}
}

func growingNone(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := feed.NewTradeWriter(&buf, nil).Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func readUntyped(in []byte, opts *ipc.ReaderOptions) (batches, rows int64, err error) {
	r := ipc.NewReader(bytes.NewReader(in), opts)
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			return batches, rows, nil
		}
		if err != nil {
			return batches, rows, err
		}
		batches, rows = batches+1, rows+int64(b.Len())
		b.Release()
	}
}

// TestUnfinishedStreamsOfOthers ends streams of other writers between any two of their messages.
func TestUnfinishedStreamsOfOthers(t *testing.T) {
	files, err := filepath.Glob("../internal/testdata/peers/*/*.arrows")
	if err != nil {
		t.Fatal(err)
	}
	cuts := 0
	read := 0
	for _, name := range files {
		if strings.Contains(name, "zstd") || strings.Contains(name, "lz4") { // this program links no compressor
			continue
		}
		read++
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list := boundaries(t, in)
		if len(list) > 12 && (race || testing.Short()) {
			list = list[:12]
		}
		for _, b := range list {
			batches, rows, err := readUntyped(in[:b.at], nil)
			unfinished(t, name, b, batches, rows, err)
			cuts++
		}
	}
	if read < 20 || cuts < 3*read {
		t.Errorf("%d files were cut at %d places", read, cuts)
	}
}

// TestUnfinishedProtocol ends an announced connection between any two of its frames, and one without an announcement, where that is
// the end.
func TestUnfinishedProtocol(t *testing.T) {
	ctx := t.Context()
	for _, announce := range []bool{true, false} {
		opts := &rt.ProtocolOptions{Announce: announce, Heartbeats: announce}
		var wire duplex
		c, err := feed.NewFeedConn(&wire, opts)
		if err != nil {
			t.Fatal(err)
		}
		var list []boundary
		items := []int{}
		count, b := 0, boundary{}
		note := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			b.at = wire.out.Len()
			list, items = append(list, b), append(items, count)
		}
		trade, quote := feed.NewTradeBuilder(nil), feed.NewQuoteBuilder(nil)
		for i := range 4 {
			trade.Reset()
			trade.AppendRows(trades(1 + i))
			err := c.SendTrade(ctx, trade)
			count, b.batches, b.rows = count+1, b.batches+1, b.rows+int64(1+i)
			note(err)
			if announce {
				note(c.Conn().Heartbeat(ctx))
			}
			beat := feed.Heartbeat{Host: "here", Digest: []byte{1}}
			err = c.SendHeartbeat(ctx, &beat)
			count++
			note(err)
			quote.Reset()
			quote.Append(feed.Quote{Symbol: fmt.Sprint(i)})
			err = c.SendQuote(ctx, quote)
			count, b.batches, b.rows = count+1, b.batches+1, b.rows+1
			note(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		all := wire.out.Bytes()
		at := make(map[int]bool)
		for i, b := range list {
			at[b.at] = true
			n, received, err := receive(t, all[:b.at], opts)
			if n != items[i] {
				t.Fatalf("announced %v, cut at %d: %d items, want %d", announce, b.at, n, items[i])
			}
			if announce {
				unfinished(t, "protocol", b, received.Batches, received.Rows, err)
			} else if err != io.EOF {
				t.Fatalf("cut at %d: %v, want io.EOF", b.at, err)
			}
		}
		for cut := list[0].at + 1; cut < len(all); cut++ {
			if at[cut] {
				continue
			}
			if _, _, err := receive(t, all[:cut], opts); !errors.Is(err, rt.ErrTruncated) {
				t.Fatalf("announced %v, cut at %d: %v, want ErrTruncated", announce, cut, err)
			}
		}
		if n, _, err := receive(t, all, opts); n != count || err != io.EOF {
			t.Fatalf("announced %v: %d items, %v", announce, n, err)
		}
	}
}

// receive counts the items that come on a connection.
func receive(t *testing.T, in []byte, opts *rt.ProtocolOptions) (n int, received rt.Stats, err error) {
	t.Helper()
	c, err := feed.NewFeedConn(&duplex{in: bytes.NewReader(in)}, opts)
	if err != nil {
		t.Fatal(err)
	}
	for ; ; n++ {
		item, err := c.Recv(context.Background())
		if err != nil {
			received, _ = c.Conn().Stats()
			return n, received, err
		}
		switch b := item.(type) {
		case *feed.TradeBatch:
			b.Release()
		case *feed.QuoteBatch:
			b.Release()
		}
	}
}

// TestProtocolSaysWhatWasAccepted fails a connection at every byte: its error says how many batches were accepted before.
func TestProtocolSaysWhatWasAccepted(t *testing.T) {
	ctx := t.Context()
	trade := feed.NewTradeBuilder(nil)
	trade.AppendRows(trades(3))
	for left := range 3000 {
		dst := &cutter{left: left}
		c, err := feed.NewFeedConn(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(nil), dst}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sent := int64(0)
		for err == nil {
			if err = c.SendTrade(ctx, trade); err == nil {
				sent++
			}
		}
		var e *rt.WriteError
		if !errors.As(err, &e) || !errors.Is(err, errCut) || e.Batches != sent || e.Rows != 3*sent {
			t.Fatalf("after %d bytes: %v, and %d batches were sent", left, err, sent)
		}
		_, received, rerr := receive(t, dst.got, nil)
		if received.Batches < e.Batches || rerr != io.EOF && !errors.Is(rerr, rt.ErrTruncated) {
			t.Fatalf("after %d bytes: %d batches arrive, %v; the error says %d", left, received.Batches, rerr, e.Batches)
		}
		if again := c.SendTrade(ctx, trade); again == nil || again.Error() != err.Error() {
			t.Fatalf("after %d bytes: then %v", left, again)
		}
	}
}
