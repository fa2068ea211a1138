package arrowgo_test

import (
	"bytes"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// tableColumn is a column of [feed.AllTable], which has one of each type in each form that a row can hold it, with its field in
// the row. known tells that this test makes values for it; it leaves others zero, so that a new type does not break it.
type tableColumn struct {
	field *ipc.Field
	index []int
	known bool
}

func tableColumns(t testing.TB) (columns []tableColumn) {
	t.Helper()
	fields := feed.AllTable.Schema().Fields
	row := reflect.TypeFor[feed.All]()
	for i := range row.NumField() {
		f := row.Field(i)
		if !f.IsExported() || f.Tag.Get("arrow") == "-" {
			continue
		}
		if len(columns) == len(fields) {
			t.Fatalf("the row has more fields than the table columns, from %s on", f.Name)
		}
		c := tableColumn{&fields[len(columns)], f.Index, false}
		c.known = c.set(reflect.New(row).Elem().FieldByIndex(f.Index), rand.New(rand.NewPCG(1, 1)), 0)
		columns = append(columns, c)
	}
	known := 0
	for _, c := range columns {
		if c.known {
			known++
		} else {
			t.Logf("column %q, %v, is not compared", c.field.Name, c.field)
		}
	}
	if len(columns) != len(fields) || known < 60 {
		t.Fatalf("%d fields for %d columns, of which %d are compared", len(columns), len(fields), known)
	}
	return columns
}

// set gives a field of a row a random value, or none with the given probability.
func (c *tableColumn) set(v reflect.Value, r *rand.Rand, nulls float64) (known bool) {
	null := r.Float64() < nulls && c.field.Nullable
	kind := c.field.Type.Kind
	switch {
	case v.Type() == reflect.TypeFor[time.Time]() && kind == ipc.KindDate:
		v.Set(reflect.ValueOf(rt.Date(r.IntN(4e6) - 2e6).Time()))
		return true
	case v.Type() == reflect.TypeFor[rt.DateMillis]():
		v.SetInt(rt.Date(r.IntN(4e6) - 2e6).Time().UnixMilli())
		return true
	case v.Type() == reflect.TypeFor[time.Duration]():
		unit := int64(time.Second) / int64(c.field.Type.Unit)
		if v.SetInt(r.Int64N(int64(24*time.Hour)/unit) * unit); kind == ipc.KindDuration {
			v.SetInt(v.Int() - int64(12*time.Hour))
		}
		return true
	case v.Type() == reflect.TypeFor[rt.Float16]():
		v.SetUint(uint64(column.Float16Of(float32(r.NormFloat64()))))
		return true
	case v.Type() == reflect.TypeFor[feed.Mood]():
		v.SetInt(int64(r.IntN(3) - 1))
		if v.Int() == 1 {
			v.SetInt(2)
		}
		return true
	case kind == ipc.KindDecimal && v.Kind() != reflect.Pointer && !strings.HasPrefix(v.Type().Name(), "Null["):
		n := r.Int64N(2e9) - 1e9 + 1
		switch c.field.Type.Bits {
		case 32, 64:
			v.SetInt(n)
		case 128:
			v.Set(reflect.ValueOf(column.Decimal128From(n)))
		default:
			v.Set(reflect.ValueOf(column.Decimal256From(n)))
		}
		return true
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(r.Uint64N(256))
		}
		return true
	case v.Type() == reflect.TypeFor[struct{}]():
		return true
	case v.Type() == reflect.TypeFor[time.Time]():
		unit := c.field.Type.Unit
		v.Set(reflect.ValueOf(unit.Time(r.Int64N(4e9*int64(unit)) - 2e9*int64(unit))))
		return true
	case v.Kind() == reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		if known = c.set(p.Elem(), r, 0); !null {
			v.Set(p)
		}
		return known
	case v.Kind() == reflect.Struct && strings.HasPrefix(v.Type().Name(), "Null["):
		known = c.set(v.FieldByName("V"), r, 0)
		if v.FieldByName("Valid").SetBool(!null); null {
			v.FieldByName("V").SetZero()
		}
		return known
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> (64 - v.Type().Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(float32(r.NormFloat64())))
	case reflect.String:
		v.SetString(tableText(r))
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return false
		}
		if !null {
			v.SetBytes([]byte(tableText(r)))
		}
	default:
		return false
	}
	if c.field.Dictionary != nil && kind == ipc.KindInt { // few enough for the dictionary
		v.SetZero()
		if v.CanInt() {
			v.SetInt(int64(r.IntN(200) - 100))
		} else {
			v.SetUint(r.Uint64N(100))
		}
	}
	return true
}

