package arrowgo

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// columns turns records into columns of one schema, and keeps their dictionaries from record to record.
type columns struct {
	schema       *ipc.Schema
	wants        func(i int) bool
	zeroBased    bool                 // offsets of text start at 0
	seen         *arrow.Schema        // known to have the columns
	dictionaries []importedDictionary // by column
	data         []column.Data        // of the last record
	copied       int64                // buffers that could not be taken as they lie
}

func newColumns(schema *ipc.Schema, wants func(i int) bool) columns {
	n := len(schema.Fields)
	return columns{schema: schema, wants: wants, dictionaries: make([]importedDictionary, n), data: make([]column.Data, n)}
}

// of returns the columns of a record. They alias it, and the slice is valid until the next call.
func (c *columns) of(rec arrow.RecordBatch) (rows int, data []column.Data, err error) {
	if err := c.check(rec.Schema()); err != nil {
		return 0, nil, err
	}
	n := rec.NumRows()
	if n < 0 || n > math.MaxInt/32 || rec.NumCols() != int64(len(c.data)) {
		return 0, nil, fmt.Errorf("lightstream: a record of %d rows and %d columns, its schema has %d", n, rec.NumCols(), len(c.data))
	}
	rows = int(n)
	for i := range c.data {
		c.data[i] = column.Data{}
		if !c.wants(i) {
			continue
		}
		if err := c.column(i, rec.Column(i), rows); err != nil {
			return 0, nil, err
		}
	}
	return rows, c.data, nil
}

// check tells whether records of schema s have the columns.
func (c *columns) check(s *arrow.Schema) error {
	if s == c.seen {
		return nil
	}
	if have, want := s.NumFields(), len(c.schema.Fields); have != want {
		return fmt.Errorf("lightstream: the record has %d columns, want %d", have, want)
	}
	for i := range c.schema.Fields {
		if !c.wants(i) {
			continue
		}
		f, err := fieldFrom(s.Field(i), i)
		if err != nil {
			return err
		}
		want := &c.schema.Fields[i]
		if f.Name != want.Name || !sameType(&f, want) {
			return fmt.Errorf("lightstream: column %d of the record is %q, %s; want %q, %s", i, f.Name, f.TypeString(), want.Name, want.TypeString())
		}
	}
	c.seen = s
	return nil
}

func sameType(a, b *ipc.Field) bool {
	return a.Type.Equal(b.Type) && (a.Dictionary != nil) == (b.Dictionary != nil) &&
		(a.Dictionary == nil || a.Dictionary.Index.Equal(b.Dictionary.Index))
}

// widthOf returns the bytes of a value of a fixed-width type.
func widthOf(t ipc.Type) int {
	switch t.Kind {
	case ipc.KindTimestamp, ipc.KindDuration:
		return 8
	case ipc.KindDate:
		return 4 << t.Variant
	case ipc.KindInterval:
		return [...]int{4, 8, 16}[t.Variant]
	case ipc.KindFixedSizeBinary:
		return t.Width
	}
	return t.Bits / 8
}

// column sets column i to the first rows of an array.
func (c *columns) column(i int, a arrow.Array, rows int) error {
	f, d := &c.schema.Fields[i], &c.data[i]
	if x, ok := a.(array.ExtensionArray); ok {
		a = x.Storage()
	}
	data := a.Data()
	if have := data.Len(); have < rows {
		return fmt.Errorf("lightstream: column %q has %d rows in a record of %d", f.Name, have, rows)
	}
	s := source{data, data.Offset(), rows, c, f}
	d.Len = rows
	if f.Type.Kind == ipc.KindNull {
		d.Nulls = rows
		return nil
	}
	err := s.validity(d)
	switch {
	case err != nil:
	case f.Dictionary != nil:
		if d.Buffers[1], err = s.fixed(widthOf(f.Dictionary.Index)); err != nil {
			break
		}
		if d.Dictionary, err = c.dictionaries[i].values(f.Name, data.Dictionary()); err == nil {
			d.Values = d.Dictionary.Values()
		}
	case f.Type.Kind == ipc.KindBool:
		d.Buffers[1], err = s.bits(1)
	case isView(f.Type):
		err = s.views(d)
	case f.Type.IsText() || f.Type.IsBinary():
		err = s.text(d)
	default:
		d.Buffers[1], err = s.fixed(widthOf(f.Type))
	}
	return err
}

// source is what of an array's buffers a column is made of: rows from offset on.
type source struct {
	data         arrow.ArrayData
	offset, rows int
	columns      *columns
	field        *ipc.Field
}

// buffer returns a buffer as it lies, nil where there is none.
func (s *source) buffer(i int) []byte {
	if b := s.data.Buffers(); i < len(b) && b[i] != nil {
		return b[i].Bytes()
	}
	return nil
}

