package parquet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Limits bound what a file can make a reader do. A zero field means its default.
type Limits struct {
	MaxFooter    int64 // bytes of the metadata at the end of a file, 64 MiB
	MaxColumns   int   // columns of values, 65,536
	MaxRowGroups int   // 1,048,576
	MaxPage      int64 // bytes of one page, compressed or not, 128 MiB
	MaxBatch     int64 // bytes that are allocated for one batch, 1 GiB
}

func (l *Limits) withDefaults() (d Limits) {
	if l != nil {
		d = *l
	}
	set(&d.MaxFooter, 64<<20)
	set(&d.MaxColumns, 1<<16)
	set(&d.MaxRowGroups, 1<<20)
	set(&d.MaxPage, 128<<20)
	set(&d.MaxBatch, 1<<30)
	return d
}

func set[T int | int64](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// ReaderOptions are the settings of a reader.
type ReaderOptions struct {
	// Limits bound what the file can make the reader do. Nil means all defaults.
	Limits *Limits
	// Validate is how much of a batch is checked. Zero means [ipc.Contents].
	Validate ipc.Level
	// Select names the columns that are wanted, by their index in the schema; the others are not read, and the schema of the reader is
	// that of those wanted. Nil means all.
	Select func(*ipc.Schema) ([]bool, error)
	// BatchRows is the most rows of a batch. Zero means 65,536, and fewer where rows are long.
	BatchRows int
	// Parallel is how many row groups are read at once. Zero means one for each processor, at most 8.
	Parallel int
	// Ahead is about how many bytes of batches may wait to be taken, over all row groups. Zero means 32 MiB.
	Ahead int64
	// Stored leaves columns as Parquet has them, without the types that the schema beside them tells of.
	Stored bool
	// Name is what errors call the file. Empty means what the method Name of the source returns, as [os.File] has one, if it has one.
	Name string
}

// Reader reads a Parquet file. It is for one goroutine at a time; its batches are for any.
type Reader struct {
	opts   ReaderOptions
	limits Limits
	src    io.ReaderAt
	size   int64
	file   *file.Reader
	arrow  *pqarrow.FileReader
	stored *ipc.Schema // of the columns wanted, as Parquet has them
	schema *ipc.Schema
	leaves []int // columns of values that are wanted
	fields []int // columns that are wanted
	change []conversion
	// byIndex are columns that have a dictionary, which the file has too: their values are read as indices.
	byIndex []bool
	rows    int64 // of all row groups

	pagesEnd int64 // where the footer begins

	groups  []chan loaded // those begun, by row group
	at      int           // the row group that is read
	stop    chan struct{}
	stopped sync.Once
	workers sync.WaitGroup
	err     error
	stats   ipc.Stats
}

var _ ipc.Source = (*Reader)(nil)

// loaded is a batch of a row group, or why there is none.
type loaded struct {
	rows    int
	columns []column.Data
	release func()
	err     error
}

// NewReader returns a reader of the Parquet file of size bytes in src, whose footer it reads. Nil options mean all defaults. The error
// wraps [ipc.ErrMalformed], [ipc.ErrLimit] or [ipc.ErrUnsupported].
func NewReader(src io.ReaderAt, size int64, opts *ReaderOptions) (*Reader, error) {
	r := &Reader{src: src, size: size, stop: make(chan struct{})}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.Name == "" {
		r.opts.Name = ipc.SourceName(src)
	}
	if r.opts.BatchRows <= 0 {
		r.opts.BatchRows = 64 << 10
	}
	if r.opts.Parallel <= 0 {
		r.opts.Parallel = min(runtime.GOMAXPROCS(0), 8)
	}
	if r.opts.Ahead <= 0 {
		r.opts.Ahead = 32 << 20
	}
	r.limits = r.opts.Limits.withDefaults()
	if err := r.open(); err != nil {
		return nil, r.named(err)
	}
	return r, nil
}

func (r *Reader) named(err error) error {
	if r.opts.Name == "" || err == io.EOF || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("lightstream: %s: %w", r.opts.Name, shortened{err})
}

// shortened is an error without the prefix that another puts before it.
type shortened struct{ error }

func (s shortened) Error() string { return strings.TrimPrefix(s.error.Error(), "lightstream: ") }
func (s shortened) Unwrap() error { return s.error }

func (r *Reader) open() error {
	end, err := checkFooter(r.src, r.size, &r.limits)
	if err != nil {
		return err
	}
	r.pagesEnd = end
	props := parquet.NewReaderProperties(newAllocator(r.limits.MaxBatch))
	if r.file, err = r.openFile(r.src, props); err != nil {
		return err
	}
	meta := r.file.MetaData()
	columns := meta.Schema.NumColumns()
	switch {
	case columns > r.limits.MaxColumns:
		return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "%d columns exceed Limits.MaxColumns (%d); raise it", columns, r.limits.MaxColumns))
	case len(meta.RowGroups) > r.limits.MaxRowGroups:
		return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "%d row groups exceed Limits.MaxRowGroups (%d); raise it", len(meta.RowGroups), r.limits.MaxRowGroups))
	case meta.IsSetEncryptionAlgorithm():
		return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrUnsupported, "the file is encrypted"))
	}
	r.groups = make([]chan loaded, len(meta.RowGroups))
	if err := guard(func() error { return r.checkGroups(meta, end) }); err != nil {
		return err
	}
	keys := meta.KeyValueMetadata()
	return r.setSchema(keys, props)
}

