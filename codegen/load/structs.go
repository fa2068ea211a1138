package load

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// directive starts the comments that are meant for the generator.
const directive = "//lightstream:"

// Go reads the tables of the Go package in dir: structs marked
//
//	//lightstream:table [name]
//
// in the comment above them, and the messages and protocols beside them. It returns a file for each source file that has some, in
// order of names.
//
// The package may be broken where tables do not need it: its generated files are not read, and neither are imports that no
// column's type comes from.
func Go(dir string) ([]*model.File, error) {
	var errs model.Errors
	pkgs, err := readDir(dir, &errs)
	if err != nil {
		return nil, err
	}
	var files []*model.File
	for _, p := range pkgs {
		files = append(files, p.load(&errs)...)
	}
	slices.SortFunc(files, func(a, b *model.File) int { return cmp.Compare(a.Source, b.Source) })
	return files, errs.Err()
}

// table is a marked struct.
type table struct {
	file *goFile
	name string // of the table, may be empty
	spec *ast.TypeSpec
	doc  *ast.CommentGroup
	body *ast.StructType
}

func (p *goPackage) load(errs *model.Errors) []*model.File {
	var tables []*table
	var messages []*message
	protocols, marked := map[*goFile][]*model.Protocol{}, 0
	unions := map[string]*unionMark{}
	for _, f := range p.files {
		maps.Copy(unions, p.unions(f, errs))
		tables = append(tables, p.tables(f, errs)...)
		messages = append(messages, p.messages(f, errs)...)
		protocols[f] = p.protocols(f, errs)
		marked += len(protocols[f])
	}
	if len(tables)+len(messages)+marked == 0 {
		return nil
	}
	var exprs []ast.Expr
	for _, t := range tables {
		exprs = append(exprs, columnTypes(t.body)...)
	}
	for _, m := range messages {
		if m.body != nil {
			for _, field := range m.body.Fields.List {
				exprs = append(exprs, field.Type)
			}
		}
	}
	exprs = append(exprs, p.memberTypes(unions)...)
	info, typeErrs, missing, marks := check(p, exprs)
	s := structReader{p: p, info: info, typeErrs: typeErrs, missing: missing, errs: errs, groups: map[*types.TypeName]*model.GroupDef{}}
	s.bodies, s.unions, s.specs, s.inline = bodiesOf(info), unions, p.specs(), marks
	s.inline[localPath] = p.inline(errs)
	methods := p.methods()
	pkg := &model.Package{Name: p.name, Declared: p.declared(func(source string) bool { return filepath.Ext(source) == ".go" })}
	for _, t := range tables {
		pkg.Types = append(pkg.Types, t.spec.Name.Name)
	}
	for _, m := range messages {
		pkg.Types = append(pkg.Types, m.spec.Name.Name)
	}
	var files []*model.File
	for _, f := range p.files {
		var defs []*model.Def
		for _, t := range tables {
			if t.file == f {
				defs = append(defs, s.def(t))
			}
		}
		file := &model.File{Source: f.name, Output: output(f.name), Constraint: buildConstraint(f), Protocols: protocols[f]}
		for _, m := range messages {
			if m.file == f {
				file.Messages = append(file.Messages, s.messageDef(m, methods))
			}
		}
		if len(defs)+len(file.Messages)+len(file.Protocols) == 0 {
			continue
		}
		if err := model.Build(pkg, file, defs); err != nil {
			*errs = append(*errs, err.(model.Errors)...)
		}
		files = append(files, file)
	}
	if err := model.Link(pkg, files); err != nil {
		*errs = append(*errs, err.(model.Errors)...)
	}
	return files
}

// tables returns the marked structs of f, and reports marks that are of no use.
func (p *goPackage) tables(f *goFile, errs *model.Errors) []*table {
	var list []*table
	used := map[*ast.Comment]bool{}
	add := func(spec *ast.TypeSpec, doc *ast.CommentGroup) {
		if doc == nil {
			return
		}
		for _, c := range doc.List {
			name, marked := p.mark(c, used, errs)
			if !marked {
				continue
			}
			if t := p.table(f, spec, errs); t != nil {
				t.name, t.doc = name, doc
				list = append(list, t)
			}
			return
		}
	}
	for _, decl := range f.ast.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, one := range gen.Specs {
			if spec := one.(*ast.TypeSpec); gen.Lparen.IsValid() {
				add(spec, spec.Doc)
			} else {
				add(spec, gen.Doc)
			}
		}
	}
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, directive) && !used[c] {
				if _, marked := p.mark(c, used, errs); marked {
					errs.Add(p.pos(c.Pos()), "//lightstream:table is not in the comment of a type", "put it right above type … struct")
				}
			}
		}
	}
	return list
}

