package ndjson

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/lightstream-go/lightstream/formats/internal/chunks"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Options are the settings of a [Reader].
type Options struct {
	// Schema are the columns that are wanted, with their types. Nil means that they are inferred.
	Schema *ipc.Schema
	// Types are the types of some columns by name, where those of the others are inferred.
	Types []ipc.Field
	// SampleRows is how many records of the first chunk types are inferred from. Zero means 10,000.
	SampleRows int
	// Values say how values are read. Its JSON has the policies for fields that are not in the schema, keys that come twice, values of
	// another type, numbers out of range and those that are not finite, and the limit of nesting.
	Values text.Options

	// MaxRejected is how many records may be passed over because a value in them could not be read. The next one is the
	// reader's error, which wraps [text.ErrRejected].
	// Zero means none, a negative number any. With others than zero a record whose values are of another kind than those that types are
	// inferred from is one of them, and not an error of NewReader.
	MaxRejected int64
	// Rejected takes the records that were passed over, as they are. Nil drops them.
	Rejected io.Writer
	// OnRejected is told of each of them, in their order, by the goroutine that calls Next. Nil is nobody.
	OnRejected func(*text.ValueError)

	// Parallel is how many goroutines parse lines at once, each a chunk. The batches come in order. Zero means one, and so does an array.
	Parallel int
	// ChunkBytes is how much is read at once, in bytes; a batch holds the records of one chunk at most. Zero means 1 MiB.
	ChunkBytes int
	// BatchRows is the most rows of a batch. Zero means 65,536.
	BatchRows int
	// MaxRecord is the longest record, in bytes. Zero means 64 MiB, and the most is 1 GiB.
	MaxRecord int
	// Name is what errors call the input. Empty means what the method Name of the reader of bytes returns, as [os.File] has one, if it has one.
	Name string
}

func (o *Options) withDefaults(r io.Reader) (*Options, error) {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Name == "" {
		d.Name = ipc.SourceName(r)
	}
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&d.SampleRows, 10_000)
	set(&d.Parallel, 1)
	set(&d.ChunkBytes, 1<<20)
	set(&d.BatchRows, 65_536)
	set(&d.MaxRecord, 64<<20)
	d.MaxRecord = min(d.MaxRecord, chunks.MostRecord)
	d.ChunkBytes = min(d.ChunkBytes, d.MaxRecord)
	if d.Schema != nil && len(d.Types) != 0 {
		return nil, errors.New("lightstream: Options.Types are for types that are inferred, and Schema has them all")
	}
	return &d, nil
}

// Stats counts what a reader has done so far.
type Stats struct {
	Batches  int64
	Rows     int64
	Bytes    int64 // read
	Rejected int64 // records that were passed over
}

// Reader reads batches of any schema. It is for one goroutine at a time; its batches are for any.
type Reader struct {
	core   *core
	schema *ipc.Schema
}

// NewReader returns a reader of the lines of JSON in r, or of an array, of which it reads the first chunk, from which types are inferred.
// Nil options mean all defaults.
func NewReader(r io.Reader, opts *Options) (*Reader, error) {
	o, err := opts.withDefaults(r)
	if err != nil {
		return nil, err
	}
	c := coreOf(r, o)
	schema, err := c.open()
	if err != nil {
		return nil, c.Opts.Named(err)
	}
	return &Reader{core: c, schema: schema}, nil
}

// open reads the first chunk, and returns the columns that are read.
func (c *core) open() (schema *ipc.Schema, err error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	if schema = c.opts.Schema; schema == nil {
		if schema, err = c.infer(); err != nil {
			return nil, err
		}
	}
	c.NewSet = func() (*chunks.Set, error) { return chunks.SetOf(schema, &c.opts.Values) }
	return schema, c.Start()
}

var _ ipc.Source = (*Reader)(nil)

// Schema returns the columns of the batches, which are known from the beginning: there is no error.
func (r *Reader) Schema(context.Context) (*ipc.Schema, error) { return r.schema, nil }

