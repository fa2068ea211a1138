package http_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	secured "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// serve runs a server of net/http with HTTP/1.1 and HTTP/2 and returns its URL.
func serve(t *testing.T, h nethttp.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = &nethttp.Protocols{}
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// sendTrades sends n batches, and the end of the stream if it is to be.
func sendTrades(ctx context.Context, w io.Writer, n int, end bool) error {
	tw := feed.NewTradeWriter(w, nil)
	b := feed.NewTradeBuilder(nil)
	for i := range n {
		b.Reset()
		for row := range rowsEach {
			b.Append(feed.Trade{Time: time.Unix(int64(row), 0), Symbol: "SYM", Price: float64(i), Size: int64(i*rowsEach + row)})
		}
		if err := tw.Write(ctx, b); err != nil {
			return err
		}
	}
	if !end {
		return nil
	}
	return tw.Close()
}

const batches, rowsEach = 10, 5000

func receiveTrades(ctx context.Context, r io.Reader) (rows int64, err error) {
	for b, err := range feed.NewTradeReader(r, nil).Batches(ctx) {
		if err != nil {
			return rows, err
		}
		for _, size := range b.Size() {
			if size != rows {
				return rows, errors.New("a row differs")
			}
			rows++
		}
		b.Release()
	}
	return rows, nil
}

var versions = map[string]http.Version{"1.1": http.HTTP1, "2": http.HTTP2}

func TestHandler(t *testing.T) {
	received := make(chan int64, 1)
	url := serve(t, &http.Handler{
		Send: func(ctx context.Context, c *http.Conn) error { return sendTrades(ctx, c, batches, true) },
		Receive: func(ctx context.Context, c *http.Conn) error {
			n, err := receiveTrades(ctx, c)
			received <- n
			return err
		},
	})
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			o := &http.Options{Version: version}
			c, err := http.Get(t.Context(), url, o)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := receiveTrades(t.Context(), c); err != nil || n != batches*rowsEach {
				t.Errorf("received %d rows, %v", n, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if c, err = http.Post(t.Context(), url, o); err != nil {
				t.Fatal(err)
			}
			if err := sendTrades(t.Context(), c, batches, true); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil { // waits for the answer
				t.Error(err)
			}
			select {
			case n := <-received:
				if n != batches*rowsEach {
					t.Errorf("the handler received %d rows", n)
				}
			default:
				t.Error("Close did not wait for the handler")
			}
		})
	}
}

