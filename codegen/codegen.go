// Package codegen is the generator as a library: it reads definitions of tables, from Go structs, .fbs files and the schemas
// of Arrow files, and writes the Go that streams them.
//
//	definition ── load ── model ── emit ── Generate ─┬─ Write: the files, each replaced in one step
//	                                                 ├─ Check: an error for each that is stale
//	             lightstream.schema.lock ── evolve ──┴─ Changes: those of the tables, judged
//
// The same definition gives the same bytes, wherever and whenever. A definition with an error changes no file.
//
// Command lightstream-gen is this package behind a command line.
package codegen

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/emit"
	"github.com/lightstream-go/lightstream/codegen/load"
	"github.com/lightstream-go/lightstream/codegen/model"
)

// Options say what to generate from. The zero value is the Go package in the current directory.
type Options struct {
	// Inputs are directories of Go packages, Go files, schemas (.fbs, .arrow, .arrows and .json files), and dir/... for all tables at
	// and below dir: those of Go packages, and those of the schemas that generated files there came from. Nil means the
	// current directory.
	Inputs []string

	// Output is the directory for what schemas give. Empty means that of the schema. (What Go files give goes beside
	// them, as it is of the same package.)
	Output string

	// Package is the name of the Go package for schemas. Empty means that of the Go files in the directory, or else the
	// name of the directory.
	Package string

	// Table is the name of the table of a .arrow or .arrows file. Empty means the name of the file.
	Table string

	// Features are the optional parts of generated code: see the variable Features. Those that a file already has are kept.
	Features []string

	// Include are directories to search for files that .fbs files include.
	Include []string

	// Whole has a directory stand for all that is generated in it, as dir/... does: also for what the generated files there came
	// from that are of schemas. It is for looking at what there is, as [Check] and [Changes] do.
	Whole bool
}

// Output is a generated file.
type Output struct {
	// Path is where the file belongs. Relative inputs give relative paths.
	Path string
	// Text is what belongs there. Nil means that the file should not exist any more: its source has no tables.
	Text []byte

	file   *model.File // of the tables in it, nil for row structs
	source string      // the path of what it was made from
	lock   *lockChange // of a lightstream.schema.lock
}

// Run generates files and writes those that have changed. It returns their paths, removed ones too.
func Run(opts *Options) (changed []string, err error) {
	outputs, err := Generate(opts)
	if err != nil {
		return nil, err
	}
	return Write(outputs)
}

