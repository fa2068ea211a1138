package rt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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

// SinkWriter writes rows R, or builders W, of one table to a sink of its schema. After an error of the sink every later call returns that
// one. It is for one goroutine at a time.
type SinkWriter[R, B any, W Builder[R]] struct {
	sink    Sink
	own     W
	rows    int
	most    int          // bytes
	check   *ipc.Checker // of received batches, nil before the first
	err     error        // of the sink, or ErrAborted
	closed  bool
	columns int
	stats   Stats // but for bytes
}

// NewSinkWriter returns a writer to a sink. Its Close closes the sink too, where that has a method for it; see [SinkWriter.Close]. Of the options, BatchRows,
// BatchBytes and Builder mean what they mean to [NewWriter], and nil means all defaults. Any other that is set is refused: how batches are sent or
// compressed is for the options of the sink. The error is a *[SchemaError] where the sink does not have the
// columns of the table, or that of the sink's method Err, if it has one, such as of a schema that it cannot write.
func NewSinkWriter[R, B any, W Builder[R]](t *Table[R, B, W], sink Sink, opts *WriterOptions) (*SinkWriter[R, B, W], error) {
	if sink == nil {
		return nil, errors.New("lightstream: the sink is nil; give the writer one")
	}
	if opts != nil {
		if name := opts.notOfSinks(); name != "" {
			return nil, fmt.Errorf("lightstream: WriterOptions.%s is set, and means nothing to a writer to a sink; leave it out, and see the options of the sink", name)
		}
	}
	w := newWriter(t, opts)
	row := fmt.Sprintf("%T", *new(R)) // for whose type Trade the generator declares TradeTable
	row = row[strings.LastIndexByte(row, '.')+1:]
	if err := w.sameColumns("sink", ipc.SourceName(sink), sink.Schema(), "make the sink with "+row+"Table.Schema()"); err != nil {
		return nil, err
	}
	if s, ok := sink.(interface{ Err() error }); ok && s.Err() != nil {
		return nil, s.Err()
	}
	return &SinkWriter[R, B, W]{sink: sink, own: t.NewBuilder(w.opts.Builder), rows: w.opts.BatchRows, most: w.opts.BatchBytes, columns: len(t.schema.Fields)}, nil
}

// notOfSinks returns the name of an option that is set and that writers to sinks have no use for, or "".
func (o *WriterOptions) notOfSinks() string {
	switch {
	case o.BufferBytes != 0:
		return "BufferBytes"
	case o.MaxDelay != 0:
		return "MaxDelay"
	case o.KeepOpen:
		return "KeepOpen"
	case o.Dictionaries != 0:
		return "Dictionaries"
	case o.Observer != nil:
		return "Observer"
	case o.Compression != 0:
		return "Compression"
	case o.Metadata != nil:
		return "Metadata"
	}
	return ""
}

// SinkWriterOf returns a writer to the sink that is made for the schema of the table. What [NewSinkWriter] returns as an error is that of
// every call of the writer.
func SinkWriterOf[R, B any, W Builder[R]](t *Table[R, B, W], sink func(*ipc.Schema) Sink, opts *WriterOptions) *SinkWriter[R, B, W] {
	to := sink(t.schema)
	w, err := NewSinkWriter(t, to, opts)
	if err != nil {
		w = &SinkWriter[R, B, W]{sink: to, own: t.NewBuilder(nil), columns: len(t.schema.Fields), err: err}
	}
	return w
}

// Append adds a row to the writer's own batch, which is written when it has the rows or bytes of the options, and with Flush, Write,
// WriteBatch and Close. A row with a value that does not fit is dropped, and its error returned; the writer stays usable. Nor is the row
// taken that completes a batch if ctx has ended before that is written.
func (w *SinkWriter[R, B, W]) Append(ctx context.Context, row R) error {
	if err := w.failed(); err != nil {
		return err
	}
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
		w.stats.Dropped++
		return err
	}
	if n+1 < w.rows && b.size() < w.most {
		return nil
	}
	err := w.Flush(ctx)
	if err != nil && w.err == nil { // ctx has ended
		b.Truncate(n)
	}
	return err
}

// failed returns why nothing more can be written.
func (w *SinkWriter[R, B, W]) failed() error {
	if w.err == nil && w.closed {
		return ipc.ErrClosed
	}
	return w.err
}