// openFile has arrow-go read the footer.
func (r *Reader) openFile(src io.ReaderAt, props *parquet.ReaderProperties) (f *file.Reader, err error) {
	props.BufferedStreamEnabled = true
	props.BufferSize = 256 << 10
	props.MaxCompressedPageSize, props.MaxUncompressedPageSize = r.limits.MaxPage, r.limits.MaxPage
	err = guard(func() error {
		options := []file.ReadOption{file.WithReadProps(props)}
		if r.file != nil {
			options = append(options, file.WithMetadata(r.file.MetaData()))
		}
		f, err = file.NewParquetReader(io.NewSectionReader(src, 0, r.size), options...)
		return err
	})
	return f, from(err)
}

// from gives an error of arrow-go its condition.
func from(err error) error {
	if err == nil || errors.Is(err, ipc.ErrMalformed) || errors.Is(err, ipc.ErrLimit) || errors.Is(err, ipc.ErrUnsupported) {
		return err
	}
	return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrMalformed, "%v", err))
}

// checkGroups checks where the column chunks of all row groups lie.
func (r *Reader) checkGroups(meta *metadata.FileMetaData, end int64) error {
	columns := meta.Schema.NumColumns()
	for g := range meta.RowGroups {
		group := meta.RowGroup(g)
		if group.NumRows() < 0 || group.NumColumns() != columns {
			return malformed("row group %d has %d rows and %d columns, the schema has %d columns", g, group.NumRows(), group.NumColumns(), columns)
		}
		r.rows += group.NumRows()
		for i := range columns {
			c, err := group.ColumnChunk(i)
			if err != nil {
				return from(err)
			}
			descr := meta.Schema.Column(i)
			start := c.DataPageOffset()
			if c.HasDictionaryPage() && c.DictionaryPageOffset() > 0 {
				start = min(start, c.DictionaryPageOffset())
			}
			size := c.TotalCompressedSize()
			name := descr.Path()
			switch {
			case c.CryptoMetadata() != nil:
				return fmt.Errorf("lightstream: column %q: %w", name, frame.Errorf(ipc.ErrUnsupported, "it is encrypted"))
			case c.FilePath() != "":
				return fmt.Errorf("lightstream: column %q: %w", name, frame.Errorf(ipc.ErrUnsupported, "it lies in another file, %q", c.FilePath()))
			case c.Type() != descr.PhysicalType():
				return malformed("column %q is of %v in row group %d, of %v in the schema", name, c.Type(), g, descr.PhysicalType())
			case c.NumValues() < 0 || start < int64(len(magic)) || size < 0 || start > end || size > end-start:
				return malformed("column %q: row group %d has %d values in %d bytes from byte %d on, and pages end at byte %d", name, g, c.NumValues(), size, start, end)
			case descr.MaxRepetitionLevel() == 0 && c.NumValues() != group.NumRows():
				return malformed("column %q: %d values in row group %d of %d rows", name, c.NumValues(), g, group.NumRows())
			}
			if _, err := compress.GetCodec(c.Compression()); err != nil {
				return fmt.Errorf("lightstream: column %q: %w", name, frame.Errorf(ipc.ErrUnsupported, "it is compressed by %v", c.Compression()))
			}
		}
	}
	return nil
}

