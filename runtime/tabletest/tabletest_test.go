package tabletest_test

import (
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/tabletest"
)

func tradeFields(row *feed.Trade) []any {
	return []any{&row.Time, &row.Symbol, &row.Price, &row.Size, &row.Note}
}

func TestTrade(t *testing.T) { tabletest.RoundTrip(t, feed.TradeTable, tradeFields) }

func FuzzTrade(f *testing.F) { tabletest.Fuzz(f, feed.TradeTable, tradeFields) }

func BenchmarkTrade(b *testing.B) { tabletest.Benchmark(b, feed.TradeTable, tradeFields) }

// Rows that are made up are all kinds of rows.
func TestRows(t *testing.T) {
	var null, note, early, late, negative int
	seen := 0
	tabletest.RoundTrip(t, feed.TradeTable, func(row *feed.Trade) []any {
		if !row.Time.IsZero() { // it has been made up
			seen++
			count := func(n *int, is bool) {
				if is {
					*n++
				}
			}
			count(&null, row.Note == nil)
			count(&note, row.Note != nil)
			count(&early, row.Time.Before(time.Unix(0, 0)))
			count(&late, row.Time.After(time.Unix(0, 0)))
			count(&negative, row.Size < 0)
		}
		return tradeFields(row)
	})
	for name, n := range map[string]int{"null": null, "note": note, "early": early, "late": late, "negative": negative} {
		if n*20 < seen || seen < 100 {
			t.Errorf("%d of %d rows are %s", n, seen, name)
		}
	}
}
