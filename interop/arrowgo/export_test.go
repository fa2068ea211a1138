package arrowgo_test

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

func exporter(t testing.TB) *arrowgo.Exporter {
	t.Helper()
	return must(arrowgo.NewExporter(feed.TradeTable.Schema()))(t)
}

func TestExport(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 1000} {
		want := trades(0, n)
		batch := received(t, nil, want)[0]
		rec := must(exporter(t).RecordBatch(batch.Handle()))(t)
		sameRows(t, rowsOf(rec), want)
		for i, c := range rec.Columns() {
			if v, is := c.(interface{ ValidateFull() error }); is {
				if err := v.ValidateFull(); err != nil {
					t.Errorf("%d rows, column %d: %v", n, i, err)
				}
			}
		}
		if _, err := rec.MarshalJSON(); err != nil {
			t.Error(err)
		}
		rec.Release()
		batch.Release()
	}
}

func TestExportDoesNotCopy(t *testing.T) {
	batch := received(t, nil, trades(0, 1000))[0]
	rec := must(exporter(t).RecordBatch(batch.Handle()))(t)
	defer rec.Release()
	for i, c := range rec.Columns() {
		from := batch.Handle().Column(i)
		for k, b := range c.Data().Buffers() {
			switch have := from.Buffers[k]; {
			case b == nil && have == nil:
			case b == nil || !within(b.Bytes(), have) || b.Len() != len(have):
				t.Errorf("column %d, buffer %d is not that of the batch", i, k)
			}
		}
	}
	if column.Native && !within(rec.Column(2).(*array.Float64).Float64Values(), batch.Price()) {
		t.Error("prices were copied")
	}
}

// TestExportAllocations shows that what a record costs depends on its columns alone.
func TestExportAllocations(t *testing.T) {
	e := exporter(t)
	cost := func(rows int) float64 {
		h := received(t, nil, trades(0, rows))[0].Handle()
		return testing.AllocsPerRun(100, func() {
			rec, err := e.RecordBatch(h)
			if err != nil {
				t.Fatal(err)
			}
			rec.Release()
		})
	}
	small, large := cost(20), cost(20_000)
	t.Logf("%v allocations for a record of 5 columns", large)
	if small != large || large > 45 {
		t.Errorf("%v allocations for 20 rows, %v for 20,000; want the same, at most 45", small, large)
	}
}

func TestExportLifetime(t *testing.T) {
	want := trades(0, 5000)
	use := func(t *testing.T, release func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch)) {
		pool := mem.NewPool(nil)
		batch := received(t, pool, want)[0]
		if inUse(pool) == 0 {
			t.Fatal("the batch takes nothing from the pool; this test shows nothing")
		}
		rec := must(exporter(t).RecordBatch(batch.Handle()))(t)
		price := rec.Column(2).(*array.Float64).Float64Values()
		release(t, batch, rec)
		if n := inUse(pool); n != 0 {
			t.Errorf("%d bytes still in use", n)
		}
		if mem.Debug && price[1] == want[1].Price {
			t.Error("released memory was not filled")
		}
	}
	t.Run("batch first", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			b.Release()
			sameRows(t, rowsOf(rec), want)
			rec.Release()
		})
	})
	t.Run("record first", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			rec.Release()
			sameRows(t, b.AppendTo(nil), want)
			b.Release()
		})
	})
	t.Run("one column is kept", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			b.Release()
			c := rec.Column(4).(*array.String)
			c.Retain()
			rec.Release()
			for i, row := range want {
				if row.Note != nil && c.Value(i) != *row.Note || c.IsNull(i) != (row.Note == nil) {
					t.Fatalf("row %d: %q", i, c.Value(i))
				}
			}
			c.Release()
		})
	})
	t.Run("a slice is kept", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			part := rec.NewSlice(1001, 3003)
			b.Release()
			rec.Release()
			sameRows(t, rowsOf(part), want[1001:3003])
			part.Release()
		})
	})
	t.Run("two records", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			second := must(exporter(t).RecordBatch(b.Handle()))(t)
			b.Release()
			rec.Release()
			sameRows(t, rowsOf(second), want)
			second.Release()
		})
	})
	t.Run("indices are kept", func(t *testing.T) {
		use(t, func(t *testing.T, b feed.TradeBatch, rec arrow.RecordBatch) {
			d := rec.Column(1).(*array.Dictionary)
			x := d.Indices().(*array.Int32)
			x.Retain()
			b.Release()
			rec.Release()
			if x.Value(18) != 1 {
				t.Errorf("index %d, want 1", x.Value(18))
			}
			x.Release()
		})
	})
}

