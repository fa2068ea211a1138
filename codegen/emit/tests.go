package emit

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// tabletestPath is the package that generated tests call.
const tabletestPath = model.RuntimePath + "/tabletest"

// Test is a function that can be generated for each table and message, and some of them for each protocol, to be run by go test.
type Test string

// The tests of a table.
const (
	RoundTrip Test = "roundtrip" // rows are written and read back
	Fuzz      Test = "fuzz"      // a fuzz target reads damaged streams
	Benchmark Test = "bench"     // batches are written and read
)

// Tests returns the text of f's test file, with the given functions for each table, message and protocol. It is nil if there are none.
func Tests(f *model.File, tests map[Test]bool) ([]byte, error) {
	imports := append([]model.Import{{Path: "testing", Name: "testing"}, {Path: tabletestPath, Name: "tabletest"}}, f.Imports...)
	out, some := newFile(f, imports), len(f.Tables) > 0
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
	for _, m := range f.Messages {
		if m.Codec != "" { // whose values nobody here can make up
			continue
		}
		list := []jen.Code{emitMessageFields(m)}
		if tests[RoundTrip] {
			list = append(list, emitMessageTest(m, "Test", "T", "MessageRoundTrip", "encodes messages %q and decodes them."))
		}
		if tests[Fuzz] {
			list = append(list, emitMessageTest(m, "Fuzz", "F", "MessageFuzz", "decodes damaged messages %q: each is an error, or the same when it is encoded and decoded."))
		}
		if len(list) == 1 {
			continue
		}
		some = true
		for _, code := range list {
			out.Line()
			out.Add(code)
		}
	}
	for _, p := range f.Protocols {
		if code := emitProtocolTest(f, p); code != nil && tests[RoundTrip] {
			some = true
			out.Line()
			out.Add(code)
		}
	}
	if !some {
		return nil, nil
	}
	return render(out, f.Tests())
}

func lowerFirst(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[n:]
}

func messageFields(m *model.Message) string { return lowerFirst(m.Type) + "FieldsOf" }

// emitMessageFields writes
//
//	// heartbeatFieldsOf returns the fields of a message that are sent.
//	func heartbeatFieldsOf(m *Heartbeat) []any {
//		return []any{&m.Sent, &m.Host}
//	}
func emitMessageFields(m *model.Message) jen.Code {
	var list []string
	for _, c := range m.Fields {
		list = append(list, "&m."+c.Field)
	}
	return comment("%s returns the fields of a message that are sent.", messageFields(m)).
		Func().Id(messageFields(m)).Params(jen.Id("m").Op("*").Id(m.Type)).Index().Any().Block(
		jen.Return(jen.Index().Any().Add(lines(len("    return []any"), list...))),
	)
}

// emitMessageTest writes
//
//	// TestHeartbeatMessage encodes messages "heartbeat" and decodes them.
//	func TestHeartbeatMessage(t *testing.T) { tabletest.MessageRoundTrip(t, heartbeatFieldsOf) }
func emitMessageTest(m *model.Message, prefix, typ, call, doc string) jen.Code {
	name := prefix + upperFirst(m.Type) + "Message"
	param := string(unicode.ToLower(rune(typ[0])))
	return comment(name+" "+doc, m.Name).
		Func().Id(name).Params(jen.Id(param).Op("*").Qual("testing", typ)).Block(
		jen.Qual(tabletestPath, call).Types(jen.Id(m.Type)).Call(jen.Id(param), jen.Id(messageFields(m))),
	)
}

// emitProtocolTest writes
//
//	// TestFeedProtocol sends batches and messages of protocol Feed and receives them.
//	func TestFeedProtocol(t *testing.T) {
//		tabletest.ProtocolRoundTrip(t, NewFeedConn, (*FeedConn).Recv,
//			tabletest.Batches((*FeedConn).SendTrade, TradeTable, tradeColumnsOf),
//			tabletest.Messages((*FeedConn).SendHeartbeat, heartbeatFieldsOf),
//		)
//	}
//
// Members of other files, and messages of codecs, are left out: their values are not made up here. It is nil if there is no other.
func emitProtocolTest(f *model.File, p *model.Protocol) jen.Code {
	conn := func(method string) jen.Code { return jen.Parens(jen.Op("*").Id(p.Names.Conn)).Dot(method) }
	list := []jen.Code{jen.Id("t"), jen.Id(p.Names.NewConn), conn("Recv")}
	for _, m := range p.Members {
		switch {
		case m.Table != nil && slices.Contains(f.Tables, m.Table):
			args := append([]jen.Code{conn("Send" + m.Suffix)}, tableArguments(m.Table)...)
			list = append(list, jen.Qual(tabletestPath, "Batches").Call(args...))
		case m.Message != nil && m.Message.Codec == "" && slices.Contains(f.Messages, m.Message):
			list = append(list, jen.Qual(tabletestPath, "Messages").Call(conn("Send"+m.Suffix), jen.Id(messageFields(m.Message))))
		}
	}
	if len(list) == 3 {
		return nil
	}
	name := "Test" + upperFirst(p.Name) + "Protocol"
	return comment(name+" sends batches and messages of protocol %s and receives them.", p.Name).
		Func().Id(name).Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.Qual(tabletestPath, "ProtocolRoundTrip").Custom(jen.Options{Open: "(", Close: ")", Separator: ",", Multi: true}, list...),
	)
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
		jen.Return(jen.Index().Any().Add(lines(len("    return []any"), list...))),
	)
}

// lines writes {&row.Time, &row.Symbol}, in lines of their own where one is too short. It begins after indent bytes.
func lines(indent int, list ...string) *jen.Statement {
	if indent+len("{}")+len(strings.Join(list, ", ")) <= lineWidth-8 {
		return jen.Values(jen.Id(strings.Join(list, ", ")))
	}
	return jen.Op("{").Line().Add(arguments(8, list...)).Op(",").Line().Op("}")
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
	args := append([]jen.Code{jen.Id(param)}, tableArguments(t)...)
	return comment(name+" "+doc, t.Name).
		Func().Id(name).Params(jen.Id(param).Op("*").Qual("testing", typ)).Block(
		jen.Qual(tabletestPath, call).Call(args...),
	)
}

// tableArguments are what a test is told of a table: TradeTable, tradeColumnsOf, tabletest.Names(ParseSide).
func tableArguments(t *model.Table) []jen.Code {
	args := []jen.Code{jen.Id(t.Names.Table), jen.Id(fieldsFunc(t))}
	for _, n := range enumsOf(t) {
		args = append(args, jen.Qual(tabletestPath, "Names").Call(parseFunc(n)))
	}
	for _, g := range t.Groups {
		if g.Marker != "" {
			args = append(args, emitTestUnion(g))
		}
	}
	return args
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
