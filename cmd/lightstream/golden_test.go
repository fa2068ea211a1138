package main

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestGolden copies the golden files of the Arrow project, which have every type, as they are and into batches of other sizes, and
// prints them in every way. What is copied has to be what their JSON says.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("../../internal/testdata/arrow-testing/data/arrow-ipc-stream/integration/*/*.json.gz")
	if err != nil || len(names) < 40 {
		t.Skip("no test data")
	}
	for i, name := range names {
		base := strings.TrimSuffix(name, ".json.gz")
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(base), func(t *testing.T) {
			want := goldenContent(t, name)
			dir := t.TempDir()
			lines := string(call(t, "cat", base+".stream", "--to", "ndjson"))
			for _, from := range []string{".stream", ".arrow_file"} {
				for _, to := range []string{"x.arrow", "x.arrows"} {
					out := filepath.Join(dir, to)
					call(t, "copy", base+from, out, "-q", "--compression", []string{"none", "zstd", "lz4"}[i%3])
					if d := arrowjson.Diff(contentOf(t, out), want); d != "" {
						t.Errorf("%s to %s: %s", from, to, d)
					}
					call(t, "copy", base+from, out, "-q", "--batch-rows", "3")
					if got := string(call(t, "cat", out, "--to", "ndjson")); got != lines {
						t.Errorf("%s to %s in batches of 3 rows:\n%.300s, want\n%.300s", from, to, got, lines)
					}
					call(t, "inspect", out, "--check")
				}
				for _, how := range [][]string{{"csv", "--null", "-"}, {"table"}, {"ndjson"}} {
					call(t, append([]string{"cat", base + from, "--to"}, how...)...)
				}
				for _, verb := range [][]string{{"schema"}, {"schema", "--as", "json"}, {"inspect"}, {"inspect", "--hex"}, {"inspect", "--check"}} {
					call(t, append(verb, base+from)...)
				}
			}
		})
	}
}

func goldenContent(t *testing.T, name string) *arrowjson.Content {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	c, err := arrowjson.Read(z)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// contentOf reads an Arrow file or stream.
func contentOf(t *testing.T, name string) *arrowjson.Content {
	t.Helper()
	src, err := openSource(context.Background(), name, &options{}, std{}, ipc.UTF8)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	c := &arrowjson.Content{Schema: src.schema}
	for {
		b, err := src.next(context.Background())
		if err == io.EOF {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		c.Batches = append(c.Batches, arrowjson.Batch{Rows: b.Len(), Columns: ipc.Columns(b)})
	}
}
