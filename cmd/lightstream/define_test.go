package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// defined is the program that reads each of its arguments, name=source, as rows of the table of that name, and writes them to a
// file in the current directory: the argument's number.arrows.
const defined = `package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log"
	"os"
	"strings"

	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	rt "github.com/lightstream-go/lightstream/runtime"
)

func main() {
	for i, arg := range os.Args[1:] {
		name, source, _ := strings.Cut(arg, "=")
		if err := tables[name](source, fmt.Sprintf("%d.arrows", i)); err != nil {
			log.Fatalf("%s, %s: %v", name, source, err)
		}
	}
}

func copyRows[R, B any, W rt.Builder[R]](t *rt.Table[R, B, W]) func(from, to string) error {
	return func(from, to string) error {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		out, err := os.Create(to)
		if err != nil {
			return err
		}
		defer out.Close()
		var rows iter.Seq2[R, error]
		if bytes.HasPrefix(text, []byte("ARROW1")) {
			r, err := rt.NewFileReader(t, bytes.NewReader(text), int64(len(text)), nil)
			if err != nil {
				return err
			}
			rows = r.Rows(context.Background())
		} else {
			rows = rt.NewReader(t, bytes.NewReader(text), nil).Rows(context.Background())
		}
		w := rt.NewWriter(t, out, nil)
		var wrong error // a value that rows have and columns have not
		n := 0
		for row, err := range rows {
			if err != nil {
				return fmt.Errorf("row %d: %w", n, err)
			}
			if n++; wrong == nil {
				wrong = w.Append(context.Background(), row)
			}
		}
		if wrong != nil {
			return os.WriteFile(to, []byte(wrong.Error()), 0o666)
		}
		return w.Close()
	}
}

var tables = map[string]func(from, to string) error{
`

// inexpressible are the golden files with columns that no definition has words for, and the others.
var inexpressible = map[string]string{
	"generated_interval":             "f1,f2,f3,f4",
	"generated_duplicate_fieldnames": "",
	"generated_nested_dictionary":    "",
	"generated_union":                "", // each column comes twice
}

// TestDefine makes definitions of the tables of all files that others have written, generates their code, and has programs with that
// read the files as rows and write those. What they have written has the same values.
func TestDefine(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	for _, as := range []string{"go", "fbs"} {
		t.Run(as, func(t *testing.T) { testDefine(t, as) })
	}
}

func testDefine(t *testing.T, as string) {
	files := peerFiles(t)
	golden, err := filepath.Glob("../../internal/testdata/arrow-testing/data/arrow-ipc-stream/integration/*/*.[as]*")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, golden...)
	dir := t.TempDir()
	program := filepath.Join(dir, "defined")
	if err := os.Mkdir(program, 0o777); err != nil {
		t.Fatal(err)
	}
	tables := map[string]string{} // by their columns
	var args, definitions []string
	var wants [][]byte
	main := defined
	for _, name := range files {
		columns, beyond := inexpressible[strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))]
		if beyond && columns == "" {
			continue
		}
		var only []string
		if beyond {
			only = []string{"--columns", columns}
		}
		text := string(call(t, append(only, "schema", name, "--as", "json")...))
		table, known := tables[text]
		if !known {
			table = fmt.Sprintf("T%d", len(tables))
			tables[text] = table
			def := call(t, append(only, "schema", name, "--as", as, "--table", table, "--package", "main")...)
			definitions = append(definitions, filepath.Join(program, table+"."+as))
			if err := os.WriteFile(definitions[len(definitions)-1], def, 0o666); err != nil {
				t.Fatal(err)
			}
			main += fmt.Sprintf("\t%q: copyRows(%sTable),\n", table, table)
		}
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		args, wants = append(args, table+"="+path), append(wants, call(t, append(only, "cat", name, "--to", "ndjson")...))
	}
	if err := os.WriteFile(filepath.Join(program, "main.go"), []byte(main+"}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	checkoutModule(t, dir)
	if as == "go" {
		definitions = []string{program}
	}
	call(t, append([]string{"gen", "--package", "main"}, definitions...)...)
	binary := filepath.Join(dir, "program")
	// Without optimizations it is compiled in half the time.
	runIn(t, dir, "go", "build", "-gcflags=-N -l", "-o", binary, "./defined")
	runIn(t, dir, binary, args...)
	for i, arg := range args {
		_, file, _ := strings.Cut(arg, "=")
		t.Run(filepath.Base(file), func(t *testing.T) {
			out := filepath.Join(dir, fmt.Sprintf("%d.arrows", i))
			switch {
			case strings.Contains(file, "1.0.0") && strings.Contains(file, "generated_decimal."):
				told, err := os.ReadFile(out)
				if err != nil || !strings.Contains(string(told), "decimal has more digits than its column") { // which the format allows
					t.Errorf("%.100s, %v", told, err)
				}
				return
			case strings.Contains(file, "generated_duration") || strings.Contains(file, "generated_interval"):
				return // spans beyond those of package time, which are cut
			}
			have := call(t, "cat", out, "--to", "ndjson")
			same(t, sortMaps(rowsOf(t, bytes.NewReader(have))).([]any), sortMaps(rowsOf(t, bytes.NewReader(wants[i]))).([]any))
		})
	}
}

// sortMaps gives maps the order that Go's have when they are written, in which each key stands once.
func sortMaps(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			x[k] = sortMaps(x[k])
		}
	case []any:
		entries := map[string]any{}
		for i := range x {
			x[i] = sortMaps(x[i])
			if e, ok := x[i].(map[string]any); ok && len(e) == 2 && e["key"] != nil {
				entries[fmt.Sprint(e["key"])] = e
			}
		}
		if len(entries) > 0 {
			x = x[:0]
			for _, key := range slices.Sorted(maps.Keys(entries)) {
				x = append(x, entries[key])
			}
		}
		return x
	}
	return v
}

// checkoutModule makes dir a module that uses this checkout.
func checkoutModule(t *testing.T, dir string) {
	t.Helper()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	const path = "github.com/lightstream-go/lightstream"
	mod := "module example.com/defined\n\ngo 1.26\n\nrequire " + path + " v0.0.0\n\nreplace " + path + " => " + checkout + "\n"
	for name, text := range map[string]string{"go.mod": mod, "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// runIn runs a program in dir, and fails with what it prints.
func runIn(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOSUMDB=off",
		"GOPROXY=file:///"+strings.TrimPrefix(filepath.ToSlash(strings.TrimSpace(string(cache))), "/")+"/cache/download")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}
