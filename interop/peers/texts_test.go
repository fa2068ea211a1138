package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// flat are the types that CSV and NDJSON of all peers have.
var flat = &ipc.Schema{Fields: []ipc.Field{
	{Name: "flag", Type: ipc.Bool, Nullable: true},
	{Name: "i8", Type: ipc.Int8, Nullable: true},
	{Name: "i16", Type: ipc.Int16, Nullable: true},
	{Name: "i32", Type: ipc.Int32, Nullable: true},
	{Name: "i64", Type: ipc.Int64, Nullable: true},
	{Name: "u8", Type: ipc.Uint8, Nullable: true},
	{Name: "u16", Type: ipc.Uint16, Nullable: true},
	{Name: "u32", Type: ipc.Uint32, Nullable: true},
	{Name: "u64", Type: ipc.Uint64, Nullable: true},
	{Name: "f32", Type: ipc.Float32, Nullable: true},
	{Name: "f64", Type: ipc.Float64, Nullable: true},
	{Name: "text", Type: ipc.Utf8, Nullable: true},
	{Name: "day", Type: ipc.Type{Kind: ipc.KindDate}, Nullable: true},
	{Name: "local", Type: ipc.Type{Kind: ipc.KindTimestamp, Unit: column.Millisecond}, Nullable: true},
	{Name: "instant", Type: ipc.Type{Kind: ipc.KindTimestamp, Unit: column.Microsecond, Zone: "UTC"}, Nullable: true},
	{Name: "price", Type: ipc.Type{Kind: ipc.KindDecimal, Bits: 128, Precision: 12, Scale: 3}, Nullable: true},
}}

// nested are types that NDJSON has besides.
var nested = &ipc.Schema{Fields: []ipc.Field{
	{Name: "n", Type: ipc.Int64, Nullable: true},
	{Name: "list", Type: ipc.Type{Kind: ipc.KindList}, Nullable: true, Children: []ipc.Field{{Name: "item", Type: ipc.Int64, Nullable: true}}},
	{Name: "pair", Type: ipc.Type{Kind: ipc.KindStruct}, Nullable: true, Children: []ipc.Field{
		{Name: "a", Type: ipc.Float64, Nullable: true}, {Name: "b", Type: ipc.Utf8, Nullable: true},
	}},
}}

// linesOf returns lines of JSON with values of all columns of a schema, the ends of their ranges and nulls among them.
func linesOf(s *ipc.Schema, rows int) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	texts := []string{"", " ", "plain", "a,b", `a "quoted" word`, "two\nlines", "carriage\r\nreturn", " spaces ", "null", "NULL", "1", "true", "ü世🂡", "semi;colon", "tab\t", `back\slash`, "#hash"}
	integer := func(bits int, signed bool) any {
		most := uint64(math.MaxUint64) >> (64 - bits)
		if signed {
			most >>= 1
		}
		switch r.IntN(4) {
		case 0:
			return json.Number(fmt.Sprint(most))
		case 1:
			if signed {
				return json.Number(fmt.Sprint(-int64(most) - 1))
			}
			return 0
		}
		return json.Number(fmt.Sprint(r.Uint64() & most))
	}
	var of func(f *ipc.Field) any
	of = func(f *ipc.Field) any {
		if r.IntN(5) == 0 {
			return nil
		}
		switch t := f.Type; t.Kind {
		case ipc.KindBool:
			return r.IntN(2) == 0
		case ipc.KindInt:
			return integer(t.Bits, t.Signed)
		case ipc.KindFloat:
			if v := float32(r.NormFloat64() * 1e3); t.Bits == 32 {
				return v
			}
			return math.Ldexp(r.NormFloat64(), r.IntN(80)-40)
		case ipc.KindUtf8:
			return texts[r.IntN(len(texts))]
		case ipc.KindDate:
			return fmt.Sprintf("%04d-%02d-%02d", 1900+r.IntN(200), 1+r.IntN(12), 1+r.IntN(28))
		case ipc.KindTimestamp:
			at := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", 1900+r.IntN(200), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60))
			if t.Zone == "" {
				return at + fmt.Sprintf(".%03d", r.IntN(1000))
			}
			return at + fmt.Sprintf(".%06dZ", r.IntN(1e6))
		case ipc.KindDecimal:
			return fmt.Sprintf("%d.%03d", r.IntN(2e9)-1e9, r.IntN(1000))
		case ipc.KindList:
			list := []any{}
			for range r.IntN(4) {
				list = append(list, of(&f.Children[0]))
			}
			return list
		}
		m := map[string]any{}
		for i := range f.Children {
			m[f.Children[i].Name] = of(&f.Children[i])
		}
		return m
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for range rows {
		m := map[string]any{}
		for i := range s.Fields {
			m[s.Fields[i].Name] = of(&s.Fields[i])
		}
		if err := enc.Encode(m); err != nil {
			panic(err)
		}
	}
	return out.Bytes()
}

