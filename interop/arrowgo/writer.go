package arrowgo

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// BatchWriter is what the writers of streams and of files have in common.
type BatchWriter interface {
	Schema() *ipc.Schema
	Write(ctx context.Context, rows int, columns []column.Data) error
}

var (
	_ BatchWriter = (*ipc.Writer)(nil)
	_ BatchWriter = (*ipc.FileWriter)(nil)
)

// Writer sends records through a writer of a stream or file, which remains the caller's to close, abort and ask for statistics. It
// keeps the dictionaries of its records, so that one is sent once, and what is added to it when it grows. It is for one goroutine at
// a time.
type Writer struct {
	out     BatchWriter
	columns columns
	check   *ipc.Checker
}

// NewWriter returns a writer of records to out. Their columns must have the names and types of its schema, which [FromSchema] makes.
func NewWriter(out BatchWriter) *Writer {
	w := &Writer{out: out, check: ipc.NewChecker(out.Schema())}
	w.columns.init(out.Schema(), func(int) bool { return true })
	w.columns.zeroBased = true
	return w
}

// Write sends a record, straight from where its columns lie, and returns when the destination has accepted the bytes. Of a sliced
// record that part is sent which it shows. Metadata of the record, which is not that of its schema, is sent where the writer below has
// a place for it, as those of package ipc have. Errors about the record come before anything is sent and leave the writer usable; all others are those of the writer below.
func (w *Writer) Write(ctx context.Context, rec arrow.RecordBatch) error {
	if err := checkHost(); err != nil {
		return err
	}
	err := w.write(ctx, rec)
	if err != nil {
		w.columns.undo() // what the reader has is what was there before
	}
	w.columns.done()
	return err
}

func (w *Writer) write(ctx context.Context, rec arrow.RecordBatch) error {
	rows, data, err := w.columns.of(rec)
	if err != nil {
		return err
	}
	for i := range data {
		if err := w.check.Column(i, &data[i], ipc.Structure); err != nil {
			return err
		}
	}
	if out, ok := w.out.(interface{ SetMetadata([]ipc.KeyValue) }); ok {
		var attached []ipc.KeyValue
		if rec, ok := rec.(arrow.RecordBatchWithMetadata); ok {
			attached = metadataFrom(rec.Metadata())
		}
		out.SetMetadata(attached)
	}
	return w.out.Write(ctx, rows, data)
}
