package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/internal/newfile"
	"github.com/lightstream-go/lightstream/internal/regroup"
	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// WriterOptions are the settings of a writer. Nil fields mean all defaults.
type WriterOptions struct {
	// Extension says the format of the files and how they are compressed, such as ".parquet" or ".csv.gz". Empty means ".parquet".
	Extension string
	// Partition names the columns that become folders, from the outermost on.
	Partition []string
	// MaxRows, MaxBytes and MaxAge end a file, when it has so many rows, when about so many bytes are written, or with the first batch,
	// of whatever partition, that comes so long after its first row. Zero is any.
	MaxRows  int64
	MaxBytes int64
	MaxAge   time.Duration
	// MaxOpen is how many partitions are written at once, each to an open file. With one more, or where the system opens no more files,
	// that which was written to longest ago ends. Zero means 1,024.
	MaxOpen int
	// MaxWaiting is about how many bytes of rows may be in memory for all files together where there are several: rows that are put
	// together, and the row groups of Parquet. With more, the file that has most of them ends. Zero means 256 MiB.
	MaxWaiting int64
	// BatchRows is how many rows of a partition are put together before they are written. Zero means 8,192.
	BatchRows int

	Arrow   *ipc.WriterOptions
	CSV     *csv.WriterOptions
	NDJSON  *ndjson.WriterOptions // and of JSON, which sets Array
	Parquet *parquet.WriterOptions

	now func() time.Time
}

// Writer writes batches of one schema as the files of a directory. It is for one goroutine at a time.
type Writer struct {
	dir    string
	opts   WriterOptions
	format Format
	method *compress.Method
	schema *ipc.Schema
	inside *ipc.Schema // of the files
	keys   []int       // columns that are folders
	print  []*value.Printer
	cols   []int // columns of the files
	unify  *regroup.Unifier

	open map[string]*part
	held int64 // bytes of rows that are in memory for them

	rowGroup int64 // bytes of one of Parquet

	clock  int64
	next   map[string]int // number of the next file, by folder
	files  []string
	closed bool
	err    error
	stats  ipc.Stats
}

// part is a file that is written.
type part struct {
	folder string
	group  *regroup.Batch
	file   *os.File
	out    sink
	dst    *written
	pack   io.WriteCloser
	rows   int64
	held   int64 // bytes of rows that are in memory: about as many as they have on average in the batches they came in
	began  time.Time
	used   int64
}

type sink interface {
	write(ctx context.Context, rows int, columns []column.Data) error
	close() error
}

type written struct {
	io.Writer
	n int64
}

func (w *written) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.n += int64(n)
	return n, err
}

