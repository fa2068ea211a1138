package feed_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestAttachedToTyped wants what is attached to the batches of a typed writer to come with those that are sent after it, of rows and of
// builders, and to be forwarded.
func TestAttachedToTyped(t *testing.T) {
	ctx := t.Context()
	row := feed.Trade{Time: time.Unix(1, 0).UTC(), Symbol: "A", Price: 1, Size: 2}
	first, second := []ipc.KeyValue{{Key: "part", Value: "1"}}, []ipc.KeyValue{{Key: "part", Value: "2"}, {Key: "part"}}
	var stream, forwarded bytes.Buffer
	w := feed.NewTradeWriter(&stream, nil)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Append(ctx, row))
	must(w.Flush(ctx))
	w.SetMetadata(first)
	must(w.Append(ctx, row))
	w.SetMetadata(second) // of the row that waits, too
	b := feed.NewTradeBuilder(nil)
	b.Append(row)
	must(w.Write(ctx, b))
	w.SetMetadata(nil)
	must(w.Append(ctx, row))
	must(w.Close())

	r, fw := feed.NewTradeReader(&stream, nil), feed.NewTradeWriter(&forwarded, nil)
	want := [][]ipc.KeyValue{nil, second, second, nil}
	for i, w := range want {
		batch, err := r.Next(ctx)
		must(err)
		if got := batch.Handle().Metadata(); !slices.Equal(got, w) {
			t.Errorf("batch %d has %q, want %q", i, got, w)
		}
		must(fw.Forward(ctx, batch))
	}
	must(fw.Close())
	r = feed.NewTradeReader(&forwarded, nil)
	for i, w := range want {
		if batch, err := r.Next(ctx); err != nil || !slices.Equal(batch.Handle().Metadata(), w) {
			t.Errorf("forwarded batch %d: %v, want %q", i, err, w)
		}
	}
}
