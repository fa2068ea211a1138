package fbsgen

import (
	"fmt"

	"github.com/dave/jennifer/jen"
	"github.com/lightstream-go/lightstream/codegen/fbs"
)

// tableWriters writes the functions that build a table:
//
//	// MessageStart begins a [Message]. Strings, vectors and tables that it leads to are written before.
//	func MessageStart(b *flatbuffers.Builder) { b.StartObject(5) }
//
//	// MessageEnd ends a [Message] and returns where it is.
//	func MessageEnd(b *flatbuffers.Builder) flatbuffers.UOffsetT { return b.EndObject() }
func (e *emitter) tableWriters(g *goTable) []jen.Code {
	list := []jen.Code{documented(comment(fmt.Sprintf("%sStart begins %s. What its fields lead to is written before.", g.goName, linked(g.goName)), nil),
		short(jen.Func().Id(g.goName+"Start").Params(e.builder()), jen.Id("b").Dot("StartObject").Call(jen.Lit(g.slots))))}
	for _, f := range g.fields {
		list = append(list, e.fieldWriters(g, f)...)
	}
	return append(list, documented(comment(fmt.Sprintf("%sEnd ends %s and returns where it is.", g.goName, linked(g.goName)), nil),
		short(jen.Func().Id(g.goName+"End").Params(e.builder()).Add(e.uoffset()), jen.Return(jen.Id("b").Dot("EndObject").Call()))))
}

func (e *emitter) fieldWriters(g *goTable, f *goField) []jen.Code {
	tf := tableField{e, g, f}
	switch {
	case f.Type.IsScalar() && f.Optional():
		return []jen.Code{tf.addScalar()}
	case f.Type.IsScalar():
		return []jen.Code{tf.addScalar(), tf.forceScalar()}
	case f.Type.Kind == fbs.UnionType:
		return []jen.Code{tf.addTag(), tf.addOffset(f.Slot + 1)}
	case f.Type.Kind == fbs.VectorOf:
		return []jen.Code{tf.startVector(), tf.addOffset(f.Slot)}
	case f.Type.Kind == fbs.StructType:
		return []jen.Code{tf.addStruct()}
	}
	return []jen.Code{tf.addOffset(f.Slot)}
}

// writer begins a function that writes to a builder.
func (f tableField) writer(name string, params ...jen.Code) *jen.Statement {
	return jen.Func().Id(name).Params(append([]jen.Code{f.builder()}, params...)...)
}

// addScalar writes:
//
//	// MessageAddBodyLength adds "bodyLength", unless it is the default.
//	func MessageAddBodyLength(b *flatbuffers.Builder, bodyLength int64) { b.PrependInt64Slot(3, bodyLength, 0) }
//
// A field whose default is null has none to leave out.
func (f tableField) addScalar() jen.Code {
	value := number(f.Type, jen.Id(f.param))
	name := f.g.goName + "Add" + f.goName
	if f.Optional() {
		return documented(comment(fmt.Sprintf("%s adds %q.", name, f.Name), nil), f.writer(name, f.scalarParam()).Block(f.forced()...))
	}
	return documented(comment(fmt.Sprintf("%s adds %q, unless it is the default.", name, f.Name), nil),
		short(f.writer(name, f.scalarParam()),
			jen.Id("b").Dot("Prepend"+builderKind(f.Type.Base())+"Slot").Call(jen.Lit(f.Slot), value, f.defaultValue())))
}

func (f tableField) scalarParam() jen.Code { return jen.Id(f.param).Add(f.scalarType(f.Type)) }

// forceScalar writes:
//
//	// MessageForceBodyLength adds "bodyLength" even if it is the default.
//	func MessageForceBodyLength(b *flatbuffers.Builder, bodyLength int64) {
//		b.PrependInt64(bodyLength)
//		b.Slot(3)
//	}
func (f tableField) forceScalar() jen.Code {
	name := f.g.goName + "Force" + f.goName
	return documented(comment(fmt.Sprintf("%s adds %q even if it is the default.", name, f.Name), nil),
		f.writer(name, f.scalarParam()).Block(f.forced()...))
}

func (f tableField) forced() []jen.Code {
	return []jen.Code{
		jen.Id("b").Dot("Prepend" + builderKind(f.Type.Base())).Call(number(f.Type, jen.Id(f.param))),
		jen.Id("b").Dot("Slot").Call(jen.Lit(f.Slot)),
	}
}

// addTag writes:
//
//	// MessageAddHeaderType adds the tag of "header".
//	func MessageAddHeaderType(b *flatbuffers.Builder, tag MessageHeader) { b.PrependByteSlot(1, byte(tag), 0) }
func (f tableField) addTag() jen.Code {
	name := f.g.goName + "Add" + f.goName + "Type"
	return documented(comment(fmt.Sprintf("%s adds the tag of %q.", name, f.Name), nil),
		short(f.writer(name, jen.Id("tag").Id(f.defined(f.Type))),
			jen.Id("b").Dot("PrependByteSlot").Call(jen.Lit(f.Slot), jen.Byte().Parens(jen.Id("tag")), jen.Lit(0))))
}

// addOffset writes:
//
//	// MessageAddHeader adds "header", which was written before.
//	func MessageAddHeader(b *flatbuffers.Builder, header flatbuffers.UOffsetT) { b.PrependUOffsetTSlot(2, header, 0) }
func (f tableField) addOffset(slot int) jen.Code {
	name := f.g.goName + "Add" + f.goName
	required := ""
	if f.Required {
		required = " It is required."
	}
	return documented(comment(fmt.Sprintf("%s adds %q, which was written before.%s", name, f.Name, required), nil),
		short(f.writer(name, jen.Id(f.param).Add(f.uoffset())),
			jen.Id("b").Dot("PrependUOffsetTSlot").Call(jen.Lit(slot), jen.Id(f.param), jen.Lit(0))))
}

// addStruct writes:
//
//	// TensorAddData adds "data", which [CreateBuffer] has just written.
//	func TensorAddData(b *flatbuffers.Builder, data flatbuffers.UOffsetT) { b.PrependStructSlot(4, data, 0) }
func (f tableField) addStruct() jen.Code {
	name := f.g.goName + "Add" + f.goName
	required := ""
	if f.Required {
		required = " It is required."
	}
	create := f.model.structs[f.Type.Struct].create
	return documented(comment(fmt.Sprintf("%s adds %q, which [%s] has just written.%s", name, f.Name, create, required), nil),
		short(f.writer(name, jen.Id(f.param).Add(f.uoffset())),
			jen.Id("b").Dot("PrependStructSlot").Call(jen.Lit(f.Slot), jen.Id(f.param), jen.Lit(0))))
}

// startVector writes:
//
//	// RecordBatchStartNodes begins "nodes" of n elements, which are written from the last to the first; b.EndVector(n)
//	// ends it.
//	func RecordBatchStartNodes(b *flatbuffers.Builder, n int) { b.StartVector(16, n, 8) }
func (f tableField) startVector() jen.Code {
	elem := f.Type.Elem
	name := f.g.goName + "Start" + f.goName
	return documented(comment(fmt.Sprintf("%s begins %q of n elements, which are written from the last to the first; b.EndVector(n) ends it.", name, f.Name), nil),
		short(f.writer(name, jen.Id("n").Int()),
			jen.Id("b").Dot("StartVector").Call(jen.Lit(elem.Size()), jen.Id("n"), jen.Lit(elem.Align()))))
}
