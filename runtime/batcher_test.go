package rt_test

import (
	"context"
	"errors"
	"io"
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

// TestBatcherRefusesWhileSending wants rows to be refused while a batch is being sent, and at no other time.
func TestBatcherRefusesWhileSending(t *testing.T) {
	for _, rows := range []int{1, 1_000} {
		b := rt.NewBatcher(feed.NewQuoteWriter(io.Discard, nil), &rt.BatcherOptions{BatchRows: rows, RefuseFull: true})
		for i := range 20 * rows {
			// Two batches may always be there, one of them in the writer's hands. Of the second none is refused.
			if err := b.Append(t.Context(), feed.Quote{Bid: float64(i)}); err != nil && i < 2*rows {
				t.Fatalf("%d rows a batch, row %d: %v", rows, i, err)
			}
			if i >= 2*rows-1 && i%rows == rows-1 {
				if err := b.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if s := b.Stats(); s.Dropped != 0 {
			t.Errorf("%d rows a batch: %d were refused", rows, s.Dropped)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
