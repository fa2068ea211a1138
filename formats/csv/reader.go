package csv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Reader reads batches of any schema. It is for one goroutine at a time; its batches are for any.
type Reader struct {
	core   *core
	schema *ipc.Schema
	maker  *ipc.Maker
}

// NewReader returns a reader of the CSV in r, of which it reads the first chunk: names, and types where they are inferred. Nil options
// mean all defaults.
func NewReader(r io.Reader, opts *Options) (*Reader, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	c, err := newCore(r, o)
	if err != nil {
		return nil, err
	}
	schema := o.Schema
	if schema == nil {
		if schema, err = c.infer(); err != nil {
			return nil, err
		}
	} else if err := c.find(schema, nil); err != nil {
		return nil, err
	}
	c.newSet = func() (*set, error) {
		s := &set{}
		for i := range schema.Fields {
			col, err := text.ColumnOf(&schema.Fields[i], &o.Values)
			if err != nil {
				return nil, err
			}
			s.columns = append(s.columns, col)
		}
		return s, nil
	}
	first, err := c.take()
	if err != nil {
		return nil, err
	}
	c.give(first)
	return &Reader{core: c, schema: schema, maker: ipc.NewMaker(o.Pool)}, nil
}

// Schema returns the columns of the batches.
func (r *Reader) Schema() *ipc.Schema { return r.schema }

// Next returns the next batch, which is valid until it is released. The error is io.EOF after the last; a [*text.ValueError] for a record
// that could not be read, where Options do not let it pass; or the cause of ctx, which is looked at between chunks.
func (r *Reader) Next(ctx context.Context) (ipc.Batch, error) {
	res, err := r.core.next(ctx)
	if err != nil {
		return ipc.Batch{}, err
	}
	return r.maker.Batch(res.rows, res.set.data, func() { r.core.give(res.set) }), nil
}

// Stats returns what the reader has done so far.
func (r *Reader) Stats() Stats { return r.core.stats }

// set is the memory of one batch: its columns.
type set struct {
	columns []*text.Column
	data    []column.Data
}

// core is the part of readers that does not know the types of rows.
type core struct {
	opts   *Options
	source source
	split  *splitter
	header []string
	places []int // of the columns, in records; -1 for one that is absent
	first  *chunk
	newSet func() (*set, error)
	stats  Stats
	err    error // that ended the reading

	queue  []*result // batches that were parsed
	chunks []*chunk  // that were read ahead

	mu   sync.Mutex
	sets []*set

	parsers []*parser
}

// result is what was made of a part of a chunk.
type result struct {
	rows    int
	set     *set // nil where there are no rows
	rejects []reject
	ragged  int64
	err     error // that ends the reading
}

// reject is a record that was passed over.
type reject struct {
	err  *text.ValueError
	line []byte
	pos  uint32 // in its chunk
}

// newCore reads the first chunk and the header.
func newCore(r io.Reader, o *Options) (*core, error) {
	c := &core{opts: o, split: newSplitter(o)}
	c.source = source{src: r, opts: o, split: c.split, line: 1}
	var first *chunk
	var b block
	for b.rows == 0 && (first == nil || !first.final) { // there may be no record in what comes first
		if first != nil {
			c.source.give(first)
		}
		var err error
		if first, err = c.source.next(); err != nil {
			return nil, err
		}
		first.pos = c.split.records(first, &b, 0, 1, true)
	}
	c.first = first
	if o.NoHeader {
		first.pos = 0
		if c.split.stride > o.MaxColumns {
			return nil, c.tooManyColumns()
		}
		return c, nil
	}
	if b.rows == 0 {
		if first.final && o.Schema == nil {
			return nil, errors.New("lightstream: the input has no line with the names of its columns")
		}
		return c, nil
	}
	if len(b.marks) != 0 {
		m := b.marks[0]
		return nil, first.error(m.pos, "", "", m.err, first.buf[b.starts[0]:first.n])
	}
	if len(b.spans) > o.MaxColumns {
		return nil, c.tooManyColumns()
	}
	for _, f := range b.spans {
		name := first.buf[f.start&^quoted : f.end]
		if !utf8.Valid(name) {
			if o.UTF8 == RefuseUTF8 {
				return nil, first.error(int(f.start&^quoted), "", "a name", text.ErrUTF8, name)
			}
			name = bytes.ToValidUTF8(name, []byte("\uFFFD"))
		}
		c.header = append(c.header, string(name))
	}
	return c, nil
}

