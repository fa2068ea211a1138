package load

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/codegen/fbs"
	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const unionUsage = "write //lightstream:union Fill | Cancel = 3 | note: Note(dict) | null in the comment of an interface, each member being a type"

// unionMark is an interface that is marked //lightstream:union.
type unionMark struct {
	spec    *ast.TypeSpec
	pos     model.Pos
	members []unionMember
}

// unionMember is what a mark says of a member: name: Type(options) = id.
type unionMember struct {
	pos     model.Pos
	name    string // "" for the type's in snake case
	typ     string // null for the member that nil is
	options string
	id      int // -1 for the one after that of the member before
}

// unions returns the marked interfaces of f, by name.
func (p *goPackage) unions(f *goFile, errs *model.Errors) map[string]*unionMark {
	marks, used := map[string]*unionMark{}, map[*ast.Comment]bool{}
	for _, decl := range f.ast.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, one := range gen.Specs {
			spec, doc := one.(*ast.TypeSpec), gen.Doc
			if gen.Lparen.IsValid() {
				doc = spec.Doc
			}
			if doc == nil {
				continue
			}
			for _, c := range doc.List {
				rest, marked := directiveOf(c, "union")
				if !marked {
					continue
				}
				used[c] = true
				marks[spec.Name.Name] = p.union(spec, c, rest, errs) // nil for one that is reported
			}
		}
	}
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if _, marked := directiveOf(c, "union"); marked && !used[c] {
				errs.Add(p.pos(c.Pos()), "//lightstream:union is not in the comment of a type", "put it right above type … interface")
			}
			if rest, spaced := strings.CutPrefix(c.Text, "// lightstream:union"); spaced && (rest == "" || rest[0] == ' ') {
				errs.Add(p.pos(c.Pos()), fmt.Sprintf("%q is an ordinary comment", c.Text), "write //lightstream:union, without a space")
			}
		}
	}
	return marks
}

// union reads the mark c of a type.
func (p *goPackage) union(spec *ast.TypeSpec, c *ast.Comment, rest string, errs *model.Errors) *unionMark {
	name := spec.Name.Name
	switch _, isInterface := spec.Type.(*ast.InterfaceType); {
	case !isInterface || spec.Assign.IsValid():
		errs.Add(p.pos(spec.Name.Pos()), fmt.Sprintf("%s is marked as a union and not declared as an interface", name), fmt.Sprintf("write type %s interface{ is%s() }", name, name))
		return nil
	case spec.TypeParams != nil:
		errs.Add(p.pos(spec.Name.Pos()), fmt.Sprintf("%s is marked as a union and has type parameters", name), "mark an interface that has none")
		return nil
	}
	m := &unionMark{spec: spec, pos: p.pos(c.Pos())}
	at, failed := c.Pos()+token.Pos(len(c.Text)-len(rest)), false
	for text := range strings.SplitSeq(rest, "|") {
		pos := p.pos(at + token.Pos(len(text)-len(strings.TrimLeft(text, " \t"))))
		at += token.Pos(len(text) + 1)
		member, problem := parseMember(strings.TrimSpace(text))
		if problem != nil {
			errs.Add(pos, problem.found, problem.remedy)
			failed = true
			continue
		}
		member.pos = pos
		m.members = append(m.members, member)
	}
	if failed {
		return nil
	}
	return m
}

// parseMember reads name: Type(options) = id, of which the type is always there.
func parseMember(text string) (m unionMember, p *problem) {
	m.id = -1
	rest := text
	if name, after, named := strings.Cut(rest, ":"); named && !strings.Contains(name, "(") {
		m.name, rest = strings.TrimSpace(name), strings.TrimSpace(after)
		if m.name == "" || !fitsTag(m.name) {
			return m, problemf(unionUsage, "%q, a member of a union", text)
		}
	}
	if i := strings.LastIndexByte(rest, '='); i > strings.LastIndexByte(rest, ')') {
		id, err := strconv.Atoi(strings.TrimSpace(rest[i+1:]))
		if err != nil || id < 0 || id > math.MaxInt8 {
			return m, problemf("write one from 0 to 127", "type id %q of a member of a union", strings.TrimSpace(rest[i+1:]))
		}
		m.id, rest = id, strings.TrimSpace(rest[:i])
	}
	if typ, options, ok := strings.Cut(rest, "("); ok {
		inner, closed := strings.CutSuffix(options, ")")
		if !closed || strings.TrimSpace(inner) == "" {
			return m, problemf(unionUsage, "%q, a member of a union", text)
		}
		m.options, rest = inner, strings.TrimSpace(typ)
	}
	if strings.Contains(rest, ".") {
		return m, problemf("declare a type of this package: type Note string", "%s, a member of a union", rest)
	}
	if m.typ = rest; !model.IsIdentifier(m.typ) || m.typ == "null" && m.options != "" {
		return m, problemf(unionUsage, "%q, a member of a union, is no name of a type", text)
	}
	return m, nil
}

