package ipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/endian"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// oracleType is a type as either side calls it.
type oracleType struct {
	ours   ipc.Type
	theirs arrow.DataType
	text   string // of a nested type
}

var oracleInts = []oracleType{
	{ours: ipc.Int8, theirs: arrow.PrimitiveTypes.Int8},
	{ours: ipc.Int16, theirs: arrow.PrimitiveTypes.Int16},
	{ours: ipc.Int32, theirs: arrow.PrimitiveTypes.Int32},
	{ours: ipc.Int64, theirs: arrow.PrimitiveTypes.Int64},
	{ours: ipc.Uint8, theirs: arrow.PrimitiveTypes.Uint8},
	{ours: ipc.Uint16, theirs: arrow.PrimitiveTypes.Uint16},
	{ours: ipc.Uint32, theirs: arrow.PrimitiveTypes.Uint32},
	{ours: ipc.Uint64, theirs: arrow.PrimitiveTypes.Uint64},
}

var oracleTexts = []oracleType{
	{ours: ipc.Utf8, theirs: arrow.BinaryTypes.String},
	{ours: ipc.LargeUtf8, theirs: arrow.BinaryTypes.LargeString},
	{ours: ipc.Utf8View, theirs: arrow.BinaryTypes.StringView},
}

var oracleOthers = []oracleType{
	{ours: ipc.Bool, theirs: arrow.FixedWidthTypes.Boolean},
	{ours: ipc.Float16, theirs: arrow.FixedWidthTypes.Float16},
	{ours: ipc.Float32, theirs: arrow.PrimitiveTypes.Float32},
	{ours: ipc.Float64, theirs: arrow.PrimitiveTypes.Float64},
	{ours: ipc.Binary, theirs: arrow.BinaryTypes.Binary},
	{ours: ipc.LargeBinary, theirs: arrow.BinaryTypes.LargeBinary},
	{ours: ipc.BinaryView, theirs: arrow.BinaryTypes.BinaryView},
	{ours: ipc.Timestamp(column.Second, ""), theirs: &arrow.TimestampType{Unit: arrow.Second}},
	{ours: ipc.Timestamp(column.Second, "UTC"), theirs: &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}},
	{ours: ipc.Timestamp(column.Millisecond, ""), theirs: &arrow.TimestampType{Unit: arrow.Millisecond}},
	{ours: ipc.Timestamp(column.Millisecond, "+01:00"), theirs: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "+01:00"}},
	{ours: ipc.Timestamp(column.Microsecond, ""), theirs: &arrow.TimestampType{Unit: arrow.Microsecond}},
	{ours: ipc.Timestamp(column.Microsecond, "Europe/Berlin"), theirs: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}},
	{ours: ipc.Timestamp(column.Nanosecond, ""), theirs: &arrow.TimestampType{Unit: arrow.Nanosecond}},
	{ours: ipc.Timestamp(column.Nanosecond, "UTC"), theirs: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}},
	{ours: ipc.Null, theirs: arrow.Null},
	{ours: ipc.Type{Kind: ipc.KindDate}, theirs: arrow.FixedWidthTypes.Date32},
	{ours: ipc.Type{Kind: ipc.KindDate, Variant: 1}, theirs: arrow.FixedWidthTypes.Date64},
	{ours: ipc.Type{Kind: ipc.KindTime, Bits: 32, Unit: column.Second}, theirs: arrow.FixedWidthTypes.Time32s},
	{ours: ipc.Type{Kind: ipc.KindTime, Bits: 64, Unit: column.Nanosecond}, theirs: arrow.FixedWidthTypes.Time64ns},
	{ours: ipc.Type{Kind: ipc.KindDuration, Unit: column.Microsecond}, theirs: arrow.FixedWidthTypes.Duration_us},
	{ours: ipc.Type{Kind: ipc.KindInterval}, theirs: arrow.FixedWidthTypes.MonthInterval},
	{ours: ipc.Type{Kind: ipc.KindInterval, Variant: 1}, theirs: arrow.FixedWidthTypes.DayTimeInterval},
	{ours: ipc.Type{Kind: ipc.KindInterval, Variant: 2}, theirs: arrow.FixedWidthTypes.MonthDayNanoInterval},
	{ours: ipc.Type{Kind: ipc.KindDecimal, Bits: 32, Precision: 7, Scale: 2}, theirs: &arrow.Decimal32Type{Precision: 7, Scale: 2}},
	{ours: ipc.Type{Kind: ipc.KindDecimal, Bits: 64, Precision: 12, Scale: 3}, theirs: &arrow.Decimal64Type{Precision: 12, Scale: 3}},
	{ours: ipc.Type{Kind: ipc.KindDecimal, Bits: 128, Precision: 30, Scale: 9}, theirs: &arrow.Decimal128Type{Precision: 30, Scale: 9}},
	{ours: ipc.Type{Kind: ipc.KindDecimal, Bits: 256, Precision: 70, Scale: -2}, theirs: &arrow.Decimal256Type{Precision: 70, Scale: -2}},
	{ours: ipc.Type{Kind: ipc.KindFixedSizeBinary, Width: 16}, theirs: &arrow.FixedSizeBinaryType{ByteWidth: 16}},
	{ours: ipc.Type{Kind: ipc.KindFixedSizeBinary, Width: 3}, theirs: &arrow.FixedSizeBinaryType{ByteWidth: 3}},
}

