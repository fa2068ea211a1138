package fbsgen

import (
	"fmt"

	"github.com/dave/jennifer/jen"
	"github.com/lightstream-go/lightstream/codegen/fbs"
)

// verifyRoot writes the verifier of a root type:
//
//	// VerifyFooter returns the [Footer] in buf, after a check of all that it leads to. It aliases buf. The error is of
//	// type *[Error].
//	func VerifyFooter(buf []byte, limits flatbuf.Limits) (Footer, error) {
//		v := flatbuf.NewVerifier(buf, limits)
//		if pos, ok := v.Root(); !ok || !verifyFooter(&v, pos) {
//			return Footer{}, v.Error("footer")
//		}
//		return Footer{flatbuf.Root(buf)}, nil
//	}
func (e *emitter) verifyRoot(g *goTable) jen.Code {
	name := "Verify" + g.goName
	return documented(comment(fmt.Sprintf("%s returns the [%s] in buf after a check of all that it leads to. It aliases buf. An error is of type *[Error].", name, g.goName), nil),
		jen.Func().Id(name).Params(jen.Id("buf").Index().Byte(), jen.Id("limits").Id("Limits")).Params(jen.Id(g.goName), jen.Error()).Block(
			jen.Id("v").Op(":=").Qual(e.opt.Runtime, "NewVerifier").Call(jen.Id("buf"), jen.Id("limits")),
			jen.If(jen.List(jen.Id("pos"), jen.Id("ok")).Op(":=").Id("v").Dot("Root").Call(), jen.Op("!").Id("ok").Op("||").Op("!").Id(g.verify).Call(jen.Op("&").Id("v"), jen.Id("pos"))).Block(
				jen.Return(jen.Id(g.goName).Values(), jen.Id("v").Dot("Error").Call(jen.Lit(g.label))),
			),
			jen.Return(jen.Id(g.goName).Values(jen.Qual(e.opt.Runtime, "Root").Call(jen.Id("buf"))), jen.Nil()),
		))
}

// verifyTable writes the functions that check a table:
//
//	// verifyMessage checks the [Message] at pos and all that it leads to.
//	func verifyMessage(v *flatbuf.Verifier, pos int) bool {
//		o, ok := v.Begin(pos)
//		return ok &&
//			v.Scalar(o, 0, 2, "version") &&
//			verifyMessageHeader(v, o, 1, "header") &&
//			v.End()
//	}
func (e *emitter) verifyTable(g *goTable) []jen.Code {
	checks := jen.Id("ok")
	object := "o"
	for _, f := range g.all {
		for _, check := range e.checks(f) {
			checks.Op("&&").Line().Add(check)
		}
	}
	if len(g.all) == 0 {
		object = "_"
		checks.Op("&&").Id("v").Dot("End").Call()
	} else {
		checks.Op("&&").Line().Id("v").Dot("End").Call()
	}
	list := []jen.Code{documented(comment(fmt.Sprintf("%s checks the %s at pos and all that it leads to.", g.verify, g.goName), nil),
		jen.Func().Id(g.verify).Params(jen.Id("v").Op("*").Qual(e.opt.Runtime, "Verifier"), jen.Id("pos").Int()).Bool().Block(
			jen.List(jen.Id(object), jen.Id("ok")).Op(":=").Id("v").Dot("Begin").Call(jen.Id("pos")),
			jen.Return(checks),
		))}
	if g.inField != "" {
		list = append(list, e.verifyInField(g))
	}
	if g.inVector != "" {
		list = append(list, e.verifyInVector(g))
	}
	return list
}

