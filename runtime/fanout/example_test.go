package fanout_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/transports/pipe"
)

// One source, three readers. In a server conn is what a listener accepts.
func Example() {
	ctx := context.Background()
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	hub := fanout.New(&fanout.Options{Slow: fanout.DropOldest})
	defer hub.Close()
	w := feed.NewTradeWriter(hub, nil)
	if err := w.Append(ctx, feed.Trade{Time: noon, Symbol: "early", Price: 1}); err != nil {
		fmt.Println(err)
	}
	if err := w.Flush(ctx); err != nil { // nobody is there yet
		fmt.Println(err)
	}

	var senders, readers sync.WaitGroup
	for n := range 3 {
		conn, client := pipe.New(nil)
		senders.Go(func() {
			if err := hub.Send(ctx, conn); err != nil {
				fmt.Println(err)
			}
			conn.Close()
		})
		readers.Go(func() {
			for trade, err := range feed.NewTradeReader(client, nil).Rows(ctx) {
				if err != nil {
					fmt.Println(err)
					return
				}
				if n == 0 {
					fmt.Println(trade.Symbol, trade.Price)
				}
			}
		})
	}
	for hub.Stats().Readers < 3 { // only so that the example always prints the same
		runtime.Gosched()
	}
	if err := w.Append(ctx, feed.Trade{Time: noon, Symbol: "late", Price: 2}); err != nil {
		fmt.Println(err)
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
	}
	senders.Wait()
	readers.Wait()
	fmt.Println(hub.Stats().Joined, "readers,", hub.Stats().Batches, "batches encoded once")
	// Output:
	// late 2
	// 3 readers, 2 batches encoded once
}
