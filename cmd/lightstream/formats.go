package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	slashpath "path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/compress"
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
	case strings.HasPrefix(string(first), "PAR1"), strings.HasPrefix(string(first), "PARE"): // of which the second is encrypted, which the reader says
		return formatParquet
	}
	if f, err := formatOf("from", "", name, inputs); err == nil && f.isRecords() && format(o.from) != formatArrow {
		return f
	}
	return formatStream
}

// notArrow adds to the error of a source that was taken for a stream what it may be instead, by its first bytes.
func (s *source) notArrow(err error, first []byte, o *options) error {
	if err == nil || o.from != "" || s.schema != nil {
		return err
	}
	return asText(err, first)
}

// asText adds to an error how to read what begins like text, where the error has no idea what it is.
func asText(err error, first []byte) error {
	isText := len(first) > 0 && strings.HasSuffix(err.Error(), "is not an Arrow stream")
	for _, b := range first {
		isText = isText && (b >= ' ' && b != 0x7F || b == '\t' || b == '\n' || b == '\r')
	}
	switch {
	case !isText:
		return err
	case first[0] == '{':
		return fmt.Errorf("%w; --from ndjson reads lines of JSON", err)
	case first[0] == '[':
		return fmt.Errorf("%w; --from json reads an array of JSON", err)
	}
	return fmt.Errorf("%w; --from csv or ndjson reads text", err)
}