// Next returns the next batch, which is valid until it is released. The error is io.EOF after the last; a [*text.ValueError] for a record
// that could not be read, where Options do not let it pass, of whose chunk no rows are given out; or the cause of ctx, which is looked at
// between chunks.
func (r *Reader) Next(ctx context.Context) (ipc.Batch, error) {
	res, err := r.core.Next(ctx)
	if err != nil {
		return ipc.Batch{}, err
	}
	return ipc.NewBatch(res.Rows, res.Set.Data, func() { r.core.Give(res.Set) }), nil
}

// Stats returns what the reader has done so far.
func (r *Reader) Stats() Stats { return r.core.counted() }

// core is the part of readers that does not know the types of rows.
type core struct {
	chunks.Core
	opts  *Options
	array bool
	older []string // names of columns
}

// coreOf returns the core of a reader, which has read nothing.
func coreOf(r io.Reader, o *Options) *core {
	c := &core{opts: o}
	c.Opts = &chunks.Options{
		Chunk: o.ChunkBytes, MaxRecord: o.MaxRecord, Parallel: o.Parallel,
		MaxRejected: o.MaxRejected, Rejected: o.Rejected, OnRejected: o.OnRejected, Name: o.Name,
	}
	var ends ender
	begun := false
	c.Source = chunks.NewSource(r, c.Opts, func(data []byte) int {
		if !begun { // the first bytes tell
			first := bytes.TrimLeft(data, " \t\r\n")
			begun, c.array = len(first) > 0, len(first) > 0 && first[0] == '['
		}
		if !begun {
			return 0 // a chunk of blank lines would not tell
		}
		if c.array {
			return ends.last(data)
		}
		return bytes.LastIndexByte(data, '\n') + 1
	})
	c.New = func() chunks.Parser { return newParser(c) }
	return c
}

// begin reads the first chunk, and looks whether it is an array.
func (c *core) begin() error {
	first, err := c.Source.Next()
	if err != nil {
		return err
	}
	if start := bytes.TrimLeft(first.Buf, " \t\r\n"); len(start) > 0 { // also where the chunk has no end to look for
		c.array = start[0] == '['
	}
	if c.array {
		c.Opts.Parallel = 1
	}
	c.First = first
	return nil
}

func (c *core) counted() Stats {
	s := c.Stats()
	return Stats{Batches: s.Batches, Rows: s.Rows, Bytes: s.Bytes, Rejected: s.Rejected}
}

// ender finds where the items of an array end.
type ender struct{ inside bool }

// last returns where the last item of data ends, or the array; 0 where none does.
func (e *ender) last(data []byte) (last int) {
	i, depth := 0, 0
	if !e.inside { // up to the bracket that opens the array
		i = bytes.IndexByte(data, '[') + 1
	}
	for ; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				last = i + 1
			}
		}
	}
	e.inside = e.inside || last > 0
	return min(last, len(data))
}

// parser makes batches of chunks.
type parser struct {
	core   *core
	json   text.JSON
	set    *chunks.Set // that record is of
	record *text.Record

	opened, closed, item bool // of an array: its brackets, and an item that needs a comma behind it
}

func newParser(c *core) *parser {
	p := &parser{core: c}
	p.json.Opts = c.opts.Values.JSON
	return p
}

// Parse adds the rows of what is left of a chunk, or as many as a batch may have.
func (p *parser) Parse(c *chunks.Chunk, res *chunks.Result) {
	if p.set != res.Set {
		p.set, p.record = res.Set, text.NewRecord(res.Set.Columns, p.core.older)
	}
	p.json.Checked = !c.Bad
	for res.Rows < p.core.opts.BatchRows && c.Pos < c.N && res.Err == nil {
		if p.core.array {
			p.itemAt(c, res)
		} else {
			p.lineAt(c, res)
		}
		if res.Full {
			return
		}
		if len(res.Rejects) > 0 && p.core.opts.MaxRejected == 0 {
			return
		}
	}
	if p.core.array && c.Final && c.Pos >= c.N && !p.closed && res.Err == nil {
		res.Err = c.Error(c.N, "", "the end of the array", text.ErrSyntax, nil)
	}
}

