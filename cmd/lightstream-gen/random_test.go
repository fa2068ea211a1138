package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var randomTables = flag.Int("tables", 6, "how many tables of random shape TestRandomTables generates; make random has 200")

// goColumns are the types of columns as fields of Go structs: a type and the options of its tag. "?" before a type has it
// nullable at times, as a pointer or rt.Null.
var goColumns = [][2]string{
	{"?bool"},
	{"?int8"},
	{"?int16"},
	{"?int32"},
	{"?int64"},
	{"?uint8"},
	{"?uint16"},
	{"?uint32"},
	{"?uint64"},
	{"?rt.Float16"},
	{"?float32"},
	{"?float64"},
	{"?time.Time"},
	{"?time.Time", "timestamp(us,Europe/Berlin)"},
	{"?time.Time", "timestamp(ms)"},
	{"?time.Time", "timestamp(s,UTC),naive=UTC"},
	{"?int64", "timestamp(us,UTC)"},
	{"?rt.Date"},
	{"?time.Time", "date32"},
	{"?rt.DateMillis"},
	{"?time.Time", "date64"},
	{"?time.Duration", "time32(s)"},
	{"?time.Duration", "time32"},
	{"?time.Duration", "time64(us)"},
	{"?time.Duration"},
	{"?time.Duration", "duration(ms)"},
	{"?rt.Decimal32", "decimal(9,2)"},
	{"?rt.Decimal64", "decimal(18,4)"},
	{"?rt.Decimal128", "decimal(38,10)"},
	{"?rt.Decimal256", "decimal(76,20)"},
	{"?string"},
	{"?string", "large"},
	{"?string", "view"},
	{"[]byte"},
	{"[]byte", "required"},
	{"[]byte", "large"},
	{"[]byte", "view,required"},
	{"?[5]byte"},
	{"?[16]byte", "uuid"},
	{"?string", "dict"},
	{"?string", "dict(uint8)"},
	{"[]byte", "dict(int16)"},
	{"?int64", "dict(int16)"},
	{"?uint32", "dict"},
	{"struct{}"},
	{"[]float64"},
	{"[]string", "required"},
	{"[]rt.Null[int32]", "large"},
	{"[][]time.Time"},
	{"?[3]float32"},
	{"map[string]int64"},
	{"map[int16][]string"},
	{"?Leg"},
	{"[]Leg"},
	{"?Side"},
	{"?Side", "dict(int8)"},
	{"?Level"},
	{"Event"},
	{"Event", "sparse"},
	{"[]Event", "required"},
	{"map[string]Answer"},
	{"?Order"},
	{"?string", "ree"},
	{"?float64", "ree(int64)"},
	{"?time.Time", "timestamp(us,UTC),ree"},
	{"[]byte", "ree"},
	{"?Side", "dict,ree"},
	{"?bool", "ree"},
	{"[]string", "item(dict,ree)"},
	{"int32", "default=-7"},
	{"string", "default=none,was=before"},
}

// fbsColumns are types and attributes of the fields of .fbs tables.
var fbsColumns = []string{
	"bool", "byte = null", "short = 3", "int", "long = null", "ubyte", "ushort = null", "uint", "ulong = null", "float = null",
	"double", "long (timestamp)", `long = null (timestamp: "us,Asia/Tokyo")`, `long (timestamp: "ms")`, "int (date)", "long = null (date)",
	`int (time: "s")`, "long = null (time)", `long (duration: "ms")`, `int = null (decimal: "9,2")`, `long (decimal: "18,4")`,
	`string (required, decimal: "38,10")`, `string (decimal: "76,20")`, "string", "string (required, large)", "string (view)", "[ubyte]",
	"[ubyte] (required, large)", "[ubyte] (view)", "[ubyte] (required, fixed: 7)", "[ubyte] (uuid)", `string (dict: "uint16")`,
	"[ubyte] (required, dict)", `long = null (dict: "int16")`, "Side = Buy", "Side = null (dict)",
	"[double]", "[string] (required)", "Leg", "[Leg] (required)", "Point",
	"Event", "Event (sparse)", "[Event] (required)", "Order", "string (ree)", `double = null (ree: "int64")`, "[ubyte] (required, ree)",
	`[string] (item: "ree,nullable")`, "Side = Buy (ree)",
}

