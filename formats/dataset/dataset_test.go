package dataset_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/apache/arrow-go/v18/arrow/endian"
	"go.uber.org/goleak"

	_ "github.com/lightstream-go/lightstream/compress/gzip"
	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/dataset"
	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var ctx = context.Background()

var fields = []ipc.Field{
	{Name: "n", Type: ipc.Int64},
	{Name: "s", Type: ipc.Utf8, Nullable: true},
	{Name: "day", Type: ipc.Utf8, Nullable: true},
	{Name: "k", Type: ipc.Int64, Nullable: true},
}

var days = []string{"2026-11-22", "", "a/b=c %25 ü", "2026-11-23", "__HIVE_DEFAULT_PARTITION__", "."}

// rows returns rows of the fields from one on. Every seventh day and every fifth k is null.
func rows(from, n int) []column.Data {
	valid := func(null func(i int) bool) (b []byte, nulls int) {
		b = make([]byte, (n+7)/8)
		for i := range n {
			if null(from + i) {
				nulls++
			} else {
				b[i>>3] |= 1 << (i & 7)
			}
		}
		return b, nulls
	}
	texts := func(of func(i int) string) [3][]byte {
		offsets, text := make([]byte, 4), []byte(nil)
		for i := range n {
			text = append(text, of(from+i)...)
			offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(text)))
		}
		return [3][]byte{nil, offsets, text}
	}
	numbers := func(of func(i int) int) (b []byte) {
		for i := range n {
			b = binary.LittleEndian.AppendUint64(b, uint64(of(from+i)))
		}
		return b
	}
	d := []column.Data{
		{Len: n, Buffers: [3][]byte{nil, numbers(func(i int) int { return i })}},
		{Len: n, Buffers: texts(func(i int) string { return fmt.Sprint("text ", i) })},
		{Len: n, Buffers: texts(func(i int) string { return days[i%len(days)] })},
		{Len: n, Buffers: [3][]byte{nil, numbers(func(i int) int { return i % 3 })}},
	}
	d[2].Buffers[0], d[2].Nulls = valid(func(i int) bool { return i%7 == 0 })
	d[3].Buffers[0], d[3].Nulls = valid(func(i int) bool { return i%5 == 0 })
	return d
}

// text returns the rows of a source as text, by the names of its columns.
func text(t testing.TB, src ipc.Source) (list []string) {
	t.Helper()
	s, err := src.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var printers []*value.Printer
	for i := range s.Fields {
		printers = append(printers, value.PrinterOf(&s.Fields[i]))
	}
	for {
		b, err := src.Next(ctx)
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		check := ipc.NewChecker(s)
		for k := range printers {
			if err := check.Column(k, b.Column(k), ipc.UTF8); err != nil {
				t.Fatal(err)
			}
		}
		for i := range b.Len() {
			var row []string
			for k, p := range printers {
				row = append(row, s.Fields[k].Name+"="+string(p.AppendJSON(nil, b.Column(k), i)))
			}
			slices.Sort(row)
			list = append(list, strings.Join(row, " "))
		}
		b.Release()
	}
}

