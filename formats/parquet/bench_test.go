package parquet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	theirs "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// measured returns a batch of 100,000 rows: integers, floats with nulls, and texts.
func measured() (*ipc.Schema, []column.Data, int64) {
	const n = 100_000
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "n", Type: ipc.Int64}, {Name: "x", Type: ipc.Float64, Nullable: true}, {Name: "s", Type: ipc.Utf8}}}
	var ints, floats, offsets, text []byte
	valid := make([]byte, n/8)
	offsets = binary.LittleEndian.AppendUint32(offsets, 0)
	for i := range uint64(n) {
		ints = binary.LittleEndian.AppendUint64(ints, i*0x9e3779b97f4a7c15>>30)
		floats = binary.LittleEndian.AppendUint64(floats, math.Float64bits(float64(i*0x9e3779b97f4a7c15>>12)))
		text = fmt.Appendf(text, "text %d", i%5000)
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(text)))
		if i%10 != 0 {
			valid[i>>3] |= 1 << (i & 7)
		}
	}
	d := []column.Data{
		{Len: n, Buffers: [3][]byte{1: ints}}, {Len: n, Nulls: n / 10, Buffers: [3][]byte{valid, floats}}, {Len: n, Buffers: [3][]byte{1: offsets, 2: text}},
	}
	return s, d, int64(len(ints) + len(floats) + len(offsets) + len(text))
}

const batches = 10

// BenchmarkWrite writes row groups of 100,000 rows, beside arrow-go's own writer with the same settings.
func BenchmarkWrite(b *testing.B) {
	s, columns, size := measured()
	b.Run("lightstream/rows=1M", func(b *testing.B) {
		b.SetBytes(batches * size)
		b.ReportAllocs()
		for b.Loop() {
			w, err := parquet.NewWriter(io.Discard, s, &parquet.WriterOptions{RowGroupRows: 100_000, NoSchema: true})
			if err != nil {
				b.Fatal(err)
			}
			for range batches {
				if err := w.Write(ctx, columns[0].Len, columns); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("arrow-go/rows=1M", func(b *testing.B) {
		rec := record(b, s, columns)
		defer rec.Release()
		b.SetBytes(batches * size)
		b.ReportAllocs()
		for b.Loop() {
			props := theirs.NewWriterProperties(theirs.WithVersion(theirs.V2_LATEST), theirs.WithCompression(compress.Codecs.Snappy), theirs.WithMaxRowGroupLength(100_000))
			w, err := pqarrow.NewFileWriter(rec.Schema(), struct{ io.Writer }{io.Discard}, props, pqarrow.NewArrowWriterProperties())
			if err != nil {
				b.Fatal(err)
			}
			for range batches {
				if err := w.WriteBuffered(rec); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func record(b *testing.B, s *ipc.Schema, columns []column.Data) arrow.RecordBatch {
	b.Helper()
	e, err := arrowgo.NewExporter(s)
	if err != nil {
		b.Fatal(err)
	}
	rec, err := e.RecordBatch(ipc.NewBatch(columns[0].Len, columns, nil))
	if err != nil {
		b.Fatal(err)
	}
	return rec
}

// BenchmarkRead reads what BenchmarkWrite writes, one row group at a time, as arrow-go's own reader does, and in parallel.
func BenchmarkRead(b *testing.B) {
	s, columns, size := measured()
	var buf bytes.Buffer
	w, err := parquet.NewWriter(&buf, s, &parquet.WriterOptions{RowGroupRows: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	for range batches {
		if err := w.Write(ctx, columns[0].Len, columns); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for _, parallel := range []int{1, 2} {
		b.Run(fmt.Sprintf("lightstream/rows=1M/parallel=%d", parallel), func(b *testing.B) {
			b.SetBytes(batches * size)
			b.ReportAllocs()
			for b.Loop() {
				r, err := parquet.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()), &parquet.ReaderOptions{Parallel: parallel})
				if err != nil {
					b.Fatal(err)
				}
				for {
					batch, err := r.Next(ctx)
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					batch.Release()
				}
			}
		})
	}
	b.Run("arrow-go/rows=1M", func(b *testing.B) {
		b.SetBytes(batches * size)
		b.ReportAllocs()
		for b.Loop() {
			f, err := file.NewParquetReader(bytes.NewReader(buf.Bytes()))
			if err != nil {
				b.Fatal(err)
			}
			fr, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 64 << 10}, memory.DefaultAllocator)
			if err != nil {
				b.Fatal(err)
			}
			rr, err := fr.GetRecordReader(ctx, nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			for rr.Next() {
			}
			rr.Release()
		}
	})
}
