package formats

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	theirs "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/formats/parquet"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Parquet is a batch as columns of this project, as a record of arrow-go, and as the file that arrow-go makes of it.
type Parquet struct {
	Rows    int
	File    []byte
	codec   parquet.Compression
	schema  *ipc.Schema
	columns []column.Data
	record  arrow.RecordBatch
}

// ParquetSample returns the reference batch.
func ParquetSample(rows int, codec parquet.Compression) (*Parquet, error) {
	return parquetOf(tables.SampleTable, workload.Builder(rows, 1), rows, workload.Record(rows, 1, workload.Dictionary()), codec)
}

// ParquetFlights returns the flights of an Arrow stream, whose airports stand in dictionaries.
func ParquetFlights(name string, codec parquet.Compression) (*Parquet, error) {
	rows, err := workload.Flights(name)
	if err != nil {
		return nil, err
	}
	b := tables.NewFlightBuilder(nil)
	b.AppendRows(rows)
	return parquetOf(tables.FlightTable, b, len(rows), workload.NewFlightRecords(true).Dictionaries(rows), codec)
}

func parquetOf[R, B any, W rt.Builder[R]](t *rt.Table[R, B, W], b W, rows int, record arrow.RecordBatch, codec parquet.Compression) (*Parquet, error) {
	ctx := context.Background()
	var stream bytes.Buffer
	w := rt.NewWriter(t, &stream, nil)
	if err := w.Write(ctx, b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	batch, err := ipc.NewReader(&stream, nil).Next(ctx)
	if err != nil {
		return nil, err
	}
	p := &Parquet{Rows: rows, codec: codec, schema: t.Schema(), columns: ipc.Columns(batch), record: record}
	var out bytes.Buffer
	if err := p.ArrowWrite(&out); err != nil {
		return nil, err
	}
	p.File = out.Bytes()
	return p, nil
}

// Write writes a file of one row group.
func (p *Parquet) Write(dst io.Writer) error {
	w, err := parquet.NewWriter(dst, p.schema, &parquet.WriterOptions{Compression: p.codec})
	if err != nil {
		return err
	}
	if err := w.Write(context.Background(), p.Rows, p.columns); err != nil {
		return err
	}
	return w.Close()
}

// ArrowWrite does it with arrow-go, with the same settings.
func (p *Parquet) ArrowWrite(dst io.Writer) error {
	codec := compress.Codecs.Snappy
	if p.codec == parquet.ZSTD {
		codec = compress.Codecs.Zstd
	}
	props := theirs.NewWriterProperties(theirs.WithVersion(theirs.V2_LATEST), theirs.WithCompression(codec))
	w, err := pqarrow.NewFileWriter(p.record.Schema(), struct{ io.Writer }{dst}, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return err
	}
	if err := w.WriteBuffered(p.record); err != nil {
		return err
	}
	return w.Close()
}

// Read reads the file of arrow-go, in one goroutine.
func (p *Parquet) Read() error {
	r, err := parquet.NewReader(bytes.NewReader(p.File), int64(len(p.File)), &parquet.ReaderOptions{Parallel: 1})
	if err != nil {
		return err
	}
	rows := 0
	if err := drain[ipc.Batch](r, nil, func(b ipc.Batch) { rows += b.Len() }); err != nil || rows != p.Rows {
		return fmt.Errorf("%d rows of %d: %v", rows, p.Rows, err)
	}
	return nil
}

// ArrowRead does it with arrow-go.
func (p *Parquet) ArrowRead() error {
	f, err := file.NewParquetReader(bytes.NewReader(p.File))
	if err != nil {
		return err
	}
	defer f.Close()
	fr, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 64 << 10}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	r, err := fr.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return err
	}
	defer r.Release()
	rows := 0
	for r.Next() {
		rows += int(r.RecordBatch().NumRows())
	}
	if err := r.Err(); err != nil && err != io.EOF || rows != p.Rows {
		return fmt.Errorf("%d rows of %d: %v", rows, p.Rows, err)
	}
	return nil
}
