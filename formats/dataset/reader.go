package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var fsErr = fs.ErrNotExist

// ErrOwnTypes is wrapped by the error of Options.Types for a column whose type is not inferred, as its file says it.
var ErrOwnTypes = errors.New("such files have types of their own")

// Options are the settings of a reader.
type Options struct {
	// Files say how the files of each format are read.
	Files FileOptions
	// Schema are the columns that are wanted, those of partitions among them, in this order; other columns are not read. Nil means those
	// of the first file and of the partitions.
	Schema *ipc.Schema
	// OnPassed is told of the columns of a file that Schema lacks, which are not read, before the first batch of it. Several goroutines may
	// call it. NDJSON tells of them only where its lines have them: with OnPassed a key that Schema lacks is what the options of Files.NDJSON say,
	// an error by default, and is passed over without.
	OnPassed func(name string, columns []string)
	// Types are the types of some columns by name, where those of the others are inferred: of columns that folders stand for, and of those of
	// CSV and NDJSON. Other files have types of their own, and one for a column of such a file is an error that wraps [ErrOwnTypes].
	Types []ipc.Field
	// Missing takes columns that a file lacks as null.
	Missing bool
	// Parallel is how many files are read at once, each a few batches ahead at most. Zero means one.
	Parallel int
	// Unordered gives batches as they come, and not in the order of the names of files.
	Unordered bool
	// Root is put before the names of files in errors, where the file system begins in a folder of that name.
	Root string
	// MaxFiles is how many files a dataset may have. Zero means 1,048,576.
	MaxFiles int
}

// Reader reads a dataset. It is for one goroutine at a time; its batches are for any.
type Reader struct {
	fsys    fs.FS
	opts    Options
	files   []file
	schema  *ipc.Schema
	inFiles *ipc.Schema // columns that come of files
	keys    []int       // for each column wanted, the partition that it is, or -1
	parts   []ipc.Field

	queues  []chan item
	started int
	at      int
	all     chan item // unordered
	stop    chan struct{}
	once    sync.Once
	workers sync.WaitGroup
	err     error
	mu      sync.Mutex
	bytes   int64
	stats   ipc.Stats
}

var _ Source = (*Reader)(nil)

type file struct {
	name       string
	partitions []partition
}

type item struct {
	batch ipc.Batch
	err   error
	end   bool
}

// Open reads the files below the directory name, or those that name matches as a glob, in the order of their names. It opens the first
// for its schema. Which of them are passed over the comment of the package says. Nil options mean all defaults.
func Open(ctx context.Context, fsys fs.FS, name string, opts *Options) (*Reader, error) {
	r := &Reader{fsys: fsys, stop: make(chan struct{})}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.MaxFiles <= 0 {
		r.opts.MaxFiles = 1 << 20
	}
	if r.opts.Schema != nil && len(r.opts.Types) != 0 {
		return nil, errors.New("lightstream: Options.Types are for types that are inferred, and Schema has them all")
	}
	r.opts.Files.some = r.opts.Schema != nil && r.opts.OnPassed == nil
	r.opts.Parallel = max(r.opts.Parallel, 1)
	if err := r.find(name); err != nil {
		return nil, err
	}
	if err := r.partition(); err != nil {
		return nil, err
	}
	if err := r.setSchema(ctx); err != nil {
		return nil, err
	}
	r.queues = make([]chan item, len(r.files))
	if r.opts.Unordered {
		r.all = make(chan item, r.opts.Parallel)
	}
	return r, nil
}

// OpenDir reads the files below a directory of the system. It is [Open] of os.DirFS(dir), and Options.Root, where it is empty, is dir.
func OpenDir(ctx context.Context, dir string, opts *Options) (*Reader, error) {
	o := with(opts)
	if o.Root == "" {
		o.Root = filepath.ToSlash(dir)
	}
	return Open(ctx, os.DirFS(dir), ".", o)
}

