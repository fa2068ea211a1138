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
		list = append(list, emitViewField(m.Names.View, c)...)
	}
	list = append(list, emitAppendBinary(m), emitMarshalBinary(m), emitUnmarshalBinary(m), emitUnmarshalLimit(m), emitRead(m), emitBuild(m))
	for _, g := range m.Groups {
		list = append(list, emitPart(m, g)...)
	}
	return list
}

// emitView writes
//
//	// HeartbeatView is message "heartbeat" in the verified flatbuffer that it came in, a table of 3 fields. It aliases that.
//	type HeartbeatView struct{ t flatbuf.Table }
func emitView(m *model.Message) jen.Code {
	return comment("%s is message %q in the verified flatbuffer that it came in, a table of %s. It aliases that.", m.Names.View, m.Name, plural(len(m.Fields), "field")).
		Add(viewDeclaration(m.Names.View, "t", "Table"))
}

func viewDeclaration(name, field, typ string) *jen.Statement {
	return jen.Type().Id(name).Custom(jen.Options{Open: "struct{ ", Close: " }"}, jen.Id(field).Add(flatbuf(typ)))
}

// emitVerify writes
//
//	// VerifyHeartbeat returns the message in p after a check of all that it leads to. An error is a *DecodeError.
//	func VerifyHeartbeat(p []byte) (HeartbeatView, error) {
//		v := flatbuf.NewVerifier(p, 0)
//		if pos, ok := v.Root(); !ok || !checkHeartbeat(&v, pos) {
//			return HeartbeatView{}, flatbuf.Refused(&v, "heartbeat")
//		}
//		return HeartbeatView{flatbuf.Root(p)}, nil
//	}
func emitVerify(m *model.Message) jen.Code {
	return comment("%s returns the message in p after a check of all that it leads to. An error is a *DecodeError.", m.Names.Verify).
		Func().Id(m.Names.Verify).Params(jen.Id("p").Index().Byte()).Params(jen.Id(m.Names.View), jen.Error()).Block(
		verify(m, jen.Lit(0), jen.Id(m.Names.View).Values()),
		jen.Return(jen.Id(m.Names.View).Values(flatbuf("Root").Call(jen.Id("p"))), jen.Nil()),
	)
}

