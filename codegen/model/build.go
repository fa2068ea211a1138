package model

import (
	"fmt"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The packages that generated code imports.
const (
	RuntimePath = "github.com/lightstream-go/lightstream/runtime"
	ColumnPath  = RuntimePath + "/column"
	IPCPath     = RuntimePath + "/ipc"
)

// Package is what a generated file is part of.
type Package struct {
	Name string
	// Declared are the names that files written by hand declare, with their places.
	Declared map[string]Pos
	// Types are the row types of its tables and the types of its messages, of all files that are built.
	Types []string

	generated map[string]*Table // what the files that were built declare
	claimed   map[string]string // and what they declare for messages and protocols
}

// Build decides all names and numbers of f's tables, and fills f but for what the front end has set: its Source, Output,
// Rows and Constraint. The error is of type [Errors].
func Build(pkg *Package, f *File, defs []*Def) error {
	b := builder{pkg: pkg, file: f, defs: defs}
	f.Package = pkg.Name
	for _, def := range defs {
		f.Tables = append(f.Tables, b.table(def))
	}
	for _, e := range f.Enums {
		for _, name := range e.Names() {
			if t := pkg.generated[name]; t != nil {
				b.errs.Add(e.Pos, fmt.Sprintf("enum %s and table %s would both declare %s", e.Name, t.Row, name), "give one of them another name")
			}
		}
	}
	b.messages()
	b.imports(defs)
	for _, t := range f.Tables {
		b.locals(t)
	}
	for _, m := range f.Messages {
		b.messageLocals(m)
	}
	return b.errs.Err()
}

type builder struct {
	pkg  *Package
	file *File
	defs []*Def
	errs Errors
}

func (b *builder) table(def *Def) *Table {
	t := &Table{Pos: def.Pos, Name: def.Name, Doc: def.Doc, Row: def.Row, Names: tableNames(def.Row), Elsewhere: def.Elsewhere, Partial: def.Partial}
	if t.Name == "" {
		t.Name = SnakeCase(def.Row)
	}
	b.generated(t.Names.all(), t.Pos, t, "table "+t.Row)
	b.hidden(def.Pos, def.Row)
	if len(def.Columns) == 0 {
		b.errs.Add(def.Pos, fmt.Sprintf("table %s has no columns", def.Row), "give it at least one field")
	}
	s := groups{table: t, def: def, known: map[*GroupDef]*Group{}}
	t.Columns = b.columns(&s, def.Columns, methods)
	b.scales(t)
	b.funcs(t, t.Row, t.Columns)
	for _, c := range t.Columns {
		b.layout(t, c)
	}
	b.duplicates(t.Columns)
	return t
}

// groups are those of one table.
type groups struct {
	table *Table
	def   *Def
	known map[*GroupDef]*Group
}

// own tells whether no other table or message is called as the row and rest of a type's name, nor another type as the rest.
func (b *builder) own(s *groups, rest string) bool {
	return !b.isType(s.table.Row+rest) && !hasGroup(s.def.Columns, rest, map[*GroupDef]bool{})
}

// isType tells whether a table or message has names that are made of the given one.
func (b *builder) isType(name string) bool {
	same := func(other string) bool { return upperName(other) == upperName(name) }
	return slices.ContainsFunc(b.pkg.Types, same) ||
		slices.ContainsFunc(b.defs, func(def *Def) bool { return same(def.Row) }) ||
		slices.ContainsFunc(b.file.Messages, func(m *Message) bool { return same(m.Type) })
}

// groupBase returns what the names of what is declared for a type of a table begin with. Where that is what the names of a table, a
// message or another type begin with, OrderLeg for Leg in table Order beside a table OrderLeg, it is OrderNestedLeg, or for a type of
// another package OrderUnitsLeg.
func (b *builder) groupBase(s *groups, def *GroupDef) string {
	row, name := s.table.Row, upperName(def.Named.Name)
	first := groupBase(row, name, func(rest string) bool { return b.own(s, rest) })
	list := []string{first, row + "Nested" + name}
	if def.Named.Package != "" {
		list = []string{first, row + CamelCase(def.Named.Package) + name, row + "Nested" + name}
	}
	for _, base := range list {
		names := groupNames(base)
		if !b.isType(base) && !slices.ContainsFunc(names.all(), func(name string) bool { return b.pkg.generated[name] != nil }) {
			return base
		}
	}
	return first // which is reported
}

// hasGroup tells whether columns, or those below them, have a type whose names are made of the given one.
func hasGroup(defs []*ColumnDef, name string, seen map[*GroupDef]bool) bool {
	return slices.ContainsFunc(defs, func(c *ColumnDef) bool {
		if g := c.Group; g != nil && !seen[g] {
			seen[g] = true
			return upperName(g.Named.Name) == name || hasGroup(g.Columns, name, seen)
		}
		return hasGroup(c.Parts, name, seen)
	})
}

// funcs names the functions that columns, and those below them, have of their own: arrays as slices, and the order of keys that are
// arrays.
func (b *builder) funcs(t *Table, base string, columns []*Column) {
	for _, c := range columns {
		b.funcsBelow(t, lowerCamel(upperName(base))+c.Method, c)
	}
}

func (b *builder) funcsBelow(t *Table, name string, c *Column) {
	if c.Type.Kind == FixedList {
		c.Func = b.funcName(t, name+"Slice", c.Pos)
	}
	for _, child := range c.Children {
		b.funcsBelow(t, name+upperName(child.Name), child)
	}
	if c.Type.Kind == Map && c.Children[0].Type.Kind == FixedBinary {
		c.Children[0].Func = b.funcName(t, name+"Order", c.Pos)
	}
}

// funcName takes a name, with a number where the table has it already: column LegBox, and column Box of its struct Leg.
func (b *builder) funcName(t *Table, name string, pos Pos) string {
	free := name
	for i := 2; b.pkg.generated[free] == t; i++ {
		free = name + strconv.Itoa(i)
	}
	b.generated([]string{free}, pos, t, "table "+t.Row)
	return free
}

// columns decides on the columns of a table or struct, whose batches or views, and builders, have the reserved methods.
func (b *builder) columns(s *groups, defs []*ColumnDef, reserved []string) []*Column {
	accessors := names{}
	accessors.take(reserved...)
	for _, c := range defs { // names that were asked for come before those that are made up
		switch {
		case c.Method == "":
		case !IsIdentifier(c.Method) || !token.IsExported(c.Method):
			b.errs.Add(c.MethodPos, fmt.Sprintf("%q is no exported Go name", c.Method), "write one such as Price")
		case accessors[c.Method]:
			b.errs.Add(c.MethodPos, fmt.Sprintf("method %s is another column's, or what every batch or builder has", c.Method), "give the column's another name")
		}
		accessors.take(c.Method)
	}
	for _, c := range defs {
		if c.Method == "" && !accessors[c.Field] {
			c.Method = c.Field
			accessors.take(c.Method)
		}
	}
	list := make([]*Column, len(defs))
	for i, c := range defs {
		list[i] = b.column(s, i, c, accessors)
	}
	return list
}

// generated notes the names of what is declared for a table, or for what is called so in it, and reports those that are taken.
func (b *builder) generated(names []string, pos Pos, t *Table, what string) {
	for _, name := range names {
		if other, taken := b.pkg.Declared[name]; taken {
			if strings.HasSuffix(other.File, "_lightstream.go") { // then so are the others
				b.errs.Add(pos, fmt.Sprintf("%s would declare %s, which is in %s already", what, name, other.File), "give one of them another name")
				break
			}
			b.errs.Add(other, fmt.Sprintf("%s is what the generator declares for %s", name, what), "give one of them another name")
		}
		if other := b.pkg.generated[name]; other != nil {
			found := fmt.Sprintf("tables %s and %s would both declare %s", other.Row, t.Row, name)
			if other.Row == t.Row {
				found = fmt.Sprintf("table %s is there already, at %v", t.Row, other.Pos)
			}
			b.errs.Add(pos, found, "give one of them another name")
			break
		}
	}
	if b.pkg.generated == nil {
		b.pkg.generated = map[string]*Table{}
	}
	for _, name := range names {
		b.pkg.generated[name] = t
	}
}

// hidden reports a type that generated functions cannot name, as they have a variable of that name.
func (b *builder) hidden(pos Pos, name string, more ...string) {
	if name != "row" && (slices.Contains(locals, name) || slices.Contains(hiding, name) || slices.Contains(more, name)) {
		b.errs.Add(pos, fmt.Sprintf("type %s has the name of a variable in generated code", name), "give it a longer one")
	}
}

// scales names the constants for the scales of a table's decimals. Those below its own columns have none where something else has the name.
func (b *builder) scales(t *Table) {
	add := func(base, path string, columns []*Column, own bool) {
		for _, c := range columns {
			d := decimalOf(c)
			if d == nil {
				continue
			}
			name := base + c.Method + "Scale"
			if _, declared := b.pkg.Declared[name]; (!own || d != c) && (declared || b.pkg.generated[name] != nil || b.isType(name)) {
				continue
			}
			b.generated([]string{name}, c.Pos, t, "table "+t.Row)
			t.Scales = append(t.Scales, Scale{name, path + c.Name, d.Type.Scale})
		}
	}
	add(t.Row, "", t.Columns, true)
	for _, g := range t.Groups {
		add(strings.TrimSuffix(g.Names.View, "View"), g.Named.Name+".", g.Columns, false)
	}
}

// decimalOf returns the decimals of a column: itself, its items or its values. Nil means that it has none, or they are those of a struct.
func decimalOf(c *Column) *Column {
	switch c.Type.Kind {
	case Decimal:
		return c
	case List, FixedList, Map, RunEnds:
		return decimalOf(c.Children[len(c.Children)-1])
	}
	return nil
}

func (b *builder) column(s *groups, number int, def *ColumnDef, accessors names) *Column {
	c := &Column{ColumnDef: *def, Number: number}
	if c.Name == "" {
		c.Name = SnakeCase(c.Field)
	}
	if c.NamePos == (Pos{}) {
		c.NamePos = c.Pos
	}
	if c.Named != nil && c.Named.Path == "" {
		b.hidden(c.Pos, c.Named.Name)
	}
	if c.Method == "" {
		c.Method = accessors.free(c.Field, "Column")
	}
	b.below(s, c)
	return c
}

// below decides on the columns below a nested one.
func (b *builder) below(s *groups, c *Column) {
	for i, def := range c.Parts {
		child := &Column{ColumnDef: *def, Number: i}
		child.Name = partNames[c.Type.Kind][i]
		b.below(s, child)
		c.Children = append(c.Children, child)
	}
	if c.ColumnDef.Group != nil {
		c.Group = b.groupOf(s, c.ColumnDef.Group)
	}
}

// partNames are what Arrow calls the columns below one.
var partNames = map[Kind][]string{List: {"item"}, FixedList: {"item"}, Map: {"key", "value"}, RunEnds: {"values"}}

// groupOf decides on a struct or union of a table, once.
func (b *builder) groupOf(s *groups, def *GroupDef) *Group {
	if known := s.known[def]; known != nil {
		return known
	}
	base := b.groupBase(s, def)
	t := &Group{GroupDef: def, Names: groupNames(base)}
	what, reserved := "struct", groupMethods
	if def.Marker != "" {
		what, reserved = "union", unionMethods
		taken := names{}
		for _, c := range def.Columns {
			t.Names.IDs = append(t.Names.IDs, taken.free(base+c.Field+"ID", ""))
			t.Names.Of = append(t.Names.Of, taken.free(lowerCamel(upperName(base))+"Of"+c.Field, ""))
		}
	}
	s.known[def] = t
	b.generated(t.Names.all(), def.Pos, s.table, what+" "+def.Named.Name+" of table "+s.table.Row)
	if def.Named.Path == "" {
		b.hidden(def.Pos, def.Named.Name)
	}
	if len(def.Columns) == 0 {
		b.errs.Add(def.Pos, fmt.Sprintf("%s %s has no columns", what, def.Named.Name), "give it at least one field")
	}
	for _, c := range def.Columns {
		if c.Member != nil && c.Member.Path == "" {
			b.hidden(c.Pos, c.Member.Name)
		}
	}
	t.Columns = b.columns(s, def.Columns, reserved)
	b.funcs(s.table, base, t.Columns)
	b.duplicates(t.Columns)
	s.table.Groups = append(s.table.Groups, t)
	return t
}

// layout numbers the buffers of a column, and counts those below it, depth first, as a batch has them.
func (b *builder) layout(t *Table, c *Column) {
	for _, content := range contents(c) {
		c.Buffers = append(c.Buffers, Buffer{t.Buffers, content})
		t.Buffers++
	}
	t.Buffers += buffersBelow(c)
}

// buffersBelow counts the buffers of the columns below c.
func buffersBelow(c *Column) (n int) {
	below := c.Children
	if c.Group != nil {
		below = c.Group.Columns
	}
	for _, child := range below {
		n += len(contents(child)) + buffersBelow(child)
	}
	switch c.Type.Kind {
	case Map:
		n++ // the validity of the entries
	case RunEnds:
		n += 2 // the run ends
	}
	return n
}

// contents says what the buffers of a column hold.
func contents(c *Column) []string {
	width := func(bits int) string {
		if bits == 8 {
			return "1 byte each"
		}
		return strconv.Itoa(bits/8) + " bytes each"
	}
	switch {
	case c.Index != nil:
		return []string{"validity", "indices, " + width(c.Index.Bits)}
	case c.Type.Kind == Bool:
		return []string{"validity", "values, 1 bit each"}
	case c.Type.Kind == Timestamp || c.Type.Kind == Duration:
		return []string{"validity", "values, 8 bytes each"}
	case c.Type.Kind == FixedBinary:
		return []string{"validity", "values, " + width(8*c.Type.Width)}
	case c.Type.Kind == Nothing || c.Type.Kind == RunEnds:
		return nil
	case c.Type.Kind == Struct || c.Type.Kind == FixedList:
		return []string{"validity"}
	case c.Type.Kind == Union && c.Type.Dense:
		return []string{"types, 1 byte each", "offsets, 4 bytes each"}
	case c.Type.Kind == Union:
		return []string{"types, 1 byte each"}
	case c.Type.Kind == List && c.Type.Layout == Large:
		return []string{"validity", "offsets, 8 bytes each"}
	case c.Type.Kind == List && c.Type.Layout == Views:
		return []string{"validity", "offsets, 4 bytes each", "sizes, 4 bytes each"}
	case c.Type.Kind == List || c.Type.Kind == Map:
		return []string{"validity", "offsets, 4 bytes each"}
	case c.Type.Layout == Large:
		return []string{"validity", "offsets, 8 bytes each", "bytes"}
	case c.Type.Layout == Views:
		return []string{"validity", "views, 16 bytes each", "bytes"}
	case c.Type.Kind == Utf8 || c.Type.Kind == Binary:
		return []string{"validity", "offsets, 4 bytes each", "bytes"}
	}
	return []string{"validity", "values, " + width(c.Type.Bits)}
}

// duplicates reports columns of the same name, and older names that are somebody's name now.
func (b *builder) duplicates(columns []*Column) {
	first := map[string]*Column{}
	for _, c := range columns {
		if other := first[c.Name]; other != nil {
			b.errs.Add(c.NamePos, fmt.Sprintf("column %q is there already, at line %d", c.Name, other.Pos.Line), "give one of them another name")
			continue
		}
		first[c.Name] = c
	}
	was := map[string]*Column{}
	for _, c := range columns {
		if c.Was == "" {
			continue
		}
		if other := first[c.Was]; other != nil {
			b.errs.Add(c.WasPos, fmt.Sprintf("was=%s is the name of a column at line %d", c.Was, other.Pos.Line), "name one that is no more")
		} else if other := was[c.Was]; other != nil {
			b.errs.Add(c.WasPos, fmt.Sprintf("was=%s is said of the column at line %d too", c.Was, other.Pos.Line), "say it of one")
		}
		was[c.Was] = c
	}
}

// imports lists what the files may import. Packages keep their names unless the user's package has declared them.
func (b *builder) imports(defs []*Def) {
	add := func(list *[]Import, taken names, importPath, name string, alias bool) {
		free := taken.free(name, "")
		*list = append(*list, Import{importPath, free, alias || free != name})
	}
	list, taken := &b.file.Imports, b.declared()
	add(list, taken, "io", "io", false)
	add(list, taken, "slices", "slices", false)
	add(list, taken, RuntimePath, "rt", true)
	add(list, taken, ColumnPath, "column", false)
	add(list, taken, IPCPath, "ipc", false)
	if len(b.file.Messages) > 0 {
		add(list, taken, FlatbufPath, "flatbuf", false)
	}
	if len(b.file.Protocols) > 0 {
		add(list, taken, "context", "context", false)
		add(list, taken, MemPath, "mem", false)
	}
	var named []*Named
	for _, m := range b.file.Messages {
		named = append(named, namedIn(m.Defs, false, map[*GroupDef]bool{})...)
	}
	for _, def := range defs {
		if hasOrder(def.Columns, map[*GroupDef]bool{}) {
			named = append(named, &Named{Path: "cmp", Package: "cmp"})
		}
		named = append(named, namedIn(def.Columns, false, map[*GroupDef]bool{})...)
	}
	slices.SortFunc(named, func(x, y *Named) int { return strings.Compare(x.Path, y.Path) })
	named = slices.CompactFunc(named, func(x, y *Named) bool { return x.Path == y.Path })
	for _, n := range named {
		add(list, taken, n.Path, n.Package, path.Base(n.Path) != n.Package)
	}
	if b.file.Rows != "" {
		list, taken := &b.file.RowImports, b.declared()
		add(list, taken, "fmt", "fmt", false)
		add(list, taken, "strconv", "strconv", false)
		add(list, taken, "time", "time", false)
		add(list, taken, RuntimePath, "rt", true)
	}
}

// namedIn returns the types of other packages that the file names for columns, and for those below them.
func namedIn(defs []*ColumnDef, below bool, seen map[*GroupDef]bool) (list []*Named) {
	for _, c := range defs {
		if c.Named != nil && c.Named.Path != "" {
			list = append(list, c.Named)
		}
		if c.GoTime() && (below || c.Form == Pointer) { // for their slab, or to read them
			list = append(list, &Named{Path: "time", Package: "time"})
		}
		list = append(list, namedIn(c.Parts, true, seen)...)
		if s := c.Group; s != nil && !seen[s] {
			seen[s] = true
			if s.Named.Path != "" {
				list = append(list, &s.Named)
			}
			list = append(list, namedIn(s.Columns, below || s.Marker != "", seen)...)
		}
	}
	return list
}

// hasOrder tells whether columns, or those below them, are maps with keys that package cmp orders.
func hasOrder(defs []*ColumnDef, seen map[*GroupDef]bool) bool {
	return slices.ContainsFunc(defs, func(c *ColumnDef) bool {
		if c.Type.Kind == Map && c.Parts[0].Type.Kind != FixedBinary {
			return true
		}
		if g := c.Group; g != nil && !seen[g] {
			seen[g] = true
			return hasOrder(g.Columns, seen)
		}
		return hasOrder(c.Parts, seen)
	})
}

// declared are the names that the package declares.
func (b *builder) declared() names {
	taken := names{}
	for name := range b.pkg.Declared {
		taken.take(name)
	}
	for _, t := range b.file.Tables {
		taken.take(t.Names.all()...)
		taken.take(t.Row)
		for _, s := range t.Groups {
			taken.take(s.Names.all()...)
			if s.Named.Path == "" {
				taken.take(s.Named.Name)
			}
			for _, c := range s.Columns {
				if c.Member != nil {
					taken.take(c.Member.Name)
				}
			}
		}
	}
	for _, e := range b.file.Enums {
		taken.take(e.Names()...)
	}
	for _, m := range b.file.Messages {
		taken.take(m.Type)
		taken.take(m.Names.all()...)
		for _, g := range m.Groups {
			taken.take(g.Part.Names.all()...)
			if g.Named.Path == "" {
				taken.take(g.Named.Name)
			}
		}
	}
	for _, p := range b.file.Protocols {
		n := protocolNames(p.Name)
		taken.take(n.all()...)
	}
	return taken
}

// GoTime tells whether rows hold the column as a type of package time.
func (c *ColumnDef) GoTime() bool {
	switch c.Type.Kind {
	case Timestamp:
		return !c.Raw
	case Date:
		return c.AsTime
	}
	return c.Type.Kind == Duration || c.Type.Kind == Time
}

// Names are the names that an enum declares.
func (e *Enum) Names() []string {
	list := []string{e.Name, "Parse" + e.Name}
	for _, v := range e.Values {
		list = append(list, v.Const)
	}
	return list
}

// locals names the variables of t's columns, and of those of its structs.
func (b *builder) locals(t *Table) {
	b.localsOf(t, t.Columns)
	for _, s := range t.Groups {
		b.localsOf(t, s.Columns, "d", "own", "p", "to", "v", "valid")
	}
}

func (b *builder) localsOf(t *Table, columns []*Column, more ...string) {
	taken := names{}
	taken.take(locals...)
	taken.take(more...)
	taken.take(t.Row)
	taken.take(t.Names.all()...)
	for _, s := range t.Groups {
		taken.take(s.Names.all()...)
		taken.take(s.Named.Name)
		for _, c := range s.Columns {
			if c.Member != nil {
				taken.take(c.Member.Name)
			}
		}
	}
	for _, i := range b.file.Imports {
		taken.take(i.Name)
	}
	for _, c := range columns {
		takeNamed(taken, &c.ColumnDef)
	}
	for _, c := range columns {
		name := lowerCamel(c.Method)
		if token.IsKeyword(name) {
			taken.take(name)
		}
		c.Local = taken.free(name, "Column")
	}
	for _, c := range columns {
		c.Slab = taken.free(c.Local+"Slab", "")
	}
}

// takeNamed takes the names of the types of the package's own that a column's functions name.
func takeNamed(taken names, c *ColumnDef) {
	if c.Named != nil && c.Named.Path == "" {
		taken.take(c.Named.Name)
	}
	for _, part := range c.Parts {
		takeNamed(taken, part)
	}
}
