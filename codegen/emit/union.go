package emit

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// emitUnion returns the declarations of a union that columns of a table have.
func emitUnion(t *model.Table, g *model.Group) []jen.Code {
	list := []jen.Code{
		emitGroupColumns(g), emitTypeIDs(t, g), emitUnionView(t, g), emitUnionViewLen(g), emitUnionViewIsNull(g),
		emitUnionViewType(g), emitUnionViewIndex(g),
	}
	for _, c := range members(g) {
		list = append(list, emitUnionViewMember(g, c))
	}
	list = append(list, emitGroupViewRow(g), emitUnionViewSlice(g), emitReadUnion(g))
	for _, c := range members(g) {
		list = append(list, emitUnionOf(g, c))
	}
	list = append(list, emitColumnFuncs(g.Columns)...)
	list = append(list, emitUnionBuilder(t, g), emitNewUnionBuilder(g))
	for _, c := range members(g) {
		list = append(list, emitUnionBuilderMember(g, c))
	}
	return append(list, emitUnionAppend(g), emitUnionAppendRows(g))
}

// members returns those members of a union that have a Go type.
func members(g *model.Group) (list []*model.Column) {
	for _, c := range g.Columns {
		if c.Member != nil {
			list = append(list, c)
		}
	}
	return list
}

// emitTypeIDs writes
//
//	// The type ids of Event in table "trade".
//	const (
//		TradeEventFillID int8 = 0
//		TradeEventNoteID int8 = 1
//	)
func emitTypeIDs(t *model.Table, g *model.Group) jen.Code {
	var list []jen.Code
	for i, id := range g.TypeIDs() {
		list = append(list, jen.Id(g.Names.IDs[i]).Int8().Op("=").Lit(int(id)))
	}
	return comment("The type ids of %s in table %q.", g.Named.Name, t.Name).Const().Defs(list...)
}

// emitUnionView writes
//
//	// TradeEventView is a column of Event in a batch of table "trade", or a part of one. It is read-only and valid until the batch is
//	// released.
//	type TradeEventView struct{ u rt.Union }
func emitUnionView(t *model.Table, g *model.Group) jen.Code {
	return comment("%s is a column of %s in a batch of table %q, or a part of one. It is read-only and valid until the batch is released.",
		g.Names.View, g.Named.Name, t.Name).
		Type().Id(g.Names.View).Custom(jen.Options{Open: "struct{ ", Close: " }"}, jen.Id("u").Add(rt("Union")))
}

// emitUnionViewLen writes
//
//	// Len returns the number of rows.
//	func (v TradeEventView) Len() int { return v.u.Len() }
func emitUnionViewLen(g *model.Group) jen.Code {
	return comment("Len returns the number of rows.").
		Add(viewMethod(g, "Len")).Int().Add(oneLine(jen.Return(jen.Id("v.u").Dot("Len").Call())))
}

// emitUnionViewIsNull writes
//
//	// IsNull tells whether row i is nil.
//	func (v TradeEventView) IsNull(i int) bool { return v.u.Type(i) == TradeEventNullID }
func emitUnionViewIsNull(g *model.Group) jen.Code {
	if null := g.NullMember(); null >= 0 {
		return comment("IsNull tells whether row i is nil.").
			Add(viewMethod(g, "IsNull", jen.Id("i").Int())).Bool().
			Add(oneLine(jen.Return(jen.Id("v.u").Dot("Type").Call(jen.Id("i")).Op("==").Id(g.Names.IDs[null]))))
	}
	return comment("IsNull returns false: the union has no member for nil.").
		Add(viewMethod(g, "IsNull", jen.Int())).Bool().Add(oneLine(jen.Return(jen.False())))
}

// emitUnionViewType writes
//
//	// Type returns the type id of row i, such as TradeEventFillID.
//	func (v TradeEventView) Type(i int) int8 { return v.u.Type(i) }
func emitUnionViewType(g *model.Group) jen.Code {
	return comment("Type returns the type id of row i, such as %s.", g.Names.IDs[0]).
		Add(viewMethod(g, "Type", jen.Id("i").Int())).Int8().Add(oneLine(jen.Return(jen.Id("v.u").Dot("Type").Call(jen.Id("i")))))
}

// emitUnionViewIndex writes
//
//	// Index returns which value of its member row i is.
//	func (v TradeEventView) Index(i int) int { return v.u.Index(i) }
func emitUnionViewIndex(g *model.Group) jen.Code {
	return comment("Index returns which value of its member row i is.").
		Add(viewMethod(g, "Index", jen.Id("i").Int())).Int().Add(oneLine(jen.Return(jen.Id("v.u").Dot("Index").Call(jen.Id("i")))))
}