// tableText returns one of a hundred strings, which fit the dictionary of an int8.
func tableText(r *rand.Rand) string {
	i := r.IntN(100)
	return strings.Repeat("ß", i%3) + strings.Repeat("x", i/3)
}

// value is a field's value without its Go form, nil where it is null.
func value(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Time:
		return x
	case rt.Date:
		return x.Time()
	case rt.DateMillis:
		return x.Time()
	case rt.Float16:
		return uint16(x) // arrow-go turns subnormal halves into other numbers, so bits are compared
	case rt.Decimal32:
		return x.Big().String()
	case rt.Decimal64:
		return x.Big().String()
	case rt.Decimal128:
		return x.Big().String()
	case rt.Decimal256:
		return x.Big().String()
	case struct{}:
		return nil
	}
	switch {
	case v.Kind() == reflect.Array:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return string(b)
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return value(v.Elem())
	case v.Kind() == reflect.Struct && v.FieldByName("Valid").IsValid():
		if !v.FieldByName("Valid").Bool() {
			return nil
		}
		return value(v.FieldByName("V"))
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint()
	case reflect.Float32, reflect.Float64:
		return v.Float()
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		return string(v.Bytes())
	}
	return v.String()
}

// value is what a row has, in the form that theirs gives.
func (c *tableColumn) value(row reflect.Value) any {
	v := value(row.FieldByIndex(c.index))
	switch {
	case v == nil:
	case c.field.Type.Kind == ipc.KindTimestamp:
		if raw, is := v.(int64); is {
			return c.field.Type.Unit.Time(raw)
		}
	case c.field.Type.IsText() && reflect.TypeOf(v).Kind() == reflect.Int64:
		return feed.Mood(v.(int64)).String()
	}
	return v
}

// theirs is row i of an array in the same form.
func theirs(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Null:
		return nil
	case *array.Dictionary:
		return theirs(a.Dictionary(), a.GetValueIndex(i))
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit)
	case *array.String:
		return strings.Clone(a.Value(i))
	case *array.LargeString:
		return strings.Clone(a.Value(i))
	case *array.StringView:
		return strings.Clone(a.Value(i))
	case array.ExtensionArray:
		return theirs(a.Storage(), i)
	case *array.Float16:
		return a.Value(i).Uint16()
	case *array.Date32:
		return a.Value(i).ToTime()
	case *array.Date64:
		return a.Value(i).ToTime()
	case *array.Duration:
		return int64(a.Value(i)) * int64(a.DataType().(*arrow.DurationType).Unit.Multiplier())
	case *array.Time32:
		return int64(a.Value(i)) * int64(a.DataType().(*arrow.Time32Type).Unit.Multiplier())
	case *array.Time64:
		return int64(a.Value(i)) * int64(a.DataType().(*arrow.Time64Type).Unit.Multiplier())
	case *array.Decimal32:
		return fmt.Sprint(int32(a.Value(i)))
	case *array.Decimal64:
		return fmt.Sprint(int64(a.Value(i)))
	case *array.Decimal128:
		return a.Value(i).BigInt().String()
	case *array.Decimal256:
		return a.Value(i).BigInt().String()
	}
	v := reflect.ValueOf(a).MethodByName("Value").Call([]reflect.Value{reflect.ValueOf(i)})[0]
	switch a.DataType().ID() {
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return string(v.Bytes())
	}
	return value(v)
}

