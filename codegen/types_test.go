package codegen_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
)

var update = flag.Bool("update", false, "rewrite docs/types.md")

// typeRows are the rows of docs/types.md: a field of a Go struct (its type and tag), and the same field of a schema, "" where it
// has none.
var typeRows = []typeRow{
	{"bool", "", "bool"},
	{"int8", "", "byte"},
	{"int16", "", "short"},
	{"int32", "", "int"},
	{"int64", "", "long"},
	{"uint8", "", "ubyte"},
	{"uint16", "", "ushort"},
	{"uint32", "", "uint"},
	{"uint64", "", "ulong"},
	{"rt.Float16", "", "ushort (float16)"},
	{"float32", "", "float"},
	{"float64", "", "double"},
	{"time.Time", "", "long (timestamp)"},
	{"time.Time", "timestamp(us,Europe/Berlin)", `long (timestamp: "us,Europe/Berlin")`},
	{"time.Time", "timestamp(ms)", `long (timestamp: "ms")`},
	{"int64", "timestamp(us,UTC)", `long (timestamp: "us,UTC", raw)`},
	{"rt.Date", "", "int (date)"},
	{"time.Time", "date32", ""},
	{"rt.DateMillis", "", "long (date)"},
	{"time.Time", "date64", ""},
	{"time.Duration", "time32(s)", `int (time: "s")`},
	{"time.Duration", "time32", "int (time)"},
	{"time.Duration", "time64(us)", `long (time: "us")`},
	{"time.Duration", "time64", "long (time)"},
	{"time.Duration", "", "long (duration)"},
	{"time.Duration", "duration(ms)", `long (duration: "ms")`},
	{"rt.Decimal32", "decimal(9,2)", `int (decimal: "9,2")`},
	{"rt.Decimal64", "decimal(18,4)", `long (decimal: "18,4")`},
	{"rt.Decimal128", "decimal(38,10)", `string (required, decimal: "38,10")`},
	{"rt.Decimal256", "decimal(76,20)", `string (required, decimal: "76,20")`},
	{"string", "", "string (required)"},
	{"string", "large", "string (required, large)"},
	{"string", "view", "string (required, view)"},
	{"[]byte", "required", "[ubyte] (required)"},
	{"[]byte", "large,required", "[ubyte] (required, large)"},
	{"[]byte", "view,required", "[ubyte] (required, view)"},
	{"[32]byte", "", "[ubyte] (required, fixed: 32)"},
	{"[16]byte", "uuid", "[ubyte] (required, uuid)"},
	{"string", "dict", "string (required, dict)"},
	{"string", "dict(uint8)", `string (required, dict: "uint8")`},
	{"[]byte", "dict,required", "[ubyte] (required, dict)"},
	{"int64", "dict(int16)", `long (dict: "int16")`},
	{"Side", "", "Side"},
	{"Side", "dict(int8)", `Side (dict: "int8")`},
	{"struct{}", "", "Nothing"},
}

// nestedRows are the rows of the table of nested columns.
var nestedRows = []typeRow{
	{"Point", "", "Point (required)"},
	{"*Point", "", ""},
	{"rt.Null[Point]", "", "Point"},
	{"[]float64", "", "[double]"},
	{"[]float64", "required", "[double] (required)"},
	{"[]rt.Null[float64]", "", `[double] (item: "nullable")`},
	{"[]*float64", "", ""},
	{"[]string", "", "[string]"},
	{"[]string", "large", "[string] (large)"},
	{"[]string", "view", "[string] (view)"},
	{"[]string", "item(dict)", `[string] (item: "dict")`},
	{"[]time.Time", "item(timestamp(us,UTC))", `[long] (item: "timestamp(us,UTC)")`},
	{"[]Point", "", "[Point]"},
	{"[][]float64", "", `[Line] (item: "nullable")`},
	{"[][]byte", "item(required)", "[Blob]"},
	{"[3]float32", "", "[float] (required, fixed: 3)"},
	{"rt.Null[[3]float32]", "", "[float] (fixed: 3)"},
	{"map[string]int64", "", "[Label] (map)"},
	{"map[string]int64", "required", "[Label] (required, map)"},
	{"map[string][]Point", "", ""},
	{"Event", "", "Event"},
	{"Event", "sparse", "Event (sparse)"},
	{"[]Event", "required", "[Event] (required)"},
	{"Answer", "", "Answer (required)"},
	{"string", "ree", "string (required, ree)"},
	{"rt.Null[float64]", "ree(int16)", `double = null (ree: "int16")`},
	{"*time.Time", "timestamp(us,UTC),ree", ""},
	{"[]byte", "ree", "[ubyte] (ree)"},
	{"string", "dict,ree", "string (required, dict, ree)"},
	{"[]string", "item(ree)", `[string] (item: "ree")`},
}

