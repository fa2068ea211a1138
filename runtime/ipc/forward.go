package ipc

import (
	"context"
	"fmt"
	"weak"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Forward sends a received batch, whose columns must be of the types of the writer's schema, and returns when the destination has
// accepted the bytes. Nothing is copied. Where the batch lies as this writer would lay it out, its body is sent as it was
// received; else it is encoded anew, from the memory it was received in. Stats counts both.
//
// Batches of several readers may be forwarded: where their dictionaries begin with the same values the longest is sent, and where
// they differ, the writer sends one of its own, to which it adds what is new, and changes the indices. So a file takes them too. In a
// stream, a dictionary that replaces another one of the same reader replaces it here as well, as long as there is no other reader; and
// the writer's own begins anew once more than half of it, and more than a few, are values of dictionaries that were replaced.
// Text is not looked at: whether it is valid UTF-8 was the reader's to check, at the level UTF8.
//
// Errors are those of Write, and one that wraps [column.ErrDictionaryFull] where that dictionary outgrows its index type.
func (w *Writer) Forward(ctx context.Context, b Batch) error {
	if err := w.Err(); err != nil {
		return err
	}
	columns, same, err := w.forward.merge(w.enc, record.Columns(b))
	if err != nil {
		return err
	}
	body := record.Body(b)
	if !same || !w.enc.laidOut(columns, body) {
		body = nil
	}
	w.enc.received = true
	err = w.write(ctx, b.Len(), columns, body, b.Metadata(), "")
	w.enc.received = false
	if err != nil {
		return err
	}
	if body != nil {
		w.stats.Forwarded++
	} else {
		w.stats.Encoded++
	}
	w.account()
	return nil
}

// laidOut tells whether the buffers of the columns are all of body, in the places that the encoder gives them.
func (e *encoder) laidOut(columns []column.Data, body []byte) bool {
	if len(columns) != len(e.plans) || len(body) == 0 || e.deflate != nil {
		return false
	}
	at := 0
	next := func(b []byte) bool {
		if len(b) == 0 {
			return true
		}
		if len(b) > len(body)-at || &body[at] != &b[0] {
			return false
		}
		at += mem.Pad(len(b))
		return at <= len(body)
	}
	var walk func(p *columnPlan, c *column.Data) bool
	walk = func(p *columnPlan, c *column.Data) bool {
		if len(c.Children) != len(p.children) {
			return false
		}
		first, last := p.wired()
		for k := first; k < last; k++ {
			if (k != 0 || c.Nulls != 0) && !next(c.Buffers[k]) {
				return false
			}
		}
		if p.layout == layoutView {
			for _, b := range c.Variadic {
				if !next(b) {
					return false
				}
			}
		}
		for i := range p.children {
			if !walk(&p.children[i], &c.Children[i]) {
				return false
			}
		}
		return true
	}
	for i := range columns {
		if !walk(&e.plans[i], &columns[i]) {
			return false
		}
	}
	return at == len(body)
}

// forwarder brings the dictionaries of received batches in line with what the reader has.
type forwarder struct {
	columns []column.Data // of the current batch
	below   []column.Data // those below them
	merges  []dictionaryMerge
}

// dictionaryMerge is what is known of the dictionaries that were forwarded for an id.
type dictionaryMerge struct {
	sent    *column.Dictionary                            // when it was noted; what is below holds while the reader has that
	own     *column.Dictionary                            // with the values of several, nil while there is no need
	was     *column.Dictionary                            // what the reader had when own began anew, which own replaces
	maps    map[weak.Pointer[column.Dictionary]]*indexMap // by received dictionary, which they do not keep alive
	indices [][]byte                                      // of the current batch, a part for each column of the id
	used    int                                           // of those
	last    []lastOf                                      // by reader
}

// lastOf is the last dictionary of a reader that was forwarded.
type lastOf struct {
	dictionary weak.Pointer[column.Dictionary]
	first      *column.Dictionary // an empty one that knows which others are the reader's
	entries    int
	size       int
}

// indexMap is where the first values of a received dictionary are among those that the reader has.
type indexMap struct {
	known int   // values
	to    []int // their indices, nil where they are the same
}

// maxMaps is of how many dictionaries the places are kept.
const maxMaps = 64

// merge returns the columns with dictionaries that the reader has, or that extend those. The indices of some may have changed.
func (f *forwarder) merge(e *encoder, columns []column.Data) (merged []column.Data, same bool, err error) {
	if len(e.sent) == 0 || len(columns) != len(e.plans) {
		return columns, true, nil
	}
	if f.merges == nil {
		f.merges = make([]dictionaryMerge, len(e.sent))
	}
	for i := range f.merges {
		f.merges[i].used = 0
	}
	same = true
	f.columns, f.below = append(f.columns[:0], columns...), f.below[:0]
	for i := range f.columns {
		unchanged, err := f.mergeColumn(e, &e.plans[i], &f.columns[i])
		if err != nil {
			return nil, false, err
		}
		same = same && unchanged
	}
	return f.columns, same, nil
}

// mergeColumn does that for a column, and those below it.
func (f *forwarder) mergeColumn(e *encoder, p *columnPlan, c *column.Data) (same bool, err error) {
	same = true
	if n := len(f.below); len(c.Children) != 0 {
		f.below = append(f.below, c.Children...) // the batch keeps its own
		c.Children = f.below[n:len(f.below):len(f.below)]
	}
	for i := range min(len(p.children), len(c.Children)) {
		unchanged, err := f.mergeColumn(e, &p.children[i], &c.Children[i])
		if err != nil {
			return false, err
		}
		same = same && unchanged
	}
	if p.field.Dictionary == nil || c.Dictionary == nil {
		return same, nil
	}
	id := p.field.Dictionary.ID
	s, m := &e.sent[id], &f.merges[id]
	if s.dictionary == nil || s.dictionary == c.Dictionary && m.own == nil {
		return same, nil
	}
	if c.Values.Column() != nil || s.values.Column() != nil {
		return same, nil // values that are no byte strings are sent as they come
	}
	if m.sent != s.dictionary && (m.was == nil || m.was != s.dictionary) {
		*m = dictionaryMerge{sent: s.dictionary, maps: make(map[weak.Pointer[column.Dictionary]]*indexMap), indices: m.indices, used: m.used}
	}
	key := weak.Make(c.Dictionary)
	x := m.maps[key]
	if x == nil {
		if len(m.maps) == maxMaps {
			clear(m.maps)
		}
		x = &indexMap{}
		m.maps[key] = x
	}
	replaces := !e.file && e.mode != OnceDictionaries
	m.note(c.Dictionary, c.Values, s)
	if replaces && m.own != nil && m.stale() {
		*m = dictionaryMerge{own: column.NewDictionary(0), was: s.dictionary, maps: m.maps, indices: m.indices, used: m.used, last: m.last}
		m.sent = m.own
		clear(m.maps)
		x = &indexMap{to: []int{}}
		m.maps[key] = x
	}
	ok, err := m.place(x, s, p, c.Values, replaces && len(m.last) == 1)
	if err != nil {
		return false, fmt.Errorf("lightstream: column %q: %w", p.path, err)
	}
	if !ok { // it takes the place of the one before it, as it did where it comes from
		*m = dictionaryMerge{sent: c.Dictionary, maps: m.maps, indices: m.indices, used: m.used, last: m.last}
		clear(m.maps)
		return same, nil
	}
	switch {
	case x.to != nil:
		if err := m.remap(x, p, c); err != nil {
			return false, fmt.Errorf("lightstream: column %q: %w", p.path, err)
		}
		same = false
	case m.own == nil && c.Values.Len() > s.values.Len(): // it extends what the reader has
		s.dictionary, m.sent = c.Dictionary, c.Dictionary
		return same, nil
	}
	if m.own != nil {
		if s.dictionary != m.was {
			s.dictionary, m.sent = m.own, m.own // which begins with what the reader has
		}
		c.Dictionary, c.Values = m.own, m.own.Values()
	} else {
		c.Dictionary, c.Values = s.dictionary, s.values
	}
	return same, nil
}

// maxReaders is of how many readers the last dictionaries are kept.
const maxReaders = 64

// note keeps in mind that d, with the values v by now, is the last dictionary of its reader. Before the first one, what the writer has
// sent counts as a reader's.
func (m *dictionaryMerge) note(d *column.Dictionary, v column.Values, s *sentDictionary) {
	if m.last == nil {
		m.last = append(m.last, newLast(s.dictionary, s.values))
	}
	key := weak.Make(d)
	for i := range m.last {
		l := &m.last[i]
		switch {
		case l.dictionary == key:
			l.grow(v)
			return
		case d.Succeeds(l.first):
			*l = newLast(d, v)
			return
		}
	}
	if len(m.last) == maxReaders {
		m.last = m.last[:1] // not none: it would look as if there had been one reader alone
	}
	m.last = append(m.last, newLast(d, v))
}

func newLast(d *column.Dictionary, v column.Values) lastOf {
	l := lastOf{dictionary: weak.Make(d), first: d.Successor()}
	l.grow(v)
	return l
}

// grow takes account of the values that have come since.
func (l *lastOf) grow(v column.Values) {
	for ; l.entries < v.Len(); l.entries++ {
		l.size += len(v.At(l.entries))
	}
}

// stale tells whether most of the writer's own dictionary are values that no reader has any more.
func (m *dictionaryMerge) stale() bool {
	entries, size := 1024, 64<<10
	for i := range m.last {
		entries += 2 * m.last[i].entries
		size += 2 * m.last[i].size
	}
	return m.own.Len() > entries || m.own.Size() > size
}

// place finds or adds those values that x does not know yet. With replaces it does not where that takes a dictionary of the writer's
// own, and returns false.
func (m *dictionaryMerge) place(x *indexMap, s *sentDictionary, p *columnPlan, v column.Values, replaces bool) (ok bool, err error) {
	n := v.Len()
	if x.known >= n {
		return true, nil
	}
	have := s.values
	if m.own != nil {
		have = m.own.Values()
	}
	if x.to == nil {
		x.known += v.Common(have, x.known)
		if x.known == n || m.own == nil && x.known == have.Len() {
			return true, nil // the same, or more of the same
		}
		if m.own == nil && replaces {
			return false, nil
		}
		x.to = make([]int, x.known, n)
		for i := range x.to {
			x.to[i] = i
		}
	}
	if m.own == nil {
		m.own = column.NewDictionary(0)
		m.own.Take(s.values)
	}
	limit := 0
	if bits := p.indexBits; bits < 32 {
		limit = 1 << bits
		if p.indexSigned {
			limit /= 2
		}
	}
	for ; x.known < n; x.known++ {
		var at int
		var err error
		if v.IsNull(x.known) {
			at, err = m.own.NullIndex(limit)
		} else {
			at, err = m.own.Index(v.At(x.known), limit)
		}
		if err != nil {
			return false, err
		}
		x.to = append(x.to, at)
	}
	return true, nil
}

// memory returns n bytes that no other column of the current batch has.
func (m *dictionaryMerge) memory(n int) []byte {
	if m.used == len(m.indices) {
		m.indices = append(m.indices, nil)
	}
	part := &m.indices[m.used]
	m.used++
	if cap(*part) < n {
		*part = mem.Alloc(n)
	}
	return (*part)[:n]
}

// remap writes the indices of a column anew.
func (m *dictionaryMerge) remap(x *indexMap, p *columnPlan, c *column.Data) error {
	n := c.Len * p.width
	from, to := c.Buffers[1][:n], m.memory(n)
	for row := range c.Len {
		at := row * p.width
		index, mapped := uint64(0), uint64(0)
		for k := range p.width {
			index |= uint64(from[at+k]) << (8 * k)
		}
		switch {
		case index < uint64(len(x.to)):
			mapped = uint64(x.to[index])
		case !c.IsNull(row): // below a null anything may stand
			return fmt.Errorf("row %d: %w", row, column.ErrIndex)
		}
		for k := range p.width {
			to[at+k] = byte(mapped >> (8 * k))
		}
	}
	c.Buffers[1], c.Padded = to, false
	return nil
}
