package ipc_test

import (
	"errors"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestRawTextIsChecked sends a column of text to which bytes were added that are not text.
func TestRawTextIsChecked(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "note", Type: ipc.Utf8}}}
	var b column.TextBuilder
	b.Init(column.Config{Name: "note"})
	send := func() error {
		return ipc.NewWriter(io.Discard, schema, nil).Write(t.Context(), b.Len(), []column.Data{b.Data()})
	}
	b.Append("a")
	b.AppendCut([]byte("x\xffy"), 1, 2)
	var v *column.ValueError
	if err := send(); !errors.Is(err, column.ErrUTF8) || !errors.As(err, &v) || v.Row != 1 || v.Column != "note" {
		t.Errorf("%v, want column note, row 1: %v", err, column.ErrUTF8)
	}
	b.Reset()
	b.AppendCut([]byte("xäy"), 1, 3)
	if err := send(); err != nil {
		t.Error(err)
	}
}
