package fbtest

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/endian"
	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/lightstream-go/lightstream/gen/arrowfb"
)

// fromField makes arrow-go's field of a verified one.
func fromField(f arrowfb.Field) (arrow.Field, error) {
	children := make([]arrow.Field, f.ChildrenLen())
	for i := range children {
		var err error
		if children[i], err = fromField(f.Children(i)); err != nil {
			return arrow.Field{}, err
		}
	}
	typ, err := fromType(f, children)
	if err != nil {
		return arrow.Field{}, err
	}
	if d := f.Dictionary(); !d.IsZero() {
		index := arrow.DataType(arrow.PrimitiveTypes.Int32)
		if d.HasIndexType() {
			index = fromInt(d.IndexType())
		}
		typ = &arrow.DictionaryType{IndexType: index, ValueType: typ, Ordered: d.IsOrdered()}
	}
	return arrow.Field{Name: f.Name(), Type: typ, Nullable: f.Nullable(), Metadata: fromMetadata(f.CustomMetadataLen(), f.CustomMetadata)}, nil
}

func fromMetadata(n int, get func(int) arrowfb.KeyValue) arrow.Metadata {
	var keys, values []string
	for i := range n {
		keys, values = append(keys, get(i).Key()), append(values, get(i).Value())
	}
	return arrow.NewMetadata(keys, values)
}

func fromInt(t arrowfb.Int) arrow.DataType {
	signed := map[int32]arrow.DataType{8: arrow.PrimitiveTypes.Int8, 16: arrow.PrimitiveTypes.Int16, 32: arrow.PrimitiveTypes.Int32, 64: arrow.PrimitiveTypes.Int64}
	unsigned := map[int32]arrow.DataType{8: arrow.PrimitiveTypes.Uint8, 16: arrow.PrimitiveTypes.Uint16, 32: arrow.PrimitiveTypes.Uint32, 64: arrow.PrimitiveTypes.Uint64}
	if t.IsSigned() {
		return signed[t.BitWidth()]
	}
	return unsigned[t.BitWidth()]
}

func fromType(f arrowfb.Field, children []arrow.Field) (arrow.DataType, error) {
	switch f.TypeType() {
	case arrowfb.TypeNull:
		return arrow.Null, nil
	case arrowfb.TypeInt:
		t, _ := f.TypeInt()
		return fromInt(t), nil
	case arrowfb.TypeFloatingPoint:
		t, _ := f.TypeFloatingPoint()
		return []arrow.DataType{arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64}[t.Precision()], nil
	case arrowfb.TypeBinary:
		return arrow.BinaryTypes.Binary, nil
	case arrowfb.TypeUtf8:
		return arrow.BinaryTypes.String, nil
	case arrowfb.TypeLargeBinary:
		return arrow.BinaryTypes.LargeBinary, nil
	case arrowfb.TypeLargeUtf8:
		return arrow.BinaryTypes.LargeString, nil
	case arrowfb.TypeBinaryView:
		return arrow.BinaryTypes.BinaryView, nil
	case arrowfb.TypeUtf8View:
		return arrow.BinaryTypes.StringView, nil
	case arrowfb.TypeBool:
		return arrow.FixedWidthTypes.Boolean, nil
	case arrowfb.TypeDecimal:
		t, _ := f.TypeDecimal()
		if t.BitWidth() == 256 {
			return &arrow.Decimal256Type{Precision: t.Precision(), Scale: t.Scale()}, nil
		}
		return &arrow.Decimal128Type{Precision: t.Precision(), Scale: t.Scale()}, nil
	case arrowfb.TypeDate:
		t, _ := f.TypeDate()
		return []arrow.DataType{arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64}[t.Unit()], nil
	case arrowfb.TypeTime:
		t, _ := f.TypeTime()
		if t.BitWidth() == 32 {
			return &arrow.Time32Type{Unit: arrow.TimeUnit(t.Unit())}, nil
		}
		return &arrow.Time64Type{Unit: arrow.TimeUnit(t.Unit())}, nil
	case arrowfb.TypeTimestamp:
		t, _ := f.TypeTimestamp()
		return &arrow.TimestampType{Unit: arrow.TimeUnit(t.Unit()), TimeZone: t.Timezone()}, nil
	case arrowfb.TypeInterval:
		t, _ := f.TypeInterval()
		return []arrow.DataType{arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval}[t.Unit()], nil
	case arrowfb.TypeDuration:
		t, _ := f.TypeDuration()
		return &arrow.DurationType{Unit: arrow.TimeUnit(t.Unit())}, nil
	case arrowfb.TypeList:
		return arrow.ListOfField(children[0]), nil
	case arrowfb.TypeLargeList:
		return arrow.LargeListOfField(children[0]), nil
	case arrowfb.TypeListView:
		return arrow.ListViewOfField(children[0]), nil
	case arrowfb.TypeLargeListView:
		return arrow.LargeListViewOfField(children[0]), nil
	case arrowfb.TypeFixedSizeList:
		t, _ := f.TypeFixedSizeList()
		return arrow.FixedSizeListOfField(t.ListSize(), children[0]), nil
	case arrowfb.TypeFixedSizeBinary:
		t, _ := f.TypeFixedSizeBinary()
		return &arrow.FixedSizeBinaryType{ByteWidth: int(t.ByteWidth())}, nil
	case arrowfb.TypeStruct:
		return arrow.StructOf(children...), nil
	case arrowfb.TypeMap:
		t, _ := f.TypeMap()
		pair := children[0].Type.(*arrow.StructType)
		m := arrow.MapOfFields(pair.Field(0), pair.Field(1))
		m.KeysSorted = t.KeysSorted()
		return m, nil
	case arrowfb.TypeUnion:
		t, _ := f.TypeUnion()
		var codes []arrow.UnionTypeCode
		for i := range t.TypeIDsLen() {
			codes = append(codes, arrow.UnionTypeCode(t.TypeIDs(i)))
		}
		if t.Mode() == arrowfb.UnionModeDense {
			return arrow.DenseUnionOf(children, codes), nil
		}
		return arrow.SparseUnionOf(children, codes), nil
	case arrowfb.TypeRunEndEncoded:
		return arrow.RunEndEncodedOf(children[0].Type, children[1].Type), nil
	}
	return nil, fmt.Errorf("field %q of type %v", f.Name(), f.TypeType())
}

