package lanes_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports/pipe"
)

// Three connections carry one table, whose batches come out in the order in which they were sent.
func Example() {
	ctx := context.Background()
	var out []lanes.Sink[*feed.TradeBuilder]
	var in []lanes.Source[feed.TradeBatch]
	for range 3 { // in programs: tcp.Dial, and Accept
		here, there := pipe.New(nil)
		out = append(out, feed.NewTradeWriter(here, nil))
		in = append(in, feed.NewTradeReader(there, nil))
	}
	w := lanes.NewWriter(out, &lanes.Options{Ordered: true})
	r := lanes.NewReader(in, &lanes.Options{Ordered: true})
	defer r.Close()

	var sender sync.WaitGroup
	sender.Go(func() {
		b := feed.NewTradeBuilder(nil) // one for each goroutine that writes
		for i := range 5 {
			b.Reset()
			b.Append(feed.Trade{Time: time.Unix(int64(i), 0), Symbol: "LS", Size: int64(i)})
			if err := w.Write(ctx, b); err != nil {
				fmt.Println(err)
			}
		}
		if err := w.Close(); err != nil {
			fmt.Println(err)
		}
	})
	for batch, err := range r.Batches(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(batch.Row(0).Size)
		batch.Release()
	}
	sender.Wait()
	// Output:
	// 0
	// 1
	// 2
	// 3
	// 4
}
