package arrowgo

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// columns turns records into columns of one schema, and keeps their dictionaries from record to record.
type columns struct {
	schema    *ipc.Schema
	wants     func(i int) bool
	zeroBased bool          // offsets start at 0
	seen      *arrow.Schema // known to have the columns
	sources   []source      // by column
	data      []column.Data // of the last record
	records   int64         // read so far
	copied    int64         // buffers that could not be taken as they lie
}

// init is called once.
func (c *columns) init(schema *ipc.Schema, wants func(i int) bool) {
	c.schema, c.wants = schema, wants
	c.data, c.sources = make([]column.Data, len(schema.Fields)), sourcesOf(c, schema.Fields, "")
}

// of returns the columns of a record. They alias it, and the slice is valid until the next call.
func (c *columns) of(rec arrow.RecordBatch) (rows int, data []column.Data, err error) {
	c.records++
	if err := c.match(rec.Schema()); err != nil {
		return 0, nil, err
	}
	n := rec.NumRows()
	if n < 0 || n > math.MaxInt/64 || rec.NumCols() != int64(len(c.data)) {
		return 0, nil, fmt.Errorf("lightstream: a record of %d rows and %d columns, its schema has %d", n, rec.NumCols(), len(c.data))
	}
	for i := range c.data {
		c.data[i] = column.Data{}
		if !c.wants(i) {
			continue
		}
		a := rec.Column(i).Data()
		if err := c.sources[i].read(&c.data[i], a, 0, int(n)); err != nil {
			return 0, nil, err
		}
	}
	return int(n), c.data, nil
}

// done forgets the last record, which may be long gone when the next one comes.
func (c *columns) done() { clear(c.data) }

// undo forgets dictionaries that the last record brought, which was not used after all.
func (c *columns) undo() { undo(c.sources, c.records) }

func undo(sources []source, record int64) {
	for i := range sources {
		sources[i].dictionary.undo(record)
		undo(sources[i].children, record)
		undo(sources[i].below, record)
	}
}

// match tells what a record of schema s has other columns than.
func (c *columns) match(s *arrow.Schema) error {
	if s == c.seen {
		return nil
	}
	if err := checkEndian(s); err != nil {
		return err
	}
	if have, want := s.NumFields(), len(c.schema.Fields); have != want {
		return fmt.Errorf("lightstream: the record has %d columns, want %d", have, want)
	}
	for i := range c.schema.Fields {
		if !c.wants(i) {
			continue
		}
		f, err := fieldFrom(s.Field(i), s.Field(i).Name)
		if err != nil {
			return err
		}
		if want := &c.schema.Fields[i]; f.Name != want.Name || !sameType(&f, want) {
			return fmt.Errorf("lightstream: column %d of the record is %q, %s; want %q, %s", i, f.Name, f.TypeString(), want.Name, want.TypeString())
		}
	}
	c.seen = s
	return nil
}

// The layouts of values that are not nested.
const (
	layoutFixed = iota
	layoutText
	layoutView
)

// layoutOf returns the layout of values that a dictionary can hold.
func layoutOf(t ipc.Type) int {
	switch {
	case t.Kind == ipc.KindUtf8View || t.Kind == ipc.KindBinaryView:
		return layoutView
	case t.IsText() || t.IsBinary():
		return layoutText
	}
	return layoutFixed
}

// widthOf returns the bytes of a value of a fixed-width type.
func widthOf(t ipc.Type) int {
	switch t.Kind {
	case ipc.KindTimestamp, ipc.KindDuration:
		return 8
	case ipc.KindDate:
		return 4 << (t.Variant & 1)
	case ipc.KindInterval:
		return 4 << (t.Variant & 3)
	case ipc.KindFixedSizeBinary:
		return t.Width
	}
	return t.Bits / 8
}

// offsetWidth returns the bytes of an offset into text or items.
func offsetWidth(t ipc.Type) int {
	switch t.Kind {
	case ipc.KindLargeUtf8, ipc.KindLargeBinary, ipc.KindLargeList, ipc.KindLargeListView:
		return 8
	}
	return 4
}

// source reads arrays as one column.
type source struct {
	columns    *columns
	field      *ipc.Field
	path       string
	dictionary importedDictionary
	children   []source
	below      []source // one for the values of a dictionary that are a column

	// What is read at the moment: rows of data from offset on, the array's own offset included.
	data         arrow.ArrayData
	offset, rows int
}

func sourcesOf(c *columns, fields []ipc.Field, path string) []source {
	s := make([]source, len(fields))
	for i := range fields {
		f := &fields[i]
		s[i].columns, s[i].field, s[i].path = c, f, path+f.Name
		if f.Dictionary != nil {
			if values := valuesOf(f); !isBytes(&values) {
				s[i].below = sourcesOf(c, []ipc.Field{values}, path)
			}
			continue
		}
		s[i].children = sourcesOf(c, f.Children, s[i].path+".")
	}
	return s
}