// mark reads a //lightstream:table line.
func (p *goPackage) mark(c *ast.Comment, used map[*ast.Comment]bool, errs *model.Errors) (name string, ok bool) {
	if rest, spaced := strings.CutPrefix(c.Text, "// lightstream:"); spaced && strings.HasPrefix(rest, "table") {
		errs.Add(p.pos(c.Pos()), fmt.Sprintf("%q is an ordinary comment", c.Text), "write //lightstream:table, without a space")
		return "", false
	}
	text, ok := strings.CutPrefix(c.Text, directive)
	if !ok {
		return "", false
	}
	used[c] = true
	words := strings.Fields(text)
	switch {
	case len(words) > 0 && (words[0] == "message" || words[0] == "protocol" || words[0] == "union" || words[0] == "struct"):
		return "", false // see messages, protocols, unions and inline
	case len(words) == 0 || words[0] != "table":
		errs.Add(p.pos(c.Pos()), fmt.Sprintf("%s is not known", strings.TrimSpace(c.Text)), "write //lightstream:table or //lightstream:table name")
		return "", false
	case len(words) > 2:
		errs.Add(p.pos(c.Pos()), fmt.Sprintf("%q after the table's name", strings.Join(words[2:], " ")), "write //lightstream:table name")
		return "", false
	case len(words) == 2 && !isTableName(words[1]):
		errs.Add(p.pos(c.Pos()), fmt.Sprintf("%s is no name of a table", words[1]), tableNames)
		return "", true // the struct stays a table, so that nobody says that it is none
	case len(words) == 2:
		name = words[1]
	}
	return name, true
}

const tableNames = "use letters, digits and _, with a letter first, in parts between dots: trade, or market.trade"

// isTableName tells whether each part of a name between dots is an identifier.
func isTableName(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if !token.IsIdentifier(part) && !token.IsKeyword(part) {
			return false
		}
	}
	return true
}

func (p *goPackage) table(f *goFile, spec *ast.TypeSpec, errs *model.Errors) *table {
	body, ok := spec.Type.(*ast.StructType)
	switch {
	case !ok || spec.Assign.IsValid():
		errs.Add(p.pos(spec.Name.Pos()), fmt.Sprintf("%s is marked as a table and not declared as a struct", spec.Name.Name), "mark a struct")
	case spec.TypeParams != nil:
		errs.Add(p.pos(spec.Name.Pos()), fmt.Sprintf("%s is marked as a table and has type parameters", spec.Name.Name), "mark a struct that has none")
	case spec.Name.Name == "_":
		errs.Add(p.pos(spec.Name.Pos()), "a table without a name", "give the struct one")
	default:
		return &table{file: f, spec: spec, body: body}
	}
	return nil
}

// specs returns what the types of the package are declared as.
func (p *goPackage) specs() map[string]ast.Expr {
	specs := map[string]ast.Expr{}
	for _, f := range p.files {
		for _, decl := range f.ast.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.TYPE {
				for _, one := range gen.Specs {
					spec := one.(*ast.TypeSpec)
					specs[spec.Name.Name] = spec.Type
				}
			}
		}
	}
	return specs
}

// structReader makes a definition of a struct.
type structReader struct {
	p        *goPackage
	info     *types.Info
	typeErrs []types.Error
	missing  func(ast.Expr) string
	errs     *model.Errors
	bodies   map[*types.Struct]*ast.StructType
	groups   map[*types.TypeName]*model.GroupDef // the structs of columns
	open     []*types.TypeName                   // those that are being read
	unions   map[string]*unionMark               // marked interfaces
	specs    map[string]ast.Expr                 // what types are declared as
	inline   map[string]map[string]bool          // marked structs, by import path
}

func (s *structReader) def(t *table) *model.Def {
	return &model.Def{Pos: s.p.pos(t.spec.Name.Pos()), Row: t.spec.Name.Name, Name: t.name, Doc: docOf(t.doc), Columns: s.fields(t.body), Partial: partial(t.body)}
}

// fields returns the columns of a struct's fields.
func (s *structReader) fields(body *ast.StructType) (list []*model.ColumnDef) {
	failed := false
	for _, field := range body.Fields.List {
		columns, ok := s.field(field)
		list = append(list, columns...)
		failed = failed || !ok
	}
	if failed && len(list) == 0 {
		list = append(list, placeholder())
	}
	return list
}

