package tabletest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/tabletest"
)

func heartbeatFields(m *feed.Heartbeat) []any {
	return []any{
		&m.Sent, &m.Host, &m.Live, &m.Load, &m.Share, &m.Level, &m.Side, &m.Rank, &m.Weight, &m.Note, &m.Remark, &m.Payload, &m.Digest, &m.Name,
	}
}

func TestHeartbeat(t *testing.T) { tabletest.MessageRoundTrip(t, heartbeatFields) }

func FuzzHeartbeat(f *testing.F) { tabletest.MessageFuzz(f, heartbeatFields) }

func basketFields(m *feed.Basket) []any {
	return []any{
		&m.ID, &m.Sizes, &m.Prices, &m.Flags, &m.Sides, &m.Small, &m.Names, &m.Labels, &m.Main, &m.Hedge, &m.Other, &m.Lots, &m.From, &m.To,
		&m.Via, &m.Corners,
	}
}

func TestBasket(t *testing.T) { tabletest.MessageRoundTrip(t, basketFields) }

func FuzzBasket(f *testing.F) { tabletest.MessageFuzz(f, basketFields) }

func TestFeed(t *testing.T) {
	tabletest.ProtocolRoundTrip(
		t, feed.NewFeedConn, (*feed.FeedConn).Recv,
		tabletest.Batches((*feed.FeedConn).SendTrade, feed.TradeTable, tradeFields),
		tabletest.Messages((*feed.FeedConn).SendHeartbeat, heartbeatFields),
	)
}

// level is a named number whose names are an array, which String does not look beyond.
type level int8

func (l level) String() string { return []string{"low", "high"}[l] }

// TestNamesPanic gives Names a String that panics for values without a name: what comes out names the value and the remedy.
func TestNamesPanic(t *testing.T) {
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "String of tabletest_test.level panics for -128: ") || !strings.Contains(text, "values without a name") {
			t.Error(text)
		}
	}()
	tabletest.Names(func(string) (level, error) { return 0, errors.New("unknown") })
}
