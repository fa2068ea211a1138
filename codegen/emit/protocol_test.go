package emit

import (
	"testing"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// feedFile has a message with a field for each branch of the emitters, and a protocol with a member of each sort.
func feedFile(t *testing.T) *model.File {
	t.Helper()
	text, bytes := model.Type{Kind: model.Utf8}, model.Type{Kind: model.Binary}
	float := model.Type{Kind: model.Float, Bits: 64}
	own := &model.Named{Path: "example.com/other", Package: "other", Name: "Own"}
	structs := model.Type{Kind: model.Struct}
	list := func(field string, nullable bool, item *model.ColumnDef) *model.ColumnDef {
		return &model.ColumnDef{Field: field, Type: model.Type{Kind: model.List}, Nullable: nullable, Parts: []*model.ColumnDef{item}}
	}
	inner := &model.GroupDef{Named: model.Named{Name: "Inner"}, Inline: true, Rows: true, Columns: []*model.ColumnDef{{Field: "Z", Type: model.Int8}}}
	point := &model.GroupDef{Named: model.Named{Name: "Point"}, Inline: true, MinAlign: 16, Rows: true, Columns: []*model.ColumnDef{
		{Field: "Live", Type: model.Type{Kind: model.Bool}},
		{Field: "X", Type: float, Doc: []string{"X is to the right."}},
		{Field: "Side", Type: model.Int16, Named: own},
		{Field: "Key", Type: model.Type{Kind: model.FixedBinary, Width: 3}},
		{Field: "Steps", Type: model.Type{Kind: model.FixedList, Width: 3}, Parts: []*model.ColumnDef{{Type: model.Int32}}},
		{Field: "Inner", Type: structs, Group: inner},
		{Field: "Inners", Type: model.Type{Kind: model.FixedList, Width: 2}, Parts: []*model.ColumnDef{{Type: structs, Group: inner}}},
	}}
	leg := &model.GroupDef{Named: model.Named{Name: "Leg"}, Doc: []string{"Leg is one of several."}, Rows: true, Slots: []int{0, 2}, NumSlots: 3, Columns: []*model.ColumnDef{
		{Field: "Symbol", Type: text},
		{Field: "At", Type: structs, Group: point, Nullable: true, Form: model.Null},
	}}
	fields := []*model.ColumnDef{
		{Field: "Sent", Type: model.Type{Kind: model.Int, Bits: 64, Signed: true}, Doc: []string{"Sent is when."}},
		{Field: "Host", Type: text},
		{Field: "Live", Type: model.Type{Kind: model.Bool}, HasDefault: true, Default: "true"},
		{Field: "Load", Type: float},
		{Field: "Level", Type: model.Type{Kind: model.Int, Bits: 8}, HasDefault: true, Default: "3"},
		{Field: "Side", Type: model.Int16, Named: own},
		{Field: "Rank", Type: model.Int32, Nullable: true, Form: model.Null},
		{Field: "Weight", Type: float, Nullable: true, Form: model.Pointer},
		{Field: "Note", Type: text, Nullable: true, Form: model.Null},
		{Field: "Remark", Type: text, Named: own, Nullable: true, Form: model.Pointer},
		{Field: "Payload", Type: bytes, Nullable: true},
		{Field: "Digest", Type: bytes},
		{Field: "Range", Type: text, Named: own},
		list("Sizes", false, &model.ColumnDef{Type: model.Int16}),
		list("Sides", true, &model.ColumnDef{Type: model.Int16, Named: own}),
		list("Flags", true, &model.ColumnDef{Type: model.Type{Kind: model.Bool}}),
		list("Names", true, &model.ColumnDef{Type: text, Named: own}),
		list("Legs", true, &model.ColumnDef{Type: structs, Group: leg}),
		list("Points", false, &model.ColumnDef{Type: structs, Group: point}),
		{Field: "Main", Type: structs, Group: leg},
		{Field: "Hedge", Type: structs, Group: leg, Nullable: true, Form: model.Null},
		{Field: "Other", Type: structs, Group: leg, Nullable: true, Form: model.Pointer},
		{Field: "From", Type: structs, Group: point},
		{Field: "To", Type: structs, Group: point, Nullable: true, Form: model.Null},
		{Field: "Via", Type: structs, Group: point, Nullable: true, Form: model.Pointer},
	}
	heartbeat := &model.Message{Type: "Heartbeat", Doc: []string{"Heartbeat tells that the feed is alive."}, Defs: fields, NumSlots: len(fields) + 1}
	for i := range fields {
		slot := i
		if i >= 12 { // one was taken away
			slot++
		}
		heartbeat.Slots = append(heartbeat.Slots, slot)
	}
	tick := &model.Message{Type: "Tick", Defs: []*model.ColumnDef{{Field: "N", Type: model.Int32}}, Slots: []int{0}, NumSlots: 1}
	f := &model.File{
		Source: "feed.fbs", Output: "feed_lightstream.go", Rows: "feed_rows.go",
		Messages: []*model.Message{heartbeat, tick, {Type: "Order", Codec: "orderCodec"}},
		Protocols: []*model.Protocol{
			{Name: "Feed", Doc: []string{"Feed is what an exchange sends."}, Members: []*model.Member{{Type: "Trade"}, {Type: "Order"}, {Type: "Heartbeat"}}},
			{Name: "Pulse", Members: []*model.Member{{Type: "Tick"}}},
		},
	}
	pkg := &model.Package{Name: "feed", Declared: map[string]model.Pos{"orderCodec": {}}}
	def := &model.Def{Row: "Trade", Columns: []*model.ColumnDef{{Field: "Price", Type: float}}}
	if err := model.Build(pkg, f, []*model.Def{def}); err != nil {
		t.Fatal(err)
	}
	if err := model.Link(pkg, []*model.File{f}); err != nil {
		t.Fatal(err)
	}
	return f
}

var messageEmitters = map[string]func(*model.Message) []jen.Code{
	"emitView":            oneMessage(emitView),
	"emitVerify":          oneMessage(emitVerify),
	"emitCheck":           oneMessage(emitCheck),
	"emitViewField":       eachMessageField(emitViewField),
	"emitAppendBinary":    oneMessage(emitAppendBinary),
	"emitMarshalBinary":   oneMessage(emitMarshalBinary),
	"emitUnmarshalBinary": oneMessage(emitUnmarshalBinary),
	"emitUnmarshalLimit":  oneMessage(emitUnmarshalLimit),
	"emitRead":            oneMessage(emitRead),
	"emitBuild":           oneMessage(emitBuild),
	"emitMessageStruct":   oneMessage(emitMessageStruct),
	"emitMessageFields":   oneMessage(emitMessageFields),
	"emitMessageTest": oneMessage(func(m *model.Message) jen.Code {
		return emitMessageTest(m, "Test", "T", "MessageRoundTrip", "encodes messages %q and decodes them.")
	}),
	"emitText":          partOf("emitBuild"),
	"emitScalar":        partOf("emitBuild"),
	"emitInline":        partOf("emitBuild"),
	"emitChecks":        partOf("emitCheck"),
	"emitPart":          partOf("emitPartView"),
	"emitPartView":      eachPart(func(m *model.Message, g *model.Group) []jen.Code { return []jen.Code{emitPartView(m, g)} }),
	"emitPartRead":      eachPart(func(m *model.Message, g *model.Group) []jen.Code { return []jen.Code{emitPartRead(m, g)} }),
	"emitPartCheck":     eachTable(emitPartCheck),
	"emitPartCheckOne":  eachTable(emitPartCheckOne),
	"emitPartCheckMany": eachTable(emitPartCheckMany),
	"emitPartBuild":     eachTable(emitPartBuild),
	"emitInlineField":   eachInlineField,
	"emitInlineBuild": eachPart(func(_ *model.Message, g *model.Group) (list []jen.Code) {
		if g.Inline {
			list = append(list, emitInlineBuild(g))
		}
		return list
	}),
}

func eachPart(emit func(*model.Message, *model.Group) []jen.Code) func(*model.Message) []jen.Code {
	return func(m *model.Message) (list []jen.Code) {
		for _, g := range m.Groups {
			list = append(list, emit(m, g)...)
		}
		return list
	}
}

func eachTable(emit func(*model.Group) jen.Code) func(*model.Message) []jen.Code {
	return eachPart(func(_ *model.Message, g *model.Group) (list []jen.Code) {
		if !g.Inline {
			list = append(list, emit(g))
		}
		return list
	})
}

var eachInlineField = eachPart(func(_ *model.Message, g *model.Group) (list []jen.Code) {
	for _, c := range g.Columns {
		if g.Inline {
			list = append(list, emitInlineField(g, c))
		}
	}
	return list
})

var protocolEmitters = map[string]func(*model.Protocol) []jen.Code{
	"emitItem":              oneProtocol(emitItem),
	"emitMarks":             oneProtocol(emitMarks),
	"emitMembers":           oneProtocol(emitMembers),
	"emitNewMembers":        oneProtocol(emitNewMembers),
	"emitItems":             oneProtocol(emitItems),
	"emitSetItem":           oneProtocol(emitSetItem),
	"emitConn":              oneProtocol(emitConn),
	"emitNewConn":           oneProtocol(emitNewConn),
	"emitSend":              eachMember(emitSend),
	"emitSetMetadata":       eachTableMember(emitSetMetadata),
	"emitSetFrameMetadata":  eachTableMember(emitSetFrameMetadata),
	"emitUntypedFramer":     oneProtocol(emitUntypedFramer),
	"emitRecv":              oneProtocol(emitRecv),
	"emitClose":             oneProtocol(emitClose),
	"emitUntyped":           oneProtocol(emitUntyped),
	"emitProtocolFramer":    oneProtocol(emitProtocolFramer),
	"emitNewProtocolFramer": oneProtocol(emitNewProtocolFramer),
	"emitAppendFrame":       eachMember(emitAppendFrame),
	"emitDecode":            oneProtocol(emitDecode),
	"emitMeasure":           oneProtocol(emitMeasure),
	"emitDecodeBody":        oneProtocol(emitDecodeBody),
	"emitProtocolTest": oneProtocol(func(p *model.Protocol) jen.Code {
		f := &model.File{}
		for _, m := range p.Members {
			if m.Table != nil {
				f.Tables = append(f.Tables, m.Table)
			} else {
				f.Messages = append(f.Messages, m.Message)
			}
		}
		return emitProtocolTest(f, p)
	}),
}

func oneMessage(emit func(*model.Message) jen.Code) func(*model.Message) []jen.Code {
	return func(m *model.Message) []jen.Code { return []jen.Code{emit(m)} }
}

// partOf stands for what another emitter's golden file has in it.
func partOf(string) func(*model.Message) []jen.Code {
	return func(*model.Message) []jen.Code { return nil }
}

func eachMessageField(emit func(string, *model.Column) []jen.Code) func(*model.Message) []jen.Code {
	return func(m *model.Message) (list []jen.Code) {
		for _, c := range m.Fields {
			list = append(list, emit(m.Names.View, c)...)
		}
		return list
	}
}

func oneProtocol(emit func(*model.Protocol) jen.Code) func(*model.Protocol) []jen.Code {
	return func(p *model.Protocol) []jen.Code { return []jen.Code{emit(p)} }
}

func eachMember(emit func(*model.Protocol, *model.Member) jen.Code) func(*model.Protocol) []jen.Code {
	return func(p *model.Protocol) (list []jen.Code) {
		for _, m := range p.Members {
			list = append(list, emit(p, m))
		}
		return list
	}
}

func eachTableMember(emit func(*model.Protocol, *model.Member) jen.Code) func(*model.Protocol) []jen.Code {
	return func(p *model.Protocol) (list []jen.Code) {
		for _, m := range p.Members {
			if m.Table != nil {
				list = append(list, emit(p, m))
			}
		}
		return list
	}
}

func TestProtocolEmitters(t *testing.T) {
	f := feedFile(t)
	for name, emit := range messageEmitters {
		if code := emit(f.Messages[0]); code != nil {
			t.Run(name, func(t *testing.T) { golden(t, name, declarations(t, f, code)) })
		}
	}
	for name, emit := range protocolEmitters {
		t.Run(name, func(t *testing.T) { golden(t, name, declarations(t, f, emit(f.Protocols[0]))) })
	}
	for name, text := range map[string]func(*model.File) ([]byte, error){"feed": Tables, "feed_rows": Rows} {
		got, err := text(f)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
	}
}