// partial tells whether a struct has fields that are no columns.
func partial(body *ast.StructType) bool {
	return slices.ContainsFunc(body.Fields.List, func(f *ast.Field) bool {
		t, _ := parseTag(f.Tag, func(token.Pos) model.Pos { return model.Pos{} }, new(model.Errors))
		return t.skip
	})
}

// field returns the columns of a field's names, mostly one. ok is false after an error.
func (s *structReader) field(f *ast.Field) (columns []*model.ColumnDef, ok bool) {
	before, ok := len(*s.errs), true
	tag, _ := parseTag(f.Tag, s.p.pos, s.errs)
	if tag.skip {
		return nil, true
	}
	if len(f.Names) == 0 {
		s.errs.Add(s.p.pos(f.Pos()), fmt.Sprintf("embedded field %s", types.ExprString(f.Type)), "list its fields here, or tag it `arrow:\"-\"`")
		return nil, false
	}
	for _, id := range f.Names {
		if !id.IsExported() {
			s.errs.Add(s.p.pos(id.Pos()), fmt.Sprintf("field %s is not exported", id.Name), "export it, or tag it `arrow:\"-\"`")
			continue
		}
		c := &model.ColumnDef{Pos: s.p.pos(id.Pos()), Field: id.Name, Doc: docOf(cmp.Or(f.Doc, f.Comment))}
		if !s.fieldType(c, f.Type) {
			ok = false // the union that it is may have been reported elsewhere
			continue
		}
		applyTag(c, &tag, types.ExprString(f.Type), s.errs)
		columns = append(columns, c)
	}
	return columns, ok && len(*s.errs) == before
}

// placeholder is the column of what has only columns with errors, so that nobody says it has none.
func placeholder() *model.ColumnDef { return &model.ColumnDef{Field: "X", Name: "x", Type: model.Int8} }

// fieldType sets what the type of a field says.
func (s *structReader) fieldType(c *model.ColumnDef, expr ast.Expr) bool {
	t := s.info.Types[expr].Type
	value, form := unwrap(t)
	p := s.invalid(expr, t)
	if p == nil {
		p = s.setType(c, value, form)
	}
	if p != nil && p != failed {
		s.errs.Add(c.Pos, fmt.Sprintf("field %s: %s", c.Field, p.found), p.remedy)
	}
	return p == nil
}

// unwrap takes the pointer or rt.Null off a type.
func unwrap(t types.Type) (value types.Type, form model.Form) {
	if t == nil {
		return nil, model.Plain
	}
	switch t := types.Unalias(t).(type) {
	case *types.Pointer:
		return t.Elem(), model.Pointer
	case *types.Named:
		if isFrom(t, model.RuntimePath) && t.Obj().Name() == "Null" && t.TypeArgs().Len() == 1 {
			return t.TypeArgs().At(0), model.Null
		}
	}
	return t, model.Plain
}

func isFrom(t *types.Named, path string) bool {
	return t.Obj().Pkg() != nil && t.Obj().Pkg().Path() == path
}

// invalid returns what the type checker said of a type that it does not know.
func (s *structReader) invalid(expr ast.Expr, t types.Type) *problem {
	if !isInvalid(t) {
		return nil
	}
	if path := s.missing(expr); path != "" {
		return problemf("run go get "+path, "type %s is of a package that is not there, %s", types.ExprString(expr), path)
	}
	for _, e := range s.typeErrs {
		if expr.Pos() <= e.Pos && e.Pos <= expr.End() {
			return problemf("declare or import it", "type %s is not known: %s", types.ExprString(expr), e.Msg)
		}
	}
	return problemf("declare or import it", "type %s is not known", types.ExprString(expr))
}

// isInvalid tells whether a type, or one that it is made of, is not known.
func isInvalid(t types.Type) bool {
	value, _ := unwrap(t)
	if value == nil || value.Underlying() == types.Typ[types.Invalid] {
		return true
	}
	if m, ok := value.(*types.Map); ok && isInvalid(m.Key()) {
		return true
	}
	elem, ok := value.(interface{ Elem() types.Type })
	return ok && isInvalid(elem.Elem())
}

const basicTypes = "use bool, string, int8 to int64, uint8 to uint64, float32, float64, []byte, [16]byte, time.Time, time.Duration, or a type of rt such as rt.Decimal128"