// inflate reads a source that is compressed as a whole.
func (s *source) inflate(ctx context.Context, in io.Reader, m *compress.Method, want format, o *options, level ipc.Level) error {
	packed := &counted{from: in}
	r, err := compress.NewReader(bufio.NewReaderSize(packed, 64<<10), m, o.compressLimits())
	if err != nil {
		return s.named(err)
	}
	closing := s.close
	s.close = func() error { return errors.Join(closing(), r.Close()) }
	head := bufio.NewReaderSize(r, 64<<10)
	first, err := head.Peek(len(fileMagic))
	if err != nil && err != io.EOF {
		return s.named(err)
	}
	if s.format = want; want == "" {
		s.format = formatByBytes(first, filePath(s.name), o)
	}
	switch s.format {
	case formatCSV, formatNDJSON, formatJSON:
		err = s.openText(ctx, head, o)
	case formatStream:
		err = s.notArrow(s.openStreams(ctx, s.options(o, level), nil, named{head, s.name}), slices.Clone(first), o)
	default: // what is read from its end
		spooled, remove, e := spool(head)
		if e != nil {
			return s.named(e)
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

// someColumns refuses an input without records, whose columns nothing tells.
func (s *source) someColumns(ctx context.Context, schema *ipc.Schema, r *ndjson.Reader) (next func(context.Context) (ipc.Batch, error), err error) {
	if len(schema.Fields) > 0 {
		return r.Next, nil
	}
	first, err := r.Next(ctx)
	if err == io.EOF {
		err = errors.New("the input has no records, which would tell its columns")
	}
	if err != nil {
		return nil, s.named(err)
	}
	started := false
	return func(ctx context.Context) (ipc.Batch, error) {
		if !started {
			started = true
			return first, nil
		}
		return r.Next(ctx)
	}, nil
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
	r, err := parquet.NewReader(f, size, &parquet.ReaderOptions{Validate: level, Select: s.options(o, level).Select, Name: s.label(), Ahead: 16 << 20, BatchRows: o.batchRows, Limits: o.parquetLimits()})
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
	usedBefore := o.text.used
	if err := o.reading(ctx); err != nil {
		return err
	}
	root, pattern := rootOf(filepath.ToSlash(name))
	opts := &dataset.Options{Parallel: runtime.GOMAXPROCS(0), Root: root, Schema: o.text.schema, Types: o.text.fields}
	if o.text.schema != nil && o.columns == nil {
		s.unread = &unread{files: map[string]bool{}}
		opts.OnPassed = s.unread.note
	}
	opts.Files.Arrow = &ipc.ReaderOptions{Validate: level, Limits: o.limits(), AllowMissingEnd: o.unfinished}
	opts.Files.Parquet = &parquet.ReaderOptions{Validate: level, Parallel: 1, BatchRows: o.batchRows, Limits: o.parquetLimits()}
	if o.trusted {
		opts.MaxFiles = 1 << 30
	}
	opts.Files.Compress = o.compressLimits()
	opts.Files.OnRejected = o.text.rejects.note
	opts.Files.OnRagged = s.ragged.note
	opts.Files.CSV, opts.Files.NDJSON = csvOptions(o, ""), ndjsonOptions(o)
	opts.Files.CSV.Types, opts.Files.NDJSON.Types = nil, nil // they are those of the dataset
	if err := checkNull("null", o.null, opts.Files.CSV.Comma); err != nil {
		return err
	}
	opts.Files.Format = map[format]dataset.Format{
		formatFile: dataset.Arrow, formatStream: dataset.Stream, formatCSV: dataset.CSV, formatNDJSON: dataset.NDJSON, formatJSON: dataset.JSON, formatParquet: dataset.Parquet,
	}[want]
	r, err := dataset.Open(ctx, os.DirFS(root), pattern, opts)
	if errors.Is(err, dataset.ErrOwnTypes) {
		return usagef("%s", flagNames.Replace(trimmed{err}.Error()))
	}
	if err != nil {
		if want == "" && errors.Is(err, dataset.ErrNoFormat) {
			if strings.ContainsAny(name, "*?[") { // it is such a glob
				return fmt.Errorf("%w; here --from csv, if they are that", err)
			}
			err = fmt.Errorf("%w; here '%s' in quotes, or --from csv", err, strings.TrimSuffix(filepath.ToSlash(name), "/")+"/*.csv")
		}
		return s.noColumn(err)
	}
	for _, file := range r.Files() {
		path := filepath.Join(root, filepath.FromSlash(file))
		s.paths = append(s.paths, path)
		if info, err := os.Stat(path); err == nil {
			s.size += info.Size()
		}
	}
	s.format, s.close, s.stats, s.files = "dataset", r.Close, r.Stats, len(r.Files())
	if o.text.used = usedBefore || r.HasText(); !o.text.used {
		o.text.known = []string{"types", "schema"} // which partitions have, too
	}
	schema, err := r.Schema(ctx)
	if err == nil {
		err = s.foreign(schema, r.Next, o)
	}
	if err == nil && o.columns != nil { // what is not wanted is not read
		_ = r.Close()
		opts.Schema, opts.Types = s.schema, nil
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

// Name is what an error calls it that does not fit the others.
func (s single) Name() string { return s.label() }

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
		o.text.alone = true
		s, err := openSource(ctx, names[0], o, std, level)
		if err == nil {
			s.pass(o, std)
		}
		return s, err
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
	whole.refuse = func() {
		for _, s := range open {
			if s.refuse != nil {
				s.refuse()
			}
		}
	}
	known := true // the sizes of all
	defer func() { o.text.first = nil }()
	for _, name := range names {
		s, err := openSource(ctx, name, o, std, level)
		if err != nil {
			return nil, whole.fail(err)
		}
		open, all = append(open, s), append(all, single{s})
		s.pass(o, std)
		o.text.first, o.text.firstOf = open[0].schema, open[0].label()
		if known = known && s.size > 0; known {
			whole.size += s.size
		} else {
			whole.size = 0
		}
		whole.paths = append(whole.paths, s.paths...)
	}
	c, err := dataset.Concat(ctx, all, dataset.FitOptions{})
	if err != nil {
		return nil, whole.fail(err)
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

// fitHint tells how to read files together that have other types.
func fitHint(err error, args []string) string {
	var e *dataset.FitError
	if !errors.As(err, &e) || len(args) == 0 || args[0] != "copy" && args[0] != "cat" {
		return ""
	}
	hint := "; --columns names those that all have"
	if e.Have != nil && e.Want != nil {
		hint = "; --types or --schema gives columns of CSV and NDJSON their types, and --schema those of a directory"
		if e.Wider() {
			hint = "; name a source first that has it, or for a directory --schema FILE of one that does"
		}
	}
	return hint
}

// parquetCompressions are what --compression takes for Parquet.
var parquetCompressions = map[string]parquet.Compression{
	"": parquet.Snappy, "none": parquet.Uncompressed, "zstd": parquet.ZSTD, "lz4": parquet.LZ4, "snappy": parquet.Snappy, "gzip": parquet.Gzip,
}

func parquetOptions(o *options) *parquet.WriterOptions {
	w := &parquet.WriterOptions{Compression: parquetCompressions[o.compression]}
	if o.trusted {
		w.MaxRow = o.limits().MaxExpanded
	}
	return w
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

// apart tells whether no file that is read lies in the directory that is written: its rows would be there twice.
func (s *source) apart(to string) error {
	dir, err := filepath.Abs(filePath(to))
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil // it is not there yet
	}
	for _, name := range s.paths {
		path, err := filepath.Abs(name)
		if err == nil {
			path, err = filepath.EvalSymlinks(path)
		}
		if err != nil {
			return err
		}
		if in, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(in) && !dataset.Hidden("", filepath.ToSlash(in)) {
			return usagef("%s is read and lies in %s, which would have its rows twice; name another directory, and move its files when it is complete", name, to)
		}
	}
	return nil
}

// within tells whether a file or directory that is written lies in the directory or matches the glob that is read: the next read would have its
// rows twice.
func within(from, to string) error {
	if info, err := os.Stat(filePath(to)); err == nil && info.Mode().IsRegular() { // it is read already, or is not
		return nil
	}
	root, pattern := rootOf(filepath.ToSlash(filePath(from)))
	above, err := resolved(root)
	if err != nil {
		return nil // which the reader says
	}
	path, err := resolved(filePath(to))
	if err != nil {
		return nil // which the writer says
	}
	rel, err := filepath.Rel(above, path)
	if err != nil || !filepath.IsLocal(rel) || rel == "." { // a directory that is written is looked at by [source.apart]
		return nil
	}
	parts := strings.Split(filepath.ToSlash(rel), "/")
	matched := pattern == "."
	for n := 1; n <= len(parts) && !matched; n++ {
		ok, err := slashpath.Match(pattern, strings.Join(parts[:n], "/"))
		matched = err == nil && ok
	}
	if !matched || dataset.Hidden(pattern, filepath.ToSlash(rel)) {
		return nil
	}
	return usagef("%s lies in %s, which would have its rows twice when it is read again; name another place, and move it when it is complete", to, from)
}

// resolved returns a path without links, the last parts of which may not be there yet.
func resolved(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	absent := ""
	for {
		there, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(there, absent), nil
		}
		above := filepath.Dir(path)
		if !errors.Is(err, os.ErrNotExist) || above == path {
			return "", err
		}
		path, absent = above, filepath.Join(filepath.Base(path), absent)
	}
}

// differs tells whether the file that is written is none of those that are read, under this or another name: it would take their place.
func (s *source) differs(to string) error {
	info, err := os.Stat(filePath(to))
	if err != nil || !info.Mode().IsRegular() {
		return nil // it is not there yet, or is written to as it is
	}
	for _, name := range s.paths {
		if sameFile(name, filePath(to)) {
			return usagef("%s is read, and writing %s would replace it; write another file, and move it when it is complete", name, to)
		}
	}
	return nil
}

// createDirectory writes files of a format below a directory.
func createDirectory(to string, f format, packing *compress.Method, schema *ipc.Schema, o *options) (*destination, error) {
	extension := map[format]string{
		formatFile: ".arrow", formatStream: ".arrows", formatCSV: ".csv", formatNDJSON: ".ndjson", formatJSON: ".json", formatParquet: ".parquet",
	}[f]
	if packing != nil {
		extension += packing.Extension
	}
	for i, name := range o.partition {
		if slices.Contains(o.partition[:i], name) {
			return nil, usagef("--partition: %q comes twice", name)
		}
		if !slices.ContainsFunc(schema.Fields, func(f ipc.Field) bool { return f.Name == name }) {
			return nil, usagef("--partition: there is no column %q; there are %s", name, names(schema))
		}
	}
	w, err := dataset.Create(filePath(to), schema, &dataset.WriterOptions{
		Extension: extension, Partition: o.partition, MaxRows: o.maxRows, MaxBytes: o.maxBytes, MaxAge: o.maxAge, MaxOpen: o.maxOpen,
		Arrow: writerOptions(o), CSV: csvWriterOptions(o, ""), NDJSON: ndjsonWriterOptions(o, f), Parquet: parquetOptions(o),
	})
	if err != nil {
		return nil, err
	}
	return &destination{files: &datasetSink{w}}, nil
}