// typeForms are the rows of the second table.
var typeForms = []typeRow{
	{"rt.Null[int64]", "", "long = null"},
	{"*int64", "", ""},
	{"rt.Null[string]", "", "string"},
	{"*string", "", ""},
	{"[]byte", "", "[ubyte]"},
	{"rt.Null[time.Time]", "", "long = null (timestamp)"},
	{"rt.Null[[16]byte]", "uuid", "[ubyte] (uuid)"},
	{"rt.Null[rt.Decimal128]", "decimal(38,10)", `string (decimal: "38,10")`},
	{"rt.Null[string]", "dict", "string (dict)"},
	{"rt.Null[Side]", "dict", "Side = null (dict)"},
}

const typesHead = `# Types

Written by ` + "`go test ./codegen -run TestTypes -update`" + ` from what the generator makes of each field; do not edit.

A field of a Go struct marked ` + "`//lightstream:table`" + ` and a field of a ` + "`.fbs`" + ` table that stand in one row give the same column, with the
same accessor of a batch and the same builder. The tag is that of ` + "`arrow:\"name,…\"`" + `, after the name. Where a row has no field in a
schema, only Go can say it.

`

const typesTail = `
## What to know

- **Numbers** may be of a type of your own (` + "`type Level float64`" + `); so may bools, strings, byte slices and arrays. The accessor of a
  fixed-width column then has your type. Only numbers and arrays can be ` + "`rt.Null`" + ` of such a type; others are pointers.
  A type that is declared as one that has a column of its own, such as ` + "`type Wait time.Duration`" + `, is refused; use that one itself.
- **Dates** as ` + "`time.Time`" + ` are the day of the time in its own location, and are read as the start of that day in UTC.
- **Timestamps** are read as instants, in UTC whatever the zone of the column, which ` + "`In`" + ` gives back: ` + "`t.In(zone)`" + `. Parts of a time finer than
  the unit are dropped: 999 ns in a column of microseconds is 0.
- **Times of day** are durations since midnight: 0 to 24h, that end excluded. Parts finer than the unit are dropped.
- **Decimals** are unscaled: 1.50 in ` + "`decimal(9,2)`" + ` is 150. ` + "`Text(scale)`" + ` writes them with their point, and
  ` + "`rt.ParseDecimal`" + ` reads them, with a constant for the scale that is generated for each column of a table, such as TradePriceScale, for those of
  structs below it, TradeLegFeeScale, and for items of lists and values of maps; below the table's own columns, not where your package has that name. A value with more digits than the
  precision is the builder's error. A schema's ` + "`string`" + ` is 128 bits up to 38 digits and 256 beyond; a struct of 16 or 32 bytes says
  the width itself.
- **large and view** say how the column is written, and which layout is read in place. Every reader takes each form for the other.
- **UUID** is Arrow's canonical extension type ` + "`arrow.uuid`" + `, whose 16 bytes are in the order in which they are printed.
- **Enums** are their integer, or with ` + "`dict`" + ` a dictionary of their names. A schema's enum becomes a Go type with ` + "`String`" + ` and
  ` + "`ParseSide`" + `; a Go type needs the same two: ` + "`func (Side) String() string`" + ` and ` + "`func ParseSide(string) (Side, error)`" + `.
  ` + "`String`" + ` must not panic for values without a name, such as one beyond an array of names. Writing a value
  without a name is the builder's error (` + "`column.ErrUnnamed`" + `). Reading a batch in which a row has a name that ` + "`ParseSide`" + ` does not
  know is a ` + "`*rt.ConvertError`" + ` that wraps ` + "`rt.ErrUnknownName`" + `, rather than a zero that looks like a value; names that stand in the
  dictionary and in no row do no harm. ` + "`Text(i)`" + ` gives a name as it was sent.
- **Dictionaries of integers** have their values as little-endian bytes in the ` + "`column.Dictionary`" + `.
- **Structs** of Go or a schema (a ` + "`table` or `struct`" + `) that are the type of a field are columns below a column. Their view has an
  accessor for each field, as a batch has: ` + "`batch.Leg().Price()`" + `. A type that contains itself is refused.
- **Lists**: ` + "`At(i)`" + ` of a list column is the part of the items that row i has, as a view of the items: of numbers ` + "`column.Plain[T]`" + `, which
  is a ` + "`[]T`" + `, and of structs a view with an accessor for each field. Nothing is copied. What a tag says of items stands in
  ` + "`item(…)`" + `: ` + "`item(dict,required)`" + `. In a schema items are never null unless ` + "`item: \"nullable\"`" + ` says so, and a list whose items are lists or
  binaries has a table that stands for them: ` + "`table Line (list) { points: [double]; }`" + `.
- **Maps** are lists of entries: ` + "`At(i).Keys()`" + ` and ` + "`At(i).Values()`" + ` are views. A builder writes the entries of a Go map in the order of
  their keys. Of entries with the same key a Go map has the last. Keys are strings, integers, times, dates or arrays of bytes; tags
  say of them and of values what they say in ` + "`key(…)`" + ` and ` + "`value(…)`" + `.
- **Unions** are an interface of Go with an unexported method, of which ` + "`//lightstream:union null | Point | note: EventNote`" + ` in its comment
  names the members, or a union of a schema that is the type of a field. Members are types of the package: structs, or what else a field
  may be under a name of its own. ` + "`batch.Event()`" + ` has the type id of a row, ` + "`Type(i)`" + `, the values of each member, of which ` + "`Index(i)`" + ` tells that
  of a row, and ` + "`Row(i)`" + `, the Go value. A nil is a row of the member ` + "`null`" + `; without that member it is the builder's error.
  Members of a schema are what flatbuffers have: tables, structs and strings, with ` + "`dict`, `large`, `view`, `arrow_name` and `go_name`" + `. A table
  that stands for a list is one, and a number is a struct of one field: ` + "`struct Level { value: double; }`" + `. No member is nullable.
- **Run-end encoded** columns hold a value once that comes several times in a row. ` + "`At(i)`" + ` looks for the run of a row; ` + "`All()`" + ` and ` + "`Runs()`" + ` go
  through all of them in turn. A builder's ` + "`Append`" + ` makes the last run longer if it has the value.
- **Rows** of nested columns share memory: the items of all lists of a column and batch are one slice, of which a row has a part with
  its capacity cut. A list that is kept keeps those of its batch alive. Maps are made for each row.
- **Every column** takes, in a tag or as an attribute: ` + "`was=old`" + `, an older name under which streams may have it, and a name for its accessors,
  ` + "`go=Price`" + ` or ` + "`go_name`" + `. One that is a number, a bool or a text takes ` + "`default=0`" + `, or in a schema ` + "`= 0`" + `: the value of its rows where a stream has no such
  column. Defaults of times and decimals are text, in a schema as an attribute, ` + "`settled: int (date, default: \"2026-01-31\")`" + `: a timestamp in
  RFC 3339 (` + "`2026-01-31T09:30:00Z`" + `, without the offset where the column has no zone), a day, a time of day (` + "`09:30:00.5`" + `), a duration in Go's form
  (` + "`1m30s`" + `), a decimal (` + "`-0.25`" + `). Each must be exact in the column's unit and digits. A timestamp with a zone takes ` + "`naive=UTC`" + `: times without a zone are taken as UTC.
- **Null** is ` + "`struct{}`" + `, the type with one value, as the column has; in a schema it is a table without fields. A column of nulls in a
  stream fits every nullable column.

## Streams that differ

| column of the table | columns of a stream that fit |
| --- | --- |
| integer | the same, and narrower ones whose values all fit |
| float32, float64 | the same, and narrower ones |
| timestamp | any unit: finer by checked multiplication, coarser if exact; any zone; without one only with ` + "`naive=UTC`" + ` |
| duration | any unit, likewise |
| time32, time64 | either, in any unit, likewise |
| date32, date64 | either; a date64 that is no whole day is an error |
| decimal | the same scale, no more bits, no more digits |
| text | utf8, large, view, and dictionaries of them |
| binary | binary, large, view, dictionaries of them, and fixed-size binary |
| fixed-size binary | the same width; binary in any layout whose values all have that width |
| dictionary | any index type; plain values; of other values than texts and binaries, those of the same type |
| struct | a struct: its fields by name, by the rules of this table; others are passed over |
| list, large list | list, large list, list of a fixed length; a list view whose rows follow each other |
| list view | list, large list, list of a fixed length, list view |
| list of a fixed length | one of that length |
| map | a map, keys and values by the rules of this table |
| union | a union, dense or sparse, of the same members or fewer: by name, whatever their order and type ids; one that the table lacks is an error |
| run-end encoded | run ends of any width; plain values, each of which becomes a run |
| any flat value | a dictionary of values that fit, which are written out |
| any flat value | run-end encoded values, which are expanded, up to ` + "`Limits.MaxExpanded`" + ` bytes |
| any nullable column | null; none at all |

A value that does not fit is a ` + "`*rt.ConvertError`" + ` with column and row. Everything else is a ` + "`*rt.SchemaError`" + ` before the first batch.
`

