package parquet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Compression is how pages are compressed.
type Compression int

const (
	// DefaultCompression is Snappy, as most writers have it.
	DefaultCompression Compression = iota
	Uncompressed
	Snappy
	ZSTD
	LZ4 // LZ4_RAW
	Gzip
)

var codecs = [...]compress.Compression{
	DefaultCompression: compress.Codecs.Snappy, Uncompressed: compress.Codecs.Uncompressed, Snappy: compress.Codecs.Snappy,
	ZSTD: compress.Codecs.Zstd, LZ4: compress.Codecs.Lz4Raw, Gzip: compress.Codecs.Gzip,
}

// WriterOptions are the settings of a writer.
type WriterOptions struct {
	// Compression is how pages are compressed. Zero means Snappy.
	Compression Compression
	// Level is that of ZSTD or Gzip. Zero means the codec's default.
	Level int
	// RowGroupRows is the most rows of a row group. Zero means 1,048,576.
	RowGroupRows int
	// RowGroupBytes is about how many bytes of columns, before they are encoded, make a row group, which is in memory until it is
	// written. Zero means 32 MiB.
	RowGroupBytes int64
	// MaxRow is how many bytes a row may take, beside four times those of its batch, whose lists share what they lead to, or have values of
	// dictionaries, each of which is written. A batch that takes more is written in parts. Zero means 64 MiB.
	MaxRow int64
	// PageBytes is about how many bytes a page has. Zero means 1 MiB.
	PageBytes int64
	// NoStatistics leaves out the least and greatest values and the numbers of nulls, which all columns have but those with more than one level
	// of nulls below a list.
	NoStatistics bool
	// NoDictionary leaves out Parquet's dictionary encoding.
	NoDictionary bool
	// NoSchema leaves out the schema that readers restore types by.
	NoSchema bool
}

// Writer writes batches of one schema as a Parquet file. It is for one goroutine at a time.
type Writer struct {
	opts    WriterOptions
	schema  *ipc.Schema
	stored  *ipc.Schema
	handed  *ipc.Schema // as it is handed to arrow-go
	change  []conversion
	check   *ipc.Checker
	records *arrowgo.Exporter
	out     *file.Writer
	group   file.BufferedRowGroupWriter
	context context.Context // of arrow-go, which has its scratch there
	levels  leveler
	indexed []*indexed // by column of the file, nil for those that are no indices
	dst     *counted
	bytes   int64 // of the row group so far
	rows    int64
	partly  bool // a batch is written in part
	over    int  // the column there was no room for
	closed  bool
	err     error
	stats   ipc.Stats
}

// NewWriter returns a writer to dst, which it does not own. Nil options mean all defaults. The error names a column that Parquet
// cannot hold, and wraps [ipc.ErrUnsupported].
func NewWriter(dst io.Writer, s *ipc.Schema, opts *WriterOptions) (*Writer, error) {
	w := &Writer{schema: s, dst: &counted{Writer: dst}}
	if opts != nil {
		w.opts = *opts
	}
	if w.opts.RowGroupRows <= 0 {
		w.opts.RowGroupRows = 1 << 20
	}
	if w.opts.RowGroupBytes <= 0 {
		w.opts.RowGroupBytes = 32 << 20
	}
	if w.opts.MaxRow <= 0 {
		w.opts.MaxRow = 64 << 20
	}
	if w.opts.PageBytes <= 0 {
		w.opts.PageBytes = 1 << 20
	}
	if w.opts.Compression < 0 || int(w.opts.Compression) >= len(codecs) {
		return nil, fmt.Errorf("lightstream: there is no compression %d", w.opts.Compression)
	}
	told, err := w.lower()
	if err != nil {
		return nil, err
	}
	if w.records, err = arrowgo.NewExporter(w.handed); err != nil {
		return nil, err
	}
	for i := range w.handed.Fields {
		w.indexedOf(&w.handed.Fields[i], &w.stored.Fields[i])
	}
	w.check = ipc.NewChecker(s)
	if err := w.create(told); err != nil {
		return nil, err
	}
	return w, nil
}