// rowsOf returns the rows of a text file as JSON, and calls each with its batches.
func rowsOf(name string, s *ipc.Schema, each func(ipc.Batch) error) (rows []string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var src interface {
		Next(ctx context.Context) (ipc.Batch, error)
	}
	values := text.Options{NaiveUTC: true}
	if filepath.Ext(name) == ".csv" {
		src, err = csv.NewReader(f, &csv.Options{Schema: s, Values: values})
	} else {
		src, err = ndjson.NewReader(f, &ndjson.Options{Schema: s, Values: values})
	}
	if err != nil {
		return nil, err
	}
	var printers []*value.Printer
	for i := range s.Fields {
		printers = append(printers, value.PrinterOf(&s.Fields[i]))
	}
	for {
		b, err := src.Next(context.Background())
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range b.Len() {
			var row []byte
			for k, p := range printers {
				row = append(p.AppendJSON(append(row, s.Fields[k].Name...), b.Column(k), i), ' ')
			}
			rows = append(rows, string(row))
		}
		if each != nil {
			if err := each(b); err != nil {
				return nil, err
			}
		}
		b.Release()
	}
}

// TestTexts has pyarrow, polars and DuckDB read CSV, NDJSON and, but for the first, arrays of JSON, and reads what they write: value by value and null by null.
func TestTexts(t *testing.T) {
	if *python == "" {
		t.Skip("no peers without -python; run make interop")
	}
	dir := t.TempDir()
	want := map[string][]string{}
	schemas := map[string]*ipc.Schema{"flat": flat, "nested": nested}
	for name, s := range schemas {
		in := filepath.Join(dir, name+".in.ndjson")
		if err := os.WriteFile(in, linesOf(s, 1000), 0o666); err != nil {
			t.Fatal(err)
		}
		var outs [4]bytes.Buffer
		arrow := ipc.NewWriter(&outs[0], s, nil)
		fields, lines := csv.NewWriter(&outs[1], s, nil), ndjson.NewWriter(&outs[2], s, nil)
		array := ndjson.NewWriter(&outs[3], s, &ndjson.WriterOptions{Array: true})
		rows, err := rowsOf(in, s, func(b ipc.Batch) error {
			if err := arrow.Write(context.Background(), b.Len(), ipc.Columns(b)); err != nil {
				return err
			}
			if err := fields.Write(context.Background(), b.Len(), ipc.Columns(b)); err != nil {
				return err
			}
			if err := array.Write(context.Background(), b.Len(), ipc.Columns(b)); err != nil {
				return err
			}
			return lines.Write(context.Background(), b.Len(), ipc.Columns(b))
		})
		if err != nil || len(rows) != 1000 {
			t.Fatal(len(rows), err)
		}
		want[name] = rows
		for i, w := range []io.Closer{arrow, fields, lines, array} {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name+[]string{".arrows", ".csv", ".ndjson", ".json"}[i]), outs[i].Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(*python, "texts.py", dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); read++ {
		var a struct {
			File, By, Error string
			Values          int
		}
		if err := dec.Decode(&a); err != nil {
			t.Fatal(err)
		}
		if a.Error != "" || a.Values < 3000 {
			t.Errorf("%s read by %s: %d values, %s", a.File, a.By, a.Values, a.Error)
		}
	}
	if read != 13 {
		t.Errorf("peers have read %d files", read)
	}
	for _, file := range []string{
		"pyarrow.flat.csv", "polars.flat.csv", "duckdb.flat.csv", "polars.flat.ndjson", "duckdb.flat.ndjson", "polars.nested.ndjson", "duckdb.nested.ndjson",
		"polars.flat.json", "duckdb.flat.json", "polars.nested.json", "duckdb.nested.json",
	} {
		name := "flat"
		if bytes.Contains([]byte(file), []byte("nested")) {
			name = "nested"
		}
		rows, err := rowsOf(filepath.Join(dir, file), schemas[name], nil)
		if err != nil || len(rows) != len(want[name]) {
			t.Errorf("%s: %d rows, %v", file, len(rows), err)
			continue
		}
		for i, row := range rows {
			if row != want[name][i] {
				t.Errorf("%s, row %d:\n%s\nwant\n%s", file, i, row, want[name][i])
				break
			}
		}
	}
}