// arrowColumns are types of the fields of Arrow schemas.
var arrowColumns = []string{
	"bool", "int8", "uint64", "float16", "float64", "utf8", "large_utf8", "utf8_view", "binary", "binary_view", "fixed_size_binary[3]",
	"fixed_size_binary[16] (arrow.uuid)", "date32", "date64", "time32[ms]", "time64[ns]", "timestamp[s]", "timestamp[ns, UTC]", "duration[us]",
	"decimal32(4, 2)", "decimal256(50, -2)", "dictionary<int32, utf8>", "dictionary<uint8, binary>", "dictionary<int16, uint16>", "null",
	"list<item: int32>", "large_list<item: utf8 not null>", "fixed_size_list[2]<item: float32>", "struct<x: float64 not null, y: list<item: int8>>",
	"map<entries: struct<key: utf8 not null, value: struct<a: int8, b: utf8>> not null>", "list<item: struct<id: uint64 not null> not null>",
	"dense_union[0, 1]<a: int8 not null, b: utf8 not null>", "sparse_union[3, 5, 4]<x: struct<y: list<item: float64>> not null, 2: timestamp[us, UTC], none: null>",
	"list<item: dense_union<0: float64, 1: struct<z: int8> not null>>", "run_end_encoded<run_ends: int32 not null, values: utf8>",
	"run_end_encoded<run_ends: int16 not null, values: float64 not null>", "struct<r: run_end_encoded<run_ends: int64 not null, values: dictionary<int8, utf8>>>",
}

// shape says how many columns tables have, and whether all of them are flat.
type shape struct {
	least, most int
	flat        bool
}

func (s shape) columns(r *rand.Rand) int { return s.least + r.IntN(s.most-s.least+1) }

// nestedColumn finds the types of columns that have others below them.
var nestedColumn = regexp.MustCompile(`^\[[^u\]]|\[\](\[|[^b])|^\??\[3\]|map|Leg|Event|Order|Answer|Point|list|struct<|union|ree|run_end`)

func pick[T any](random *rand.Rand, list []T, s shape, typ func(T) string) T {
	for {
		c := list[random.IntN(len(list))]
		if !s.flat || !nestedColumn.MatchString(typ(c)) {
			return c
		}
	}
}

// columnNames are those that want care.
var columnNames = []string{
	"type", "func", "len", "row", "append", "id", "order_id", "release", "string", "b", "h", "i", "rt", "column", "handle", "err", "time", "io",
}

// randomPackages writes packages with n tables of random shape: one of Go structs, one of a .fbs file and one of Arrow streams in
// turn, of up to ten tables each. It returns the options to generate each with.
func randomPackages(t testing.TB, dir string, n int, columns shape) (list []*codegen.Options) {
	t.Helper()
	random := rand.New(rand.NewPCG(4, 200))
	most := min(10, (n+2)/3)
	for n > 0 {
		tables := min(n, 1+random.IntN(most))
		n -= tables
		name := fmt.Sprintf("feed%d", len(list))
		pkg := filepath.Join(dir, name)
		if err := os.MkdirAll(pkg, 0o777); err != nil {
			t.Fatal(err)
		}
		opts := &codegen.Options{Package: name, Features: codegen.Features}
		switch len(list) % 3 {
		case 0:
			write(t, filepath.Join(pkg, "rows.go"), randomStructs(random, name, tables, columns))
			opts.Inputs, opts.Package = []string{pkg}, ""
		case 1:
			write(t, filepath.Join(pkg, "tables.fbs"), randomSchema(random, tables, columns))
			opts.Inputs = []string{filepath.Join(pkg, "tables.fbs")}
		case 2:
			for i := range tables {
				file := filepath.Join(pkg, fmt.Sprintf("table %d.arrows", i))
				write(t, file, randomStream(t, random, columns))
				opts.Inputs = append(opts.Inputs, file)
			}
		}
		list = append(list, opts)
	}
	return list
}

// randomName returns the name of column i, which no other has.
func randomName(random *rand.Rand, i int) string {
	if random.IntN(3) == 0 && i < len(columnNames) {
		return columnNames[i]
	}
	return fmt.Sprintf("c%d_%c", i, 'a'+random.IntN(26))
}

