package arrowgo_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"

	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const testData = "../../internal/testdata"

// goldenStreams are the golden streams of the Arrow project, and those of other implementations.
func goldenStreams(t *testing.T) []string {
	t.Helper()
	golden, err := filepath.Glob(testData + "/arrow-testing/data/arrow-ipc-stream/integration/*/*.stream")
	ok(t, err)
	peers, err := filepath.Glob(testData + "/peers/*/*.arrows")
	ok(t, err)
	if len(golden) < 40 || len(peers) < 20 {
		t.Fatalf("%d golden streams and %d of peers", len(golden), len(peers))
	}
	return append(golden, peers...)
}

// content reads a stream to its end. Its batches are never released.
func content(t *testing.T, text []byte) (c *arrowjson.Content, batches []ipc.Batch) {
	t.Helper()
	r := ipc.NewReader(bytes.NewReader(text), nil)
	s, err := r.Schema(ctx)
	ok(t, err)
	c = &arrowjson.Content{Schema: s}
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			return c, batches
		}
		ok(t, err)
		batches = append(batches, b)
		c.Batches = append(c.Batches, arrowjson.Batch{Rows: b.Len(), Columns: ipc.Columns(b)})
	}
}

// TestGoldenRecords makes records of the batches of every golden stream, which must be those that arrow-go reads itself, and writes
// these records, whole and in slices, which must read as the stream does. Of records of ours no column is copied.
func TestGoldenRecords(t *testing.T) {
	for _, name := range goldenStreams(t) {
		short := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
		t.Run(filepath.Base(filepath.Dir(name))+"/"+short, func(t *testing.T) {
			text, err := os.ReadFile(name)
			ok(t, err)
			want, batches := content(t, text)
			if jsonName := strings.TrimSuffix(name, ".stream") + ".json.gz"; jsonName != name+".json.gz" {
				if d := arrowjson.Diff(want, readJSON(t, jsonName)); d != "" {
					t.Fatal(d)
				}
			}
			e, err := arrowgo.NewExporter(want.Schema)
			ok(t, err)
			again, err := arrowgo.FromSchema(e.Schema())
			ok(t, err)
			var records []arrow.RecordBatch
			for _, b := range batches {
				rec, err := e.RecordBatch(b)
				ok(t, err)
				defer rec.Release()
				records = append(records, rec)
			}
			r, err := aipc.NewReader(bytes.NewReader(text))
			ok(t, err)
			defer r.Release()
			sameRecords(t, "the stream", readerRecords(t, r), records)
			rewritten(t, want, records)

			var buf bytes.Buffer
			out := ipc.NewWriter(&buf, again, nil)
			w := arrowgo.NewWriter(out)
			for _, rec := range records {
				ok(t, w.Write(ctx, rec))
			}
			ok(t, out.Close())
			got, _ := content(t, buf.Bytes())
			if d := arrowjson.Diff(got, want); d != "" {
				t.Errorf("the records written: %s", d)
			}
			slicesOf(t, again, records)
		})
	}
}

