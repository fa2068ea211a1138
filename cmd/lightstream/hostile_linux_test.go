package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// bomb is a small file that says much.
type bomb struct {
	name        string
	field       ipc.Field
	rows        int
	column      column.Data
	batches     int
	compression ipc.Compression
}

func ints32(n int, at func(i int) int) (b []byte) {
	for i := range n {
		b = binary.LittleEndian.AppendUint32(b, uint32(at(i)))
	}
	return b
}

func always(v int) func(int) int { return func(int) int { return v } }

// viewsOf returns rows of a list view that have all of the items below.
func viewsOf(rows int, below column.Data) column.Data {
	return column.Data{Len: rows, Buffers: [3][]byte{1: ints32(rows, always(0)), 2: ints32(rows, always(below.Len))}, Children: []column.Data{below}}
}

func fieldOf(k ipc.Kind, below ...ipc.Field) ipc.Field {
	return ipc.Field{Name: "c", Type: ipc.Type{Kind: k}, Nullable: true, Children: below}
}

// dictionaryOf returns a column of which every row stands for the first of the values.
func dictionaryOf(rows int, values column.Data) column.Data {
	d := column.ColumnDictionary(&values)
	return column.Data{Len: rows, Buffers: [3][]byte{1: make([]byte, rows)}, Dictionary: d, Values: d.Values()}
}

// runsOf returns a column of one run.
func runsOf(rows int, value column.Data) column.Data {
	ends := column.Data{Len: 1, Buffers: [3][]byte{1: ints32(1, always(rows))}}
	return column.Data{Len: rows, Children: []column.Data{ends, value}}
}

func bombs() []bomb {
	leaf := func(n int) column.Data { return column.Data{Len: n, Buffers: [3][]byte{1: make([]byte, n)}} }
	text := func(n int) column.Data {
		return column.Data{Len: 1, Buffers: [3][]byte{1: ints32(2, func(i int) int { return i * n }), 2: bytes.Repeat([]byte("x"), n)}}
	}
	int8s := ipc.Field{Name: "item", Type: ipc.Int8, Nullable: true}
	views := fieldOf(ipc.KindListView, fieldOf(ipc.KindListView, fieldOf(ipc.KindListView, int8s)))
	ends, values := ipc.Field{Name: "run_ends", Type: ipc.Int32}, ipc.Field{Name: "values", Type: ipc.Utf8, Nullable: true}
	dictionary := func(f ipc.Field) ipc.Field {
		f.Dictionary = &ipc.DictionaryEncoding{Index: ipc.Int8}
		return f
	}
	textView := func(rows int) column.Data {
		view := append(ints32(1, always(4<<10)), ints32(3, always(0))...)
		copy(view[4:], "xxxx")
		return column.Data{Len: rows, Buffers: [3][]byte{1: bytes.Repeat(view, rows)}, Variadic: [][]byte{bytes.Repeat([]byte("x"), 4<<10)}}
	}
	fixed := func(f ipc.Field) ipc.Field {
		return ipc.Field{Name: "c", Type: ipc.FixedSizeList(8000), Nullable: true, Children: []ipc.Field{f}}
	}
	wide := func(rows int, below column.Data) column.Data {
		return column.Data{Len: rows, Children: []column.Data{below}}
	}
	union := ipc.Field{Name: "c", Type: ipc.DenseUnion(1), Nullable: true, Children: []ipc.Field{values}}
	texts := column.NewDictionary(1)
	texts.Append(strings.Repeat("x", 1<<20), false)
	return []bomb{
		{"views of views", views, 1000, viewsOf(1000, viewsOf(1000, viewsOf(1000, leaf(1000)))), 1, ipc.Uncompressed},
		{"wide views", fieldOf(ipc.KindListView, int8s), 300, viewsOf(300, leaf(100_000)), 1, ipc.ZSTD},
		{"runs of text", fieldOf(ipc.KindRunEndEncoded, ends, values), 100_000, runsOf(100_000, text(4<<10)), 1, ipc.Uncompressed},
		{"views of text", fieldOf(ipc.KindUtf8View), 100_000, textView(100_000), 1, ipc.ZSTD},
		{"dictionary of views", dictionary(views), 100_000, dictionaryOf(100_000, viewsOf(1, viewsOf(1000, viewsOf(1000, leaf(1000))))), 1, ipc.ZSTD},
		{"dictionary of text", dictionary(fieldOf(ipc.KindUtf8)), 1000, column.Data{Len: 1000, Buffers: [3][]byte{1: make([]byte, 1000)}, Dictionary: texts, Values: texts.Values()}, 1, ipc.ZSTD},
		{"nulls", fieldOf(ipc.KindNull), 20_000_000, column.Data{Len: 20_000_000, Nulls: 20_000_000}, 1, ipc.Uncompressed},
		{"runs of all rows", fieldOf(ipc.KindRunEndEncoded, ends, values), 3_000_000, runsOf(3_000_000, text(1)), 1, ipc.Uncompressed},
		{"lists of nulls", fixed(fixed(fieldOf(ipc.KindNull))), 1, wide(1, wide(8000, column.Data{Len: 64_000_000, Nulls: 64_000_000})), 1, ipc.Uncompressed},
		{"shared members", union, 100_000, column.Data{
			Len: 100_000, Buffers: [3][]byte{1: make([]byte, 100_000), 2: make([]byte, 400_000)},
			Children: []column.Data{text(4 << 10)},
		}, 1, ipc.ZSTD},
		{"zeros", ipc.Field{Name: "c", Type: ipc.Int64}, 8 << 20, column.Data{Len: 8 << 20, Buffers: [3][]byte{1: make([]byte, 64<<20)}}, 2, ipc.ZSTD},
		{"lists in runs", fieldOf(ipc.KindRunEndEncoded, ends, fieldOf(ipc.KindListView, int8s)), 200, runsOf(200, viewsOf(1, leaf(100_000))), 1, ipc.ZSTD},
	}
}