// emitUnionViewMember writes
//
//	// Note returns the values of member 1, "note": utf8 not null. Index tells which is that of a row.
//	func (v TradeEventView) Note() column.Texts { return column.TextsOf(v.u.Member(1)) }
func emitUnionViewMember(g *model.Group, c *model.Column) jen.Code {
	s := commentDoc(c.Doc, "%s returns the values of member %d, %q: %s. Index tells which is that of a row.", c.Method, c.Number, c.Name, c.Brief()).
		Add(viewMethod(g, c.Method)).Add(viewType(c))
	data := jen.Id("v.u").Dot("Member").Call(jen.Lit(c.Number))
	if c.Nested() && c.Group == nil {
		return s.Block(viewBody(c, jen.Id("v.u").Dot("Batch").Call(), data, whole)...)
	}
	return s.Add(oneLine(jen.Return(viewOf(c, jen.Id("v.u").Dot("Batch").Call(), data))))
}

// emitUnionViewSlice writes
//
//	// Slice returns the rows from … to-1. Members keep all their values; Index still counts in those.
//	func (v TradeEventView) Slice(from, to int) TradeEventView { return TradeEventView{v.u.Slice(from, to)} }
func emitUnionViewSlice(g *model.Group) jen.Code {
	return comment("Slice returns the rows from … to-1. Members keep all their values; Index still counts in those.").
		Add(viewMethod(g, "Slice", jen.List(jen.Id("from"), jen.Id("to")).Int())).Id(g.Names.View).
		Add(oneLine(jen.Return(jen.Id(g.Names.View).Values(jen.Id("v.u").Dot("Slice").Call(jen.Id("from"), jen.Id("to"))))))
}

// emitReadUnion writes
//
//	// readTradeEventRows sets rows to the first of v. Their texts alias the batch, or with own are copies.
//	func readTradeEventRows(v TradeEventView, rows []Event, own bool) {
//		rt.ReadMember(v.u, TradeEventFillID, v.Fill(), rows, own, readTradeFillRows, tradeEventOfFill)
//		rt.ReadMember(v.u, TradeEventNoteID, v.Note(), rows, own, rt.ReadTexts[column.Texts, string], tradeEventOfNote)
//	}
func emitReadUnion(g *model.Group) jen.Code {
	own, doc := rt("Aliased"), fmt.Sprintf("%s sets rows to the first of v.", g.Names.ReadRows)
	param := "_"
	if s := texts(g.Columns); s != "" {
		param, own = "own", jen.Id("own")
		doc += " Their " + s + " alias the batch, or with own are copies."
	}
	var body []jen.Code
	if g.NullMember() >= 0 {
		body = append(body, jen.Clear(jen.Id("rows")))
	}
	for _, c := range members(g) {
		view := jen.Id("v").Dot(c.Method).Call()
		if c.Fixed() && !c.Nullable {
			view = column("Plain").Types(fixedType(c)).Call(view)
		}
		body = append(body, rt("ReadMember").Call(jen.Id("v.u"), jen.Id(g.Names.IDs[c.Number]), view, jen.Id("rows"), own.Clone(), reader(c),
			jen.Id(g.Names.Of[c.Number])))
	}
	return comment("%s", doc).Func().Id(g.Names.ReadRows).
		Params(jen.Id("v").Id(g.Names.View), jen.Id("rows").Index().Add(namedType(&g.Named)), jen.Id(param).Bool()).Block(body...)
}

// emitUnionOf writes
//
//	func tradeEventOfNote(v string) Event { return Note(v) }
func emitUnionOf(g *model.Group, c *model.Column) jen.Code {
	value := jen.Id("v")
	if !isMember(c) {
		value = namedType(c.Member).Call(value)
	}
	return jen.Func().Id(g.Names.Of[c.Number]).Params(jen.Id("v").Add(elemType(c))).Add(namedType(&g.Named)).Add(oneLine(jen.Return(value)))
}

// isMember tells whether rows hold the values of a member as they are in the column.
func isMember(c *model.Column) bool {
	return c.Type.Kind == model.Struct && c.Form == model.Plain && c.Group.Named == *c.Member
}

// emitUnionBuilder writes
//
//	// TradeEventBuilder fills a column of Event in table "trade".
//	type TradeEventBuilder struct {
//		column.UnionBuilder
//		fill *TradeFillBuilder
//	}
func emitUnionBuilder(t *model.Table, g *model.Group) jen.Code {
	return comment("%s fills a column of %s in table %q.", g.Names.Builder, g.Named.Name, t.Name).
		Type().Id(g.Names.Builder).Struct(append([]jen.Code{column("UnionBuilder")}, builderFields(g.Columns)...)...)
}

// emitNewUnionBuilder writes
//
//	func newTradeEventBuilder() *TradeEventBuilder {
//		b := new(TradeEventBuilder)
//		b.fill = newTradeFillBuilder()
//		b.Members(-1, b.fill, &b.note)
//		return b
//	}
func emitNewUnionBuilder(g *model.Group) jen.Code {
	body := []jen.Code{jen.Id("b").Op(":=").New(jen.Id(g.Names.Builder))}
	body = append(body, nestedBuilders(g.Columns)...)
	args := append([]string{fmt.Sprint(g.NullMember())}, builderArgs(g.Columns)...)
	return jen.Func().Id(g.Names.NewBuilder).Params().Op("*").Id(g.Names.Builder).Block(append(body,
		jen.Id("b").Dot("Members").Call(arguments(len("    b.Members()"), args...)),
		jen.Return(jen.Id("b")),
	)...)
}

