package chunks

import (
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Columns is what writes the columns of batches.
type Columns interface {
	Write(rows int, columns []column.Data) error
	Close() error
}

// TableWriter writes rows or batches of one table. It is for one goroutine at a time.
type TableWriter[R any, B Batch[R], W rt.Builder[R]] struct {
	out  Columns
	rows W
}

// NewTableWriter returns a writer of a table to out.
func NewTableWriter[R any, B Batch[R], W rt.Builder[R]](t *rt.Table[R, B, W], out Columns) *TableWriter[R, B, W] {
	return &TableWriter[R, B, W]{out, t.NewBuilder(nil)}
}

// waiting is how many rows of Append are written at once.
const waiting = 1024

// Append writes a row, with others after it, at the latest when [TableWriter.Flush] or Close is called. The error is a
// *column.ValueError for a value that does not fit its column, whose row is dropped, or that of the destination.
func (w *TableWriter[R, B, W]) Append(row R) error {
	n := w.rows.Len()
	w.rows.Append(row)
	if err := w.rows.Err(); err != nil {
		w.rows.Truncate(n)
		return err
	}
	if n+1 >= waiting {
		return w.Flush()
	}
	return nil
}

// Flush writes the rows of Append that wait.
func (w *TableWriter[R, B, W]) Flush() error {
	if w.rows.Len() == 0 {
		return nil
	}
	err := w.write(w.rows)
	w.rows.Reset()
	return err
}

// Write writes the rows of a builder, which is the caller's to reset.
func (w *TableWriter[R, B, W]) Write(b W) error {
	if err := w.Flush(); err != nil {
		return err
	}
	return w.write(b)
}

func (w *TableWriter[R, B, W]) write(b W) error {
	rows, columns, err := rt.ColumnsOf[R](b)
	if err != nil {
		return err
	}
	return w.out.Write(rows, columns)
}

// WriteBatch writes a batch that was received.
func (w *TableWriter[R, B, W]) WriteBatch(b B) error {
	if err := w.Flush(); err != nil {
		return err
	}
	return w.out.Write(b.Len(), ipc.Columns(b.Handle()))
}

// Close writes what waits, and ends the output. It does not close the destination.
func (w *TableWriter[R, B, W]) Close() error {
	if err := w.Flush(); err != nil {
		return err
	}
	return w.out.Close()
}
