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

// Schema returns s as a schema of arrow-go, metadata included. The error names a column whose type does not go across, and wraps
// [ipc.ErrUnsupported].
func Schema(s *ipc.Schema) (*arrow.Schema, error) {
	fields := make([]arrow.Field, len(s.Fields))
	for i := range s.Fields {
		var err error
		if fields[i], err = fieldTo(&s.Fields[i], s.Fields[i].Name); err != nil {
			return nil, err
		}
	}
	m := metadataTo(s.Metadata)
	return arrow.NewSchemaWithEndian(fields, &m, endian.LittleEndian), nil
}

// FromSchema returns a schema of arrow-go as one of this module, metadata included. The error names a column whose type does not go
// across, and wraps [ipc.ErrUnsupported].
func FromSchema(s *arrow.Schema) (*ipc.Schema, error) {
	if err := checkEndian(s); err != nil {
		return nil, err
	}
	c := &ipc.Schema{Fields: make([]ipc.Field, s.NumFields()), Metadata: metadataFrom(s.Metadata())}
	for i := range c.Fields {
		var err error
		if c.Fields[i], err = fieldFrom(s.Field(i), s.Field(i).Name); err != nil {
			return nil, err
		}
		if d := c.Fields[i].Dictionary; d != nil {
			d.ID = int64(i)
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

func unsupported(path string, t any, why string) error {
	return fmt.Errorf("lightstream: column %q: %w", path, frame.Errorf(ipc.ErrUnsupported, "type %v does not go to or from arrow-go: %s", t, why))
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

func fieldTo(f *ipc.Field, path string) (a arrow.Field, err error) {
	a = arrow.Field{Name: f.Name, Nullable: f.Nullable, Metadata: metadataTo(f.Metadata)}
	a.Type, err = typeTo(f, path)
	return a, err
}

// typeTo returns the arrow-go type of a field.
func typeTo(f *ipc.Field, path string) (arrow.DataType, error) {
	if d := f.Dictionary; d != nil {
		index := flatTo(d.Index)
		if index == nil || d.Index.Kind != ipc.KindInt {
			return nil, unsupported(path, f.TypeString(), "indices are integers")
		}
		values := valuesOf(f)
		t, err := typeTo(&values, path)
		if err != nil {
			return nil, err
		}
		return &arrow.DictionaryType{IndexType: index, ValueType: t, Ordered: d.Ordered}, nil
	}
	t := flatTo(f.Type)
	if t != nil {
		return t, nil
	}
	children := make([]arrow.Field, len(f.Children))
	for i := range f.Children {
		var err error
		if children[i], err = fieldTo(&f.Children[i], path+"."+f.Children[i].Name); err != nil {
			return nil, err
		}
	}
	if t = nestedTo(f.Type, children); t == nil {
		return nil, unsupported(path, f.TypeString(), "it has parameters or children that it cannot have there")
	}
	return t, nil
}

// valuesOf returns the field of the values of a dictionary column.
func valuesOf(f *ipc.Field) ipc.Field {
	values := *f
	values.Dictionary, values.Nullable = nil, true
	return values
}

// isBytes tells whether values of the type are byte strings, numbers too, which dictionaries of the runtime keep as strings. Those
// of others keep a column.
func isBytes(f *ipc.Field) bool {
	return len(f.Children) == 0 && f.Type.Kind != ipc.KindBool && f.Type.Kind != ipc.KindNull && f.Type.Kind != ipc.KindStruct
}

// units are those of Arrow, by arrow-go's numbers.
var units = [...]column.Unit{
	arrow.Second: column.Second, arrow.Millisecond: column.Millisecond,
	arrow.Microsecond: column.Microsecond, arrow.Nanosecond: column.Nanosecond,
}

func unitTo(u column.Unit) (arrow.TimeUnit, bool) {
	for i, v := range units {
		if v == u {
			return arrow.TimeUnit(i), true
		}
	}
	return 0, false
}

// plain are the types that have no parameters but a width, as either side calls them.
var plain = []struct {
	ours   ipc.Type
	theirs arrow.DataType
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
	{ipc.LargeBinary, arrow.BinaryTypes.LargeBinary},
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
			return plain[i].theirs
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

// nestedTo returns the arrow-go type of a nested type, nil where there is none. What arrow-go would panic at is none.
func nestedTo(t ipc.Type, children []arrow.Field) arrow.DataType {
	n := len(children)
	switch t.Kind {
	case ipc.KindStruct:
		return arrow.StructOf(children...)
	case ipc.KindUnion:
		codes := codesOf(t, n)
		if codes == nil {
			return nil
		}
		if t.Variant == 1 {
			return arrow.DenseUnionOf(children, codes)
		}
		return arrow.SparseUnionOf(children, codes)
	case ipc.KindRunEndEncoded:
		if n != 2 || !(&arrow.RunEndEncodedType{}).ValidRunEndsType(children[0].Type) {
			return nil
		}
		r := arrow.RunEndEncodedOf(children[0].Type, children[1].Type)
		r.ValueNullable = children[1].Nullable
		return r
	}
	if n != 1 {
		return nil
	}
	switch item := children[0]; t.Kind {
	case ipc.KindList:
		return arrow.ListOfField(item)
	case ipc.KindLargeList:
		return arrow.LargeListOfField(item)
	case ipc.KindListView:
		return arrow.ListViewOfField(item)
	case ipc.KindLargeListView:
		return arrow.LargeListViewOfField(item)
	case ipc.KindFixedSizeList:
		if t.Width > 0 && t.Width <= 1<<31-1 {
			return arrow.FixedSizeListOfField(int32(t.Width), item)
		}
	case ipc.KindMap:
		pair, is := item.Type.(*arrow.StructType)
		if !is || pair.NumFields() != 2 || pair.Field(0).Nullable {
			return nil
		}
		m := arrow.MapOfFields(pair.Field(0), pair.Field(1))
		m.KeysSorted = t.Variant == 1
		return m
	}
	return nil
}

// codesOf returns the type codes of a union of n children, nil if they are none.
func codesOf(t ipc.Type, n int) []arrow.UnionTypeCode {
	codes := make([]arrow.UnionTypeCode, 0, n)
	seen := make(map[int32]bool)
	for i := range n {
		id := int32(i)
		if t.TypeIDs != nil {
			id = t.TypeIDs[i]
		}
		if id < 0 || id > 127 || seen[id] {
			return nil
		}
		seen[id] = true
		codes = append(codes, arrow.UnionTypeCode(id))
	}
	return codes
}

// fieldFrom returns a field of arrow-go's. With an error it has the name and kind alone.
func fieldFrom(a arrow.Field, path string) (f ipc.Field, err error) {
	f = ipc.Field{Name: a.Name, Nullable: a.Nullable, Metadata: metadataFrom(a.Metadata)}
	t := a.Type
	if x, ok := t.(arrow.ExtensionType); ok {
		t = x.StorageType()
		if a.Metadata.FindKey(extensionName) < 0 {
			f.Metadata = append(f.Metadata, ipc.KeyValue{Key: extensionName, Value: x.ExtensionName()},
				ipc.KeyValue{Key: extensionMetadata, Value: x.Serialize()})
		}
	}
	if d, is := t.(*arrow.DictionaryType); is {
		index, _ := flatFrom(d.IndexType)
		f.Dictionary = &ipc.DictionaryEncoding{Index: index, Ordered: d.Ordered}
		if _, twice := d.ValueType.(*arrow.DictionaryType); twice {
			return f, unsupported(path, a.Type, "the values of a dictionary have one themselves")
		}
		values, err := fieldFrom(arrow.Field{Name: a.Name, Type: d.ValueType}, path)
		f.Type, f.Children = values.Type, values.Children
		return f, err
	}
	var ok bool
	if f.Type, ok = flatFrom(t); ok {
		return f, nil
	}
	nested, is := t.(arrow.NestedType)
	if !is || f.Type.Kind == 0 {
		return f, unsupported(path, a.Type, "it is not known")
	}
	for _, child := range nested.Fields() {
		c, err := fieldFrom(child, path+"."+child.Name)
		if err != nil {
			return f, err
		}
		f.Children = append(f.Children, c)
	}
	return f, nil
}

// kinds are those of arrow-go's types that have parameters or children.
var kinds = map[arrow.Type]ipc.Kind{
	arrow.FIXED_SIZE_BINARY: ipc.KindFixedSizeBinary, arrow.TIMESTAMP: ipc.KindTimestamp, arrow.TIME32: ipc.KindTime,
	arrow.TIME64: ipc.KindTime, arrow.DURATION: ipc.KindDuration, arrow.DECIMAL32: ipc.KindDecimal,
	arrow.DECIMAL64: ipc.KindDecimal, arrow.DECIMAL128: ipc.KindDecimal, arrow.DECIMAL256: ipc.KindDecimal,
	arrow.LIST: ipc.KindList, arrow.STRUCT: ipc.KindStruct, arrow.SPARSE_UNION: ipc.KindUnion, arrow.DENSE_UNION: ipc.KindUnion,
	arrow.MAP: ipc.KindMap, arrow.FIXED_SIZE_LIST: ipc.KindFixedSizeList, arrow.LARGE_LIST: ipc.KindLargeList,
	arrow.RUN_END_ENCODED: ipc.KindRunEndEncoded, arrow.LIST_VIEW: ipc.KindListView, arrow.LARGE_LIST_VIEW: ipc.KindLargeListView,
}

// flatFrom returns a type of arrow-go; or, of a nested one, what is not its children, and false.
func flatFrom(a arrow.DataType) (t ipc.Type, ok bool) {
	for i := range plain {
		if plain[i].theirs.ID() == a.ID() {
			return plain[i].ours, true
		}
	}
	t.Kind = kinds[a.ID()]
	switch a := a.(type) {
	case *arrow.TimestampType:
		t.Unit, t.Zone = units[a.Unit&3], a.TimeZone
	case *arrow.DurationType:
		t.Unit = units[a.Unit&3]
	case *arrow.Time32Type:
		t.Unit, t.Bits = units[a.Unit&3], 32
	case *arrow.Time64Type:
		t.Unit, t.Bits = units[a.Unit&3], 64
	case *arrow.FixedSizeBinaryType:
		t.Width = a.ByteWidth
	case arrow.DecimalType:
		t.Bits, t.Precision, t.Scale = a.BitWidth(), int(a.GetPrecision()), int(a.GetScale())
	case *arrow.FixedSizeListType:
		t.Width = int(a.Len())
		return t, false
	case *arrow.MapType:
		if a.KeysSorted {
			t.Variant = 1
		}
		return t, false
	case arrow.UnionType:
		if t.TypeIDs = []int32{}; a.Mode() == arrow.DenseMode {
			t.Variant = 1
		}
		for _, code := range a.TypeCodes() {
			t.TypeIDs = append(t.TypeIDs, int32(code))
		}
		return t, false
	default:
		return t, false
	}
	return t, true
}

// sameType tells whether columns of both fields are laid out alike: names count in structs and unions, and else types alone.
func sameType(a, b *ipc.Field) bool {
	t, u := a.Type, b.Type
	if t.Kind == ipc.KindUnion && len(a.Children) == len(b.Children) {
		for i := range a.Children { // nil is 0, 1, 2 …
			if idOf(t, i) != idOf(u, i) {
				return false
			}
		}
		t.TypeIDs, u.TypeIDs = nil, nil
	}
	if !t.Equal(u) || len(a.Children) != len(b.Children) || (a.Dictionary != nil) != (b.Dictionary != nil) ||
		a.Dictionary != nil && !a.Dictionary.Index.Equal(b.Dictionary.Index) {
		return false
	}
	for i := range a.Children {
		c, d := &a.Children[i], &b.Children[i]
		named := t.Kind == ipc.KindStruct || t.Kind == ipc.KindUnion
		if named && c.Name != d.Name || !sameType(c, d) {
			return false
		}
	}
	return true
}

func idOf(t ipc.Type, i int) int32 {
	if i < len(t.TypeIDs) {
		return t.TypeIDs[i]
	}
	return int32(i)
}