func randomStructs(random *rand.Rand, pkg string, tables int, columns shape) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport (\n\t\"errors\"\n\t\"time\"\n\n\trt %q\n)\n\nvar (\n\t_ time.Time\n\t_ rt.Date\n)\n\n", pkg, modulePath+"/runtime")
	b.WriteString("type Leg struct {\n\tVenue string `arrow:\",dict\"`\n\tPrice *float64\n\tAt Point\n\tFills []Point\n}\n\ntype Point struct{ X, Y float64 }\n\n")
	b.WriteString("//lightstream:union Leg | Point = 5 | note: EventNote(dict) | null\ntype Event interface{ isEvent() }\n\ntype EventNote string\n\n" +
		"func (Leg) isEvent()       {}\nfunc (Point) isEvent()     {}\nfunc (EventNote) isEvent() {}\n\n" +
		"//lightstream:union Point | At | Maybe\ntype Answer interface{ isAnswer() }\n\ntype (\n\tAt time.Time\n\tMaybe rt.Null[int8]\n)\n\n" +
		"func (Point) isAnswer() {}\nfunc (At) isAnswer()    {}\nfunc (Maybe) isAnswer() {}\n\n" +
		"type Order struct {\n\tEvents []Event\n\tVenue string `arrow:\",ree\"`\n\tAnswers map[int8][]Answer\n}\n\n")
	b.WriteString("type Level float64\n\ntype Side int8\n\nfunc (s Side) String() string { return [...]string{\"Buy\", \"Sell\"}[uint8(s)%2] }\n\n" +
		"func ParseSide(name string) (Side, error) {\n\tfor s := range Side(2) {\n\t\tif s.String() == name {\n\t\t\treturn s, nil\n\t\t}\n\t}\n\treturn 0, errors.New(name)\n}\n")
	for i := range tables {
		fmt.Fprintf(&b, "\n//lightstream:table\ntype Table%d struct {\n", i)
		was := false
		for k := range columns.columns(random) {
			c := pick(random, goColumns, columns, func(c [2]string) string { return c[0] + " " + c[1] })
			typ, nullable := strings.CutPrefix(c[0], "?")
			if nullable {
				named := typ == "Side" || typ == "Level"
				typ = []string{typ, "*" + typ, map[bool]string{false: "rt.Null[" + typ + "]", true: "*" + typ}[named]}[random.IntN(3)]
			}
			options := strings.Split(c[1], ",was=")[0]
			if options != c[1] && !was {
				options, was = c[1], true
			}
			if options != "" {
				options = "," + options
			}
			fmt.Fprintf(&b, "\tF%d %s `arrow:%q`\n", k, typ, randomName(random, k)+options)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func randomSchema(random *rand.Rand, tables int, columns shape) string {
	var b strings.Builder
	head := "include \"lightstream.fbs\";\n\nenum Side : ubyte { Buy = 1, Sell }\n\n" +
		"struct Point { x: double; y: double; }\n\ntable Leg { venue: string (dict); at: Point; sizes: [long]; }\n"
	events := "\nunion Event { Leg, Point = 5, note: string, Gone }\ntable Gone {}\ntable Order { events: [Event]; venue: string (ree); }\n"
	for i := range tables {
		fmt.Fprintf(&b, "\ntable Table%d {\n", i)
		for k := range columns.columns(random) {
			fmt.Fprintf(&b, "  %s: %s;\n", fmt.Sprintf("f%d_%s", k, randomName(random, k)), pick(random, fbsColumns, columns, func(c string) string { return c }))
		}
		b.WriteString("}\n")
	}
	text := b.String()
	hasEvent, hasOrder := strings.Contains(text, "Event"), strings.Contains(text, "Order")
	switch { // what no field has would be a table of its own
	case hasOrder:
		head += events
	case hasEvent:
		events, _, _ = strings.Cut(events, "table Order")
		head += events
	case !strings.Contains(text, "Leg"):
		head, _, _ = strings.Cut(head, "\ntable Leg")
	}
	return head + text
}

func randomStream(t testing.TB, random *rand.Rand, columns shape) string {
	schema := &ipc.Schema{}
	for k := range columns.columns(random) {
		f, err := evolve.ParseField(randomName(random, k) + ": " + pick(random, arrowColumns, columns, func(c string) string { return c }))
		if err != nil {
			t.Fatal(err)
		}
		f.Nullable = f.Type.Kind == ipc.KindNull || random.IntN(2) == 0
		schema.Fields = append(schema.Fields, f)
	}
	var stream bytes.Buffer
	if err := ipc.NewWriter(&stream, schema, nil).Close(); err != nil {
		t.Fatal(err)
	}
	return stream.String()
}

// newModule makes dir a module that uses this checkout, and no network.
func newModule(t testing.TB, dir string) {
	t.Helper()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), "module example.com/random\n\ngo 1.26\n\nrequire "+modulePath+" v0.0.0\n\nreplace "+modulePath+" => "+checkout+"\n")
	sum, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sum))
}

