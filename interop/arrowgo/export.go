package arrowgo

import (
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
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
	schema       *ipc.Schema
	arrow        *arrow.Schema
	check        *ipc.Checker
	dictionaries []exportedDictionary // by column
	arrays       []arrow.Array        // of the record being made
}

// NewExporter returns an exporter of batches of the given schema, which is that of the table for those of a typed reader, and that
// of the stream for others. The error names a column of a type that does not go across, and wraps [ipc.ErrUnsupported].
func NewExporter(schema *ipc.Schema) (*Exporter, error) {
	if err := checkHost(); err != nil {
		return nil, err
	}
	s, err := Schema(schema)
	if err != nil {
		return nil, err
	}
	return &Exporter{
		schema: schema, arrow: s, check: ipc.NewChecker(schema),
		dictionaries: make([]exportedDictionary, len(schema.Fields)),
		arrays:       make([]arrow.Array, 0, len(schema.Fields)),
	}, nil
}

// Schema returns the schema of the records.
func (e *Exporter) Schema() *arrow.Schema { return e.arrow }

// RecordBatch returns a batch as a record whose columns lie where the batch's do. The record holds a handle of its own on the batch,
// until the last reference to its columns is released: h can be released before or after that. Its buffers are read-only.
//
// The error names a column that is not what the schema says. A column that is not nullable and was read with nulls as zero values
// ([rt.ZeroNulls]) is one, where its nulls are still told by a bitmap.
func (e *Exporter) RecordBatch(h rt.Handle) (arrow.RecordBatch, error) {
	rows := h.Len()
	if n := h.NumColumns(); n != len(e.schema.Fields) {
		return nil, fmt.Errorf("lightstream: the batch has %d columns, the schema %d", n, len(e.schema.Fields))
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
	for i := range e.schema.Fields {
		a, err := e.column(l, i, h.Column(i), rows)
		if err != nil {
			return nil, err
		}
		e.arrays = append(e.arrays, a)
	}
	return array.NewRecordBatch(e.arrow, e.arrays, int64(rows)), nil
}

// column returns a column as an array. The checks are those that keep arrow-go from panicking.
func (e *Exporter) column(l *lease, i int, d *column.Data, rows int) (arrow.Array, error) {
	f := &e.schema.Fields[i]
	if d.Len != rows {
		return nil, fmt.Errorf("lightstream: column %q has %d rows in a batch of %d; was it left out by Select?", f.Name, d.Len, rows)
	}
	if err := e.check.Column(i, d, ipc.Structure); err != nil {
		return nil, err
	}
	t := e.arrow.Field(i).Type
	var validity *memory.Buffer
	if d.Nulls != 0 {
		validity = l.buffer(d.Buffers[0])
	}
	buffers := []*memory.Buffer{validity, nil}
	nulls := d.Nulls
	switch {
	case f.Type.Kind == ipc.KindNull:
		buffers, nulls = buffers[:1], rows
	case f.Dictionary != nil || !f.Type.IsText() && !f.Type.IsBinary():
		buffers[1] = l.buffer(d.Buffers[1])
	case isView(f.Type):
		buffers[1] = l.buffer(d.Buffers[1])
		for _, b := range d.Variadic {
			buffers = append(buffers, l.buffer(b))
		}
	case rows == 0: // arrow-go wants the first offset
		buffers = []*memory.Buffer{nil, zeroOffset, empty}
	default:
		buffers[1] = l.buffer(d.Buffers[1])
		buffers = append(buffers, l.buffer(d.Buffers[2]))
	}
	var dictionary *array.Data
	if f.Dictionary != nil {
		var err error
		if dictionary, err = e.dictionaries[i].values(f, d); err != nil {
			return nil, err
		}
	}
	data := array.NewDataWithDictionary(t, rows, buffers, nulls, 0, dictionary)
	for _, b := range buffers {
		if b != nil {
			b.Release() // data has its own reference
		}
	}
	a := array.MakeFromData(data)
	data.Release()
	return a, nil
}

func isView(t ipc.Type) bool { return t.Kind == ipc.KindUtf8View || t.Kind == ipc.KindBinaryView }

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

// buffer returns a buffer with one reference that aliases b.
func (l *lease) buffer(b []byte) *memory.Buffer {
	if len(b) == 0 {
		return empty
	}
	l.buffers.Add(1)
	return memory.NewBufferWithAllocator(b, l)
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
