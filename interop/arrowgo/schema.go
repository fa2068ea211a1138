package arrowgo

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/endian"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Keys of a field's metadata that say which extension type it has.
//
// Source: Arrow columnar format, "Extension Types".
const (
	extensionName     = "ARROW:extension:name"
	extensionMetadata = "ARROW:extension:metadata"
)

// errHost is returned on hosts where arrow-go's memory is not what goes over the wire.
var errHost = fmt.Errorf("lightstream: arrow-go's columns are big-endian on this host: %w", errors.ErrUnsupported)

func checkHost() error {
	if endian.IsBigEndian {
		return errHost
	}
	return nil
}

// Schema returns s as a schema of arrow-go, metadata included. The error names a column of a type that does not go across, and
// wraps [ipc.ErrUnsupported].
func Schema(s *ipc.Schema) (*arrow.Schema, error) {
	fields := make([]arrow.Field, len(s.Fields))
	for i := range s.Fields {
		f := &s.Fields[i]
		t, err := typeTo(f)
		if err != nil {
			return nil, err
		}
		fields[i] = arrow.Field{Name: f.Name, Type: t, Nullable: f.Nullable, Metadata: metadataTo(f.Metadata)}
	}
	m := metadataTo(s.Metadata)
	return arrow.NewSchemaWithEndian(fields, &m, endian.LittleEndian), nil
}