// TestExportGarbage drops batches without releasing them, and goes on with the records.
func TestExportGarbage(t *testing.T) {
	pool := mem.NewPool(&mem.PoolOptions{MaxKept: -1})
	e := exporter(t)
	var recs []arrow.RecordBatch
	var prices [][]float64
	for i := range 8 {
		recs = append(recs, must(e.RecordBatch(received(t, pool, trades(100*i, 3000))[0].Handle()))(t))
		rec := must(e.RecordBatch(received(t, pool, trades(100*i, 3000))[0].Handle()))(t)
		prices = append(prices, rec.Column(2).(*array.Float64).Float64Values()) // neither record nor batch is kept
		runtime.GC()
		_ = make([]byte, 1<<20)
	}
	runtime.GC()
	for i, rec := range recs {
		sameRows(t, rowsOf(rec), trades(100*i, 3000))
		if prices[i][8] != float64(100*i+8)/4 {
			t.Errorf("price %v in record %d", prices[i][8], i)
		}
	}
}

// TestExportReleasedElsewhere releases records in other goroutines, as pipelines do.
func TestExportReleasedElsewhere(t *testing.T) {
	pool := mem.NewPool(nil)
	var want [][]feed.Trade
	for i := range 40 {
		want = append(want, trades(i, 200))
	}
	r := feed.NewTradeReader(bytes.NewReader(stream(t, want...)), &rt.ReaderOptions{Pool: pool})
	e := exporter(t)
	var wg sync.WaitGroup
	for i := range want {
		batch := must(r.Next(ctx))(t)
		rec := must(e.RecordBatch(batch.Handle()))(t)
		wg.Go(func() { sameRows(t, batch.AppendTo(nil), want[i]); batch.Release() })
		wg.Go(func() { sameRows(t, rowsOf(rec), want[i]); rec.Release() })
	}
	wg.Wait()
	if _, err := r.Next(ctx); err == nil {
		t.Error("no end")
	}
	if n := inUse(pool); n != 0 {
		t.Errorf("%d bytes still in use", n)
	}
}

// symbols returns n trades with the given symbols in turn.
func symbols(n int, names ...string) []feed.Trade {
	rows := trades(0, n)
	for i := range rows {
		rows[i].Symbol = names[i%len(names)]
	}
	return rows
}

func TestExportDictionaries(t *testing.T) {
	batches := [][]feed.Trade{
		symbols(5, "a", "b"), symbols(5, "b"), symbols(9, "a", "b", "c", "dddddddddddddddddddd"), symbols(3, "a"), nil, symbols(8, "", "e"),
	}
	e := exporter(t)
	var recs []arrow.RecordBatch
	var dicts []arrow.ArrayData
	for _, b := range received(t, nil, batches...) {
		rec := must(e.RecordBatch(b.Handle()))(t)
		recs = append(recs, rec)
		dicts = append(dicts, rec.Column(1).Data().Dictionary())
		b.Release()
	}
	for i, rec := range recs { // older ones have not changed
		sameRows(t, rowsOf(rec), append([]feed.Trade{}, batches[i]...))
	}
	for i, same := range []bool{true, false, true, true, false} {
		if (dicts[i] == dicts[i+1]) != same {
			t.Errorf("batches %d and %d: the same dictionary array? %v, want %v", i, i+1, !same, same)
		}
	}
}