// oracleNested are nested types, whose dictionaries, if any, do not change.
var oracleNested = []oracleType{
	{text: "list<item: int32>", theirs: arrow.ListOf(arrow.PrimitiveTypes.Int32)},
	{text: "large_list<item: utf8_view>", theirs: arrow.LargeListOf(arrow.BinaryTypes.StringView)},
	{text: "list<item: list<item: bool>>", theirs: arrow.ListOf(arrow.ListOf(arrow.FixedWidthTypes.Boolean))},
	{text: "fixed_size_list[3]<item: large_utf8>", theirs: arrow.FixedSizeListOf(3, arrow.BinaryTypes.LargeString)},
	{text: "list_view<item: int64>", theirs: arrow.ListViewOf(arrow.PrimitiveTypes.Int64)},
	{text: "large_list_view<item: binary>", theirs: arrow.LargeListViewOf(arrow.BinaryTypes.Binary)},
	{text: "struct<a: int8, b: utf8, c: fixed_size_list[2]<item: bool>, d: struct<e: binary_view>>", theirs: arrow.StructOf(
		arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
		arrow.Field{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "c", Type: arrow.FixedSizeListOf(2, arrow.FixedWidthTypes.Boolean), Nullable: true},
		arrow.Field{Name: "d", Type: arrow.StructOf(arrow.Field{Name: "e", Type: arrow.BinaryTypes.BinaryView, Nullable: true}), Nullable: true},
	)},
	{text: "map<entries: struct<key: utf8 not null, value: list<item: float64>> not null>", theirs: arrow.MapOf(arrow.BinaryTypes.String, arrow.ListOf(arrow.PrimitiveTypes.Float64))},
	{text: "sparse_union<a: int32, b: utf8>", theirs: arrow.SparseUnionOf(oracleUnion, []arrow.UnionTypeCode{7, 5})},
	{text: "dense_union<a: int32, b: utf8>", theirs: arrow.DenseUnionOf(oracleUnion, []arrow.UnionTypeCode{0, 1})},
	{text: "run_end_encoded<run_ends: int16 not null, values: utf8>", theirs: arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int16, arrow.BinaryTypes.String)},
	{text: "run_end_encoded<run_ends: int64 not null, values: int8>", theirs: arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int8)},
	{text: "list<item: run_end_encoded<run_ends: int32 not null, values: bool>>", theirs: arrow.ListOf(arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.FixedWidthTypes.Boolean))},
}

var oracleUnion = []arrow.Field{
	{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
}

// oracleDictionaries are what dictionaries hold beside text.
var oracleDictionaries = []oracleType{
	{ours: ipc.Binary, theirs: arrow.BinaryTypes.Binary},
	{ours: ipc.LargeBinary, theirs: arrow.BinaryTypes.LargeBinary},
	{ours: ipc.BinaryView, theirs: arrow.BinaryTypes.BinaryView},
	{ours: ipc.Int64, theirs: arrow.PrimitiveTypes.Int64},
	{ours: ipc.Uint16, theirs: arrow.PrimitiveTypes.Uint16},
	{ours: ipc.Timestamp(column.Millisecond, "UTC"), theirs: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}},
	{ours: ipc.Type{Kind: ipc.KindFixedSizeBinary, Width: 3}, theirs: &arrow.FixedSizeBinaryType{ByteWidth: 3}},
	{ours: ipc.Type{Kind: ipc.KindDecimal, Bits: 128, Precision: 30, Scale: 9}, theirs: &arrow.Decimal128Type{Precision: 30, Scale: 9}},
}

// oracleColumn makes the arrays of one column, batch by batch.
type oracleColumn struct {
	oracleType
	index    *oracleType // of a dictionary column
	nullable bool

	dictionary arrow.Array // so far
}

func (c *oracleColumn) field(i int) arrow.Field {
	f := arrow.Field{Name: fmt.Sprintf("c%d", i), Type: c.theirs, Nullable: c.nullable}
	if c.index != nil {
		f.Type = &arrow.DictionaryType{IndexType: c.index.theirs, ValueType: c.theirs, Ordered: i%2 == 1}
	}
	if i%3 == 0 {
		f.Metadata = arrow.NewMetadata([]string{"unit", ""}, []string{"°C", ""})
	}
	return f
}

