package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/dataset"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// formatByBytes returns the format of a source by its first bytes, and of text by its name.
func formatByBytes(first []byte, name string, o *options) format {
	switch {
	case string(first) == fileMagic:
		return formatFile
	case strings.HasPrefix(string(first), "PAR1"):
		return formatParquet
	}
	if f, err := formatOf("from", "", name, inputs); err == nil && (f == formatCSV || f == formatNDJSON) && format(o.from) != formatArrow {
		return f
	}
	return formatStream
}

// inflate reads a source that is compressed as a whole.
func (s *source) inflate(ctx context.Context, in io.Reader, m *compress.Method, want format, o *options, level ipc.Level) error {
	packed := &counted{from: in}
	r, err := compress.NewReader(bufio.NewReaderSize(packed, 64<<10), m, nil)
	if err != nil {
		return err
	}
	closing := s.close
	s.close = func() error { return errors.Join(closing(), r.Close()) }
	head := bufio.NewReaderSize(r, 64<<10)
	first, err := head.Peek(len(fileMagic))
	if err != nil && err != io.EOF {
		return err
	}
	if s.format = want; want == "" {
		s.format = formatByBytes(first, filePath(s.name), o)
	}
	switch s.format {
	case formatCSV, formatNDJSON:
		err = s.openText(head, o)
	case formatStream:
		err = s.openStreams(ctx, s.options(o, level), nil, named{head, s.name})
	default: // what is read from its end
		spooled, remove, e := spool(head)
		if e != nil {
			return e
		}
		closing := s.close
		s.close = func() error { return errors.Join(closing(), remove()) }
		size, e := spooled.Seek(0, io.SeekCurrent)
		if e != nil {
			return e
		}
		s.size = size
		if s.format == formatParquet {
			return s.parquet(spooled, size, o, level)
		}
		return s.openFile(spooled, bufio.NewReaderSize(strings.NewReader(""), 16), true, s.options(o, level))
	}
	s.format, s.stats = format(m.Name), func() ipc.Stats { return ipc.Stats{Bytes: packed.n} }
	return err
}

