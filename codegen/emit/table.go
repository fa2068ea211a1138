package emit

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
	decimal "github.com/lightstream-go/lightstream/runtime/column"
)

// emitVersion writes
//
//	// The runtime is too old for this file if this line does not compile.
//	const _ = rt.SupportsV1
func emitVersion() jen.Code {
	return comment("The runtime is too old for this file if this line does not compile.").
		Const().Id("_").Op("=").Add(rt("SupportsV1"))
}

// emitTable returns the declarations of a table, in the order in which they stand in the file.
func emitTable(t *model.Table) []jen.Code {
	list := []jen.Code{
		emitTableVar(t), emitColumns(t),
	}
	if len(t.Scales) != 0 {
		list = append(list, emitScales(t))
	}
	list = append(list,
		emitReader(t), emitNewReader(t), emitWriter(t), emitNewWriter(t), emitFramer(t), emitNewFramer(t),
		emitBatch(t), emitNewBatch(t), emitLen(t),
	)
	for _, c := range t.Columns {
		list = append(list, emitAccessor(t, c))
	}
	list = append(list,
		emitRowMethod(t), emitAppendTo(t), emitRelease(t), emitRetain(t), emitHandle(t), emitReadRows(t),
	)
	list = append(list, emitColumnFuncs(t.Columns)...)
	list = append(list, emitBuilder(t), emitNewBuilder(t))
	for _, c := range t.Columns {
		list = append(list, emitBuilderAccessor(t, c))
	}
	list = append(list, emitAppend(t), emitAppendRows(t))
	for _, g := range t.Groups {
		if g.Marker != "" {
			list = append(list, emitUnion(t, g)...)
		} else {
			list = append(list, emitGroup(t, g)...)
		}
	}
	return list
}

// emitScales writes
//
//	// The scales of the decimals of table "trade": how many of their digits stand behind the point.
//	const (
//		TradePriceScale  = 4
//		TradeLegFeeScale = 2
//	)
//
// or of a single one
//
//	// TradePriceScale is the scale of "price", a decimal: how many of its digits stand behind the point.
//	const TradePriceScale = 4
func emitScales(t *model.Table) jen.Code {
	if len(t.Scales) == 1 {
		s := t.Scales[0]
		return comment("%s is the scale of %q, a decimal: how many of its digits stand behind the point.", s.Name, s.Column).
			Const().Id(s.Name).Op("=").Lit(s.Digits)
	}
	var list []jen.Code
	for _, s := range t.Scales {
		list = append(list, jen.Id(s.Name).Op("=").Lit(s.Digits))
	}
	return comment("The scales of the decimals of table %q: how many of their digits stand behind the point.", t.Name).Const().Defs(list...)
}

// emitTableVar writes
//
//	// TradeTable describes table "trade": 5 columns, 11 buffers.
//	var TradeTable = rt.DefineTable(rt.TableSpec[Trade, TradeBatch, *TradeBuilder]{
//		Name:       "trade",
//		Columns:    tradeColumns,
//		NewBatch:   newTradeBatch,
//		NewBuilder: NewTradeBuilder,
//		ReadRows:   readTradeRows,
//	})
func emitTableVar(t *model.Table) jen.Code {
	spec := rt("TableSpec").Types(jen.Id(t.Row), jen.Id(t.Names.Batch), jen.Op("*").Id(t.Names.Builder)).Add(fields(
		field("Name", jen.Lit(t.Name)),
		field("Columns", jen.Id(t.Names.Columns)),
		field("NewBatch", jen.Id(t.Names.NewBatch)),
		field("NewBuilder", jen.Id(t.Names.NewBuilder)),
		field("ReadRows", jen.Id(t.Names.ReadRows)),
	))
	return comment("%s describes table %q: %s, %s.", t.Names.Table, t.Name, plural(len(t.Columns), "column"), plural(t.Buffers, "buffer")).
		Var().Id(t.Names.Table).Op("=").Add(rt("DefineTable").Call(spec))
}

// emitColumns writes
//
//	var tradeColumns = []rt.Column{
//		{Field: ipc.Field{Name: "time", Type: ipc.Timestamp(column.Nanosecond, "UTC")}, From: rt.ToTime},
//		{Field: ipc.Field{Name: "symbol", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)}, From: rt.ToBytes},
//	}
func emitColumns(t *model.Table) jen.Code {
	var list []jen.Code
	for _, c := range t.Columns {
		list = append(list, emitColumn(c))
	}
	return jen.Var().Id(t.Names.Columns).Op("=").Index().Add(rt("Column"), fields(list...))
}