func readJSON(t *testing.T, name string) *arrowjson.Content {
	t.Helper()
	f, err := os.Open(name)
	ok(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	ok(t, err)
	c, err := arrowjson.Read(z)
	ok(t, err)
	return c
}

// readerRecords reads a stream with arrow-go. Its records are never released.
func readerRecords(t *testing.T, r *aipc.Reader) (list []arrow.RecordBatch) {
	t.Helper()
	for r.Next() {
		rec := r.RecordBatch()
		rec.Retain()
		list = append(list, rec)
	}
	if r.Err() != nil {
		t.Errorf("arrow-go reads %d records: %v", len(list), r.Err())
	}
	return list
}

// rewritten wants arrow-go to read the same records of what is written of a stream, as a stream and as a file.
func rewritten(t *testing.T, c *arrowjson.Content, records []arrow.RecordBatch) {
	t.Helper()
	for _, how := range []ipc.Compression{ipc.Uncompressed, ipc.LZ4, ipc.ZSTD} {
		var stream, file bytes.Buffer
		w, f := ipc.NewWriter(&stream, c.Schema, &ipc.WriterOptions{Compression: how}), ipc.NewFileWriter(&file, c.Schema, &ipc.WriterOptions{Compression: how})
		replaced := false
		for _, b := range c.Batches {
			ok(t, w.Write(ctx, b.Rows, b.Columns))
			if !replaced {
				if err := f.Write(ctx, b.Rows, b.Columns); errors.Is(err, ipc.ErrReplaced) {
					replaced = true // which a file cannot say
				} else {
					ok(t, err)
				}
			}
		}
		ok(t, w.Close())
		ok(t, f.Close())
		r, err := aipc.NewReader(bytes.NewReader(stream.Bytes()))
		ok(t, err)
		sameRecords(t, how.String()+" stream", readerRecords(t, r), records)
		r.Release()
		if replaced {
			continue
		}
		fr, err := aipc.NewFileReader(bytes.NewReader(file.Bytes()))
		ok(t, err)
		var list []arrow.RecordBatch
		for i := range fr.NumRecords() {
			rec, err := fr.RecordBatchAt(i)
			ok(t, err)
			list = append(list, rec)
		}
		sameRecords(t, how.String()+" file", list, records)
		ok(t, fr.Close())
	}
}

// sameRecords compares records that arrow-go has read with ours.
func sameRecords(t *testing.T, what string, theirs, ours []arrow.RecordBatch) {
	t.Helper()
	if len(theirs) != len(ours) {
		t.Fatalf("%s: arrow-go reads %d records, want %d", what, len(theirs), len(ours))
	}
	for n, rec := range theirs {
		for i := range int(rec.NumCols()) {
			a, b := ours[n].Column(i), rec.Column(i)
			if x, is := b.(array.ExtensionArray); is {
				b = x.Storage()
			}
			if !sameArray(a, b) {
				t.Errorf("%s: record %d, column %q is\n%v, arrow-go reads\n%v", what, n, rec.ColumnName(i), clip(a.String()), clip(b.String()))
			}
		}
	}
}

// sameArray tells whether two arrays have the same values. In a file a dictionary has those of all of its records.
func sameArray(a, b arrow.Array) bool {
	x, is := a.(*array.Dictionary)
	y, both := b.(*array.Dictionary)
	if !is || !both || a.Len() != b.Len() {
		return array.Equal(a, b)
	}
	for i := range a.Len() {
		if a.IsNull(i) != b.IsNull(i) || !a.IsNull(i) && x.ValueStr(i) != y.ValueStr(i) {
			return false
		}
	}
	return true
}

func clip(s string) string { return s[:min(len(s), 300)] }

// slicesOf writes two parts of each record, of which the second begins in the middle of a byte of a bitmap, and reads them back.
func slicesOf(t *testing.T, s *ipc.Schema, records []arrow.RecordBatch) {
	t.Helper()
	var buf bytes.Buffer
	out := ipc.NewWriter(&buf, s, nil)
	w := arrowgo.NewWriter(out)
	var parts []arrow.RecordBatch
	for _, rec := range records {
		cut := min(3, rec.NumRows())
		for _, part := range []arrow.RecordBatch{rec.NewSlice(0, cut), rec.NewSlice(cut, rec.NumRows())} {
			defer part.Release()
			parts = append(parts, part)
			ok(t, w.Write(ctx, part))
		}
	}
	ok(t, out.Close())
	r := ipc.NewReader(bytes.NewReader(buf.Bytes()), nil)
	e, err := arrowgo.NewExporter(s)
	ok(t, err)
	for n, part := range parts {
		b, err := r.Next(context.Background())
		ok(t, err)
		rec, err := e.RecordBatch(b)
		ok(t, err)
		for i := range int(part.NumCols()) {
			if a, b := rec.Column(i), part.Column(i); !array.Equal(a, b) {
				t.Errorf("part %d, column %q is\n%v, want\n%v", n, part.ColumnName(i), clip(a.String()), clip(b.String()))
			}
		}
		rec.Release()
	}
}

// What is attached to a batch goes to a record and back.
func TestRecordMetadata(t *testing.T) {
	var buf bytes.Buffer
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "n", Type: ipc.Null, Nullable: true}}}
	out := ipc.NewWriter(&buf, s, nil)
	want := []ipc.KeyValue{{Key: "at", Value: "7"}, {Key: "by", Value: ""}}
	out.SetMetadata(want)
	a, err := arrowgo.Schema(s)
	ok(t, err)
	ok(t, out.Write(ctx, 0, []column.Data{{}}))
	b, err := ipc.NewReader(&buf, nil).Next(ctx)
	ok(t, err)
	rec, err := arrowgo.RecordBatch(b, s)
	ok(t, err)
	if m := rec.(arrow.RecordBatchWithMetadata).Metadata(); !slices.Equal(m.Keys(), []string{"at", "by"}) || !rec.Schema().Equal(a) {
		t.Errorf("%v", m)
	}
	var again bytes.Buffer
	ok(t, arrowgo.NewWriter(ipc.NewWriter(&again, s, nil)).Write(ctx, rec))
	b, err = ipc.NewReader(&again, nil).Next(ctx)
	ok(t, err)
	if !slices.Equal(b.Metadata(), want) {
		t.Errorf("%v, want %v", b.Metadata(), want)
	}
}

