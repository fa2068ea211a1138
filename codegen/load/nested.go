package load

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/types"
	"path/filepath"
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
		case (k == model.List || k == model.Map || k == model.Nothing) && !isUnnamed(value):
			return problemf("write the type itself: "+underlying(value), "%s inside of another type", typeString(value))
		case c.Type.Kind == model.Map && i == 0 && !isKey(part):
			return problemf("use a string, an integer, a date, a time, a duration or an array of bytes", "keys of a map of type %s", typeString(elem))
		}
		if named, ok := types.Unalias(value).(*types.Named); ok && part.Type.Kind == model.Binary {
			part.Named = nameOf(value, named) // a slice of these is not one of []byte
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

// keyProblem says why a column of a schema cannot be the key of a map.
func keyProblem(c *model.ColumnDef, name string) *problem {
	if plain := *c; plain.Nullable {
		if plain.Nullable = false; isKey(&plain) {
			return problemf("make it (required), or leave out null", "the key %s of a map may be null", name)
		}
	}
	return problemf("use a string, an integer, a date, a time, a duration or an array of bytes", "key %s of a map", name)
}

// group sets the struct of a column.
func (s *structReader) group(c *model.ColumnDef, t types.Type, u *types.Struct) *problem {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return problemf(fmt.Sprintf("declare a type for it: type %s struct", c.Field), "a struct without a name")
	}
	if from := u.Field(0).Pkg(); from != nil && from != named.Obj().Pkg() && known[from.Path()] != "" && from.Scope().Lookup(u.Field(0).Name()) != nil {
		other := from.Name() + "." + u.Field(0).Name()
		return problemf(fmt.Sprintf("use %s itself; only members of unions may be of such a type", other), "%s is declared as %s", typeString(t), other)
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
	errs, own := s.errs, new(model.Errors)
	if g.Named.Path != "" {
		s.errs = own
	}
	g.Columns, g.Partial = s.fields(body), partial(body)
	s.errs = errs
	s.open = s.open[:len(s.open)-1]
	if len(*own) > 0 {
		return s.foreign(typeString(t), g.Named.Path, (*own)[0])
	}
	s.groups[obj] = g
	c.Group = g
	return nil
}

// foreign is what is wrong with a struct of another package, which the field that has it is told, as that package may be
// nobody's to change.
func (s *structReader) foreign(name, importPath string, e *model.Error) *problem {
	found, pos := e.Found, e.Pos
	if root := build.Default.GOROOT; root == "" || strings.HasPrefix(pos.File, root) {
		if strings.HasSuffix(found, " is not exported") {
			found = "it has fields that are not exported"
		}
	} else {
		if dir, err := filepath.Abs(s.p.dir); err == nil {
			if rel, err := filepath.Rel(dir, pos.File); err == nil && filepath.IsLocal(rel) {
				pos.File = filepath.ToSlash(rel)
			}
		}
		found += " (" + pos.String() + ")"
	}
	return problemf("declare a type of your own with the columns, or tag it `arrow:\"-\"`", "%s of package %s cannot be a column: %s", name, importPath, found)
}

// circle is what is wrong with a type that contains itself.
func (s *structReader) circle(obj *types.TypeName) *problem {
	var names []string
	for _, o := range append(s.open[slices.Index(s.open, obj):], obj) {
		names = append(names, o.Name())
	}
	return problemf("keep what is below in rows of their own, each with the number of the one above", "%s contains itself: %s", obj.Name(), strings.Join(names, " has "))
}
