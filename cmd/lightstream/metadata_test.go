package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestMetadata copies a file with metadata of the schema, of a field that has an extension type, of batches and of the file.
func TestMetadata(t *testing.T) {
	dir := t.TempDir()
	schema := &ipc.Schema{
		Metadata: []ipc.KeyValue{{Key: "owner", Value: "desk 7"}},
		Fields: []ipc.Field{{Name: "n", Type: ipc.Uint8, Metadata: []ipc.KeyValue{
			{Key: "ARROW:extension:name", Value: "example.mark"}, {Key: "ARROW:extension:metadata", Value: "{}"},
		}}},
	}
	in := filepath.Join(dir, "in.arrow")
	w, err := ipc.CreateFile(in, schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	footer := []ipc.KeyValue{{Key: "day", Value: "2024-01-31"}}
	w.SetFooter(footer)
	for i := range byte(3) {
		w.SetMetadata([]ipc.KeyValue{{Key: "at", Value: fmt.Sprint(i)}})
		if err := w.Write(context.Background(), 2, []column.Data{{Len: 2, Buffers: [3][]byte{nil, {i, i}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	stream, out := filepath.Join(dir, "x.arrows"), filepath.Join(dir, "out.arrow")
	for _, args := range [][]string{{in, stream, "-q"}, {stream, out}, {in, filepath.Join(dir, "again.arrow")}, {in, filepath.Join(dir, "cut.arrow"), "--head", "3"}} {
		call(t, append([]string{"copy"}, args...)...)
	}
	for name, want := range map[string]struct {
		footer  []ipc.KeyValue
		batches int
	}{"out.arrow": {nil, 3}, "again.arrow": {footer, 3}, "cut.arrow": {footer, 2}} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		r, err := ipc.NewFileReader(bytes.NewReader(text), int64(len(text)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprintf("%+v", r.Schema()), fmt.Sprintf("%+v", schema); got != want {
			t.Errorf("%s: schema %s, want %s", name, got, want)
		}
		if !slices.Equal(r.Footer(), want.footer) || r.NumBatches() != want.batches {
			t.Errorf("%s: %d batches, footer %q", name, r.NumBatches(), r.Footer())
		}
		for i := range r.NumBatches() {
			if b, err := r.Batch(i); err != nil || !slices.Equal(b.Metadata(), []ipc.KeyValue{{Key: "at", Value: fmt.Sprint(i)}}) {
				t.Errorf("%s: batch %d has %q, %v", name, i, b.Metadata(), err)
			}
		}
	}
	text := string(call(t, "inspect", in))
	for _, want := range []string{"· at: 2\n", "· day: 2024-01-31\n", "· owner ", "example.mark"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	// What has no place is said.
	_, stderr := callBoth(t, "copy", in, stream)
	if want := "the metadata of " + in + " as a whole has no place in a stream"; !strings.Contains(stderr, want) {
		t.Errorf("stderr is %q, want %q", stderr, want)
	}
}

// TestMetadataOfMessages copies a stream with metadata of the message of the schema and of those of dictionaries, whose ids become others.
func TestMetadataOfMessages(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.arrows"), filepath.Join(dir, "out.arrows")
	f, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "a", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}, {Name: "b", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)},
	}}
	w := ipc.NewWriter(plainWriter{f}, schema, nil)
	w.SetAttached(ipc.Attached{
		Schema:       []ipc.KeyValue{{Key: "made by", Value: "the test"}},
		Dictionaries: map[int64][]ipc.KeyValue{0: {{Key: "of", Value: "a"}}, 1: {{Key: "of", Value: "b"}}},
	})
	var columns []column.Data
	for range 2 {
		d := column.NewDictionary(0)
		d.Append("x", false)
		columns = append(columns, column.Data{Len: 1, Buffers: [3][]byte{nil, {0}}, Dictionary: d, Values: d.Values()})
	}
	if err := errors.Join(w.Write(context.Background(), 1, columns), w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want map[int64][]ipc.KeyValue
	}{
		{nil, map[int64][]ipc.KeyValue{0: {{Key: "of", Value: "a"}}, 1: {{Key: "of", Value: "b"}}}},
		{[]string{"--columns", "b", "--batch-rows", "5"}, map[int64][]ipc.KeyValue{0: {{Key: "of", Value: "b"}}}},
		{[]string{"--columns", "b,a", "--compression", "lz4"}, map[int64][]ipc.KeyValue{1: {{Key: "of", Value: "a"}}, 0: {{Key: "of", Value: "b"}}}},
	} {
		call(t, append([]string{"copy", in, out}, c.args...)...)
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		r := ipc.NewReader(bytes.NewReader(text), nil)
		if _, err := r.Next(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := r.Attached(); !reflect.DeepEqual(got.Dictionaries, c.want) || len(got.Schema) != 1 || got.Schema[0].Value != "the test" {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
	text := string(call(t, "inspect", in))
	for _, want := range []string{"· made by: the test\n", "· of: a\n", "· of: b\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