// read sets d to rows of an array from row from on. It returns with nothing of the array kept but by d.
func (s *source) read(d *column.Data, data arrow.ArrayData, from, rows int) error {
	if have := data.Len(); from < 0 || rows < 0 || from > have || rows > have-from {
		return s.malformed("length", "%d rows, %d are needed from row %d on", have, rows, from)
	}
	s.data, s.offset, s.rows = data, data.Offset()+from, rows
	defer func() { s.data = nil }()
	d.Len = rows
	kind := s.field.Type.Kind
	if s.field.Dictionary != nil {
		kind = ipc.KindInt
	}
	if kind != ipc.KindNull && kind != ipc.KindUnion && kind != ipc.KindRunEndEncoded {
		if err := s.validity(d); err != nil {
			return err
		}
	}
	var err error
	switch kind {
	case ipc.KindNull:
		d.Nulls = rows
	case ipc.KindBool:
		d.Buffers[1], err = s.bits(1)
	case ipc.KindUtf8, ipc.KindBinary, ipc.KindLargeUtf8, ipc.KindLargeBinary:
		err = s.text(d)
	case ipc.KindUtf8View, ipc.KindBinaryView:
		err = s.views(d)
	case ipc.KindStruct, ipc.KindFixedSizeList, ipc.KindUnion, ipc.KindRunEndEncoded,
		ipc.KindList, ipc.KindMap, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView:
		err = s.nested(d)
	default:
		width := widthOf(s.field.Type)
		if e := s.field.Dictionary; e != nil {
			width = widthOf(e.Index)
			if d.Dictionary, err = s.dictionaryOf(data.Dictionary()); err != nil {
				return err
			}
			d.Values = d.Dictionary.Values()
		}
		d.Buffers[1], err = s.values(1, "values", width)
	}
	return err
}

// dictionaryOf returns the dictionary of the values in an array, which the column has now.
func (s *source) dictionaryOf(data arrow.ArrayData) (*column.Dictionary, error) {
	if s.below == nil {
		return s.dictionary.values(data, s.columns.records), nil
	}
	return s.dictionary.column(data, s.columns.records, &s.below[0])
}

func (s *source) malformed(part, format string, args ...any) error {
	return fmt.Errorf("lightstream: column %s.%s: %w", s.path, part, frame.Errorf(ipc.ErrMalformed, format, args...))
}

// buffer returns a buffer as it lies, nil where there is none.
func (s *source) buffer(i int) []byte {
	if b := s.data.Buffers(); i < len(b) && b[i] != nil {
		return b[i].Bytes()
	}
	return nil
}

func (s *source) short(part string, have int) error {
	return s.malformed(part, "%d bytes are too few for %d rows from row %d on", have, s.rows, s.offset)
}

// validity sets the nulls and their bitmap. The count of the array does not help: it may be unknown, or that of more rows.
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
	if s.rows == 0 {
		return nil, nil
	}
	b := s.buffer(i)
	if (s.offset+s.rows+7)/8 > len(b) {
		return nil, s.short("bitmap", len(b))
	}
	n := (s.rows + 7) / 8
	if from := s.offset / 8; s.offset%8 == 0 {
		return b[from : from+n : from+n], nil
	}
	s.columns.copied++
	to := mem.Alloc(n)
	asm.CopyBits(to, 0, b, s.offset, s.rows)
	return to, nil
}

// values returns fixed-width values, which are copied where they are not aligned.
func (s *source) values(i int, part string, width int) ([]byte, error) {
	b, err := s.slice(i, part, s.rows, width)
	if err != nil || mem.IsAligned(b, min(max(width&-width, 1), 16)) {
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

// slice returns n values of a buffer from the first row on.
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
	if d.Buffers[1], err = s.values(1, "views", arrow.ViewHeaderSizeBytes); err != nil {
		return err
	}
	for i := 2; i < len(s.data.Buffers()); i++ {
		d.Variadic = append(d.Variadic, s.buffer(i))
	}
	return nil
}

// text sets offsets and bytes, the bytes only as far as the offsets reach.
func (s *source) text(d *column.Data) error {
	bytes := s.buffer(2)
	from, to, err := s.offsets(d, len(bytes), "bytes")
	if err == nil && s.rows != 0 {
		d.Buffers[2] = bytes[from:to:to]
	}
	return err
}

// offsets sets the offsets of text or of lists, and returns the part of limit bytes or items into which they lead.
//
// Rows made of a batch copy its text from the first byte on. Where more lies before a slice than its offsets take, offsets that
// start at zero are cheaper.
func (s *source) offsets(d *column.Data, limit int, what string) (from, to int, err error) {
	width := offsetWidth(s.field.Type)
	b, err := s.slice(1, "offsets", s.rows+1, width)
	if err != nil || len(b) == 0 {
		return 0, 0, err
	}
	first, last := signed(b, width, 0), signed(b, width, s.rows)
	if first < 0 || last < first || last > int64(limit) {
		return 0, 0, s.malformed("offsets", "from %d to %d of %d %s", first, last, limit, what)
	}
	nested := len(s.children) != 0
	switch {
	case first != 0 && (s.columns.zeroBased || nested || first > int64(len(b))):
		b = s.copy(b)
		subtract(b, width, first)
		from = int(first)
	case !mem.IsAligned(b, width):
		b = s.copy(b)
	}
	d.Buffers[1] = b
	return from, int(last), nil
}

// signed returns integer i of 2, 4 or 8 bytes.
func signed(b []byte, width, i int) int64 {
	switch width {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b[2*i:])))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
	return int64(binary.LittleEndian.Uint64(b[8*i:]))
}

// putSigned sets integer i of 2, 4 or 8 bytes.
func putSigned(b []byte, width, i int, v int64) {
	switch width {
	case 2:
		binary.LittleEndian.PutUint16(b[2*i:], uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v))
	default:
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v))
	}
}

// subtract subtracts by from integers that lie in memory of our own.
func subtract(b []byte, width int, by int64) {
	for i := range len(b) / width {
		putSigned(b, width, i, signed(b, width, i)-by)
	}
}
