package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
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
	// MaxRows, MaxBytes and MaxAge end a file, when it has so many rows, when about so many bytes are written, or with the first batch
	// after so long. Zero is any.
	MaxRows  int64
	MaxBytes int64
	MaxAge   time.Duration
	// MaxOpen is how many partitions are written at once. With one more, that which was written to longest ago ends. Zero means 64.
	MaxOpen int
	// BatchRows is how many rows of a partition are put together before they are written. Zero means 8,192.
	BatchRows int

	Arrow   *ipc.WriterOptions
	CSV     *csv.WriterOptions
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

	open   map[string]*part
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
		w.opts.MaxOpen = 64
	}
	if w.opts.BatchRows <= 0 {
		w.opts.BatchRows = 8 << 10
	}
	if w.opts.now == nil {
		w.opts.now = time.Now
	}
	var err error
	if w.format, w.method, err = FormatOf("x" + w.opts.Extension); err != nil {
		return nil, err
	}
	if w.format == "" || w.method != nil && (w.format == Parquet || w.format == Arrow) {
		return nil, fmt.Errorf("lightstream: %w", frame.Errorf(frame.ErrUnsupported, "files cannot be %q", w.opts.Extension))
	}
	for _, name := range w.opts.Partition {
		i := place(schema, name)
		if i < 0 {
			return nil, fmt.Errorf("lightstream: there is no column %q to partition by", name)
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
	w.unify = regroup.NewUnifier(w.inside)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	return w, nil
}

// Schema returns the schema that the writer was made with.
func (w *Writer) Schema() *ipc.Schema { return w.schema }

// Files returns the names of the files that are complete.
func (w *Writer) Files() []string { return w.files }

// Stats returns what the writer has done so far. Bytes are those of complete files.
func (w *Writer) Stats() ipc.Stats { return w.stats }

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
	for at := 0; at < rows; {
		folder = w.folder(folder[:0], columns, at)
		name := string(folder)
		to := at + 1
		for to < rows && to-at < w.opts.BatchRows {
			if folder = w.folder(folder[:0], columns, to); string(folder) != name {
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
		if p.group.Len() >= w.opts.BatchRows || w.opts.MaxRows > 0 && p.rows+int64(p.group.Len()) >= w.opts.MaxRows {
			if err := w.flush(ctx, p); err != nil {
				return err
			}
		}
		at = to
	}
	return nil
}

// room returns how many of n rows go into a file.
func (w *Writer) room(p *part, n int) int {
	if w.opts.MaxRows > 0 {
		n = int(min(int64(n), w.opts.MaxRows-p.rows-int64(p.group.Len())))
	}
	return n
}

// folder appends the folders of a row.
func (w *Writer) folder(dst []byte, columns []column.Data, row int) []byte {
	for k, i := range w.keys {
		if k > 0 {
			dst = append(dst, '/')
		}
		dst = append(append(dst, escape(w.schema.Fields[i].Name)...), '=')
		if w.print[k].IsNull(&columns[i], row) {
			dst = append(dst, null...)
			continue
		}
		text := string(w.print[k].AppendText(nil, &columns[i], row))
		if text == null { // which is no null
			dst = append(dst, "%5F"+null[1:]...)
			continue
		}
		dst = append(dst, escape(text)...)
	}
	return dst
}

// part returns the file that is written in a folder.
func (w *Writer) part(folder string) (*part, error) {
	w.clock++
	if p := w.open[folder]; p != nil {
		p.used = w.clock
		if w.opts.MaxAge > 0 && p.rows > 0 && w.opts.now().Sub(p.began) >= w.opts.MaxAge {
			if err := w.finish(p); err != nil {
				return nil, err
			}
		} else {
			return p, nil
		}
	}
	if len(w.open) >= w.opts.MaxOpen {
		var oldest *part
		for _, p := range w.open {
			if oldest == nil || p.used < oldest.used {
				oldest = p
			}
		}
		if err := w.finish(oldest); err != nil {
			return nil, err
		}
	}
	p := &part{folder: folder, group: regroup.NewBatch(w.inside), used: w.clock, began: w.opts.now()}
	w.open[folder] = p
	dir := filepath.Join(w.dir, filepath.FromSlash(folder))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	var err error
	for try := 0; ; try++ {
		name := fmt.Sprintf(".part-%08x%s.tmp", rand.Uint32(), w.opts.Extension)
		p.file, err = os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, os.ErrExist) || try > 100 {
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
		out := csv.NewWriter(to, w.inside, w.opts.CSV)
		return sinkOf{func(_ context.Context, rows int, columns []column.Data) error { return out.Write(rows, columns) }, out.Close}, nil
	}
	out := ndjson.NewWriter(to, w.inside)
	return sinkOf{func(_ context.Context, rows int, columns []column.Data) error { return out.Write(rows, columns) }, out.Close}, nil
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
		return syncFolder(dir)
	}
}

// syncFolder brings the name itself to disk, where folders can be synchronized.
func syncFolder(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
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
