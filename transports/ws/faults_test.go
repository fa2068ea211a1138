package ws_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/ws"
)

// onlyReader hides the methods by which io.Copy would do better.
type onlyReader struct{ io.Reader }

// cutter is a proxy that passes so many bytes of what the server sends and ends the connection there.
func cutter(t *testing.T, server string, pass int64) (addr string) {
	t.Helper()
	l, err := tcp.Listen(t.Context(), "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept(t.Context())
		if err != nil {
			return
		}
		defer c.Close()
		s, err := tcp.Dial(t.Context(), server, nil)
		if err != nil {
			return
		}
		defer s.Close()
		go func() {
			_, _ = io.Copy(s, onlyReader{c})
			_ = s.CloseWrite()
		}()
		_, _ = io.CopyN(c, onlyReader{s}, pass)
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, onlyReader{s})
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// TestCuts cuts a short stream after each fifth byte of what the server sends, from within its answer to the handshake to beyond the
// close frame. Nothing that was not sent is received, and no cut is taken for the end.
func TestCuts(t *testing.T) {
	l := newListener(t, nil)
	b := feed.NewTradeBuilder(nil)
	for i := range 3 {
		b.Append(feed.Trade{Time: time.Unix(int64(i), 0), Symbol: "ACME", Size: int64(i)})
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.Accept(t.Context())
			if err != nil {
				return
			}
			w := feed.NewTradeWriter(c, nil)
			_ = errors.Join(w.Write(t.Context(), b), w.Close(), c.Close()) // of a cut connection
		}
	}()
	ends := make(map[bool]int)
	for pass := int64(0); pass < 2200; pass += 5 {
		rows, err := func() (rows int, err error) {
			c, err := ws.Dial(t.Context(), "ws://"+cutter(t, l.Addr().String(), pass), nil)
			if err != nil {
				return 0, err
			}
			defer c.Close()
			r := feed.NewTradeReader(c, nil)
			for {
				batch, err := r.Next(t.Context())
				if err == io.EOF { //nolint:errorlint // the contract
					_, err = c.Read(make([]byte, 1)) // after the stream's end mark, that of the connection
					return rows, err
				}
				if err != nil {
					return rows, err
				}
				for i, size := range batch.Size() {
					if size != int64(i) || batch.Symbol().At(i) != "ACME" {
						t.Errorf("cut at byte %d: row %d was not sent", pass, i)
					}
				}
				rows += batch.Len()
			}
		}()
		whole := err == io.EOF //nolint:errorlint // the contract
		ends[whole]++
		if whole && rows != 3 || !whole && (!errors.Is(err, transports.ErrPeerClosed) || rows != 0 && rows != 3) {
			t.Errorf("cut at byte %d: %d rows, %v", pass, rows, err)
		}
		if ends[true] > 0 && !whole {
			t.Errorf("cut at byte %d, behind the end: %v", pass, err)
		}
	}
	if ends[true] == 0 || ends[false] < 100 {
		t.Errorf("%d streams were whole and %d were cut", ends[true], ends[false])
	}
	_ = l.Close()
	<-served
}
