package ipc_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestWritersRefuseSchemas makes writers of schemas that readers refuse.
func TestWritersRefuseSchemas(t *testing.T) {
	n := ipc.Field{Name: "n", Type: ipc.Int32}
	pair := ipc.Field{Name: "entries", Type: ipc.Struct, Children: []ipc.Field{{Name: "key", Type: ipc.Utf8}, n}}
	kind := func(k ipc.Kind) ipc.Type { return ipc.Type{Kind: k} }
	for _, c := range []struct {
		field ipc.Field
		want  string // in the error; none where it is fine
	}{
		{ipc.Field{Type: kind(ipc.KindMap), Children: []ipc.Field{pair}}, ""},
		{ipc.Field{Type: kind(ipc.KindMap), Children: []ipc.Field{n}}, "want a struct of keys and values"},
		{ipc.Field{Type: kind(ipc.KindMap), Children: []ipc.Field{{Name: "e", Type: ipc.Struct, Children: []ipc.Field{n}}}}, "want a struct of keys and values"},
		{ipc.Field{Type: kind(ipc.KindMap)}, "0 children, want 1"},
		{ipc.Field{Type: ipc.List, Children: []ipc.Field{n, n}}, "2 children, want 1"},
		{ipc.Field{Type: ipc.Int64, Children: []ipc.Field{n}}, "1 children, want 0"},
		{ipc.Field{Type: ipc.Decimal(128, 39, 0)}, "parameters that it cannot have"},
		{ipc.Field{Type: ipc.Decimal(32, 0, 0)}, "parameters that it cannot have"},
		{ipc.Field{Type: ipc.Decimal(96, 3, 0)}, "parameters that it cannot have"},
		{ipc.Field{Type: ipc.Decimal(256, 76, 5000)}, "decimal of scale 5000"},
		{ipc.Field{Type: ipc.Type{Kind: ipc.KindInt, Bits: 24}}, "parameters that it cannot have"},
		{ipc.Field{Type: ipc.FixedSizeBinary(-1)}, "parameters that it cannot have"},
		{ipc.Field{Type: ipc.Type{Kind: ipc.KindTime, Bits: 32, Unit: 3}}, "parameters that it cannot have"},
		{ipc.Field{Type: ipc.Type{Kind: ipc.KindDate, Variant: 2}}, "parameters that it cannot have"},
		{ipc.Field{Type: kind(99)}, "does not have"},
		{ipc.Field{}, "does not have"},
		{ipc.Field{Type: ipc.SparseUnion(1), Children: []ipc.Field{n, n}}, "1 type ids for 2 children"},
		{ipc.Field{Type: ipc.DenseUnion(2).WithTypeIDs(3, 3), Children: []ipc.Field{n, n}}, "each once"},
		{ipc.Field{Type: ipc.DenseUnion(2).WithTypeIDs(3, 128), Children: []ipc.Field{n, n}}, "0 to 127"},
		{ipc.Field{Type: kind(ipc.KindRunEndEncoded), Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int8}, n}}, "want int16, int32 or int64"},
		{ipc.Field{Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Utf8)}, "want integers"},
		{ipc.Field{Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Type{Kind: ipc.KindInt, Bits: 12})}, "want integers"},
	} {
		c.field.Name = "f"
		s := &ipc.Schema{Fields: []ipc.Field{{Name: "outer", Type: ipc.Struct, Children: []ipc.Field{c.field}}}}
		_, err := ipc.NewMessageEncoder(s)
		for _, err := range []error{ipc.NewWriter(io.Discard, s, nil).Err(), ipc.NewFileWriter(io.Discard, s, nil).Err(), err} {
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s: %v", c.field.TypeString(), err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"outer.f"`) || !errors.Is(err, ipc.ErrMalformed) && !errors.Is(err, ipc.ErrUnsupported)):
				t.Errorf("%+v: %v, want %q", c.field, err, c.want)
			}
		}
	}
	if pair.Nullable = true; ipc.NewWriter(io.Discard, &ipc.Schema{Fields: []ipc.Field{{Name: "m", Type: kind(ipc.KindMap), Children: []ipc.Field{pair}}}}, nil).Err() != nil || !pair.Nullable {
		t.Error("the entries of a map that say that they may be null")
	}
}
