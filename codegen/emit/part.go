package emit

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// emitPart returns the declarations of a struct of a message.
func emitPart(m *model.Message, g *model.Group) []jen.Code {
	list := []jen.Code{emitPartView(m, g)}
	if g.Inline {
		for _, c := range g.Columns {
			list = append(list, emitInlineField(g, c))
		}
		return append(list, emitPartRead(m, g), emitInlineBuild(g))
	}
	list = append(list, emitPartCheck(g))
	if g.Part.One {
		list = append(list, emitPartCheckOne(g))
	}
	if g.Part.Many {
		list = append(list, emitPartCheckMany(g))
	}
	for _, c := range g.Columns {
		list = append(list, emitViewField(g.Part.Names.View, c)...)
	}
	return append(list, emitPartRead(m, g), emitPartBuild(g))
}

// emitPartView writes
//
//	// OrderLegView is a Leg of message "order" in a verified flatbuffer, a table of 2 fields. It aliases that.
//	type OrderLegView struct{ t flatbuf.Table }
//
// or, of one that lies in place,
//
//	// OrderPointView is a Point of message "order" in a verified flatbuffer, a struct of 16 bytes. It aliases that.
//	type OrderPointView struct{ s flatbuf.Struct }
func emitPartView(m *model.Message, g *model.Group) jen.Code {
	kind, field, typ := "table of "+plural(len(g.Columns), "field"), "t", "Table"
	if g.Inline {
		kind, field, typ = "struct of "+plural(g.Part.Size, "byte"), "s", "Struct"
	}
	return commentDoc(g.Doc, "%s is %s of message %q in a verified flatbuffer, a %s. It aliases that.", g.Part.Names.View, withArticle(g.Named.Name), m.Name, kind).
		Add(viewDeclaration(g.Part.Names.View, field, typ))
}

