package rt_test

import (
	"bytes"
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TestFileOfMany has goroutines read the batches of one file at once, with conversions and a dictionary that grows with them.
func TestFileOfMany(t *testing.T) {
	const batches = 20
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "time", Type: ipc.Timestamp(column.Second, "UTC")},
		{Name: "symbol", Type: ipc.Utf8, Nullable: true},
		{Name: "price", Type: ipc.Float32},
		{Name: "size", Type: ipc.Int16},
		{Name: "note", Type: ipc.Utf8, Nullable: true},
	}}
	var file bytes.Buffer
	w := ipc.NewFileWriter(&file, schema, nil)
	for i := range batches {
		var when, size column.FixedBuilder[int64]
		var symbol column.TextBuilder
		var price column.FixedBuilder[float32]
		var small column.FixedBuilder[int16]
		var note column.TextBuilder
		for _, b := range []column.Builder{&when, &size, &symbol, &price, &small, &note} {
			b.Init(column.Config{Nullable: true})
		}
		for k := range 50 {
			when.Append(int64(k))
			symbol.Append(string(rune('A' + (i+k)%26)))
			price.Append(float32(k) / 2)
			small.Append(int16(i))
			note.AppendNull()
		}
		if err := w.Write(t.Context(), 50, []column.Data{when.Data(), symbol.Data(), price.Data(), small.Data(), note.Data()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	pool := mem.NewPool(nil)
	r, err := rt.NewFileReader(feed.TradeTable, bytes.NewReader(file.Bytes()), int64(file.Len()), &rt.ReaderOptions{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			for k := range 3 * batches {
				i := (g*7 + k) % batches
				b, err := r.Batch(i)
				if err != nil {
					t.Error(err)
					return
				}
				for k := range b.Len() {
					if b.Symbol().At(k) != string(rune('A'+(i+k)%26)) || b.Size()[k] != int64(i) || b.Price()[k] != float64(k)/2 {
						t.Errorf("batch %d, row %d: %+v", i, k, b.Row(k))
						break
					}
				}
				b.Release()
			}
		})
	}
	wg.Wait()
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Errorf("%d bytes are held at the end", used)
	}
}

// TestTableOfMany has goroutines encode and decode with one table at once.
func TestTableOfMany(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			want := trades(20 + g)
			b := feed.NewTradeBuilder(nil)
			var p []byte
			for range 30 {
				b.Reset()
				b.AppendRows(want)
				var err error
				if p, err = feed.TradeTable.AppendBatch(p[:0], b); err != nil {
					t.Error(err)
					return
				}
				if bad, err := feed.TradeTable.DecodeBatch(p[:len(p)-1]); !errors.Is(err, rt.ErrTruncated) || bad != (feed.TradeBatch{}) {
					t.Error(err)
				}
				batch, err := feed.TradeTable.DecodeBatch(p)
				if err != nil {
					t.Error(err)
					return
				}
				got := batch.AppendTo(nil)
				batch.Release()
				for i := range got {
					got[i].Time = want[i].Time // its location is another
				}
				if !reflect.DeepEqual(got, want) {
					t.Error("the rows differ")
				}
			}
		})
	}
	wg.Wait()
}

// FuzzDecodeBatch decodes any bytes as a batch of a table.
func FuzzDecodeBatch(f *testing.F) {
	b := feed.NewTradeBuilder(nil)
	for _, n := range []int{0, 1, 5} {
		b.Reset()
		b.AppendRows(trades(n))
		p, err := feed.TradeTable.AppendBatch(nil, b)
		if err != nil || len(p) == 0 {
			f.Fatal(len(p), err)
		}
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		p := bytes.Clone(in)
		batch, err := feed.TradeTable.DecodeBatch(p)
		if wellTyped(t, err); err != nil {
			if batch != (feed.TradeBatch{}) {
				t.Fatalf("a batch as well as %v", err)
			}
			return
		}
		rows := batch.AppendTo(nil)
		batch.Release()
		if !bytes.Equal(p, in) {
			t.Fatal("the input was changed")
		}
		// What was read can be written, and read again. (Times that no builder takes are none that a row can hold.)
		again := feed.NewTradeBuilder(nil)
		if again.AppendRows(rows); again.Err() != nil {
			return
		}
		q, err := feed.TradeTable.AppendBatch(nil, again)
		if err != nil {
			t.Fatal(err)
		}
		batch, err = feed.TradeTable.DecodeBatch(q)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range batch.AppendTo(nil) {
			if want := rows[i]; row.Symbol != want.Symbol || !row.Time.Equal(want.Time) || row.Size != want.Size {
				t.Fatalf("%+v became %+v", want, row)
			}
		}
	})
}
