package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/formats/internal/chunks"
	"github.com/lightstream-go/lightstream/formats/text"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Reader reads batches of any schema. It is for one goroutine at a time; its batches are for any.
type Reader struct {
	core   *core
	schema *ipc.Schema
}

// NewReader returns a reader of the CSV in r, of which it reads the first chunk: names, and types where they are inferred. Nil options
// mean all defaults.
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
		schema, err = c.infer()
	} else {
		err = c.find(schema, nil)
	}
	if err != nil {
		return nil, err
	}
	c.NewSet = func() (*chunks.Set, error) { return chunks.SetOf(schema, &c.opts.Values) }
	return schema, c.Start()
}

var _ ipc.Source = (*Reader)(nil)

// Schema returns the columns of the batches, which are known from the beginning: there is no error.
func (r *Reader) Schema(context.Context) (*ipc.Schema, error) { return r.schema, nil }

// Columns returns the names of the fields of the input, in their order: those of its header, or f0, f1 and so on where it has none. Those that
// Options.Schema lacks are not read.
func (r *Reader) Columns() []string { return slices.Clone(r.core.names()) }

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

func (c *core) counted() Stats {
	s := c.Stats()
	return Stats{Batches: s.Batches, Rows: s.Rows, Bytes: s.Bytes, Rejected: s.Rejected, Ragged: s.Skipped}
}

// core is the part of readers that does not know the types of rows.
type core struct {
	chunks.Core
	opts   *Options
	split  *splitter
	header []string
	places []int // of the columns, in records; -1 for one that is absent
}

// coreOf returns the core of a reader, which has read nothing.
func coreOf(r io.Reader, o *Options) *core {
	c := &core{opts: o, split: newSplitter(o)}
	c.Opts = &chunks.Options{
		Chunk: o.ChunkBytes, MaxRecord: o.MaxRecord, Parallel: o.Parallel,
		MaxRejected: o.MaxRejected, Rejected: o.Rejected, OnRejected: o.OnRejected, OnSkipped: o.OnRagged, Name: o.Name,
	}
	c.Source = chunks.NewSource(r, c.Opts, c.split.lastEnd)
	c.New = func() chunks.Parser { return newParser(c) }
	return c
}

// begin reads the first chunk and the header.
func (c *core) begin() error {
	o := c.opts
	var first *chunks.Chunk
	var b block
	lines := false                                      // whether a line ended with LF, in whichever chunk
	for b.rows == 0 && (first == nil || !first.Final) { // there may be no record in what comes first
		if first != nil {
			c.Source.Give(first)
		}
		var err error
		if first, err = c.Source.Next(); err != nil {
			return err
		}
		lines = lines || bytes.IndexByte(first.Buf[:first.N], '\n') >= 0
		c.split.begin()
		first.Pos = c.split.records(first, &b, 0, 1, true)
	}
	c.First = first
	if !o.NoHeader || !lines { // where there are lines, CR may be a part of a value
		if err := loneReturns(first, &b); err != nil {
			return err
		}
	}
	if o.NoHeader {
		first.Pos = 0
		if c.split.stride > o.MaxColumns {
			return c.tooManyColumns()
		}
		return nil
	}
	if b.rows == 0 {
		if first.Final && o.Schema == nil {
			return errors.New("lightstream: the input has no line with the names of its columns")
		}
		return nil
	}
	if len(b.marks) != 0 {
		m := b.marks[0]
		return first.Error(m.pos, "", "", m.err, first.Buf[b.starts[0]:first.N])
	}
	if len(b.places)/2 > o.MaxColumns {
		return c.tooManyColumns()
	}
	for k := range len(b.places) / 2 {
		f := b.span(0, k, 0)
		name := first.Buf[f.Start&^quoted : f.End]
		if !utf8.Valid(name) {
			if o.UTF8 != ReplaceUTF8 {
				return first.Error(int(f.Start&^quoted), "", "a name", text.ErrUTF8, name)
			}
			name = bytes.ToValidUTF8(name, []byte("\uFFFD"))
		}
		c.header = append(c.header, string(name))
	}
	if o.RejectedHeader {
		c.Opts.Head = append(bytes.Clone(bytes.TrimRight(first.Buf[b.starts[0]:b.ends[0]], "\r\n")), '\n')
	}
	return nil
}

