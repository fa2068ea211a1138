package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
)

// source is where batches come from, one after the other.
type source struct {
	schema *ipc.Schema    // of the columns that are wanted, in their order
	places []int          // of those in the batches, nil if they are all
	footer []ipc.KeyValue // attached to a file as a whole
	name   string
	size   int64 // bytes, 0 if that is not known
	format format
	files  int      // of a dataset
	paths  []string // of all files that are read
	passed []string // columns that --schema lacks
	unread *unread  // those of a dataset
	ragged ragged   // records of another number of fields that are passed over
	picked []column.Data

	next   func(ctx context.Context) (ipc.Batch, error) // io.EOF after the last
	stats  func() ipc.Stats
	others func() ipc.Attached // to messages that are no batches
	close  func() error
	refuse func() // before close, of connections: what comes is not taken
}

// fail closes a source whose table is not taken, and returns err with what closing it says. A sender that has sent all is told, since it could
// take it that it has arrived.
func (s *source) fail(err error) error {
	if s.refuse != nil {
		s.refuse()
	}
	return errors.Join(err, s.close())
}

// openSource opens what name names, and reads its schema. Level is how much of its batches is checked. When it is closed, it tells of records
// that --ragged passed over.
func openSource(ctx context.Context, name string, o *options, std std, level ipc.Level) (*source, error) {
	s, err := openQuiet(ctx, name, o, std, level)
	if err != nil || o.quiet {
		return s, err
	}
	closing := s.close
	s.close = func() error {
		err := closing()
		s.ragged.tell(std)
		return err
	}
	return s, nil
}

// openQuiet is openSource for one that tells nothing.
func openQuiet(ctx context.Context, name string, o *options, std std, level ipc.Level) (*source, error) {
	var want format // by the first bytes
	if format(o.from) != formatArrow {
		var err error
		if want, err = formatOf("from", o.from, "", inputs); err != nil {
			return nil, err
		}
	}
	s := &source{name: name}
	u, err := parseURI(name)
	if err != nil {
		return nil, err
	}
	if u != nil {
		if want == formatFile {
			return nil, usagef("--from=file: %s is a connection, and carries a stream", name)
		}
		return s, s.connect(ctx, u, o, std, level)
	}
	if fileCompression(name) != "" {
		return nil, usagef("%s: compression= is for what is written; leave it out", filePath(name))
	}
	if path := filePath(name); severalFiles(path) {
		return s, s.openDataset(ctx, path, want, o, level)
	}
	file, err := input(filePath(name), std)
	if err != nil {
		return nil, err
	}
	s.close = file.Close
	if path := filePath(name); path != "-" {
		s.paths = []string{path}
	}
	if err := s.open(ctx, file, want, o, level); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// input opens what name names.
func input(name string, std std) (*os.File, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			_ = f.Close()
			return nil, fmt.Errorf("%s: is a directory; name a file", name)
		}
		return f, nil
	}
	if terminal(std.in) {
		return nil, usagef("standard input is a terminal; name a file, or pipe Arrow in")
	}
	return std.in, nil
}

const fileMagic = "ARROW1"

func (s *source) open(ctx context.Context, f *os.File, want format, o *options, level ipc.Level) error {
	regular := false
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		regular, s.size = true, info.Size()
	}
	head := bufio.NewReaderSize(f, 16)
	first, err := head.Peek(len(fileMagic))
	if err != nil && err != io.EOF {
		return err
	}
	if m := compress.ByMagic(first); m != nil {
		return s.inflate(ctx, io.MultiReader(buffered(head), f), m, want, o, level)
	}
	if m, _, err := compress.ByName(filePath(s.name)); err != nil {
		return err
	} else if m != nil {
		return fmt.Errorf("%s: its name says %s, its first bytes do not", s.label(), m.Name)
	}
	s.format = want
	if want == "" {
		s.format = formatByBytes(first, filePath(s.name), o)
	}
	opts := s.options(o, level)
	switch s.format {
	case formatParquet:
		return s.openParquet(f, head, regular, o, level)
	case formatCSV, formatNDJSON, formatJSON:
		return s.openText(ctx, io.MultiReader(buffered(head), f), o)
	}
	if s.format == formatFile {
		return s.openFile(f, head, regular, opts)
	}
	if regular && s.size == 0 {
		return fmt.Errorf("%s: the file is empty", s.label())
	}
	first = slices.Clone(first)
	return s.notArrow(s.openStreams(ctx, opts, nil, named{io.MultiReader(buffered(head), f), s.name}), first, o)
}

