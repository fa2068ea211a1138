package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// WriterOptions are the settings of a [Writer].
type WriterOptions struct {
	// Comma stands between fields. Zero means a comma.
	Comma byte
	// Null is the text of a null. A text that is the same is quoted. Empty means an empty field.
	Null string
	// NoHeader leaves out the line of names.
	NoHeader bool
}

// ErrNullLine is wrapped by the error of a null that would be an empty line, which readers pass over.
var ErrNullLine = errors.New("a null in a table of one column would be an empty line, which readers pass over; choose a text for nulls")

// Writer writes batches as lines. It is for one goroutine at a time.
type Writer struct {
	dst      io.Writer
	opts     WriterOptions
	schema   *ipc.Schema
	printers []*value.Printer
	bare     []bool // columns whose texts need no quotes
	special  [256]bool
	buf      []byte
	field    []byte
	started  bool
}

// NewWriter returns a writer to dst, which it does not own. Nil options mean all defaults.
func NewWriter(dst io.Writer, schema *ipc.Schema, opts *WriterOptions) *Writer {
	w := &Writer{dst: dst, schema: schema, printers: make([]*value.Printer, len(schema.Fields))}
	if opts != nil {
		w.opts = *opts
	}
	if w.opts.Comma == 0 {
		w.opts.Comma = ','
	}
	w.bare = make([]bool, len(w.printers))
	plain := !strings.ContainsRune(numeric, rune(w.opts.Comma)) && strings.Trim(w.opts.Null, numeric) == w.opts.Null && w.opts.Comma < 0x80
	for i := range w.printers {
		w.printers[i] = value.PrinterOf(&schema.Fields[i])
		switch f := &schema.Fields[i]; f.Type.Kind {
		case ipc.KindInt, ipc.KindDecimal, ipc.KindDate, ipc.KindTime, ipc.KindTimestamp, ipc.KindDuration:
			w.bare[i] = plain && f.Dictionary == nil
		}
	}
	for _, c := range []byte{w.opts.Comma, '"', '\n', '\r'} {
		w.special[c] = true
	}
	return w
}

// numeric are the characters of numbers and times.
const numeric = "0123456789+-.:TZ"

// collected is how many bytes are collected for one write.
const collected = 64 << 10

// Write writes the rows of a batch, whose columns are those of the schema and were validated at [ipc.Contents].
func (w *Writer) Write(rows int, columns []column.Data) error {
	if err := w.header(); err != nil {
		return err
	}
	for i := range rows {
		for k, p := range w.printers {
			if k > 0 {
				w.buf = append(w.buf, w.opts.Comma)
			}
			if !p.IsNull(&columns[k], i) {
				if w.bare[k] {
					w.buf = p.AppendText(w.buf, &columns[k], i)
					continue
				}
				w.field = p.AppendText(w.field[:0], &columns[k], i)
				w.text(w.field)
				continue
			}
			if len(w.printers) == 1 && w.opts.Null == "" {
				return fmt.Errorf("lightstream: column %q, row %d: %w", w.schema.Fields[0].Name, i, ErrNullLine)
			}
			w.buf = append(w.buf, w.opts.Null...)
		}
		w.buf = append(w.buf, '\n')
		if len(w.buf) >= collected {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// header writes the names, once.
func (w *Writer) header() error {
	if w.started {
		return nil
	}
	w.started = true
	if w.opts.NoHeader || len(w.schema.Fields) == 0 {
		return nil
	}
	for i := range w.schema.Fields {
		if i > 0 {
			w.buf = append(w.buf, w.opts.Comma)
		}
		w.text([]byte(w.schema.Fields[i].Name))
	}
	w.buf = append(w.buf, '\n')
	return w.flush()
}

// text adds a field, in quotes where it would be read as something else without.
func (w *Writer) text(field []byte) {
	plain := len(field) > 0 && string(field) != w.opts.Null && field[0] != ' ' && field[len(field)-1] != ' '
	for _, c := range field {
		if w.special[c] {
			plain = false
			break
		}
	}
	if plain {
		w.buf = append(w.buf, field...)
		return
	}
	w.buf = append(w.buf, '"')
	for {
		n := bytes.IndexByte(field, '"')
		if n < 0 {
			break
		}
		w.buf = append(append(w.buf, field[:n+1]...), '"')
		field = field[n+1:]
	}
	w.buf = append(append(w.buf, field...), '"')
}

func (w *Writer) flush() error {
	_, err := w.dst.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// Close writes the names of the columns if there was no batch. It does not close the destination.
func (w *Writer) Close() error { return w.header() }
