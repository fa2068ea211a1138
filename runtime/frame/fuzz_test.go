package frame_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// streams returns small Arrow streams of this module and of arrow-go.
func streams(tb testing.TB) [][]byte {
	tb.Helper()
	var ours, theirs bytes.Buffer
	w := feed.NewTradeWriter(&ours, nil)
	for _, symbol := range []string{"A", "B", "A"} {
		if err := errors.Join(w.Append(context.Background(), feed.Trade{Time: time.Unix(1, 2), Symbol: symbol}), w.Flush(context.Background())); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "b", Type: arrow.BinaryTypes.StringView, Nullable: true},
		{Name: "c", Type: arrow.ListOf(arrow.FixedWidthTypes.Boolean), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	if err := b.UnmarshalJSON([]byte(`{"a": 1, "b": "x", "c": [true, null]} {"a": null, "b": "one that is longer than twelve", "c": null}`)); err != nil {
		tb.Fatal(err)
	}
	batch := b.NewRecordBatch()
	aw := arrowipc.NewWriter(&theirs, arrowipc.WithSchema(schema))
	if err := errors.Join(aw.Write(batch), aw.Write(batch), aw.Close()); err != nil {
		tb.Fatal(err)
	}
	if ours.Len() == 0 || theirs.Len() == 0 {
		tb.Fatal("no seeds")
	}
	return [][]byte{ours.Bytes(), theirs.Bytes()}
}

// pieces is a source that hands out pieces of the lengths in sizes, again and again.
type pieces struct {
	p, sizes []byte
	i        int
}

func (s *pieces) Read(p []byte) (int, error) {
	if len(s.p) == 0 {
		return 0, io.EOF
	}
	most := len(p)
	if len(s.sizes) > 0 {
		most = int(s.sizes[s.i%len(s.sizes)])
		if s.i++; s.i%7 != 0 {
			most = max(most, 1)
		}
	}
	n := copy(p[:min(most, len(p))], s.p)
	s.p = s.p[n:]
	return n, nil
}

// lazyPieces is pieces as a lazy reader, which waits where those have nothing.
type lazyPieces struct{ pieces }

func (s *lazyPieces) ReadLazily(memory func() []byte, back func()) (n int, err error) {
	for n == 0 && err == nil {
		if n, err = s.Read(memory()); n == 0 {
			back()
		}
	}
	return n, err
}

// same reads in as a stream in pieces, from sources of two kinds, and wants the frames that a decoder finds in the whole. The bytes of
// a frame are what of says.
func same[F any](t *testing.T, in, sizes []byte, d frame.Decoder[F], of func(F) []byte, release func(F)) {
	for _, src := range []io.Reader{&pieces{p: in, sizes: sizes}, &lazyPieces{pieces{p: in, sizes: sizes}}} {
		sameFrom(t, src, in, d, of, release)
	}
}

func sameFrom[F any](t *testing.T, src io.Reader, in []byte, d frame.Decoder[F], of func(F) []byte, release func(F)) {
	pool := mem.NewPool(nil)
	s := frame.NewStream(src, d, &frame.StreamOptions{Pool: pool, Chunk: 4 << 10})
	for at := 0; ; {
		got, err := s.Next()
		want, n, wantErr := d.Decode(in[at:])
		if wantErr != nil || n == 0 {
			var e *frame.DecodeError
			switch {
			case err == nil:
				t.Fatalf("at %d: a frame, want %v", at, wantErr)
			case wantErr != nil && err.Error() == "" || wantErr == nil && at == len(in) && err != io.EOF:
				t.Fatalf("at %d: %v, want %v", at, err, wantErr)
			case err != io.EOF && (!errors.As(err, &e) || e.Frame != s.Frames() || e.Offset < 0 || e.Offset > int64(len(in)-at)):
				t.Fatalf("at %d: %v, want %v", at, err, wantErr)
			}
			break
		}
		if err != nil || !bytes.Equal(of(got), of(want)) {
			t.Fatalf("at %d: %q, %v; want %q", at, of(got), err, of(want))
		}
		release(got)
		at += n
	}
	s.Free()
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Fatalf("%d bytes are held at the end", used)
	}
}

func FuzzStream(f *testing.F) {
	for _, p := range streams(f) {
		f.Add(p, []byte{1})
		f.Add(p, []byte{})
	}
	f.Add(text(100), []byte{0, 3, 200})
	f.Add([]byte("a\nbc\n\nd"), []byte{2})
	f.Add(sized{}.append(sized{}.append(nil, text(3000)), text(20)), []byte{255, 1})
	f.Fuzz(func(t *testing.T, in, sizes []byte) {
		same(t, in, sizes, lines{}, func(f []byte) []byte { return f }, func([]byte) {})
		same(t, in, sizes, capped{}, func(f sizedFrame) []byte { return f.body }, func(f sizedFrame) { f.owner.Release() })
		same(t, in, sizes, frame.TLV{MaxValue: 1 << 20}, func(f frame.TLVFrame) []byte { return append([]byte{f.Type}, f.Value...) },
			func(f frame.TLVFrame) { f.Release() })
	})
}

// capped is sized with a limit.
type capped struct{ sized }

func (c capped) Measure(p []byte) (head, body, need int, err error) {
	if head, body, need, err = c.sized.Measure(p); body > 1<<20 {
		return 0, 0, 0, frame.At(0, "length", frame.Errorf(frame.ErrLimit, "%d bytes", body))
	}
	return head, body, need, err
}

func (c capped) Decode(p []byte) (sizedFrame, int, error) {
	if _, _, _, err := c.Measure(p); err != nil {
		return sizedFrame{}, 0, err
	}
	return c.sized.Decode(p)
}

func FuzzTLV(f *testing.F) {
	for _, p := range streams(f) {
		in, err := frame.TLV{}.AppendFrame(nil, frame.TLVFrame{Type: 1, Value: p})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(in)
	}
	f.Add([]byte{2, 0, 0, 0, 0})
	f.Add([]byte{2, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		tlv := frame.TLV{}
		v, n, err := tlv.Decode(in)
		var e *frame.DecodeError
		switch {
		case err != nil:
			if n != 0 || v.Value != nil || !errors.As(err, &e) || !errors.Is(err, frame.ErrLimit) {
				t.Fatalf("%+v, %d, %T %v", v, n, err, err)
			}
		case n != 0:
			if out, err := tlv.AppendFrame(nil, v); err != nil || !bytes.Equal(out, in[:n]) {
				t.Fatalf("%q became %q, %v", in[:n], out, err)
			}
			for cut := range min(n, 10) {
				if _, k, err := tlv.Decode(in[:cut]); k != 0 || err != nil {
					t.Fatalf("%d of %d bytes: %d, %v", cut, n, k, err)
				}
			}
		}
	})
}

// FuzzIPC wants messages to say the same whether or not one like them came before.
func FuzzIPC(f *testing.F) {
	for _, p := range streams(f) {
		f.Add(p)
	}
	views, data := it.Views("one that is longer than twelve", "short")
	f.Add(slices.Concat(it.Dictionary(1, false, "a"), it.NewBatch(2).AddViews(2, 0, nil, views, data).Message(), it.NewBatch(0).Message()))
	f.Add(it.Legacy(it.Meta(3, batchOf(1, 1).Header, 0), nil))
	f.Fuzz(func(t *testing.T, in []byte) { agree(t, in) })
}
