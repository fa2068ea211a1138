package http_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// TestStreamsByURI has the batches of a table on the requests that streams= makes: of one connection over HTTP/2, of several over HTTP/1.1.
func TestStreamsByURI(t *testing.T) {
	a := testcert.New(t)
	cert := a.Issue(t, "127.0.0.1")
	for _, c := range []struct {
		name, scheme, listens, dials string
		dialler                      transports.Role
		one                          bool
	}{
		{"POST, HTTP/2", "http", "", "&version=2", transports.Sends, true},
		{"GET, HTTP/2", "http", "", "&version=2", transports.Receives, true},
		{"POST, HTTP/2 over TLS", "https", "&cert=" + cert.CertFile + "&key=" + cert.KeyFile, "&ca=" + a.File, transports.Sends, true},
		{"POST, HTTP/1.1", "http", "", "&version=1.1", transports.Sends, false},
		{"GET, HTTP/1.1", "http", "", "", transports.Receives, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			transporttest.RunLanes(t, func(t *testing.T, n int) (senders []transports.Conn, accept func() []transports.Conn) {
				near, far := openStreams(t, n, c.scheme, c.listens, c.dials, c.dialler)
				addrs := make(map[string]bool)
				for _, conn := range far {
					addrs[conn.(*http.Conn).Request().RemoteAddr] = true
				}
				if one := len(addrs) == 1; one != c.one {
					t.Errorf("%d requests came over %d connections", n, len(addrs))
				}
				if c.dialler == transports.Sends {
					return near, func() []transports.Conn { return far }
				}
				return far, func() []transports.Conn { return near }
			})
		})
	}
}

// openStreams returns both ends of n streams.
func openStreams(t *testing.T, n int, scheme, listens, dials string, dialler transports.Role) (near, far []transports.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	listener := transports.Sends
	if dialler == transports.Sends {
		listener = transports.Receives
	}
	open := func(uri string, o *transports.Options) ([]transports.Conn, error) {
		u, err := transports.ParseURI(uri)
		if err != nil {
			return nil, err
		}
		u.Stream.Streams = n
		return u.OpenAll(ctx, o)
	}
	at, failed := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		var err error
		far, err = open(scheme+"+listen://127.0.0.1:0?"+listens, &transports.Options{Role: listener, Listening: func(a net.Addr) { at <- a }})
		failed <- err
	}()
	var addr net.Addr
	select {
	case addr = <-at:
	case err := <-failed:
		t.Fatal(err)
	}
	u, err := url.Parse(scheme + "://" + addr.String())
	if err != nil {
		t.Fatal(err)
	}
	near, err = open(scheme+"://"+u.Host+"?"+dials, &transports.Options{Role: dialler})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range append(near, far...) {
			c.Close()
		}
	})
	return near, far
}

// TestUnreadStreams has streams that nobody reads on the connection of one that is read: their windows are full, and it goes on.
func TestUnreadStreams(t *testing.T) {
	near, far := openStreams(t, 4, "http", "", "&version=2", transports.Sends)
	for i := range 3 {
		go near[i].Write(make([]byte, 32<<20))
	}
	time.Sleep(time.Second) // until the windows are full
	want := bytes.Repeat([]byte("lanes"), 1<<20)
	go func() {
		near[3].Write(want)
		near[3].CloseWrite()
	}()
	got := make(chan []byte, 4)
	for _, c := range far {
		go func() {
			first := make([]byte, 1)
			if _, err := io.ReadFull(c, first); err != nil || first[0] != want[0] {
				return
			}
			rest, err := io.ReadAll(c)
			if err != nil {
				t.Error(err)
			}
			got <- append(first, rest...)
		}()
	}
	select {
	case b := <-got:
		if !bytes.Equal(b, want) {
			t.Errorf("%d bytes, want %d", len(b), len(want))
		}
	case <-time.After(20 * time.Second):
		t.Error("the streams that nobody reads hold up the other")
	}
}
