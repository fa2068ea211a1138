package ipc

import (
	"context"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Source gives batches of one schema, one after the other, whatever they are read from: a [Reader] of a stream is one, and the readers
// of other formats are.
type Source interface {
	// Schema returns what the columns are.
	Schema(ctx context.Context) (*Schema, error)
	// Next returns the next batch, which the caller may release. The error is io.EOF after the last.
	Next(ctx context.Context) (Batch, error)
}

var _ Source = (*Reader)(nil)

// made supplies the memory of batches that no decoder made.
var made = record.NewPool(mem.SharedPool())

// NewBatch returns a batch of the given rows in columns that came in no message, such as those of another format. They are not checked,
// see [Checker], and must neither change nor go before the batch is released; the slice of them is the caller's again. Release, if not
// nil, is called once, by whoever releases the last handle on the batch.
func NewBatch(rows int, columns []column.Data, release func()) Batch {
	for i := range columns {
		if columns[i].Len != rows {
			panic(fmt.Sprintf("lightstream: column %d has %d rows in a batch of %d", i, columns[i].Len, rows))
		}
	}
	h := made.New(rows, len(columns), 0)
	copy(record.Columns(h), columns)
	if release != nil {
		record.Own(h, mem.Wrap(nil, release))
	}
	return h
}
