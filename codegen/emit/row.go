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
func emitRow(t *model.Table) jen.Code {
	doc := docLines(t.Doc)
	if len(doc) == 0 {
		doc = []string{"// " + t.Row + " is a row of table " + strconv.Quote(t.Name) + "."}
	}
	var list []jen.Code
	for _, c := range t.Columns {
		list = append(list, emitRowField(c))
	}
	return jen.Comment(strings.Join(doc, "\n")).Line().Type().Id(t.Row).Struct(list...)
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
