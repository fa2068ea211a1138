package fbsgen

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/fbs"
)

// model is what will be written, with every Go name decided.
type model struct {
	schema  *fbs.Schema
	roots   []*fbs.Table
	opaque  []string                // names of members
	reached map[fbs.Definition]bool // what verifiers come to
	files   []*goFile

	tables  map[*fbs.Table]*goTable
	structs map[*fbs.Struct]*goStruct
	enums   map[*fbs.Enum]*goEnum
	unions  map[*fbs.Union]*goEnum

	taken map[string]string // Go names of the package, and what has them
	errs  fbs.Errors
}

// goFile is one file of Go.
type goFile struct {
	path   string // of the schema
	goName string
	decls  []any // *goTable, *goStruct and *goEnum, in the schema's order
}

// goEnum is an enum, or a union's tag.
type goEnum struct {
	goName string
	doc    []string
	base   fbs.Kind
	flags  bool
	values []*goValue

	union   *fbs.Union // nil for an enum
	members []*goMember
	opaque  []*goValue // the tags of members that are not read
	verify  string     // the function that checks a union, "" if no verifier comes to it
}

// goValue is a constant.
type goValue struct {
	goName string
	name   string // in the schema
	doc    []string
	value  int64
}

// goMember is a type of a union.
type goMember struct {
	goName string // what a field's accessor for it ends with
	tag    *goValue
	typ    *fbs.Type
}

// goStruct is a struct.
type goStruct struct {
	goName   string
	doc      []string
	receiver string
	size     int
	align    int
	fields   []*goField
	create   string
	sizeName string // the constant with its size
}

// goTable is a table.
type goTable struct {
	goName   string
	doc      []string
	receiver string
	slots    int
	fields   []*goField // without deprecated ones, in order of slots
	all      []*goField // with them
	root     bool
	label    string // what paths in errors begin with
	verify   string // the function that checks one, "" if no verifier comes to it
	inField  string // the function that checks one that a field leads to, "" if no field does
	inVector string // the function that checks a vector of them, "" if there is none
}

// goField is a field of a table or of a struct.
type goField struct {
	*fbs.Field
	goName string
	param  string
}

// newModel decides everything for a schema. With roots, only what they lead to is written; without, everything is, and
// the roots are those that the schema's files name.
func newModel(schema *fbs.Schema, roots []*fbs.Table, opaque []string) (*model, error) {
	m := &model{
		schema: schema, roots: roots, opaque: opaque,
		tables: map[*fbs.Table]*goTable{}, structs: map[*fbs.Struct]*goStruct{},
		enums: map[*fbs.Enum]*goEnum{}, unions: map[*fbs.Union]*goEnum{},
		taken: map[string]string{"Limits": "the verifiers", "Error": "the verifiers"},
	}
	if len(roots) == 0 {
		for _, f := range schema.Files {
			if f.Root != nil && !slices.Contains(m.roots, f.Root) {
				m.roots = append(m.roots, f.Root)
			}
		}
	}
	m.reached = reach(m.roots)
	for _, f := range schema.Files {
		m.addFile(f, func(d fbs.Definition) bool { return len(roots) == 0 || m.reached[d] })
	}
	for _, t := range schema.Tables {
		if g := m.tables[t]; g != nil {
			m.tableFields(g, t)
		}
	}
	for _, t := range schema.Tables {
		if m.reached[t] {
			m.checkers(t)
		}
	}
	if len(m.errs) > 0 {
		return nil, m.errs
	}
	return m, nil
}

