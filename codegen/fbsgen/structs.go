package fbsgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"
	"github.com/lightstream-go/lightstream/codegen/fbs"
)

// structType writes a struct:
//
//	// Buffer is a struct of 16 bytes. Where one buffer lies in a message body.
//	type Buffer struct{ s flatbuf.Struct }
//
//	// BufferSize is the size of a [Buffer] in bytes.
//	const BufferSize = 16
func (e *emitter) structType(g *goStruct) []jen.Code {
	list := []jen.Code{
		documented(comment(fmt.Sprintf("%s is a struct of %s.", g.goName, count(g.size, "byte")), g.doc),
			wrapper(g.goName, "s", jen.Qual(e.opt.Runtime, "Struct"))),
		documented(comment(fmt.Sprintf("%s is the size of %s in bytes.", g.sizeName, linked(g.goName)), nil),
			jen.Const().Id(g.sizeName).Op("=").Lit(g.size)),
		documented(comment("IsZero reports whether the struct is absent. Its fields are then zero.", nil),
			short(method(g.receiver, g.goName, "IsZero").Params().Bool(), jen.Return(jen.Id(g.receiver).Dot("s").Op("==").Nil()))),
	}
	for _, f := range g.fields {
		list = append(list, e.structField(g, f)...)
	}
	if !e.opt.ReadOnly {
		list = append(list, e.createStruct(g))
	}
	return list
}

// method begins a method: func (r T) Name.
func method(receiver, typ, name string) *jen.Statement {
	return jen.Func().Params(jen.Id(receiver).Id(typ)).Id(name)
}

// structField writes the accessors of a field of a struct:
//
//	// Length returns "length", at byte 8: how many bytes it has.
//	func (b Buffer) Length() int64 { return b.s.Int64(8) }
func (e *emitter) structField(g *goStruct, f *goField) []jen.Code {
	s := func() *jen.Statement { return jen.Id(g.receiver).Dot("s") }
	where := fmt.Sprintf("%q, at byte %d", f.Name, f.Offset)
	if f.Type.Kind != fbs.ArrayOf {
		code, typ := e.inlineValue(f.Type, s(), jen.Lit(f.Offset))
		return []jen.Code{documented(fieldComment(fmt.Sprintf("%s returns %s", f.goName, where), f.Doc),
			short(method(g.receiver, g.goName, f.goName).Params().Add(typ), jen.Return(code)))}
	}
	i := indexName(g.receiver)
	elem := f.Type.Elem
	code, typ := e.inlineValue(elem, s().Dot("Elem").Call(jen.Lit(f.Offset), jen.Lit(f.Type.Len), jen.Lit(elem.Size()), jen.Id(i)), jen.Lit(0))
	return []jen.Code{
		documented(fieldComment(fmt.Sprintf("%s returns element %s of %s", f.goName, i, where), f.Doc),
			short(method(g.receiver, g.goName, f.goName).Params(jen.Id(i).Int()).Add(typ), jen.Return(code))),
		documented(comment(fmt.Sprintf("%sLen returns %d, how many elements %q has.", f.goName, f.Type.Len, f.Name), nil),
			short(method(g.receiver, g.goName, f.goName+"Len").Params().Int(), jen.Return(jen.Lit(f.Type.Len)))),
	}
}

// indexName is the name of an index, i unless the receiver has it.
func indexName(receiver string) string {
	if receiver == "i" {
		return "n"
	}
	return "i"
}

// inlineValue reads a number, an enum or a struct at an offset of a struct.
func (e *emitter) inlineValue(t *fbs.Type, s, off *jen.Statement) (code, typ *jen.Statement) {
	if t.Kind == fbs.StructType {
		name := e.defined(t)
		return jen.Id(name).Values(s.Dot("Struct").Call(off, jen.Lit(t.Size()))), jen.Id(name)
	}
	return e.scalar(t, s.Dot(runtimeKind(t.Base())).Call(off)), e.scalarType(t)
}

// createStruct writes the function that writes a struct:
//
//	// CreateBuffer writes a [Buffer] as the next element of a vector, or as a field right before it is added to a table.
//	func CreateBuffer(b *flatbuffers.Builder, offset, length int64) flatbuffers.UOffsetT {
//		b.Prep(8, 16)
//		b.PrependInt64(length)
//		b.PrependInt64(offset)
//		return b.Offset()
//	}
func (e *emitter) createStruct(g *goStruct) jen.Code {
	w := structWriter{e, []param{{"b", jen.Op("*").Qual(e.opt.Builder, "Builder")}}, nil}
	w.write(g, "")
	w.body = append(w.body, jen.Return(jen.Id("b").Dot("Offset").Call()))
	return documented(comment(fmt.Sprintf("%s writes %s as the next element of a vector, or as a field right before it is added to a table.", g.create, linked(g.goName)), nil),
		jen.Func().Id(g.create).Params(grouped(w.params)...).Add(e.uoffset()).Block(w.body...))
}