// memberTypes are what the members of marked interfaces are declared as.
func (p *goPackage) memberTypes(marks map[string]*unionMark) (list []ast.Expr) {
	specs := p.specs()
	for _, m := range marks {
		if m == nil {
			continue
		}
		for _, one := range m.members {
			if expr := specs[one.typ]; expr != nil {
				list = append(list, expr)
			}
		}
	}
	return list
}

// union sets the members of a column of interfaces.
func (s *structReader) union(c *model.ColumnDef, t types.Type, u *types.Interface) *problem {
	name := typeString(t)
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return problemf(basicTypes+"; an interface of your own is a union with a comment //lightstream:union Fill | Cancel", "an interface cannot be a column, found %s", name)
	}
	obj := named.Obj()
	mark, marked := s.unions[obj.Name()]
	if obj.Pkg().Path() != localPath || !marked {
		return problemf("declare it in this package with a comment //lightstream:union Fill | Cancel, which names its members", "interface %s is not marked as a union", name)
	}
	c.Type = model.Type{Kind: model.Union, Dense: true}
	if mark == nil {
		return failed
	}
	if g, known := s.groups[obj]; known {
		if g == nil {
			return failed
		}
		c.Group, c.Nullable = g, g.NullMember() >= 0
		return nil
	}
	if slices.Contains(s.open, obj) {
		return s.circle(obj)
	}
	before := len(*s.errs)
	g := &model.GroupDef{Pos: s.p.pos(obj.Pos()), Named: model.Named{Name: obj.Name()}, Marker: "is" + obj.Name()}
	s.open = append(s.open, obj)
	s.members(g, mark, named, u)
	s.open = s.open[:len(s.open)-1]
	s.groups[obj] = nil
	if len(*s.errs) > before {
		return failed
	}
	s.groups[obj], c.Group, c.Nullable = g, g, g.NullMember() >= 0
	return nil
}

// members sets the members of the union of the interface named.
func (s *structReader) members(g *model.GroupDef, mark *unionMark, named *types.Named, u *types.Interface) {
	refuse := func(pos model.Pos, p *problem) { s.errs.Add(pos, p.found, p.remedy) }
	marker := ""
	for i := range u.NumMethods() {
		if m := u.Method(i); !m.Exported() {
			marker = cmp.Or(marker, m.Name())
		}
	}
	name := named.Obj().Name()
	if marker == "" || !u.IsMethodSet() {
		refuse(g.Pos, problemf(fmt.Sprintf("write type %s interface{ is%s() }, and the method for each member", name, name), "union %s is an open interface: any type may be a value of it", name))
		return
	}
	next, ids, taken := 0, map[int]string{}, map[string]bool{}
	for _, m := range mark.members {
		if taken[m.typ] {
			refuse(m.pos, problemf("name it once", "%s is a member of union %s already", m.typ, name))
			continue
		}
		taken[m.typ] = true
		if m.id >= 0 {
			next = m.id
		}
		if next > math.MaxInt8 {
			refuse(m.pos, problemf("give it a type id of 0 to 127 that is free", "member %s comes after type id 127", m.typ))
			return
		}
		if other := ids[next]; other != "" {
			refuse(m.pos, problemf("give it another", "members %s and %s both have type id %d", other, m.typ, next))
		}
		ids[next] = m.typ
		c := &model.ColumnDef{Pos: m.pos, Field: memberField(m.typ, name), Name: m.name, TypeID: next}
		next++
		if m.typ == "null" {
			c.Type, c.Nullable = model.Type{Kind: model.Nothing}, true
		} else if p := s.member(c, &m, named, u, marker); p == failed {
			continue
		} else if p != nil {
			refuse(m.pos, p)
			continue
		}
		g.Columns = append(g.Columns, c)
	}
}

// memberField returns what a member is called in generated code: its type, without the union's name before it.
func memberField(typ, union string) string {
	if name, ok := strings.CutPrefix(typ, union); ok && token.IsExported(name) {
		return name
	}
	r, n := utf8.DecodeRuneInString(typ)
	return string(unicode.ToUpper(r)) + typ[n:]
}

