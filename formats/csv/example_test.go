package csv_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/feed"
)

// NewTradeCSVWriter and NewTradeCSVReader are generated with -features=csv.
func Example() {
	ctx := context.Background()
	opening := time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)
	late := "late"
	trades := []feed.Trade{
		{Time: opening, Symbol: "ACME", Price: 10.5, Size: 100},
		{Time: opening.Add(time.Second), Symbol: "EXMP", Price: 99, Size: 3, Note: &late},
	}

	var file bytes.Buffer // or a file
	w := feed.NewTradeCSVWriter(&file, nil)
	for _, trade := range trades {
		if err := w.Append(ctx, trade); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil { // writes what waits; the file remains open
		log.Fatal(err)
	}
	fmt.Print(&file)

	r, err := feed.NewTradeCSVReader(&file, nil)
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
	// time,symbol,price,size,note
	// 2026-11-20T14:30:00.000000000Z,ACME,10.5,100,
	// 2026-11-20T14:30:01.000000000Z,EXMP,99,3,late
	// ACME 10.5 true
	// EXMP 99 false
}

// The file has other separators, its columns in another order, one that the table does not have and none for notes, which may be null.
func ExampleTableReader() {
	file := strings.NewReader("size;symbol;price;venue;time\n" +
		"100;ACME;10.5;XETR;2026-11-20T14:30:00Z\n" +
		"3;EXMP;many;XETR;2026-11-20T14:30:01Z\n" +
		"50;ACME;10.75;XETR;2026-11-20T14:30:02Z\n")
	r, err := feed.NewTradeCSVReader(file, &csv.Options{
		Comma: ';', MaxRejected: 10, OnRejected: func(e *text.ValueError) { fmt.Println(e.Line, e.Found) },
	})
	if err != nil {
		log.Fatal(err)
	}
	for trade, err := range r.Rows(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trade.Symbol, trade.Price, trade.Size)
	}
	// Output:
	// 3 "many"
	// ACME 10.5 100
	// ACME 10.75 50
}
