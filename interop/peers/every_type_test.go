package peers

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/float16"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// everyType is a type, and rows of it as cells; those of a union are unionCells.
type everyType struct {
	theirs   arrow.DataType
	metadata arrow.Metadata
	rows     []cell

	// throughArrowGo tells that interop/arrowgo does not take the type: arrow-go writes a stream, and what this side reads of
	// it is what it writes.
	throughArrowGo bool
}

// unionCell is a value of a union before it is written: which child holds it.
type unionCell struct {
	child int
	value cell
}

// everyTypes are all types of Arrow that the untyped writers write.
func everyTypes() (types []everyType) {
	add := func(t arrow.DataType, rows ...cell) {
		types = append(types, everyType{theirs: t, rows: rows})
	}
	flat := []arrow.DataType{
		arrow.FixedWidthTypes.Boolean,
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
		&arrow.Decimal32Type{Precision: 9, Scale: 2}, &arrow.Decimal64Type{Precision: 18, Scale: 3},
		&arrow.Decimal128Type{Precision: 38, Scale: 9}, &arrow.Decimal256Type{Precision: 76, Scale: 30},
		arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64,
		arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Time64ns,
		&arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"},
		&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}, &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "+05:30"},
		arrow.FixedWidthTypes.Duration_s, arrow.FixedWidthTypes.Duration_ms, arrow.FixedWidthTypes.Duration_us, arrow.FixedWidthTypes.Duration_ns,
		arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval,
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView,
		arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.BinaryView,
		&arrow.FixedSizeBinaryType{ByteWidth: 3},
	}
	add(arrow.Null, nil, nil, nil)
	for _, t := range flat {
		add(t, flatCells(t)...)
	}
	for _, index := range []arrow.DataType{
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
	} {
		add(&arrow.DictionaryType{IndexType: index, ValueType: arrow.BinaryTypes.String}, flatCells(arrow.BinaryTypes.String)...)
	}
	for _, value := range []arrow.DataType{
		arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView, arrow.BinaryTypes.Binary, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64,
		&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, &arrow.Decimal128Type{Precision: 38, Scale: 9}, &arrow.FixedSizeBinaryType{ByteWidth: 3},
	} {
		add(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: value, Ordered: value.ID() == arrow.INT64}, flatCells(value)...)
	}
	words := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	add(arrow.ListOf(words), []cell{"a", nil, "b"}, []cell{}, []cell{"a"}, []cell{"é", "b"})
	add(arrow.StructOf(arrow.Field{Name: "w", Type: words, Nullable: true}, arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true}),
		[]cell{"a", intCell(1)}, []cell{nil, intCell(2)}, []cell{"b", nil}, []cell{"a", intCell(4)})
	nested := func(t arrow.DataType, rows ...cell) {
		add(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: t}, rows...)
		types[len(types)-1].throughArrowGo = true
	}
	nested(arrow.FixedWidthTypes.Boolean, true, false)
	nested(arrow.ListOf(arrow.BinaryTypes.String), []cell{"a", nil}, []cell{}, []cell{"b"})
	nested(arrow.StructOf(arrow.Field{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true}),
		[]cell{"a", intCell(1)}, []cell{nil, intCell(2)}, []cell{"b", nil})
	i32, text := flatCells(arrow.PrimitiveTypes.Int32), flatCells(arrow.BinaryTypes.String)
	ints := []cell{[]cell{i32[0], nil, i32[1]}, []cell{}, []cell{i32[2]}, []cell{nil}}
	texts := []cell{[]cell{text[0], text[1]}, []cell{nil}, []cell{text[2], text[3], text[4]}, []cell{}}
	add(arrow.ListOf(arrow.PrimitiveTypes.Int32), ints...)
	add(arrow.ListOf(arrow.BinaryTypes.String), texts...)
	add(arrow.LargeListOf(arrow.BinaryTypes.String), texts...)
	add(arrow.ListViewOf(arrow.PrimitiveTypes.Int32), ints...)
	add(arrow.LargeListViewOf(arrow.BinaryTypes.String), texts...)
	add(arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32), []cell{i32[0], i32[1]}, []cell{nil, i32[2]}, []cell{i32[3], i32[4]})
	add(arrow.ListOf(arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32))), []cell{[]cell{ints[0], nil}, []cell{}}, []cell{}, []cell{nil, []cell{ints[2], ints[0]}})
	person := arrow.StructOf(
		arrow.Field{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		arrow.Field{Name: "inner", Nullable: true, Type: arrow.StructOf(
			arrow.Field{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, arrow.Field{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true})},
	)
	f64 := flatCells(arrow.PrimitiveTypes.Float64)
	people := []cell{
		[]cell{text[1], i32[0], []cell{f64[0], ints[0]}}, []cell{nil, i32[1], nil}, []cell{text[2], nil, []cell{nil, nil}}, []cell{text[0], i32[2], []cell{f64[1], ints[1]}},
	}
	add(person, people...)
	add(arrow.ListOf(person), []cell{people[0], nil, people[2]}, []cell{}, []cell{people[3]})
	add(arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32), []cell{[]cell{"a", i32[0]}, []cell{"b", nil}}, []cell{}, []cell{[]cell{"c", i32[1]}})
	add(arrow.MapOf(arrow.PrimitiveTypes.Int32, arrow.ListOf(arrow.BinaryTypes.String)), []cell{[]cell{i32[0], texts[0]}, []cell{i32[1], nil}}, []cell{}, []cell{[]cell{i32[2], texts[2]}})
	either := []arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}
	union := []cell{unionCell{0, i32[0]}, unionCell{1, text[1]}, unionCell{1, nil}, unionCell{0, i32[1]}, unionCell{1, text[2]}}
	add(arrow.SparseUnionOf(either, []arrow.UnionTypeCode{0, 1}), union...)
	add(arrow.DenseUnionOf(either, []arrow.UnionTypeCode{5, 7}), union...)
	add(arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int16, arrow.BinaryTypes.String), text[1], text[1], text[1], nil, nil, text[2])
	add(arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Float64), f64[0], f64[0], f64[1], nil, f64[2])
	add(arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int32), i32[0], i32[0], i32[1])
	uuid := everyType{theirs: &arrow.FixedSizeBinaryType{ByteWidth: 16}, rows: []cell{"000102030405060708090a0b0c0d0e0f", strings.Repeat("ff", 16)}}
	uuid.metadata = arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"arrow.uuid", ""})
	celsius := everyType{theirs: arrow.PrimitiveTypes.Float64, rows: f64}
	celsius.metadata = arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"example.celsius", "degrees"})
	return append(types, uuid, celsius)
}