// write writes the bomb as a stream or a file.
func (x *bomb) write(t *testing.T, name string) {
	t.Helper()
	f := x.field
	schema := &ipc.Schema{Fields: []ipc.Field{f}}
	opts := &ipc.WriterOptions{Compression: x.compression}
	var w interface {
		Write(ctx context.Context, rows int, columns []column.Data) error
		Close() error
	}
	var err error
	if filepath.Ext(name) == ".arrow" {
		w, err = ipc.CreateFile(name, schema, opts)
	} else {
		w, err = ipc.CreateStream(name, schema, opts)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range x.batches {
		if err := w.Write(t.Context(), x.rows, []column.Data{x.column}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 128<<10 {
		t.Errorf("%s has %d bytes", x.name, info.Size())
	}
}

// TestHostileMemory gives the command small files that say much. It ends soon, in little memory, with what they say or an error that tells the
// limit which is in the way.
func TestHostileMemory(t *testing.T) {
	if testing.Short() || !release {
		t.Skip("of release builds, and it takes a while")
	}
	dir := t.TempDir()
	accepted, refused, most := 0, 0, 0
	for i, x := range bombs() {
		for k, ext := range []string{".arrows", ".arrow"} {
			in := filepath.Join(dir, strconv.Itoa(i)+ext)
			x.write(t, in)
			for _, verb := range []string{
				"inspect IN --check", "inspect IN", "cat IN --to table --head 10", "cat IN --to csv --head 1 --null NULL", "cat IN --to ndjson --head 1",
				"cat IN --to stream --batch-rows 1000", "copy IN OUT.arrow", "copy IN OUT.arrows --compression none", "copy IN OUT.parquet",
			} {
				if k > 0 && (strings.HasPrefix(verb, "cat") || strings.HasSuffix(verb, "parquet")) {
					continue // what is written does not depend on it
				}
				args := strings.Fields(strings.NewReplacer("IN", in, "OUT", filepath.Join(dir, "out")).Replace(verb))
				kib, took, said, err := measuredRun(t, args)
				switch {
				case err == nil:
					accepted++
				case strings.Contains(said, "imits.Max") || strings.Contains(said, "MaxRow"):
					refused++
				default:
					t.Errorf("%s%s: %s: %v: %s", x.name, ext, verb, err, said)
				}
				most = max(most, kib)
				if kib > 300<<10 || took > 30*time.Second {
					t.Errorf("%s%s: %s takes %d MiB of memory and %v", x.name, ext, verb, kib>>10, took)
				}
				t.Logf("%-20s%-8s%-40s%8v%5d MiB %.100s", x.name, ext, verb, took.Round(time.Millisecond), kib>>10, said)
			}
		}
	}
	if accepted == 0 || refused == 0 {
		t.Errorf("%d accepted, %d refused", accepted, refused)
	}
	t.Logf("%d accepted, %d refused, %d MiB at most", accepted, refused, most>>10)
}

// measuredRun runs the command and returns what it had of memory, how long it took and what it said.
func measuredRun(t *testing.T, args []string) (kib int, took time.Duration, said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "lightstream-measured", args...)
	var text bytes.Buffer
	cmd.Stderr = &text
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it still tells its memory
	cmd.WaitDelay = 5 * time.Second
	start := time.Now()
	err = cmd.Run()
	took = time.Since(start)
	said = strings.TrimSpace(text.String())
	at := strings.LastIndexByte(said, '\n') + 1
	kib, numberErr := strconv.Atoi(said[at:])
	if numberErr != nil || kib <= 0 {
		t.Fatalf("%v: %v: its memory is %q", args, err, said)
	}
	return kib, took, strings.TrimSpace(said[:at]), err
}
