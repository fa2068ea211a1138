package ipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// attachedSchema has metadata wherever a schema may have some, and an extension type.
var attachedSchema = &ipc.Schema{
	Metadata: []ipc.KeyValue{{Key: "owner", Value: "desk 7"}, {Key: "owner", Value: "again"}, {Key: "", Value: "\xff\x00"}},
	Fields: []ipc.Field{
		{Name: "n", Type: ipc.Int64, Metadata: []ipc.KeyValue{{Key: "unit", Value: "piece"}}},
		{Name: "p", Type: ipc.Struct, Nullable: true, Metadata: []ipc.KeyValue{
			{Key: "ARROW:extension:name", Value: "example.point"}, {Key: "ARROW:extension:metadata", Value: `{"axes":2}`},
		}, Children: []ipc.Field{{Name: "x", Type: ipc.Float32, Metadata: []ipc.KeyValue{{Key: "axis", Value: "0"}}}}},
	},
}

func attachedColumns(n int64) []column.Data {
	values := binary.LittleEndian.AppendUint64(mem.Alloc(16)[:0], uint64(n))
	values = binary.LittleEndian.AppendUint64(values, uint64(n+1))
	return []column.Data{
		{Len: 2, Buffers: [3][]byte{nil, values}},
		{Len: 2, Children: []column.Data{{Len: 2, Buffers: [3][]byte{nil, make([]byte, 8)}}}},
	}
}

// batchEntries are attached to the batches of the tests, one after the other.
var batchEntries = [][]ipc.KeyValue{
	nil,
	{{Key: "at", Value: "1"}},
	{{Key: "at", Value: "2"}},
	{{Key: "at", Value: "2"}},
	{{Key: "at", Value: strings.Repeat("x", 300)}, {Key: "at", Value: ""}},
	nil,
}