// name is what the type is called in docs/interop.md.
func (e *everyType) name() string {
	f := e.ours().Fields[0]
	if name, ok := e.metadata.GetValue("ARROW:extension:name"); ok {
		return name + " over " + strings.TrimSuffix(f.TypeString(), " (arrow.uuid)") // which says the name too
	}
	return f.TypeString()
}

// ours is the schema as this side has it.
func (e *everyType) ours() *ipc.Schema {
	if !e.throughArrowGo {
		return must(arrowgo.FromSchema(e.schema()))
	}
	var stream bytes.Buffer
	check(aipc.NewWriter(&stream, aipc.WithSchema(e.schema())).Close())
	return must(ipc.NewReader(&stream, nil).Schema(context.Background()))
}

// schema has the type twice: with nulls and, but for the null type, without.
func (e *everyType) schema() *arrow.Schema {
	fields := []arrow.Field{{Name: "a", Type: e.theirs, Nullable: true, Metadata: e.metadata}, {Name: "b", Type: e.theirs, Metadata: e.metadata}}
	if e.theirs.ID() == arrow.NULL {
		fields = fields[:1]
	}
	return arrow.NewSchema(fields, nil)
}

// columns are the cells of a batch: in the first column every third row is null. Whole makes one batch of both.
func (e *everyType) columns(rows, from int) [][]cell {
	var a, b []cell
	for i := range rows {
		v := e.rows[(from+i)%len(e.rows)]
		b = append(b, v)
		if i%3 == 2 && !isUnion(e.theirs) {
			v = nil
		}
		a = append(a, v)
	}
	return [][]cell{a, b}[:len(e.schema().Fields())]
}