// typeString is what our side calls the column's type.
func (c *oracleColumn) typeString() string {
	switch {
	case c.index != nil:
		return fmt.Sprintf("dictionary<%v, %v>", c.index.ours, c.ours)
	case c.text != "":
		return c.text
	}
	return c.ours.String()
}

// writtenBy is who writes a stream.
type writtenBy int

const (
	byArrowGo writtenBy = iota
	byUs
)

// oracleStream is a stream of records as arrow-go makes them.
type oracleStream struct {
	by      writtenBy
	columns []*oracleColumn
	schema  *arrow.Schema
	recs    []arrow.RecordBatch
}

// drawStream makes a stream whose dictionaries change from batch to batch in the given ways.
func drawStream(t *rapid.T, by writtenBy, changes ...string) *oracleStream {
	s := &oracleStream{by: by}
	for range rapid.IntRange(0, 6).Draw(t, "columns") {
		all := oracleColumns()
		s.columns = append(s.columns, all[rapid.IntRange(0, len(all)-1).Draw(t, "column")])
	}
	s.init()
	for range rapid.IntRange(0, 4).Draw(t, "batches") {
		s.add(oracleBatch{
			rows: rapid.SampledFrom([]int{0, 1, 2, 7, 8, 9, 63, 64, 65, 200}).Draw(t, "rows"),
			lead: rapid.IntRange(0, 20).Draw(t, "lead"), trail: rapid.IntRange(0, 3).Draw(t, "trail"),
			nulls:  rapid.SampledFrom([]float64{0, 0.1, 0.5, 1}).Draw(t, "nulls"),
			change: rapid.SampledFrom(changes).Draw(t, "dictionaries"),
			seed:   rapid.Uint64().Draw(t, "seed"),
		})
	}
	return s
}

// everyStream has a column of every type, with and without nulls.
func everyStream(by writtenBy, changes ...string) *oracleStream {
	s := &oracleStream{by: by, columns: oracleColumns()}
	s.init()
	for i, change := range changes {
		seed := uint64(i)
		s.add(oracleBatch{rows: 70, change: change, seed: seed})
		s.add(oracleBatch{rows: 0, change: "keep", seed: seed})
		s.add(oracleBatch{rows: 33, lead: 13, trail: 2, nulls: 0.3, change: "keep", seed: seed})
		s.add(oracleBatch{rows: 10, nulls: 1, change: "keep", seed: seed})
	}
	return s
}

// oracleColumns returns new columns of each type, with and without nulls.
func oracleColumns() (columns []*oracleColumn) {
	for _, nullable := range []bool{false, true} {
		for _, t := range slices.Concat(oracleInts, oracleTexts, oracleOthers, oracleNested) {
			if nullable || t.ours.Kind != ipc.KindNull {
				columns = append(columns, &oracleColumn{oracleType: t, nullable: nullable})
			}
		}
		for i := range oracleInts {
			for _, t := range oracleTexts {
				columns = append(columns, &oracleColumn{oracleType: t, index: &oracleInts[i], nullable: nullable})
			}
			columns = append(columns, &oracleColumn{oracleType: oracleDictionaries[i], index: &oracleInts[i], nullable: nullable})
		}
	}
	return columns
}

// init makes the schema.
func (s *oracleStream) init() {
	var fields []arrow.Field
	for i, c := range s.columns {
		fields = append(fields, c.field(i))
	}
	metadata := arrow.NewMetadata([]string{"origin", "note"}, []string{"arrow-go", strings.Repeat("x", 100)})
	s.schema = arrow.NewSchema(fields, &metadata)
}

// oracleBatch says what a record is like.
type oracleBatch struct {
	rows, lead, trail int     // lead and trail: rows around a slice
	nulls             float64 // share of them
	change            string  // of the dictionaries: keep, grow or replace
	seed              uint64
}

// add makes a record.
func (s *oracleStream) add(b oracleBatch) {
	r := rand.New(rand.NewPCG(b.seed, 0))
	arrays := make([]arrow.Array, len(s.columns))
	for i, c := range s.columns {
		lead, n := b.lead, b.lead+b.rows+b.trail
		if s.by == byArrowGo && (strings.Contains(c.text, "list_view") || strings.Contains(c.text, "union")) {
			lead, n = 0, b.rows // arrow-go's writer panics at slices of these
		}
		nulls := b.nulls
		if !c.nullable {
			nulls = 0
		}
		if c.index != nil {
			c.nextDictionary(r, b.change)
			arrays[i] = c.indices(r, s.schema.Field(i).Type, n, nulls)
		} else {
			arrays[i] = randomArray(r, c.theirs, n, nulls)
		}
		if n > b.rows {
			arrays[i] = array.NewSlice(arrays[i], int64(lead), int64(lead+b.rows))
		}
	}
	s.recs = append(s.recs, array.NewRecordBatch(s.schema, arrays, int64(b.rows)))
}

