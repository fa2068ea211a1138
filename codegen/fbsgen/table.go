package fbsgen

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"
	"github.com/lightstream-go/lightstream/codegen/fbs"
)

// table writes a table:
//
//	// KeyValue is a table of 2 fields. A pair of texts that a program attached to something.
//	type KeyValue struct{ t flatbuf.Table }
func (e *emitter) table(g *goTable) []jen.Code {
	fields := count(len(g.fields), "field")
	if len(g.fields) == 0 {
		fields = "no fields"
	}
	list := []jen.Code{
		documented(comment(fmt.Sprintf("%s is a table of %s.", g.goName, fields), g.doc),
			wrapper(g.goName, "t", jen.Qual(e.opt.Runtime, "Table"))),
	}
	if g.root {
		list = append(list, e.verifyRoot(g))
	}
	list = append(list, documented(comment("IsZero reports whether the table is absent. Its fields are then absent too.", nil),
		short(method(g.receiver, g.goName, "IsZero").Params().Bool(), jen.Return(jen.Id(g.receiver).Dot("t").Dot("IsZero").Call()))))
	for _, f := range g.fields {
		list = append(list, e.tableField(tableField{e, g, f})...)
	}
	if !e.opt.ReadOnly {
		list = append(list, e.tableWriters(g)...)
	}
	if g.verify != "" {
		list = append(list, e.verifyTable(g)...)
	}
	return list
}

// tableField is a field and where it is.
type tableField struct {
	*emitter
	g *goTable
	*goField
}

func (e *emitter) tableField(f tableField) []jen.Code {
	switch f.Type.Kind {
	case fbs.String:
		return f.stringField()
	case fbs.StructType:
		return f.structField()
	case fbs.TableType:
		return []jen.Code{f.tableValue(), f.has()}
	case fbs.UnionType:
		return f.unionField()
	case fbs.VectorOf:
		return f.vectorField()
	}
	return f.scalarField()
}

// t is the runtime's table.
func (f tableField) t() *jen.Statement { return jen.Id(f.g.receiver).Dot("t") }

// method begins a method of the table.
func (f tableField) method(name string) *jen.Statement { return method(f.g.receiver, f.g.goName, name) }

// has writes:
//
//	// HasName reports whether "name" is there.
//	func (f Field) HasName() bool { return f.t.Has(0) }
func (f tableField) has() jen.Code {
	return documented(comment(fmt.Sprintf("Has%s reports whether %q is there.", f.goName, f.Name), nil),
		short(f.method("Has"+f.goName).Params().Bool(), jen.Return(f.t().Dot("Has").Call(jen.Lit(f.Slot)))))
}

// pos writes:
//
//	// LengthPos returns where "length" is stored, in bytes from the start of the buffer; 0 when it is absent.
//	func (r RecordBatch) LengthPos() int { return r.t.Pos(0) }
func (f tableField) pos() jen.Code {
	return documented(comment(fmt.Sprintf("%sPos returns where %q is stored, in bytes from the start of the buffer; 0 when it is absent.", f.goName, f.Name), nil),
		short(f.method(f.goName+"Pos").Params().Int(), jen.Return(f.t().Dot("Pos").Call(jen.Lit(f.Slot)))))
}

// scalarField writes:
//
//	// Version returns "version", V1 when absent: the edition of the metadata.
//	func (m Message) Version() MetadataVersion { return MetadataVersion(m.t.Int16(0, 0)) }
//
// With a default of null there is a second result:
//
//	// Level returns "level", and whether it is there.
//	func (m Message) Level() (int32, bool) { return m.t.Int32(0, 0), m.t.Has(0) }
func (f tableField) scalarField() []jen.Code {
	get := f.scalar(f.Type, f.t().Dot(runtimeKind(f.Type.Base())).Call(jen.Lit(f.Slot), f.defaultValue()))
	if f.Optional() {
		return []jen.Code{
			documented(fieldComment(fmt.Sprintf("%s returns %q, and whether it is there", f.goName, f.Name), f.Doc),
				short(f.method(f.goName).Params().Params(f.scalarType(f.Type), jen.Bool()), jen.Return(get, f.t().Dot("Has").Call(jen.Lit(f.Slot))))),
			f.pos(),
		}
	}
	return []jen.Code{
		documented(fieldComment(fmt.Sprintf("%s returns %q, %s when absent", f.goName, f.Name, f.defaultName()), f.Doc),
			short(f.method(f.goName).Params().Add(f.scalarType(f.Type)), jen.Return(get))),
		f.pos(),
	}
}

// defaultValue is the number that stands for an absent one.
func (f tableField) defaultValue() *jen.Statement {
	d := f.Default
	switch k := f.Type.Base(); {
	case k == fbs.Bool:
		return jen.Lit(d.Int != 0)
	case k.IsFloat():
		return floatValue(d.Float, k)
	case k.IsUnsigned():
		return jen.Id(strconv.FormatUint(uint64(d.Int), 10))
	}
	return jen.Id(strconv.FormatInt(d.Int, 10))
}

