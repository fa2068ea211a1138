package ipc_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// countingAt counts the bytes that are read of a file.
type countingAt struct {
	io.ReaderAt
	mu sync.Mutex
	n  int64
}

func (c *countingAt) ReadAt(p []byte, offset int64) (int, error) {
	c.mu.Lock()
	c.n += int64(len(p))
	c.mu.Unlock()
	return c.ReaderAt.ReadAt(p, offset)
}

// TestProjection reads some columns of a file by several goroutines, and no bytes of the others.
func TestProjection(t *testing.T) {
	const rows = 100_000
	want := mixed(rows, 4)
	for _, how := range []ipc.Compression{ipc.Uncompressed, ipc.ZSTD} {
		p := write(t, want, &ipc.WriterOptions{Compression: how}, true)
		src := &countingAt{ReaderAt: bytes.NewReader(p)}
		r, err := ipc.NewFileReader(src, int64(len(p)), &ipc.ReaderOptions{Select: func(*ipc.Schema) ([]bool, error) { return []bool{true, false, true, false}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		opened := src.n
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range r.NumBatches() {
					h, err := r.Batch((i + g) % r.NumBatches())
					if err != nil {
						t.Error(err)
						return
					}
					b := &want.Batches[(i+g)%r.NumBatches()]
					if h.Column(1).Len != 0 || h.Column(1).Buffers[1] != nil {
						t.Error("a column that is not wanted")
					}
					for _, k := range []int{0, 2} {
						of := func(d column.Data) *arrowjson.Content {
							return &arrowjson.Content{Schema: &ipc.Schema{Fields: want.Schema.Fields[k : k+1]}, Batches: []arrowjson.Batch{{Rows: rows, Columns: []column.Data{d}}}}
						}
						if d := arrowjson.Diff(of(*h.Column(k)), of(b.Columns[k])); d != "" {
							t.Error(d)
						}
					}
					h.Release()
				}
			})
		}
		wg.Wait()
		batches := int64(4 * r.NumBatches())
		if each := (src.n - opened) / batches; each > rows*8+2*rows/8+64<<10 {
			t.Errorf("%v: %d bytes read of a batch, which has %d", how, each, len(p)/r.NumBatches())
		}
	}
}

// TestProjectGoldens reads every second column of the golden files.
func TestProjectGoldens(t *testing.T) {
	for _, name := range goldens(t) {
		in, err := os.ReadFile(name + ".arrow_file")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "dict") {
			continue // a dictionary may be shared, which the test does not follow
		}
		want := goldenJSON(t, name)
		for first := range 2 {
			got := fileContent(t, bytes.NewReader(in), int64(len(in)), &ipc.ReaderOptions{Select: func(s *ipc.Schema) ([]bool, error) {
				sel := make([]bool, len(s.Fields))
				for i := range sel {
					sel[i] = i%2 == first
				}
				return sel, nil
			}})
			for n := range want.Batches {
				for i := first; i < len(want.Schema.Fields); i += 2 {
					of := func(s *ipc.Schema, d column.Data) *arrowjson.Content {
						return &arrowjson.Content{Schema: &ipc.Schema{Fields: s.Fields[i : i+1]}, Batches: []arrowjson.Batch{{Rows: d.Len, Columns: []column.Data{d}}}}
					}
					same(t, name, of(got.Schema, got.Batches[n].Columns[i]), of(want.Schema, want.Batches[n].Columns[i]))
				}
			}
		}
	}
}

// readsAt counts the calls that read of a file.
type readsAt struct {
	io.ReaderAt
	n int
}

func (c *readsAt) ReadAt(p []byte, offset int64) (int, error) {
	c.n++
	return c.ReaderAt.ReadAt(p, offset)
}

// TestOpenReads opens files: their beginning, their end with the footer, and a dictionary with its values take one read each. What is
// longer takes one more.
func TestOpenReads(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "s", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)}}}
	for _, c := range []struct{ batches, values, want int }{{1, 10, 3}, {500, 10, 4}, {1, 20_000, 4}} {
		dict := column.NewDictionary(0)
		for i := range c.values {
			dict.Append(strings.Repeat("x", i%9), i%100 == 99)
		}
		data := column.Data{Len: 2, Buffers: [3][]byte{nil, {byte(c.values - 3), byte((c.values - 3) >> 8), 0, 0, 9, 0, 0, 0}}, Dictionary: dict, Values: dict.Values()}
		var file bytes.Buffer
		w := ipc.NewFileWriter(&file, schema, nil)
		for range c.batches {
			if err := w.Write(t.Context(), 2, []column.Data{data}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		src := &readsAt{ReaderAt: bytes.NewReader(file.Bytes())}
		r, err := ipc.NewFileReader(src, int64(file.Len()), nil)
		if err != nil {
			t.Fatal(err)
		}
		if src.n != c.want || r.NumBatches() != c.batches {
			t.Errorf("%d batches, %d values: %d reads, want %d", c.batches, c.values, src.n, c.want)
		}
		b, err := r.Batch(c.batches - 1)
		if err != nil {
			t.Fatal(err)
		}
		v := b.Column(0).Values
		for i := range c.values {
			if v.IsNull(i) != (i%100 == 99) || !v.IsNull(i) && v.At(i) != strings.Repeat("x", i%9) {
				t.Fatalf("value %d of %d is %q", i, c.values, v.At(i))
			}
		}
	}
}
