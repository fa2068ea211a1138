package emit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

func flatbuf(name string) *jen.Statement { return jen.Qual(model.FlatbufPath, name) }

// emitMessage returns the declarations of a message, in the order in which they stand in the file. An opaque one has none: its
// type and codec are the user's.
func emitMessage(m *model.Message) []jen.Code {
	if m.Codec != "" {
		return nil
	}
	list := []jen.Code{emitView(m), emitVerify(m), emitCheck(m)}
	for _, c := range m.Fields {
		list = append(list, emitViewField(m, c))
	}
	return append(list, emitAppendBinary(m), emitMarshalBinary(m), emitUnmarshalBinary(m), emitBuild(m))
}

// emitView writes
//
//	// HeartbeatView is message "heartbeat" in the verified flatbuffer that it came in, a table of 3 fields. It aliases that.
//	type HeartbeatView struct{ t flatbuf.Table }
func emitView(m *model.Message) jen.Code {
	return comment("%s is message %q in the verified flatbuffer that it came in, a table of %s. It aliases that.", m.Names.View, m.Name, plural(len(m.Fields), "field")).
		Type().Id(m.Names.View).Custom(jen.Options{Open: "struct{ ", Close: " }"}, jen.Id("t").Add(flatbuf("Table")))
}

// emitVerify writes
//
//	// VerifyHeartbeat returns the message in p after a check of all that it leads to. An error is a *DecodeError.
//	func VerifyHeartbeat(p []byte) (HeartbeatView, error) {
//		v := flatbuf.NewVerifier(p)
//		if pos, ok := v.Root(); !ok || !checkHeartbeat(&v, pos) {
//			return HeartbeatView{}, flatbuf.Refused(&v, "heartbeat")
//		}
//		return HeartbeatView{flatbuf.Root(p)}, nil
//	}
func emitVerify(m *model.Message) jen.Code {
	ref := jen.Op("&").Id("v")
	return comment("%s returns the message in p after a check of all that it leads to. An error is a *DecodeError.", m.Names.Verify).
		Func().Id(m.Names.Verify).Params(jen.Id("p").Index().Byte()).Params(jen.Id(m.Names.View), jen.Error()).Block(
		jen.Id("v").Op(":=").Add(flatbuf("NewVerifier")).Call(jen.Id("p")),
		jen.If(jen.List(jen.Id("pos"), jen.Id("ok")).Op(":=").Id("v").Dot("Root").Call(),
			jen.Op("!").Id("ok").Op("||").Op("!").Id(m.Names.Check).Call(ref, jen.Id("pos"))).Block(
			jen.Return(jen.Id(m.Names.View).Values(), flatbuf("Refused").Call(ref, jen.Lit(m.Name))),
		),
		jen.Return(jen.Id(m.Names.View).Values(flatbuf("Root").Call(jen.Id("p"))), jen.Nil()),
	)
}

// emitCheck writes
//
//	func checkHeartbeat(v *flatbuf.Verifier, pos int) bool {
//		o, ok := v.Begin(pos)
//		return ok &&
//			v.Scalar(o, 0, 8, "sent") &&
//			v.Required(o, 1, "host") &&
//			v.String(o, 1, "host") &&
//			v.End()
//	}
func emitCheck(m *model.Message) jen.Code {
	lines := []string{"ok"}
	for _, c := range m.Fields {
		name := strconv.Quote(c.Name)
		switch {
		case isText(c) || isBytes(c):
			if !c.Nullable {
				lines = append(lines, fmt.Sprintf("v.Required(o, %d, %s)", c.Number, name))
			}
			if isText(c) {
				lines = append(lines, fmt.Sprintf("v.String(o, %d, %s)", c.Number, name))
			} else {
				lines = append(lines, fmt.Sprintf("v.Vector(o, %d, 1, %s)", c.Number, name))
			}
		default:
			lines = append(lines, fmt.Sprintf("v.Scalar(o, %d, %d, %s)", c.Number, scalarSize(c), name))
		}
	}
	lines = append(lines, "v.End()")
	return jen.Func().Id(m.Names.Check).Params(jen.Id("v").Op("*").Add(flatbuf("Verifier")), jen.Id("pos").Int()).Bool().Block(
		jen.List(jen.Id("o"), jen.Id("ok")).Op(":=").Id("v").Dot("Begin").Call(jen.Id("pos")),
		jen.Return(jen.Id(strings.Join(lines, " &&\n"))),
	)
}

