package ipc_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const arrowTesting = "../../internal/testdata/arrow-testing/data"

// goldens yields the golden files of the Arrow project, without their extension. It fails where there are none.
func goldens(tb testing.TB) []string {
	tb.Helper()
	names, err := filepath.Glob(arrowTesting + "/arrow-ipc-stream/integration/*/*.stream")
	if err != nil || len(names) < 40 {
		tb.Fatalf("%d golden files, %v", len(names), err)
	}
	for i := range names {
		names[i] = strings.TrimSuffix(names[i], ".stream")
	}
	return names
}

func goldenJSON(tb testing.TB, name string) *arrowjson.Content {
	tb.Helper()
	f, err := os.Open(name + ".json.gz")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := arrowjson.Read(z)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// streamContent reads a stream to its end. The memory of its batches is never given back.
func streamContent(tb testing.TB, src io.Reader, opts *ipc.ReaderOptions) *arrowjson.Content {
	tb.Helper()
	r := ipc.NewReader(src, opts)
	s, err := r.Schema(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	c := &arrowjson.Content{Schema: s}
	for {
		h, err := r.Next(context.Background())
		if err == io.EOF {
			return c
		}
		if err != nil {
			tb.Fatal(err)
		}
		c.Batches = append(c.Batches, arrowjson.Batch{Rows: h.Len(), Columns: ipc.Columns(h)})
	}
}

func fileContent(tb testing.TB, src io.ReaderAt, size int64, opts *ipc.ReaderOptions) *arrowjson.Content {
	tb.Helper()
	r, err := ipc.NewFileReader(src, size, opts)
	if err != nil {
		tb.Fatal(err)
	}
	c := &arrowjson.Content{Schema: r.Schema()}
	for i := range r.NumBatches() {
		h, err := r.Batch(i)
		if err != nil {
			tb.Fatal(err)
		}
		c.Batches = append(c.Batches, arrowjson.Batch{Rows: h.Len(), Columns: ipc.Columns(h)})
	}
	return c
}

// write writes a content as a stream or a file.
func write(tb testing.TB, c *arrowjson.Content, opts *ipc.WriterOptions, file bool) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, c.Schema, opts)
	if file {
		w = &ipc.NewFileWriter(&buf, c.Schema, opts).Writer
	}
	for _, b := range c.Batches {
		if err := w.Write(context.Background(), b.Rows, b.Columns); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func same(tb testing.TB, what string, got, want *arrowjson.Content) {
	tb.Helper()
	if d := arrowjson.Diff(got, want); d != "" {
		tb.Errorf("%s: %s", what, d)
	}
}

// TestGoldenFiles reads each golden stream and file, wants what its JSON says, and what is written of it to read the same.
func TestGoldenFiles(t *testing.T) {
	for _, name := range goldens(t) {
		t.Run(strings.TrimPrefix(filepath.ToSlash(name), arrowTesting+"/arrow-ipc-stream/integration/"), func(t *testing.T) {
			want := goldenJSON(t, name)
			stream, err := os.ReadFile(name + ".stream")
			if err != nil {
				t.Fatal(err)
			}
			file, err := os.ReadFile(name + ".arrow_file")
			if err != nil {
				t.Fatal(err)
			}
			for _, opts := range []*ipc.ReaderOptions{nil, {Align: ipc.ValueSize, Validate: ipc.UTF8}} {
				same(t, "stream", streamContent(t, bytes.NewReader(stream), opts), want)
				same(t, "file", fileContent(t, bytes.NewReader(file), int64(len(file)), opts), want)
			}
			got := streamContent(t, bytes.NewReader(stream), nil)
			for _, c := range []ipc.Compression{ipc.LZ4, ipc.ZSTD} {
				for _, file := range []bool{false, true} {
					p := write(t, got, &ipc.WriterOptions{Compression: c}, file)
					if file {
						same(t, c.String()+" file", fileContent(t, bytes.NewReader(p), int64(len(p)), nil), want)
					} else {
						same(t, c.String()+" stream", streamContent(t, bytes.NewReader(p), nil), want)
					}
				}
			}
			p := write(t, got, nil, false)
			same(t, "written as a stream", streamContent(t, bytes.NewReader(p), nil), want)
			p = write(t, got, nil, true)
			same(t, "written as a file", fileContent(t, bytes.NewReader(p), int64(len(p)), nil), want)

			var text bytes.Buffer
			if err := got.Write(&text); err != nil {
				t.Fatal(err)
			}
			again, err := arrowjson.Read(&text)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "written as JSON", again, want)
			p = write(t, want, nil, false)
			same(t, "the JSON written as a stream", streamContent(t, bytes.NewReader(p), nil), want)
		})
	}
}
