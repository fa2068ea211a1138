package ipc_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestMessagesStandAlone decodes many messages one after the other. Limits are those of one message, and no message sees the
// dictionaries of another.
func TestMessagesStandAlone(t *testing.T) {
	words := column.NewDictionary(0)
	for i := range 1000 {
		words.Append(fmt.Sprint("v", i), false)
	}
	numbers := func(v ...int8) *column.Data {
		return &column.Data{Len: len(v), Children: []column.Data{{Len: len(v), Buffers: [3][]byte{nil, it.I8(v...)}}}}
	}
	structs := ipc.Field{Name: "s", Type: ipc.Struct, Dictionary: ipc.DictionaryOf(ipc.Int32), Children: []ipc.Field{{Name: "x", Type: ipc.Int8}}}
	row := func(d *column.Dictionary, at int32) []column.Data {
		return []column.Data{{Len: 1, Buffers: [3][]byte{nil, it.I32(at)}, Dictionary: d, Values: d.Values()}}
	}
	for _, c := range []struct {
		field  ipc.Field
		values *column.Dictionary
	}{
		{ipc.Field{Name: "s", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)}, words},
		{structs, ipc.NewDictionary(&structs, numbers(7, 8))},
	} {
		schema := &ipc.Schema{Fields: []ipc.Field{c.field}}
		e, err := ipc.NewMessageEncoder(schema)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := e.AppendBatch(nil, 1, row(c.values, 1))
		if err != nil {
			t.Fatal(err)
		}
		d, err := ipc.NewMessageDecoder(schema, &ipc.ReaderOptions{Limits: &ipc.Limits{MaxDictionaryEntries: 1500, MaxDictionaryBytes: 8 << 10}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			h, err := d.Decode(whole)
			if err != nil {
				t.Fatalf("%v, message %d: %v", c.field.Type, i, err)
			}
			if n := h.Column(0).Values.Len(); n != c.values.Len() {
				t.Fatalf("%v, message %d has %d values", c.field.Type, i, n)
			}
			h.Release()
		}
	}

	// A message of a delta and a batch is no more after another message than it is alone.
	schema := &ipc.Schema{Fields: []ipc.Field{structs}}
	var stream pieces
	w := ipc.NewWriter(&stream, schema, &ipc.WriterOptions{Dictionaries: ipc.DeltaDictionaries})
	growing := ipc.NewDictionary(&structs, numbers(1, 2))
	if err := w.Write(t.Context(), 1, row(growing, 0)); err != nil {
		t.Fatal(err)
	}
	first := len(stream)
	growing.SetColumn(numbers(1, 2, 99))
	if err := w.Write(t.Context(), 1, row(growing, 2)); err != nil {
		t.Fatal(err)
	}
	e, err := ipc.NewMessageEncoder(schema)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := e.AppendBatch(nil, 1, row(ipc.NewDictionary(&structs, numbers(7, 8)), 1))
	if err != nil {
		t.Fatal(err)
	}
	d, err := ipc.NewMessageDecoder(schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := d.Decode(stream[first:]); !errors.Is(err, ipc.ErrMalformed) {
			t.Errorf("delta alone, %d messages before it: %v", i, err)
		}
		if _, err := d.Decode(whole); err != nil {
			t.Errorf("a whole message after it: %v", err)
		}
	}
}

type pieces []byte

func (p *pieces) Write(b []byte) (int, error) { *p = append(*p, b...); return len(b), nil }
