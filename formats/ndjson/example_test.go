package ndjson_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/internal/feed"
)

// NewTradeNDJSONWriter and NewTradeNDJSONReader are generated with -features=ndjson.
func Example() {
	ctx := context.Background()
	opening := time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)
	late := "late"
	trades := []feed.Trade{
		{Time: opening, Symbol: "ACME", Price: 10.5, Size: 100},
		{Time: opening.Add(time.Second), Symbol: "EXMP", Price: 99, Size: 3, Note: &late},
	}

	var file bytes.Buffer // or a file
	w := feed.NewTradeNDJSONWriter(&file, &ndjson.WriterOptions{OmitNulls: true})
	for _, trade := range trades {
		if err := w.Append(ctx, trade); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil { // writes what waits; the file remains open
		log.Fatal(err)
	}
	fmt.Print(&file)

	r, err := feed.NewTradeNDJSONReader(&file, nil)
	if err != nil {
		log.Fatal(err)
	}
	for trade, err := range r.Rows(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trade.Symbol, trade.Price, trade.Note == nil)
	}
	// Output:
	// {"time":"2026-11-20T14:30:00.000000000Z","symbol":"ACME","price":10.5,"size":100}
	// {"time":"2026-11-20T14:30:01.000000000Z","symbol":"EXMP","price":99,"size":3,"note":"late"}
	// ACME 10.5 true
	// EXMP 99 false
}
