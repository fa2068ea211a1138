package ipc

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// Unchecked returns the messages of batches, whatever is wrong with them, without a schema message.
func Unchecked(s *Schema, rows []int, batches [][]column.Data) ([]byte, error) {
	e, err := NewMessageEncoder(s)
	if err != nil {
		return nil, err
	}
	var p []byte
	for i, columns := range batches {
		e.enc.begin()
		if err := e.enc.addChecked(rows[i], columns, nil); err != nil {
			return nil, err
		}
		for _, part := range e.enc.parts {
			p = append(p, part...)
		}
	}
	return append(p, endMarker...), nil
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
	return finishMessage(b, arrowfb.SchemaEnd(b), arrowfb.MessageHeaderSchema)
}
