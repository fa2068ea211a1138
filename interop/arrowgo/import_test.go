package arrowgo_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

func importer(t testing.TB, schema *arrow.Schema, opts *rt.ReaderOptions) *arrowgo.Importer[feed.TradeBatch] {
	t.Helper()
	return must(arrowgo.NewImporter(feed.TradeTable, schema, opts))(t)
}

func TestImport(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 1000} {
		want := trades(0, n)
		batch := must(arrowgo.Batch(feed.TradeTable, tradeRecord(t, memory.DefaultAllocator, want)))(t)
		sameRows(t, batch.AppendTo([]feed.Trade{}), want)
		if n != 0 {
			if row := batch.Row(n - 1); row.Price != want[n-1].Price || row.Symbol != want[n-1].Symbol {
				t.Errorf("row %+v", row)
			}
		}
	}
}

func TestImportDoesNotCopy(t *testing.T) {
	rec := tradeRecord(t, memory.DefaultAllocator, trades(0, 1000))
	m := importer(t, rec.Schema(), nil)
	for from := range int64(3) { // slices whose bitmaps start at a byte
		part := rec.NewSlice(from*8, 900)
		batch := must(m.Batch(part))(t)
		for i := range 5 {
			buffers := rec.Column(i).Data().Buffers()
			for k, b := range batch.Handle().Column(i).Buffers {
				if b != nil && !within(b, buffers[k].Bytes()) {
					t.Errorf("column %d: buffer %d was copied", i, k)
				}
			}
		}
		if column.Native && !within(batch.Price(), rec.Column(2).(*array.Float64).Float64Values()) {
			t.Error("prices were copied")
		}
	}
	s := m.Stats()
	if s.Batches != 3 || s.Rows != 900+892+884 || s.InPlace != 15 || s.Converted != 0 || s.Realigned != 0 {
		t.Errorf("%+v", s)
	}
}

// TestImportAllocations shows that what a batch costs depends on its columns alone.
func TestImportAllocations(t *testing.T) {
	cost := func(rows int) float64 {
		rec := tradeRecord(t, memory.DefaultAllocator, trades(0, rows))
		m := importer(t, rec.Schema(), nil)
		return testing.AllocsPerRun(100, func() {
			b, err := m.Batch(rec)
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
		})
	}
	small, large := cost(20), cost(20_000)
	t.Logf("%v allocations for a batch of 5 columns", large)
	if mem.Debug {
		t.Skip("debug builds note where batches are released")
	}
	if small != large || large > 5 {
		t.Errorf("%v allocations for 20 rows, %v for 20,000; want the same, at most 5", small, large)
	}
}

// TestImportSlices takes every part of a record, and parts of parts.
func TestImportSlices(t *testing.T) {
	all := trades(0, 40)
	rec := tradeRecord(t, memory.DefaultAllocator, all)
	m := importer(t, rec.Schema(), nil)
	for from := range all {
		for to := from; to <= len(all); to += 1 + to%5 {
			part := rec.NewSlice(int64(from), int64(to))
			b := must(m.Batch(part))(t)
			sameRows(t, b.AppendTo([]feed.Trade{}), all[from:to])
			b.Release()
			if to-from > 4 {
				b := must(m.Batch(part.NewSlice(2, int64(to-from-1))))(t)
				sameRows(t, b.AppendTo([]feed.Trade{}), all[from+2:to-1])
				b.Release()
			}
		}
	}
	if m.Stats().Realigned == 0 {
		t.Error("no bitmap was shifted")
	}
}

// TestImportLateSlice copies the offsets of a slice from the end of a long text rather than have each row batch copy the text.
func TestImportLateSlice(t *testing.T) {
	rows := trades(0, 10_000)
	rec := tradeRecord(t, memory.DefaultAllocator, rows)
	b := must(arrowgo.Batch(feed.TradeTable, rec.NewSlice(9_992, 10_000)))(t)
	sameRows(t, b.AppendTo(nil), rows[9_992:])
	d := b.Handle().Column(4)
	if !within(d.Buffers[2], rec.Column(4).Data().Buffers()[2].Bytes()) {
		t.Error("the text was copied")
	}
	if len(d.Buffers[2]) > 100 {
		t.Errorf("the batch has %d bytes of text for 8 rows", len(d.Buffers[2]))
	}
}

