package http_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports/http"
)

// TestRefuseInTheMiddle has a server refuse a request that goes on: its client gets the answer with the words, by Write or Close.
func TestRefuseInTheMiddle(t *testing.T) {
	for name, version := range map[string]http.Version{"HTTP/1.1": http.HTTP1, "HTTP/2": http.HTTP2} {
		t.Run(name, func(t *testing.T) {
			l, err := http.Listen(t.Context(), "127.0.0.1:0", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			refused := make(chan error, 1)
			go func() {
				c, err := l.Accept(t.Context())
				if err == nil {
					_, err = c.Read(make([]byte, 1))
					err = errors.Join(err, c.(*http.Conn).Refuse("no ships here"))
				}
				refused <- err
			}()
			c, err := http.Post(t.Context(), "http://"+l.Addr().String(), &http.Options{Version: version})
			if err != nil {
				t.Fatal(err)
			}
			block := make([]byte, 64<<10)
			for range 1 << 14 { // 1 GiB, which nobody reads
				if _, err = c.Write(block); err != nil {
					break
				}
			}
			err = errors.Join(err, c.Close())
			var status *http.StatusError
			if !errors.As(err, &status) || status.Code != 422 || !strings.Contains(err.Error(), "no ships here") {
				t.Errorf("%v", err)
			}
			if err := <-refused; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAnswerTime has a server that leaves its connection open: the client is answered all the same.
func TestAnswerTime(t *testing.T) {
	const answerTime = 300 * time.Millisecond
	l, err := http.Listen(t.Context(), "127.0.0.1:0", &http.ListenOptions{AnswerTime: answerTime})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := http.Post(t.Context(), "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	open, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if _, err := c.Write([]byte("ships")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took < answerTime/2 || took > 20*answerTime {
		t.Errorf("it took %v, want about %v", took, answerTime)
	}
	if n, err := open.Read(make([]byte, 9)); n != 5 || err != nil { // what has come is still there
		t.Errorf("%d bytes, %v", n, err)
	}
}