// verify writes the check of p, and what is returned where it fails before the error.
func verify(m *model.Message, maxExpanded jen.Code, results ...jen.Code) jen.Code {
	ref := jen.Op("&").Id("v")
	return jen.Id("v").Op(":=").Add(flatbuf("NewVerifier")).Call(jen.Id("p"), maxExpanded).Line().
		If(jen.List(jen.Id("pos"), jen.Id("ok")).Op(":=").Id("v").Dot("Root").Call(),
			jen.Op("!").Id("ok").Op("||").Op("!").Id(m.Names.Check).Call(ref, jen.Id("pos"))).Block(
		jen.Return(append(results, flatbuf("Refused").Call(ref, jen.Lit(m.Name)))...),
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
//			checkHeartbeatLegVector(v, o, 2, "legs") &&
//			v.Scalar(o, 3, 8, "weight") &&
//			v.New(o, 3, flatbuf.SizeOf[float64](), "weight") && // where a pointer leads
//			v.End()
//	}
func emitCheck(m *model.Message) jen.Code { return emitChecks(m.Names.Check, m.Fields) }

func emitChecks(name string, columns []*model.Column) jen.Code {
	all := jen.Id("ok")
	and := func(check jen.Code) { all.Op("&&").Line().Add(check) }
	for _, c := range columns {
		if required(c) {
			and(jen.Id(fmt.Sprintf("v.Required(o, %d, %q)", c.Number, c.Name)))
		}
		and(checkField(c))
		if c.Form == model.Pointer {
			and(jen.Id("v").Dot("New").Call(jen.Id("o"), jen.Lit(c.Number), sizeOf(pointee(c)), jen.Lit(c.Name)))
		}
	}
	and(jen.Id("v.End()"))
	return jen.Func().Id(name).Params(jen.Id("v").Op("*").Add(flatbuf("Verifier")), jen.Id("pos").Int()).Bool().Block(
		jen.List(jen.Id("o"), jen.Id("ok")).Op(":=").Id("v").Dot("Begin").Call(jen.Id("pos")),
		jen.Return(all),
	)
}

// sizeOf writes flatbuf.SizeOf[Leg]().
func sizeOf(typ jen.Code) jen.Code { return flatbuf("SizeOf").Types(typ).Call() }

// pointee writes the type that a pointer is one to.
func pointee(c *model.Column) jen.Code {
	if c.Group != nil {
		return namedType(&c.Group.Named)
	}
	return fieldType(c)
}

// required tells whether a message without the field is refused: it has no zero that could stand for it.
func required(c *model.Column) bool {
	return !c.Nullable && (isText(c) || isBytes(c) || isList(c) || c.Group != nil)
}

// checkField writes the check of a field that may be absent.
func checkField(c *model.Column) jen.Code {
	line := func(format string, args ...any) jen.Code { return jen.Id(fmt.Sprintf(format, args...)) }
	switch {
	case isText(c):
		return line("v.String(o, %d, %q)", c.Number, c.Name)
	case isBytes(c):
		return line("v.Vector(o, %d, 1, %q)", c.Number, c.Name)
	case isList(c):
		switch item := c.Children[0]; {
		case isText(item):
			return line("v.Strings(o, %d, %q)", c.Number, c.Name)
		case isTable(item):
			return line("%s(v, o, %d, %q)", item.Group.Part.Names.CheckMany, c.Number, c.Name)
		case isInline(item):
			return jen.Id("v").Dot("Structs").Call(jen.Id("o"), jen.Lit(c.Number), jen.Lit(elemSize(item)), sizeOf(namedType(&item.Group.Named)), jen.Lit(c.Name))
		default:
			return line("v.Vector(o, %d, %d, %q)", c.Number, elemSize(item), c.Name)
		}
	case isTable(c):
		return line("%s(v, o, %d, %q)", c.Group.Part.Names.CheckOne, c.Number, c.Name)
	case isInline(c):
		return line("v.Struct(o, %d, %d, %d, %q)", c.Number, c.Group.Part.Size, c.Group.Part.Align, c.Name)
	}
	return line("v.Scalar(o, %d, %d, %q)", c.Number, c.ScalarSize(), c.Name)
}

func isText(c *model.Column) bool  { return c.Type.Kind == model.Utf8 }
func isBytes(c *model.Column) bool { return c.Type.Kind == model.Binary }
func isList(c *model.Column) bool  { return c.Type.Kind == model.List }

// isTable and isInline tell of structs which of the two things of flatbuffers they are.
func isTable(c *model.Column) bool  { return c.Group != nil && !c.Group.Inline }
func isInline(c *model.Column) bool { return c.Group != nil && c.Group.Inline }

// elemSize returns how many bytes an element of a vector has there.
func elemSize(c *model.Column) int {
	switch {
	case isText(c) || isTable(c):
		return 4
	case isInline(c):
		return c.Group.Part.Size
	}
	return c.ScalarSize()
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
	case c.Group != nil:
		return jen.Id(c.Group.Part.Names.View)
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
//	// Sent returns field "sent", slot 0: int64 not null, 0 where it is absent.
//	func (v HeartbeatView) Sent() int64 { return v.t.Int64(0, 0) }
//
// and of a field that may be absent also whether it is there:
//
//	// Rank returns field "rank", slot 2: int32, and whether it is there.
//	func (v HeartbeatView) Rank() (int32, bool) { return v.t.Int32(2, 0), v.t.Has(2) }
//
// and of one with several values, how many there are and each:
//
//	// LegsLen returns how many elements field "legs", slot 3, has.
//	func (v HeartbeatView) LegsLen() int { return v.t.Vector(3, 4).Len() }
//
//	// Legs returns element i of field "legs", slot 3: list<Leg>.
//	func (v HeartbeatView) Legs(i int) HeartbeatLegView { return HeartbeatLegView{v.t.Vector(3, 4).Table(i)} }
func emitViewField(view string, c *model.Column) []jen.Code {
	slot := strconv.Itoa(c.Number)
	if isList(c) {
		item := c.Children[0]
		vector := fmt.Sprintf("v.t.Vector(%s, %d)", slot, elemSize(item))
		absent, alias := "", ""
		if c.Nullable {
			absent = ", 0 where it is absent"
		}
		if isText(item) {
			alias = ". It aliases the flatbuffer"
		}
		return []jen.Code{
			comment("%sLen returns how many elements field %q, slot %d, has%s.", c.Method, c.Name, c.Number, absent).
				Add(method(view, c.Method+"Len", nil, jen.Int(), jen.Id(vector+".Len()"))),
			commentDoc(c.Doc, "%s returns element i of field %q, slot %d: %s%s.", c.Method, c.Name, c.Number, messageType(c), alias).
				Add(method(view, c.Method, jen.Id("i").Int(), fieldType(item), elemOf(vector, item))),
		}
	}
	var value *jen.Statement
	more := ""
	switch {
	case isBytes(c):
		value = jen.Id("v.t.Bytes(" + slot + ")")
		more = ", nil where it is absent. It aliases the flatbuffer"
	case isText(c):
		value = jen.Id("v.t.Text(" + slot + ")")
		more = ". It aliases the flatbuffer"
	case isTable(c):
		value = fieldType(c).Values(jen.Id("v.t.Table(" + slot + ")"))
	case isInline(c):
		value = fieldType(c).Values(jen.Id(fmt.Sprintf("v.t.Struct(%s, %d)", slot, c.Group.Part.Size)))
	default:
		value = scalarValue(c)
		more = ", " + zeroOf(c) + " where it is absent"
	}
	if c.Named != nil && isText(c) {
		value = namedType(c.Named).Call(value)
	}
	result := fieldType(c)
	if c.Nullable && !isBytes(c) {
		result = jen.Params(result, jen.Bool())
		value = jen.List(value, jen.Id("v.t.Has("+slot+")"))
		if isText(c) {
			more = ", and whether it is there" + more
		} else {
			more = ", and whether it is there"
		}
	}
	return []jen.Code{commentDoc(c.Doc, "%s returns field %q, slot %d: %s%s.", c.Method, c.Name, c.Number, messageType(c), more).
		Add(method(view, c.Method, nil, result, value))}
}

// scalarValue writes v.t.Int64(0, 0).
func scalarValue(c *model.Column) *jen.Statement {
	value := jen.Id("v.t." + scalarName(c) + "(" + strconv.Itoa(c.Number) + ", " + zeroOf(c) + ")")
	if c.Named != nil {
		value = namedType(c.Named).Call(value)
	}
	return value
}

// messageType returns a field's type, and whether it may be absent, with structs by their names: list<Leg> not null.
func messageType(c *model.Column) string {
	short := c.Type.String()
	switch {
	case c.Group != nil:
		short = c.Group.Named.Name
	case len(c.Children) > 0:
		item := *c.Children[0]
		item.Nullable = true // so that nothing is said of it: it is never absent
		short += "<" + messageType(&item) + ">"
	}
	if !c.Nullable {
		short += " not null"
	}
	return short
}

// method writes func (v HeartbeatView) Sent() int64 { return … }.
func method(view, name string, param, result *jen.Statement, value jen.Code) *jen.Statement {
	var params []jen.Code
	if param != nil {
		params = append(params, param)
	}
	return jen.Func().Params(jen.Id("v").Id(view)).Id(name).Params(params...).Add(result).Add(oneLine(jen.Return(value)))
}

// elemOf writes element i of a vector.
func elemOf(vector string, item *model.Column) *jen.Statement {
	var value *jen.Statement
	switch {
	case isTable(item):
		return fieldType(item).Values(jen.Id(vector + ".Table(i)"))
	case isInline(item):
		return fieldType(item).Values(jen.Id(vector + ".Struct(i)"))
	case isText(item):
		value = jen.Id(vector + ".String(i)")
	default:
		value = jen.Id(vector + "." + scalarName(item) + "(i)")
	}
	if item.Named != nil {
		value = namedType(item.Named).Call(value)
	}
	return value
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
//	func (m *Heartbeat) AppendBinary(dst []byte) ([]byte, error) { return flatbuf.Append(dst, m, buildHeartbeat) }
func emitAppendBinary(m *model.Message) jen.Code {
	return comment("AppendBinary appends m to dst as a flatbuffer.").
		Func().Params(jen.Id("m").Op("*").Id(m.Type)).Id("AppendBinary").Params(jen.Id("dst").Index().Byte()).
		Params(jen.Index().Byte(), jen.Error()).
		Add(oneLine(jen.Return(flatbuf("Append").Call(jen.Id("dst"), jen.Id("m"), jen.Id(m.Names.Build)))))
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
//	// UnmarshalBinary sets m to the flatbuffer in p, after a check of it. Texts that have not changed are kept, and what slices
//	// and pointers lead to is written into the memory that m has.
//	func (m *Heartbeat) UnmarshalBinary(p []byte) error { return m.UnmarshalLimit(p, 0) }
func emitUnmarshalBinary(m *model.Message) jen.Code {
	var text, slice, pointer bool
	look := func(columns []*model.Column) {
		for _, c := range columns {
			text = text || isText(c) || isList(c) && isText(c.Children[0])
			slice = slice || isBytes(c) || isList(c)
			pointer = pointer || c.Form == model.Pointer
		}
	}
	look(m.Fields)
	for _, g := range m.Groups {
		look(g.Columns)
	}
	memory := ""
	switch {
	case slice && pointer:
		memory = "what slices and pointers lead to is written into the memory that m has."
	case slice:
		memory = "the elements of slices are copied into the memory that m has."
	case pointer:
		memory = "what pointers lead to is written into the memory that m has."
	}
	doc := "UnmarshalBinary sets m to the flatbuffer in p, after a check of it."
	switch {
	case text && memory != "":
		doc += " Texts that have not changed are kept, and " + memory
	case text:
		doc += " Texts that have not changed are kept."
	case memory != "":
		doc += " " + strings.ToUpper(memory[:1]) + memory[1:]
	}
	return comment("%s", doc).
		Func().Params(jen.Id("m").Op("*").Id(m.Type)).Id("UnmarshalBinary").Params(jen.Id("p").Index().Byte()).Error().
		Add(oneLine(jen.Return(jen.Id("m").Dot("UnmarshalLimit").Call(jen.Id("p"), jen.Lit(0)))))
}

// emitUnmarshalLimit writes
//
//	// UnmarshalLimit is UnmarshalBinary with another limit than that of ipc.Limits for MaxExpanded: m may take so many bytes, and 16
//	// times those of p.
//	func (m *Heartbeat) UnmarshalLimit(p []byte, maxExpanded int64) error {
//		v := flatbuf.NewVerifier(p, maxExpanded)
//		if pos, ok := v.Root(); !ok || !checkHeartbeat(&v, pos) {
//			return flatbuf.Refused(&v, "heartbeat")
//		}
//		readHeartbeat(m, HeartbeatView{flatbuf.Root(p)})
//		return nil
//	}
func emitUnmarshalLimit(m *model.Message) jen.Code {
	return comment("UnmarshalLimit is UnmarshalBinary with another limit than that of ipc.Limits for MaxExpanded: m may take so many bytes, and 16 times those of p.").
		Func().Params(jen.Id("m").Op("*").Id(m.Type)).Id("UnmarshalLimit").Params(jen.Id("p").Index().Byte(), jen.Id("maxExpanded").Int64()).Error().Block(
		verify(m, jen.Id("maxExpanded")),
		jen.Id(m.Names.Read).Call(jen.Id("m"), jen.Id(m.Names.View).Values(flatbuf("Root").Call(jen.Id("p")))),
		jen.Return(jen.Nil()),
	)
}

// emitRead writes
//
//	// readHeartbeat sets m to what v has.
//	func readHeartbeat(m *Heartbeat, v HeartbeatView) {
//		m.Sent = v.Sent()
//		m.Host = flatbuf.Text(m.Host, v.t.Bytes(1))
//		m.Rank = rt.NullOf(v.Rank())
//	}
func emitRead(m *model.Message) jen.Code {
	return readFunc(m.Names.Read, m.Names.View, jen.Id(m.Type), m.Fields)
}

func readFunc(name, view string, typ jen.Code, columns []*model.Column) jen.Code {
	return comment("%s sets m to what v has.", name).
		Func().Id(name).Params(jen.Id("m").Op("*").Add(typ), jen.Id("v").Id(view)).Block(setFields(columns)...)
}

// setFields writes the statements that set the fields of m to those of v.
func setFields(columns []*model.Column) (list []jen.Code) {
	for _, c := range columns {
		switch {
		case c.Group != nil:
			list = append(list, setStruct(c))
		case isList(c):
			list = append(list, setList(c)...)
		case c.Type.Kind == model.FixedList:
			list = append(list, setArray(c))
		default:
			list = append(list, jen.Id("m").Dot(c.Field).Op("=").Add(fieldValue(c)))
		}
	}
	return list
}

// setStruct writes
//
//	readHeartbeatLeg(&m.Leg, v.Leg())
//
// or, where it may be absent,
//
//	if leg, ok := v.Leg(); ok {
//		m.Leg.Valid = true
//		readHeartbeatLeg(&m.Leg.V, leg)
//	} else {
//		m.Leg = rt.Null[Leg]{}
//	}
func setStruct(c *model.Column) jen.Code {
	read, f := c.Group.Part.Names.Read, "m."+c.Field
	if !c.Nullable {
		return jen.Id(read).Call(jen.Op("&").Id(f), jen.Id("v."+c.Method+"()"))
	}
	typ := namedType(&c.Group.Named)
	found := jen.List(jen.Id(c.Local), jen.Id("ok")).Op(":=").Id("v." + c.Method + "()")
	if c.Form == model.Pointer {
		return jen.If(found, jen.Id("ok")).Block(
			jen.If(jen.Id(f).Op("==").Nil()).Block(jen.Id(f).Op("=").New(typ)),
			jen.Id(read).Call(jen.Id(f), jen.Id(c.Local)),
		).Else().Block(jen.Id(f).Op("=").Nil())
	}
	return jen.If(found, jen.Id("ok")).Block(
		jen.Id(f+".Valid").Op("=").True(),
		jen.Id(read).Call(jen.Op("&").Id(f+".V"), jen.Id(c.Local)),
	).Else().Block(jen.Id(f).Op("=").Add(rt("Null")).Types(typ).Values())
}

// setList writes
//
//	m.Sizes = flatbuf.Numbers(m.Sizes, v.t.Vector(4, 8), flatbuf.Vector.Int64)
//
// or, of structs,
//
//	m.Legs = flatbuf.Grow(m.Legs, v.t.Vector(3, 4))
//	for i := range m.Legs {
//		readHeartbeatLeg(&m.Legs[i], v.Legs(i))
//	}
func setList(c *model.Column) []jen.Code {
	item, f := c.Children[0], "m."+c.Field
	vector := jen.Id(fmt.Sprintf("v.t.Vector(%d, %d)", c.Number, elemSize(item)))
	set := func(call string, more ...jen.Code) jen.Code {
		return jen.Id(f).Op("=").Add(flatbuf(call)).Call(append([]jen.Code{jen.Id(f), vector}, more...)...)
	}
	switch {
	case item.Group != nil:
		return []jen.Code{
			set("Grow"),
			jen.For(jen.Id("i").Op(":=").Range().Id(f)).Block(
				jen.Id(item.Group.Part.Names.Read).Call(jen.Op("&").Id(f+"[i]"), jen.Id("v."+c.Method+"(i)")),
			),
		}
	case isText(item):
		return []jen.Code{set("Texts")}
	case item.Type.Kind == model.Bool:
		return []jen.Code{set("Bools")}
	}
	return []jen.Code{set("Numbers", flatbuf("Vector").Dot(scalarName(item)))}
}

// setArray writes
//
//	for i := range m.Levels {
//		m.Levels[i] = v.Levels(i)
//	}
func setArray(c *model.Column) jen.Code {
	item, f := c.Children[0], "m."+c.Field
	set := jen.Id(f + "[i]").Op("=").Id("v." + c.Method + "(i)")
	if item.Group != nil {
		set = jen.Id(item.Group.Part.Names.Read).Call(jen.Op("&").Id(f+"[i]"), jen.Id("v."+c.Method+"(i)"))
	}
	return jen.For(jen.Id("i").Op(":=").Range().Id(f)).Block(set)
}

// fieldValue writes what a field of the struct is set to.
func fieldValue(c *model.Column) *jen.Statement {
	call := func() *jen.Statement { return jen.Id("v").Dot(c.Method).Call() }
	raw := jen.Id("v.t.Bytes(" + strconv.Itoa(c.Number) + ")")
	switch {
	case isBytes(c):
		return flatbuf("Bytes").Call(jen.Id("m."+c.Field), raw)
	case isText(c) && c.Form == model.Pointer:
		return flatbuf("TextPtr").Call(jen.Id("m."+c.Field), raw)
	case c.Form == model.Pointer:
		return flatbuf("Ptr").Call(jen.Id("m."+c.Field), jen.Id("v.t.Has("+strconv.Itoa(c.Number)+")"), scalarValue(c))
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
	return comment("%s writes m and returns where it is.", m.Names.Build).
		Add(buildFunc(m.Names.Build, jen.Id(m.Type), buildTable(m.Fields, m.NumSlots)))
}

func buildFunc(name string, typ jen.Code, body []jen.Code) *jen.Statement {
	return jen.Func().Id(name).Params(jen.Id("b").Op("*").Add(flatbuf("Builder")), jen.Id("m").Op("*").Add(typ)).Add(flatbuf("UOffsetT")).
		Block(body...)
}

func buildTable(columns []*model.Column, slots int) []jen.Code {
	var before, after []jen.Code
	for _, c := range columns {
		switch {
		case isInline(c):
			after = append(after, emitInline(c))
		case isText(c) || isBytes(c) || isList(c) || isTable(c):
			before = append(before, emitText(c)...)
			after = append(after, jen.Id("b").Dot("PrependUOffsetTSlot").Call(jen.Lit(c.Number), jen.Id(c.Local), jen.Lit(0)))
		default:
			after = append(after, emitScalar(c)...)
		}
	}
	body := append(before, jen.Id("b").Dot("StartObject").Call(jen.Lit(slots)))
	return append(append(body, after...), jen.Return(jen.Id("b").Dot("EndObject").Call()))
}

// emitInline writes
//
//	b.PrependStructSlot(5, buildHeartbeatPoint(b, &m.At), 0)
func emitInline(c *model.Column) jen.Code {
	present, value := present(c)
	write := jen.Id("b").Dot("PrependStructSlot").Call(jen.Lit(c.Number), jen.Id(c.Group.Part.Names.Build).Call(jen.Id("b"), address(c, value)), jen.Lit(0))
	if present == nil {
		return write
	}
	return jen.If(present).Block(write)
}

// address writes the address of a value.
func address(c *model.Column, value *jen.Statement) *jen.Statement {
	if c.Form == model.Pointer {
		return jen.Id("m." + c.Field)
	}
	return jen.Op("&").Add(value)
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
		switch {
		case isBytes(c):
			return jen.Id("b").Dot("CreateByteVector").Call(value)
		case isTable(c):
			return jen.Id(c.Group.Part.Names.Build).Call(jen.Id("b"), address(c, value))
		case isList(c):
			return createVector(c.Children[0], value)
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

// createVector writes flatbuf.CreateNumbers(b, m.Sizes, 8, (*flatbuf.Builder).PlaceInt64).
func createVector(item *model.Column, value *jen.Statement) *jen.Statement {
	create := func(call string, more ...jen.Code) *jen.Statement {
		return flatbuf(call).Call(append([]jen.Code{jen.Id("b"), value}, more...)...)
	}
	switch {
	case isText(item):
		return create("CreateTexts")
	case isTable(item):
		return create("CreateTables", jen.Id(item.Group.Part.Names.Build))
	case isInline(item):
		return create("CreateStructs", jen.Lit(item.Group.Part.Size), jen.Lit(item.Group.Part.Align), jen.Id(item.Group.Part.Names.Build))
	case item.Type.Kind == model.Bool:
		return create("CreateBools")
	}
	return create("CreateNumbers", jen.Lit(item.ScalarSize()), jen.Parens(jen.Op("*").Add(flatbuf("Builder"))).Dot("Place"+scalarName(item)))
}

// present writes whether a field is there, nil where it always is, and its value.
func present(c *model.Column) (present, value *jen.Statement) {
	f := "m." + c.Field
	switch {
	case c.Form == model.Null:
		return jen.Id(f + ".Valid"), jen.Id(f + ".V")
	case c.Form == model.Pointer:
		return jen.Id(f).Op("!=").Nil(), jen.Id("*" + f)
	case (isBytes(c) || isList(c)) && c.Nullable:
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