// counted counts what is read or written.
type counted struct {
	from io.Reader
	to   io.Writer
	n    int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// foreign takes what a reader of another format gives.
func (s *source) foreign(schema *ipc.Schema, next func(context.Context) (ipc.Batch, error), o *options) (err error) {
	if s.places, err = o.project(schema); err != nil {
		return err
	}
	s.take(schema)
	s.next = next
	s.others = func() ipc.Attached { return ipc.Attached{} }
	return nil
}

// openText reads CSV or NDJSON.
func (s *source) openText(in io.Reader, o *options) error {
	read := &counted{from: in}
	s.stats = func() ipc.Stats { return ipc.Stats{Bytes: read.n} }
	if s.format == formatNDJSON {
		r, err := ndjson.NewReader(read, &ndjson.Options{Parallel: runtime.GOMAXPROCS(0)})
		if err != nil {
			return s.named(err)
		}
		return s.foreign(r.Schema(), s.naming(r.Next), o)
	}
	opts := &csv.Options{Parallel: runtime.GOMAXPROCS(0)}
	if o.null != "" {
		opts.Nulls = []string{o.null}
	}
	r, err := csv.NewReader(read, opts)
	if err != nil {
		return s.named(err)
	}
	return s.foreign(r.Schema(), s.naming(r.Next), o)
}

// named says which source an error is of.
func (s *source) named(err error) error {
	return fmt.Errorf("%s: %w", s.label(), trimmed{err})
}

// trimmed is an error without the prefix that the command puts before all.
type trimmed struct{ error }

func (t trimmed) Error() string { return strings.TrimPrefix(t.error.Error(), "lightstream: ") }
func (t trimmed) Unwrap() error { return t.error }

// naming says which source the errors of next are of.
func (s *source) naming(next func(context.Context) (ipc.Batch, error)) func(context.Context) (ipc.Batch, error) {
	return func(ctx context.Context) (ipc.Batch, error) {
		b, err := next(ctx)
		if err != nil && err != io.EOF && ctx.Err() == nil {
			err = s.named(err)
		}
		return b, err
	}
}

// openParquet reads a Parquet file, by way of a temporary one if it comes through a pipe: its footer comes last.
func (s *source) openParquet(f *os.File, head *bufio.Reader, regular bool, o *options, level ipc.Level) error {
	if regular {
		return s.parquet(f, s.size, o, level)
	}
	spooled, remove, err := spool(io.MultiReader(buffered(head), f))
	if err != nil {
		return err
	}
	closing := s.close
	s.close = func() error { return errors.Join(closing(), remove()) }
	if s.size, err = spooled.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	return s.parquet(spooled, s.size, o, level)
}

func (s *source) parquet(f io.ReaderAt, size int64, o *options, level ipc.Level) error {
	r, err := parquet.NewReader(f, size, &parquet.ReaderOptions{Validate: level, Select: s.options(o, level).Select, Name: s.label(), Ahead: 16 << 20})
	if err != nil {
		return err
	}
	closing := s.close
	s.close = func() error { return errors.Join(r.Close(), closing()) }
	s.places, s.stats = nil, r.Stats
	schema, err := r.Schema(context.Background())
	if err != nil {
		return err
	}
	return s.foreign(schema, r.Next, o)
}

// severalFiles tells whether a path is that of a directory, or a glob.
func severalFiles(path string) bool {
	if path == "-" {
		return false
	}
	info, err := os.Stat(path)
	if err == nil {
		return info.IsDir()
	}
	return strings.ContainsAny(path, "*?[")
}

// rootOf cuts a path before the first part that is a glob or stands for a column, which is to be seen with what is below it.
func rootOf(name string) (root, pattern string) {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if strings.ContainsAny(part, "*?[=") {
			if root = strings.Join(parts[:i], "/"); i == 0 {
				root = "."
			} else if root == "" {
				root = "/"
			}
			return root, strings.Trim(strings.Join(parts[i:], "/"), "/")
		}
	}
	return name, "."
}

// openDataset reads the files of a directory or glob.
func (s *source) openDataset(ctx context.Context, name string, want format, o *options, level ipc.Level) error {
	root, pattern := rootOf(filepath.ToSlash(name))
	opts := &dataset.Options{Parallel: runtime.GOMAXPROCS(0)}
	opts.Files.Arrow = &ipc.ReaderOptions{Validate: level, AllowMissingEnd: o.unfinished}
	opts.Files.Parquet = &parquet.ReaderOptions{Validate: level, Parallel: 1}
	if o.null != "" {
		opts.Files.CSV = &csv.Options{Nulls: []string{o.null}}
	}
	opts.Files.Format = map[format]dataset.Format{
		formatFile: dataset.Arrow, formatStream: dataset.Stream, formatCSV: dataset.CSV, formatNDJSON: dataset.NDJSON, formatParquet: dataset.Parquet,
	}[want]
	r, err := dataset.Open(ctx, os.DirFS(root), pattern, opts)
	if err != nil {
		return err
	}
	s.format, s.close, s.stats, s.files = "dataset", r.Close, r.Stats, len(r.Files())
	schema, err := r.Schema(ctx)
	if err == nil {
		err = s.foreign(schema, r.Next, o)
	}
	if err == nil && o.columns != nil { // what is not wanted is not read
		_ = r.Close()
		opts.Schema = s.schema
		if r, err = dataset.Open(ctx, os.DirFS(root), pattern, opts); err != nil {
			return err
		}
		s.close, s.stats, s.places, s.next = r.Close, r.Stats, nil, r.Next
	}
	if err != nil {
		return errors.Join(err, r.Close())
	}
	return nil
}

// single is a source as one of several that become one.
type single struct{ *source }

func (s single) Schema(context.Context) (*ipc.Schema, error) { return s.schema, nil }

func (s single) Close() error { return s.close() }

