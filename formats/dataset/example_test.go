package dataset_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/lightstream-go/lightstream/formats/dataset"
	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// A generated table is written as a folder for each symbol, and read back, the folders as a column again.
func Example() {
	ctx := context.Background()
	opening := time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)
	trades := []feed.Trade{
		{Time: opening, Symbol: "ACME", Price: 10.5, Size: 100},
		{Time: opening.Add(time.Second), Symbol: "EXMP", Price: 99, Size: 3},
		{Time: opening.Add(2 * time.Second), Symbol: "ACME", Price: 10.75, Size: 50},
	}
	temp, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(temp)
	dir := filepath.Join(temp, "trades")

	files, err := dataset.Create(dir, feed.TradeTable.Schema(), &dataset.WriterOptions{Partition: []string{"symbol"}})
	if err != nil {
		log.Fatal(err)
	}
	w, err := rt.NewSinkWriter(feed.TradeTable, files, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Abort() // removes files that are not complete; does nothing after Close
	for _, trade := range trades {
		if err := w.Append(ctx, trade); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil { // and files with it
		log.Fatal(err)
	}
	fmt.Println(len(files.Files()), "files")

	in, err := dataset.Open(ctx, os.DirFS(dir), ".", &dataset.Options{Schema: feed.TradeTable.Schema()})
	if err != nil {
		log.Fatal(err)
	}
	defer in.Close()
	for trade, err := range rt.NewSourceReader(feed.TradeTable, in, nil).Rows(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trade.Symbol, trade.Price, trade.Size)
	}
	// Output:
	// 2 files
	// ACME 10.5 100
	// ACME 10.75 50
	// EXMP 99 3
}
