package page

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// ask returns the answer of a handler around a stream that says what it got.
func ask(t *testing.T, o *Options, method, target string, header ...string) *http.Response {
	t.Helper()
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("stream " + r.URL.Path)) })
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler(stream, o).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const accept = "text/html,application/xhtml+xml,*/*;q=0.8"

func TestWhoGetsWhat(t *testing.T) {
	for _, c := range []struct {
		o              *Options
		method, target string
		header         []string
		status         int
		want           string // at the start of the body, or "page"
	}{
		{nil, "GET", "/", []string{"Accept", accept}, 200, "page"},
		{nil, "HEAD", "/", []string{"Accept", accept}, 200, ""},
		{nil, "GET", "/", []string{"Accept", "*/*"}, 200, "stream /"},
		{nil, "GET", "/", nil, 200, "stream /"},
		{nil, "GET", "/", []string{"Accept", accept, "Upgrade", "websocket"}, 200, "stream /"},
		{nil, "POST", "/", []string{"Accept", accept}, 200, "stream /"},
		{nil, "GET", "/elsewhere", []string{"Accept", accept}, 200, "stream /elsewhere"},
		{&Options{Path: "/feed"}, "GET", "/feed", []string{"Accept", accept}, 200, "page"},
		{&Options{Path: "/feed"}, "GET", "/", []string{"Accept", accept}, 200, "page"},
		{nil, "GET", "/page/page.js", nil, 200, ""},
		{nil, "GET", "/below/page/page.css", nil, 200, ""},
		{nil, "GET", "/page/index.html", nil, 200, "stream /page/index.html"},
		{nil, "GET", "/page/../page.go", nil, 200, "stream"},
		{nil, "POST", "/page/ticket", nil, 204, ""},
		{nil, "GET", "/page/ticket", nil, 405, "a ticket is asked for by POST"},
		{&Options{Tickets: http.NotFoundHandler()}, "POST", "/page/ticket", nil, 404, "404"},
	} {
		r := ask(t, c.o, c.method, c.target, c.header...)
		got := body(t, r)
		switch {
		case r.StatusCode != c.status:
			t.Errorf("%s %s %q: %s", c.method, c.target, c.header, r.Status)
		case c.want == "page":
			if !strings.HasPrefix(got, "<!doctype html>") || r.Header.Get("Content-Type") != "text/html; charset=utf-8" || r.Header.Get("Vary") != "Accept" {
				t.Errorf("%s %s %q: no page: %v", c.method, c.target, c.header, r.Header)
			}
		case !strings.HasPrefix(got, c.want):
			t.Errorf("%s %s %q: %.40q, want %q", c.method, c.target, c.header, got, c.want)
		}
	}
}

// TestPath has the page know where the stream is, whatever is in its path.
func TestPath(t *testing.T) {
	o := &Options{Path: `/a"><b`}
	if got := body(t, ask(t, o, "GET", "/", "Accept", accept)); !strings.Contains(got, `name="lightstream-stream" content="a&#34;&gt;&lt;b"`) {
		t.Error(got)
	}
	if got := body(t, ask(t, o, "GET", "/a%22%3E%3Cb", "Accept", accept)); !strings.Contains(got, `name="lightstream-stream" content=""`) {
		t.Error(got)
	}
}

// TestPolicy wants nothing of the page to need more than its policy allows, and nothing to come from elsewhere.
func TestPolicy(t *testing.T) {
	r := ask(t, nil, "GET", "/", "Accept", accept)
	policy := r.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s: want %s", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
	if got := body(t, r); regexp.MustCompile(`<script[^>]*>[^<]|<style|\son[a-z]+=|style=|https?:`).MatchString(got) {
		t.Error("the page has a script or style of its own, or an address")
	}
	for _, h := range []string{"X-Content-Type-Options", "Referrer-Policy", "ETag"} {
		if r.Header.Get(h) == "" {
			t.Errorf("no %s", h)
		}
	}
	again := ask(t, nil, "GET", "/", "Accept", accept, "If-None-Match", r.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Error(again.Status)
	}
}

// TestNoHTML wants the sources of the page to set text only.
func TestNoHTML(t *testing.T) {
	entries, err := os.ReadDir("src")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".js") {
			continue
		}
		n++
		text, err := os.ReadFile("src/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc`).FindString(string(text)); found != "" {
			t.Errorf("%s: %s", e.Name(), found)
		}
	}
	if n < 5 {
		t.Errorf("%d sources", n)
	}
}

// TestLicences wants that of each library beside the bundle.
func TestLicences(t *testing.T) {
	got := body(t, ask(t, nil, "GET", "/page/licenses.txt"))
	for _, want := range []string{"@uwdata/flechette 2.6.0", "apache-arrow 21.2.0", "uplot 1.6.32", "UW Interactive Data Lab", "Leon Sorokin", "Apache License"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
}
