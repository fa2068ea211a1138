package http_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"strconv"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
)

// TestLanes has the batches of a table on several POSTs over one connection of HTTP/2, in one order and in any. The query says which lane
// a request is, as requests may overtake one another.
func TestLanes(t *testing.T) {
	const streams, count = 3, 40
	for _, ordered := range []bool{true, false} {
		t.Run(fmt.Sprintf("ordered %t", ordered), func(t *testing.T) {
			l, err := http.Listen(t.Context(), "127.0.0.1:0", &http.ListenOptions{Role: transports.Receives})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client := &nethttp.Transport{Protocols: new(nethttp.Protocols)}
			client.Protocols.SetUnencryptedHTTP2(true)
			defer client.CloseIdleConnections()
			o := &lanes.Options{Ordered: ordered}
			sent := make(chan error, 1)
			go func() { sent <- postLanes(t.Context(), "http://"+l.Addr().String(), client, streams, count, o) }()

			sources := make([]lanes.Source[feed.TradeBatch], streams)
			var in []transports.Conn
			addrs := make(map[string]bool)
			for range streams {
				c, err := l.Accept(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				r := c.(*http.Conn).Request()
				lane, err := strconv.Atoi(r.URL.Query().Get("lane"))
				if err != nil || lane < 0 || lane >= streams || sources[lane] != nil {
					t.Fatalf("lane %d, %v", lane, err)
				}
				sources[lane], in = feed.NewTradeReader(c, nil), append(in, c)
				addrs[r.RemoteAddr] = true
			}
			if len(addrs) != 1 {
				t.Errorf("the requests came over %d connections", len(addrs))
			}
			r := lanes.NewReader(sources, o)
			seen := make(map[int64]bool)
			for b, err := range r.Batches(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				n := b.Size()[0]
				if seen[n] || ordered && n != int64(len(seen)) {
					t.Errorf("batch %d is number %d", len(seen), n)
				}
				seen[n] = true
				b.Release()
			}
			if len(seen) != count {
				t.Errorf("received %d batches, want %d", len(seen), count)
			}
			for _, c := range in { // to the end of the request, to which the answer says that all has come
				if _, err := io.Copy(io.Discard, c); err != nil {
					t.Error(err)
				}
			}
			if err := errors.Join(r.Close(), <-sent); err != nil {
				t.Error(err)
			}
		})
	}
}

func postLanes(ctx context.Context, url string, client nethttp.RoundTripper, streams, count int, o *lanes.Options) error {
	var sinks []lanes.Sink[*feed.TradeBuilder]
	var conns []*http.Conn
	for i := range streams {
		c, err := http.Post(ctx, fmt.Sprintf("%s/?lane=%d", url, i), &http.Options{Transport: client})
		if err != nil {
			return err
		}
		conns, sinks = append(conns, c), append(sinks, feed.NewTradeWriter(c, nil))
	}
	w := lanes.NewWriter(sinks, o)
	b := feed.NewTradeBuilder(nil)
	for k := range count {
		b.Reset()
		b.Append(feed.Trade{Time: time.Unix(int64(k), 0), Symbol: "S", Size: int64(k)})
		if err := w.Write(ctx, b); err != nil {
			w.Abort()
			return err
		}
	}
	err := w.Close()
	for _, c := range conns {
		err = errors.Join(err, c.CloseWrite(), c.Close())
	}
	return err
}
