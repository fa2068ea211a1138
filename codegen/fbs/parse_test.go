package fbs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lightstream-go/lightstream/codegen/fbs"
	"github.com/lightstream-go/lightstream/schema"
)

// parsed parses one file that has to be right.
func parsed(t *testing.T, src string) *fbs.Schema {
	t.Helper()
	s, err := parseText(src)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTable(t *testing.T) {
	s := parsed(t, `
attribute "timestamp";
attribute "arrow_name";

namespace feed.eu;

/// One execution.
///
/// Seen by both sides.
table Trade (arrow_name: "trades") {
  /// When.
  time: long (timestamp: "us,UTC", id: 0);
  size: uint = 0x10 (id: 1);
  legs: [Leg] (id: 2, required);
}

table Leg { side: Side = Sell; price: double = null; }

enum Side : byte { Buy, Sell = 5 }

root_type Trade;
`)
	trade := s.Root()
	if trade == nil || trade != s.Tables[0] || s.Lookup("feed.eu.Trade") != fbs.Definition(trade) {
		t.Fatalf("root %v, tables %v", trade, s.Tables)
	}
	if want := (fbs.Pos{File: "a.fbs", Line: 10, Col: 7}); trade.Pos != want {
		t.Errorf("at %v, want %v", trade.Pos, want)
	}
	if want := []string{"One execution.", "", "Seen by both sides."}; !slices.Equal(trade.Doc, want) {
		t.Errorf("doc %q, want %q", trade.Doc, want)
	}
	if a := trade.Attrs.Get("arrow_name"); a == nil || a.Value != "trades" || !a.Quoted {
		t.Errorf("arrow_name is %+v", a)
	}
	if trade.Namespace != "feed.eu" || trade.Slots != 3 || trade.File != s.Main {
		t.Errorf("namespace %q, %d slots, file %v", trade.Namespace, trade.Slots, trade.File)
	}

	when := trade.Field("time")
	if a := when.Attrs.Get("timestamp"); a == nil || a.Value != "us,UTC" || a.ValuePos != (fbs.Pos{File: "a.fbs", Line: 12, Col: 26}) {
		t.Errorf("timestamp is %+v", a)
	}
	if when.Type.Kind != fbs.Long || when.Optional() || when.Doc[0] != "When." {
		t.Errorf("time is %+v", when)
	}
	if size := trade.Field("size"); size.Default.Int != 16 || size.Default.Text != "0x10" || !size.Default.IsSet() {
		t.Errorf("size has the default %+v", size.Default)
	}
	legs := trade.Field("legs")
	if legs.Type.String() != "[feed.eu.Leg]" || legs.Type.Elem.Table != s.Tables[1] || !legs.Required || legs.Optional() {
		t.Errorf("legs is %+v of type %v", legs, legs.Type)
	}
	if trade.Field("nothing") != nil || s.Lookup("feed.Trade") != nil {
		t.Error("found what is not there")
	}

	leg := s.Tables[1]
	if side := leg.Field("side"); side.Type.Enum != s.Enums[0] || side.Type.Base() != fbs.Byte || side.Default.Int != 5 || !side.Type.IsScalar() {
		t.Errorf("side is %+v", side)
	}
	if price := leg.Field("price"); !price.Optional() || !price.Default.Null {
		t.Errorf("price is %+v", price)
	}
}

func TestDefaults(t *testing.T) {
	s := parsed(t, `
enum Side : ulong { Buy, Top = 18446744073709551615 }
enum Access : ubyte (bit_flags) { Read, Write, Sign = 7 }
table T {
  a: ulong = 18446744073709551615;
  b: Side = Side.Top;
  c: Access = "Read Sign";
  d: float = 0.1;
  e: double = -0x1.8p1;
  f: double = -infinity;
  g: double = nan;
  h: bool = 1;
  i: string = "x\ty";
  j: [int] = [];
  k: double = "1e3";
}`)
	field := func(name string) fbs.Default { return s.Tables[0].Field(name).Default }
	for name, want := range map[string]int64{"a": -1, "b": -1, "c": 129, "h": 1} {
		if got := field(name).Int; got != want {
			t.Errorf("%s = %d, want %d", name, got, want)
		}
	}
	for name, want := range map[string]float64{"d": float64(float32(0.1)), "e": -3, "f": math.Inf(-1), "k": 1000} {
		if got := field(name).Float; got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if !math.IsNaN(field("g").Float) {
		t.Errorf("g = %v, want NaN", field("g").Float)
	}
	if field("i").Str != "x\ty" || field("i").Text != `"x\ty"` {
		t.Errorf("i = %+v", field("i"))
	}
	if s.Tables[0].Field("j").Optional() || s.Tables[0].Field("i").Optional() {
		t.Error("a field with a default is optional")
	}
}

func TestStructLayout(t *testing.T) {
	s := parsed(t, `
struct Inner { a: byte; b: short; }
struct Outer (force_align: 16) { x: byte; inner: [Inner:3]; y: double; z: byte; }
table T { o: Outer; v: [Outer]; }`)
	inner, outer := s.Structs[0], s.Structs[1]
	if inner.Size != 4 || inner.Align != 2 {
		t.Errorf("Inner has %d bytes at multiples of %d, want 4 and 2", inner.Size, inner.Align)
	}
	var offsets []int
	for _, f := range outer.Fields {
		offsets = append(offsets, f.Offset)
	}
	if want := []int{0, 2, 16, 24}; !slices.Equal(offsets, want) {
		t.Errorf("offsets %v, want %v", offsets, want)
	}
	if outer.Size != 32 || outer.Align != 16 {
		t.Errorf("Outer has %d bytes at multiples of %d, want 32 and 16", outer.Size, outer.Align)
	}
	if f := outer.Field("inner"); f.Type.Size() != 12 || f.Type.Align() != 2 || f.Type.Len != 3 {
		t.Errorf("inner is %v of %d bytes", f.Type, f.Type.Size())
	}
	if f := s.Tables[0].Field("v"); f.Type.Size() != 4 || f.Type.Elem.Size() != 32 {
		t.Errorf("v has %d bytes, its elements %d", f.Type.Size(), f.Type.Elem.Size())
	}
}

func TestUnion(t *testing.T) {
	s := parsed(t, `
table A {}
namespace n;
union U { A, Alias: A, text: string, Last: A = 200 }
table T { x: int; u: U; v: [U]; y: int; }`)
	u := s.Unions[0]
	var got []string
	for _, m := range u.Members {
		got = append(got, fmt.Sprintf("%s:%v=%d", m.Name, m.Type, m.Tag))
	}
	if want := []string{"A:A=1", "Alias:A=2", "text:string=3", "Last:A=200"}; !slices.Equal(got, want) {
		t.Errorf("members %v, want %v", got, want)
	}
	table := s.Lookup("n.T").(*fbs.Table)
	var slots []int
	for _, f := range table.Fields {
		slots = append(slots, f.Slot)
	}
	if want := []int{0, 1, 3, 5}; !slices.Equal(slots, want) || table.Slots != 6 {
		t.Errorf("slots %v of %d, want %v of 6", slots, table.Slots, want)
	}
}

func TestServices(t *testing.T) {
	s := parsed(t, `
table A {}
/// Calls.
rpc_service S {
  /// Gets.
  Get(A): x.B (streaming: "server");
}`)
	m := s.Services[0].Methods[0]
	if m.Name != "Get" || m.Request != "A" || m.Response != "x.B" || m.Doc[0] != "Gets." || m.Attrs.Get("streaming").Value != "server" {
		t.Errorf("method %+v", m)
	}
}

func TestStrings(t *testing.T) {
	s := parsed(t, `attribute s; table T { a: int (s: "\n\t\r\b\f\"\'\\\/\x41\u00e9\ud83d\ude00é"); b: int (s: 'it"s'); c: int (s: ''); }`)
	for name, want := range map[string]string{"a": "\n\t\r\b\f\"'\\/A\u00e9\U0001f600é", "b": `it"s`, "c": ""} {
		if a := s.Tables[0].Field(name).Attrs.Get("s"); a.Value != want || !a.HasValue() {
			t.Errorf("%s is %q, want %q", name, a.Value, want)
		}
	}
}

func TestIncludes(t *testing.T) {
	fsys := fstest.MapFS{
		"app/main.fbs":     {Data: []byte(`include "a.fbs"; include "sub/b.fbs"; include "lib.fbs"; include "a.fbs"; table Main { a: A; b: B; c: Lib; d: Built; }`)},
		"app/a.fbs":        {Data: []byte(`include "main.fbs"; table A { main: Main; }`)},
		"app/sub/b.fbs":    {Data: []byte(`include "../a.fbs"; include "builtin.fbs"; table B { a: A; }`)},
		"vendor/lib.fbs":   {Data: []byte(`table Lib {} root_type Lib;`)},
		"vendor/a.fbs":     {Data: []byte(`table Wrong {}`)},
		"app/untouched.go": {Data: []byte(`not a schema`)},
	}
	builtin := fstest.MapFS{
		"builtin.fbs": {Data: []byte(`include "more.fbs"; attribute "x";`)},
		"more.fbs":    {Data: []byte(`table Built {}`)},
		"a.fbs":       {Data: []byte(`table Wrong {}`)},
	}
	s, err := fbs.Parse("app/./main.fbs", &fbs.Options{Open: fbs.OpenFS(fsys), IncludeDirs: []string{"elsewhere", "vendor"}, Builtin: builtin})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range s.Files {
		paths = append(paths, f.Path)
	}
	if want := []string{"app/a.fbs", "more.fbs", "builtin.fbs", "app/sub/b.fbs", "vendor/lib.fbs", "app/main.fbs"}; !slices.Equal(paths, want) {
		t.Errorf("files %v, want %v", paths, want)
	}
	if s.Main.Path != "app/main.fbs" || s.Root() != nil || s.Main.Includes[0].File != s.Files[0] || s.Main.Includes[3].File != s.Files[0] {
		t.Errorf("main file %v", s.Main.Path)
	}
}

func TestParseFiles(t *testing.T) {
	s, err := fbs.ParseFiles([]string{"testdata/good/part.fbs", "testdata/good/everything.fbs"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Main.Path != "testdata/good/part.fbs" || len(s.Named) != 2 || s.Named[1].Path != "testdata/good/everything.fbs" || len(s.Files) != 3 {
		t.Errorf("main %v, %d named, %d files", s.Main.Path, len(s.Named), len(s.Files))
	}
}

// TestChains follows what nests as deep as the input wants: includes and structs.
func TestChains(t *testing.T) {
	const n = 900
	fsys := fstest.MapFS{}
	for i := range n {
		fsys[fmt.Sprintf("f%d.fbs", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `include "f%d.fbs"; struct S%d { s: S%d; }`, (i+1)%n, i, i+1)}
	}
	fsys[fmt.Sprintf("f%d.fbs", n-1)].Data = fmt.Appendf(nil, `struct S%d { x: [int:%d]; } struct S%d { x: short; }`, n-1, 4, n)
	s, err := fbs.Parse("f0.fbs", &fbs.Options{Open: fbs.OpenFS(fsys)})
	if err != nil {
		t.Fatal(err)
	}
	if s.Lookup("S0").(*fbs.Struct).Size != 16 {
		t.Errorf("S0 is %+v", s.Lookup("S0"))
	}
	if _, err := fbs.Parse("f0.fbs", &fbs.Options{Open: fbs.OpenFS(fsys), MaxFiles: 10}); err == nil || !strings.Contains(err.Error(), "MaxFiles") {
		t.Errorf("got %v for too many files", err)
	}
}

func TestMaxErrors(t *testing.T) {
	fsys := fstest.MapFS{"a.fbs": {Data: []byte(strings.Repeat("table T { a: x; }\n", 10))}}
	_, err := fbs.Parse("a.fbs", &fbs.Options{Open: fbs.OpenFS(fsys), MaxErrors: 3})
	var list fbs.Errors
	if !errors.As(err, &list) || len(list) != 3 {
		t.Errorf("got %v, want 3 errors", err)
	}
}

// TestEmbedded parses the schemas of the project as a program finds them that carries them along.
func TestEmbedded(t *testing.T) {
	names, err := fs.Glob(schema.FS, "*.fbs")
	if err != nil || len(names) != 6 {
		t.Fatalf("schemas %v, %v", names, err)
	}
	for _, name := range names {
		if _, err := fbs.Parse(name, &fbs.Options{Open: fbs.OpenFS(schema.FS)}); err != nil {
			t.Error(err)
		}
	}
	user := fstest.MapFS{"trade.fbs": {Data: []byte(`include "lightstream.fbs"; table Trade { at: long (timestamp: "us"); s: string (dict); }`)}}
	if _, err := fbs.Parse("trade.fbs", &fbs.Options{Open: fbs.OpenFS(user), Builtin: schema.FS}); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	seeds := 0
	for _, pattern := range []string{"../../schema/*.fbs", "testdata/*/*.fbs", "testdata/good/sub/*.fbs"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
			seeds++
		}
	}
	if seeds < 10 {
		f.Fatalf("only %d seeds", seeds)
	}
	for _, v := range verdicts {
		f.Add([]byte(v.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		// The included file includes the input, so that includes lead in circles too.
		part := []byte(`include "a.fbs"; namespace org.apache.arrow.flatbuf; table Part { x: int; }`)
		fsys := fstest.MapFS{"a.fbs": {Data: src}, "part.fbs": {Data: part}, "Schema.fbs": {Data: part}}
		s, err := fbs.Parse("a.fbs", &fbs.Options{Open: fbs.OpenFS(fsys)})
		if err != nil {
			checkErrors(t, s, err)
			return
		}
		describe(s)
		for _, x := range s.Structs {
			checkStruct(t, x)
		}
		for _, x := range s.Tables {
			checkTable(t, x)
		}
	})
}

func checkErrors(t *testing.T, s *fbs.Schema, err error) {
	t.Helper()
	var list fbs.Errors
	if s != nil || !errors.As(err, &list) || len(list) == 0 {
		t.Fatalf("schema %v and error %v", s, err)
	}
	for _, e := range list {
		if !e.Pos.IsValid() || e.Pos.Col < 1 || e.Found == "" || e.Want == "" || strings.Contains(e.Error(), "\n") {
			t.Fatalf("error %+v", e)
		}
	}
}

// checkStruct checks that fields lie one after the other, aligned and inside.
func checkStruct(t *testing.T, s *fbs.Struct) {
	t.Helper()
	end := 0
	for _, f := range s.Fields {
		if f.Offset < end || f.Offset%f.Type.Align() != 0 || f.Type.Size() <= 0 {
			t.Fatalf("field %s of %s at %d of %d bytes after %d", f.Name, s.Name, f.Offset, f.Type.Size(), end)
		}
		end = f.Offset + f.Type.Size()
	}
	if end > s.Size || s.Size%s.Align != 0 {
		t.Fatalf("struct %s of %d bytes at multiples of %d ends at %d", s.Name, s.Size, s.Align, end)
	}
}

// checkTable checks that each slot has one field.
func checkTable(t *testing.T, x *fbs.Table) {
	t.Helper()
	taken := make([]bool, x.Slots)
	for _, f := range x.Fields {
		n := 1
		if f.Type.Kind == fbs.UnionType || f.Type.Kind == fbs.VectorOf && f.Type.Elem.Kind == fbs.UnionType {
			n = 2
		}
		for s := f.Slot; s < f.Slot+n; s++ {
			if taken[s] {
				t.Fatalf("slot %d of %s is taken twice", s, x.Name)
			}
			taken[s] = true
		}
	}
	if slices.Contains(taken, false) {
		t.Fatalf("a slot of %s is free", x.Name)
	}
}