// floatValue is a floating-point number in Go.
func floatValue(v float64, k fbs.Kind) *jen.Statement {
	var code *jen.Statement
	switch {
	case math.IsNaN(v):
		code = jen.Qual("math", "NaN").Call()
	case math.IsInf(v, 0):
		code = jen.Qual("math", "Inf").Call(jen.Lit(int(math.Copysign(1, v))))
	default:
		return jen.Id(strconv.FormatFloat(v, 'g', -1, 8*k.Size()))
	}
	if k == fbs.Float {
		return jen.Float32().Parens(code)
	}
	return code
}

// defaultName is how comments call the default.
func (f tableField) defaultName() string {
	if f.Type.Base().IsFloat() {
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f.Default.Float, 'g', -1, 8*f.Type.Size()), "+"))
	}
	if f.Type.Kind != fbs.EnumType {
		return f.defaultValue().GoString()
	}
	for _, v := range f.model.enums[f.Type.Enum].values {
		if v.value == f.Default.Int {
			return v.goName
		}
	}
	return f.defaultValue().GoString()
}

// stringField writes:
//
//	// Name returns a copy of "name", empty when absent: the column's name.
//	func (f Field) Name() string { return f.t.String(0, "") }
//
//	// NameBytes returns the bytes of "name", nil when absent. They alias the buffer.
//	func (f Field) NameBytes() []byte { return f.t.Bytes(0) }
func (f tableField) stringField() []jen.Code {
	empty := "empty"
	if f.Default.Str != "" {
		empty = strconv.Quote(f.Default.Str)
	}
	return []jen.Code{
		documented(fieldComment(fmt.Sprintf("%s returns a copy of %q, %s when absent", f.goName, f.Name, empty), f.Doc),
			short(f.method(f.goName).Params().String(), jen.Return(f.t().Dot("String").Call(jen.Lit(f.Slot), jen.Lit(f.Default.Str))))),
		documented(comment(fmt.Sprintf("%sBytes returns the bytes of %q, nil when absent. They alias the buffer.", f.goName, f.Name), nil),
			short(f.method(f.goName+"Bytes").Params().Index().Byte(), jen.Return(f.t().Dot("Bytes").Call(jen.Lit(f.Slot))))),
		f.has(),
	}
}

// structField writes:
//
//	// Data returns "data", the zero Buffer when absent: where the elements are in the body.
//	func (t Tensor) Data() Buffer { return Buffer{t.t.Struct(4, 16)} }
func (f tableField) structField() []jen.Code {
	name := f.defined(f.Type)
	return []jen.Code{
		documented(fieldComment(fmt.Sprintf("%s returns %q, the zero %s when absent", f.goName, f.Name, name), f.Doc),
			short(f.method(f.goName).Params().Id(name), jen.Return(jen.Id(name).Values(f.t().Dot("Struct").Call(jen.Lit(f.Slot), jen.Lit(f.Type.Size())))))),
		f.pos(),
		f.has(),
	}
}

// tableValue writes:
//
//	// Schema returns "schema", the zero Schema when absent: the columns of the file.
//	func (f Footer) Schema() Schema { return Schema{f.t.Table(1)} }
func (f tableField) tableValue() jen.Code {
	name := f.defined(f.Type)
	return documented(fieldComment(fmt.Sprintf("%s returns %q, the zero %s when absent", f.goName, f.Name, name), f.Doc),
		short(f.method(f.goName).Params().Id(name), jen.Return(jen.Id(name).Values(f.t().Dot("Table").Call(jen.Lit(f.Slot))))))
}

// unionField writes:
//
//	// HeaderType returns the tag of "header", MessageHeaderNone when absent: what the message carries.
//	func (m Message) HeaderType() MessageHeader { return MessageHeader(m.t.Uint8(1, 0)) }
//
//	// HeaderSchema returns "header" if it is a Schema.
//	func (m Message) HeaderSchema() (Schema, bool) {
//		if m.HeaderType() != MessageHeaderSchema {
//			return Schema{}, false
//		}
//		return Schema{m.t.Table(2)}, true
//	}
func (f tableField) unionField() []jen.Code {
	u := f.model.unions[f.Type.Union]
	list := []jen.Code{documented(fieldComment(fmt.Sprintf("%sType returns the tag of %q, %s when absent", f.goName, f.Name, u.values[0].goName), f.Doc),
		short(f.method(f.goName+"Type").Params().Id(u.goName), jen.Return(jen.Id(u.goName).Parens(f.t().Dot("Uint8").Call(jen.Lit(f.Slot), jen.Lit(0))))))}
	for _, m := range u.members {
		list = append(list, f.unionMember(m))
	}
	return list
}

