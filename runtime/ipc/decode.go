package ipc

import (
	"bytes"
	"errors"
	"math"
	"math/bits"
	"strings"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/internal/sizes"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Batch is a received batch: columns as buffers, which are read-only. Its methods are
//
//	Len() int                       // rows
//	NumColumns() int
//	Column(i int) *column.Data      // valid until Release
//	Seq() int64                     // how many batches of the stream came before
//	Metadata() []frame.KeyValue     // of its message; stays
//	Release()                       // gives the memory to later batches; optional, and once
//	Retain() Batch                  // a second handle, to keep the batch for long
//
// [Columns] returns all columns, as writers take them. [NewWriter] has an example of a loop over batches.
type Batch = record.Handle

// Stats counts what a reader or writer has done so far.
type Stats struct {
	Batches   int64
	Rows      int64
	Bytes     int64 // of messages, metadata and padding included
	Realigned int64 // buffers copied because the sender had left them unaligned
	Inflated  int64 // buffers that came compressed
	Swapped   int64 // buffers copied because the sender's byte order is the other one
	Replaced  int64 // dictionaries replaced
	Deltas    int64 // dictionaries extended
	Forwarded int64 // batches of Forward whose body was sent as it was received
	Encoded   int64 // batches of Forward that were encoded anew
}

// add adds what another has counted.
func (s *Stats) add(t *Stats) {
	s.Batches += t.Batches
	s.Rows += t.Rows
	s.Bytes += t.Bytes
	s.Realigned += t.Realigned
	s.Inflated += t.Inflated
	s.Swapped += t.Swapped
	s.Replaced += t.Replaced
	s.Deltas += t.Deltas
	s.Forwarded += t.Forwarded
	s.Encoded += t.Encoded
}

// columnPlan is where a column's nodes and buffers are in each batch, and what they must be.
type columnPlan struct {
	field    *Field
	path     string
	want     bool
	layout   layout
	width    int // bytes of a value where fixed, items of a fixed-size list
	fixed    []fixedBuffer
	children []columnPlan

	// How many it takes, its children's included. What is bare, a
	// union or run-end encoded, has one more buffer in messages of version V4.
	nodes, buffers, variadic, bare int

	strict bool // a column below it may not be null

	indexBits   int // of a dictionary's indices
	indexSigned bool
	dict        *dictionary // theirs, where the plan is a decoder's
}

// decoder turns messages into batches. It is what readers of streams and of files share.
type decoder struct {
	limits         Limits
	level          Level
	align          Align
	pool           *record.Pool
	blocks         *mem.Pool
	schema         *Schema
	columns        []columnPlan
	nodes          int
	buffers        int // those that do not belong to views
	views          int
	bare           int
	dicts          map[int64]*dictionary
	entries        int        // values of all dictionaries
	came           int64      // bytes of the messages that brought them
	attachedSchema []KeyValue // to the message of the schema
	attachedSize   int64      // of that and of the dictionaries' messages
	texts          int64      // and their bytes
	swap           bool       // the data is big-endian
	mapped         bool       // bodies take no memory
	stats          Stats

	sight      sight
	inflations []inflation // of the batch that is being made
	inflating  Compressor
	crew       *crew // that inflates
}

// dictionary is what a stream has sent for an id so far.
type dictionary struct {
	id     int64
	plans  [1]columnPlan // of the values
	want   bool          // by a column
	values *column.Dictionary
	came   bool       // at least once
	grown  *gathered  // the values that are a column, from the first delta on
	size   int64      // bytes of the values
	sent   int64      // of the messages that brought them
	lease  *mem.Lease // of the pool's budget for them, nil where it has none

	below    []*dictionary // those that the values have
	attached []KeyValue    // to the last message
	messages int64         // that brought values
	changes  int64         // of the values, and of those below them
	resolved int64         // messages, and changes below, at the last resolve
	looked   []lookedUp    // then, for each dictionary column of the values; none where they have begun anew since
}

// lookedUp is how many rows of a column have their values in a dictionary, which only grows.
type lookedUp struct {
	dictionary *column.Dictionary
	rows       int
}

func (x *dictionary) plan() *columnPlan { return &x.plans[0] }

// empty makes the dictionary one that nothing was sent of.
func (x *dictionary) empty() {
	x.release()
	x.values, x.came, x.grown, x.looked = x.values.Successor(), false, nil, nil
	if !x.plan().isText() {
		none := x.plan().noRows()
		x.values.SetColumn(&none)
	}
	x.messages++
	x.changes++
}

func newDecoder(limits *Limits, level Level, align Align, pool *mem.Pool) *decoder {
	d := &decoder{limits: limits.WithDefaults(), level: level, align: align}
	if d.level == DefaultLevel {
		d.level = Contents
	}
	if d.align == DefaultAlign {
		d.align = Align64
	}
	if pool == nil {
		pool = mem.SharedPool()
	}
	d.pool, d.blocks = record.NewPool(pool), pool
	return d
}

// setSchema takes the schema of a stream or file. The columns that sel does not name are passed over.
func (d *decoder) setSchema(fb arrowfb.Schema, sel func(*Schema) ([]bool, error)) error {
	s, err := schemaFrom(fb, &d.limits)
	if err != nil {
		return err
	}
	var want []bool
	if sel != nil {
		if want, err = sel(s); err != nil {
			return err
		}
	}
	d.swap = fb.Endianness() == arrowfb.EndiannessBig
	d.columns = make([]columnPlan, len(s.Fields))
	d.dicts = make(map[int64]*dictionary)
	for i := range s.Fields {
		f := &s.Fields[i]
		p := &d.columns[i]
		*p = planOf(f, f.Name)
		p.want = sel == nil || i < len(want) && want[i]
		d.nodes += p.nodes
		d.buffers += p.buffers
		d.views += p.variadic
		d.bare += p.bare
		if err := d.addDictionaries(f, p.path, p.want); err != nil {
			return err
		}
	}
	for i := range d.columns {
		d.columns[i].attach(d.dicts)
	}
	for _, x := range d.dicts {
		x.plan().attach(d.dicts)
	}
	d.schema = s
	return nil
}

// attach finds the dictionaries of a column and of those below it.
func (p *columnPlan) attach(dicts map[int64]*dictionary) {
	if e := p.field.Dictionary; e != nil {
		p.dict = dicts[e.ID]
	}
	for i := range p.children {
		p.children[i].attach(dicts)
	}
}

// addDictionaries notes the ids of a field and its children.
func (d *decoder) addDictionaries(f *Field, path string, want bool) error {
	for i := range f.Children {
		if err := d.addDictionaries(&f.Children[i], path+"."+f.Children[i].Name, want); err != nil {
			return err
		}
	}
	e := f.Dictionary
	if e == nil {
		return nil
	}
	values := *f
	values.Dictionary = nil
	if have := d.dicts[e.ID]; have != nil {
		if !sameLayout(have.plan().field, &values) {
			return frame.At(0, "schema."+path, frame.Errorf(ErrMalformed, "dictionary %d holds %s here and %s before", e.ID, values.TypeString(), have.plan().field.TypeString()))
		}
		have.want = have.want || want
		return nil
	}
	x := &dictionary{id: e.ID, plans: [1]columnPlan{planOf(&values, path+".dictionary")}, want: want, below: d.below(values.Children, nil)}
	x.empty()
	d.dicts[e.ID] = x
	return nil
}

// sameLayout tells whether columns of both fields, which may be called otherwise, are the same in memory and in meaning.
func sameLayout(f, g *Field) bool {
	if !f.Type.Equal(g.Type) || len(f.Children) != len(g.Children) || (f.Dictionary == nil) != (g.Dictionary == nil) {
		return false
	}
	if f.Dictionary != nil && (f.Dictionary.ID != g.Dictionary.ID || !f.Dictionary.Index.Equal(g.Dictionary.Index)) {
		return false
	}
	for i := range f.Children {
		a, b := &f.Children[i], &g.Children[i]
		if a.Nullable != b.Nullable || !sameLayout(a, b) {
			return false
		}
	}
	return true
}

// below adds the dictionaries of fields to list, without those that these have below them.
func (d *decoder) below(fields []Field, list []*dictionary) []*dictionary {
	for i := range fields {
		if e := fields[i].Dictionary; e != nil {
			list = append(list, d.dicts[e.ID])
		} else {
			list = d.below(fields[i].Children, list)
		}
	}
	return list
}

// isText tells whether the values are byte strings of one kind or another, which dictionaries keep as strings.
func (p *columnPlan) isText() bool {
	return p.layout != layoutBits && p.layout <= layoutView
}

// noRows returns a column without rows.
func (p *columnPlan) noRows() (d column.Data) {
	for i := range p.children {
		d.Children = append(d.Children, p.children[i].noRows())
	}
	return d
}

// cursor walks through the nodes and buffers of a batch.
type cursor struct {
	meta     *frame.BatchLayout
	body     []byte
	node     int
	buffer   int
	variadic int
	size     int64      // bytes of the buffers of columns that are wanted
	align    int64      // bytes of buffers that have to be moved
	batch    Batch      // zero for a dictionary
	head     int        // bytes of the message before the body
	lease    *mem.Lease // of the budget, for what a dictionary is put together in
	v4       bool
	codec    Compressor // nil where buffers are plain
	length   int64      // of the body
}

// cursor returns a cursor at the start of a message.
func (d *decoder) cursor(m *frame.Message, meta *frame.BatchLayout) (c cursor, err error) {
	c = cursor{meta: meta, body: m.Body, head: m.Head, v4: meta.V4, length: int64(len(m.Body))}
	c.codec, err = compressorOf(meta)
	return c, err
}

// bytes returns a part of the body, nil where there is no such part.
func (c *cursor) bytes(offset, length int64) []byte {
	if offset < 0 || length < 0 || offset > int64(len(c.body)) || length > int64(len(c.body))-offset {
		return nil
	}
	return c.body[offset : offset+length : offset+length]
}

// parts returns room for n buffers that lives as long as the batch.
func (c *cursor) parts(n int) [][]byte {
	if c.batch == (Batch{}) {
		return make([][]byte, n)
	}
	return record.Parts(c.batch, n)
}

// room is how much memory the columns of a body may take.
func (d *decoder) room(body []byte) int64 {
	return d.limits.MaxExpanded + min(widest*int64(len(body)), math.MaxInt64-d.limits.MaxExpanded)
}

// amplified refuses buffers that share so much of the body that to check or to copy them costs many times what it cost to send
// them. Two columns may well name the same bytes.
func (d *decoder) amplified(c *cursor) error {
	if most := d.room(c.body); c.size > most {
		return frame.At(c.meta.BufferAt(0), "message.buffers", frame.Errorf(ErrLimit, "the buffers share the body of %d bytes and take %d in all, more than %d; raise Limits.MaxExpanded, or let the sender share less", len(c.body), c.size, most))
	}
	return nil
}

// columns returns room for n columns that lives as long as the batch.
func (c *cursor) columns(n int) []column.Data {
	if c.batch == (Batch{}) {
		return make([]column.Data, n)
	}
	return record.Children(c.batch, n)
}

// malformed is what is wrong at a byte of the message.
func malformed(at int64, path, format string, args ...any) error {
	return frame.At(at, path, frame.Errorf(ErrMalformed, format, args...))
}

// batch makes a batch of a RecordBatch message, and takes over its body.
func (d *decoder) batch(m *frame.Message) (h Batch, err error) {
	rows, err := d.checkBatch(m.Batch, d.nodes, d.buffers, d.views, d.bare)
	if err != nil {
		m.Release()
		return Batch{}, err
	}
	c, err := d.cursor(m, m.Batch)
	if err != nil {
		m.Release()
		return Batch{}, err
	}
	h = d.pool.New(rows, len(d.columns), d.stats.Batches)
	if m.Owner != nil {
		record.Own(h, m.Owner)
	}
	record.SetBody(h, m.Body)
	record.SetMetadata(h, m.Batch.Metadata)
	record.Limit(h, d.room(m.Body))
	cols := record.Columns(h)
	c.batch = h
	if c.codec != nil {
		defer d.forgetInflations()
		if err := d.announced(&c, d.columns, false); err != nil {
			h.Release()
			return Batch{}, err
		}
	}
	for i := range d.columns {
		p := &d.columns[i]
		if p.want {
			err = d.column(p, &c, &cols[i], rows, true, p.field.Nullable, false)
		} else {
			err = d.pass(p, &c)
		}
		if err != nil {
			h.Release()
			return Batch{}, err
		}
	}
	if len(d.columns) == 0 {
		c.size = int64(rows)
	}
	if err := d.amplified(&c); err != nil {
		h.Release()
		return Batch{}, err
	}
	if err := d.finish(h, &c); err != nil {
		h.Release()
		return Batch{}, err
	}
	d.stats.Batches++
	d.stats.Rows += int64(rows)
	return h, nil
}

// widest is how much room the columns of a body may take when they are moved and widened, in terms of its length.
const widest = 16

// finish moves what does not lie in a batch as it must, gives the columns their dictionaries and checks their contents.
func (d *decoder) finish(h Batch, c *cursor) error {
	if err := d.inflate(c); err != nil {
		return err
	}
	if err := d.move(h, c); err != nil {
		return err
	}
	for i := range d.columns {
		if p := &d.columns[i]; p.want {
			col := h.Column(i)
			if err := d.finishColumn(p, col, c); err != nil {
				return err
			}
			if p.strict && d.level >= Contents {
				if at, err := d.sight.shown(p, col); err != nil {
					return c.place(err, d.columns, at)
				}
			}
		}
	}
	return nil
}

// place gives an error about the contents of column p, which is one of plans or below them, the offset of the buffer that its path names.
func (c *cursor) place(err error, plans []columnPlan, p *columnPlan) error {
	e, ok := errors.AsType[*frame.DecodeError](err)
	if c == nil || !ok {
		return err
	}
	at := cursor{meta: c.meta, v4: c.v4}
	if !at.seek(plans, p) || at.buffer >= c.meta.NumBuffers() {
		return err
	}
	first := 0
	if p.hasValidity() || c.v4 && p.hadValidity() {
		first = 1
	}
	part := strings.TrimPrefix(e.Path, p.path+".")
	for k := range p.fixed {
		if part == p.fixed[k].name {
			at.buffer += first + k
		}
	}
	offset, _ := c.meta.Buffer(at.buffer)
	e.Offset = int64(c.head) + offset
	return err
}

// seek moves the cursor to the first buffer of column p.
func (c *cursor) seek(plans []columnPlan, p *columnPlan) bool {
	for i := range plans {
		q := &plans[i]
		if q == p {
			return true
		}
		c.buffer += q.buffers
		for k := range q.children {
			c.buffer -= q.children[k].buffers // they come next
		}
		if c.v4 && q.hadValidity() {
			c.buffer++
		}
		if q.layout == layoutView {
			c.buffer += int(c.meta.Variadics(c.variadic))
			c.variadic++
		}
		if c.seek(q.children, p) {
			return true
		}
	}
	return false
}

// finishColumn gives a column and its children their dictionaries and checks their contents.
func (d *decoder) finishColumn(p *columnPlan, col *column.Data, c *cursor) error {
	if x := p.dict; x != nil {
		if err := d.resolve(x); err != nil {
			return err
		}
		col.Dictionary, col.Values = x.values, x.values.Values()
		if x.lease != nil && c != nil && c.batch != (Batch{}) {
			x.lease.Retain()
			record.Own(c.batch, &x.lease.Block)
		}
	}
	for i := range p.children {
		if err := d.finishColumn(&p.children[i], &col.Children[i], c); err != nil {
			return err
		}
	}
	if d.level >= Contents {
		if err := p.contents(col, d.level); err != nil {
			return c.place(err, d.columns, p)
		}
	}
	if col.Nulls == 0 {
		col.Buffers[0] = nil
	}
	return nil
}

// resolve gives the values of a dictionary that have dictionaries below them the values that those have now. Where nothing has
// changed it changes nothing.
func (d *decoder) resolve(x *dictionary) error {
	if len(x.below) == 0 {
		return nil
	}
	changes := x.messages
	for _, b := range x.below {
		if err := d.resolve(b); err != nil {
			return err
		}
		changes += b.changes
	}
	if changes == x.resolved {
		return nil
	}
	values := *x.values.Values().Column() // earlier batches keep the one that there is
	values.Children = deepCopies(values.Children)
	looked := 0
	for i := range x.plan().children {
		if err := d.lookUp(x, &looked, &x.plan().children[i], &values.Children[i]); err != nil {
			return err
		}
	}
	x.values.SetColumn(&values)
	x.resolved = changes
	x.changes++
	return nil
}

// lookUp gives a column below the values of x, and those below it, their dictionaries. Of indices it checks those that it has not seen:
// all where the dictionary is another one, else those of rows that a delta has added. So many deltas of either cost linear time.
func (d *decoder) lookUp(x *dictionary, looked *int, p *columnPlan, col *column.Data) error {
	if e := p.field.Dictionary; e != nil {
		values := d.dicts[e.ID].values
		col.Dictionary, col.Values = values, values.Values()
		if *looked == len(x.looked) {
			x.looked = append(x.looked, lookedUp{})
		}
		seen := &x.looked[*looked]
		*looked++
		if seen.dictionary != values {
			*seen = lookedUp{dictionary: values}
		}
		if d.level >= Contents {
			if err := p.checkIndices(col, seen.rows); err != nil {
				return err
			}
			seen.rows = col.Len
		}
	}
	if col.Nulls == 0 {
		col.Buffers[0] = nil
	}
	for i := range p.children {
		if err := d.lookUp(x, looked, &p.children[i], &col.Children[i]); err != nil {
			return err
		}
	}
	return nil
}

// resolveAll is resolve of all dictionaries, which do not change any more.
func (d *decoder) resolveAll() error {
	for _, x := range d.dicts {
		if err := d.resolve(x); err != nil {
			return err
		}
	}
	return nil
}

// deepCopies copies columns but not what they point to.
func deepCopies(columns []column.Data) []column.Data {
	columns = append([]column.Data(nil), columns...)
	for i := range columns {
		columns[i].Children = deepCopies(columns[i].Children)
	}
	return columns
}

// tooManyRows is the error of a length that is over the limit.
func (d *decoder) tooManyRows(n int64) error {
	if n > d.limits.MaxRows {
		return frame.Errorf(ErrLimit, "%d rows exceed Limits.MaxRows (%d); raise it or send smaller batches", n, d.limits.MaxRows)
	}
	return frame.Errorf(ErrLimit, "%d rows are more than the %d that this host can address; send smaller batches", n, int64(maxRows))
}

// checkBatch checks the counts of a batch and returns its rows.
func (d *decoder) checkBatch(b *frame.BatchLayout, nodes, buffers, views, bare int) (rows int, err error) {
	if b.V4 {
		buffers += bare // their validity
	}
	n := b.Rows()
	switch {
	case n < 0:
		return 0, malformed(b.RowsAt(), "message.length", "%d rows", n)
	case n > min(d.limits.MaxRows, maxRows):
		return 0, frame.At(b.RowsAt(), "message.length", d.tooManyRows(n))
	case b.NumNodes() != nodes:
		return 0, malformed(b.NodeAt(0), "message.nodes", "%d field nodes, the schema wants %d", b.NumNodes(), nodes)
	}
	if views == 0 {
		if b.NumBuffers() != buffers {
			return 0, malformed(b.BufferAt(0), "message.buffers", "%d buffers, the schema wants %d", b.NumBuffers(), buffers)
		}
		return int(n), nil
	}
	if b.NumVariadics() != views {
		return 0, malformed(b.VariadicAt(0), "message.variadicBufferCounts", "%d counts, the schema wants %d", b.NumVariadics(), views)
	}
	all := int64(buffers)
	for i := range views {
		v := b.Variadics(i)
		if v < 0 || v > int64(b.NumBuffers()) {
			return 0, malformed(b.VariadicAt(i), "message.variadicBufferCounts", "count %d is %d of %d buffers", i, v, b.NumBuffers())
		}
		all += v
	}
	if int64(b.NumBuffers()) != all {
		return 0, malformed(b.BufferAt(0), "message.buffers", "%d buffers, schema and variadic counts want %d", b.NumBuffers(), all)
	}
	return int(n), nil
}

// column reads the nodes and buffers of a column that is wanted, and of its children. It is to have exactly, or at least, the
// given rows.
func (d *decoder) column(p *columnPlan, c *cursor, col *column.Data, rows int, exactly, nullable, hidden bool) error {
	length, nulls := c.meta.Node(c.node)
	at := c.meta.NodeAt(c.node)
	c.node++
	switch {
	case exactly && length != int64(rows):
		return malformed(at, p.path, "%d rows in a batch of %d", length, rows)
	case length < int64(rows):
		return malformed(at, p.path, "%d rows, the column above it needs %d", length, rows)
	case length > min(d.limits.MaxRows, maxRows):
		return frame.At(at, p.path, d.tooManyRows(length))
	case nulls < 0 || nulls > length:
		return malformed(at, p.path, "null_count %d of %d rows", nulls, length)
	case nulls != 0 && !nullable:
		return malformed(at, p.path, "null_count %d in a column that is not nullable", nulls)
	}
	if nulls != 0 && p.hadValidity() {
		if c.v4 && p.layout == layoutRunEnds {
			return malformed(at, p.path, "%d nulls of a run-end encoded column, which its values have", nulls)
		}
		if !c.v4 { // there is no bitmap: what was counted are nulls of the columns below
			nulls = 0
		}
	}
	rows = int(length)
	col.Len, col.Nulls = rows, int(nulls)
	if p.hasValidity() || c.v4 && p.hadValidity() {
		if err := d.validity(p, c, col, rows); err != nil {
			return err
		}
	}
	for k := range p.fixed {
		b := &p.fixed[k]
		values, err := d.buffer(p, c, b.name, b.align, b.swap)
		if err != nil {
			return err
		}
		over, size := bits.Mul64(uint64(rows), uint64(b.width))
		need := int(size)
		switch {
		case over != 0 || size > math.MaxInt:
			return malformed(at, p.path, "%d rows of %d bytes", rows, b.width)
		case b.bits:
			need = (rows + 7) / 8
		case b.oneMore && (rows != 0 || c.codec == nil && isZero(values, b.width)): // of no rows it may be absent
			need += b.width
		}
		if len(values) < need {
			return c.short(p, b.name, len(values), need)
		}
		col.Buffers[1+k] = values[:need:need]
	}
	switch p.layout {
	case layoutOffsets32, layoutOffsets64:
		var err error
		if col.Buffers[2], err = d.buffer(p, c, "bytes", 1, nil); err != nil {
			return err
		}
	case layoutView:
		n := int(c.meta.Variadics(c.variadic))
		c.variadic++
		col.Variadic = c.parts(n)
		for i := range col.Variadic {
			var err error
			if col.Variadic[i], err = d.buffer(p, c, "data", 1, nil); err != nil {
				return err
			}
		}
	}
	switch p.layout { // rows that the body has no bytes for count as if it had
	case layoutNull:
		c.size += int64(rows)
	case layoutFixed, layoutFixedList:
		if p.width == 0 {
			c.size += int64(rows)
		}
	case layoutStruct:
		if len(p.children) == 0 {
			c.size += int64(rows)
		}
	case layoutRunEnds:
		c.size += 8 * int64(rows)
	}
	if len(p.children) == 0 {
		return nil
	}
	return d.children(p, c, col, rows, hidden || col.Nulls != 0)
}

// isZero tells whether b begins with n zeros.
func isZero(b []byte, n int) bool {
	return len(b) >= n && bytes.Equal(b[:n], zeros[:n])
}

// validity reads the bitmap of a column.
func (d *decoder) validity(p *columnPlan, c *cursor, col *column.Data, rows int) error {
	validity, err := d.buffer(p, c, "validity", 1, nil)
	if err != nil {
		return err
	}
	if col.Nulls != 0 || d.level >= Contents && len(validity) != 0 {
		need := (rows + 7) / 8
		if len(validity) < need {
			return c.short(p, "validity", len(validity), need)
		}
		if rows != 0 {
			col.Buffers[0] = validity[:need:need]
		}
	}
	return nil
}

// children reads the columns below a nested one. Some of its rows may be hidden by a null, of its own or of a column above it.
func (d *decoder) children(p *columnPlan, c *cursor, col *column.Data, rows int, hidden bool) error {
	need := 0 // of lists and dense unions it is only known from their offsets
	switch p.layout {
	case layoutStruct, layoutSparseUnion:
		need = rows
	case layoutFixedList:
		if need = rows * p.width; p.width != 0 && need/p.width != rows {
			return malformed(c.meta.NodeAt(c.node-1), p.path, "%d rows of %d items", rows, p.width)
		}
	}
	col.Children = c.columns(len(p.children))
	for i := range p.children {
		child := &p.children[i]
		// Below a null anything may stand, also a null in a column that is not nullable.
		nullable := child.field.Nullable || hidden || p.unionLayout()
		if err := d.column(child, c, &col.Children[i], need, false, nullable, hidden); err != nil {
			return err
		}
	}
	if p.layout == layoutRunEnds {
		at := c.meta.NodeAt(c.node - p.nodes + 1)
		ends, values := &col.Children[0], &col.Children[1]
		if ends.Nulls != 0 || values.Len < ends.Len {
			return malformed(at, p.path, "%d run ends, %d of them null, for %d values", ends.Len, ends.Nulls, values.Len)
		}
	}
	return nil
}

// short tells that the buffer just passed is too short.
func (c *cursor) short(p *columnPlan, part string, have, need int) error {
	return malformed(c.meta.BufferAt(c.buffer-1), p.path+"."+part, "%d bytes, the rows need %d", have, need)
}

// buffer returns the next buffer of a batch, and notes whether it has to be moved.
func (d *decoder) buffer(p *columnPlan, c *cursor, part string, align int, swap swap) ([]byte, error) {
	offset, length := c.meta.Buffer(c.buffer)
	if all := uint64(len(c.body)); uint64(offset) > all || uint64(length) > all-uint64(offset) { // neither may be negative
		return nil, c.outside(p, part, offset, length)
	}
	c.buffer++
	c.size += length
	b := c.body[offset : offset+length : offset+length]
	if c.codec != nil && length != 0 {
		var err error
		if b, err = d.compressed(p, c, part, b); err != nil {
			return nil, err
		}
	}
	if d.moves(b, align, swap) {
		c.align += mem.Pad64(int64(len(b)))
	}
	return b, nil
}

// outside tells that the next buffer is not in the body.
func (c *cursor) outside(p *columnPlan, part string, offset, length int64) error {
	if part != "" {
		part = "." + part
	}
	return malformed(c.meta.BufferAt(c.buffer), p.path+part, "buffer %d: bytes %d to %d of a body of %d", c.buffer, offset, offset+length, len(c.body))
}

// moves tells whether a buffer cannot stay where it is.
func (d *decoder) moves(b []byte, align int, swap swap) bool {
	return len(b) != 0 && (d.swap && swap != nil || !d.aligned(b, align))
}

// aligned tells whether a buffer lies where it must, size being a power of two that its values want.
func (d *decoder) aligned(b []byte, size int) bool {
	if d.align == Align64 {
		size = mem.Alignment
	}
	return mem.IsAligned(b, size)
}

// pass checks the bounds of a column that is not wanted.
func (d *decoder) pass(p *columnPlan, c *cursor) error {
	c.node += p.nodes
	buffers := p.buffers
	if c.v4 {
		buffers += p.bare
	}
	for range p.variadic {
		buffers += int(c.meta.Variadics(c.variadic))
		c.variadic++
	}
	for range buffers {
		offset, length := c.meta.Buffer(c.buffer)
		if all := uint64(len(c.body)); uint64(offset) > all || uint64(length) > all-uint64(offset) {
			return c.outside(p, "", offset, length)
		}
		c.buffer++
	}
	return nil
}

// move copies the buffers that do not lie where they must, or are of the other byte order, into memory of the batch.
func (d *decoder) move(h Batch, c *cursor) error {
	if c.align == 0 {
		return nil
	}
	if d.mapped && c.align > d.limits.MaxBody {
		have, most := sizes.Over(c.align, d.limits.MaxBody)
		return frame.At(0, "body", frame.Errorf(ErrLimit, "%s do not lie in the file as they are needed and would be copied, which exceeds Limits.MaxBody (%s); raise it", have, most))
	}
	if c.align > math.MaxInt {
		return malformed(0, "body", "%d bytes of buffers", c.align)
	}
	if err := record.Reserve(h, int(c.align)); err != nil {
		return frame.At(0, "body", err)
	}
	for i := range d.columns {
		if p := &d.columns[i]; p.want {
			if err := d.moveColumn(p, c, h.Column(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// memory returns n bytes that live as long as the batch, or until the dictionary's values are taken from them.
func (c *cursor) memory(n int) ([]byte, error) {
	if c.batch == (Batch{}) {
		if err := c.lease.Add(mem.Pad64(int64(n))); err != nil {
			return nil, err
		}
		return mem.Alloc(n), nil
	}
	return record.Scratch(c.batch, n)
}

func (d *decoder) moveColumn(p *columnPlan, c *cursor, col *column.Data) error {
	if err := d.moveBuffer(c, &col.Buffers[0], 1, nil); err != nil {
		return err
	}
	for k := range p.fixed {
		if err := d.moveBuffer(c, &col.Buffers[1+k], p.fixed[k].align, p.fixed[k].swap); err != nil {
			return err
		}
	}
	if p.layout == layoutOffsets32 || p.layout == layoutOffsets64 {
		if err := d.moveBuffer(c, &col.Buffers[2], 1, nil); err != nil {
			return err
		}
	}
	for k := range col.Variadic {
		if err := d.moveBuffer(c, &col.Variadic[k], 1, nil); err != nil {
			return err
		}
	}
	for k := range p.children {
		if err := d.moveColumn(&p.children[k], c, &col.Children[k]); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) moveBuffer(c *cursor, b *[]byte, align int, swap swap) error {
	if !d.moves(*b, align, swap) {
		return nil
	}
	to, err := c.memory(len(*b))
	if err != nil {
		return frame.At(0, "body", err)
	}
	if d.swap && swap != nil {
		swap(to, *b)
		d.stats.Swapped++
	} else {
		copy(to, *b)
		d.stats.Realigned++
	}
	*b = to
	return nil
}

// dictionary takes the values of a DictionaryBatch message, and releases its body.
func (d *decoder) dictionary(m *frame.Message, fb arrowfb.DictionaryBatch, replaceable bool) error {
	defer m.Release()
	dict := d.dicts[fb.ID()]
	if dict == nil {
		return malformed(0, "message.id", "dictionary %d, which no column has", fb.ID())
	}
	if !dict.want {
		return nil
	}
	c, err := d.cursor(m, m.Dictionary(fb.Data()))
	if err != nil {
		return err
	}
	if c.lease = d.blocks.Lease(); c.lease != nil {
		defer c.lease.Release()
	}
	var col column.Data
	delta := fb.IsDelta()
	if err := d.dictionaryColumn(dict, &c, &col, delta); err != nil {
		return err
	}
	if !delta && dict.came && !replaceable {
		return malformed(0, "message.id", "dictionary %d comes twice in a file, and not as a delta", dict.id)
	}
	if err := d.admit(dict, &c, &col, delta); err != nil {
		return frame.At(0, dict.plan().path, err)
	}
	if dict.plan().isText() {
		dict.texts(&col, delta)
	} else if err := dict.columnValues(&col, delta, min(d.limits.MaxDictionaryBytes, d.mostHeld(d.came))); err != nil {
		return err
	}
	if err := d.attach(m.Root, &dict.attached); err != nil {
		return err
	}
	dict.messages++
	dict.changes++
	switch {
	case delta:
		d.stats.Deltas++
	case dict.came:
		d.stats.Replaced++
	}
	dict.came = true
	return nil
}

// dictionaryColumn reads the values of a dictionary and checks their contents, but for the indices of dictionaries below it.
func (d *decoder) dictionaryColumn(dict *dictionary, c *cursor, col *column.Data, delta bool) error {
	p := dict.plan()
	rows, err := d.checkBatch(c.meta, p.nodes, p.buffers, p.variadic, p.bare)
	if err != nil {
		return err
	}
	if err := d.affords(dict, c, rows, 0, delta); err != nil { // their bytes are counted later
		return frame.At(0, p.path, err)
	}
	if c.codec != nil {
		defer d.forgetInflations()
		if err := d.announced(c, dict.plans[:], true); err != nil {
			return err
		}
	}
	level := d.level
	d.level = max(level, Contents)                     // values are looked up by everyone
	err = d.column(p, c, col, rows, true, true, false) // they may be null whatever the column may
	if d.level = level; err != nil {
		return err
	}
	if err := d.amplified(c); err != nil {
		return err
	}
	if err := d.inflate(c); err != nil {
		return err
	}
	if d.swap {
		if err := d.moveColumn(p, c, col); err != nil {
			return err
		}
	}
	place := func(err error, at *columnPlan) error { return c.place(err, dict.plans[:], at) }
	if err := p.allContents(col, max(level, Contents), place); err != nil {
		return err
	}
	if at, err := d.sight.shown(p, col); err != nil {
		return place(err, at)
	}
	return nil
}

// admit counts the values of a message against the limits, which are for all dictionaries of a stream together, and against the
// pool's budget.
func (d *decoder) admit(dict *dictionary, c *cursor, col *column.Data, delta bool) error {
	size := c.size
	if p := dict.plan(); p.isText() {
		size = p.textSize(col)
	}
	if err := d.affords(dict, c, col.Len, size, delta); err != nil {
		return err
	}
	all, n, came := d.with(dict, c, col.Len, size, delta)
	if !delta {
		dict.release() // batches that have the old one hold its lease
	}
	if dict.lease == nil {
		dict.lease = d.blocks.Lease()
	}
	if err := dict.lease.Add(size + each*int64(col.Len)); err != nil {
		return err
	}
	dict.size += size
	dict.sent += c.length
	d.texts, d.entries, d.came = all, n, came
	return nil
}

const (
	// each is how many bytes a value of a dictionary takes beside its text.
	each = 16
	// freeDictionaries is how many bytes dictionaries may take whatever came for them.
	freeDictionaries = 64 << 20
	// dictionaryRatio is how many times what came for them dictionaries may take.
	dictionaryRatio = 64
)

// with returns the bytes and the number of the values of all dictionaries, and the bytes that came for them, with those of a message.
func (d *decoder) with(dict *dictionary, c *cursor, rows int, size int64, delta bool) (all int64, n int, came int64) {
	all, n, came = d.texts+size, d.entries+rows, d.came+c.length
	if !delta {
		all -= dict.size
		n -= dict.values.Len()
		came -= dict.sent
	}
	return all, n, came
}

// affords tells why a message may not bring so many values and bytes of values more.
func (d *decoder) affords(dict *dictionary, c *cursor, rows int, size int64, delta bool) error {
	all, n, came := d.with(dict, c, rows, size, delta)
	limits := &d.limits
	if n > limits.MaxDictionaryEntries {
		return frame.Errorf(ErrLimit, "the %d values of all dictionaries exceed Limits.MaxDictionaryEntries (%d); raise it", n, limits.MaxDictionaryEntries)
	}
	if all > limits.MaxDictionaryBytes {
		have, most := sizes.Over(all, limits.MaxDictionaryBytes)
		return frame.Errorf(ErrLimit, "the %s of all dictionaries exceed Limits.MaxDictionaryBytes (%s); raise it", have, most)
	}
	if held := all + each*int64(n); held > d.mostHeld(came) {
		return frame.Errorf(ErrLimit, "the %d values of all dictionaries take %d bytes of memory, more than %d times the %d in which they came and a quarter of Limits.MaxDictionaryBytes (%d); raise it to %d", n, held, dictionaryRatio, came, limits.MaxDictionaryBytes, 4*held)
	}
	return nil
}

// mostHeld returns how many bytes of memory dictionaries may take, the number of values included, for which so many came.
func (d *decoder) mostHeld(came int64) int64 {
	return max(freeDictionaries, d.limits.MaxDictionaryBytes/4, dictionaryRatio*min(came, math.MaxInt64/dictionaryRatio))
}

// textSize returns how many bytes the values of a column have that are byte strings.
func (p *columnPlan) textSize(col *column.Data) (size int64) {
	if wide := p.layout == layoutOffsets64; col.Len != 0 && col.Nulls == 0 && (wide || p.layout == layoutOffsets32) {
		return integerAt(col.Buffers[1], wide, col.Len) - integerAt(col.Buffers[1], wide, 0)
	}
	for i := range col.Len {
		size += int64(len(p.valueAt(col, i, col.IsNull(i))))
	}
	return size
}

// release gives up what the dictionary has of the budget, but for what batches hold.
func (x *dictionary) release() {
	if x.lease != nil {
		x.lease.Release()
	}
	x.lease, x.size, x.sent = nil, 0, 0
}

// free gives up what the dictionaries have of the budget.
func (d *decoder) free() {
	for _, x := range d.dicts {
		x.release()
	}
}

// texts adds byte strings to the values of a dictionary, or begins another one.
func (x *dictionary) texts(col *column.Data, delta bool) {
	if !delta {
		x.values = x.values.Successor()
	}
	p := x.plan()
	if p.layout != layoutFixed {
		x.values.AppendTexts(col, p.textForm())
		return
	}
	x.values.AppendFixed(col, p.width)
}

// columnValues adds a column to the values of a dictionary, or begins another one. It is copied out of the message, and takes at most
// so many bytes. Values that are added leave those before them where they are, so that many deltas cost linear time.
func (x *dictionary) columnValues(col *column.Data, delta bool, most int64) error {
	p := x.plan()
	if p.layout == layoutNull {
		col.Nulls = col.Len
	}
	if !delta {
		own := col.Clone()
		x.values, x.grown, x.looked = column.ColumnDictionary(&own), nil, nil
		return nil
	}
	parts := []*column.Data{col}
	if x.grown == nil {
		have := *x.values.Values().Column()
		have.Children = deepCopies(have.Children)
		undictionary(&have) // those below are the same for both, and are found again
		x.grown, parts = newGathered(p, most), []*column.Data{&have, col}
		x.looked = nil // what no value led to is left out
	}
	var err error
	for _, d := range parts {
		if err = x.grown.append(d, 0, d.Len); err != nil {
			break
		}
	}
	if errors.Is(err, ErrLimit) {
		return frame.At(0, p.path, frame.Errorf(ErrLimit, "the values of dictionary %d take more than %d bytes put together, as what they share is copied for each; raise Limits.MaxDictionaryBytes to 4 times what they take", x.id, most))
	}
	if err != nil {
		return frame.At(0, p.path, frame.Errorf(ErrMalformed, "%v", err))
	}
	all := x.grown.column(true)
	x.values.SetColumn(&all)
	return nil
}

// undictionary takes the dictionaries below a column away.
func undictionary(d *column.Data) {
	d.Dictionary, d.Values = nil, column.Values{}
	for i := range d.Children {
		undictionary(&d.Children[i])
	}
}

// header names the header of a message that is not read here.
func header(m arrowfb.Message) error {
	if m.HeaderType() == arrowfb.MessageHeaderNone {
		return frame.At(0, "message.header", frame.Errorf(ErrMalformed, "a message of type NONE, which carries nothing"))
	}
	return frame.At(0, "message.header", frame.Errorf(ErrUnsupported, "a message of type %v; tensors are not record batches, read them with a library for tensors", m.HeaderType()))
}

// Columns returns the columns of a batch, read-only and valid until it is released.
func Columns(h Batch) []column.Data { return record.Columns(h) }