func (c *core) tooManyColumns() error {
	return fmt.Errorf("lightstream: %w: %d columns, more than Options.MaxColumns (%d)", text.ErrLimit, c.split.stride, c.opts.MaxColumns)
}

// error returns the error of a record.
func (c *chunk) error(pos int, field, want string, err error, found []byte) *text.ValueError {
	line, col := c.place(pos)
	return &text.ValueError{Line: line, Column: col, Path: field, Found: text.Shorten(found), Want: want, Err: err}
}

// names returns the names of the fields of the input.
func (c *core) names() []string {
	if c.header != nil {
		return c.header
	}
	names := make([]string, c.split.stride)
	for i := range names {
		names[i] = "f" + strconv.Itoa(i)
	}
	return names
}

// find looks for the columns of a schema in the input. Older returns an older name of a column, "" for none.
func (c *core) find(schema *ipc.Schema, older func(i int) string) error {
	c.places = make([]int, len(schema.Fields))
	if c.header == nil || c.opts.ByPosition {
		for i := range c.places {
			c.places[i] = i
		}
		if n := c.split.stride; n != 0 && len(c.places) > n && !c.split.pad {
			return fmt.Errorf("lightstream: %w: the input has %d columns, the schema %d", text.ErrRagged, n, len(c.places))
		}
		for i := range c.places {
			if n := c.split.stride; n != 0 && i >= n {
				c.places[i] = -1
			}
		}
		return nil
	}
	var missing []string
	for i := range schema.Fields {
		f := &schema.Fields[i]
		at, err := c.named(f.Name)
		if err == nil && at < 0 && older != nil && older(i) != "" {
			at, err = c.named(older(i))
		}
		if err != nil {
			return err
		}
		if c.places[i] = at; at < 0 && !f.Nullable && f.Type.Kind != ipc.KindNull {
			missing = append(missing, strconv.Quote(f.Name))
		}
	}
	if len(missing) != 0 {
		return fmt.Errorf("lightstream: %w: no column %s in the header, and it may not be null; the header has %.200q",
			text.ErrMissing, joined(missing), c.header)
	}
	return nil
}

func joined(list []string) string {
	if len(list) > 5 {
		return fmt.Sprintf("%s and %d others", list[0], len(list)-1)
	}
	s := list[0]
	for _, l := range list[1:] {
		s += ", " + l
	}
	return s
}

func (c *core) named(name string) (int, error) {
	at := slices.Index(c.header, name)
	if at >= 0 && slices.Contains(c.header[at+1:], name) {
		return 0, fmt.Errorf("lightstream: %w: the header has two columns %q; take them by position", text.ErrTwice, name)
	}
	return at, nil
}

// take returns memory for a batch.
func (c *core) take() (*set, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.sets); n > 0 {
		s := c.sets[n-1]
		c.sets = c.sets[:n-1]
		return s, nil
	}
	s, err := c.newSet()
	if err != nil {
		return nil, err
	}
	s.data = make([]column.Data, len(s.columns))
	return s, nil
}

// give takes the memory of a batch that was released.
func (c *core) give(s *set) {
	for _, col := range s.columns {
		col.Builder().Reset()
	}
	c.mu.Lock()
	if len(c.sets) < 2*c.opts.Parallel+2 {
		c.sets = append(c.sets, s)
	}
	c.mu.Unlock()
}