func write(t testing.TB, dir string, from, n int, opts *dataset.WriterOptions) []string {
	t.Helper()
	w, err := dataset.Create(dir, &ipc.Schema{Fields: fields}, opts)
	if err != nil {
		t.Fatal(err)
	}
	const batch = 100
	for at := from; at < from+n; at += batch {
		if err := w.Write(ctx, min(batch, from+n-at), rows(at, min(batch, from+n-at))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil || w.Stats().Rows != int64(n) {
		t.Fatal(err, w.Stats())
	}
	return w.Files()
}

func open(t testing.TB, dir string, opts *dataset.Options) *dataset.Reader {
	t.Helper()
	r, err := dataset.Open(ctx, os.DirFS(dir), ".", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func extensions() []string {
	list := []string{".arrow", ".arrows", ".arrows.zst", ".csv", ".csv.gz", ".ndjson", ".ndjson.lz4", ".json", ".json.gz", ".csv.zst"}
	if !endian.IsBigEndian {
		list = append(list, ".parquet")
	}
	return list
}

// TestRoundTrip writes and reads a dataset in each format, with partitions of all kinds of values.
func TestRoundTrip(t *testing.T) {
	defer goleak.VerifyNone(t)
	whole := &ipc.Schema{Fields: fields}
	want := text(t, &once{schema: whole, columns: rows(0, 300)})
	slices.Sort(want)
	for _, ext := range extensions() {
		dir := t.TempDir()
		files := write(t, dir, 0, 300, &dataset.WriterOptions{Extension: ext, Partition: []string{"day", "k"}, MaxOpen: 20, BatchRows: 8})
		if len(files) < 12 {
			t.Errorf("%s: %d files", ext, len(files))
		}
		for _, opts := range []dataset.Options{
			{Types: []ipc.Field{fields[2]}},
			{Schema: whole, Parallel: 3},
			{Schema: whole, Parallel: 4, Unordered: true},
		} {
			r := open(t, dir, &opts)
			if len(r.Files()) != len(files) {
				t.Errorf("%s: %d files, want %d", ext, len(r.Files()), len(files))
			}
			have := text(t, r)
			slices.Sort(have)
			if !slices.Equal(have, want) {
				i := 0
				for i < min(len(have), len(want)) && have[i] == want[i] {
					i++
				}
				t.Fatalf("%s, %+v: %d rows, want %d, from %d on\n%q\n%q", ext, opts, len(have), len(want), i, have[min(i, len(have)-1)], want[min(i, len(want)-1)])
			}
		}
		// Without partitions the order is that of the rows.
		dir = t.TempDir()
		write(t, dir, 0, 1000, &dataset.WriterOptions{Extension: ext, MaxRows: 170})
		r := open(t, dir, &dataset.Options{Schema: &ipc.Schema{Fields: fields[:1]}, Parallel: 3})
		if n := len(r.Files()); n != 6 {
			t.Errorf("%s: %d files of 170 rows", ext, n)
		}
		for i, row := range text(t, r) {
			if row != fmt.Sprintf("n=%d", i) {
				t.Fatalf("%s: row %d is %s", ext, i, row)
			}
		}
	}
}

// once is a source of one batch.
type once struct {
	schema  *ipc.Schema
	columns []column.Data
}

func (o *once) Schema(context.Context) (*ipc.Schema, error) { return o.schema, nil }

func (o *once) Close() error { return nil }

func (o *once) Next(context.Context) (ipc.Batch, error) {
	if o.columns == nil {
		return ipc.Batch{}, io.EOF
	}
	b := ipc.NewBatch(o.columns[0].Len, o.columns, nil)
	o.columns = nil
	return b, nil
}

// TestRestart goes on behind the files that are there, and does not see what a writer left that was killed.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	opts := &dataset.WriterOptions{Extension: ".csv", MaxBytes: 1000}
	first := write(t, dir, 0, 300, opts)
	if err := os.WriteFile(filepath.Join(dir, ".part-00c0ffee.csv.tmp"), []byte("n,s\n1"), 0o666); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(first[0])
	if err != nil {
		t.Fatal(err)
	}
	second := write(t, dir, 300, 300, opts)
	if len(first) < 2 || len(second) < 2 || second[0] <= first[len(first)-1] {
		t.Errorf("%v, then %v", first, second)
	}
	if again, err := os.ReadFile(first[0]); err != nil || string(again) != string(kept) {
		t.Errorf("a file has changed: %v", err)
	}
	if n := len(text(t, open(t, dir, nil))); n != 600 {
		t.Errorf("%d rows", n)
	}
	// A writer that gives up leaves what is complete alone.
	w, err := dataset.Create(dir, &ipc.Schema{Fields: fields}, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(ctx, 5, rows(0, 5)); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if err := w.Close(); !errors.Is(err, ipc.ErrAborted) {
		t.Error(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(names) != len(first)+len(second) {
		t.Error(names, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".part*")); len(left) != 1 {
		t.Errorf("%v are left", left)
	}
	// Nothing at all is a file with the schema.
	empty := filepath.Join(t.TempDir(), "new")
	if files := write(t, empty, 0, 0, opts); len(files) != 1 {
		t.Errorf("%v", files)
	}
}

// TestDiffer fits files whose schemas differ where that loses nothing, and names the file elsewhere.
func TestDiffer(t *testing.T) {
	defer goleak.VerifyNone(t)
	files := func(list ...string) fstest.MapFS {
		m := fstest.MapFS{}
		for i, text := range list {
			m[fmt.Sprintf("d/%d.ndjson", i)] = &fstest.MapFile{Data: []byte(text)}
		}
		return m
	}
	read := func(fsys fs.FS, opts *dataset.Options) ([]string, error) {
		r, err := dataset.Open(ctx, fsys, "d/*.ndjson", opts)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		for {
			b, err := r.Next(ctx)
			if err == io.EOF {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			b.Release()
		}
	}
	if _, err := read(files(`{"a":1,"b":"x"}`, `{"b":"y","a":2}`), nil); err != nil {
		t.Error(err)
	}
	if _, err := read(files(`{"a":1}`, `{"a":"y"}`), nil); err == nil || !strings.Contains(err.Error(), "d/1.ndjson") {
		t.Errorf("%v", err)
	}
	if _, err := read(files(`{"a":1}`, `{"a":1,"b":2}`), nil); err == nil || !strings.Contains(err.Error(), "d/1.ndjson") {
		t.Errorf("%v", err)
	}
	for name, fsys := range map[string]fs.FS{
		"no file":       fstest.MapFS{"d/.x.csv": {}, "d/_y.csv": {}},
		"partitions":    fstest.MapFS{"d/a=1/x.csv": {Data: []byte("n\n1\n")}, "d/x.csv": {Data: []byte("n\n1\n")}},
		`partition "b"`: fstest.MapFS{"d/a=1/x.csv": {Data: []byte("n\n1\n")}, "d/b=1/x.csv": {Data: []byte("n\n1\n")}},
		"column \"a\"":  fstest.MapFS{"d/a=1/x.csv": {Data: []byte("a\n1\n")}},
		"escape":        fstest.MapFS{"d/a=%zz/x.csv": {Data: []byte("n\n1\n")}},
		"which format":  fstest.MapFS{"d/x.foo": {}},
	} {
		if _, err := dataset.Open(ctx, fsys, "d", nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
	if _, err := dataset.Open(ctx, fstest.MapFS{}, "x/*.csv", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestConcat puts sources together.
func TestConcat(t *testing.T) {
	of := func(f ipc.Field, width int, b ...byte) dataset.Source {
		return &once{&ipc.Schema{Fields: []ipc.Field{f}}, []column.Data{{Len: len(b) / width, Buffers: [3][]byte{1: b}}}}
	}
	wide := ipc.Field{Name: "v", Type: ipc.Int32, Nullable: true}
	c, err := dataset.Concat(ctx, []dataset.Source{
		of(wide, 4, 7, 0, 0, 0), of(ipc.Field{Name: "v", Type: ipc.Int8}, 1, 0xff, 5), of(ipc.Field{Name: "v", Type: ipc.Uint16}, 2, 0xff, 0xff),
	}, dataset.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if have := text(t, c); !slices.Equal(have, []string{"v=7", "v=-1", "v=5", "v=65535"}) {
		t.Error(have)
	}
	for _, f := range []ipc.Field{{Name: "v", Type: ipc.Int64}, {Name: "v", Type: ipc.Uint32}, {Name: "w", Type: ipc.Int32}, {Name: "v", Type: ipc.Utf8}} {
		if _, err := dataset.Concat(ctx, []dataset.Source{of(wide, 4), of(f, 8)}, dataset.FitOptions{}); !errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), "source 2 of 2") {
			t.Errorf("%v: %v", &f, err)
		}
	}
}

// TestClose ends a reader early, with all that reads ahead.
func TestClose(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	write(t, dir, 0, 2000, &dataset.WriterOptions{Extension: ".arrows", MaxRows: 100})
	for _, unordered := range []bool{false, true} {
		r := open(t, dir, &dataset.Options{Parallel: 4, Unordered: unordered})
		if _, err := r.Next(ctx); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.Next(ctx); err == nil || err == io.EOF {
			t.Error(err)
		}
	}
}

// TestTextColumns has files of CSV whose columns are not those of the first, which would be lost or null without a word.
func TestTextColumns(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	files := fstest.MapFS{"more/1.csv": file("a\n1\n"), "more/2.csv": file("b,a\nx,2\n"), "less/1.csv": file("a,b\n1,x\n"), "less/2.csv": file("a\n2\n")}
	read := func(dir string, opts *dataset.Options) (rows int, err error) {
		r, err := dataset.Open(ctx, files, dir, opts)
		if err != nil {
			return 0, err
		}
		defer r.Close()
		for {
			b, err := r.Next(ctx)
			if err == io.EOF {
				return rows, nil
			}
			if err != nil {
				return rows, err
			}
			rows += b.Len()
			b.Release()
		}
	}
	for _, dir := range []string{"more", "less"} {
		var e *dataset.FitError
		_, err := read(dir, nil)
		if !errors.As(err, &e) || !strings.Contains(err.Error(), dir+"/2.csv: column \"b\"") || (dir == "more") != (e.Want == nil) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if n, err := read("less", &dataset.Options{Missing: true}); n != 2 || err != nil {
		t.Error(n, err)
	}
	some := &dataset.Options{Schema: &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int64, Nullable: true}}}}
	if n, err := read("more", some); n != 2 || err != nil {
		t.Error(n, err)
	}
}

// TestPartitionTwice names a column twice, which would make folders below folders that say the same.
func TestPartitionTwice(t *testing.T) {
	_, err := dataset.Create(t.TempDir(), &ipc.Schema{Fields: fields}, &dataset.WriterOptions{Extension: ".arrows", Partition: []string{"day", "day"}})
	if err == nil || !strings.Contains(err.Error(), `"day" is named twice`) {
		t.Error(err)
	}
}

// TestInvalidFolder writes a partition that no folder can be named after: text that is not valid UTF-8.
func TestInvalidFolder(t *testing.T) {
	dir := t.TempDir()
	w, err := dataset.Create(dir, &ipc.Schema{Fields: fields}, &dataset.WriterOptions{Extension: ".arrows", Partition: []string{"day"}})
	if err != nil {
		t.Fatal(err)
	}
	columns := rows(1, 4)
	columns[2].Buffers[2][0] = 0xff
	var bad *column.ValueError
	if err := w.Write(ctx, 4, columns); !errors.As(err, &bad) || !errors.Is(err, column.ErrUTF8) || bad.Column != "day" {
		t.Errorf("%v, want an error of the column", err)
	}
	w.Abort()
}

// TestTypes gives columns of folders and of text their types, and refuses to give files others than they have.
func TestTypes(t *testing.T) {
	defer goleak.VerifyNone(t)
	day, n := ipc.Field{Name: "day", Type: ipc.Utf8, Nullable: true}, ipc.Field{Name: "n", Type: ipc.Float64, Nullable: true}
	for _, ext := range extensions() {
		dir := t.TempDir()
		write(t, dir, 0, 30, &dataset.WriterOptions{Extension: ext, Partition: []string{"day"}})
		typeOf := func(types ...ipc.Field) (map[string]string, error) {
			r, err := dataset.Open(ctx, os.DirFS(dir), ".", &dataset.Options{Types: types})
			if err != nil {
				return nil, err
			}
			defer r.Close()
			s, _ := r.Schema(ctx)
			have := map[string]string{}
			for i := range s.Fields {
				have[s.Fields[i].Name] = s.Fields[i].TypeString()
			}
			rows, err := r.Next(ctx)
			rows.Release()
			return have, err
		}
		have, err := typeOf(day)
		if err != nil || have["day"] != "utf8" || have["n"] != "int64" {
			t.Errorf("%s: %v, %v", ext, have, err)
		}
		have, err = typeOf(day, n)
		if strings.HasPrefix(ext, ".csv") || strings.HasPrefix(ext, ".ndjson") || strings.HasPrefix(ext, ".json") {
			if err != nil || have["day"] != "utf8" || have["n"] != "float64" {
				t.Errorf("%s: %v, %v", ext, have, err)
			}
		} else if !errors.Is(err, dataset.ErrOwnTypes) || !strings.Contains(err.Error(), `"n"`) {
			t.Errorf("%s: %v, want an error for column n", ext, err)
		}
	}
	if _, err := dataset.Open(ctx, os.DirFS(t.TempDir()), ".", &dataset.Options{Types: []ipc.Field{n}, Schema: &ipc.Schema{Fields: []ipc.Field{n}}}); err == nil || !strings.Contains(err.Error(), "Options.Types") {
		t.Error(err)
	}
}

// TestTabs writes and reads .tsv with tabs, also compressed, and with what options say instead.
func TestTabs(t *testing.T) {
	defer goleak.VerifyNone(t)
	want := text(t, &once{schema: &ipc.Schema{Fields: fields}, columns: rows(0, 30)})
	for _, ext := range []string{".tsv", ".TSV.gz"} {
		for _, comma := range []byte{0, ';'} {
			dir := t.TempDir()
			files := write(t, dir, 0, 30, &dataset.WriterOptions{Extension: ext, CSV: &csv.WriterOptions{Comma: comma}})
			if b, err := os.ReadFile(files[0]); err != nil || comma == 0 && ext == ".tsv" && !bytes.Contains(b, []byte("n\t")) {
				t.Fatalf("%q, %v", b, err)
			}
			o := &dataset.Options{Schema: &ipc.Schema{Fields: fields}}
			o.Files.CSV = &csv.Options{Comma: comma}
			if have := text(t, open(t, dir, o)); !slices.Equal(have, want) {
				t.Errorf("%s, %q: %q, want %q", ext, comma, have, want)
			}
		}
	}
}

// TestNames wants errors that name what is wrong and what would do.
func TestNames(t *testing.T) {
	s := &ipc.Schema{Fields: fields[:1]}
	for ext, want := range map[string]string{
		"csv.gz":      `Extension is "csv.gz", want one that begins with a dot, such as ".csv.gz"`,
		".xlsx":       `files cannot be ".xlsx"; there are .arrow, .arrow_file, .arrows, .csv, `,
		".parquet.gz": `files cannot be ".parquet.gz": those of format parquet are read from their end`,
	} {
		if _, err := dataset.Create(t.TempDir(), s, &dataset.WriterOptions{Extension: ext}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", ext, err, want)
		}
	}
	dir := filepath.Join(t.TempDir(), "absent")
	if _, err := dataset.OpenDir(ctx, dir, nil); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "lightstream: "+filepath.ToSlash(dir)+": ") {
		t.Error(err)
	}
	if _, err := dataset.Open(ctx, os.DirFS(dir), ".", nil); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "lightstream: the directory of the file system: ") {
		t.Error(err)
	}
	if _, err := dataset.Open(ctx, os.DirFS(t.TempDir()), "*.csv", nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "*.csv: no file matches") {
		t.Error(err)
	}
}
