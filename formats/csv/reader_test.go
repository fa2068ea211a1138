package csv_test

import (
	"bytes"
	"context"
	"encoding/base64"
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// written returns all batches of a reader as CSV.
func written(t testing.TB, r *csv.Reader, opts *csv.WriterOptions) (string, int) {
	t.Helper()
	text, rows, err := writtenUntil(t, r, opts)
	if err != nil {
		t.Fatal(err)
	}
	return text, rows
}

// writtenUntil is written, up to an error of the reader.
func writtenUntil(t testing.TB, r *csv.Reader, opts *csv.WriterOptions) (string, int, error) {
	t.Helper()
	var out bytes.Buffer
	w := csv.NewWriter(&out, schemaOf(r), opts)
	check, rows := ipc.NewChecker(schemaOf(r)), 0
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			return out.String(), rows, err
		}
		rows += b.Len()
		for i := range b.NumColumns() {
			if err := check.Column(i, b.Column(i), ipc.UTF8); err != nil {
				t.Fatalf("column %d: %v", i, err)
			}
		}
		if err := w.Write(context.Background(), b.Len(), ipc.Columns(b)); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String(), rows, nil
}

const arrowTesting = "../../internal/testdata/arrow-testing/data"

// TestGolden writes the values of other implementations' files and reads them back.
func TestGolden(t *testing.T) {
	names, _ := filepath.Glob(arrowTesting + "/arrow-ipc-stream/integration/*/*.stream")
	peers, _ := filepath.Glob("../../internal/testdata/peers/*/*.arrows")
	read := 0
	for _, name := range append(names, peers...) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r := ipc.NewReader(f, &ipc.ReaderOptions{Validate: ipc.UTF8})
		schema, err := r.Schema(context.Background())
		if err != nil {
			continue
		}
		opts := &csv.WriterOptions{Null: `\N`}
		var out bytes.Buffer
		w := csv.NewWriter(&out, schema, opts)
		if strings.Contains(name, "duplicate_fieldnames") { // those of a struct
			if !errors.Is(w.Err(), text.ErrTwice) {
				t.Errorf("%s: %v", name, w.Err())
			}
			continue
		}
		rows := 0
		for {
			var b ipc.Batch
			if b, err = r.Next(context.Background()); err != nil {
				break
			}
			rows += b.Len()
			if err := w.Write(context.Background(), b.Len(), ipc.Columns(b)); err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err != io.EOF || strings.Contains(name, "1.0.0-") && strings.Contains(name, "generated_decimal") { // whose values have more digits than their type
			continue
		}
		for _, parallel := range []int{1, 3} {
			back, err := csv.NewReader(bytes.NewReader(out.Bytes()), &csv.Options{Schema: schema, ByPosition: true, Nulls: []string{`\N`}, Parallel: parallel, ChunkBytes: 1000})
			if err != nil {
				if errors.Is(err, errors.ErrUnsupported) {
					t.Logf("%s: %v", name, err)
					break
				}
				t.Errorf("%s: %v", name, err)
				break
			}
			have, n := written(t, back, opts)
			if n != rows || have != out.String() {
				t.Errorf("%s: %d rows, want %d\n%.2000s\nwant\n%.2000s", name, n, rows, have, out.String())
			}
			read++
		}
	}
	if read < 40 {
		t.Errorf("%d files were read", read)
	}
}

func read(t testing.TB, s string, opts *csv.Options) (string, error) {
	t.Helper()
	r, err := csv.NewReader(strings.NewReader(s), opts)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out, schemaOf(r), &csv.WriterOptions{Null: "NULL"})
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			w.Close()
			return out.String(), nil
		}
		if err != nil {
			w.Close()
			return out.String(), err
		}
		if err := w.Write(context.Background(), b.Len(), ipc.Columns(b)); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
}

// TestKeptBytes wants a column with a text that is no UTF-8 to be inferred as bytes, which are what stands in its fields.
func TestKeptBytes(t *testing.T) {
	have, err := read(t, "a,b\n1,AA==\n2,\xFF\n", &csv.Options{UTF8: csv.KeepUTF8})
	if want := "a,b\n1,QUE9PQ==\n2,/w==\n"; err != nil || have != want {
		t.Errorf("%q, %v, want %q", have, err, want)
	}
}

