package ipc_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// only wants a folder to have the one file, with the content.
func only(t *testing.T, path, want string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Name() != filepath.Base(path) {
		t.Fatalf("%v", list)
	}
	if p, err := os.ReadFile(path); err != nil || want != "" && string(p) != want {
		t.Fatalf("%q, %v", p, err)
	}
}

func TestCreateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.arrow")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	want := mixed(100, 3)
	create := func() *ipc.FileWriter {
		w, err := ipc.CreateFile(path, want.Schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range want.Batches {
			if err := w.Write(t.Context(), b.Rows, b.Columns); err != nil {
				t.Fatal(err)
			}
		}
		return w
	}
	w := create()
	w.Abort()
	w.Abort()
	if err := w.Close(); !errors.Is(err, ipc.ErrAborted) {
		t.Fatal(err)
	}
	only(t, path, "old")
	w = create()
	if p, _ := os.ReadFile(path); string(p) != "old" {
		t.Fatalf("%q before Close", p)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.Abort()
	only(t, path, "")
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "file", fileContent(t, bytes.NewReader(p), int64(len(p)), nil), want)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := ipc.CreateFile(filepath.Join(path, "below"), want.Schema, nil); err == nil {
		t.Error("a file below a file")
	}
	if _, err := ipc.CreateFile(filepath.Dir(path), want.Schema, nil); err == nil {
		t.Error("a folder")
	}
}

