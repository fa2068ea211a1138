package ipc

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// encoder turns batches into messages. It is what writers of streams and of files share: it lays out the bytes, and they send
// them.
type encoder struct {
	schema   *Schema
	plans    []columnPlan
	batch    *template
	nodes    int
	buffers  int // those that do not belong to views
	views    int
	texts    []int        // the columns that have text in them or below
	flat     []flatColumn // nil where there are nested columns or views
	wired    []flatBuffer // where each buffer of flat columns is
	counts   []int64      // data buffers of each view column that the template is for
	attached []KeyValue   // metadata of the messages that it is for
	number   string       // the key of another entry, whose value is next
	next     uint64
	others   Attached         // to the messages that are not batches
	sent     []sentDictionary // by id
	pending  bool             // one of them has a next
	received bool             // the current batch: its text is what the reader let pass
	lead     int              // bytes of a file behind the last multiple of 64, where the first message begins
	encoding
	deflate *deflater // nil where buffers are sent as they are

	// The messages of the current call: parts to be sent in order. Those that are not columns lie in arena.
	parts [][]byte
	size  int64
	arena []byte
	mark  int // start in arena of what is not among the parts yet
	marks []messageMark
}

// encoding are the settings of an encoder.
type encoding struct {
	file        bool
	mode        Dictionaries
	compression Compression
	keepIDs     bool // of the schema's dictionaries
}

// flatColumn is what a column of a batch without nested columns and views must be.
type flatColumn struct {
	nullable, dictionary bool
	layout               layout
	width                int // bytes of a value or offset
}

// flatBuffer is a buffer of such a batch.
type flatBuffer struct {
	column int
	buffer int // of the column
	bitmap bool
}

// messageMark is where a message of the current call begins, for the footer of a file.
type messageMark struct {
	offset     int64
	head       int
	body       int64
	dictionary bool
}

// sentDictionary is what the reader has of a column's dictionary.
type sentDictionary struct {
	plan       columnPlan // of the values
	dictionary *column.Dictionary
	values     column.Values
	next       *column.Dictionary // with the current call
	nextValues column.Values
}

// Dictionaries is how a writer sends dictionaries that have changed since it sent them.
type Dictionaries int

const (
	// AutoDictionaries is what most readers take: in streams the whole dictionary again, in files what has been added.
	AutoDictionaries Dictionaries = iota
	// ReplaceDictionaries sends the whole dictionary again. A file takes what has been added all the same.
	ReplaceDictionaries
	// DeltaDictionaries sends what has been added, and the whole where another dictionary comes.
	DeltaDictionaries
	// OnceDictionaries refuses a batch whose dictionary is not the one that was sent, with [ErrChanged].
	OnceDictionaries
)

// ErrChanged tells that a dictionary has changed under a writer that sends each one once.
var ErrChanged = errors.New("the dictionary has changed since it was sent, and the writer sends each one once; fill it before the first batch, or choose another of Dictionaries")

// ErrReplaced tells that a batch brings another dictionary for a column of a file, which holds one for each column.
var ErrReplaced = errors.New("a file holds one dictionary for each column, and this batch has another")

func newEncoder(schema *Schema, how encoding) (e *encoder, err error) {
	if err := checkFields(schema.Fields, ""); err != nil {
		return nil, err
	}
	e = &encoder{schema: schema, encoding: how}
	if !how.keepIDs {
		e.schema = schema.WithIDs()
	}
	if how.compression != Uncompressed {
		if e.deflate, err = newDeflater(how.compression); err != nil {
			return nil, err
		}
	}
	e.plans = make([]columnPlan, len(schema.Fields))
	for i := range e.schema.Fields {
		f := &e.schema.Fields[i]
		e.plans[i] = planOf(f, f.Name)
		p := &e.plans[i]
		e.addDictionaries(p)
		e.nodes += p.nodes
		e.buffers += p.buffers
		e.views += p.variadic
		if p.hasText() {
			e.texts = append(e.texts, i)
		}
	}
	e.flatten()
	e.counts = make([]int64, e.views)
	e.batch = e.newBatch(e.buffers)
	return e, nil
}