// TestRules has what RFC 4180 says, and what it leaves open.
func TestRules(t *testing.T) {
	null := ipc.Field{Name: "b", Type: ipc.Utf8, Nullable: true}
	texts := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Utf8}, null}}
	ids := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.FixedSizeBinary(16), Metadata: ipc.UUID()}}}
	ints := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int8, Nullable: true}, {Name: "b", Type: ipc.Int64}}}
	tags := &ipc.Schema{Fields: []ipc.Field{
		{Name: "a", Type: ipc.Int64},
		{Name: "tags", Type: ipc.List, Nullable: true, Children: []ipc.Field{{Name: "item", Type: ipc.Int8, Nullable: true}}},
		{Name: "o", Type: ipc.Struct, Nullable: true, Children: []ipc.Field{{Name: "x", Type: ipc.Int8, Nullable: true}}},
	}}
	zoned := []ipc.Field{{Name: "t", Type: ipc.Timestamp(column.Second, "UTC")}}
	for name, c := range map[string]struct {
		in   string
		opts csv.Options
		want string
		err  string // a part of it
	}{
		"nested":            {in: "a,tags,o\n1,[x],\n", opts: csv.Options{Schema: tags}, want: "a,tags,o\n", err: `line 2, column 4: field "tags[0]": text does not follow its format: found "x"`},
		"nested, quoted":    {in: "a,tags,o\n1,\"[1,300]\",\n", opts: csv.Options{Schema: tags}, want: "a,tags,o\n", err: `line 2, column 7: field "tags[1]": value does not fit its type: found "300", want int8`},
		"nested, doubled":   {in: "a,tags,o\n\n\"7\",\"[1,\n2]\",\"{\"\"x\"\":300}\"\n", opts: csv.Options{Schema: tags}, want: "a,tags,o\n", err: `line 4, column 13: field "o.x": value does not fit its type: found "300"`},
		"nested, spaces":    {in: "a,tags,o\n1,  [x],\n", opts: csv.Options{Schema: tags, TrimSpace: true}, want: "a,tags,o\n", err: `line 2, column 6: field "tags[0]"`},
		"doubled, place":    {in: "a,b\n\"1\",\"2\"\"\"\n", opts: csv.Options{Schema: ints}, want: "a,b\n", err: `line 2, column 5: field "b": value is of another type: found "2\""`},
		"naive":             {in: "t\n2024-01-31T10:00:00\n", opts: csv.Options{Types: zoned}, want: "t\n", err: `field "t": value is of another type: a time without a zone, in a column that has one, which Values.NaiveUTC takes as UTC: found "2024-01-31T10:00:00", want timestamp[s, UTC]`},
		"naive, taken":      {in: "t\n2024-01-31T10:00:00\n", opts: csv.Options{Types: zoned, Values: text.Options{NaiveUTC: true}}, want: "t\n2024-01-31T10:00:00Z\n"},
		"plain":             {in: "a,b\n1,x\n", want: "a,b\n1,x\n"},
		"crlf":              {in: "a,b\r\n1,x\r\n2,y", want: "a,b\n1,x\n2,y\n"},
		"crlf at the end":   {in: "a,b\n1,x\r", want: "a,b\n1,x\n"},
		"quotes":            {in: "a,b\n\"1\",\"x\"\n", want: "a,b\n1,x\n"},
		"quotes within":     {in: "a,b\n1,\"x\"\"y,\n\r\nz\"\n2,\"\"\"\"\n", want: "a,b\n1,\"x\"\"y,\n\r\nz\"\n2,\"\"\"\"\n"},
		"no end":            {in: "a,b\n1,\"x\"", want: "a,b\n1,x\n"},
		"empty lines":       {in: "\n\r\na,b\n\n1,x\n\r\n", want: "a,b\n1,x\n"},
		"bom":               {in: "\xEF\xBB\xBFa,b\n1,x\n", want: "a,b\n1,x\n"},
		"utf16":             {in: "\xFF\xFEa\x00", err: "UTF-16"},
		"comma":             {in: "a;b\n1;x,y\n", opts: csv.Options{Comma: ';'}, want: "a,b\n1,\"x,y\"\n"},
		"comment":           {in: "# a \" quote\na,b\n1,x\n#2,y\n3,\"#\"\n4,#z", opts: csv.Options{Comment: '#'}, want: "a,b\n1,x\n3,#\n4,#z\n"},
		"null":              {in: "a,b\n,\n\"\",\"\"\nx,y\n", opts: csv.Options{Schema: texts}, want: "a,b\n\"\",NULL\n\"\",\"\"\nx,y\n"},
		"null spellings":    {in: "a,b\nNA,n/a\n\"NA\",\"n/a\"\n", opts: csv.Options{Nulls: []string{"NA", "n/a"}}, want: "a,b\nNULL,NULL\nNA,n/a\n"},
		"null number":       {in: "a,b\n\"\",1\n,2\n", opts: csv.Options{Schema: ints}, want: "a,b\nNULL,1\nNULL,2\n"},
		"null refused":      {in: "a,b\n1,\n", opts: csv.Options{Schema: ints}, want: "a,b\n", err: `line 2, column 3: field "b": null in a column that is not nullable`},
		"by name":           {in: "x,b,a\nq,1,2\n", opts: csv.Options{Schema: ints}, want: "a,b\n2,1\n"},
		"by position":       {in: "x,y\n1,2\n", opts: csv.Options{Schema: ints, ByPosition: true}, want: "a,b\n1,2\n"},
		"absent":            {in: "b\n1\n", opts: csv.Options{Schema: ints}, want: "a,b\nNULL,1\n"},
		"of nothing":        {in: "x;y\n1;2\n", opts: csv.Options{Schema: texts}, err: `the header has none of the columns "a", "b"; it has ["x;y"]; if ';' is between the fields, say so by Options.Comma`},
		"of others":         {in: "x,y\n1,2\n", opts: csv.Options{Schema: texts}, err: `none of the columns "a", "b"; it has ["x" "y"]`},
		"another case":      {in: "a,B\n1,2\n", opts: csv.Options{Schema: texts}, err: `no column "b" in the header, which has "B"`},
		"space":             {in: "a, b\n1,2\n", opts: csv.Options{Schema: texts}, err: `no column "b" in the header, which has " b"`},
		"absent refused":    {in: "a\n1\n", opts: csv.Options{Schema: ints}, err: `no column "b"`},
		"header twice":      {in: "a,b,a\n1,2,3\n", opts: csv.Options{Schema: ints}, err: "two columns"},
		"no header":         {in: "1,2\n", opts: csv.Options{Schema: ints, NoHeader: true}, want: "a,b\n1,2\n"},
		"no names":          {in: "1,x\n", opts: csv.Options{NoHeader: true}, want: "f0,f1\n1,x\n"},
		"range":             {in: "a,b\n1,2\n128,3\n", opts: csv.Options{Schema: ints}, want: "a,b\n", err: `line 3, column 1: field "a": value does not fit its type: found "128", want int8`},
		"type":              {in: "a,b\n1,\"2\n3\"\n", opts: csv.Options{Schema: ints}, want: "a,b\n", err: `line 2, column 3: field "b": value is of another type: found "2\n3", want int64`},
		"short":             {in: "a,b\n1\n", want: "a,b\n", err: "want 2 fields"},
		"long":              {in: "a,b\n1,2,3\n", want: "a,b\n", err: "want 2 fields"},
		"padded":            {in: "a,b\n1\n2,3\n", opts: csv.Options{Ragged: csv.PadRagged}, want: "a,b\n1,NULL\n2,3\n"},
		"returns":           {in: "a,b\r1,2\r3,4\r", err: `line 1, column 4: text does not follow its format: found "b\r1", want lines that end with LF or CRLF`},
		"returns, by type":  {in: "a,b\r1,2\n3,4\n", opts: csv.Options{Schema: ints}, err: "want lines that end with LF or CRLF"},
		"returns, no names": {in: "1,2\r3,4\r", opts: csv.Options{NoHeader: true}, err: "want lines that end with LF or CRLF"},
		"returns, values":   {in: "a,\"b\r\"\n1,x\ry\n", want: "a,\"b\r\"\n1,\"x\ry\"\n"},
		"returns, last":     {in: "a,b\r", want: "a,b\n"},
		"padded, long":      {in: "a,b\n1,2,3\n", opts: csv.Options{Ragged: csv.PadRagged}, want: "a,b\n", err: "want 2 fields"},
		"skipped":           {in: "a,b\n1\n2,3\n4,5,6\n", opts: csv.Options{Ragged: csv.SkipRagged}, want: "a,b\n2,3\n"},
		"bare quote":        {in: "a,b\n1,x\"y\n", want: "a,b\n", err: `line 2, column 4: text does not follow its format: found "\"y", want no quote`},
		"behind a quote":    {in: "a,b\n1,\"x\"y\n", want: "a,b\n", err: `line 2, column 6: text does not follow its format: found "y", want a delimiter`},
		"open quote":        {in: "a,b\n1,\"x\n2,y\n", want: "a,b\n", err: `want a quote that closes`},
		"invalid":           {in: "a,b\n1,\xFFx\n", want: "a,b\n", err: "no valid UTF-8"},
		"invalid, kept":     {in: "a,b,c\n1,\xFFx,AA==\n2,\"\xFE\",\n3,,x\n", opts: csv.Options{UTF8: csv.KeepUTF8, Types: []ipc.Field{{Name: "c", Type: ipc.Binary, Nullable: true}, {Name: "b", Type: ipc.Binary, Nullable: true}}}, want: "a,b,c\n1,/3g=,QUE9PQ==\n2,/g==,NULL\n3,NULL,eA==\n"},
		"invalid, no bytes": {in: "a,b\n1,x\n2,\xFF\n", opts: csv.Options{UTF8: csv.KeepUTF8, SampleRows: 1}, want: "a,b\n", err: "line 3, column 3: field \"b\": text is no valid UTF-8"},
		"invalid, a name":   {in: "a,\xFF\n1,x\n", opts: csv.Options{UTF8: csv.KeepUTF8}, err: "no valid UTF-8"},
		"invalid, replaced": {in: "a,b\n1,\xFFx\n", opts: csv.Options{UTF8: csv.ReplaceUTF8}, want: "a,b\n1,\uFFFDx\n"},
		"invalid name":      {in: "a,\xFF\n", err: "no valid UTF-8"},
		"spaces":            {in: "a,b\n 1 , x \n2,\" y \"\n", opts: csv.Options{TrimSpace: true}, want: "a,b\n1,x\n2,\" y \"\n"},
		"empty":             {in: "", err: "no line with the names"},
		"names alone":       {in: "a,b", want: "a,b\n"},
		"many columns":      {in: "a,b,c\n", opts: csv.Options{MaxColumns: 2}, err: "MaxColumns"},
		"long field":        {in: "a,b\n1,xxxxx\n", opts: csv.Options{MaxField: 4}, want: "a,b\n", err: "MaxField"},
		"uuid":              {in: "a\n00112233-4455-6677-8899-aabbccddeeff\nABEiM0RVZneImaq7zN3u/w==\n00112233-4455-6677-8899-AABBCCDDEEFF\n", opts: csv.Options{Schema: ids}, want: "a\n" + strings.Repeat("00112233-4455-6677-8899-aabbccddeeff\n", 3)},
		"uuid, digits":      {in: "a\n00112233-4455-6677-8899-aabbccddeefg\n", opts: csv.Options{Schema: ids}, want: "a\n", err: "want a UUID, such as 00112233-"},
		"uuid, dashes":      {in: "a\n001122334-455-6677-8899-aabbccddeeff\n", opts: csv.Options{Schema: ids}, want: "a\n", err: "want a UUID"},
		"types":             {in: "a,b\n1,x\n", opts: csv.Options{Types: []ipc.Field{{Name: "a", Type: ipc.Float32}}}, want: "a,b\n1,x\n"},
		"wrong comma":       {in: "a", opts: csv.Options{Comma: '"'}, err: "want a character of ASCII"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, parallel := range []int{1, 2} {
				for _, size := range []int{1, 7, 0} {
					c.opts.Parallel, c.opts.ChunkBytes = parallel, size
					have, err := read(t, c.in, &c.opts)
					if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
						t.Fatalf("chunks of %d: %v, want %q", size, err, c.err)
					}
					if have != c.want && (c.err == "" || size == 0) {
						t.Fatalf("chunks of %d:\n%q, want\n%q", size, have, c.want)
					}
				}
			}
		})
	}
}

