package lightstream_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var updateAPI = flag.Bool("update-api", false, "write docs/api anew")

// TestAPI compares the exported declarations of the packages that users call with docs/api, so that a change of the API shows in
// the change that makes it.
func TestAPI(t *testing.T) {
	for _, dir := range []string{
		".", "runtime", "runtime/mem", "runtime/column", "runtime/frame", "runtime/ipc", "runtime/flatbuf", "runtime/tabletest",
		"transports", "transports/tcp", "transports/tls", "transports/ws", "transports/quic", "transports/http", "transports/http/h3", "transports/uds", "transports/stdio", "transports/pipe", "transports/serve", "transports/access", "transports/transporttest",
		"runtime/fanout", "runtime/lanes", "runtime/observe", "runtime/observe/expvars", "compress/zstd", "compress/lz4", "formats/text", "formats/csv", "formats/ndjson", "formats/parquet", "formats/dataset", "compress",
		"transports/wt",
		"interop/arrowgo", "codegen", "codegen/evolve",
	} {
		name := strings.ReplaceAll(dir, "/", "_")
		if dir == "." {
			name = "lightstream"
		}
		golden := filepath.Join("docs", "api", name+".txt")
		got := exported(t, dir)
		if *updateAPI {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not the API of %s; if it is to change: go test -run TestAPI -update-api .", golden, dir)
		}
	}
}

// exported returns the exported declarations of a package, without comments and bodies.
func exported(t *testing.T, dir string) []byte {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		base := filepath.Base(name)
		if strings.HasSuffix(base, "_test.go") || strings.HasSuffix(base, "_portable.go") || strings.HasSuffix(base, "_other.go") ||
			strings.HasSuffix(base, "_windows.go") || strings.HasSuffix(base, "_purego.go") || strings.HasSuffix(base, "_on.go") {
			continue // a twin for other systems has the same signatures
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	print := func(n ast.Node) {
		if f, ok := n.(*ast.FuncDecl); ok {
			f.Body = nil
		}
		if err := format.Node(&b, fset, n); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n\n")
	}
	b.WriteString("package " + p.Name + " // " + dir + "\n\n")
	for _, v := range append(p.Consts, p.Vars...) {
		print(v.Decl)
	}
	for _, f := range p.Funcs {
		print(f.Decl)
	}
	for _, typ := range p.Types {
		print(typ.Decl)
		for _, v := range append(typ.Consts, typ.Vars...) {
			print(v.Decl)
		}
		for _, f := range append(typ.Funcs, typ.Methods...) {
			print(f.Decl)
		}
	}
	return b.Bytes()
}
