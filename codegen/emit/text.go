package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// The packages that the code for text formats calls.
const (
	formatsPath = "github.com/lightstream-go/lightstream/formats"
	textPath    = formatsPath + "/text"
)

// Format is a text format that code can be generated for.
type Format struct {
	Name  string // of the feature
	Path  string // of its package
	infix string // in the names of what is declared
	what  string
}

// Formats are the text formats.
var Formats = []Format{
	{Name: "csv", Path: formatsPath + "/csv", infix: "CSV", what: "CSV"},
	{Name: "ndjson", Path: formatsPath + "/ndjson", infix: "NDJSON", what: "lines of JSON"},
}

// Text returns the text of the file for the given formats of f's tables. It is nil where there are no formats or tables.
func Text(f *model.File, formats []Format) ([]byte, error) {
	if len(formats) == 0 || len(f.Tables) == 0 {
		return nil, nil
	}
	imports := append([]model.Import{{Path: textPath, Name: "text"}}, f.Imports...)
	for _, format := range formats {
		imports = append(imports, model.Import{Path: format.Path, Name: format.Name})
	}
	out := newFile(f, imports)
	for _, t := range f.Tables {
		list := []jen.Code{emitTextColumns(t)}
		for _, g := range t.Groups {
			list = append(list, emitTextGroup(t, g))
		}
		for _, format := range formats {
			list = append(list, emitTextReader(t, format), emitNewTextReader(t, format), emitTextWriter(t, format), emitNewTextWriter(t, format))
		}
		for _, code := range list {
			out.Line()
			out.Add(code)
		}
	}
	return render(out, f.Text())
}

// inText returns the name of a declaration for a format, TradeCSVReader for TradeReader.
func inText(name, suffix string, format Format) string {
	return strings.TrimSuffix(name, suffix) + format.infix + suffix
}

func textFunc(columns string) string { return strings.TrimSuffix(columns, "Columns") + "Text" }

func text(name string) *jen.Statement { return jen.Qual(textPath, name) }

// emitTextColumns writes
//
//	// tradeText binds a builder of table "trade" to the text of its columns.
//	func tradeText(b *TradeBuilder) []*text.Column {
//		return []*text.Column{
//			text.Timestamp(&b.time.FixedBuilder),
//			text.Float(&b.price),
//		}
//	}
func emitTextColumns(t *model.Table) jen.Code {
	name := textFunc(t.Names.Columns)
	list := jen.Index().Op("*").Add(text("Column"))
	return comment("%s binds a builder of table %q to the text of its columns.", name, t.Name).
		Func().Id(name).Params(jen.Id("b").Op("*").Id(t.Names.Builder)).Add(list.Clone()).
		Block(jen.Return(list.Clone().Add(fields(textColumns(t.Columns)...))))
}

func textColumns(columns []*model.Column) (list []jen.Code) {
	for _, c := range columns {
		list = append(list, textColumn(c, "b."+c.Local, c.Nested()))
	}
	return list
}

// emitTextGroup writes
//
//	// tradeLegText binds a builder of Leg to its text.
//	func tradeLegText(b *TradeLegBuilder) *text.Column {
//		return text.Struct(b,
//			text.Float(&b.price),
//		)
//	}
func emitTextGroup(_ *model.Table, g *model.Group) jen.Code {
	name, call := textFunc(g.Names.Columns), "Struct"
	if g.Marker != "" {
		call = "Union"
	}
	args := append([]jen.Code{jen.Id("b")}, textColumns(g.Columns)...)
	return comment("%s binds a builder of %s to its text.", name, g.Named.Name).
		Func().Id(name).Params(jen.Id("b").Op("*").Id(g.Names.Builder)).Op("*").Add(text("Column")).
		Block(jen.Return(text(call).Custom(jen.Options{Open: "(", Close: ")", Separator: ",", Multi: true}, args...)))
}

