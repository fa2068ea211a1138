package requests

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/transports/internal/pending"
)

// TestConns has connections with no request, with one and with several, and such that end meanwhile.
func TestConns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Conns{Limit: 1, First: time.Second, Idle: time.Minute}
		var mu sync.Mutex // timers write it
		dropped := make(map[string]error)
		open := func(key string) {
			c.Opened(key, func(why error) {
				mu.Lock()
				defer mu.Unlock()
				dropped[key] = why
			})
		}
		want := func(what string, key string, why error) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if got := dropped[key]; got != why { //nolint:errorlint // as it was given
				t.Errorf("%s: %v, want %v", what, got, why)
			}
		}
		open("busy")
		c.Began("busy")
		c.Began("busy") // as over HTTP/2
		open("silent")
		time.Sleep(2 * time.Minute)
		want("no request", "silent", pending.ErrSilent)
		c.Ended("busy")
		time.Sleep(2 * time.Minute)
		want("one of two requests answered", "busy", nil)
		c.Ended("busy")
		time.Sleep(30 * time.Second)
		c.Began("busy")
		time.Sleep(2 * time.Minute)
		want("another request", "busy", nil)
		c.Ended("busy")
		open("late")
		time.Sleep(500 * time.Millisecond)
		want("beside one without a request", "busy", nil)
		c.Began("late")
		c.Ended("late")
		want("another one is idle", "busy", ErrIdle)
		time.Sleep(2 * time.Minute)
		want("idle for too long", "late", ErrIdle)

		open("gone")
		c.Began("gone")
		c.Closed("gone") // its handler still runs
		c.Ended("gone")
		c.Began("gone") // a late one
		c.Ended("gone")
		time.Sleep(2 * time.Minute)
		want("closed by the peer", "gone", nil)
		c.CloseSilent()
		open("too late")
		want("behind CloseSilent", "too late", pending.ErrClosed)
		if n := c.silent.Len() + c.idle.Len(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// TestConnsRace has requests of one connection begin and end at once, as they do over HTTP/2. While there is one, the connection is not among
// the idle.
func TestConnsRace(t *testing.T) {
	c := Conns{Limit: 10, First: time.Minute, Idle: time.Minute}
	c.Opened(1, func(why error) { t.Errorf("dropped: %v", why) })
	c.Began(1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				c.Began(1)
				if c.idle.Len() != 0 || c.silent.Len() != 0 {
					t.Error("it is pending while a request is answered")
					return
				}
				c.Ended(1)
			}
		})
	}
	wg.Wait()
	c.Ended(1)
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				c.Began(1)
				c.Ended(1)
			}
		})
	}
	wg.Wait()
	if c.idle.Len() != 1 || c.silent.Len() != 0 {
		t.Errorf("%d idle, %d silent, want 1 and 0", c.idle.Len(), c.silent.Len())
	}
	c.Closed(1)
	if c.idle.Len() != 0 || len(c.conns) != 0 {
		t.Error("a closed connection is kept")
	}
}

// TestBoundIdle has clients whose requests were answered: of them there are not more than the limit, over HTTP/1, over HTTP/2, and where the
// server still waits for the body of a request that is answered.
func TestBoundIdle(t *testing.T) {
	const limit = 2
	for _, tt := range []struct {
		name, sends, answer string
	}{
		{"HTTP/1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404"},
		{"a body that does not come", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", ""},
		// The preface, no settings, and a GET as one frame of headers: ":method GET", ":scheme http", ":path /", and an authority.
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x01a", "\x00\x00"},
		// And one that takes it back in the same write.
		{"HTTP/2, reset", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x01a\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08", "\x00\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			answered := make(chan struct{}, 100)
			s := &http.Server{
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					http.NotFound(w, r)
					answered <- struct{}{}
				}),
				IdleTimeout: time.Hour, Protocols: &http.Protocols{},
			}
			s.Protocols.SetHTTP1(true)
			s.Protocols.SetUnencryptedHTTP2(true)
			Bound(s, limit, time.Hour, func(addr net.Addr, why error, _ string) { t.Errorf("%v was refused: %v", addr, why) })
			served := make(chan error, 1)
			go func() { served <- s.Serve(ln) }()
			ended := make(chan error, 10)
			var all []net.Conn
			for range 3 * limit { // fewer than what has sent nothing may be
				c, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, c)
				if _, err := io.WriteString(c, tt.sends); err != nil {
					t.Fatal(err)
				}
				<-answered
				p := make([]byte, len(tt.answer))
				if _, err := io.ReadFull(c, p); err != nil || string(p) != tt.answer {
					t.Fatalf("%q, %v, want %q", p, err, tt.answer)
				}
				go func() {
					_, err := io.Copy(io.Discard, c)
					ended <- err
				}()
			}
			for range 2 * limit { // the rest may stay
				<-ended
			}
			select {
			case err := <-ended:
				t.Errorf("one more has lost its connection: %v", err)
			default:
			}
			_ = s.Close()
			for _, c := range all {
				_ = c.Close()
			}
			for range limit {
				<-ended
			}
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
	}
}
