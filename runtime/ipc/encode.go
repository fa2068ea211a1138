package ipc

import (
	"errors"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// encoder turns batches into messages. It is what writers of streams and of files share: it lays out the bytes, and they send
// them.
type encoder struct {
	schema  *Schema
	plans   []columnPlan
	batch   *template
	buffers int
	sent    []sentDictionary // by column
	pending bool             // one of them has a next
	file    bool

	// The messages of the current call: parts to be sent in order. Those that are not columns lie in arena.
	parts [][]byte
	size  int64
	arena []byte
	mark  int // start in arena of what is not among the parts yet
	marks []messageMark
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
	dictionary *column.Dictionary
	length     int
	next       *column.Dictionary // with the current call
	nextLength int
}

// ErrReplaced tells that a batch brings another dictionary for a column of a file, which holds one for each column.
var ErrReplaced = errors.New("a file holds one dictionary for each column, and this batch has another")

func newEncoder(schema *Schema, file bool) (*encoder, error) {
	e := &encoder{schema: withIDs(schema), file: file}
	e.plans = make([]columnPlan, len(schema.Fields))
	e.sent = make([]sentDictionary, len(schema.Fields))
	nodes := 0
	for i := range e.schema.Fields {
		f := &e.schema.Fields[i]
		e.plans[i] = planOf(f, f.Name)
		p := &e.plans[i]
		switch {
		case p.layout == layoutOther, p.layout == layoutView, p.layout == layoutNull:
			return nil, fmt.Errorf("lightstream: column %q: %w: columns of type %s are not written yet", f.Name, ErrUnsupported, f.TypeString())
		case f.Dictionary != nil && f.Type.Kind != KindUtf8:
			return nil, fmt.Errorf("lightstream: column %q: %w: dictionaries of %v are not written yet; use utf8", f.Name, ErrUnsupported, f.Type)
		}
		nodes += p.nodes
		e.buffers += p.buffers
	}
	e.batch = newTemplate(nodes, e.buffers, nil, false)
	return e, nil
}

// withIDs gives each dictionary the index of its column as id: what every reader takes.
func withIDs(s *Schema) *Schema {
	c := &Schema{Fields: append([]Field(nil), s.Fields...), Metadata: s.Metadata}
	for i := range c.Fields {
		if d := c.Fields[i].Dictionary; d != nil {
			own := *d
			own.ID = int64(i)
			c.Fields[i].Dictionary = &own
		}
	}
	return c
}

// begin starts the messages of a call.
func (e *encoder) begin() {
	clear(e.parts)
	e.parts, e.arena, e.marks = e.parts[:0], e.arena[:0], e.marks[:0]
	e.size, e.mark = 0, 0
	if e.pending {
		e.pending = false
		for i := range e.sent {
			e.sent[i].next = nil
		}
	}
}

// commit notes that the reader has what the call sent.
func (e *encoder) commit() {
	if !e.pending {
		return
	}
	for i := range e.sent {
		if s := &e.sent[i]; s.next != nil {
			s.dictionary, s.length = s.next, s.nextLength
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
	e.arena = appendHead(e.arena, schemaMessage(e.schema), offset)
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
	for i := range columns {
		c, p := &columns[i], &e.plans[i]
		if c.Len != rows {
			return fmt.Errorf("lightstream: column %q has %d rows in a batch of %d", p.field.Name, c.Len, rows)
		}
		if c.Nulls != 0 && !p.field.Nullable {
			return &column.ValueError{Column: p.field.Name, Row: c.FirstNull(), Err: column.ErrNotNullable}
		}
		if (p.field.Dictionary != nil) != (c.Dictionary != nil) {
			return fmt.Errorf("lightstream: column %q: is it a dictionary column? the schema says %v, the batch %v", p.field.Name, p.field.Dictionary != nil, c.Dictionary != nil)
		}
	}
	return nil
}

// addBatch adds what the reader lacks of the dictionaries, and the batch.
func (e *encoder) addBatch(rows int, columns []column.Data) error {
	if err := e.check(rows, columns); err != nil {
		return err
	}
	for i := range columns {
		if c := &columns[i]; c.Dictionary != nil {
			if err := e.addDictionary(i, c); err != nil {
				return err
			}
		}
	}
	t := e.batch
	start := e.size
	e.part(t.head)
	buffer := 0
	var offset int64
	for i := range columns {
		c, p := &columns[i], &e.plans[i]
		t.setNode(i, rows, c.Nulls)
		for k, b := range c.Buffers[:p.buffers] {
			if k == 0 && c.Nulls == 0 {
				b = nil
			}
			t.setBuffer(buffer, offset, len(b))
			buffer++
			size := mem.Pad(len(b))
			switch {
			case len(b) == 0:
			case c.Padded && cap(b) >= size: // all columns of builders
				e.parts = append(e.parts, b[:size])
				e.size += int64(size)
			default:
				e.addBuffer(b, rows, k == 0 || p.layout == layoutBits)
			}
			offset += int64(size)
		}
	}
	t.setSize(rows, offset)
	e.marks = append(e.marks, messageMark{start, len(t.head), offset, false})
	return nil
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

// addDictionary adds what the reader lacks of a column's dictionary: a first one, a replacement, or a delta in files, where a
// replacement cannot be.
func (e *encoder) addDictionary(i int, c *column.Data) error {
	s := &e.sent[i]
	n := c.Values.Len()
	if s.dictionary == c.Dictionary && s.length >= n {
		return nil
	}
	delta := false
	from := 0
	if e.file && s.dictionary != nil {
		if s.dictionary != c.Dictionary {
			return fmt.Errorf("lightstream: column %q: %w; use one builder for a file, or a stream", e.plans[i].field.Name, ErrReplaced)
		}
		delta, from = true, s.length
	}
	s.next, s.nextLength, e.pending = c.Dictionary, n, true
	return e.addDictionaryBatch(int64(i), c.Values.From(from), delta)
}

func (e *encoder) addDictionaryBatch(id int64, values column.Values, delta bool) error {
	n := values.Len()
	var b column.TextBuilder
	b.Init(column.Config{Nullable: true})
	for i := range n {
		b.AppendNullable(values.At(i), !values.IsNull(i))
	}
	if err := b.Err(); err != nil {
		return err
	}
	d := b.Data()
	t := newTemplate(1, 3, &id, delta)
	start := e.size
	var offset int64
	t.setNode(0, n, d.Nulls)
	e.part(t.head)
	for k, buf := range d.Buffers {
		t.setBuffer(k, offset, len(buf))
		size := mem.Pad(len(buf))
		e.part(buf[:size]) // builders pad
		offset += int64(size)
	}
	t.setSize(n, offset)
	e.marks = append(e.marks, messageMark{start, len(t.head), offset, true})
	return nil
}

// addEnd adds the end marker.
func (e *encoder) addEnd() { e.part(endMarker) }

// count adds the dictionary messages of the current call to stats.
func (e *encoder) count(stats *Stats) {
	if !e.pending {
		return
	}
	for i := range e.sent {
		switch s := &e.sent[i]; {
		case s.next == nil || s.dictionary == nil:
		case e.file:
			stats.Deltas++
		default:
			stats.Replaced++
		}
	}
}