// Generate returns what belongs into the generated files, in order of directories and paths, each directory's
// lightstream.schema.lock last, and writes nothing. Errors of definitions are of type [model.Errors], all at once.
func Generate(opts *Options) ([]Output, error) {
	if opts == nil {
		opts = &Options{}
	}
	if err := checkFeatures(opts.Features); err != nil {
		return nil, err
	}
	g := generator{opts: opts}
	if err := g.run(); err != nil {
		return nil, err
	}
	if len(g.rows) > 1 { // once more, as of types that schemas share one may be declared elsewhere now than the first run took it to be
		g = generator{opts: opts, rows: g.rows}
		if err := g.run(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(g.outputs, func(a, b Output) int {
		return cmp.Or(cmp.Compare(filepath.Dir(a.Path), filepath.Dir(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	outputs, err := distinct(g.outputs)
	if err != nil {
		return nil, err
	}
	return locks(outputs)
}

// run reads all inputs and makes their outputs.
func (g *generator) run() error {
	inputs := g.opts.Inputs
	if len(inputs) == 0 {
		inputs = []string{"."}
	}
	for _, input := range inputs {
		if err := g.input(input); err != nil {
			return err
		}
	}
	return g.errs.Err()
}

// IsSchema tells whether a file of this name is a definition that is no Go: a .fbs, .arrow or .arrows file, or a schema in .json.
func IsSchema(name string) bool {
	switch filepath.Ext(name) {
	case ".fbs", ".arrow", ".arrows", ".json":
		return true
	}
	return false
}

// fromTable tells how to make a definition of a file that has a table.
func fromTable(input string) string {
	name := strings.ToLower(input)
	for _, packed := range []string{".gz", ".zst", ".lz4"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch filepath.Ext(name) {
	case ".parquet", ".pq", ".csv", ".tsv", ".ndjson", ".jsonl", ".json":
		return fmt.Sprintf("; lightstream schema %s --as json > x.json makes one of its columns", input)
	}
	return ""
}

type generator struct {
	opts    *Options
	outputs []Output
	rows    []Output // those of outputs that hold row structs
	errs    model.Errors
}

// keep takes the errors of a definition, to be reported with those of others.
func (g *generator) keep(err error) error {
	var list model.Errors
	if errors.As(err, &list) {
		g.errs = append(g.errs, list...)
		return nil
	}
	return err
}

func (g *generator) input(input string) error {
	if root, ok := strings.CutSuffix(filepath.ToSlash(input), "/..."); ok {
		return g.tree(filepath.FromSlash(root))
	}
	switch {
	case IsSchema(input):
		return g.schema(input, cmp.Or(g.opts.Output, filepath.Dir(input)), g.opts.Package, g.opts.Table)
	case filepath.Ext(input) == ".go":
		return g.goFile(input)
	}
	info, err := os.Stat(input)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: not a definition; name a directory, or a .go, .fbs, .arrow, .arrows or .json file%s", input, fromTable(input))
	}
	n, err := g.goPackage(input)
	if err == nil && g.opts.Whole {
		var schemas int
		schemas, err = g.schemasOf(input)
		n += schemas
	}
	if err == nil && n == 0 {
		err = fmt.Errorf("%s: no tables; write //lightstream:table in the comment of a struct", input)
	}
	return err
}

// tree generates for all packages at and below root, and once more for schemas.
func (g *generator) tree(root string) error {
	tables := 0
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if dir != root {
			name := entry.Name()
			if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return fs.SkipDir // another module
			}
		}
		n, err := g.goPackage(dir)
		tables += n
		if err == nil {
			n, err = g.schemasOf(dir)
			tables += n
		}
		return err
	})
	if err == nil && tables == 0 {
		err = fmt.Errorf("%s/...: no tables; write //lightstream:table in the comment of a struct", filepath.ToSlash(root))
	}
	return err
}

// goPackage generates for the package in dir and returns how many files have tables, or may have: those with errors too.
func (g *generator) goPackage(dir string) (int, error) {
	files, err := load.Go(dir)
	n := len(files)
	if err != nil {
		n++
		if err := g.keep(err); err != nil {
			return 0, err
		}
	}
	for _, f := range files {
		if err := g.emit(dir, filepath.Join(dir, f.Source), f); err != nil {
			return 0, err
		}
	}
	return n, g.orphans(dir, files)
}

func (g *generator) goFile(name string) error {
	dir := filepath.Dir(name)
	files, err := load.Go(dir)
	if err != nil {
		return g.keep(err)
	}
	for _, f := range files {
		if f.Source == filepath.Base(name) {
			return g.emit(dir, name, f)
		}
	}
	if _, err := os.Stat(name); err != nil {
		return err
	}
	return fmt.Errorf("%s: no tables; write //lightstream:table in the comment of a struct", name)
}

// schemasOf generates for the schemas that the generated files in dir came from, and returns how many these are.
func (g *generator) schemasOf(dir string) (int, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*_lightstream.go"))
	if err != nil {
		return 0, err
	}
	schemas := 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		source, ok := emit.Source(text)
		if !ok || !IsSchema(source) {
			continue
		}
		source = filepath.Join(dir, filepath.FromSlash(source))
		if _, err := os.Stat(source); err != nil {
			continue // it was taken away, and the file is the user's to remove
		}
		if err := g.schema(source, dir, load.PackageClause(text), tableName(text)); err != nil {
			return 0, err
		}
		schemas++
	}
	return schemas, nil
}

// tableSpec finds the row type of the first table in a generated file.
var tableSpec = regexp.MustCompile(`TableSpec\[(\w+), `)

// tableName returns the name of the first table in a generated file, as -table gave it.
func tableName(text []byte) string {
	if match := tableSpec.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return ""
}

// schema generates for a schema into dir. Table is the name of the table of an Arrow file, "" for that of the file.
func (g *generator) schema(name, dir, pkg, table string) error {
	source, err := relative(dir, name)
	if err != nil {
		return err
	}
	pkg, declared, err := load.PackageOf(dir, pkg, source)
	if err != nil {
		return err
	}
	schemas := g.others(dir, name, declared)
	var f *model.File
	switch filepath.Ext(name) {
	case ".fbs":
		f, err = load.FBS(name, &load.FBSOptions{Include: g.opts.Include, Package: pkg, Declared: declared, Schemas: schemas})
	case ".json":
		f, err = load.JSON(name, &load.ArrowOptions{Package: pkg, Declared: declared, Table: table})
	default:
		f, err = load.Arrow(name, &load.ArrowOptions{Package: pkg, Declared: declared, Table: table})
	}
	if err != nil {
		return g.keep(err)
	}
	f.Source = source
	return g.emit(dir, name, f)
}

// others sets what files of other schemas than name declare to what this run makes of them, and returns the schemas that such files
// are of, by the names of the files.
func (g *generator) others(dir, name string, declared map[string]model.Pos) map[string]string {
	for _, o := range g.rows {
		if filepath.Dir(o.Path) == filepath.Clean(dir) && o.source != name {
			maps.DeleteFunc(declared, func(_ string, pos model.Pos) bool { return pos.File == filepath.ToSlash(o.Path) })
			load.AddDeclared(declared, o.Path, o.Text)
		}
	}
	schemas := map[string]string{}
	for _, pos := range declared {
		if _, known := schemas[pos.File]; known || !strings.HasSuffix(pos.File, "_rows.go") {
			continue
		}
		schemas[pos.File] = ""
		if i := slices.IndexFunc(g.rows, func(o Output) bool { return filepath.ToSlash(o.Path) == pos.File }); i >= 0 {
			schemas[pos.File] = g.rows[i].source
		} else if text, err := os.ReadFile(filepath.FromSlash(pos.File)); err == nil {
			if source, ok := emit.Source(text); ok && filepath.Ext(source) == ".fbs" {
				schemas[pos.File] = filepath.Join(dir, filepath.FromSlash(source))
			}
		}
	}
	return schemas
}

// readIfThere returns what is in a file, nil if there is none.
func readIfThere(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// relative returns the slash-separated path of a file as seen from dir, which is the same wherever the two lie.
func relative(dir, name string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if name, err = filepath.Abs(name); err != nil {
		return "", err
	}
	name, err = filepath.Rel(dir, name)
	return filepath.ToSlash(name), err
}

// emit adds the files of f, which go into dir. Files whose definitions have errors are not written: the names in their
// models may not be there.
func (g *generator) emit(dir, source string, f *model.File) error {
	if len(g.errs) > 0 {
		return nil
	}
	text, err := emit.Tables(f)
	if err != nil {
		return err
	}
	g.outputs = append(g.outputs, Output{Path: filepath.Join(dir, f.Output), Text: text, file: f, source: source})
	if err := g.emitText(dir, source, f); err != nil {
		return err
	}
	if err := g.emitTests(dir, source, f); err != nil || f.Rows == "" {
		return err
	}
	text, err = emit.Rows(f)
	rows := Output{Path: filepath.Join(dir, f.Rows), Text: text, source: source}
	g.outputs = append(g.outputs, rows)
	g.rows = append(slices.DeleteFunc(g.rows, func(o Output) bool { return o.Path == rows.Path }), rows)
	return err
}

// orphans adds the removal of files that were generated from Go files of dir that have no tables any more.
func (g *generator) orphans(dir string, files []*model.File) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		known := func(f *model.File) bool { return f.Output == e.Name() || f.Tests() == e.Name() || f.Text() == e.Name() }
		if e.IsDir() || !load.Generated(e.Name()) || slices.ContainsFunc(files, known) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		source, ok := emit.Source(text)
		if !ok || filepath.Ext(source) != ".go" {
			continue
		}
		source = filepath.Join(dir, filepath.FromSlash(source))
		if !load.HasTables(source) { // it may have some that are for another system
			g.outputs = append(g.outputs, Output{Path: path, source: source})
		}
	}
	return nil
}

// distinct drops outputs that came twice, as from a directory and a file in it, and refuses two that differ.
func distinct(outputs []Output) ([]Output, error) {
	var list []Output
	for _, o := range outputs {
		n := len(list)
		switch {
		case n == 0 || list[n-1].Path != o.Path:
			list = append(list, o)
		case !bytes.Equal(list[n-1].Text, o.Text):
			return nil, fmt.Errorf("%s: both %s and %s are to be generated into it; rename one of them", o.Path, list[n-1].source, o.source)
		}
	}
	return list, nil
}
