package emit

import (
	"strconv"

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

// viewOf writes the view of column c of batch h, of which data are the buffers.
func viewOf(c *model.Column, h, data *jen.Statement) *jen.Statement {
	child := func(i int) *jen.Statement { return data.Clone().Dot("Child").Call(jen.Lit(i)) }
	part := func(i int, data *jen.Statement) *jen.Statement { return viewOf(c.Children[i], h, data) }
	switch c.Type.Kind {
	case model.Struct:
		return jen.Id(c.Group.Names.View).Values(rt("StructOf").Call(h.Clone(), data.Clone()))
	case model.Union:
		return jen.Id(c.Group.Names.View).Values(rt("UnionOf").Call(h.Clone(), data.Clone()))
	case model.RunEnds:
		return column("RunsOf").Call(data.Clone(), jen.Lit(c.Type.Bits), part(0, child(1)))
	case model.Map:
		entries := child(0)
		return column("MapsOf").Call(data.Clone(), part(0, entries.Clone().Dot("Child").Call(jen.Lit(0))), part(1, entries.Clone().Dot("Child").Call(jen.Lit(1))))
	case model.FixedList:
		return column("FixedListsOf").Call(data.Clone(), jen.Lit(c.Type.Width), part(0, child(0)))
	case model.List:
		name := "ListsOf"
		if c.Type.Layout == model.Views {
			name = "ListViewsOf"
		}
		return column(name).Call(data.Clone(), jen.Lit(c.Type.Layout == model.Large), part(0, child(0)))
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
		return rt("ReadArrays").Call(arraySlice(c), child(0))
	case c.Fixed() && !c.Nullable:
		return rt("ReadPlain").Types(fixedType(c))
	case k == model.Utf8 && c.Index == nil:
		return rt("ReadTexts").Types(types...)
	case k == model.Utf8 && !c.Enum:
		return rt("ReadDict").Types(types...)
	case k == model.Binary:
		return rt("ReadBytes").Types(partType(c))
	case k == model.Bool:
		return rt("ReadBools").Types(elem)
	}
	return rt("ReadEach").Types(types...)
}

// arraySlice writes func(a *[3]float64) []float64 { return a[:] }.
func arraySlice(c *model.Column) *jen.Statement {
	plain := *c
	plain.Form = model.Plain
	return jen.Func().Params(jen.Id("a").Op("*").Add(elemType(&plain))).Index().Add(elemType(c.Children[0])).
		Add(oneLine(jen.Return(jen.Id("a").Index(jen.Op(":")))))
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
		return column("FixedListOf").Call(newBuilder(c.Children[0]), arraySlice(c), appender(c.Children[0]))
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
	if v := values(c); v.Form == model.Plain && !converts(v) {
		return jen.Parens(jen.Op("*").Add(builderType(c))).Dot(name)
	}
	return jen.Func().Params(jen.Id("b").Op("*").Add(builderType(c)), jen.Id("v").Index().Add(elemType(c))).Block(
		jen.For(jen.Id("i").Op(":=").Range().Id("v")).Block(appendTo(c, jen.Id("b"), jen.Id("v").Index(jen.Id("i")))),
	)
}

// compareFunc writes the order of the keys of maps.
func compareFunc(c *model.Column) *jen.Statement {
	switch k := c.Type.Kind; {
	case k == model.FixedBinary:
		return jen.Func().Params(jen.List(jen.Id("a"), jen.Id("b")).Add(elemType(c))).Int().
			Add(oneLine(jen.Return(jen.Qual("slices", "Compare").Call(jen.Id("a").Index(jen.Op(":")), jen.Id("b").Index(jen.Op(":"))))))
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