// newBatch returns a template for batches with so many buffers.
func (e *encoder) newBatch(buffers int) *template {
	return newTemplate(e.nodes, buffers, e.counts, e.compression, nil, false, e.attached, e.number)
}

// attach sets the metadata of the messages of the batches that follow, and the key of the one that is a number.
func (e *encoder) attach(entries []KeyValue, number string) {
	if number == e.number && slices.Equal(entries, e.attached) {
		return
	}
	e.attached, e.number = slices.Clone(entries), number
	e.batch = e.newBatch(e.batch.buffers)
}

// flatten lists the buffers of a batch where all columns are flat, so that they need no walk.
func (e *encoder) flatten() {
	if e.nodes != len(e.plans) || e.views != 0 {
		return
	}
	for i := range e.plans {
		p := &e.plans[i]
		first, last := p.wired()
		for k := first; k < last; k++ {
			e.wired = append(e.wired, flatBuffer{i, k, k == 0 || p.layout == layoutBits})
		}
		f := flatColumn{nullable: p.field.Nullable, dictionary: p.field.Dictionary != nil, layout: p.layout}
		if len(p.fixed) != 0 {
			f.width = p.fixed[0].width
		}
		e.flat = append(e.flat, f)
	}
}

// wired returns which of a column's buffers are sent, those of views apart.
func (p *columnPlan) wired() (first, last int) {
	first, last = 1, 1+len(p.fixed)
	if p.hasValidity() {
		first = 0
	}
	if p.layout == layoutOffsets32 || p.layout == layoutOffsets64 {
		last++ // the bytes
	}
	return first, last
}

// addDictionaries makes room for what is sent of the dictionaries of a column and of those below it.
func (e *encoder) addDictionaries(p *columnPlan) {
	if d := p.field.Dictionary; d != nil {
		values := *p.field
		values.Dictionary = nil
		v := planOf(&values, p.path+".dictionary")
		for int(d.ID) >= len(e.sent) {
			e.sent = append(e.sent, sentDictionary{})
		}
		e.sent[d.ID].plan = v
		p = &v // there may be dictionaries below
	}
	for i := range p.children {
		e.addDictionaries(&p.children[i])
	}
}

// WithIDs returns a schema in which each dictionary of a column has its index as id, which is what every reader takes, and those
// below columns the numbers after them. It is what writers send.
func (s *Schema) WithIDs() *Schema {
	next := int64(len(s.Fields))
	var number func(fields []Field, top bool) []Field
	number = func(fields []Field, top bool) []Field {
		fields = append([]Field(nil), fields...)
		for i := range fields {
			f := &fields[i]
			if f.Dictionary != nil {
				own := *f.Dictionary
				if own.ID = int64(i); !top {
					own.ID = next
					next++
				}
				f.Dictionary = &own
			}
			f.Children = number(f.Children, false)
		}
		return fields
	}
	return &Schema{Fields: number(s.Fields, true), Metadata: s.Metadata}
}

// begin starts the messages of a call.
func (e *encoder) begin() {
	clear(e.parts)
	e.parts, e.arena, e.marks = e.parts[:0], e.arena[:0], e.marks[:0]
	e.size, e.mark = 0, 0
	if e.deflate != nil {
		e.deflate.begin()
	}
	if e.pending {
		e.pending = false
		for i := range e.sent {
			e.sent[i].next = nil
		}
	}
}

// commit notes that the reader has what the call sent.
func (e *encoder) commit() {
	e.lead = 0
	if !e.pending {
		return
	}
	for i := range e.sent {
		if s := &e.sent[i]; s.next != nil {
			s.dictionary, s.values = s.next, s.nextValues
		}
	}
}

// flushArena makes parts of what was appended to the arena. An arena that grew has left its earlier parts where they were.
func (e *encoder) flushArena() {
	if len(e.arena) > e.mark {
		e.parts = append(e.parts, e.arena[e.mark:len(e.arena):len(e.arena)])
		e.size += int64(len(e.arena) - e.mark)
		e.mark = len(e.arena)
	}
}

