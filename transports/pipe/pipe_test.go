package pipe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/pipe"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestMain(m *testing.M) { transporttest.Main(m) }

func TestTransport(t *testing.T) {
	for name, opts := range map[string]*pipe.ListenOptions{
		"default buffer": nil,
		"tiny buffer":    {Options: pipe.Options{Buffer: 1000, Name: "tiny"}},
	} {
		t.Run(name, func(t *testing.T) {
			listen := func(context.Context) (transports.Listener, error) { return pipe.Listen(opts), nil }
			dial := func(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
				c, err := l.(*pipe.Listener).Dial(ctx)
				if err != nil {
					return nil, err
				}
				return c, nil
			}
			transporttest.Run(t, dial, listen, transports.Caps{HalfClose: true, Duplex: true, Deadline: true})
		})
	}
}

// TestBufferSize fills each buffer to the last byte: the writer blocks exactly there, and goes on when a byte is read.
func TestBufferSize(t *testing.T) {
	for _, size := range []int{0, -1, 1, 2, 100} {
		want := size
		switch size {
		case 0:
			want = 64 << 10
		case -1:
			want = 1
		}
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe.New(&pipe.Options{Buffer: size})
			if n, err := a.Write(make([]byte, want)); n != want || err != nil {
				t.Fatalf("Write of all that fits = %d, %v", n, err)
			}
			written := false
			go func() {
				if n, err := a.WriteBuffers([][]byte{{7}, {8}}); n != 2 || err != nil {
					t.Errorf("WriteBuffers = %d, %v", n, err)
				}
				written = true
			}()
			synctest.Wait()
			if written {
				t.Fatal("the writer did not wait for room")
			}
			got := make([]byte, want+2)
			if _, err := io.ReadFull(b, got[:1]); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if written {
				t.Fatal("two bytes went where one fits")
			}
			if _, err := io.ReadFull(b, got[1:]); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if !written || got[want] != 7 || got[want+1] != 8 {
				t.Errorf("written %v, last bytes %v", written, got[want:])
			}
		})
	}
}

// TestDeadlineTimes has calls wait in a bubble, where time passes only while all wait, so durations are exact.
func TestDeadlineTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(&pipe.Options{Buffer: 10})
		start := time.Now()
		took := func(want time.Duration, err error) {
			t.Helper()
			if got := time.Since(start); got != want || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%v after %v, want a time-out after %v", err, got, want)
			}
			start = time.Now()
		}
		must(t, b.SetReadDeadline(start.Add(3*time.Second)))
		_, err := b.Read(make([]byte, 1))
		took(3*time.Second, err)

		must(t, a.SetWriteDeadline(start.Add(5*time.Second)))
		n, err := a.Write(make([]byte, 25))
		took(5*time.Second, err)
		if n != 10 {
			t.Errorf("Write took %d bytes, want the 10 that fit", n)
		}

		// A second write waits for the first, and its deadline counts all the same.
		must(t, a.SetWriteDeadline(start.Add(time.Second)))
		errs := make(chan error)
		for range 2 {
			go func() {
				_, err := a.WriteBuffers([][]byte{{1}, {2}})
				errs <- err
			}()
		}
		first, second := <-errs, <-errs
		took(time.Second, first)
		took(0, second)

		// Moved while a read waits, twice: later, and then taken away.
		_, err = io.ReadFull(b, make([]byte, 5))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("reading what is there past the deadline: %v", err)
		}
		must(t, b.SetReadDeadline(time.Time{}))
		if _, err := io.ReadFull(b, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		must(t, b.SetReadDeadline(start.Add(time.Second)))
		time.AfterFunc(time.Second/2, func() { must(t, b.SetReadDeadline(start.Add(time.Minute))) })
		_, err = b.Read(make([]byte, 1))
		took(time.Minute, err)

		must(t, b.SetReadDeadline(start.Add(time.Second)))
		time.AfterFunc(time.Second/2, func() { must(t, b.SetReadDeadline(time.Time{})) })
		time.AfterFunc(time.Hour, func() {
			must(t, a.SetWriteDeadline(time.Time{}))
			if _, err := a.Write([]byte{9}); err != nil {
				t.Error(err)
			}
		})
		if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil || time.Since(start) != time.Hour {
			t.Errorf("Read = %d, %v after %v", n, err, time.Since(start))
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestSecondWriterIsInterrupted has one write block and another wait for it: CloseWrite ends both.
func TestSecondWriterIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(&pipe.Options{Buffer: 4})
		for range 2 {
			go func() {
				if _, err := a.Write(make([]byte, 100)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Write that CloseWrite interrupts: %v", err)
				}
			}()
		}
		synctest.Wait()
		must(t, a.CloseWrite())
		if got, err := io.ReadAll(b); len(got) != 4 || err != nil {
			t.Errorf("the other end got %d bytes, %v, want 4", len(got), err)
		}
	})
}

