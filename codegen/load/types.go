package load

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// checker finds the types of fields. It checks the package that is generated for, and of the packages that it imports
// those that declare the types of columns, from their sources. All other imports are empty, and the errors that follow from
// that are ignored, so that a package needs neither its generated files nor its dependencies to be read.
type checker struct {
	fset *token.FileSet
	pkgs map[string]*sources // by import path
	info *types.Info
	errs []types.Error
}

// sources are the files of one package.
type sources struct {
	path  string
	files []*ast.File
	specs map[string]spec
	marks map[string]bool // of types, that they lie in place in messages
	types *types.Package
	err   error // the package is not to be had
}

type spec struct {
	file *ast.File
	expr ast.Expr
}

// Packages whose types have a meaning here are known, and not read. A type that has one is a struct of its own name here, so that a type
// that is declared as it is told from what it is made of.
var known = map[string]string{
	"time": `package time
		type Time struct{ Time int64 }
		type Location struct{ name string }
		type Duration struct{ Duration int64 }
		type Month int
		type Weekday int`,
	model.RuntimePath: `package rt
		type Null[T any] struct { V T; Valid bool }` + runtimeValues,
	model.ColumnPath: `package column` + runtimeValues,
	"database/sql": `package sql
		type Null[T any] struct { V T; Valid bool }
		type NullBool struct{ Bool, Valid bool }
		type NullByte struct{ Byte byte; Valid bool }
		type NullFloat64 struct { Float64 float64; Valid bool }
		type NullInt16 struct { Int16 int16; Valid bool }
		type NullInt32 struct { Int32 int32; Valid bool }
		type NullInt64 struct { Int64 int64; Valid bool }
		type NullString struct { String string; Valid bool }
		type NullTime struct { Time int64; Valid bool }`,
}

// runtimeValues are the types of values that the runtime declares. What they are made of is of no interest.
const runtimeValues = `
		type Float16 struct { Float16 uint16 }
		type Date struct { Date int32 }
		type DateMillis struct { DateMillis int64 }
		type Decimal32 struct { Decimal32 int32 }
		type Decimal64 struct { Decimal64 int64 }
		type Decimal128 struct { Decimal128 [2]uint64 }
		type Decimal256 struct { Decimal256 [4]uint64 }
		type MonthDayNano struct { MonthDayNano int64 }`

// localPath is the import path of the package that is generated for.
const localPath = "."

// check returns the types of the expressions in p, as far as the fields exprs need them, what the type checker had to say, a
// function that returns the import path of a package that an expression needs and that is not there, and the names of the types that
// are marked //lightstream:struct in the packages that were read, by their import paths.
func check(p *goPackage, exprs []ast.Expr) (*types.Info, []types.Error, func(ast.Expr) string, map[string]map[string]bool) {
	c := &checker{fset: p.fset, pkgs: map[string]*sources{}, info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}}
	local := &sources{path: localPath, specs: map[string]spec{}}
	for _, f := range p.files {
		local.add(f.ast)
	}
	for _, expr := range exprs {
		c.reach(p.dir, local, spec{fileOf(local, expr), expr}, map[ast.Expr]bool{})
	}
	c.check(local)
	missing := func(expr ast.Expr) (importPath string) {
		ast.Inspect(expr, func(node ast.Node) bool {
			if x, ok := node.(*ast.SelectorExpr); ok {
				if q, ok := x.X.(*ast.Ident); ok {
					importPath = cmp.Or(importPath, c.missing(fileOf(local, x), q.Name))
				}
			}
			return true
		})
		return importPath
	}
	marks := map[string]map[string]bool{}
	for importPath, s := range c.pkgs {
		marks[importPath] = s.marks
	}
	return c.info, c.errs, missing, marks
}

// missing returns the import of f that is called name and could not be read.
func (c *checker) missing(f *ast.File, name string) string {
	for _, importPath := range candidates(f, name) {
		if s := c.pkgs[importPath]; s != nil && s.err != nil {
			return importPath
		}
	}
	return ""
}

func fileOf(s *sources, node ast.Node) *ast.File {
	for _, f := range s.files {
		if f.FileStart <= node.Pos() && node.Pos() < f.FileEnd {
			return f
		}
	}
	return nil
}

func (s *sources) add(f *ast.File) {
	s.files = append(s.files, f)
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, one := range gen.Specs {
			if t, ok := one.(*ast.TypeSpec); ok {
				s.specs[t.Name.Name] = spec{f, t.Type}
				if inPlace(gen, t) {
					if s.marks == nil {
						s.marks = map[string]bool{}
					}
					s.marks[t.Name.Name] = true
				}
			}
		}
	}
}

