package fbsgen

import (
	"fmt"

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
		documented(comment(fmt.Sprintf("%s is the size of a [%s] in bytes.", g.sizeName, g.goName), nil),
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
//	// CreateBuffer writes a [Buffer] where the table or vector being built has its next field or element.
//	func CreateBuffer(b *flatbuffers.Builder, offset, length int64) flatbuffers.UOffsetT {
//		b.Prep(8, 16)
//		b.PrependInt64(length)
//		b.PrependInt64(offset)
//		return b.Offset()
//	}
func (e *emitter) createStruct(g *goStruct) jen.Code {
	params := []param{{"b", jen.Op("*").Qual(e.opt.Builder, "Builder")}}
	e.structParams(g, "", &params)
	var body []jen.Code
	e.prependStruct(g, "", &body)
	body = append(body, jen.Return(jen.Id("b").Dot("Offset").Call()))
	return documented(comment(fmt.Sprintf("%s writes a [%s] as the next element of a vector, or as a field right before it is added to a table.", g.create, g.goName), nil),
		jen.Func().Id(g.create).Params(grouped(params)...).Add(e.uoffset()).Block(body...))
}

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

func (e *emitter) builder() *jen.Statement {
	return jen.Id("b").Op("*").Qual(e.opt.Builder, "Builder")
}

func (e *emitter) uoffset() *jen.Statement { return jen.Qual(e.opt.Builder, "UOffsetT") }

// structParams lists a parameter for each number in a struct, inner structs included.
func (e *emitter) structParams(g *goStruct, prefix string, params *[]param) {
	for _, f := range g.fields {
		name := paramName(prefix, f)
		switch t := f.Type; {
		case t.Kind == fbs.StructType:
			e.structParams(e.model.structs[t.Struct], name, params)
		case t.Kind == fbs.ArrayOf && t.Elem.Kind == fbs.StructType:
			*params = append(*params, param{name, jen.Index(jen.Lit(t.Len)).Id(e.defined(t.Elem))})
		case t.Kind == fbs.ArrayOf:
			*params = append(*params, param{name, jen.Index(jen.Lit(t.Len)).Add(e.scalarType(t.Elem))})
		default:
			*params = append(*params, param{name, e.scalarType(t)})
		}
	}
}

// paramName is the parameter for a field of a struct that lies in the field prefix of another.
func paramName(prefix string, f *goField) string {
	if prefix == "" {
		return f.param
	}
	return prefix + exported(f.Name)
}

// prependStruct writes a struct from its last field to its first, as builders go backwards.
func (e *emitter) prependStruct(g *goStruct, prefix string, body *[]jen.Code) {
	b := func() *jen.Statement { return jen.Id("b") }
	*body = append(*body, b().Dot("Prep").Call(jen.Lit(g.align), jen.Lit(g.size)))
	end := g.size
	for i := len(g.fields) - 1; i >= 0; i-- {
		f := g.fields[i]
		if pad := end - f.Offset - f.Type.Size(); pad > 0 {
			*body = append(*body, b().Dot("Pad").Call(jen.Lit(pad)))
		}
		end = f.Offset
		name := paramName(prefix, f)
		switch t := f.Type; {
		case t.Kind == fbs.ArrayOf:
			*body = append(*body, e.prependArray(t, name))
		case t.Kind == fbs.StructType:
			e.prependStruct(e.model.structs[t.Struct], name, body)
		default:
			*body = append(*body, b().Dot("Prepend"+builderKind(t.Base())).Call(number(t, jen.Id(name))))
		}
	}
}

// prependArray writes an array:
//
//	for i := len(weights) - 1; i >= 0; i-- {
//		b.PrependFloat32(weights[i])
//	}
//
// Structs in it are copied from where they were read, last byte first.
func (e *emitter) prependArray(t *fbs.Type, name string) jen.Code {
	elem := func() *jen.Statement { return jen.Id(name).Index(jen.Id("i")) }
	write := jen.Id("b").Dot("Prepend" + builderKind(t.Elem.Base())).Call(number(t.Elem, elem()))
	if t.Elem.Kind == fbs.StructType {
		write = jen.For(jen.Id("at").Op(":=").Lit(t.Elem.Size()-1), jen.Id("at").Op(">=").Lit(0), jen.Id("at").Op("--")).Block(
			jen.Id("b").Dot("PrependByte").Call(elem().Dot("s").Dot("Uint8").Call(jen.Id("at"))),
		)
	}
	return jen.For(jen.Id("i").Op(":=").Len(jen.Id(name)).Op("-").Lit(1), jen.Id("i").Op(">=").Lit(0), jen.Id("i").Op("--")).Block(write)
}
