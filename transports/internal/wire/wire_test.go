package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/transports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call writes p as a protocol does, in pieces, and returns what Finish does.
func call(c *Conn, p []byte, pieces int) (int64, error) {
	if err := c.Begin(); err != nil {
		return 0, err
	}
	var err error
	for rest := p; len(rest) > 0 && err == nil; {
		n := min((len(p)+pieces-1)/pieces, len(rest))
		if _, err = c.Write(rest[:n]); err == nil {
			err = c.Took(n)
		}
		rest = rest[n:]
	}
	return c.Finish(int64(len(p)), err)
}

// TestDeadlines has nobody read: what was taken is accepted and goes out in the background, and no byte is lost, sent twice or
// out of order.
func TestDeadlines(t *testing.T) {
	for _, tt := range []struct {
		name   string
		size   int
		pieces int
		whole  bool // the call's bytes are all accepted
	}{
		{"small", 10, 1, true},
		{"small pieces", 1000, 50, true},
		{"large", 100_000, 1, true},
		{"a batch", Batch, 8, true},
		{"more than a batch", 3 * Batch, 24, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := net.Pipe()
			c := New(a)
			p := make([]byte, tt.size)
			for i := range p {
				p[i] = byte(i * 7)
			}
			if err := c.LimitWrites(time.Now().Add(20 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			n, err := call(c, p, tt.pieces)
			switch {
			case n == 0 && errors.Is(err, os.ErrDeadlineExceeded):
				t.Skip("the machine is so slow that the deadline came before the call")
			case tt.whole && (err != nil || n != int64(tt.size)):
				t.Fatalf("accepted %d of %d bytes, %v", n, tt.size, err)
			case !tt.whole && (!errors.Is(err, os.ErrDeadlineExceeded) || n >= int64(tt.size)):
				t.Fatalf("accepted %d of %d bytes, %v", n, tt.size, err)
			}
			// Until they are out nothing more is.
			if n, err := call(c, []byte("more"), 1); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a call after the deadline: %d, %v", n, err)
			}
			// A waiting call is woken when the deadline is taken away, and by the bytes being out.
			if err := c.LimitWrites(time.Time{}); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				_, err := call(c, []byte("more"), 1)
				done <- errors.Join(err, c.Close())
			}()
			got, err := io.ReadAll(b)
			if err != nil {
				t.Error(err)
			}
			if want := append(p[:n:n], "more"...); !bytes.Equal(got, want) {
				t.Errorf("received %d bytes, want %d", len(got), len(want))
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCloseEndsBackground closes a connection while bytes go out in the background.
func TestCloseEndsBackground(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	c := New(a)
	if err := c.LimitWrites(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := call(c, make([]byte, 10), 1); n != 10 && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("accepted %d bytes, %v", n, err)
	}
	if err := c.LimitWrites(time.Time{}); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := call(c, []byte("more"), 1)
		waiting <- err
	}()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a call that waited: %v", err)
	}
}

func TestRead(t *testing.T) {
	a, b := net.Pipe()
	c := New(a)
	go func() {
		_, _ = io.WriteString(b, "hello")
		_ = b.Close()
	}()
	got, err := io.ReadAll(c)
	if string(got) != "hello" || !errors.Is(err, ErrTruncated) || !errors.Is(err, transports.ErrPeerClosed) || !c.Cut() || c.Received() != 5 {
		t.Errorf("received %q, %v", got, err)
	}
	if _, err := call(c, []byte("x"), 1); err == nil {
		t.Error("a write to nobody succeeded")
	}
	first := c.err
	if _, err := c.Write([]byte("y")); err != first { //nolint:errorlint // the same one
		t.Errorf("then %v, want %v", err, first)
	}
	_ = c.Close()
}
