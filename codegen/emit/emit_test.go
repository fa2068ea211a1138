package emit

import (
	"bytes"
	"flag"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// trade has a column for each branch of the emitters.
func trade(t *testing.T) *model.File {
	t.Helper()
	utf8, number := model.Type{Kind: model.Utf8}, model.Type{Kind: model.Float, Bits: 64}
	own := &model.Named{Name: "Own"}
	point := &model.GroupDef{Named: model.Named{Path: "example.com/other", Package: "other", Name: "Point"}, Columns: []*model.ColumnDef{{Field: "X", Type: number}}}
	leg := &model.GroupDef{Named: model.Named{Name: "Leg"}, Doc: []string{"A Leg is a part."}, Rows: true, Columns: []*model.ColumnDef{
		{Field: "Venue", Type: utf8, Doc: []string{"Venue is where."}},
		{Field: "Note", Type: utf8, Nullable: true, Form: model.Pointer},
		{Field: "Raw", Type: model.Type{Kind: model.Binary}, Nullable: true},
		{Field: "At", Type: model.Type{Kind: model.Struct}, Group: point},
		{Field: "Sizes", Type: model.Type{Kind: model.List}, Nullable: true, Parts: []*model.ColumnDef{{Type: model.Int32, Nullable: true, Form: model.Pointer}}},
	}}
	event := &model.GroupDef{Named: model.Named{Name: "Event"}, Doc: []string{"Event is what happened."}, Rows: true, Marker: "isEvent", Columns: []*model.ColumnDef{
		{Field: "Null", Type: model.Type{Kind: model.Nothing}, Nullable: true},
		{Field: "Leg", Type: model.Type{Kind: model.Struct}, Group: leg, Member: &leg.Named, TypeID: 1},
		{Field: "Remark", Name: "note", Type: utf8, Index: &model.Int32, Member: &model.Named{Name: "Remark"}, TypeID: 2},
		{Field: "Score", Type: number, Member: &model.Named{Name: "Score"}, TypeID: 7, Doc: []string{"Score is how good it was."}},
		{Field: "Expiry", Type: model.TimestampNanoUTC, Nullable: true, Form: model.Null, Member: &model.Named{Name: "Expiry"}, TypeID: 8},
		{Field: "Sizes", Type: model.Type{Kind: model.List}, Nullable: true, Parts: []*model.ColumnDef{{Type: number}}, Member: &model.Named{Name: "Sizes"}, TypeID: 9},
	}}
	answer := &model.GroupDef{Named: model.Named{Name: "Answer"}, Rows: true, Marker: "isAnswer", Columns: []*model.ColumnDef{
		{Field: "Score", Type: number, Member: &model.Named{Name: "Score"}},
	}}
	runs := func(bits int, values *model.ColumnDef) *model.ColumnDef {
		return &model.ColumnDef{Field: "Runs", Type: model.Type{Kind: model.RunEnds, Bits: bits}, Nullable: values.Nullable, Parts: []*model.ColumnDef{values}}
	}
	field := func(name string, c *model.ColumnDef) *model.ColumnDef {
		c.Field = name
		return c
	}
	def := &model.Def{Row: "Trade", Doc: []string{"Trade is one execution.", "", "It never changes."}, Columns: []*model.ColumnDef{
		{Field: "Time", Type: model.TimestampNanoUTC},
		{Field: "Day", Type: model.Type{Kind: model.Timestamp, Unit: model.Second}, Nullable: true, Form: model.Pointer},
		{Field: "Seen", Type: model.Type{Kind: model.Timestamp, Unit: model.Millisecond, Zone: "UTC"}, Nullable: true, Form: model.Null, NaiveUTC: true},
		{Field: "Sent", Type: model.Type{Kind: model.Timestamp, Unit: model.Microsecond, Zone: "Europe/Berlin"}},
		{Field: "Symbol", Type: utf8, Index: &model.Int32},
		{Field: "Venue", Type: utf8, Index: &model.Int8, Nullable: true, Form: model.Null},
		{Field: "Price", Type: number, Doc: []string{"Price is what was paid for one piece,", "without fees."}},
		{Field: "Size", Type: model.Type{Kind: model.Int, Bits: 16}, HasDefault: true, Default: "1", Was: "pieces"},
		{Field: "Fee", Type: model.Type{Kind: model.Float, Bits: 32}, Nullable: true, Form: model.Pointer, HasDefault: true, Default: "0.5"},
		{Field: "Rank", Type: model.Int8, Nullable: true, Form: model.Null, HasDefault: true, Default: "-1"},
		{Field: "Live", Type: model.Type{Kind: model.Bool}, HasDefault: true, Default: "true"},
		{Field: "Bid", Type: model.Type{Kind: model.Bool}, Nullable: true, Form: model.Pointer},
		{Field: "Text", Type: utf8, HasDefault: true, Default: ""},
		{Field: "Note", Type: utf8, Nullable: true, Form: model.Pointer},
		{Field: "Raw", Type: model.Type{Kind: model.Binary}},
		{Field: "Extra", Type: model.Type{Kind: model.Binary}, Nullable: true},
		{Field: "Len", Name: "a \"name\"", Type: model.Int32},
		{Field: "OwnPrice", Type: number, Named: own},
		{Field: "OwnFee", Type: number, Named: own, Nullable: true, Form: model.Pointer},
		{Field: "OwnFlag", Type: model.Type{Kind: model.Bool}, Named: own},
		{Field: "OwnText", Type: utf8, Named: &model.Named{Path: "example.com/other", Package: "other", Name: "Text"}},
		{Field: "OwnNote", Type: utf8, Named: own, Nullable: true, Form: model.Pointer},
		{Field: "Half", Type: model.Type{Kind: model.Float, Bits: 16}},
		{Field: "Digest", Type: model.Type{Kind: model.FixedBinary, Width: 3}},
		{Field: "Order", Type: model.Type{Kind: model.FixedBinary, Width: 16, UUID: true}, Nullable: true, Form: model.Pointer},
		{Field: "Settled", Type: model.Type{Kind: model.Date, Bits: 32}},
		{Field: "Due", Type: model.Type{Kind: model.Date, Bits: 64}, AsTime: true, Nullable: true, Form: model.Pointer},
		{Field: "Opens", Type: model.Type{Kind: model.Time, Bits: 32, Unit: model.Second}},
		{Field: "Closes", Type: model.Type{Kind: model.Time, Bits: 64, Unit: model.Nanosecond}, Nullable: true, Form: model.Pointer},
		{Field: "Took", Type: model.Type{Kind: model.Duration, Unit: model.Microsecond}, Nullable: true, Form: model.Null},
		{Field: "Amount", Type: model.Type{Kind: model.Decimal, Bits: 128, Precision: 38, Scale: 10}},
		{Field: "Rest", Type: model.Type{Kind: model.Decimal, Bits: 64, Precision: 18}, Nullable: true, Form: model.Null},
		{Field: "Stamp", Type: model.TimestampNanoUTC, Raw: true},
		{Field: "Body", Type: model.Type{Kind: model.Utf8, Layout: model.Large}},
		{Field: "Path", Type: model.Type{Kind: model.Utf8, Layout: model.Views}, Nullable: true, Form: model.Null},
		{Field: "Blob", Type: model.Type{Kind: model.Binary, Layout: model.Large}, Nullable: true},
		{Field: "Part", Type: model.Type{Kind: model.Binary, Layout: model.Views}},
		{Field: "Tag", Type: model.Type{Kind: model.Binary}, Index: &model.Int8},
		{Field: "Lot", Type: model.Int32, Index: &model.Int16, Nullable: true, Form: model.Pointer},
		{Field: "Side", Type: utf8, Index: &model.Int8, Enum: true, Named: &model.Named{Name: "Side"}},
		{Field: "OtherSide", Type: utf8, Index: &model.Int8, Enum: true, Named: &model.Named{Path: "example.com/other", Package: "other", Name: "Side"}, Nullable: true, Form: model.Pointer},
		{Field: "Spare", Type: model.Type{Kind: model.Nothing}, Nullable: true},
		{Field: "Leg", Type: model.Type{Kind: model.Struct}, Group: leg},
		{Field: "OtherLeg", Type: model.Type{Kind: model.Struct}, Group: leg, Nullable: true, Form: model.Pointer},
		{Field: "MaybeLeg", Type: model.Type{Kind: model.Struct}, Group: leg, Nullable: true, Form: model.Null},
		{Field: "Prices", Type: model.Type{Kind: model.List}, Nullable: true, Parts: []*model.ColumnDef{{Type: number}}},
		{Field: "Legs", Type: model.Type{Kind: model.List, Layout: model.Large}, Parts: []*model.ColumnDef{{Type: model.Type{Kind: model.Struct}, Group: leg, Nullable: true, Form: model.Pointer}}},
		{Field: "Names", Type: model.Type{Kind: model.List, Layout: model.Views}, Nullable: true, Parts: []*model.ColumnDef{{Type: utf8, Named: own}}},
		{Field: "Grid", Type: model.Type{Kind: model.List}, Nullable: true, Parts: []*model.ColumnDef{{Type: model.Type{Kind: model.List}, Nullable: true, Parts: []*model.ColumnDef{{Type: model.Type{Kind: model.Bool}, Nullable: true, Form: model.Null}}}}},
		{Field: "Vector", Type: model.Type{Kind: model.FixedList, Width: 3}, Nullable: true, Form: model.Pointer, Named: own, Parts: []*model.ColumnDef{{Type: model.Type{Kind: model.Duration, Unit: model.Second}}}},
		{Field: "Labels", Type: model.Type{Kind: model.Map}, Nullable: true, Parts: []*model.ColumnDef{{Type: utf8, Index: &model.Int8}, {Type: utf8, Nullable: true, Form: model.Null}}},
		{Field: "ByKey", Type: model.Type{Kind: model.Map}, Parts: []*model.ColumnDef{{Type: model.Type{Kind: model.FixedBinary, Width: 16}}, {Type: model.Type{Kind: model.Binary}}}},
		{Field: "ByTime", Type: model.Type{Kind: model.Map}, Parts: []*model.ColumnDef{{Type: model.TimestampNanoUTC}, {Type: model.Type{Kind: model.Struct}, Group: leg}}},
		{Field: "Event", Type: model.Type{Kind: model.Union, Dense: true}, Nullable: true, Group: event},
		{Field: "Events", Type: model.Type{Kind: model.List}, Parts: []*model.ColumnDef{{Type: model.Type{Kind: model.Union}, Nullable: true, Group: event}}},
		{Field: "Answer", Type: model.Type{Kind: model.Union}, Group: answer},
		field("VenueRuns", runs(32, &model.ColumnDef{Type: utf8, Named: own, Nullable: true, Form: model.Pointer})),
		field("PriceRuns", runs(16, &model.ColumnDef{Type: number})),
		field("RawRuns", runs(64, &model.ColumnDef{Type: model.Type{Kind: model.Binary}, Nullable: true})),
		field("SideRuns", runs(32, &model.ColumnDef{Type: utf8, Index: &model.Int8, Enum: true, Named: &model.Named{Name: "Side"}, Nullable: true, Form: model.Null})),
		field("RankRuns", runs(32, &model.ColumnDef{Type: model.Int8})),
		{Field: "RunLists", Type: model.Type{Kind: model.List}, Nullable: true, Parts: []*model.ColumnDef{runs(32, &model.ColumnDef{Type: model.TimestampNanoUTC})}},
	}}
	last := def.Columns[len(def.Columns)-2]
	last.HasDefault, last.Default = true, "-1"
	f := &model.File{Source: "trade.fbs", Output: "trade_lightstream.go", Rows: "trade_rows.go", Constraint: "linux && amd64"}
	f.Enums = []*model.Enum{
		{Name: "Side", Doc: []string{"Side is which side was taken."}, Type: model.Type{Kind: model.Int, Bits: 8}, Values: []model.EnumValue{
			{Const: "SideBuy", Name: "Buy", Value: "1", Doc: []string{"SideBuy takes."}}, {Const: "SideSell", Name: "Sell", Value: "2"},
		}},
		{Name: "Level", Type: model.Int8, Values: []model.EnumValue{{Const: "LevelLow", Name: "Low", Value: "-1"}}},
	}
	if err := model.Build(&model.Package{Name: "feed"}, f, []*model.Def{def}); err != nil {
		t.Fatal(err)
	}
	return f
}

// emitters are the functions of this package that write a declaration, or a part of one.
var emitters = map[string]func(*model.Table) []jen.Code{
	"emitVersion":         func(*model.Table) []jen.Code { return []jen.Code{emitVersion()} },
	"emitTableVar":        one(emitTableVar),
	"emitScales":          one(emitScales),
	"emitColumns":         one(emitColumns),
	"emitReader":          one(emitReader),
	"emitNewReader":       one(emitNewReader),
	"emitWriter":          one(emitWriter),
	"emitNewWriter":       one(emitNewWriter),
	"emitFramer":          one(emitFramer),
	"emitNewFramer":       one(emitNewFramer),
	"emitBatch":           one(emitBatch),
	"emitNewBatch":        one(emitNewBatch),
	"emitLen":             one(emitLen),
	"emitAccessor":        each(emitAccessor),
	"emitRowMethod":       one(emitRowMethod),
	"emitAppendTo":        one(emitAppendTo),
	"emitRelease":         one(emitRelease),
	"emitRetain":          one(emitRetain),
	"emitHandle":          one(emitHandle),
	"emitReadRows":        one(emitReadRows),
	"emitBuilder":         one(emitBuilder),
	"emitNewBuilder":      one(emitNewBuilder),
	"emitBuilderAccessor": each(emitBuilderAccessor),
	"emitAppend":          one(emitAppend),
	"emitAppendRows":      one(emitAppendRows),
	"emitTestFields":      one(emitTestFields),
	"emitTest": one(func(t *model.Table) jen.Code {
		return emitTest(t, "Test", "T", "RoundTrip", "writes rows of table %q and reads them back.")
	}),
	"emitRow": func(t *model.Table) []jen.Code {
		return []jen.Code{emitRow(t.Row, t.Doc, t.Row+" is a row.", t.Columns)}
	},
	"emitDefinition": one(emitDefinition),

	"emitGroupColumns":         eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupColumns(g) }),
	"emitGroupView":            eachGroup(emitGroupView),
	"emitGroupViewLen":         eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupViewLen(g) }),
	"emitGroupViewIsNull":      eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupViewIsNull(g) }),
	"emitGroupViewAccessor":    eachGroupField(emitGroupViewAccessor),
	"emitGroupViewRow":         eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupViewRow(g) }),
	"emitGroupViewSlice":       eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupViewSlice(g) }),
	"emitReadGroup":            eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitReadGroup(g) }),
	"emitGroupBuilder":         eachGroup(emitGroupBuilder),
	"emitNewGroupBuilder":      eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitNewGroupBuilder(g) }),
	"emitGroupBuilderAccessor": eachGroupField(emitGroupBuilderAccessor),
	"emitGroupAppend":          eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupAppend(g) }),
	"emitGroupAppendRows":      eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupAppendRows(g) }),
	"emitGroupAppendPtr":       eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupAppendPtr(g) }),
	"emitGroupAppendNullable":  eachGroup(func(_ *model.Table, g *model.Group) jen.Code { return emitGroupAppendNullable(g) }),
	"emitGroup":                nil, // the list of those

	"emitColumnFuncs": func(t *model.Table) []jen.Code { return emitColumnFuncs(t.Columns) },
	"emitArraySlice":  nil, // in emitColumnFuncs
	"emitKeyOrder":    nil,

	"emitTextColumns": one(emitTextColumns),
	"emitTextGroup": func(t *model.Table) (list []jen.Code) {
		for _, g := range t.Groups {
			list = append(list, emitTextGroup(t, g))
		}
		return list
	},
	"emitTextReader":    eachFormat(emitTextReader),
	"emitNewTextReader": eachFormat(emitNewTextReader),
	"emitTextWriter":    eachFormat(emitTextWriter),
	"emitNewTextWriter": eachFormat(emitNewTextWriter),

	"emitTypeIDs":            eachUnion(emitTypeIDs),
	"emitUnionView":          eachUnion(emitUnionView),
	"emitUnionViewLen":       eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitUnionViewLen(g) }),
	"emitUnionViewIsNull":    eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitUnionViewIsNull(g) }),
	"emitUnionViewType":      eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitUnionViewType(g) }),
	"emitUnionViewIndex":     eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitUnionViewIndex(g) }),
	"emitUnionViewMember":    eachUnionMember(emitUnionViewMember),
	"emitUnionViewSlice":     eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitUnionViewSlice(g) }),
	"emitUnionOf":            eachUnionMember(emitUnionOf),
	"emitReadUnion":          eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitReadUnion(g) }),
	"emitUnionBuilder":       eachUnion(emitUnionBuilder),
	"emitNewUnionBuilder":    eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitNewUnionBuilder(g) }),
	"emitUnionBuilderMember": eachUnionMember(emitUnionBuilderMember),
	"emitUnionAppend":        eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitUnionAppend(g) }),
	"emitUnionAppendRows":    eachUnion(func(_ *model.Table, g *model.Group) jen.Code { return emitUnionAppendRows(g) }),
	"emitUnion":              nil, // the list of those
	"emitTestUnion":          nil, // in emitTest
	"emitUnionType":          nil, // in Rows
	"emitMemberType":         nil,
	"emitMarkers":            nil,
	"emitGroupType":          nil,

	"emitEnum":       nil, // in Rows
	"emitEnumString": nil,
	"emitEnumParse":  nil,

	"emitTable":    nil, // the list of the others
	"emitMessage":  nil,
	"emitProtocol": nil,
	"emitColumn":   nil, // in emitColumns
	"emitViews":    nil, // in emitReadRows
	"emitRowField": nil, // in emitRow
	"emitStruct":   nil, // likewise
}

