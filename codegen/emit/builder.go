package emit

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// emitBuilder writes
//
//	// TradeBuilder collects rows of table "trade" in the memory that is sent. NewTradeBuilder makes one; its zero value has no
//	// columns. It is for one goroutine at a time.
//	type TradeBuilder struct {
//		rt.BuilderBase
//		time column.TimestampBuilder
//	}
func emitBuilder(t *model.Table) jen.Code {
	return comment("%s collects rows of table %q in the memory that is sent. %s makes one; its zero value has no columns. It is for one goroutine at a time.",
		t.Names.Builder, t.Name, t.Names.NewBuilder).
		Type().Id(t.Names.Builder).Struct(append([]jen.Code{rt("BuilderBase")}, builderFields(t.Columns)...)...)
}

// builderFields writes the builders of columns, those of nested ones as pointers.
func builderFields(columns []*model.Column) (list []jen.Code) {
	for _, c := range columns {
		s := jen.Id(c.Local)
		if c.Nested() {
			s = s.Op("*")
		}
		list = append(list, s.Add(builderType(c)))
	}
	return list
}

// nestedBuilders writes b.tags = column.ListOf(…) for each nested column.
func nestedBuilders(columns []*model.Column) (list []jen.Code) {
	for _, c := range columns {
		if c.Nested() {
			list = append(list, jen.Id("b").Dot(c.Local).Op("=").Add(newBuilder(c)))
		}
	}
	return list
}

// builderArg writes &b.price, or b.tags of a nested column.
func builderArg(c *model.Column) string {
	if c.Nested() {
		return "b." + c.Local
	}
	return "&b." + c.Local
}

func builderArgs(columns []*model.Column) (list []string) {
	for _, c := range columns {
		list = append(list, builderArg(c))
	}
	return list
}

// emitNewBuilder writes
//
//	// NewTradeBuilder returns an empty builder. Nil options mean all defaults.
//	func NewTradeBuilder(opts *rt.BuilderOptions) *TradeBuilder {
//		b := new(TradeBuilder)
//		b.Init(tradeColumns, opts, &b.time, &b.symbol)
//		return b
//	}
func emitNewBuilder(t *model.Table) jen.Code {
	args := append([]string{t.Names.Columns, "opts"}, builderArgs(t.Columns)...)
	body := append([]jen.Code{jen.Id("b").Op(":=").New(jen.Id(t.Names.Builder))}, nestedBuilders(t.Columns)...)
	return comment("%s returns an empty builder. Nil options mean all defaults.", t.Names.NewBuilder).
		Func().Id(t.Names.NewBuilder).Params(jen.Id("opts").Op("*").Add(rt("BuilderOptions"))).Op("*").Id(t.Names.Builder).
		Block(append(body,
			jen.Id("b").Dot("Init").Call(arguments(len("    b.Init()"), args...)),
			jen.Return(jen.Id("b")),
		)...)
}

// builderMethod writes func (b *TradeBuilder) name(params).
func builderMethod(t *model.Table, name string, params ...jen.Code) *jen.Statement {
	return jen.Func().Params(jen.Id("b").Op("*").Id(t.Names.Builder)).Id(name).Params(params...)
}

// emitBuilderAccessor writes
//
//	// Time returns the builder of column "time", to fill column by column.
//	func (b *TradeBuilder) Time() *column.TimestampBuilder { return &b.time }
func emitBuilderAccessor(t *model.Table, c *model.Column) jen.Code {
	return comment("%s returns the builder of column %q, to fill column by column.", c.Method, c.Name).
		Add(builderMethod(t, c.Method)).Op("*").Add(builderType(c)).
		Add(oneLine(jen.Return(jen.Id(builderArg(c)))))
}

// emitAppend writes
//
//	// Append adds a row. A value that does not fit stays as the builder's error.
//	func (b *TradeBuilder) Append(row Trade) {
//		b.time.Append(row.Time)
//		b.note.AppendPtr(row.Note)
//	}
func emitAppend(t *model.Table) jen.Code {
	var body []jen.Code
	for _, c := range t.Columns {
		body = append(body, appendValue(c, jen.Id("row").Dot(c.Field)))
	}
	return comment("Append adds a row. A value that does not fit stays as the builder's error.").
		Add(builderMethod(t, "Append", jen.Id("row").Id(t.Row))).Block(body...)
}

// appendValue writes b.price.Append(value), AppendPtr(value) or AppendNullable(value.Get()).
func appendValue(c *model.Column, value *jen.Statement) *jen.Statement {
	return appendTo(c, jen.Id("b").Dot(c.Local), value)
}