// TestColumnDictionaries sends dictionaries of bools, nulls and structs, which have a dictionary below them, that stay and that are
// replaced, and makes records of them again.
func TestColumnDictionaries(t *testing.T) {
	index := of(t, p.Int8, "0", "2", "-", "1")
	words := func(list ...string) arrow.Array {
		d := &arrow.DictionaryType{IndexType: p.Int16, ValueType: arrow.BinaryTypes.String}
		return array.NewDictionaryArray(d, of(t, p.Int16, "1", "0", "1"), of(t, arrow.BinaryTypes.String, list...))
	}
	pairs := func(list ...string) arrow.Array {
		w := words(list...)
		s, err := array.NewStructArray([]arrow.Array{of(t, p.Int32, "7", "8", "-"), w}, []string{"n", "w"})
		ok(t, err)
		return s
	}
	column := func(values arrow.Array) arrow.Array {
		return array.NewDictionaryArray(&arrow.DictionaryType{IndexType: p.Int8, ValueType: values.DataType()}, index, values)
	}
	bools, nulls := column(of(t, arrow.FixedWidthTypes.Boolean, "true", "-", "false")), column(array.NewNull(3))
	record := func(structs arrow.Array) arrow.RecordBatch {
		columns := []arrow.Array{bools, nulls, column(structs)}
		var fields []arrow.Field
		for i, a := range columns {
			fields = append(fields, arrow.Field{Name: []string{"b", "n", "s"}[i], Type: a.DataType(), Nullable: true})
		}
		return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, -1)
	}
	first := record(pairs("x", "y"))
	records := []arrow.RecordBatch{first, first, record(pairs("z", "y")), first}

	var buf bytes.Buffer
	schema, err := arrowgo.FromSchema(first.Schema())
	ok(t, err)
	out := ipc.NewWriter(&buf, schema, nil)
	w := arrowgo.NewWriter(out)
	for _, rec := range records {
		ok(t, w.Write(ctx, rec))
	}
	ok(t, out.Close())
	r := ipc.NewReader(bytes.NewReader(buf.Bytes()), nil)
	s, err := r.Schema(ctx)
	ok(t, err)
	e, err := arrowgo.NewExporter(s)
	ok(t, err)
	for n, want := range records {
		b, err := r.Next(ctx)
		ok(t, err)
		rec, err := e.RecordBatch(b)
		ok(t, err)
		for i := range int(want.NumCols()) {
			if !array.Equal(rec.Column(i), want.Column(i)) {
				t.Errorf("record %d, column %q is\n%v, want\n%v", n, want.ColumnName(i), rec.Column(i), want.Column(i))
			}
		}
		rec.Release()
	}
	if _, err := r.Next(ctx); err != io.EOF {
		t.Error(err)
	}
	if n := r.Stats().Replaced; n != 4 { // those of s, and the one below it, twice
		t.Errorf("%d dictionaries were replaced", n)
	}
}
