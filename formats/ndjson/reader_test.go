package ndjson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// read returns what comes of s as lines, with the error that ended it.
func read(t testing.TB, s string, opts *ndjson.Options) (string, error) {
	t.Helper()
	return rewrite(t, s, opts, nil)
}

// rewrite returns what comes of s as a writer with those options has it, with the error that ended it.
func rewrite(t testing.TB, s string, opts *ndjson.Options, as *ndjson.WriterOptions) (string, error) {
	t.Helper()
	r, err := ndjson.NewReader(strings.NewReader(s), opts)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	w := ndjson.NewWriter(&out, schemaOf(r), as)
	check := ipc.NewChecker(schemaOf(r))
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			err = w.Close()
			return out.String(), err
		}
		if err != nil {
			return out.String(), err
		}
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
}

// TestGolden writes the values of other implementations' files and reads them back.
func TestGolden(t *testing.T) {
	names, _ := filepath.Glob("../../internal/testdata/arrow-testing/data/arrow-ipc-stream/integration/*/*.stream")
	peers, _ := filepath.Glob("../../internal/testdata/peers/*/*.arrows")
	count, twice := 0, map[string]bool{}
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
		if strings.Contains(name, "1.0.0-") && strings.Contains(name, "generated_decimal") { // whose values have more digits than their type
			continue
		}
		var out, array bytes.Buffer
		w, arrayWriter := ndjson.NewWriter(&out, schema, nil), ndjson.NewWriter(&array, schema, &ndjson.WriterOptions{Array: true})
		if errors.Is(w.Err(), text.ErrTwice) { // objects cannot have it
			twice[filepath.Base(name)] = true
			continue
		}
		for {
			var b ipc.Batch
			if b, err = r.Next(context.Background()); err != nil {
				break
			}
			for _, w := range []*ndjson.Writer{w, arrayWriter} {
				if err := w.Write(context.Background(), b.Len(), ipc.Columns(b)); err != nil {
					t.Fatal(err)
				}
			}
			b.Release()
		}
		if err != io.EOF {
			continue
		}
		if err := arrayWriter.Close(); err != nil {
			t.Fatal(err)
		}
		var items []json.RawMessage // for others it is the same objects
		if err := json.Unmarshal(array.Bytes(), &items); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var lines bytes.Buffer
		for _, item := range items {
			lines.Write(append(item, '\n'))
		}
		if lines.String() != out.String() {
			t.Errorf("%s: the array has\n%.1000s\nwant\n%.1000s", name, lines.String(), out.String())
		}
		spaced := "[" + strings.ReplaceAll(strings.TrimSuffix(out.String(), "\n"), "\n", ",\n ") + "]"
		for _, o := range []ndjson.Options{{}, {Parallel: 3, ChunkBytes: 1000}, {ChunkBytes: 999}} {
			o.Schema = schema
			for _, in := range []string{out.String(), array.String(), spaced} {
				have, err := read(t, in, &o)
				if errors.Is(err, errors.ErrUnsupported) {
					t.Logf("%s: %v", name, err)
					break
				}
				if err != nil || have != out.String() {
					t.Errorf("%s: %v\n%.1000s\nwant\n%.1000s", name, err, have, out.String())
				}
				count++
			}
		}
	}
	if count < 120 {
		t.Errorf("%d were read", count)
	}
	if len(twice) != 2 || !twice["generated_duplicate_fieldnames.stream"] || !twice["generated_union.stream"] {
		t.Errorf("%v have names twice", twice)
	}
}