func TestCloseWithError(t *testing.T) {
	broken := errors.New("cable cut")
	a, b := pipe.New(nil)
	if _, err := a.Write([]byte("half a mess")); err != nil {
		t.Fatal(err)
	}
	a.CloseWithError(broken)
	got, err := io.ReadAll(b)
	if string(got) != "half a mess" || !errors.Is(err, broken) {
		t.Errorf("the other end got %q, %v", got, err)
	}
	if _, err := b.Write([]byte{1}); !errors.Is(err, broken) {
		t.Errorf("the other end's Write: %v", err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read of the end that was closed: %v", err)
	}
	must(t, a.Close())
	must(t, b.Close())

	a, b = pipe.New(nil)
	a.CloseWithError(nil)
	if _, err := b.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // the bare one is the contract
		t.Errorf("without a cause the other end reads %v", err)
	}
	if _, err := b.Write([]byte{1}); !errors.Is(err, transports.ErrPeerClosed) {
		t.Errorf("without a cause the other end writes %v", err)
	}
}

func TestRingWrapsRound(t *testing.T) {
	a, b := pipe.New(&pipe.Options{Buffer: 7})
	var next, want byte
	for i := range 500 {
		p := make([]byte, i%8)
		for j := range p {
			p[j] = next
			next++
		}
		if _, err := a.WriteBuffers([][]byte{p[:len(p)/2], p[len(p)/2:]}); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 7)
		n := 0
		if len(p) > 0 {
			var err error
			if n, err = b.Read(got); err != nil {
				t.Fatal(err)
			}
		}
		if n != len(p) {
			t.Fatalf("round %d: read %d of %d bytes", i, n, len(p))
		}
		for _, v := range got[:n] {
			if v != want {
				t.Fatalf("round %d: byte %d, want %d", i, v, want)
			}
			want++
		}
	}
}

func TestAllocs(t *testing.T) {
	a, b := pipe.New(nil)
	bufs := [][]byte{make([]byte, 100), nil, make([]byte, 3000), make([]byte, 64)}
	buf := make([]byte, 3164)
	got := testing.AllocsPerRun(100, func() {
		if _, err := a.WriteBuffers(bufs); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(b, buf); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations per message, want 0", got)
	}
}

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := true
		l := pipe.Listen(&pipe.ListenOptions{
			Options: pipe.Options{Name: "here"},
			Authorize: func(_ context.Context, p *transports.Peer) error {
				if p.Transport != "pipe" || p.Addr.String() != "here" {
					t.Errorf("asked about %+v", p)
				}
				if refuse {
					refuse = false
					return errors.New("no")
				}
				return nil
			},
		})
		ctx := t.Context()
		refused, err := l.Dial(ctx)
		must(t, err)
		dialled, err := l.Dial(ctx)
		must(t, err)
		accepted, err := l.Accept(ctx)
		must(t, err)
		if _, err := refused.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // the bare one is the contract
			t.Errorf("the refused peer reads %v", err)
		}
		if _, err := dialled.Write([]byte("x")); err != nil {
			t.Error(err)
		}
		if got := make([]byte, 1); true {
			if _, err := accepted.Read(got); err != nil || !bytes.Equal(got, []byte("x")) {
				t.Errorf("received %q, %v", got, err)
			}
		}

		// The queue takes 128; the next Dial waits until ctx or the listener ends.
		var waiting []*pipe.Conn
		for range 128 {
			c, err := l.Dial(ctx)
			must(t, err)
			waiting = append(waiting, c)
		}
		soon, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := l.Dial(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial with a full queue: %v", err)
		}
		go func() {
			_, err := l.Dial(ctx)
			if err == nil || !strings.Contains(err.Error(), "connection refused; its listener was closed") {
				t.Errorf("Dial of a listener that closes: %v", err)
			}
		}()
		synctest.Wait()
		must(t, l.Close())
		synctest.Wait()
		for i, c := range waiting {
			if _, err := c.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // the bare one is the contract
				t.Errorf("connection %d, which nobody accepted, reads %v", i, err)
			}
		}
	})
}
