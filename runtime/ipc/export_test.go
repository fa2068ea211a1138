package ipc

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
)

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