// Create writes a dataset of a schema below dir, which it makes where it is not there. Files that are there stay. Nil options mean all
// defaults.
func Create(dir string, schema *ipc.Schema, opts *WriterOptions) (*Writer, error) {
	w := &Writer{dir: dir, schema: schema, inside: &ipc.Schema{Metadata: schema.Metadata}, open: make(map[string]*part), next: make(map[string]int)}
	if opts != nil {
		w.opts = *opts
	}
	if w.opts.Extension == "" {
		w.opts.Extension = ".parquet"
	}
	if w.opts.MaxOpen <= 0 {
		w.opts.MaxOpen = 1024
	}
	if w.opts.MaxWaiting <= 0 {
		w.opts.MaxWaiting = 256 << 20
	}
	if w.opts.BatchRows <= 0 {
		w.opts.BatchRows = 8 << 10
	}
	if w.opts.now == nil {
		w.opts.now = time.Now
	}
	var err error
	if w.opts.Extension[0] != '.' {
		return nil, fmt.Errorf("lightstream: WriterOptions.Extension is %q, want one that begins with a dot, such as %q", w.opts.Extension, "."+w.opts.Extension)
	}
	if w.format, w.method, err = FormatOf("x" + w.opts.Extension); err != nil {
		return nil, err
	}
	if w.format == "" {
		return nil, fmt.Errorf("lightstream: %w", frame.Errorf(frame.ErrUnsupported, "files cannot be %q; there are %s, and text and streams compressed, such as .csv.gz",
			w.opts.Extension, strings.Join(slices.Sorted(maps.Keys(extensions)), ", ")))
	}
	if w.method != nil && (w.format == Parquet || w.format == Arrow) {
		return nil, fmt.Errorf("lightstream: %w", frame.Errorf(frame.ErrUnsupported, "files cannot be %q: those of format %s are read from their end, and not compressed as a whole", w.opts.Extension, w.format))
	}
	for k, name := range w.opts.Partition {
		i := place(schema, name)
		if slices.Contains(w.opts.Partition[:k], name) {
			return nil, fmt.Errorf("lightstream: column %q is named twice to partition by", name)
		}
		if i < 0 {
			return nil, fmt.Errorf("lightstream: there is no column %q to partition by; there are %s", name, names(schema))
		}
		if f := &schema.Fields[i]; len(f.Children) != 0 {
			return nil, fmt.Errorf("lightstream: column %q: %w", name, frame.Errorf(frame.ErrUnsupported, "%s does not make folders", f.TypeString()))
		}
		w.keys, w.print = append(w.keys, i), append(w.print, value.PrinterOf(&schema.Fields[i]))
	}
	for i := range schema.Fields {
		key := false
		for _, k := range w.keys {
			key = key || k == i
		}
		if !key {
			w.cols, w.inside.Fields = append(w.cols, i), append(w.inside.Fields, schema.Fields[i])
		}
	}
	if len(w.cols) == 0 {
		return nil, fmt.Errorf("lightstream: %w", frame.Errorf(frame.ErrUnsupported, "all columns are partitions; files would be empty"))
	}
	w.unify = regroup.NewUnifier(w.inside, 0)
	if w.rowGroup = 32 << 20; w.opts.Parquet != nil && w.opts.Parquet.RowGroupBytes > 0 {
		w.rowGroup = w.opts.Parquet.RowGroupBytes
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	return w, nil
}

// names lists the columns of a schema, for an error.
func names(s *ipc.Schema) string {
	const most = 20
	var list []string
	for i := range min(len(s.Fields), most) {
		list = append(list, s.Fields[i].Name)
	}
	if n := len(s.Fields) - most; n > 0 {
		list = append(list, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(list, ", ")
}

// Schema returns the schema that the writer was made with.
func (w *Writer) Schema() *ipc.Schema { return w.schema }

// Files returns the names of the files that are complete.
func (w *Writer) Files() []string { return w.files }

// Stats returns what the writer has done so far. Bytes are those of all files, also of those that are not complete.
func (w *Writer) Stats() ipc.Stats {
	s := w.stats
	for _, p := range w.open {
		if p.dst != nil {
			s.Bytes += p.dst.n
		}
	}
	return s
}

// Write adds a batch of rows in the columns of the schema, whose contents are right. They are the caller's again when it returns. After
// an error nothing more can be written.
func (w *Writer) Write(ctx context.Context, rows int, columns []column.Data) error {
	switch {
	case w.err != nil:
		return w.err
	case w.closed:
		return ipc.ErrClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case rows == 0:
		return nil
	}
	inside := make([]column.Data, len(w.cols))
	for k, i := range w.cols {
		inside[k] = columns[i]
	}
	if err := w.finishOld(); err != nil {
		w.err = err
		return err
	}
	if err := w.write(ctx, rows, columns, inside); err != nil {
		w.err = err
		return err
	}
	w.stats.Batches++
	w.stats.Rows += int64(rows)
	return nil
}

func (w *Writer) write(ctx context.Context, rows int, columns, inside []column.Data) error {
	inside, err := w.unify.Columns(inside)
	if err != nil {
		return err
	}
	if len(w.keys) == 0 {
		for at := 0; at < rows; {
			p, err := w.part("")
			if err != nil {
				return err
			}
			n := w.room(p, rows-at)
			if n == rows && p.group.Len() == 0 {
				err = w.put(ctx, p, rows, inside)
			} else if err = p.group.Append(inside, at, at+n); err == nil {
				err = w.flush(ctx, p)
			}
			if err != nil {
				return err
			}
			at += n
		}
		return nil
	}
	var folder []byte
	each := max(1, regroup.Size(inside)/int64(rows))
	for at := 0; at < rows; {
		if folder, err = w.folder(folder[:0], columns, at); err != nil {
			return err
		}
		name := string(folder)
		to := at + 1
		for to < rows && to-at < w.opts.BatchRows {
			if folder, err = w.folder(folder[:0], columns, to); err != nil {
				return err
			}
			if string(folder) != name {
				break
			}
			to++
		}
		p, err := w.part(name)
		if err != nil {
			return err
		}
		to = at + w.room(p, to-at)
		if err := p.group.Append(inside, at, to); err != nil {
			return err
		}
		p.held += each * int64(to-at)
		w.held += each * int64(to-at)
		if p.group.Len() >= w.opts.BatchRows || w.opts.MaxRows > 0 && p.rows+int64(p.group.Len()) >= w.opts.MaxRows {
			if err := w.flush(ctx, p); err != nil {
				return err
			}
		}
		for w.held > w.opts.MaxWaiting && len(w.open) > 1 {
			if err := w.finish(w.largest()); err != nil {
				return err
			}
		}
		at = to
	}
	return nil
}

// largest returns the file with most rows in memory.
func (w *Writer) largest() *part {
	var largest *part
	for _, p := range w.open {
		if largest == nil || p.held > largest.held || p.held == largest.held && p.used < largest.used {
			largest = p
		}
	}
	return largest
}

// oldest returns the file that was written to longest ago, but for one.
func (w *Writer) oldest(but *part) *part {
	var oldest *part
	for _, p := range w.open {
		if p != but && (oldest == nil || p.used < oldest.used) {
			oldest = p
		}
	}
	return oldest
}

// room returns how many of n rows go into a file.
func (w *Writer) room(p *part, n int) int {
	if w.opts.MaxRows > 0 {
		n = int(min(int64(n), w.opts.MaxRows-p.rows-int64(p.group.Len())))
	}
	return n
}

// folder appends the folders of a row. Text that is not valid UTF-8 has none.
func (w *Writer) folder(dst []byte, columns []column.Data, row int) ([]byte, error) {
	for k, i := range w.keys {
		if k > 0 {
			dst = append(dst, '/')
		}
		dst = append(append(dst, escapeName(w.schema.Fields[i].Name)...), '=')
		if w.print[k].IsNull(&columns[i], row) {
			dst = append(dst, null...)
			continue
		}
		text := string(w.print[k].AppendText(nil, &columns[i], row))
		if err := w.print[k].Err(); err != nil {
			return dst, &column.ValueError{Column: w.schema.Fields[i].Name, Row: row, Err: err}
		}
		if text == null { // which is no null
			dst = append(dst, "%5F"+null[1:]...)
			continue
		}
		dst = append(dst, escape(text)...)
	}
	return dst, nil
}

// finishOld ends the files that are too old.
func (w *Writer) finishOld() error {
	if w.opts.MaxAge <= 0 || len(w.open) == 0 {
		return nil
	}
	now := w.opts.now()
	var old []string
	for folder, p := range w.open {
		if now.Sub(p.began) >= w.opts.MaxAge {
			old = append(old, folder)
		}
	}
	slices.Sort(old)
	for _, folder := range old {
		if err := w.finish(w.open[folder]); err != nil {
			return err
		}
	}
	return nil
}

// part returns the file that is written in a folder.
func (w *Writer) part(folder string) (*part, error) {
	w.clock++
	if p := w.open[folder]; p != nil {
		p.used = w.clock
		return p, nil
	}
	if len(w.open) >= w.opts.MaxOpen {
		if err := w.finish(w.oldest(nil)); err != nil {
			return nil, err
		}
	}
	p := &part{folder: folder, group: regroup.NewBatch(w.inside, 0), used: w.clock, began: w.opts.now()}
	w.open[folder] = p
	dir := filepath.Join(w.dir, filepath.FromSlash(folder))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	var err error
	for try := 0; ; try++ {
		name := fmt.Sprintf(".part-%08x%s.tmp", rand.Uint32(), w.opts.Extension)
		p.file, err = os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if old := w.oldest(p); old != nil && errors.Is(err, syscall.EMFILE) {
			if e := w.finish(old); e != nil {
				delete(w.open, folder)
				return nil, e
			}
			continue
		}
		if !errors.Is(err, os.ErrExist) || try > 100+w.opts.MaxOpen {
			break
		}
	}
	if err != nil {
		delete(w.open, folder)
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	p.dst = &written{Writer: p.file}
	var to io.Writer = p.dst
	if w.method != nil {
		if p.pack, err = compress.NewWriter(p.dst, w.method, 0); err != nil {
			return nil, err
		}
		to = p.pack
	}
	p.out, err = w.sink(to)
	return p, err
}

// sink returns a writer of the format.
func (w *Writer) sink(to io.Writer) (sink, error) {
	switch w.format {
	case Parquet:
		out, err := parquet.NewWriter(to, w.inside, w.opts.Parquet)
		if err != nil {
			return nil, err
		}
		return sinkOf{out.Write, out.Close}, nil
	case Arrow:
		out := ipc.NewFileWriter(to, w.inside, w.opts.Arrow)
		return sinkOf{out.Write, out.Close}, out.Err()
	case Stream:
		out := ipc.NewWriter(to, w.inside, w.opts.Arrow)
		return sinkOf{out.Write, out.Close}, out.Err()
	case CSV:
		c := with(w.opts.CSV)
		if c.Comma == 0 {
			c.Comma = commaOf("x" + w.opts.Extension)
		}
		out := csv.NewWriter(to, w.inside, c)
		return sinkOf{out.Write, out.Close}, out.Err()
	}
	lines := with(w.opts.NDJSON)
	lines.Array = lines.Array || w.format == JSON
	out := ndjson.NewWriter(to, w.inside, lines)
	return sinkOf{out.Write, out.Close}, out.Err()
}

type sinkOf struct {
	do  func(ctx context.Context, rows int, columns []column.Data) error
	end func() error
}

func (s sinkOf) write(ctx context.Context, rows int, columns []column.Data) error {
	return s.do(ctx, rows, columns)
}
func (s sinkOf) close() error { return s.end() }

// flush writes what was put together.
func (w *Writer) flush(ctx context.Context, p *part) error {
	if n := p.group.Len(); n > 0 {
		return w.put(ctx, p, n, p.group.Take())
	}
	return nil
}

// put writes rows, and ends the file where it has enough.
func (w *Writer) put(ctx context.Context, p *part, rows int, columns []column.Data) error {
	if err := p.out.write(ctx, rows, columns); err != nil {
		return err
	}
	p.rows += int64(rows)
	if w.format != Parquet || p.held >= w.rowGroup { // else they are in memory until the row group ends
		w.held -= p.held
		p.held = 0
	}
	if w.opts.MaxRows > 0 && p.rows >= w.opts.MaxRows || w.opts.MaxBytes > 0 && p.dst.n >= w.opts.MaxBytes {
		return w.finish(p)
	}
	return nil
}

// finish brings a file to disk and gives it its name.
func (w *Writer) finish(p *part) error {
	if n := p.group.Len(); n > 0 {
		if err := p.out.write(context.Background(), n, p.group.Take()); err != nil {
			return err
		}
		p.rows += int64(n)
	}
	delete(w.open, p.folder)
	w.held -= p.held
	err := p.out.close()
	if p.pack != nil {
		err = errors.Join(err, p.pack.Close())
	}
	if err == nil {
		err = p.file.Sync()
	}
	err = errors.Join(err, p.file.Close())
	if err == nil {
		err = w.name(p)
	}
	if err != nil {
		_ = os.Remove(p.file.Name())
		return fmt.Errorf("lightstream: %w", shortened{err})
	}
	w.stats.Bytes += p.dst.n
	return nil
}

// name gives a complete file the first name that is free behind all that are taken.
func (w *Writer) name(p *part) error {
	dir := filepath.Join(w.dir, filepath.FromSlash(p.folder))
	n, known := w.next[p.folder]
	if !known {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			digits, _, _ := strings.Cut(strings.TrimPrefix(e.Name(), "part-"), ".")
			if k, err := strconv.Atoi(digits); err == nil && strings.HasPrefix(e.Name(), "part-") {
				n = max(n, k)
			}
		}
		n++
	}
	for ; ; n++ {
		name := filepath.Join(dir, fmt.Sprintf("part-%05d%s", n, w.opts.Extension))
		// A link, unlike a rename, never takes the place of what another writer has put there.
		err := os.Link(p.file.Name(), name)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err == nil {
			err = os.Remove(p.file.Name())
		} else if _, e := os.Lstat(name); errors.Is(e, os.ErrNotExist) { // a file system without links
			err = os.Rename(p.file.Name(), name)
		}
		if err != nil {
			return err
		}
		w.next[p.folder] = n + 1
		w.files = append(w.files, name)
		return newfile.SyncFolder(dir)
	}
}

// Close ends the files that are written. It is idempotent; after an error of Write it removes them and returns that error. Where nothing
// was written and there are no partitions, there is a file without rows, which has the schema.
func (w *Writer) Close() error {
	if w.closed {
		return w.err
	}
	if w.err == nil && len(w.open) == 0 && len(w.files) == 0 && len(w.keys) == 0 {
		_, w.err = w.part("")
	}
	for _, p := range w.open {
		if w.err != nil {
			break
		}
		w.err = w.finish(p)
	}
	w.drop()
	w.closed = true
	return w.err
}

// Abort removes the files that are not complete. Those that are stay. After Close it does nothing.
func (w *Writer) Abort() {
	if !w.closed {
		w.drop()
		w.closed, w.err = true, errors.Join(w.err, ipc.ErrAborted)
	}
}

func (w *Writer) drop() {
	for folder, p := range w.open {
		if p.file != nil {
			_ = p.file.Close()
			_ = os.Remove(p.file.Name())
		}
		delete(w.open, folder)
	}
}
