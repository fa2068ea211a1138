package rt

import (
	"context"
	"io"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// NewSourceReader returns a reader of the batches of any source, such as a Parquet file. Its schema is fitted to the table as that of a
// stream is. Of the options, Limits, Nulls and Reuse mean what they mean to [NewReader]; nil means all defaults. Stats count what came
// from the source, and bytes where it counts them itself.
func NewSourceReader[R, B any, W Builder[R]](t *Table[R, B, W], src ipc.Source, opts *ReaderOptions) *Reader[R, B] {
	if opts == nil {
		opts = &ReaderOptions{}
	}
	r := &Reader[R, B]{newBatch: t.spec.NewBatch, readRows: t.spec.ReadRows}
	r.core = readerCore{opts: *opts, table: t.spec.Name, columns: t.spec.Columns, source: ipc.SourceName(src)}
	r.core.in = &foreign{src: src, fit: r.core.selectColumns, room: opts.Limits.WithDefaults().MaxExpanded}
	return r
}

// Select names the columns of a schema that a reader of the table wants, as the option of that name of many readers takes it. The error
// is a *[SchemaError] where the schema does not fit the table.
func (t *Table[R, B, W]) Select(s *ipc.Schema) ([]bool, error) {
	core := readerCore{table: t.spec.Name, columns: t.spec.Columns}
	return core.selectColumns(s)
}

// batches is where a reader has its batches from.
type batches interface {
	ipc.Source
	// Stop makes err the answer of later calls.
	Stop(err error)
	Stats() ipc.Stats
}

var _ batches = (*ipc.Reader)(nil)

// foreign is a source of batches that are no messages.
type foreign struct {
	src    ipc.Source
	fit    func(*ipc.Schema) ([]bool, error)
	room   int64 // bytes that the columns of a batch may be converted into
	schema *ipc.Schema
	stats  ipc.Stats
	err    error
}

func (f *foreign) Schema(ctx context.Context) (*ipc.Schema, error) {
	if f.schema != nil {
		return f.schema, nil
	}
	s, err := f.src.Schema(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := f.fit(s); err != nil {
		f.err = err
		return nil, err
	}
	f.schema = s
	return s, nil
}

func (f *foreign) Next(ctx context.Context) (ipc.Batch, error) {
	if f.err != nil {
		return ipc.Batch{}, f.err
	}
	if _, err := f.Schema(ctx); err != nil {
		return ipc.Batch{}, err
	}
	h, err := f.src.Next(ctx)
	if err != nil {
		return ipc.Batch{}, err
	}
	record.SetSeq(h, f.stats.Batches)
	record.Limit(h, f.room)
	f.stats.Batches++
	f.stats.Rows += int64(h.Len())
	return h, nil
}

func (f *foreign) Stop(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *foreign) Stats() ipc.Stats {
	s := f.stats
	if of, ok := f.src.(interface{ Stats() ipc.Stats }); ok {
		s.Bytes = of.Stats().Bytes
	}
	return s
}

// Sink takes batches of one schema, such as a writer of Parquet files. It is done with the columns when Write returns.
type Sink interface {
	Schema() *ipc.Schema
	Write(ctx context.Context, rows int, columns []column.Data) error
}

var _ Sink = (*ipc.Writer)(nil)

// SinkWriter writes rows R, or builders W, of one table to a sink of its schema. It is for one goroutine at a time.
type SinkWriter[R, B any, W Builder[R]] struct {
	sink Sink
	own  W
	rows int
	most int // bytes
}

// NewSinkWriter returns a writer to a sink, which remains the caller's to close, but see [SinkWriter.Close]. Of the options, BatchRows,
// BatchBytes and Builder mean what they mean to [NewWriter]; nil means all defaults. The error is a *[SchemaError] where the sink does not have the columns of the table.
func NewSinkWriter[R, B any, W Builder[R]](t *Table[R, B, W], sink Sink, opts *WriterOptions) (*SinkWriter[R, B, W], error) {
	w := newWriter(t, opts)
	if err := w.sameColumns(ipc.SourceName(sink), sink.Schema()); err != nil {
		return nil, err
	}
	return &SinkWriter[R, B, W]{sink: sink, own: t.NewBuilder(w.opts.Builder), rows: w.opts.BatchRows, most: w.opts.BatchBytes}, nil
}

// Append adds a row to the writer's own batch, which is written when it has the rows or bytes of the options, and with Flush, Write and
// Close. A row with a value that does not fit is dropped, and its error returned; the writer stays usable.
func (w *SinkWriter[R, B, W]) Append(ctx context.Context, row R) error {
	b := w.own.base()
	n := b.Len()
	w.own.Append(row)
	if b.failed && n != 0 && full(b.Err()) {
		b.Truncate(n)
		if err := w.Flush(ctx); err != nil {
			return err
		}
		n = 0
		w.own.Append(row)
	}
	if b.failed {
		err := b.Err()
		b.Truncate(n)
		return err
	}
	if n+1 >= w.rows || b.size() >= w.most {
		return w.Flush(ctx)
	}
	return nil
}

// Flush writes the rows of Append that wait.
func (w *SinkWriter[R, B, W]) Flush(ctx context.Context) error {
	if w.own.Len() == 0 {
		return nil
	}
	if err := w.send(ctx, w.own.base()); err != nil {
		return err
	}
	w.own.Reset()
	return nil
}

// Write writes the rows of b as a batch, after those of Append that wait. B's memory is the caller's again when it returns.
func (w *SinkWriter[R, B, W]) Write(ctx context.Context, b W) error {
	if err := b.Err(); err != nil {
		return err
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	return w.send(ctx, b.base())
}

func (w *SinkWriter[R, B, W]) send(ctx context.Context, b *BuilderBase) error {
	rows, columns, err := b.batch()
	if err != nil {
		return err
	}
	return w.sink.Write(ctx, rows, columns)
}

// Close writes the rows that wait, and closes the sink where it has a Close. Where the rows cannot be written, it aborts the sink that
// has an Abort, as what it wrote lacks them, and closes another one.
func (w *SinkWriter[R, B, W]) Close() error {
	if err := w.Flush(context.Background()); err != nil {
		if a, ok := w.sink.(interface{ Abort() }); ok {
			a.Abort()
		} else if c, ok := w.sink.(io.Closer); ok {
			_ = c.Close() // the first error is what it was
		}
		return err
	}
	if c, ok := w.sink.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