// TestExportDeltas extends dictionaries that deltas lengthen, without copying what older records have.
func TestExportDeltas(t *testing.T) {
	values := []arrow.DataType{arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView}
	index := []arrow.DataType{arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint16}
	var fields []arrow.Field
	for i := range values {
		fields = append(fields, arrow.Field{Name: values[i].Name(), Nullable: true, Type: &arrow.DictionaryType{IndexType: index[i], ValueType: values[i]}})
	}
	schema := arrow.NewSchema(fields, nil)
	value := func(i int) string { return fmt.Sprintf("%0*d", i%40, i) }
	const null = 50

	var buf bytes.Buffer
	w := aipc.NewWriter(&buf, aipc.WithSchema(schema), aipc.WithDictionaryDeltas(true))
	for size := 1; size <= 200; size += 2 {
		var arrays []arrow.Array
		for i := range values {
			d, x := array.NewBuilder(memory.DefaultAllocator, values[i]), array.NewBuilder(memory.DefaultAllocator, index[i])
			for k := range size {
				if k == null {
					d.AppendNull()
				} else {
					ok(t, d.AppendValueFromString(value(k)))
				}
			}
			ok(t, x.AppendValueFromString(fmt.Sprint(size-1)))
			arrays = append(arrays, array.NewDictionaryArray(fields[i].Type, x.NewArray(), d.NewArray()))
		}
		ok(t, w.Write(array.NewRecordBatch(schema, arrays, 1)))
	}
	ok(t, w.Close())

	r := ipc.NewReader(&buf, nil)
	e := must(arrowgo.NewExporter(must(r.Schema(ctx))(t)))(t)
	var handles []rt.Handle
	var recs []arrow.RecordBatch
	for size := 1; size <= 200; size += 2 {
		h := must(r.Next(ctx))(t)
		handles, recs = append(handles, h), append(recs, must(e.RecordBatch(h))(t))
	}
	if d := r.Stats().Deltas; d != 3*99 {
		t.Errorf("%d deltas, want 297", d)
	}
	check := func(rec arrow.RecordBatch, size int) {
		t.Helper()
		for i, c := range rec.Columns() {
			a := c.(*array.Dictionary).Dictionary()
			if a.Len() != size || !arrow.TypeEqual(a.DataType(), values[i]) {
				t.Fatalf("%d values of type %v, want %d", a.Len(), a.DataType(), size)
			}
			v := a.(interface{ Value(int) string })
			for k := range size {
				if a.IsNull(k) != (k == null) || k != null && v.Value(k) != value(k) {
					t.Fatalf("%v: value %d of %d is %q, want %q", a.DataType(), k, size, v.Value(k), value(k))
				}
			}
			if f, is := a.(interface{ ValidateFull() error }); is {
				ok(t, f.ValidateFull())
			}
		}
	}
	for i, rec := range recs {
		check(rec, 1+2*i)
	}
	for i := len(handles) - 1; i >= 0; i -= 7 { // older batches after newer ones
		check(must(e.RecordBatch(handles[i]))(t), 1+2*i)
	}
	first, last := recs[90].Column(0), recs[99].Column(0)
	text := func(a arrow.Array) []byte { return a.(*array.Dictionary).Dictionary().Data().Buffers()[2].Bytes() }
	if &text(first)[0] != &text(last)[0] {
		t.Error("a dictionary that grew by a few values was copied")
	}
}

// raw returns a batch that a reader handed out after looking at its structure alone.
func raw(t testing.TB, schema *ipc.Schema, rows int, columns ...column.Data) rt.Handle {
	t.Helper()
	var buf bytes.Buffer
	ok(t, ipc.NewWriter(&buf, schema, nil).Write(ctx, rows, columns))
	return must(ipc.NewReader(&buf, &ipc.ReaderOptions{Validate: ipc.Structure}).Next(ctx))(t)
}

// TestExportReuse keeps records beyond the life of batches that a reader ends by itself.
func TestExportReuse(t *testing.T) {
	want := [][]feed.Trade{trades(0, 100), trades(100, 100), trades(200, 5000), trades(300, 10)}
	pool := mem.NewPool(nil)
	r := feed.NewTradeReader(bytes.NewReader(stream(t, want...)), &rt.ReaderOptions{Pool: pool, Reuse: true})
	e := exporter(t)
	var recs []arrow.RecordBatch
	for b, err := range r.Batches(ctx) {
		ok(t, err)
		recs = append(recs, must(e.RecordBatch(b.Handle()))(t))
	}
	for i, rec := range recs {
		sameRows(t, rowsOf(rec), want[i])
		rec.Release()
	}
	if n := inUse(pool); n != 0 {
		t.Errorf("%d bytes still in use", n)
	}
}