func isUnion(t arrow.DataType) bool {
	return t.ID() == arrow.SPARSE_UNION || t.ID() == arrow.DENSE_UNION
}

// batches are the records that are written, and all their cells column by column.
func (e *everyType) batches() (recs []arrow.RecordBatch, all [][]cell) {
	schema := e.schema()
	all = make([][]cell, len(schema.Fields()))
	for _, part := range [2][][]cell{e.columns(17, 0), e.columns(6, 1)} {
		for i, c := range part {
			all[i] = append(all[i], c...)
		}
	}
	// Both batches are slices of one array, so that they have the same dictionary.
	arrays := make([]arrow.Array, len(all))
	for i := range arrays {
		arrays[i] = arrayOf(e.theirs, all[i])
	}
	whole := array.NewRecordBatch(schema, arrays, int64(arrays[0].Len()))
	for i := range all {
		for k, v := range all[i] {
			if u, ok := v.(unionCell); ok {
				all[i][k] = u.value
			}
		}
	}
	return []arrow.RecordBatch{whole.NewSlice(0, 17), whole.NewSlice(17, 23)}, all
}

// arrayOf makes an array of cells.
func arrayOf(t arrow.DataType, cells []cell) arrow.Array {
	dictionary, ok := t.(*arrow.DictionaryType)
	if !ok {
		b := array.NewBuilder(memory.DefaultAllocator, t)
		for _, v := range cells {
			appendCell(b, v)
		}
		return b.NewArray()
	}
	known := make(map[string]int) // by text
	var values, indices []cell
	for _, v := range cells {
		if v == nil {
			indices = append(indices, nil)
			continue
		}
		at, ok := known[jsonText(v)]
		if !ok {
			at = len(values)
			known[jsonText(v)] = at
			values = append(values, v)
		}
		indices = append(indices, intCell(int64(at)))
	}
	return array.NewDictionaryArray(t, arrayOf(dictionary.IndexType, indices), arrayOf(dictionary.ValueType, values))
}