func (e *encoder) part(b []byte) {
	if len(b) != 0 {
		e.parts = append(e.parts, b)
		e.size += int64(len(b))
	}
}

// addSchema adds the schema message, offset bytes into a file.
func (e *encoder) addSchema(offset int) {
	e.arena = appendHead(e.arena, schemaMessage(e.schema, e.others.Schema), offset)
	e.flushArena()
}

// addFileStart adds what a file begins with: the magic string and the schema message.
func (e *encoder) addFileStart() {
	e.arena = append(e.arena, fileMagic...)
	e.arena = append(e.arena, zeros[:fileStart-len(fileMagic)]...)
	e.addSchema(fileStart)
}

// check tells what is wrong with columns that are to be sent.
func (e *encoder) check(rows int, columns []column.Data) error {
	if len(columns) != len(e.plans) {
		return fmt.Errorf("lightstream: %d columns, the schema has %d", len(columns), len(e.plans))
	}
	if e.rightFlat(rows, columns) {
		return nil
	}
	for i := range columns {
		c, p := &columns[i], &e.plans[i]
		if c.Len != rows {
			return fmt.Errorf("lightstream: column %q has %d rows in a batch of %d", p.path, c.Len, rows)
		}
		if err := p.checkSent(c, false, false); err != nil {
			return err
		}
		if err := p.structure(c, c.Len, p.field.Nullable, false, false); err != nil {
			return columnError(err)
		}
		if err := p.shownSent(c); err != nil {
			return err
		}
	}
	return nil
}

