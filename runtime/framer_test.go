package rt_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var (
	_ frame.Decoder[feed.TradeBatch]      = (*feed.TradeFramer)(nil)
	_ frame.SizedDecoder[feed.TradeBatch] = (*feed.TradeFramer)(nil)
	_ frame.Encoder[*feed.TradeBuilder]   = (*feed.TradeFramer)(nil)
)

// framed returns frames of batches of so many rows each.
func framed(t testing.TB, rows ...int) []byte {
	t.Helper()
	f := feed.NewTradeFramer(nil)
	b := feed.NewTradeBuilder(nil)
	var wire []byte
	for _, n := range rows {
		b.Reset()
		b.AppendRows(trades(n))
		var err error
		if wire, err = f.AppendFrame(wire, b); err != nil {
			t.Fatal(err)
		}
	}
	return wire
}

// unsized hides that a decoder can tell the size of a frame.
type unsized[F any] struct{ d frame.Decoder[F] }

func (p unsized[F]) Decode(buf []byte) (F, int, error) { return p.d.Decode(buf) }

// TestFramer reads frames of a table from a stream, small ones and large, in one piece and byte by byte.
func TestFramer(t *testing.T) {
	sizes := []int{3, 0, 20_000, 1}
	wire := framed(t, sizes...)
	for name, src := range map[string]func() io.Reader{
		"whole": func() io.Reader { return bytes.NewReader(wire) },
		"bytes": func() io.Reader { return iotest.OneByteReader(bytes.NewReader(wire)) },
	} {
		for kind, decoder := range map[string]frame.Decoder[feed.TradeBatch]{
			"sized": feed.NewTradeFramer(nil), "plain": unsized[feed.TradeBatch]{feed.NewTradeFramer(nil)},
		} {
			if name == "bytes" && kind == "plain" {
				continue // measures anew for each byte
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				n := 0
				for batch, err := range frame.NewStream(src(), decoder, nil).All() {
					if err != nil {
						t.Fatal(err)
					}
					want := trades(sizes[n])
					if batch.Len() != len(want) {
						t.Fatalf("frame %d has %d rows, want %d", n, batch.Len(), len(want))
					}
					for i, row := range batch.AppendTo(nil) {
						same(t, row, want[i])
					}
					batch.Release()
					n++
				}
				if n != len(sizes) {
					t.Fatalf("%d frames, want %d", n, len(sizes))
				}
			})
		}
	}
}

// TestFramerOrder reads frames backwards and twice: none needs another.
func TestFramerOrder(t *testing.T) {
	f := feed.NewTradeFramer(nil)
	for _, rows := range []int{30, 3, 30} {
		wire := framed(t, rows)
		batch, n, err := f.Decode(append(wire, "what follows"...))
		if err != nil || n != len(wire) {
			t.Fatal(n, err)
		}
		for i, row := range batch.AppendTo(nil) {
			same(t, row, trades(rows)[i])
		}
		batch.Release()
	}
	if s := f.Stats(); s.Batches != 3 || s.Rows != 63 {
		t.Errorf("%+v", s)
	}
}

func TestFramerPrefixes(t *testing.T) {
	wire := framed(t, 5)
	for k := range len(wire) {
		f := feed.NewTradeFramer(nil)
		if _, n, err := f.Decode(wire[:k]); n != 0 || err != nil {
			t.Fatalf("%d of %d bytes: %d, %v", k, len(wire), n, err)
		}
		for _, err := range frame.NewStream(bytes.NewReader(wire[:k]), f, nil).All() {
			if !errors.Is(err, rt.ErrTruncated) {
				t.Fatalf("%d of %d bytes: %v", k, len(wire), err)
			}
		}
	}
}

func TestFramerRefuses(t *testing.T) {
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(3))
	stream, err := feed.TradeTable.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := feed.TradeTable.AppendSchema(nil)
	if err != nil {
		t.Fatal(err)
	}
	one := framed(t, 3)
	limits := &rt.ReaderOptions{Limits: &ipc.Limits{MaxMessages: 1}}
	for _, c := range []struct {
		name string
		wire []byte
		opts *rt.ReaderOptions
		is   error
		says string
	}{
		{"a stream", stream, nil, rt.ErrMalformed, "a schema where it is agreed already"},
		{"an end", stream[len(stream)-8:], nil, rt.ErrMalformed, "the end marker where a batch should be"},
		{"a schema", append(schema, one...), nil, rt.ErrMalformed, "a schema where it is agreed already"},
		{"HTTP", []byte("HTTP/1.1 400 Bad Request\r\n"), nil, rt.ErrMalformed, "the peer speaks HTTP"},
		{"dictionaries alone", bytes.Repeat(one[:dictionaryLen(t, one)], 3), limits, rt.ErrLimit, "Limits.MaxMessages"},
	} {
		t.Run(c.name, func(t *testing.T) {
			batch, n, err := feed.NewTradeFramer(c.opts).Decode(c.wire)
			if !errors.Is(err, c.is) || n != 0 || batch != (feed.TradeBatch{}) {
				t.Fatalf("%d, %v, want %v", n, err, c.is)
			}
			if !bytes.Contains([]byte(err.Error()), []byte(c.says)) {
				t.Fatalf("%v, want %q", err, c.says)
			}
		})
	}
}

// dictionaryLen is how many bytes the first message of a frame has.
func dictionaryLen(t *testing.T, wire []byte) int {
	t.Helper()
	_, n, err := new(frame.IPC).Decode(wire)
	if err != nil || n == 0 || n == len(wire) {
		t.Fatal(n, err)
	}
	return n
}

func FuzzFramer(f *testing.F) {
	f.Add(framed(f, 3, 0))
	f.Add(framed(f, 1)[:100])
	f.Fuzz(func(t *testing.T, in []byte) {
		framer := feed.NewTradeFramer(nil)
		for {
			batch, n, err := framer.Decode(in)
			switch {
			case err != nil && (n != 0 || batch != (feed.TradeBatch{})):
				t.Fatalf("%d bytes as well as %v", n, err)
			case err != nil || n == 0:
				return
			}
			for i := range batch.Len() {
				_ = batch.Row(i) // must not fault once validated
			}
			batch.Release()
			in = in[n:]
		}
	})
}
