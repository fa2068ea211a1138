package ipc

import (
	"errors"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// Checker checks columns that did not come through a reader as a reader checks those that do. It may be used by several goroutines.
type Checker struct{ plans []columnPlan }

// NewChecker returns a checker of the columns of a schema.
func NewChecker(s *Schema) *Checker {
	c := &Checker{make([]columnPlan, len(s.Fields))}
	for i := range s.Fields {
		c.plans[i] = planOf(&s.Fields[i], s.Fields[i].Name)
	}
	return c
}

// Column checks column i: at Structure that its buffers have exactly the lengths that the rows need, and at Contents, which zero
// means, the values by which others are found. Where the buffers lie is not checked. The error wraps [ErrMalformed] or
// [column.ErrNotNullable].
func (c *Checker) Column(i int, d *column.Data, level Level) error {
	if level == DefaultLevel {
		level = Contents
	}
	p := &c.plans[i]
	err := p.structure(d, d.Len, p.field.Nullable, false, true)
	if err == nil && level != Structure {
		err = p.allContents(d, level, func(err error, _ *columnPlan) error { return err })
	}
	if err == nil && level != Structure {
		err = p.shownSent(d)
	}
	if err == nil {
		return nil
	}
	return columnError(err)
}

// shownSent tells which null of a column below d, which is not nullable, a row of d leads to.
func (p *columnPlan) shownSent(d *column.Data) error {
	var s sight
	if at, row := s.firstShown(p, d); at != nil {
		return &column.ValueError{Column: at.path, Row: row, Err: column.ErrNotNullable}
	}
	return nil
}

// columnError is an error about a column that came in no frame.
func columnError(err error) error {
	if e, ok := errors.AsType[*frame.DecodeError](err); ok {
		return fmt.Errorf("lightstream: column %s: %w", e.Path, e.Err)
	}
	return err
}

// maxRows bounds rows so that their sizes fit an int: 16 bytes are the widest value that is not checked for itself.
const maxRows = math.MaxInt/16 - 64

// structure checks the buffers of a column of at least the given rows, and of those below it. They are to have exactly, or at
// least, the lengths that the rows need. Nulls of columns above may hide rows.
func (p *columnPlan) structure(d *column.Data, rows int, nullable, hidden, exactly bool) error {
	validity := (d.Len + 7) / 8
	switch {
	case d.Len > maxRows:
		return p.malformed("length", "%d rows", d.Len)
	case d.Len < rows:
		return p.malformed("length", "%d rows, the column above it needs %d", d.Len, rows)
	case d.Len < 0 || d.Nulls < 0 || d.Nulls > d.Len:
		return p.malformed("validity", "%d nulls in %d rows", d.Nulls, d.Len)
	case p.hasValidity() && d.Nulls != 0 && len(d.Buffers[0]) == 0:
		return p.malformed("validity", "no bitmap for %d nulls", d.Nulls)
	case p.hasValidity() && d.Nulls != 0 && len(d.Buffers[0]) < validity, exactly && d.Buffers[0] != nil && len(d.Buffers[0]) != validity:
		return p.length("validity", d.Buffers[0], validity)
	case d.Nulls != 0 && !nullable:
		return &column.ValueError{Column: p.path, Row: d.FirstNull(), Err: column.ErrNotNullable}
	case p.field.Dictionary != nil && d.Dictionary == nil:
		return p.malformed("dictionary", "it is absent")
	case len(d.Children) != len(p.children):
		return p.malformed("children", "%d columns, the schema has %d", len(d.Children), len(p.children))
	}
	for k := range p.fixed {
		b, have := &p.fixed[k], d.Buffers[1+k]
		need := d.Len * b.width
		switch {
		case b.width != 0 && need/b.width != d.Len:
			return p.malformed(b.name, "%d rows of %d bytes", d.Len, b.width)
		case b.bits:
			need = (d.Len + 7) / 8
		case b.oneMore && (d.Len != 0 || len(have) != 0):
			need += b.width
		}
		if len(have) < need || exactly && len(have) != need {
			return p.length(b.name, have, need)
		}
	}
	if l := p.layout; l == layoutOffsets32 || l == layoutOffsets64 {
		if err := p.ends(d, len(d.Buffers[2]), "bytes"); err != nil {
			return err
		}
	}
	for i := range p.children {
		// As in received columns, anything may stand below a null.
		child, below := &p.children[i], hidden || d.Nulls != 0
		if err := child.structure(&d.Children[i], p.childRows(d), child.field.Nullable || below || p.unionLayout(), below, exactly); err != nil {
			return err
		}
	}
	switch p.layout {
	case layoutList32, layoutList64:
		return p.ends(d, d.Children[0].Len, "items")
	case layoutRunEnds:
		if ends, values := &d.Children[0], &d.Children[1]; ends.Nulls != 0 || values.Len < ends.Len {
			return p.malformed("run_ends", "%d run ends, %d of them null, for %d values", ends.Len, ends.Nulls, values.Len)
		}
	}
	return nil
}

// childRows is how many rows the children have at least, as far as that follows from the column's.
func (p *columnPlan) childRows(d *column.Data) int {
	switch p.layout {
	case layoutStruct, layoutSparseUnion:
		return d.Len
	case layoutFixedList:
		if p.width != 0 && d.Len > math.MaxInt/p.width {
			return math.MaxInt
		}
		return d.Len * p.width
	}
	return 0
}

// ends checks the first and the last offset, which lead to the first and the last of what the rows have.
func (p *columnPlan) ends(d *column.Data, limit int, what string) error {
	if d.Len == 0 {
		return nil
	}
	wide := p.fixed[0].width == 8
	if from, to := integerAt(d.Buffers[1], wide, 0), integerAt(d.Buffers[1], wide, d.Len); from < 0 || to < from || to > int64(limit) {
		return p.malformed("offsets", "from %d to %d of %d %s", from, to, limit, what)
	}
	return nil
}

// allContents checks the contents of a column and of those below it. Errors go through place, with the column that they are about.
func (p *columnPlan) allContents(d *column.Data, level Level, place func(error, *columnPlan) error) error {
	for i := range p.children {
		if err := p.children[i].allContents(&d.Children[i], level, place); err != nil {
			return err
		}
	}
	if err := p.contents(d, level); err != nil {
		return place(err, p)
	}
	return nil
}

func (p *columnPlan) length(part string, have []byte, want int) error {
	return p.malformed(part, "%d bytes, the rows need %d", len(have), want)
}
