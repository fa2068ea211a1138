package ndjson

import (
	"context"
	"fmt"
	"io"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/value"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// WriterOptions are the settings of a [Writer].
type WriterOptions struct {
	// Array writes one array of JSON in place of lines. Each object still has a line of its own. [Writer.Close] ends the array, which
	// is no JSON before that, and does not after an error of Write.
	Array bool
	// OmitNulls leaves out the keys of columns that are null, which most readers take for null. Nulls within nested values stay.
	OmitNulls bool
	// RepeatKeys writes objects in which a key comes twice, where two fields have one name. Most readers lose one of them. Without it
	// such a schema is refused.
	RepeatKeys bool
	// MaxRow is how many bytes a row may take whose lists share what they lead to, or have values of dictionaries, each of which is
	// printed as often as it occurs. Zero means 64 MiB. The error of a row that takes more wraps [ipc.ErrLimit].
	MaxRow int64
}

// Writer writes batches as lines, or as an array. It is for one goroutine at a time.
//
//	lines       array
//
//	{"a":1}     [
//	{"a":2}     {"a":1},
//	            {"a":2}
//	            ]
//
// Of no rows there are no lines, and the array is [] and a line end.
type Writer struct {
	dst    io.Writer
	schema *ipc.Schema
	cells  []cell
	buf    []byte

	omit bool  // nulls
	most int64 // bytes of a row with lists, zero for the default
	err  error // of the schema; of an array also the first of Write, or why it takes no more rows

	array  bool
	closed bool
	before string // the next row
	after  string // each row
}

var _ rt.Sink = (*Writer)(nil)

// cell prints the rows of one column.
type cell struct {
	*value.Printer
	key     []byte // with the comma before it
	sure    bool   // no row is an error
	flat    bool   // rows are null by the validity of the batch alone
	known   bool   // values of the batch are in entries
	entries value.Entries
}

// NewWriter returns a writer to dst, which it does not own. A schema in which two fields of an object have one name is refused, see
// [Writer.Err]. Nil options mean all defaults.
func NewWriter(dst io.Writer, schema *ipc.Schema, opts *WriterOptions) *Writer {
	w := &Writer{dst: dst, schema: schema}
	if opts == nil {
		opts = &WriterOptions{}
	}
	w.omit, w.most, w.array = opts.OmitNulls, max(opts.MaxRow, 0), opts.Array
	if w.after = "}\n"; w.array {
		w.before, w.after = "[\n", "}"
	}
	if path := value.Twice(schema.Fields); path != "" && !opts.RepeatKeys {
		w.err = fmt.Errorf("lightstream: %w: %w: %q; an object of JSON has a key once: give it another name, or set WriterOptions.RepeatKeys",
			ipc.ErrUnsupported, text.ErrTwice, path)
	}
	for i := range schema.Fields {
		f := &schema.Fields[i]
		p := value.PrinterOf(f)
		p.SetMaxRow(w.most)
		w.cells = append(w.cells, cell{Printer: p, key: append(value.AppendString([]byte{','}, f.Name), ':'), sure: p.Sure()})
	}
	return w
}

// collected is how many bytes are collected for one write.
const collected = 64 << 10

// Schema returns the columns that Write takes.
func (w *Writer) Schema() *ipc.Schema { return w.schema }

// Err returns the error of a schema that cannot be written, which is that of every Write and of Close. It wraps [ipc.ErrUnsupported]
// and [text.ErrTwice]. Of an array it is also the first error of Write.
func (w *Writer) Err() error { return w.err }

// Write writes the rows of a batch, whose columns are those of the schema and were validated at [ipc.Contents]. A row with a text that is
// not valid UTF-8 is refused with a [*column.ValueError] that wraps [column.ErrUTF8]; those before it are written. Where
// ctx has ended nothing is written; where it ends within a large row, that one and those behind it are not.
//
// An array that lacks rows is not to look like a whole one: its first error is that of every later call, unless ctx had ended before.
func (w *Writer) Write(ctx context.Context, rows int, columns []column.Data) error {
	switch {
	case w.err != nil:
		return w.err
	case w.array && w.closed:
		return ipc.ErrClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	err := w.write(ctx, rows, columns)
	if w.array {
		w.err = err
	}
	return err
}

func (w *Writer) write(ctx context.Context, rows int, columns []column.Data) error {
	columns = columns[:len(w.cells)]
	for k := range w.cells {
		c := &w.cells[k]
		c.SetContext(ctx)
		c.flat = c.Flat(&columns[k])
		c.known = c.Entries(&c.entries, &columns[k], rows, nil)
	}
	buf := w.buf
	for i := range rows {
		end := len(buf) // of the row before
		buf = append(buf, w.before...)
		start := len(buf)
		for k := range columns {
			c, d := &w.cells[k], &columns[k]
			none := false
			if c.flat {
				none = d.IsNull(i)
			} else {
				none = c.IsNull(d, i)
			}
			if none && w.omit {
				continue
			}
			buf = append(buf, c.key...)
			switch {
			case none:
				buf = append(buf, "null"...)
			case c.sure:
				buf = c.AppendValue(buf, d, i, true)
			case c.known:
				buf = c.entries.Append(buf, c.Index(d, i))
			default:
				buf = c.AppendValue(buf, d, i, true)
				bad := c.Err()
				if bad == nil && (len(d.Children) != 0 || d.Dictionary != nil) {
					bad = value.CheckRow(len(buf)-start, w.most)
				}
				if bad != nil {
					w.buf = buf[:end]
					if err := w.flush(); err != nil {
						return err
					}
					if ctx.Err() != nil {
						return context.Cause(ctx)
					}
					return &column.ValueError{Column: w.schema.Fields[k].Name, Row: i, Err: bad}
				}
			}
		}
		if len(buf) == start {
			buf = append(buf, '{')
		}
		buf[start] = '{' // in the place of the first comma
		buf = append(buf, w.after...)
		if w.array {
			w.before = ",\n"
		}
		if len(buf) >= collected {
			w.buf = buf
			if err := w.flush(); err != nil {
				return err
			}
			buf = w.buf
		}
	}
	w.buf = buf
	return w.flush()
}

func (w *Writer) flush() error {
	_, err := w.dst.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// Close ends the output. It does not close the destination. It ends no array that lacks rows, after an error of Write, which it returns.
// More calls do nothing.
func (w *Writer) Close() error {
	if w.err != nil || w.closed {
		return w.err
	}
	w.closed = true
	if !w.array {
		return nil
	}
	if w.before == ",\n" { // behind a row
		w.buf = append(w.buf, "\n]\n"...)
	} else {
		w.buf = append(w.buf, "[]\n"...)
	}
	w.err = w.flush()
	return w.err
}

// Abort gives the output up: an array is not ended, and later calls return [rt.ErrAborted]. After Close it does nothing. Lines that are written
// stay as they are, and the writer of them usable.
func (w *Writer) Abort() {
	if w.array && !w.closed && w.err == nil {
		w.err = rt.ErrAborted
	}
}
