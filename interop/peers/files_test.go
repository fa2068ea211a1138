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
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/float16"

	"github.com/lightstream-go/lightstream/interop/peers/internal/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const testdata = "../../internal/testdata/peers"

// fileTables are the tables into which the files of a folder are read, beside being read without one. They leave some columns out.
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
	rows := make(map[string][]map[string]any)
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
			all, ok := rows[folder]
			if !ok {
				all = expectedRows(t, filepath.Join(testdata, folder))
				rows[folder] = all
			}
			if f.Rows != len(all) {
				t.Fatalf("the manifest has %d rows, what is expected %d", f.Rows, len(all))
			}
			if err := checkUntyped(path, f.Format == "file", all); err != nil {
				t.Fatal(err)
			}
			tab := fileTables[filepath.Clean(folder)]
			want, ok := wanted[folder]
			if tab != nil && !ok {
				want = expected(all, tab)
				wanted[folder] = want
			}
			for _, align := range []ipc.Align{ipc.Align64, ipc.ValueSize} {
				for _, byRows := range []bool{false, true} {
					if tab == nil {
						continue
					}
					got, err := readPath(context.Background(), tab, path, f.Format == "file", byRows, &rt.ReaderOptions{Align: align})
					if err != nil {
						t.Fatal(err)
					}
					n := len(tab.Schema().Fields)
					if diff := differ(merge(got.batches, n), []batch{want}, columnNames(tab.Schema())); diff != "" {
						t.Fatal(diff)
					}
				}
			}
			const state, line = "yes", "ok"
			if *python != "" {
				fmt.Printf("%-7s  %-11s -> %-11s  %s\n", line, f.Writer, us, f.File)
			}
			results.files = append(results.files, fmt.Sprintf("| %s | %s | %d | %s |", name, f.Writer, f.Rows, state))
		})
	}
}

// expectedRows returns the rows that a folder expects.
func expectedRows(t *testing.T, folder string) (rows []map[string]any) {
	f, err := os.Open(filepath.Join(folder, "expected.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		row := make(map[string]any)
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// expected returns the columns of a table.
func expected(rows []map[string]any, tab table) batch {
	fields := tab.Schema().Fields
	b := batch{Rows: len(rows), Columns: make([][]cell, len(fields))}
	for i := range fields {
		b.Columns[i] = expectedColumn(rows, &fields[i])
	}
	return b
}

func expectedColumn(rows []map[string]any, f *ipc.Field) []cell {
	cells := make([]cell, len(rows))
	for i := range cells {
		cells[i] = cellOfJSON(rows[i][f.Name], f)
	}
	return cells
}

// checkUntyped reads a file without a table and compares all columns, of whatever type its writer gave them.
func checkUntyped(path string, file bool, rows []map[string]any) error {
	schema, columns, err := readByUs(path, file)
	if err != nil {
		return err
	}
	if len(schema.Fields) != len(rows[0]) {
		return fmt.Errorf("%d columns, want %d", len(schema.Fields), len(rows[0]))
	}
	want := make([][]cell, len(columns))
	for i := range schema.Fields {
		f := &schema.Fields[i]
		if _, ok := rows[0][f.Name]; !ok {
			return fmt.Errorf("column %q, which nobody expects", f.Name)
		}
		want[i] = expectedColumn(rows, f)
	}
	return differColumns(columns, want)
}

// cellOfJSON returns the cell of a value as it is written in expected.jsonl.
func cellOfJSON(v any, f *ipc.Field) cell {
	if v == nil {
		return nil
	}
	t := &f.Type
	switch t.Kind {
	case ipc.KindFloat:
		return floatOfJSON(v, t.Bits)
	case ipc.KindDecimal:
		digits := strings.Replace(v.(string), ".", "", 1)
		n, ok := new(big.Int).SetString(digits, 10)
		if !ok {
			panic(v)
		}
		return json.Number(n.String())
	case ipc.KindDate:
		days := must(time.Parse(time.DateOnly, v.(string))).Unix() / 86_400
		return intCell(days * [...]int64{1, 86_400_000}[t.Variant])
	case ipc.KindTime:
		return timeCell(must(time.Parse("2006-01-02 15:04:05", "1970-01-01 "+v.(string))), t.Unit)
	case ipc.KindTimestamp:
		return timeCell(must(time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(v.(string), "Z"))), t.Unit)
	case ipc.KindFixedSizeBinary:
		return hex.EncodeToString(must(base64.StdEncoding.DecodeString(v.(string))))
	case ipc.KindStruct:
		cells := []cell{}
		for i := range f.Children {
			cells = append(cells, cellOfJSON(v.(map[string]any)[f.Children[i].Name], &f.Children[i]))
		}
		return cells
	case ipc.KindMap:
		cells := []cell{}
		for _, kv := range v.([]any) {
			pair := kv.(map[string]any)
			entry := f.Children[0].Children
			cells = append(cells, []cell{cellOfJSON(pair["key"], &entry[0]), cellOfJSON(pair["value"], &entry[1])})
		}
		return cells
	case ipc.KindList, ipc.KindLargeList, ipc.KindFixedSizeList, ipc.KindListView, ipc.KindLargeListView:
		cells := []cell{}
		for _, item := range v.([]any) {
			cells = append(cells, cellOfJSON(item, &f.Children[0]))
		}
		return cells
	}
	if t.IsBinary() {
		return hex.EncodeToString(must(base64.StdEncoding.DecodeString(v.(string))))
	}
	return v
}

func floatOfJSON(v any, bits int) cell {
	x := math.NaN()
	if v != "NaN" {
		text := strings.Replace(fmt.Sprint(v), "Infinity", "Inf", 1)
		x = must(strconv.ParseFloat(text, 64))
	}
	switch {
	case bits == 16 && x != x:
		return nan
	case bits == 16:
		return fmt.Sprintf("%04x", float16.New(float32(x)).Uint16())
	case bits == 32:
		return float32Cell(float32(x))
	}
	return float64Cell(x)
}