// linked is a name as a link, with an article.
func linked(goName string) string {
	return strings.Replace(articled(goName), goName, "["+goName+"]", 1)
}

func (e *emitter) builder() *jen.Statement {
	return jen.Id("b").Op("*").Qual(e.opt.Builder, "Builder")
}

func (e *emitter) uoffset() *jen.Statement { return jen.Qual(e.opt.Builder, "UOffsetT") }

// param is a parameter of a function.
type param struct {
	name string
	typ  *jen.Statement
}

// grouped writes parameters with one type for neighbours that have the same.
func grouped(params []param) []jen.Code {
	var list []jen.Code
	for i, p := range params {
		if i+1 < len(params) && p.typ.GoString() == params[i+1].typ.GoString() {
			list = append(list, jen.Id(p.name))
			continue
		}
		list = append(list, jen.Id(p.name).Add(p.typ))
	}
	return list
}

// structWriter writes the parameters and the statements of a function that writes a struct. Parameters are in the order
// of fields; builders go backwards, so statements are in the order from the last field to the first.
type structWriter struct {
	*emitter
	params []param
	body   []jen.Code
}

// param adds a parameter with a name that no other has.
func (w *structWriter) param(name string, typ *jen.Statement) string {
	for slices.ContainsFunc(w.params, func(p param) bool { return p.name == name }) {
		name += "_"
	}
	w.params = append(w.params, param{name, typ})
	return name
}

// write writes a struct that lies in the field prefix of another, or is not in one.
func (w *structWriter) write(g *goStruct, prefix string) {
	before := w.body
	w.body = nil
	end := 0
	for _, f := range g.fields {
		name := f.param
		if prefix != "" {
			name = prefix + exported(f.Name)
		}
		if pad := f.Offset - end; pad > 0 {
			w.prepend(padding(pad))
		}
		end = f.Offset + f.Type.Size()
		w.field(f.Type, name)
	}
	if pad := g.size - end; pad > 0 {
		w.prepend(padding(pad))
	}
	w.prepend(jen.Id("b").Dot("Prep").Call(jen.Lit(g.align), jen.Lit(g.size)))
	w.body = append(w.body, before...)
}

func (w *structWriter) prepend(c jen.Code) { w.body = slices.Insert(w.body, 0, c) }

func padding(n int) jen.Code { return jen.Id("b").Dot("Pad").Call(jen.Lit(n)) }

func (w *structWriter) field(t *fbs.Type, name string) {
	switch {
	case t.Kind == fbs.StructType:
		w.write(w.model.structs[t.Struct], name)
	case t.Kind == fbs.ArrayOf && t.Elem.Kind == fbs.StructType:
		w.prepend(prependArray(t, w.param(name, jen.Index(jen.Lit(t.Len)).Id(w.defined(t.Elem)))))
	case t.Kind == fbs.ArrayOf:
		w.prepend(prependArray(t, w.param(name, jen.Index(jen.Lit(t.Len)).Add(w.scalarType(t.Elem)))))
	default:
		w.prepend(jen.Id("b").Dot("Prepend" + builderKind(t.Base())).Call(number(t, jen.Id(w.param(name, w.scalarType(t))))))
	}
}

// prependArray writes an array:
//
//	for i := len(weights) - 1; i >= 0; i-- {
//		b.PrependFloat32(weights[i])
//	}
//
// Structs in it are copied from where they were read, last byte first.
func prependArray(t *fbs.Type, name string) jen.Code {
	elem := jen.Id(name).Index(jen.Id("i"))
	var write jen.Code
	if t.Elem.Kind == fbs.StructType {
		write = countDown("at", jen.Lit(t.Elem.Size()-1), jen.Id("b").Dot("PrependByte").Call(elem.Dot("s").Dot("Uint8").Call(jen.Id("at"))))
	} else {
		write = jen.Id("b").Dot("Prepend" + builderKind(t.Elem.Base())).Call(number(t.Elem, elem))
	}
	return countDown("i", jen.Len(jen.Id(name)).Op("-").Lit(1), write)
}

// countDown writes a loop from last to 0.
func countDown(index string, last *jen.Statement, body jen.Code) jen.Code {
	i := func() *jen.Statement { return jen.Id(index) }
	return jen.For(i().Op(":=").Add(last), i().Op(">=").Lit(0), i().Op("--")).Block(body)
}
