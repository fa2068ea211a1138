package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// emitGroup returns the declarations of a struct that columns of a table have.
func emitGroup(t *model.Table, g *model.Group) []jen.Code {
	list := []jen.Code{emitGroupColumns(g), emitGroupView(t, g), emitGroupViewLen(g), emitGroupViewIsNull(g)}
	for _, c := range g.Columns {
		list = append(list, emitGroupViewAccessor(g, c))
	}
	list = append(list, emitGroupViewRow(g), emitGroupViewSlice(g), emitReadGroup(g))
	list = append(list, emitColumnFuncs(g.Columns)...)
	list = append(list, emitGroupBuilder(t, g), emitNewGroupBuilder(g))
	for _, c := range g.Columns {
		list = append(list, emitGroupBuilderAccessor(g, c))
	}
	list = append(list, emitGroupAppend(g), emitGroupAppendRows(g))
	if onlyMember(t, g) {
		return list
	}
	return append(list, emitGroupAppendPtr(g), emitGroupAppendNullable(g))
}

// onlyMember tells whether a struct is nothing but a member of unions of t that is never null.
func onlyMember(t *model.Table, g *model.Group) bool {
	only := true
	var look func(columns []*model.Column, member bool)
	look = func(columns []*model.Column, member bool) {
		for _, c := range columns {
			if c.Group != nil && c.Group.GroupDef == g.GroupDef && (!member || c.Nullable) {
				only = false
			}
			look(c.Children, false)
		}
	}
	look(t.Columns, false)
	for _, other := range t.Groups {
		look(other.Columns, other.Marker != "")
	}
	return only
}

// emitGroupColumns writes
//
//	var tradeLegColumns = []rt.Column{
//		{Field: ipc.Field{Name: "price", Type: ipc.Float64}},
//	}
func emitGroupColumns(g *model.Group) jen.Code {
	var list []jen.Code
	for _, c := range g.Columns {
		list = append(list, emitColumn(c))
	}
	return jen.Var().Id(g.Names.Columns).Op("=").Index().Add(rt("Column"), fields(list...))
}

// emitGroupView writes
//
//	// TradeLegView is a column of Leg in a batch of table "trade", or a part of one. It is read-only and valid until the batch is
//	// released.
//	type TradeLegView struct{ s rt.Struct }
func emitGroupView(t *model.Table, g *model.Group) jen.Code {
	return comment("%s is a column of %s in a batch of table %q, or a part of one. It is read-only and valid until the batch is released.",
		g.Names.View, g.Named.Name, t.Name).
		Type().Id(g.Names.View).Custom(jen.Options{Open: "struct{ ", Close: " }"}, jen.Id("s").Add(rt("Struct")))
}

// viewMethod writes func (v TradeLegView) name(params).
func viewMethod(g *model.Group, name string, params ...jen.Code) *jen.Statement {
	return jen.Func().Params(jen.Id("v").Id(g.Names.View)).Id(name).Params(params...)
}

// emitGroupViewLen writes
//
//	// Len returns the number of rows.
//	func (v TradeLegView) Len() int { return v.s.Len() }
func emitGroupViewLen(g *model.Group) jen.Code {
	return comment("Len returns the number of rows.").
		Add(viewMethod(g, "Len")).Int().Add(oneLine(jen.Return(jen.Id("v.s").Dot("Len").Call())))
}

// emitGroupViewIsNull writes
//
//	// IsNull tells whether row i is null.
//	func (v TradeLegView) IsNull(i int) bool { return v.s.IsNull(i) }
func emitGroupViewIsNull(g *model.Group) jen.Code {
	return comment("IsNull tells whether row i is null.").
		Add(viewMethod(g, "IsNull", jen.Id("i").Int())).Bool().Add(oneLine(jen.Return(jen.Id("v.s").Dot("IsNull").Call(jen.Id("i")))))
}