func TestImportLifetime(t *testing.T) {
	want := trades(0, 1000)
	use := func(t *testing.T, release func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch)) {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer alloc.AssertSize(t, 0)
		rec := tradeRecord(t, alloc, want)
		batch := must(arrowgo.Batch(feed.TradeTable, rec))(t)
		release(t, batch, rec)
	}
	t.Run("record first", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			rec.Release()
			sameRows(t, b.AppendTo(nil), want)
			b.Release()
		})
	})
	t.Run("batch first", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			b.Release()
			b.Release() // does nothing
			sameRows(t, rowsOf(rec), want)
			rec.Release()
		})
	})
	t.Run("second handle", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			rec.Release()
			second := b.Retain()
			b.Release()
			sameRows(t, second.AppendTo(nil), want)
			second.Release()
		})
	})
	t.Run("slice", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			part := rec.NewSlice(3, 800)
			c := must(arrowgo.Batch(feed.TradeTable, part))(t)
			part.Release()
			rec.Release()
			b.Release()
			sameRows(t, c.AppendTo(nil), want[3:800])
			c.Release()
		})
	})
	t.Run("there and back", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			rec.Release()
			again := must(arrowgo.RecordBatch(b.Handle(), feed.TradeTable.Schema()))(t)
			b.Release()
			sameRows(t, rowsOf(again), want)
			again.Release()
		})
	})
	t.Run("refused", func(t *testing.T) {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer alloc.AssertSize(t, 0)
		b := array.NewRecordBuilder(alloc, arrow.NewSchema([]arrow.Field{{Name: "time", Type: arrow.FixedWidthTypes.Timestamp_ns}, {Name: "symbol", Type: arrow.BinaryTypes.String}, {Name: "price", Type: arrow.PrimitiveTypes.Float64}, {Name: "size", Type: arrow.PrimitiveTypes.Int64}}, nil))
		for i := range 4 {
			b.Field(i).AppendNull()
		}
		rec := b.NewRecordBatch()
		b.Release()
		if _, err := arrowgo.Batch(feed.TradeTable, rec); err == nil {
			t.Error("nulls were taken")
		}
		rec.Release()
	})
}

// TestImportGarbage forgets records and batches of the Go heap.
func TestImportGarbage(t *testing.T) {
	var batches []feed.TradeBatch
	for i := range 8 {
		batches = append(batches, must(arrowgo.Batch(feed.TradeTable, tradeRecord(t, memory.DefaultAllocator, trades(100*i, 3000))))(t))
		must(arrowgo.Batch(feed.TradeTable, tradeRecord(t, memory.DefaultAllocator, trades(100*i, 3000))))(t)
		runtime.GC()
	}
	for i, b := range batches {
		sameRows(t, b.AppendTo(nil), trades(100*i, 3000))
	}
}

func TestImportUsedElsewhere(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	var m *arrowgo.Importer[feed.TradeBatch]
	var wg sync.WaitGroup
	for i := range 20 {
		want := trades(i, 300)
		rec := tradeRecord(t, alloc, want)
		if m == nil {
			m = importer(t, rec.Schema(), nil)
		}
		b := must(m.Batch(rec))(t)
		rec.Release()
		wg.Go(func() { sameRows(t, b.AppendTo(nil), want); b.Release() })
	}
	wg.Wait()
}

// arrays makes a record of named arrays.
func arrays(named ...any) arrow.RecordBatch {
	var fields []arrow.Field
	var columns []arrow.Array
	for i := 0; i < len(named); i += 2 {
		a := named[i+1].(arrow.Array)
		fields, columns = append(fields, arrow.Field{Name: named[i].(string), Type: a.DataType()}), append(columns, a)
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, -1)
}