// checkTexts tells which text is not valid UTF-8, of columns of which that is not known. Dictionaries are looked at when they are sent.
func (e *encoder) checkTexts(columns []column.Data) error {
	for _, i := range e.texts {
		if c := &columns[i]; !c.ValidUTF8 {
			if err := e.plans[i].checkText(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// hasText tells whether a column has text, or one below it, that is in no dictionary.
func (p *columnPlan) hasText() bool {
	return p.field.Dictionary == nil && (p.field.Type.IsText() || slices.ContainsFunc(p.children, func(c columnPlan) bool { return c.hasText() }))
}

// checkText tells which text of a column, or of one below it, is not valid UTF-8. Its offsets and views must be right.
func (p *columnPlan) checkText(c *column.Data) error {
	switch {
	case c.ValidUTF8 || p.field.Dictionary != nil:
		return nil
	case !p.field.Type.IsText():
		for i := range p.children {
			if err := p.children[i].checkText(&c.Children[i]); err != nil {
				return err
			}
		}
		return nil
	case p.layout == layoutView:
		if row := column.CheckViews(c); row >= 0 {
			return columnError(p.malformed("views", "row %d points outside its %d data buffers", row, len(c.Variadic)))
		}
	default:
		if err := p.checkOffsets(c, len(c.Buffers[2]), "bytes"); err != nil {
			return columnError(err)
		}
		if p.utf8AtOnce(c) {
			return nil
		}
	}
	switch row, text, err := p.firstInvalid(c); {
	case err != nil:
		return columnError(err)
	case row >= 0:
		return &column.ValueError{Column: p.path, Row: row, Err: column.InvalidUTF8(text)}
	}
	return nil
}

// rightFlat tells whether nothing is wrong with flat columns. Where it is false, something may be.
func (e *encoder) rightFlat(rows int, columns []column.Data) bool {
	if len(e.flat) != len(columns) || rows > maxRows {
		return false
	}
	for i := range columns {
		c, f := &columns[i], &e.flat[i]
		if c.Len != rows || c.Nulls != 0 && !f.nullable || (c.Dictionary != nil) != f.dictionary || len(c.Children) != 0 || !f.enough(c) {
			return false
		}
	}
	return true
}

// enough tells whether the buffers of a column hold its rows.
func (f *flatColumn) enough(c *column.Data) bool {
	if uint(c.Nulls) > uint(c.Len) || c.Nulls != 0 && f.layout != layoutNull && len(c.Buffers[0]) < (c.Len+7)/8 {
		return false
	}
	switch f.layout {
	case layoutBits:
		return len(c.Buffers[1]) >= (c.Len+7)/8
	case layoutOffsets32, layoutOffsets64:
		if c.Len == 0 {
			return true
		}
		if len(c.Buffers[1])/f.width <= c.Len {
			return false
		}
		wide := f.width == 8
		from, to := integerAt(c.Buffers[1], wide, 0), integerAt(c.Buffers[1], wide, c.Len)
		return from >= 0 && from <= to && to <= int64(len(c.Buffers[2]))
	}
	return f.width == 0 || len(c.Buffers[1])/f.width >= c.Len
}

// checkSent tells what is wrong with a column, or with one below it. Below a null, which hides what is under it, anything may stand.
func (p *columnPlan) checkSent(c *column.Data, inUnion, hidden bool) error {
	switch {
	case c.Nulls != 0 && !p.field.Nullable && !inUnion && !hidden:
		return &column.ValueError{Column: p.path, Row: c.FirstNull(), Err: column.ErrNotNullable}
	case c.Nulls != 0 && p.unionLayout():
		return fmt.Errorf("lightstream: column %q: %w: a union with %d nulls of its own, which only old messages have; let its children be null instead", p.path, ErrUnsupported, c.Nulls)
	case (p.field.Dictionary != nil) != (c.Dictionary != nil):
		return fmt.Errorf("lightstream: column %q: is it a dictionary column? the schema says %v, the batch %v", p.path, p.field.Dictionary != nil, c.Dictionary != nil)
	case len(c.Children) != len(p.children):
		return fmt.Errorf("lightstream: column %q has %d columns below it, the schema %d", p.path, len(c.Children), len(p.children))
	}
	for i := range p.children {
		if err := p.children[i].checkSent(&c.Children[i], p.unionLayout(), hidden || c.Nulls != 0); err != nil {
			return err
		}
	}
	return nil
}

// addBatch adds what the reader lacks of the dictionaries, and the batch. The columns may be known to lie in body as they are laid
// out here.
func (e *encoder) addBatch(rows int, columns []column.Data, body []byte) error {
	if err := e.check(rows, columns); err != nil {
		return err
	}
	if !e.received {
		if err := e.checkTexts(columns); err != nil {
			return err
		}
	}
	if len(e.sent) != 0 {
		for i := range columns {
			if columns[i].Dictionary == nil && len(columns[i].Children) == 0 {
				continue
			}
			if err := e.addDictionary(&e.plans[i], &columns[i]); err != nil {
				return err
			}
		}
	}
	if e.views != 0 {
		e.count(columns)
	}
	start := e.size
	w := walk{template: e.batch}
	if e.lead != 0 && e.size == 0 {
		w.template = e.newBatch(e.batch.buffers).at(e.lead)
	}
	e.part(w.template.head)
	first, before := len(e.parts), e.size
	switch {
	case e.deflate != nil:
		for i := range columns {
			e.collect(&w, &e.plans[i], &columns[i])
		}
		if err := e.addDeflated(&w, true); err != nil {
			return err
		}
	case e.flat != nil:
		e.addFlat(&w, rows, columns)
	default:
		for i := range columns {
			e.addColumn(&w, &e.plans[i], &columns[i])
		}
	}
	if body != nil {
		clear(e.parts[first:])
		e.parts, e.size = append(e.parts[:first], body), before+int64(len(body))
	}
	w.setSize(rows, w.offset)
	if w.number != 0 {
		w.setNumber(e.next)
	}
	e.marks = append(e.marks, messageMark{start, len(w.template.head), w.offset, false})
	return nil
}

// walk goes through the nodes and buffers of a batch.
type walk struct {
	*template
	node, buffer int
	offset       int64
}

// addFlat adds the buffers of columns that are all flat.
func (e *encoder) addFlat(w *walk, rows int, columns []column.Data) {
	for i := range columns {
		w.setNode(i, rows, columns[i].Nulls)
	}
	parts, all, offset := e.parts, e.size, int64(0)
	for i, f := range e.wired {
		c := &columns[f.column]
		b := c.Buffers[f.buffer]
		if len(b) == 0 || f.buffer == 0 && c.Nulls == 0 {
			w.setBuffer(i, offset, 0)
			continue
		}
		size := mem.Pad(len(b))
		w.setBuffer(i, offset, len(b))
		offset += int64(size)
		if c.Padded && cap(b) >= size { // all columns of builders
			parts = append(parts, b[:size])
			all += int64(size)
			continue
		}
		e.parts, e.size = parts, all
		e.addBuffer(b, rows, f.bitmap)
		parts, all = e.parts, e.size
	}
	e.parts, e.size, w.offset = parts, all, offset
}

// addColumn adds the buffers of a column, and of those below it.
func (e *encoder) addColumn(w *walk, p *columnPlan, c *column.Data) {
	w.setNode(w.node, c.Len, c.Nulls)
	w.node++
	first, last := p.wired()
	for k, b := range c.Buffers[first:last] {
		k += first
		if k == 0 && c.Nulls == 0 {
			b = nil
		}
		e.addColumnBuffer(w, b, c, k == 0 || p.layout == layoutBits)
	}
	if p.layout == layoutView {
		for _, b := range c.Variadic {
			e.addColumnBuffer(w, b, c, false)
		}
	}
	for i := range p.children {
		e.addColumn(w, &p.children[i], &c.Children[i])
	}
}

func (e *encoder) addColumnBuffer(w *walk, b []byte, c *column.Data, bitmap bool) {
	w.setBuffer(w.buffer, w.offset, len(b))
	w.buffer++
	size := mem.Pad(len(b))
	switch {
	case len(b) == 0:
	case c.Padded && cap(b) >= size: // all columns of builders
		e.parts = append(e.parts, b[:size])
		e.size += int64(size)
	default:
		e.addBuffer(b, c.Len, bitmap)
	}
	w.offset += int64(size)
}

// count makes the template one for the data buffers that the view columns of a batch have.
func (e *encoder) count(columns []column.Data) {
	n, same, all := 0, true, 0
	for i := range columns {
		e.plans[i].eachView(&columns[i], func(v int) {
			same = same && e.counts[n] == int64(v)
			e.counts[n] = int64(v)
			n++
			all += v
		})
	}
	if !same {
		e.batch = e.newBatch(e.buffers + all)
	}
}

// addBuffer adds a buffer that is not padded, and its padding.
func (e *encoder) addBuffer(b []byte, rows int, bitmap bool) {
	n := len(b)
	size := mem.Pad(n)
	if !bitmap || rows&7 == 0 {
		e.part(b)
		e.part(zeros[:size-n])
		return
	}
	e.part(b[:n-1]) // bits past the end may be anything
	e.arena = append(e.arena, b[n-1]&(1<<(rows&7)-1))
	e.arena = append(e.arena, zeros[:size-n]...)
	e.flushArena()
}

// addDictionary adds what the reader lacks of the dictionary of a column, and of those below it: a first one, a replacement, or a
// delta in files, where a replacement cannot be.
func (e *encoder) addDictionary(p *columnPlan, c *column.Data) error {
	for i := range p.children {
		if err := e.addDictionary(&p.children[i], &c.Children[i]); err != nil {
			return err
		}
	}
	if c.Dictionary == nil {
		return nil
	}
	id := p.field.Dictionary.ID
	s := &e.sent[id]
	n := c.Values.Len()
	if v := c.Values.Column(); v != nil {
		if err := s.plan.checkSent(v, true, false); err != nil {
			return err
		}
		for i := range v.Children {
			if err := e.addDictionary(&e.sent[id].plan.children[i], &v.Children[i]); err != nil {
				return err
			}
		}
	}
	switch {
	case s.next == nil:
	case s.next == c.Dictionary && s.nextValues.Len() >= n: // another column with the same id has brought it
		return nil
	case s.next != c.Dictionary:
		return fmt.Errorf("lightstream: column %q: %w: it shares its dictionary with another column, which brings other values in this batch", p.path, ErrUnsupported)
	}
	have, values := s.dictionary, s.values
	if s.next != nil { // of another column with this id, in the same call
		have, values = s.next, s.nextValues
	}
	if have == c.Dictionary && values.Len() >= n {
		return nil
	}
	same, from, delta := have == c.Dictionary, 0, false
	if !same && e.file && have != nil {
		if same = begins(c.Values, values, min(n, values.Len())); same && n <= values.Len() {
			return nil
		}
	}
	if !same && e.file && n < s.values.Len() && begins(s.values, c.Values, n) {
		return nil // the file has these and more
	}
	switch {
	case have == nil:
	case e.mode == OnceDictionaries:
		return fmt.Errorf("lightstream: column %q: %w", p.path, ErrChanged)
	case e.file && !same:
		return fmt.Errorf("lightstream: column %q: %w; use one builder for a file, or write a stream, of which lightstream copy makes a file", p.path, ErrReplaced)
	case same && (e.file || e.mode == DeltaDictionaries):
		from = values.Len()
		delta = from != 0 || e.file // in a file what follows an empty dictionary is a delta, too
	}
	s.next, s.nextValues, e.pending = c.Dictionary, c.Values, true
	return e.addDictionaryBatch(id, &s.plan, c.Values, from, delta)
}

// addDictionaryBatch adds the values of a dictionary from index from on.
func (e *encoder) addDictionaryBatch(id int64, p *columnPlan, values column.Values, from int, delta bool) error {
	d, err := p.valuesData(values, from)
	if err != nil {
		return err
	}
	if !e.received {
		if err := p.checkText(&d); err != nil {
			if v, ok := err.(*column.ValueError); ok && len(p.children) == 0 {
				v.Row += from
			}
			return err
		}
	}
	var counts []int64
	buffers := p.buffers
	p.eachView(&d, func(n int) {
		counts = append(counts, int64(n))
		buffers += n
	})
	w := walk{template: newTemplate(p.nodes, buffers, counts, e.compression, &id, delta, e.others.Dictionaries[id], "")}
	if e.size == 0 {
		w.template = w.template.at(e.lead)
	}
	start := e.size
	e.part(w.template.head)
	if e.deflate != nil {
		e.collect(&w, p, &d)
		if err := e.addDeflated(&w, false); err != nil {
			return err
		}
	} else {
		e.addColumn(&w, p, &d)
	}
	w.setSize(d.Len, w.offset)
	e.marks = append(e.marks, messageMark{start, len(w.template.head), w.offset, true})
	return nil
}

// eachView calls use with the number of data buffers of each view column in and below a column.
func (p *columnPlan) eachView(c *column.Data, use func(n int)) {
	if p.layout == layoutView {
		use(len(c.Variadic))
	}
	for i := range p.children {
		p.children[i].eachView(&c.Children[i], use)
	}
}

// valuesData lays the values of a dictionary from index from on out as a column.
func (p *columnPlan) valuesData(values column.Values, from int) (column.Data, error) {
	if v := values.Column(); v != nil {
		return p.slice(v, from, v.Len), nil
	}
	values = values.From(from)
	form := column.PlainText
	switch p.layout {
	case layoutFixed:
		return column.FixedValues(values, p.width), nil
	case layoutOffsets32:
	case layoutOffsets64:
		form = column.LargeText
	case layoutView:
		form = column.ViewText
	default:
		if values.Len() != 0 {
			return column.Data{}, fmt.Errorf("lightstream: column %q: %d strings in a dictionary of %s, want a column; make it with column.ColumnDictionary", p.path, values.Len(), p.field.TypeString())
		}
		return p.noRows(), nil
	}
	return column.TextValues(values, form)
}

// addEnd adds the end marker.
func (e *encoder) addEnd() { e.part(endMarker) }

// counted adds the dictionary messages of the current call to stats.
func (e *encoder) counted(stats *Stats) {
	if !e.pending {
		return
	}
	for i := range e.sent {
		switch s := &e.sent[i]; {
		case s.next == nil || s.dictionary == nil:
		case e.file:
			stats.Deltas++
		case s.next == s.dictionary && s.values.Len() != 0 && e.mode == DeltaDictionaries:
			stats.Deltas++
		default:
			stats.Replaced++
		}
	}
}
