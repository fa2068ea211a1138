package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
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
