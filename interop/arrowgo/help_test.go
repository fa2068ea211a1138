package arrowgo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

var ctx = context.Background()

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must passes on the one value that comes with an error.
func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func wantError(t testing.TB, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Fatalf("error %v, want one that says %q", err, text)
	}
}

func trades(from, n int) []feed.Trade {
	rows := make([]feed.Trade, n)
	for k := range rows {
		i := from + k
		rows[k] = feed.Trade{
			Time: time.Unix(1_700_000_000, int64(i)).UTC(), Symbol: fmt.Sprintf("SYM%d", i%17),
			Price: float64(i) / 4, Size: int64(i),
		}
		if i%3 == 0 {
			s := strings.Repeat("note ", i%5)
			rows[k].Note = &s
		}
	}
	return rows
}

// stream returns batches of trades as a stream.
func stream(t testing.TB, batches ...[]feed.Trade) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, nil)
	b := feed.NewTradeBuilder(nil)
	for _, rows := range batches {
		b.AppendRows(rows)
		ok(t, w.Write(ctx, b))
		b.Reset()
	}
	ok(t, w.Close())
	return buf.Bytes()
}

// received returns batches of trades as a reader hands them out, whose memory comes from pool.
func received(t testing.TB, pool *mem.Pool, batches ...[]feed.Trade) []feed.TradeBatch {
	t.Helper()
	r := feed.NewTradeReader(bytes.NewReader(stream(t, batches...)), &rt.ReaderOptions{Pool: pool})
	var list []feed.TradeBatch
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			return list
		}
		ok(t, err)
		list = append(list, b)
	}
}

// tradeRecord returns trades as arrow-go builds them, in the types of the table.
func tradeRecord(t testing.TB, alloc memory.Allocator, rows []feed.Trade) arrow.RecordBatch {
	t.Helper()
	b := array.NewRecordBuilder(alloc, must(arrowgo.Schema(feed.TradeTable.Schema()))(t))
	defer b.Release()
	for _, row := range rows {
		b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(row.Time.UnixNano()))
		ok(t, b.Field(1).(*array.BinaryDictionaryBuilder).AppendString(row.Symbol))
		b.Field(2).(*array.Float64Builder).Append(row.Price)
		b.Field(3).(*array.Int64Builder).Append(row.Size)
		if row.Note == nil {
			b.Field(4).AppendNull()
		} else {
			b.Field(4).(*array.StringBuilder).Append(*row.Note)
		}
	}
	return b.NewRecordBatch()
}

// rowsOf reads a record of trades by arrow-go's accessors.
func rowsOf(rec arrow.RecordBatch) []feed.Trade {
	rows := make([]feed.Trade, rec.NumRows())
	symbols := rec.Column(1).(*array.Dictionary)
	names := symbols.Dictionary().(*array.String)
	for i := range rows {
		rows[i] = feed.Trade{
			Time:   rec.Column(0).(*array.Timestamp).Value(i).ToTime(arrow.Nanosecond),
			Symbol: names.Value(symbols.GetValueIndex(i)),
			Price:  rec.Column(2).(*array.Float64).Value(i),
			Size:   rec.Column(3).(*array.Int64).Value(i),
		}
		if c := rec.Column(4); c.IsValid(i) {
			s := strings.Clone(c.(*array.String).Value(i))
			rows[i].Note = &s
		}
	}
	return rows
}

func sameRows(t testing.TB, got, want []feed.Trade) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("row %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// within tells whether part lies in the memory of whole.
func within[T, U any](part []T, whole []U) bool {
	if len(part) == 0 || len(whole) == 0 {
		return false
	}
	at, from := uintptr(unsafe.Pointer(&part[0])), uintptr(unsafe.Pointer(&whole[0]))
	end := from + uintptr(len(whole))*unsafe.Sizeof(whole[0])
	return at >= from && at+uintptr(len(part))*unsafe.Sizeof(part[0]) <= end
}

// inUse returns the bytes that a pool has handed out.
func inUse(pool *mem.Pool) int64 { return pool.Stats().InUseBytes }