func TestExportNoColumns(t *testing.T) {
	e := must(arrowgo.NewExporter(&ipc.Schema{}))(t)
	rec := must(e.RecordBatch(raw(t, &ipc.Schema{}, 0)))(t)
	if rec.NumCols() != 0 || rec.NumRows() != 0 {
		t.Errorf("%d columns, %d rows", rec.NumCols(), rec.NumRows())
	}
	rec.Release()
}

func TestExportAllNull(t *testing.T) {
	rows := trades(0, 100)
	for i := range rows {
		rows[i].Note = nil
	}
	pool := mem.NewPool(nil)
	b := received(t, pool, rows)[0]
	rec := must(exporter(t).RecordBatch(b.Handle()))(t)
	b.Release()
	sameRows(t, rowsOf(rec), rows)
	if n := rec.Column(4).NullN(); n != 100 {
		t.Errorf("%d nulls", n)
	}
	rec.Release()
	if inUse(pool) != 0 {
		t.Error("the batch is still held")
	}
}

func TestExportRefuses(t *testing.T) {
	b := received(t, nil, trades(0, 10))[0]
	t.Run("another table's schema", func(t *testing.T) {
		pool := mem.NewPool(nil)
		b := received(t, pool, trades(0, 10))[0]
		schema := *feed.TradeTable.Schema()
		schema.Fields = slices.Clone(schema.Fields)
		schema.Fields[2].Type = ipc.Int32
		_, err := arrowgo.RecordBatch(b.Handle(), &schema)
		wantError(t, err, `column price.values: 80 bytes, the rows need 40`)
		b.Release()
		if inUse(pool) != 0 {
			t.Error("the batch is still held after an error")
		}
	})
	t.Run("fewer columns", func(t *testing.T) {
		_, err := arrowgo.RecordBatch(b.Handle(), &ipc.Schema{})
		wantError(t, err, "the batch has 5 columns, the schema 0")
	})
	t.Run("a text column as dictionary", func(t *testing.T) {
		schema := *feed.TradeTable.Schema()
		schema.Fields = slices.Clone(schema.Fields)
		schema.Fields[4].Dictionary = ipc.DictionaryOf(ipc.Int32)
		_, err := arrowgo.RecordBatch(b.Handle(), &schema)
		wantError(t, err, "column note.dictionary: it is absent")
	})
	t.Run("no such type", func(t *testing.T) {
		_, err := arrowgo.NewExporter(&ipc.Schema{Fields: []ipc.Field{{Name: "b", Type: ipc.List, Dictionary: ipc.DictionaryOf(ipc.Int8)}}})
		wantError(t, err, `column "b": type list does not go to or from arrow-go: it has parameters or children`)
	})
	t.Run("released", func(t *testing.T) {
		b := b.Retain()
		b.Release()
		defer func() {
			if s, is := recover().(string); !is || !bytes.Contains([]byte(s), []byte("batch was released")) {
				t.Errorf("panic %v", s)
			}
		}()
		_, _ = exporter(t).RecordBatch(b.Handle())
	})
	t.Run("offsets beyond the bytes", func(t *testing.T) {
		schema := &ipc.Schema{Fields: []ipc.Field{{Name: "s", Type: ipc.Utf8}}}
		h := raw(t, schema, 1, column.Data{Len: 1, Buffers: [3][]byte{nil, {0, 0, 0, 0, 1, 0, 0, 0}, {1}}})
		h.Column(0).Buffers[1][4] = 9
		_, err := arrowgo.RecordBatch(h, schema)
		wantError(t, err, "column s.offsets: from 0 to 9 of 1 bytes")
	})
}

func TestExportedBuffersAreReadOnly(t *testing.T) {
	rec := must(exporter(t).RecordBatch(received(t, nil, trades(0, 10))[0].Handle()))(t)
	b := rec.Column(2).Data().Buffers()[1]
	if b.Mutable() {
		t.Error("a buffer says that it can be changed")
	}
	defer func() {
		if recover() == nil {
			t.Error("a buffer was resized")
		}
	}()
	b.Resize(1000)
}