func tableRows(r *rand.Rand, columns []tableColumn, n int, nulls float64) []feed.All {
	rows := make([]feed.All, n)
	for i := range rows {
		for _, c := range columns {
			c.set(reflect.ValueOf(&rows[i]).Elem().FieldByIndex(c.index), r, nulls)
		}
	}
	return rows
}

// tableForm picks a type that fits a column: for text any layout and any dictionary, and else its own.
func tableForm(r *rand.Rand, f *ipc.Field, own arrow.DataType) arrow.DataType {
	texts := []arrow.DataType{arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView}
	switch {
	case f.Type.IsBinary() && f.Dictionary == nil:
		return []arrow.DataType{arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.BinaryView}[r.IntN(3)]
	case !f.Type.IsText() || r.IntN(4) == 0:
		return own
	case r.IntN(2) == 0:
		return texts[r.IntN(3)]
	}
	index := []arrow.DataType{p.Int8, p.Uint8, p.Int16, p.Uint16, p.Int32, p.Uint32, p.Int64, p.Uint64}
	return &arrow.DictionaryType{IndexType: index[r.IntN(8)], ValueType: texts[r.IntN(3)]}
}

// tableArray builds rows of a column by arrow-go's builders.
func tableArray(c tableColumn, typ arrow.DataType, rows []feed.All) arrow.Array {
	values := make([]any, len(rows))
	for i := range rows {
		values[i] = c.value(reflect.ValueOf(rows[i]))
	}
	if d, is := typ.(*arrow.DictionaryType); is {
		index, text := array.NewBuilder(memory.DefaultAllocator, d.IndexType), array.NewBuilder(memory.DefaultAllocator, d.ValueType)
		at := make(map[any]int)
		for _, v := range values {
			if v == nil {
				index.AppendNull()
				continue
			}
			if _, is := at[v]; !is {
				at[v] = len(at)
				tableValue(text, d.ValueType, v)
			}
			_ = index.AppendValueFromString(fmt.Sprint(at[v]))
		}
		return array.NewDictionaryArray(d, index.NewArray(), text.NewArray())
	}
	if e, is := typ.(arrow.ExtensionType); is {
		storage := tableArray(c, e.StorageType(), rows)
		return array.NewExtensionArrayWithStorage(e, storage)
	}
	b := array.NewBuilder(memory.DefaultAllocator, typ)
	for _, v := range values {
		switch {
		case !c.known:
			b.AppendEmptyValue()
		case v == nil:
			b.AppendNull()
		default:
			tableValue(b, typ, v)
		}
	}
	return b.NewArray()
}

func tableValue(b array.Builder, typ arrow.DataType, v any) {
	switch b := b.(type) {
	case *array.Date32Builder:
		b.Append(arrow.Date32FromTime(v.(time.Time)))
	case *array.Date64Builder:
		b.Append(arrow.Date64FromTime(v.(time.Time)))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(v.(int64) / int64(typ.(*arrow.DurationType).Unit.Multiplier())))
	case *array.Time32Builder:
		b.Append(arrow.Time32(v.(int64) / int64(typ.(*arrow.Time32Type).Unit.Multiplier())))
	case *array.Time64Builder:
		b.Append(arrow.Time64(v.(int64) / int64(typ.(*arrow.Time64Type).Unit.Multiplier())))
	case *array.Float16Builder:
		b.Append(float16.FromBits(v.(uint16)))
	case *array.Decimal32Builder:
		n, _ := new(big.Int).SetString(v.(string), 10)
		b.Append(decimal.Decimal32(n.Int64()))
	case *array.Decimal64Builder:
		n, _ := new(big.Int).SetString(v.(string), 10)
		b.Append(decimal.Decimal64(n.Int64()))
	case *array.Decimal128Builder:
		n, _ := new(big.Int).SetString(v.(string), 10)
		b.Append(decimal.Decimal128(decimal128.FromBigInt(n)))
	case *array.Decimal256Builder:
		n, _ := new(big.Int).SetString(v.(string), 10)
		b.Append(decimal256.FromBigInt(n))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(v.(string)))
	case *array.TimestampBuilder:
		unit := typ.(*arrow.TimestampType).Unit
		ts, err := arrow.TimestampFromTime(v.(time.Time), unit)
		if err != nil {
			panic(err)
		}
		b.Append(ts)
	case interface{ AppendString(string) }: // bytes, too
		b.AppendString(v.(string))
	default:
		append := reflect.ValueOf(b).MethodByName("Append")
		append.Call([]reflect.Value{reflect.ValueOf(v).Convert(append.Type().In(0))})
	}
}

