package quic_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/quic"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// openSeveral returns both ends of what the URIs of two ends make that have these numbers of streams and these roles.
func openSeveral(t *testing.T, p *pki, dialled, listened string, dials, listens transports.Role) (near, far []transports.Conn, nearErr, farErr error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	at := make(chan net.Addr, 1)
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		u, err := transports.ParseURI("quic+listen://127.0.0.1:0?cert=" + p.server.CertFile + "&key=" + p.server.KeyFile + "&streams=" + listened)
		if err != nil {
			farErr = err
			return
		}
		far, farErr = u.OpenAll(ctx, &transports.Options{Role: listens, Listening: func(a net.Addr) { at <- a }})
	}()
	select {
	case a := <-at:
		u, err := transports.ParseURI("quic://" + a.String() + "?ca=" + p.authority.File + "&streams=" + dialled)
		if err != nil {
			t.Fatal(err)
		}
		near, nearErr = u.OpenAll(ctx, &transports.Options{Role: dials})
	case <-accepted:
		t.Fatal(farErr)
	}
	if dials == transports.SendsAndReceives && nearErr == nil { // the other end sees a stream with its first byte
		for _, c := range near {
			if _, err := c.Write([]byte("!")); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-accepted
	t.Cleanup(func() {
		for _, c := range append(far[:len(far):len(far)], near...) {
			c.Close()
		}
	})
	return near, far, nearErr, farErr
}

// TestStreamsByURI has the batches of a table on the streams that streams= makes: unidirectional ones of one connection, whichever end dials.
func TestStreamsByURI(t *testing.T) {
	for name, dials := range map[string]transports.Role{"that dials sends": transports.Sends, "that listens sends": transports.Receives} {
		t.Run(name, func(t *testing.T) {
			p := newPKI(t)
			transporttest.RunLanes(t, func(t *testing.T, n int) (senders []transports.Conn, accept func() []transports.Conn) {
				streams := string(rune('0' + n))
				listens := transports.Sends
				if dials == transports.Sends {
					listens = transports.Receives
				}
				near, far, err, farErr := openSeveral(t, p, streams, streams, dials, listens)
				if err != nil || farErr != nil || len(near) != n || len(far) != n {
					t.Fatal(len(near), err, len(far), farErr)
				}
				for _, end := range [][]transports.Conn{near, far} {
					for i, c := range end {
						if c.RemoteAddr() != end[0].RemoteAddr() {
							t.Errorf("stream %d goes to %v, and the first to %v", i, c.RemoteAddr(), end[0].RemoteAddr())
						}
						if c.Caps().Duplex {
							t.Errorf("stream %d is bidirectional", i)
						}
					}
				}
				if dials == transports.Sends {
					return near, func() []transports.Conn { return far }
				}
				return far, func() []transports.Conn { return near }
			})
		})
	}
}

// TestStreamsBothWays has bidirectional streams of one connection, where no end has a role.
func TestStreamsBothWays(t *testing.T) {
	near, far, err, farErr := openSeveral(t, newPKI(t), "3", "3", transports.SendsAndReceives, transports.SendsAndReceives)
	if err != nil || farErr != nil {
		t.Fatal(err, farErr)
	}
	for i := range near {
		text := []byte{'a' + byte(i)}
		if _, err := far[i].Write(text); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1)
		if _, err := io.ReadFull(near[i], got); err != nil || !bytes.Equal(got, text) {
			t.Errorf("stream %d: %q, %v, want %q", i, got, err, text)
		}
	}
}

// TestManyStreams has more streams than a peer has by default, and sends more than all windows have room for on those that are not read.
func TestManyStreams(t *testing.T) {
	near, far, err, farErr := openSeveral(t, newPKI(t), "150", "150", transports.Sends, transports.Receives)
	if err != nil || farErr != nil {
		t.Fatal(err, farErr)
	}
	for _, c := range near[:4] { // each as much as its window, and more than the default of a connection together
		go c.Write(make([]byte, 8<<20))
	}
	last := near[len(near)-1]
	if _, err := last.Write([]byte("through")); err != nil {
		t.Fatal(err)
	}
	if err := last.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // until the windows of the others are full
	if got, err := io.ReadAll(far[len(far)-1]); err != nil || string(got) != "through" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestStreamNotOpened has a stream that the other end does not open yet: reads obey deadlines, and end with Close.
func TestStreamNotOpened(t *testing.T) {
	near, far, err, farErr := openSeveral(t, newPKI(t), "2", "2", transports.Sends, transports.Receives)
	if err != nil || farErr != nil {
		t.Fatal(err, farErr)
	}
	c := far[1].(*quic.Conn)
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want a deadline", err)
	}
	if id := c.StreamID(); id != -1 {
		t.Errorf("stream %d", id)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { near[1].Write([]byte("x")) })
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if id := c.StreamID(); id < 0 {
		t.Errorf("stream %d", id)
	}
	// The first one, which nobody opens: its number is below that of the second, so it is there. A third is not.
	time.AfterFunc(50*time.Millisecond, func() { far[0].Close() })
	if _, err := far[0].Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want that it is closed", err)
	}
}

// TestStreamsDisagree has ends that do not mean the same number of streams: both say so.
func TestStreamsDisagree(t *testing.T) {
	const word = "must have the same number"
	t.Run("more than are taken", func(t *testing.T) {
		near, far, err, farErr := openSeveral(t, newPKI(t), "3", "2", transports.Sends, transports.Receives)
		if err != nil || farErr != nil {
			t.Fatal(err, farErr)
		}
		for _, c := range near {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		wantWord(t, near[0], word)
		if err := readToError(far[0]); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the other end: %v, want %q", err, word)
		}
	})
	t.Run("fewer than are waited for", func(t *testing.T) {
		near, far, err, farErr := openSeveral(t, newPKI(t), "2", "3", transports.Sends, transports.Receives)
		if err != nil || farErr != nil {
			t.Fatal(err, farErr)
		}
		for _, c := range near {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			for _, c := range near {
				c.Close()
			}
		}()
		if n, err := far[2].Read(make([]byte, 1)); n != 0 || err == nil { // an end without a byte, which is no stream of Arrow
			t.Errorf("%d, %v", n, err)
		}
	})
	t.Run("one where several are waited for", func(t *testing.T) {
		near, far, err, farErr := openSeveral(t, newPKI(t), "1", "3", transports.Sends, transports.Receives)
		if err != nil || farErr != nil {
			t.Fatal(err, farErr)
		}
		if _, err := near[0].Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		wantWord(t, near[0], word)
		if err := readToError(far[0]); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the other end: %v, want %q", err, word)
		}
	})
}

func readToError(c transports.Conn) error {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		if _, err := c.Read(make([]byte, 1)); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return nil
			}
			return err
		}
	}
}

// wantWord writes until there is an error, which has the word.
func wantWord(t *testing.T, c transports.Conn, word string) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if _, err := c.Write([]byte("x")); err != nil {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v, want %q", err, word)
			}
			return
		}
	}
	t.Error("writes go on")
}
