package ndjson

import (
	"io"

	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Writer writes batches as lines. It is for one goroutine at a time.
type Writer struct {
	dst      io.Writer
	keys     [][]byte
	printers []*value.Printer
	buf      []byte
}

// NewWriter returns a writer to dst, which it does not own.
func NewWriter(dst io.Writer, schema *ipc.Schema) *Writer {
	w := &Writer{dst: dst}
	for i := range schema.Fields {
		f := &schema.Fields[i]
		w.keys = append(w.keys, append(value.AppendString(nil, f.Name), ':'))
		w.printers = append(w.printers, value.PrinterOf(f))
	}
	return w
}

// collected is how many bytes are collected for one write.
const collected = 64 << 10

// Write writes the rows of a batch, whose columns are those of the schema and were validated at [ipc.Contents]. Text that is no
// UTF-8 has U+FFFD in the place of what is wrong with it: validate at [ipc.UTF8] to refuse it.
func (w *Writer) Write(rows int, columns []column.Data) error {
	for i := range rows {
		w.buf = append(w.buf, '{')
		for k, p := range w.printers {
			if k > 0 {
				w.buf = append(w.buf, ',')
			}
			w.buf = p.AppendJSON(append(w.buf, w.keys[k]...), &columns[k], i)
		}
		w.buf = append(w.buf, '}', '\n')
		if len(w.buf) >= collected {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

func (w *Writer) flush() error {
	_, err := w.dst.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// Close ends the output. It does not close the destination.
func (w *Writer) Close() error { return nil }
