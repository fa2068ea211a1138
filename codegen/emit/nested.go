package emit

import (
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// partType writes the type of the view of a column below another. It is that of an accessor, but for slices, which get methods.
func partType(c *model.Column) *jen.Statement {
	if c.Fixed() && !c.Nullable {
		return column("Plain").Types(fixedType(c))
	}
	return viewType(c)
}

// nestedType writes the type of the view of a nested column, such as column.Lists[column.Texts].
func nestedType(c *model.Column) *jen.Statement {
	switch c.Type.Kind {
	case model.Struct, model.Union:
		return jen.Id(c.Group.Names.View)
	case model.RunEnds:
		return column("Runs").Types(viewElem(c.Children[0]), partType(c.Children[0]))
	case model.Map:
		return column("Maps").Types(partType(c.Children[0]), partType(c.Children[1]))
	}
	return column("Lists").Types(partType(c.Children[0]))
}

// viewBody returns the statements that return the view of column c, whose buffers are data of batch h, with its last call in wrap. Columns below
// others have names that tell where they are:
//
//	d := b.h.Column(22)
//	entries := d.Child(0)
//	value := entries.Child(1)
//	values := column.ListsOf(value, column.Offsets32, column.TextsOf(value.Child(0)))
//	return column.MapsOf(d, column.TextsOf(entries.Child(0)), values)
func viewBody(c *model.Column, h, data *jen.Statement, wrap func(view *jen.Statement) *jen.Statement) []jen.Code {
	if !c.Nested() || c.Group != nil {
		return []jen.Code{jen.Return(wrap(viewOf(c, h, data)))}
	}
	v := columnView{h: h, taken: map[string]bool{}}
	v.take(c)
	view := v.of(c, v.let(&v.data, "d", data), "")
	return append(append(v.data, v.views...), jen.Return(wrap(view)))
}

// columnView are the variables of a function that returns the view of a nested column: the buffers of the columns below it, and then
// the views of them.
type columnView struct {
	h           *jen.Statement
	data, views []jen.Code
	taken       map[string]bool // types that the function names
}

func (v *columnView) take(c *model.Column) {
	if c.Named != nil {
		v.taken[c.Named.Name], v.taken[c.Named.Package] = true, true
	}
	for _, child := range c.Children {
		v.take(child)
	}
}

// let writes name := value and returns the name.
func (v *columnView) let(list *[]jen.Code, name string, value *jen.Statement) *jen.Statement {
	for v.taken[name] {
		name += "Part"
	}
	*list = append(*list, jen.Id(name).Op(":=").Add(value))
	return jen.Id(name)
}

// of writes the view of column c, whose buffers are data. The names of what is below it begin with path.
func (v *columnView) of(c *model.Column, data *jen.Statement, path string) *jen.Statement {
	child := func(of *jen.Statement, i int) *jen.Statement { return of.Clone().Dot("Child").Call(jen.Lit(i)) }
	part := func(i int, data *jen.Statement, name string) *jen.Statement {
		below := c.Children[i]
		if !below.Nested() || below.Group != nil {
			return viewOf(below, v.h, data)
		}
		name = nameBelow(path, name)
		view := v.of(below, v.let(&v.data, name, data), name)
		return v.let(&v.views, name+"s", view)
	}
	switch c.Type.Kind {
	case model.RunEnds:
		return column("RunsOf").Call(data.Clone(), jen.Lit(c.Type.Bits), part(0, child(data, 1), "run"))
	case model.Map:
		entries := v.let(&v.data, nameBelow(path, "entries"), child(data, 0))
		return column("MapsOf").Call(data.Clone(), part(0, child(entries, 0), "key"), part(1, child(entries, 1), "value"))
	case model.FixedList:
		return column("FixedListsOf").Call(data.Clone(), jen.Lit(c.Type.Width), part(0, child(data, 0), "item"))
	}
	name, offsets := "ListsOf", "Offsets32"
	if c.Type.Layout == model.Large {
		offsets = "Offsets64"
	}
	if c.Type.Layout == model.Views {
		name = "ListViewsOf"
	}
	return column(name).Call(data.Clone(), column(offsets), part(0, child(data, 0), "item"))
}

// nameBelow returns a name below path: item, and below that itemValue.
func nameBelow(path, name string) string {
	if path == "" {
		return name
	}
	return path + strings.ToUpper(name[:1]) + name[1:]
}

// viewOf writes the view of a flat column, a struct or a union of batch h, of which data are the buffers.
func viewOf(c *model.Column, h, data *jen.Statement) *jen.Statement {
	switch c.Type.Kind {
	case model.Struct:
		return jen.Id(c.Group.Names.View).Values(rt("StructOf").Call(h.Clone(), data.Clone()))
	case model.Union:
		return jen.Id(c.Group.Names.View).Values(rt("UnionOf").Call(h.Clone(), data.Clone()))
	}
	name, params := view(c)
	args := []jen.Code{data.Clone()}
	switch k := c.Type.Kind; {
	case c.Fixed() || c.Index != nil:
	case k == model.Timestamp:
		args = append(args, unit(c.Type))
	case k == model.Duration:
		args = append(args, unit(c.Type), jen.Lit(64))
	case k == model.Time:
		args = append(args, unit(c.Type), jen.Lit(c.Type.Bits))
	}
	of := map[string]string{"Values": "Plain", "Arrays": "PlainArrays", "Times32": "Durations", "Times64": "Durations", "AllNull": "Nulls"}
	if other := of[name]; other != "" {
		name = other
	}
	return typeArgs(column(name+"Of"), params).Call(args...)
}

// viewElem writes the type of the values of a flat column as its view and its builder have them.
func viewElem(c *model.Column) *jen.Statement {
	if c.Type.Kind == model.Binary {
		return jen.Index().Byte()
	}
	return slabType(c)
}

// values returns the column that says how rows hold a column: the values of one that is run-end encoded, or itself.
func values(c *model.Column) *model.Column {
	if c.Type.Kind == model.RunEnds {
		return c.Children[0]
	}
	return c
}

// elemType writes the type of a column below another as rows hold it.
func elemType(c *model.Column) *jen.Statement { return rowType(c) }

// reader writes the function that reads a column below another as rows hold it.
func reader(c *model.Column) *jen.Statement {
	plain := *values(c)
	form := plain.Form
	plain.Form = model.Plain
	if c.Type.Kind == model.RunEnds {
		name := map[model.Form]string{model.Plain: "ReadRuns", model.Pointer: "ReadRunPtrs", model.Null: "ReadRunNulls"}[form]
		return rt(name).Call(valueReader(&plain, elemType(&plain)))
	}
	switch c.Form {
	case model.Pointer:
		return rt("ReadPtrs").Call(valueReader(c, elemType(&plain)))
	case model.Null:
		return rt("ReadNulls").Call(valueReader(c, elemType(&plain)))
	}
	return valueReader(c, elemType(&plain))
}

// valueReader writes the function that reads the values of a column below another, without a look at nulls.
func valueReader(c *model.Column, elem *jen.Statement) *jen.Statement {
	child := func(i int) *jen.Statement { return reader(c.Children[i]) }
	types := []jen.Code{partType(c), elem}
	switch k := c.Type.Kind; {
	case k == model.Struct || k == model.Union:
		return jen.Id(c.Group.Names.ReadRows)
	case k == model.List:
		return rt("ReadLists").Call(child(0))
	case k == model.Map:
		return rt("ReadMaps").Call(child(0), child(1))
	case k == model.FixedList:
		return rt("ReadArrays").Call(jen.Id(c.Func), child(0))
	case c.Fixed() && !c.Nullable:
		return rt("ReadPlain").Types(fixedType(c))
	case k == model.Utf8 && c.Index == nil:
		return rt("ReadTexts").Types(types...)
	case k == model.Utf8 && !c.Enum:
		return rt("ReadDict").Types(types...)
	case k == model.Binary && c.Named != nil:
		return rt("ReadNamedBytes").Types(types...)
	case k == model.Binary:
		return rt("ReadBytes").Types(partType(c))
	case k == model.Bool:
		return rt("ReadBools").Types(elem)
	}
	return rt("ReadEach").Types(types...)
}

// emitColumnFuncs writes the functions that columns, and those below them, have of their own.
func emitColumnFuncs(columns []*model.Column) (list []jen.Code) {
	for _, c := range columns {
		switch {
		case c.Func == "":
		case c.Type.Kind == model.FixedList:
			list = append(list, emitArraySlice(c))
		default:
			list = append(list, emitKeyOrder(c))
		}
		list = append(list, emitColumnFuncs(c.Children)...)
	}
	return list
}

// emitArraySlice writes
//
//	func tradePointSlice(a *[3]float64) []float64 { return a[:] }
func emitArraySlice(c *model.Column) jen.Code {
	plain := *c
	plain.Form = model.Plain
	return jen.Func().Id(c.Func).Params(jen.Id("a").Op("*").Add(elemType(&plain))).Index().Add(elemType(c.Children[0])).
		Add(oneLine(jen.Return(jen.Id("a").Index(jen.Op(":")))))
}

// emitKeyOrder writes
//
//	func tradeQuotesOrder(a, b [16]byte) int { return slices.Compare(a[:], b[:]) }
func emitKeyOrder(c *model.Column) jen.Code {
	return jen.Func().Id(c.Func).Params(jen.List(jen.Id("a"), jen.Id("b")).Add(elemType(c))).Int().
		Add(oneLine(jen.Return(jen.Qual("slices", "Compare").Call(jen.Id("a").Index(jen.Op(":")), jen.Id("b").Index(jen.Op(":"))))))
}

// nestedBuilder writes the type of the builder of a nested column.
func nestedBuilder(c *model.Column) *jen.Statement {
	pointer := func(i int) jen.Code { return jen.Op("*").Add(builderType(c.Children[i])) }
	elem := func(i int) jen.Code { return elemType(c.Children[i]) }
	switch c.Type.Kind {
	case model.Struct, model.Union:
		return jen.Id(c.Group.Names.Builder)
	case model.RunEnds:
		return column("RunBuilder").Types(runEnd(c), viewElem(c.Children[0]), pointer(0))
	case model.Map:
		return column("MapBuilder").Types(elem(0), elem(1), pointer(0), pointer(1))
	case model.FixedList:
		plain := *c
		plain.Form = model.Plain
		return column("FixedListBuilder").Types(elemType(&plain), elem(0), pointer(0))
	}
	return column(listNames[c.Type.Layout]+"Builder").Types(elem(0), pointer(0))
}

// listNames are what the builders of lists in a layout are called.
var listNames = map[model.Layout]string{model.Offsets: "List", model.Large: "LargeList", model.Views: "ListView"}

// newBuilder writes a pointer to a new builder of a column.
func newBuilder(c *model.Column) *jen.Statement {
	switch c.Type.Kind {
	case model.Struct, model.Union:
		return jen.Id(c.Group.Names.NewBuilder).Call()
	case model.RunEnds:
		v := c.Children[0]
		return column("RunBuilderOf").Types(runEnd(c)).Call(newBuilder(v), jen.Parens(jen.Op("*").Add(builderType(v))).Dot("Append"), sameFunc(v))
	case model.Map:
		key, value := c.Children[0], c.Children[1]
		return column("MapOf").Call(newBuilder(key), appender(key), compareFunc(key), newBuilder(value), appender(value))
	case model.FixedList:
		return column("FixedListOf").Call(newBuilder(c.Children[0]), jen.Id(c.Func), appender(c.Children[0]))
	case model.List:
		return column(listNames[c.Type.Layout]+"Of").Call(newBuilder(c.Children[0]), appender(c.Children[0]))
	}
	return jen.New(builderType(c))
}

// appender writes the function that adds values, as rows hold them, to the builder of a column below another.
func appender(c *model.Column) *jen.Statement {
	name := "AppendAll"
	if c.Group != nil {
		name = "AppendRows"
	}
	v := values(c)
	kind := "Text"
	switch v.Type.Kind {
	case model.Bool:
		kind = "Bool"
	case model.Binary:
		kind = "Byte"
	}
	plain := *v
	plain.Form = model.Plain
	types := []jen.Code{jen.Op("*").Add(builderType(c)), elemType(&plain)}
	switch {
	case v.Form == model.Null:
		return rt("AppendNulls")
	case v.Form == model.Pointer && converts(v):
		return rt("Append" + kind + "Ptrs").Types(types...)
	case v.Form == model.Pointer:
		return rt("AppendPtrs")
	case converts(v):
		return rt("Append" + kind + "s").Types(types...)
	}
	return jen.Parens(jen.Op("*").Add(builderType(c))).Dot(name)
}

// compareFunc writes the order of the keys of maps.
func compareFunc(c *model.Column) *jen.Statement {
	switch k := c.Type.Kind; {
	case k == model.FixedBinary:
		return jen.Id(c.Func)
	case k == model.Timestamp && !c.Raw || k == model.Date && c.AsTime:
		return jen.Qual("time", "Time").Dot("Compare")
	}
	return jen.Qual("cmp", "Compare").Types(elemType(c))
}

// runEnd writes the type of the run ends of a column.
func runEnd(c *model.Column) *jen.Statement { return jen.Id("int" + strconv.Itoa(c.Type.Bits)) }

// sameFunc writes the function that tells whether values of a column are the same, column.Same[string].
func sameFunc(c *model.Column) *jen.Statement {
	switch k := c.Type.Kind; {
	case k == model.Binary:
		return column("SameBytes")
	case k == model.Float && c.Type.Bits > 16:
		return column("SameFloat").Types(viewElem(c))
	}
	return column("Same").Types(viewElem(c))
}