// addFile decides the names of the types in f that are wanted.
func (m *model) addFile(f *fbs.File, wanted func(fbs.Definition) bool) {
	type placed struct {
		pos  fbs.Pos
		decl any
	}
	var list []placed
	for _, e := range f.Enums {
		if wanted(e) {
			list = append(list, placed{e.Pos, m.addEnum(e)})
		}
	}
	for _, u := range f.Unions {
		if wanted(u) {
			list = append(list, placed{u.Pos, m.addUnion(u)})
		}
	}
	for _, s := range f.Structs {
		if wanted(s) {
			list = append(list, placed{s.Pos, m.addStruct(s)})
		}
	}
	for _, t := range f.Tables {
		if wanted(t) {
			list = append(list, placed{t.Pos, m.addTable(t)})
		}
	}
	if len(list) == 0 {
		return
	}
	slices.SortFunc(list, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.pos.Line, b.pos.Line), cmp.Compare(a.pos.Col, b.pos.Col))
	})
	base := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	file := &goFile{path: f.Path, goName: snake(base) + "_fb.go"}
	for _, p := range list {
		file.decls = append(file.decls, p.decl)
	}
	if file.goName == packageFileName {
		m.fail(list[0].pos, "a file whose Go is "+packageFileName, "a schema file with another name")
	}
	for _, other := range m.files {
		if other.goName == file.goName {
			m.fail(list[0].pos, fmt.Sprintf("a file whose Go is %s, as is that of %s", file.goName, other.path), "schema files with different names")
		}
	}
	m.files = append(m.files, file)
}

func (m *model) fail(pos fbs.Pos, found, want string) {
	m.errs = append(m.errs, &fbs.Error{Pos: pos, Found: found, Want: want})
}

// claim takes a Go name of the package for what.
func (m *model) claim(pos fbs.Pos, goName, what string) string {
	if first, ok := m.taken[goName]; ok {
		m.fail(pos, fmt.Sprintf("%s, which in Go is %s as is %s", what, goName, first), "another name")
	}
	m.taken[goName] = what
	return goName
}

func (m *model) addEnum(e *fbs.Enum) *goEnum {
	name := m.claim(e.Pos, exported(e.Name), "enum "+e.FullName())
	g := &goEnum{goName: name, doc: e.Doc, base: e.Base, flags: e.BitFlags}
	for _, v := range e.Values {
		c := m.claim(v.Pos, name+enumerator(v.Name), fmt.Sprintf("value %s.%s", e.FullName(), v.Name))
		g.values = append(g.values, &goValue{goName: c, name: v.Name, doc: v.Doc, value: v.Value})
	}
	m.enums[e] = g
	return g
}

func (m *model) addUnion(u *fbs.Union) *goEnum {
	name := m.claim(u.Pos, exported(u.Name), "union "+u.FullName())
	g := &goEnum{goName: name, doc: u.Doc, base: fbs.UByte, union: u}
	none := &goValue{goName: m.claim(u.Pos, name+"None", "the empty "+u.FullName()), name: "NONE", doc: []string{"No value."}}
	g.values = append(g.values, none)
	for _, x := range u.Members {
		member := exported(x.Name)
		c := m.claim(x.Pos, name+member, fmt.Sprintf("member %s of %s", x.Name, u.FullName()))
		v := &goValue{goName: c, name: x.Name, doc: x.Doc, value: int64(x.Tag)}
		g.values = append(g.values, v)
		if slices.Contains(m.opaque, x.Name) {
			g.opaque = append(g.opaque, v)
			continue
		}
		g.members = append(g.members, &goMember{goName: member, tag: v, typ: x.Type})
	}
	m.unions[u] = g
	return g
}

func (m *model) addStruct(s *fbs.Struct) *goStruct {
	name := m.claim(s.Pos, exported(s.Name), "struct "+s.FullName())
	g := &goStruct{goName: name, doc: s.Doc, receiver: receiver(name), size: s.Size, align: s.Align}
	g.create = m.claim(s.Pos, "Create"+name, "the function that writes "+s.FullName())
	g.sizeName = m.claim(s.Pos, name+"Size", "the size of "+s.FullName())
	methods := methodSet{"IsZero": true}
	for _, f := range s.Fields {
		goName := methods.add(exported(f.Name), f.Type)
		g.fields = append(g.fields, &goField{Field: f, goName: goName, param: unexported(f.Name)})
	}
	m.structs[s] = g
	return g
}

func (m *model) addTable(t *fbs.Table) *goTable {
	name := m.claim(t.Pos, exported(t.Name), "table "+t.FullName())
	g := &goTable{goName: name, doc: t.Doc, receiver: receiver(name), slots: t.Slots, label: lowerFirst(name)}
	if g.root = slices.Contains(m.roots, t); g.root {
		m.claim(t.Pos, "Verify"+name, "the verifier of "+t.FullName())
	}
	if m.reached[t] {
		g.verify = m.claim(t.Pos, "verify"+name, "a check of "+t.FullName())
	}
	m.tables[t] = g
	return g
}