// nextDictionary makes the dictionary of the next batch.
func (c *oracleColumn) nextDictionary(r *rand.Rand, how string) {
	if how == "keep" && c.dictionary != nil {
		return
	}
	n := 0
	if c.dictionary != nil && how == "grow" {
		n = c.dictionary.Len()
	}
	nulls := 0.0
	if c.nullable {
		nulls = 0.05
	}
	// That many values fit an int8. The dictionary may be a slice, too.
	ahead := r.IntN(3)
	parts := []arrow.Array{randomArray(r, c.theirs, ahead, 0), randomArray(r, c.theirs, min(1+r.IntN(20), 100-n), nulls)}
	if n != 0 {
		parts = []arrow.Array{parts[0], c.dictionary, parts[1]}
	}
	all, err := array.Concatenate(parts, memory.DefaultAllocator)
	must(err)
	c.dictionary = array.NewSlice(all, int64(ahead), int64(all.Len()))
}

func (c *oracleColumn) indices(r *rand.Rand, t arrow.DataType, n int, nulls float64) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, c.index.theirs)
	for range n {
		if r.Float64() < nulls {
			b.AppendNull()
		} else {
			must(b.AppendValueFromString(fmt.Sprint(r.IntN(c.dictionary.Len()))))
		}
	}
	return array.NewDictionaryArray(t, b.NewArray(), c.dictionary)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func randomText(r *rand.Rand) string {
	return strings.Repeat("é", r.IntN(4)) + strings.Repeat("x", []int{0, 1, 4, 12, 13, 40}[r.IntN(6)])
}

// randomArray makes an array of any type.
func randomArray(r *rand.Rand, t arrow.DataType, n int, nulls float64) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, t)
	for range n {
		appendRandom(r, b, nulls)
	}
	return b.NewArray()
}

// appendRandom appends a value, or a null with the given probability; below a nested type nulls come whatever that is.
func appendRandom(r *rand.Rand, b array.Builder, nulls float64) {
	if r.Float64() < nulls {
		b.AppendNull()
		return
	}
	bits := r.Uint64()
	if r.IntN(4) == 0 {
		bits = []uint64{0, 1, math.MaxUint64, 1 << 63, math.MaxInt64}[r.IntN(5)]
	}
	switch b := b.(type) {
	case *array.NullBuilder:
		b.AppendNull()
	case *array.BooleanBuilder:
		b.Append(bits&1 != 0)
	case *array.StringBuilder:
		b.Append(randomText(r))
	case *array.LargeStringBuilder:
		b.Append(randomText(r))
	case *array.StringViewBuilder:
		b.Append(randomText(r))
	case *array.BinaryBuilder:
		b.Append([]byte(randomText(r)))
	case *array.BinaryViewBuilder:
		b.Append([]byte(randomText(r)))
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			appendRandom(r, b.FieldBuilder(i), 0.2)
		}
	case *array.MapBuilder:
		b.Append(true)
		for range r.IntN(4) {
			appendRandom(r, b.KeyBuilder(), 0)
			appendRandom(r, b.ItemBuilder(), 0.2)
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		for range b.Type().(*arrow.FixedSizeListType).Len() {
			appendRandom(r, b.ValueBuilder(), 0.2)
		}
	case array.VarLenListLikeBuilder:
		n := r.IntN(4)
		b.AppendWithSize(true, n)
		for range n {
			appendRandom(r, b.ValueBuilder(), 0.2)
		}
	case *array.SparseUnionBuilder:
		code := r.IntN(2)
		b.Append(b.Type().(arrow.UnionType).TypeCodes()[code])
		appendRandom(r, b.Child(code), 0.2)
		b.Child(1 - code).AppendEmptyValue()
	case *array.DenseUnionBuilder:
		code := r.IntN(2)
		b.Append(arrow.UnionTypeCode(code))
		appendRandom(r, b.Child(code), 0.2)
	case *array.RunEndEncodedBuilder:
		if b.Len() > 0 && r.IntN(2) == 0 {
			b.ContinueRun(1)
			return
		}
		b.Append(1)
		appendRandom(r, b.ValueBuilder(), 0.2)
	default:
		fixedFromBits(b, b.Type(), bits)
	}
}

