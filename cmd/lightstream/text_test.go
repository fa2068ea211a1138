package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestInvalidText copies text that is not valid UTF-8, in a column and in a dictionary, to each format that does not take it.
func TestInvalidText(t *testing.T) {
	const fine, broken = "0123456789", "01234\xFF6789"
	offsets := []byte{0, 0, 0, 0, byte(len(fine)), 0, 0, 0}
	plain := ipc.Field{Name: "s", Type: ipc.Utf8}
	coded := ipc.Field{Name: "s", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}
	values := column.Data{Len: 1, Buffers: [3][]byte{1: offsets, 2: []byte(fine)}}
	index := column.Data{Len: 1, Buffers: [3][]byte{1: {0}}, Dictionary: ipc.NewDictionary(&coded, &values)}
	index.Values = index.Dictionary.Values()
	for name, c := range map[string]struct {
		field ipc.Field
		data  column.Data
	}{"column": {plain, values}, "dictionary": {coded, index}} {
		var stream bytes.Buffer
		w := ipc.NewWriter(&stream, &ipc.Schema{Fields: []ipc.Field{c.field}}, nil)
		if err := w.Write(context.Background(), 1, []column.Data{c.data}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		in := filepath.Join(dir, "in.arrows")
		text := bytes.Replace(stream.Bytes(), []byte(fine), []byte(broken), 1)
		if err := os.WriteFile(in, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{"out.parquet", "out.csv", "out.ndjson", "out.json", "out.arrow", "out.arrows"} {
			out := filepath.Join(dir, to)
			told, err := os.Create(filepath.Join(dir, "told"))
			if err != nil {
				t.Fatal(err)
			}
			status := run(context.Background(), []string{"copy", in, out}, std{os.Stdin, told, told})
			_ = told.Close()
			said, _ := os.ReadFile(told.Name())
			if status != exitBad || !strings.Contains(string(said), "not valid UTF-8") {
				t.Errorf("%s, %s: status %d, %s", name, to, status, said)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("%s: %s is there: %v", name, to, err)
			}
		}
	}
}