// emitColumn writes
//
//	{Field: ipc.Field{Name: "note", Type: ipc.Utf8, Nullable: true}, From: rt.ToBytes, Was: "remark"}
func emitColumn(c *model.Column) jen.Code {
	f := []jen.Code{field("Name", jen.Lit(c.Name)), field("Type", columnType(c))}
	if c.Nullable {
		f = append(f, field("Nullable", jen.True()))
	}
	if c.Index != nil {
		f = append(f, field("Dictionary", ipc("DictionaryOf").Call(arrowType(*c.Index))))
	}
	if c.Type.UUID {
		f = append(f, field("Metadata", ipc("UUID").Call()))
	}
	list := []jen.Code{field("Field", ipc("Field").Values(f...))}
	if from := conversions(c); from != "" {
		list = append(list, field("From", rt(from)))
	}
	switch {
	case c.Group != nil:
		list = append(list, field("Parts", jen.Id(c.Group.Names.Columns)))
	case len(c.Children) != 0:
		var parts []jen.Code
		for _, part := range c.Children {
			parts = append(parts, emitColumn(part))
		}
		if len(parts) == 1 && !c.Children[0].Nested() {
			list = append(list, field("Parts", jen.Index().Add(rt("Column")).Values(parts...)))
			break
		}
		list = append(list, field("Parts", jen.Index().Add(rt("Column"), fields(parts...))))
	}
	if c.Type.Kind == model.RunEnds && c.Type.Bits != 32 {
		list = append(list, field("RunEnds", jen.Lit(c.Type.Bits)))
	}
	if c.Enum {
		list = append(list, field("Names", rt("NamesOf").Call(parseFunc(c.Named))))
	}
	if c.NaiveUTC {
		list = append(list, field("NaiveUTC", jen.True()))
	}
	if c.HasDefault {
		list = append(list, field("Default", defaultValue(c)))
	}
	if c.Was != "" {
		list = append(list, field("Was", jen.Lit(c.Was)))
	}
	return jen.Values(list...)
}

// conversions returns the name of those that make other columns one of c's type, "" for none.
func conversions(c *model.Column) string {
	switch k := c.Type.Kind; {
	case c.Index != nil, k == model.Utf8, k == model.Binary, k == model.FixedBinary:
		return "ToBytes"
	case c.Nested():
		return "ToNested"
	case k == model.Int, k == model.Float:
		return "ToNumber"
	case k == model.Bool, k == model.Nothing:
		return ""
	}
	return "ToTime"
}

// columnType writes the type of a column, ipc.DenseUnion(2).WithTypeIDs(1, 5) of a union whose type ids are not their places.
func columnType(c *model.Column) *jen.Statement {
	if c.Type.Kind != model.Union {
		return arrowType(c.Type)
	}
	name := "SparseUnion"
	if c.Type.Dense {
		name = "DenseUnion"
	}
	s := ipc(name).Call(jen.Lit(len(c.Group.Columns)))
	var ids []jen.Code
	differ := false
	for i, id := range c.Group.TypeIDs() {
		ids = append(ids, jen.Lit(int(id)))
		differ = differ || int(id) != i
	}
	if differ {
		s = s.Dot("WithTypeIDs").Call(ids...)
	}
	return s
}

// arrowType writes ipc.Timestamp(column.Nanosecond, "UTC") or ipc.Float64.
func arrowType(t model.Type) *jen.Statement {
	switch t.Kind {
	case model.Timestamp:
		return ipc("Timestamp").Call(unit(t), jen.Lit(t.Zone))
	case model.Bool:
		return ipc("Bool")
	case model.Utf8:
		return ipc(map[model.Layout]string{model.Offsets: "Utf8", model.Large: "LargeUtf8", model.Views: "Utf8View"}[t.Layout])
	case model.Binary:
		return ipc(map[model.Layout]string{model.Offsets: "Binary", model.Large: "LargeBinary", model.Views: "BinaryView"}[t.Layout])
	case model.FixedBinary:
		return ipc("FixedSizeBinary").Call(jen.Lit(t.Width))
	case model.Time:
		return ipc("Time" + strconv.Itoa(t.Bits)).Call(unit(t))
	case model.Duration:
		return ipc("Duration").Call(unit(t))
	case model.Decimal:
		return ipc("Decimal").Call(jen.Lit(t.Bits), jen.Lit(t.Precision), jen.Lit(t.Scale))
	case model.Nothing:
		return ipc("Null")
	case model.List:
		return ipc(map[model.Layout]string{model.Offsets: "List", model.Large: "LargeList", model.Views: "ListView"}[t.Layout])
	case model.FixedList:
		return ipc("FixedSizeList").Call(jen.Lit(t.Width))
	case model.Map:
		return ipc("Map")
	case model.Struct:
		return ipc("Struct")
	case model.RunEnds:
		return ipc("RunEndEncoded")
	}
	name := t.String() // uint16 or float64
	return ipc(string(name[0]-'a'+'A') + name[1:])
}

