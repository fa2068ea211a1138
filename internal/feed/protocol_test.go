package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

var (
	_ frame.Decoder[feed.FeedItem]      = (*feed.FeedFramer)(nil)
	_ frame.SizedDecoder[feed.FeedItem] = (*feed.FeedFramer)(nil)
)

var epoch = time.Unix(0, 0)

func ptr[T any](v T) *T { return &v }

// heartbeat returns a message that differs from the one before it in some fields.
func heartbeat(i int) feed.Heartbeat {
	h := feed.Heartbeat{
		Sent: int64(i) - 1, Host: fmt.Sprint("host ", i%3), Live: i%2 == 0, Load: float64(i) / 3, Share: -float32(i), Level: uint8(i),
		Side: -1, Digest: []byte{byte(i)}, Name: "ünï",
	}
	if i%2 == 1 {
		h.Rank, h.Note = rt.Some(int32(0)), rt.Some("")
		h.Weight, h.Remark = ptr(0.0), ptr("a remark")
		h.Payload = []byte{}
	}
	return h
}

func quotes(n int) []feed.Quote {
	rows := make([]feed.Quote, n)
	for i := range rows {
		rows[i] = feed.Quote{Symbol: fmt.Sprint("Q", i%5), Bid: float64(i), Ask: float64(i) + 0.25}
	}
	return rows
}

// TestFeedConn sends one of everything, again and again, and receives it by a type switch.
func TestFeedConn(t *testing.T) {
	const rounds = 20
	for _, opts := range []*rt.ProtocolOptions{nil, {Announce: true, Heartbeats: true}, {Reader: &rt.ReaderOptions{Reuse: true}}} {
		t.Run(fmt.Sprintf("%+v", opts), func(t *testing.T) {
			near, far := net.Pipe()
			sent := make(chan error, 1)
			go func() {
				defer near.Close()
				sent <- sendFeed(near, opts, rounds)
			}()
			c, err := feed.NewFeedConn(far, opts)
			if err != nil {
				t.Fatal(err)
			}
			counts := map[string]int{}
			for {
				item, err := c.Recv(t.Context())
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				check(t, item, counts)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"trade", "quote", "heartbeat", "raw"} {
				if counts[kind] != rounds {
					t.Errorf("%d of kind %s, want %d", counts[kind], kind, rounds)
				}
			}
			received, _ := c.Conn().Stats()
			if received.Batches != 2*rounds || received.Bytes == 0 {
				t.Errorf("%+v", received)
			}
		})
	}
}

func sendFeed(conn io.ReadWriter, opts *rt.ProtocolOptions, rounds int) error {
	c, err := feed.NewFeedConn(conn, opts)
	if err != nil {
		return err
	}
	ctx := context.Background()
	tb, qb := feed.NewTradeBuilder(nil), feed.NewQuoteBuilder(nil)
	for i := range rounds {
		h := heartbeat(i)
		raw := feed.Raw{Text: fmt.Append(nil, "raw ", i)}
		tb.Reset()
		tb.Append(feed.Trade{Time: epoch, Symbol: fmt.Sprint("T", i), Size: int64(i)})
		qb.Reset()
		qb.AppendRows(quotes(i))
		if opts != nil && opts.Heartbeats {
			if err := c.Conn().Heartbeat(ctx); err != nil {
				return err
			}
		}
		if err := errors.Join(c.SendHeartbeat(ctx, &h), c.SendTrade(ctx, tb), c.SendRaw(ctx, &raw), c.SendQuote(ctx, qb)); err != nil {
			return err
		}
	}
	return c.Close()
}

