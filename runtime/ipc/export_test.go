package ipc

import (
	"bytes"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// UncheckedBatch returns the message of a batch without dictionaries whose columns may be anything.
func UncheckedBatch(s *Schema, rows int, columns []column.Data) []byte {
	e, err := newEncoder(s, encoding{})
	if err != nil {
		panic(err)
	}
	e.begin()
	if e.views != 0 {
		e.count(columns)
	}
	w := walk{template: e.batch}
	e.part(w.template.head)
	for i := range columns {
		e.addColumn(&w, &e.plans[i], &columns[i])
	}
	w.setSize(rows, w.offset)
	return bytes.Join(e.parts, nil)
}

// BigEndianSchema returns a schema message that says that the data is big-endian.
func BigEndianSchema(s *Schema) []byte {
	b := flatbuffers.NewBuilder(1024)
	fields := buildFields(b, s.WithIDs().Fields, arrowfb.SchemaStartFields)
	metadata := buildMetadata(b, s.Metadata, arrowfb.SchemaStartCustomMetadata)
	arrowfb.SchemaStart(b)
	arrowfb.SchemaAddEndianness(b, arrowfb.EndiannessBig)
	arrowfb.SchemaAddFields(b, fields)
	if metadata != 0 {
		arrowfb.SchemaAddCustomMetadata(b, metadata)
	}
	return finishMessage(b, arrowfb.SchemaEnd(b), arrowfb.MessageHeaderSchema, nil)
}

// CompressorOf returns what is registered for a method.
func CompressorOf(c Compression) Compressor {
	with, err := c.compressor()
	if err != nil {
		panic(err)
	}
	return with
}

// SliceColumn returns rows of a column, as an encoder sends what has been added to a dictionary.
func SliceColumn(f *Field, d *column.Data, from, to int) column.Data {
	p := planOf(f, f.Name)
	return p.slice(d, from, to)
}