func one(emit func(*model.Table) jen.Code) func(*model.Table) []jen.Code {
	return func(t *model.Table) []jen.Code { return []jen.Code{emit(t)} }
}

func each(emit func(*model.Table, *model.Column) jen.Code) func(*model.Table) []jen.Code {
	return func(t *model.Table) []jen.Code {
		var list []jen.Code
		for _, c := range t.Columns {
			list = append(list, emit(t, c))
		}
		return list
	}
}

func eachFormat(emit func(*model.Table, Format) jen.Code) func(*model.Table) []jen.Code {
	return func(t *model.Table) (list []jen.Code) {
		for _, format := range Formats {
			list = append(list, emit(t, format))
		}
		return list
	}
}

func eachGroup(emit func(*model.Table, *model.Group) jen.Code) func(*model.Table) []jen.Code {
	return eachOf(false, emit)
}

func eachUnion(emit func(*model.Table, *model.Group) jen.Code) func(*model.Table) []jen.Code {
	return eachOf(true, emit)
}

func eachOf(union bool, emit func(*model.Table, *model.Group) jen.Code) func(*model.Table) []jen.Code {
	return func(t *model.Table) []jen.Code {
		var list []jen.Code
		for _, g := range t.Groups {
			if union == (g.Marker != "") {
				list = append(list, emit(t, g))
			}
		}
		return list
	}
}