// TestRules has what JSON says, and the policies for what it leaves open.
func TestRules(t *testing.T) {
	field := func(name string, typ ipc.Type, nullable bool, below ...ipc.Field) ipc.Field {
		return ipc.Field{Name: name, Type: typ, Nullable: nullable, Children: below}
	}
	ints := &ipc.Schema{Fields: []ipc.Field{field("a", ipc.Int8, true), field("b", ipc.Int64, false)}}
	nested := &ipc.Schema{Fields: []ipc.Field{field("legs", ipc.List, true, field("item", ipc.Struct, true, field("price", ipc.Float64, true), field("tags", ipc.Map, true,
		field("entries", ipc.Struct, false, field("key", ipc.Utf8, false), field("value", ipc.Int8, true)))))}}
	policy := func(j text.JSONOptions) text.Options { return text.Options{JSON: j} }
	for name, c := range map[string]struct {
		in   string
		opts ndjson.Options
		want string
		err  string
	}{
		"plain":          {in: `{"a":1,"b":"x"}` + "\n", want: `{"a":1,"b":"x"}` + "\n"},
		"no end":         {in: `{"a":1}`, want: `{"a":1}` + "\n"},
		"spaces":         {in: "\n \t{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }\r\n\n", want: `{"a":1,"b":[1,2]}` + "\n"},
		"bom":            {in: "\uFEFF{\"a\":1}\n", want: `{"a":1}` + "\n"},
		"order":          {in: `{"b":1,"a":2}{`, opts: ndjson.Options{Schema: ints}, err: "behind the object"},
		"any order":      {in: `{"b":1,"a":2}`, opts: ndjson.Options{Schema: ints}, want: `{"a":2,"b":1}` + "\n"},
		"absent":         {in: `{"b":1}`, opts: ndjson.Options{Schema: ints}, want: `{"a":null,"b":1}` + "\n"},
		"absent, needed": {in: `{"a":1}`, opts: ndjson.Options{Schema: ints}, err: `line 1, column 1: field "b": field is absent`},
		"null, needed":   {in: `{"a":1,"b":null}`, opts: ndjson.Options{Schema: ints}, err: `line 1, column 12: field "b": null in a column that is not nullable: found "null", want int64`},
		"unknown":        {in: "{\"b\":1}\n{\"b\":2,\"c\":3}", opts: ndjson.Options{Schema: ints}, err: `line 2, column 8: field "c": not in the schema: want one of "a", "b"`},
		"unknown, let":   {in: `{"c":[{"x":"]}"}],"b":2}`, opts: ndjson.Options{Schema: ints, Values: policy(text.JSONOptions{Unknown: text.Ignore})}, want: `{"a":null,"b":2}` + "\n"},
		"twice":          {in: `{"b":1,"b":2}`, opts: ndjson.Options{Schema: ints}, err: "field comes twice"},
		"twice, first":   {in: `{"b":1,"b":2}`, opts: ndjson.Options{Schema: ints, Values: policy(text.JSONOptions{Duplicates: text.FirstOfDuplicates})}, want: `{"a":null,"b":1}` + "\n"},
		"twice, last":    {in: `{"b":1,"a":null,"b":2}`, opts: ndjson.Options{Schema: ints, Values: policy(text.JSONOptions{Duplicates: text.LastOfDuplicates})}, want: `{"a":null,"b":2}` + "\n"},
		"type":           {in: `{"a":"1","b":2}`, opts: ndjson.Options{Schema: ints}, err: `field "a": value is of another type: found "\"1\"", want int8`},
		"type, escape":   {in: `{"a":"1\"}","b":2}`, opts: ndjson.Options{Schema: ints}, err: `found "\"1\\\"}\"", want int8`},
		"no key":         {in: "{\"b\":1}\n{bad\n", opts: ndjson.Options{Schema: ints}, err: `line 2, column 2: text does not follow its format: found "bad", want a key in quotes`},
		"no key, second": {in: "{\"b\":1, bad}\n", opts: ndjson.Options{Schema: ints}, err: `line 1, column 9: text does not follow its format: found "bad", want a key in quotes`},
		"bad key":        {in: `{"b":1,"a\x":1}`, opts: ndjson.Options{Schema: ints}, err: `line 1, column 10: text does not follow its format: found "\\x\":1", want an escape`},
		"no comma, two":  {in: `{"b":1 "a":1}`, opts: ndjson.Options{Schema: ints}, err: `line 1, column 8: text does not follow its format: found "\"a\"", want a comma`},
		"NaN alone":      {in: `{"a":NaN}`, err: `line 1, column 6: text does not follow its format: found "NaN", want a value of JSON`},
		"zero alone":     {in: `{"a":01}`, err: `line 1, column 6: text does not follow its format: found "01"`},
		"comma alone":    {in: `{"a":1,}`, err: `line 1, column 8: text does not follow its format: found "}", want a key in quotes`},
		"several lines":  {in: "{\n  \"a\": 1\n}\n", err: `line 1, column 2: text does not follow its format: want a key in quotes; an object stands on one line`},
		"cut off":        {in: "{\"b\":1,\r\n\"a\":1}", opts: ndjson.Options{Schema: ints}, err: `want a key in quotes; an object stands on one line`},
		"no key, nested": {in: `{"legs":[{"price":1},{x}]}`, opts: ndjson.Options{Schema: nested}, err: `field "legs[1]": text does not follow its format: found "x", want a key`},
		"type, let":      {in: `{"a":{"x":[]},"b":2}`, opts: ndjson.Options{Schema: ints, Values: policy(text.JSONOptions{WrongType: text.Ignore})}, want: `{"a":null,"b":2}` + "\n"},
		"type, needed":   {in: `{"a":1,"b":true}`, opts: ndjson.Options{Schema: ints, Values: policy(text.JSONOptions{WrongType: text.Ignore})}, err: `found "true", want int64`},
		"range":          {in: `{"a":128,"b":2}`, opts: ndjson.Options{Schema: ints}, err: `field "a": value does not fit its type: found "128", want int8`},
		"range, let":     {in: `{"a":-129,"b":2}`, opts: ndjson.Options{Schema: ints, Values: policy(text.JSONOptions{Range: text.Ignore})}, want: `{"a":null,"b":2}` + "\n"},
		"fraction":       {in: `{"b":2.5}`, opts: ndjson.Options{Schema: ints}, err: "does not fit"},
		"no number":      {in: `{"b":01}`, opts: ndjson.Options{Schema: ints}, err: "follow its format"},
		"nested":         {in: `{"legs":[{"price":1.5,"tags":{"x":1}},null,{"tags":[{"key":"y","value":null}]}]}`, opts: ndjson.Options{Schema: nested}, want: `{"legs":[{"price":1.5,"tags":[{"key":"x","value":1}]},null,{"price":null,"tags":[{"key":"y","value":null}]}]}` + "\n"},
		"nested path":    {in: `{"legs":[{"price":1.5},{"tags":[{"key":"y","value":300}]}]}`, opts: ndjson.Options{Schema: nested}, err: `field "legs[1].tags[0].value": value does not fit its type: found "300", want int8`},
		"not finite":     {in: `{"legs":[{"price":"NaN"},{"price":"-Infinity"}]}`, opts: ndjson.Options{Schema: nested}, want: `{"legs":[{"price":"NaN","tags":null},{"price":"-Infinity","tags":null}]}` + "\n"},
		"not finite, no": {in: `{"legs":[{"price":"NaN"}]}`, opts: ndjson.Options{Schema: nested, Values: policy(text.JSONOptions{NonFinite: text.Ignore, WrongType: text.Ignore})}, want: `{"legs":[{"price":null,"tags":null}]}` + "\n"},
		"bare NaN":       {in: `{"legs":[{"price":NaN}]}`, opts: ndjson.Options{Schema: nested}, err: "follow its format"},
		"escapes":        {in: `{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00x"}`, want: `{"a":"\"\\/\u0008\u000c\n\r\té😀x"}` + "\n"},
		"half surrogate": {in: `{"a":"\ud83dx"}`, opts: ndjson.Options{Schema: &ipc.Schema{Fields: []ipc.Field{field("a", ipc.Utf8, true)}}}, err: "two surrogates"},
		"control":        {in: "{\"a\":\"x\ty\"}", opts: ndjson.Options{Schema: &ipc.Schema{Fields: []ipc.Field{field("a", ipc.Utf8, true)}}}, err: "control character"},
		"invalid":        {in: "{\"a\":\"\xFF\"}", opts: ndjson.Options{Schema: &ipc.Schema{Fields: []ipc.Field{field("a", ipc.Utf8, true)}}}, err: "UTF-8"},
		"depth":          {in: `{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, opts: ndjson.Options{Schema: ints, Values: policy(text.JSONOptions{Unknown: text.Ignore, WrongType: text.Ignore})}, err: "MaxDepth"},
		"no object":      {in: `3`, opts: ndjson.Options{Schema: ints}, err: `want an object`},
		"empty":          {in: "", opts: ndjson.Options{Schema: ints}, want: ""},
		"array":          {in: ` [ {"b":1} , {"b":2,"a":"]"} ] `, opts: ndjson.Options{Schema: ints, Values: policy(text.JSONOptions{WrongType: text.Ignore})}, want: `{"a":null,"b":1}` + "\n" + `{"a":null,"b":2}` + "\n"},
		"empty array":    {in: "[]", opts: ndjson.Options{Schema: ints}, want: ""},
		"open array":     {in: `[{"b":1}`, opts: ndjson.Options{Schema: ints}, err: "the end of the array"},
		"no comma":       {in: `[{"b":1}{"b":2}]`, opts: ndjson.Options{Schema: ints}, err: "a comma or the end"},
		"last comma":     {in: `[{"b":1},]`, opts: ndjson.Options{Schema: ints}, err: "an object"},
		"behind":         {in: `[{"b":1}] 2`, opts: ndjson.Options{Schema: ints}, err: "nothing behind"},
		"array, bad":     {in: `[{"b":"x"},{"b":2}]`, opts: ndjson.Options{Schema: ints, MaxRejected: 1}, want: `{"a":null,"b":2}` + "\n"},
		"types":          {in: `{"a":1}`, opts: ndjson.Options{Types: []ipc.Field{field("a", ipc.Float32, true), field("z", ipc.Utf8, true)}}, want: `{"a":1,"z":null}` + "\n"},
		"two kinds":      {in: "{\"a\":1}\n{\"a\":[]}", err: `line 2, column 6: field "a": value is of another type than in the records before: found "[", want a number; no type has both`},
		"no fields":      {in: `{"a":{}}`, err: "without columns"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{0, 1, 5} {
				c.opts.ChunkBytes = size
				have, err := read(t, c.in, &c.opts)
				if size != 0 && c.opts.Schema == nil {
					continue // less is known of the columns
				}
				if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Fatalf("chunks of %d: %v, want %q", size, err, c.err)
				}
				if have != c.want && c.err == "" {
					t.Fatalf("chunks of %d:\n%s, want\n%s", size, have, c.want)
				}
			}
		})
	}
}

func TestInference(t *testing.T) {
	in := `{"i":1,"f":1,"u":18446744073709551615,"b":true,"s":"x","d":"2024-01-31","t":"2024-01-31T10:00:00Z","n":null,"l":[1,null],"o":{"x":1},"e":[],"m":"","nan":1}
{"i":-1,"f":0.5,"u":1,"b":null,"s":"2024-01-31","d":"2024-02-01","t":"2024-01-31T10:00:00.5Z","l":[2.5],"o":{"y":[{"z":"q"}]},"late":1,"m":"2024-01-31","nan":"NaN"}
`
	r, err := ndjson.NewReader(strings.NewReader(in), nil)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for i := range schemaOf(r).Fields {
		f := &schemaOf(r).Fields[i]
		have = append(have, f.Name+" "+f.TypeString())
	}
	want := []string{
		"i int64", "f float64", "u uint64", "b bool", "s utf8", "d date32", "t timestamp[us, UTC]", "n null", "l list<item: float64>",
		"o struct<x: int64, y: list<item: struct<z: utf8>>>", "e list<item: null>", "m utf8", "nan float64", "late int64",
	}
	if !slices.Equal(have, want) {
		t.Errorf("%q\nwant %q", have, want)
	}
}

// FuzzJSON compares with package encoding/json which lines are JSON, and what texts, numbers and bools in them are.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"s":"a\u00e9\ud83d\ude00\n","f":1.5e3,"i":12,"b":true}`, `{"s":null,"l":["x",null,"y"]}`, `{"l":[]}`, `{}`, `{"s":"\ud800"}`, `{"i":01}`, `{"s":"x",}`, `{"f":-0.0,"x":[{"y":[1,2,{}]}]}`, ` { "b" : false } `, `{"i":1e2}`} {
		f.Add(s)
	}
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "s", Type: ipc.Utf8, Nullable: true},
		{Name: "f", Type: ipc.Float64, Nullable: true},
		{Name: "i", Type: ipc.Int64, Nullable: true},
		{Name: "b", Type: ipc.Bool, Nullable: true},
		{Name: "l", Type: ipc.List, Nullable: true, Children: []ipc.Field{{Name: "item", Type: ipc.Utf8, Nullable: true}}},
	}}
	type row struct {
		S *string   `json:"s"`
		F *float64  `json:"f"`
		I *int64    `json:"i"`
		B *bool     `json:"b"`
		L []*string `json:"l"`
	}
	f.Fuzz(func(t *testing.T, in string) {
		if strings.ContainsAny(in, "\n\r") || strings.TrimLeft(in, " \t") == "" || strings.HasPrefix(strings.TrimLeft(in, " \t"), "[") || strings.HasPrefix(in, "\uFEFF") {
			return
		}
		var keys map[string]json.RawMessage
		valid := json.Unmarshal([]byte(in), &keys) == nil && keys != nil
		have, err := read(t, in, &ndjson.Options{Schema: schema, Values: text.Options{JSON: text.JSONOptions{Unknown: text.Ignore, Duplicates: text.LastOfDuplicates, MaxDepth: 20_000}}})
		if err == nil && !valid {
			t.Fatalf("%q is no JSON", in)
		}
		if err != nil {
			if valid && errors.Is(err, text.ErrSyntax) {
				t.Fatalf("%q: %v", in, err)
			}
			return
		}
		for key := range keys { // whose case encoding/json does not look at
			if lower := strings.ToLower(key); lower != key || strings.ContainsAny(key, "ſK") {
				return
			}
		}
		var want, back row
		if err := json.Unmarshal([]byte(in), &want); err != nil {
			return // such as a number as a text, which is read
		}
		if err := json.Unmarshal([]byte(have), &back); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(back)
		if !bytes.Equal(a, b) {
			t.Fatalf("%q:\n%s, want\n%s", in, b, a)
		}
	})
}

