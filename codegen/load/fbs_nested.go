package load

import (
	"fmt"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/fbs"
	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/schema"
)

// failed stands for problems that have been reported.
var failed = &problem{}

// cmpPos is the place of an attribute's value, or of the attribute where it has none.
func cmpPos(a *fbs.Attr) fbs.Pos {
	if a.HasValue() {
		return a.ValuePos
	}
	return a.Pos
}

// setItems sets the items of a vector or array. They are never null, unless the attribute item says so, which says of them what tags
// say in item(…).
func (r *schemaReader) setItems(c *model.ColumnDef, f *fbs.Field) *problem {
	item := &fbs.Field{Pos: f.Pos, Name: f.Name, Type: f.Type.Elem, Required: !r.nullable[f.Type.Elem.Union]}
	nullable := false
	if a := r.value(f.Attrs, "item", `item: "dict"`); a != nil {
		for _, part := range splitOptions(a.Value) {
			o, p := parseOption(strings.TrimSpace(part.text))
			if p != nil {
				r.add(a.ValuePos, p)
				return failed
			}
			if o.name == "nullable" && o.kind == 0 {
				nullable = true
				continue
			}
			if !slices.Contains(itemAttributes, o.name) {
				r.add(a.ValuePos, problemf("write "+strings.Join(itemAttributes, ", ")+" or nullable", "%q of items", o.text))
				return failed
			}
			attr := &fbs.Attr{Pos: a.ValuePos, Name: o.name, Value: o.arg}
			if o.kind != 0 {
				attr.ValuePos, attr.Quoted = a.ValuePos, true
			}
			item.Attrs = append(item.Attrs, attr)
		}
	}
	part := &model.ColumnDef{Pos: c.Pos, Field: c.Field}
	if !r.describe(part, item) {
		return failed
	}
	c.Parts = []*model.ColumnDef{part}
	if part.Type.Kind == model.Union && nullable {
		r.add(f.Attrs.Get("item").ValuePos, problemf("leave it out; nil is for fields that are not (required)", "nullable items of union %s", f.Type.Elem.Union.Name))
		return failed
	}
	if part.Type.Kind == model.RunEnds {
		part.Nullable = part.Nullable || nullable
		part = part.Parts[0]
	}
	part.Nullable = part.Nullable || nullable
	setForm(part)
	return nil
}

// listTable describes a column whose type is a table that stands for its one field, a vector.
func (r *schemaReader) listTable(c *model.ColumnDef, f *fbs.Field, t *fbs.Table) bool {
	if len(t.Fields) != 1 || t.Fields[0].Type.Kind != fbs.VectorOf {
		r.add(t.Attrs.Get("list").Pos, problemf("give it one field, which is a vector", "table %s is to stand for a list", t.Name))
		return false
	}
	if slices.Contains(r.open, t.Name) {
		r.add(f.Type.Pos, r.circle(t.Name))
		return false
	}
	r.open = append(r.open, t.Name)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	list := *f
	list.Type = t.Fields[0].Type
	list.Attrs = slices.Clone(f.Attrs)
	for _, a := range t.Fields[0].Attrs {
		if !list.Attrs.Has(a.Name) && (slices.Contains(itemAttributes, a.Name) || a.Name == "item" || a.Name == "map") {
			list.Attrs = append(list.Attrs, a)
		}
	}
	c.Wrapped = true
	return r.describe(c, &list)
}

// itemAttributes are those that say something of items.
var itemAttributes = []string{"dict", "float16", "timestamp", "raw", "naive", "date", "time", "duration", "decimal", "fixed", "uuid", "large", "view", "sparse", "ree"}

// setEntries sets the keys and values of a map, which are the two fields of a table.
func (r *schemaReader) setEntries(c *model.ColumnDef, f *fbs.Field) *problem {
	entry := f.Type.Elem
	if entry.Kind != fbs.TableType || len(entry.Table.Fields) != 2 {
		return problemf("use a vector of a table with two fields, the key and the value", "a map of %v", f.Type)
	}
	name := entry.Table.Name
	if slices.Contains(r.open, name) {
		return r.circle(name)
	}
	r.open = append(r.open, name)
	parts := r.fields(entry.Table.Fields)
	r.open = r.open[:len(r.open)-1]
	if len(parts) != 2 {
		return failed
	}
	if key := entry.Table.Fields[0]; !isKey(parts[0]) {
		r.add(key.Type.Pos, keyProblem(parts[0], key.Name))
		return failed
	}
	for _, part := range parts { // their names are Arrow's
		part.Name, part.NamePos, part.Was, part.HasDefault, part.Default, part.Doc = "", model.Pos{}, "", false, "", nil
	}
	c.Parts = parts
	return nil
}

// group sets the struct of a column: a table or struct of the schema.
func (r *schemaReader) group(c *model.ColumnDef, of any, decl *fbs.Decl, fields []*fbs.Field) *problem {
	if c.Group = r.groups[of]; c.Group != nil {
		return nil
	}
	if slices.Contains(r.open, decl.Name) {
		return r.circle(decl.Name)
	}
	g := &model.GroupDef{Pos: modelPos(decl.Pos), Named: model.Named{Name: model.CamelCase(decl.Name)}, Doc: docLines(decl.Doc), Rows: true}
	if a := r.value(decl.Attrs, "go_name", `go_name: "Leg"`); a != nil {
		g.Named.Name = a.Value
		if !model.IsIdentifier(a.Value) || !token.IsExported(a.Value) {
			r.add(a.ValuePos, problemf("write one such as Leg", "%q is no exported Go name", a.Value))
		}
	}
	r.open = append(r.open, decl.Name)
	outer := r.inStruct
	if s, ok := of.(*fbs.Struct); ok {
		r.inStruct, g.Inline = true, true
		if s.Attrs.Has("force_align") {
			g.MinAlign = s.Align
		}
	} else {
		r.inStruct = false
		g.NumSlots = of.(*fbs.Table).Slots
		for _, f := range fields {
			if !f.Deprecated {
				g.Slots = append(g.Slots, f.Slot)
			}
		}
	}
	g.Columns = r.fields(fields)
	if len(g.Columns) != len(g.Slots) { // after an error, or of a struct
		g.Slots = nil
	}
	r.inStruct = outer
	r.open = r.open[:len(r.open)-1]
	r.groups[of] = g
	r.list = append(r.list, g)
	c.Group = g
	return nil
}