func eachGroupField(emit func(*model.Group, *model.Column) jen.Code) func(*model.Table) []jen.Code {
	return eachColumn(false, emit)
}

func eachUnionMember(emit func(*model.Group, *model.Column) jen.Code) func(*model.Table) []jen.Code {
	return eachColumn(true, emit)
}

func eachColumn(union bool, emit func(*model.Group, *model.Column) jen.Code) func(*model.Table) []jen.Code {
	return func(t *model.Table) []jen.Code {
		var list []jen.Code
		for _, g := range t.Groups {
			for _, c := range g.Columns {
				if union == (g.Marker != "") && (!union || c.Member != nil) {
					list = append(list, emit(g, c))
				}
			}
		}
		return list
	}
}

// declarations writes code as the file f would have it, without its package and imports.
func declarations(t *testing.T, f *model.File, list []jen.Code) []byte {
	t.Helper()
	out := newFile(f, f.Imports)
	for _, code := range list {
		out.Line()
		out.Add(code)
	}
	var buf bytes.Buffer
	if err := out.Render(&buf); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(buf.String(), "package feed\n")
	if _, after, imports := strings.Cut(text, "\n)\n"); imports && strings.HasPrefix(strings.TrimSpace(text), "import (") {
		text = after
	} else if rest, single := strings.CutPrefix(strings.TrimSpace(text), "import "); single {
		_, text, _ = strings.Cut(rest, "\n")
	}
	formatted, err := format.Source([]byte(strings.TrimLeft(text, "\n")))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return append(bytes.TrimRight(formatted, "\n"), '\n')
}

