package rt_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

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
