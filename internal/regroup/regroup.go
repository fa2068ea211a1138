// Package regroup makes other batches of the rows of batches: larger, smaller, or with one dictionary for all of them.
//
// A [Column] collects rows of one column. It copies, so that the batches that rows came from may be released.
package regroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// ErrTooLong tells that the rows of a batch do not fit 32-bit offsets.
var ErrTooLong = errors.New("text or items of one batch do not fit 32-bit offsets; use smaller batches")

// Batch collects rows in all columns of a schema. It is for one goroutine at a time.
type Batch struct {
	rows    int
	columns []*Column
}

// NewBatch returns an empty batch of a schema.
func NewBatch(s *ipc.Schema) *Batch {
	b := &Batch{columns: make([]*Column, len(s.Fields))}
	shared := make(unifiers)
	for i := range s.Fields {
		b.columns[i] = newColumn(&s.Fields[i], shared)
	}
	return b
}

// Len returns the number of rows.
func (b *Batch) Len() int { return b.rows }

// Append adds rows from up to but not including to of columns, which are those of the schema and were validated.
func (b *Batch) Append(columns []column.Data, from, to int) error {
	for i, c := range b.columns {
		if err := c.append(&columns[i], from, to); err != nil {
			return err
		}
	}
	b.rows += to - from
	return nil
}

// Take returns the rows collected, in memory of its own, and begins anew. Dictionaries go on: they hold all values so far.
func (b *Batch) Take() []column.Data {
	columns := make([]column.Data, len(b.columns))
	for i, c := range b.columns {
		columns[i] = c.take()
	}
	b.rows = 0
	return columns
}

// Column collects rows of one column.
type Column struct {
	field    *ipc.Field
	width    int // of values of a fixed width
	len      int
	nulls    int
	validity []byte
	values   []byte // values, bits, offsets, views, types
	second   []byte // sizes of list views, offsets of dense unions
	text     []byte
	children []*Column
	of       [128]int // of unions
	hint     int      // the run last found
	unify    *unifier
}

func newColumn(f *ipc.Field, shared unifiers) *Column {
	c := &Column{field: f, width: ipc.ValueWidth(f.Type)}
	if f.Dictionary != nil {
		c.width, c.unify = f.Dictionary.Index.Bits/8, shared.of(f)
		return c
	}
	if f.Type.Kind == ipc.KindUnion {
		c.of = value.ChildOf(f)
	}
	for i := range f.Children {
		c.children = append(c.children, newColumn(&f.Children[i], shared))
	}
	return c
}

var le = binary.LittleEndian

// append adds rows from up to but not including to.
func (c *Column) append(d *column.Data, from, to int) error {
	if from == to {
		return nil
	}
	if c.unify != nil {
		return c.appendIndices(d, from, to)
	}
	c.appendValidity(d, from, to)
	defer func() { c.len += to - from }()
	switch c.field.Type.Kind {
	case ipc.KindNull:
	case ipc.KindBool:
		for i := from; i < to; i++ {
			c.values = putBit(c.values, c.len+i-from, d.Buffers[1][i>>3]>>(i&7)&1)
		}
	case ipc.KindUtf8, ipc.KindBinary, ipc.KindLargeUtf8, ipc.KindLargeBinary:
		return c.appendText(d, from, to)
	case ipc.KindUtf8View, ipc.KindBinaryView:
		return c.appendViews(d, from, to)
	case ipc.KindList, ipc.KindLargeList, ipc.KindMap:
		return c.appendLists(d, from, to)
	case ipc.KindListView, ipc.KindLargeListView:
		return c.appendListViews(d, from, to)
	case ipc.KindFixedSizeList:
		return c.children[0].append(&d.Children[0], from*c.field.Type.Width, to*c.field.Type.Width)
	case ipc.KindStruct:
		return c.appendChildren(d, from, to)
	case ipc.KindUnion:
		return c.appendUnion(d, from, to)
	case ipc.KindRunEndEncoded:
		return c.appendRuns(d, from, to)
	default:
		c.values = append(c.values, d.Buffers[1][from*c.width:to*c.width]...)
	}
	return nil
}

// appendValidity keeps a bitmap from the first null on.
func (c *Column) appendValidity(d *column.Data, from, to int) {
	bits := d.Buffers[0]
	if bits == nil && c.validity == nil {
		return
	}
	if c.validity == nil {
		c.validity = make([]byte, 0, 64)
		for i := range c.len {
			c.validity = putBit(c.validity, i, 1)
		}
	}
	for i := from; i < to; i++ {
		v := byte(1)
		if bits != nil {
			v = bits[i>>3] >> (i & 7) & 1
		}
		c.nulls += 1 - int(v)
		c.validity = putBit(c.validity, c.len+i-from, v)
	}
}

// putBit sets bit i, which is the next, of a bitmap.
func putBit(bits []byte, i int, v byte) []byte {
	if i&7 == 0 {
		return append(bits, v)
	}
	bits[i>>3] |= v << (i & 7)
	return bits
}

// wide tells whether offsets have 64 bits.
func (c *Column) wide() bool {
	switch c.field.Type.Kind {
	case ipc.KindLargeUtf8, ipc.KindLargeBinary, ipc.KindLargeList, ipc.KindLargeListView:
		return true
	}
	return false
}

