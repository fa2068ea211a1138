package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
)

// TestNested generates the packages of testdata/nested.txtar with all features. Their code compiles, passes
// vet and its own tests: rows of each table come back as they were.
func TestNested(t *testing.T) {
	if testing.Short() {
		t.Skip("builds packages")
	}
	t.Setenv("GOFLAGS", "-mod=mod") // as goTool has it
	t.Setenv("GOWORK", "off")
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GOPROXY", cacheProxy())
	dir := t.TempDir()
	newModule(t, dir)
	extract(t, "testdata/nested.txtar", dir)
	t.Chdir(dir) // the go command says where imported packages are, for the module it stands in
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for _, e := range entries {
		if !e.IsDir() || e.Name() == "units" {
			continue
		}
		opts := &codegen.Options{Inputs: []string{filepath.Join(dir, e.Name())}, Features: codegen.Features}
		if schemas, err := filepath.Glob(filepath.Join(dir, e.Name(), "*.fbs")); err != nil {
			t.Fatal(err)
		} else if len(schemas) > 0 {
			opts.Inputs = schemas
		}
		outputs, err := codegen.Generate(opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := codegen.Write(outputs); err != nil {
			t.Fatal(err)
		}
		for _, o := range outputs {
			tables += strings.Count(string(o.Text), " = rt.DefineTable(")
		}
	}
	goTool(t, dir, "vet", "./...")
	out := goTool(t, dir, "test", "-v", "./...")
	for _, test := range []string{"Test", "Fuzz"} {
		n := 0
		for line := range strings.Lines(out) {
			if name, _, _ := strings.Cut(line, " ("); strings.HasPrefix(name, "--- PASS: "+test) && strings.HasSuffix(name, "Table") {
				n++
			}
		}
		if n != tables || n == 0 {
			t.Errorf("%d of %s passed, want one for each of %d tables:\n%s", n, test, tables, out)
		}
	}
}
