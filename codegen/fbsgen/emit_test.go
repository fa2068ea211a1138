package fbsgen

import (
	"bytes"
	"flag"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dave/jennifer/jen"
	"github.com/lightstream-go/lightstream/codegen/fbs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// emitterFor returns an emitter for a schema of one file.
func emitterFor(t *testing.T, src string) *emitter {
	t.Helper()
	fsys := fstest.MapFS{"in.fbs": {Data: []byte(src)}}
	s, err := fbs.Parse("in.fbs", &fbs.Options{Open: fbs.OpenFS(fsys)})
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &emitter{opt: Options{Package: "p", Runtime: defaultRuntime, Builder: defaultBuilder}, model: m}
}

// text is what the code looks like in a file.
func text(t *testing.T, e *emitter, list []jen.Code) string {
	t.Helper()
	f := e.newFile("in.fbs")
	for _, c := range list {
		f.Add(c)
		f.Line()
	}
	var buf bytes.Buffer
	if err := f.Render(&buf); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(groupImports(buf.Bytes())), "package p\n\n")
	return body
}

// lastTable is the table that a case is about.
func (e *emitter) lastTable() *goTable {
	tables := e.model.schema.Tables
	return e.model.tables[tables[len(tables)-1]]
}

// firstField is the field that a case is about.
func (e *emitter) firstField() tableField {
	g := e.lastTable()
	return tableField{e, g, g.fields[0]}
}

// goldens has a case for each function that writes a declaration. Each schema is the smallest that shows all it does.
var goldens = []struct {
	name string // of the golden file
	src  string
	emit func(e *emitter) []jen.Code
}{
	{"enum", "/// Which side.\nenum Side : short {\n/// To buy.\n BUY, Sell = -5 }", func(e *emitter) []jen.Code {
		return e.enum(e.model.enums[e.model.schema.Enums[0]])
	}},
	{"enum_empty", "enum Side : ulong {}", func(e *emitter) []jen.Code {
		return e.enum(e.model.enums[e.model.schema.Enums[0]])
	}},
	{"flags", "enum Access : ubyte (bit_flags) { Read, Write = 7 }", func(e *emitter) []jen.Code {
		return e.enum(e.model.enums[e.model.schema.Enums[0]])
	}},
	{"union", "table A {} struct P { x: int; } union U { A, Other: A, text: string, P } table T { u: U; } root_type T;", func(e *emitter) []jen.Code {
		return e.enum(e.model.unions[e.model.schema.Unions[0]])
	}},
	{"struct", "/// A place.\nstruct P {\n/// To the right.\n x: int; y: double; }", func(e *emitter) []jen.Code {
		return e.structType(e.model.structs[e.model.schema.Structs[0]])
	}},
	{"struct_nested", "enum E : byte { A } struct P { x: byte; y: short; } struct Q { e: E; a: P; b: [P:2]; c: [E:3]; a_x: int; }", func(e *emitter) []jen.Code {
		return e.structType(e.model.structs[e.model.schema.Structs[1]])
	}},
	{"scalar", "table T {\n/// How many.\n n: int = 7; }", func(e *emitter) []jen.Code { return e.firstField().scalarField() }},
	{"scalar_enum", "enum E : ubyte { A, B } table T { e: E = B; }", func(e *emitter) []jen.Code { return e.firstField().scalarField() }},
	{"scalar_float", "table T { f: float = inf; }", func(e *emitter) []jen.Code { return e.firstField().scalarField() }},
	{"scalar_optional", "table T { n: long = null; }", func(e *emitter) []jen.Code { return e.firstField().scalarField() }},
	{"string", "table T { s: string; }", func(e *emitter) []jen.Code { return e.firstField().stringField() }},
	{"string_default", `table T { s: string = "x\"y"; }`, func(e *emitter) []jen.Code { return e.firstField().stringField() }},
	{"struct_field", "struct P { x: int; } table T { p: P; }", func(e *emitter) []jen.Code { return e.firstField().structField() }},
	{"table_field", "table T { t: T; }", func(e *emitter) []jen.Code { return e.tableField(e.firstField()) }},
	{"union_field", "table A {} struct P { x: int; } union U { A, text: string, P } table T { u: U; }", func(e *emitter) []jen.Code {
		return e.firstField().unionField()
	}},
	{"vector_scalars", "table T { v: [long]; }", func(e *emitter) []jen.Code { return e.firstField().vectorField() }},
	{"vector_enums", "enum E : byte { A } table Imp { v: [E]; }", func(e *emitter) []jen.Code { return e.firstField().vectorField() }},
	{"vector_structs", "struct P { x: int; } table T { v: [P]; }", func(e *emitter) []jen.Code { return e.firstField().vectorField() }},
	{"vector_strings", "table T { v: [string]; }", func(e *emitter) []jen.Code { return e.firstField().vectorField() }},
	{"vector_tables", "table T { v: [T]; }", func(e *emitter) []jen.Code { return e.firstField().vectorField() }},
	{"table", "/// A thing.\ntable T { n: int; }", func(e *emitter) []jen.Code { return e.table(e.lastTable()) }},
	{"table_empty", "table T {} root_type T;", func(e *emitter) []jen.Code { return e.table(e.lastTable()) }},
	{"writers", "enum E : byte { A } struct P { x: int; } union U { T } table T { b: bool = true; e: E; s: string (required); p: P (required); u: U; v: [P]; o: int = null; }", func(e *emitter) []jen.Code {
		return e.tableWriters(e.lastTable())
	}},
	{"verify_table", "struct P { x: int; y: double; } union U { T } table T { old: short (deprecated); s: string (required); p: P; u: U; v: [P]; t: T; w: [T]; x: [string]; b: [bool]; } root_type T;", func(e *emitter) []jen.Code {
		return e.verifyTable(e.lastTable())
	}},
	{"verify_root", "table SomeThing {} root_type SomeThing;", func(e *emitter) []jen.Code { return []jen.Code{e.verifyRoot(e.lastTable())} }},
	{"comments", "/// First line that goes on\n/// in a second, and is so long that together they need to be broken, because nobody reads lines that wide.\n///\n/// A second paragraph:\n///\n///   - with\n///   - items\n///\ntable T {}", func(e *emitter) []jen.Code {
		return e.table(e.lastTable())[:1]
	}},
}

