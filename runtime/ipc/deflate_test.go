package ipc_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// tried is a compressor that counts how often it is called.
type tried struct {
	ipc.Compressor
	n   atomic.Int64
	err error
}

func (c *tried) Compress(dst, src []byte) ([]byte, error) {
	c.n.Add(1)
	if c.err != nil {
		return nil, c.err
	}
	return c.Compressor.Compress(dst, src)
}

func try(t *testing.T, c ipc.Compression) *tried {
	x := &tried{Compressor: ipc.CompressorOf(c)}
	ipc.RegisterCompressor(c, x)
	t.Cleanup(func() { ipc.RegisterCompressor(c, x.Compressor) })
	return x
}

// TestIncompressible wants a buffer that does not shrink to be tried once in sixteen batches, and to be compressed again when it does.
func TestIncompressible(t *testing.T) {
	noise, calm := mem.Alloc(8000), mem.Alloc(8000)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	almost := bytes.Clone(noise) // shrinks, but by too little
	clear(almost[:400])
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int64}, {Name: "b", Type: ipc.Int64}}}
	for _, c := range methods {
		for _, first := range [][]byte{noise, almost} {
			x := try(t, c)
			want := &arrowjson.Content{Schema: s}
			for i := range 48 {
				a := first
				if i >= 20 {
					a = calm
				}
				want.Batches = append(want.Batches, arrowjson.Batch{Rows: 1000, Columns: []column.Data{
					{Len: 1000, Buffers: [3][]byte{nil, a}}, {Len: 1000, Buffers: [3][]byte{nil, calm}},
				}})
			}
			p := write(t, want, &ipc.WriterOptions{Compression: c}, false)
			if n := x.n.Load(); n != 48+1+1+16 { // b; a, again at 16, and from 32 on
				t.Errorf("%v: %d buffers were tried", c, n)
			}
			if len(p) < 32*8000 || len(p) > 32*8000+48*1000 {
				t.Errorf("%v: %d bytes", c, len(p))
			}
			same(t, c.String(), streamContent(t, bytes.NewReader(p), nil), want)
		}
	}
}

// TestSpread compresses and inflates by several goroutines what is enough for them, the dictionary before it too, without an allocation in
// the steady state, and returns the error of a compressor.
func TestSpread(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	batch := mixed(20_000, 1)
	b := &batch.Batches[0]
	for _, c := range methods {
		w := ipc.NewWriter(io.Discard, batch.Schema, &ipc.WriterOptions{Compression: c})
		const n, rounds = 10, 60
		p := write(t, &arrowjson.Content{Schema: batch.Schema, Batches: slices.Repeat(batch.Batches, n)}, &ipc.WriterOptions{Compression: c}, false)
		least := math.Inf(1)
		for range rounds { // the runtime keeps up to 64 ended goroutines for each core before others get one of them
			r := ipc.NewReader(bytes.NewReader(p), nil)
			var before, after runtime.MemStats
			for i := range n {
				if i == 1 { // the first makes what the reader keeps
					runtime.ReadMemStats(&before)
				}
				if err := w.Write(t.Context(), b.Rows, b.Columns); err != nil {
					t.Fatal(err)
				}
				h, err := r.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				h.Release()
			}
			runtime.ReadMemStats(&after)
			if least = min(least, float64(after.Mallocs-before.Mallocs)/(n-1)); race || least < 1 {
				break
			}
		}
		if !race && !mem.Debug && column.Native && least >= 1 {
			t.Errorf("%v: %v allocations for a batch", c, least)
		}
		x := try(t, c)
		x.err = errors.New("out of order")
		w = ipc.NewWriter(io.Discard, batch.Schema, &ipc.WriterOptions{Compression: c})
		if err := w.Write(t.Context(), b.Rows, b.Columns); !errors.Is(err, x.err) {
			t.Errorf("%v: the error of the compressor is lost: %v", c, err)
		}
	}
}