// lower works out how columns are stored, and what is told of them.
func (w *Writer) lower() (told *ipc.Schema, err error) {
	s := w.schema
	if len(s.Fields) == 0 {
		return nil, fmt.Errorf("lightstream: %w: a Parquet file has at least one column", ipc.ErrUnsupported)
	}
	w.stored, w.handed, told = &ipc.Schema{}, &ipc.Schema{}, &ipc.Schema{Metadata: s.Metadata}
	for i := range s.Fields {
		l, err := lower(&s.Fields[i], s.Fields[i].Name, !w.opts.NoDictionary)
		if err != nil {
			return nil, err
		}
		w.stored.Fields, told.Fields = append(w.stored.Fields, l.storage), append(told.Fields, l.told)
		w.handed.Fields = append(w.handed.Fields, l.handed)
		w.change = append(w.change, l.convert)
	}
	for i, name := range distinct(s.Fields) {
		w.stored.Fields[i].Name, told.Fields[i].Name, w.handed.Fields[i].Name = name, name, name
	}
	return told, nil
}

// indexedOf notes the columns of a file that a column becomes.
func (w *Writer) indexedOf(f, stored *ipc.Field) {
	for i := range f.Children {
		w.indexedOf(&f.Children[i], &stored.Children[i])
	}
	switch {
	case len(f.Children) != 0:
	case isIndexed(f, stored):
		w.indexed = append(w.indexed, new(indexed))
	default:
		w.indexed = append(w.indexed, nil)
	}
}

func (w *Writer) create(told *ipc.Schema) error {
	w.stored.Metadata = slices.Clone(w.schema.Metadata)
	if !w.opts.NoSchema {
		text, err := schemaText(told)
		if err != nil {
			return err
		}
		w.stored.Metadata = append(w.stored.Metadata, ipc.KeyValue{Key: schemaKey, Value: text})
		whole, err := schemaText(w.schema)
		if err != nil {
			return err
		}
		if whole != text {
			w.stored.Metadata = append(w.stored.Metadata, ipc.KeyValue{Key: originalKey, Value: whole})
		}
	}
	s, err := arrowgo.Schema(w.stored)
	if err != nil {
		return err
	}
	props := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST), parquet.WithCompression(codecs[w.opts.Compression]),
		parquet.WithMaxRowGroupLength(int64(w.opts.RowGroupRows)), parquet.WithDataPageSize(w.opts.PageBytes),
		parquet.WithStats(!w.opts.NoStatistics), parquet.WithDictionaryDefault(!w.opts.NoDictionary),
	}
	if w.opts.Level != 0 {
		props = append(props, parquet.WithCompressionLevel(w.opts.Level))
	}
	w.context = pqarrow.NewArrowWriteContext(context.Background(), nil)
	return guard(func() error {
		columns, err := pqarrow.ToParquet(s, parquet.NewWriterProperties(props...), pqarrow.NewArrowWriterProperties())
		if err != nil {
			return fmt.Errorf("lightstream: %w: %w", ipc.ErrUnsupported, err)
		}
		for i, x := range w.indexed {
			if c := columns.Column(i); x == nil && !countable(c) {
				props = append(props, parquet.WithStatsPath(c.ColumnPath(), false))
			}
		}
		pairs := make(metadata.KeyValueMetadata, 0, len(w.stored.Metadata))
		for _, kv := range w.stored.Metadata {
			_ = pairs.Append(kv.Key, kv.Value) // what is no UTF-8 stands in the schema alone
		}
		w.out, err = file.NewParquetWriterWithError(w.dst, columns.Root(), file.WithWriterProps(parquet.NewWriterProperties(props...)), file.WithWriteMetadata(pairs))
		if err != nil {
			return fmt.Errorf("lightstream: %w", err)
		}
		return nil
	})
}

// schemaText returns a schema as a file has it among its metadata.
func schemaText(s *ipc.Schema) (string, error) {
	e, err := ipc.NewMessageEncoder(s)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(e.AppendSchema(nil)), nil
}

// counted is a destination that is not closed.
type counted struct {
	io.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}

// Schema returns the schema that the writer was made with.
func (w *Writer) Schema() *ipc.Schema { return w.schema }