// tableRecord builds rows of a table, in other types where those fit and other is true.
func tableRecord(t rapid.TB, r *rand.Rand, columns []tableColumn, rows []feed.All, other bool) arrow.RecordBatch {
	own, err := arrowgo.Schema(feed.AllTable.Schema())
	if err != nil {
		t.Fatal(err)
	}
	fields, arrays := own.Fields(), make([]arrow.Array, len(columns))
	for i, c := range columns {
		if other {
			fields[i].Type = tableForm(r, c.field, fields[i].Type)
			fields[i].Nullable = true
		}
		arrays[i] = tableArray(c, fields[i].Type, rows)
	}
	if other {
		r.Shuffle(len(fields), func(i, k int) {
			fields[i], fields[k] = fields[k], fields[i]
			arrays[i], arrays[k] = arrays[k], arrays[i]
		})
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, int64(len(rows)))
}

func sameTableRows(t rapid.TB, columns []tableColumn, have, want []feed.All) {
	if len(have) != len(want) {
		t.Fatalf("%d rows, want %d", len(have), len(want))
	}
	for i := range want {
		for _, c := range columns {
			h, w := reflect.ValueOf(have[i]).FieldByIndex(c.index), reflect.ValueOf(want[i]).FieldByIndex(c.index)
			if c.known && !reflect.DeepEqual(h.Interface(), w.Interface()) {
				t.Fatalf("row %d, column %q, %v: %v, want %v", i, c.field.Name, c.field, value(h), value(w))
			}
		}
	}
}

// tableBatches draws the batches of a stream.
func tableBatches(t *rapid.T, columns []tableColumn) (r *rand.Rand, batches [][]feed.All) {
	r = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	for range rapid.IntRange(0, 4).Draw(t, "batches") {
		rows := rapid.SampledFrom([]int{0, 1, 9, 40}).Draw(t, "rows")
		nulls := rapid.SampledFrom([]float64{0, 0.2, 1}).Draw(t, "nulls")
		batches = append(batches, tableRows(r, columns, rows, nulls))
	}
	return r, batches
}

