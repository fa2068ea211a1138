package peers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/interop/peers/internal/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const testdata = "../../internal/testdata/peers"

// fileTables are the tables into which the files of a folder are read. Columns that a table leaves out are of types that
// this version does not read: decimals, dates, times of day, nested types and dictionaries of anything but text.
var fileTables = map[string]table{
	"annotated":           of(tables.NoteTable),
	"calendar":            of(tables.MomentTable),
	"dictionary_deltas":   of(tables.GrownLabelTable),
	"dictionary_replaced": of(tables.ReplacedLabelTable),
	"js_native":           of(tables.OrderTable),
	"taxi":                of(tables.TripTable),
	"telemetry_core":      of(tables.ReadingTable),
	"ticks":               of(tables.TickTable),
	"view_text":           of(tables.ViewTextTable),
}

type manifest struct {
	Files []struct {
		File, Writer, Format, Variant, SHA256 string
		Rows                                  int
	}
}

// TestFiles reads what other implementations have written to files, and compares each value.
func TestFiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testdata, "manifest.json"))
	if errors.Is(err, fs.ErrNotExist) && *python == "" {
		t.Skip("internal/testdata is not here: it is no part of the module, only of the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Files) == 0 {
		t.Fatal("the manifest lists no file")
	}
	wanted := make(map[string]batch)
	for _, f := range m.Files {
		t.Run(f.File, func(t *testing.T) {
			path := filepath.Join(testdata, f.File)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != f.SHA256 {
				t.Fatal("it is not the file of the manifest")
			}
			folder, name := filepath.Split(f.File)
			tab := fileTables[filepath.Clean(folder)]
			want, ok := wanted[folder]
			if !ok {
				want = expected(t, filepath.Join(testdata, folder), tab)
				wanted[folder] = want
			}
			if f.Rows != want.Rows {
				t.Fatalf("the manifest has %d rows, what is expected %d", f.Rows, want.Rows)
			}
			for _, align := range []ipc.Align{ipc.Align64, ipc.ValueSize} {
				for _, byRows := range []bool{false, true} {
					got, err := readPath(context.Background(), tab, path, f.Format == "file", byRows, &rt.ReaderOptions{Align: align})
					if f.Variant == "zstd" || f.Variant == "lz4" {
						if err == nil || !strings.Contains(err.Error(), compressedBody) || !errors.Is(err, rt.ErrUnsupported) {
							t.Fatalf("error %v, want ErrUnsupported with %q", err, compressedBody)
						}
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					n := len(tab.Schema().Fields)
					if diff := differ(merge(got.batches, n), []batch{want}, columnNames(tab.Schema())); diff != "" {
						t.Fatal(diff)
					}
				}
			}
			state, line := "yes", "ok"
			if f.Variant == "zstd" || f.Variant == "lz4" {
				state, line = "refused: "+compressedBody, "refused"
			}
			if *python != "" {
				fmt.Printf("%-7s  %-11s -> %-11s  %s\n", line, f.Writer, us, f.File)
			}
			results.files = append(results.files, fmt.Sprintf("| %s | %s | %d | %s |", name, f.Writer, f.Rows, state))
		})
	}
}

// compressedBody is in the error of a body that is compressed, until those are read.
const compressedBody = "body is compressed"

// expected returns the columns of a table that a folder expects.
func expected(t *testing.T, folder string, tab table) batch {
	f, err := os.Open(filepath.Join(folder, "expected.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	fields := tab.Schema().Fields
	b := batch{Columns: make([][]cell, len(fields))}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		row := make(map[string]any)
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&row); err != nil {
			t.Fatal(err)
		}
		for i := range fields {
			v, ok := row[fields[i].Name]
			if !ok {
				t.Fatalf("row %d has no %q", b.Rows, fields[i].Name)
			}
			b.Columns[i] = append(b.Columns[i], cellOfJSON(v, &fields[i]))
		}
		b.Rows++
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return b
}

// cellOfJSON returns the cell of a value as it is written in expected.jsonl.
func cellOfJSON(v any, f *ipc.Field) cell {
	if v == nil {
		return nil
	}
	switch {
	case f.Type.Kind == ipc.KindFloat:
		x := math.NaN()
		if v != "NaN" {
			text := strings.Replace(fmt.Sprint(v), "Infinity", "Inf", 1)
			if _, err := fmt.Sscan(text, &x); err != nil {
				panic(err)
			}
		}
		if f.Type.Bits == 32 {
			return float32Cell(float32(x))
		}
		return float64Cell(x)
	case f.Type.IsBinary():
		b, err := base64.StdEncoding.DecodeString(v.(string))
		if err != nil {
			panic(err)
		}
		return hex.EncodeToString(b)
	case f.Type.Kind == ipc.KindTimestamp:
		at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(v.(string), "Z"))
		if err != nil {
			panic(err)
		}
		return timeCell(at, f.Type.Unit)
	}
	return v
}
