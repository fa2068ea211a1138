package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

func protocolTrades(from, n int) *feed.TradeBuilder {
	b := feed.NewTradeBuilder(nil)
	for i := range n {
		b.Append(feed.Trade{Time: time.Unix(int64(from+i), 0), Symbol: fmt.Sprint("S", (from+i)%3), Size: int64(from + i)})
	}
	return b
}

// TestFrames reads what other programs send in frames: the table of a generated protocol, values of TLV, and what is wrong with them.
func TestFrames(t *testing.T) {
	conn := func(f func(ctx context.Context, c *feed.FeedConn) error) func(context.Context, transports.Conn) error {
		return func(ctx context.Context, c transports.Conn) error {
			fc, err := feed.NewFeedConn(c, nil)
			return errors.Join(err, f(ctx, fc), fc.Close())
		}
	}
	tlv := func(values ...[]byte) func(context.Context, transports.Conn) error {
		return func(_ context.Context, c transports.Conn) error {
			var p []byte
			for i, v := range values {
				var err error
				if p, err = (frame.TLV{}).AppendFrame(p, frame.TLVFrame{Type: byte(7 + i), Value: v}); err != nil {
					return err
				}
			}
			_, err := c.Write(p)
			return err
		}
	}
	message := func(from, n int) []byte {
		p, err := feed.TradeTable.AppendMessage(nil, protocolTrades(from, n))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	whole := func(from, n int) []byte {
		var buf bytes.Buffer
		w := feed.NewTradeWriter(&buf, nil)
		if err := errors.Join(w.Write(t.Context(), protocolTrades(from, n)), w.Close()); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	announced := func(end bool) func(context.Context, transports.Conn) error {
		return func(ctx context.Context, c transports.Conn) error {
			p, err := ipc.NewProtocolConn(c, one(feed.TradeTable.Schema(), nil), &ipc.ProtocolOptions{Announce: true})
			if err != nil {
				return err
			}
			b, err := ipc.NewReader(bytes.NewReader(whole(0, 2)), nil).Next(ctx)
			if err != nil {
				return err
			}
			if err := p.SendBatch(ctx, 0, b.Len(), ipc.Columns(b)); err != nil || !end {
				return err
			}
			return p.Close()
		}
	}
	other, err := feed.QuoteTable.AppendMessage(nil, feed.NewQuoteBuilder(nil))
	if err != nil {
		t.Fatal(err)
	}
	index := func(at byte, batches ...int) func(context.Context, transports.Conn) error {
		return func(ctx context.Context, c transports.Conn) error {
			if _, err := c.Write([]byte{at}); err != nil {
				return err
			}
			return conn(func(ctx context.Context, fc *feed.FeedConn) error {
				for _, k := range batches {
					if err := fc.SendTrade(ctx, protocolTrades(k, 1)); err != nil {
						return err
					}
				}
				return nil
			})(ctx, c)
		}
	}
	for _, c := range []struct {
		name, params string
		send         []func(context.Context, transports.Conn) error // one for each connection
		rows         int
		want         string // of an error
	}{
		{"a table", "?protocol=lightstream", []func(context.Context, transports.Conn) error{conn(func(ctx context.Context, c *feed.FeedConn) error {
			return errors.Join(c.SendTrade(ctx, protocolTrades(0, 3)), c.SendTrade(ctx, protocolTrades(3, 2)))
		})}, 5, ""},
		{"a message behind it", "?protocol=lightstream", []func(context.Context, transports.Conn) error{conn(func(ctx context.Context, c *feed.FeedConn) error {
			return errors.Join(c.SendTrade(ctx, protocolTrades(0, 3)), c.SendRaw(ctx, &feed.Raw{Text: []byte("hello")}))
		})}, 0, "tag"},
		{"nothing", "?protocol=lightstream", []func(context.Context, transports.Conn) error{conn(func(context.Context, *feed.FeedConn) error { return nil })}, 0, "ended before a table"},
		{"connections in another order", "?protocol=lightstream&streams=2", []func(context.Context, transports.Conn) error{index(1, 1, 3), index(0, 0, 2, 4)}, 5, ""},
		{"one ends early", "?protocol=lightstream&streams=2", []func(context.Context, transports.Conn) error{index(0, 0, 2, 4), index(1, 1)}, 0, "frame 3 is missing"},
		{"one twice", "?protocol=lightstream&streams=2", []func(context.Context, transports.Conn) error{index(1, 1), index(1, 1)}, 0, "two connections say that they are number 1"},
		{"one of others", "?protocol=lightstream&streams=2", []func(context.Context, transports.Conn) error{index(2, 1), index(2, 1)}, 0, "does the other end say so too?"},
		{"values", "?protocol=tlv", []func(context.Context, transports.Conn) error{tlv(message(0, 2), message(2, 3))}, 5, ""},
		{"values of two tables", "?protocol=tlv", []func(context.Context, transports.Conn) error{tlv(message(0, 2), other)}, 0, "want the same of all"},
		{"a value that is no table", "?protocol=tlv", []func(context.Context, transports.Conn) error{tlv(message(0, 2), []byte("hello, hello"))}, 0, "frame 1 of type 8"},
		{"a value with more behind its table", "?protocol=tlv", []func(context.Context, transports.Conn) error{tlv(
			slices.Concat(whole(0, 1), whole(1, 1)), slices.Concat(whole(2, 1), []byte("garbage")))}, 0, "bytes follow the end marker"},
		{"an end that was announced", "?protocol=lightstream&announce=1", []func(context.Context, transports.Conn) error{announced(true)}, 2, ""},
		{"one that does not come", "?protocol=lightstream&announce=1", []func(context.Context, transports.Conn) error{announced(false)}, 0, "end"},
		{"a cut value", "?protocol=tlv", []func(context.Context, transports.Conn) error{tlv(message(0, 2)[:100])}, 0, "frame 0 of type 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := tcp.Listen(t.Context(), "127.0.0.1:0", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			out := filepath.Join(t.TempDir(), "out.ndjson")
			cmd := start(t, "copy", "tcp://"+l.Addr().String()+c.params, out)
			for _, send := range c.send {
				conn, err := l.Accept(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if err := errors.Join(send(t.Context(), conn), conn.CloseWrite()); err != nil && c.want == "" {
					t.Fatal(err)
				}
			}
			if c.want != "" {
				if cmd.wait(exitBad); !strings.Contains(cmd.stderr(), c.want) {
					t.Errorf("%s, want %q", cmd.stderr(), c.want)
				}
				return
			}
			cmd.wait(exitFine)
			rows := strings.Split(strings.TrimSpace(string(call(t, "cat", out, "--to", "ndjson"))), "\n")
			if len(rows) != c.rows {
				t.Fatalf("%d rows, want %d:\n%s", len(rows), c.rows, rows)
			}
			for i, row := range rows {
				if !strings.Contains(row, fmt.Sprintf(`"size":%d,`, i)) {
					t.Errorf("row %d is %s", i, row)
				}
			}
		})
	}
}

// TestFramesBrokenOff has a source break off inside of a copy to a protocol whose tables end where the connection does.
func TestFramesBrokenOff(t *testing.T) {
	for _, params := range []string{"?protocol=tlv", "?protocol=lightstream", "?protocol=lightstream&streams=2", "?protocol=lightstream&announce=1"} {
		t.Run(params, func(t *testing.T) {
			dir := t.TempDir()
			var buf bytes.Buffer
			w := feed.NewTradeWriter(&buf, nil)
			for i := range 3 {
				if err := w.Write(t.Context(), protocolTrades(i, 1)); err != nil {
					t.Fatal(err)
				}
			}
			in, out := filepath.Join(dir, "in.arrows"), filepath.Join(dir, "out.arrow")
			if err := os.WriteFile(in, buf.Bytes(), 0o600); err != nil { // without an end marker
				t.Fatal(err)
			}
			to := start(t, "copy", "tcp+listen://127.0.0.1:0"+params, out)
			from := start(t, "copy", in, to.at(1)+params)
			from.wait(exitBad)
			to.wait(exitBad)
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%v: a part of the table is there", err)
			}
			whole := start(t, "copy", "tcp+listen://127.0.0.1:0"+params, out)
			call(t, "copy", in, whole.at(1)+params, "--unfinished")
			whole.wait(exitFine)
		})
	}
}

// TestFramesKeepMetadata copies what is attached to messages by way of frames.
func TestFramesKeepMetadata(t *testing.T) {
	entries := func(key string) []ipc.KeyValue { return []ipc.KeyValue{{Key: key, Value: "x"}} }
	for _, params := range []string{"?protocol=tlv", "?protocol=lightstream"} {
		dir := t.TempDir()
		var buf bytes.Buffer
		tw := feed.NewTradeWriter(&buf, nil)
		if err := errors.Join(tw.Write(t.Context(), protocolTrades(0, 2)), tw.Close()); err != nil {
			t.Fatal(err)
		}
		b, err := ipc.NewReader(bytes.NewReader(slices.Clone(buf.Bytes())), nil).Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		buf.Reset()
		w := ipc.NewWriter(&buf, feed.TradeTable.Schema(), nil)
		w.SetAttached(ipc.Attached{Schema: entries("schema"), Dictionaries: map[int64][]ipc.KeyValue{0: entries("dictionary"), 1: entries("dictionary"), 2: entries("dictionary")}})
		w.SetMetadata(entries("batch"))
		if err := errors.Join(w.Write(t.Context(), b.Len(), ipc.Columns(b)), w.Close()); err != nil {
			t.Fatal(err)
		}
		in, out := filepath.Join(dir, "in.arrows"), filepath.Join(dir, "out.arrows")
		if err := os.WriteFile(in, buf.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		to := start(t, "copy", "tcp+listen://127.0.0.1:0"+params, out)
		call(t, "copy", in, to.at(1)+params)
		to.wait(exitFine)
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		r := ipc.NewReader(bytes.NewReader(text), nil)
		got, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Metadata(), entries("batch")) || !slices.Equal(r.Attached().Schema, entries("schema")) {
			t.Errorf("%s: a batch with %q, attached %v", params, got.Metadata(), r.Attached())
		}
		for id, have := range r.Attached().Dictionaries {
			if !slices.Equal(have, entries("dictionary")) {
				t.Errorf("%s: dictionary %d has %q", params, id, have)
			}
		}
		if len(r.Attached().Dictionaries) != 1 {
			t.Errorf("%s: dictionaries %v", params, r.Attached().Dictionaries)
		}
	}
}
