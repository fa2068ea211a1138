package fbsgen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
	"github.com/lightstream-go/lightstream/codegen/fbs"
)

// enum writes an enum, or the tag of a union:
//
//	// Endianness is an enum of int16. The byte order of the buffers in message bodies.
//	type Endianness int16
//
//	// The values of [Endianness].
//	const (
//		// Least significant byte first.
//		EndiannessLittle Endianness = 0
//	)
func (e *emitter) enum(g *goEnum) []jen.Code {
	base := goKind(g.base)
	what := "an enum of " + base
	values := "The values of [" + g.goName + "]."
	switch {
	case g.union != nil:
		what = "the tag of a union"
		values = "The members of [" + g.goName + "]."
	case g.flags:
		what = "a set of flags in " + article(base)
	}
	list := []jen.Code{documented(comment(fmt.Sprintf("%s is %s.", g.goName, what), g.doc), jen.Type().Id(g.goName).Id(base))}
	if len(g.values) > 0 {
		list = append(list, documented(comment(values, nil), jen.Const().DefsFunc(func(defs *jen.Group) {
			for _, v := range g.values {
				if len(v.doc) > 0 {
					defs.Add(commentLines(wrapAll(v.doc)))
				}
				defs.Id(v.goName).Id(g.goName).Op("=").Id(g.constant(v))
			}
		})))
	}
	if g.flags {
		return append(list, e.flagString(g))
	}
	list = append(list, e.enumString(g))
	if g.verify != "" {
		list = append(list, e.verifyUnion(g))
	}
	return list
}

func article(base string) string {
	if strings.HasPrefix(base, "i") {
		return "an " + base
	}
	return "a " + base
}

// wrapAll wraps each paragraph of a doc comment.
func wrapAll(doc []string) []string {
	first, rest := firstParagraph(doc)
	lines := wrap(first)
	if len(rest) > 0 {
		lines = append(append(lines, ""), rest...)
	}
	return lines
}

// constant is the number of a value as Go writes it.
func (g *goEnum) constant(v *goValue) string {
	if g.base.IsUnsigned() {
		return fmt.Sprint(uint64(v.value))
	}
	return fmt.Sprint(v.value)
}

// enumString writes the String method of an enum:
//
//	func (e Endianness) String() string {
//		switch e {
//		case EndiannessLittle:
//			return "Little"
//		}
//		return "Endianness(" + strconv.FormatInt(int64(e), 10) + ")"
//	}
func (e *emitter) enumString(g *goEnum) jen.Code {
	r := receiver(g.goName)
	body := jen.Return(jen.Lit(g.goName + "(").Op("+").Add(formatted(g, r)).Op("+").Lit(")"))
	return documented(comment("String returns the name in the schema.", nil),
		jen.Func().Params(jen.Id(r).Id(g.goName)).Id("String").Params().String().BlockFunc(func(b *jen.Group) {
			if len(g.values) > 0 {
				b.Switch(jen.Id(r)).BlockFunc(func(cases *jen.Group) {
					for _, v := range g.values {
						cases.Case(jen.Id(v.goName)).Block(jen.Return(jen.Lit(v.name)))
					}
				})
			}
			b.Add(body)
		}))
}

// formatted writes a value in decimal.
func formatted(g *goEnum, value string) *jen.Statement {
	if g.base.IsUnsigned() {
		return jen.Qual("strconv", "FormatUint").Call(jen.Uint64().Parens(jen.Id(value)), jen.Lit(10))
	}
	return jen.Qual("strconv", "FormatInt").Call(jen.Int64().Parens(jen.Id(value)), jen.Lit(10))
}

