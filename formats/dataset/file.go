package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Format is how a table lies in a file.
type Format string

// The formats of files.
const (
	Arrow   Format = "arrow"  // Arrow IPC file
	Stream  Format = "stream" // Arrow IPC stream
	CSV     Format = "csv"
	NDJSON  Format = "ndjson"
	JSON    Format = "json" // an array of JSON when it is written; both are read of NDJSON and JSON
	Parquet Format = "parquet"
)

var extensions = map[string]Format{
	".arrow": Arrow, ".arrow_file": Arrow, ".feather": Arrow, ".ipc": Arrow, ".arrows": Stream, ".stream": Stream,
	".csv": CSV, ".tsv": CSV, ".ndjson": NDJSON, ".jsonl": NDJSON, ".json": JSON, ".parquet": Parquet, ".pq": Parquet,
}

// isText tells whether a format has no types of its own.
func (f Format) isText() bool { return f == CSV || f == NDJSON || f == JSON }

// FormatOf returns the format that the extension of a name says, "" where it says none, and how the file is compressed as a whole, nil
// where it is not. The error names the package to import for a compression that is not there.
func FormatOf(name string) (Format, *compress.Method, error) {
	m, inner, err := compress.ByName(name)
	if err != nil {
		return "", nil, err
	}
	return extensions[strings.ToLower(path.Ext(inner))], m, nil
}

// commaOf returns what stands between the fields of CSV of that name, where options do not say it: a tab in .tsv, else 0 for a comma.
func commaOf(name string) byte {
	if _, inner, err := compress.ByName(name); err == nil && strings.EqualFold(path.Ext(inner), ".tsv") {
		return '\t'
	}
	return 0
}

// FileOptions say how files of each format are read. Nil fields mean all defaults.
type FileOptions struct {
	Format   Format // of all files; "" is what their names say
	Arrow    *ipc.ReaderOptions
	CSV      *csv.Options    // whose Comma, where it is zero, is a tab in .tsv
	NDJSON   *ndjson.Options // and of JSON
	Parquet  *parquet.ReaderOptions
	Compress *compress.Limits
	// OnRejected is told of each record of text that was passed over, with the name of its file, in place of those of CSV and NDJSON. Nil
	// leaves it to them. Several goroutines may call it.
	OnRejected func(name string, err *text.ValueError)
	// OnRagged is told how many records of CSV more were passed over, as csv.SkipRagged has it, with the name of their file, in place of that
	// of CSV. Nil leaves it to that. Several goroutines may call it.
	OnRagged func(name string, n int64)

	some bool // keys of NDJSON that are not wanted are passed over
}

// Source is one file, or several, as batches. Close ends reading; batches stay valid.
type Source interface {
	ipc.Source
	io.Closer
}

// opened is a file that is read.
type opened struct {
	schema *ipc.Schema
	next   func(ctx context.Context) (ipc.Batch, error)
	close  []func() error
	bytes  func() int64
	format Format
	text   []string // the columns of CSV, whose schema may have others
	passed []string // columns that are not wanted, of a format that has a schema
}

func (o *opened) Schema(context.Context) (*ipc.Schema, error) { return o.schema, nil }

func (o *opened) Next(ctx context.Context) (ipc.Batch, error) {
	if err := ctx.Err(); err != nil {
		return ipc.Batch{}, context.Cause(ctx)
	}
	return o.next(ctx)
}

func (o *opened) Close() error {
	var err error
	for i := len(o.close) - 1; i >= 0; i-- {
		err = errors.Join(err, o.close[i]())
	}
	o.close = nil
	return err
}

// OpenFile reads a file, which it closes with the source, or on an error. Want is the schema that text is parsed as and the columns that
// are read; nil means all that there are.
func OpenFile(ctx context.Context, f fs.File, name string, want *ipc.Schema, opts *FileOptions) (Source, error) {
	if opts == nil {
		opts = &FileOptions{}
	}
	o := &opened{close: []func() error{f.Close}, bytes: func() int64 { return 0 }}
	if err := o.open(ctx, f, name, want, opts); err != nil {
		return nil, fmt.Errorf("lightstream: %s: %w", name, shortened{errors.Join(err, o.Close())})
	}
	next := o.next
	o.next = func(ctx context.Context) (ipc.Batch, error) {
		b, err := next(ctx)
		if err != nil && err != io.EOF && ctx.Err() == nil {
			err = fmt.Errorf("lightstream: %s: %w", name, shortened{err})
		}
		return b, err
	}
	return o, nil
}

// shortened is an error without the prefix that another puts before it.
type shortened struct{ error }

func (s shortened) Error() string { return strings.TrimPrefix(s.error.Error(), "lightstream: ") }
func (s shortened) Unwrap() error { return s.error }

