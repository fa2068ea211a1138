package ipc

import (
	"errors"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// TestSharedIDs encodes two columns with one dictionary id, as they come from a file whose ids are kept.
func TestSharedIDs(t *testing.T) {
	field := func(name string) Field {
		return Field{Name: name, Type: Utf8, Dictionary: &DictionaryEncoding{ID: 3, Index: Int32}}
	}
	e, err := newEncoder(&Schema{Fields: []Field{field("a"), field("b")}}, encoding{file: true, keepIDs: true})
	if err != nil {
		t.Fatal(err)
	}
	var a, b, other column.DictBuilder[int32]
	a.Init(column.Config{Name: "a"})
	b.Init(column.Config{Name: "b", Dictionary: a.Dictionary()})
	other.Init(column.Config{Name: "b"})
	a.AppendAll([]string{"x", "y"})
	b.AppendAll([]string{"y", "y"})
	other.AppendAll([]string{"z", "z"})

	e.begin()
	if err := e.addBatch(2, []column.Data{a.Data(), other.Data()}, nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("two dictionaries behind one id: %v", err)
	}
	for call, want := range []int{2, 1, 2} {
		e.begin()
		if call == 2 {
			b.Append("w") // for a, too
			a.Append("x")
		}
		if err := e.addBatch(a.Len(), []column.Data{a.Data(), b.Data()}, nil); err != nil {
			t.Fatal(err)
		}
		if len(e.marks) != want {
			t.Errorf("call %d: %d messages, want %d", call, len(e.marks), want)
		}
		e.commit()
	}
}