// reach reads the packages that are needed to know the kind of a type: those that declare it, and what it is declared as.
// What a function or interface is made of is of no interest, nor are fields that cannot be columns.
func (c *checker) reach(dir string, s *sources, at spec, seen map[ast.Expr]bool) {
	if seen[at.expr] || at.file == nil {
		return
	}
	seen[at.expr] = true
	next := func(expr ast.Expr) { c.reach(dir, s, spec{at.file, expr}, seen) }
	switch x := at.expr.(type) {
	case *ast.Ident:
		if there, ok := s.specs[x.Name]; ok {
			c.reach(dir, s, there, seen)
		}
	case *ast.ParenExpr:
		next(x.X)
	case *ast.StarExpr:
		next(x.X)
	case *ast.ArrayType:
		next(x.Elt)
	case *ast.MapType:
		next(x.Key)
		next(x.Value)
	case *ast.StructType:
		for _, expr := range columnTypes(x) {
			next(expr)
		}
	case *ast.IndexExpr:
		next(x.X)
		next(x.Index)
	case *ast.SelectorExpr:
		q, ok := x.X.(*ast.Ident)
		if !ok {
			return
		}
		for _, candidate := range candidates(at.file, q.Name) {
			other := c.load(candidate, dir)
			if there, ok := other.specs[x.Sel.Name]; ok {
				c.reach(dir, other, there, seen)
			}
		}
	}
}

// candidates returns the imports of f that may have this name there. Only the sources tell the name of a package; where
// none looks like it, all are candidates.
func candidates(f *ast.File, name string) []string {
	var likely, others []string
	for _, i := range f.Imports {
		importPath, err := strconv.Unquote(i.Path.Value)
		switch {
		case err != nil:
		case i.Name != nil && i.Name.Name == name:
			return []string{importPath}
		case i.Name != nil:
		case packageName(importPath) == name:
			likely = append(likely, importPath)
		default:
			others = append(others, importPath)
		}
	}
	if len(likely) > 0 {
		return likely
	}
	return others
}

// packageName guesses the name of a package.
func packageName(importPath string) string {
	if importPath == model.RuntimePath {
		return "rt"
	}
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(importPath))
	}
	base, _, _ = strings.Cut(base, ".v") // gopkg.in/yaml.v3
	base = strings.TrimSuffix(strings.TrimPrefix(base, "go-"), "-go")
	return strings.ReplaceAll(base, "-", "")
}

// load parses a package from its sources, once.
func (c *checker) load(importPath, dir string) *sources {
	if s := c.pkgs[importPath]; s != nil {
		return s
	}
	s := &sources{path: importPath, specs: map[string]spec{}}
	c.pkgs[importPath] = s
	if text, ok := known[importPath]; ok {
		f, err := parser.ParseFile(c.fset, importPath, text, parser.SkipObjectResolution)
		s.err = err
		s.add(f)
		return s
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		s.err = err
		return s
	}
	p, err := build.Default.Import(importPath, abs, 0)
	if noGo := (*build.NoGoError)(nil); err != nil && !errors.As(err, &noGo) && len(p.GoFiles) == 0 {
		s.err = fmt.Errorf("package %s cannot be read", importPath)
		return s
	}
	for _, name := range append(p.GoFiles, p.CgoFiles...) {
		if f, _ := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution); f != nil {
			s.add(f)
		}
	}
	return s
}

// check type-checks a package, without the bodies of functions.
func (c *checker) check(s *sources) *types.Package {
	config := types.Config{
		Importer:         c,
		IgnoreFuncBodies: true,
		FakeImportC:      true,
		Error: func(err error) {
			if e, ok := err.(types.Error); ok {
				c.errs = append(c.errs, e)
			}
		},
	}
	s.types = types.NewPackage(s.path, packageName(s.path)) // for imports in a circle
	s.types, _ = config.Check(s.path, c.fset, s.files, c.info)
	return s.types
}

// Import returns a package that has been reached, or an empty one.
func (c *checker) Import(importPath string) (*types.Package, error) {
	if importPath == "unsafe" {
		return types.Unsafe, nil
	}
	s := c.pkgs[importPath]
	if s == nil || s.err != nil || len(s.files) == 0 {
		empty := types.NewPackage(importPath, packageName(importPath))
		empty.MarkComplete()
		return empty, nil
	}
	if s.types == nil {
		c.check(s)
	}
	return s.types, nil
}
