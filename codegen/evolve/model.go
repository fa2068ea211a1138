package evolve

import (
	"slices"

	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// FileOf returns what a lock says of a generated file.
func FileOf(f *model.File) File {
	return File{f.Output, TablesOf(f), messagesOf(f), protocolsOf(f)}
}

func enumsOf(f *model.File) map[string]*model.Enum {
	enums := map[string]*model.Enum{}
	for _, e := range f.Enums {
		enums[e.Name] = e
	}
	return enums
}

func messagesOf(f *model.File) (list []Message) {
	enums := enumsOf(f)
	for _, m := range f.Messages {
		message := Message{Type: m.Type, Name: m.Name, Opaque: m.Codec != ""}
		for _, c := range m.Fields {
			message.Fields = append(message.Fields, Slot{columnOf(c, enums), c.Number})
		}
		slices.SortFunc(message.Fields, func(a, b Slot) int { return a.Number - b.Number })
		list = append(list, message)
	}
	return list
}

func protocolsOf(f *model.File) (list []Protocol) {
	for _, p := range f.Protocols {
		protocol := Protocol{Name: p.Name}
		for _, m := range p.Members {
			if m.Table != nil {
				protocol.Members = append(protocol.Members, Member{Name: m.Table.Name})
			} else {
				protocol.Members = append(protocol.Members, Member{Name: m.Message.Name, Message: true})
			}
		}
		list = append(list, protocol)
	}
	return list
}

// TablesOf returns the tables of a generated file.
func TablesOf(f *model.File) []Table {
	enums := enumsOf(f)
	var tables []Table
	for _, t := range f.Tables {
		table := Table{Row: t.Row, Name: t.Name}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, columnOf(c, enums))
		}
		tables = append(tables, table)
	}
	return tables
}

func columnOf(c *model.Column, enums map[string]*model.Enum) Column {
	out := Column{
		Field:    fieldOf(c),
		Was:      c.Was,
		NaiveUTC: c.NaiveUTC,
		Default:  c.Default, HasDefault: c.HasDefault,
	}
	out.Names, out.Values = namesOf(c, enums)
	out.Inline = inlineOf(c)
	out.Below = belowOf(c, enums, nil)
	return out
}

func inlineOf(c *model.Column) Inline {
	if c.Group == nil || c.Group.Part == nil || !c.Group.Inline {
		return Inline{}
	}
	return Inline{c.Group.Part.Size, c.Group.Part.Align}
}

// namesOf returns what is known of a column of named numbers, or of one of runs of them.
func namesOf(c *model.Column, enums map[string]*model.Enum) (names bool, values []Value) {
	for c.Type.Kind == model.RunEnds {
		c = c.Children[0]
	}
	if c.Named != nil && c.Named.Path == "" {
		if e := enums[c.Named.Name]; e != nil {
			for _, v := range e.Values {
				values = append(values, Value{v.Name, v.Value})
			}
		}
	}
	return c.Enum, values
}

// belowOf returns what is known of the columns below c, at path.
func belowOf(c *model.Column, enums map[string]*model.Enum, path []string) (list []Below) {
	children := c.Children
	switch {
	case c.Group != nil:
		children = c.Group.Columns
	case c.Type.Kind == model.Map:
		path = append(path[:len(path):len(path)], mapEntries)
	}
	for _, child := range children {
		at := append(path[:len(path):len(path)], child.Name)
		names, values := namesOf(child, enums)
		slot := c.Group != nil && c.Group.Part != nil && !c.Group.Inline
		inline := inlineOf(child)
		if (names || values != nil || slot || inline != Inline{}) && c.Type.Kind != model.RunEnds {
			b := Below{Path: at, Names: names, Values: values, Inline: inline}
			if slot {
				b.HasSlot, b.Slot, b.Default, b.HasDefault = true, child.Number, child.Default, child.HasDefault
			}
			list = append(list, b)
		}
		list = append(list, belowOf(child, enums, at)...)
	}
	return list
}

// mapEntries is the name of the structs that a map is a list of.
const mapEntries = "entries"

func fieldOf(c *model.Column) ipc.Field {
	f := ipc.Field{Name: c.Name, Type: typeOf(c.Type), Nullable: c.Nullable}
	if c.Index != nil {
		f.Dictionary = ipc.DictionaryOf(typeOf(*c.Index))
	}
	if c.Type.UUID {
		f.Metadata = ipc.UUID()
	}
	below := c.Children
	if c.Group != nil {
		below = c.Group.Columns
	}
	if c.Type.Kind == model.Union {
		f.Type.TypeIDs = c.Group.TypeIDs()
	}
	for _, part := range below {
		f.Children = append(f.Children, fieldOf(part))
	}
	switch c.Type.Kind {
	case model.Map:
		f.Children = []ipc.Field{{Name: mapEntries, Type: ipc.Type{Kind: ipc.KindStruct}, Children: f.Children}}
	case model.RunEnds:
		ends := ipc.Type{Kind: ipc.KindInt, Bits: c.Type.Bits, Signed: true}
		f.Children = append([]ipc.Field{{Name: "run_ends", Type: ends}}, f.Children...)
	}
	return f
}

var (
	texts    = map[model.Layout]ipc.Type{model.Offsets: ipc.Utf8, model.Large: ipc.LargeUtf8, model.Views: ipc.Utf8View}
	binaries = map[model.Layout]ipc.Type{model.Offsets: ipc.Binary, model.Large: ipc.LargeBinary, model.Views: ipc.BinaryView}
	lists    = map[model.Layout]ipc.Kind{model.Offsets: ipc.KindList, model.Large: ipc.KindLargeList, model.Views: ipc.KindListView}
	unitsOf  = map[model.Unit]column.Unit{
		model.Second: column.Second, model.Millisecond: column.Millisecond,
		model.Microsecond: column.Microsecond, model.Nanosecond: column.Nanosecond,
	}
)

// typeOf returns a type as the runtime has it.
func typeOf(t model.Type) ipc.Type {
	switch t.Kind {
	case model.Bool:
		return ipc.Bool
	case model.Int:
		return ipc.Type{Kind: ipc.KindInt, Bits: t.Bits, Signed: t.Signed}
	case model.Float:
		return ipc.Type{Kind: ipc.KindFloat, Bits: t.Bits}
	case model.Timestamp:
		return ipc.Timestamp(unitsOf[t.Unit], t.Zone)
	case model.Utf8:
		return texts[t.Layout]
	case model.Binary:
		return binaries[t.Layout]
	case model.FixedBinary:
		return ipc.FixedSizeBinary(t.Width)
	case model.Date:
		return ipc.Type{Kind: ipc.KindDate, Variant: t.Bits/32 - 1}
	case model.Time:
		return ipc.Type{Kind: ipc.KindTime, Bits: t.Bits, Unit: unitsOf[t.Unit]}
	case model.Duration:
		return ipc.Duration(unitsOf[t.Unit])
	case model.Decimal:
		return ipc.Decimal(t.Bits, t.Precision, t.Scale)
	case model.List:
		return ipc.Type{Kind: lists[t.Layout]}
	case model.FixedList:
		return ipc.Type{Kind: ipc.KindFixedSizeList, Width: t.Width}
	case model.Map:
		return ipc.Type{Kind: ipc.KindMap}
	case model.Struct:
		return ipc.Type{Kind: ipc.KindStruct}
	case model.Union:
		u := ipc.Type{Kind: ipc.KindUnion}
		if t.Dense {
			u.Variant = 1
		}
		return u
	case model.RunEnds:
		return ipc.Type{Kind: ipc.KindRunEndEncoded}
	}
	return ipc.Null
}
