package dataset_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/dataset"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
	values "github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestManyPartitions wants one file of each partition where rows jump between them, and more where they may not all be in memory or open.
func TestManyPartitions(t *testing.T) {
	one := len(write(t, t.TempDir(), 0, 600, &dataset.WriterOptions{Extension: ".csv", Partition: []string{"day", "k"}}))
	for name, opts := range map[string]dataset.WriterOptions{
		"waiting": {Extension: ".csv", Partition: []string{"day", "k"}, MaxWaiting: 1000},
		"open":    {Extension: ".csv", Partition: []string{"day", "k"}, MaxOpen: 2},
	} {
		dir := t.TempDir()
		files := write(t, dir, 0, 600, &opts)
		if len(files) <= one {
			t.Errorf("%s: %d files, not more than %d", name, len(files), one)
		}
		if n := len(text(t, open(t, dir, nil))); n != 600 {
			t.Errorf("%s: %d rows", name, n)
		}
	}
}

// TestHidden opens directories and globs whose files have names that are passed over, and those that are named.
func TestHidden(t *testing.T) {
	fsys := fstest.MapFS{}
	for _, name := range []string{
		"d/1.csv", "d/.a.csv", "d/_b.csv", "d/_log/1.csv", "d/.git/1.csv", "d/e/2.csv", "d/e/_3.csv", "_top/5.csv", "_top/_6.csv", ".hid/7.csv",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte("n\n1\n")}
	}
	for glob, want := range map[string][]string{
		".":           {"d/1.csv", "d/e/2.csv"},
		"d":           {"d/1.csv", "d/e/2.csv"},
		"d/*.csv":     {"d/1.csv"},
		"d/*":         {"d/1.csv", "d/e/2.csv"},
		"*/*.csv":     {"d/1.csv"},
		"d/?a.csv":    nil,
		"d/[._]*.csv": nil,
		"d/.*.csv":    {"d/.a.csv"},
		"d/_*.csv":    {"d/_b.csv"},
		"d/_*":        {"d/_b.csv", "d/_log/1.csv"},
		"d/*/_*.csv":  {"d/e/_3.csv"},
		"_top":        {"_top/5.csv"},
		"_top/*.csv":  {"_top/5.csv"},
		"_*/_*.csv":   {"_top/_6.csv"},
		".hid/*":      {".hid/7.csv"},
		"d/_b.csv":    {"d/_b.csv"},
	} {
		var have []string
		r, err := dataset.Open(ctx, fsys, glob, nil)
		switch {
		case err == nil:
			have = r.Files()
			r.Close()
		case !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "whose names begin with a dot or an underscore"):
			t.Errorf("%s: %v", glob, err)
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s has %q, want %q", glob, have, want)
		}
		for _, name := range want { // which Hidden says too
			if dataset.Hidden(glob, name) && name != glob {
				t.Errorf("%s in %s is hidden, and read", name, glob)
			}
		}
	}
	for _, c := range []struct {
		glob, name string
		want       bool
	}{
		{"", "a/b.csv", false},
		{".", "a/_b.csv", true},
		{"", ".a/b.csv", true},
		{"*", "_a", true},
		{"_*", "_a/b", false},
		{"_*", "_a/_b", true},
		{".*", "_a", true},
		{"", "_id=7/x.csv", false},
		{"", ".id=7/x.csv", true},
	} {
		if have := dataset.Hidden(c.glob, c.name); have != c.want {
			t.Errorf("Hidden(%q, %q) is %v", c.glob, c.name, have)
		}
	}
}

