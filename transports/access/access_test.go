package access_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/access"
	lshttp "github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peerWith returns a peer whose request has the given target and headers.
func peerWith(target string, header ...string) *transports.Peer {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return &transports.Peer{Transport: "ws", Addr: transports.Addr{Transport: "ws", Name: "peer"}, Identity: r}
}

func TestBearer(t *testing.T) {
	two := access.Bearer("one", "", "two")
	for _, c := range []struct {
		header []string
		good   bool
	}{
		{[]string{"Authorization", "Bearer one"}, true},
		{[]string{"Authorization", "bearer  two "}, true},
		{nil, false},
		{[]string{"Authorization", "Bearer "}, false},
		{[]string{"Authorization", "Bearer"}, false},
		{[]string{"Authorization", "Bearer three"}, false},
		{[]string{"Authorization", "Bearer on"}, false},
		{[]string{"Authorization", "Basic one"}, false},
		{[]string{"Authorization", "Bearer one", "Authorization", "Bearer three"}, false},
	} {
		err := two(t.Context(), peerWith("/", c.header...))
		if c.good != (err == nil) || err != nil && !errors.Is(err, access.ErrUnauthorized) {
			t.Errorf("%q: %v", c.header, err)
		}
		if err != nil && (strings.Contains(err.Error(), "one") || strings.Contains(err.Error(), "three")) {
			t.Errorf("%v has a token", err)
		}
	}
	for _, nobody := range []func(context.Context, *transports.Peer) error{access.Bearer(), access.Bearer("")} {
		if nobody(t.Context(), peerWith("/", "Authorization", "Bearer ")) == nil {
			t.Error("no token is good")
		}
	}
	if err := two(t.Context(), &transports.Peer{Transport: "tcp"}); !errors.Is(err, access.ErrUnauthorized) || !strings.Contains(err.Error(), "tcp has no place for a token") {
		t.Error(err)
	}
}

// TestTickets has each ticket good once, for seconds, and for pages of its origin.
func TestTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tickets := access.NewTickets(access.Bearer("secret"), &access.TicketOptions{Lifetime: 5 * time.Second, Max: 3})
		issue := func(origin string) string {
			t.Helper()
			text, err := tickets.Issue(origin)
			if err != nil || len(text) != 43 {
				t.Fatal(text, err)
			}
			return text
		}
		try := func(what, text, origin string, good bool) {
			t.Helper()
			p := peerWith("/feed?ticket=" + text)
			if origin != "" {
				p = peerWith("/feed?ticket="+text, "Origin", origin, "Authorization", "Bearer secret")
			}
			err := tickets.Authorize(t.Context(), p)
			if good != (err == nil) || err != nil && (!errors.Is(err, access.ErrUnauthorized) || text != "" && strings.Contains(err.Error(), text)) {
				t.Errorf("%s: %v", what, err)
			}
		}
		text := issue("")
		try("the first time", text, "", true)
		try("the second time", text, "", false)
		try("none", "", "", false)
		try("unknown", strings.Repeat("A", 43), "", false)
		text = issue("https://feed.example")
		try("of another origin", text, "https://evil.example", false)
		try("after that", text, "https://feed.example", false)
		try("of its origin", issue("https://feed.example"), "https://feed.example", true)
		text = issue("")
		time.Sleep(4 * time.Second)
		younger := issue("")
		time.Sleep(time.Second)
		try("expired", text, "", false)
		try("not expired", younger, "", true)
		if err := tickets.Authorize(t.Context(), peerWith("/?ticket=a&ticket=b")); !errors.Is(err, access.ErrUnauthorized) {
			t.Error(err)
		}

		// No more than three at a time, whether used or expired.
		for range 100 {
			try("in turn", issue(""), "", true)
		}
		a, b, c := issue(""), issue(""), issue("")
		if _, err := tickets.Issue(""); !errors.Is(err, access.ErrFull) || tickets.Outstanding() != 3 {
			t.Error(err)
		}
		try("one of three", b, "", true)
		issue("")
		if _, err := tickets.Issue(""); !errors.Is(err, access.ErrFull) {
			t.Error(err)
		}
		try("another", a, "", true)
		try("the last", c, "", true)
		time.Sleep(5 * time.Second)
		issue("")
		if n := tickets.Outstanding(); n != 1 {
			t.Errorf("%d are held", n)
		}
	})
}

// TestOnce has many connections use one ticket at once.
func TestOnce(t *testing.T) {
	tickets := access.NewTickets(access.Bearer(), nil)
	text, err := tickets.Issue("")
	if err != nil {
		t.Fatal(err)
	}
	var good atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if tickets.Authorize(t.Context(), peerWith("/?ticket="+text)) == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if good.Load() != 1 {
		t.Errorf("it was good %d times", good.Load())
	}
}