// fixedFromBits appends a value of a fixed-width type that is made of the given bits.
func fixedFromBits(b array.Builder, t arrow.DataType, bits uint64) {
	if t.ID() == arrow.FLOAT16 {
		bits &^= 1 << 14 // no NaN: arrow-go's comparison knows those of the other floats alone
	}
	width := t.(arrow.FixedWidthDataType).BitWidth() / 8
	raw := make([]byte, 0, 40)
	for len(raw) < width {
		raw = binary.LittleEndian.AppendUint64(raw, bits*uint64(len(raw)+1))
	}
	data := array.NewData(t, 1, []*memory.Buffer{nil, memory.NewBufferBytes(raw[:width])}, nil, 0, 0)
	switch b := b.(type) {
	case *array.Int8Builder:
		b.Append(int8(bits))
	case *array.Int16Builder:
		b.Append(int16(bits))
	case *array.Int32Builder:
		b.Append(int32(bits))
	case *array.Int64Builder:
		b.Append(int64(bits))
	case *array.Uint8Builder:
		b.Append(uint8(bits))
	case *array.Uint16Builder:
		b.Append(uint16(bits))
	case *array.Uint32Builder:
		b.Append(uint32(bits))
	case *array.Uint64Builder:
		b.Append(bits)
	case *array.Float32Builder:
		b.Append(math.Float32frombits(uint32(bits)))
	case *array.Float64Builder:
		b.Append(math.Float64frombits(bits))
	case *array.Float16Builder:
		b.Append(array.NewFloat16Data(data).Value(0))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(bits))
	case *array.Date32Builder:
		b.Append(arrow.Date32(bits))
	case *array.Date64Builder:
		b.Append(arrow.Date64(bits))
	case *array.Time32Builder:
		b.Append(arrow.Time32(bits))
	case *array.Time64Builder:
		b.Append(arrow.Time64(bits))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(bits))
	case *array.MonthIntervalBuilder:
		b.Append(arrow.MonthInterval(bits))
	case *array.DayTimeIntervalBuilder:
		b.Append(array.NewDayTimeIntervalData(data).Value(0))
	case *array.MonthDayNanoIntervalBuilder:
		b.Append(array.NewMonthDayNanoIntervalData(data).Value(0))
	case *array.Decimal32Builder:
		b.Append(array.NewDecimal32Data(data).Value(0))
	case *array.Decimal64Builder:
		b.Append(array.NewDecimal64Data(data).Value(0))
	case *array.Decimal128Builder:
		b.Append(array.NewDecimal128Data(data).Value(0))
	case *array.Decimal256Builder:
		b.Append(array.NewDecimal256Data(data).Value(0))
	case *array.FixedSizeBinaryBuilder:
		b.Append(raw[:width])
	default:
		panic(fmt.Sprintf("a builder for %v", t))
	}
}

// theirValue is row i of an array by arrow-go's accessors, nil where it is null.
func theirValue(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return theirValue(a.Dictionary(), a.GetValueIndex(i))
	case *array.Struct:
		return several(a.NumField(), func(k int) any { return theirValue(a.Field(k), i) })
	case *array.SparseUnion:
		return several(1, func(int) any { return theirValue(a.Field(a.ChildID(i)), i) }) + fmt.Sprint(a.TypeCode(i))
	case *array.DenseUnion:
		return several(1, func(int) any { return theirValue(a.Field(a.ChildID(i)), int(a.ValueOffset(i))) }) + fmt.Sprint(a.TypeCode(i))
	case *array.RunEndEncoded:
		return theirValue(a.Values(), a.GetPhysicalIndex(i))
	case array.ListLike:
		from, to := a.ValueOffsets(i)
		return several(int(to-from), func(k int) any { return theirValue(a.ListValues(), int(from)+k) })
	case *array.Boolean:
		return a.Value(i)
	case *array.Int8:
		return int64(a.Value(i))
	case *array.Int16:
		return int64(a.Value(i))
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int64:
		return a.Value(i)
	case *array.Uint8:
		return uint64(a.Value(i))
	case *array.Uint16:
		return uint64(a.Value(i))
	case *array.Uint32:
		return uint64(a.Value(i))
	case *array.Uint64:
		return a.Value(i)
	case *array.Float32:
		return math.Float32bits(a.Value(i))
	case *array.Float64:
		return math.Float64bits(a.Value(i))
	case *array.Timestamp:
		return int64(a.Value(i))
	case interface{ Value(int) string }:
		return a.Value(i)
	case interface{ Value(int) []byte }:
		return string(a.Value(i))
	case *array.Null:
		return nil
	}
	width, at := a.DataType().(arrow.FixedWidthDataType).BitWidth()/8, a.Data().Offset()+i
	return string(a.Data().Buffers()[1].Bytes()[at*width:][:width])
}

// several writes values that make a nested one.
func several(n int, at func(k int) any) string {
	var b strings.Builder
	for k := range n {
		fmt.Fprintf(&b, "%q,", fmt.Sprintf("%T %v", at(k), at(k)))
	}
	return "[" + b.String() + "]"
}

