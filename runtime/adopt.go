package rt

import (
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Adopter makes batches B of one table from columns that did not come through a [Reader], such as those of another library. It
// checks and fits them as a reader does those of a stream. It is for one goroutine at a time; its batches are for any.
type Adopter[B any] struct {
	schema   *ipc.Schema
	wants    []bool
	check    *ipc.Checker
	level    ipc.Level
	fit      *fitting
	pool     *record.Pool
	stats    Stats
	newBatch func(Handle) B
}

// NewAdopter returns an adopter of columns of the given schema. Of the options, Limits, Validate, Nulls and Pool mean what they
// mean to a reader, and nil is all defaults. The error is a *SchemaError where the schema does not fit the table.
func NewAdopter[R, B any, W Builder[R]](t *Table[R, B, W], schema *ipc.Schema, opts *ReaderOptions) (*Adopter[B], error) {
	if opts == nil {
		opts = &ReaderOptions{}
	}
	core := readerCore{opts: *opts, table: t.spec.Name, columns: t.spec.Columns}
	wants, err := core.selectColumns(schema)
	if err != nil {
		return nil, err
	}
	blocks := opts.Pool
	if blocks == nil {
		blocks = mem.SharedPool()
	}
	return &Adopter[B]{
		schema: schema, wants: wants, check: ipc.NewChecker(schema), level: opts.Validate, fit: core.fit,
		pool: record.NewPool(blocks), newBatch: t.spec.NewBatch,
	}, nil
}

// Wants tells whether the table has column i of the schema. The others are passed over, and may be zero.
func (a *Adopter[B]) Wants(i int) bool { return a.wants[i] }

// Adopt makes a batch of the given rows. Its columns alias the given ones where the types are the same, so these must not
// change, must be aligned to the size of their values, and must stay valid until release is called: once, by whoever releases
// the last handle on the batch, never if there is an error. The slice of columns is the caller's again.
func (a *Adopter[B]) Adopt(rows int, columns []column.Data, release func()) (B, error) {
	var none B
	if len(columns) != len(a.wants) {
		return none, fmt.Errorf("lightstream: %d columns, the schema has %d", len(columns), len(a.wants))
	}
	for i := range columns {
		if !a.wants[i] {
			continue
		}
		if columns[i].Len != rows {
			return none, fmt.Errorf("lightstream: column %q has %d rows in a batch of %d", a.schema.Fields[i].Name, columns[i].Len, rows)
		}
		if err := a.check.Column(i, &columns[i], a.level); err != nil {
			return none, err
		}
	}
	h := a.pool.New(rows, len(columns), a.stats.Batches)
	for i, d := range columns {
		if d.Nulls == 0 {
			d.Buffers[0] = nil
		}
		d.Padded = false // memory that columns are converted into is not zero behind their ends
		record.Columns(h)[i] = d
	}
	if err := a.fit.apply(h, &a.stats); err != nil {
		h.Release()
		return none, err
	}
	if release != nil {
		record.Own(h, mem.Wrap(nil, release))
	}
	a.stats.Batches++
	a.stats.Rows += int64(rows)
	return a.newBatch(h), nil
}

// Stats returns what the adopter has done so far.
func (a *Adopter[B]) Stats() Stats { return a.stats }