// flatCells are values of a flat type.
func flatCells(t arrow.DataType) []cell {
	pow := func(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
	switch t := t.(type) {
	case arrow.DecimalType:
		most := new(big.Int).Sub(pow(t.GetPrecision()), big.NewInt(1))
		return []cell{intCell(0), intCell(1), intCell(-1), json.Number(most.String()), json.Number("-" + most.String()), intCell(-12345)}
	case *arrow.TimestampType:
		n := int64(t.Unit.Multiplier().Nanoseconds())
		return cellsOf(0, 1, -1, 1_710_000_000*(1_000_000_000/n)+1, -1_710_000_000*(1_000_000_000/n)-1)
	case *arrow.DurationType:
		return cellsOf(0, 1, -1, 1<<33+1, -1<<33-1)
	case *arrow.Time32Type:
		return cellsOf(0, 1, 86_399)
	case *arrow.Time64Type:
		return cellsOf(0, 1, 86_399_999_999)
	case *arrow.Date32Type:
		return cellsOf(0, 1, -1, 19_790, -25_567)
	case *arrow.Date64Type:
		return cellsOf(0, 86_400_000, -86_400_000, 19_790*86_400_000)
	case *arrow.MonthIntervalType:
		return cellsOf(0, 1, -13, math.MaxInt32)
	case *arrow.DayTimeIntervalType:
		return []cell{[]cell{intCell(1), intCell(-2)}, []cell{intCell(0), intCell(86_399_999)}, []cell{intCell(-7), intCell(0)}}
	case *arrow.MonthDayNanoIntervalType:
		return []cell{[]cell{intCell(1), intCell(-2), intCell(3_000)}, []cell{intCell(0), intCell(0), intCell(-1_000)}, []cell{intCell(-7), intCell(30), intCell(86_399_999_999_000)}}
	case *arrow.FixedSizeBinaryType:
		return []cell{strings.Repeat("00", t.ByteWidth), strings.Repeat("ff", t.ByteWidth), strings.Repeat("61", t.ByteWidth)}
	case *arrow.Float16Type:
		return []cell{"0000", "3c00", "bc00", "7bff", "7c00", nan}
	}
	f := must(arrowgo.FromSchema(arrow.NewSchema([]arrow.Field{{Name: "x", Type: t}}, nil))).Fields[0]
	if f.Type.IsBinary() {
		return []cell{"", "00ff10", hex.EncodeToString([]byte("bytes, more of them than a view has room for")), "61", ""}
	}
	return edges(f.Type)
}

// appendCell appends a value to a builder.
func appendCell(b array.Builder, c cell) {
	if c == nil {
		b.AppendNull()
		return
	}
	each := func(b array.Builder, items []cell) {
		for _, v := range items {
			appendCell(b, v)
		}
	}
	switch b := b.(type) {
	case *array.StructBuilder:
		b.Append(true)
		for i, v := range c.([]cell) {
			appendCell(b.FieldBuilder(i), v)
		}
	case *array.MapBuilder:
		b.Append(true)
		for _, kv := range c.([]cell) {
			appendCell(b.KeyBuilder(), kv.([]cell)[0])
			appendCell(b.ItemBuilder(), kv.([]cell)[1])
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		each(b.ValueBuilder(), c.([]cell))
	case array.VarLenListLikeBuilder:
		b.AppendWithSize(true, len(c.([]cell)))
		each(b.ValueBuilder(), c.([]cell))
	case *array.SparseUnionBuilder:
		u := c.(unionCell)
		b.Append(b.Type().(arrow.UnionType).TypeCodes()[u.child])
		appendCell(b.Child(u.child), u.value)
		b.Child(1 - u.child).AppendEmptyValue()
	case *array.DenseUnionBuilder:
		u := c.(unionCell)
		b.Append(b.Type().(arrow.UnionType).TypeCodes()[u.child])
		appendCell(b.Child(u.child), u.value)
	case *array.RunEndEncodedBuilder:
		b.Append(1)
		appendCell(b.ValueBuilder(), c)
	case *array.BinaryDictionaryBuilder:
		check(b.AppendString(c.(string)))
	case *array.BooleanBuilder:
		b.Append(c.(bool))
	case array.StringLikeBuilder:
		b.Append(c.(string))
	default:
		appendFixed(b, c)
	}
}

// appendFixed appends a value that is given by its bytes.
func appendFixed(b array.Builder, c cell) {
	p := bytesOf(b.Type(), c)
	le := binary.LittleEndian
	data := array.NewData(b.Type(), 1, []*memory.Buffer{nil, memory.NewBufferBytes(p)}, nil, 0, 0)
	switch b := b.(type) {
	case interface{ Append([]byte) }:
		b.Append(p)
	case interface{ Append(int8) }:
		b.Append(int8(p[0]))
	case interface{ Append(int16) }:
		b.Append(int16(le.Uint16(p)))
	case interface{ Append(int32) }:
		b.Append(int32(le.Uint32(p)))
	case interface{ Append(int64) }:
		b.Append(int64(le.Uint64(p)))
	case interface{ Append(uint8) }:
		b.Append(p[0])
	case interface{ Append(uint16) }:
		b.Append(le.Uint16(p))
	case interface{ Append(uint32) }:
		b.Append(le.Uint32(p))
	case interface{ Append(uint64) }:
		b.Append(le.Uint64(p))
	case *array.Float16Builder:
		b.Append(float16.FromBits(le.Uint16(p)))
	case *array.Float32Builder:
		b.Append(math.Float32frombits(le.Uint32(p)))
	case *array.Float64Builder:
		b.Append(math.Float64frombits(le.Uint64(p)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(le.Uint64(p)))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(le.Uint64(p)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(le.Uint32(p)))
	case *array.Date64Builder:
		b.Append(arrow.Date64(le.Uint64(p)))
	case *array.Time32Builder:
		b.Append(arrow.Time32(le.Uint32(p)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(le.Uint64(p)))
	case *array.MonthIntervalBuilder:
		b.Append(arrow.MonthInterval(le.Uint32(p)))
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
	default:
		panic(fmt.Sprintf("a builder of %v", b.Type()))
	}
}

// bytesOf returns the bytes of a value of a fixed-width or binary type.
func bytesOf(t arrow.DataType, c cell) []byte {
	switch v := c.(type) {
	case string:
		if v == nan {
			return map[arrow.Type][]byte{arrow.FLOAT16: {0, 0x7e}, arrow.FLOAT32: {0, 0, 0xc0, 0x7f}, arrow.FLOAT64: {0, 0, 0, 0, 0, 0, 0xf8, 0x7f}}[t.ID()]
		}
		p := must(hex.DecodeString(v))
		if arrow.IsFloating(t.ID()) {
			for i, k := 0, len(p)-1; i < k; i, k = i+1, k-1 {
				p[i], p[k] = p[k], p[i]
			}
		}
		return p
	case []cell: // an interval
		p := binary.LittleEndian.AppendUint32(nil, uint32(number(v[0])))
		p = binary.LittleEndian.AppendUint32(p, uint32(number(v[1])))
		if len(v) == 3 {
			p = binary.LittleEndian.AppendUint64(p, uint64(number(v[2])))
		}
		return p
	}
	n, ok := new(big.Int).SetString(string(c.(json.Number)), 10)
	if !ok {
		panic(fmt.Sprint(c))
	}
	width := t.(arrow.FixedWidthDataType).BitWidth() / 8
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
	}
	p := n.FillBytes(make([]byte, width))
	for i, k := 0, len(p)-1; i < k; i, k = i+1, k-1 {
		p[i], p[k] = p[k], p[i]
	}
	return p
}

// cellsOfArray are the cells of an array of arrow-go.
func cellsOfArray(a arrow.Array) []cell {
	cells := make([]cell, a.Len())
	for i := range cells {
		cells[i] = cellOfArray(a, i)
	}
	return cells
}

func cellOfArray(a arrow.Array, i int) cell {
	if a.IsNull(i) {
		return nil
	}
	some := func(a arrow.Array, from, to int) []cell {
		cells := []cell{}
		for k := from; k < to; k++ {
			cells = append(cells, cellOfArray(a, k))
		}
		return cells
	}
	switch a := a.(type) {
	case *array.Null:
		return nil
	case array.ExtensionArray:
		return cellOfArray(a.Storage(), i)
	case *array.Dictionary:
		return cellOfArray(a.Dictionary(), a.GetValueIndex(i))
	case *array.Struct:
		cells := []cell{}
		for k := range a.NumField() {
			cells = append(cells, cellOfArray(a.Field(k), i))
		}
		return cells
	case *array.SparseUnion:
		return cellOfArray(a.Field(a.ChildID(i)), i)
	case *array.DenseUnion:
		return cellOfArray(a.Field(a.ChildID(i)), int(a.ValueOffset(i)))
	case *array.RunEndEncoded:
		return cellOfArray(a.Values(), a.GetPhysicalIndex(i))
	case array.ListLike:
		from, to := a.ValueOffsets(i)
		return some(a.ListValues(), int(from), int(to))
	case *array.Boolean:
		return a.Value(i)
	case interface{ Value(int) string }:
		return strings.Clone(a.Value(i)) // the column is released before the cell is looked at
	case interface{ Value(int) []byte }:
		return hex.EncodeToString(a.Value(i))
	}
	width := a.DataType().(arrow.FixedWidthDataType).BitWidth() / 8
	at := (a.Data().Offset() + i) * width
	return cellOfBytes(a.DataType(), a.Data().Buffers()[1].Bytes()[at:at+width])
}

// cellOfBytes is the cell of a value of a fixed-width type, given its bytes.
func cellOfBytes(t arrow.DataType, p []byte) cell {
	le := binary.LittleEndian
	switch t.ID() {
	case arrow.FLOAT16:
		if bits := le.Uint16(p); bits&0x7fff <= 0x7c00 {
			return fmt.Sprintf("%04x", bits)
		}
		return nan
	case arrow.FLOAT32:
		return float32Cell(math.Float32frombits(le.Uint32(p)))
	case arrow.FLOAT64:
		return float64Cell(math.Float64frombits(le.Uint64(p)))
	case arrow.INTERVAL_DAY_TIME:
		return []cell{intCell(int64(int32(le.Uint32(p)))), intCell(int64(int32(le.Uint32(p[4:]))))}
	case arrow.INTERVAL_MONTH_DAY_NANO:
		return []cell{intCell(int64(int32(le.Uint32(p)))), intCell(int64(int32(le.Uint32(p[4:])))), intCell(int64(le.Uint64(p[8:])))}
	}
	n := new(big.Int)
	for i := len(p) - 1; i >= 0; i-- {
		n.Or(n.Lsh(n, 8), big.NewInt(int64(p[i])))
	}
	if p[len(p)-1] >= 0x80 && !arrow.IsUnsignedInteger(t.ID()) {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(p))))
	}
	return json.Number(n.String())
}