// ourValue is row i of a column by this module's accessors, nil where it is null.
func ourValue(f *ipc.Field, d *column.Data, i int) any {
	if f.Type.Kind == ipc.KindNull || d.IsNull(i) {
		return nil
	}
	if x := f.Dictionary; x != nil {
		at := int(column.IndexAt(d, x.Index.Bits, x.Index.Signed, i))
		if d.Values.IsNull(at) {
			return nil
		}
		value, plain := []byte(d.Values.At(at)), *f
		if plain.Dictionary = nil; f.Type.IsText() || f.Type.IsBinary() {
			return string(value)
		}
		return ourValue(&plain, &column.Data{Len: 1, Buffers: [3][]byte{1: value}}, 0)
	}
	if len(f.Children) != 0 {
		return ourNested(f, d, i)
	}
	switch t := f.Type; {
	case t.Kind == ipc.KindBool:
		return column.BoolsOf(d).At(i)
	case t.IsText() || t.IsBinary():
		form := map[ipc.Kind]column.TextForm{
			ipc.KindLargeUtf8: column.LargeText, ipc.KindLargeBinary: column.LargeText,
			ipc.KindUtf8View: column.ViewText, ipc.KindBinaryView: column.ViewText,
		}[t.Kind]
		return string(column.TextAt(d, form, i))
	case t.Kind == ipc.KindTimestamp:
		return column.TimestampsOf(d, t.Unit).Values()[i]
	case t.Equal(ipc.Int8):
		return int64(column.NullableOf[int8](d).At(i))
	case t.Equal(ipc.Int16):
		return int64(column.NullableOf[int16](d).At(i))
	case t.Equal(ipc.Int32):
		return int64(column.NullableOf[int32](d).At(i))
	case t.Equal(ipc.Int64):
		return column.NullableOf[int64](d).At(i)
	case t.Equal(ipc.Uint8):
		return uint64(column.NullableOf[uint8](d).At(i))
	case t.Equal(ipc.Uint16):
		return uint64(column.NullableOf[uint16](d).At(i))
	case t.Equal(ipc.Uint32):
		return uint64(column.NullableOf[uint32](d).At(i))
	case t.Equal(ipc.Uint64):
		return column.NullableOf[uint64](d).At(i)
	case t.Equal(ipc.Float32):
		return math.Float32bits(column.NullableOf[float32](d).At(i))
	case t.Equal(ipc.Float64):
		return math.Float64bits(column.NullableOf[float64](d).At(i))
	}
	width := len(d.Buffers[1]) / d.Len
	return string(d.Buffers[1][i*width:][:width])
}

// ourNested is row i of a nested column.
func ourNested(f *ipc.Field, d *column.Data, i int) any {
	child := func(k, row int) any { return ourValue(&f.Children[k], &d.Children[k], row) }
	items := func(from, n int) any { return several(n, func(k int) any { return child(0, from+k) }) }
	o32, o64 := column.View[int32](d.Buffers[1]), column.View[int64](d.Buffers[1])
	switch f.Type.Kind {
	case ipc.KindStruct:
		return several(len(f.Children), func(k int) any { return child(k, i) })
	case ipc.KindFixedSizeList:
		return items(i*f.Type.Width, f.Type.Width)
	case ipc.KindList, ipc.KindMap:
		return items(int(o32[i]), int(o32[i+1]-o32[i]))
	case ipc.KindLargeList:
		return items(int(o64[i]), int(o64[i+1]-o64[i]))
	case ipc.KindListView:
		return items(int(o32[i]), int(column.View[int32](d.Buffers[2])[i]))
	case ipc.KindLargeListView:
		return items(int(o64[i]), int(column.View[int64](d.Buffers[2])[i]))
	case ipc.KindUnion:
		id := int32(d.Buffers[1][i])
		k, row := slices.Index(f.Type.TypeIDs, id), i
		if f.Type.Variant == 1 {
			row = int(column.View[int32](d.Buffers[2])[i])
		}
		return several(1, func(int) any { return child(k, row) }) + fmt.Sprint(id)
	case ipc.KindRunEndEncoded:
		for run := range d.Children[0].Len {
			if int64(i) < child(0, run).(int64) {
				return child(1, run)
			}
		}
	}
	panic(fmt.Sprintf("no value %d in %v", i, f))
}

// sameSchema compares names, types, nulls and metadata.
func (s *oracleStream) sameSchema(t rapid.TB, have *ipc.Schema) {
	if len(have.Fields) != len(s.columns) {
		t.Fatalf("%d columns, want %d", len(have.Fields), len(s.columns))
	}
	for i, c := range s.columns {
		f, want := &have.Fields[i], s.schema.Field(i)
		if f.Name != want.Name || f.TypeString() != c.typeString() || f.Nullable != want.Nullable {
			t.Fatalf("column %d: %q, %v; want %q, %s, %v", i, f.Name, f, want.Name, c.typeString(), want.Nullable)
		}
		if f.Dictionary != nil && f.Dictionary.Ordered != want.Type.(*arrow.DictionaryType).Ordered {
			t.Fatalf("column %d: ordered %v", i, f.Dictionary.Ordered)
		}
		sameMetadata(t, f.Metadata, want.Metadata)
	}
	sameMetadata(t, have.Metadata, s.schema.Metadata())
}