// member sets the type of a member.
func (s *structReader) member(c *model.ColumnDef, m *unionMember, named *types.Named, u *types.Interface, marker string) *problem {
	union := named.Obj()
	obj := union.Pkg().Scope().Lookup(m.typ)
	typ, isType := obj.(*types.TypeName)
	if !isType {
		return problemf(fmt.Sprintf("declare it: type %s struct", m.typ), "%s, a member of union %s, is no type of this package", m.typ, union.Name())
	}
	member, isNamed := typ.Type().(*types.Named)
	switch {
	case !isNamed || typ.IsAlias():
		return problemf(fmt.Sprintf("declare a type: type %s …", m.typ), "%s, a member of union %s, is an alias", m.typ, union.Name())
	case member.TypeParams().Len() > 0:
		return problemf("declare a type without parameters", "%s, a member of union %s, is a generic type", m.typ, union.Name())
	case types.IsInterface(member):
		return problemf("name its members here", "%s, a member of union %s, is an interface", m.typ, union.Name())
	case !types.Implements(member, u):
		remedy := fmt.Sprintf("write func (%s) %s() {}", m.typ, marker)
		if types.Implements(types.NewPointer(member), u) {
			remedy += ", not for the pointer"
		}
		return problemf(remedy, "%s, a member of union %s, is no value of it", m.typ, union.Name())
	}
	c.Member = &model.Named{Name: m.typ}
	expr := s.specs[m.typ]
	t := s.info.Types[expr].Type // what it is declared as, such as time.Time
	if _, isStruct := expr.(*ast.StructType); isStruct || t == nil {
		if st, ok := member.Underlying().(*types.Struct); ok && st.NumFields() > 0 {
			t = member
		}
	}
	value, form := unwrap(t)
	p := s.invalid(expr, t)
	if p == nil {
		p = s.setType(c, value, form)
	}
	if p == nil && c.Type.Kind == model.Union {
		p = problemf("name its members here", "%s, a member of union %s, is an interface", m.typ, union.Name())
	}
	if p == failed {
		return p
	}
	if p == nil {
		p = applyMember(c, m.options, m.typ)
	}
	if p != nil {
		return problemf(p.remedy, "member %s: %s", m.typ, p.found)
	}
	if c.Type.Kind == model.Nothing {
		c.Nullable = true
	}
	return nil
}

// applyMember sets what the options of a member say.
func applyMember(c *model.ColumnDef, options, typ string) *problem {
	if options != "" {
		if p := applyPart(c, &option{name: "a member", arg: options}, typ); p != nil {
			return p
		}
	}
	var errs model.Errors
	if wantDigits(c, c, "%s", typ, &errs); len(errs) > 0 {
		return problemf(fmt.Sprintf("write %s(decimal(%d,2))", typ, model.MaxPrecision(c.Type.Bits)), "it does not say how many digits it has")
	}
	return nil
}

// nullableUnions are the unions that a field may be without.
func nullableUnions(tree *fbs.Schema) map[*fbs.Union]bool {
	nullable := map[*fbs.Union]bool{}
	for _, t := range tree.Tables {
		for _, f := range t.Fields {
			if f.Type.Kind == fbs.UnionType && !f.Required && !f.Deprecated {
				nullable[f.Type.Union] = true
			}
		}
	}
	return nullable
}

// union sets the members of a column of a schema's union. Their type ids are the tags of the union, and nil is 0, if the column may
// be without a value.
func (r *schemaReader) union(c *model.ColumnDef, f *fbs.Field) *problem {
	u := f.Type.Union
	c.Type, c.Nullable = model.Type{Kind: model.Union, Dense: true}, !f.Required
	if r.nullable[u] && !c.Nullable {
		return problemf("write (required) at all fields of the union, or at none", "union %s is required here and not elsewhere", u.Name)
	}
	if g, known := r.groups[u]; known {
		if g == nil {
			return failed
		}
		c.Group = g
		return nil
	}
	before := len(r.errs)
	g := &model.GroupDef{Pos: modelPos(u.Pos), Named: model.Named{Name: model.CamelCase(u.Name)}, Doc: docLines(u.Doc), Rows: true}
	if a := r.value(u.Attrs, "go_name", `go_name: "Event"`); a != nil {
		g.Named.Name = a.Value
	}
	if !model.IsIdentifier(g.Named.Name) || !token.IsExported(g.Named.Name) {
		r.add(u.Pos, problemf(`give it one (go_name: "Event")`, "union %s has no exported Go name", u.Name))
	}
	if slices.Contains(r.open, u.Name) {
		return r.circle(u.Name)
	}
	g.Marker = "is" + g.Named.Name
	if c.Nullable {
		g.Columns = append(g.Columns, &model.ColumnDef{Pos: g.Pos, Field: "Null", Name: "null", Type: model.Type{Kind: model.Nothing}, Nullable: true})
	}
	r.open = append(r.open, u.Name)
	for _, m := range u.Members {
		if p := r.member(g, u, m); p != nil && p != failed {
			r.add(m.Pos, p)
		}
	}
	r.open = r.open[:len(r.open)-1]
	r.groups[u] = nil
	if len(r.errs) > before {
		return failed
	}
	r.groups[u], c.Group = g, g
	r.list = append(r.list, g)
	return nil
}