// TestAppendFile appends to golden files of others, whose messages lie at multiples of 8, and to one of ours.
func TestAppendFile(t *testing.T) {
	var appended int
	for _, name := range goldens(t) {
		in, err := os.ReadFile(name + ".arrow_file")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "x.arrow")
		if err := os.WriteFile(path, in, 0o600); err != nil {
			t.Fatal(err)
		}
		have := fileContent(t, bytes.NewReader(in), int64(len(in)), nil)
		w, err := ipc.AppendFile(path, nil)
		if strings.Contains(name, "bigendian") {
			if !errors.Is(err, ipc.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refused := false
		want := &arrowjson.Content{Schema: have.Schema, Batches: have.Batches}
		for _, b := range have.Batches {
			if err := w.Write(t.Context(), b.Rows, b.Columns); errors.Is(err, ipc.ErrReplaced) {
				refused = true // dictionaries of values that are not compared
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want.Batches = append(want.Batches, b)
		}
		if refused {
			if !strings.Contains(name, "nested_dictionary") {
				t.Errorf("%s: refused", name)
			}
			w.Abort()
			only(t, path, string(in))
			continue
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		only(t, path, "")
		p, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, fileContent(t, bytes.NewReader(p), int64(len(p)), nil), want)
		r := ipc.NewReader(bytes.NewReader(p[8:]), nil) // what stands behind the magic string is a stream, too
		for range want.Batches {
			if strings.Contains(name, "dict") || strings.Contains(name, "extension") {
				break // but for where the dictionaries stand
			}
			if _, err := r.Next(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		appended++
	}
	if appended < 25 {
		t.Errorf("%d files", appended)
	}
}

// TestAppendDictionary appends batches whose dictionary begins with that of the file, and one whose dictionary does not.
func TestAppendDictionary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.arrow")
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "d", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}}}
	batch := func(indices []int8, values ...string) arrowjson.Batch {
		d := column.NewDictionary(0)
		for _, v := range values {
			d.Append(v, false)
		}
		return arrowjson.Batch{Rows: len(indices), Columns: []column.Data{{Len: len(indices), Buffers: [3][]byte{nil, it.I8(indices...)}, Dictionary: d, Values: d.Values()}}}
	}
	first := &arrowjson.Content{Schema: schema, Batches: []arrowjson.Batch{batch([]int8{1, 0}, "a", "b")}}
	if err := os.WriteFile(path, write(t, first, nil, true), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := ipc.AppendFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	other := batch([]int8{0, 1, 2}, "b", "z", "a")
	if err := w.Write(t.Context(), 3, other.Columns); err != nil {
		t.Fatal(err)
	}
	first.Batches = append(first.Batches, other)
	for _, b := range []arrowjson.Batch{batch([]int8{2, 0}, "a", "b", "c"), batch([]int8{1}, "a", "b", "c")} {
		if err := w.Write(t.Context(), b.Rows, b.Columns); err != nil {
			t.Fatal(err)
		}
		first.Batches = append(first.Batches, b)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if s := w.Stats(); s.Deltas != 2 || s.Replaced != 0 {
		t.Errorf("%+v", s)
	}
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "appended", fileContent(t, bytes.NewReader(p), int64(len(p)), nil), first)
}

// TestAppendShared appends to a file whose two columns share a dictionary, of which the second has seen more than the first.
func TestAppendShared(t *testing.T) {
	a := it.Field{Name: "a", Type: it.Utf8, Dict: &it.Dict{ID: 7, Bits: 8, Signed: true}}
	b := a
	b.Name = "b"
	file := newFile(a, b).dictionary(it.Dictionary(7, false, "x", "y"), 128).batch(it.NewBatch(1).Add(1, 0, nil, it.I8(1)).Add(1, 0, nil, it.I8(0)))
	name := filepath.Join(t.TempDir(), "x.arrow")
	if err := os.WriteFile(name, file.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := ipc.AppendFile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := column.NewDictionary(0)
	for _, s := range []string{"x", "y", "z"} {
		d.Append(s, false)
	}
	less := d.Values()
	d.Append("last", false)
	of := func(v column.Values, index int8) column.Data {
		return column.Data{Len: 1, Buffers: [3][]byte{nil, it.I8(index)}, Dictionary: d, Values: v}
	}
	if err := w.Write(t.Context(), 1, []column.Data{of(less, 2), of(d.Values(), 3)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	c := fileContent(t, bytes.NewReader(p), int64(len(p)), nil)
	if v := c.Batches[1].Columns[0].Values; strings.Join(v.Strings(), " ") != "x y z last" {
		t.Errorf("the dictionary is %q", v.Strings())
	}
}

// TestAppendSharedIndices appends to a file whose columns share a dictionary, nested ones too, batches with a dictionary of another
// order: each column has indices of its own.
func TestAppendSharedIndices(t *testing.T) {
	a := it.Field{Name: "a", Type: it.Utf8, Nullable: true, Dict: &it.Dict{ID: 7, Bits: 8, Signed: true}}
	b, c := a, a
	b.Name, c.Name = "b", "c"
	file := newFile(a, b, it.Field{Name: "s", Type: it.Struct, Children: []it.Field{c}}).dictionary(it.Dictionary(7, false, "x", "y", "z"), 128).
		batch(it.NewBatch(3).Add(3, 0, nil, it.I8(0, 1, 2)).Add(3, 0, nil, it.I8(2, 1, 0)).Add(3, 0, nil).Add(3, 0, nil, it.I8(1, 1, 1)))
	name := filepath.Join(t.TempDir(), "x.arrow")
	if err := os.WriteFile(name, file.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := fileContent(t, bytes.NewReader(p), int64(len(p)), nil)
	w, err := ipc.AppendFile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{{"z", "x", "n"}, {"n", "m", "x"}} { // the second needs as many indices, and more of another batch
		d := column.NewDictionary(0)
		for _, s := range words {
			d.Append(s, false)
		}
		of := func(indices ...int8) column.Data {
			return column.Data{Len: len(indices), Buffers: [3][]byte{nil, it.I8(indices...)}, Dictionary: d, Values: d.Values()}
		}
		batch := arrowjson.Batch{Rows: 3, Columns: []column.Data{of(0, 1, 2), of(2, 1, 0), {Len: 3, Children: []column.Data{of(1, 0, 1)}}}}
		if err := w.Write(t.Context(), 3, batch.Columns); err != nil {
			t.Fatal(err)
		}
		want.Batches = append(want.Batches, batch)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err = os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
	same(t, "appended", fileContent(t, bytes.NewReader(p), int64(len(p)), nil), want)
}