// TestErrors has handlers fail, before the first byte and after it.
func TestErrors(t *testing.T) {
	teapot := &http.StatusError{Code: 418, Text: "no trades today"}
	var mu sync.Mutex
	var failure error
	batches := 0
	set := func(err error, after int) {
		mu.Lock()
		defer mu.Unlock()
		failure, batches = err, after
	}
	get := func() (after int, err error) {
		mu.Lock()
		defer mu.Unlock()
		return batches, failure
	}
	url := serve(t, &http.Handler{
		Send: func(ctx context.Context, c *http.Conn) error {
			after, fail := get()
			if after > 0 {
				if err := sendTrades(ctx, c, after, false); err != nil {
					return err
				}
			}
			return fail
		},
		Receive: func(_ context.Context, c *http.Conn) error {
			_, fail := get()
			_, err := io.ReadFull(c, make([]byte, 10))
			return errors.Join(err, fail)
		},
	})
	for name, version := range versions {
		o := &http.Options{Version: version}
		t.Run(name, func(t *testing.T) {
			for _, tt := range []struct {
				err  error
				code int
				text string
			}{{teapot, 418, "no trades today"}, {fmt.Errorf("wrapped: %w", teapot), 418, "no trades today"}, {errors.New("password is x"), 500, "Internal Server Error"}} {
				set(tt.err, 0)
				want := func(what string, err error) {
					t.Helper()
					var se *http.StatusError
					if !errors.As(err, &se) || se.Code != tt.code || !strings.Contains(se.Text, tt.text) || strings.Contains(err.Error(), "password") {
						t.Errorf("%s: %v, want %d %s", what, err, tt.code, tt.text)
					}
					var te *transports.Error
					if !errors.As(err, &te) || te.Transport != "http" || te.Addr == "" {
						t.Errorf("%s: %v, want a *transports.Error", what, err)
					}
				}
				_, err := http.Get(t.Context(), url, o)
				want("Get", err)
				c, err := http.Post(t.Context(), url, o)
				if err != nil {
					t.Fatal(err)
				}
				for err == nil { // until the answer has come
					_, err = c.Write(make([]byte, 100_000))
				}
				want("Write", err)
				if !errors.Is(err, transports.ErrPeerClosed) {
					t.Errorf("Write: %v, want ErrPeerClosed too", err)
				}
				_ = c.Close()
				if c, err = http.Post(t.Context(), url, o); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Write(make([]byte, 10)); err != nil {
					t.Fatal(err)
				}
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				want("Close", c.Close())
			}

			// After the first byte the response is broken off, after what was written.
			set(teapot, 2)
			c, err := http.Get(t.Context(), url, o)
			if err != nil {
				t.Fatal(err)
			}
			n, err := receiveTrades(t.Context(), c)
			if n != 2*rowsEach || !errors.Is(err, transports.ErrPeerClosed) {
				t.Errorf("received %d rows, %v, want %d and ErrPeerClosed", n, err, 2*rowsEach)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}

			// One that ends without the end of its stream is whole for HTTP, and not for its reader.
			set(nil, 2)
			if c, err = http.Get(t.Context(), url, o); err != nil {
				t.Fatal(err)
			}
			if n, err := receiveTrades(t.Context(), c); n != 2*rowsEach || !errors.Is(err, rt.ErrUnfinished) {
				t.Errorf("received %d rows, %v, want ErrUnfinished", n, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCurl has curl fetch and send streams.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	received := make(chan int64, 1)
	url := serve(t, &http.Handler{
		Send: func(ctx context.Context, c *http.Conn) error {
			if c.Request().URL.Path == "/broken" {
				return errors.Join(sendTrades(ctx, c, 2, false), errors.New("broken"))
			}
			if c.Request().URL.Path == "/none" {
				return &http.StatusError{Code: 404, Text: "there is no such feed"}
			}
			return sendTrades(ctx, c, batches, true)
		},
		Receive: func(ctx context.Context, c *http.Conn) error {
			n, err := receiveTrades(ctx, c)
			received <- n
			return err
		},
	})
	file := filepath.Join(t.TempDir(), "trades.arrows")
	for _, version := range []string{"--http1.1", "--http2-prior-knowledge"} {
		t.Run(version, func(t *testing.T) {
			run := func(args ...string) (string, error) {
				out, err := exec.Command(curl, append([]string{"-sS", version}, args...)...).CombinedOutput()
				return string(out), err
			}
			if out, err := run("--fail", "-o", file, url+"/trades"); err != nil {
				if strings.Contains(out, "not support") || strings.Contains(out, "unsupported") {
					t.Skip(out)
				}
				t.Fatalf("%v: %s", err, out)
			}
			stream, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := receiveTrades(t.Context(), bytes.NewReader(stream)); err != nil || n != batches*rowsEach {
				t.Errorf("curl fetched %d rows, %v", n, err)
			}
			if out, err := run("--data-binary", "@"+file, "-H", "Content-Type: "+http.ContentType, url); err != nil || out != "" {
				t.Errorf("%v: %s", err, out)
			}
			if n := <-received; n != batches*rowsEach {
				t.Errorf("curl sent %d rows", n)
			}
			if out, err := run("-o", os.DevNull, url+"/broken"); err == nil {
				t.Errorf("curl takes a response that was broken off for whole: %s", out)
			}
			if out, err := run("-w", " %{http_code}", url+"/none"); err != nil || out != "there is no such feed\n 404" {
				t.Errorf("%v: %q", err, out)
			}
		})
	}
}

// TestBoth has a handler that sends while it receives.
func TestBoth(t *testing.T) {
	url := serve(t, &http.Handler{
		Receive: func(ctx context.Context, c *http.Conn) error {
			r, w := feed.NewTradeReader(c, nil), feed.NewTradeWriter(c, nil)
			for b, err := range r.Batches(ctx) {
				if err != nil {
					return err
				}
				if err := w.Forward(ctx, b); err != nil {
					return err
				}
				b.Release()
			}
			return w.Close()
		},
	})
	c, err := http.Both(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (transports.Caps{HalfClose: true, Duplex: true, Deadline: true}); c.Caps() != want {
		t.Errorf("Caps are %+v", c.Caps())
	}
	// Each batch is back before the next is sent.
	w, r := feed.NewTradeWriter(c, nil), feed.NewTradeReader(c, nil)
	for i := range 5 {
		b := feed.NewTradeBuilder(nil)
		b.Append(feed.Trade{Time: time.Unix(0, 0), Symbol: "SYM", Size: int64(i)})
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		back, err := r.Next(t.Context())
		if err != nil || back.Len() != 1 || back.Size()[0] != int64(i) {
			t.Fatalf("batch %d: %v", i, err)
		}
		back.Release()
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Next(t.Context()); err != io.EOF { //nolint:errorlint // the contract
		t.Errorf("after the end: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Both(t.Context(), url, &http.Options{Version: http.HTTP1}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("both ways over HTTP/1.1: %v, want ErrUnsupported", err)
	}
}

// TestOriginsByURI has pages ask before they do, at a listener with an allow-list in its URI.
func TestOriginsByURI(t *testing.T) {
	l, err := transports.Listen(t.Context(), "http://127.0.0.1:0/feed?origin=https://good.example,http://localhost:3000", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := &nethttp.Transport{DisableKeepAlives: true}
	for origin, code := range map[string]int{"https://good.example": 204, "http://localhost:3000": 204, "http://good.example": 403, "https://evil.example": 403} {
		r, err := nethttp.NewRequestWithContext(t.Context(), "OPTIONS", "http://"+l.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		a, err := client.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if allowed := a.Header.Get("Access-Control-Allow-Origin"); a.StatusCode != code || (allowed == origin) != (code == 204) {
			t.Errorf("%s: %s, allowed %q", origin, a.Status, allowed)
		}
	}
	for _, wrong := range []string{"good.example", "https://", "https://good.example/", "https://*.example", "*,"} {
		var refused *transports.URIError
		if _, err := transports.Listen(t.Context(), "http://127.0.0.1:0?origin="+wrong, nil); !errors.As(err, &refused) || refused.Param != "origin" {
			t.Errorf("origin=%s: %v, want a *URIError", wrong, err)
		}
	}
	if _, err := transports.Open(t.Context(), "http://127.0.0.1:1?origin=*", nil); err == nil || !strings.Contains(err.Error(), "for the end that listens") {
		t.Errorf("dialling: %v", err)
	}
}

func TestMethodsAndOrigins(t *testing.T) {
	h := &http.Handler{
		Send:           func(context.Context, *http.Conn) error { return nil },
		HandlerOptions: http.HandlerOptions{Origins: []string{"https://good.example"}},
	}
	url := serve(t, h)
	host := strings.TrimPrefix(url, "http://")
	for _, tt := range []struct {
		method, origin string
		code           int
		allow          string // Access-Control-Allow-Origin
	}{
		{"GET", "", 200, ""},
		{"HEAD", "", 200, ""},
		{"POST", "", 405, ""},
		{"DELETE", "", 405, ""},
		{"GET", "https://good.example", 200, "https://good.example"},
		{"OPTIONS", "https://good.example", 204, "https://good.example"},
		{"GET", "https://evil.example", 403, ""},
		{"OPTIONS", "https://evil.example", 403, ""},
		{"GET", "null", 403, ""},
		{"GET", "http://" + host, 200, ""}, // a page of its own
	} {
		r, err := nethttp.NewRequestWithContext(t.Context(), tt.method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		a, err := nethttp.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != tt.code || a.Header.Get("Access-Control-Allow-Origin") != tt.allow {
			t.Errorf("%s of a page of %q: %s, allowed %q", tt.method, tt.origin, a.Status, a.Header.Get("Access-Control-Allow-Origin"))
		}
		if tt.code == 405 && a.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("Allow: %s", a.Header.Get("Allow"))
		}
	}
	nethttp.DefaultTransport.(*nethttp.Transport).CloseIdleConnections()

	// Who sends all the same gets to know it.
	for name, version := range versions {
		c, err := http.Post(t.Context(), url, &http.Options{Version: version})
		for err == nil {
			_, err = c.Write(make([]byte, 100_000))
		}
		if se := (*http.StatusError)(nil); !errors.As(err, &se) || se.Code != 405 {
			t.Errorf("sending over HTTP/%s to who only sends: %v, want 405", name, err)
		}
		_ = c.Close()
	}
}

func TestCodecs(t *testing.T) {
	for header, want := range map[string]string{
		"":                                      "[]",
		"*/*":                                   "[]",
		http.ContentType:                        "[]",
		"text/html;codecs=\"zstd\"":             "[]",
		http.ContentType + `;codecs="zstd,lz4"`: "[zstd lz4]",
		http.ContentType + `;codecs=lz4`:        "[lz4]",
		`text/html, ` + http.ContentType + `; codecs="LZ4 , zstd,no"`: "[lz4 zstd]",
		http.ContentType + `;codecs="zstd";q=0`:                       "[]",
		http.ContentType + `;codecs="zstd`:                            "[]",
		`"\",` + http.ContentType + `;codecs=zstd`:                    "[]",
	} {
		r := &nethttp.Request{Header: nethttp.Header{"Accept": {header}}}
		if got := fmt.Sprint(http.Codecs(r)); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	url := serve(t, &http.Handler{Send: func(_ context.Context, c *http.Conn) error {
		_, err := fmt.Fprint(c, http.Codecs(c.Request()))
		return err
	}})
	c, err := http.Get(t.Context(), url, &http.Options{Codecs: []string{"lz4", "zstd"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != "[lz4 zstd]" {
		t.Errorf("the server was told %s, %v", got, err)
	}
}

func TestAuthorize(t *testing.T) {
	l, err := http.Listen(t.Context(), "127.0.0.1:0", &http.ListenOptions{HandlerOptions: http.HandlerOptions{
		Authorize: func(_ context.Context, p *transports.Peer) error {
			if p.Transport != "http" || p.Addr.String() == "" {
				t.Errorf("peer %+v", p)
			}
			if r := p.Identity.(*nethttp.Request); r.Header.Get("Authorization") != "Bearer sesame" {
				return &http.StatusError{Code: 401, Text: "who are you?"}
			}
			return nil
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	url := "http://" + l.Addr().String()
	var se *http.StatusError
	if _, err := http.Get(t.Context(), url, nil); !errors.As(err, &se) || se.Code != 401 || !strings.Contains(err.Error(), "token") {
		t.Errorf("without a token: %v", err)
	}
	accepted := make(chan error, 1)
	go func() {
		a, err := l.Accept(t.Context())
		if err == nil {
			_, err = a.Write([]byte("hello"))
			err = errors.Join(err, a.CloseWrite(), a.Close())
		}
		accepted <- err
	}()
	c, err := http.Get(t.Context(), url, &http.Options{Token: "sesame"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("received %q, %v", got, err)
	}
	if err := <-accepted; err != nil {
		t.Error(err)
	}
	if s, want := l.Stats(), (transports.ListenerStats{Accepted: 1, Refused: 1}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	_, err = http.Get(t.Context(), "http://feed.example/", &http.Options{Token: "sesame"})
	if err == nil || !strings.Contains(err.Error(), "not sent without TLS") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("a token without TLS: %v", err)
	}
}

// TestClientErrors has peers that are not what a client wants.
func TestClientErrors(t *testing.T) {
	p, other := newPKI(t), testcert.New(t)
	page := serve(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch r.URL.Path {
		case "/moved":
			nethttp.Redirect(w, r, "/page", nethttp.StatusFound)
		case "/terminal":
			nethttp.Error(w, "a\x1b[31mb\nc", nethttp.StatusTeapot)
		default:
			_, _ = io.WriteString(w, "<html>")
		}
	}))
	arrow, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer arrow.Close()
	go func() {
		for {
			c, err := arrow.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("\xff\xff\xff\xff\x10\x00\x00\x00 this is no HTTP at all"))
			_ = c.Close()
		}
	}()
	refused := make(chan error, 1)
	listen := func(o *http.ListenOptions) string {
		o.Refused = func(_ *transports.Peer, err error) {
			select {
			case refused <- err:
			default:
			}
		}
		l, err := http.Listen(t.Context(), "127.0.0.1:0", o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Addr().String()
	}
	mutual := p.listener()
	mutual.CAFile = p.authority.File
	plain, tlsOnly, wantsCert := listen(&http.ListenOptions{}), listen(&http.ListenOptions{TLS: p.listener()}), listen(&http.ListenOptions{TLS: mutual})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := free.Addr().String()
	_ = free.Close()
	for _, tt := range []struct {
		name, url string
		tls       secured.Config
		want      string
		is        error
	}{
		{"page", page, secured.Config{}, "is text/html, not a stream", nil},
		{"moved", page + "/moved", secured.Config{}, "302 Found: moved to /page", nil},
		{"terminal", page + "/terminal", secured.Config{}, "teapot: a[31mb", nil},
		{"arrow", "http://" + arrow.Addr().String(), secured.Config{}, "tcp://", nil},
		{"nobody", "http://" + nobody, secured.Config{}, "is the other end listening?", nil},
		{"plain for TLS", "https://" + plain, p.client(), "without TLS", secured.ErrNotTLS},
		{"unknown authority", "https://" + tlsOnly, secured.Config{CAFile: other.File}, "not trusted", secured.ErrUnknownAuthority},
		{"wrong name", "https://" + tlsOnly, secured.Config{CAFile: p.authority.File, ServerName: "elsewhere"}, "another name", secured.ErrWrongName},
		{"no client certificate", "https://" + wantsCert, p.client(), "(cert=, key=)", secured.ErrNoCertificate},
		{"no URL", "ftp://x", secured.Config{}, "not a URL", nil},
		{"user", "http://a:secret@localhost/", secured.Config{}, "not a URL", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := http.Get(t.Context(), tt.url, &http.Options{TLS: tt.tls})
			var te *transports.Error
			if !errors.As(err, &te) || te.Op != "dial" || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Get: %v, want %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("Get: %v, want it to match %v", err, tt.is)
			}
		})
	}
	if err := <-refused; err == nil {
		t.Error("no refusal was told")
	}
}

func TestURI(t *testing.T) {
	p := newPKI(t)
	for _, tt := range []struct{ scheme, listen, dial string }{
		{"http", "", ""},
		{"http", "", "?version=2&compression=zstd"},
		{"https", "?cert=" + p.server.CertFile + "&key=" + p.server.KeyFile, "?ca=" + p.authority.File},
	} {
		u, err := transports.ParseURI(tt.scheme + "+listen://127.0.0.1:0/trades" + tt.listen)
		if err != nil {
			t.Fatal(err)
		}
		l, err := u.Listen(t.Context(), &transports.Options{Role: transports.Sends})
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan error, 1)
		go func() {
			a, err := l.Accept(t.Context())
			if err == nil {
				_, err = a.Write([]byte("hello"))
				err = errors.Join(err, a.CloseWrite(), a.Close())
			}
			accepted <- err
		}()
		d, err := transports.ParseURI(tt.scheme + "://" + l.Addr().String() + tt.dial)
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.Open(t.Context(), &transports.Options{Role: transports.Receives})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
			t.Errorf("received %q, %v", got, err)
		}
		if err := errors.Join(<-accepted, c.Close()); err != nil {
			t.Error(err)
		}
		// One that only sends takes no POST, and no other path.
		c, err = d.Open(t.Context(), &transports.Options{Role: transports.Sends})
		if err == nil {
			err = errors.Join(c.CloseWrite(), c.Close())
		}
		var se *http.StatusError
		if !errors.As(err, &se) || se.Code != 405 {
			t.Errorf("sending to who sends: %v", err)
		}
		d.Path = "/other"
		if _, err = d.Open(t.Context(), &transports.Options{Role: transports.Receives}); !errors.As(err, &se) || se.Code != 404 {
			t.Errorf("another path: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, uri := range []string{"http://h/?version=3", "https://h/?cert=x", "https+listen://h/", "http+listen://h/?version=2"} {
		_, err := transports.Open(t.Context(), uri, nil)
		if ue := (*transports.URIError)(nil); !errors.As(err, &ue) {
			t.Errorf("%s: %v, want a *URIError", uri, err)
		}
	}
}

// child is the other process: it dials, sends or receives, and ends.
func child(role string) int {
	err := func() error {
		ctx, url := context.Background(), os.Getenv("HTTP_TEST_URL")
		if role == "receives" {
			c, err := http.Get(ctx, url, nil)
			if err != nil {
				return err
			}
			if n, err := receiveTrades(ctx, c); err != nil || n != batches*rowsEach {
				return fmt.Errorf("received %d rows, %w", n, err)
			}
			return c.Close()
		}
		c, err := http.Post(ctx, url, nil)
		if err != nil {
			return err
		}
		if role == "stops" {
			if err := sendTrades(ctx, c, 3, false); err != nil {
				return err
			}
			fmt.Println("stopped")
			select {} // until it is killed
		}
		return errors.Join(sendTrades(ctx, c, batches, true), c.Close())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestProcessesByURI has the runs that every transport has.
func TestProcessesByURI(t *testing.T) {
	p := newPKI(t)
	t.Run("http", func(t *testing.T) {
		transporttest.RunProcesses(t, "http://127.0.0.1:0", func(a net.Addr) string { return "http://" + a.String() })
	})
	t.Run("https", func(t *testing.T) {
		transporttest.RunProcesses(t, "https://127.0.0.1:0?cert="+p.server.CertFile+"&key="+p.server.KeyFile, func(a net.Addr) string {
			return "https://" + a.String() + "?ca=" + p.authority.File
		})
	})
}

func TestProcesses(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, err := http.Listen(t.Context(), "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, role := range []string{"sends", "receives", "stops"} {
		t.Run(role, func(t *testing.T) {
			cmd := exec.Command(program)
			cmd.Env = append(os.Environ(), "HTTP_TEST_CHILD="+role, "HTTP_TEST_URL=http://"+l.Addr().String())
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			switch role {
			case "receives":
				err = sendTrades(t.Context(), c, batches, true)
			case "sends":
				var n int64
				if n, err = receiveTrades(t.Context(), c); n != batches*rowsEach {
					t.Errorf("received %d rows", n)
				}
			default:
				r := feed.NewTradeReader(c, nil)
				for range 3 {
					b, err := r.Next(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					b.Release()
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
				if _, err := r.Next(t.Context()); !errors.Is(err, transports.ErrPeerClosed) {
					t.Errorf("after the sender was killed: %v, want ErrPeerClosed", err)
				}
				_ = cmd.Wait() // it was killed
				return
			}
			if err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the other process: %v", err)
			}
		})
	}
}