// appendTo is appendValue of any builder.
func appendTo(c *model.Column, builder, value *jen.Statement) *jen.Statement {
	c = values(c)
	name := "Append"
	switch c.Form {
	case model.Pointer:
		name = "AppendPtr"
		if converts(c) {
			value = jen.Parens(jen.Op("*").Add(plainType(c))).Call(value)
		}
	case model.Null:
		name = "AppendNullable"
		value = value.Dot("Get").Call()
	case model.Plain:
		if converts(c) {
			value = plainType(c).Call(value)
		}
	}
	return builder.Dot(name).Call(value)
}

// plainType writes the type that a column's builder takes where the row struct has one of its own.
func plainType(c *model.Column) *jen.Statement {
	if c.Type.Kind == model.Bool {
		return jen.Bool()
	}
	return jen.String()
}

// emitAppendRows writes
//
//	// AppendRows adds rows, column by column in blocks that stay in the processor's nearest cache.
//	func (b *TradeBuilder) AppendRows(rows []Trade) {
//		var texts [rt.BlockRows]string
//		// Of very many rows, columns of 8 bytes are written past the processor's caches, which are left to the rows.
//		past := rt.PastCache(rows)
//		for len(rows) > 0 {
//			block := rows[:min(len(rows), rt.BlockRows)]
//			rows = rows[len(block):]
//			for i := range block {
//				b.time.Append(block[i].Time)
//			}
//			price := b.price.ExtendUnset(len(block))[:len(block)]
//			if !past || !rt.Gather(price, block, &block[0].Price) {
//				for i := range block {
//					price[i] = block[i].Price
//				}
//			}
//			for i := range block {
//				texts[i] = block[i].Venue
//			}
//			b.venue.AppendAll(texts[:len(block)])
//		}
//		if past {
//			rt.Gathered()
//		}
//	}
func emitAppendRows(t *model.Table) jen.Code {
	var before, past, after []jen.Code
	body := []jen.Code{
		jen.Id("block").Op(":=").Id("rows").Index(jen.Empty(), jen.Min(jen.Len(jen.Id("rows")), rt("BlockRows"))),
		jen.Id("rows").Op("=").Id("rows").Index(jen.Len(jen.Id("block")), jen.Empty()),
	}
	for _, c := range t.Columns {
		value := jen.Id("block").Index(jen.Id("i")).Dot(c.Field)
		loop := func(set jen.Code) jen.Code { return jen.For(jen.Id("i").Op(":=").Range().Id("block")).Block(set) }
		switch {
		case c.Bulk():
			body = append(body, jen.Id(c.Local).Op(":=").Id("b").Dot(c.Local).Dot("ExtendUnset").Call(jen.Len(jen.Id("block"))).Index(jen.Empty(), jen.Len(jen.Id("block"))))
			set := loop(jen.Id(c.Local).Index(jen.Id("i")).Op("=").Add(value))
			if word(c) {
				past = []jen.Code{
					jen.Comment("// Of very many rows, columns of 8 bytes are written past the processor's caches, which are left to the rows."),
					jen.Id("past").Op(":=").Add(rt("PastCache")).Call(jen.Id("rows")),
				}
				after = []jen.Code{jen.If(jen.Id("past")).Block(rt("Gathered").Call())}
				first := jen.Op("&").Id("block").Index(jen.Lit(0)).Dot(c.Field)
				set = jen.If(jen.Op("!").Id("past").Op("||").Op("!").Add(rt("Gather")).Call(jen.Id(c.Local), jen.Id("block"), first)).Block(set)
			}
			body = append(body, set)
		case plainText(c): // AppendAll is faster than Append of each
			if converts(c) {
				value = plainType(c).Call(value)
			}
			before = []jen.Code{jen.Var().Id("texts").Index(rt("BlockRows")).String()}
			body = append(body, loop(jen.Id("texts").Index(jen.Id("i")).Op("=").Add(value)),
				jen.Id("b").Dot(c.Local).Dot("AppendAll").Call(jen.Id("texts").Index(jen.Empty(), jen.Len(jen.Id("block")))))
		default:
			body = append(body, loop(appendValue(c, value)))
		}
	}
	return comment("AppendRows adds rows, column by column in blocks that stay in the processor's nearest cache.").
		Add(builderMethod(t, "AppendRows", jen.Id("rows").Index().Id(t.Row))).
		Block(slices.Concat(before, past, []jen.Code{jen.For(jen.Len(jen.Id("rows")).Op(">").Lit(0)).Block(body...)}, after)...)
}

// word tells whether the rows of a column that is filled in bulk are numbers of eight bytes, which a kernel gathers.
func word(c *model.Column) bool {
	switch c.Type.Kind {
	case model.Int, model.Float:
		return c.Type.Bits == 64
	case model.Timestamp:
		return true
	}
	return false
}

// plainText tells whether the builder of a column is a column.TextBuilder whose rows have a string each.
func plainText(c *model.Column) bool {
	return c.Type.Kind == model.Utf8 && c.Type.Layout == model.Offsets && c.Index == nil && c.Form == model.Plain && !c.Enum
}