// textColumn writes what binds a column to its text. Builder is its builder, or with pointer a pointer to it.
func textColumn(c *model.Column, builder string, pointer bool) *jen.Statement {
	p := builder
	if !pointer {
		p = "&" + builder
	}
	of := func(name string) *jen.Statement { return text(name).Call(jen.Id(p)) }
	within := func(name, base string) *jen.Statement { return text(name).Call(jen.Id("&" + builder + "." + base)) }
	part := func(i int, method string) jen.Code { return textColumn(c.Children[i], builder+"."+method+"()", true) }
	t := c.Type
	switch {
	case c.Group != nil:
		return jen.Id(textFunc(c.Group.Names.Columns)).Call(jen.Id(p))
	case c.Enum:
		return text("Enum").Call(jen.Id(p), parseFunc(c.Named))
	case c.Index != nil && t.Kind == model.Int:
		return of("DictInt")
	case c.Index != nil && t.Kind == model.Binary:
		return within("DictBinary", "DictBuilder")
	case c.Index != nil:
		return of("Dict")
	}
	switch t.Kind {
	case model.Bool:
		return of("Bool")
	case model.Int:
		return of("Int")
	case model.Float:
		if t.Bits == 16 {
			return of("Float16")
		}
		return of("Float")
	case model.FixedBinary:
		return of("Array")
	case model.Decimal:
		return of("Decimal")
	case model.Nothing:
		return of("Null")
	case model.Utf8:
		return within("Text", map[model.Layout]string{model.Offsets: "BinaryBuilder", model.Large: "LargeBinaryBuilder", model.Views: "BinaryViewBuilder"}[t.Layout])
	case model.Binary:
		return of("Binary")
	case model.List:
		return text("List").Call(jen.Id(p), part(0, "Items"))
	case model.FixedList:
		return text("FixedList").Call(jen.Id(p), part(0, "Items"))
	case model.Map:
		return text("Map").Call(jen.Id(p), part(0, "Keys"), part(1, "Values"))
	case model.RunEnds:
		return text("Runs").Call(jen.Id(p), part(0, "Values"))
	}
	name := map[model.Kind]string{model.Timestamp: "Timestamp", model.Date: "Date", model.Duration: "Duration", model.Time: "TimeOfDay"}[t.Kind]
	if c.Fixed() {
		return of(name)
	}
	return within(name, "FixedBuilder")
}

// emitTextReader writes
//
//	// TradeCSVReader reads batches or rows of table "trade" from CSV.
//	type TradeCSVReader = csv.TableReader[Trade, TradeBatch]
func emitTextReader(t *model.Table, format Format) jen.Code {
	name := inText(t.Names.Reader, "Reader", format)
	return comment("%s reads batches or rows of table %q from %s.", name, t.Name, format.what).
		Type().Id(name).Op("=").Qual(format.Path, "TableReader").Types(jen.Id(t.Row), jen.Id(t.Names.Batch))
}

// emitNewTextReader writes
//
//	// NewTradeCSVReader returns a reader of the CSV in src, of which it reads the first chunk. Nil options mean all defaults.
//	func NewTradeCSVReader(src io.Reader, opts *csv.Options) (*TradeCSVReader, error) {
//		return csv.NewTableReader(TradeTable, src, opts, tradeText)
//	}
func emitNewTextReader(t *model.Table, format Format) jen.Code {
	name := inText(t.Names.NewReader, "Reader", format)
	return comment("%s returns a reader of the %s in src, of which it reads the first chunk. Nil options mean all defaults.", name, format.what).
		Func().Id(name).
		Params(jen.Id("src").Qual("io", "Reader"), jen.Id("opts").Op("*").Qual(format.Path, "Options")).
		Params(jen.Op("*").Id(inText(t.Names.Reader, "Reader", format)), jen.Error()).
		Block(jen.Return(jen.Qual(format.Path, "NewTableReader").Call(jen.Id(t.Names.Table), jen.Id("src"), jen.Id("opts"), jen.Id(textFunc(t.Names.Columns)))))
}

// emitTextWriter writes
//
//	// TradeCSVWriter writes batches or rows of table "trade" as CSV.
//	type TradeCSVWriter = csv.TableWriter[Trade, TradeBatch, *TradeBuilder]
func emitTextWriter(t *model.Table, format Format) jen.Code {
	name := inText(t.Names.Writer, "Writer", format)
	return comment("%s writes batches or rows of table %q as %s.", name, t.Name, format.what).
		Type().Id(name).Op("=").Qual(format.Path, "TableWriter").
		Types(jen.Id(t.Row), jen.Id(t.Names.Batch), jen.Op("*").Id(t.Names.Builder))
}

// emitNewTextWriter writes
//
//	// NewTradeCSVWriter returns a writer of CSV to dst, which it does not own. Nil options mean all defaults.
//	func NewTradeCSVWriter(dst io.Writer, opts *csv.WriterOptions) *TradeCSVWriter {
//		return csv.NewTableWriter(TradeTable, dst, opts)
//	}
func emitNewTextWriter(t *model.Table, format Format) jen.Code {
	name := inText(t.Names.NewWriter, "Writer", format)
	return comment("%s returns a writer of %s to dst, which it does not own. Nil options mean all defaults.", name, format.what).
		Func().Id(name).
		Params(jen.Id("dst").Qual("io", "Writer"), jen.Id("opts").Op("*").Qual(format.Path, "WriterOptions")).
		Op("*").Id(inText(t.Names.Writer, "Writer", format)).
		Block(jen.Return(jen.Qual(format.Path, "NewTableWriter").Call(jen.Id(t.Names.Table), jen.Id("dst"), jen.Id("opts"))))
}