type typeRow struct{ goType, tag, fbs string }

// TestTypes keeps docs/types.md what the generator does.
func TestTypes(t *testing.T) {
	var doc strings.Builder
	doc.WriteString(typesHead)
	doc.WriteString(typeTable(t, typeRows))
	doc.WriteString("\n## Nullable columns\n\n`*T` and `rt.Null[T]` are nullable, and so is a byte slice that is not `required`: its nil is null.\n\n")
	doc.WriteString(typeTable(t, typeForms))
	doc.WriteString("\n## Nested columns\n\nSlices and maps are nullable unless they are `required`: their nil is null.\n\n")
	doc.WriteString(typeTable(t, nestedRows))
	doc.WriteString(typesTail)
	const name = "../docs/types.md"
	if *update {
		write(t, name, doc.String())
	}
	if have, got := read(t, name), doc.String(); got != have {
		t.Errorf("%s is stale; run: go test ./codegen -run TestTypes -update\n%s", name, firstDifference(have, got))
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	typeLine    = regexp.MustCompile(`(?m)^\tfield(\d+): (.*?)(?:; .*)?$`) // of the lock
	typeView    = regexp.MustCompile(`func \(b TBatch\) Field(\d+)\(\) (\S.*?) \{`)
	typeBuilder = regexp.MustCompile(`func \(b \*TBuilder\) Field(\d+)\(\) (\S.*?) \{`)
)

// typeTable returns a table of what is generated for fields, which have to be the same in both front ends.
func typeTable(t *testing.T, list []typeRow) string {
	t.Helper()
	var goFields, fbsFields strings.Builder
	for i, r := range list {
		tag := ""
		if r.tag != "" {
			tag = fmt.Sprintf("`arrow:\",%s\"`", r.tag)
		}
		fmt.Fprintf(&goFields, "\tField%d %s %s\n", i, r.goType, tag)
		if r.fbs != "" {
			fmt.Fprintf(&fbsFields, "  field%d: %s;\n", i, r.fbs)
		}
	}
	goDir, fbsDir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(goDir, "t.go"), "package feed\n\nimport (\n\t\"time\"\n\n\trt \"github.com/lightstream-go/lightstream/runtime\"\n)\n\n"+
		"type Side uint8\n\nfunc (Side) String() string\n\nfunc ParseSide(string) (Side, error)\n\ntype Point struct{ X, Y float64 }\n\n"+
		"//lightstream:union null | Point | note: EventNote\ntype Event interface{ isEvent() }\n\ntype EventNote string\n\nfunc (Point) isEvent() {}\n\nfunc (EventNote) isEvent() {}\n\n"+
		"//lightstream:union Point = 1 | Yes = 5\ntype Answer interface{ isAnswer() }\n\ntype Yes struct{ By string }\n\nfunc (Point) isAnswer() {}\n\nfunc (Yes) isAnswer() {}\n\n"+
		"//lightstream:table\ntype T struct {\n"+goFields.String()+"}\n")
	write(t, filepath.Join(fbsDir, "t.fbs"), "include \"lightstream.fbs\";\n\nenum Side : ubyte { None, Buy, Sell }\n\nstruct Point { x: double; y: double; }\n\ntable Label { key: string (required); value: long; }\n\ntable Line (list) { points: [double]; }\ntable Blob (list) { bytes: [ubyte]; }\n\ntable Nothing {}\n\nunion Event { Point, note: string }\nunion Answer { Point, Yes = 5 }\ntable Yes { by: string (required); }\n\ntable T {\n"+fbsFields.String()+"}\n\nroot_type T;\n")
	for name, decl := range map[string]string{ // what no field has would be a table or a protocol
		"Line": "table Line (list) { points: [double]; }\n", "Blob": "table Blob (list) { bytes: [ubyte]; }\n",
		"Nothing": "table Nothing {}\n", "Event": "union Event { Point, note: string }\n",
		"Answer": "union Answer { Point, Yes = 5 }\ntable Yes { by: string (required); }\n",
	} {
		if !strings.Contains(fbsFields.String(), name) {
			schema := strings.Replace(read(t, filepath.Join(fbsDir, "t.fbs")), decl, "", 1)
			write(t, filepath.Join(fbsDir, "t.fbs"), schema)
		}
	}
	text := func(opts *codegen.Options) string {
		files := generate(t, opts)
		return files["t_lightstream.go"] + files["lightstream.schema.lock"]
	}
	fromGo := text(&codegen.Options{Inputs: []string{goDir}})
	fromFBS := text(&codegen.Options{Inputs: []string{filepath.Join(fbsDir, "t.fbs")}, Package: "feed"})
	types, views, builders := matches(typeLine, fromGo), matches(typeView, fromGo), matches(typeBuilder, fromGo)
	for what, re := range map[string]*regexp.Regexp{"type": typeLine, "accessor": typeView, "builder": typeBuilder} {
		ours := matches(re, fromGo)
		for i, theirs := range matches(re, fromFBS) {
			if ours[i] != theirs {
				t.Errorf("%s of %s: %s; of %s: %s", what, list[atoi(i)].goType, ours[i], list[atoi(i)].fbs, theirs)
			}
		}
	}
	var b strings.Builder
	b.WriteString("| Arrow | Go field | tag | `.fbs` field | accessor | builder |\n| --- | --- | --- | --- | --- | --- |\n")
	for i, r := range list {
		key := fmt.Sprint(i)
		if types[key] == "" || views[key] == "" || builders[key] == "" {
			t.Fatalf("%s %s is not generated", r.goType, r.tag)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", code(types[key]), code(r.goType), code(r.tag), code(r.fbs), code(views[key]), code(builders[key]))
	}
	return b.String()
}

// matches returns what the second group is by the first.
func matches(re *regexp.Regexp, text string) map[string]string {
	found := map[string]string{}
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		found[m[1]] = m[2]
	}
	return found
}

func atoi(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