func (f tableField) unionMember(m *goMember) jen.Code {
	tag := jen.Id(f.g.receiver).Dot(f.goName + "Type").Call().Op("!=").Id(m.tag.goName)
	typ, zero, value := f.memberValue(m.typ)
	what := articled(typ.GoString())
	if m.goName != typ.GoString() {
		what += fmt.Sprintf(" named %q", m.tag.name)
	}
	return documented(comment(fmt.Sprintf("%s%s returns %q if it is %s.", f.goName, m.goName, f.Name, what), nil),
		f.method(f.goName+m.goName).Params().Params(typ, jen.Bool()).Block(
			jen.If(tag).Block(jen.Return(zero, jen.False())),
			jen.Return(value, jen.True()),
		))
}

// articled puts an article before a name.
func articled(name string) string {
	switch name[0] {
	case 'A', 'E', 'I', 'O':
		return "an " + name
	}
	return "a " + name
}

func (f tableField) memberValue(t *fbs.Type) (typ, zero, value *jen.Statement) {
	slot := jen.Lit(f.Slot + 1)
	if t.Kind == fbs.String {
		return jen.String(), jen.Lit(""), f.t().Dot("String").Call(slot, jen.Lit(""))
	}
	name := f.defined(t)
	value = f.t().Dot("Table").Call(slot)
	if t.Kind == fbs.StructType {
		value = value.Dot("Inline").Call(jen.Lit(t.Size()))
	}
	return jen.Id(name), jen.Id(name).Values(), jen.Id(name).Values(value)
}

// vectorField writes:
//
//	// NodesLen returns how many elements "nodes" has: every column and, after it, the columns inside it.
//	func (r RecordBatch) NodesLen() int { return r.t.Vector(1, 16).Len() }
//
//	// Nodes returns element i of "nodes", which has to be less than NodesLen.
//	func (r RecordBatch) Nodes(i int) FieldNode { return FieldNode{r.t.Vector(1, 16).Struct(i)} }
//
// and, where the elements themselves are in the vector:
//
//	// NodesPos returns where element 0 of "nodes" is, in bytes from the start of the buffer; 0 when it is absent.
//	func (r RecordBatch) NodesPos() int { return r.t.Vector(1, 16).Pos() }
//
//	// NodesBytes returns the elements of "nodes" as they are stored, nil when absent. They alias the buffer.
//	func (r RecordBatch) NodesBytes() []byte { return r.t.Vector(1, 16).Bytes() }
func (f tableField) vectorField() []jen.Code {
	elem := f.Type.Elem
	vector := func() *jen.Statement { return f.t().Dot("Vector").Call(jen.Lit(f.Slot), jen.Lit(elem.Size())) }
	i := indexName(f.g.receiver)
	typ, get := f.element(vector(), i)
	list := []jen.Code{
		documented(fieldComment(fmt.Sprintf("%sLen returns how many elements %q has", f.goName, f.Name), f.Doc),
			short(f.method(f.goName+"Len").Params().Int(), jen.Return(vector().Dot("Len").Call()))),
		documented(comment(fmt.Sprintf("%s returns element %s of %q, which has to be less than %sLen.", f.goName, i, f.Name, f.goName), nil),
			short(f.method(f.goName).Params(jen.Id(i).Int()).Add(typ), jen.Return(get))),
	}
	switch elem.Kind {
	case fbs.TableType:
	case fbs.String:
		list = append(list, documented(comment(fmt.Sprintf("%sBytes returns the bytes of element %s of %q. They alias the buffer.", f.goName, i, f.Name), nil),
			short(f.method(f.goName+"Bytes").Params(jen.Id(i).Int()).Index().Byte(), jen.Return(vector().Dot("Text").Call(jen.Id(i))))))
	default:
		list = append(list,
			documented(comment(fmt.Sprintf("%sPos returns where element 0 of %q is, in bytes from the start of the buffer; 0 when it is absent.", f.goName, f.Name), nil),
				short(f.method(f.goName+"Pos").Params().Int(), jen.Return(vector().Dot("Pos").Call()))),
			documented(comment(fmt.Sprintf("%sBytes returns the elements of %q as they are stored, nil when absent. They alias the buffer.", f.goName, f.Name), nil),
				short(f.method(f.goName+"Bytes").Params().Index().Byte(), jen.Return(vector().Dot("Bytes").Call()))))
	}
	return append(list, f.has())
}

// element reads element i of a vector.
func (f tableField) element(vector *jen.Statement, i string) (typ, code *jen.Statement) {
	elem := f.Type.Elem
	switch elem.Kind {
	case fbs.TableType:
		name := f.defined(elem)
		return jen.Id(name), jen.Id(name).Values(vector.Dot("Table").Call(jen.Id(i)))
	case fbs.StructType:
		name := f.defined(elem)
		return jen.Id(name), jen.Id(name).Values(vector.Dot("Struct").Call(jen.Id(i)))
	case fbs.String:
		return jen.String(), jen.String().Parens(vector.Dot("Text").Call(jen.Id(i)))
	}
	return f.scalarType(elem), f.scalar(elem, vector.Dot(runtimeKind(elem.Base())).Call(jen.Id(i)))
}