// TestHiddenPartition writes folders of columns whose names begin with an underscore and a dot, and reads them as others write them.
func TestHiddenPartition(t *testing.T) {
	for _, name := range []string{"_id", ".id", "_", "__x=%"} {
		s := &ipc.Schema{Fields: []ipc.Field{{Name: name, Type: ipc.Int64}, fields[0]}}
		dir := t.TempDir()
		w, err := dataset.Create(dir, s, &dataset.WriterOptions{Extension: ".csv", Partition: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		seven := column.Data{Len: 1, Buffers: [3][]byte{nil, binary.LittleEndian.AppendUint64(nil, 7)}}
		if err := errors.Join(w.Write(ctx, 1, []column.Data{seven, rows(3, 1)[0]}), w.Close()); err != nil {
			t.Fatal(err)
		}
		if folder := filepath.Base(filepath.Dir(w.Files()[0])); strings.ContainsAny(folder[:1], "._") {
			t.Errorf("%s makes the folder %s, which readers pass over", name, folder)
		}
		if have := text(t, open(t, dir, nil)); len(have) != 1 || !strings.Contains(have[0], name+"=7") {
			t.Errorf("%s is read as %q", name, have)
		}
	}
	r, err := dataset.Open(ctx, fstest.MapFS{"_id=7/1.csv": {Data: []byte("n\n1\n")}}, ".", nil) // of Spark
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if have := text(t, r); len(have) != 1 || have[0] != "_id=7 n=1" {
		t.Errorf("%q", have)
	}
}

// TestPassed reads files with columns that the schema lacks, of which OnPassed is told, and NDJSON with a key that it lacks, which is refused.
func TestPassed(t *testing.T) {
	want := &ipc.Schema{Fields: fields[:1]}
	for _, ext := range extensions() {
		dir := t.TempDir()
		write(t, dir, 0, 300, &dataset.WriterOptions{Extension: ext, MaxRows: 100, Partition: []string{"k"}})
		var mu sync.Mutex
		passed := map[string][]string{}
		r := open(t, dir, &dataset.Options{Schema: want, Parallel: 2, OnPassed: func(name string, columns []string) {
			mu.Lock()
			defer mu.Unlock()
			passed[name] = columns
		}})
		if strings.HasPrefix(ext, ".ndjson") || strings.HasPrefix(ext, ".json") {
			if _, err := r.Next(ctx); !errors.Is(err, values.ErrUnknown) {
				t.Errorf("%s: %v, want an error of the key", ext, err)
			}
			r = open(t, dir, &dataset.Options{Schema: want})
			if n := len(text(t, r)); n != 300 {
				t.Errorf("%s: %d rows without OnPassed", ext, n)
			}
			continue
		}
		if n := len(text(t, r)); n != 300 || len(passed) != len(r.Files()) {
			t.Errorf("%s: %d rows, columns of %d of %d files were passed over", ext, n, len(passed), len(r.Files()))
		}
		for name, columns := range passed {
			if !slices.Equal(columns, []string{"s", "day"}) || !slices.Contains(r.Files(), name) {
				t.Errorf("%s: %s has %q", ext, name, columns)
			}
		}
	}
}

// TestNoFormat wants an error that can be told from others.
func TestNoFormat(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), bytes.Repeat([]byte("x\n"), 3), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := dataset.Open(ctx, os.DirFS(dir), ".", nil)
	if !errors.Is(err, dataset.ErrNoFormat) || !errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), "notes.txt: its name does not say which format it has; name") {
		t.Error(err)
	}
}

// TestErrorsNameTheFileOnce wants the name of a file in errors once, though readers of all formats would put it there by themselves.
func TestErrorsNameTheFileOnce(t *testing.T) {
	for name, content := range map[string]string{
		"a.csv": "x,y\n1\n", "a.ndjson": "{\"x\":1}\n{\"x\":\n", "a.parquet": "PAR1 is all there is",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		src, err := dataset.OpenFile(ctx, f, "called "+name, nil, &dataset.FileOptions{CSV: &csv.Options{Name: name}, NDJSON: &ndjson.Options{Name: name}, Parquet: &parquet.ReaderOptions{Name: name}})
		if err == nil {
			_, err = src.Next(ctx)
			src.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "lightstream: called "+name+": ") || strings.Count(err.Error(), name) != 1 {
			t.Errorf("error %v, want the name once", err)
		}
	}
}

// TestRaggedOfFiles wants the records that are passed over for the number of their fields to be told with the name of their file.
func TestRaggedOfFiles(t *testing.T) {
	var mu sync.Mutex
	told := map[string]int64{}
	files := fstest.MapFS{"a.csv": {Data: []byte("x,y\n1\n2,3\n4,5,6\n")}, "b.csv": {Data: []byte("x,y\n7,8\n9\n")}, "c.csv": {Data: []byte("x,y\n0,0\n")}}
	r, err := dataset.Open(ctx, files, ".", &dataset.Options{Files: dataset.FileOptions{
		CSV: &csv.Options{Ragged: csv.SkipRagged},
		OnRagged: func(name string, n int64) {
			mu.Lock()
			defer mu.Unlock()
			told[name] += n
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := 0
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		rows += b.Len()
		b.Release()
	}
	if want := map[string]int64{"a.csv": 2, "b.csv": 1}; rows != 3 || !maps.Equal(told, want) {
		t.Errorf("%d rows, told of %v, want 3 and %v", rows, told, want)
	}
}