// isElsewhere tells whether a type that is declared at pos in this schema, or one that it includes, is declared in Go already, in what
// was generated from another schema of the package that has the same one.
func (r *schemaReader) isElsewhere(name string, pos model.Pos) bool {
	other, declared := r.opt.Declared[name]
	source := r.opt.Schemas[other.File]
	if !declared || source == "" {
		return false
	}
	if _, read := r.trees[source]; !read {
		places := map[fbs.Pos]bool{}
		if tree, err := fbs.Parse(filepath.ToSlash(source), &fbs.Options{IncludeDirs: r.opt.Include, Builtin: schema.FS}); err == nil {
			for _, t := range tree.Tables {
				places[placeOf(t.Pos)] = true
			}
			for _, t := range tree.Structs {
				places[placeOf(t.Pos)] = true
			}
			for _, t := range tree.Enums {
				places[placeOf(t.Pos)] = true
			}
			for _, t := range tree.Unions {
				places[placeOf(t.Pos)] = true
			}
		}
		if r.trees == nil {
			r.trees = map[string]map[fbs.Pos]bool{}
		}
		r.trees[source] = places
	}
	return r.trees[source][placeOf(fbs.Pos(pos))]
}

// placeOf returns a place whose file is called the same whichever schema includes it.
func placeOf(pos fbs.Pos) fbs.Pos {
	if abs, err := filepath.Abs(filepath.FromSlash(pos.File)); err == nil {
		pos.File = abs
	}
	return pos
}

// taken reports a type of the name of one that was generated from another schema of the package.
func (r *schemaReader) taken(pos model.Pos, name string, other model.Pos) {
	r.errs.Add(pos, fmt.Sprintf("%s is declared in %s already, which was generated from another schema", name, other.File),
		`give one of them another name (go_name: "Name")`)
}

// circle is what is wrong with a table that contains itself.
func (r *schemaReader) circle(name string) *problem {
	path := append(slices.Clone(r.open[slices.Index(r.open, name):]), name)
	return problemf("keep what is below in rows of their own, each with the number of the one above", "%s contains itself: %s", name, strings.Join(path, " has "))
}

// checkGroups reports names of structs that are somebody else's.
func (r *schemaReader) checkGroups(rows map[string]*fbs.Table, declared map[string]model.Pos) {
	taken := map[string]bool{}
	for of, g := range r.groups {
		if t, ok := of.(*fbs.Table); ok && rows[g.Named.Name] == t {
			g.Rows = false // it is a table's row too
		}
	}
	elsewhere := map[*model.GroupDef]bool{}
	for _, g := range r.list {
		name := g.Named.Name
		if r.isElsewhere(name, g.Pos) {
			g.Rows, g.Partial, elsewhere[g] = false, true, true
		} else if pos, ok := declared[name]; ok && strings.HasSuffix(pos.File, "_rows.go") {
			r.taken(g.Pos, name, pos)
		} else if ok {
			r.errs.Add(pos, fmt.Sprintf("%s is what the generator declares for struct %s", name, name), `give one of them another name (go_name: "Name")`)
		} else if taken[name] || g.Rows && rows[name] != nil {
			r.errs.Add(g.Pos, fmt.Sprintf("two tables or structs would both be %s in Go", name), `give one of them another name (go_name: "Name")`)
		}
		taken[name] = true
	}
	for _, g := range r.list {
		for _, c := range g.Columns {
			if c.Member == nil || c.Group != nil || elsewhere[g] {
				continue
			}
			name := c.Member.Name
			if pos, ok := declared[name]; ok {
				r.errs.Add(pos, fmt.Sprintf("%s is what the generator declares for a member of union %s", name, g.Named.Name), "give one of them another name")
			} else if taken[name] || rows[name] != nil {
				r.errs.Add(c.Pos, fmt.Sprintf("a member of union %s and another type would both be %s in Go", g.Named.Name, name), "give one of them another name")
			}
			taken[name] = c.Type.Kind != model.Nothing || taken[name]
		}
	}
	for _, e := range r.enums {
		if taken[e.Name] {
			r.errs.Add(e.Pos, fmt.Sprintf("enum %s and a struct would both be %s in Go", e.Name, e.Name), `give one of them another name (go_name: "Name")`)
		}
	}
}

// containsItself tells whether a table is the type of a field below it.
func containsItself(t *fbs.Table) bool {
	seen := map[*fbs.Table]bool{}
	var has func(of *fbs.Table) bool
	has = func(of *fbs.Table) bool {
		if of == nil || seen[of] {
			return of == t
		}
		seen[of] = true
		for _, f := range of.Fields {
			typ := f.Type
			for typ.Elem != nil {
				typ = typ.Elem
			}
			switch {
			case f.Deprecated:
			case typ.Union != nil:
				for _, m := range typ.Union.Members {
					if m.Type.Table != nil && has(m.Type.Table) {
						return true
					}
				}
			case typ.Table != nil && has(typ.Table):
				return true
			}
		}
		return false
	}
	return has(t)
}