// fieldAttributes are those that say something of fields.
var fieldAttributes = append([]string{"item", "map"}, itemAttributes...)

// member adds a member of a schema's union.
func (r *schemaReader) member(g *model.GroupDef, u *fbs.Union, m *fbs.UnionMember) *problem {
	if m.Tag > math.MaxInt8 {
		return problemf("write one up to 127", "tag %d of %s, a member of union %s; Arrow has type ids of 0 to 127", m.Tag, m.Name, u.Name)
	}
	c := &model.ColumnDef{Pos: modelPos(m.Pos), Doc: docLines(m.Doc), Name: model.SnakeCase(m.Name), TypeID: int(m.Tag)}
	f := &fbs.Field{Pos: m.Pos, Name: m.Name, Type: m.Type, Required: true}
	list := m.Type.Kind == fbs.TableType && m.Type.Table.Attrs.Has("list")
	for _, a := range m.Attrs {
		switch {
		case a.Name == "go_name" && (m.Type.Kind == fbs.String || list):
		case a.Name == "go_name":
			r.add(a.Pos, problemf("write it there", "go_name of member %s of union %s, whose type is %v", m.Name, u.Name, m.Type))
			return failed
		case a.Name == "required" || a.Name == "was" || a.Name == "default":
			r.add(a.Pos, problemf("leave it out: a row is of one member, which is there; nil is a row of the union itself, where no field of it is (required)",
				"%s on member %s of union %s", a.Name, m.Name, u.Name))
			return failed
		case a.Name == "arrow_name" || !slices.Contains(fieldAttributes, a.Name):
			f.Attrs = append(f.Attrs, a)
		case m.Type.Kind == fbs.String && slices.Contains([]string{"dict", "large", "view"}, a.Name):
			f.Attrs = append(f.Attrs, a)
		default:
			remedy := "leave it out"
			if m.Type.Kind == fbs.TableType || m.Type.Kind == fbs.StructType {
				remedy = fmt.Sprintf("write it on a field of %v", m.Type)
			}
			r.add(a.Pos, problemf(remedy, "%s on member %s of union %s", a.Name, m.Name, u.Name))
			return failed
		}
	}
	if !r.describe(c, f) {
		return failed
	}
	switch {
	case c.Group != nil && slices.ContainsFunc(g.Columns, func(o *model.ColumnDef) bool { return o.Group == c.Group }):
		return problemf("name it once", "%s is a member of union %s already", c.Group.Named.Name, u.Name)
	case c.Group != nil:
		c.Member = &c.Group.Named
	case m.Type.Kind == fbs.TableType && !list: // without fields
		c.Member = &model.Named{Name: goName(m.Type.Table)}
	default:
		c.Member = &model.Named{Name: g.Named.Name + model.CamelCase(m.Name)}
		if a := r.value(m.Attrs, "go_name", `go_name: "Note"`); a != nil {
			c.Member.Name = a.Value
		}
	}
	if !model.IsIdentifier(c.Member.Name) || !token.IsExported(c.Member.Name) {
		return problemf("give it another", "member %s of union %s has no exported Go name", m.Name, u.Name)
	}
	c.Field = memberField(c.Member.Name, g.Named.Name)
	g.Columns = append(g.Columns, c)
	return nil
}