// Write adds a batch of rows in the columns of the schema, whose contents are right. They are the caller's again when it returns. A
// batch that does not fit the schema, or has a value that does not go across, is refused before anything of it is written, and the
// writer stays usable. Other errors are those of every later call.
func (w *Writer) Write(ctx context.Context, rows int, columns []column.Data) error {
	switch {
	case w.err != nil:
		return w.err
	case w.closed:
		return ipc.ErrClosed
	case len(columns) != len(w.change):
		return fmt.Errorf("lightstream: %d columns, the schema has %d", len(columns), len(w.change))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case rows == 0:
		return nil
	}
	for i := range columns {
		if columns[i].Len != rows {
			return fmt.Errorf("lightstream: column %q has %d rows in a batch of %d", w.schema.Fields[i].Name, columns[i].Len, rows)
		}
		if err := w.check.Column(i, &columns[i], ipc.Structure); err != nil {
			return err
		}
	}
	room := ipc.NewRoom(w.opts.MaxRow)
	own := 4 * min(sizeOf(columns), math.MaxInt64/64)
	room.Add(own)
	stored, texts, err := w.convert(room, columns, own)
	switch {
	case err == nil:
		err = w.put(rows, stored, texts, w.add)
	case tooMuch(err):
		// All of it is looked at before any of it is written.
		if err = w.parts(ctx, rows, columns, own, func(arrow.RecordBatch, []column.Data, int64) error { return nil }); err == nil {
			if err = w.parts(ctx, rows, columns, own, w.add); err != nil && w.err == nil && w.partly {
				w.err = err
			}
		}
	}
	w.partly = false
	if err != nil {
		return err
	}
	w.stats.Batches++
	w.stats.Rows += int64(rows)
	return nil
}

// convert makes columns what is handed on, of memory that there is room for, also for the texts of dictionaries, and returns how many bytes
// those take. Own is four times what the batch takes.
func (w *Writer) convert(room *ipc.Room, columns []column.Data, own int64) (stored []column.Data, texts int64, err error) {
	const each = 8 // values in a byte of a batch, at the most
	m := &scratch{room}
	stored = make([]column.Data, len(columns))
	for i := range columns {
		size := int64(0)
		if stored[i], err = w.change[i].of(m, &columns[i]); err == nil {
			size = textsOf(&w.handed.Fields[i], &w.stored.Fields[i], &stored[i])
			err = room.Hold(size)
		}
		if err == nil {
			err = room.Hold(max(0, levels*(leaves(stored[i:i+1])-each*own/4)))
		}
		if err != nil {
			w.over = i
			return nil, 0, err
		}
		texts += size
	}
	return stored, texts, nil
}

// parts makes records of a batch that takes too much memory as a whole, each of as many rows as there is room for.
func (w *Writer) parts(ctx context.Context, rows int, columns []column.Data, own int64, each func(arrow.RecordBatch, []column.Data, int64) error) error {
	n, values := rows, int64(0)
	for at := 0; at < rows; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n = min(n, rows-at)
		most := w.opts.MaxRow
		if n > 1 {
			most = min(most, w.opts.RowGroupBytes)
		}
		room := ipc.NewRoom(most)
		room.Add(own + values)
		stored, texts, err := w.part(room, columns, at, at+n, own+values)
		switch {
		case err == nil:
			if err := w.put(n, stored, texts, each); err != nil {
				return err
			}
			if at += n; room.Left() > 3*most/4 {
				n *= 2
			}
		case !tooMuch(err):
			return fmt.Errorf("lightstream: in the rows of a batch from %d on: %w", at, err)
		case n > 1:
			n /= 2
		case values == 0: // a value that is long by itself is no fault of the row's
			values = 4*min(dictionarySize(columns), math.MaxInt64/64) + 1
		default:
			return fmt.Errorf("lightstream: column %q, row %d of the batch: %w", w.schema.Fields[w.over].Name, at, frame.Errorf(ipc.ErrLimit, "with what its lists share and the values of its dictionaries it takes more than %d bytes beside its batch, which exceeds WriterOptions.MaxRow; raise it, or write Arrow, where what they share stays shared", w.opts.MaxRow))
		}
	}
	return nil
}

// part converts some rows of columns, without what only others lead to.
func (w *Writer) part(room *ipc.Room, columns []column.Data, from, to int, own int64) (stored []column.Data, texts int64, err error) {
	rows := make([]column.Data, len(columns))
	for i := range columns {
		g := room.Gatherer(&w.schema.Fields[i])
		if err := g.Append(&columns[i], from, to); err != nil {
			w.over = i
			return nil, 0, err
		}
		rows[i] = g.Take()
	}
	return w.convert(room, rows, own)
}