// TestColumns has the names of the fields, also of those that the schema lacks.
func TestColumns(t *testing.T) {
	want := &ipc.Schema{Fields: []ipc.Field{{Name: "b", Type: ipc.Int64}}}
	for in, c := range map[string]struct {
		opts csv.Options
		want string
	}{
		"a,b\n1,2\n": {csv.Options{Schema: want}, "a b"},
		"1,2,3\n":    {csv.Options{NoHeader: true}, "f0 f1 f2"},
	} {
		r, err := csv.NewReader(strings.NewReader(in), &c.opts)
		if err != nil {
			t.Fatal(err)
		}
		if have := strings.Join(r.Columns(), " "); have != c.want {
			t.Errorf("%q: %q, want %q", in, have, c.want)
		}
	}
}

// TestInferencePadded has fields that are absent: they are nulls, which no type is found from, wherever they are.
func TestInferencePadded(t *testing.T) {
	for _, in := range []string{"a,b\n1,2\n3\n4,5\n", "a,b\n3\n1,2\n", "a,b\n1,2\n3"} {
		r, err := csv.NewReader(strings.NewReader(in), &csv.Options{Ragged: csv.PadRagged})
		if err != nil {
			t.Fatal(err)
		}
		if have := schemaOf(r).Fields[1].Type; have.String() != "int64" {
			t.Errorf("%q: %v", in, have)
		}
	}
}