// Keys of a file's metadata that hold the schema of its columns before they were stored, as an IPC message in base64.
const (
	schemaKey   = "ARROW:schema"       // what others know
	originalKey = "lightstream:schema" // all of it, where that is more
)

// original returns the schema that a file says that its columns had, nil where there is none that can be read.
func original(keys metadata.KeyValueMetadata) *ipc.Schema {
	for _, key := range []string{originalKey, schemaKey} {
		text := keys.FindValue(key)
		if text == nil {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(*text)
		if err != nil {
			if b, err = base64.RawStdEncoding.DecodeString(*text); err != nil {
				continue
			}
		}
		in := ipc.NewReader(strings.NewReader(string(b)), &ipc.ReaderOptions{AllowMissingEnd: true})
		if s, err := in.Schema(context.Background()); err == nil {
			return s
		}
	}
	return nil
}

// setSchema works out what the columns are.
func (r *Reader) setSchema(keys metadata.KeyValueMetadata, props *parquet.ReaderProperties) error {
	r.file.MetaData().FileMetaData.KeyValueMetadata = nil // the schema among them is read here, as arrow-go does not verify it
	var all *ipc.Schema
	err := guard(func() (err error) {
		if r.arrow, err = pqarrow.NewFileReader(r.file, pqarrow.ArrowReadProperties{}, props.Allocator()); err != nil {
			return err
		}
		s, err := r.arrow.Schema()
		if err != nil {
			return err
		}
		all, err = arrowgo.FromSchema(s)
		return err
	})
	if err != nil {
		return from(err)
	}
	was := original(keys)
	if was != nil && len(was.Fields) != len(all.Fields) || r.opts.Stored {
		was = nil
	}
	var names []string // as the file has them
	if was != nil {
		names = distinct(was.Fields)
	}
	whole := &ipc.Schema{Fields: make([]ipc.Field, len(all.Fields))}
	change := make([]conversion, len(all.Fields))
	for i := range all.Fields {
		f := &all.Fields[i]
		withoutIDs(f)
		r.readable(r.arrow.Manifest, i, f)
		var want *ipc.Field
		if was != nil && names[i] == f.Name {
			want = &was.Fields[i]
		}
		whole.Fields[i] = r.withoutZone(&r.arrow.Manifest.Fields[i], f, want)
		if want != nil {
			whole.Fields[i], change[i], _ = restore(&whole.Fields[i], want, f.Name)
			whole.Fields[i].Name = want.Name
		}
	}
	for i, key := range keys.Keys() {
		if key != schemaKey && key != originalKey {
			whole.Metadata = append(whole.Metadata, ipc.KeyValue{Key: key, Value: keys.Values()[i]})
		}
	}
	var selected []bool
	if r.opts.Select != nil {
		if selected, err = r.opts.Select(whole); err != nil {
			return err
		}
	}
	r.schema, r.stored = &ipc.Schema{Metadata: whole.Metadata}, &ipc.Schema{}
	for i := range whole.Fields {
		if selected != nil && (i >= len(selected) || !selected[i]) {
			continue
		}
		r.fields = append(r.fields, i)
		r.leaves = leavesOf(r.leaves, &r.arrow.Manifest.Fields[i])
		r.schema.Fields = append(r.schema.Fields, whole.Fields[i])
		r.stored.Fields = append(r.stored.Fields, all.Fields[i])
		r.change = append(r.change, change[i])
		f := &whole.Fields[i]
		r.byIndex = append(r.byIndex, f.Dictionary != nil && (f.Type.IsText() || f.Type.IsBinary()) && r.arrow.Manifest.Fields[i].IsLeaf() &&
			(all.Fields[i].Type.Kind == ipc.KindUtf8 || all.Fields[i].Type.Kind == ipc.KindBinary))
	}
	r.schema = r.schema.WithIDs()
	return nil
}

// withoutIDs takes away the numbers that arrow-go gives fields which have none.
func withoutIDs(f *ipc.Field) {
	f.Metadata = slices.DeleteFunc(f.Metadata, func(kv ipc.KeyValue) bool { return kv.Key == "PARQUET:field_id" && kv.Value == "-1" })
	if len(f.Metadata) == 0 {
		f.Metadata = nil
	}
	for i := range f.Children {
		withoutIDs(&f.Children[i])
	}
}

// readable makes enumerations and JSON texts, which Parquet says to be of UTF-8.
func (r *Reader) readable(manifest *pqarrow.SchemaManifest, i int, f *ipc.Field) {
	m := &manifest.Fields[i]
	if !m.IsLeaf() || f.Type.Kind != ipc.KindBinary {
		return
	}
	switch r.file.MetaData().Schema.Column(m.ColIndex).LogicalType().(type) {
	case schema.EnumLogicalType, schema.JSONLogicalType:
		f.Type = ipc.Utf8
		m.Field.Type = arrow.BinaryTypes.String
	}
}

// withoutZone returns a field without the zone that arrow-go gives times in INT96, of which Parquet does not say whether they are in UTC. They
// keep it where the schema beside them has one.
func (r *Reader) withoutZone(m *pqarrow.SchemaField, f, want *ipc.Field) ipc.Field {
	if want != nil && want.Type.Kind == ipc.KindRunEndEncoded && len(want.Children) == 2 {
		want = &want.Children[1]
	}
	g := *f
	if m.IsLeaf() {
		if g.Type.Kind == ipc.KindTimestamp && r.file.MetaData().Schema.Column(m.ColIndex).PhysicalType() == parquet.Types.Int96 &&
			(want == nil || want.Type.Kind != ipc.KindTimestamp || want.Type.Zone == "") {
			g.Type.Zone = ""
		}
		return g
	}
	g.Children = slices.Clone(f.Children)
	for i := range min(len(m.Children), len(g.Children)) {
		var below *ipc.Field
		if want != nil && len(want.Children) == len(f.Children) {
			below = &want.Children[i]
		}
		g.Children[i] = r.withoutZone(&m.Children[i], &f.Children[i], below)
	}
	return g
}

// leavesOf appends the columns of values below a field.
func leavesOf(list []int, f *pqarrow.SchemaField) []int {
	if len(f.Children) == 0 {
		return append(list, f.ColIndex)
	}
	for i := range f.Children {
		list = leavesOf(list, &f.Children[i])
	}
	return list
}

// Schema returns the schema of the columns that are wanted.
func (r *Reader) Schema(context.Context) (*ipc.Schema, error) { return r.schema, nil }

// NumRows returns the rows of all row groups.
func (r *Reader) NumRows() int64 { return r.rows }

// NumRowGroups returns how many row groups the file has.
func (r *Reader) NumRowGroups() int { return len(r.groups) }

// Stats returns what the reader has done so far. Bytes are those of the row groups that are read to their end.
func (r *Reader) Stats() ipc.Stats { return r.stats }

// Next returns the next batch, whose columns are valid until it is released. The error is io.EOF after the last row; after an error
// every later call returns the same one, but for the cause of ctx, after which the reader is usable.
func (r *Reader) Next(ctx context.Context) (ipc.Batch, error) {
	if r.err != nil {
		return ipc.Batch{}, r.err
	}
	for r.at < len(r.groups) {
		for g := r.at; g < min(r.at+r.opts.Parallel, len(r.groups)); g++ {
			r.begin(g)
		}
		select {
		case l, more := <-r.groups[r.at]:
			if !more {
				r.stats.Bytes += r.file.MetaData().RowGroup(r.at).TotalCompressedSize()
				r.at++
				continue
			}
			return r.take(l)
		case <-ctx.Done():
			return ipc.Batch{}, context.Cause(ctx)
		}
	}
	return ipc.Batch{}, r.fail(io.EOF)
}

// take makes a batch of what a row group gave.
func (r *Reader) take(l loaded) (ipc.Batch, error) {
	if l.err != nil {
		return ipc.Batch{}, r.fail(l.err)
	}
	for i, c := range r.change {
		var err error
		if l.columns[i], err = c.of(nil, &l.columns[i]); err != nil {
			l.release()
			return ipc.Batch{}, r.fail(err)
		}
	}
	r.stats.Batches++
	r.stats.Rows += int64(l.rows)
	return ipc.NewBatch(l.rows, l.columns, l.release), nil
}

func (r *Reader) fail(err error) error {
	r.err = r.named(err)
	r.end()
	return r.err
}

// Close ends reading and waits for what is read ahead. Batches stay valid. It does not close the source, and is not needed after an
// error of Next.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = errClosed
	}
	r.end()
	return nil
}

