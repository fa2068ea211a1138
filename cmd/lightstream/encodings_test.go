package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/ws"
	"github.com/lightstream-go/lightstream/transports/wt"
)

// TestServeCodecs has clients that say what they read and others, at the same time.
func TestServeCodecs(t *testing.T) {
	want := digest(t, flightsFile)
	certFile, keyFile := certificate(t, t.TempDir())
	s := start(t, "serve", flightsFile, "--tcp=127.0.0.1:0", "--ws=127.0.0.1:0", "--http=127.0.0.1:0",
		"--listen", "wt+listen://127.0.0.1:0?cert="+certFile+"&key="+keyFile, "--compression", "zstd", "--clients", "10")
	host := func(n int) string {
		_, at, _ := strings.Cut(s.at(n), "://")
		return at
	}
	tcpAt, wsAt, httpAt, wtAt := host(1), host(2), host(3), host(4)
	overWT := func(codecs ...string) func() (transports.Conn, error) {
		return func() (transports.Conn, error) {
			return wt.Dial(t.Context(), "https://"+wtAt+"/", &wt.DialOptions{TLS: tls.Config{CAFile: certFile}, Codecs: codecs, Receives: true})
		}
	}
	overWS := func(at string, codecs ...string) func() (transports.Conn, error) {
		return func() (transports.Conn, error) {
			return ws.Dial(t.Context(), "ws://"+at+"/", &ws.DialOptions{Codecs: codecs})
		}
	}
	overHTTP := func(codecs ...string) func() (transports.Conn, error) {
		return func() (transports.Conn, error) {
			return http.Get(t.Context(), "http://"+httpAt+"/", &http.Options{Codecs: codecs})
		}
	}
	dir := t.TempDir()
	name := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)+".arrows") }
	var running sync.WaitGroup
	clients := []struct {
		name   string
		open   func() (transports.Conn, error)
		packed bool
	}{
		{"tcp", func() (transports.Conn, error) { return tcp.Dial(t.Context(), tcpAt, nil) }, true},
		{"ws", overWS(wsAt), false},
		{"ws, zstd", overWS(wsAt, "lz4", "zstd"), true},
		{"ws, lz4", overWS(wsAt, "lz4"), false},
		{"ws at the port for HTTP", overWS(httpAt), false},
		{"ws at the port for HTTP, zstd", overWS(httpAt, "zstd"), true},
		{"http", overHTTP(), false},
		{"http, zstd", overHTTP("zstd"), true},
		{"wt", overWT(), false},
		{"wt, zstd", overWT("zstd"), true},
	}
	for i, c := range clients {
		running.Go(func() {
			conn, err := c.open()
			if err != nil {
				t.Error(c.name, err)
				return
			}
			defer conn.Close()
			b, err := io.ReadAll(conn)
			if err != nil {
				t.Error(c.name, err)
			}
			if err := os.WriteFile(name(i), b, 0o600); err != nil {
				t.Error(err)
			}
		})
	}
	s.wait(exitFine)
	running.Wait()
	for i, c := range clients {
		if t.Failed() {
			return
		}
		if got := digest(t, name(i)); got != want {
			t.Errorf("%s: other rows", c.name)
		}
		if n := bytes.Count(call(t, "inspect", name(i)), []byte("compressed as ZSTD")); n > 0 != c.packed {
			t.Errorf("%s: %d messages are compressed, want %t", c.name, n, c.packed)
		}
	}
}

// TestCodecsAsked has the command say what it reads, all or what a URI says.
func TestCodecsAsked(t *testing.T) {
	b, err := os.ReadFile(flightsFile)
	if err != nil {
		t.Fatal(err)
	}
	for param, want := range map[string]string{"": "[zstd lz4]", "?compression=lz4": "[lz4]"} {
		overWS, err := ws.Listen(t.Context(), "127.0.0.1:0", nil)
		if err != nil {
			t.Fatal(err)
		}
		overHTTP, err := http.Listen(t.Context(), "127.0.0.1:0", &http.ListenOptions{Role: transports.Sends})
		if err != nil {
			t.Fatal(err)
		}
		for scheme, l := range map[string]transports.Listener{"ws": overWS, "http": overHTTP} {
			c := start(t, "copy", scheme+"://"+l.Addr().String()+"/"+param, filepath.Join(t.TempDir(), "copy.arrows"))
			conn, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r := conn.(interface{ Request() *nethttp.Request }).Request()
			if got := fmt.Sprint(http.Codecs(r)); got != want {
				t.Errorf("%s%s: %s, want %s", scheme, param, got, want)
			}
			_, err = conn.Write(b)
			if e := conn.CloseWrite(); err == nil && scheme == "http" {
				err = e
			}
			if err != nil {
				t.Error(err)
			}
			c.wait(exitFine)
			conn.Close()
			l.Close()
		}
	}
}

// TestServeForeign has clients that speak what serve does not, which it says, and one that it serves meanwhile.
func TestServeForeign(t *testing.T) {
	want := digest(t, flightsFile)
	s := start(t, "serve", flightsFile, "--tcp=127.0.0.1:0", "--ws=127.0.0.1:0", "--http=127.0.0.1:0", "--clients", "3")
	host := func(n int) string {
		_, at, _ := strings.Cut(s.at(n), "://")
		return at
	}
	tcpAt, wsAt, httpAt := host(1), host(2), host(3)
	b, err := os.ReadFile(flightsFile)
	if err != nil {
		t.Fatal(err)
	}
	say := func(conn net.Conn, err error, text string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(text)) // which may be cut off
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}
	over := func(at, text string) {
		t.Helper()
		conn, err := net.Dial("tcp", at)
		say(conn, err, text)
	}
	over(tcpAt, "GET / HTTP/1.1\r\n\r\n")
	over(tcpAt, "\x16\x03\x01\x00\x80")
	over(httpAt, "\x16\x03\x01\x00\x80")
	over(httpAt, string(b[:100]))
	over(tcpAt, string(b))
	conn, err := ws.Dial(t.Context(), "ws://"+wsAt+"/", nil)
	say(conn, err, string(b))
	for words, times := range map[string]int{
		"the peer is an HTTP client": 1, "the peer speaks TLS, use tls://": 1, "it must use http:// or ws://, or this end have a certificate": 1,
		"it must use http:// or ws://, or this end be tcp://": 1, "so does serve": 2,
	} {
		for i := 0; strings.Count(s.stderr(), words) != times; i++ {
			if i == 3000 {
				t.Fatalf("%s, want %q %d times", s.stderr(), words, times)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	// All are served once there are enough.
	dir := t.TempDir()
	var clients []*command
	for i := range 3 {
		clients = append(clients, start(t, "copy", "tcp://"+tcpAt, filepath.Join(dir, fmt.Sprint(i)+".arrows")))
	}
	s.wait(exitFine)
	for i, c := range clients {
		c.wait(exitFine)
		if digest(t, filepath.Join(dir, fmt.Sprint(i)+".arrows")) != want {
			t.Error("other rows")
		}
	}
}
