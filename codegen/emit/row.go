package emit

import (
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// emitRow writes
//
//	// Trade is one execution.
//	type Trade struct {
//		Time time.Time `arrow:"time"`
//		// Note is what the trader said.
//		Note rt.Null[string] `arrow:"note"`
//	}
func emitRow(name string, doc []string, without string, columns []*model.Column) jen.Code {
	doc = docLines(doc)
	if len(doc) == 0 {
		doc = []string{"// " + without}
	}
	return emitStruct(name, doc, columns)
}

// emitStruct writes a struct below the lines of its comment.
func emitStruct(name string, doc []string, columns []*model.Column) jen.Code {
	var list []jen.Code
	for _, c := range columns {
		list = append(list, emitRowField(c))
	}
	return jen.Comment(strings.Join(doc, "\n")).Line().Type().Id(name).Struct(list...)
}

// emitRowField writes
//
//	Note rt.Null[string] `arrow:"note"`
func emitRowField(c *model.Column) jen.Code {
	s := jen.Null()
	if len(c.Doc) > 0 {
		s = jen.Comment(strings.Join(docLines(c.Doc), "\n")).Line()
	}
	return s.Id(c.Field).Add(rowType(c)).Id("`arrow:" + strconv.Quote(c.Tag()) + "`")
}

// rowType writes the type of a field of the row struct.
func rowType(c *model.Column) *jen.Statement {
	var value *jen.Statement
	switch {
	case c.Named != nil:
		value = namedType(c.Named)
	case c.Type.Kind == model.Binary:
		value = jen.Index().Byte()
	case c.Type.Kind == model.Nothing:
		value = jen.Struct()
	case c.Type.Kind == model.List:
		value = jen.Index().Add(rowType(c.Children[0]))
	case c.Type.Kind == model.FixedList:
		value = jen.Index(jen.Lit(c.Type.Width)).Add(rowType(c.Children[0]))
	case c.Type.Kind == model.Map:
		value = jen.Map(rowType(c.Children[0])).Add(rowType(c.Children[1]))
	case c.Group != nil:
		value = namedType(&c.Group.Named)
	case c.Type.Kind == model.RunEnds:
		return rowType(c.Children[0])
	default:
		value = slabType(c)
	}
	switch c.Form {
	case model.Pointer:
		return jen.Op("*").Add(value)
	case model.Null:
		return rt("Null").Types(value)
	}
	return value
}

// emitEnum writes
//
//	// Side is which side was taken.
//	type Side uint8
//
//	// The values of Side.
//	const (
//		SideBuy  Side = 1
//		SideSell Side = 2
//	)
func emitEnum(e *model.Enum) jen.Code {
	doc := docLines(e.Doc)
	if len(doc) == 0 {
		doc = []string{"// " + e.Name + " is a type of named numbers."}
	}
	s := jen.Comment(strings.Join(doc, "\n")).Line().Type().Id(e.Name).Id(e.Type.String()).Line().Line()
	var list []jen.Code
	for _, v := range e.Values {
		line := jen.Null()
		if len(v.Doc) > 0 {
			line = jen.Comment(strings.Join(docLines(v.Doc), "\n")).Line()
		}
		list = append(list, line.Id(v.Const).Id(e.Name).Op("=").Id(v.Value))
	}
	return s.Add(comment("The values of %s.", e.Name)).Const().Defs(list...)
}

// emitEnumString writes
//
//	// String returns the name of a value, or its type and number where it has none.
//	func (v Side) String() string {
//		switch v {
//		case SideBuy:
//			return "Buy"
//		}
//		return "Side(" + strconv.FormatUint(uint64(v), 10) + ")"
//	}
func emitEnumString(e *model.Enum) jen.Code {
	var cases []jen.Code
	for _, v := range e.Values {
		cases = append(cases, jen.Case(jen.Id(v.Const)).Block(jen.Return(jen.Lit(v.Name))))
	}
	format, wide := "FormatUint", jen.Uint64()
	if e.Type.Signed {
		format, wide = "FormatInt", jen.Int64()
	}
	return comment("String returns the name of a value, or its type and number where it has none.").
		Func().Params(jen.Id("v").Id(e.Name)).Id("String").Params().String().Block(
		jen.Switch(jen.Id("v")).Block(cases...),
		jen.Return(jen.Lit(e.Name+"(").Op("+").Qual("strconv", format).Call(wide.Call(jen.Id("v")), jen.Lit(10)).Op("+").Lit(")")),
	)
}

// emitEnumParse writes
//
//	// ParseSide returns the value of that name.
//	func ParseSide(name string) (Side, error) {
//		switch name {
//		case "Buy":
//			return SideBuy, nil
//		}
//		return 0, fmt.Errorf("%q is no Side", name)
//	}
func emitEnumParse(e *model.Enum) jen.Code {
	var cases []jen.Code
	for _, v := range e.Values {
		cases = append(cases, jen.Case(jen.Lit(v.Name)).Block(jen.Return(jen.Id(v.Const), jen.Nil())))
	}
	return comment("Parse%s returns the value of that name.", e.Name).
		Func().Id("Parse"+e.Name).Params(jen.Id("name").String()).Params(jen.Id(e.Name), jen.Error()).Block(
		jen.Switch(jen.Id("name")).Block(cases...),
		jen.Return(jen.Lit(0), jen.Qual("fmt", "Errorf").Call(jen.Lit("%q is no "+e.Name), jen.Id("name"))),
	)
}