// parseFunc writes the function that knows the names of a type.
func parseFunc(n *model.Named) *jen.Statement {
	return namedType(&model.Named{Path: n.Path, Package: n.Package, Name: "Parse" + n.Name})
}

// unit writes column.Nanosecond.
func unit(t model.Type) *jen.Statement {
	switch t.Unit {
	case model.Second:
		return column("Second")
	case model.Millisecond:
		return column("Millisecond")
	case model.Microsecond:
		return column("Microsecond")
	}
	return column("Nanosecond")
}

// defaultValue writes int64(-1), the widest type of the column's kind being what the runtime takes.
func defaultValue(c *model.Column) *jen.Statement {
	t := values(c).Type
	switch {
	case t.Kind == model.Int && t.Signed:
		return jen.Int64().Call(jen.Id(c.Default))
	case t.Kind == model.Int:
		return jen.Uint64().Call(jen.Id(c.Default))
	case t.Kind == model.Float:
		return jen.Float64().Call(jen.Id(c.Default))
	case t.Kind == model.Bool:
		return jen.Id(c.Default)
	case t.IsTimed():
		_, v, _ := model.ParseTimed(t, c.Default)
		switch v := v.(type) {
		case decimal.Decimal128:
			return column("Decimal128").Values(jen.Dict{jen.Id("Lo"): jen.Lit(v.Lo), jen.Id("Hi"): jen.Lit(v.Hi)})
		case decimal.Decimal256:
			var words []jen.Code
			for _, w := range v {
				words = append(words, jen.Lit(w))
			}
			return column("Decimal256").Values(words...)
		}
		return jen.Lit(v)
	}
	return jen.Lit(c.Default)
}

// emitReader writes
//
//	// TradeReader reads batches or rows of table "trade" from a stream.
//	type TradeReader = rt.Reader[Trade, TradeBatch]
func emitReader(t *model.Table) jen.Code {
	return comment("%s reads batches or rows of table %q from a stream.", t.Names.Reader, t.Name).
		Type().Id(t.Names.Reader).Op("=").Add(rt("Reader")).Types(jen.Id(t.Row), jen.Id(t.Names.Batch))
}

// emitNewReader writes
//
//	// NewTradeReader returns a reader of the Arrow stream that src carries. Nil options mean all defaults.
//	func NewTradeReader(src io.Reader, opts *rt.ReaderOptions) *TradeReader {
//		return rt.NewReader(TradeTable, src, opts)
//	}
func emitNewReader(t *model.Table) jen.Code {
	return comment("%s returns a reader of the Arrow stream that src carries. Nil options mean all defaults.", t.Names.NewReader).
		Func().Id(t.Names.NewReader).
		Params(jen.Id("src").Qual("io", "Reader"), jen.Id("opts").Op("*").Add(rt("ReaderOptions"))).
		Op("*").Id(t.Names.Reader).
		Block(jen.Return(rt("NewReader").Call(jen.Id(t.Names.Table), jen.Id("src"), jen.Id("opts"))))
}

// emitWriter writes
//
//	// TradeWriter writes batches or rows of table "trade" to a stream.
//	type TradeWriter = rt.Writer[Trade, TradeBatch, *TradeBuilder]
func emitWriter(t *model.Table) jen.Code {
	return comment("%s writes batches or rows of table %q to a stream.", t.Names.Writer, t.Name).
		Type().Id(t.Names.Writer).Op("=").Add(rt("Writer")).
		Types(jen.Id(t.Row), jen.Id(t.Names.Batch), jen.Op("*").Id(t.Names.Builder))
}

// emitNewWriter writes
//
//	// NewTradeWriter returns a writer of an Arrow stream to dst, which it does not own. …
//	func NewTradeWriter(dst io.Writer, opts *rt.WriterOptions) *TradeWriter {
//		return rt.NewWriter(TradeTable, dst, opts)
//	}
func emitNewWriter(t *model.Table) jen.Code {
	return comment("%s returns a writer of an Arrow stream to dst, which it does not own. It sends nothing yet. "+
		"Nil options mean all defaults.", t.Names.NewWriter).
		Func().Id(t.Names.NewWriter).
		Params(jen.Id("dst").Qual("io", "Writer"), jen.Id("opts").Op("*").Add(rt("WriterOptions"))).
		Op("*").Id(t.Names.Writer).
		Block(jen.Return(rt("NewWriter").Call(jen.Id(t.Names.Table), jen.Id("dst"), jen.Id("opts"))))
}
