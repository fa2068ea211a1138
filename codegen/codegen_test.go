package codegen_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
)

// generate returns the generated files by their base names.
func generate(t *testing.T, opts *codegen.Options) map[string]string {
	t.Helper()
	outputs, err := codegen.Generate(opts)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, o := range outputs {
		files[filepath.Base(o.Path)] = string(o.Text)
	}
	return files
}

// copyTo copies a file into a directory of its own.
func copyTo(t *testing.T, name string) (dir string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	write(t, filepath.Join(dir, filepath.Base(name)), string(text))
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// body is a generated file without the line that names its source.
func body(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	return rest
}

// TestFrontEndsAgree marks the row structs that a .fbs file gives as tables: the same definition, read from Go, has to give
// the same file.
func TestFrontEndsAgree(t *testing.T) {
	for _, c := range []struct {
		name, row string
		columns   int // with those below others
	}{{"every", "Every", 93}, {"tree", "Tree", 61}} {
		dir := copyTo(t, "../internal/feed/"+c.name+".fbs")
		fromFBS := generate(t, &codegen.Options{Inputs: []string{filepath.Join(dir, c.name+".fbs")}, Package: "feed"})
		rows := fromFBS[c.name+"_rows.go"]
		if !strings.Contains(rows, "\ntype "+c.row+" struct {") {
			t.Fatalf("no row struct in:\n%s", rows)
		}
		// A file that says that it is generated is not one of the user's.
		marked := "// Rows.\n" + strings.Replace(body(rows), "\ntype "+c.row, "\n//\n//lightstream:table\ntype "+c.row, 1)
		goDir := t.TempDir()
		write(t, filepath.Join(goDir, c.name+".go"), marked)
		fromGo := generate(t, &codegen.Options{Inputs: []string{goDir}})
		got, want := body(fromGo[c.name+"_lightstream.go"]), body(fromFBS[c.name+"_lightstream.go"])
		if got != want {
			t.Errorf("front ends differ:\n%s", firstDifference(got, want))
		}
		if n := strings.Count(want, "{Field: ipc.Field{"); n != c.columns {
			t.Errorf("%d columns of %s compared, want all types", n, c.name)
		}
	}
}

// TestFrontEndsAgreeByHand compares a struct as a user writes it with the same table in a schema.
func TestFrontEndsAgreeByHand(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "trade.fbs"), `
include "lightstream.fbs";

table Trade {
  time: long (timestamp);
  symbol: string (required, dict);
  /// What was paid.
  price: double;
  seller_id: long = null;
  len: uint16;
  note: string;
  raw: [ubyte];
}
`)
	fromFBS := generate(t, &codegen.Options{Inputs: []string{filepath.Join(dir, "trade.fbs")}, Package: "feed"})
	goDir := t.TempDir()
	write(t, filepath.Join(goDir, "trade.go"), `package feed

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

//lightstream:table
type Trade struct {
	Time   time.Time
	Symbol string `+"`arrow:\",dict\"`"+`
	// What was paid.
	Price    float64
	SellerID rt.Null[int64]
	Len      uint16
	Note     rt.Null[string]
	Raw      []byte
}
`)
	fromGo := generate(t, &codegen.Options{Inputs: []string{goDir}})
	if got, want := body(fromGo["trade_lightstream.go"]), body(fromFBS["trade_lightstream.go"]); got != want {
		t.Errorf("front ends differ:\n%s", firstDifference(got, want))
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d:\n\t%s\n\t%s", i+2, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

// TestDeterministic generates the tables of the tests again and again, and finds them as they are in the repository.
func TestDeterministic(t *testing.T) {
	opts := &codegen.Options{Inputs: []string{"../internal/feed", "../internal/feed/every.fbs"}}
	first, err := codegen.Generate(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := codegen.Check(first); err != nil {
		t.Error(err)
	}
	for range 3 {
		again, err := codegen.Generate(opts)
		if err != nil {
			t.Fatal(err)
		}
		for i := range first {
			if first[i].Path != again[i].Path || !bytes.Equal(first[i].Text, again[i].Text) {
				t.Fatalf("%s differs:\n%s", first[i].Path, firstDifference(string(first[i].Text), string(again[i].Text)))
			}
		}
	}
}

// TestSize keeps what is generated for a table of ten columns small.
func TestSize(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "wide.go"), `package feed

import "time"

//lightstream:table
type Wide struct {
	A time.Time
	B *time.Time
	C string
	D *string
	E string `+"`arrow:\",dict\"`"+`
	F float64
	G *int32
	H bool
	I []byte
	J int64
}
`)
	write(t, filepath.Join(dir, "flat.go"), `package feed

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

//lightstream:table
type Flat struct {
	A *rt.Float16
	B *[16]byte                `+"`arrow:\",uuid\"`"+`
	C *time.Time               `+"`arrow:\",date32\"`"+`
	D *time.Duration           `+"`arrow:\",time64(us)\"`"+`
	E rt.Null[rt.Decimal128]   `+"`arrow:\",decimal(38,10)\"`"+`
	F *string                  `+"`arrow:\",view\"`"+`
	G []byte                   `+"`arrow:\",dict(uint16)\"`"+`
	H *int64                   `+"`arrow:\",dict\"`"+`
	I *time.Duration
	J struct{}
}
`)
	for name, text := range generate(t, &codegen.Options{Inputs: []string{dir}}) {
		if n := strings.Count(text, "\n"); n > 400 { // 700 is the promise, nested types and protocols are to come
			t.Errorf("%s: %d lines for ten columns, want at most 400", name, n)
		}
	}
}

