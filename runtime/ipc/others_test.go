package ipc_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TestAttachedToOthers writes and reads what is attached to the message of the schema and to those of dictionaries, which may change with
// each of them, by streams and files.
func TestAttachedToOthers(t *testing.T) {
	ctx := t.Context()
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "n", Type: ipc.Int8},
		{Name: "a", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)},
		{Name: "l", Type: ipc.List, Children: []ipc.Field{{Name: "b", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)}}},
	}}
	dict := column.NewDictionary(0)
	columns := func(value string) []column.Data {
		dict.Append(value, false)
		indices := column.Data{Len: 1, Buffers: [3][]byte{nil, it.I32(0)}, Dictionary: dict, Values: dict.Values()}
		list := column.Data{Len: 1, Buffers: [3][]byte{nil, it.I32(0, 1)}, Children: []column.Data{indices}}
		return []column.Data{{Len: 1, Buffers: [3][]byte{nil, it.I8(7)}}, indices, list}
	}
	first := ipc.Attached{
		Schema:       []ipc.KeyValue{{Key: "made by", Value: "the test"}, {Key: "\xff"}},
		Dictionaries: map[int64][]ipc.KeyValue{1: {{Key: "of", Value: "a"}}, 3: {{Key: "of", Value: "b"}}},
	}
	second := ipc.Attached{Schema: first.Schema, Dictionaries: map[int64][]ipc.KeyValue{3: {{Key: "of", Value: "b, more"}, {Key: "of", Value: "b"}}}}
	for _, file := range []bool{false, true} {
		dict = column.NewDictionary(0)
		var buf bytes.Buffer
		w := ipc.NewWriter(&buf, schema, nil)
		if file {
			w = &ipc.NewFileWriter(&buf, schema, nil).Writer
		}
		given := first.Clone()
		w.SetAttached(given)
		given.Schema[0].Value, given.Dictionaries[1][0].Key = "changed", "changed" // the writer has its own
		if err := w.Write(ctx, 1, columns("x")); err != nil {
			t.Fatal(err)
		}
		w.SetAttached(second)
		for range 2 { // with new values, and without
			if err := w.Write(ctx, 1, columns("y")); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if file {
			r, err := ipc.NewFileReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Attached(); got.Schema != nil || !reflect.DeepEqual(got.Dictionaries, second.Dictionaries) {
				t.Errorf("of the file: %+v", got)
			}
			continue
		}
		r := ipc.NewReader(&buf, nil)
		if got := r.Attached(); got.Schema != nil || got.Dictionaries != nil {
			t.Errorf("before anything was read: %+v", got)
		}
		if _, err := r.Schema(ctx); err != nil {
			t.Fatal(err)
		}
		if got := r.Attached(); !reflect.DeepEqual(got, ipc.Attached{Schema: first.Schema}) {
			t.Errorf("after the schema: %+v", got)
		}
		for _, want := range []ipc.Attached{first, second, second} {
			if _, err := r.Next(ctx); err != nil {
				t.Fatal(err)
			}
			if got := r.Attached(); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
	}
}

// TestAttachedToManyDictionaries bounds what the entries of all dictionaries take together, and not what those before them took.
func TestAttachedToManyDictionaries(t *testing.T) {
	const n = 20
	schema := &ipc.Schema{}
	var columns []column.Data
	big := map[int64][]ipc.KeyValue{}
	dicts := make([]*column.Dictionary, n)
	for i := range n {
		schema.Fields = append(schema.Fields, ipc.Field{Name: fmt.Sprint(i), Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)})
		dicts[i] = column.NewDictionary(0)
		columns = append(columns, column.Data{Len: 1, Buffers: [3][]byte{nil, mem.Alloc(1)}})
		big[int64(i)] = []ipc.KeyValue{{Key: strings.Repeat("k", 10_000)}}
	}
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, schema, nil)
	w.SetAttached(ipc.Attached{Dictionaries: big})
	for k := range 10 { // each replaces all of them
		for i := range n {
			dicts[i].Append(fmt.Sprint(k), false)
			columns[i].Dictionary, columns[i].Values = dicts[i], dicts[i].Values()
		}
		if err := w.Write(t.Context(), 1, columns); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64]error{n * 11_000: nil, n * 9_000: ipc.ErrLimit} {
		rows, err := readAll(bytes.NewReader(buf.Bytes()), &ipc.ReaderOptions{Limits: &ipc.Limits{MaxMetadata: most}})
		if !errors.Is(err, want) || want == nil && rows != 10 || want != nil && !strings.Contains(err.Error(), "message.customMetadata") {
			t.Errorf("MaxMetadata %d: %d rows, %v", most, rows, err)
		}
	}
}