// of makes an array of any type from texts; "-" is a null.
func of(t testing.TB, typ arrow.DataType, values ...string) arrow.Array {
	t.Helper()
	b := array.NewBuilder(memory.DefaultAllocator, typ)
	for _, v := range values {
		if v == "-" {
			b.AppendNull()
		} else {
			ok(t, b.AppendValueFromString(v))
		}
	}
	return b.NewArray()
}

// dict makes a dictionary array, with values of any layout.
func dict(t testing.TB, index, value arrow.DataType, indices []string, values ...string) arrow.Array {
	t.Helper()
	return array.NewDictionaryArray(&arrow.DictionaryType{IndexType: index, ValueType: value}, of(t, index, indices...), of(t, value, values...))
}

var p = arrow.PrimitiveTypes

// TestImportFits has other types, orders and extra columns.
func TestImportFits(t *testing.T) {
	times := of(t, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "America/New_York"}, "2024-01-02T03:04:05Z", "1999-01-01T00:00:00Z", "-", "2024-01-02T03:04:06Z")
	times = array.NewSlice(times, 0, 2)
	x := []string{"2", "0"}
	for i, r := range []struct {
		symbol, price, size, note arrow.Array
	}{
		{dict(t, p.Int8, arrow.BinaryTypes.String, x, "b", "-", "a"), of(t, p.Float32, "1.5", "2"), of(t, p.Uint32, "7", "8"), of(t, arrow.BinaryTypes.LargeString, "n", "-")},
		{dict(t, p.Uint64, arrow.BinaryTypes.LargeString, x, "b", "c", "a"), of(t, arrow.FixedWidthTypes.Float16, "1.5", "2"), of(t, p.Int8, "7", "8"), of(t, arrow.BinaryTypes.StringView, "n", "-")},
		{dict(t, p.Uint16, arrow.BinaryTypes.StringView, x, "b", "c", "a"), of(t, p.Float64, "1.5", "2"), of(t, p.Int64, "7", "8"), dict(t, p.Uint8, arrow.BinaryTypes.LargeString, []string{"0", "1"}, "n", "-")},
		{of(t, arrow.BinaryTypes.StringView, "a", "b"), of(t, p.Float64, "1.5", "2"), of(t, p.Int16, "7", "8"), dict(t, p.Int32, arrow.BinaryTypes.StringView, []string{"1", "-"}, "m", "n")},
		{of(t, arrow.BinaryTypes.LargeString, "a", "b"), of(t, p.Float64, "1.5", "2"), of(t, p.Uint8, "7", "8"), of(t, arrow.BinaryTypes.String, "n", "-")},
	} {
		list := of(t, arrow.ListOf(p.Int32), "[1]", "[2,3]")
		rec := arrays("list", list, "note", r.note, "size", r.size, "price", r.price, "time", times, "symbol", r.symbol, "null", array.NewNull(2))
		b, err := arrowgo.Batch(feed.TradeTable, rec)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		n := "n"
		sameRows(t, b.AppendTo(nil), []feed.Trade{
			{Time: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Symbol: "a", Price: 1.5, Size: 7, Note: &n},
			{Time: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Symbol: "b", Price: 2, Size: 8},
		})
		b = must(arrowgo.Batch(feed.TradeTable, rec.NewSlice(1, 2)))(t)
		if b.Len() != 1 || b.Symbol().At(0) != "b" || !b.Note().IsNull(0) || b.Size()[0] != 8 {
			t.Errorf("%d: the second row alone is %+v", i, b.Row(0))
		}
	}
}