// emitUnionBuilderMember writes
//
//	// Note returns the builder of member "note", to fill column by column: End ends each row.
//	func (b *TradeEventBuilder) Note() *column.TextBuilder { return &b.note }
func emitUnionBuilderMember(g *model.Group, c *model.Column) jen.Code {
	return comment("%s returns the builder of member %q, to fill column by column: End ends each row.", c.Method, c.Name).
		Add(groupMethod(g, c.Method)).Op("*").Add(builderType(c)).Add(oneLine(jen.Return(jen.Id(builderArg(c)))))
}

// emitUnionAppend writes
//
//	// Append adds a row. A value of another type than Fill and Note stays as the builder's error.
//	func (b *TradeEventBuilder) Append(v Event) {
//		switch v := v.(type) {
//		case nil:
//			b.AppendNull()
//		case Fill:
//			b.fill.Append(v)
//			b.End(TradeEventFillID)
//		case Note:
//			b.note.Append(string(v))
//			b.End(TradeEventNoteID)
//		default:
//			b.Refuse(v)
//		}
//	}
func emitUnionAppend(g *model.Group) jen.Code {
	cases := []jen.Code{jen.Case(jen.Nil()).Block(jen.Id("b").Dot("AppendNull").Call())}
	var names []string
	for _, c := range members(g) {
		names = append(names, c.Member.Name)
		value := jen.Id("v")
		if !isMember(c) {
			value = rowType(c).Call(jen.Id("v"))
		}
		cases = append(cases, jen.Case(namedType(c.Member)).Block(appendValue(c, value), jen.Id("b").Dot("End").Call(jen.Id(g.Names.IDs[c.Number]))))
	}
	cases = append(cases, jen.Default().Block(jen.Id("b").Dot("Refuse").Call(jen.Id("v"))))
	doc := "Append adds a row. A value of another type than %s stays as the builder's error."
	if g.NullMember() < 0 {
		doc = "Append adds a row. Nil and a value of another type than %s stay as the builder's error."
	}
	return comment(doc, and(names)).
		Add(groupMethod(g, "Append", jen.Id("v").Add(namedType(&g.Named)))).
		Block(jen.Switch(jen.Id("v").Op(":=").Id("v").Assert(jen.Type())).Block(cases...))
}

// and writes a, b and c.
func and(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// emitUnionAppendRows writes
//
//	// AppendRows adds rows.
//	func (b *TradeEventBuilder) AppendRows(rows []Event) {
//		for i := range rows {
//			b.Append(rows[i])
//		}
//	}
func emitUnionAppendRows(g *model.Group) jen.Code { return emitGroupAppendRows(g) }

// emitUnionType writes
//
//	// Event is one of Fill and Note.
//	//
//	//lightstream:union Fill | Note
//	type Event interface{ isEvent() }
func emitUnionType(g *model.Group) jen.Code {
	doc := docLines(g.Doc)
	if len(doc) == 0 {
		var names []string
		for _, c := range members(g) {
			names = append(names, c.Member.Name)
		}
		doc = []string{"// " + g.Named.Name + " is one of " + and(names) + "."}
		if len(names) == 0 {
			doc = []string{"// " + g.Named.Name + " is always nil."}
		}
	}
	doc = append(doc, "//", "//lightstream:union "+g.Mark())
	return jen.Comment(strings.Join(doc, "\n")).Line().
		Type().Id(g.Named.Name).Custom(jen.Options{Open: "interface{ ", Close: " }"}, jen.Id(g.Marker).Params())
}

// emitMemberType writes
//
//	// Note is a member of Event.
//	type Note string
//
// and, of one that may be null, which would lose its methods with its name,
//
//	// Get returns the value, and whether there is one.
//	func (v Note) Get() (string, bool) { return v.V, v.Valid }
func emitMemberType(g *model.Group, c *model.Column) jen.Code {
	s := jen.Null()
	if len(c.Doc) > 0 {
		s.Comment(strings.Join(docLines(c.Doc), "\n")).Line()
	} else {
		s.Add(comment("%s is a member of %s.", c.Member.Name, g.Named.Name))
	}
	s.Type().Id(c.Member.Name).Add(rowType(c))
	if c.Form == model.Null {
		plain := *c
		plain.Form = model.Plain
		s.Line().Line().Add(comment("Get returns the value, and whether there is one.")).
			Func().Params(jen.Id("v").Id(c.Member.Name)).Id("Get").Params().Params(rowType(&plain), jen.Bool()).
			Add(oneLine(jen.Return(jen.Id("v.V"), jen.Id("v.Valid"))))
	}
	return s
}

// emitMarkers writes
//
//	func (Fill) isEvent() {}
//	func (Note) isEvent() {}
func emitMarkers(g *model.Group) jen.Code {
	s := jen.Null()
	for i, c := range members(g) {
		if i > 0 {
			s.Line()
		}
		s.Func().Params(jen.Id(c.Member.Name)).Id(g.Marker).Params().Block()
	}
	return s
}
