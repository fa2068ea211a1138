package bench_test

import (
	"context"
	"flag"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
)

var flights = flag.String("flights", "../examples/flights/data/flights-50k.arrows", "Arrow stream of the 50,000 flights")

var sizes = []struct {
	name string
	rows int
}{{"rows=10", 10}, {"rows=1k", 1_000}, {"rows=1M", 1_000_000}}

// BenchmarkEncode writes one reference batch again and again to a destination that takes everything.
func BenchmarkEncode(b *testing.B) {
	for _, s := range sizes {
		rec := workload.Record(s.rows, 1, workload.Dictionary())
		size := workload.LogicalBytes(rec)
		b.Run(s.name+"/lightstream", func(b *testing.B) {
			ctx := context.Background()
			w, batch := tables.NewSampleWriter(new(workload.Discard), nil), workload.Builder(s.rows, 1)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(ctx, batch); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(s.name+"/arrow-go", func(b *testing.B) {
			w := ipc.NewWriter(io.Discard, ipc.WithSchema(rec.Schema()))
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode reads one reference batch again and again from memory, all contents checked.
func BenchmarkDecode(b *testing.B) {
	for _, s := range sizes {
		size := workload.LogicalBytes(workload.Record(s.rows, 1, workload.Dictionary()))
		decode := func(b *testing.B, src io.Reader) {
			ctx := context.Background()
			r := tables.NewSampleReader(src, nil)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				batch, err := r.Next(ctx)
				if err != nil {
					b.Fatal(err)
				}
				batch.Release()
			}
		}
		b.Run(s.name+"/lightstream", func(b *testing.B) { decode(b, workload.Stream(s.rows, 1)) })
		b.Run(s.name+"/lightstream-reads-arrow-go", func(b *testing.B) { decode(b, workload.ArrowStream(s.rows, 1)) })
		b.Run(s.name+"/arrow-go", func(b *testing.B) {
			r, err := ipc.NewReader(workload.ArrowStream(s.rows, 1))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if !r.Next() {
					b.Fatal(r.Err())
				}
			}
		})
	}
}

// BenchmarkAppendRows fills a batch with the 50,000 flights.
func BenchmarkAppendRows(b *testing.B) {
	rows, err := workload.Flights(*flights)
	if err != nil {
		b.Skip(err)
	}
	texts := workload.TextFlights(rows)
	b.Run("dictionary/lightstream", func(b *testing.B) {
		batch := tables.NewFlightBuilder(nil)
		b.ReportAllocs()
		for b.Loop() {
			batch.Reset()
			batch.AppendRows(rows)
		}
	})
	b.Run("dictionary/arrow-go", func(b *testing.B) {
		batch := workload.NewFlightRecords(true)
		b.ReportAllocs()
		for b.Loop() {
			batch.Dictionaries(rows).Release()
		}
	})
	b.Run("utf8/lightstream", func(b *testing.B) {
		batch := tables.NewTextFlightBuilder(nil)
		b.ReportAllocs()
		for b.Loop() {
			batch.Reset()
			batch.AppendRows(texts)
		}
	})
	b.Run("utf8/arrow-go", func(b *testing.B) {
		batch := workload.NewFlightRecords(false)
		b.ReportAllocs()
		for b.Loop() {
			batch.Texts(texts).Release()
		}
	})
}