func TestGoldens(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			e := emitterFor(t, g.src)
			compareGolden(t, g.name, text(t, e, g.emit(e)))
		})
	}
}

// TestGoldenFiles compares whole packages.
func TestGoldenFiles(t *testing.T) {
	for name, opt := range map[string]Options{
		"package":            {Doc: []string{"Package p is for a test.", "", "\tindented"}},
		"package_readonly":   {ReadOnly: true, Runtime: "example.com/other/flatbuf", Source: func(path string) string { return "from/" + path }},
		"package_one_import": {Runtime: "example.com/rt/fb", Builder: "example.com/rt/fb"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{
				"Main.fbs":  {Data: []byte("include \"dir/PartOne.fbs\"; include \"none.fbs\"; table Main { part: Part; } root_type Main;")},
				"none.fbs":  {Data: []byte("attribute \"x\";")},
				"other.fbs": {Data: []byte("struct P { x: int; }")},
			}
			fsys["dir/PartOne.fbs"] = &fstest.MapFile{Data: []byte("namespace a.b; table Part {}")}
			fsys["Main.fbs"].Data = bytes.Replace(fsys["Main.fbs"].Data, []byte("part: Part"), []byte("part: a.b.Part"), 1)
			s, err := fbs.ParseFiles([]string{"Main.fbs", "other.fbs"}, &fbs.Options{Open: fbs.OpenFS(fsys)})
			if err != nil {
				t.Fatal(err)
			}
			opt.Package = "p"
			files, err := Generate(s, &opt)
			if err != nil {
				t.Fatal(err)
			}
			if len(files) != 4 {
				t.Errorf("%d files, want 4", len(files))
			}
			for _, file := range []string{"doc_fb.go", "main_fb.go", "other_fb.go", "part_one_fb.go"} {
				compareGolden(t, name+"_"+strings.TrimSuffix(file, ".go"), string(files[file]))
			}
		})
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got:\n%s\nwant:\n%s", file, got, want)
	}
}

// TestFormatted holds for whole files, whose imports are moved after formatting.
func TestFormatted(t *testing.T) {
	s, err := fbs.ParseFiles([]string{"../internal/sample/sample.fbs"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := Generate(s, &Options{Package: "sample"})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		want, err := format.Source(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(data, want) {
			t.Errorf("%s is not as gofmt has it", name)
		}
	}
	again, err := Generate(s, &Options{Package: "sample"})
	if err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if !bytes.Equal(files[name], again[name]) {
			t.Errorf("%s differs from one run to the next", name)
		}
	}
}
