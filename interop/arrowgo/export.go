package arrowgo

import (
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// RecordBatch returns a received batch as a record, as [Exporter.RecordBatch] does. It is for a single batch: for those of a stream
// an [Exporter] converts schema and dictionaries once.
func RecordBatch(h rt.Handle, schema *ipc.Schema) (arrow.RecordBatch, error) {
	e, err := NewExporter(schema)
	if err != nil {
		return nil, err
	}
	return e.RecordBatch(h)
}

// Exporter makes records of received batches. It keeps what it made of their dictionaries for the next batch. It is for one
// goroutine at a time.
type Exporter struct {
	schema  *arrow.Schema
	check   *ipc.Checker
	columns []exportedColumn
	arrays  []arrow.Array // of the record being made
}

// NewExporter returns an exporter of batches of the given schema, which is that of the table for those of a typed reader, and that
// of the stream for others. The error names a column whose type does not go across, and wraps [ipc.ErrUnsupported].
func NewExporter(schema *ipc.Schema) (*Exporter, error) {
	if err := checkHost(); err != nil {
		return nil, err
	}
	s, err := Schema(schema)
	if err != nil {
		return nil, err
	}
	e := &Exporter{
		schema: s, check: ipc.NewChecker(schema),
		columns: make([]exportedColumn, len(schema.Fields)), arrays: make([]arrow.Array, 0, len(schema.Fields)),
	}
	for i := range e.columns {
		e.columns[i].init(&schema.Fields[i], s.Field(i).Type, schema.Fields[i].Name)
	}
	return e, nil
}

// Schema returns the schema of the records.
func (e *Exporter) Schema() *arrow.Schema { return e.schema }

// RecordBatch returns a batch as a record whose columns lie where the batch's do. The record holds a handle of its own on the batch,
// until the last reference to its columns is released: h can be released before or after that. Its buffers are read-only.
//
// The error names a column that is not what the schema says. A column that is not nullable and was read with nulls as zero values
// ([rt.ZeroNulls]) is one, where its nulls are still told by a bitmap.
func (e *Exporter) RecordBatch(h rt.Handle) (arrow.RecordBatch, error) {
	rows := h.Len()
	if n := h.NumColumns(); n != len(e.columns) {
		return nil, fmt.Errorf("lightstream: the batch has %d columns, the schema %d", n, len(e.columns))
	}
	l := &lease{h: h.Retain()}
	l.buffers.Store(1) // until the record is made
	defer l.Free(nil)
	defer func() {
		for i, a := range e.arrays {
			a.Release()
			e.arrays[i] = nil
		}
		e.arrays = e.arrays[:0]
	}()
	for i := range e.columns {
		c, d := &e.columns[i], l.h.Column(i) // those of h may be others, which go with it
		if d.Len != rows {
			return nil, fmt.Errorf("lightstream: column %q has %d rows in a batch of %d; was it left out by Select?", c.path, d.Len, rows)
		}
		// The lengths of buffers are what keeps arrow-go from panicking.
		if err := e.check.Column(i, d, ipc.Structure); err != nil {
			return nil, err
		}
		data, err := c.data(l, d)
		if err != nil {
			return nil, err
		}
		e.arrays = append(e.arrays, array.MakeFromData(data))
		data.Release()
	}
	return array.NewRecordBatchWithMetadata(e.schema, e.arrays, int64(rows), metadataTo(h.Metadata())), nil
}

// exportedColumn is what an exporter knows of a column.
type exportedColumn struct {
	field      *ipc.Field
	theirs     arrow.DataType
	path       string
	dictionary exportedDictionary
	children   []exportedColumn

	// Of the values of a dictionary that are a column.
	columns exportedColumnDictionary
	below   *exportedColumn
}

func (c *exportedColumn) init(f *ipc.Field, theirs arrow.DataType, path string) {
	c.field, c.theirs, c.path = f, theirs, path
	if f.Dictionary != nil {
		if values := valuesOf(f); !isBytes(&values) {
			c.below = new(exportedColumn)
			c.below.init(&values, theirs.(*arrow.DictionaryType).ValueType, path)
		}
		return
	}
	if len(f.Children) == 0 {
		return
	}
	fields := theirs.(arrow.NestedType).Fields()
	c.children = make([]exportedColumn, len(f.Children))
	for i := range f.Children {
		c.children[i].init(&f.Children[i], fields[i].Type, path+"."+f.Children[i].Name)
	}
}

// data returns a column, and those below it, as the data of an array.
func (c *exportedColumn) data(l *lease, d *column.Data) (*array.Data, error) {
	var validity *memory.Buffer
	nulls := d.Nulls
	if nulls != 0 && d.Buffers[0] != nil {
		validity = l.buffer(d.Buffers[0])
	}
	buffers := []*memory.Buffer{validity, nil, nil}
	kind := c.field.Type.Kind
	switch {
	case c.field.Dictionary != nil:
		kind = ipc.KindInt
	case kind == ipc.KindNull:
		nulls = d.Len
	}
	switch kind {
	case ipc.KindNull, ipc.KindStruct, ipc.KindFixedSizeList, ipc.KindRunEndEncoded:
		buffers = buffers[:1]
	case ipc.KindUtf8View, ipc.KindBinaryView:
		buffers = append(buffers[:1], l.buffer(d.Buffers[1]))
		for _, b := range d.Variadic {
			buffers = append(buffers, l.buffer(b))
		}
	case ipc.KindUtf8, ipc.KindBinary, ipc.KindLargeUtf8, ipc.KindLargeBinary:
		buffers[1], buffers[2] = l.offsets(d.Buffers[1]), l.buffer(d.Buffers[2])
	case ipc.KindList, ipc.KindMap, ipc.KindLargeList:
		buffers = append(buffers[:1], l.offsets(d.Buffers[1]))
	case ipc.KindListView, ipc.KindLargeListView:
		buffers[1], buffers[2] = l.buffer(d.Buffers[1]), l.buffer(d.Buffers[2])
	case ipc.KindUnion:
		if buffers = append(buffers[:1], l.buffer(d.Buffers[1])); c.field.Type.Variant == 1 {
			buffers = append(buffers, l.buffer(d.Buffers[2]))
		}
	default:
		buffers = append(buffers[:1], l.buffer(d.Buffers[1]))
	}
	defer memory.ReleaseBuffers(buffers) // the data has references of its own
	if err := c.checkNulls(kind, d); err != nil {
		return nil, err
	}
	if c.field.Dictionary != nil {
		values, err := c.values(d)
		if err != nil {
			return nil, err
		}
		return array.NewDataWithDictionary(c.theirs, d.Len, buffers, nulls, 0, values), nil
	}
	var children []arrow.ArrayData
	for i := range c.children {
		child, err := c.children[i].data(l, &d.Children[i])
		if err != nil {
			return nil, err
		}
		defer child.Release()
		children = append(children, child)
	}
	return array.NewData(c.theirs, d.Len, buffers, children, nulls, 0), nil
}

// values returns the values of a dictionary column.
func (c *exportedColumn) values(d *column.Data) (*array.Data, error) {
	if c.below != nil {
		return c.columns.values(c.below, d)
	}
	return c.dictionary.values(c.field, d)
}

// checkNulls refuses nulls where the format has none and arrow-go cannot hold them.
func (c *exportedColumn) checkNulls(kind ipc.Kind, d *column.Data) error {
	switch {
	case kind == ipc.KindUnion && d.Nulls != 0:
		return fmt.Errorf("lightstream: column %q: %w", c.path, frame.Errorf(ipc.ErrUnsupported, "a union with nulls of its own, as metadata of version V4 has them, does not go to arrow-go"))
	case kind == ipc.KindMap && (d.Children[0].Nulls != 0 || d.Children[0].Children[0].Nulls != 0):
		return fmt.Errorf("lightstream: column %q: %w", c.path, frame.Errorf(ipc.ErrMalformed, "a map with null entries or keys"))
	}
	return nil
}

// Buffers that all records may share: they have neither owner nor count.
var (
	empty      = memory.NewBufferBytes([]byte{})
	zeroOffset = memory.NewBufferBytes(make([]byte, 8))
)

// lease is what the buffers of one record have of its batch. As their allocator it is told when each of them is done with, and gives
// the batch back with the last.
type lease struct {
	h       rt.Handle
	buffers atomic.Int64
}

var _ memory.Allocator = (*lease)(nil)

// buffer returns a buffer with one reference that aliases b. That of a nil lease counts nothing, as it is memory of the heap.
func (l *lease) buffer(b []byte) *memory.Buffer {
	if len(b) == 0 {
		return empty
	}
	if l == nil {
		return memory.NewBufferBytes(b)
	}
	l.buffers.Add(1)
	return memory.NewBufferWithAllocator(b, l)
}

// offsets returns a buffer of offsets, of which arrow-go wants the first also where there are no rows.
func (l *lease) offsets(b []byte) *memory.Buffer {
	if len(b) == 0 {
		return zeroOffset
	}
	return l.buffer(b)
}

// Free is called by a buffer whose last reference was released.
func (l *lease) Free([]byte) {
	if l.buffers.Add(-1) == 0 {
		l.h.Release()
	}
}

const readOnly = "lightstream: buffers of a received batch are read-only and cannot be resized; copy the array first"

// Allocate panics: a buffer calls it only to be changed.
func (*lease) Allocate(int) []byte { panic(readOnly) }

// Reallocate panics: a buffer calls it only to be changed.
func (*lease) Reallocate(int, []byte) []byte { panic(readOnly) }