// check compares an item with what sendFeed sends, and counts it.
func check(t *testing.T, item feed.FeedItem, counts map[string]int) {
	t.Helper()
	switch item := item.(type) {
	case *feed.TradeBatch:
		i := counts["trade"]
		counts["trade"]++
		kept := *item // copies the handle
		if row := kept.Row(0); kept.Len() != 1 || row.Symbol != fmt.Sprint("T", i) || row.Size != int64(i) {
			t.Fatalf("trade %d: %+v", i, row)
		}
		kept.Release()
	case *feed.QuoteBatch:
		i := counts["quote"]
		counts["quote"]++
		if got := item.AppendTo(nil); len(got) != i || i > 0 && !reflect.DeepEqual(got, quotes(i)) {
			t.Fatalf("quotes %d: %+v", i, got)
		}
		item.Release()
	case *feed.Heartbeat:
		i := counts["heartbeat"]
		counts["heartbeat"]++
		if want := heartbeat(i); !reflect.DeepEqual(*item, want) {
			t.Fatalf("heartbeat %d: %+v, want %+v", i, *item, want)
		}
	case *feed.Raw:
		i := counts["raw"]
		counts["raw"]++
		if string(item.Text) != fmt.Sprint("raw ", i) {
			t.Fatalf("raw %d: %q", i, item.Text)
		}
	default:
		t.Fatalf("%T", item)
	}
}

// TestFeedConnDoesNotAllocate sends and receives one frame of each kind for a run. Nothing is boxed: items are pointers into the
// connection.
func TestFeedConnDoesNotAllocate(t *testing.T) {
	wire := &ring{}
	ctx := context.Background()
	c, err := feed.NewFeedConn(wire, &rt.ProtocolOptions{Announce: true})
	if err != nil {
		t.Fatal(err)
	}
	tb, qb := feed.NewTradeBuilder(nil), feed.NewQuoteBuilder(nil)
	tb.AppendRows([]feed.Trade{{Time: epoch, Symbol: "A", Price: 1}, {Time: epoch, Symbol: "B", Price: 2}})
	qb.AppendRows(quotes(2000))
	large := feed.NewTradeBuilder(&rt.BuilderOptions{Dictionaries: tb}) // a frame with memory of its own, and no dictionary
	for range 20_000 {
		large.AppendRows([]feed.Trade{{Time: epoch, Symbol: "B", Price: 1}, {Time: epoch, Symbol: "A", Price: 2}})
	}
	h := heartbeat(0)
	raw := feed.Raw{Text: []byte("raw")}
	round := func() {
		err := errors.Join(c.SendTrade(ctx, tb), c.SendHeartbeat(ctx, &h), c.SendQuote(ctx, qb), c.SendTrade(ctx, large), c.SendRaw(ctx, &raw))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			item, err := c.Recv(ctx)
			if err != nil {
				t.Fatal(err)
			}
			switch item := item.(type) {
			case *feed.TradeBatch:
				if item.Price()[1] != 2 {
					t.Fatal(item.Price())
				}
				item.Release()
			case *feed.QuoteBatch:
				item.Release()
			case *feed.Heartbeat:
				if item.Host != h.Host {
					t.Fatal(item)
				}
			}
		}
	}
	for range 10 { // dictionaries, blocks and buffers
		round()
	}
	if n := testing.AllocsPerRun(200, round); n != 0 && !race && column.Native && !mem.Debug {
		t.Errorf("%v allocations for five frames", n)
	}
	if in, _ := c.Conn().Stats(); in.Replaced != 0 {
		t.Errorf("%d dictionaries were replaced", in.Replaced)
	}
}