// checks are the checks of one field.
func (e *emitter) checks(f *goField) []jen.Code {
	v := func(method string, args ...jen.Code) jen.Code {
		args = append(append([]jen.Code{jen.Id("o"), jen.Lit(f.Slot)}, args...), jen.Lit(f.Name))
		return jen.Id("v").Dot(method).Call(args...)
	}
	nested := func(check string) jen.Code {
		return jen.Id(check).Call(jen.Id("v"), jen.Id("o"), jen.Lit(f.Slot), jen.Lit(f.Name))
	}
	var list []jen.Code
	if f.Required {
		list = append(list, v("Required"))
	}
	switch t := f.Type; t.Kind {
	case fbs.String:
		return append(list, v("String"))
	case fbs.StructType:
		return append(list, v("Struct", jen.Lit(t.Size()), jen.Lit(t.Align())))
	case fbs.TableType:
		return append(list, nested(e.model.tables[t.Table].inField))
	case fbs.UnionType:
		return append(list, nested(e.model.unions[t.Union].verify))
	case fbs.VectorOf:
		switch t.Elem.Kind {
		case fbs.TableType:
			return append(list, nested(e.model.tables[t.Elem.Table].inVector))
		case fbs.String:
			return append(list, v("Strings"))
		}
		return append(list, v("Vector", jen.Lit(t.Elem.Size())))
	}
	return append(list, v("Scalar", jen.Lit(f.Type.Size())))
}

// verifyInField writes the check of a table that a field leads to:
//
//	// verifySchemaField checks the Schema in a slot.
//	func verifySchemaField(v *flatbuf.Verifier, o flatbuf.Object, slot int, name string) bool {
//		pos, ok := v.Table(o, slot, name)
//		return ok && (pos == 0 || verifySchema(v, pos) || v.In(name))
//	}
func (e *emitter) verifyInField(g *goTable) jen.Code {
	return documented(comment(fmt.Sprintf("%s checks the %s in a slot.", g.inField, g.goName), nil),
		jen.Func().Id(g.inField).Params(e.checkParams()...).Bool().Block(
			jen.List(jen.Id("pos"), jen.Id("ok")).Op(":=").Id("v").Dot("Table").Call(jen.Id("o"), jen.Id("slot"), jen.Id("name")),
			jen.Return(jen.Id("ok").Op("&&").Parens(
				jen.Id("pos").Op("==").Lit(0).Op("||").Id(g.verify).Call(jen.Id("v"), jen.Id("pos")).Op("||").Id("v").Dot("In").Call(jen.Id("name")))),
		))
}

// verifyInVector writes the check of a vector of tables:
//
//	// verifyFieldVector checks the vector of Field in a slot.
//	func verifyFieldVector(v *flatbuf.Verifier, o flatbuf.Object, slot int, name string) bool {
//		elems, ok := v.Offsets(o, slot, name)
//		for i := range elems.Len() {
//			if pos, ok := v.Elem(elems, i); !ok || !verifyField(v, pos) {
//				return v.InElem(name, i)
//			}
//		}
//		return ok
//	}
func (e *emitter) verifyInVector(g *goTable) jen.Code {
	return documented(comment(fmt.Sprintf("%s checks the vector of %s in a slot.", g.inVector, g.goName), nil),
		jen.Func().Id(g.inVector).Params(e.checkParams()...).Bool().Block(
			jen.List(jen.Id("elems"), jen.Id("ok")).Op(":=").Id("v").Dot("Offsets").Call(jen.Id("o"), jen.Id("slot"), jen.Id("name")),
			jen.For(jen.Id("i").Op(":=").Range().Id("elems").Dot("Len").Call()).Block(
				jen.If(jen.List(jen.Id("pos"), jen.Id("ok")).Op(":=").Id("v").Dot("Elem").Call(jen.Id("elems"), jen.Id("i")), jen.Op("!").Id("ok").Op("||").Op("!").Id(g.verify).Call(jen.Id("v"), jen.Id("pos"))).Block(
					jen.Return(jen.Id("v").Dot("InElem").Call(jen.Id("name"), jen.Id("i"))),
				),
			),
			jen.Return(jen.Id("ok")),
		))
}
