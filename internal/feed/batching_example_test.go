package feed_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// sendTrades sends the rows that come from a channel: a batch when it is full, or when its first row has waited long enough.
func sendTrades(ctx context.Context, c *feed.FeedConn, trades <-chan feed.Trade, most int, delay time.Duration) error {
	b := feed.NewTradeBuilder(nil)
	late := time.NewTimer(delay)
	for open := true; open; {
		select {
		case trade, more := <-trades:
			if open = more; more {
				if b.Len() == 0 {
					late.Reset(delay)
				}
				b.Append(trade)
				if b.Len() < most {
					continue
				}
			}
		case <-late.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if b.Len() != 0 {
			if err := c.SendTrade(ctx, b); err != nil {
				return err
			}
			b.Reset() // keeps its memory
		}
	}
	return c.Close()
}

func ExampleFeedConn_SendTrade() {
	near, far := net.Pipe()
	trades := make(chan feed.Trade)
	go func() {
		for range 2500 {
			trades <- feed.Trade{Time: epoch, Symbol: "ACME", Price: 10.5}
		}
		close(trades)
	}()
	opts := &rt.ProtocolOptions{Announce: true}
	go func() {
		c, err := feed.NewFeedConn(near, opts)
		if err == nil {
			err = sendTrades(context.Background(), c, trades, 1000, time.Minute)
		}
		if err != nil {
			fmt.Println(err)
		}
	}()
	c, err := feed.NewFeedConn(far, opts)
	for err == nil {
		var item feed.FeedItem
		if item, err = c.Recv(context.Background()); err == nil {
			batch := item.(*feed.TradeBatch)
			fmt.Println(batch.Len())
			batch.Release()
		}
	}
	fmt.Println(err == io.EOF)
	// Output:
	// 1000
	// 1000
	// 500
	// true
}