// FuzzReader reads anything, as lines and as an array, and gets the same of it in chunks of any size.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"{\"a\":1}\n{\"a\":\"x\"}\n", `[{"a":[{"b":"]"}]},{"a":null}]`, "{\"a\":{\"b\":2}}\n\n{\"c\":true}", `[1,{"a":"\"}"}`} {
		f.Add(s, byte(3), byte(0))
	}
	f.Fuzz(func(t *testing.T, in string, size, flags byte) {
		o := ndjson.Options{MaxRejected: -1, MaxRecord: 1 << 16, Values: text.Options{JSON: text.JSONOptions{
			Unknown: text.Policy(flags & 1), Duplicates: text.Duplicates(flags >> 1 % 3), WrongType: text.Policy(flags >> 3 & 1), Range: text.Policy(flags >> 4 & 1), NonFinite: text.Policy(flags >> 5 & 1),
		}}}
		r, err := ndjson.NewReader(strings.NewReader(in), &o)
		if err != nil {
			return
		}
		o.Schema = schemaOf(r)
		whole, wholeErr := read(t, in, &o)
		for _, parallel := range []int{1, 2} {
			o.ChunkBytes, o.Parallel = int(size)+1, parallel
			have, err := read(t, in, &o)
			if (err == nil) != (wholeErr == nil) || err == nil && have != whole {
				t.Fatalf("in chunks:\n%q, %v\nwhole:\n%q, %v", have, err, whole, wholeErr)
			}
		}
		if again, err := read(t, whole, &ndjson.Options{Schema: o.Schema}); err != nil || again != whole {
			t.Fatalf("%q, read back as %q, %v", whole, again, err)
		}
		array, err := rewrite(t, whole, &ndjson.Options{Schema: o.Schema}, &ndjson.WriterOptions{Array: true})
		if err != nil || !json.Valid([]byte(array)) {
			t.Fatalf("%q as an array is %q, %v", whole, array, err)
		}
		if again, err := read(t, array, &ndjson.Options{Schema: o.Schema, ChunkBytes: int(size) + 1}); err != nil || again != whole {
			t.Fatalf("%q, read back as %q, %v", array, again, err)
		}
	})
}

