package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// emitBatch writes
//
//	// TradeBatch is a batch of table "trade" as it was received. …
//	type TradeBatch struct{ h rt.Handle }
func emitBatch(t *model.Table) jen.Code {
	return comment("%s is a batch of table %q as it was received. Its columns alias the received bytes: they are read-only "+
		"and valid until Release. A batch may be used by several goroutines, none of them after Release.", t.Names.Batch, t.Name).
		Type().Id(t.Names.Batch).Custom(jen.Options{Open: "struct{ ", Close: " }"}, jen.Id("h").Add(rt("Handle")))
}

// emitNewBatch writes
//
//	func newTradeBatch(h rt.Handle) TradeBatch { return TradeBatch{h} }
func emitNewBatch(t *model.Table) jen.Code {
	return jen.Func().Id(t.Names.NewBatch).Params(jen.Id("h").Add(rt("Handle"))).Id(t.Names.Batch).
		Add(oneLine(jen.Return(jen.Id(t.Names.Batch).Values(jen.Id("h")))))
}

// batchMethod writes func (b TradeBatch) name(params) result.
func batchMethod(t *model.Table, name string, params ...jen.Code) *jen.Statement {
	return jen.Func().Params(jen.Id("b").Id(t.Names.Batch)).Id(name).Params(params...)
}

// emitLen writes
//
//	// Len returns the number of rows.
//	func (b TradeBatch) Len() int { return b.h.Len() }
func emitLen(t *model.Table) jen.Code {
	return comment("Len returns the number of rows.").
		Add(batchMethod(t, "Len")).Int().Add(oneLine(jen.Return(jen.Id("b.h").Dot("Len").Call())))
}

// emitAccessor writes
//
//	// Price returns column 2, "price": float64 not null. Buffers 4 (validity), 5 (values, 8 bytes each).
//	func (b TradeBatch) Price() []float64 { return rt.Values[float64](b.h, 2) }
func emitAccessor(t *model.Table, c *model.Column) jen.Code {
	s := commentDoc(c.Doc, "%s returns column %d, %q: %s. %s.", c.Method, c.Number, c.Name, c.Brief(), buffers(c)).
		Add(batchMethod(t, c.Method)).Add(viewType(c))
	data := jen.Id("b.h").Dot("Column").Call(jen.Lit(c.Number))
	switch {
	case !c.Nested():
		return s.Add(oneLine(jen.Return(viewFunc(c).Call(viewArgs(c)...))))
	case c.Group != nil:
		return s.Add(oneLine(jen.Return(viewOf(c, jen.Id("b.h"), data))))
	}
	return s.Block(viewBody(c, jen.Id("b.h"), data, whole)...)
}

// whole is the view of all rows.
func whole(view *jen.Statement) *jen.Statement { return view }

// buffers writes Buffers 4 (validity), 5 (values, 8 bytes each).
func buffers(c *model.Column) string {
	if len(c.Buffers) == 0 {
		return "No buffers"
	}
	list := make([]string, len(c.Buffers))
	for i, b := range c.Buffers {
		list[i] = fmt.Sprintf("%d (%s)", b.Number, b.Content)
	}
	if len(list) == 1 {
		return "Buffer " + list[0]
	}
	return "Buffers " + strings.Join(list, ", ")
}

func namedType(n *model.Named) *jen.Statement {
	if n.Path == "" {
		return jen.Id(n.Name)
	}
	return jen.Qual(n.Path, n.Name)
}

// converts tells whether a column's views and builders have another type than its rows, which is a named bool or string, or below another
// column a named byte slice. (A named number is the type of the column itself, and byte slices of a table are assignable.)
func converts(c *model.Column) bool {
	return c.Named != nil && !c.Fixed() && !c.Enum && !c.Nested()
}

// texts says what rows of the columns would share with their batch, "" for nothing.
func texts(columns []*model.Column) string {
	var text, bytes bool
	var look func(columns []*model.Column)
	look = func(columns []*model.Column) {
		for _, c := range columns {
			text = text || c.Index == nil && c.Type.Kind == model.Utf8
			bytes = bytes || c.Index == nil && c.Type.Kind == model.Binary
			look(c.Children)
			if c.Group != nil {
				look(c.Group.Columns)
			}
		}
	}
	look(columns)
	switch {
	case text && bytes:
		return "texts and byte strings"
	case text:
		return "texts"
	case bytes:
		return "byte strings"
	}
	return ""
}