func (s single) Next(ctx context.Context) (ipc.Batch, error) {
	b, err := s.next(ctx)
	if err != nil {
		return b, err
	}
	return ipc.NewBatch(b.Len(), s.pick(b), b.Release), nil
}

// openSources opens several sources as one: the rows of the second come after those of the first.
func openSources(ctx context.Context, names []string, o *options, std std, level ipc.Level) (*source, error) {
	if len(names) == 1 {
		return openSource(ctx, names[0], o, std, level)
	}
	var all []dataset.Source
	var open []*source
	closeAll := func() (err error) {
		for _, s := range open {
			err = errors.Join(err, s.close())
		}
		return err
	}
	whole := &source{name: names[0], format: "several", close: closeAll}
	for _, name := range names {
		s, err := openSource(ctx, name, o, std, level)
		if err != nil {
			return nil, errors.Join(err, closeAll())
		}
		open, all = append(open, s), append(all, single{s})
		whole.size += s.size
	}
	c, err := dataset.Concat(ctx, all, dataset.FitOptions{})
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	whole.schema, whole.next = open[0].schema, c.Next
	whole.others = func() ipc.Attached { return ipc.Attached{} }
	whole.stats = func() (sum ipc.Stats) {
		for _, s := range open {
			sum.Bytes += s.stats().Bytes
		}
		return sum
	}
	return whole, nil
}

// parquetCompressions are what --compression takes for Parquet.
var parquetCompressions = map[string]parquet.Compression{
	"": parquet.Snappy, "none": parquet.Uncompressed, "zstd": parquet.ZSTD, "lz4": parquet.LZ4, "snappy": parquet.Snappy, "gzip": parquet.Gzip,
}

func parquetOptions(o *options) *parquet.WriterOptions {
	return &parquet.WriterOptions{Compression: parquetCompressions[o.compression]}
}

// parquetSink writes a Parquet file.
type parquetSink struct {
	w   *parquet.Writer
	dst *destination
}

func (s *parquetSink) write(ctx context.Context, rows int, columns []column.Data, _ []ipc.KeyValue) error {
	return s.w.Write(ctx, rows, columns)
}

func (s *parquetSink) close() error { return s.w.Close() }

// packed is a sink of text that may be compressed as a whole.
type packed struct {
	sink
	dst *destination
}

func (p packed) close() error {
	if err := p.sink.close(); err != nil {
		return err
	}
	return p.dst.packed()
}

// packed ends the compression of all that was written.
func (d *destination) packed() error {
	if d.pack == nil {
		return nil
	}
	return d.pack.Close()
}

// datasetSink writes the files of a directory.
type datasetSink struct{ w *dataset.Writer }

func (s *datasetSink) write(ctx context.Context, rows int, columns []column.Data, _ []ipc.KeyValue) error {
	return s.w.Write(ctx, rows, columns)
}

func (s *datasetSink) close() error { return s.w.Close() }

// toDirectory tells whether a destination is a directory.
func toDirectory(to string) bool {
	path := filePath(to)
	if path == "-" {
		return false
	}
	info, err := os.Stat(path)
	return strings.HasSuffix(path, "/") || err == nil && info.IsDir()
}

// createDirectory writes files of a format below a directory.
func createDirectory(to string, f format, schema *ipc.Schema, o *options) (*destination, error) {
	extension := map[format]string{
		formatFile: ".arrow", formatStream: ".arrows", formatCSV: ".csv", formatNDJSON: ".ndjson", formatParquet: ".parquet",
	}[f]
	w, err := dataset.Create(filePath(to), schema, &dataset.WriterOptions{
		Extension: extension, Partition: o.partition, MaxRows: o.maxRows, MaxBytes: o.maxBytes,
		Arrow: writerOptions(o), CSV: &csv.WriterOptions{Null: o.null}, Parquet: parquetOptions(o),
	})
	if err != nil {
		return nil, err
	}
	return &destination{files: &datasetSink{w}}, nil
}