// TestInference has columns that are of a type by a hair.
func TestInference(t *testing.T) {
	for in, want := range map[string]string{
		"true\nfalse\n": "bool", "1\n0\n": "int64", "1\ntrue": "utf8", "-5\n\n7": "int64", "9223372036854775808\n1": "uint64",
		"18446744073709551616": "utf8", "1\n2.5\n1e3": "float64", "9007199254740993\n0.5": "utf8", "007": "utf8", "0.5": "float64", "-0": "float64", "NaN\n1": "float64",
		"2024-01-31": "date32", "2024-01-31\n2024-01-31 10:00:00": "timestamp[us]", "2024-01-31T10:00:00Z": "timestamp[us, UTC]",
		"2024-01-31T10:00:00.123456789": "timestamp[ns]", "2024-01-31T10:00:00Z\n2024-01-31T10:00:00": "utf8", "10:00:00": "time64[us]",
		"2024-02-30": "utf8", "x": "utf8", "NA\n1": "int64", "\"\"\n1": "int64", "1\n\"\"": "utf8", "2500-01-01T00:00:00.000000001": "utf8",
		"NA": "utf8", "+5": "utf8", "1_000": "utf8", "0x1p4": "utf8", "inf": "float64",
	} {
		r, err := csv.NewReader(strings.NewReader("a\n"+in), &csv.Options{Nulls: []string{"NA"}})
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if have := schemaOf(r).Fields[0].Type.String(); have != want {
			t.Errorf("%q: %s, want %s", in, have, want)
		}
	}
}

// TestRejectedAlone wants a value that a builder refuses to take its own row along, and none behind it. A full dictionary takes none.
func TestRejectedAlone(t *testing.T) {
	lines := func(n int, f func(i int) string) string {
		var s strings.Builder
		s.WriteString("a\n")
		for i := range n {
			s.WriteString(f(i) + "\n")
		}
		return s.String()
	}
	word := func(i int) string { return base64.StdEncoding.EncodeToString([]byte{'v', byte(i)}) }
	words := lines(179, func(i int) string { return word(i % 129) })
	dict := func(typ ipc.Type) ipc.Field {
		return ipc.Field{Name: "a", Type: typ, Nullable: true, Dictionary: ipc.DictionaryOf(ipc.Int8)}
	}
	for name, c := range map[string]struct {
		in       string
		field    ipc.Field
		rows     int
		rejected int64
	}{
		"decimal": {
			lines(20, func(i int) string {
				if i == 3 {
					return "99999999"
				}
				return strconv.Itoa(i)
			}),
			ipc.Field{Name: "a", Type: ipc.Type{Kind: ipc.KindDecimal, Bits: 128, Precision: 4}, Nullable: true},
			19, 1,
		},
		"dictionary of texts": {words, dict(ipc.Utf8), 179, 0},
		"dictionary of bytes": {words, dict(ipc.Type{Kind: ipc.KindBinary}), 179, 0},
		"dictionary of ints": {
			lines(179, func(i int) string { return strconv.Itoa(i % 129) }),
			dict(ipc.Int64), 179, 0,
		},
	} {
		for _, nulls := range [][]string{nil, {"NULL"}} { // column by column, and field by field
			r, err := csv.NewReader(strings.NewReader(c.in), &csv.Options{Schema: &ipc.Schema{Fields: []ipc.Field{c.field}}, MaxRejected: -1, Nulls: nulls})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, rows := written(t, r, nil); rows != c.rows || r.Stats().Rejected != c.rejected {
				t.Errorf("%s: %d rows, %d rejected, want %d and %d", name, rows, r.Stats().Rejected, c.rows, c.rejected)
			}
		}
	}
}

