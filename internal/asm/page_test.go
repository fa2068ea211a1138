package asm

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPage wants docs/kernels.md to have a command that runs each benchmark of this package, a name for each kernel, and no function that
// is not there.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/kernels.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	functions := functionsHere(t)

	_, command, ok := strings.Cut(page, "go test ./internal/asm -run - -bench ")
	if !ok {
		t.Fatal("no command runs the benchmarks")
	}
	command, _, _ = strings.Cut(command, "\n")
	match, err := regexp.Compile(strings.Trim(command, "'"))
	if err != nil {
		t.Fatal(err)
	}
	kernels, benchmarks := 0, 0
	for name := range functions {
		switch {
		case strings.HasPrefix(name, "Benchmark"):
			if benchmarks++; !match.MatchString(name) {
				t.Errorf("-bench %s leaves out %s", command, name)
			}
		case strings.HasSuffix(name, "AVX2"), strings.HasSuffix(name, "AVX512"):
			if kernels++; !strings.Contains(page, "`"+name+"`") {
				t.Errorf("the page has no %s", name)
			}
		}
	}
	if kernels < 20 || benchmarks < 15 {
		t.Errorf("there are %d kernels and %d benchmarks", kernels, benchmarks)
	}

	_, table, ok := strings.Cut(page, "| loop | kernel; called as; portable loop |")
	if !ok {
		t.Fatal("no table of the loops")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	names := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cells[2], -1) {
			if names++; m[1] != "unsafe" && !functions[m[1]] {
				t.Errorf("%s: there is no function %s", strings.TrimSpace(cells[1]), m[1])
			}
		}
	}
	if names < 40 {
		t.Errorf("the table has %d names", names)
	}
}

// functionsHere returns the functions that are declared in the files of this package, of all targets.
func functionsHere(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}
