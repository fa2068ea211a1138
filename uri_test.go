package lightstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
	_ "github.com/lightstream-go/lightstream/transports/tcp"
	_ "github.com/lightstream-go/lightstream/transports/uds"
)

func tradeRow(i int) feed.Trade {
	return feed.Trade{Time: time.Unix(int64(i), 0).UTC(), Symbol: fmt.Sprint("S", i%7), Price: float64(i), Size: int64(i)}
}

const tradeRows = 1000

// sendTrades writes the rows to a URI: half by row, and the rest by batches.
func sendTrades(ctx context.Context, uri string, opts *lightstream.WriteOptions) error {
	if opts == nil {
		opts = &lightstream.WriteOptions{}
	}
	opts.Writer.BatchRows = 64
	w, err := lightstream.Write(ctx, feed.TradeTable, uri, opts)
	if err != nil {
		return err
	}
	defer w.Abort()
	byRow := tradeRows / 2
	if !strings.Contains(uri, "+listen") && !strings.Contains(uri, "tcp") && !strings.Contains(uri, "uds") { // a file has the dictionaries of one builder
		byRow = tradeRows
	}
	for i := range byRow {
		if err := w.Append(ctx, tradeRow(i)); err != nil {
			return err
		}
	}
	if err := w.Append(ctx, feed.Trade{}); err == nil { // a time out of range
		return errors.New("a row that does not fit was taken")
	}
	b := feed.NewTradeBuilder(nil)
	for i := byRow; i < tradeRows; i += 100 {
		b.Reset()
		for k := range 100 {
			b.Append(tradeRow(i + k))
		}
		if err := w.Write(ctx, b); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if s := w.Stats(); s.Rows != tradeRows {
		return fmt.Errorf("%+v", s)
	}
	return nil
}

// wantTrades reads them.
func wantTrades(t *testing.T, r *lightstream.Reader[feed.Trade, feed.TradeBatch], ordered bool) {
	t.Helper()
	var got []int64
	for row, err := range r.Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if want := tradeRow(int(row.Size)); row.Symbol != want.Symbol || row.Price != want.Price || !row.Time.Equal(want.Time) {
			t.Fatalf("%+v, want %+v", row, want)
		}
		got = append(got, row.Size)
	}
	if ordered && !slices.IsSorted(got) {
		t.Fatal("the rows are not in order")
	}
	slices.Sort(got)
	for i, v := range got {
		if v != int64(i) {
			t.Fatalf("row %d is %d", i, v)
		}
	}
	if len(got) != tradeRows || r.Stats().Rows != tradeRows {
		t.Fatalf("%d rows, %+v", len(got), r.Stats())
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestURIs(t *testing.T) {
	for _, c := range []struct{ name, params, own string }{
		{"plain", "", ""},
		{"compressed", "", "?compression=zstd"},
		{"streams", "?streams=3", "?streams=3"},
		{"ordered", "?streams=3&ordered=1", "?streams=3&ordered=1&compression=zstd"},
		{"one ordered", "?ordered=1", "?ordered=1"},
		{"timeout", "?timeout=1m", "?timeout=1m&streams=1"},
	} {
		for _, scheme := range []string{"tcp", "uds"} {
			if scheme == "uds" && runtime.GOOS == "windows" {
				continue
			}
			for _, accepting := range []string{"reader", "writer"} {
				t.Run(c.name+"/"+scheme+"/"+accepting+" accepts", func(t *testing.T) {
					at := scheme + "+listen://127.0.0.1:0"
					if scheme == "uds" {
						dir, err := os.MkdirTemp("", "ls") // short enough
						if err != nil {
							t.Fatal(err)
						}
						t.Cleanup(func() { os.RemoveAll(dir) })
						at = scheme + "+listen://" + filepath.Join(dir, "s")
					}
					listening := make(chan string, 1)
					transport := &transports.Options{Listening: func(a net.Addr) {
						if scheme == "uds" {
							listening <- strings.Replace(at, "+listen", "", 1)
						} else {
							listening <- "tcp://" + a.String()
						}
					}}
					sent := make(chan error, 1)
					if accepting == "reader" {
						go func() { sent <- sendTrades(t.Context(), <-listening+c.own, nil) }()
						r, err := lightstream.Read(t.Context(), feed.TradeTable, at+c.params, &lightstream.ReadOptions{Transport: transport})
						if err != nil {
							t.Fatal(err)
						}
						wantTrades(t, r, strings.Contains(c.params, "ordered") || !strings.Contains(c.params, "streams"))
					} else {
						go func() { sent <- sendTrades(t.Context(), at+c.own, &lightstream.WriteOptions{Transport: transport}) }()
						r, err := lightstream.Read(t.Context(), feed.TradeTable, <-listening+c.params, nil)
						if err != nil {
							t.Fatal(err)
						}
						wantTrades(t, r, strings.Contains(c.params, "ordered") || !strings.Contains(c.params, "streams"))
					}
					if err := <-sent; err != nil {
						t.Fatal(err)
					}
				})
			}
		}
	}
}

func TestURIFiles(t *testing.T) {
	for _, name := range []string{"trades.arrow", "trades.arrows", "trades"} {
		path := filepath.Join(t.TempDir(), name)
		uri := "file://" + filepath.ToSlash(path)
		if runtime.GOOS == "windows" {
			uri = path
		}
		if err := sendTrades(t.Context(), uri, nil); err != nil {
			t.Fatal(err)
		}
		head, err := os.ReadFile(path)
		if err != nil || (string(head[:6]) == "ARROW1") != !strings.HasSuffix(name, "s") && name != "trades" {
			t.Fatalf("%s begins with %q, %v", name, head[:6], err)
		}
		r, err := lightstream.Read(t.Context(), feed.TradeTable, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantTrades(t, r, true)

		any, err := lightstream.ReadAny(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		again := filepath.Join(t.TempDir(), name)
		w, err := lightstream.WriteAny(t.Context(), any.Schema(), again, nil)
		if err != nil {
			t.Fatal(err)
		}
		for b, err := range any.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(t.Context(), b.Len(), ipc.Columns(b)); err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		if _, err := os.Stat(again); err == nil {
			t.Fatal("a file that is not complete has its name")
		}
		if err := errors.Join(w.Close(), any.Close()); err != nil {
			t.Fatal(err)
		}
		if in, out := any.Stats(), w.Stats(); in.Batches == 0 || in.Bytes == 0 || out.Batches != in.Batches || out.Rows != in.Rows || out.Bytes == 0 {
			t.Errorf("%+v read, %+v written", in, out)
		}
		r, err = lightstream.Read(t.Context(), feed.TradeTable, again, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for b, err := range r.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n += b.Len()
		}
		if n != tradeRows {
			t.Fatal(n)
		}
		if _, err := r.Next(t.Context()); err != io.EOF {
			t.Fatal(err)
		}
		r.Close()

		// What is not finished leaves what was there.
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		aborted, err := lightstream.Write(t.Context(), feed.TradeTable, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := aborted.Append(t.Context(), tradeRow(1)); err != nil {
			t.Fatal(err)
		}
		aborted.Abort()
		if now, err := os.ReadFile(path); err != nil || string(now) != string(old) {
			t.Fatal("the file changed", err)
		}
	}
}

// TestURIAny passes a stream on over several connections in order.
func TestURIAny(t *testing.T) {
	listening := make(chan string, 1)
	sent := make(chan error, 1)
	go func() {
		sent <- func() error {
			w, err := lightstream.WriteAny(t.Context(), feed.TradeTable.Schema(), "tcp+listen://127.0.0.1:0?streams=2&ordered=1", &lightstream.WriteOptions{
				Transport: &transports.Options{Listening: func(a net.Addr) { listening <- a.String() }},
			})
			if err != nil {
				return err
			}
			b := feed.NewTradeBuilder(nil)
			for i := range 9 {
				b.Reset()
				b.Append(tradeRow(i))
				message, err := feed.TradeTable.AppendMessage(nil, b)
				if err != nil {
					return err
				}
				in, err := ipc.NewReader(strings.NewReader(string(message)), nil).Next(t.Context())
				if err != nil {
					return err
				}
				if err := w.Write(t.Context(), in.Len(), ipc.Columns(in)); err != nil {
					return err
				}
			}
			err = w.Close()
			if s := w.Stats(); err == nil && (s.Batches != 9 || s.Rows != 9) {
				err = fmt.Errorf("%+v written", s)
			}
			return err
		}()
	}()
	r, err := lightstream.ReadAny(t.Context(), "tcp://"+<-listening+"?streams=2&ordered=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for b, err := range r.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Metadata(); len(got) != 1 || got[0].Key != lanes.Sequence || got[0].Value != fmt.Sprint(n) {
			t.Fatalf("batch %d: %v", n, got)
		}
		n++
	}
	if s := r.Stats(); n != 9 || r.Schema().Fingerprint() != feed.TradeTable.Fingerprint() || s.Batches != 9 || s.Rows != 9 {
		t.Fatal(n, s)
	}
	if err := errors.Join(r.Close(), <-sent); err != nil {
		t.Fatal(err)
	}
}

func TestURIErrors(t *testing.T) {
	for uri, want := range map[string]string{
		"tcp://localhost:1?protocol=lightstream": "protocol=: is lightstream, and this call takes one Arrow stream; use transports.ParseURI",
		"tcp://localhost:1?announce=1":           "announce=: is of the Lightstream protocol",
		"tcp://localhost:1?compression=zstd":     "compression=: is for the end that writes",
		"file:///x.arrow?streams=2":              "streams=: is for connections",
		"file:///x.arrow?ordered=1":              "ordered=: is for connections",
		"quic://localhost:1":                     `add import _ "github.com/lightstream-go/lightstream/transports/quic"`,
		"there is no such file.arrow":            "no such file.arrow: ",
		t.TempDir():                              "is a directory; name a file",
		"x.arrow?streams=2":                      "streams=: is a parameter, and this is a path; want file:x.arrow?streams=...",
		"localhost:9000":                         "want a scheme: tcp://localhost:9000",
		"tcp://127.0.0.1:1?streams=2":            "(connection 1 of 2: ",
		"tcp://localhost:1?x=1":                  "",
	} {
		_, err := lightstream.Read(t.Context(), feed.TradeTable, uri, nil)
		_, errAny := lightstream.ReadAny(t.Context(), uri, nil)
		if err == nil || errAny == nil || !strings.Contains(err.Error(), want) || err.Error() != errAny.Error() {
			t.Errorf("%s: %v and %v, want %q", uri, err, errAny, want)
		}
	}
	for uri, want := range map[string]string{
		"tcp://127.0.0.1:1":                           "connection refused",
		filepath.Join(t.TempDir(), "none", "x.arrow"): "none",
		filepath.Join(t.TempDir(), "x.arrows.zst"):    "files are not compressed as a whole, and the name says .zst",
		filepath.Join(t.TempDir(), "x.csv"):           "this writes Arrow, and the name says .csv; want .arrow or .arrows",
	} {
		if _, err := lightstream.Write(t.Context(), feed.TradeTable, uri, nil); err == nil || runtime.GOOS != "windows" && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", uri, err, want)
		}
	}
	_, err := lightstream.Write(t.Context(), feed.TradeTable, "tcp://127.0.0.1:1?streams=2", &lightstream.WriteOptions{Writer: rt.WriterOptions{MaxDelay: 1}})
	if err == nil || !strings.Contains(err.Error(), "MaxDelay") {
		t.Error(err)
	}
}

// TestURILargeBatches has a writer that is still busy with the first stream when the reader wants to know the schema of all.
func TestURILargeBatches(t *testing.T) {
	listening := make(chan string, 1)
	sent := make(chan error, 1)
	go func() {
		sent <- func() error {
			w, err := lightstream.Write(t.Context(), feed.TradeTable, "tcp+listen://127.0.0.1:0?streams=2&ordered=1", &lightstream.WriteOptions{
				Transport: &transports.Options{Listening: func(a net.Addr) { listening <- a.String() }},
			})
			if err != nil {
				return err
			}
			b := feed.NewTradeBuilder(nil)
			rows := make([]feed.Trade, 200_000)
			for i := range rows {
				rows[i] = tradeRow(i)
			}
			for range 3 {
				b.Reset()
				b.AppendRows(rows)
				if err := w.Write(t.Context(), b); err != nil {
					return err
				}
			}
			return w.Close()
		}()
	}()
	r, err := lightstream.ReadAny(t.Context(), "tcp://"+<-listening+"?streams=2&ordered=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for b, err := range r.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n += b.Len()
		b.Release()
	}
	if err := errors.Join(r.Close(), <-sent); err != nil || n != 600_000 {
		t.Fatal(n, err)
	}
}

// TestWriteErrorPlace names the other end once, also where it was dialled by another name than its address.
func TestWriteErrorPlace(t *testing.T) {
	err := &ipc.WriteError{
		Destination: "tcp 127.0.0.1:9000", Batches: 1, Rows: 8,
		Err: &transports.Error{Transport: "tcp", Addr: "localhost:9000", Op: "write", Err: io.ErrClosedPipe},
	}
	const want = "lightstream: tcp 127.0.0.1:9000: after 1 batch (8 rows) that were accepted: write: io: read/write on closed pipe"
	if err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
