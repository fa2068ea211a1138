package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Rows go over a connection, and come out as values of the same type. (A generated package has NewTradeWriter and
// NewTradeReader, which call NewWriter and NewReader with its table.)
func Example() {
	sender, receiver := net.Pipe()
	ctx := context.Background()
	go func() {
		w := feed.NewTradeWriter(sender, nil)
		note := "first of the day"
		err := errors.Join(
			w.Append(ctx, feed.Trade{Time: time.Unix(1_700_000_000, 0), Symbol: "AAPL", Price: 189.7, Size: 100, Note: &note}),
			w.Append(ctx, feed.Trade{Time: time.Unix(1_700_000_001, 0), Symbol: "MSFT", Price: 370.3, Size: 50}),
			w.Close(),
			sender.Close(),
		)
		if err != nil {
			log.Print(err)
		}
	}()
	for row, err := range feed.NewTradeReader(receiver, nil).Rows(ctx) {
		if err != nil {
			log.Print(err)
			return
		}
		note := "-"
		if row.Note != nil {
			note = *row.Note
		}
		fmt.Println(row.Time.Format(time.TimeOnly), row.Symbol, row.Price, row.Size, note)
	}
	// Output:
	// 22:13:20 AAPL 189.7 100 first of the day
	// 22:13:21 MSFT 370.3 50 -
}

// Batches are built, sent and used again; on the other side their columns are slices and views.
func ExampleNewWriter() {
	var stream bytes.Buffer
	ctx := context.Background()
	w := rt.NewWriter(feed.TradeTable, &stream, nil)
	b := feed.NewTradeBuilder(nil)
	for batch := range int64(2) {
		b.AppendRows([]feed.Trade{
			{Time: time.Unix(batch, 0), Symbol: "AAPL", Price: 100, Size: 10 + batch},
			{Time: time.Unix(batch, 0), Symbol: "MSFT", Price: 200, Size: 20 + batch},
		})
		if err := w.Write(ctx, b); err != nil {
			log.Print(err)
			return
		}
		b.Reset() // the memory is the builder's again
	}
	if err := w.Close(); err != nil {
		log.Print(err)
		return
	}
	for batch, err := range rt.NewReader(feed.TradeTable, &stream, nil).Batches(ctx) {
		if err != nil {
			log.Print(err)
			return
		}
		total := 0.0
		for i, price := range batch.Price() {
			total += price * float64(batch.Size()[i])
		}
		fmt.Println(batch.Len(), "rows,", batch.Symbol().At(1), total)
		batch.Release()
	}
	// Output:
	// 2 rows, MSFT 5000
	// 2 rows, MSFT 5300
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

// A row with a value that its column cannot hold is dropped, and the writer stays usable.
func ExampleWriter_Append() {
	ctx := context.Background()
	w := feed.NewTradeWriter(io.Discard, nil)
	err := w.Append(ctx, feed.Trade{Symbol: "AAPL"}) // the zero time is before the years that nanoseconds reach
	var e *column.ValueError
	fmt.Println(errors.As(err, &e), errors.Is(err, column.ErrTimeRange), e.Column, e.Row)
	fmt.Println(w.Append(ctx, feed.Trade{Time: time.Unix(0, 0), Symbol: "AAPL"}), w.Close(), w.Stats().Rows)
	// Output:
	// true true time 0
	// <nil> <nil> 1
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

// What is no Arrow stream is named by its first bytes.
func ExampleReader_Next() {
	r := feed.NewTradeReader(strings.NewReader("HTTP/1.1 400 Bad Request\r\n"), nil)
	_, err := r.Next(context.Background())
	fmt.Println(err)
	// Output:
	// lightstream: frame 0, byte 0: "HTTP/1.1 400" is not an Arrow stream; the peer speaks HTTP, use http://
}

// A batch that is kept longer than another handle on it is retained.
func ExampleReader_Batches() {
	p, err := feed.TradeTable.AppendMessage(nil, twoTrades())
	if err != nil {
		log.Print(err)
		return
	}
	var kept feed.TradeBatch
	for batch, err := range feed.NewTradeReader(bytes.NewReader(p), nil).Batches(context.Background()) {
		if err != nil {
			log.Print(err)
			return
		}
		kept = batch.Retain()
		batch.Release()
	}
	fmt.Println(kept.Len(), kept.Symbol().At(0), kept.Row(1).Size)
	kept.Release()
	// Output:
	// 2 AAPL 50
}

func twoTrades() *feed.TradeBuilder {
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: time.Unix(0, 0), Symbol: "AAPL", Price: 189.7, Size: 100})
	b.Append(feed.Trade{Time: time.Unix(1, 0), Symbol: "MSFT", Price: 370.3, Size: 50})
	return b
}

// A batch in a byte slice, for a broker, a cache or a database cell, whose schema the reader knows.
func ExampleTable_DecodeBatch() {
	p, err := feed.TradeTable.AppendBatch(nil, twoTrades())
	if err != nil {
		log.Print(err)
		return
	}
	batch, err := feed.TradeTable.DecodeBatch(p)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(batch.Len(), batch.Symbol().At(1), batch.Price())
	batch.Release()
	// Output:
	// 2 MSFT [189.7 370.3]
}