// setType sets a column's type and how rows hold it.
func (s *structReader) setType(c *model.ColumnDef, t types.Type, form model.Form) *problem {
	c.Form, c.Nullable = form, form != model.Plain
	name := typeString(t)
	named, isNamed := types.Unalias(t).(*types.Named)
	if isNamed {
		switch {
		case isFrom(named, "time") && named.Obj().Name() == "Time":
			c.Type = model.TimestampNanoUTC
			return nil
		case isFrom(named, "time") && named.Obj().Name() == "Duration":
			c.Type = model.Type{Kind: model.Duration, Unit: model.Nanosecond}
			return nil
		case (isFrom(named, model.RuntimePath) || isFrom(named, model.ColumnPath)) && values[named.Obj().Name()].Kind != 0:
			c.Type = values[named.Obj().Name()]
			return nil
		case isFrom(named, "database/sql"):
			return problemf("use rt.Null[T], which has the same fields as sql.Null[T]", "%s is not supported", name)
		case isFrom(named, model.RuntimePath) && named.Obj().Name() == "Null":
			return nestedNull(name)
		case isFrom(named, model.RuntimePath) || isFrom(named, model.ColumnPath):
			return problemf(basicTypes, "%s cannot be a column", name)
		case named.TypeArgs().Len() > 0:
			return problemf("declare a type without parameters", "%s is an instance of a generic type", name)
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		column, ok := kinds[types.Typ[u.Kind()].Name()] // byte is uint8, rune is int32
		if !ok {
			return basicProblem(u, name)
		}
		c.Type = column
	case *types.Slice:
		if form != model.Plain {
			return problemf(fmt.Sprintf("use %s, whose nil is null", name), "%s is nullable by itself", name)
		}
		c.Nullable = true
		if !isByte(u.Elem()) {
			c.Type = model.Type{Kind: model.List}
			return s.parts(c, u.Elem())
		}
		c.Type = model.Type{Kind: model.Binary}
		return nil // assignable to []byte, so that its name does not matter
	case *types.Map:
		if form != model.Plain {
			return problemf(fmt.Sprintf("use %s, whose nil is null", name), "%s is nullable by itself", name)
		}
		c.Type, c.Nullable = model.Type{Kind: model.Map}, true
		return s.parts(c, u.Key(), u.Elem())
	case *types.Array:
		switch n := u.Len(); {
		case (n < 1 || n > math.MaxInt32) && isByte(u.Elem()):
			return problemf("use [16]byte, or a struct{} for nothing", "%s has %d bytes", name, n)
		case n < 1 || n > math.MaxInt32:
			return problemf("use an array of at least one item, or a struct{} for nothing", "%s has %d items", name, n)
		case isByte(u.Elem()):
			c.Type = model.Type{Kind: model.FixedBinary, Width: int(n)}
		default:
			c.Type = model.Type{Kind: model.FixedList, Width: int(n)}
			if p := s.parts(c, u.Elem()); p != nil {
				return p
			}
		}
	case *types.Struct:
		if u.NumFields() > 0 {
			return s.group(c, t, u)
		}
		if form != model.Plain {
			return problemf(fmt.Sprintf("use %s, which is always null", name), "%s is null by itself", name)
		}
		c.Type, c.Nullable = model.Type{Kind: model.Nothing}, true
		return nil // assignable to struct{}
	case *types.Interface:
		if p := s.union(c, t, u); p != nil || form == model.Plain {
			return p
		}
		return problemf(fmt.Sprintf("use %s, whose nil is null where the union has a member null", name), "%s is an interface", name)
	default:
		return compositeProblem(u, name)
	}
	if isNamed {
		c.Named = nameOf(t, named)
		c.Named.Names = hasNames(named)
		if text := c.Type.Kind == model.Bool || c.Type.Kind == model.Utf8; form == model.Null && text {
			return problemf(fmt.Sprintf("use *%s or rt.Null[%s]", name, underlying(t)), "rt.Null of %s, which is declared as %s", name, underlying(t))
		}
	}
	return nil
}

// nameOf returns the name of type t, which is named or an alias of it.
func nameOf(t types.Type, named *types.Named) *model.Named {
	obj := named.Obj()
	if alias, ok := t.(*types.Alias); ok && !obj.Exported() && alias.TypeArgs().Len() == 0 {
		obj = alias.Obj()
	}
	n := &model.Named{Name: obj.Name()}
	if pkg := obj.Pkg(); pkg.Path() != localPath {
		n.Path, n.Package = pkg.Path(), pkg.Name()
	}
	return n
}

func isByte(t types.Type) bool {
	b, ok := types.Unalias(t).(*types.Basic)
	return ok && b.Kind() == types.Uint8
}

// values are the types of the runtime that rows hold.
var values = map[string]model.Type{
	"Float16":    {Kind: model.Float, Bits: 16},
	"Date":       {Kind: model.Date, Bits: 32},
	"DateMillis": {Kind: model.Date, Bits: 64},
	"Decimal32":  {Kind: model.Decimal, Bits: 32},
	"Decimal64":  {Kind: model.Decimal, Bits: 64},
	"Decimal128": {Kind: model.Decimal, Bits: 128},
	"Decimal256": {Kind: model.Decimal, Bits: 256},
}

// hasNames tells whether values of type T have names: T has the method String, and ParseT beside it takes them back.
func hasNames(t *types.Named) bool {
	pkg := t.Obj().Pkg()
	if pkg == nil {
		return false
	}
	method, _, _ := types.LookupFieldOrMethod(t, false, pkg, "String")
	parse := pkg.Scope().Lookup("Parse" + t.Obj().Name())
	if method == nil || parse == nil || !parse.Exported() && pkg.Path() != localPath {
		return false
	}
	m, isMethod := method.Type().(*types.Signature)
	p, isFunc := parse.Type().(*types.Signature)
	return isMethod && isFunc && m.Params().Len() == 0 && m.Results().Len() == 1 && isString(m.Results().At(0)) &&
		p.Params().Len() == 1 && isString(p.Params().At(0)) && p.Results().Len() == 2 &&
		types.Identical(p.Results().At(0).Type(), t) && types.Identical(p.Results().At(1).Type(), types.Universe.Lookup("error").Type())
}

func isString(v *types.Var) bool { return types.Identical(v.Type(), types.Typ[types.String]) }

func underlying(t types.Type) string { return t.Underlying().String() }

// typeString returns a type as the file that uses it would write it.
func typeString(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p.Path() == localPath {
			return ""
		}
		return p.Name()
	})
}

