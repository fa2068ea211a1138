package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var opening = time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)

// stream returns the Arrow stream of the given trades.
func stream(rows ...feed.Trade) *bytes.Buffer {
	var wire bytes.Buffer
	w := feed.NewTradeWriter(&wire, nil)
	for _, row := range rows {
		if err := w.Append(context.Background(), row); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return &wire
}

func ExampleWriter_Append() {
	ctx := context.Background()
	var wire bytes.Buffer // or a connection, a file, …
	w := feed.NewTradeWriter(&wire, &rt.WriterOptions{BatchRows: 2})
	for i := range 5 {
		if err := w.Append(ctx, feed.Trade{Time: opening, Symbol: "ACME", Price: 10 + float64(i)}); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Stats().Batches, "batches,", w.Stats().Rows, "rows")
	// Output: 3 batches, 5 rows
}

func ExampleWriter_Write() {
	ctx := context.Background()
	var wire bytes.Buffer
	w := feed.NewTradeWriter(&wire, nil)
	defer w.Abort() // does nothing after Close

	b := feed.NewTradeBuilder(nil)
	for range 3 {
		b.AppendRows([]feed.Trade{{Time: opening, Symbol: "ACME", Price: 10.5}, {Time: opening, Symbol: "EXMP", Price: 99}})
		if err := w.Write(ctx, b); err != nil {
			log.Fatal(err)
		}
		b.Reset() // the memory is ours again once Write has returned
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Stats().Batches, "batches,", w.Stats().Rows, "rows")
	// Output: 3 batches, 6 rows
}

// Columns are filled one by one in the memory that is sent.
func ExampleBuilder_columns() {
	b := feed.NewTradeBuilder(nil)
	const rows = 3
	prices := b.Price().Extend(rows)
	for i := range prices {
		prices[i] = 10 + float64(i)/4
	}
	b.Size().Extend(rows) // zeros
	for i := range rows {
		b.Time().Append(opening.Add(time.Duration(i) * time.Second))
		b.Symbol().Append("ACME")
		b.Note().AppendNull()
	}
	wire, err := feed.TradeTable.AppendMessage(nil, b)
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range feed.NewTradeReader(bytes.NewReader(wire), nil).Rows(context.Background()) {
		fmt.Println(row.Time.Format(time.TimeOnly), row.Symbol, row.Price, row.Note == nil, err)
	}
	// Output:
	// 14:30:00 ACME 10 true <nil>
	// 14:30:01 ACME 10.25 true <nil>
	// 14:30:02 ACME 10.5 true <nil>
}

// A value that does not fit is the builder's error, with its row and column.
func ExampleBuilder_error() {
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: opening, Symbol: "ACME"})
	b.Append(feed.Trade{Time: time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), Symbol: "ACME"})

	var refused *column.ValueError
	if errors.As(b.Err(), &refused) {
		fmt.Println(refused.Column, refused.Row, errors.Is(refused, column.ErrTimeRange))
	}
	b.Truncate(refused.Row)
	fmt.Println(b.Len(), b.Err())
	// Output:
	// time 1 true
	// 1 <nil>
}

func ExampleReader_Batches() {
	wire := stream(
		feed.Trade{Time: opening, Symbol: "ACME", Price: 10, Size: 100},
		feed.Trade{Time: opening, Symbol: "EXMP", Price: 99, Size: 3},
	)
	r := feed.NewTradeReader(wire, nil)
	for batch, err := range r.Batches(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		sizes, symbols := batch.Size(), batch.Symbol()
		for i, price := range batch.Price() { // []float64 in the received bytes
			fmt.Println(symbols.At(i), price*float64(sizes[i]))
		}
		batch.Release() // gives the memory to the next batch; sizes must not be used any more
	}
	// Output:
	// ACME 1000
	// EXMP 297
}

func ExampleReader_Rows() {
	wire := stream(feed.Trade{Time: opening, Symbol: "ACME", Price: 10}, feed.Trade{Time: opening, Symbol: "EXMP", Price: 99})
	for trade, err := range feed.NewTradeReader(wire, nil).Rows(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trade.Symbol, trade.Price)
	}
	// Output:
	// ACME 10
	// EXMP 99
}

// A batch that is used longer than its reader's loop, or by two goroutines that finish on their own, has a handle for each.
func ExampleHandle_Retain() {
	wire := stream(feed.Trade{Time: opening, Symbol: "ACME", Price: 10})
	batch, err := feed.NewTradeReader(wire, nil).Next(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	kept := batch.Retain()
	batch.Release()
	fmt.Println(kept.Len(), kept.Price()[0])
	kept.Release()
	// Output: 1 10
}

// A dictionary's strings outlive the batch that they came with.
func Example_dictionary() {
	wire := stream(feed.Trade{Time: opening, Symbol: "ACME"}, feed.Trade{Time: opening, Symbol: "EXMP"}, feed.Trade{Time: opening, Symbol: "ACME"})
	batch, err := feed.NewTradeReader(wire, nil).Next(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	symbols := batch.Symbol()
	values := symbols.Values()
	fmt.Println(symbols.Indices(), values.Strings())
	batch.Release()
	fmt.Println(values.At(1))
	// Output:
	// [0 1 0] [ACME EXMP]
	// EXMP
}

// Without a connection: for a broker, a cache or a database.
func ExampleTable_DecodeBatch() {
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: opening, Symbol: "ACME", Price: 10})
	key := feed.TradeTable.Fingerprint() // tells tables apart
	value, err := feed.TradeTable.AppendBatch(nil, b)
	if err != nil {
		log.Fatal(err)
	}
	batch, err := feed.TradeTable.DecodeBatch(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(key), batch.Symbol().At(0), batch.Price()[0])
	// Output: 16 ACME 10
}