func isText(c *model.Column) bool  { return c.Type.Kind == model.Utf8 }
func isBytes(c *model.Column) bool { return c.Type.Kind == model.Binary }

// scalarSize returns how many bytes a scalar field has.
func scalarSize(c *model.Column) int {
	if c.Type.Kind == model.Bool {
		return 1
	}
	return c.Type.Bits / 8
}

// scalarName returns what methods that read and write a scalar are called after: Int64.
func scalarName(c *model.Column) string {
	if c.Type.Kind == model.Bool {
		return "Bool"
	}
	name := c.Type.String()
	return strings.ToUpper(name[:1]) + name[1:]
}

// fieldType writes the type of a field's value.
func fieldType(c *model.Column) *jen.Statement {
	switch {
	case c.Named != nil:
		return namedType(c.Named)
	case isText(c):
		return jen.String()
	case isBytes(c):
		return jen.Index().Byte()
	case c.Type.Kind == model.Bool:
		return jen.Bool()
	}
	return jen.Id(c.Type.String())
}

// emitViewField writes
//
//	// Sent returns field 0, "sent": int64 not null.
//	func (v HeartbeatView) Sent() int64 { return v.t.Int64(0, 0) }
//
// and of a field that may be absent also whether it is there:
//
//	// Rank returns field 2, "rank": int32, and whether it is there.
//	func (v HeartbeatView) Rank() (int32, bool) { return v.t.Int32(2, 0), v.t.Has(2) }
func emitViewField(m *model.Message, c *model.Column) jen.Code {
	slot := strconv.Itoa(c.Number)
	var value *jen.Statement
	more := ""
	switch {
	case isBytes(c):
		value = jen.Id("v.t.Bytes(" + slot + ")")
		more = ", nil where it is absent. It aliases the flatbuffer"
	case isText(c):
		value = jen.Id("v.t.String(" + slot + `, "")`)
		more = ", as a copy"
	default:
		value = jen.Id("v.t." + scalarName(c) + "(" + slot + ", " + zeroOf(c) + ")")
	}
	if c.Named != nil {
		value = namedType(c.Named).Call(value)
	}
	result := fieldType(c)
	if c.Nullable && !isBytes(c) {
		result = jen.Params(result, jen.Bool())
		value = jen.List(value, jen.Id("v.t.Has("+slot+")"))
		more += ", and whether it is there"
	}
	return commentDoc(c.Doc, "%s returns field %d, %q: %s%s.", c.Method, c.Number, c.Name, c.TypeString(), more).
		Func().Params(jen.Id("v").Id(m.Names.View)).Id(c.Method).Params().Add(result).Add(oneLine(jen.Return(value)))
}

// zeroOf returns what stands for an absent scalar.
func zeroOf(c *model.Column) string {
	switch {
	case c.HasDefault:
		return c.Default
	case c.Type.Kind == model.Bool:
		return "false"
	}
	return "0"
}

// emitAppendBinary writes
//
//	// AppendBinary appends m to dst as a flatbuffer.
//	func (m *Heartbeat) AppendBinary(dst []byte) ([]byte, error) {
//		return flatbuf.Append(dst, m, len(m.Host), buildHeartbeat)
//	}
func emitAppendBinary(m *model.Message) jen.Code {
	var sizes []string
	for _, c := range m.Fields {
		switch {
		case !isText(c) && !isBytes(c):
		case c.Form == model.Null:
			sizes = append(sizes, "len(m."+c.Field+".V)")
		case c.Form == model.Plain:
			sizes = append(sizes, "len(m."+c.Field+")")
		}
	}
	size := jen.Id(strings.Join(sizes, "+"))
	for _, c := range m.Fields {
		if isText(c) && c.Form == model.Pointer {
			if len(sizes) > 0 {
				size.Op("+")
			}
			sizes = append(sizes, "")
			size.Add(flatbuf("Len")).Call(jen.Id("m." + c.Field))
		}
	}
	if len(sizes) == 0 {
		size = jen.Lit(0)
	}
	return comment("AppendBinary appends m to dst as a flatbuffer.").
		Func().Params(jen.Id("m").Op("*").Id(m.Type)).Id("AppendBinary").Params(jen.Id("dst").Index().Byte()).
		Params(jen.Index().Byte(), jen.Error()).Block(
		jen.Return(flatbuf("Append").Call(jen.Id("dst"), jen.Id("m"), size, jen.Id(m.Names.Build))),
	)
}

