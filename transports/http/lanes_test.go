package http_test

import (
	"fmt"
	nethttp "net/http"
	"strconv"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// TestLanes has the batches of a table on several POSTs over one connection of HTTP/2. The query says which lane a request is, as requests
// may overtake one another.
func TestLanes(t *testing.T) {
	transporttest.RunLanes(t, func(t *testing.T, n int) (senders []transports.Conn, accept func() []transports.Conn) {
		l, err := http.Listen(t.Context(), "127.0.0.1:0", &http.ListenOptions{Role: transports.Receives})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		client := &nethttp.Transport{Protocols: new(nethttp.Protocols)}
		client.Protocols.SetUnencryptedHTTP2(true)
		t.Cleanup(client.CloseIdleConnections)
		posted := make(chan error, 1)
		go func() {
			for i := range n {
				c, err := http.Post(t.Context(), fmt.Sprintf("http://%v/?lane=%d", l.Addr(), i), &http.Options{Transport: client})
				if err != nil {
					posted <- err
					l.Close() // ends Accept
					return
				}
				senders = append(senders, c)
			}
			posted <- nil
		}()
		receivers := make([]transports.Conn, n)
		addrs := make(map[string]bool)
		for range n {
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err, <-posted)
			}
			t.Cleanup(func() { c.Close() })
			r := c.(*http.Conn).Request()
			lane, err := strconv.Atoi(r.URL.Query().Get("lane"))
			if err != nil || lane < 0 || lane >= n || receivers[lane] != nil {
				t.Fatalf("lane %d, %v", lane, err)
			}
			receivers[lane] = c
			addrs[r.RemoteAddr] = true
		}
		if err := <-posted; err != nil {
			t.Fatal(err)
		}
		for _, c := range senders {
			t.Cleanup(func() { c.Close() })
		}
		if len(addrs) != 1 {
			t.Errorf("the requests came over %d connections", len(addrs))
		}
		return senders, func() []transports.Conn { return receivers }
	})
}