// Flush writes the rows of Append that wait. Where ctx has ended, they still do.
func (w *SinkWriter[R, B, W]) Flush(ctx context.Context) error {
	if err := w.failed(); err != nil || w.own.Len() == 0 {
		return err
	}
	if err := w.send(ctx, w.own.base()); err != nil {
		return err
	}
	w.own.Reset()
	return nil
}

// Write writes the rows of b as a batch, after those of Append that wait. B's memory is the caller's again when it returns. An error of
// the builder is returned and nothing written; the writer stays usable.
func (w *SinkWriter[R, B, W]) Write(ctx context.Context, b W) error {
	if err := b.Err(); err != nil {
		return err
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	return w.send(ctx, b.base())
}

// WriteBatch writes a received batch of the table, after the rows of Append that wait. The batch is not released. One that has nulls
// where the table has none, which [ZeroNulls] let pass, is refused, and the writer stays usable.
func (w *SinkWriter[R, B, W]) WriteBatch(ctx context.Context, batch B) error {
	received, ok := any(&batch).(interface{ Handle() Handle })
	if !ok {
		return fmt.Errorf("lightstream: batches of type %T have no method Handle; generate the table anew", batch)
	}
	h := received.Handle()
	columns := ipc.Columns(h)
	if len(columns) != w.columns {
		return fmt.Errorf("lightstream: the batch has %d columns, the table %d", len(columns), w.columns)
	}
	if w.check == nil {
		w.check = ipc.NewChecker(w.sink.Schema())
	}
	for i := range columns {
		if err := w.check.Column(i, &columns[i], ipc.Structure); err != nil {
			return err
		}
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	return w.put(ctx, h.Len(), columns)
}

func (w *SinkWriter[R, B, W]) send(ctx context.Context, b *BuilderBase) error {
	rows, columns, err := b.batch()
	if err != nil {
		return err
	}
	return w.put(ctx, rows, columns)
}

// put hands columns to the sink, whose first error is the last: what it has of them nobody knows.
func (w *SinkWriter[R, B, W]) put(ctx context.Context, rows int, columns []column.Data) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if w.err = w.sink.Write(ctx, rows, columns); w.err != nil {
		w.drop()
		return w.err
	}
	w.stats.Batches++
	w.stats.Rows += int64(rows)
	return nil
}

// drop counts the rows of Append that wait, and will not be written.
func (w *SinkWriter[R, B, W]) drop() {
	w.stats.Dropped += int64(w.own.Len())
	w.own.Reset()
}

// Stats returns what the writer has done so far: the batches and rows that the sink has taken, the rows of Append that are not written, as they did
// not fit, the sink failed or Abort came before them, and bytes where the sink has Stats of them, as writers of Parquet and of datasets do.
func (w *SinkWriter[R, B, W]) Stats() Stats {
	s := w.stats
	if of, ok := w.sink.(interface{ Stats() ipc.Stats }); ok {
		s.Bytes = of.Stats().Bytes
	}
	return s
}

// Close writes the rows that wait, and closes the sink where it has a Close. It is idempotent. Where they cannot be written, or after an
// error of the sink, it aborts the sink that has an Abort, as what it wrote lacks them, closes another one, and returns that error. After
// Abort it returns [ErrAborted].
func (w *SinkWriter[R, B, W]) Close() error {
	if w.closed {
		return w.err
	}
	if err := w.Flush(context.Background()); err != nil {
		w.err = err
		if c, ok := w.sink.(io.Closer); !w.abort() && ok {
			_ = c.Close() // the first error is what it was
		}
		return err
	}
	w.closed = true
	if c, ok := w.sink.(io.Closer); ok {
		w.err = c.Close()
	}
	return w.err
}

// Abort drops the rows that wait, and aborts the sink that has an Abort: what it has not completed is given up. Another
// sink is left as it is. After Close it does nothing, so that it can be deferred.
func (w *SinkWriter[R, B, W]) Abort() {
	if w.closed {
		return
	}
	if w.err == nil {
		w.err = ErrAborted
	}
	w.abort()
}

// abort tells whether the sink has an Abort.
func (w *SinkWriter[R, B, W]) abort() bool {
	w.closed = true
	w.drop()
	a, ok := w.sink.(interface{ Abort() })
	if ok {
		a.Abort()
	}
	return ok
}