// put hands columns on as a record, and with how many bytes they have.
func (w *Writer) put(rows int, stored []column.Data, texts int64, to func(arrow.RecordBatch, []column.Data, int64) error) error {
	batch := ipc.NewBatch(rows, stored, nil)
	defer batch.Release()
	rec, err := w.records.RecordBatch(batch)
	if err != nil {
		return err
	}
	defer rec.Release()
	return to(rec, stored, sizeOf(stored)+texts)
}

// sizeOf returns the bytes of columns.
func sizeOf(columns []column.Data) (n int64) {
	for i := range columns {
		for _, b := range columns[i].Buffers {
			n += int64(len(b))
		}
		for _, b := range columns[i].Variadic {
			n += int64(len(b))
		}
		n += sizeOf(columns[i].Children)
	}
	return n
}

// add writes a record into row groups. What it fails with is the error of every later call.
func (w *Writer) add(rec arrow.RecordBatch, stored []column.Data, size int64) error {
	w.err = w.write(rec, stored, size)
	w.partly = true
	return w.err
}

func (w *Writer) write(rec arrow.RecordBatch, stored []column.Data, size int64) error {
	rows := rec.NumRows()
	each := max(1, size/rows)
	for at := int64(0); at < rows; {
		if w.group == nil || w.rows >= int64(w.opts.RowGroupRows) || w.bytes >= w.opts.RowGroupBytes {
			if err := w.begin(); err != nil {
				return err
			}
		}
		n := min(rows-at, int64(w.opts.RowGroupRows)-w.rows, max(1, (w.opts.RowGroupBytes-w.bytes+each-1)/each))
		part := rec
		if n != rows {
			part = rec.NewSlice(at, at+n)
		}
		err := w.writeColumns(part, stored)
		if n != rows {
			part.Release()
		}
		if err != nil {
			return fmt.Errorf("lightstream: %w", err)
		}
		at += n
		w.rows += n
		w.bytes += n * each
	}
	return nil
}

// begin starts a row group, and writes the one before.
func (w *Writer) begin() error {
	err := guard(func() (err error) {
		w.group, err = w.out.AppendBufferedRowGroupChecked()
		return err
	})
	if err != nil {
		return fmt.Errorf("lightstream: %w", err)
	}
	for _, x := range w.indexed {
		if x != nil {
			x.begin()
		}
	}
	w.rows, w.bytes = 0, 0
	return nil
}

// writeColumns writes a record into the row group.
func (w *Writer) writeColumns(rec arrow.RecordBatch, stored []column.Data) error {
	k := 0
	for i := range stored {
		values := valuesOf(nil, &w.handed.Fields[i], &stored[i])
		first := k
		err := w.levels.each(rec.Column(i), w.handed.Fields[i].Nullable, func(v *leaf) error {
			to, err := w.group.Column(k)
			if err != nil {
				return err
			}
			x, d := w.indexed[k], values[k-first]
			k++
			if x != nil {
				return x.write(to.(*file.ByteArrayColumnChunkWriter), v, d.Dictionary, d.Values)
			}
			return guard(func() error { return v.write(w.context, to) })
		})
		if err != nil {
			return fmt.Errorf("column %q: %w", w.stored.Fields[i].Name, err)
		}
	}
	return nil
}

// valuesOf appends the columns of a file that a column becomes.
func valuesOf(list []*column.Data, f *ipc.Field, d *column.Data) []*column.Data {
	if len(f.Children) == 0 {
		return append(list, d)
	}
	for i := range f.Children {
		list = valuesOf(list, &f.Children[i], &d.Children[i])
	}
	return list
}

// Close writes what is left and the footer, without which there is no file. It does not close the destination. It is idempotent; after
// an error of Write it writes no footer and returns that error.
func (w *Writer) Close() error {
	if w.closed {
		return w.err
	}
	w.closed = true
	if w.err != nil {
		return w.err
	}
	if err := guard(w.out.Close); err != nil {
		w.err = fmt.Errorf("lightstream: %w", err)
	}
	return w.err
}

// Abort gives the file up: no footer is written. After Close it does nothing.
func (w *Writer) Abort() {
	if !w.closed {
		w.closed, w.err = true, errors.Join(w.err, ipc.ErrAborted)
	}
}

// Stats returns what the writer has done so far.
func (w *Writer) Stats() ipc.Stats {
	s := w.stats
	s.Bytes = w.dst.n
	return s
}
