package ipc_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestHiddenNulls wants a null in a column that is not nullable to pass where a column above it is null, however far above, and nowhere
// else: by the writer, and by the reader of what a writer sends that knows no such rule.
func TestHiddenNulls(t *testing.T) {
	of := func(nullable bool) *ipc.Schema {
		leaf := ipc.Field{Name: "leaf", Type: ipc.Int32, Nullable: nullable}
		inner := ipc.Field{Name: "inner", Type: ipc.Type{Kind: ipc.KindStruct}, Children: []ipc.Field{leaf}}
		return &ipc.Schema{Fields: []ipc.Field{{Name: "outer", Type: ipc.Type{Kind: ipc.KindStruct}, Nullable: true, Children: []ipc.Field{inner}}}}
	}
	null := func(nulls int, bits byte, children []column.Data, values []byte) column.Data {
		d := column.Data{Len: 2, Nulls: nulls, Children: children}
		if nulls != 0 {
			d.Buffers[0] = []byte{bits}
		}
		d.Buffers[1] = values
		return d
	}
	leaf := null(1, 0b10, nil, make([]byte, 8))
	inner := null(0, 0, []column.Data{leaf}, nil)
	for name, c := range map[string]struct {
		outer column.Data
		want  error
	}{
		"hidden":  {null(1, 0b10, []column.Data{inner}, nil), nil},
		"visible": {null(0, 0, []column.Data{inner}, nil), column.ErrNotNullable},
	} {
		t.Run(name, func(t *testing.T) {
			if err := ipc.NewWriter(new(bytes.Buffer), of(false), nil).Write(t.Context(), 2, []column.Data{c.outer}); !errors.Is(err, c.want) {
				t.Errorf("writing: %v, want %v", err, c.want)
			}
			var loose, strict bytes.Buffer
			if err := ipc.NewWriter(&loose, of(true), nil).Write(t.Context(), 2, []column.Data{c.outer}); err != nil {
				t.Fatal(err)
			}
			w := ipc.NewWriter(&strict, of(false), nil) // for its schema
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			// The schemas differ in one flag of the leaf, so that what follows them can be exchanged.
			head := bytes.LastIndex(strict.Bytes(), []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
			end := bytes.Index(loose.Bytes()[4:], []byte{0xff, 0xff, 0xff, 0xff}) + 4
			b, err := ipc.NewReader(bytes.NewReader(append(strict.Bytes()[:head:head], loose.Bytes()[end:]...)), nil).Next(t.Context())
			if (err != nil) != (c.want != nil) || err != nil && !strings.Contains(err.Error(), "in a column that is not nullable") {
				t.Errorf("reading: %v, want %v", err, c.want)
			}
			if err == nil {
				b.Release()
			}
		})
	}
}