func (o *opened) open(ctx context.Context, f fs.File, name string, want *ipc.Schema, opts *FileOptions) error {
	format, method, err := FormatOf(name)
	if err != nil {
		return err
	}
	if opts.Format != "" {
		format = opts.Format
	}
	o.format = format
	counted := &counter{Reader: f}
	o.bytes = func() int64 { return counted.n }
	var in io.Reader = counted
	if method != nil {
		r, err := compress.NewReader(bufio.NewReaderSize(in, 64<<10), method, opts.Compress)
		if err != nil {
			return err
		}
		o.close = append(o.close, r.Close)
		in = r
	}
	switch format {
	case Arrow, Parquet:
		at, ok := f.(io.ReaderAt)
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if method != nil || !ok {
			return frame.Errorf(frame.ErrUnsupported, "a file of format %s is read from its end, which this one does not allow; keep it uncompressed in a file system", format)
		}
		if format == Parquet {
			return o.parquet(at, info.Size(), want, opts.Parquet)
		}
		return o.arrow(at, info.Size(), want, opts.Arrow)
	case Stream:
		r := ipc.NewReader(in, o.selecting(opts.Arrow, want))
		s, err := r.Schema(ctx)
		if err != nil {
			return err
		}
		o.project(s, want, r.Next)
		return nil
	case CSV:
		var c csv.Options
		if opts.CSV != nil {
			c = *opts.CSV
		}
		if c.Comma == 0 {
			c.Comma = commaOf(name)
		}
		if want != nil {
			c.Schema, c.Types = want, nil
		}
		if opts.OnRejected != nil {
			c.OnRejected = func(err *text.ValueError) { opts.OnRejected(name, err) }
		}
		if opts.OnRagged != nil {
			c.OnRagged = func(n int64) { opts.OnRagged(name, n) }
		}
		c.Name = "" // put before all errors by the source
		r, err := csv.NewReader(in, &c)
		if err != nil {
			return err
		}
		if o.schema, err = r.Schema(ctx); err != nil {
			return err
		}
		o.next = r.Next
		if !c.ByPosition {
			o.text = r.Columns()
		}
		return nil
	case NDJSON, JSON:
		var c ndjson.Options
		if opts.NDJSON != nil {
			c = *opts.NDJSON
		}
		if want != nil {
			c.Schema, c.Types = want, nil
		}
		if opts.OnRejected != nil {
			c.OnRejected = func(err *text.ValueError) { opts.OnRejected(name, err) }
		}
		if opts.some {
			c.Values.JSON.Unknown = text.Ignore
		}
		c.Name = ""
		r, err := ndjson.NewReader(in, &c)
		if err != nil {
			return err
		}
		if o.schema, err = r.Schema(ctx); err != nil {
			return err
		}
		o.next = r.Next
		return nil
	}
	return ErrNoFormat
}

// ErrNoFormat is the condition of a file whose name does not say its format. It wraps [frame.ErrUnsupported].
var ErrNoFormat = frame.Errorf(frame.ErrUnsupported, "its name does not say which format it has")

type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// wanted returns which fields of a schema are columns of another, and keeps the names of the others.
func (o *opened) wanted(s, want *ipc.Schema) []bool {
	selected := make([]bool, len(s.Fields))
	o.passed = nil
	for i := range s.Fields {
		if selected[i] = want == nil || place(want, s.Fields[i].Name) >= 0; !selected[i] {
			o.passed = append(o.passed, s.Fields[i].Name)
		}
	}
	return selected
}

// place returns the first column of a name, or -1.
func place(s *ipc.Schema, name string) int {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

func (o *opened) selecting(opts *ipc.ReaderOptions, want *ipc.Schema) *ipc.ReaderOptions {
	var r ipc.ReaderOptions
	if opts != nil {
		r = *opts
	}
	if want != nil {
		r.Select = func(s *ipc.Schema) ([]bool, error) { return o.wanted(s, want), nil }
	}
	return &r
}

func (o *opened) parquet(at io.ReaderAt, size int64, want *ipc.Schema, opts *parquet.ReaderOptions) error {
	var p parquet.ReaderOptions
	if opts != nil {
		p = *opts
	}
	if want != nil {
		p.Select = func(s *ipc.Schema) ([]bool, error) { return o.wanted(s, want), nil }
	}
	p.Name = ""
	r, err := parquet.NewReader(struct{ io.ReaderAt }{at}, size, &p) // without the name, which the source puts before all errors
	if err != nil {
		return err
	}
	o.close = append(o.close, r.Close)
	o.schema, err = r.Schema(context.Background())
	o.next, o.bytes = r.Next, func() int64 { return r.Stats().Bytes }
	return err
}

func (o *opened) arrow(at io.ReaderAt, size int64, want *ipc.Schema, opts *ipc.ReaderOptions) error {
	r, err := ipc.NewFileReader(at, size, o.selecting(opts, want))
	if err != nil {
		return err
	}
	batch := 0
	o.bytes = func() int64 { return r.Stats().Bytes }
	o.project(r.Schema(), want, func(context.Context) (ipc.Batch, error) {
		if batch == r.NumBatches() {
			return ipc.Batch{}, io.EOF
		}
		batch++
		return r.Batch(batch - 1)
	})
	return nil
}

// project leaves the columns that are wanted, as others are empty in the batches.
func (o *opened) project(s, want *ipc.Schema, next func(context.Context) (ipc.Batch, error)) {
	o.schema, o.next = s, next
	if want == nil {
		return
	}
	var places []int
	o.schema = &ipc.Schema{Metadata: s.Metadata}
	for i, wanted := range o.wanted(s, want) {
		if wanted {
			places = append(places, i)
			o.schema.Fields = append(o.schema.Fields, s.Fields[i])
		}
	}
	o.next = func(ctx context.Context) (ipc.Batch, error) {
		b, err := next(ctx)
		if err != nil {
			return b, err
		}
		columns := make([]column.Data, len(places))
		for k, i := range places {
			columns[k] = *b.Column(i)
		}
		return ipc.NewBatch(b.Len(), columns, b.Release), nil
	}
}