// TestRandomTables generates tables of random shape. Their code compiles, passes vet and its own tests, and is as small as it is
// meant to be.
func TestRandomTables(t *testing.T) {
	if testing.Short() {
		t.Skip("builds packages")
	}
	dir := t.TempDir()
	newModule(t, dir)
	packages := randomPackages(t, dir, *randomTables, shape{1, 24, false})
	tables, lines := 0, 0
	for _, opts := range packages {
		outputs, err := codegen.Generate(opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := codegen.Write(outputs); err != nil {
			t.Fatal(err)
		}
		for _, o := range outputs {
			if !strings.HasSuffix(o.Path, "_lightstream.go") || strings.HasSuffix(o.Path, "_text_lightstream.go") {
				continue
			}
			text := string(o.Text)
			n, columns := strings.Count(text, " = rt.DefineTable("), strings.Count(text, "{Field: ipc.Field{")
			tables, lines = tables+n, lines+strings.Count(text, "\n")
			// Of ten columns: 700 lines.
			if got, most := strings.Count(text, "\n"), 200*n+50*columns; got > most {
				t.Errorf("%s: %d lines for %d tables of %d columns in all, want at most %d", o.Path, got, n, columns, most)
			}
		}
	}
	if tables != *randomTables {
		t.Errorf("%d tables, want %d", tables, *randomTables)
	}
	goTool(t, dir, "vet", "./...")
	out := goTool(t, dir, "test", "-v", "-timeout=30m", "./...")
	if n := strings.Count("\n"+out, "\n--- PASS: TestTable"); n != tables {
		t.Errorf("%d round-trip tests passed, want one for each of %d tables:\n%s", n, tables, out)
	}
	if n := strings.Count("\n"+out, "\n--- PASS: FuzzTable"); n != tables {
		t.Errorf("%d fuzz targets passed with their seeds, want one for each of %d tables", n, tables)
	}
	t.Logf("%d tables in %d packages, %d lines", tables, len(packages), lines)
}

// TestBinarySize measures what a table of ten columns adds to a program that has another one.
func TestBinarySize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	dir := t.TempDir()
	newModule(t, dir)
	const fields = "\tA time.Time\n\tB *time.Time\n\tC string\n\tD *string\n\tE string `arrow:\",dict\"`\n\tF float64\n\tG *int32\n\tH bool\n\tI []byte\n\tJ int64\n}\n"
	size := func(tables int) int64 {
		text := "package main\n\nimport (\n\t\"io\"\n\t\"os\"\n\t\"time\"\n)\n"
		use := ""
		for i := range tables {
			text += fmt.Sprintf("\n//lightstream:table\ntype Table%d struct {\n%s", i, fields)
			use += fmt.Sprintf("\tcopyTable%[1]d(os.Stdin, os.Stdout)\n", i)
			text += fmt.Sprintf("\nfunc copyTable%[1]d(src io.Reader, dst io.Writer) {\n\tw := NewTable%[1]dWriter(dst, nil)\n"+
				"\tfor row, err := range NewTable%[1]dReader(src, nil).Rows(nil) {\n\t\tif err == nil {\n\t\t\t_ = w.Append(nil, row)\n\t\t}\n\t}\n\t_ = w.Close()\n}\n", i)
		}
		main := filepath.Join(dir, "main.go")
		write(t, main, text+"\nfunc main() {\n"+use+"}\n")
		if _, err := codegen.Run(&codegen.Options{Inputs: []string{dir}}); err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(dir, "program")
		goTool(t, dir, "build", "-o", program, ".")
		info, err := os.Stat(program)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	const more = 8
	one, all := size(1), size(1+more)
	each := (all - one) / more
	t.Logf("a table of ten columns adds %d bytes to a program of %d", each, one)
	if each > 40<<10 {
		t.Errorf("a table of ten columns adds %d bytes to a program, want at most 40 KiB", each)
	}
}

// BenchmarkColdBuild builds 100 tables of 20 columns with an empty build cache, but for what they import: tables of flat columns
// of all types, and others of which every third column is nested. It prints how long one build takes, on as many processors as
// there are, and how long it keeps one of them busy.
func BenchmarkColdBuild(b *testing.B) {
	for _, s := range []shape{{20, 20, true}, {20, 20, false}} {
		name := "nested"
		if s.flat {
			name = "flat"
		}
		b.Run(name, func(b *testing.B) { coldBuild(b, s) })
	}
}

func coldBuild(b *testing.B, s shape) {
	dir := b.TempDir()
	newModule(b, dir)
	for _, opts := range randomPackages(b, dir, 100, s) {
		opts.Features = nil
		if _, err := codegen.Run(opts); err != nil {
			b.Fatal(err)
		}
	}
	build := func(cache string, args ...string) (cpu time.Duration) {
		cmd := exec.Command("go", append([]string{"build"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOSUMDB=off", "GOPROXY="+cacheProxy(), "GOCACHE="+cache)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	var cpu time.Duration
	b.Logf("%d processors", runtime.GOMAXPROCS(0))
	for b.Loop() {
		b.StopTimer()
		cache := b.TempDir()
		build(cache, modulePath+"/runtime/...")
		b.StartTimer()
		cpu += build(cache, "./...")
	}
	b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op")
}
