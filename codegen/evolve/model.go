package evolve

import (
	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TablesOf returns the tables of a generated file.
func TablesOf(f *model.File) []Table {
	enums := map[string]*model.Enum{}
	for _, e := range f.Enums {
		enums[e.Name] = e
	}
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
		Names: c.Enum,
	}
	if c.Named != nil && c.Named.Path == "" {
		if e := enums[c.Named.Name]; e != nil {
			for _, v := range e.Values {
				out.Values = append(out.Values, Value{v.Name, v.Value})
			}
		}
	}
	return out
}

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
	for _, child := range below {
		f.Children = append(f.Children, fieldOf(child))
	}
	if c.Type.Kind == model.Map {
		f.Children = []ipc.Field{{Name: "entries", Type: ipc.Struct, Children: f.Children}}
	}
	return f
}

var (
	texts    = map[model.Layout]ipc.Type{model.Offsets: ipc.Utf8, model.Large: ipc.LargeUtf8, model.Views: ipc.Utf8View}
	lists    = map[model.Layout]ipc.Type{model.Offsets: ipc.List, model.Large: ipc.LargeList, model.Views: ipc.ListView}
	binaries = map[model.Layout]ipc.Type{model.Offsets: ipc.Binary, model.Large: ipc.LargeBinary, model.Views: ipc.BinaryView}
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
		return lists[t.Layout]
	case model.FixedList:
		return ipc.FixedSizeList(t.Width)
	case model.Map:
		return ipc.Map
	case model.Struct:
		return ipc.Struct
	}
	return ipc.Null
}
