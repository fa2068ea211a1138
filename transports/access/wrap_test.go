package access_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
)

// TestWrap has requests beside the stream answered, by URI.
func TestWrap(t *testing.T) {
	for _, scheme := range []string{"ws", "http"} {
		l, err := transports.Listen(t.Context(), scheme+"://127.0.0.1:0/feed", &transports.Options{
			Role: transports.Sends,
			Wrap: func(stream http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/" {
						_, _ = io.WriteString(w, "a page")
						return
					}
					stream.ServeHTTP(w, r)
				})
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan error, 1)
		go func() {
			c, err := l.Accept(context.Background())
			if err == nil {
				_, err = c.Write([]byte("rows"))
				if c.Caps().HalfClose {
					_ = c.CloseWrite()
				}
				_ = c.Close()
			}
			accepted <- err
		}()
		host, _, _ := strings.Cut(l.Addr().String(), "/")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || string(text) != "a page" {
			t.Errorf("%s: %q, %v", scheme, text, err)
		}
		c, err := transports.Open(t.Context(), scheme+"://"+host+"/feed", &transports.Options{Role: transports.Receives})
		if err != nil {
			t.Fatal(err)
		}
		if text, err = io.ReadAll(c); err != nil || string(text) != "rows" {
			t.Errorf("%s: %q, %v", scheme, text, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-accepted; err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}

		_, err = transports.Listen(t.Context(), scheme+"://127.0.0.1:0/", &transports.Options{Role: transports.Sends, Wrap: http.NotFoundHandler()})
		if err == nil || !strings.Contains(err.Error(), "Options.Wrap is a http.HandlerFunc") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