// emitGroupViewAccessor writes
//
//	// Price returns field 0, "price": float64 not null.
//	func (v TradeLegView) Price() []float64 {
//		return column.PlainOf[float64](v.s.Field(0)).Slice(v.s.Bounds())
//	}
func emitGroupViewAccessor(g *model.Group, c *model.Column) jen.Code {
	field := jen.Id("v.s").Dot("Field").Call(jen.Lit(c.Number))
	rows := func(view *jen.Statement) *jen.Statement {
		return view.Dot("Slice").Call(jen.Id("v.s").Dot("Bounds").Call())
	}
	return commentDoc(c.Doc, "%s returns field %d, %q: %s.", c.Method, c.Number, c.Name, c.Brief()).
		Add(viewMethod(g, c.Method)).Add(viewType(c)).Block(viewBody(c, jen.Id("v.s").Dot("Batch").Call(), field, rows)...)
}

// emitGroupViewRow writes
//
//	// Row returns row i with texts of its own.
//	func (v TradeLegView) Row(i int) Leg { return rt.ReadRow(v, i, readTradeLegRows) }
func emitGroupViewRow(g *model.Group) jen.Code {
	return comment("%s", ownDoc("Row returns row i", g.Columns)).
		Add(viewMethod(g, "Row", jen.Id("i").Int())).Add(namedType(&g.Named)).
		Add(oneLine(jen.Return(rt("ReadRow").Call(jen.Id("v"), jen.Id("i"), jen.Id(g.Names.ReadRows)))))
}

// emitGroupViewSlice writes
//
//	// Slice returns the rows from … to-1.
//	func (v TradeLegView) Slice(from, to int) TradeLegView { return TradeLegView{v.s.Slice(from, to)} }
func emitGroupViewSlice(g *model.Group) jen.Code {
	return comment("Slice returns the rows from … to-1.").
		Add(viewMethod(g, "Slice", jen.List(jen.Id("from"), jen.Id("to")).Int())).Id(g.Names.View).
		Add(oneLine(jen.Return(jen.Id(g.Names.View).Values(jen.Id("v.s").Dot("Slice").Call(jen.Id("from"), jen.Id("to"))))))
}

// emitReadGroup writes
//
//	// readTradeLegRows sets rows to the first of v. Their texts alias the batch, or with own are copies.
//	func readTradeLegRows(v TradeLegView, rows []Leg, own bool) {
//		price, venue := v.Price(), v.Venue()
//		for i := range rows {
//			rows[i].Price = price[i]
//			rows[i].Venue = rt.OwnAt(venue, i, own)
//		}
//	}
func emitReadGroup(g *model.Group) jen.Code {
	own, doc := "_", fmt.Sprintf("%s sets rows to the first of v.", g.Names.ReadRows)
	if s := texts(g.Columns); s != "" {
		own = "own"
		doc += " Their " + s + " alias the batch, or with own are copies."
	}
	r := rowReader{recv: "v", from: jen.Lit(0), at: "i", own: own}
	body := r.views(g.Columns)
	body = append(body, jen.For(jen.Id("i").Op(":=").Range().Id("rows")).Block(r.sets(namedType(&g.Named), g.Partial, g.Columns)...))
	return comment("%s", doc).Func().Id(g.Names.ReadRows).
		Params(jen.Id("v").Id(g.Names.View), jen.Id("rows").Index().Add(namedType(&g.Named)), jen.Id(own).Bool()).Block(body...)
}

// emitGroupBuilder writes
//
//	// TradeLegBuilder fills a column of Leg in table "trade".
//	type TradeLegBuilder struct {
//		column.StructBuilder
//		price column.FixedBuilder[float64]
//	}
func emitGroupBuilder(t *model.Table, g *model.Group) jen.Code {
	return comment("%s fills a column of %s in table %q.", g.Names.Builder, g.Named.Name, t.Name).
		Type().Id(g.Names.Builder).Struct(append([]jen.Code{column("StructBuilder")}, builderFields(g.Columns)...)...)
}