// columnType is what a reader of another language has to know of a column.
type columnType struct {
	Kind     string       `json:"kind"`
	Bits     int          `json:"bits,omitempty"`
	Signed   bool         `json:"signed,omitempty"`
	Unit     string       `json:"unit,omitempty"`
	Scale    int          `json:"scale"`
	Width    int          `json:"width,omitempty"`
	Variant  int          `json:"variant"`
	IDs      []int32      `json:"ids,omitempty"` // of a union
	Children []columnType `json:"children,omitempty"`
}

func columnTypes(fields []ipc.Field) (types []columnType) {
	for i := range fields {
		t := &fields[i].Type
		c := columnType{Kind: t.Kind.String(), Bits: t.Bits, Signed: t.Signed, Scale: t.Scale, Width: t.Width, Variant: t.Variant, IDs: t.TypeIDs}
		c.Children = columnTypes(fields[i].Children)
		switch t.Kind {
		case ipc.KindTimestamp, ipc.KindTime, ipc.KindDuration:
			c.Unit = t.Unit.String()
		case ipc.KindDate:
			c.Unit = [...]string{"s", "ms"}[t.Variant]
		case ipc.KindUnion:
			c.Kind = [...]string{"sparse_union", "dense_union"}[t.Variant]
			for k := range fields[i].Children {
				if t.TypeIDs == nil {
					c.IDs = append(c.IDs, int32(k))
				}
			}
		}
		if c.Bits == 0 {
			c.Bits = 8 * ipc.ValueWidth(*t)
		}
		types = append(types, c)
	}
	return types
}