// emitMarshalBinary writes
//
//	// MarshalBinary returns m as a flatbuffer.
//	func (m *Heartbeat) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }
func emitMarshalBinary(m *model.Message) jen.Code {
	return comment("MarshalBinary returns m as a flatbuffer.").
		Func().Params(jen.Id("m").Op("*").Id(m.Type)).Id("MarshalBinary").Params().Params(jen.Index().Byte(), jen.Error()).
		Add(oneLine(jen.Return(jen.Id("m").Dot("AppendBinary").Call(jen.Nil()))))
}

// emitUnmarshalBinary writes
//
//	// UnmarshalBinary sets m to the flatbuffer in p, after a check of it. Texts that have not changed are kept, and bytes are
//	// copied into the memory that m has.
//	func (m *Heartbeat) UnmarshalBinary(p []byte) error {
//		v, err := VerifyHeartbeat(p)
//		if err != nil {
//			return err
//		}
//		m.Sent = v.Sent()
//		m.Host = flatbuf.Text(m.Host, v.t.Bytes(1))
//		m.Rank = rt.NullOf(v.Rank())
//		return nil
//	}
func emitUnmarshalBinary(m *model.Message) jen.Code {
	doc := "UnmarshalBinary sets m to the flatbuffer in p, after a check of it."
	var text, bytes bool
	body := []jen.Code{
		jen.List(jen.Id("v"), jen.Err()).Op(":=").Id(m.Names.Verify).Call(jen.Id("p")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err())),
	}
	for _, c := range m.Fields {
		text, bytes = text || isText(c), bytes || isBytes(c)
		body = append(body, jen.Id("m").Dot(c.Field).Op("=").Add(fieldValue(c)))
	}
	switch {
	case text && bytes:
		doc += " Texts that have not changed are kept, and bytes are copied into the memory that m has."
	case text:
		doc += " Texts that have not changed are kept."
	case bytes:
		doc += " Bytes are copied into the memory that m has."
	}
	return comment("%s", doc).
		Func().Params(jen.Id("m").Op("*").Id(m.Type)).Id("UnmarshalBinary").Params(jen.Id("p").Index().Byte()).Error().
		Block(append(body, jen.Return(jen.Nil()))...)
}

// fieldValue writes what a field of the struct is set to.
func fieldValue(c *model.Column) *jen.Statement {
	call := func() *jen.Statement { return jen.Id("v").Dot(c.Method).Call() }
	raw := jen.Id("v.t.Bytes(" + strconv.Itoa(c.Number) + ")")
	switch {
	case isBytes(c):
		return flatbuf("Bytes").Call(jen.Id("m."+c.Field), raw)
	case c.Form == model.Pointer:
		return rt("PtrOf").Call(call())
	case isText(c) && c.Form == model.Null:
		return rt("NullOf").Call(flatbuf("Text").Call(jen.Id("m."+c.Field+".V"), raw), jen.Id("v.t.Has("+strconv.Itoa(c.Number)+")"))
	case c.Form == model.Null:
		return rt("NullOf").Call(call())
	case isText(c):
		return flatbuf("Text").Call(jen.Id("m."+c.Field), raw)
	}
	return call()
}