// emitNewGroupBuilder writes
//
//	func newTradeLegBuilder() *TradeLegBuilder {
//		b := new(TradeLegBuilder)
//		b.Fields(&b.price, &b.venue)
//		return b
//	}
func emitNewGroupBuilder(g *model.Group) jen.Code {
	body := []jen.Code{jen.Id("b").Op(":=").New(jen.Id(g.Names.Builder))}
	body = append(body, nestedBuilders(g.Columns)...)
	return jen.Func().Id(g.Names.NewBuilder).Params().Op("*").Id(g.Names.Builder).Block(append(body,
		jen.Id("b").Dot("Fields").Call(arguments(len("    b.Fields()"), builderArgs(g.Columns)...)),
		jen.Return(jen.Id("b")),
	)...)
}

// groupMethod writes func (b *TradeLegBuilder) name(params).
func groupMethod(g *model.Group, name string, params ...jen.Code) *jen.Statement {
	return jen.Func().Params(jen.Id("b").Op("*").Id(g.Names.Builder)).Id(name).Params(params...)
}

// emitGroupBuilderAccessor writes
//
//	// Price returns the builder of field "price", to fill column by column.
//	func (b *TradeLegBuilder) Price() *column.FixedBuilder[float64] { return &b.price }
func emitGroupBuilderAccessor(g *model.Group, c *model.Column) jen.Code {
	return comment("%s returns the builder of field %q, to fill column by column.", c.Method, c.Name).
		Add(groupMethod(g, c.Method)).Op("*").Add(builderType(c)).Add(oneLine(jen.Return(jen.Id(builderArg(c)))))
}

// emitGroupAppend writes
//
//	// Append adds a row.
//	func (b *TradeLegBuilder) Append(row Leg) {
//		b.price.Append(row.Price)
//		b.venue.Append(row.Venue)
//	}
func emitGroupAppend(g *model.Group) jen.Code {
	var body []jen.Code
	for _, c := range g.Columns {
		body = append(body, appendValue(c, jen.Id("row").Dot(c.Field)))
	}
	return comment("Append adds a row.").
		Add(groupMethod(g, "Append", jen.Id("row").Add(namedType(&g.Named)))).Block(body...)
}

// emitGroupAppendRows writes
//
//	// AppendRows adds rows.
//	func (b *TradeLegBuilder) AppendRows(rows []Leg) {
//		for i := range rows {
//			b.Append(rows[i])
//		}
//	}
func emitGroupAppendRows(g *model.Group) jen.Code {
	return comment("AppendRows adds rows.").
		Add(groupMethod(g, "AppendRows", jen.Id("rows").Index().Add(namedType(&g.Named)))).Block(
		jen.For(jen.Id("i").Op(":=").Range().Id("rows")).Block(jen.Id("b").Dot("Append").Call(jen.Id("rows").Index(jen.Id("i")))))
}

// emitGroupAppendPtr writes
//
//	// AppendPtr adds what p points to, a null row if that is nothing.
//	func (b *TradeLegBuilder) AppendPtr(p *Leg) {
//		if p == nil {
//			b.AppendNull()
//			return
//		}
//		b.Append(*p)
//	}
func emitGroupAppendPtr(g *model.Group) jen.Code {
	return comment("AppendPtr adds what p points to, a null row if that is nothing.").
		Add(groupMethod(g, "AppendPtr", jen.Id("p").Op("*").Add(namedType(&g.Named)))).Block(
		jen.If(jen.Id("p").Op("==").Nil()).Block(jen.Id("b").Dot("AppendNull").Call(), jen.Return()),
		jen.Id("b").Dot("Append").Call(jen.Op("*").Id("p")),
	)
}

// emitGroupAppendNullable writes
//
//	// AppendNullable adds row, or a null row if it is not valid.
//	func (b *TradeLegBuilder) AppendNullable(row Leg, valid bool) {
//		if !valid {
//			b.AppendNull()
//			return
//		}
//		b.Append(row)
//	}
func emitGroupAppendNullable(g *model.Group) jen.Code {
	return comment("AppendNullable adds row, or a null row if it is not valid.").
		Add(groupMethod(g, "AppendNullable", jen.Id("row").Add(namedType(&g.Named)), jen.Id("valid").Bool())).Block(
		jen.If(jen.Op("!").Id("valid")).Block(jen.Id("b").Dot("AppendNull").Call(), jen.Return()),
		jen.Id("b").Dot("Append").Call(jen.Id("row")),
	)
}