// lineAt adds the row of the line at the chunk's position.
func (p *parser) lineAt(c *chunks.Chunk, res *chunks.Result) {
	pos, end := c.Pos, c.N
	if n := bytes.IndexByte(c.Buf[pos:c.N], '\n'); n >= 0 {
		end = pos + n
	}
	c.Pos = min(end+1, c.N)
	j := &p.json
	j.Reset(c.Buf[:end], pos)
	if j.Space() == 0 && j.Pos == end {
		return
	}
	err := p.record.AppendJSON(j)
	if err == nil {
		if j.Space(); j.Pos == end {
			res.Rows++
			return
		}
		err = j.Trailing("the end of the line behind the object")
	}
	if p.full(c, res, err, pos) {
		return
	}
	if errors.Is(err, text.ErrUnknown) { // which is no JSON, perhaps, so that nothing was inferred from it
		j.Reset(c.Buf[:end], pos)
		if syntax := j.Skip(); syntax != nil {
			err = syntax
		}
	}
	var e *text.ValueError
	if end < c.N && errors.As(err, &e) && j.Broken() && len(bytes.TrimSpace(c.Buf[min(e.Offset, end):end])) == 0 {
		e.Found, e.Want = "", e.Want+"; an object stands on one line"
	}
	p.reject(c, res, err, pos, c.Pos)
}

// full tells whether a record at pos has met a dictionary that was full before, so that it begins the next batch.
func (p *parser) full(c *chunks.Chunk, res *chunks.Result, err error, pos int) bool {
	if !errors.Is(err, text.ErrFull) {
		return false
	}
	if res.Rows == 0 && res.Fresh { // by the record alone
		res.Fresh = false
		return false
	}
	res.Set.Truncate(res.Rows)
	res.Full, c.Pos = true, pos
	return true
}

// itemAt adds the row of the item at the chunk's position.
func (p *parser) itemAt(c *chunks.Chunk, res *chunks.Result) {
	j := &p.json
	j.Reset(c.Buf[:c.N], c.Pos)
	start, before := c.Pos, p.item
	first := j.Space()
	fail := func(want string) {
		res.Err = p.placed(c, j.Trailing(want))
	}
	switch {
	case first == 0 && j.Pos == c.N:
		c.Pos = c.N
		return
	case p.closed:
		fail("nothing behind the array")
		return
	case !p.opened: // it was found when the input was looked at
		p.opened = true
		c.Pos = j.Pos + 1
		return
	case first == ']':
		p.closed = true
		c.Pos = j.Pos + 1
		return
	case p.item:
		if first != ',' {
			fail("a comma or the end of the array")
			return
		}
		j.Pos++
		if next := j.Space(); next == ']' || next == ',' || j.Pos == c.N {
			fail("an object")
			return
		}
	}
	p.item = true
	from := j.Pos
	err := p.record.AppendJSON(j)
	if err == nil {
		res.Rows++
		c.Pos = j.Pos
		return
	}
	if p.full(c, res, err, start) {
		p.item = before
		return
	}
	j.Reset(j.Data, from)
	if skipped := j.Skip(); skipped != nil { // where the item ends is not known
		res.Set.Truncate(res.Rows)
		res.Err = p.placed(c, skipped)
		return
	}
	c.Pos = j.Pos
	p.reject(c, res, err, from, j.Pos)
}

// placed gives an error its line and column.
func (p *parser) placed(c *chunks.Chunk, err error) *text.ValueError {
	var e *text.ValueError
	if !errors.As(err, &e) {
		return &text.ValueError{Err: err}
	}
	e.Line, e.Column = c.Place(e.Offset)
	return e
}

// reject passes over a record.
func (p *parser) reject(c *chunks.Chunk, res *chunks.Result, err error, from, to int) {
	res.Set.Truncate(res.Rows)
	line := bytes.Clone(c.Buf[from:to])
	if p.core.array {
		line = append(line, '\n')
	}
	res.Rejects = append(res.Rejects, chunks.Reject{Err: p.placed(c, err), Line: line, Pos: from})
}