func TestEmitters(t *testing.T) {
	f := trade(t)
	for name, emit := range emitters {
		if emit == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			golden(t, name, declarations(t, f, emit(f.Tables[0])))
		})
	}
	for _, name := range functions(t) {
		if _, there := emitters[name]; !there && messageEmitters[name] == nil && protocolEmitters[name] == nil {
			t.Errorf("%s has no golden file; add it to the test", name)
		}
	}
}

// functions returns the names of the emitters in the source.
func functions(t *testing.T) []string {
	t.Helper()
	var names []string
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no source files", err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "emit") {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

// golden compares Go text with a file, which -update rewrites.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestFiles(t *testing.T) {
	f := trade(t)
	tables, err := Tables(f)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := bytes.Cut(tables, []byte("\n// TradeTable describes"))
	golden(t, "head", head)
	rows, err := Rows(f)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "rows", rows)
	for _, text := range [][]byte{tables, rows} {
		if source, ok := Source(text); !ok || source != "trade.fbs" {
			t.Errorf("Source() = %q, %v", source, ok)
		}
	}
	if _, ok := Source([]byte("// Package feed is by hand.\n")); ok {
		t.Error("Source takes what is written by hand")
	}
}

// What does not parse is shown.
func TestOffendingLine(t *testing.T) {
	f := trade(t)
	f.Tables[0].Columns[6].Local = "not a name"
	_, err := Tables(f)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"trade_lightstream.go: ", "please report it", "not a name"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q has no %q", err, want)
		}
	}
}