// fromSchema makes arrow-go's schema of a verified one.
func fromSchema(s arrowfb.Schema) (*arrow.Schema, error) {
	fields := make([]arrow.Field, s.FieldsLen())
	for i := range fields {
		var err error
		if fields[i], err = fromField(s.Fields(i)); err != nil {
			return nil, err
		}
	}
	metadata := fromMetadata(s.CustomMetadataLen(), s.CustomMetadata)
	return arrow.NewSchemaWithEndian(fields, &metadata, endian.Endianness(s.Endianness())), nil
}

// schemaWriter writes arrow-go's schemas with the generated functions.
type schemaWriter struct {
	b            *flatbuffers.Builder
	dictionaries int64
}

func (w *schemaWriter) schema(s *arrow.Schema) flatbuffers.UOffsetT {
	var fields []flatbuffers.UOffsetT
	for _, f := range s.Fields() {
		fields = append(fields, w.field(f))
	}
	list := offsets(w.b, arrowfb.SchemaStartFields, fields...)
	metadata := w.metadata(s.Metadata(), arrowfb.SchemaStartCustomMetadata)
	arrowfb.SchemaStart(w.b)
	arrowfb.SchemaAddEndianness(w.b, arrowfb.Endianness(s.Endianness()))
	arrowfb.SchemaAddFields(w.b, list)
	arrowfb.SchemaAddCustomMetadata(w.b, metadata)
	return arrowfb.SchemaEnd(w.b)
}

func (w *schemaWriter) metadata(m arrow.Metadata, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	if m.Len() == 0 {
		return 0
	}
	var pairs []flatbuffers.UOffsetT
	for i, key := range m.Keys() {
		k, v := w.b.CreateString(key), w.b.CreateString(m.Values()[i])
		arrowfb.KeyValueStart(w.b)
		arrowfb.KeyValueAddKey(w.b, k)
		arrowfb.KeyValueAddValue(w.b, v)
		pairs = append(pairs, arrowfb.KeyValueEnd(w.b))
	}
	return offsets(w.b, start, pairs...)
}

