package emit

import (
	"unicode"
	"unicode/utf8"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// tabletestPath is the package that generated tests call.
const tabletestPath = model.RuntimePath + "/tabletest"

// Test is a function that can be generated for each table, to be run by go test.
type Test string

// The tests of a table.
const (
	RoundTrip Test = "roundtrip" // rows are written and read back
	Fuzz      Test = "fuzz"      // a fuzz target reads damaged streams
	Benchmark Test = "bench"     // batches are written and read
)

// Tests returns the text of f's test file, with the given functions for each table.
func Tests(f *model.File, tests map[Test]bool) ([]byte, error) {
	imports := append([]model.Import{{Path: "testing", Name: "testing"}, {Path: tabletestPath, Name: "tabletest"}}, f.Imports...)
	out := newFile(f, imports)
	for _, t := range f.Tables {
		list := []jen.Code{emitTestFields(t)}
		if tests[RoundTrip] {
			list = append(list, emitTest(t, "Test", "T", "RoundTrip", "writes rows of table %q and reads them back, in each way that there is."))
		}
		if tests[Fuzz] {
			list = append(list, emitTest(t, "Fuzz", "F", "Fuzz", "reads damaged streams of table %q: each is an error, or rows that can be written and read back."))
		}
		if tests[Benchmark] {
			list = append(list, emitTest(t, "Benchmark", "B", "Benchmark", "writes and reads batches of table %q."))
		}
		for _, code := range list {
			out.Line()
			out.Add(code)
		}
	}
	return render(out, f.Tests())
}

func upperFirst(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[n:]
}

func fieldsFunc(t *model.Table) string { return t.Names.Columns + "Of" }

// emitTestFields writes
//
//	// tradeColumnsOf returns the fields of a row that are columns.
//	func tradeColumnsOf(row *Trade) []any {
//		return []any{&row.Time, &row.Symbol, &row.Price}
//	}
func emitTestFields(t *model.Table) jen.Code {
	var list []string
	for _, c := range t.Columns {
		list = append(list, "&row."+c.Field)
	}
	return comment("%s returns the fields of a row that are columns.", fieldsFunc(t)).
		Func().Id(fieldsFunc(t)).Params(jen.Id("row").Op("*").Id(t.Row)).Index().Any().Block(
		jen.Return(jen.Index().Any().Values(arguments(len("return []any{"), list...))),
	)
}

// emitTest writes
//
//	// TestTradeTable writes rows of table "trade" and reads them back, in each way that there is.
//	func TestTradeTable(t *testing.T) {
//		tabletest.RoundTrip(t, TradeTable, tradeColumnsOf, tabletest.Names(ParseSide))
//	}
func emitTest(t *model.Table, prefix, typ, call, doc string) jen.Code {
	name := prefix + upperFirst(t.Names.Table)
	param := string(unicode.ToLower(rune(typ[0])))
	args := []jen.Code{jen.Id(param), jen.Id(t.Names.Table), jen.Id(fieldsFunc(t))}
	for _, n := range enumsOf(t) {
		args = append(args, jen.Qual(tabletestPath, "Names").Call(parseFunc(n)))
	}
	for _, g := range t.Groups {
		if g.Marker != "" {
			args = append(args, emitTestUnion(g))
		}
	}
	return comment(name+" "+doc, t.Name).
		Func().Id(name).Params(jen.Id(param).Op("*").Qual("testing", typ)).Block(
		jen.Qual(tabletestPath, call).Call(args...),
	)
}

// emitTestUnion writes tabletest.Union[Event](tabletest.MemberOf[Fill, Fill](), tabletest.MemberOf[Note, string]()).
func emitTestUnion(g *model.Group) jen.Code {
	var list []jen.Code
	for _, c := range g.Columns {
		if c.Member == nil {
			list = append(list, jen.Qual(tabletestPath, "Member").Values())
			continue
		}
		list = append(list, jen.Qual(tabletestPath, "MemberOf").Types(namedType(c.Member), rowType(c)).Call())
	}
	return jen.Line().Qual(tabletestPath, "Union").Types(namedType(&g.Named)).
		Custom(jen.Options{Open: "(", Close: ")", Separator: ",", Multi: true}, list...)
}

// enumsOf returns the types of named numbers that columns of a table, and those below them, have in dictionaries, each once.
func enumsOf(t *model.Table) (list []*model.Named) {
	seen, groups := map[model.Named]bool{}, map[*model.GroupDef]bool{}
	var look func(columns []*model.Column)
	look = func(columns []*model.Column) {
		for _, c := range columns {
			if c.Enum && !seen[*c.Named] {
				seen[*c.Named] = true
				list = append(list, c.Named)
			}
			look(c.Children)
			if g := c.Group; g != nil && !groups[g.GroupDef] {
				groups[g.GroupDef] = true
				look(g.Columns)
			}
		}
	}
	look(t.Columns)
	return list
}