// union sets the members of a column of an Arrow schema's union. Their Go types are named for the row, the column and the member. The
// first member of nulls is nil.
func (r *arrowReader) union(c *model.ColumnDef, f *ipc.Field, path string) *problem {
	if len(f.Children) == 0 {
		return problemf("write the file without it", "a union without members")
	}
	c.Type = model.Type{Kind: model.Union, Dense: f.Type.Variant == 1}
	name := free(r.types, r.row+model.CamelCase(path))
	g := &model.GroupDef{Pos: c.Pos, Named: model.Named{Name: name}, Rows: true, Marker: "is" + name}
	names, before := map[string]int{}, len(*r.errs)
	for i := range f.Children {
		child := &f.Children[i]
		refuse := func(p *problem) {
			r.errs.Add(r.pos, fmt.Sprintf("%s, %q: %s", r.top, path+"."+child.Name, p.found), p.remedy)
		}
		other, twice := names[child.Name]
		switch {
		case child.Name == "" || !fitsTag(child.Name):
			refuse(problemf("write the file with another", "member %d of a union with the name %q", i, child.Name))
			continue
		case twice:
			refuse(problemf("write the file with another name for one of them", "member %d has this name too", other))
			continue
		}
		names[child.Name] = i
		m := &model.ColumnDef{Pos: c.Pos, Name: child.Name, Nullable: child.Nullable, TypeID: i}
		if f.Type.TypeIDs != nil {
			m.TypeID = int(f.Type.TypeIDs[i])
		}
		if child.Type.Kind == ipc.KindNull && g.NullMember() < 0 {
			m.Field, m.Type, m.Nullable = "Null", model.Type{Kind: model.Nothing}, true
			g.Columns = append(g.Columns, m)
			continue
		}
		m.Member = &model.Named{Name: free(r.types, name+model.CamelCase(child.Name))}
		m.Field = memberField(m.Member.Name, name)
		if p := r.setMember(m, child, path+"."+child.Name); p == failed {
			continue
		} else if p != nil {
			refuse(p)
			continue
		}
		setForm(m)
		g.Columns = append(g.Columns, m)
	}
	if len(*r.errs) > before {
		return failed
	}
	c.Group, c.Nullable = g, g.NullMember() >= 0
	return nil
}

// setMember sets the type of a member. A struct that is never null is the member's own Go type.
func (r *arrowReader) setMember(m *model.ColumnDef, f *ipc.Field, path string) *problem {
	if p := r.setType(m, f, path); p != nil {
		return p
	}
	if m.Type.Kind == model.Union {
		return problemf("write the file with the members of both in one", "a union in a union")
	}
	if m.Type.Kind == model.Struct && !m.Nullable {
		delete(r.types, m.Group.Named.Name)
		m.Group.Named.Name = m.Member.Name
	}
	return nil
}

// setSparse gives a union the other layout.
func setSparse(c *model.ColumnDef, found string) *problem {
	if c.Type.Kind != model.Union {
		return problemf("leave it out", "sparse is for unions, found %s", found)
	}
	c.Type.Dense = false
	return nil
}

// runEnds are the types of run ends.
var runEnds = map[string]int{"": 32, "int16": 16, "int32": 32, "int64": 64}

// setRuns makes a column run-end encoded, after all that is said of its values.
func setRuns(c *model.ColumnDef, spec, found string) *problem {
	bits, known := runEnds[spec]
	switch {
	case c.Type.Kind == model.List || c.Type.Kind == model.FixedList:
		return problemf("leave it out, or say it of the items", "ree is for flat values, found %s", found)
	case c.Nested() || c.Type.Kind == model.Nothing:
		return problemf("leave it out", "ree is for flat values, found %s", found)
	case !known:
		return problemf("write int16, int32 or int64", "run ends of type %q", spec)
	}
	values := &model.ColumnDef{
		Pos: c.Pos, Field: c.Field, Type: c.Type, Index: c.Index, Nullable: c.Nullable,
		Form: c.Form, Raw: c.Raw, AsTime: c.AsTime, Enum: c.Enum, Named: c.Named, NaiveUTC: c.NaiveUTC,
	}
	c.Type, c.Parts = model.Type{Kind: model.RunEnds, Bits: bits}, []*model.ColumnDef{values}
	c.Index, c.Form, c.Raw, c.AsTime, c.Enum, c.Named, c.NaiveUTC = nil, model.Plain, false, false, false, nil, false
	return nil
}

// runs sets the values of a run-end encoded column of an Arrow schema.
func (r *arrowReader) runs(c *model.ColumnDef, f *ipc.Field, path string) *problem {
	values := f.Children[1]
	c.Nullable = values.Nullable && f.Nullable || values.Type.Kind == ipc.KindNull
	if p := r.setType(c, &values, path); p != nil {
		return p
	}
	if c.Nested() || c.Type.Kind == model.Nothing {
		return problemf("write the file with plain values in its place", "runs of %s", values.TypeString())
	}
	setForm(c)
	return setRuns(c, "int"+strconv.Itoa(f.Children[0].Type.Bits), values.TypeString())
}
