package rt_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// gathering takes all writes, gathered ones too.
type gathering struct{}

func (gathering) Write(p []byte) (int, error) { return len(p), nil }

func (gathering) WriteBuffers(bufs [][]byte) (n int64, err error) {
	for _, b := range bufs {
		n += int64(len(b))
	}
	return n, nil
}

var benchSizes = []struct {
	name string
	rows int
}{{"rows=10", 10}, {"rows=1k", 1_000}, {"rows=100k", 100_000}}

// benchStream is a stream of trades of which the last batch comes again for ever.
func benchStream(b *testing.B, rows int) (src io.Reader, size int64) {
	b.Helper()
	var out bytes.Buffer
	w, batch := feed.NewTradeWriter(&out, nil), feed.NewTradeBuilder(nil)
	batch.AppendRows(trades(rows))
	var all int
	for range 2 {
		all = out.Len()
		if err := w.Write(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	again := &repeating{message: out.Bytes()[all:]}
	return io.MultiReader(bytes.NewReader(out.Bytes()[:all]), again), int64(len(again.message))
}

type repeating struct {
	message []byte
	at      int
}

func (r *repeating) Read(p []byte) (int, error) {
	n := copy(p, r.message[r.at:])
	r.at = (r.at + n) % len(r.message)
	return n, nil
}

func BenchmarkWrite(b *testing.B) {
	for _, s := range benchSizes {
		for name, dst := range map[string]io.Writer{"gathered": gathering{}, "coalesced": io.Discard} {
			b.Run(s.name+"/"+name, func(b *testing.B) {
				ctx := context.Background()
				w, batch := feed.NewTradeWriter(dst, nil), feed.NewTradeBuilder(nil)
				batch.AppendRows(trades(s.rows))
				if err := w.Write(ctx, batch); err != nil {
					b.Fatal(err)
				}
				before := w.Stats().Bytes
				if err := w.Write(ctx, batch); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(w.Stats().Bytes - before)
				b.ReportAllocs()
				for b.Loop() {
					if err := w.Write(ctx, batch); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, s := range benchSizes {
		b.Run(s.name, func(b *testing.B) {
			ctx := context.Background()
			src, size := benchStream(b, s.rows)
			r := feed.NewTradeReader(src, nil)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				batch, err := r.Next(ctx)
				if err != nil {
					b.Fatal(err)
				}
				batch.Release()
			}
		})
	}
}

func BenchmarkRows(b *testing.B) {
	ctx := context.Background()
	src, size := benchStream(b, 1000)
	r := feed.NewTradeReader(src, nil)
	b.SetBytes(size / 1000)
	b.ReportAllocs()
	n := 0
	for range r.Rows(ctx) {
		if n++; !b.Loop() {
			break
		}
	}
}

func BenchmarkAppendRows(b *testing.B) {
	for _, s := range benchSizes {
		b.Run(s.name, func(b *testing.B) {
			rows, batch := trades(s.rows), feed.NewTradeBuilder(nil)
			b.ReportAllocs()
			for b.Loop() {
				batch.Reset()
				batch.AppendRows(rows)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.rows), "ns/row")
		})
	}
}

func BenchmarkWriterAppend(b *testing.B) {
	ctx := context.Background()
	rows := trades(1000)
	w := feed.NewTradeWriter(gathering{}, &rt.WriterOptions{BatchRows: 1000})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := w.Append(ctx, rows[i%len(rows)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