// TestRejected passes over some records and writes them elsewhere.
func TestRejected(t *testing.T) {
	var in, want, bad bytes.Buffer
	in.WriteString("a,b\n")
	want.WriteString("a,b\n")
	for i := range 5000 {
		switch {
		case i%100 == 7:
			line := fmt.Sprintf("%d,\"no number\nat all\"\n", i)
			in.WriteString(line)
			bad.WriteString(line)
		case i%100 == 8:
			line := fmt.Sprintf("%d,x\"\r\n", i)
			in.WriteString(line)
			bad.WriteString(line)
		default:
			fmt.Fprintf(&in, "%d,%d\n", i, i*i)
			fmt.Fprintf(&want, "%d,%d\n", i, i*i)
		}
	}
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int32}, {Name: "b", Type: ipc.Int64}}}
	for _, parallel := range []int{1, 4} {
		var rejected bytes.Buffer
		lines := []int64{}
		opts := &csv.Options{Schema: schema, MaxRejected: 100, Rejected: &rejected, ChunkBytes: 999, Parallel: parallel, BatchRows: 77, OnRejected: func(e *text.ValueError) { lines = append(lines, e.Line) }}
		have, err := read(t, in.String(), opts)
		if err != nil || have != want.String() || rejected.String() != bad.String() {
			t.Fatalf("%v, %d bytes, want %d; rejected %d bytes, want %d", err, len(have), want.Len(), rejected.Len(), bad.Len())
		}
		if len(lines) != 100 || lines[0] != 9 || lines[1] != 11 || !slices.IsSorted(lines) {
			t.Errorf("rejected lines %v", lines)
		}
		opts.RejectedHeader, opts.Rejected = true, new(bytes.Buffer)
		if _, err := read(t, in.String(), opts); err != nil || opts.Rejected.(*bytes.Buffer).String() != "a,b\n"+bad.String() {
			t.Errorf("with the names: %v, %.100q", err, opts.Rejected)
		}
		opts.MaxRejected = 99
		if _, err := read(t, in.String(), opts); !errors.Is(err, text.ErrSyntax) || !errors.Is(err, text.ErrRejected) || !strings.Contains(err.Error(), "99 before this one") {
			t.Errorf("the hundredth: %v", err)
		}
	}
}

// TestOpenQuote does not pass over a quote that nothing closes, as all that follows would be one record.
func TestOpenQuote(t *testing.T) {
	rows := strings.Repeat("1,2\n", 3000)
	for in, want := range map[string]string{
		"a,b\n1,\"x\n3,4\n":              `line 2, column 3: text does not follow its format: found "\"x", want a quote that closes the field; the record has the lines 2 to 3`,
		"a,b\n1,\"x":                     `line 2, column 3: text does not follow its format: found "\"x", want a quote that closes the field`,
		"a,b\n1,2,3,\"x\n4,5\n":          `line 2, column 7: text does not follow its format: found "\"x", want a quote that closes the field; the record has the lines 2 to 3`,
		"a,b\nx\"y,\"\"\"\n4,5\n":        `line 2, column 5: text does not follow its format: found "\"\"\"", want a quote that closes the field; the record has the lines 2 to 3`,
		"a,b\n" + rows + "3,\"\n" + rows: `line 3002, column 3: text does not follow its format: found "\"", want a quote that closes the field; the record has the lines 3002 to 6002`,
	} {
		for _, opts := range []csv.Options{{}, {Parallel: 4, ChunkBytes: 100}, {Ragged: csv.PadRagged}, {Ragged: csv.SkipRagged}} {
			opts.MaxRejected = -1
			opts.Rejected = io.Discard
			if _, err := read(t, in, &opts); !errors.Is(err, text.ErrSyntax) || strings.TrimPrefix(err.Error(), "lightstream: ") != want {
				t.Errorf("%.30q: %v, want %s", in, err, want)
			}
		}
	}
	// One that the next quote closes is one record, and says which lines are in it.
	var passed []string
	opts := &csv.Options{MaxRejected: -1, OnRejected: func(e *text.ValueError) { passed = append(passed, e.Error()) }}
	have, err := read(t, "a,b\n1,\"x\n3,4\n5,\"y\"\n7,8\n", opts)
	if err != nil || have != "a,b\n7,8\n" || len(passed) != 1 || !strings.HasSuffix(passed[0], "the record has the lines 2 to 4") {
		t.Errorf("%q, %v, %v", have, err, passed)
	}
}

// endless is a field that goes on for a GiB.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), e.left))
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.left -= int64(n)
	return n, nil
}

// TestEndlessField refuses a field of 1 GiB long before it has read it.
func TestEndlessField(t *testing.T) {
	for _, start := range []string{"a,b\n1,", "a,b\n1,\"", ""} {
		src := &endless{1 << 30}
		r, err := csv.NewReader(io.MultiReader(strings.NewReader(start), src), &csv.Options{MaxRecord: 4 << 20})
		if err == nil {
			for err == nil {
				_, err = r.Next(context.Background())
			}
		}
		if read := 1<<30 - src.left; !errors.Is(err, text.ErrLimit) || read > 16<<20 {
			t.Errorf("%q: %v after %d bytes", start, err, read)
		}
	}
}

// TestWide reads 10,000 columns.
func TestWide(t *testing.T) {
	var in strings.Builder
	for row := range 50 {
		for k := range 10_000 {
			if k > 0 {
				in.WriteByte(',')
			}
			if row == 0 {
				in.WriteByte('c')
			}
			fmt.Fprint(&in, k*max(row, 1))
		}
		in.WriteByte('\n')
	}
	have, err := read(t, in.String(), nil)
	if err != nil || have != in.String() {
		t.Errorf("%v, %d bytes, want %d", err, len(have), in.Len())
	}
}

