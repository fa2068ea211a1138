package ndjson

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/lightstream-go/lightstream/formats/internal/chunks"
	"github.com/lightstream-go/lightstream/formats/text"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Batch is what a generated batch of rows R does.
type Batch[R any] interface{ chunks.Batch[R] }

// TableReader reads batches B, or rows R, of one table. It is for one goroutine at a time; its batches are for any.
type TableReader[R any, B Batch[R]] struct {
	table *chunks.Table[R, B]
	core  *core
}

// NewTableReader returns a reader of a table from the lines of JSON in r, or an array, of which it reads the first chunk. Bind, which is
// generated, binds a builder to the text of its columns. The options must not have Schema and Types, which are
// those of the table. Nil options mean all
// defaults.
func NewTableReader[R any, B Batch[R], W rt.Builder[R]](t *rt.Table[R, B, W], r io.Reader, opts *Options, bind func(W) []*text.Column) (*TableReader[R, B], error) {
	o, err := opts.withDefaults(r)
	if err != nil {
		return nil, err
	}
	if o.Schema != nil || o.Types != nil {
		return nil, errors.New("lightstream: Options.Schema and Types are those of the table")
	}
	c := coreOf(r, o)
	if err := c.begin(); err != nil {
		return nil, c.Opts.Named(err)
	}
	for _, column := range t.Columns() {
		c.older = append(c.older, column.Was)
	}
	table, err := chunks.NewTable(t, &c.Core, &o.Values, bind)
	if err != nil {
		return nil, c.Opts.Named(err)
	}
	return &TableReader[R, B]{table, c}, nil
}

// Next returns the next batch, which is valid until it is released. The error is io.EOF after the last; a *text.ValueError for a record
// that could not be read, where the options do not let it pass, of whose chunk no rows are given out; or the cause of ctx, which is looked
// at between chunks.
func (r *TableReader[R, B]) Next(ctx context.Context) (B, error) { return r.table.Next(ctx) }

// Batches yields the batches until the input ends. An error is yielded once, last, with the zero batch.
func (r *TableReader[R, B]) Batches(ctx context.Context) iter.Seq2[B, error] {
	return r.table.Batches(ctx)
}

// Rows yields the rows of all batches as values of their own. An error is yielded once, last, with the zero row.
func (r *TableReader[R, B]) Rows(ctx context.Context) iter.Seq2[R, error] { return r.table.Rows(ctx) }

// Stats returns what the reader has done so far.
func (r *TableReader[R, B]) Stats() Stats { return r.core.counted() }

// TableWriter writes rows or batches of one table.
type TableWriter[R any, B Batch[R], W rt.Builder[R]] = rt.SinkWriter[R, B, W]

// waiting is how many rows of Append are written at once.
const waiting = 1024

// NewTableWriter returns a writer of a table to dst, which it does not own. The error of a table that cannot be written, see [Writer.Err], is
// that of every call. Nil options mean all defaults.
func NewTableWriter[R any, B Batch[R], W rt.Builder[R]](t *rt.Table[R, B, W], dst io.Writer, opts *WriterOptions) *TableWriter[R, B, W] {
	return rt.SinkWriterOf(t, func(s *ipc.Schema) rt.Sink { return NewWriter(dst, s, opts) }, &rt.WriterOptions{BatchRows: waiting})
}