// TestRejected passes over some records and writes them elsewhere.
func TestRejected(t *testing.T) {
	var rejected bytes.Buffer
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int64}}}
	have, err := read(t, "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":2\n{\"a\":3}\n", &ndjson.Options{Schema: schema, MaxRejected: 2, Rejected: &rejected})
	if err != nil || have != "{\"a\":1}\n{\"a\":3}\n" || rejected.String() != "{\"a\":\"x\"}\n{\"a\":2\n" {
		t.Errorf("%q, %q, %v", have, rejected.String(), err)
	}
	long := `{"a":` + strings.Repeat(" ", 5000) + "1}"
	if _, err := read(t, long, &ndjson.Options{Schema: schema, MaxRecord: 1000}); !errors.Is(err, text.ErrLimit) {
		t.Error(err)
	}
}

// TestRejectedByInference passes over records whose values are of another kind than in those before, with all that came in them before that
// value: new fields, kinds, and numbers that would need a wider type.
func TestRejectedByInference(t *testing.T) {
	records := []string{
		`{"a":1,"o":{"x":1}}`, `{"new":true,"o":{"y":2,"x":2.5},"l":[1],"a":"x"}`, `{"a":2,"l":["t"]}`, `{"l":["u",3]}`, `{"a":true}`,
		`{"o":[]}`, `{"a":3,"new":"text","o":null}`,
	}
	const want = `{"a":1,"o":{"x":1},"l":null,"new":null}` + "\n" + `{"a":2,"o":null,"l":["t"],"new":null}` + "\n" + `{"a":3,"o":null,"l":null,"new":"text"}` + "\n"
	for name, in := range map[string]string{"lines": strings.Join(records, "\n"), "array": "[" + strings.Join(records, ",\n") + "]"} {
		var rejected bytes.Buffer
		told := 0
		have, err := read(t, in, &ndjson.Options{MaxRejected: 4, Rejected: &rejected, OnRejected: func(*text.ValueError) { told++ }})
		if err != nil || have != want || told != 4 || rejected.String() != records[1]+"\n"+strings.Join(records[3:6], "\n")+"\n" {
			t.Errorf("%s: %q, %d rejected: %q, %v", name, have, told, rejected.String(), err)
		}
		var e *text.ValueError
		if _, err := read(t, in, &ndjson.Options{MaxRejected: 3}); !errors.Is(err, text.ErrRejected) || !errors.Is(err, text.ErrType) || !errors.As(err, &e) || e.Line != 6 || e.Path != "o" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := read(t, in, nil); !errors.As(err, &e) || e.Line != 2 || e.Path != "a" || !errors.Is(err, text.ErrMixed) || !errors.Is(err, text.ErrType) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTexts looks at values in memory, not at what is printed of them.
func TestTexts(t *testing.T) {
	r, err := ndjson.NewReader(strings.NewReader(`{"s":"a\u0000b"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if s := column.TextsOf(b.Column(0)).At(0); s != "a\x00b" {
		t.Errorf("%q", s)
	}
}

// schemaOf returns the schema of a reader, which knows it from the beginning.
func schemaOf(r *ndjson.Reader) *ipc.Schema {
	s, err := r.Schema(context.Background())
	if err != nil {
		panic(err)
	}
	return s
}

// TestGivenType wants a column whose type is given to have values that no type would be inferred from, in objects too.
func TestGivenType(t *testing.T) {
	const in = `{"a":1,"b":{"c":[1]}}` + "\n" + `{"a":"x","b":{"c":"y"}}` + "\n"
	if _, err := ndjson.NewReader(strings.NewReader(in), nil); !errors.Is(err, text.ErrType) {
		t.Fatalf("%v", err)
	}
	b := ipc.Field{Name: "b", Type: ipc.Struct, Nullable: true, Children: []ipc.Field{{Name: "c", Type: ipc.Utf8, Nullable: true}}}
	r, err := ndjson.NewReader(strings.NewReader(in), &ndjson.Options{Types: []ipc.Field{{Name: "a", Type: ipc.Int8, Nullable: true}, b}, MaxRejected: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(t.Context()); err != io.EOF || r.Stats().Rejected != 2 {
		t.Errorf("%v, %+v", err, r.Stats())
	}
}

// TestFullDictionary wants a batch with a dictionary of its own where that of the one before has no room.
func TestFullDictionary(t *testing.T) {
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&lines, "{\"n\":%d,\"d\":\"x%d\",\"k\":%d}\n", i, i%400, i%300)
	}
	dict := &ipc.DictionaryEncoding{Index: ipc.Int8}
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "n", Type: ipc.Int64}, {Name: "d", Type: ipc.Utf8, Dictionary: dict}, {Name: "k", Type: ipc.Int64, Dictionary: dict},
	}}
	array := "[" + strings.ReplaceAll(strings.TrimSpace(lines.String()), "\n", ",\n") + "]"
	for _, in := range []string{lines.String(), array} {
		for _, o := range []ndjson.Options{{}, {BatchRows: 100}, {BatchRows: 1}, {Parallel: 3, ChunkBytes: 2000}, {ChunkBytes: 1}} {
			o.Schema = schema
			o.Values.JSON.Range = text.Ignore // which is for values, not for what the batch has besides
			if have, err := read(t, in, &o); err != nil || have != lines.String() {
				t.Errorf("%.1s %+v: %v, %d bytes, want %d", in, o, err, len(have), lines.Len())
			}
		}
	}
}

// TestErrorsNameTheInput wants the name of a file, or that of the options, before the errors of readers of any schema and of tables.
func TestErrorsNameTheInput(t *testing.T) {
	plain := func(r io.Reader, o ndjson.Options) error {
		in, err := ndjson.NewReader(r, &o)
		if err == nil {
			_, err = in.Next(context.Background())
		}
		return err
	}
	typed := func(r io.Reader, o ndjson.Options) error {
		in, err := feed.NewTradeNDJSONReader(r, &o)
		if err == nil {
			_, err = in.Next(context.Background())
		}
		return err
	}
	for _, c := range []struct {
		in   string
		read func(io.Reader, ndjson.Options) error
		want string // behind the name
	}{
		{"{\"a\":1}\n{\"a\":\"x\"}\n", plain, ": line 2, column 6: field \"a\""},
		{"{\"a\":1}\n{\"a\"\n", plain, ": line 2, column "},
		{"[{\"a\":1}", plain, ": line 1, column "},
		{"{\"size\":\"x\"}\n", typed, ": line 1, column 9: field \"size\""},
	} {
		name := filepath.Join(t.TempDir(), "trades.ndjson")
		if err := os.WriteFile(name, []byte(c.in), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := c.read(f, ndjson.Options{}); err == nil || !strings.HasPrefix(err.Error(), "lightstream: "+name+c.want) {
			t.Errorf("%q: error %v, want the name of the file and %q", c.in, err, c.want)
		}
		if err := c.read(strings.NewReader(c.in), ndjson.Options{Name: "feed 7"}); err == nil || !strings.HasPrefix(err.Error(), "lightstream: feed 7"+c.want) {
			t.Errorf("%q: error %v, want the name of the options and %q", c.in, err, c.want)
		}
	}
}

// TestMixedKinds wants a column of values of two kinds to be promised a type only where one holds both.
func TestMixedKinds(t *testing.T) {
	const help = "give the column a type that reads numbers in quotes"
	for _, c := range []struct {
		in    string
		helps bool
	}{
		{"{\"a\":1}\n{\"a\":\"2.5\"}\n", true},
		{"{\"a\":\"2.5\"}\n{\"a\": 1}\n", true},
		{"{\"a\":1}\n{\"a\":\"x\"}\n", false},
		{"{\"a\":\"x\"}\n{\"a\":\"2\"}\n{\"a\":1}\n", false},
		{"{\"a\":\"\"}\n{\"a\":\"2\"}\n{\"a\":1}\n", false},
		{"{\"a\":\"true\"}\n{\"a\":true}\n", false},
		{"{\"a\":[1]}\n{\"a\":{\"b\":1}}\n", false},
	} {
		_, err := read(t, c.in, nil)
		if !errors.Is(err, text.ErrMixed) || strings.Contains(err.Error(), help) != c.helps || strings.Contains(err.Error(), "no type has both") == c.helps {
			t.Errorf("%q: error %v; that a type helps is %v", c.in, err, c.helps)
		}
		for _, typ := range []ipc.Type{ipc.Float64, ipc.Decimal(128, 18, 2)} {
			if _, err := read(t, c.in, &ndjson.Options{Types: []ipc.Field{{Name: "a", Type: typ, Nullable: true}}}); (err == nil) != c.helps {
				t.Errorf("%q as %v: error %v; that it helps is %v", c.in, typ, err, c.helps)
			}
		}
	}
}