// TestFeedMetadata attaches entries to the batches of one table of a protocol, on a connection and without one.
func TestFeedMetadata(t *testing.T) {
	ctx := t.Context()
	conn, err := feed.NewFeedConn(&ring{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := feed.NewFeedFramer(nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := feed.NewFeedFramer(nil)
	if err != nil {
		t.Fatal(err)
	}
	tb, qb := feed.NewTradeBuilder(nil), feed.NewQuoteBuilder(nil)
	tb.Append(feed.Trade{Time: epoch, Symbol: "A"})
	qb.AppendRows(quotes(3))
	for i, entries := range [][]ipc.KeyValue{nil, {{Key: "seq", Value: "1"}}, {{Key: "seq", Value: "2"}, {Key: "venue", Value: "x"}}, nil} {
		conn.SetTradeMetadata(entries)
		out.SetTradeMetadata(entries)
		if err := errors.Join(conn.SendTrade(ctx, tb), conn.SendQuote(ctx, qb)); err != nil {
			t.Fatal(err)
		}
		frames, err := out.AppendTrade(nil, tb)
		if err == nil {
			frames, err = out.AppendQuote(frames, qb)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range []func() (feed.FeedItem, error){
			func() (feed.FeedItem, error) { return conn.Recv(ctx) },
			func() (feed.FeedItem, error) {
				item, n, err := in.Decode(frames)
				frames = frames[n:]
				return item, err
			},
		} {
			for range 2 {
				item, err := source()
				if err != nil {
					t.Fatal(err)
				}
				switch item := item.(type) {
				case *feed.TradeBatch:
					if got := item.Handle().Metadata(); !slices.Equal(got, entries) {
						t.Errorf("round %d: a batch of trades came with %v, want %v", i, got, entries)
					}
				case *feed.QuoteBatch:
					if got := item.Handle().Metadata(); len(got) != 0 {
						t.Errorf("round %d: a batch of quotes came with %v", i, got)
					}
				}
			}
		}
	}
	if received, _ := in.Framer().Stats(); received.Batches != 8 {
		t.Errorf("%d batches, want 8", received.Batches)
	}
}

// ring is a connection to itself.
type ring struct{ bytes.Buffer }

// TestFeedFramer carries the frames of a protocol in a byte slice.
func TestFeedFramer(t *testing.T) {
	out, err := feed.NewFeedFramer(nil)
	if err != nil {
		t.Fatal(err)
	}
	var wire []byte
	tb, qb := feed.NewTradeBuilder(nil), feed.NewQuoteBuilder(nil)
	for i := range 3 {
		h, raw := heartbeat(i), feed.Raw{Text: fmt.Append(nil, "raw ", i)}
		tb.Reset()
		tb.Append(feed.Trade{Time: epoch, Symbol: fmt.Sprint("T", i), Size: int64(i)})
		qb.Reset()
		qb.AppendRows(quotes(i))
		for _, add := range []func() ([]byte, error){
			func() ([]byte, error) { return out.AppendHeartbeat(wire, &h) },
			func() ([]byte, error) { return out.AppendTrade(wire, tb) },
			func() ([]byte, error) { return out.AppendQuote(wire, qb) },
			func() ([]byte, error) { return out.AppendRaw(wire, &raw) },
		} {
			if wire, err = add(); err != nil {
				t.Fatal(err)
			}
		}
	}
	in, err := feed.NewFeedFramer(nil)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for item, err := range frame.NewStream(bytes.NewReader(wire), in, nil).All() {
		if err != nil {
			t.Fatal(err)
		}
		check(t, item, counts)
	}
	in, err = feed.NewFeedFramer(nil)
	if err != nil {
		t.Fatal(err)
	}
	for rest := wire; len(rest) > 0; {
		for k := range 5 {
			if item, n, err := in.Decode(rest[:k]); item != nil || n != 0 || err != nil {
				t.Fatalf("%d bytes: %v, %d, %v", k, item, n, err)
			}
		}
		item, n, err := in.Decode(rest)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		counts["again"]++
		_ = item
		rest = rest[n:]
	}
	if counts["again"] != 12 || counts["heartbeat"] != 3 || counts["raw"] != 3 {
		t.Errorf("%v", counts)
	}
}

// TestHeartbeat takes messages through bytes and back, over what was there before.
func TestHeartbeat(t *testing.T) {
	var back feed.Heartbeat
	for i := range 10 {
		want := heartbeat(i)
		p, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.UnmarshalBinary(p); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, want) {
			t.Fatalf("%+v, want %+v", back, want)
		}
	}
	zero := feed.Heartbeat{Load: math.Copysign(0, -1), Share: float32(math.Inf(1))}
	p, err := zero.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := back.UnmarshalBinary(p); err != nil || !math.Signbit(back.Load) || back.Level != 0 || len(back.Digest) != 0 || back.Payload != nil {
		t.Errorf("%+v, %v", back, err)
	}
	v, err := feed.VerifyHeartbeat(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := v.Rank(); there || v.Host() != "" || v.Share() != float32(math.Inf(1)) || v.Payload() != nil {
		t.Errorf("the view differs")
	}
}

// TestHeartbeatDamaged wants an error, or a message, of every damaged one, and of every prefix.
func TestHeartbeatDamaged(t *testing.T) {
	want := heartbeat(1)
	p, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for k := range p {
		var h feed.Heartbeat
		if err := h.UnmarshalBinary(p[:k]); err == nil && !reflect.DeepEqual(h, want) { // without the padding it is whole
			t.Fatalf("%d of %d bytes are another message", k, len(p))
		}
	}
	refused := 0
	for bit := range 8 * len(p) {
		damaged := bytes.Clone(p)
		damaged[bit/8] ^= 1 << (bit % 8)
		var h feed.Heartbeat
		if err := h.UnmarshalBinary(damaged); err != nil {
			refused++
			var at *rt.DecodeError
			if !errors.Is(err, rt.ErrMalformed) || !errors.As(err, &at) || !strings.HasPrefix(at.Path, "heartbeat") {
				t.Fatalf("%v", err)
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// TestHeartbeatLost wants a damaged message to leave the connection usable.
func TestHeartbeatLost(t *testing.T) {
	f, err := feed.NewFeedFramer(nil)
	if err != nil {
		t.Fatal(err)
	}
	h := heartbeat(1)
	one, err := f.AppendHeartbeat(nil, &h)
	if err != nil {
		t.Fatal(err)
	}
	wire := append(bytes.Clone(one), one...)
	wire[5] = 0xFF // where the root is
	c, err := feed.NewFeedConn(&ring{*bytes.NewBuffer(wire)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if item, err := c.Recv(t.Context()); item != nil || !errors.Is(err, rt.ErrMalformed) || !strings.Contains(err.Error(), "message with tag 2") {
		t.Fatalf("%v, %v", item, err)
	}
	item, err := c.Recv(t.Context())
	if got, ok := item.(*feed.Heartbeat); err != nil || !ok || !reflect.DeepEqual(*got, h) {
		t.Fatalf("%v, %v", item, err)
	}
}

const heartbeatSchema = `
table Heartbeat {
  sent: long;
  host: string (required);
  live: bool;
  load: double;
  share: float;
  level: ubyte = 3;
  side: short;
  rank: int = null;
  weight: double = null;
  note: string;
  remark: string;
  payload: [ubyte];
  digest: [ubyte] (required);
  name: string (required);
}
root_type Heartbeat;
`

// flatc is the reference compiler of flatbuffers, with one schema.
type flatc struct {
	t                  *testing.T
	program, dir, file string
}

// newFlatc finds it: $FLATC, or flatc on the path. Without one the test is skipped, unless LIGHTSTREAM_REQUIRE_FLATC=1.
func newFlatc(t *testing.T, file, schema string) *flatc {
	t.Helper()
	f := &flatc{t, os.Getenv("FLATC"), t.TempDir(), file}
	if f.program == "" {
		var err error
		if f.program, err = exec.LookPath("flatc"); err != nil {
			const why = "flatc is not on the path and $FLATC is not set"
			if os.Getenv("LIGHTSTREAM_REQUIRE_FLATC") == "1" {
				t.Fatal(why)
			}
			t.Skip(why)
		}
	}
	f.write(file, []byte(schema))
	return f
}

func (f *flatc) write(name string, text []byte) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), text, 0o666); err != nil {
		f.t.Fatal(err)
	}
}

// run runs it and returns the file that it then has written.
func (f *flatc) run(file string, args ...string) []byte {
	f.t.Helper()
	cmd := exec.Command(f.program, args...)
	cmd.Dir = f.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(f.dir, file))
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

func (f *flatc) toJSON(p []byte) []byte {
	f.t.Helper()
	f.write("ours.bin", p)
	return f.run("ours.json", "--json", "--strict-json", "--raw-binary", "--defaults-json", f.file, "--", "ours.bin")
}

func (f *flatc) toBinary(text []byte) []byte {
	f.t.Helper()
	f.write("theirs.json", text)
	return f.run("theirs.bin", "--binary", f.file, "theirs.json")
}

// TestHeartbeatFlatc exchanges messages with the reference compiler.
func TestHeartbeatFlatc(t *testing.T) {
	flatc := newFlatc(t, "heartbeat.fbs", heartbeatSchema)
	want := heartbeat(7)
	p, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	text := flatc.toJSON(p)
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{"sent": 6.0, "host": "host 1", "level": 7.0, "side": -1.0, "rank": 0.0, "note": "", "remark": "a remark", "name": "ünï"} {
		if got[name] != value {
			t.Errorf("flatc reads %s as %v, want %v", name, got[name], value)
		}
	}

	p = flatc.toBinary(text)
	var back feed.Heartbeat
	if err := back.UnmarshalBinary(p); err != nil {
		t.Fatal(err)
	}
	back.Load = want.Load // text has fewer digits
	if !reflect.DeepEqual(back, want) {
		t.Errorf("%+v, want %+v", back, want)
	}
}

func FuzzHeartbeat(f *testing.F) {
	for i := range 2 {
		h := heartbeat(i)
		p, err := h.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var h, back feed.Heartbeat
		if h.UnmarshalBinary(p) != nil {
			return
		}
		again, err := h.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.UnmarshalBinary(again); err != nil {
			t.Fatal(err)
		}
		once, _ := back.MarshalBinary()
		if !bytes.Equal(once, again) { // which NaN, too
			t.Fatalf("% x, then % x", again, once)
		}
	})
}

func FuzzFeedConn(f *testing.F) {
	for _, announce := range []bool{false, true} {
		wire := &ring{}
		if err := sendFeed(wire, &rt.ProtocolOptions{Announce: announce}, 2); err != nil {
			f.Fatal(err)
		}
		f.Add(wire.Bytes(), announce)
	}
	f.Fuzz(func(t *testing.T, in []byte, announce bool) {
		c, err := feed.NewFeedConn(&ring{*bytes.NewBuffer(in)}, &rt.ProtocolOptions{Announce: announce, MaxPayload: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			item, err := c.Recv(context.Background())
			if err != nil {
				if item != nil {
					t.Fatalf("%T as well as %v", item, err)
				}
				return // or a message that is refused, after which others may come
			}
			switch item := item.(type) {
			case *feed.TradeBatch:
				item.AppendTo(nil) // must not fault once validated
				item.Release()
			case *feed.QuoteBatch:
				item.AppendTo(nil)
				item.Release()
			}
		}
	})
}

// TestNotTheProtocol gives a connection what begins as something else.
func TestNotTheProtocol(t *testing.T) {
	for in, says := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n\r\n": `lightstream: frame 0, byte 0: "HTTP/1.1 400" is not the Lightstream protocol; the peer speaks HTTP, use http://`,
		"\x16\x03\x01\x00\xa5\x01\x00":     "the peer speaks TLS, use tls://",
		"\xff\xff\xff\xff\x78\x00\x00\x00": "is an Arrow stream, not the Lightstream protocol; read it with a stream reader",
	} {
		for _, announce := range []bool{false, true} {
			c, err := feed.NewFeedConn(&ring{*bytes.NewBufferString(in)}, &rt.ProtocolOptions{Announce: announce})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Recv(t.Context())
			var e *rt.DecodeError
			if !errors.As(err, &e) || e.Frame != 0 || !errors.Is(err, rt.ErrMalformed) || !strings.Contains(err.Error(), says) {
				t.Errorf("%q, announce %v: %v, want %q", in, announce, err, says)
			}
		}
	}
}