// withArticle writes an Area, a Leg.
func withArticle(name string) string {
	if strings.ContainsRune("AEIOaeio", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// emitPartCheck writes what emitCheck does for a message.
func emitPartCheck(g *model.Group) jen.Code { return emitChecks(g.Part.Names.Check, g.Columns) }

func checkFieldFunc(name string, body ...jen.Code) jen.Code {
	return jen.Func().Id(name).Params(
		jen.Id("v").Op("*").Add(flatbuf("Verifier")), jen.Id("o").Add(flatbuf("Object")), jen.Id("slot").Int(), jen.Id("name").String(),
	).Bool().Block(body...)
}

// emitPartCheckOne writes
//
//	func checkOrderLegField(v *flatbuf.Verifier, o flatbuf.Object, slot int, name string) bool {
//		pos, ok := v.Table(o, slot, name)
//		return ok && (pos == 0 || checkOrderLeg(v, pos) || v.In(name))
//	}
func emitPartCheckOne(g *model.Group) jen.Code {
	return checkFieldFunc(g.Part.Names.CheckOne,
		jen.Id("pos, ok := v.Table(o, slot, name)"),
		jen.Return(jen.Id("ok && (pos == 0 || "+g.Part.Names.Check+"(v, pos) || v.In(name))")),
	)
}

// emitPartCheckMany writes
//
//	func checkOrderLegVector(v *flatbuf.Verifier, o flatbuf.Object, slot int, name string) bool {
//		list, ok := v.Tables(o, slot, flatbuf.SizeOf[Leg](), name)
//		for i := 0; ok && i < list.Len(); i++ {
//			var pos int
//			if pos, ok = v.Elem(list, i); !ok || !checkOrderLeg(v, pos) {
//				return v.InElem(name, i)
//			}
//		}
//		return ok
//	}
func emitPartCheckMany(g *model.Group) jen.Code {
	return checkFieldFunc(g.Part.Names.CheckMany,
		jen.List(jen.Id("list"), jen.Id("ok")).Op(":=").Id("v").Dot("Tables").Call(jen.Id("o"), jen.Id("slot"), sizeOf(namedType(&g.Named)), jen.Id("name")),
		jen.For(jen.Id("i").Op(":=").Lit(0), jen.Id("ok && i < list.Len()"), jen.Id("i").Op("++")).Block(
			jen.Var().Id("pos").Int(),
			jen.If(jen.Id("pos, ok = v.Elem(list, i)"), jen.Id("!ok || !"+g.Part.Names.Check+"(v, pos)")).Block(
				jen.Return(jen.Id("v.InElem(name, i)")),
			),
		),
		jen.Return(jen.Id("ok")),
	)
}

// emitPartRead writes
//
//	// readOrderLeg sets m to what v has.
//	func readOrderLeg(m *Leg, v OrderLegView) {
//		m.Symbol = flatbuf.Text(m.Symbol, v.t.Bytes(0))
//		m.Qty = v.Qty()
//	}
func emitPartRead(_ *model.Message, g *model.Group) jen.Code {
	n := g.Part.Names
	return readFunc(n.Read, n.View, namedType(&g.Named), g.Columns)
}

// emitPartBuild writes what emitBuild does for a message.
func emitPartBuild(g *model.Group) jen.Code {
	return comment("%s writes m and returns where it is.", g.Part.Names.Build).
		Add(buildFunc(g.Part.Names.Build, namedType(&g.Named), buildTable(g.Columns, g.Part.Slots)))
}

// emitInlineField writes
//
//	// X returns field 0, "x": float64 not null, at byte 0.
//	func (v OrderPointView) X() float64 { return v.s.Float64(0) }
//
// and of an array each element:
//
//	// Sizes returns element i of field 1, "sizes": fixed_size_list[4]<int32> not null, at byte 8.
//	func (v OrderPointView) Sizes(i int) int32 { return v.s.Elem(8, 4, 4, i).Int32(0) }
func emitInlineField(g *model.Group, c *model.Column) jen.Code {
	view := g.Part.Names.View
	doc := func(what string) *jen.Statement {
		return commentDoc(c.Doc, "%s returns %s %d, %q: %s, at byte %d.", c.Method, what, c.Number, c.Name, messageType(c), c.Offset)
	}
	switch c.Type.Kind {
	case model.FixedBinary:
		typ := jen.Index(jen.Lit(c.Type.Width)).Byte()
		if c.Named != nil {
			typ = namedType(c.Named)
		}
		return doc("field").Func().Params(jen.Id("v").Id(view)).Id(c.Method).Params().Params(jen.Id("p").Add(typ)).Block(
			jen.Copy(jen.Id("p[:]"), jen.Id(fmt.Sprintf("v.s.Struct(%d, %d)", c.Offset, c.Type.Width))),
			jen.Return(jen.Id("p")),
		)
	case model.FixedList:
		item := c.Children[0]
		at := fmt.Sprintf("v.s.Elem(%d, %d, %d, i)", c.Offset, c.Type.Width, elemSize(item))
		return doc("element i of field").Add(method(view, c.Method, jen.Id("i").Int(), fieldType(item), inlineValue(item, at, 0)))
	}
	return doc("field").Add(method(view, c.Method, nil, fieldType(c), inlineValue(c, "v.s", c.Offset)))
}

// inlineValue writes the value at an offset of a struct.
func inlineValue(c *model.Column, of string, offset int) *jen.Statement {
	if c.Group != nil {
		return fieldType(c).Values(jen.Id(fmt.Sprintf("%s.Struct(%d, %d)", of, offset, c.Group.Part.Size)))
	}
	value := jen.Id(fmt.Sprintf("%s.%s(%d)", of, scalarName(c), offset))
	if c.Named != nil {
		value = namedType(c.Named).Call(value)
	}
	return value
}

// emitInlineBuild writes
//
//	// buildOrderPoint writes m, the last field first, and returns where it is.
//	func buildOrderPoint(b *flatbuf.Builder, m *Point) flatbuf.UOffsetT {
//		b.Prep(8, 16)
//		b.PlaceFloat64(m.Y)
//		b.PlaceFloat64(m.X)
//		return b.Offset()
//	}
func emitInlineBuild(g *model.Group) jen.Code {
	body := []jen.Code{jen.Id("b").Dot("Prep").Call(jen.Lit(g.Part.Align), jen.Lit(g.Part.Size))}
	end := g.Part.Size
	for i := len(g.Columns) - 1; i >= 0; i-- {
		c := g.Columns[i]
		size := inlineSize(c)
		if gap := end - c.Offset - size; gap > 0 {
			body = append(body, jen.Id("b").Dot("Pad").Call(jen.Lit(gap)))
		}
		body = append(body, place(c)...)
		end = c.Offset
	}
	body = append(body, jen.Return(jen.Id("b").Dot("Offset").Call()))
	return comment("%s writes m, the last field first, and returns where it is.", g.Part.Names.Build).
		Add(buildFunc(g.Part.Names.Build, namedType(&g.Named), body))
}

func inlineSize(c *model.Column) int {
	switch c.Type.Kind {
	case model.FixedBinary:
		return c.Type.Width
	case model.FixedList:
		return c.Type.Width * elemSize(c.Children[0])
	}
	return elemSize(c)
}

// place writes a field of a struct: of an array each element, the last first.
func place(c *model.Column) []jen.Code {
	f, item := "m."+c.Field, c
	switch c.Type.Kind {
	case model.FixedList:
		item = c.Children[0]
	case model.FixedBinary:
		item = &model.Column{ColumnDef: model.ColumnDef{Type: model.Type{Kind: model.Int, Bits: 8}}}
	default:
		return []jen.Code{placeOne(c, f)}
	}
	return []jen.Code{jen.For(jen.Id("i := len("+f+") - 1"), jen.Id("i >= 0"), jen.Id("i--")).Block(placeOne(item, f+"[i]"))}
}

func placeOne(c *model.Column, value string) jen.Code {
	if c.Group != nil {
		return jen.Id(c.Group.Part.Names.Build).Call(jen.Id("b"), jen.Op("&").Id(value))
	}
	v := jen.Id(value)
	if c.Named != nil {
		plain := *c
		plain.Named = nil
		v = fieldType(&plain).Call(v)
	}
	return jen.Id("b").Dot("Place" + scalarName(c)).Call(v)
}