func ExampleNewFileReader() {
	ctx := context.Background()
	var file bytes.Buffer
	w := rt.NewFileWriter(feed.TradeTable, &file, &rt.WriterOptions{BatchRows: 1})
	for _, symbol := range []string{"ACME", "EXMP"} {
		if err := w.Append(ctx, feed.Trade{Time: opening, Symbol: symbol}); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil { // writes the footer
		log.Fatal(err)
	}
	r, err := rt.NewFileReader(feed.TradeTable, bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
	if err != nil {
		log.Fatal(err)
	}
	batch, err := r.Batch(1) // in any order
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.NumBatches(), batch.Symbol().At(0))
	// Output: 2 EXMP
}

// Goroutines that each read a feed share a batcher, and with it one stream.
func ExampleNewBatcher() {
	ctx := context.Background()
	feeds := make([]chan feed.Trade, 3)
	for i := range feeds {
		feeds[i] = make(chan feed.Trade)
		go func() {
			defer close(feeds[i])
			for n := range 100 {
				feeds[i] <- feed.Trade{Time: opening, Symbol: fmt.Sprintf("SYM%d", i), Size: int64(n)}
			}
		}()
	}

	var wire bytes.Buffer // or a connection, a file, …
	w := feed.NewTradeWriter(&wire, nil)
	b := rt.NewBatcher(w, &rt.BatcherOptions{MaxDelay: 5 * time.Millisecond})
	var wg sync.WaitGroup
	for _, trades := range feeds {
		wg.Go(func() {
			for trade := range trades {
				if err := b.Append(ctx, trade); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	wg.Wait()
	if err := b.Close(); err != nil { // sends what waits, and closes w
		log.Fatal(err)
	}

	rows, sizes := make(map[string]int), make(map[string]int64)
	for trade, err := range feed.NewTradeReader(&wire, nil).Rows(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		rows[trade.Symbol]++
		sizes[trade.Symbol] += trade.Size
	}
	fmt.Println(rows)
	fmt.Println(sizes)
	// Output:
	// map[SYM0:100 SYM1:100 SYM2:100]
	// map[SYM0:4950 SYM1:4950 SYM2:4950]
}

func ExampleNull() {
	quantity := rt.Some(5)
	if v, ok := quantity.Get(); ok {
		fmt.Println(v)
	}
	fmt.Println(rt.Null[int]{}.Valid)
	// Output:
	// 5
	// false
}

// A stream whose schema does not fit says how it differs, before any batch.
func ExampleSchemaError() {
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, &ipc.Schema{Fields: []ipc.Field{
		{Name: "time", Type: ipc.Timestamp(column.Microsecond, "")},
		{Name: "symbol", Type: ipc.LargeUtf8, Nullable: true},
		{Name: "price", Type: ipc.Utf8},
		{Name: "size", Type: ipc.Int32},
		{Name: "venue", Type: ipc.Utf8},
	}}, nil)
	if err := w.Close(); err != nil {
		log.Print(err)
		return
	}
	_, err := feed.NewTradeReader(&stream, nil).Next(context.Background())
	var e *rt.SchemaError
	if errors.As(err, &e) {
		fmt.Println(e)
	}
	// Output:
	// lightstream: schema does not fit table "trade" (2 differences)
	//   column  want                         stream has
	//   time    timestamp[ns, UTC] not null  timestamp[us] not null  add timestamp(us) or naive=UTC
	//   price   float64 not null             utf8 not null           no conversion
}

// A sender that stops without an end marker does not look like one that has finished.
func ExampleWriter_Abort() {
	var stream bytes.Buffer
	ctx := context.Background()
	w := feed.NewTradeWriter(&stream, nil)
	if err := errors.Join(w.Append(ctx, feed.Trade{Time: time.Unix(0, 0)}), w.Flush(ctx)); err != nil {
		log.Print(err)
		return
	}
	w.Abort()
	for _, err := range feed.NewTradeReader(&stream, nil).Rows(ctx) {
		if err != nil {
			fmt.Println(errors.Is(err, rt.ErrUnfinished), err)
		}
	}
	// Output:
	// true lightstream: stream ended after batch 1 (1 rows) without an end marker; the sender stopped early
}