func writeAttached(t *testing.T, w *ipc.Writer) {
	t.Helper()
	for i, entries := range batchEntries {
		w.SetMetadata(entries)
		if err := w.Write(context.Background(), 2, attachedColumns(int64(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func sameSchema(t *testing.T, s *ipc.Schema) {
	t.Helper()
	if got, want := fmt.Sprintf("%+v", s), fmt.Sprintf("%+v", attachedSchema); got != want {
		t.Errorf("schema %s, want\n%s", got, want)
	}
}

// TestAttached writes and reads the metadata of schema, fields, batches and footer, by streams and files, forwarded and appended.
func TestAttached(t *testing.T) {
	ctx := context.Background()
	var stream, forwarded bytes.Buffer
	writeAttached(t, ipc.NewWriter(&stream, attachedSchema, nil))
	r := ipc.NewReader(&stream, nil)
	s, err := r.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sameSchema(t, s)
	w := ipc.NewWriter(&forwarded, s, nil)
	for i, want := range batchEntries {
		b, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		kept := b.Retain()
		if !slices.Equal(b.Metadata(), want) || !slices.Equal(kept.Metadata(), want) {
			t.Errorf("batch %d has %q and %q, want %q", i, b.Metadata(), kept.Metadata(), want)
		}
		if n := binary.LittleEndian.Uint64(b.Column(0).Buffers[1]); n != uint64(i) {
			t.Errorf("batch %d begins with %d", i, n)
		}
		if err := w.Forward(ctx, b); err != nil {
			t.Fatal(err)
		}
		kept.Release()
		b.Release()
	}
	if err := w.Close(); err != nil || w.Stats().Forwarded != int64(len(batchEntries)) {
		t.Errorf("%d of %d batches were sent as they came, %v", w.Stats().Forwarded, len(batchEntries), err)
	}
	r = ipc.NewReader(&forwarded, nil)
	for i, want := range batchEntries {
		if b, err := r.Next(ctx); err != nil || !slices.Equal(b.Metadata(), want) {
			t.Errorf("forwarded batch %d has %q, want %q, %v", i, b.Metadata(), want, err)
		}
	}

	name := filepath.Join(t.TempDir(), "x.arrow")
	file, err := ipc.CreateFile(name, attachedSchema, nil)
	if err != nil {
		t.Fatal(err)
	}
	footer := []ipc.KeyValue{{Key: "day", Value: "2024-01-31"}, {Key: "empty"}}
	file.SetFooter(footer)
	writeAttached(t, &file.Writer)
	more, err := ipc.AppendFile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	writeAttached(t, &more.Writer)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fr, err := ipc.NewFileReader(bytes.NewReader(text), int64(len(text)), nil)
	if err != nil {
		t.Fatal(err)
	}
	sameSchema(t, fr.Schema())
	if !slices.Equal(fr.Footer(), footer) {
		t.Errorf("footer %q, want %q", fr.Footer(), footer)
	}
	if fr.NumBatches() != 2*len(batchEntries) {
		t.Fatalf("%d batches", fr.NumBatches())
	}
	for i := range fr.NumBatches() {
		b, err := fr.Batch(fr.NumBatches() - 1 - i)
		want := batchEntries[(fr.NumBatches()-1-i)%len(batchEntries)]
		if err != nil || !slices.Equal(b.Metadata(), want) {
			t.Errorf("batch %d of the file has %q, want %q, %v", i, b.Metadata(), want, err)
		}
	}
}

// Entries that share one long text are refused before they are copied.
func TestAttachedLimit(t *testing.T) {
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, attachedSchema, nil)
	w.SetMetadata([]ipc.KeyValue{{Key: "k", Value: strings.Repeat("x", 5000)}})
	if err := w.Write(context.Background(), 2, attachedColumns(0)); err != nil {
		t.Fatal(err)
	}
	r := ipc.NewReader(&buf, &ipc.ReaderOptions{Limits: &ipc.Limits{MaxMetadata: 6000}})
	if _, err := r.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	buf.Reset()
	buf.Write(sharedEntries(t, 400, 5000))
	_, err := ipc.NewReader(&buf, &ipc.ReaderOptions{Limits: &ipc.Limits{MaxMetadata: 64 << 10}}).Next(context.Background())
	if !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "Limits.MaxMetadata") || !strings.Contains(err.Error(), "message.customMetadata") {
		t.Errorf("%v", err)
	}
}

// sharedEntries returns a stream with a batch of no columns, to which n entries are attached that have one text of so many bytes.
func sharedEntries(t *testing.T, n, size int) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := ipc.NewWriter(&buf, &ipc.Schema{}, nil).Close(); err != nil {
		t.Fatal(err)
	}
	buf.Truncate(buf.Len() - 8) // the end marker
	b := flatbuffers.NewBuilder(1024)
	text := b.CreateString(strings.Repeat("x", size))
	arrowfb.KeyValueStart(b)
	arrowfb.KeyValueAddKey(b, text)
	arrowfb.KeyValueAddValue(b, text)
	one := arrowfb.KeyValueEnd(b)
	entries := it.Vector(b, slices.Repeat([]flatbuffers.UOffsetT{one}, n), arrowfb.MessageStartCustomMetadata)
	arrowfb.RecordBatchStart(b)
	batch := arrowfb.RecordBatchEnd(b)
	arrowfb.MessageStart(b)
	arrowfb.MessageAddVersion(b, arrowfb.MetadataVersionV5)
	arrowfb.MessageAddHeaderType(b, arrowfb.MessageHeaderRecordBatch)
	arrowfb.MessageAddHeader(b, batch)
	arrowfb.MessageAddCustomMetadata(b, entries)
	b.Finish(arrowfb.MessageEnd(b))
	return append(buf.Bytes(), it.Message(b.FinishedBytes(), nil)...)
}

// Batches whose entries stay the same are written and read without an allocation.
func TestAttachedAllocs(t *testing.T) {
	if race || mem.Debug || !column.Native {
		t.Skip("not of release builds")
	}
	ctx := context.Background()
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, attachedSchema, nil)
	w.SetMetadata([]ipc.KeyValue{{Key: "k", Value: "v"}})
	columns := attachedColumns(3)
	if err := w.Write(ctx, 2, columns); err != nil {
		t.Fatal(err)
	}
	buf.Grow(1 << 20)
	if n := testing.AllocsPerRun(100, func() {
		if err := w.Write(ctx, 2, columns); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("writing allocates %v times", n)
	}
	r := ipc.NewReader(&buf, nil)
	if n := testing.AllocsPerRun(90, func() {
		b, err := r.Next(ctx)
		if err != nil || len(b.Metadata()) != 1 {
			t.Fatal(b.Metadata(), err)
		}
		b.Release()
	}); n != 0 {
		t.Errorf("reading allocates %v times", n)
	}
}

// TestNumber writes numbers of every length beside other entries, and reads them back.
func TestNumber(t *testing.T) {
	numbers := []uint64{0, 9, 10, 123, math.MaxUint32, 7, 1e19, math.MaxUint64, 0}
	others := [][]ipc.KeyValue{nil, {{Key: "k", Value: strings.Repeat("\x01", 30)}}, {{Key: strings.Repeat("\x02", 20), Value: "v"}}}
	for _, entries := range others {
		var wire bytes.Buffer
		w := ipc.NewWriter(&wire, attachedSchema, nil)
		w.SetMetadata(entries)
		for _, n := range numbers {
			w.SetNumber("n", n)
			if err := w.Write(t.Context(), 2, attachedColumns(int64(n%100))); err != nil {
				t.Fatal(err)
			}
		}
		w.SetNumber("", 5) // none
		if err := w.Write(t.Context(), 2, attachedColumns(1)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r := ipc.NewReader(&wire, nil)
		for _, n := range numbers {
			b, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := append([]ipc.KeyValue{{Key: "n", Value: strconv.FormatUint(n, 10)}}, entries...)
			if got := b.Metadata(); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			b.Release()
		}
		b, err := r.Next(t.Context())
		if err != nil || !slices.Equal(b.Metadata(), entries) {
			t.Errorf("without a number: %q, %v, want %q", b.Metadata(), err, entries)
		}
		b.Release()
	}
}

// TestNumberAllocs numbers batches without an allocation.
func TestNumberAllocs(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	w := ipc.NewWriter(io.Discard, attachedSchema, nil)
	columns, n := attachedColumns(1), uint64(0)
	if got := testing.AllocsPerRun(100, func() {
		n++
		w.SetNumber("n", n)
		if err := w.Write(context.Background(), 2, columns); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations for a batch", got)
	}
}

// TestAttachedFrames makes frames of a protocol without a connection, with entries on their messages, and reads them back.
func TestAttachedFrames(t *testing.T) {
	members := []ipc.Member{{Name: "text", Kind: frame.Opaque}, {Name: "table", Kind: frame.Table, Schema: attachedSchema}}
	ends := make([]*ipc.ProtocolFramer, 2)
	for i := range ends {
		var err error
		if ends[i], err = ipc.NewProtocolFramer(members, nil); err != nil {
			t.Fatal(err)
		}
	}
	from, to := ends[0], ends[1]
	schema := []ipc.KeyValue{{Key: "made by", Value: "the test"}}
	from.SetAttached(1, ipc.Attached{Schema: schema})
	from.SetMetadata(0, batchEntries[1]) // of no table
	from.SetMetadata(7, batchEntries[1]) // of nothing
	for i, entries := range batchEntries {
		given := slices.Clone(entries)
		from.SetMetadata(1, given)
		clear(given) // the framer has its own
		buf, err := from.AppendBatch(nil, 1, 2, attachedColumns(int64(i)))
		if err != nil {
			t.Fatal(err)
		}
		f, n, err := to.Decode(buf)
		if err != nil || n != len(buf) {
			t.Fatal(n, err)
		}
		if got := f.Batch.Metadata(); !slices.Equal(got, entries) {
			t.Errorf("batch %d: %q, want %q", i, got, entries)
		}
		f.Batch.Release()
		if got := to.Attached(1).Schema; !slices.Equal(got, schema) {
			t.Errorf("to the schema: %q, want %q", got, schema)
		}
	}
	for _, tag := range []byte{0, 7} {
		if got := to.Attached(tag); got.Schema != nil || got.Dictionaries != nil {
			t.Errorf("to tag %d: %+v", tag, got)
		}
	}
}