// emitRowMethod writes
//
//	// Row returns row i with texts of its own.
//	func (b TradeBatch) Row(i int) Trade {
//		return Trade{
//			Time: b.Time().At(i),
//			Note: rt.PtrOf(b.Note().GetClone(i)),
//		}
//	}
func emitRowMethod(t *model.Table) jen.Code {
	var list []jen.Code
	for _, c := range t.Columns {
		view := jen.Id("b").Dot(c.Method).Call()
		if c.Nested() {
			list = append(list, field(c.Field, rt("ReadRow").Call(view, jen.Id("i"), reader(c))))
			continue
		}
		list = append(list, field(c.Field, rowValue(c, view, "i", "true", rt("PtrOf"))))
	}
	return comment("%s", ownDoc("Row returns row i", t.Columns)).
		Add(batchMethod(t, "Row", jen.Id("i").Int())).Id(t.Row).
		Block(jen.Return(jen.Id(t.Row).Add(fields(list...))))
}

// ownDoc says that a row has texts of its own, where it has any, and that it is the caller's.
func ownDoc(does string, columns []*model.Column) string {
	if s := texts(columns); s != "" {
		return does + " with " + s + " of its own."
	}
	return does + ", which is the caller's."
}

// rowValue writes the value of row i as the row struct holds it: view.At(i), or ptr(view.Get(i)) where it may be null. Own is true
// for copies of texts, false, or a variable that says which.
func rowValue(c *model.Column, view *jen.Statement, i, own string, ptr *jen.Statement) *jen.Statement {
	at, get := view.Clone().Dot("At").Call(jen.Id(i)), view.Clone().Dot("Get").Call(jen.Id(i))
	if c.Index == nil && c.Type.Kind == model.Utf8 || c.Type.Kind == model.Binary {
		switch own {
		case "true":
			at, get = view.Clone().Dot("Clone").Call(jen.Id(i)), view.Clone().Dot("GetClone").Call(jen.Id(i))
		case "own":
			args := []jen.Code{view.Clone(), jen.Id(i), jen.Id(own)}
			at, get = rt("OwnAt").Call(args...), rt("OwnGet").Call(args...)
		}
	}
	var value *jen.Statement
	switch {
	case c.Form == model.Pointer:
		value = ptr.Call(get)
	case c.Form == model.Null:
		value = rt("NullOf").Call(get)
	case c.Fixed():
		value = view.Index(jen.Id(i))
	default:
		value = at
	}
	switch {
	case !converts(c):
		return value
	case c.Form == model.Pointer:
		return jen.Parens(jen.Op("*").Add(namedType(c.Named))).Call(value)
	}
	return namedType(c.Named).Call(value)
}

// emitAppendTo writes
//
//	// AppendTo appends all rows to dst. The texts of a column are copied once and share their memory.
//	func (b TradeBatch) AppendTo(dst []Trade) []Trade {
//		return rt.AppendRows(b.h, dst, newTradeBatch, readTradeRows)
//	}
func emitAppendTo(t *model.Table) jen.Code {
	doc := "AppendTo appends all rows to dst."
	if s := texts(t.Columns); s != "" {
		doc += " The " + s + " of a column are copied once and share their memory."
	}
	return comment("%s", doc).
		Add(batchMethod(t, "AppendTo", jen.Id("dst").Index().Id(t.Row))).Index().Id(t.Row).
		Block(jen.Return(rt("AppendRows").Call(jen.Id("b.h"), jen.Id("dst"), jen.Id(t.Names.NewBatch), jen.Id(t.Names.ReadRows))))
}

// emitRelease writes
//
//	// Release gives the batch's memory to later batches. It is optional; the second call for one batch does nothing.
//	func (b TradeBatch) Release() { b.h.Release() }
func emitRelease(t *model.Table) jen.Code {
	return comment("Release gives the batch's memory to later batches. It is optional; the second call for one batch does nothing.").
		Add(batchMethod(t, "Release")).Add(oneLine(jen.Id("b.h").Dot("Release").Call()))
}

// emitRetain writes
//
//	// Retain returns a second handle on the batch, which is released on its own.
//	func (b TradeBatch) Retain() TradeBatch { return TradeBatch{b.h.Retain()} }
func emitRetain(t *model.Table) jen.Code {
	return comment("Retain returns a second handle on the batch, which is released on its own.").
		Add(batchMethod(t, "Retain")).Id(t.Names.Batch).
		Add(oneLine(jen.Return(jen.Id(t.Names.Batch).Values(jen.Id("b.h").Dot("Retain").Call()))))
}

// emitHandle writes
//
//	// Handle returns the batch without its Go types.
//	func (b TradeBatch) Handle() rt.Handle { return b.h }
func emitHandle(t *model.Table) jen.Code {
	return comment("Handle returns the batch without its Go types.").
		Add(batchMethod(t, "Handle")).Add(rt("Handle")).Add(oneLine(jen.Return(jen.Id("b.h"))))
}