func TestFailingSource(t *testing.T) {
	broken := errors.New("the cable was cut")
	in := io.MultiReader(strings.NewReader("a,b\n1,2\n"), iotest.ErrReader(broken))
	if _, err := csv.NewReader(in, nil); !errors.Is(err, broken) || !strings.Contains(err.Error(), "line 3") {
		t.Error(err)
	}
	r, err := csv.NewReader(io.MultiReader(strings.NewReader("a,b\n1,2\n"+strings.Repeat("3,4\n", 1000)), iotest.ErrReader(broken)), &csv.Options{ChunkBytes: 100, Parallel: 2})
	rows := 0
	for err == nil {
		var b ipc.Batch
		if b, err = r.Next(context.Background()); err == nil {
			rows += b.Len()
		}
	}
	if !errors.Is(err, broken) || rows < 900 {
		t.Errorf("%d rows, %v", rows, err)
	}
	if _, again := r.Next(context.Background()); again == nil || again.Error() != err.Error() {
		t.Errorf("later %v", again)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r, err = csv.NewReader(strings.NewReader("a\n1\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel(broken)
	if _, err := r.Next(ctx); err != broken {
		t.Error(err)
	}
	if b, err := r.Next(context.Background()); err != nil || b.Len() != 1 {
		t.Errorf("after a cancel: %v", err)
	}
}

// TestLongInput compares with package encoding/csv where records, fields and quotes lie on both sides of what is looked at at once.
func TestLongInput(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		var in strings.Builder
		for in.Len() < 50_000 {
			for k := range 3 {
				if k > 0 {
					in.WriteByte(',')
				}
				switch text := strings.Repeat("x", r.IntN(100)); r.IntN(12) {
				case 0:
					in.WriteString(`"` + text + `"`)
				case 1:
					in.WriteString(`"` + text + "\n, \"\"" + text + `"`)
				case 2:
					in.WriteString(`"` + text + ",\n" + text + `"`)
				case 3:
					in.WriteString(`""`)
				default:
					in.WriteString("v" + text)
				}
			}
			in.WriteString([]string{"\n", "\n", "\n", "\r\n", "\n\n"}[r.IntN(5)])
		}
		want, err := stdcsv.NewReader(strings.NewReader(in.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		fields := []ipc.Field{{Name: "a", Type: ipc.Utf8}, {Name: "b", Type: ipc.Utf8}, {Name: "c", Type: ipc.Utf8}}
		rd, err := csv.NewReader(strings.NewReader(in.String()), &csv.Options{NoHeader: true, Schema: &ipc.Schema{Fields: fields}, ChunkBytes: 1000 + r.IntN(50_000)})
		rows := 0
		for err == nil {
			var b ipc.Batch
			if b, err = rd.Next(t.Context()); err != nil {
				break
			}
			for i := range b.Len() {
				for k := range fields {
					if got := string(column.TextAt(b.Column(k), column.PlainText, i)); got != want[rows][k] {
						t.Fatalf("record %d, field %d: %q, want %q", rows, k, got, want[rows][k])
					}
				}
				rows++
			}
			b.Release()
		}
		if err != io.EOF || rows != len(want) {
			t.Fatalf("%d records of %d: %v", rows, len(want), err)
		}
	}
}

// FuzzRecords compares with package encoding/csv where both have the same rules.
func FuzzRecords(f *testing.F) {
	for _, s := range []string{"", "a,b\n1,2\n", "a,\"b\"\"c\"\r\n\"x\ny\",z", "\"a\"b,c\n", "a\"b\n", "\r\r\n\r", "a,b\r", "\"", "\"\"\"", ",,\n,\n", "x\n\n\ny", "\"a\r\nb\"\r\n", "#a\n", "\r\r", "\n\n\r\rb"} {
		f.Add(s, byte(3))
	}
	f.Fuzz(func(t *testing.T, in string, size byte) {
		if !utf8.ValidString(in) || strings.HasPrefix(in, "\uFEFF") {
			return
		}
		want, err := stdcsv.NewReader(strings.NewReader(in)).ReadAll()
		schema := &ipc.Schema{}
		for i := range max(1, len(first(want))) {
			schema.Fields = append(schema.Fields, ipc.Field{Name: fmt.Sprint(i), Type: ipc.Utf8})
		}
		for _, o := range []csv.Options{{}, {ChunkBytes: int(size) + 1}, {ChunkBytes: int(size) + 1, Parallel: 2}} {
			o.Schema, o.NoHeader = schema, true
			have := [][]string{}
			r, ourErr := csv.NewReader(strings.NewReader(in), &o)
			for ourErr == nil {
				var b ipc.Batch
				if b, ourErr = r.Next(context.Background()); ourErr != nil {
					break
				}
				for i := range b.Len() {
					row := make([]string, b.NumColumns())
					for k := range row {
						row[k] = strings.ReplaceAll(string(column.TextAt(b.Column(k), column.PlainText, i)), "\r\n", "\n")
					}
					have = append(have, row)
				}
			}
			if err != nil {
				if ourErr == io.EOF {
					t.Fatalf("%q: no error, want %v", in, err)
				}
				continue
			}
			if ourErr != nil && strings.Contains(ourErr.Error(), "convert those that end with CR") && !strings.Contains(in, "\n") {
				continue // which encoding/csv takes for a single record
			}
			if ourErr != io.EOF || len(have) != len(want) {
				t.Fatalf("%q: %v, %q, want %q", in, ourErr, have, want)
			}
			for i := range want {
				if !slices.Equal(have[i], want[i]) {
					t.Fatalf("%q: record %d: %q, want %q", in, i, have[i], want[i])
				}
			}
		}
	})
}

func first(records [][]string) []string {
	if len(records) == 0 {
		return nil
	}
	return records[0]
}

// FuzzReader reads anything, in chunks of any size, and gets the same of it, which reads back.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a\n2024-01-01\n", "a,b\n\"x\n\",\n1.5,\xFF\n,\"\"\"\"\n"} {
		f.Add(s, byte(3), byte(0))
	}
	f.Add("\n\n\r\r\x80", byte(0), byte(16)) // chunks of one byte, and no header
	f.Fuzz(func(t *testing.T, in string, size, flags byte) {
		o := csv.Options{MaxRejected: -1, Ragged: csv.Ragged(flags % 3), UTF8: csv.UTF8(flags >> 2 & 1), TrimSpace: flags&8 != 0, NoHeader: flags&16 != 0, MaxRecord: 1 << 16}
		if flags&32 != 0 {
			o.Nulls = []string{"NA"}
		}
		if flags&64 != 0 {
			o.Comment = '#'
		}
		r, err := csv.NewReader(strings.NewReader(in), &o)
		if err != nil {
			return
		}
		whole, _, open := writtenUntil(t, r, &csv.WriterOptions{Null: "NA"})
		if open != nil && !strings.Contains(open.Error(), "want a quote that closes the field") { // all other records are rejected
			t.Fatal(open)
		}
		o.Schema, o.ByPosition = schemaOf(r), true
		for _, parallel := range []int{1, 2} {
			o.ChunkBytes, o.Parallel = int(size)+1, parallel
			parts, err := csv.NewReader(strings.NewReader(in), &o)
			if err != nil {
				t.Fatal(err)
			}
			have, _, err := writtenUntil(t, parts, &csv.WriterOptions{Null: "NA"})
			if fmt.Sprint(err) != fmt.Sprint(open) {
				t.Fatalf("in chunks: %v, whole: %v", err, open)
			}
			if open == nil && have != whole {
				t.Fatalf("in chunks:\n%q\nwhole:\n%q", have, whole)
			}
		}
		if open != nil {
			return
		}
		back, err := csv.NewReader(strings.NewReader(whole), &csv.Options{Schema: schemaOf(r), ByPosition: true, Nulls: []string{"NA"}})
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := written(t, back, &csv.WriterOptions{Null: "NA"}); again != whole {
			t.Fatalf("%q, read back as %q", whole, again)
		}
	})
}

// schemaOf returns the schema of a reader, which knows it from the beginning.
func schemaOf(r *csv.Reader) *ipc.Schema {
	s, err := r.Schema(context.Background())
	if err != nil {
		panic(err)
	}
	return s
}

// TestLongReturns wants lines that end with CR alone to be named where they are too long a record together, too.
func TestLongReturns(t *testing.T) {
	for in, want := range map[string]string{
		"a,b\r" + strings.Repeat("1,2\r", 1000):    `tr '\r' '\n'`,
		"a,b\n\"" + strings.Repeat("1,2\r", 1000):  "a quote that is not closed",
		"a,b\n1,\"" + strings.Repeat("1,2\n", 999): "a quote that is not closed",
	} {
		r, err := csv.NewReader(strings.NewReader(in), &csv.Options{MaxRecord: 2000, ChunkBytes: 100})
		for err == nil {
			_, err = r.Next(t.Context())
		}
		if !errors.Is(err, text.ErrLimit) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", in, err, want)
		}
	}
}

// TestFullDictionary wants a batch with a dictionary of its own where that of the one before has no room: whatever the size of batches, of
// chunks, and the number of goroutines, no record is lost.
func TestFullDictionary(t *testing.T) {
	var in, want strings.Builder
	in.WriteString("n,d,l\n")
	want.WriteString("n,d,l\n")
	for i := range 1000 {
		fmt.Fprintf(&in, "%d,x%d,\"[\"\"y%d\"\",\"\"y%d\"\"]\"\n", i, i%400, i%300, i%7)
		fmt.Fprintf(&want, "%d,x%d,\"[\"\"y%d\"\",\"\"y%d\"\"]\"\n", i, i%400, i%300, i%7)
	}
	dict := &ipc.DictionaryEncoding{Index: ipc.Int8}
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "n", Type: ipc.Int64},
		{Name: "d", Type: ipc.Utf8, Nullable: true, Dictionary: dict},
		{Name: "l", Type: ipc.List, Nullable: true, Children: []ipc.Field{{Name: "item", Type: ipc.Utf8, Nullable: true, Dictionary: dict}}},
	}}
	for _, o := range []csv.Options{{}, {BatchRows: 100}, {BatchRows: 1}, {Parallel: 3, ChunkBytes: 2000}, {ChunkBytes: 1}} {
		o.Schema = schema
		have, err := read(t, in.String(), &o)
		if err != nil || have != want.String() {
			t.Errorf("%+v: %v, %d bytes, want %d", o, err, len(have), want.Len())
		}
	}
	// A record that needs more values than there can be is the only one that is refused.
	long := "n,d,l\n1,a,\n2,b,\"[\"\"0\"\""
	for i := range 200 {
		long += fmt.Sprintf(",\"\"%d\"\"", i+1)
	}
	long += "]\"\n3,c,\"[\"\"z\"\"]\"\n"
	have, err := read(t, long, &csv.Options{Schema: schema, MaxRejected: 1})
	if err != nil || have != "n,d,l\n1,a,NULL\n3,c,\"[\"\"z\"\"]\"\n" {
		t.Errorf("%q, %v", have, err)
	}
	if _, err := read(t, long, &csv.Options{Schema: schema}); !errors.Is(err, text.ErrFull) || !strings.Contains(err.Error(), `field "l[128]": the dictionary of the batch is full: found "\"128\"", want indices that reach further`) {
		t.Error(err)
	}
}

