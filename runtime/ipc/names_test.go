package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// namedSchemas have a field of the name that they are given, at the top and below.
func namedSchemas(name string) map[string]*ipc.Schema {
	field := ipc.Field{Name: name, Type: ipc.Int64}
	return map[string]*ipc.Schema{
		"top":   {Fields: []ipc.Field{field}},
		"below": {Fields: []ipc.Field{{Name: "outer", Type: ipc.Type{Kind: ipc.KindStruct}, Children: []ipc.Field{field}}}},
	}
}

// TestReceivedNames reads schemas with names that are not valid UTF-8. They are refused, and none is changed on the way.
func TestReceivedNames(t *testing.T) {
	for where, schema := range namedSchemas("placeholder") {
		for name, refused := range map[string]bool{"plaXeholder": false, "pla\xffeholder": true, "placeholde\xc3": true, "pla\uFFFDolder": false} {
			var stream bytes.Buffer
			if err := ipc.NewWriter(&stream, schema, nil).Close(); err != nil {
				t.Fatal(err)
			}
			got, err := ipc.NewReader(bytes.NewReader(bytes.Replace(stream.Bytes(), []byte("placeholder"), []byte(name), 1)), nil).Schema(context.Background())
			if !refused {
				if err != nil || !strings.Contains(got.String(), name) {
					t.Errorf("%s: schema with a field %q: %v, %v", where, name, got, err)
				}
				continue
			}
			var at *frame.DecodeError
			want := map[string]string{"top": "schema", "below": "schema.outer"}[where]
			if !errors.Is(err, ipc.ErrMalformed) || !errors.As(err, &at) || at.Path != want || !strings.Contains(err.Error(), "want valid UTF-8") {
				t.Errorf("%s: schema with a field %q: %v, want one that wraps %v at %s", where, name, err, ipc.ErrMalformed, want)
			}
		}
	}
}

// TestSentNames writes such schemas: the writer refuses them before anything is sent.
func TestSentNames(t *testing.T) {
	for where, schema := range namedSchemas("a\xffb") {
		var out bytes.Buffer
		w := ipc.NewWriter(&out, schema, nil)
		_, encoderErr := ipc.NewMessageEncoder(schema)
		for what, err := range map[string]error{"Err": w.Err(), "Close": w.Close(), "encoder": encoderErr, "file": ipc.NewFileWriter(io.Discard, schema, nil).Close()} {
			if err == nil || !strings.Contains(err.Error(), `has the name "a\xffb", want valid UTF-8`) {
				t.Errorf("%s, %s: error %v", where, what, err)
			}
		}
		if out.Len() != 0 {
			t.Errorf("%s: %d bytes were written", where, out.Len())
		}
	}
}

// TestUUIDString wants the extension type of UUIDs behind their type, wherever they are.
func TestUUIDString(t *testing.T) {
	id := ipc.Field{Name: "id", Type: ipc.FixedSizeBinary(16), Metadata: ipc.UUID()}
	for want, f := range map[string]ipc.Field{
		"fixed_size_binary[16] (arrow.uuid) not null":                    id,
		"fixed_size_binary[16] not null":                                 {Type: ipc.FixedSizeBinary(16)},
		"list<id: fixed_size_binary[16] (arrow.uuid) not null> not null": {Type: ipc.List, Children: []ipc.Field{id}},
		"dictionary<int8, fixed_size_binary[16]> (arrow.uuid)":           {Type: id.Type, Metadata: id.Metadata, Nullable: true, Dictionary: &ipc.DictionaryEncoding{Index: ipc.Int8}},
		"fixed_size_binary[8] not null":                                  {Type: ipc.FixedSizeBinary(8), Metadata: ipc.UUID()},
	} {
		if have := f.String(); have != want {
			t.Errorf("%s, want %s", have, want)
		}
	}
}