var errClosed = errors.New("lightstream: the reader is closed")

func (r *Reader) end() {
	r.stopped.Do(func() { close(r.stop) })
	r.workers.Wait()
	for ; r.at < len(r.groups) && r.groups[r.at] != nil; r.at++ {
		for l := range r.groups[r.at] {
			if l.release != nil {
				l.release()
			}
		}
	}
}

// begin has a goroutine read a row group, once.
func (r *Reader) begin(g int) {
	if r.groups[g] != nil {
		return
	}
	group := r.file.MetaData().RowGroup(g)
	rows := r.batchRows(group.NumRows(), group.TotalByteSize())
	waiting := 1
	if n := group.NumRows() / int64(rows); n > 0 {
		waiting = int(min(n, max(1, r.opts.Ahead/int64(r.opts.Parallel)/max(1, group.TotalByteSize()/(n+1)))))
	}
	to := make(chan loaded, waiting)
	r.groups[g] = to
	r.workers.Add(1)
	go func() {
		defer r.workers.Done()
		defer close(to)
		if err := r.load(g, group.NumRows(), rows, to); err != nil && !errors.Is(err, errClosed) {
			select {
			case to <- loaded{err: fmt.Errorf("lightstream: row group %d: %w", g, shortened{err})}:
			case <-r.stop:
			}
		}
	}()
}

