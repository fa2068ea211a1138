package load

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// columnTypes returns the types of those fields of a struct that may be columns.
func columnTypes(body *ast.StructType) (list []ast.Expr) {
	for _, f := range body.Fields.List {
		if f.Tag != nil && strings.Contains(f.Tag.Value, `arrow:"-"`) || len(f.Names) == 0 ||
			!slices.ContainsFunc(f.Names, (*ast.Ident).IsExported) {
			continue
		}
		list = append(list, f.Type)
	}
	return list
}

// bodiesOf returns where structs are written, by their types.
func bodiesOf(info *types.Info) map[*types.Struct]*ast.StructType {
	bodies := map[*types.Struct]*ast.StructType{}
	for expr, t := range info.Types {
		if body, ok := expr.(*ast.StructType); ok {
			if t, ok := t.Type.(*types.Struct); ok {
				bodies[t] = body
			}
		}
	}
	return bodies
}

// parts sets the columns below a list, of whose items elems is the type, or below a map, of whose keys and values they are.
func (s *structReader) parts(c *model.ColumnDef, elems ...types.Type) *problem {
	for i, elem := range elems {
		part := &model.ColumnDef{Pos: c.Pos, Field: c.Field}
		value, form := unwrap(elem)
		if p := s.setType(part, value, form); p != nil {
			return p
		}
		switch k := part.Type.Kind; {
		case (k == model.List || k == model.Map) && !isUnnamed(value):
			return problemf("write the type itself: "+underlying(value), "%s inside of another type", typeString(value))
		case c.Type.Kind == model.Map && i == 0 && !isKey(part):
			return problemf("use a string, an integer, a date, a time, a duration or an array of bytes", "keys of a map of type %s", typeString(elem))
		}
		c.Parts = append(c.Parts, part)
	}
	return nil
}

func isUnnamed(t types.Type) bool {
	_, named := types.Unalias(t).(*types.Named)
	return !named
}

// isKey tells whether a column may be the keys of maps: never null, and with an order.
func isKey(c *model.ColumnDef) bool {
	switch c.Type.Kind {
	case model.Int, model.Utf8, model.FixedBinary, model.Timestamp, model.Date, model.Time, model.Duration:
		return !c.Nullable
	}
	return false
}

// group sets the struct of a column.
func (s *structReader) group(c *model.ColumnDef, t types.Type, u *types.Struct) *problem {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return problemf("declare a type for it: type Leg struct", "a struct without a name")
	}
	obj := named.Obj()
	c.Type = model.Type{Kind: model.Struct}
	if c.Group = s.groups[obj]; c.Group != nil {
		return nil
	}
	if slices.Contains(s.open, obj) {
		return s.circle(obj)
	}
	body := s.bodies[u]
	if body == nil {
		return problemf("declare it as a struct where it can be read", "the fields of %s are not known", typeString(t))
	}
	g := &model.GroupDef{Pos: s.p.pos(obj.Pos()), Named: model.Named{Name: obj.Name()}}
	if pkg := obj.Pkg(); pkg.Path() != localPath {
		g.Named.Path, g.Named.Package = pkg.Path(), pkg.Name()
	}
	g.Inline = s.inline[obj.Pkg().Path()][obj.Name()]
	s.open = append(s.open, obj)
	g.Columns = s.fields(body)
	s.open = s.open[:len(s.open)-1]
	s.groups[obj] = g
	c.Group = g
	return nil
}

// circle is what is wrong with a type that contains itself.
func (s *structReader) circle(obj *types.TypeName) *problem {
	var names []string
	for _, o := range append(s.open[slices.Index(s.open, obj):], obj) {
		names = append(names, o.Name())
	}
	return problemf("keep what is below in rows of their own, each with the number of the one above", "%s contains itself: %s", obj.Name(), strings.Join(names, " has "))
}