func TestServeHTTP(t *testing.T) {
	tickets := access.NewTickets(access.Bearer("secret"), &access.TicketOptions{Max: 1})
	for _, c := range []struct {
		method string
		header []string
		status int
	}{
		{"GET", []string{"Authorization", "Bearer secret"}, 405},
		{"POST", nil, 401},
		{"POST", []string{"Authorization", "Bearer other"}, 401},
		{"POST", []string{"Authorization", "Bearer secret", "Origin", "https://evil.example"}, 403},
		{"POST", []string{"Authorization", "Bearer secret", "Origin", "null"}, 403},
		{"POST", []string{"Authorization", "Bearer secret", "Origin", "http://example.com"}, 200},
		{"POST", []string{"Authorization", "Bearer secret"}, 503},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, "http://example.com/ticket", nil)
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		w := httptest.NewRecorder()
		tickets.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %q: %d, %v", c.method, c.header, w.Code, w.Header())
		}
		if (c.status == 200) != (w.Body.Len() == 43) {
			t.Errorf("%s %q: %q", c.method, c.header, w.Body)
		}
	}
}

// TestWires has the tickets and tokens before listeners.
func TestWires(t *testing.T) {
	tickets := access.NewTickets(access.Bearer("secret"), nil)
	wsl, err := ws.Listen(t.Context(), "127.0.0.1:0", &ws.ListenOptions{Authorize: tickets.Authorize})
	if err != nil {
		t.Fatal(err)
	}
	hl, err := lshttp.Listen(t.Context(), "127.0.0.1:0", &lshttp.ListenOptions{
		HandlerOptions: lshttp.HandlerOptions{Authorize: tickets.Authorize},
		Wrap: func(stream http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/ticket", tickets)
			mux.Handle("/", stream)
			return mux
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	for _, l := range []transports.Listener{wsl, hl} {
		serving.Go(func() {
			for {
				c, err := l.Accept(context.Background())
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				_, err = c.Write([]byte("rows"))
				if c.Caps().HalfClose {
					err = errors.Join(err, c.CloseWrite())
				}
				if err = errors.Join(err, c.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	t.Cleanup(func() {
		if err := errors.Join(wsl.Close(), hl.Close()); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ticket := func() string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+strings.TrimSuffix(hl.Addr().String(), "/")+"/ticket", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer secret")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Status, err)
		}
		return string(text)
	}
	read := func(c transports.Conn, err error) (string, error) {
		if err != nil {
			return "", err
		}
		defer c.Close()
		var b bytes.Buffer
		_, err = b.ReadFrom(c)
		return b.String(), err
	}
	used := ticket()
	for _, c := range []struct {
		query, token string
		good         bool
	}{{"", "", false}, {"", "other", false}, {"", "secret", true}, {"?ticket=" + used, "", true}, {"?ticket=" + used, "", false}} {
		conn, err := ws.Dial(t.Context(), "ws://"+wsl.Addr().String()+"/"+c.query, &ws.DialOptions{Token: c.token})
		var status *ws.StatusError
		if !c.good {
			if !errors.As(err, &status) || status.Code != http.StatusUnauthorized || strings.Contains(err.Error(), used) {
				t.Errorf("ws %q %q: %v", c.query, c.token, err)
			}
			continue
		}
		if got, err := read(conn, err); got != "rows" || err != nil {
			t.Errorf("ws %q %q: %q, %v", c.query, c.token, got, err)
		}
	}
	used = ticket()
	for _, c := range []struct {
		query, token string
		good         bool
	}{{"", "", false}, {"", "other", false}, {"", "secret", true}, {"?ticket=" + used, "", true}, {"?ticket=" + used, "", false}} {
		conn, err := lshttp.Get(t.Context(), "http://"+hl.Addr().String()+"/"+c.query, &lshttp.Options{Token: c.token})
		var status *lshttp.StatusError
		if !c.good {
			if !errors.As(err, &status) || status.Code != http.StatusUnauthorized {
				t.Errorf("http %q %q: %v", c.query, c.token, err)
			}
			continue
		}
		if got, err := read(conn, err); got != "rows" || err != nil {
			t.Errorf("http %q %q: %q, %v", c.query, c.token, got, err)
		}
	}
	if s := wsl.Stats(); s.Refused != 3 || s.Accepted != 2 {
		t.Errorf("%+v", s)
	}
}

func ExampleTickets() {
	tickets := access.NewTickets(access.Bearer("a-secret"), nil)
	mux := http.NewServeMux()
	mux.Handle("POST /ticket", tickets)
	feed := ws.NewListener(&ws.ListenOptions{Authorize: tickets.Authorize})
	defer feed.Close()
	mux.Handle("/feed", feed)

	// What the script of a page does: a ticket for the token, and a connection for the ticket.
	ask := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/ticket", nil)
	ask.Header.Set("Authorization", "Bearer a-secret")
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, ask)
	fmt.Println(answer.Code, len(answer.Body.String()), "characters")

	// Without one nobody gets in.
	refused := httptest.NewRecorder()
	mux.ServeHTTP(refused, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/feed", nil))
	fmt.Println(refused.Code)
	// Output:
	// 200 43 characters
	// 401
}