// next returns the next rows.
func (c *core) next(ctx context.Context) (*result, error) {
	for c.err == nil {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		for len(c.queue) > 0 {
			res := c.queue[0]
			c.queue = c.queue[1:]
			if err := c.account(res); err != nil {
				c.err = err
				break
			}
			if res.rows > 0 {
				c.stats.Batches++
				c.stats.Rows += int64(res.rows)
				return res, nil
			}
			if res.set != nil {
				c.give(res.set)
			}
		}
		if c.err == nil {
			c.err = c.work()
		}
	}
	return nil, c.err
}

// account counts what was passed over, and returns the error of what may not be. Rows before such a record are given out first.
func (c *core) account(res *result) error {
	c.stats.Ragged += res.ragged
	for i := range res.rejects {
		r := &res.rejects[i]
		if c.opts.MaxRejected >= 0 && c.stats.Rejected >= c.opts.MaxRejected {
			if c.opts.MaxRejected > 0 {
				return fmt.Errorf("%w (%d records were rejected before, the most that Options.MaxRejected lets pass)", r.err, c.stats.Rejected)
			}
			return r.err
		}
		c.stats.Rejected++
		if c.opts.OnRejected != nil {
			c.opts.OnRejected(r.err)
		}
		if c.opts.Rejected != nil {
			if _, err := c.opts.Rejected.Write(r.line); err != nil {
				return fmt.Errorf("lightstream: writing rejected records: %w", err)
			}
		}
	}
	return res.err
}

// read returns the next chunk, nil at the end.
func (c *core) read() (*chunk, error) {
	if ch := c.first; ch != nil {
		c.first = nil
		return ch, nil
	}
	if c.source.ended {
		return nil, nil
	}
	ch, err := c.source.next()
	c.stats.Bytes = c.source.bytes
	return ch, err
}

// work parses the next chunks: one, or as many at once as there may be, while those after them are read.
func (c *core) work() error {
	for len(c.parsers) < c.opts.Parallel {
		c.parsers = append(c.parsers, newParser(c))
	}
	if c.opts.Parallel == 1 {
		if len(c.chunks) == 0 {
			ch, err := c.read()
			if err != nil || ch == nil {
				return orEOF(err)
			}
			c.chunks = append(c.chunks, ch)
		}
		ch := c.chunks[0]
		c.queue = append(c.queue[:0], c.parsers[0].parse(ch))
		if ch.pos >= ch.n {
			c.chunks = c.chunks[:0]
			c.source.give(ch)
		}
		c.stats.Bytes = c.source.bytes
		return nil
	}
	if len(c.chunks) == 0 {
		if err := c.ahead(); err != nil && len(c.chunks) == 0 {
			return err
		}
	}
	now := c.chunks
	c.chunks = nil
	results := make([][]*result, len(now))
	var wg sync.WaitGroup
	for i, ch := range now {
		p := c.parsers[i]
		wg.Go(func() {
			for ch.pos < ch.n {
				results[i] = append(results[i], p.parse(ch))
			}
		})
	}
	err := c.ahead()
	wg.Wait()
	c.queue = c.queue[:0]
	for i, list := range results {
		c.queue = append(c.queue, list...)
		c.source.give(now[i])
	}
	if err != nil && err != io.EOF {
		c.queue = append(c.queue, &result{err: err})
	}
	return nil
}

// ahead reads as many chunks as are parsed at once. The error is io.EOF where there are no more.
func (c *core) ahead() error {
	for len(c.chunks) < c.opts.Parallel {
		ch, err := c.read()
		if err != nil || ch == nil {
			return orEOF(err)
		}
		c.chunks = append(c.chunks, ch)
	}
	return nil
}

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// parser makes batches of chunks. Each is for one goroutine.
type parser struct {
	core    *core
	split   splitter
	block   block
	maxNull int
	bad     []failure // of the block
	valid   []byte    // text that was made valid
}

