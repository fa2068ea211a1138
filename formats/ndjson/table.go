package ndjson

import (
	"errors"
	"io"

	"github.com/lightstream-go/lightstream/formats/internal/chunks"
	"github.com/lightstream-go/lightstream/formats/text"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// Batch is what a generated batch of rows R does.
type Batch[R any] interface{ chunks.Batch[R] }

// TableReader reads batches B, or rows R, of one table. It is for one goroutine at a time; its batches are for any.
type TableReader[R any, B Batch[R]] struct {
	*chunks.Table[R, B]
	core *core
}

// NewTableReader returns a reader of a table from the lines of JSON in r, or an array, of which it reads the first chunk. Bind, which is
// generated, binds a builder to the text of its columns. Of the options, Schema and Types are those of the table. Nil options mean all
// defaults.
func NewTableReader[R any, B Batch[R], W rt.Builder[R]](t *rt.Table[R, B, W], r io.Reader, opts *Options, bind func(W) []*text.Column) (*TableReader[R, B], error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if o.Schema != nil || o.Types != nil {
		return nil, errors.New("lightstream: Options.Schema and Types are those of the table")
	}
	c, err := newCore(r, o)
	if err != nil {
		return nil, err
	}
	for _, column := range t.Columns() {
		c.older = append(c.older, column.Was)
	}
	table, err := chunks.NewTable(t, &c.Core, &o.Values, bind)
	if err != nil {
		return nil, err
	}
	return &TableReader[R, B]{table, c}, nil
}

// Stats returns what the reader has done so far.
func (r *TableReader[R, B]) Stats() Stats { return r.core.counted() }

// TableWriter writes rows or batches of one table. It is for one goroutine at a time.
type TableWriter[R any, B Batch[R], W rt.Builder[R]] struct {
	*chunks.TableWriter[R, B, W]
}

// NewTableWriter returns a writer of a table to dst, which it does not own.
func NewTableWriter[R any, B Batch[R], W rt.Builder[R]](t *rt.Table[R, B, W], dst io.Writer) *TableWriter[R, B, W] {
	return &TableWriter[R, B, W]{chunks.NewTableWriter(t, NewWriter(dst, t.Schema()))}
}
