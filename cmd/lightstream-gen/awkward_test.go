package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/model"
)

// awkwardNames are names that generated code has for variables, receivers, parameters, imports and predeclared identifiers.
var awkwardNames = []string{
	"at", "b", "block", "c", "cmp", "column", "ctx", "d", "dst", "err", "f", "flatbuf", "from", "h", "handle", "i", "io", "ipc", "item", "k", "l",
	"list", "m", "n", "none", "o", "ok", "opts", "out", "p", "part", "pos", "r", "row", "rows", "rt", "s", "src", "t", "texts", "time", "to", "u",
	"v", "value", "w", "x", "y", "a", "body", "buf", "conn", "framer", "head", "items", "maxExpanded", "name", "need", "own", "owner", "prefix",
	"slot", "valid", "ptr", "feed", "arrow", "context", "errors", "slices", "frame", "mem",
	"any", "append", "bool", "byte", "cap", "clear", "comparable", "copy", "error", "false", "float64", "int", "int32", "int64", "len", "make",
	"max", "min", "new", "nil", "panic", "string", "true", "uint8",
}

// awkwardPackage declares types with a name in each place where a definition can have one.
func awkwardPackage(pkg, name string) string {
	title := strings.ToUpper(name[:1]) + name[1:]
	return strings.NewReplacer("PKG", pkg, "NAME", name, "TITLE", title).Replace(`package PKG

// NAME is the type of fields of tables and messages.
type NAME int32

//lightstream:table
type Flat struct {
	TITLE NAME ` + "`arrow:\"one\"`" + `
	More  *NAME ` + "`arrow:\"NAME\"`" + `
	Type  NAME ` + "`arrow:\"type\"`" + `
	Many  []NAME
	Two   [2]NAME
}

//lightstream:message
type Note struct {
	TITLE NAME ` + "`arrow:\"one\"`" + `
	More  *NAME ` + "`arrow:\"NAME\"`" + `
	Many  []NAME
	Func  NAME ` + "`arrow:\"func\"`" + `
}

//lightstream:protocol Feed = Flat | Note
`)
}

// awkwardGroups has structs, unions and members of a name.
func awkwardGroups(pkg, name string) string {
	return strings.NewReplacer("PKG", pkg, "NAME", name).Replace(`package PKG

// NAME is a struct in rows and messages.
type NAME struct{ X, Y float64 }

func (NAME) isEvent() {}

//lightstream:table
type Nested struct {
	One   NAME
	Maybe *NAME
	Many  []NAME
	Event event
}

//lightstream:union NAME | number
type event interface{ isEvent() }

type number float64

func (number) isEvent() {}

//lightstream:message
type Note struct {
	One  NAME
	Ptr  *NAME
	Many []NAME
}
`)
}

// awkwardTables has tables, messages, protocols and unions of a name themselves.
func awkwardTables(pkg, name string) string {
	return strings.NewReplacer("PKG", pkg, "NAME", name).Replace(`package PKG

//lightstream:table
type NAME struct{ A float64; B string }

//lightstream:message
type NAMEs struct{ A float64; B string }

//lightstream:protocol feed = NAME | NAMEs
`)
}

// TestAwkwardNames generates from definitions whose types are called as variables of generated code are. Each either compiles or is
// refused where it is declared, with what helps.
func TestAwkwardNames(t *testing.T) {
	if testing.Short() {
		t.Skip("builds packages")
	}
	dir := t.TempDir()
	newModule(t, dir)
	refused := 0
	for i, name := range awkwardNames {
		for kind, source := range map[string]func(pkg, name string) string{"field": awkwardPackage, "group": awkwardGroups, "table": awkwardTables} {
			pkg := fmt.Sprintf("%s%d", kind, i)
			if err := os.MkdirAll(filepath.Join(dir, pkg), 0o777); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, pkg, "rows.go"), source(pkg, name))
			_, err := codegen.Run(&codegen.Options{Inputs: []string{filepath.Join(dir, pkg)}})
			var errs model.Errors
			switch {
			case errors.As(err, &errs):
				refused++
				for _, e := range errs {
					if e.Pos.Line == 0 || e.Remedy == "" {
						t.Errorf("%s %s: %v has no place or no remedy", kind, name, e)
					}
				}
				if err := os.RemoveAll(filepath.Join(dir, pkg)); err != nil {
					t.Fatal(err)
				}
			case err != nil:
				t.Errorf("%s %s: %v", kind, name, err)
			}
		}
	}
	if all := 3 * len(awkwardNames); refused == 0 || refused > all/2 {
		t.Errorf("%d of %d packages were refused", refused, all)
	}
	cmd := exec.Command("go", "vet", "-printf", "./...") // which compiles as far as types go, and no further
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOSUMDB=off", "GOPROXY="+cacheProxy())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