// find lists the files.
func (r *Reader) find(name string) error {
	var roots []string
	if info, err := fs.Stat(r.fsys, name); err == nil {
		if !info.IsDir() {
			return r.add(name)
		}
		roots = []string{name}
	} else {
		var e error
		if roots, e = fs.Glob(r.fsys, name); e != nil {
			return fmt.Errorf("lightstream: %s: %w", name, e)
		}
		if len(roots) == 0 && !strings.ContainsAny(name, `*?[\`) {
			if name == "." && r.opts.Root == "" {
				name = "the directory of the file system"
			}
			return fmt.Errorf("lightstream: %s: %w", r.called(name), err)
		}
		if len(roots) == 0 {
			return fmt.Errorf("lightstream: %s: no file matches: %w", r.called(name), fs.ErrNotExist)
		}
	}
	hidden := 0
	for _, root := range roots {
		if root != name && Hidden(name, root) {
			hidden++
			continue
		}
		err := fs.WalkDir(r.fsys, root, func(at string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case at != root && hiddenPart(path.Base(at)):
				hidden++
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			case d.IsDir():
				return nil
			}
			return r.add(at)
		})
		if err != nil {
			return fmt.Errorf("lightstream: %w", shortened{err})
		}
	}
	if len(r.files) == 0 && hidden != 0 {
		return fmt.Errorf("lightstream: %s: no file of a table but %d whose names begin with a dot or an underscore; to read them name them, or begin the glob so: %w", r.called(name), hidden, fs.ErrNotExist)
	}
	if len(r.files) == 0 {
		return fmt.Errorf("lightstream: %s: no file of a table: %w", r.called(name), fs.ErrNotExist)
	}
	slices.SortFunc(r.files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return nil
}

// hiddenPart tells whether a file or folder of that name, which is not named itself, is passed over.
func hiddenPart(name string) bool {
	return name[0] == '.' || name[0] == '_' && !strings.Contains(name, "=") // a partition by a column such as _id
}

// Hidden tells whether [Open] of the glob, or of the directory "." or "", passes over a file or folder of that name below it: whether a part of
// the name begins with a dot or an underscore, but is no partition such as _id=7, and the part of the glob in its place does not begin with
// the same character.
func Hidden(glob, name string) bool {
	var parts []string
	if glob != "." && glob != "" {
		parts = strings.Split(glob, "/")
	}
	for i, part := range strings.Split(name, "/") {
		if part != "" && hiddenPart(part) && (i >= len(parts) || parts[i] == "" || parts[i][0] != part[0]) {
			return true
		}
	}
	return false
}

// add takes a file, unless its name does not say its format.
func (r *Reader) add(name string) error {
	format, _, err := FormatOf(name)
	if err != nil {
		return err
	}
	if format == "" && r.opts.Files.Format == "" {
		return fmt.Errorf("lightstream: %s: %w; name others with a glob such as *.csv, or set Options.Files.Format", r.called(name), ErrNoFormat)
	}
	if len(r.files) == r.opts.MaxFiles {
		return fmt.Errorf("lightstream: %w", frame.Errorf(frame.ErrLimit, "more than Options.MaxFiles (%d) files; raise it", r.opts.MaxFiles))
	}
	parts, err := partitionsOf(name)
	r.files = append(r.files, file{name, parts})
	return err
}

// partition works out the columns that folders stand for.
func (r *Reader) partition() error {
	first := r.files[0].partitions
	values := make([][]partition, len(first))
	for _, f := range r.files {
		if len(f.partitions) != len(first) {
			return fmt.Errorf("lightstream: %s has %d partitions, %s has %d", r.called(f.name), len(f.partitions), r.called(r.files[0].name), len(first))
		}
		for i, p := range f.partitions {
			if p.name != first[i].name {
				return fmt.Errorf("lightstream: %s has a partition %q where %s has %q", r.called(f.name), p.name, r.called(r.files[0].name), first[i].name)
			}
			values[i] = append(values[i], p)
		}
	}
	for i := range first {
		r.parts = append(r.parts, inferred(first[i].name, values[i]))
	}
	return r.types()
}

// types sets those that options have: of partitions, and of the first file, as which the others are parsed.
func (r *Reader) types() error {
	var rest []ipc.Field
	for _, f := range r.opts.Types {
		k := slices.IndexFunc(r.parts, func(p ipc.Field) bool { return p.Name == f.Name })
		if k < 0 {
			rest = append(rest, f)
			continue
		}
		if _, err := text.ColumnOf(&f, nil); err != nil {
			return err
		}
		r.parts[k] = f
	}
	if len(rest) == 0 {
		return nil
	}
	switch files := &r.opts.Files; r.format(r.files[0].name) {
	case CSV:
		files.CSV = with(files.CSV)
		files.CSV.Types = append(slices.Clone(files.CSV.Types), rest...)
	case NDJSON, JSON:
		files.NDJSON = with(files.NDJSON)
		files.NDJSON.Types = append(slices.Clone(files.NDJSON.Types), rest...)
	default:
		return fmt.Errorf("lightstream: Options.Types has column %q, which no folder stands for, and %s is %s: %w; Options.Schema converts some", rest[0].Name, r.called(r.files[0].name), r.format(r.files[0].name), ErrOwnTypes)
	}
	return nil
}

// with returns options of one's own.
func with[T any](opts *T) *T {
	var o T
	if opts != nil {
		o = *opts
	}
	return &o
}

// format returns that of a file.
func (r *Reader) format(name string) Format {
	if f := r.opts.Files.Format; f != "" {
		return f
	}
	f, _, _ := FormatOf(name) // which it was added with
	return f
}

// HasText tells whether there is a file of CSV, NDJSON or JSON.
func (r *Reader) HasText() bool {
	for i := range r.files {
		if r.format(r.files[i].name).isText() {
			return true
		}
	}
	return false
}

func (r *Reader) setSchema(ctx context.Context) error {
	key := func(name string) int {
		return slices.IndexFunc(r.parts, func(f ipc.Field) bool { return f.Name == name })
	}
	r.inFiles = &ipc.Schema{}
	if want := r.opts.Schema; want != nil {
		r.schema = want
		for i := range want.Fields {
			k := key(want.Fields[i].Name)
			if r.keys = append(r.keys, k); k < 0 {
				r.inFiles.Fields = append(r.inFiles.Fields, want.Fields[i])
			} else {
				r.parts[k] = want.Fields[i]
			}
		}
		return nil
	}
	src, err := r.openFile(ctx, r.files[0].name, nil)
	if err != nil {
		return err
	}
	defer src.Close()
	s, err := src.Schema(ctx)
	if err != nil {
		return err
	}
	r.schema = &ipc.Schema{Metadata: s.Metadata}
	for i := range s.Fields {
		if key(s.Fields[i].Name) >= 0 {
			return fmt.Errorf("lightstream: %s has a column %q, which its folder has too", r.called(r.files[0].name), s.Fields[i].Name)
		}
		r.inFiles.Fields, r.keys = append(r.inFiles.Fields, s.Fields[i]), append(r.keys, -1)
	}
	r.schema.Fields = append(slices.Clone(r.inFiles.Fields), r.parts...)
	for k := range r.parts {
		r.keys = append(r.keys, k)
	}
	r.schema = r.schema.WithIDs()
	return nil
}

func (r *Reader) openFile(ctx context.Context, name string, want *ipc.Schema) (Source, error) {
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	return OpenFile(ctx, f, r.called(name), want, &r.opts.Files)
}

// called returns what errors call a file.
func (r *Reader) called(name string) string {
	if r.opts.Root == "" {
		return name
	}
	return path.Join(r.opts.Root, name)
}

// Schema returns the columns of the batches.
func (r *Reader) Schema(context.Context) (*ipc.Schema, error) { return r.schema, nil }

// Files returns the names of the files, in their order.
func (r *Reader) Files() []string {
	names := make([]string, len(r.files))
	for i, f := range r.files {
		names[i] = f.name
	}
	return names
}

// Stats returns what the reader has done so far. Bytes are those of files that have been read, ahead of the batches by what waits.
func (r *Reader) Stats() ipc.Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Bytes = r.bytes
	return s
}

// Next returns the next batch. The error is io.EOF after the last; after an error every later call returns the same one, but for the cause
// of ctx, after which the reader is usable.
func (r *Reader) Next(ctx context.Context) (ipc.Batch, error) {
	if r.err != nil {
		return ipc.Batch{}, r.err
	}
	for r.at < len(r.files) {
		for r.started < len(r.files) && r.started < r.at+r.opts.Parallel {
			r.start(r.started)
			r.started++
		}
		from := r.all
		if from == nil {
			from = r.queues[r.at]
		}
		select {
		case it := <-from:
			switch {
			case it.err != nil:
				return ipc.Batch{}, r.fail(it.err)
			case it.end: // of some file
				r.at++
				continue
			}
			r.stats.Batches++
			r.stats.Rows += int64(it.batch.Len())
			return it.batch, nil
		case <-ctx.Done():
			return ipc.Batch{}, context.Cause(ctx)
		}
	}
	return ipc.Batch{}, r.fail(io.EOF)
}

func (r *Reader) fail(err error) error {
	r.err = err
	r.end()
	return err
}

// Close ends reading and waits for what is read ahead. Batches stay valid.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = errClosed
	}
	r.end()
	return nil
}

var errClosed = errors.New("lightstream: the reader is closed")

func (r *Reader) end() {
	r.once.Do(func() { close(r.stop) })
	r.workers.Wait()
}

// start has a goroutine read a file.
func (r *Reader) start(i int) {
	to := r.all
	if to == nil {
		to = make(chan item, 2)
		r.queues[i] = to
	}
	r.workers.Add(1)
	go func() {
		defer r.workers.Done()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		send := func(it item) bool {
			select {
			case to <- it:
				return true
			case <-r.stop:
				if it.err == nil && !it.end {
					it.batch.Release()
				}
				return false
			}
		}
		if err := r.read(ctx, &r.files[i], send); err != nil {
			send(item{err: err})
			return
		}
		send(item{end: true})
	}()
}

// read sends the batches of a file.
func (r *Reader) read(ctx context.Context, f *file, send func(item) bool) error {
	src, err := r.openFile(ctx, f.name, r.inFiles)
	if err != nil {
		return err
	}
	defer src.Close()
	s, err := src.Schema(ctx)
	if err != nil {
		return err
	}
	if r.opts.Schema == nil { // OpenFile left out what is not wanted
		if err := r.noMore(ctx, f); err != nil {
			return err
		}
		if o, ok := src.(*opened); ok {
			if err := FitText(o.text, r.inFiles, FitOptions{Missing: r.opts.Missing}); err != nil {
				return fmt.Errorf("lightstream: %s: %w", r.called(f.name), err)
			}
		}
	}
	if o, ok := src.(*opened); ok && r.opts.OnPassed != nil && r.opts.Schema != nil {
		if o.format == CSV { // whose schema is what is wanted
			for _, name := range o.text {
				if place(r.inFiles, name) < 0 {
					o.passed = append(o.passed, name)
				}
			}
		}
		if len(o.passed) != 0 {
			r.opts.OnPassed(r.called(f.name), o.passed)
		}
	}
	fitted, err := fit(s, r.inFiles, FitOptions{Missing: r.opts.Missing, Extra: r.opts.Schema != nil})
	if err != nil {
		return fmt.Errorf("lightstream: %s: %w", r.called(f.name), err)
	}
	constants := make([]constant, len(r.parts))
	for k := range constants {
		constants[k] = constant{field: &r.parts[k], value: f.partitions[k]}
	}
	read := int64(0)
	count := func() {
		if o, ok := src.(*opened); ok {
			n := o.bytes()
			r.mu.Lock()
			r.bytes += n - read
			r.mu.Unlock()
			read = n
		}
	}
	for {
		b, err := src.Next(ctx)
		count()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		out, err := fitted.batch(b)
		if err == nil {
			out, err = r.join(out, constants)
		}
		if err != nil {
			b.Release()
			return fmt.Errorf("lightstream: %s: %w", r.called(f.name), shortened{err})
		}
		if !send(item{batch: out}) {
			return nil
		}
	}
}

// noMore refuses a file that has columns which the first does not have. Text is parsed as the schema of the first says: NDJSON refuses them
// itself, and the names of CSV are compared by [FitText].
func (r *Reader) noMore(ctx context.Context, f *file) error {
	if r.format(f.name).isText() || f.name == r.files[0].name {
		return nil
	}
	src, err := r.openFile(ctx, f.name, nil)
	if err != nil {
		return err
	}
	defer src.Close()
	s, err := src.Schema(ctx)
	if err != nil {
		return err
	}
	if _, err := fit(s, r.inFiles, FitOptions{Missing: r.opts.Missing}); err != nil {
		return fmt.Errorf("lightstream: %s: %w", r.called(f.name), err)
	}
	return nil
}

// join adds the columns of partitions.
func (r *Reader) join(b ipc.Batch, constants []constant) (ipc.Batch, error) {
	if len(constants) == 0 {
		return b, nil
	}
	columns := make([]column.Data, len(r.keys))
	at := 0
	for i, k := range r.keys {
		if k < 0 {
			columns[i] = *b.Column(at)
			at++
			continue
		}
		var err error
		if columns[i], err = constants[k].of(b.Len()); err != nil {
			return ipc.Batch{}, err
		}
	}
	return ipc.NewBatch(b.Len(), columns, b.Release), nil
}