// FromSchema returns a schema of arrow-go as one of this module, metadata included. The error names a column of a type that does
// not go across, and wraps [ipc.ErrUnsupported].
func FromSchema(s *arrow.Schema) (*ipc.Schema, error) {
	if err := checkEndian(s); err != nil {
		return nil, err
	}
	c := &ipc.Schema{Fields: make([]ipc.Field, s.NumFields()), Metadata: metadataFrom(s.Metadata())}
	for i := range c.Fields {
		var err error
		if c.Fields[i], err = fieldFrom(s.Field(i), i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func checkEndian(s *arrow.Schema) error {
	if s.Endianness() != endian.LittleEndian {
		return fmt.Errorf("lightstream: schema: %w", frame.Errorf(ipc.ErrUnsupported, "its data is big-endian, which is not converted"))
	}
	return nil
}

func unsupported(name string, t any) error {
	return fmt.Errorf("lightstream: column %q: %w", name, frame.Errorf(ipc.ErrUnsupported, "type %v does not go to or from arrow-go yet", t))
}

func metadataTo(kvs []ipc.KeyValue) arrow.Metadata {
	keys, values := make([]string, len(kvs)), make([]string, len(kvs))
	for i, kv := range kvs {
		keys[i], values[i] = kv.Key, kv.Value
	}
	return arrow.NewMetadata(keys, values)
}

func metadataFrom(m arrow.Metadata) []ipc.KeyValue {
	var kvs []ipc.KeyValue
	for i, k := range m.Keys() {
		kvs = append(kvs, ipc.KeyValue{Key: k, Value: m.Values()[i]})
	}
	return kvs
}

// typeTo returns the arrow-go type of a field.
func typeTo(f *ipc.Field) (arrow.DataType, error) {
	t := flatTo(f.Type)
	d := f.Dictionary
	if t == nil || len(f.Children) != 0 || d != nil && !f.Type.IsText() {
		return nil, unsupported(f.Name, f.TypeString())
	}
	if d == nil {
		return t, nil
	}
	index := flatTo(d.Index)
	if index == nil || d.Index.Kind != ipc.KindInt {
		return nil, unsupported(f.Name, f.TypeString())
	}
	return &arrow.DictionaryType{IndexType: index, ValueType: t, Ordered: d.Ordered}, nil
}

// unitTo returns arrow-go's number of a unit.
func unitTo(u column.Unit) (arrow.TimeUnit, bool) {
	switch u {
	case column.Second:
		return arrow.Second, true
	case column.Millisecond:
		return arrow.Millisecond, true
	case column.Microsecond:
		return arrow.Microsecond, true
	case column.Nanosecond:
		return arrow.Nanosecond, true
	}
	return 0, false
}

func unitFrom(u arrow.TimeUnit) column.Unit {
	return [...]column.Unit{
		arrow.Second: column.Second, arrow.Millisecond: column.Millisecond,
		arrow.Microsecond: column.Microsecond, arrow.Nanosecond: column.Nanosecond,
	}[u&3]
}

// plain are the types that have no parameters but a width, each way.
var plain = []struct {
	ours  ipc.Type
	arrow arrow.DataType
}{
	{ipc.Null, arrow.Null},
	{ipc.Bool, arrow.FixedWidthTypes.Boolean},
	{ipc.Int8, arrow.PrimitiveTypes.Int8},
	{ipc.Int16, arrow.PrimitiveTypes.Int16},
	{ipc.Int32, arrow.PrimitiveTypes.Int32},
	{ipc.Int64, arrow.PrimitiveTypes.Int64},
	{ipc.Uint8, arrow.PrimitiveTypes.Uint8},
	{ipc.Uint16, arrow.PrimitiveTypes.Uint16},
	{ipc.Uint32, arrow.PrimitiveTypes.Uint32},
	{ipc.Uint64, arrow.PrimitiveTypes.Uint64},
	{ipc.Float16, arrow.FixedWidthTypes.Float16},
	{ipc.Float32, arrow.PrimitiveTypes.Float32},
	{ipc.Float64, arrow.PrimitiveTypes.Float64},
	{ipc.Utf8, arrow.BinaryTypes.String},
	{ipc.LargeUtf8, arrow.BinaryTypes.LargeString},
	{ipc.Utf8View, arrow.BinaryTypes.StringView},
	{ipc.Binary, arrow.BinaryTypes.Binary},
	{ipc.LargeBin, arrow.BinaryTypes.LargeBinary},
	{ipc.BinaryView, arrow.BinaryTypes.BinaryView},
	{ipc.Type{Kind: ipc.KindDate}, arrow.FixedWidthTypes.Date32},
	{ipc.Type{Kind: ipc.KindDate, Variant: 1}, arrow.FixedWidthTypes.Date64},
	{ipc.Type{Kind: ipc.KindInterval}, arrow.FixedWidthTypes.MonthInterval},
	{ipc.Type{Kind: ipc.KindInterval, Variant: 1}, arrow.FixedWidthTypes.DayTimeInterval},
	{ipc.Type{Kind: ipc.KindInterval, Variant: 2}, arrow.FixedWidthTypes.MonthDayNanoInterval},
}

// flatTo returns the arrow-go type of values that are not nested, nil where there is none.
func flatTo(t ipc.Type) arrow.DataType {
	for i := range plain {
		if plain[i].ours.Equal(t) {
			return plain[i].arrow
		}
	}
	unit, known := unitTo(t.Unit)
	switch t.Kind {
	case ipc.KindTimestamp:
		if known {
			return &arrow.TimestampType{Unit: unit, TimeZone: t.Zone}
		}
	case ipc.KindDuration:
		if known {
			return &arrow.DurationType{Unit: unit}
		}
	case ipc.KindTime:
		switch {
		case !known:
		case t.Bits == 32 && unit <= arrow.Millisecond:
			return &arrow.Time32Type{Unit: unit}
		case t.Bits == 64 && unit > arrow.Millisecond:
			return &arrow.Time64Type{Unit: unit}
		}
	case ipc.KindFixedSizeBinary:
		return &arrow.FixedSizeBinaryType{ByteWidth: t.Width}
	case ipc.KindDecimal:
		p, s := int32(t.Precision), int32(t.Scale)
		switch t.Bits {
		case 32:
			return &arrow.Decimal32Type{Precision: p, Scale: s}
		case 64:
			return &arrow.Decimal64Type{Precision: p, Scale: s}
		case 128:
			return &arrow.Decimal128Type{Precision: p, Scale: s}
		case 256:
			return &arrow.Decimal256Type{Precision: p, Scale: s}
		}
	}
	return nil
}

// fieldFrom returns field i of a schema of arrow-go. With an error it has the name and kind alone.
func fieldFrom(a arrow.Field, i int) (f ipc.Field, err error) {
	f = ipc.Field{Name: a.Name, Nullable: a.Nullable, Metadata: metadataFrom(a.Metadata)}
	t := a.Type
	if x, ok := t.(arrow.ExtensionType); ok {
		t = x.StorageType()
		if !a.HasMetadata() || a.Metadata.FindKey(extensionName) < 0 {
			f.Metadata = append(f.Metadata, ipc.KeyValue{Key: extensionName, Value: x.ExtensionName()},
				ipc.KeyValue{Key: extensionMetadata, Value: x.Serialize()})
		}
	}
	ok := true
	if d, is := t.(*arrow.DictionaryType); is {
		index, _ := flatFrom(d.IndexType)
		f.Dictionary = &ipc.DictionaryEncoding{ID: int64(i), Index: index, Ordered: d.Ordered}
		f.Type, _ = flatFrom(d.ValueType)
		ok = f.Type.IsText() && index.Kind == ipc.KindInt
	} else {
		f.Type, ok = flatFrom(t)
	}
	if !ok {
		return f, unsupported(a.Name, a.Type)
	}
	return f, nil
}

// kinds are those of arrow-go's types that have parameters.
var kinds = map[arrow.Type]ipc.Kind{
	arrow.FIXED_SIZE_BINARY: ipc.KindFixedSizeBinary, arrow.TIMESTAMP: ipc.KindTimestamp, arrow.TIME32: ipc.KindTime,
	arrow.TIME64: ipc.KindTime, arrow.DURATION: ipc.KindDuration, arrow.DECIMAL32: ipc.KindDecimal,
	arrow.DECIMAL64: ipc.KindDecimal, arrow.DECIMAL128: ipc.KindDecimal, arrow.DECIMAL256: ipc.KindDecimal,
	arrow.LIST: ipc.KindList, arrow.STRUCT: ipc.KindStruct, arrow.SPARSE_UNION: ipc.KindUnion, arrow.DENSE_UNION: ipc.KindUnion,
	arrow.MAP: ipc.KindMap, arrow.FIXED_SIZE_LIST: ipc.KindFixedSizeList, arrow.LARGE_LIST: ipc.KindLargeList,
	arrow.RUN_END_ENCODED: ipc.KindRunEndEncoded, arrow.LIST_VIEW: ipc.KindListView, arrow.LARGE_LIST_VIEW: ipc.KindLargeListView,
}

// flatFrom returns a type of arrow-go, or its kind alone and false.
func flatFrom(a arrow.DataType) (t ipc.Type, ok bool) {
	for i := range plain {
		if plain[i].arrow.ID() == a.ID() {
			return plain[i].ours, true
		}
	}
	t.Kind = kinds[a.ID()]
	switch a := a.(type) {
	case *arrow.TimestampType:
		t.Unit, t.Zone = unitFrom(a.Unit), a.TimeZone
	case *arrow.DurationType:
		t.Unit = unitFrom(a.Unit)
	case *arrow.Time32Type:
		t.Unit, t.Bits = unitFrom(a.Unit), 32
	case *arrow.Time64Type:
		t.Unit, t.Bits = unitFrom(a.Unit), 64
	case *arrow.FixedSizeBinaryType:
		t.Width = a.ByteWidth
	case arrow.DecimalType:
		t.Bits, t.Precision, t.Scale = a.BitWidth(), int(a.GetPrecision()), int(a.GetScale())
	default:
		return t, false
	}
	return t, true
}
