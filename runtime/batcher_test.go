package rt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// TestBatcher sends rows of several goroutines, some of which give up now and then, and counts by sequence numbers that each
// row that was taken arrives once, in the order of its goroutine.
func TestBatcher(t *testing.T) {
	const producers, rows = 8, 3000
	a, b := net.Pipe()
	batcher := rt.NewBatcher(feed.NewTradeWriter(a, nil), &rt.BatcherOptions{BatchRows: 100, MaxDelay: time.Millisecond})
	taken := make([][]int64, producers)
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range int64(rows) {
				ctx, cancel := context.WithCancel(context.Background())
				if (i+int64(p))%7 == 0 {
					cancel()
				}
				err := batcher.Append(ctx, feed.Trade{Time: time.Unix(i, 0), Symbol: fmt.Sprint(p), Size: i})
				if err == nil {
					taken[p] = append(taken[p], i)
				} else if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	go func() {
		wg.Wait()
		if err := batcher.Close(); err != nil {
			t.Error(err)
		}
		a.Close()
	}()
	arrived := make([][]int64, producers)
	for row, err := range feed.NewTradeReader(b, nil).Rows(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		var p int
		fmt.Sscan(row.Symbol, &p)
		arrived[p] = append(arrived[p], row.Size)
	}
	for p := range producers {
		if fmt.Sprint(arrived[p]) != fmt.Sprint(taken[p]) {
			t.Errorf("producer %d: %d rows arrived, %d were taken", p, len(arrived[p]), len(taken[p]))
		}
	}
	if err := batcher.Append(context.Background(), feed.Trade{}); err == nil {
		t.Error("a closed batcher took a row")
	}
}

func TestBatcherDelayAndFlush(t *testing.T) {
	a, b := net.Pipe()
	batcher := rt.NewBatcher(feed.NewTradeWriter(a, nil), &rt.BatcherOptions{MaxDelay: -1, BatchRows: 2, RefuseFull: true})
	r := feed.NewTradeReader(b, nil)
	ctx := context.Background()
	add := func() error { return batcher.Append(ctx, feed.Trade{Time: time.Unix(1, 0)}) }
	if err := add(); err != nil {
		t.Fatal(err)
	}
	flushed := make(chan error, 1)
	go func() { flushed <- batcher.Flush(ctx) }()
	if batch, err := r.Next(ctx); err != nil || batch.Len() != 1 {
		t.Fatal(batch, err)
	}
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	// Nobody reads: one batch is being sent, the next gets full, and the row after it is refused.
	var err error
	for range 5 {
		if err = add(); err != nil {
			break
		}
	}
	if !errors.Is(err, rt.ErrFull) {
		t.Fatalf("%v, want ErrFull", err)
	}
	b.Close()
	if err := batcher.Flush(ctx); err == nil {
		t.Fatal("a flush to a closed connection succeeded")
	}
	var failed *rt.WriteError
	if err := batcher.Close(); !errors.As(err, &failed) || failed.Batches != 1 {
		t.Fatalf("%v, want a WriteError after 1 batch", err)
	}
}