// tableFields decides the names of a table's methods and of the functions that write it.
func (m *model) tableFields(g *goTable, t *fbs.Table) {
	what := func(of string) string { return of + " of " + t.FullName() }
	m.claim(t.Pos, g.goName+"Start", what("the start"))
	m.claim(t.Pos, g.goName+"End", what("the end"))
	methods := methodSet{"IsZero": true}
	for _, f := range t.Fields {
		elem := f.Type
		if elem.Kind == fbs.VectorOf {
			elem = elem.Elem
		}
		if elem != f.Type && elem.Kind == fbs.UnionType {
			m.fail(f.Type.Pos, "a vector of unions", "a vector of tables that have the union")
			continue
		}
		goField := &goField{Field: f, param: unexported(f.Name)}
		g.all = append(g.all, goField)
		if f.Deprecated {
			continue
		}
		goField.goName = methods.add(exported(f.Name), f.Type)
		for _, writer := range writersOf(g.goName, goField.goName, f.Type) {
			m.claim(f.Pos, writer, what("a writer of field "+f.Name))
		}
		g.fields = append(g.fields, goField)
	}
	bySlot := func(a, b *goField) int { return cmp.Compare(a.Slot, b.Slot) }
	slices.SortFunc(g.fields, bySlot)
	slices.SortFunc(g.all, bySlot)
}

// checkers decides which functions the verifier needs for what the fields of t lead to.
func (m *model) checkers(t *fbs.Table) {
	claim := func(name *string, goName string) {
		if *name == "" {
			*name = m.claim(t.Pos, goName, "a check of a field")
		}
	}
	for _, f := range t.Fields {
		switch {
		case f.Type.Kind == fbs.TableType:
			g := m.tables[f.Type.Table]
			claim(&g.inField, "verify"+g.goName+"Field")
		case f.Type.Kind == fbs.VectorOf && f.Type.Elem.Kind == fbs.TableType:
			g := m.tables[f.Type.Elem.Table]
			claim(&g.inVector, "verify"+g.goName+"Vector")
		case f.Type.Kind == fbs.UnionType:
			g := m.unions[f.Type.Union]
			claim(&g.verify, "verify"+g.goName)
		}
	}
}

// methodSet has the names of the methods of a type.
type methodSet map[string]bool

// add decides the name of a field so that none of its methods has a name that is taken.
func (s methodSet) add(goName string, t *fbs.Type) string {
	for !s.free(methodsOf(goName, t)) {
		goName += "_"
	}
	for _, method := range methodsOf(goName, t) {
		s[method] = true
	}
	return goName
}

func (s methodSet) free(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return s[name] })
}

// methodsOf lists the methods that a field of that type has.
func methodsOf(goName string, t *fbs.Type) []string {
	switch t.Kind {
	case fbs.UnionType:
		names := []string{goName + "Type"}
		for _, m := range t.Union.Members {
			names = append(names, goName+exported(m.Name))
		}
		return names
	case fbs.VectorOf, fbs.ArrayOf:
		return []string{goName, "Has" + goName, goName + "Len", goName + "Bytes", goName + "Pos"}
	case fbs.String:
		return []string{goName, "Has" + goName, goName + "Bytes"}
	case fbs.StructType:
		return []string{goName, "Has" + goName, goName + "Pos"}
	case fbs.TableType:
		return []string{goName, "Has" + goName}
	}
	return []string{goName, goName + "Pos"}
}

// writersOf lists the functions that write a field.
func writersOf(table, goName string, t *fbs.Type) []string {
	add := table + "Add" + goName
	switch {
	case t.IsScalar():
		return []string{add, table + "Force" + goName} // the second also where it is not written
	case t.Kind == fbs.UnionType:
		return []string{add, add + "Type"}
	case t.Kind == fbs.VectorOf:
		return []string{add, table + "Start" + goName}
	}
	return []string{add}
}

// receiver is the name of the receiver of a type's methods.
func receiver(goName string) string { return strings.ToLower(goName[:1]) }
