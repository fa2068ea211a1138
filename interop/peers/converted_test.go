package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// conversion is what was made of a file, to be compared.
type conversion struct {
	Original  string `json:"original"`
	Converted string `json:"converted"`
	Null      string `json:"null"`    // of CSV
	Engines   bool   `json:"engines"` // DuckDB and polars are to read it
}

// unreadable are files that a peer does not read, by a part of their names, with the reason.
var unreadable = map[string]string{
	"generated_duplicate_fieldnames .ndjson": "was specified twice", // pyarrow
	"generated_interval .parquet":            "KeyError: 21",        // pyarrow has no values in Python for such intervals
	"generated_interval .csv":                "KeyError: 21",
	"generated_interval .ndjson":             "KeyError: 21",
	"generated_interval .json":               "KeyError: 21",
	"generated_union .ndjson":                "was specified twice",                 // pyarrow
	"generated_decimal256 .parquet":          "precision must be between 1 and 38",  // polars
	"decimals/decimals. .parquet":            "precision must be between 1 and 38",  // polars
	"calendar/calendar. .parquet":            "unable to parse time zone: '+05:30'", // polars
}

// TestConverted makes Parquet, CSV, NDJSON and arrays of JSON of every golden file of the Arrow project and every file of other implementations, and wants
// pyarrow to read the same values, of arrays Python itself; polars and DuckDB read the Parquet files and arrays, too.
func TestConverted(t *testing.T) {
	if *python == "" {
		t.Skip("no pyarrow without -python; run make interop")
	}
	var originals []string
	for _, pattern := range []string{"arrow-testing/data/arrow-ipc-stream/integration/*/*.stream", "arrow-testing/data/arrow-ipc-stream/integration/*/*.arrow_file", "peers/*/*.arrow", "peers/*/*.arrows"} {
		names, err := filepath.Glob("../../internal/testdata/" + pattern)
		if err != nil || len(names) < 20 {
			t.Fatalf("%d files of %s, %v", len(names), pattern, err)
		}
		originals = append(originals, names...)
	}
	dir := t.TempDir()
	var jobs []conversion
	for i, name := range originals {
		for _, extension := range []string{".parquet", ".csv", ".ndjson", ".json"} {
			to := filepath.Join(dir, fmt.Sprint(i)+extension)
			null := ""
			err := convert(name, to, null)
			if errors.Is(err, csv.ErrNullLine) { // it is said, with what helps
				null = "NULL"
				err = convert(name, to, null)
			}
			if err != nil {
				t.Errorf("%s to %s: %v", name, extension, err)
				continue
			}
			jobs = append(jobs, conversion{name, to, null, extension == ".parquet" || extension == ".json"})
		}
	}
	var in bytes.Buffer
	for _, j := range jobs {
		line, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.Command(*python, "converted.py")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	rows, compared := 0, map[string]int{}
	for _, j := range jobs {
		var a struct {
			Rows, Compared int
			Error          string
		}
		if err := answers.Decode(&a); err != nil {
			t.Fatal(err)
		}
		if a.Error != "" && !notRead(j, a.Error) {
			t.Errorf("%s as %s: %s", strings.TrimPrefix(j.Original, "../../internal/testdata/"), filepath.Ext(j.Converted), a.Error)
		}
		rows += a.Rows
		compared[filepath.Ext(j.Converted)] += a.Compared
	}
	for _, extension := range []string{".parquet", ".csv", ".ndjson", ".json"} {
		if compared[extension] < 500 {
			t.Errorf("%d columns of %s were compared", compared[extension], extension)
		}
	}
	t.Logf("%d files, %d rows, columns compared: %v", len(jobs), rows, compared)
}

func notRead(j conversion, message string) bool {
	for part, why := range unreadable {
		name, extension, _ := strings.Cut(part, " ")
		if strings.Contains(j.Original, name) && strings.HasSuffix(j.Converted, extension) && strings.Contains(message, why) {
			return true
		}
	}
	return false
}

// convert makes a file of another format of an Arrow file or stream.
func convert(name, to, null string) (err error) {
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	ctx := context.Background()
	schema, next, err := open(name)
	if err != nil {
		return err
	}
	write, end := (func(context.Context, int, []column.Data) error)(nil), (func() error)(nil)
	switch filepath.Ext(to) {
	case ".parquet":
		w, err := parquet.NewWriter(out, schema, &parquet.WriterOptions{Compression: parquet.ZSTD})
		if err != nil {
			return err
		}
		write, end = w.Write, w.Close
	case ".csv":
		w := csv.NewWriter(out, schema, &csv.WriterOptions{Null: null, RepeatKeys: true})
		write, end = w.Write, w.Close
	default:
		w := ndjson.NewWriter(out, schema, &ndjson.WriterOptions{RepeatKeys: true, Array: filepath.Ext(to) == ".json"})
		write, end = w.Write, w.Close
	}
	for {
		b, err := next()
		if err == io.EOF {
			return end()
		}
		if err != nil {
			return err
		}
		if err := write(ctx, b.Len(), ipc.Columns(b)); err != nil {
			return err
		}
		b.Release()
	}
}