// flagString writes the String method of a set of flags:
//
//	func (a Access) String() string {
//		text, rest := "", a
//		for _, known := range []struct {
//			flag Access
//			name string
//		}{{AccessRead, "Read"}} {
//			if rest&known.flag != 0 {
//				text += "|" + known.name
//				rest &^= known.flag
//			}
//		}
//		if rest != 0 || text == "" {
//			text += "|" + strconv.FormatUint(uint64(rest), 10)
//		}
//		return text[1:]
//	}
func (e *emitter) flagString(g *goEnum) jen.Code {
	r := receiver(g.goName)
	entry := jen.Struct(jen.Id("flag").Id(g.goName), jen.Id("name").String())
	table := jen.Index().Add(entry).ValuesFunc(func(vs *jen.Group) {
		for _, v := range g.values {
			vs.Values(jen.Id(v.goName), jen.Lit(v.name))
		}
	})
	flag := func() *jen.Statement { return jen.Id("known").Dot("flag") }
	return documented(comment("String returns the names of the flags in the schema, with bars between them.", nil),
		jen.Func().Params(jen.Id(r).Id(g.goName)).Id("String").Params().String().Block(
			jen.List(jen.Id("text"), jen.Id("rest")).Op(":=").List(jen.Lit(""), jen.Id(r)),
			jen.For(jen.List(jen.Id("_"), jen.Id("known")).Op(":=").Range().Add(table)).Block(
				jen.If(jen.Id("rest").Op("&").Add(flag()).Op("!=").Lit(0)).Block(
					jen.Id("text").Op("+=").Lit("|").Op("+").Id("known").Dot("name"),
					jen.Id("rest").Op("&^=").Add(flag()),
				),
			),
			jen.If(jen.Id("rest").Op("!=").Lit(0).Op("||").Id("text").Op("==").Lit("")).Block(
				jen.Id("text").Op("+=").Lit("|").Op("+").Add(formatted(g, "rest")),
			),
			jen.Return(jen.Id("text").Index(jen.Lit(1), jen.Empty())),
		))
}

// verifyUnion writes the check of a union:
//
//	// verifyMessageHeader checks the union in a slot.
//	func verifyMessageHeader(v *flatbuf.Verifier, o flatbuf.Object, slot int, name string) bool {
//		tag, pos, ok := v.Union(o, slot, name)
//		if !ok {
//			return false
//		}
//		switch MessageHeader(tag) {
//		case MessageHeaderNone:
//			return true
//		case MessageHeaderSchema:
//			ok = verifySchema(v, pos)
//		case MessageHeaderTensor, MessageHeaderSparseTensor:
//			return true // what is not read is not checked
//		default:
//			return v.UnknownTag(o, slot, tag, name)
//		}
//		return ok || v.In(name)
//	}
func (e *emitter) verifyUnion(g *goEnum) jen.Code {
	slot := []jen.Code{jen.Id("o"), jen.Id("slot")}
	return documented(comment(fmt.Sprintf("%s checks the %s in a slot.", g.verify, g.goName), nil),
		jen.Func().Id(g.verify).Params(e.checkParams()...).Bool().Block(
			jen.List(jen.Id("tag"), jen.Id("pos"), jen.Id("ok")).Op(":=").Id("v").Dot("Union").Call(append(slot, jen.Id("name"))...),
			jen.If(jen.Op("!").Id("ok")).Block(jen.Return(jen.False())),
			jen.Switch(jen.Id(g.goName).Parens(jen.Id("tag"))).BlockFunc(func(cases *jen.Group) {
				cases.Case(jen.Id(g.values[0].goName)).Block(jen.Return(jen.True()))
				for _, m := range g.members {
					cases.Case(jen.Id(m.tag.goName)).Block(jen.Id("ok").Op("=").Add(e.verifyMember(m.typ)))
				}
				if len(g.opaque) != 0 {
					var tags []jen.Code
					for _, v := range g.opaque {
						tags = append(tags, jen.Id(v.goName))
					}
					cases.Case(tags...).Block(jen.Return(jen.True()).Comment("what is not read is not checked"))
				}
				cases.Default().Block(jen.Return(jen.Id("v").Dot("UnknownTag").Call(append(slot, jen.Id("tag"), jen.Id("name"))...)))
			}),
			jen.Return(jen.Id("ok").Op("||").Id("v").Dot("In").Call(jen.Id("name"))),
		))
}

// verifyMember checks a member at pos.
func (e *emitter) verifyMember(t *fbs.Type) *jen.Statement {
	switch t.Kind {
	case fbs.String:
		return jen.Id("v").Dot("Text").Call(jen.Id("pos"), jen.Lit(""))
	case fbs.StructType:
		return jen.Id("v").Dot("Inline").Call(jen.Id("pos"), jen.Lit(t.Size()), jen.Lit(t.Align()), jen.Lit(""))
	}
	return jen.Id(e.model.tables[t.Table].verify).Call(jen.Id("v"), jen.Id("pos"))
}

// checkParams are the parameters of a function that checks a field.
func (e *emitter) checkParams() []jen.Code {
	return []jen.Code{
		jen.Id("v").Op("*").Qual(e.opt.Runtime, "Verifier"), jen.Id("o").Qual(e.opt.Runtime, "Object"),
		jen.Id("slot").Int(), jen.Id("name").String(),
	}
}