// appendOffset adds an offset or a size.
func (c *Column) appendOffset(dst []byte, n int) ([]byte, error) {
	if c.wide() {
		return le.AppendUint64(dst, uint64(n)), nil
	}
	if n > math.MaxInt32 {
		return dst, fmt.Errorf("lightstream: column %q: %w", c.field.Name, ErrTooLong)
	}
	return le.AppendUint32(dst, uint32(n)), nil
}

// startOffsets writes the first offset of a column that has one more than rows.
func (c *Column) startOffsets() {
	if len(c.values) == 0 {
		c.values, _ = c.appendOffset(c.values, 0)
	}
}

func (c *Column) appendText(d *column.Data, from, to int) (err error) {
	form := column.PlainText
	if c.wide() {
		form = column.LargeText
	}
	c.startOffsets()
	for i := from; i < to && err == nil; i++ {
		if !d.IsNull(i) {
			c.text = append(c.text, column.TextAt(d, form, i)...)
		}
		c.values, err = c.appendOffset(c.values, len(c.text))
	}
	return err
}

const viewSize = 16

func (c *Column) appendViews(d *column.Data, from, to int) error {
	for i := from; i < to; i++ {
		var view [viewSize]byte
		if !d.IsNull(i) {
			c.text = column.PutView(view[:], c.text, column.TextAt(d, column.ViewText, i))
		}
		if c.values = append(c.values, view[:]...); len(c.text) > math.MaxInt32 {
			return fmt.Errorf("lightstream: column %q: %w", c.field.Name, ErrTooLong)
		}
	}
	return nil
}

func (c *Column) appendLists(d *column.Data, from, to int) (err error) {
	c.startOffsets()
	items := c.children[0]
	for i := from; i < to && err == nil; i++ {
		if !d.IsNull(i) {
			first, end := value.Items(c.field.Type, d, i)
			if err = items.append(&d.Children[0], first, end); err != nil {
				return err
			}
		}
		c.values, err = c.appendOffset(c.values, items.len)
	}
	return err
}

func (c *Column) appendListViews(d *column.Data, from, to int) (err error) {
	items := c.children[0]
	for i := from; i < to && err == nil; i++ {
		first, end := 0, 0
		if !d.IsNull(i) {
			first, end = value.Items(c.field.Type, d, i)
		}
		if c.values, err = c.appendOffset(c.values, items.len); err != nil {
			return err
		}
		if c.second, err = c.appendOffset(c.second, end-first); err != nil {
			return err
		}
		err = items.append(&d.Children[0], first, end)
	}
	return err
}

func (c *Column) appendChildren(d *column.Data, from, to int) error {
	for k, child := range c.children {
		if err := child.append(&d.Children[k], from, to); err != nil {
			return err
		}
	}
	return nil
}

func (c *Column) appendUnion(d *column.Data, from, to int) error {
	c.values = append(c.values, d.Buffers[1][from:to]...)
	if c.field.Type.Variant == 0 {
		return c.appendChildren(d, from, to)
	}
	for i := from; i < to; i++ {
		k := c.of[d.Buffers[1][i]&127]
		child, at := c.children[k], int(le.Uint32(d.Buffers[2][4*i:]))
		c.second = le.AppendUint32(c.second, uint32(child.len))
		if err := child.append(&d.Children[k], at, at+1); err != nil {
			return err
		}
	}
	return nil
}

// appendRuns adds the runs that the rows lie in, cut to them.
func (c *Column) appendRuns(d *column.Data, from, to int) error {
	ends, values := c.children[0], c.children[1]
	width := ends.width
	run := value.Run(&d.Children[0], width, from, c.hint)
	for at := from; at < to; run++ {
		end := min(int(column.SignedAt(&d.Children[0], width, run)), to)
		last := c.len + end - from
		if width < 8 && last > 1<<(8*width-1)-1 {
			return fmt.Errorf("lightstream: column %q: %d rows of one batch do not fit run ends of %d bits; use smaller batches", c.field.Name, last, 8*width)
		}
		ends.values = append(ends.values, le.AppendUint64(nil, uint64(last))[:width]...)
		ends.len++
		if err := values.append(&d.Children[1], run, run+1); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// take returns the rows and begins anew.
func (c *Column) take() column.Data {
	d := column.Data{Len: c.len, Nulls: c.nulls, Buffers: [3][]byte{c.validity, c.values, c.second}}
	switch k := c.field.Type.Kind; {
	case c.unify != nil:
		d.Dictionary, d.Values = c.unify.all, c.unify.all.Values()
	case k == ipc.KindUtf8View || k == ipc.KindBinaryView:
		if len(c.text) > 0 {
			d.Variadic = [][]byte{c.text}
		}
	case k == ipc.KindUtf8 || k == ipc.KindBinary || k == ipc.KindLargeUtf8 || k == ipc.KindLargeBinary:
		c.startOffsets()
		d.Buffers[1], d.Buffers[2] = c.values, c.text
	case k == ipc.KindList || k == ipc.KindLargeList || k == ipc.KindMap:
		c.startOffsets()
		d.Buffers[1] = c.values
	}
	for _, child := range c.children {
		d.Children = append(d.Children, child.take())
	}
	if c.nulls == 0 {
		d.Buffers[0] = nil
	}
	c.len, c.nulls, c.hint = 0, 0, 0
	c.validity, c.values, c.second, c.text = nil, nil, nil, nil
	return d
}