func nestedNull(name string) *problem {
	return problemf("use *T or rt.Null[T], of a type that is not nullable itself", "%s inside of what is nullable already", name)
}

func basicProblem(t *types.Basic, name string) *problem {
	switch t.Kind() {
	case types.Int:
		return problemf("use int64 or int32", "%s has no fixed width", name)
	case types.Uint, types.Uintptr:
		return problemf("use uint64 or uint32", "%s has no fixed width", name)
	case types.Complex64, types.Complex128:
		return problemf("use two columns of float64", "Arrow has no complex numbers, found %s", name)
	}
	return problemf(basicTypes, "%s cannot be a column", name)
}

func compositeProblem(t types.Type, name string) *problem {
	switch t := t.(type) {
	case *types.Pointer:
		return nestedNull(name)
	case *types.Chan:
		return problemf("tag it `arrow:\"-\"`", "a channel cannot be a column, found %s", name)
	case *types.Signature:
		return problemf("tag it `arrow:\"-\"`", "a function cannot be a column, found %s", name)
	default:
		return problemf(basicTypes, "%v cannot be a column", t)
	}
}

// docOf returns the lines of a comment as they were written, without directives.
func docOf(group *ast.CommentGroup) []string {
	if group == nil {
		return nil
	}
	var lines []string
	for _, c := range group.List {
		text, isLine := strings.CutPrefix(c.Text, "//")
		switch {
		case isLine && isDirective(text):
		case isLine:
			lines = append(lines, strings.TrimRight(strings.TrimPrefix(text, " "), " \t\r"))
		default: // in the form /* */
			one := ast.CommentGroup{List: []*ast.Comment{c}}
			lines = append(lines, strings.Split(strings.TrimRight(one.Text(), "\n"), "\n")...)
		}
	}
	return trimLines(lines)
}

// trimLines drops empty lines at both ends.
func trimLines(lines []string) []string {
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// isDirective tells whether the text after two slashes is meant for a tool, such as go:generate or lightstream:table.
func isDirective(text string) bool {
	tool, _, ok := strings.Cut(text, ":")
	return ok && tool != "" && strings.Trim(tool, "abcdefghijklmnopqrstuvwxyz0123456789") == "" &&
		len(text) > len(tool)+1 && text[len(tool)+1] != ' '
}
