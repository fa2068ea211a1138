package lightstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/transports/pipe"
)

// Trade is a struct marked //lightstream:table; everything else that begins with Trade is generated from it. The pipe stands
// for any connection.
func Example() {
	ctx := context.Background()
	here, there := pipe.New(nil)

	go func() {
		defer here.Close()
		w := feed.NewTradeWriter(here, nil)
		defer w.Abort()
		for i := range 3 {
			err := w.Append(ctx, feed.Trade{Time: time.Unix(1_700_000_000, 0), Symbol: "ACME", Price: 10.5, Size: int64(i)})
			if err != nil {
				fmt.Println(err)
				return
			}
		}
		if err := w.Close(); err != nil {
			fmt.Println(err)
		}
	}()

	for trade, err := range feed.NewTradeReader(there, nil).Rows(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(trade.Time.Format(time.DateOnly), trade.Symbol, trade.Price, trade.Size)
	}
	// Output:
	// 2023-11-14 ACME 10.5 0
	// 2023-11-14 ACME 10.5 1
	// 2023-11-14 ACME 10.5 2
}

// A program that counts columns rather than rows fills a builder, sends it as a batch, and reads slices.
func Example_batches() {
	ctx := context.Background()
	here, there := pipe.New(nil)

	go func() {
		defer here.Close()
		w, b := feed.NewTradeWriter(here, nil), feed.NewTradeBuilder(nil)
		defer w.Abort()
		for range 2 {
			now := time.Now()
			b.AppendRows([]feed.Trade{{Time: now, Symbol: "ACME", Price: 10.5}, {Time: now, Symbol: "INIT", Price: 7}})
			if err := w.Write(ctx, b); err != nil {
				fmt.Println(err)
				return
			}
			b.Reset()
		}
		if err := w.Close(); err != nil {
			fmt.Println(err)
		}
	}()

	for batch, err := range feed.NewTradeReader(there, nil).Batches(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		total := 0.0
		for _, price := range batch.Price() {
			total += price
		}
		fmt.Println(batch.Len(), "rows,", total, "in all, last of", batch.Symbol().At(batch.Len()-1))
		batch.Release()
	}
	// Output:
	// 2 rows, 17.5 in all, last of INIT
	// 2 rows, 17.5 in all, last of INIT
}

// A stream that ends without its end marker is told from one that is complete, after every batch that came whole.
func Example_unfinished() {
	ctx := context.Background()
	here, there := pipe.New(nil)

	go func() {
		defer here.Close()
		w := feed.NewTradeWriter(here, nil)
		defer w.Abort() // instead of Close
		for range 2 {
			if err := errors.Join(w.Append(ctx, feed.Trade{Time: time.Now()}), w.Flush(ctx)); err != nil {
				fmt.Println(err)
			}
		}
	}()

	r := feed.NewTradeReader(there, nil)
	for {
		batch, err := r.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(errors.Is(err, rt.ErrUnfinished))
			break
		}
		fmt.Println(batch.Len(), "row")
	}
	// Output:
	// 1 row
	// 1 row
	// true
}
