package parquet_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// differ are the columns that their writers changed.
var differ = map[string][]string{
	"telemetry_core.duckdb.parquet": {"time", "uptime"}, // in microseconds; an interval of months, days and milliseconds
}

// TestPeers reads the files of other writers, whose values are those of the Arrow files beside them.
func TestPeers(t *testing.T) {
	files, err := filepath.Glob(testdata + "/peers/*/*.parquet")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			have, err := load(b, &parquet.ReaderOptions{Validate: ipc.UTF8})
			if err != nil {
				t.Fatal(err)
			}
			arrows, err := filepath.Glob(filepath.Dir(name) + "/*.pyarrow*.arrow*")
			if err != nil || len(arrows) == 0 {
				t.Fatal(arrows, err)
			}
			b, err = os.ReadFile(arrows[0])
			if err != nil {
				t.Fatal(err)
			}
			src, err := open(b)
			if err != nil {
				t.Fatal(err)
			}
			want, err := read(src)
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, have, want, differ[filepath.Base(name)])
		})
	}
}

// TestHostile wants an error of every file that fuzzing found, or a table.
func TestHostile(t *testing.T) {
	n, refused := 0, 0
	err := filepath.WalkDir(testdata+"/arrow-testing/data/parquet", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".json") {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		n++
		_, err = load(b, nil)
		t.Logf("%s: %v", filepath.Base(name), err)
		if err == nil {
			return nil
		}
		refused++
		if !slices.ContainsFunc([]error{ipc.ErrMalformed, ipc.ErrUnsupported, ipc.ErrLimit}, func(want error) bool { return errors.Is(err, want) }) {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil || n < 30 || refused < 20 {
		t.Fatal(n, refused, err)
	}
}

// TestMended reads a file of Arrow C++ before 3.0, whose pages are compressed and say that they are not.
func TestMended(t *testing.T) {
	b, err := os.ReadFile(testdata + "/arrow-testing/data/parquet/ARROW-17100.parquet")
	if err != nil {
		t.Fatal(err)
	}
	have, err := load(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"1", `"a"`, "1", `"a"`}, {"2", `"b"`, "2", `"a"`}, {"3", `"c"`, "3", `"a"`}, {"4", `"d"`, "4", `"b"`}, {"5", `"e"`, "5", `"b"`}}
	if !slices.EqualFunc(have.rows, want, slices.Equal) {
		t.Errorf("%q, want %q", have.rows, want)
	}
	other := bytes.Replace(b, []byte("parquet-cpp version 1.5.1"), []byte("parquet-cpp version 9.5.1"), 1)
	if _, err := load(other, nil); err == nil || bytes.Equal(other, b) {
		t.Error("it is read as one that another program wrote")
	}
}