// failure is the first field of a row that could not be read.
type failure struct {
	column int // -1 for the record as a whole
	err    error
	mark   mark
}

// blockRows is how many records are split before they are parsed, column by column: few enough to stay in the processor's cache.
const blockRows = 512

func newParser(c *core) *parser {
	p := &parser{core: c, split: *c.split}
	for _, s := range c.opts.Nulls {
		p.maxNull = max(p.maxNull, len(s))
	}
	return p
}

// parse makes a batch of what is left of a chunk, or of as many rows as one may have.
func (p *parser) parse(c *chunk) *result {
	res := &result{}
	var err error
	if res.set, err = p.core.take(); err != nil {
		res.err = err
		c.pos = c.n
		return res
	}
	b := &p.block
	for res.rows < p.core.opts.BatchRows && c.pos < c.n {
		b.reset()
		c.buf = c.buf[:c.n]
		next := p.split.records(c, b, c.pos, min(blockRows, p.core.opts.BatchRows-res.rows), true)
		p.columns(c, res)
		c.pos = next
		if len(res.rejects) > 0 && p.core.opts.MaxRejected == 0 {
			c.pos = c.n // nobody will see what is behind it
		}
	}
	slices.SortFunc(res.rejects, func(a, b reject) int { return cmp.Compare(a.pos, b.pos) })
	for i, col := range res.set.columns {
		if err := col.Builder().Err(); err != nil && res.err == nil {
			res.err = err
		}
		col.Builder().DataTo(&res.set.data[i])
	}
	return res
}

// columns adds the rows of the block to the columns, but for those in which a field cannot be read.
func (p *parser) columns(c *chunk, res *result) {
	b := &p.block
	if len(b.marks) != 0 {
		p.fail(-1)
		for _, m := range b.marks {
			p.bad[m.row] = failure{-1, m.err, m}
		}
		p.drop(c, res)
	}
	for b.rows > 0 {
		failed := false
		for k, col := range res.set.columns {
			if at := p.core.places[k]; at >= 0 {
				failed = p.column(c, k, at, col) || failed
			} else {
				failed = p.absent(k, col) || failed
			}
		}
		if !failed {
			res.rows += b.rows
			return
		}
		for _, col := range res.set.columns {
			col.Builder().Truncate(res.rows)
		}
		p.drop(c, res)
	}
}

// fail makes room for the failures of the block, and notes one of column k.
func (p *parser) fail(k int) {
	if len(p.bad) != p.block.rows {
		p.bad = append(p.bad[:0], make([]failure, p.block.rows)...)
	}
}

// drop takes rows out of the block that have failed.
func (p *parser) drop(c *chunk, res *result) {
	b, stride := &p.block, p.split.stride
	kept := 0
	for i := range b.rows {
		f := &p.bad[i]
		if f.err == nil {
			copy(b.spans[kept*stride:(kept+1)*stride], b.spans[i*stride:(i+1)*stride])
			b.starts[kept], b.ends[kept] = b.starts[i], b.ends[i]
			kept++
			continue
		}
		if f.err == text.ErrRagged && p.core.opts.Ragged == SkipRagged {
			res.ragged++
			continue
		}
		res.rejects = append(res.rejects, reject{p.describe(c, i, f, res.set), bytes.Clone(c.buf[b.starts[i]:b.ends[i]]), b.starts[i]})
	}
	b.rows = kept
	p.bad = p.bad[:0]
}