// options are those of the source's readers.
func (s *source) options(o *options, level ipc.Level) *ipc.ReaderOptions {
	return &ipc.ReaderOptions{Validate: level, Limits: o.limits(), AllowMissingEnd: o.unfinished, Select: func(schema *ipc.Schema) (selected []bool, err error) {
		places, err := o.project(schema)
		if s.schema == nil { // else it is another stream's, read by a goroutine of its own
			s.places = places
		}
		selected = make([]bool, len(schema.Fields))
		for i := range selected {
			selected[i] = places == nil || slices.Contains(places, i)
		}
		return selected, err
	}}
}

// openStreams reads a stream, or the lanes of several.
func (s *source) openStreams(ctx context.Context, opts *ipc.ReaderOptions, lane *lanes.Options, from ...io.Reader) error {
	readers := make([]*lanes.Counted[ipc.Batch, laneStats], len(from))
	sources := make([]lanes.Source[ipc.Batch], len(from))
	var first *ipc.Schema
	for i, in := range from {
		r := ipc.NewReader(in, opts)
		if i > 0 {
			readers[i] = lanes.Count[ipc.Batch, laneStats](streamLane{lanes.Alike(r, first), r})
			sources[i] = readers[i]
			continue
		}
		schema, err := r.Schema(ctx)
		if err != nil {
			return err
		}
		first = schema
		s.take(schema)
		readers[i] = lanes.Count[ipc.Batch, laneStats](streamLane{r, r})
		sources[i] = readers[i]
	}
	all := sources[0]
	if lane != nil {
		r := lanes.NewReader(sources, lane)
		closing := s.close
		s.close = func() error { return errors.Join(closing(), r.Close()) }
		all = r
	}
	s.next = func(ctx context.Context) (ipc.Batch, error) {
		b, err := all.Next(ctx)
		return b, unfinished(err)
	}
	s.others = func() ipc.Attached { return readers[0].Stats().attached }
	s.stats = func() (sum ipc.Stats) {
		for _, r := range readers {
			one := r.Stats()
			sum.Bytes, sum.Realigned = sum.Bytes+one.Bytes, sum.Realigned+one.Realigned
		}
		return sum
	}
	return nil
}

// streamLane is the reader of a stream as a lane, whose batches may come through another.
type streamLane struct {
	lanes.Source[ipc.Batch]
	r *ipc.Reader
}

// laneStats is what is told of a lane while a goroutine of its own reads it.
type laneStats struct {
	ipc.Stats
	attached ipc.Attached
}

// Stats returns the reader's statistics and what is attached to its messages.
func (l streamLane) Stats() laneStats { return laneStats{l.r.Stats(), l.r.Attached()} }

// unfinished adds to the error of a stream without an end marker how to read it all the same.
func unfinished(err error) error {
	if errors.Is(err, ipc.ErrUnfinished) {
		return fmt.Errorf("%w; --unfinished takes it as it is", err)
	}
	return err
}

// remark tells of bytes behind the end marker of a stream, such as of another stream, which were not read.
func (s *source) remark(o *options, std std) {
	if rest := s.size - s.stats().Bytes; s.format == formatStream && s.size != 0 && rest > 0 && !o.quiet {
		fmt.Fprintf(std.err, "lightstream: %s: %d bytes follow the end marker and were not read\n", s.label(), rest)
	}
}

// pass tells of columns that are not read, as --schema lacks them.
func (s *source) pass(o *options, std std) {
	if len(s.passed) != 0 && !o.quiet {
		fmt.Fprintf(std.err, "lightstream: %s: --schema lacks columns that are not read: %s\n", s.label(), few(s.passed))
	}
	if closing := s.close; s.unread != nil && !o.quiet {
		s.close = func() error {
			err := closing()
			s.unread.tell(s, std)
			return err
		}
	}
}

// unread are the columns of the files of a dataset that --schema lacks. They are known when the files are read, several at once.
type unread struct {
	mu      sync.Mutex
	columns []string // in quotes
	files   map[string]bool
	first   string
}

