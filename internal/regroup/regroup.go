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
	room    *ipc.Room
}

// NewBatch returns an empty batch of a schema. Beside the size of the batches that its rows come from it holds at most so many bytes;
// zero means 192 MiB.
func NewBatch(s *ipc.Schema, maxExpanded int64) *Batch {
	b := &Batch{unify: NewUnifier(s, maxExpanded), columns: make([]*ipc.Gatherer, len(s.Fields)), room: ipc.NewRoom(expanded(maxExpanded))}
	for i := range s.Fields {
		b.columns[i] = b.room.Gatherer(&s.Fields[i])
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
	if from == 0 || b.rows == 0 { // else they have made room before
		b.room.Add(Size(columns))
	}
	for i, c := range b.columns {
		if err := c.Append(&columns[i], from, to); err != nil {
			return err
		}
	}
	b.rows += to - from
	return nil
}

// Size returns the bytes of columns, without those of dictionaries, which rows share.
func Size(columns []column.Data) (n int64) {
	for i := range columns {
		for _, b := range columns[i].Buffers {
			n += int64(len(b))
		}
		for _, b := range columns[i].Variadic {
			n += int64(len(b))
		}
		n += Size(columns[i].Children)
	}
	return n
}

// Take returns the rows collected, in memory of its own, and begins anew. Dictionaries go on: they hold all values so far.
func (b *Batch) Take() []column.Data {
	columns := make([]column.Data, len(b.columns))
	for i, c := range b.columns {
		columns[i] = c.Take()
	}
	b.rows = 0
	b.room.Reset()
	return columns
}