// TestTypedReaderReadsArrowGo has typed readers read streams and files of arrow-go's, in the table's types or others that fit.
func TestTypedReaderReadsArrowGo(t *testing.T) {
	columns := tableColumns(t)
	rapid.Check(t, func(t *rapid.T) {
		r, batches := tableBatches(t, columns)
		other := rapid.Bool().Draw(t, "other types")
		var want []feed.All
		var recs []arrow.RecordBatch
		schema := tableRecord(t, r, columns, nil, other).Schema()
		form := r.Uint64()
		for _, rows := range batches {
			rec := tableRecord(t, rand.New(rand.NewPCG(form, 0)), columns, rows, other)
			schema = rec.Schema()
			from := rapid.IntRange(0, len(rows)).Draw(t, "from")
			recs = append(recs, rec.NewSlice(int64(from), int64(len(rows))))
			want = append(want, rows[from:]...)
		}
		var stream bytes.Buffer
		w := aipc.NewWriter(&stream, aipc.WithSchema(schema), aipc.WithDictionaryDeltas(rapid.Bool().Draw(t, "deltas")))
		for _, rec := range recs {
			if err := w.Write(rec); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var have []feed.All
		for row, err := range rt.NewReader(feed.AllTable, &stream, nil).Rows(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			have = append(have, row)
		}
		sameTableRows(t, columns, have, want)

		m, err := arrowgo.NewImporter(feed.AllTable, schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		have = nil
		for _, rec := range recs {
			b, err := m.Batch(rec)
			if err != nil {
				t.Fatal(err)
			}
			have = b.AppendTo(have)
			b.Release()
		}
		sameTableRows(t, columns, have, want)
	})
}

// TestTypedFileReaderReadsArrowGo reads a file, whose one batch has dictionaries of its own.
func TestTypedFileReaderReadsArrowGo(t *testing.T) {
	columns := tableColumns(t)
	r := rand.New(rand.NewPCG(1, 2))
	want := tableRows(r, columns, 300, 0.3)
	for _, other := range []bool{false, true} {
		rec := tableRecord(t, r, columns, want, other)
		var buf bytes.Buffer
		w := must(aipc.NewFileWriter(&buf, aipc.WithSchema(rec.Schema())))(t)
		ok(t, w.Write(rec))
		ok(t, w.Close())
		in := must(rt.NewFileReader(feed.AllTable, bytes.NewReader(buf.Bytes()), int64(buf.Len()), nil))(t)
		var have []feed.All
		for row, err := range in.Rows(ctx) {
			ok(t, err)
			have = append(have, row)
		}
		sameTableRows(t, columns, have, want)
	}
}

// sameTableRecord compares a record with rows, value by value and type by type.
func sameTableRecord(t rapid.TB, columns []tableColumn, rec arrow.RecordBatch, want []feed.All) {
	own, err := arrowgo.Schema(feed.AllTable.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if !rec.Schema().Equal(own) {
		t.Fatalf("schema %v, want %v", rec.Schema(), own)
	}
	if rec.NumRows() != int64(len(want)) {
		t.Fatalf("%d rows, want %d", rec.NumRows(), len(want))
	}
	for k, c := range columns {
		for i := range want {
			if !c.known {
				break
			}
			w := c.value(reflect.ValueOf(want[i]))
			if h := theirs(rec.Column(k), i); !reflect.DeepEqual(h, w) {
				t.Fatalf("row %d, column %q, %v: %#v, want %#v", i, c.field.Name, c.field, h, w)
			}
		}
	}
}

// TestArrowGoReadsTypedWriters has arrow-go read streams and files of typed writers, and batches as records.
func TestArrowGoReadsTypedWriters(t *testing.T) {
	columns := tableColumns(t)
	rapid.Check(t, func(t *rapid.T) {
		_, batches := tableBatches(t, columns)
		how := rapid.SampledFrom([]ipc.Dictionaries{ipc.AutoDictionaries, ipc.DeltaDictionaries, ipc.ReplaceDictionaries}).Draw(t, "dictionaries")
		var stream, file bytes.Buffer
		out := rt.NewWriter(feed.AllTable, &stream, &rt.WriterOptions{Dictionaries: how})
		fout := rt.NewFileWriter(feed.AllTable, &file, nil)
		b := feed.AllTable.NewBuilder(nil)
		for _, rows := range batches {
			b.AppendRows(rows)
			if err := out.Write(ctx, b); err != nil {
				t.Fatal(err)
			}
			if err := fout.Write(ctx, b); err != nil {
				t.Fatal(err)
			}
			b.Reset()
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		if err := fout.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := aipc.NewReader(bytes.NewReader(stream.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		in := rt.NewReader(feed.AllTable, &stream, nil)
		e, err := arrowgo.NewExporter(feed.AllTable.Schema())
		if err != nil {
			t.Fatal(err)
		}
		for _, rows := range batches {
			if !r.Next() {
				t.Fatalf("the stream ends early: %v", r.Err())
			}
			sameTableRecord(t, columns, r.RecordBatch(), rows)
			b, err := in.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := e.RecordBatch(b.Handle())
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
			sameTableRecord(t, columns, rec, rows)
			rec.Release()
		}
		if r.Next() || r.Err() != nil {
			t.Fatal(r.Err())
		}
		f, err := aipc.NewFileReader(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if f.NumRecords() != len(batches) {
			t.Fatalf("%d batches, want %d", f.NumRecords(), len(batches))
		}
		for i, rows := range batches {
			rec, err := f.RecordBatchAt(i)
			if err != nil {
				t.Fatal(err)
			}
			sameTableRecord(t, columns, rec, rows)
		}
	})
}