// describe returns the error of row i of the block.
func (p *parser) describe(c *chunk, i int, f *failure, s *set) *text.ValueError {
	b := &p.block
	if f.column < 0 {
		found, want := c.buf[f.mark.pos:min(f.mark.pos+100, c.n)], ""
		if n := bytes.IndexByte(found, '\n'); n >= 0 {
			found = bytes.TrimSuffix(found[:n], []byte{'\r'})
		}
		switch f.err {
		case text.ErrRagged:
			want = fmt.Sprintf("%d fields", p.split.stride)
		case text.ErrLimit:
			want = fmt.Sprintf("a field of at most %d bytes; raise MaxField", p.core.opts.MaxField)
		case text.ErrSyntax:
			if want = "no quote in a field that does not begin with one"; c.buf[f.mark.pos] != '"' {
				want = "a delimiter or the end of the line behind a field in quotes"
			} else if f.mark.pos == int(b.starts[i]) || c.buf[f.mark.pos-1] == p.split.comma {
				want = "a quote that closes the field"
			}
		}
		return c.error(f.mark.pos, "", want, f.err, found)
	}
	col := s.columns[f.column]
	name, want := col.Field().Name, col.Want()
	pos, found := int(b.starts[i]), []byte(nil)
	if at := p.core.places[f.column]; at >= 0 {
		sp := b.spans[i*p.split.stride+at]
		found = c.buf[sp.start&^quoted : sp.end]
		if pos = int(sp.start &^ quoted); pos >= c.n || sp == missing { // a text of its own
			pos = int(b.starts[i])
		} else if sp.start&quoted != 0 {
			pos--
		}
	}
	err := f.err
	var inner *text.ValueError
	if errors.As(err, &inner) {
		if err = inner.Err; inner.Path != "" {
			name += "." + inner.Path
		}
		found, want = []byte(nil), inner.Want
		e := c.error(pos, name, want, err, found)
		e.Found = inner.Found
		return e
	}
	return c.error(pos, name, want, err, found)
}

// absent adds nulls for a column that the input does not have.
func (p *parser) absent(k int, col *text.Column) (failed bool) {
	for i := range p.block.rows {
		if err := col.AppendNull(); err != nil {
			failed = p.failed(k, i, err)
		}
	}
	return failed
}

func (p *parser) failed(k, row int, err error) bool {
	p.fail(k)
	if p.bad[row].err == nil {
		p.bad[row] = failure{column: k, err: err}
	}
	return true
}

// column adds the fields at a place of the records to a column.
func (p *parser) column(c *chunk, k, at int, col *text.Column) (failed bool) {
	spans, stride, data := p.block.spans, p.split.stride, c.buf
	plain := p.maxNull == 0 && !p.core.opts.TrimSpace && !c.bad
	for i := range p.block.rows {
		sp := spans[i*stride+at]
		f := data[sp.start&^quoted : sp.end]
		var err error
		switch {
		case len(f) != 0 && plain:
			err = col.AppendText(f)
		case sp == missing || len(f) == 0:
			err = p.empty(sp, col)
		default:
			err = p.special(sp, f, col)
		}
		if err != nil {
			failed = p.failed(k, i, err)
		}
	}
	return failed
}

// empty adds an empty field: a null, or an empty text.
func (p *parser) empty(sp span, col *text.Column) error {
	if !col.Empty() {
		return col.AppendNull()
	}
	if sp == missing || sp.start&quoted == 0 && col.Field().Nullable {
		return col.AppendNull()
	}
	return col.AppendText([]byte{})
}

// special adds a field that may be a null, have spaces around it, or be no UTF-8.
func (p *parser) special(sp span, f []byte, col *text.Column) error {
	if sp.start&quoted == 0 {
		if p.core.opts.TrimSpace {
			if f = bytes.Trim(f, " \t"); len(f) == 0 {
				return p.empty(sp, col)
			}
		}
		if len(f) <= p.maxNull {
			for _, null := range p.core.opts.Nulls {
				if string(f) == null {
					return col.AppendNull()
				}
			}
		}
	}
	if !utf8.Valid(f) {
		if p.core.opts.UTF8 == RefuseUTF8 {
			return text.ErrUTF8
		}
		p.valid = append(p.valid[:0], bytes.ToValidUTF8(f, []byte("\uFFFD"))...)
		f = p.valid
	}
	return col.AppendText(f)
}
