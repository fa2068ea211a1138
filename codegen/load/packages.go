package load

import (
	"go/ast"
	"go/build"
	"go/build/constraint"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// goFile is a Go file that is not one of tables.
type goFile struct {
	name      string // without a directory
	ast       *ast.File
	generated bool // it holds row structs
}

// goPackage are the files of a directory that say package name: a package with its own tests, or the tests outside of it.
type goPackage struct {
	dir   string
	name  string
	fset  *token.FileSet
	files []*goFile
}

// readDir parses the Go files of dir that are built on this platform, but for generated ones, and sorts them by package.
//
// A file that does not parse is an error only if it has a table: the parser's partial result is good enough to find types.
func readDir(dir string, errs *model.Errors) ([]*goPackage, error) {
	entries, err := os.ReadDir(dir) // in order of names
	if err != nil {
		return nil, err
	}
	var list []*goPackage
	fset := token.NewFileSet()
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".go") || Generated(e.Name()) {
			continue
		}
		if match, err := build.Default.MatchFile(dir, e.Name()); err != nil || !match {
			continue
		}
		path := filepath.Join(dir, e.Name())
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(fset, filepath.ToSlash(path), src, parser.ParseComments|parser.SkipObjectResolution)
		if file == nil || file.Name == nil {
			continue
		}
		if err != nil && strings.Contains(string(src), directive) {
			addSyntaxErrors(err, errs)
			continue
		}
		i := slices.IndexFunc(list, func(p *goPackage) bool { return p.name == file.Name.Name })
		if i < 0 {
			i = len(list)
			list = append(list, &goPackage{dir: dir, name: file.Name.Name, fset: fset})
		}
		list[i].files = append(list[i].files, &goFile{e.Name(), file, ast.IsGenerated(file)})
	}
	return list, nil
}

func addSyntaxErrors(err error, errs *model.Errors) {
	list, ok := err.(scanner.ErrorList)
	if !ok {
		return
	}
	for _, e := range list {
		errs.Add(model.Pos{File: e.Pos.Filename, Line: e.Pos.Line, Col: e.Pos.Column}, e.Msg, "")
	}
}

// pos returns a place in one of p's files.
func (p *goPackage) pos(at token.Pos) model.Pos {
	position := p.fset.PositionFor(at, false)
	return model.Pos{File: position.Filename, Line: position.Line, Col: position.Column}
}

// declared returns the names that files written by hand declare, with their places.
func (p *goPackage) declared() map[string]model.Pos {
	names := map[string]model.Pos{}
	add := func(id *ast.Ident) {
		if _, there := names[id.Name]; !there {
			names[id.Name] = p.pos(id.Pos())
		}
	}
	for _, f := range p.files {
		if f.generated {
			continue
		}
		for _, decl := range f.ast.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil {
					add(decl.Name)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						add(spec.Name)
					case *ast.ValueSpec:
						for _, id := range spec.Names {
							add(id)
						}
					}
				}
			}
		}
	}
	return names
}

// buildConstraint returns what has to be said in the file generated from f, so that it is built when f is: f's own
// constraint, and what f's name says, as the name of the generated file does not end like it.
func buildConstraint(f *goFile) string {
	var list []string
	for _, group := range f.ast.Comments {
		if group.Pos() >= f.ast.Package {
			break
		}
		for _, c := range group.List {
			if expr, err := constraint.Parse(c.Text); err == nil && constraint.IsGoBuild(c.Text) {
				list = append(list, expr.String())
			}
		}
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimSuffix(f.name, ".go"), "_test"), "_")
	if n := len(parts) - 1; n >= 1 && slices.Contains(architectures, parts[n]) {
		list = append(list, parts[n])
		parts = parts[:n]
	}
	if n := len(parts) - 1; n >= 1 && slices.Contains(systems, parts[n]) {
		list = append(list, parts[n])
	}
	for i, expr := range list {
		if len(list) > 1 && strings.ContainsAny(expr, "|&") {
			list[i] = "(" + expr + ")"
		}
	}
	return strings.Join(list, " && ")
}

// The names that the go command takes for constraints at the end of a file's name.
var (
	systems = strings.Fields("aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 " +
		"solaris wasip1 windows zos")
	architectures = strings.Fields("386 amd64 amd64p32 arm arm64 arm64be armbe loong64 mips mips64 mips64le mips64p32 " +
		"mips64p32le mipsle ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm")
)