func (w *schemaWriter) field(f arrow.Field) flatbuffers.UOffsetT {
	name := w.b.CreateString(f.Name)
	typ := f.Type
	var dictionary flatbuffers.UOffsetT
	if d, ok := typ.(*arrow.DictionaryType); ok {
		_, index := w.typ(d.IndexType)
		arrowfb.DictionaryEncodingStart(w.b)
		arrowfb.DictionaryEncodingForceID(w.b, w.dictionaries)
		arrowfb.DictionaryEncodingAddIndexType(w.b, index)
		arrowfb.DictionaryEncodingAddIsOrdered(w.b, d.Ordered)
		dictionary = arrowfb.DictionaryEncodingEnd(w.b)
		w.dictionaries++
		typ = d.ValueType
	}
	var children []flatbuffers.UOffsetT
	if nested, ok := typ.(arrow.NestedType); ok {
		for _, child := range nested.Fields() {
			children = append(children, w.field(child))
		}
	}
	tag, value := w.typ(typ)
	list := offsets(w.b, arrowfb.FieldStartChildren, children...)
	metadata := w.metadata(f.Metadata, arrowfb.FieldStartCustomMetadata)
	arrowfb.FieldStart(w.b)
	arrowfb.FieldAddName(w.b, name)
	arrowfb.FieldForceNullable(w.b, f.Nullable)
	arrowfb.FieldAddTypeType(w.b, tag)
	arrowfb.FieldAddType(w.b, value)
	arrowfb.FieldAddDictionary(w.b, dictionary)
	arrowfb.FieldAddChildren(w.b, list)
	arrowfb.FieldAddCustomMetadata(w.b, metadata)
	return arrowfb.FieldEnd(w.b)
}