// loneReturns refuses an input whose lines end with CR alone: the first record would be all of it, or have names with CR in them.
func loneReturns(first *chunks.Chunk, b *block) error {
	for k := range len(b.places) / 2 {
		f := b.span(0, k, 0)
		if f.Start&quoted != 0 {
			continue
		}
		if n := bytes.IndexByte(first.Buf[f.Start:f.End], '\r'); n >= 0 {
			return first.Error(int(f.Start)+n, "", `lines that end with LF or CRLF; convert those that end with CR, such as by tr '\r' '\n'`, text.ErrSyntax, first.Buf[f.Start:f.End])
		}
	}
	return nil
}

func (c *core) tooManyColumns() error {
	return fmt.Errorf("lightstream: %w: %d columns, more than Options.MaxColumns (%d); raise it", text.ErrLimit, c.split.stride, c.opts.MaxColumns)
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

// find looks for the columns of a schema in the input. Those of a table may have older names, and values where they are absent.
func (c *core) find(schema *ipc.Schema, columns []rt.Column) error {
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
	found := 0
	for i := range schema.Fields {
		f := &schema.Fields[i]
		at, err := c.named(f.Name)
		if err == nil && at < 0 && columns != nil && columns[i].Was != "" {
			at, err = c.named(columns[i].Was)
		}
		if err != nil {
			return err
		}
		if at >= 0 {
			found++
		} else if near := c.near(f.Name, schema); near != "" {
			return fmt.Errorf("lightstream: %w: no column %q in the header, which has %q; write it alike, or take columns by position", text.ErrMissing, f.Name, near)
		}
		if c.places[i] = at; at < 0 && !f.Nullable && f.Type.Kind != ipc.KindNull && (columns == nil || columns[i].Default == nil) {
			missing = append(missing, strconv.Quote(f.Name))
		}
	}
	if found == 0 && len(schema.Fields) != 0 { // all rows would be nulls
		return fmt.Errorf("lightstream: %w: the header has none of the columns %s; it has %.200q%s", text.ErrMissing, joined(quotedNames(schema)), c.header, c.commaHint(nil))
	}
	if len(missing) != 0 {
		return fmt.Errorf("lightstream: %w: no column %s in the header, and it may not be null; the header has %.200q",
			text.ErrMissing, joined(missing), c.header)
	}
	return nil
}

// near returns the name in the header that is a column's but for case and space around it, and nobody else's, or "".
func (c *core) near(name string, schema *ipc.Schema) string {
	for _, h := range c.header {
		if strings.EqualFold(strings.TrimSpace(h), strings.TrimSpace(name)) && !slices.ContainsFunc(schema.Fields, func(f ipc.Field) bool { return f.Name == h }) {
			return h
		}
	}
	return ""
}

// commaHint tells which character seems to stand between the fields, where the names, or a record, came as one.
func (c *core) commaHint(record []byte) string {
	if len(c.header) > 1 {
		return ""
	}
	if len(c.header) == 1 {
		record = []byte(c.header[0])
	}
	for _, r := range ";\t|," {
		if byte(r) != c.opts.Comma && bytes.ContainsRune(record, r) {
			return fmt.Sprintf("; if %q is between the fields, say so by Options.Comma", r)
		}
	}
	return ""
}

func quotedNames(schema *ipc.Schema) (names []string) {
	for i := range schema.Fields {
		names = append(names, strconv.Quote(schema.Fields[i].Name))
	}
	return names
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

// parser makes batches of chunks. Each is for one goroutine.
type parser struct {
	core    *core
	split   splitter
	block   block
	maxNull int
	plain   bool      // fields are values as they stand
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

// blockFields is how many fields that may be, where records have many.
const blockFields = 8192

func newParser(c *core) *parser {
	p := &parser{core: c, split: *c.split}
	for _, s := range c.opts.Nulls {
		p.maxNull = max(p.maxNull, len(s))
	}
	p.plain = p.maxNull == 0 && !c.opts.TrimSpace
	return p
}

// Parse makes a batch of what is left of a chunk, or of as many rows as one may have.
func (p *parser) Parse(c *chunks.Chunk, res *chunks.Result) {
	b := &p.block
	p.split.begin()
	most := max(1, min(blockRows, blockFields/max(p.split.stride, 1)))
	for res.Rows < p.core.opts.BatchRows && c.Pos < c.N {
		b.reset()
		c.Buf = c.Buf[:c.N]
		next := c.Pos
		if p.plain && !c.Bad {
			next = p.split.lean(c.Buf, b, c.Pos, p.core.opts.BatchRows-res.Rows)
		}
		if !b.lean {
			next = p.split.records(c, b, c.Pos, min(most, p.core.opts.BatchRows-res.Rows), true)
		}
		if at := p.columns(c, res); at >= 0 {
			res.Full, c.Pos = true, at
			return
		}
		c.Pos = next
		if len(res.Rejects) > 0 && p.core.opts.MaxRejected == 0 {
			return
		}
	}
}

// columns adds the rows of the block to the columns, but for those in which a field cannot be read. At a record for which a dictionary has
// no room it ends, and returns where that is, else -1.
func (p *parser) columns(c *chunks.Chunk, res *chunks.Result) int {
	b, at := &p.block, -1
	if len(b.marks) != 0 {
		p.fail(-1)
		for _, m := range b.marks {
			p.bad[m.row] = failure{-1, m.err, m}
		}
		p.drop(c, res)
	}
	for b.rows > 0 {
		failed := false
		for k, col := range res.Set.Columns {
			if at := p.core.places[k]; at >= 0 {
				failed = p.column(c, k, at, col) || failed
			} else {
				failed = p.absent(k, col) || failed
			}
		}
		if !failed {
			res.Rows += b.rows
			return at
		}
		res.Set.Truncate(res.Rows)
		b.fatten(p.split.stride)
		if i := slices.IndexFunc(p.bad, func(f failure) bool { return errors.Is(f.err, text.ErrFull) }); i > 0 || i == 0 && (res.Rows > 0 || !res.Fresh) {
			at = int(b.starts[i])
			b.rows, p.bad = i, p.bad[:i]
		} else if i == 0 { // by the record alone
			if res.Fresh = false; b.rows > 1 {
				at = int(b.starts[1])
				b.rows, p.bad = 1, p.bad[:1]
			}
		}
		p.drop(c, res)
	}
	return at
}

// fail makes room for the failures of the block, and notes one of column k.
func (p *parser) fail(k int) {
	if len(p.bad) != p.block.rows {
		p.bad = append(p.bad[:0], make([]failure, p.block.rows)...)
	}
}

// drop takes rows out of the block that have failed.
func (p *parser) drop(c *chunks.Chunk, res *chunks.Result) {
	b, stride := &p.block, p.split.stride
	b.fatten(stride)
	kept := 0
	for i := range b.rows {
		f := &p.bad[i]
		if f.err == nil {
			copy(b.places[2*kept*stride:2*(kept+1)*stride], b.places[2*i*stride:2*(i+1)*stride])
			b.starts[kept], b.ends[kept] = b.starts[i], b.ends[i]
			kept++
			continue
		}
		if (f.err == text.ErrRagged || f.err == text.ErrExtra) && p.core.opts.Ragged == SkipRagged {
			res.Skipped++
			continue
		}
		if f.mark.open { // which is no record to pass over: all that follows is in it
			res.Err = p.describe(c, i, f, res.Set)
			continue
		}
		res.Rejects = append(res.Rejects, chunks.Reject{Err: p.describe(c, i, f, res.Set), Line: bytes.Clone(c.Buf[b.starts[i]:b.ends[i]]), Pos: int(b.starts[i])})
	}
	b.rows = kept
	p.bad = p.bad[:0]
}

// describe returns the error of row i of the block.
func (p *parser) describe(c *chunks.Chunk, i int, f *failure, s *chunks.Set) *text.ValueError {
	b := &p.block
	if f.column < 0 {
		found, want := c.Buf[f.mark.pos:min(f.mark.pos+100, c.N)], ""
		if n := bytes.IndexByte(found, '\n'); n >= 0 {
			found = bytes.TrimSuffix(found[:n], []byte{'\r'})
		}
		switch f.err {
		case text.ErrRagged, text.ErrExtra:
			want = fmt.Sprintf("%d fields", p.split.stride)
			if p.split.stride == 1 {
				want = "1 field" + p.core.commaHint(found)
			}
		case text.ErrLimit:
			want = fmt.Sprintf("a field of at most %d bytes; raise MaxField", p.core.opts.MaxField)
		case text.ErrSyntax:
			switch {
			case f.mark.open:
				want = "a quote that closes the field"
			case c.Buf[f.mark.pos] != '"':
				want = "a delimiter or the end of the line behind a field in quotes"
			default:
				want = "no quote in a field that does not begin with one"
			}
			first, _ := c.Place(int(b.starts[i]))
			if last, _ := c.Place(int(b.ends[i]) - 1); last > first {
				want += fmt.Sprintf("; the record has the lines %d to %d", first, last)
			}
		}
		return c.Error(f.mark.pos, "", want, f.err, found)
	}
	col := s.Columns[f.column]
	name, want := col.Field().Name, col.Want()
	pos, found := int(b.starts[i]), []byte(nil)
	if at := p.core.places[f.column]; at >= 0 {
		sp := b.span(i, at, p.split.stride)
		found = c.Buf[sp.Start&^quoted : sp.End]
		if pos = int(sp.Start &^ quoted); sp == text.Missing {
			pos = int(b.starts[i])
		} else if pos >= c.N { // a text of its own
			pos = p.split.fieldAt(c.Buf[:b.ends[i]], int(b.starts[i]), at)
		} else if sp.Start&quoted != 0 {
			pos--
		}
	}
	err := f.err
	if err == text.ErrFull {
		want = col.Room()
	}
	var inner *text.ValueError
	if errors.As(err, &inner) {
		if pos < c.N {
			pos = p.within(c.Buf[pos:min(int(b.ends[i]), c.N)], inner.Offset) + pos
		}
		if err = inner.Err; inner.Path != "" && inner.Path[0] != '[' {
			name += "." + inner.Path
		} else {
			name += inner.Path
		}
		found, want = []byte(nil), inner.Want
		e := c.Error(pos, name, want, err, found)
		e.Found = inner.Found
		return e
	}
	return c.Error(pos, name, want, err, found)
}

// within returns where byte n of the value of a field stands in what begins with the field.
func (p *parser) within(field []byte, n int) int {
	if field[0] != '"' {
		if p.core.opts.TrimSpace {
			n += len(field) - len(bytes.TrimLeft(field, " \t"))
		}
		return min(n, len(field))
	}
	at := 1
	for ; n > 0 && at < len(field); n-- {
		if field[at] == '"' { // of two that stand for one
			at++
		}
		at++
	}
	return min(at, len(field))
}

// absent adds nulls for a column that the input does not have.
func (p *parser) absent(k int, col *text.Column) (failed bool) {
	for i := range p.block.rows {
		if err := col.AppendAbsent(); err != nil {
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
func (p *parser) column(c *chunks.Chunk, k, at int, col *text.Column) (failed bool) {
	b, stride, data := &p.block, p.split.stride, c.Buf
	plain := p.plain && !c.Bad
	fields := text.Fields{Data: data, Places: b.places, At: at, Step: stride, Rows: b.rows}
	if !b.lean {
		fields.At, fields.Step = 2*at, 2*stride
	}
	for i := 0; i < b.rows; i++ {
		var err error
		if plain {
			if i, err = col.AppendFields(&fields, i); err != nil {
				failed = p.failed(k, i, err)
				continue
			} else if i == b.rows {
				break
			}
		}
		sp := b.span(i, at, stride)
		f := data[sp.Start&^quoted : sp.End]
		switch {
		case len(f) != 0 && plain:
			err = col.AppendText(f)
		case sp == text.Missing || len(f) == 0:
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
func (p *parser) empty(sp text.Span, col *text.Column) error {
	if !col.Empty() {
		return col.AppendNull()
	}
	if sp == text.Missing || sp.Start&quoted == 0 && col.Field().Nullable {
		return col.AppendNull()
	}
	return col.AppendText([]byte{})
}

// special adds a field that may be a null, have spaces around it, or be no UTF-8.
func (p *parser) special(sp text.Span, f []byte, col *text.Column) error {
	if sp.Start&quoted == 0 {
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
	if !utf8.Valid(f) && !p.raw(col) {
		if p.core.opts.UTF8 != ReplaceUTF8 {
			return text.ErrUTF8
		}
		p.valid = append(p.valid[:0], bytes.ToValidUTF8(f, []byte("\uFFFD"))...)
		f = p.valid
	}
	return col.AppendText(f)
}

// raw tells whether a column holds fields as they stand.
func (p *parser) raw(col *text.Column) bool {
	if !p.core.opts.Values.Raw {
		return false
	}
	switch col.Field().Type.Kind {
	case ipc.KindBinary, ipc.KindLargeBinary, ipc.KindBinaryView, ipc.KindFixedSizeBinary:
		return true
	}
	return false
}