// emitReadRows writes
//
//	// readTradeRows sets rows to those of b from row from on. Their texts alias the batch.
//	func readTradeRows(b TradeBatch, rows []Trade, from int) {
//		time, note := b.Time(), b.Note()
//		price := b.Price()[from:][:len(rows)]
//		noteSlab := rt.NewSlab[string](len(rows))
//		for i := range rows {
//			at := from + i
//			rows[i].Time = time.At(at)
//			rows[i].Price = price[i]
//			rows[i].Note = noteSlab.Ptr(note.Get(at))
//		}
//	}
func emitReadRows(t *model.Table) jen.Code {
	doc := fmt.Sprintf("%s sets rows to those of b from row from on.", t.Names.ReadRows)
	if s := texts(t.Columns); s != "" {
		doc += " Their " + s + " alias the batch."
	}
	r := rowReader{recv: "b", from: jen.Id("from"), at: "at", own: "false"}
	body := r.views(t.Columns)
	loop := r.sets(jen.Id(t.Row), t.Partial, t.Columns)
	if slices.ContainsFunc(t.Columns, func(c *model.Column) bool { return !c.Nested() && !sliced(c) }) {
		loop = append([]jen.Code{jen.Id("at").Op(":=").Id("from").Op("+").Id("i")}, loop...)
	}
	body = append(body, jen.For(jen.Id("i").Op(":=").Range().Id("rows")).Block(loop...))
	return comment("%s", doc).
		Func().Id(t.Names.ReadRows).
		Params(jen.Id("b").Id(t.Names.Batch), jen.Id("rows").Index().Id(t.Row), jen.Id("from").Int()).
		Block(body...)
}

// rowReader writes what reads rows of a batch or of a view.
type rowReader struct {
	recv string         // the batch or view
	from *jen.Statement // its first row
	at   string         // the row that rows[i] is
	own  string         // see rowValue
}

// sliced tells whether a column is read as a slice of as many values as there are rows, which are found without a check of bounds.
func sliced(c *model.Column) bool { return c.Fixed() && c.Form == model.Plain }

// views writes time, note := b.Time(), b.Note(), each on a line of its own where one line is too short, and after them the columns
// that are slices, nested columns and the memory of pointers.
func (r *rowReader) views(columns []*model.Column) (body []jen.Code) {
	var names, calls []string
	var lines, slices, more []jen.Code
	for _, c := range columns {
		call := jen.Id(r.recv).Dot(c.Method).Call()
		if c.Nested() {
			own := jen.Id(r.own)
			if r.own != "own" {
				own = rt("Aliased")
			}
			more = append(more, jen.Id(c.Local).Op(":=").Add(rt("ReadRows").Call(call, r.from.Clone(), jen.Len(jen.Id("rows")), own, reader(c))))
			continue
		}
		if sliced(c) {
			if r.at != "i" {
				call = call.Index(r.from.Clone(), jen.Empty())
			}
			slices = append(slices, jen.Id(c.Local).Op(":=").Add(call).Index(jen.Empty(), jen.Len(jen.Id("rows"))))
			continue
		}
		names, calls = append(names, c.Local), append(calls, r.recv+"."+c.Method+"()")
		lines = append(lines, jen.Id(c.Local).Op(":=").Add(call))
		if c.Form == model.Pointer {
			more = append(more, jen.Id(c.Slab).Op(":=").Add(rt("NewSlab")).Types(slabType(c)).Call(jen.Len(jen.Id("rows"))))
		}
	}
	more = append(slices, more...)
	line := strings.Join(names, ", ") + " := " + strings.Join(calls, ", ")
	switch {
	case len(names) == 0:
		return more
	case 4+len(line) <= lineWidth:
		return append([]jen.Code{jen.Id(line)}, more...)
	}
	return append(lines, more...)
}

// sets writes the fields of rows[i], each for itself: a literal of the whole row would be put together elsewhere and copied from there, of
// which the processor waits for each part. Fields that are no columns become zero, as rows may be memory that is used again.
func (r *rowReader) sets(row *jen.Statement, partial bool, columns []*model.Column) (list []jen.Code) {
	at := func() *jen.Statement { return jen.Id("rows").Index(jen.Id("i")) }
	if partial || len(columns) == 0 {
		list = append(list, at().Op("=").Add(row).Values())
	}
	for _, c := range columns {
		value := jen.Id(c.Local).Index(jen.Id("i"))
		if !c.Nested() && !sliced(c) {
			value = rowValue(c, jen.Id(c.Local), r.at, r.own, jen.Id(c.Slab).Dot("Ptr"))
		}
		list = append(list, at().Dot(c.Field).Op("=").Add(value))
	}
	return list
}
