package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"testing"
	"testing/iotest"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// buffersOf calls f with each buffer of a batch, and the size of its values.
func buffersOf(h ipc.Batch, s *ipc.Schema, f func(b []byte, size int)) {
	for i := range s.Fields {
		d := h.Column(i)
		f(d.Buffers[0], 1)
		size := ipc.ValueWidth(s.Fields[i].Type)
		if e := s.Fields[i].Dictionary; e != nil {
			size = e.Index.Bits / 8
		}
		switch s.Fields[i].Type.Kind {
		case ipc.KindUtf8, ipc.KindBinary:
			size = 4
		case ipc.KindLargeUtf8, ipc.KindLargeBinary, ipc.KindUtf8View, ipc.KindBinaryView:
			size = 8
		}
		f(d.Buffers[1], max(size&-size, 1))
		f(d.Buffers[2], 1)
		for _, b := range d.Variadic {
			f(b, 1)
		}
	}
}

// TestAlignment reads streams from sources of every kind: what was written aligned to 64 bytes lies so in memory without a copy, and
// what was not is copied, and counted.
func TestAlignment(t *testing.T) {
	var ours bytes.Buffer
	trades(t, feed.NewTradeWriter(&ours, nil))
	numbers := func(shift int) []byte { // the values lie shift bytes into the body
		b := it.NewBatch(3)
		b.Nodes, b.Buffers = [][2]int64{{3, 0}}, [][2]int64{{}, {int64(shift), 12}}
		b.Body = append(make([]byte, shift), it.I32(1, 2, 3)...)
		b.Body = append(b.Body, make([]byte, -len(b.Body)&63)...)
		return stream(it.Schema(x32), b.Message(), b.Message(), it.End)
	}
	sources := map[string]func(p []byte) io.Reader{
		"whole": func(p []byte) io.Reader { return bytes.NewReader(p) }, "byte by byte": func(p []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(p)) },
		"halves": func(p []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(p)) }, "EOF with data": func(p []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(p)) },
	}
	for _, c := range []struct {
		name      string
		in        []byte
		align     ipc.Align
		realigned int64
	}{
		{"ours", ours.Bytes(), ipc.Align64, 0},
		{"ours, by value", ours.Bytes(), ipc.ValueSize, 0},
		{"at 8", numbers(8), ipc.Align64, 2},
		{"at 8, by value", numbers(8), ipc.ValueSize, 0},
		{"at 1", numbers(1), ipc.Align64, 2},
		{"at 1, by value", numbers(1), ipc.ValueSize, 2},
	} {
		for name, source := range sources {
			pool := mem.NewPool(nil)
			r := ipc.NewReader(source(c.in), &ipc.ReaderOptions{Align: c.align, Pool: pool})
			for {
				h, err := r.Next(context.Background())
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s, %s: %v", c.name, name, err)
				}
				s, _ := r.Schema(context.Background())
				buffersOf(h, s, func(b []byte, size int) {
					if c.align != ipc.ValueSize {
						size = 64
					}
					if len(b) > 0 && !mem.IsAligned(b, size) {
						t.Errorf("%s, %s: a buffer does not lie at a multiple of %d", c.name, name, size)
					}
				})
				it.Touch(h, s)
				h.Release()
			}
			if n := r.Stats().Realigned; n != c.realigned {
				t.Errorf("%s, %s: %d buffers were copied, want %d", c.name, name, n, c.realigned)
			}
			if used := pool.Stats().InUseBytes; used != 0 {
				t.Errorf("%s, %s: %d bytes are held at the end", c.name, name, used)
			}
		}
	}
}

// waiting is a source that tells when it is asked for more than it has.
type waiting struct {
	in   []byte
	wait func(asked int)
}

func (w *waiting) Read(p []byte) (int, error) {
	if len(w.in) == 0 {
		w.wait(len(p))
		return 0, io.EOF
	}
	n := copy(p, w.in)
	w.in = w.in[n:]
	return n, nil
}

// TestIdleReader waits between messages, of any size, with no memory of the pool and at most 4 KiB to read into.
func TestIdleReader(t *testing.T) {
	for _, rows := range []int{1, 1000, 50_000} {
		b := feed.NewTradeBuilder(nil)
		for range rows {
			b.Append(feed.Trade{Time: unix(1), Symbol: "A"})
		}
		var buf bytes.Buffer
		w := feed.NewTradeWriter(&buf, nil)
		if err := errors.Join(w.Write(t.Context(), b), w.Write(t.Context(), b)); err != nil {
			t.Fatal(err)
		}
		pool := mem.NewPool(nil)
		waits := 0
		r := ipc.NewReader(&waiting{buf.Bytes(), func(asked int) {
			if waits++; asked > 4<<10 || pool.Stats().InUseBytes != 0 {
				t.Errorf("batches of %d rows: %d bytes of the pool are held while waiting, in a read of %d", rows, pool.Stats().InUseBytes, asked)
			}
		}}, &ipc.ReaderOptions{Pool: pool})
		for range 2 {
			h, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			h.Release()
		}
		if _, err := r.Next(t.Context()); !errors.Is(err, ipc.ErrUnfinished) || waits == 0 {
			t.Error(err, waits)
		}
	}
}

// TestStop gives back what was read ahead.
func TestStop(t *testing.T) {
	pool := mem.NewPool(nil)
	r := ipc.NewReader(bytes.NewReader(handMade()), &ipc.ReaderOptions{Pool: pool})
	h, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	r.Stop(enough)
	r.Stop(errors.New("more than enough"))
	if _, err := r.Next(t.Context()); err != enough {
		t.Error(err)
	}
	s, err := r.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	it.Touch(h, s) // is as it was
	h.Release()
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Errorf("%d bytes are held at the end", used)
	}
}

// TestNoLimitOfExpansion realigns a batch where nothing limits what batches are expanded to.
func TestNoLimitOfExpansion(t *testing.T) {
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "x", Type: ipc.Int32}}}
	e, err := ipc.NewMessageEncoder(s)
	if err != nil {
		t.Fatal(err)
	}
	values := column.Bytes([]int32{1, 2, 3})
	p, err := e.AppendBatch(mem.Alloc(8)[:8:8], 3, []column.Data{{Len: 3, Buffers: [3][]byte{nil, values}}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := ipc.NewMessageDecoder(s, &ipc.ReaderOptions{Limits: &ipc.Limits{MaxExpanded: math.MaxInt64}})
	if err != nil {
		t.Fatal(err)
	}
	h, err := d.Decode(p[8:])
	if err != nil {
		t.Fatal(err)
	}
	if have := h.Column(0).Buffers[1]; !bytes.Equal(have, values) || d.Stats().Realigned == 0 {
		t.Errorf("%v, want %v; %d realigned", have, values, d.Stats().Realigned)
	}
	if err := ipc.NewWriter(io.Discard, &ipc.Schema{}, nil).Write(t.Context(), -1, nil); err == nil {
		t.Error("a batch of -1 rows was written")
	}
}
