package ipc

import (
	"errors"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// CheckColumn checks a column that did not come through a reader as a reader checks those that do: at Structure that its buffers
// have exactly the lengths that the rows need, and at Contents, which zero means, the values by which others are found. Where the
// buffers lie is not checked. The error wraps [ErrMalformed], [ErrUnsupported] or [column.ErrNotNullable].
func CheckColumn(f *Field, d *column.Data, level Level) error {
	p := planOf(f, f.Name)
	err := p.structure(d)
	if err == nil && level != Structure {
		err = p.contents(d, level)
	}
	if err == nil {
		return nil
	}
	var e *frame.DecodeError
	if errors.As(err, &e) { // there is no frame to speak of
		return fmt.Errorf("lightstream: column %s: %w", e.Path, e.Err)
	}
	return err
}

// structure checks the lengths of a flat column.
func (p *columnPlan) structure(d *column.Data) error {
	switch {
	case len(d.Children) != len(p.children):
		return p.malformed("children", "%d columns, want %d", len(d.Children), len(p.children))
	case d.Len < 0 || d.Nulls < 0 || d.Nulls > d.Len:
		return p.malformed("validity", "%d nulls in %d rows", d.Nulls, d.Len)
	case p.layout == layoutNull:
		return nil
	case d.Nulls != 0 && d.Buffers[0] == nil:
		return p.malformed("validity", "no bitmap for %d nulls", d.Nulls)
	case d.Buffers[0] != nil && len(d.Buffers[0]) != (d.Len+7)/8:
		return p.length("validity", d.Buffers[0], (d.Len+7)/8)
	case d.Nulls != 0 && !p.field.Nullable:
		return &column.ValueError{Column: p.field.Name, Row: d.FirstNull(), Err: column.ErrNotNullable}
	case p.field.Dictionary != nil && d.Dictionary == nil:
		return p.malformed("dictionary", "it is absent")
	}
	values := d.Buffers[1]
	switch p.layout {
	case layoutFixed:
		if p.width != 0 && (len(values)%p.width != 0 || len(values)/p.width != d.Len) {
			return p.length("values", values, d.Len*p.width)
		}
	case layoutBits:
		if len(values) != (d.Len+7)/8 {
			return p.length("values", values, (d.Len+7)/8)
		}
	case layoutView:
		if len(values)%16 != 0 || len(values)/16 != d.Len {
			return p.length("views", values, d.Len*16)
		}
	case layoutOffsets32, layoutOffsets64:
		return p.offsets(d)
	}
	return nil
}

// offsets checks the number of offsets, the first and the last.
func (p *columnPlan) offsets(d *column.Data) error {
	b, width := d.Buffers[1], 4
	if p.layout == layoutOffsets64 {
		width = 8
	}
	if d.Len == 0 && len(b) == 0 {
		return nil
	}
	if len(b)%width != 0 || len(b)/width != d.Len+1 {
		return p.length("offsets", b, (d.Len+1)*width)
	}
	at := func(i int) int64 {
		if width == 8 {
			return int64(le.Uint64(b[8*i:]))
		}
		return int64(int32(le.Uint32(b[4*i:])))
	}
	if from, to := at(0), at(d.Len); from < 0 || to < from || to > int64(len(d.Buffers[2])) {
		return p.malformed("offsets", "from %d to %d of %d bytes", from, to, len(d.Buffers[2]))
	}
	return nil
}

func (p *columnPlan) length(part string, have []byte, want int) error {
	return p.malformed(part, "%d bytes, the rows need %d", len(have), want)
}
