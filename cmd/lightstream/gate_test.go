package main

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// get asks a server that serve has started.
func get(t *testing.T, at string, header ...string) (*http.Response, string) {
	t.Helper()
	_, host, _ := strings.Cut(at, "://")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(b)
}

// TestServePage has a browser get the page where everything else gets the stream.
func TestServePage(t *testing.T) {
	want := digest(t, flightsFile)
	s := start(t, "serve", flightsFile, "--ws=127.0.0.1:0", "--http=127.0.0.1:0", "--clients", "3")
	wsAt, httpAt := s.at(1), s.at(2)
	for _, at := range []string{wsAt, httpAt} {
		answer, body := get(t, at, "Accept", "text/html,*/*;q=0.8")
		if answer.StatusCode != http.StatusOK || !strings.HasPrefix(body, "<!doctype html>") || answer.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %s %v", at, answer.Status, answer.Header)
		}
	}
	dir := t.TempDir()
	var clients []*command
	// The port for HTTP takes WebSockets too, as the page connects by one.
	for _, at := range []string{wsAt, httpAt, strings.Replace(httpAt, "http:", "ws:", 1)} {
		clients = append(clients, start(t, "copy", at, filepath.Join(dir, strings.Map(func(r rune) rune {
			if r == ':' || r == '/' {
				return '-'
			}
			return r
		}, at)+".arrows")))
	}
	s.wait(exitFine)
	for _, c := range clients {
		c.wait(exitFine)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.arrows"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if digest(t, f) != want {
			t.Errorf("%s: the rows are others", f)
		}
	}
}

func TestServeToken(t *testing.T) {
	want := digest(t, flightsFile)
	t.Setenv("LIGHTSTREAM_TEST_TOKEN", "correct-horse")
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte("correct-horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(dir, "wrong")
	if err := os.WriteFile(wrong, []byte("battery"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, "serve", flightsFile, "--ws=127.0.0.1:0", "--http=127.0.0.1:0", "--clients", "2", "--token", "file:"+file)
	wsAt, httpAt := s.at(1), s.at(2)
	for _, at := range []string{wsAt, httpAt} {
		for _, args := range [][]string{nil, {"--token", "file:" + wrong}} {
			c := start(t, append([]string{"copy", at, filepath.Join(dir, "none.arrows")}, args...)...)
			c.wait(exitBad)
			if !strings.Contains(c.stderr(), "401") || strings.Contains(c.stderr(), "battery") {
				t.Error(c.stderr())
			}
		}
	}
	if answer, body := get(t, httpAt); answer.StatusCode != http.StatusUnauthorized || strings.Contains(body, "horse") {
		t.Error(answer.Status, body)
	}
	if answer, _ := get(t, httpAt, "Accept", "text/html"); answer.StatusCode != http.StatusOK { // the page asks for the token
		t.Error(answer.Status)
	}
	var clients []*command
	for i, at := range []string{wsAt, httpAt} {
		out := filepath.Join(dir, []string{"ws.arrows", "http.arrows"}[i])
		clients = append(clients, start(t, "copy", at, out, "--token", "env:LIGHTSTREAM_TEST_TOKEN"))
	}
	s.wait(exitFine)
	for i, c := range clients {
		c.wait(exitFine)
		if digest(t, filepath.Join(dir, []string{"ws.arrows", "http.arrows"}[i])) != want {
			t.Error("the rows are others")
		}
	}
	if !strings.Contains(s.stderr(), "refused") || strings.Contains(s.stderr(), "horse") || strings.Contains(s.stderr(), "battery") {
		t.Error(s.stderr())
	}
}

// certificate writes one for 127.0.0.1 and its key.
func certificate(t *testing.T, dir string) (certFile, keyFile string) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: s.Certificate().Raw}, keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestServeTokenNoPage has a token over HTTP/3 and WebTransport, which have no page.
func TestServeTokenNoPage(t *testing.T) {
	for _, scheme := range []string{"h3", "wt"} {
		t.Run(scheme, func(t *testing.T) { testServeToken(t, scheme) })
	}
}

func testServeToken(t *testing.T, scheme string) {
	t.Setenv("LIGHTSTREAM_TEST_TOKEN", "correct-horse")
	dir := t.TempDir()
	certFile, keyFile := certificate(t, dir)
	s := start(t, "serve", flightsFile, "--listen", scheme+"+listen://127.0.0.1:0?cert="+certFile+"&key="+keyFile, "--token", "env:LIGHTSTREAM_TEST_TOKEN")
	at := s.at(1) + "?ca=" + certFile
	c := start(t, "copy", at, filepath.Join(dir, "none.arrows"))
	c.wait(exitBad)
	if !strings.Contains(c.stderr(), "401") {
		t.Error(c.stderr())
	}
	out := filepath.Join(dir, "out.arrows")
	start(t, "copy", at, out, "--token", "env:LIGHTSTREAM_TEST_TOKEN").wait(exitFine)
	s.wait(exitFine)
	if digest(t, out) != digest(t, flightsFile) {
		t.Error("the rows are others")
	}
}

func TestTokenUsage(t *testing.T) {
	t.Setenv("LIGHTSTREAM_TEST_TOKEN", "correct-horse")
	t.Setenv("LIGHTSTREAM_TEST_BAD", "correct horse\r\nX: y")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"serve", flightsFile, "--ws=localhost:0", "--token", "correct-horse"}, "want env:NAME or file:PATH"},
		{[]string{"serve", flightsFile, "--ws=localhost:0", "--token", "correct:horse"}, "want env:NAME or file:PATH"},
		{[]string{"serve", flightsFile, "--ws=localhost:0", "--token", "env:LIGHTSTREAM_TEST_NONE"}, "the environment has no"},
		{[]string{"serve", flightsFile, "--ws=localhost:0", "--token", "env:LIGHTSTREAM_TEST_BAD"}, "is no token"},
		{[]string{"serve", flightsFile, "--ws=localhost:0", "--token", "file:" + empty}, "is no token"},
		{[]string{"serve", flightsFile, "--tcp=localhost:0", "--token", "env:LIGHTSTREAM_TEST_TOKEN"}, "tcp has no place for a token"},
		{[]string{"copy", "ws://127.0.0.1:1", "ws://127.0.0.1:1", "--token", "env:LIGHTSTREAM_TEST_TOKEN"}, "both ends are connections"},
		{[]string{"copy", flightsFile, "x.arrow", "--token", "env:LIGHTSTREAM_TEST_TOKEN"}, "neither end is a connection"},
		{[]string{"copy", "ws+listen://127.0.0.1:0", "x.arrow", "--token", "env:LIGHTSTREAM_TEST_TOKEN"}, "for an end that dials"},
	} {
		s := start(t, c.args...)
		s.wait(exitUsage)
		if !strings.Contains(s.stderr(), c.want) || strings.Contains(s.stderr(), "horse") {
			t.Errorf("%v: %s, want %q", c.args, s.stderr(), c.want)
		}
	}
	s := start(t, "copy", "tcp://127.0.0.1:1", "x.arrow", "--token", "env:LIGHTSTREAM_TEST_TOKEN")
	s.wait(exitBad)
	if !strings.Contains(s.stderr(), "token") || strings.Contains(s.stderr(), "horse") {
		t.Error(s.stderr())
	}
}
