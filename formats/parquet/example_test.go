package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// A generated table is written to a Parquet file, and read back as its rows.
func Example() {
	ctx := context.Background()
	opening := time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)
	trades := []feed.Trade{
		{Time: opening, Symbol: "ACME", Price: 10.5, Size: 100},
		{Time: opening.Add(time.Second), Symbol: "EXMP", Price: 99, Size: 3},
	}

	var file bytes.Buffer // or a file
	out, err := parquet.NewWriter(&file, feed.TradeTable.Schema(), &parquet.WriterOptions{Compression: parquet.ZSTD})
	if err != nil {
		log.Fatal(err)
	}
	w, err := rt.NewSinkWriter(feed.TradeTable, out, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Abort() // does nothing after Close
	for _, trade := range trades {
		if err := w.Append(ctx, trade); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil { // writes the footer; the file remains open
		log.Fatal(err)
	}

	src, size := bytes.NewReader(file.Bytes()), int64(file.Len()) // or a file, and its size
	in, err := parquet.NewReader(src, size, &parquet.ReaderOptions{Select: feed.TradeTable.Select})
	if err != nil {
		log.Fatal(err)
	}
	defer in.Close()
	for trade, err := range rt.NewSourceReader(feed.TradeTable, in, nil).Rows(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trade.Time.Format(time.TimeOnly), trade.Symbol, trade.Price, trade.Size)
	}
	// Output:
	// 14:30:00 ACME 10.5 100
	// 14:30:01 EXMP 99 3
}