func (s *source) short(part string, have int) error {
	return fmt.Errorf("lightstream: column %s.%s: %w", s.field.Name, part,
		frame.Errorf(ipc.ErrMalformed, "%d bytes are too few for %d rows from row %d on", have, s.rows, s.offset))
}

// validity sets the nulls and their bitmap. The count of the array is not asked for: it may be unknown, or that of more rows.
func (s *source) validity(d *column.Data) error {
	if s.data.NullN() == 0 || len(s.buffer(0)) == 0 {
		return nil
	}
	bits, err := s.bits(0)
	if err != nil {
		return err
	}
	if d.Nulls = s.rows - asm.CountBits(bits, s.rows); d.Nulls != 0 {
		d.Buffers[0] = bits
	}
	return nil
}

// bits returns a bitmap, which is copied where it starts inside a byte.
func (s *source) bits(i int) ([]byte, error) {
	b := s.buffer(i)
	if end := s.offset + s.rows; (end+7)/8 > len(b) && s.rows != 0 {
		return nil, s.short("bitmap", len(b))
	}
	n := (s.rows + 7) / 8
	if s.rows == 0 {
		return nil, nil
	}
	if from := s.offset / 8; s.offset%8 == 0 {
		return b[from : from+n : from+n], nil
	}
	s.columns.copied++
	to := mem.Alloc(n)
	asm.CopyBits(to, 0, b, s.offset, s.rows)
	return to, nil
}

// fixed returns values of the given width, which are copied where they are not aligned to it.
func (s *source) fixed(width int) ([]byte, error) {
	b, err := s.slice(1, "values", s.rows, width)
	if err != nil || mem.IsAligned(b, min(max(width&-width, 1), mem.Alignment)) {
		return b, err
	}
	return s.copy(b), nil
}

func (s *source) copy(b []byte) []byte {
	s.columns.copied++
	to := mem.Alloc(len(b))
	copy(to, b)
	return to
}

// slice returns n values of a buffer from the array's offset on.
func (s *source) slice(i int, part string, n, width int) ([]byte, error) {
	b := s.buffer(i)
	if s.rows == 0 || width == 0 {
		return nil, nil
	}
	if len(b)/width < s.offset+n {
		return nil, s.short(part, len(b))
	}
	from, to := s.offset*width, (s.offset+n)*width
	return b[from:to:to], nil
}

// views sets the views and their data.
func (s *source) views(d *column.Data) (err error) {
	if d.Buffers[1], err = s.slice(1, "views", s.rows, arrow.ViewHeaderSizeBytes); err != nil {
		return err
	}
	for i := 2; i < len(s.data.Buffers()); i++ {
		d.Variadic = append(d.Variadic, s.buffer(i))
	}
	return nil
}

// text sets offsets and bytes, the bytes only as far as the offsets reach.
func (s *source) text(d *column.Data) error {
	width := 4
	if s.field.Type.Kind == ipc.KindLargeUtf8 || s.field.Type.Kind == ipc.KindLargeBinary {
		width = 8
	}
	offsets, err := s.slice(1, "offsets", s.rows+1, width)
	if err != nil || len(offsets) == 0 {
		return err
	}
	at := func(i int) int64 {
		if width == 8 {
			return int64(binary.LittleEndian.Uint64(offsets[8*i:]))
		}
		return int64(int32(binary.LittleEndian.Uint32(offsets[4*i:])))
	}
	from, to, b := at(0), at(s.rows), s.buffer(2)
	if from < 0 || to < from || to > int64(len(b)) {
		return fmt.Errorf("lightstream: column %s.offsets: %w", s.field.Name,
			frame.Errorf(ipc.ErrMalformed, "from %d to %d of %d bytes", from, to, len(b)))
	}
	// Rows made of a batch copy its text from the first byte on. Where more lies before a slice than its offsets take, other
	// offsets are cheaper.
	if from != 0 && (s.columns.zeroBased || from > int64(len(offsets))) {
		offsets = s.copy(offsets)
		rebase(offsets, width, from)
		from, to, b = 0, to-from, b[from:]
	} else if !mem.IsAligned(offsets, width) {
		offsets = s.copy(offsets)
	}
	d.Buffers[1], d.Buffers[2] = offsets, b[:to:to]
	return nil
}

// rebase subtracts by from offsets that lie in memory of our own.
func rebase(offsets []byte, width int, by int64) {
	le := binary.LittleEndian
	for i := 0; i < len(offsets); i += width {
		if width == 8 {
			le.PutUint64(offsets[i:], le.Uint64(offsets[i:])-uint64(by))
		} else {
			le.PutUint32(offsets[i:], le.Uint32(offsets[i:])-uint32(by))
		}
	}
}