func sameMetadata(t rapid.TB, have []ipc.KeyValue, want arrow.Metadata) {
	if len(have) != want.Len() {
		t.Fatalf("metadata %v, want %v", have, want)
	}
	for i, kv := range have {
		if kv.Key != want.Keys()[i] || kv.Value != want.Values()[i] {
			t.Fatalf("metadata %v, want %v", have, want)
		}
	}
}

// sameBatch compares a batch with a record, value by value.
func (s *oracleStream) sameBatch(t rapid.TB, h ipc.Batch, schema *ipc.Schema, rec arrow.RecordBatch) {
	if int64(h.Len()) != rec.NumRows() {
		t.Fatalf("%d rows, want %d", h.Len(), rec.NumRows())
	}
	for i := range s.columns {
		f, d := &schema.Fields[i], h.Column(i)
		for row := range h.Len() {
			if have, want := ourValue(f, d, row), theirValue(rec.Column(i), row); have != want {
				t.Fatalf("column %d, %v, row %d: %#v, want %#v", i, f, row, have, want)
			}
		}
	}
}

// readsStream has our reader read what arrow-go writes, by itself and on to arrow-go's arrays.
func (s *oracleStream) readsStream(t rapid.TB, deltas bool, align ipc.Align) {
	ctx := context.Background()
	var buf bytes.Buffer
	w := aipc.NewWriter(&buf, aipc.WithSchema(s.schema), aipc.WithDictionaryDeltas(deltas))
	for _, rec := range s.recs {
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := ipc.NewReader(&buf, &ipc.ReaderOptions{Align: align})
	schema, err := r.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.sameSchema(t, schema)
	e, err := arrowgo.NewExporter(schema)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range s.recs {
		h, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
		s.sameBatch(t, h, schema, want)
		rec, err := e.RecordBatch(h)
		if err != nil {
			t.Fatal(err)
		}
		h.Release()
		if !array.RecordApproxEqual(want, rec, array.WithNaNsEqual(true)) || !rec.Schema().Equal(want.Schema()) {
			t.Fatalf("batch %d as a record:\n%v\nwant:\n%v", i, rec, want)
		}
		rec.Release()
	}
	if _, err := r.Next(ctx); err != io.EOF {
		t.Fatalf("%v, want EOF", err)
	}
}

// TestReadsWhatArrowGoWrites reads streams of every type, value by value.
func TestReadsWhatArrowGoWrites(t *testing.T) {
	littleEndian(t)
	everyStream(byArrowGo).readsStream(t, true, ipc.Align64) // no batches
	everyStream(byArrowGo, "grow", "grow", "replace").readsStream(t, true, ipc.Align64)
	everyStream(byArrowGo, "grow", "grow", "replace").readsStream(t, false, ipc.ValueSize)
	rapid.Check(t, func(t *rapid.T) {
		s := drawStream(t, byArrowGo, "keep", "grow", "replace")
		align := rapid.SampledFrom([]ipc.Align{ipc.Align64, ipc.ValueSize}).Draw(t, "align")
		s.readsStream(t, rapid.Bool().Draw(t, "deltas"), align)
	})
}

// readsFile has our reader read a file of arrow-go's, the last batch first.
func (s *oracleStream) readsFile(t rapid.TB) {
	var buf bytes.Buffer
	w, err := aipc.NewFileWriter(&buf, aipc.WithSchema(s.schema))
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range s.recs {
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewFileReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.sameSchema(t, r.Schema())
	if r.NumBatches() != len(s.recs) {
		t.Fatalf("%d batches, want %d", r.NumBatches(), len(s.recs))
	}
	for i := len(s.recs) - 1; i >= 0; i-- {
		h, err := r.Batch(i)
		if err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
		s.sameBatch(t, h, r.Schema(), s.recs[i])
		h.Release()
	}
}

// TestReadsFilesOfArrowGo reads files likewise. arrow-go writes none whose dictionaries change.
func TestReadsFilesOfArrowGo(t *testing.T) {
	littleEndian(t)
	everyStream(byArrowGo).readsFile(t)
	everyStream(byArrowGo, "keep").readsFile(t)
	rapid.Check(t, func(t *rapid.T) { drawStream(t, byArrowGo, "keep").readsFile(t) })
}

// sameRecord compares records, value by value. (arrow-go's own comparison wants the same dictionaries as well, where a longer one
// does.)
func (s *oracleStream) sameRecord(t rapid.TB, have, want arrow.RecordBatch) {
	if !have.Schema().Equal(want.Schema()) || !have.Schema().Metadata().Equal(want.Schema().Metadata()) {
		t.Fatalf("schema %v, want %v", have.Schema(), want.Schema())
	}
	if have.NumRows() != want.NumRows() {
		t.Fatalf("%d rows, want %d", have.NumRows(), want.NumRows())
	}
	for i := range s.columns {
		v, is := have.Column(i).(interface{ ValidateFull() error })
		if _, union := v.(array.Union); is && !union { // its validation panics where there are no rows
			if err := v.ValidateFull(); err != nil {
				t.Fatalf("column %d: %v", i, err)
			}
		}
		if s.columns[i].index == nil && !array.ApproxEqual(want.Column(i), have.Column(i), array.WithNaNsEqual(true)) {
			t.Fatalf("arrow-go says that column %d differs:\n%v\nwant:\n%v", i, have.Column(i), want.Column(i))
		}
		for row := range int(have.NumRows()) {
			if h, w := theirValue(have.Column(i), row), theirValue(want.Column(i), row); h != w {
				t.Fatalf("column %d, %v, row %d: %#v, want %#v", i, s.schema.Field(i), row, h, w)
			}
		}
	}
}

// write writes the records by our writers.
func (s *oracleStream) write(t rapid.TB, dst io.Writer, file bool) {
	schema, err := arrowgo.FromSchema(s.schema)
	if err != nil {
		t.Fatal(err)
	}
	var out interface {
		arrowgo.BatchWriter
		Close() error
	} = ipc.NewWriter(dst, schema, nil)
	if file {
		out = ipc.NewFileWriter(dst, schema, nil)
	}
	w := arrowgo.NewWriter(out)
	for i, rec := range s.recs {
		if err := w.Write(context.Background(), rec); err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// gathering is a destination that takes gathered writes, as connections do.
type gathering struct{ bytes.Buffer }

func (g *gathering) WriteBuffers(bufs [][]byte) (total int64, err error) {
	for _, b := range bufs {
		n, _ := g.Write(b)
		total += int64(n)
	}
	return total, nil
}

// arrowGoReadsStream has arrow-go read what our writer writes.
func (s *oracleStream) arrowGoReadsStream(t rapid.TB, gathered bool) {
	var g gathering
	if gathered {
		s.write(t, &g, false)
	} else {
		s.write(t, &g.Buffer, false)
	}
	r, err := aipc.NewReader(&g.Buffer)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Schema().Equal(s.schema) {
		t.Fatalf("schema %v, want %v", r.Schema(), s.schema)
	}
	for _, want := range s.recs {
		if !r.Next() {
			t.Fatalf("the stream ends early: %v", r.Err())
		}
		s.sameRecord(t, r.RecordBatch(), want)
	}
	if r.Next() || r.Err() != nil {
		t.Fatalf("after the last batch: %v, %v", r.RecordBatch(), r.Err())
	}
}

// TestArrowGoReadsWhatWeWrite has arrow-go read streams of every type.
func TestArrowGoReadsWhatWeWrite(t *testing.T) {
	littleEndian(t)
	everyStream(byUs).arrowGoReadsStream(t, false)
	everyStream(byUs, "grow", "grow", "replace").arrowGoReadsStream(t, false)
	everyStream(byUs, "grow", "grow", "replace").arrowGoReadsStream(t, true)
	rapid.Check(t, func(t *rapid.T) {
		drawStream(t, byUs, "keep", "grow", "replace").arrowGoReadsStream(t, rapid.Bool().Draw(t, "gathered"))
	})
}

// arrowGoReadsFile has arrow-go read a file of ours.
func (s *oracleStream) arrowGoReadsFile(t rapid.TB) {
	var buf bytes.Buffer
	s.write(t, &buf, true)
	r, err := aipc.NewFileReader(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if r.NumRecords() != len(s.recs) {
		t.Fatalf("%d batches, want %d", r.NumRecords(), len(s.recs))
	}
	for i, want := range s.recs {
		have, err := r.RecordBatchAt(i)
		if err != nil {
			t.Fatal(err)
		}
		s.sameRecord(t, have, want)
	}
}

// TestArrowGoReadsOurFiles has arrow-go read files of every type.
func TestArrowGoReadsOurFiles(t *testing.T) {
	littleEndian(t)
	everyStream(byUs).arrowGoReadsFile(t)
	everyStream(byUs, "grow", "grow").arrowGoReadsFile(t)
	rapid.Check(t, func(t *rapid.T) { drawStream(t, byUs, "keep", "grow").arrowGoReadsFile(t) })
}

// littleEndian skips a test that has arrow-go for its oracle on a big-endian machine: there it writes big-endian, and misreads what is
// little-endian.
func littleEndian(t *testing.T) {
	t.Helper()
	if endian.IsBigEndian {
		t.Skip("arrow-go writes big-endian here")
	}
}