// batchRows returns how many rows a batch gets of a row group.
func (r *Reader) batchRows(rows, bytes int64) int {
	const target = 4 << 20
	n := int64(r.opts.BatchRows)
	if rows > 0 && bytes > 0 {
		n = min(n, max(1, target/max(1, bytes/rows)))
	}
	return int(max(n, 1))
}

// load reads a row group.
func (r *Reader) load(g int, rows int64, batch int, to chan<- loaded) error {
	mem := newAllocator(r.limits.MaxBatch)
	props := parquet.NewReaderProperties(mem)
	src, mend := r.src, (*mended)(nil)
	if r.file.MetaData().WriterVersion().LessThan(mendedVersion) {
		mend = &mended{ReaderAt: src}
		src = mend
	}
	f, err := r.openFile(src, props)
	if err != nil {
		return err
	}
	in := &groupReader{reader: r, mem: mem, mended: mend, fields: slices.Clone(r.stored.Fields)}
	if err := guard(func() error { return in.open(f, g) }); err != nil {
		return from(err)
	}
	defer func() { _ = guard(in.close) }()
	in.take = &taken{schema: &ipc.Schema{Fields: anyNull(in.fields)}}
	in.out = arrowgo.NewWriter(in.take)
	in.check = ipc.NewChecker(&ipc.Schema{Fields: in.fields})
	for rows > 0 {
		n := min(int64(batch), rows)
		mem.begin()
		l, err := in.next(n)
		if err != nil {
			return from(err)
		}
		select {
		case to <- l:
		case <-r.stop:
			l.release()
			return errClosed
		}
		rows -= n
	}
	return nil
}

// groupReader reads the columns of one row group.
type groupReader struct {
	reader  *Reader
	mem     *allocator
	fields  []ipc.Field // what arrow-go makes of the columns of this group
	columns []*pqarrow.ColumnReader
	schema  *arrow.Schema
	out     *arrowgo.Writer
	take    *taken
	check   *ipc.Checker
	mended  *mended // nil where there is nothing to mend
}