// readByArrowGo is the reader of the peer that is written in Go.
func readByArrowGo(path string, file bool) (columns [][]cell, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var next func() (arrow.RecordBatch, error)
	if file {
		r, err := aipc.NewFileReader(f)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		next = r.Read
	} else {
		r, err := aipc.NewReader(f)
		if err != nil {
			return nil, err
		}
		defer r.Release()
		next = r.Read
	}
	for {
		rec, err := next()
		if err == io.EOF {
			return columns, nil
		}
		if err != nil {
			return nil, err
		}
		columns = appendRecord(columns, rec)
	}
}

func appendRecord(columns [][]cell, rec arrow.RecordBatch) [][]cell {
	if columns == nil {
		columns = make([][]cell, rec.NumCols())
	}
	for i, c := range rec.Columns() {
		columns[i] = append(columns[i], cellsOfArray(c)...)
	}
	return columns
}

// readByUs reads with the untyped readers, and looks at the columns as arrow-go's.
func readByUs(path string, file bool) (schema *ipc.Schema, columns [][]cell, err error) {
	add := func(h ipc.Batch) error {
		defer h.Release()
		rec, err := arrowgo.RecordBatch(h, schema)
		if err != nil {
			return err
		}
		columns = appendRecord(columns, rec)
		rec.Release()
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	opts := &ipc.ReaderOptions{Validate: ipc.UTF8}
	if file {
		info, err := f.Stat()
		if err != nil {
			return nil, nil, err
		}
		r, err := ipc.NewFileReader(f, info.Size(), opts)
		if err != nil {
			return nil, nil, err
		}
		schema = r.Schema()
		for i := range r.NumBatches() {
			h, err := r.Batch(i)
			if err == nil {
				err = add(h)
			}
			if err != nil {
				return nil, nil, err
			}
		}
		return schema, columns, nil
	}
	ctx := context.Background()
	r := ipc.NewReader(f, opts)
	if schema, err = r.Schema(ctx); err != nil {
		return nil, nil, err
	}
	for {
		h, err := r.Next(ctx)
		if err == io.EOF {
			return schema, columns, nil
		}
		if err == nil {
			err = add(h)
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// writeTypes writes records with the untyped writers.
func writeTypes(path string, file bool, schema *arrow.Schema, recs []arrow.RecordBatch) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	ctx, ours := context.Background(), must(arrowgo.FromSchema(schema))
	out, done := newTypeWriter(f, file, ours)
	w := arrowgo.NewWriter(out)
	for _, rec := range recs {
		if err := w.Write(ctx, rec); err != nil {
			return err
		}
	}
	return done()
}

// writeAgain writes what this side has read of arrow-go's stream of the records.
func writeAgain(path string, file bool, schema *arrow.Schema, recs []arrow.RecordBatch) error {
	var stream bytes.Buffer
	w := aipc.NewWriter(&stream, aipc.WithSchema(schema))
	for _, rec := range recs {
		if err := w.Write(rec); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	ctx := context.Background()
	in := ipc.NewReader(&stream, nil)
	ours, err := in.Schema(ctx)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	out, done := newTypeWriter(f, file, ours)
	for {
		h, err := in.Next(ctx)
		if err == io.EOF {
			return done()
		}
		if err == nil {
			err = out.Write(ctx, h.Len(), ipc.Columns(h))
			h.Release()
		}
		if err != nil {
			return err
		}
	}
}

func newTypeWriter(f *os.File, file bool, schema *ipc.Schema) (w arrowgo.BatchWriter, done func() error) {
	if file {
		w := ipc.NewFileWriter(f, schema, nil)
		return w, w.Close
	}
	plain := ipc.NewWriter(f, schema, nil)
	return plain, plain.Close
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// jsonText is what cells are compared by.
func jsonText(v any) string { return string(must(json.Marshal(v))) }

// typePeers read every type, in the order of docs/interop.md.
var typePeers = []string{"pyarrow", "polars", "duckdb", "nanoarrow", "arrow-go", "apache-arrow", "@uwdata/flechette", "lightstream-io"}

// typeResult is what became of a type at a peer.
type typeResult struct {
	typ, peer string
	file      bool
	back      bool // the peer has written, this side read
	cannot    *cannotType
	failure   string
}

// cannotType is types that a peer does not read, or write, and why. As with cells, they are run all the same.
type cannotType struct {
	peer    string
	types   string // of docs/interop.md, with * for any text, several separated by |
	only    string // "stream" or "file"; empty for both
	back    bool
	message string // part of it
	why     string
}

func (c *cannotType) has(r *typeResult) bool {
	if c.peer != r.peer || c.back != r.back || c.only != "" && (c.only == "file") != r.file {
		return false
	}
	for _, pattern := range strings.Split(c.types, "|") {
		parts := strings.Split(pattern, "*")
		rest, ok := strings.CutPrefix(r.typ, parts[0])
		for _, p := range parts[1:] {
			i := strings.LastIndex(rest, p)
			ok = ok && i >= 0
			if ok {
				rest = rest[i+len(p):]
			}
		}
		if ok && (rest == "" || strings.HasSuffix(pattern, "*")) {
			return true
		}
	}
	return false
}

// judge compares an outcome with what is known.
func (r *typeResult) judge(err error) {
	for i := range knownTypes {
		if knownTypes[i].has(r) {
			r.cannot = &knownTypes[i]
			break
		}
	}
	switch {
	case r.cannot == nil && err != nil:
		r.failure = err.Error()
	case r.cannot != nil && err == nil:
		r.failure = fmt.Sprintf("it works: take it out of knownTypes (%q)", r.cannot.message)
	case r.cannot != nil && !strings.Contains(err.Error(), r.cannot.message):
		r.failure = fmt.Sprintf("%v; known is %q", err, r.cannot.message)
	}
}

func (r *typeResult) line() string {
	state, from, to := "ok     ", us, r.peer
	if r.back {
		from, to = to, from
	}
	if r.cannot != nil {
		state = "cannot "
	}
	if r.failure != "" {
		state = "FAILED "
	}
	return fmt.Sprintf("%s  %-11s -> %-11s  %-16s  %s", state, from, to, map[bool]string{true: "IPC file", false: "stream in a file"}[r.file], r.typ)
}

// TestEveryType writes a stream and a file of every type, and lets the peers read them.
func TestEveryType(t *testing.T) {
	if *python == "" {
		t.Skip("no peers without -python; run make interop")
	}
	dir := t.TempDir()
	types := everyTypes()
	columns := make([][][]cell, len(types))
	path := func(i int, file bool) string {
		return filepath.Join(dir, fmt.Sprint(i, map[bool]string{true: ".arrow", false: ".arrows"}[file]))
	}
	for i := range types {
		recs, want := types[i].batches()
		columns[i] = want
		for _, file := range []bool{false, true} {
			if types[i].throughArrowGo {
				check(writeAgain(path(i, file), file, types[i].schema(), recs))
				continue
			}
			check(writeTypes(path(i, file), file, types[i].schema(), recs))
			_, got, err := readByUs(path(i, file), file)
			if err == nil {
				err = differColumns(got, want)
			}
			if err != nil {
				t.Fatalf("%s: this side's own reader: %v", types[i].name(), err)
			}
		}
	}
	for _, name := range typePeers {
		t.Run(name, func(t *testing.T) {
			p := &typePeer{name: name}
			defer p.stop()
			for i := range types {
				for _, file := range []bool{false, true} {
					r := typeResult{typ: types[i].name(), peer: name, file: file}
					runType(t, &r, func() error {
						got, err := p.read(path(i, file), file, columnTypes(types[i].ours().Fields))
						if err != nil {
							return err
						}
						return differColumns(got, columns[i])
					})
				}
				if name != "lightstream-io" {
					continue
				}
				r := typeResult{typ: types[i].name(), peer: name, back: true}
				runType(t, &r, func() error {
					out := filepath.Join(dir, "back.arrows")
					if err := p.rewrite(path(i, true), out); err != nil {
						return err
					}
					_, got, err := readByUs(out, false)
					if err != nil {
						return err
					}
					return differColumns(got, columns[i])
				})
			}
		})
	}
}

func runType(t *testing.T, r *typeResult, run func() error) {
	if !strings.Contains(r.line(), *grep) {
		return
	}
	t.Run(strings.ReplaceAll(strings.TrimSpace(r.line()[7:]), "/", "_"), func(t *testing.T) {
		r.judge(run())
		results.types = append(results.types, *r)
		fmt.Println(r.line())
		if r.failure != "" {
			t.Error(r.failure)
		}
	})
}

// typePeer is a peer that reads types: a process that is started when it is needed, or arrow-go.
type typePeer struct {
	name string
	w    *worker
}

func (p *typePeer) stop() {
	if p.w != nil {
		p.w.stop()
		p.w = nil
	}
}

func (p *typePeer) ask(r *request) (*answer, error) {
	if p.w == nil {
		command := []string{*python, "-u", "every_type.py", p.name}
		if strings.Contains(nodePeers, p.name) {
			command = []string{*node, "every_type.mjs", p.name}
		}
		var err error
		if p.w, err = startCommand(p.name, command...); err != nil {
			return nil, err
		}
	}
	if err := p.w.ask(r); err != nil {
		return nil, err
	}
	a, err := p.w.answer()
	var raised *peerError
	if err != nil && !errors.As(err, &raised) {
		p.stop() // it has died
	}
	return a, err
}

// nodePeers are those that run in Node.js.
const nodePeers = "apache-arrow @uwdata/flechette"

func (p *typePeer) read(path string, file bool, types []columnType) ([][]cell, error) {
	if p.name == "arrow-go" {
		return readByArrowGo(path, file)
	}
	a, err := p.ask(&request{Op: "read", Format: map[bool]string{true: "file", false: "stream"}[file], Path: path, Types: types})
	if err != nil {
		return nil, err
	}
	return a.Columns, nil
}

func (p *typePeer) rewrite(path, out string) error {
	_, err := p.ask(&request{Op: "rewrite", Path: path, Out: out})
	return err
}

// differColumns says how columns differ.
func differColumns(got, want [][]cell) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d columns, want %d", len(got), len(want))
	}
	for c := range want {
		if len(got[c]) != len(want[c]) {
			return fmt.Errorf("column %d: %d rows, want %d", c, len(got[c]), len(want[c]))
		}
		for row := range want[c] {
			if g, w := jsonText(got[c][row]), jsonText(want[c][row]); g != w {
				return fmt.Errorf("column %d, row %d: %s, want %s", c, row, g, w)
			}
		}
	}
	return nil
}
