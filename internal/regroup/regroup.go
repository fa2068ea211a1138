// Package regroup makes other batches of the rows of batches: larger, smaller, or with one dictionary for all of them.
//
//	columns ── Unifier ── the same with one dictionary each ── Batch ── columns of other batches
//
// What a [Batch] has collected is a copy, so that the batches that rows came from may be released.
package regroup

import (
	"encoding/binary"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var le = binary.LittleEndian

// Batch collects rows in all columns of a schema. It is for one goroutine at a time.
type Batch struct {
	rows    int
	unify   *Unifier
	columns []*ipc.Gatherer
}

// NewBatch returns an empty batch of a schema.
func NewBatch(s *ipc.Schema) *Batch {
	b := &Batch{unify: NewUnifier(s), columns: make([]*ipc.Gatherer, len(s.Fields))}
	for i := range s.Fields {
		b.columns[i] = ipc.NewGatherer(&s.Fields[i], 0)
	}
	return b
}

// Len returns the number of rows.
func (b *Batch) Len() int { return b.rows }

// Columns returns columns, which are those of the schema and were validated, as [Batch.Append] takes them: with one dictionary for
// each. They are valid until the next call.
func (b *Batch) Columns(columns []column.Data) ([]column.Data, error) {
	return b.unify.Columns(columns)
}

// Append adds rows from up to but not including to of columns that [Batch.Columns] returned.
func (b *Batch) Append(columns []column.Data, from, to int) error {
	for i, c := range b.columns {
		if err := c.Append(&columns[i], from, to); err != nil {
			return err
		}
	}
	b.rows += to - from
	return nil
}

// Take returns the rows collected, in memory of its own, and begins anew. Dictionaries go on: they hold all values so far.
func (b *Batch) Take() []column.Data {
	columns := make([]column.Data, len(b.columns))
	for i, c := range b.columns {
		columns[i] = c.Take()
	}
	b.rows = 0
	return columns
}
