package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/endian"

	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/dataset"
	values "github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// table is one in memory: its batches, and its rows as JSON.
type table struct {
	schema  *ipc.Schema
	batches []ipc.Batch
	rows    []string
}

// gather reads a table until its end.
func gather(s *ipc.Schema, next func() (ipc.Batch, error)) (*table, error) {
	t := &table{schema: s}
	var printers []*value.Printer
	for i := range s.Fields {
		printers = append(printers, value.PrinterOf(&s.Fields[i]))
	}
	for {
		b, err := next()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		check := ipc.NewChecker(s)
		for k := range printers {
			if err := check.Column(k, b.Column(k), ipc.UTF8); err != nil {
				return nil, err
			}
		}
		t.batches = append(t.batches, b)
		var row []byte
		for i := range b.Len() {
			row = row[:0]
			for k, p := range printers {
				row = append(p.AppendJSON(row, b.Column(k), i), ' ')
			}
			t.rows = append(t.rows, string(row))
		}
	}
}

// through carries a table through a format: it is written and read again, text with the schema that it had.
func (t *table) through(dir, format string) (*table, error) {
	if format == "tlv" {
		return t.throughTLV()
	}
	w, err := dataset.Create(dir, t.schema, &dataset.WriterOptions{Extension: format, CSV: &csv.WriterOptions{Null: `\N`}})
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	for _, b := range t.batches {
		if err := w.Write(ctx, b.Len(), ipc.Columns(b)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	opts := &dataset.Options{Files: dataset.FileOptions{CSV: &csv.Options{Nulls: []string{`\N`}, ByPosition: true}}}
	if format == ".csv" || format == ".ndjson" || format == ".json" {
		opts.Schema = t.schema
	}
	r, err := dataset.Open(ctx, os.DirFS(dir), ".", opts)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s, err := r.Schema(ctx)
	if err != nil {
		return nil, err
	}
	return gather(s, func() (ipc.Batch, error) { return r.Next(ctx) })
}

// throughTLV carries a table in frames, each of which has a part of a stream.
func (t *table) throughTLV() (*table, error) {
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, t.schema, nil)
	for _, b := range t.batches {
		if err := w.Write(ctx, b.Len(), ipc.Columns(b)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	var frames []byte
	for stream.Len() > 0 {
		var err error
		if frames, err = (frame.TLV{}).AppendFrame(frames, frame.TLVFrame{Type: 7, Value: stream.Next(1000)}); err != nil {
			return nil, err
		}
	}
	var back bytes.Buffer
	for f, err := range frame.NewStream(bytes.NewReader(frames), frame.TLV{}, nil).All() {
		if err != nil {
			return nil, err
		}
		back.Write(f.Value)
	}
	r := ipc.NewReader(&back, nil)
	s, err := r.Schema(ctx)
	if err != nil {
		return nil, err
	}
	return gather(s, func() (ipc.Batch, error) { return r.Next(ctx) })
}

// types lists the columns of a schema.
func types(s *ipc.Schema) (list []string) {
	for i := range s.Fields {
		f := &s.Fields[i]
		list = append(list, fmt.Sprintf("%s %s %v", f.Name, f.TypeString(), f.Nullable))
	}
	return list
}

// inParquet are the types of a table with dictionaries of nested types behind Parquet.
var inParquet = []string{
	"list_dict list<str_dict: dictionary<int8, utf8>> true",
	"struct_dict struct<str_dict_a: dictionary<int8, utf8>, str_dict_b: dictionary<int8, utf8>> true",
}

// said tells whether an error says what a format cannot carry of a table.
func said(name string, err error) bool {
	if errors.Is(err, values.ErrRange) { // the decimals of these have more digits than their types
		return strings.Contains(name, "generated_decimal")
	}
	if errors.Is(err, values.ErrTwice) { // an object of JSON has a key once
		return strings.Contains(name, "generated_duplicate_fieldnames") || strings.Contains(name, "generated_union")
	}
	return errors.Is(err, errors.ErrUnsupported)
}

// TestPairs carries the Arrow project's tables, of all types and with nulls, from each format to each other: values, nulls and types are
// what they were, or it is an error that says what the format cannot carry.
func TestPairs(t *testing.T) {
	formats := []string{".arrow", ".arrows", "tlv", ".csv", ".ndjson", ".json"}
	if !endian.IsBigEndian {
		formats = append(formats, ".parquet")
	}
	names, err := filepath.Glob("../../internal/testdata/arrow-testing/data/arrow-ipc-stream/integration/*/*.stream")
	if err != nil || len(names) < 30 {
		t.Fatal(len(names), err)
	}
	kept, refused := map[string]int{}, map[string]int{}
	for _, name := range names {
		if strings.Contains(name, "bigendian") {
			continue
		}
		base := filepath.Base(filepath.Dir(name)) + "/" + filepath.Base(name)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		src := ipc.NewReader(bytes.NewReader(b), nil)
		s, err := src.Schema(ctx)
		if err != nil {
			t.Fatal(err)
		}
		in, err := gather(s, func() (ipc.Batch, error) { return src.Next(context.Background()) })
		if err != nil {
			t.Fatal(base, err)
		}
		check := func(path string, got *table, err error) bool {
			t.Helper()
			switch {
			case err != nil && said(base, err):
				refused[path]++
				return false
			case err != nil:
				t.Errorf("%s, %s: %v", base, path, err)
				return false
			}
			want := types(s)
			if strings.Contains(base, "nested_dictionary") && strings.Contains(path, ".parquet") {
				want = inParquet // by the table of package parquet
			}
			if have := types(got.schema); !slices.Equal(have, want) {
				t.Errorf("%s, %s: columns %q, want %q", base, path, have, want)
				return false
			}
			if len(got.rows) != len(in.rows) {
				t.Errorf("%s, %s: %d rows, want %d", base, path, len(got.rows), len(in.rows))
				return false
			}
			for i, want := range in.rows {
				if got.rows[i] != want {
					t.Errorf("%s, %s: row %d is\n%.300s\nwant\n%.300s", base, path, i, got.rows[i], want)
					return false
				}
			}
			kept[path]++
			return true
		}
		for _, from := range formats {
			first, err := in.through(t.TempDir(), from)
			if !check(from, first, err) {
				continue
			}
			for _, to := range formats {
				second, err := first.through(t.TempDir(), to)
				check(from+" to "+to, second, err)
			}
		}
	}
	for _, from := range formats {
		for _, to := range formats {
			if path := from + " to " + to; kept[path] < 15 {
				t.Errorf("%s: %d tables kept, %d refused", path, kept[path], refused[path])
			}
		}
	}
	if kept[".arrow to .arrows"] < 30 || refused[".csv"] == 0 {
		t.Error(kept, refused)
	}
}