// flat is a record of the table's columns but for those given.
func flat(t testing.TB, other ...any) arrow.RecordBatch {
	t.Helper()
	columns := []any{
		"time", of(t, arrow.FixedWidthTypes.Timestamp_ns, "2024-01-02T03:04:05Z", "2024-01-02T03:04:06Z"),
		"symbol", of(t, arrow.BinaryTypes.String, "a", "b"),
		"price", of(t, p.Float64, "1", "2"), "size", of(t, p.Int64, "1", "2"), "note", of(t, arrow.BinaryTypes.String, "x", "y"),
	}
	for i := 0; i < len(other); i += 2 {
		for k := 0; k < len(columns); k += 2 {
			if columns[k] == other[i] {
				columns[k+1] = other[i+1]
			}
		}
	}
	return arrays(columns...)
}

func TestImportRefuses(t *testing.T) {
	t.Run("types", func(t *testing.T) {
		_, err := arrowgo.Batch(feed.TradeTable, arrays(
			"time", of(t, arrow.FixedWidthTypes.Date32), "symbol", of(t, p.Int64), "price", of(t, arrow.ListOf(p.Float64)),
			"note", array.NewStructData(array.NewData(arrow.StructOf(), 0, []*memory.Buffer{nil}, nil, 0, 0)),
		))
		var e *rt.SchemaError
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		const want = `lightstream: schema does not fit table "trade" (5 differences)
  column  want                              stream has
  time    timestamp[ns, UTC] not null       date32               no conversion
  symbol  dictionary<int32, utf8> not null  int64                no conversion
  price   float64 not null                  list<item: float64>  no conversion
  size    int64 not null                    (absent)             make it nullable or give a default
  note    utf8                              struct               no conversion`
		if err.Error() != want {
			t.Errorf("got\n%v\nwant\n%s", err, want)
		}
	})
	t.Run("null", func(t *testing.T) {
		for name, a := range map[string]arrow.Array{
			"price": of(t, p.Float64, "1", "-"), "size": of(t, p.Int32, "1", "-"),
			"time":   of(t, arrow.FixedWidthTypes.Timestamp_ns, "2024-01-02T03:04:05Z", "-"),
			"symbol": dict(t, p.Int32, arrow.BinaryTypes.String, []string{"0", "-"}, "a"),
		} {
			_, err := arrowgo.Batch(feed.TradeTable, flat(t, name, a))
			var e *rt.NullError
			if !errors.As(err, &e) || e.Column != name || e.Row != 1 {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A null that stands in the dictionary.
		_, err := arrowgo.Batch(feed.TradeTable, flat(t, "symbol", dict(t, p.Int32, arrow.BinaryTypes.String, []string{"0", "1"}, "a", "-")))
		var e *rt.NullError
		if !errors.As(err, &e) || e.Row != 1 {
			t.Error(err)
		}
	})
	t.Run("zero nulls", func(t *testing.T) {
		rec := flat(t, "price", of(t, p.Float64, "1", "-"), "symbol", dict(t, p.Int32, arrow.BinaryTypes.String, []string{"0", "-"}, "a"))
		b := must(importer(t, rec.Schema(), &rt.ReaderOptions{Nulls: rt.ZeroNulls}).Batch(rec))(t)
		if r := b.Row(1); r.Price != 0 || r.Symbol != "" {
			t.Errorf("%+v", r)
		}
		if rec.Column(2).(*array.Float64).Value(0) != 1 {
			t.Error("the record was changed")
		}
	})
	t.Run("value", func(t *testing.T) {
		_, err := arrowgo.Batch(feed.TradeTable, flat(t, "time", of(t, arrow.FixedWidthTypes.Timestamp_s, "2024-01-02T03:04:05Z", "2500-01-02T03:04:06Z")))
		var e *rt.ConvertError
		if !errors.As(err, &e) || e.Column != "time" || e.Row != 1 || !errors.Is(err, rt.ErrInexact) {
			t.Error(err)
		}
	})
	t.Run("another schema", func(t *testing.T) {
		rec := flat(t)
		m := importer(t, rec.Schema(), nil)
		_, err := m.Batch(flat(t, "size", of(t, p.Int32, "1", "2")))
		wantError(t, err, `lightstream: column 3 of the record is "size", int32; want "size", int64`)
		_, err = m.Batch(arrays("x", of(t, p.Int32, "1")))
		wantError(t, err, `the record has 1 columns, want 5`)
		b := must(m.Batch(flat(t)))(t) // another schema with the same columns, and the importer is still usable
		if b.Size()[1] != 2 {
			t.Error(b.Size())
		}
	})
	t.Run("memory", func(t *testing.T) {
		data := func(typ arrow.DataType, n int, buffers ...[]byte) *array.Data {
			var list []*memory.Buffer
			for _, b := range buffers {
				if b == nil {
					list = append(list, nil)
				} else {
					list = append(list, memory.NewBufferBytes(b))
				}
			}
			return array.NewData(typ, n, list, nil, array.UnknownNullCount, 0)
		}
		for _, c := range []struct {
			name, want string
			a          arrow.Array
		}{
			{"note", "column note.offsets: offset 1 is 9", array.NewStringData(data(arrow.BinaryTypes.String, 2, nil, []byte{0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0}, []byte{1}))},
			{"note", "column note.offsets: from -1 to 1 of 1 bytes", array.NewStringData(data(arrow.BinaryTypes.String, 2, nil, []byte{255, 255, 255, 255, 0, 0, 0, 0, 1, 0, 0, 0}, []byte{1}))},
			{"note", "column note.bitmap: 0 bytes are too few for 2 rows from row 14 on", func() arrow.Array {
				d := array.NewData(arrow.BinaryTypes.String, 2, []*memory.Buffer{memory.NewBufferBytes([]byte{1}), memory.NewBufferBytes(make([]byte, 100)), nil}, nil, 1, 14)
				return array.NewStringData(d)
			}()},
			{"symbol", "column symbol.indices: row 1 is outside the dictionary of 1 values", array.NewDictionaryArray(
				&arrow.DictionaryType{IndexType: p.Int32, ValueType: arrow.BinaryTypes.String}, of(t, p.Int32, "0", "1"), of(t, arrow.BinaryTypes.String, "a"))},
		} {
			_, err := arrowgo.Batch(feed.TradeTable, flat(t, c.name, c.a))
			want := strings.Replace(c.want, "0 bytes", "1 bytes", 1)
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ipc.ErrMalformed) {
				t.Errorf("%v, want %s", err, want)
			}
		}
	})
	t.Run("big-endian", func(t *testing.T) {
		s := arrow.NewSchemaWithEndian(nil, nil, 1)
		_, err := arrowgo.NewImporter(feed.TradeTable, s, nil)
		wantError(t, err, "its data is big-endian, which is not converted")
	})
}

// TestImportUnaligned copies columns that do not lie where Go's types can.
func TestImportUnaligned(t *testing.T) {
	odd := func(a arrow.Array) arrow.Array {
		d := a.Data()
		buffers := make([]*memory.Buffer, len(d.Buffers()))
		for i, b := range d.Buffers() {
			if b != nil {
				p := make([]byte, b.Len()+8)
				p = p[(9-int(uintptr(unsafe.Pointer(&p[0]))&7))&7:]
				buffers[i] = memory.NewBufferBytes(p[:copy(p, b.Bytes())])
			}
		}
		return array.MakeFromData(array.NewDataWithDictionary(a.DataType(), a.Len(), buffers, a.NullN(), d.Offset(), d.(*array.Data).Dictionary().(*array.Data)))
	}
	want := trades(0, 100)
	rec := tradeRecord(t, memory.DefaultAllocator, want)
	var columns []arrow.Array
	for _, c := range rec.Columns() {
		columns = append(columns, odd(c))
	}
	rec = array.NewRecordBatch(rec.Schema(), columns, 100)
	m := importer(t, rec.Schema(), nil)
	b := must(m.Batch(rec))(t)
	sameRows(t, b.AppendTo(nil), want)
	sameRows(t, must(m.Batch(rec.NewSlice(5, 95)))(t).AppendTo(nil), want[5:95])
	if n := m.Stats().Realigned; n < 5+5 { // values of four columns and offsets, twice, and a bitmap
		t.Errorf("%d buffers were copied", n)
	}
	for i := range 5 {
		if !mem.IsAligned(b.Handle().Column(i).Buffers[1], 4) {
			t.Errorf("column %d is not aligned", i)
		}
	}
}

// TestImportShorterRecord has arrays with more rows than the record.
func TestImportShorterRecord(t *testing.T) {
	want := trades(0, 100)
	rec := tradeRecord(t, memory.DefaultAllocator, want)
	rec = array.NewRecordBatch(rec.Schema(), rec.Columns(), 13)
	b := must(arrowgo.Batch(feed.TradeTable, rec))(t)
	sameRows(t, b.AppendTo(nil), want[:13])
	if n := b.Handle().Column(4).Nulls; n != 8 {
		t.Errorf("%d nulls, want 8", n)
	}
}

// TestImportDictionaries follows the identity of dictionaries, by which a writer knows what its reader has.
func TestImportDictionaries(t *testing.T) {
	record := func(values ...string) arrow.RecordBatch {
		return flat(t, "symbol", dict(t, p.Int32, arrow.BinaryTypes.String, []string{"0", "0"}, values...))
	}
	first := record("a", "b")
	m := importer(t, first.Schema(), nil)
	var last *column.Dictionary
	for i, c := range []struct {
		rec    arrow.RecordBatch
		same   bool
		values int
	}{
		{first, false, 2},
		{first, true, 2},
		{record("a", "b"), true, 2},
		{record("a", "b", "-", "d"), true, 4},
		{first, true, 4},
		{record("a", "c"), false, 2},
		{record(append([]string{"a", "c"}, many(1000)...)...), true, 1002},
		{record("a", "-"), false, 2},
	} {
		b := must(m.Batch(c.rec))(t)
		d := b.Handle().Column(1)
		if (d.Dictionary == last) != c.same || d.Values.Len() != c.values || b.Symbol().At(0) != "a" {
			t.Errorf("record %d: %d values, the same dictionary: %v; want %d, %v", i, d.Values.Len(), d.Dictionary == last, c.values, c.same)
		}
		last = d.Dictionary
	}
}

func many(n int) (s []string) {
	for i := range n {
		s = append(s, fmt.Sprint("value ", i))
	}
	return s
}

// money is an extension type.
type money struct {
	arrow.ExtensionBase
	currency string
}

func newMoney(currency string) *money {
	return &money{arrow.ExtensionBase{Storage: p.Float64}, currency}
}

type moneyArray struct{ array.ExtensionArrayBase }

func (*money) ArrayType() reflect.Type { return reflect.TypeFor[moneyArray]() }
func (*money) ExtensionName() string   { return "acme.money" }
func (m *money) Serialize() string     { return m.currency }
func (m *money) ExtensionEquals(o arrow.ExtensionType) bool {
	n, is := o.(*money)
	return is && *n == *m
}

func (*money) Deserialize(_ arrow.DataType, data string) (arrow.ExtensionType, error) {
	return newMoney(data), nil
}

// TestImportExtension takes an extension type as what it is stored as.
func TestImportExtension(t *testing.T) {
	storage := of(t, p.Float64, "1", "2")
	rec := flat(t, "price", array.NewExtensionArrayWithStorage(newMoney("EUR"), storage))
	b := must(arrowgo.Batch(feed.TradeTable, rec))(t)
	if b.Price()[1] != 2 || column.Native && !within(b.Price(), storage.(*array.Float64).Float64Values()) {
		t.Error(b.Price())
	}
}

func TestImportNoColumns(t *testing.T) {
	rec := array.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 0)
	_, err := arrowgo.Batch(feed.TradeTable, rec)
	var e *rt.SchemaError
	if !errors.As(err, &e) || len(e.Differences) != 4 {
		t.Error(err)
	}
}