// emitBuild writes
//
//	// buildHeartbeat writes m and returns where it is.
//	func buildHeartbeat(b *flatbuf.Builder, m *Heartbeat) flatbuf.UOffsetT {
//		host := b.CreateString(m.Host)
//		b.StartObject(3)
//		b.PrependInt64Slot(0, m.Sent, 0)
//		b.PrependUOffsetTSlot(1, host, 0)
//		if m.Rank.Valid {
//			b.PrependInt32(m.Rank.V)
//			b.Slot(2)
//		}
//		return b.EndObject()
//	}
func emitBuild(m *model.Message) jen.Code {
	var before, after []jen.Code
	for _, c := range m.Fields {
		if isText(c) || isBytes(c) {
			before = append(before, emitText(c)...)
			after = append(after, jen.Id("b").Dot("PrependUOffsetTSlot").Call(jen.Lit(c.Number), jen.Id(c.Local), jen.Lit(0)))
			continue
		}
		after = append(after, emitScalar(c)...)
	}
	body := append(before, jen.Id("b").Dot("StartObject").Call(jen.Lit(m.NumSlots)))
	body = append(append(body, after...), jen.Return(jen.Id("b").Dot("EndObject").Call()))
	return comment("%s writes m and returns where it is.", m.Names.Build).
		Func().Id(m.Names.Build).Params(jen.Id("b").Op("*").Add(flatbuf("Builder")), jen.Id("m").Op("*").Id(m.Type)).Add(flatbuf("UOffsetT")).
		Block(body...)
}

// emitText writes
//
//	host := b.CreateString(m.Host)
//
// or, where it may be absent,
//
//	var note flatbuf.UOffsetT
//	if m.Note.Valid {
//		note = b.CreateString(m.Note.V)
//	}
func emitText(c *model.Column) []jen.Code {
	create := func(value *jen.Statement) *jen.Statement {
		if isBytes(c) {
			return jen.Id("b").Dot("CreateByteVector").Call(value)
		}
		if c.Named != nil {
			value = jen.String().Call(value)
		}
		return jen.Id("b").Dot("CreateString").Call(value)
	}
	present, value := present(c)
	if present == nil {
		return []jen.Code{jen.Id(c.Local).Op(":=").Add(create(value))}
	}
	return []jen.Code{
		jen.Var().Id(c.Local).Add(flatbuf("UOffsetT")),
		jen.If(present).Block(jen.Id(c.Local).Op("=").Add(create(value))),
	}
}

// present writes whether a field is there, nil where it always is, and its value.
func present(c *model.Column) (present, value *jen.Statement) {
	f := "m." + c.Field
	switch {
	case c.Form == model.Null:
		return jen.Id(f + ".Valid"), jen.Id(f + ".V")
	case c.Form == model.Pointer:
		return jen.Id(f).Op("!=").Nil(), jen.Id("*" + f)
	case isBytes(c) && c.Nullable:
		return jen.Id(f).Op("!=").Nil(), jen.Id(f)
	}
	return nil, jen.Id(f)
}

// emitScalar writes
//
//	b.PrependInt64Slot(0, m.Sent, 0)
//
// which leaves the default out. A float is always written, as a negative zero equals the default.
func emitScalar(c *model.Column) []jen.Code {
	present, value := present(c)
	if c.Named != nil {
		plain := *c
		plain.Named = nil
		value = fieldType(&plain).Call(value)
	}
	name := scalarName(c)
	write := []jen.Code{
		jen.Id("b").Dot("Prepend" + name).Call(value),
		jen.Id("b").Dot("Slot").Call(jen.Lit(c.Number)),
	}
	switch {
	case present != nil:
		return []jen.Code{jen.If(present).Block(write...)}
	case c.Type.Kind == model.Float:
		return write
	}
	return []jen.Code{jen.Id("b").Dot("Prepend"+name+"Slot").Call(jen.Lit(c.Number), value, jen.Id(zeroOf(c)))}
}

// emitMessageStruct writes
//
//	// Heartbeat tells that the feed is alive.
//	type Heartbeat struct {
//		Sent int64  `arrow:"sent"`
//		Host string `arrow:"host"`
//	}
func emitMessageStruct(m *model.Message) jen.Code {
	doc := docLines(m.Doc)
	if len(doc) == 0 {
		doc = []string{"// " + m.Type + " is message " + strconv.Quote(m.Name) + "."}
	}
	var list []jen.Code
	for _, c := range m.Fields {
		list = append(list, emitRowField(c))
	}
	return jen.Comment(strings.Join(doc, "\n")).Line().Type().Id(m.Type).Struct(list...)
}