// open makes the readers of the columns that are wanted.
func (in *groupReader) open(f *file.Reader, g int) error {
	r := in.reader
	fr, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, in.mem)
	if err != nil {
		return err
	}
	for k, i := range r.fields {
		field := r.stored.Fields[k]
		r.readable(fr.Manifest, i, &field)
	}
	// What is nested is opened by goroutines of arrow-go's own, where a panic would end the process. What makes one panic panics here.
	for _, leaf := range r.leaves {
		field := fr.Manifest.ColIndexToField[leaf]
		if field == nil {
			return malformed("column %d has no field", leaf)
		}
		chunk, err := f.MetaData().RowGroup(g).ColumnChunk(leaf)
		if err != nil {
			return err
		}
		descr := f.MetaData().Schema.Column(leaf)
		column := slices.IndexFunc(r.fields, func(i int) bool { return &fr.Manifest.Fields[i] == field })
		byIndex := column >= 0 && r.byIndex[column]
		if err := r.checkPages(chunk, descr, in.mended, &byIndex); err != nil {
			return fmt.Errorf("lightstream: column %q: %w", descr.Path(), shortened{err})
		}
		if byIndex {
			field.Field.Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: field.Field.Type}
			in.fields[column].Dictionary = &ipc.DictionaryEncoding{Index: ipc.Int32}
		}
		pages, err := f.RowGroup(g).GetColumnPageReader(leaf)
		if err != nil {
			return err
		}
		probe := file.NewRecordReader(descr, field.LevelInfo, field.Field.Type, in.mem, f.BufferPool())
		probe.SetPageReader(pages)
		probe.Release()
		if err := pages.Close(); err != nil {
			return err
		}
	}
	if len(r.leaves) == 0 {
		return nil
	}
	in.columns, in.schema, err = fr.GetFieldReaders(context.Background(), r.leaves, []int{g})
	return err
}

func (in *groupReader) close() error {
	for _, c := range in.columns {
		c.Release()
	}
	return nil
}

// next reads n rows.
func (in *groupReader) next(n int64) (loaded, error) {
	columns := make([]arrow.Array, 0, len(in.columns))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, c := range in.columns {
		var a arrow.Array
		err := guard(func() (err error) {
			a, err = in.column(c, n)
			return err
		})
		if err != nil {
			return loaded{}, fmt.Errorf("lightstream: column %q: %w", in.reader.stored.Fields[i].Name, shortened{from(err)})
		}
		columns = append(columns, a)
	}
	l := loaded{rows: int(n), release: func() {}}
	if len(columns) == 0 {
		return l, nil
	}
	rec := array.NewRecordBatch(in.schema, columns, n)
	if err := in.out.Write(context.Background(), rec); err != nil {
		rec.Release()
		return l, err
	}
	l.columns, l.release = in.take.columns, rec.Release
	required(in.fields, l.columns)
	for i := range l.columns {
		if err := in.check.Column(i, &l.columns[i], in.reader.opts.Validate); err != nil {
			rec.Release()
			return l, err
		}
		if in.fields[i].Dictionary == nil || in.reader.opts.Validate != ipc.UTF8 || !in.fields[i].Type.IsText() {
			continue
		}
		for k, v := range l.columns[i].Values.Strings() {
			if !utf8.ValidString(v) {
				rec.Release()
				return l, malformed("column %q: value %d of the dictionary is not valid UTF-8: %.40q", in.fields[i].Name, k, v)
			}
		}
	}
	return l, nil
}

// anyNull returns fields that may all be null.
func anyNull(fields []ipc.Field) []ipc.Field {
	list := slices.Clone(fields)
	for i := range list {
		list[i].Nullable, list[i].Children = true, anyNull(list[i].Children)
	}
	return list
}

// required takes the nulls from columns that Parquet holds no null of: arrow-go has them where a column above is null.
func required(fields []ipc.Field, columns []column.Data) {
	for i := range fields {
		d := &columns[i]
		if !fields[i].Nullable && fields[i].Type.Kind != ipc.KindNull {
			d.Nulls, d.Buffers[0] = 0, nil
		}
		if len(d.Children) == len(fields[i].Children) {
			required(fields[i].Children, d.Children)
		}
	}
}

// column reads n rows of a column.
func (in *groupReader) column(c *pqarrow.ColumnReader, n int64) (arrow.Array, error) {
	chunks, err := c.NextBatch(n)
	if err != nil {
		return nil, err
	}
	defer chunks.Release()
	if int64(chunks.Len()) != n {
		return nil, malformed("it ends after %d rows where there should be %d", chunks.Len(), n)
	}
	if all := chunks.Chunks(); len(all) == 1 {
		all[0].Retain()
		return all[0], nil
	}
	return array.Concatenate(chunks.Chunks(), in.mem)
}

// taken is the end of an arrowgo.Writer: what a record is made of.
type taken struct {
	schema  *ipc.Schema
	columns []column.Data
}

var _ arrowgo.BatchWriter = (*taken)(nil)

func (t *taken) Schema() *ipc.Schema { return t.schema }

func (t *taken) Write(_ context.Context, _ int, columns []column.Data) error {
	t.columns = slices.Clone(columns)
	return nil
}