// TestSchemaInPackage lets the row structs of a schema lie in a package that has tables as structs too.
func TestSchemaInPackage(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "trade.fbs"), "table Trade { price: double; }")
	write(t, filepath.Join(dir, "quote.go"), "package feed\n\n//lightstream:table\ntype Quote struct{ Bid float64 }\n\nvar _ Trade\n")
	opts := &codegen.Options{Inputs: []string{dir, filepath.Join(dir, "trade.fbs")}}
	for _, want := range []int{4, 0} {
		changed, err := codegen.Run(opts)
		if err != nil {
			t.Fatal(err)
		}
		if len(changed) != want {
			t.Errorf("changed %q, want %d files", changed, want)
		}
	}
	outputs, err := codegen.Generate(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := codegen.Check(outputs); err != nil {
		t.Error(err)
	}
}

// TestDependencies keeps the generator free of what users do not want in their go.mod: what is neither jennifer nor what the code
// that it generates needs anyway.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "../cmd/lightstream-gen").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 5 {
		t.Fatalf("go list gives %q", packages)
	}
	const module = "github.com/lightstream-go/lightstream/"
	for _, path := range packages {
		within := func(prefix string) bool { return strings.HasPrefix(path+"/", prefix+"/") }
		if !slices.ContainsFunc([]string{
			module + "cmd/lightstream-gen", module + "codegen", module + "gen", module + "internal/asm", module + "internal/decimal", module + "internal/flatbuf", module + "internal/newfile", module + "internal/sha256",
			module + "runtime", module + "schema", "github.com/dave/jennifer", "github.com/google/flatbuffers", "golang.org/x/sys",
		}, within) {
			t.Errorf("lightstream-gen depends on %s", path)
		}
	}
}

// TestAccessorsAreDocumented reads a generated file as a reviewer does: everything exported has a comment that begins with
// its name.
func TestAccessorsAreDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/feed/all_lightstream.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fn.Name.IsExported() && !strings.HasPrefix(fn.Doc.Text(), fn.Name.Name+" ") {
			t.Errorf("%s has the comment %q", fn.Name.Name, fn.Doc.Text())
		}
	}
}

// TestUnionMembers has the same union in a schema and in Go.
func TestUnionMembers(t *testing.T) {
	dir := t.TempDir()
	schema, source := filepath.Join(dir, "schema", "t.fbs"), filepath.Join(dir, "source", "t.go")
	for _, d := range []string{filepath.Dir(schema), filepath.Dir(source)} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, schema, `include "lightstream.fbs";
table Levels (list) { values: [double] (large); }
table Counts (list) { entries: [Count] (map); }
table Count { key: string (required); value: int; }
union Event { Levels, counts: Counts, note: string (dict), big: string (large, go_name: "Essay"), short: string (view, arrow_name: "brief") }
table T { event: Event; events: [Event] (required); }
root_type T;
`)
	write(t, source, "package feed\n\n//lightstream:table\ntype T struct {\n\tEvent  Event\n\tEvents []Event `arrow:\",required\"`\n}\n\n"+
		`//lightstream:union null | EventLevels(large,required) | EventCounts(required) | EventNote(dict) | big: Essay(large) | brief: EventShort(view)
type Event interface{ isEvent() }

type (
	EventLevels []float64
	EventCounts map[string]int32
	EventNote   string
	Essay       string
	EventShort  string
)

func (EventLevels) isEvent() {}
func (EventCounts) isEvent() {}
func (EventNote) isEvent() {}
func (Essay) isEvent() {}
func (EventShort) isEvent() {}
`)
	fromSchema := generate(t, &codegen.Options{Inputs: []string{schema}, Package: "feed"})["t_lightstream.go"]
	fromSource := generate(t, &codegen.Options{Inputs: []string{source}})["t_lightstream.go"]
	_, ours, _ := strings.Cut(fromSchema, "\n")
	_, theirs, _ := strings.Cut(fromSource, "\n")
	if ours == "" || ours != theirs {
		t.Errorf("of a schema:\n%s\nof Go:\n%s", fromSchema, fromSource)
	}
}
