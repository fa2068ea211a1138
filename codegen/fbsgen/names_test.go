package fbsgen

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lightstream-go/lightstream/codegen/fbs"
)

func TestNames(t *testing.T) {
	for _, n := range []struct {
		make     func(string) string
		in, want string
	}{
		{exported, "custom_metadata", "CustomMetadata"},
		{exported, "typeIds", "TypeIDs"},
		{exported, "id", "ID"},
		{exported, "Struct_", "Struct"},
		{exported, "SparseTensorIndexCOO", "SparseTensorIndexCOO"},
		{exported, "HTTPServerURL", "HTTPServerURL"},
		{exported, "http_url", "HTTPURL"},
		{exported, "Utf8View", "Utf8View"},
		{exported, "__x__y", "XY"},
		{exported, "_", "X"},
		{exported, "_1st", "X1st"},
		{exported, "URLs", "URLs"},
		{enumerator, "LZ4_FRAME", "LZ4Frame"},
		{enumerator, "ZSTD", "ZSTD"},
		{enumerator, "MONTH_DAY_NANO", "MonthDayNano"},
		{enumerator, "V5", "V5"},
		{enumerator, "DenseArray", "DenseArray"},
		{enumerator, "half_open", "HalfOpen"},
		{enumerator, "_1", "1"},
		{unexported, "bodyLength", "bodyLength"},
		{unexported, "ID", "id"},
		{unexported, "URLPath", "urlPath"},
		{unexported, "type", "typeValue"},
		{unexported, "b", "bValue"},
		{unexported, "len", "lenValue"},
		{snake, "SparseTensor", "sparse_tensor"},
		{snake, "my-file.name", "my_file_name"},
		{lowerFirst, "How many", "how many"},
		{lowerFirst, "LZ4 frames", "LZ4 frames"},
		{lowerFirst, "", ""},
	} {
		if got := n.make(n.in); got != n.want {
			t.Errorf("of %q got %q, want %q", n.in, got, n.want)
		}
	}
}

// TestRefused has schemas that are right but have no Go.
func TestRefused(t *testing.T) {
	for _, r := range []struct{ src, want string }{
		{"table a_b {}\ntable AB {}", `in.fbs:2:7: table AB, which in Go is AB as is table a_b; want another name`},
		{"namespace x; table T {}\nnamespace y; table T {}", "in.fbs:2:20: table y.T, which in Go is T as is table x.T; want another name"},
		{"enum E : byte { a_b, aB }", "in.fbs:1:22: value E.aB, which in Go is EAB as is value E.a_b; want another name"},
		{"table T { x: int; } table TStart {}", "the start of T, which in Go is TStart as is table TStart"},
		{"struct P { x: int; } enum PSize : byte { A }", "want another name"},
		{"table Limits {}", "in.fbs:1:7: table Limits, which in Go is Limits as is the verifiers; want another name"},
		{"table A {} union U { A } table T { v: [U]; }", "in.fbs:1:39: a vector of unions; want a vector of tables that have the union"},
		{"union U { None: A } table A {}", "member None of U, which in Go is UNone as is the empty U"},
	} {
		fsys := fstest.MapFS{"in.fbs": {Data: []byte(r.src)}}
		s, err := fbs.Parse("in.fbs", &fbs.Options{Open: fbs.OpenFS(fsys)})
		if err != nil {
			t.Fatal(err)
		}
		files, err := Generate(s, &Options{Package: "p"})
		var list fbs.Errors
		if files != nil || !errors.As(err, &list) || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s\n\tgot %v, want %s", r.src, err, r.want)
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	fsys := fstest.MapFS{
		"a/x.fbs": {Data: []byte("table A {}")}, "b/x.fbs": {Data: []byte("table B {}")}, "doc.fbs": {Data: []byte("table C {}")},
	}
	s, err := fbs.ParseFiles([]string{"a/x.fbs", "b/x.fbs", "doc.fbs"}, &fbs.Options{Open: fbs.OpenFS(fsys)})
	if err != nil {
		t.Fatal(err)
	}
	const want = "b/x.fbs:1:7: a file whose Go is x_fb.go, as is that of a/x.fbs; want schema files with different names\n" +
		"doc.fbs:1:7: a file whose Go is doc_fb.go; want a schema file with another name"
	if _, err := Generate(s, &Options{Package: "p"}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestRoots writes only what some tables lead to.
func TestRoots(t *testing.T) {
	fsys := fstest.MapFS{"in.fbs": {Data: []byte(`
struct P { x: int; }
struct Q { p: P; }
enum E : byte { A }
enum F : byte { A }
table Leaf { e: E; q: [Q]; }
union U { Leaf }
table Message { u: U; }
table Column { f: F; m: Message; v: [U]; }
root_type Column;
`)}}
	s, err := fbs.Parse("in.fbs", &fbs.Options{Open: fbs.OpenFS(fsys)})
	if err != nil {
		t.Fatal(err)
	}
	files, err := Generate(s, &Options{Package: "p", Roots: []*fbs.Table{s.Lookup("Message").(*fbs.Table)}})
	if err != nil {
		t.Fatal(err)
	}
	code := string(files["in_fb.go"])
	for _, want := range []string{"type P struct", "type Q struct", "type E int8", "type Leaf struct", "type U uint8", "func VerifyMessage("} {
		if !strings.Contains(code, want) {
			t.Errorf("no %q in\n%s", want, code)
		}
	}
	for _, other := range []string{"Column", "type F "} {
		if strings.Contains(code, other) {
			t.Errorf("%q in\n%s", other, code)
		}
	}
}
