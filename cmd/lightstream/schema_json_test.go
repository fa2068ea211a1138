package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestSchemaJSON generates from the schemas of the golden files of the Arrow project, and from what they are in JSON: the same code, or
// the same errors.
func TestSchemaJSON(t *testing.T) {
	names, err := filepath.Glob("../../internal/testdata/arrow-testing/data/arrow-ipc-stream/integration/1.0.0-littleendian/*.stream")
	if err != nil || len(names) < 20 {
		t.Skip("no test data")
	}
	generated := 0
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			stream, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			results := map[string]string{}
			for file, text := range map[string][]byte{"t.arrows": stream, "t.json": call(t, "schema", name, "--as", "json")} {
				at := filepath.Join(t.TempDir(), file)
				if err := os.WriteFile(at, text, 0o666); err != nil {
					t.Fatal(err)
				}
				outputs, err := codegen.Generate(&codegen.Options{Inputs: []string{at}, Package: "p"})
				if err != nil {
					results[file] = strings.ReplaceAll(err.Error(), filepath.ToSlash(at), "t")
					continue
				}
				for i := range outputs {
					_, body, _ := bytes.Cut(outputs[i].Text, []byte("\n")) // the first line has the source
					results[file] += string(body)
				}
				generated++
			}
			if results["t.arrows"] != results["t.json"] {
				t.Errorf("%.2000s\nof JSON, of the stream\n%.2000s", results["t.json"], results["t.arrows"])
			}
		})
	}
	if generated < 20 {
		t.Errorf("%d of %d schemas could be generated from", generated, 2*len(names))
	}
}

// TestSchemaJSONBytes has metadata that is no UTF-8, which JSON holds as base64.
func TestSchemaJSONBytes(t *testing.T) {
	schema := &ipc.Schema{
		Metadata: []ipc.KeyValue{{Key: "\xff", Value: "text"}, {Key: "empty"}},
		Fields:   []ipc.Field{{Name: "x", Type: ipc.Int32, Metadata: []ipc.KeyValue{{Key: "ARROW:extension:metadata", Value: "\x00\xff\xfe"}}}},
	}
	file := filepath.Join(t.TempDir(), "t.arrow")
	w, err := ipc.CreateFile(file, schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text := call(t, "schema", file, "--as", "json")
	for _, want := range []string{`"keyBase64": "/w=="`, `"value": "text"`, `"key": "empty"`, `"value": ""`, `"valueBase64": "AP/+"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
