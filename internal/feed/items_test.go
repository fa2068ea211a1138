package feed_test

import (
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TestFeedItemsKept keeps pointers beyond the next Recv, which nobody may: a debug build notices their use, and others do not allocate.
func TestFeedItemsKept(t *testing.T) {
	c, err := feed.NewFeedConn(&ring{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kept []*feed.TradeBatch
	for i := range 3 {
		b := feed.NewTradeBuilder(nil)
		b.Append(feed.Trade{Time: epoch, Size: int64(i)})
		if err := c.SendTrade(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		item, err := c.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, item.(*feed.TradeBatch))
	}
	if !mem.Debug {
		if kept[0] != kept[2] {
			t.Error("items have places of their own")
		}
		return
	}
	if kept[0] == kept[1] || kept[1] == kept[2] || kept[2].Size()[0] != 2 {
		t.Errorf("%p, and the last has size %d", kept, kept[2].Size()[0])
	}
	for i, b := range kept[:2] {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("item %d was used beyond the next Recv, and nothing is said", i)
				}
			}()
			_ = b.Size()
		}()
	}
}