// note takes those of a file.
func (u *unread) note(name string, columns []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.files[name] = true; u.first == "" || name < u.first {
		u.first = name
	}
	for _, c := range columns {
		if c = strconv.Quote(c); !slices.Contains(u.columns, c) {
			u.columns = append(u.columns, c)
		}
	}
}

// tell tells of them.
func (u *unread) tell(s *source, std std) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.columns) == 0 {
		return
	}
	of := u.first
	if n := len(u.files); n > 1 {
		of = fmt.Sprintf("%d files, the first %s", n, u.first)
	}
	slices.Sort(u.columns)
	fmt.Fprintf(std.err, "lightstream: %s: --schema lacks columns that are not read: %s (of %s)\n", s.label(), few(u.columns), of)
	u.columns = nil
}

// label is what messages call the source.
func (s *source) label() string { return named{nil, s.name}.Name() }

// named gives a source its name in errors.
type named struct {
	io.Reader
	name string
}

func (n named) Name() string {
	if n.name == "-" {
		return "standard input"
	}
	return n.name
}

// buffered returns what r has read ahead.
func buffered(r *bufio.Reader) io.Reader { return io.LimitReader(r, int64(r.Buffered())) }

// spool copies what comes through a pipe to a temporary file.
func spool(src io.Reader) (f *os.File, remove func() error, err error) {
	if f, err = os.CreateTemp("", "lightstream-*.arrow"); err != nil {
		return nil, nil, err
	}
	temporary.add(f.Name())
	remove = func() error { return errors.Join(f.Close(), temporary.remove(f.Name())) }
	if _, err = io.Copy(f, src); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return f, remove, nil
}

// openFile reads a file, by way of a temporary one if it comes through a pipe: its footer comes last.
func (s *source) openFile(f *os.File, head *bufio.Reader, regular bool, opts *ipc.ReaderOptions) error {
	src := f
	if !regular {
		spooled, remove, err := spool(io.MultiReader(buffered(head), f))
		if err != nil {
			return err
		}
		closeInput := s.close
		s.close = func() error { return errors.Join(closeInput(), remove()) }
		if s.size, err = spooled.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
		src = spooled
	}
	if opts.Limits == nil { // no body is longer than the file that has it
		usual := opts.Limits.WithDefaults()
		opts.Limits = &ipc.Limits{MaxBody: max(usual.MaxBody, s.size)}
	}
	r, err := ipc.NewFileReader(src, s.size, opts)
	if err != nil {
		return err
	}
	s.take(r.Schema())
	s.footer = r.Footer()
	at := 0
	s.next = func(ctx context.Context) (ipc.Batch, error) {
		if err := ctx.Err(); err != nil {
			return ipc.Batch{}, err
		}
		if at == r.NumBatches() {
			return ipc.Batch{}, io.EOF
		}
		at++
		return r.Batch(at - 1)
	}
	s.stats, s.others = r.Stats, r.Attached
	return nil
}

// take sets the schema, that of the columns wanted.
func (s *source) take(schema *ipc.Schema) {
	s.schema = schema
	if s.places == nil {
		return
	}
	s.schema = &ipc.Schema{Metadata: schema.Metadata}
	for _, i := range s.places {
		s.schema.Fields = append(s.schema.Fields, schema.Fields[i])
	}
}

// attached returns what is attached to messages that are no batches, with the ids that a writer of the columns wanted gives their
// dictionaries.
func (s *source) attached() ipc.Attached {
	have := s.others()
	a := ipc.Attached{Schema: have.Schema}
	if len(have.Dictionaries) == 0 {
		return a
	}
	a.Dictionaries = make(map[int64][]ipc.KeyValue)
	var number func(from, to []ipc.Field)
	number = func(from, to []ipc.Field) {
		for i := range from {
			if d := from[i].Dictionary; d != nil && have.Dictionaries[d.ID] != nil {
				a.Dictionaries[to[i].Dictionary.ID] = have.Dictionaries[d.ID]
			}
			number(from[i].Children, to[i].Children)
		}
	}
	number(s.schema.Fields, s.schema.WithIDs().Fields)
	return a
}

// pick returns the columns of a batch that are wanted, in their order. They are valid until it is released.
func (s *source) pick(b ipc.Batch) []column.Data {
	all := ipc.Columns(b)
	if s.places == nil {
		return all
	}
	s.picked = s.picked[:0]
	for _, i := range s.places {
		s.picked = append(s.picked, all[i])
	}
	return s.picked
}
