package rt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// TestNilEnds gives constructors nothing to read from or write to: the first use, or the constructor where it has an error, says so.
func TestNilEnds(t *testing.T) {
	for name, use := range map[string]func() error{
		"NewTradeWriter, Close": func() error { return feed.NewTradeWriter(nil, nil).Close() },
		"NewTradeWriter, Append": func() error {
			w := feed.NewTradeWriter(nil, &rt.WriterOptions{BatchRows: 1})
			return w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 0)})
		},
		"NewFileWriter": func() error { return rt.NewFileWriter(feed.TradeTable, nil, nil).Close() },
		"NewTradeReader": func() error {
			_, err := feed.NewTradeReader(nil, nil).Next(t.Context())
			return err
		},
		"NewFileReader": func() error {
			_, err := rt.NewFileReader(feed.TradeTable, nil, 0, nil)
			return err
		},
		"NewSinkWriter": func() error {
			_, err := rt.NewSinkWriter(feed.TradeTable, nil, nil)
			return err
		},
		"NewFeedConn": func() error {
			_, err := feed.NewFeedConn(nil, nil)
			return err
		},
	} {
		if err := use(); err == nil || !strings.Contains(err.Error(), " is nil; give the ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