// TestErrorsNameTheInput wants the name of a file, or that of the options, before the errors of readers of any schema and of tables.
func TestErrorsNameTheInput(t *testing.T) {
	file := func(content string) *os.File {
		name := filepath.Join(t.TempDir(), "trades.csv")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	plain := func(r io.Reader, o csv.Options) error {
		in, err := csv.NewReader(r, &o)
		if err == nil {
			if _, err = in.Next(context.Background()); err != nil {
				if _, again := in.Next(context.Background()); again != err {
					t.Errorf("the next error is %v, want that of before, %v", again, err)
				}
			}
		}
		return err
	}
	typed := func(r io.Reader, o csv.Options) error {
		in, err := feed.NewTradeCSVReader(r, &o)
		if err == nil {
			_, err = in.Next(context.Background())
		}
		return err
	}
	for _, c := range []struct {
		in   string
		read func(io.Reader, csv.Options) error
		want string // behind the name
	}{
		{"", plain, ": the input has no line"},
		{"a,b\n1\n", plain, ": line 2, column 1: record has"},
		{"a\"\n1\n", plain, ": line 1, column 2: text does not follow"},
		{"other\n1\n", typed, ": field is absent: the header has none"},
		{"size,price,time,symbol\nx,1,2026-01-31T09:30:00Z,y\n", typed, ": line 2, column 1: field \"size\""},
	} {
		f := file(c.in)
		if err := c.read(f, csv.Options{}); err == nil || !strings.HasPrefix(err.Error(), "lightstream: "+f.Name()+c.want) {
			t.Errorf("%q: error %v, want the name of the file and %q", c.in, err, c.want)
		}
		if err := c.read(strings.NewReader(c.in), csv.Options{Name: "feed 7"}); err == nil || !strings.HasPrefix(err.Error(), "lightstream: feed 7"+c.want) {
			t.Errorf("%q: error %v, want the name of the options and %q", c.in, err, c.want)
		}
		if err := c.read(strings.NewReader(c.in), csv.Options{}); err == nil || !strings.HasPrefix(err.Error(), "lightstream"+c.want) {
			t.Errorf("%q: error %v, want no name and %q", c.in, err, c.want)
		}
	}
	var e *text.ValueError
	if err := plain(strings.NewReader("a,b\n1\n"), csv.Options{Name: "feed 7"}); !errors.As(err, &e) || e.Line != 2 {
		t.Errorf("error %v wraps no *text.ValueError of line 2", err)
	}
	in, err := csv.NewReader(strings.NewReader("a\n1\n"), &csv.Options{Name: "feed 7"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := in.Next(ctx); err != context.Canceled {
		t.Errorf("error %v, want that of the context as it is", err)
	}
}

// TestRagged wants records of another number of fields to be told apart, and those that are passed over to be counted.
func TestRagged(t *testing.T) {
	const in = "a,b\n1,2,3\n4,5\n6\n7,8\n9\n"
	for _, c := range []struct {
		in     string
		ragged csv.Ragged
		extra  bool
		want   string
	}{
		{"a,b\n1\n", csv.RefuseRagged, false, "want 2 fields"},
		{"a,b\n1,2,3\n", csv.RefuseRagged, true, "want 2 fields"},
		{"a,b\n1,2,3\n", csv.PadRagged, true, "want 2 fields"},
		{"a;b\n1,5;2\n", csv.RefuseRagged, true, "want 1 field; if ';' is between the fields, say so by Options.Comma"},
		{"a\tb\n1,5\t2\n", csv.PadRagged, true, `want 1 field; if '\t' is between the fields, say so by Options.Comma`},
		{"a\n1,5\n", csv.RefuseRagged, true, "want 1 field"},
	} {
		r, err := csv.NewReader(strings.NewReader(c.in), &csv.Options{Ragged: c.ragged})
		if err == nil {
			_, _, err = writtenUntil(t, r, nil)
		}
		if !errors.Is(err, text.ErrRagged) || errors.Is(err, text.ErrExtra) != c.extra || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%q: error %v, want ErrRagged, ErrExtra as well: %v, and %q", c.in, err, c.extra, c.want)
		}
	}
	told := int64(0)
	r, err := csv.NewReader(strings.NewReader(in), &csv.Options{Ragged: csv.SkipRagged, OnRagged: func(n int64) { told += n }})
	if err != nil {
		t.Fatal(err)
	}
	if out, rows := written(t, r, nil); out != "a,b\n4,5\n7,8\n" || rows != 2 {
		t.Errorf("%d rows:\n%s", rows, out)
	}
	if told != 3 || r.Stats().Ragged != 3 {
		t.Errorf("%d records were told to be passed over, and %d counted, want 3", told, r.Stats().Ragged)
	}
}

// TestZoned wants a time with an offset, in a column without a zone, to have an error that says so.
func TestZoned(t *testing.T) {
	for _, at := range []string{"2026-01-31T09:30:00Z", "2026-01-31T09:30:00+02:00"} {
		in := "t\n2026-01-31T09:30:00\n" + at + "\n"
		r, err := csv.NewReader(strings.NewReader(in), &csv.Options{Types: []ipc.Field{{Name: "t", Type: ipc.Timestamp(column.Microsecond, ""), Nullable: true}}})
		if err == nil {
			_, _, err = writtenUntil(t, r, nil)
		}
		if !errors.Is(err, text.ErrZoned) || !errors.Is(err, text.ErrType) || errors.Is(err, text.ErrNaive) {
			t.Errorf("%s: error %v, want ErrZoned", at, err)
		}
	}
}