// typ writes a type and returns its tag and where it is.
func (w *schemaWriter) typ(t arrow.DataType) (arrowfb.Type, flatbuffers.UOffsetT) {
	b := w.b
	integer := func(width int32, signed bool) (arrowfb.Type, flatbuffers.UOffsetT) {
		arrowfb.IntStart(b)
		arrowfb.IntAddBitWidth(b, width)
		arrowfb.IntAddIsSigned(b, signed)
		return arrowfb.TypeInt, arrowfb.IntEnd(b)
	}
	float := func(p arrowfb.Precision) (arrowfb.Type, flatbuffers.UOffsetT) {
		arrowfb.FloatingPointStart(b)
		arrowfb.FloatingPointAddPrecision(b, p)
		return arrowfb.TypeFloatingPoint, arrowfb.FloatingPointEnd(b)
	}
	decimal := func(t arrow.DecimalType) (arrowfb.Type, flatbuffers.UOffsetT) {
		arrowfb.DecimalStart(b)
		arrowfb.DecimalAddPrecision(b, t.GetPrecision())
		arrowfb.DecimalAddScale(b, t.GetScale())
		arrowfb.DecimalAddBitWidth(b, int32(t.BitWidth()))
		return arrowfb.TypeDecimal, arrowfb.DecimalEnd(b)
	}
	date := func(u arrowfb.DateUnit) (arrowfb.Type, flatbuffers.UOffsetT) {
		arrowfb.DateStart(b)
		arrowfb.DateAddUnit(b, u)
		return arrowfb.TypeDate, arrowfb.DateEnd(b)
	}
	clock := func(u arrow.TimeUnit, width int32) (arrowfb.Type, flatbuffers.UOffsetT) {
		arrowfb.TimeStart(b)
		arrowfb.TimeAddUnit(b, arrowfb.TimeUnit(u))
		arrowfb.TimeAddBitWidth(b, width)
		return arrowfb.TypeTime, arrowfb.TimeEnd(b)
	}
	interval := func(u arrowfb.IntervalUnit) (arrowfb.Type, flatbuffers.UOffsetT) {
		arrowfb.IntervalStart(b)
		arrowfb.IntervalAddUnit(b, u)
		return arrowfb.TypeInterval, arrowfb.IntervalEnd(b)
	}
	union := func(mode arrowfb.UnionMode, codes []arrow.UnionTypeCode) (arrowfb.Type, flatbuffers.UOffsetT) {
		var ids []int32
		for _, c := range codes {
			ids = append(ids, int32(c))
		}
		list := vector(b, arrowfb.UnionStartTypeIDs, b.PrependInt32, ids...)
		arrowfb.UnionStart(b)
		arrowfb.UnionAddMode(b, mode)
		arrowfb.UnionAddTypeIDs(b, list)
		return arrowfb.TypeUnion, arrowfb.UnionEnd(b)
	}
	empty := func(tag arrowfb.Type, start func(*flatbuffers.Builder), end func(*flatbuffers.Builder) flatbuffers.UOffsetT) (arrowfb.Type, flatbuffers.UOffsetT) {
		start(b)
		return tag, end(b)
	}
	switch t := t.(type) {
	case *arrow.NullType:
		return empty(arrowfb.TypeNull, arrowfb.NullStart, arrowfb.NullEnd)
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type:
		return integer(int32(t.(arrow.FixedWidthDataType).BitWidth()), true)
	case *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type, *arrow.Uint64Type:
		return integer(int32(t.(arrow.FixedWidthDataType).BitWidth()), false)
	case *arrow.Float16Type:
		return float(arrowfb.PrecisionHalf)
	case *arrow.Float32Type:
		return float(arrowfb.PrecisionSingle)
	case *arrow.Float64Type:
		return float(arrowfb.PrecisionDouble)
	case *arrow.BinaryType:
		return empty(arrowfb.TypeBinary, arrowfb.BinaryStart, arrowfb.BinaryEnd)
	case *arrow.StringType:
		return empty(arrowfb.TypeUtf8, arrowfb.Utf8Start, arrowfb.Utf8End)
	case *arrow.LargeBinaryType:
		return empty(arrowfb.TypeLargeBinary, arrowfb.LargeBinaryStart, arrowfb.LargeBinaryEnd)
	case *arrow.LargeStringType:
		return empty(arrowfb.TypeLargeUtf8, arrowfb.LargeUtf8Start, arrowfb.LargeUtf8End)
	case *arrow.BinaryViewType:
		return empty(arrowfb.TypeBinaryView, arrowfb.BinaryViewStart, arrowfb.BinaryViewEnd)
	case *arrow.StringViewType:
		return empty(arrowfb.TypeUtf8View, arrowfb.Utf8ViewStart, arrowfb.Utf8ViewEnd)
	case *arrow.BooleanType:
		return empty(arrowfb.TypeBool, arrowfb.BoolStart, arrowfb.BoolEnd)
	case arrow.DecimalType:
		return decimal(t)
	case *arrow.Date32Type:
		return date(arrowfb.DateUnitDay)
	case *arrow.Date64Type:
		return date(arrowfb.DateUnitMillisecond)
	case *arrow.Time32Type:
		return clock(t.Unit, 32)
	case *arrow.Time64Type:
		return clock(t.Unit, 64)
	case *arrow.TimestampType:
		var zone flatbuffers.UOffsetT
		if t.TimeZone != "" {
			zone = b.CreateString(t.TimeZone)
		}
		arrowfb.TimestampStart(b)
		arrowfb.TimestampAddUnit(b, arrowfb.TimeUnit(t.Unit))
		arrowfb.TimestampAddTimezone(b, zone)
		return arrowfb.TypeTimestamp, arrowfb.TimestampEnd(b)
	case *arrow.MonthIntervalType:
		return interval(arrowfb.IntervalUnitYearMonth)
	case *arrow.DayTimeIntervalType:
		return interval(arrowfb.IntervalUnitDayTime)
	case *arrow.MonthDayNanoIntervalType:
		return interval(arrowfb.IntervalUnitMonthDayNano)
	case *arrow.DurationType:
		arrowfb.DurationStart(b)
		arrowfb.DurationAddUnit(b, arrowfb.TimeUnit(t.Unit))
		return arrowfb.TypeDuration, arrowfb.DurationEnd(b)
	case *arrow.MapType:
		arrowfb.MapStart(b)
		arrowfb.MapAddKeysSorted(b, t.KeysSorted)
		return arrowfb.TypeMap, arrowfb.MapEnd(b)
	case *arrow.ListType:
		return empty(arrowfb.TypeList, arrowfb.ListStart, arrowfb.ListEnd)
	case *arrow.LargeListType:
		return empty(arrowfb.TypeLargeList, arrowfb.LargeListStart, arrowfb.LargeListEnd)
	case *arrow.ListViewType:
		return empty(arrowfb.TypeListView, arrowfb.ListViewStart, arrowfb.ListViewEnd)
	case *arrow.LargeListViewType:
		return empty(arrowfb.TypeLargeListView, arrowfb.LargeListViewStart, arrowfb.LargeListViewEnd)
	case *arrow.FixedSizeListType:
		arrowfb.FixedSizeListStart(b)
		arrowfb.FixedSizeListAddListSize(b, t.Len())
		return arrowfb.TypeFixedSizeList, arrowfb.FixedSizeListEnd(b)
	case *arrow.FixedSizeBinaryType:
		arrowfb.FixedSizeBinaryStart(b)
		arrowfb.FixedSizeBinaryAddByteWidth(b, int32(t.ByteWidth))
		return arrowfb.TypeFixedSizeBinary, arrowfb.FixedSizeBinaryEnd(b)
	case *arrow.StructType:
		return empty(arrowfb.TypeStruct, arrowfb.StructStart, arrowfb.StructEnd)
	case *arrow.SparseUnionType:
		return union(arrowfb.UnionModeSparse, t.TypeCodes())
	case *arrow.DenseUnionType:
		return union(arrowfb.UnionModeDense, t.TypeCodes())
	case *arrow.RunEndEncodedType:
		return empty(arrowfb.TypeRunEndEncoded, arrowfb.RunEndEncodedStart, arrowfb.RunEndEncodedEnd)
	}
	panic("no type for " + t.String())
}
