package rt

import (
	"context"
	"io"
	"iter"

	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// ReaderOptions are the settings of a reader.
type ReaderOptions struct {
	// Limits bound what the peer can make the reader do. Nil means all defaults.
	Limits *ipc.Limits
	// Validate is how much of a batch is checked before it is handed out. Zero means [ipc.Contents].
	Validate ipc.Level
	// Align is where columns must lie. Zero means [ipc.Align64]: what came elsewhere is copied, and counted.
	Align ipc.Align
	// Nulls is what becomes of nulls in columns that are not nullable. Zero means [RefuseNulls].
	Nulls Nulls
	// Reuse ends the life of each batch with the next read, as if it were released there.
	Reuse bool
	// AllowMissingEnd takes the end of the source between two messages for the end of the stream.
	AllowMissingEnd bool
	// Pool supplies the memory. Nil means the shared pool.
	Pool *mem.Pool
	// Observer is told what happens on the stream; see [Observer]. Nil costs nothing.
	Observer Observer
}

// Observer is told what happens on a stream, for tracing and metrics. Package observe has some.
type Observer = ipc.Observer

// Stats counts what a reader or writer has done so far.
type Stats struct {
	Batches   int64
	Rows      int64
	Bytes     int64 // of messages, metadata and padding included
	InPlace   int64 // columns handed out as they were received
	Converted int64 // columns changed to the table's type
	Absent    int64 // columns that the stream does not have, read as nulls or their defaults
	Realigned int64 // buffers copied because the sender had left them unaligned
	Replaced  int64 // dictionaries replaced
	Deltas    int64 // dictionaries extended
	Forwarded int64 // batches of Forward whose body was sent as it was received
	Encoded   int64 // batches of Forward that were encoded anew
	Dropped   int64 // rows of Append that are not sent: they did not fit, a Batcher was full, or the stream ended before them
}

// Reader reads batches B, or rows R, of one table from a stream. It is for one goroutine at a time; its batches are for any.
type Reader[R, B any] struct {
	core     readerCore
	newBatch func(Handle) B
	readRows func(b B, rows []R, from int)
}

// NewReader returns a reader of the Arrow IPC stream that src carries. It reads nothing yet, and then ahead: what src has behind
// the end of the stream may be lost to others. Nil options mean all defaults.
//
// Where src has a SetReadDeadline, cancelling the context of a call interrupts the read; elsewhere it takes effect with
// the next call.
func NewReader[R, B any, W Builder[R]](t *Table[R, B, W], src io.Reader, opts *ReaderOptions) *Reader[R, B] {
	if opts == nil {
		opts = &ReaderOptions{}
	}
	r := &Reader[R, B]{newBatch: t.spec.NewBatch, readRows: t.spec.ReadRows}
	r.core = readerCore{opts: *opts, table: t.spec.Name, columns: t.spec.Columns, source: ipc.SourceName(src)}
	r.core.in = ipc.NewReader(src, r.core.options())
	return r
}

// readerCore is the part of readers that does not know the Go types.
type readerCore struct {
	in      batches
	opts    ReaderOptions
	table   string
	columns []Column
	source  string
	fit     *fitting
	last    Handle
	stats   Stats
}

func (c *readerCore) options() *ipc.ReaderOptions {
	return &ipc.ReaderOptions{
		Limits: c.opts.Limits, Validate: c.opts.Validate, Align: c.opts.Align,
		AllowMissingEnd: c.opts.AllowMissingEnd, Pool: c.opts.Pool, Observer: c.opts.Observer, Select: c.selectColumns,
	}
}

// selectColumns fits the stream's schema to the table and names the columns that are wanted of it.
func (c *readerCore) selectColumns(s *ipc.Schema) ([]bool, error) {
	f, err := fit(c.table, c.source, c.columns, s, &c.opts)
	if err != nil {
		return nil, err
	}
	c.fit = f
	want := make([]bool, len(s.Fields))
	for i := range f.columns {
		if from := f.columns[i].from; from >= 0 {
			want[from] = true
		}
	}
	return want, nil
}

func (c *readerCore) next(ctx context.Context) (Handle, error) {
	if c.opts.Reuse {
		c.last.Release()
	}
	h, err := c.in.Next(ctx)
	if err != nil {
		return Handle{}, err
	}
	if err := c.fit.apply(h, &c.stats); err != nil {
		h.Release()
		c.in.Stop(err)
		return Handle{}, err
	}
	if c.opts.Reuse {
		c.last = h
	}
	return h, nil
}

// Next returns the next batch. The error is io.EOF after the end marker; [ErrUnfinished] where the source ended without one;
// a *SchemaError where the stream does not fit the table; the cause of ctx where it was cancelled, after which the reader is
// usable if that was between two messages; and else mostly a *DecodeError. All but a cancelled ctx are final.
//
// The batch's columns alias the received bytes, 64-byte aligned, until it is released or, with Reuse, until the next call.
func (r *Reader[R, B]) Next(ctx context.Context) (B, error) {
	h, err := r.core.next(ctx)
	if err != nil {
		var none B
		return none, err
	}
	return r.newBatch(h), nil
}

// Batches yields the batches until the stream ends. An error is yielded once, last, with the zero batch. A loop that is left
// early leaves the reader at the next batch.
func (r *Reader[R, B]) Batches(ctx context.Context) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for {
			b, err := r.Next(ctx)
			if err == io.EOF || !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Rows yields the rows of all batches as values of their own. The texts of a column are copied once for each batch, and its
// rows share the copy: a row that is kept keeps the texts of its batch alive. A loop that is left early drops the rest of the
// batch it was in. An error is yielded once, last, with the zero row.
func (r *Reader[R, B]) Rows(ctx context.Context) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var rows []R
		for {
			h, err := r.core.next(ctx)
			if err != nil {
				if err != io.EOF {
					var none R
					yield(none, err)
				}
				return
			}
			if !yieldRows(h, &rows, r.newBatch, r.readRows, yield) {
				return
			}
		}
	}
}

// yieldRows yields the rows of a batch, which it releases, as values of their own, a chunk at a time.
func yieldRows[R, B any](h Handle, chunk *[]R, newBatch func(Handle) B, readRows func(b B, rows []R, from int), yield func(R, error) bool) bool {
	own := ownTexts(h)
	h.Release()
	defer own.Release()
	for from := 0; from < own.Len(); from += readChunk {
		n := min(own.Len()-from, readChunk)
		if cap(*chunk) < n {
			*chunk = make([]R, n)
		}
		rows := (*chunk)[:n]
		readRows(newBatch(own), rows, from)
		for i := range rows {
			if !yield(rows[i], nil) {
				return false
			}
		}
	}
	return true
}

// Schema returns the schema that the stream has, reading it if need be.
func (r *Reader[R, B]) Schema(ctx context.Context) (*ipc.Schema, error) { return r.core.in.Schema(ctx) }

// Stats returns what the reader has done so far.
func (r *Reader[R, B]) Stats() Stats { return r.core.merge(r.core.in.Stats()) }

// merge adds what the reader of the bytes has done.
func (c *readerCore) merge(in ipc.Stats) Stats {
	s := statsOf(in)
	s.InPlace, s.Converted, s.Absent = c.stats.InPlace, c.stats.Converted, c.stats.Absent
	return s
}

// statsOf returns what the layer below has counted.
func statsOf(in ipc.Stats) Stats {
	return Stats{
		Batches: in.Batches, Rows: in.Rows, Bytes: in.Bytes,
		Realigned: in.Realigned, Replaced: in.Replaced, Deltas: in.Deltas,
	}
}
