package parquet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/endian"

	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/ipc"

	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
)

var ctx = context.Background()

// TestMain passes on hosts that arrow-go does not run on.
func TestMain(m *testing.M) {
	if endian.IsBigEndian {
		fmt.Println("arrow-go's columns are big-endian on this host")
		return
	}
	os.Exit(m.Run())
}

const testdata = "../../internal/testdata"

// arrowFiles returns the Arrow files and streams of other implementations.
func arrowFiles(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(testdata, func(name string, d fs.DirEntry, err error) error {
		switch filepath.Ext(name) {
		case ".arrow", ".arrows", ".arrow_file", ".stream":
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) < 100 {
		t.Fatal(len(names), "files", err)
	}
	return names
}

// table is what a source has, as text.
type table struct {
	schema *ipc.Schema
	rows   [][]string
}

// read reads all of a source.
func read(src ipc.Source) (*table, error) {
	s, err := src.Schema(ctx)
	if err != nil {
		return nil, err
	}
	tab := &table{schema: s}
	printers := make([]*value.Printer, len(s.Fields))
	for i := range printers {
		printers[i] = value.PrinterOf(&s.Fields[i])
	}
	for {
		b, err := src.Next(ctx)
		if err == io.EOF {
			return tab, nil
		}
		if err != nil {
			return nil, err
		}
		check := ipc.NewChecker(s)
		for i := range s.Fields {
			if err := check.Column(i, b.Column(i), ipc.UTF8); err != nil {
				return nil, err
			}
		}
		for i := range b.Len() {
			row := make([]string, len(printers))
			for k := range printers {
				row[k] = string(printers[k].AppendJSON(nil, b.Column(k), i))
			}
			tab.rows = append(tab.rows, row)
		}
		b.Release()
	}
}

// fileSource gives the batches of a file in order.
type fileSource struct {
	*ipc.FileReader
	at int
}

func (f *fileSource) Schema(context.Context) (*ipc.Schema, error) { return f.FileReader.Schema(), nil }

func (f *fileSource) Next(context.Context) (ipc.Batch, error) {
	if f.at == f.NumBatches() {
		return ipc.Batch{}, io.EOF
	}
	f.at++
	return f.Batch(f.at - 1)
}

// open opens an Arrow file or stream.
func open(b []byte) (ipc.Source, error) {
	if bytes.HasPrefix(b, []byte("ARROW1")) {
		r, err := ipc.NewFileReader(bytes.NewReader(b), int64(len(b)), &ipc.ReaderOptions{Validate: ipc.UTF8})
		return &fileSource{FileReader: r}, err
	}
	return ipc.NewReader(bytes.NewReader(b), &ipc.ReaderOptions{AllowMissingEnd: true, Validate: ipc.UTF8}), nil
}

// store writes all of a source as a Parquet file.
func store(src ipc.Source, opts *parquet.WriterOptions) ([]byte, error) {
	s, err := src.Schema(ctx)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w, err := parquet.NewWriter(&buf, s, opts)
	if err != nil {
		return nil, err
	}
	for {
		b, err := src.Next(ctx)
		if err == io.EOF {
			err := w.Close()
			return buf.Bytes(), err
		}
		if err != nil {
			return nil, err
		}
		if err := w.Write(ctx, b.Len(), ipc.Columns(b)); err != nil {
			return nil, err
		}
		b.Release()
	}
}

func load(b []byte, opts *parquet.ReaderOptions) (*table, error) {
	r, err := parquet.NewReader(bytes.NewReader(b), int64(len(b)), opts)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return read(r)
}

// TestFiles takes every file of other implementations to Parquet and back: types, nulls and values are what they were, or the file is
// refused by name.
func TestFiles(t *testing.T) {
	refused := 0
	for _, name := range arrowFiles(t) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		src, err := open(b)
		if err != nil {
			continue
		}
		want, err := read(src)
		if err != nil {
			continue // hostile ones
		}
		t.Run(strings.TrimPrefix(filepath.ToSlash(name), testdata+"/"), func(t *testing.T) {
			again, err := open(b)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := store(again, &parquet.WriterOptions{RowGroupRows: 700, Compression: parquet.ZSTD})
			if errors.Is(err, ipc.ErrUnsupported) {
				t.Log(err)
				refused++
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			have, err := load(stored, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want.schema.Fields {
				asRead(&want.schema.Fields[i])
			}
			if h, w := have.schema.String(), want.schema.String(); h != w {
				t.Errorf("schema\n%s\nwant\n%s", h, w)
			}
			sameRows(t, have, want, nil)
		})
	}
	if refused != 0 {
		t.Error(refused, "files are refused")
	}
}

// asRead makes a field what it is after Parquet: a dictionary of nested values or bools is one no longer.
func asRead(f *ipc.Field) {
	if k := f.Type.Kind; f.Dictionary != nil && (len(f.Children) != 0 || k == ipc.KindBool || k == ipc.KindNull) {
		f.Dictionary = nil
	}
	for i := range f.Children {
		asRead(&f.Children[i])
	}
}

// sameRows compares values, but for those of the columns that differ.
func sameRows(t *testing.T, have, want *table, differ []string) {
	t.Helper()
	if len(have.rows) != len(want.rows) || len(have.schema.Fields) != len(want.schema.Fields) {
		t.Fatalf("%d rows of %d columns, want %d of %d", len(have.rows), len(have.schema.Fields), len(want.rows), len(want.schema.Fields))
	}
	for k := range want.schema.Fields {
		name := want.schema.Fields[k].Name
		if slices.Contains(differ, name) {
			continue
		}
		for i := range want.rows {
			if have.rows[i][k] != want.rows[i][k] {
				t.Errorf("column %q, row %d: %s, want %s", name, i, have.rows[i][k], want.rows[i][k])
				break
			}
		}
	}
}
