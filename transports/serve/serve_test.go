package serve_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/pipe"
	"github.com/lightstream-go/lightstream/transports/serve"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

// echo returns what comes.
func echo(ctx context.Context, conn transports.Conn) error {
	_, err := io.Copy(conn, conn)
	return err
}

// serving runs a server and returns its listener, and what Serve returned once it has.
func serving(t *testing.T, s *serve.Server, opts *pipe.ListenOptions) (*pipe.Listener, <-chan error) {
	t.Helper()
	l := pipe.Listen(opts)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	synctest.Wait()
	return l, served
}

func dial(t *testing.T, l *pipe.Listener) *pipe.Conn {
	t.Helper()
	c, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return c
}

// TestServerFlushes shuts down a server whose clients are behind: they get all of the stream.
func TestServerFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := fanout.New(nil)
		s := &serve.Server{Handle: func(ctx context.Context, conn transports.Conn) error { return hub.Send(ctx, conn) }}
		l, served := serving(t, s, &pipe.ListenOptions{Options: pipe.Options{Buffer: 100}})
		var clients sync.WaitGroup
		for range 3 {
			c := dial(t, l)
			clients.Go(func() {
				defer c.Close()
				rows := 0
				for trade, err := range feed.NewTradeReader(c, nil).Rows(context.Background()) {
					if err != nil || trade.Size != int64(rows) {
						t.Errorf("row %d: %+v, %v", rows, trade, err)
						return
					}
					rows++
					time.Sleep(time.Millisecond)
				}
				if rows != 1000 {
					t.Errorf("%d rows", rows)
				}
			})
		}
		synctest.Wait()
		w := feed.NewTradeWriter(hub, nil)
		for i := range 1000 {
			if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(int64(i), 0), Size: int64(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-served; err != serve.ErrClosed {
			t.Fatal(err)
		}
		clients.Wait()
		if n := s.Stats(); n != (serve.Stats{Served: 3}) {
			t.Fatalf("%+v", n)
		}
		if err := s.Serve(pipe.Listen(nil)); err != serve.ErrClosed {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestServerLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &serve.Server{Handle: echo, MaxClients: 2, Log: slog.New(slog.NewTextHandler(&log, nil))}
		l, served := serving(t, s, nil)
		a, b := dial(t, l), dial(t, l)
		if _, err := dial(t, l).Read(make([]byte, 1)); err == nil {
			t.Fatal("a third client was let in")
		}
		if n := s.Stats(); n.Clients != 2 || n.TooMany != 1 {
			t.Fatalf("%+v", n)
		}
		if !strings.Contains(log.String(), "as many as Server.MaxClients allows") {
			t.Fatal(log.String())
		}
		a.Close()
		synctest.Wait()
		c := dial(t, l)
		say(t, b)
		say(t, c)

		// One that does not end in time is ended.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		<-served
		if n := s.Stats(); n.Clients != 0 || n.Served != 3 {
			t.Fatalf("%+v", n)
		}
	})
}

func say(t *testing.T, c net.Conn) {
	t.Helper()
	p := []byte("hello")
	if _, err := c.Write(p); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, p); err != nil || string(p) != "hello" {
		t.Fatalf("%q, %v", p, err)
	}
}

func TestServerTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var ends []error
		s := &serve.Server{HandshakeTimeout: time.Second, IdleTimeout: time.Minute}
		s.Handle = func(ctx context.Context, conn transports.Conn) error {
			err := echo(ctx, conn)
			mu.Lock()
			defer mu.Unlock()
			ends = append(ends, err)
			return err
		}
		l, _ := serving(t, s, &pipe.ListenOptions{Options: pipe.Options{Buffer: 10}})
		defer s.Close()
		end := func(after, wait time.Duration) {
			t.Helper()
			time.Sleep(wait - time.Millisecond)
			synctest.Wait()
			mu.Lock()
			n := len(ends)
			mu.Unlock()
			time.Sleep(after + 2*time.Millisecond)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if n != 0 || len(ends) != 1 || !errors.Is(ends[0], serve.ErrIdle) {
				t.Fatalf("%d ended early, then %v", n, ends)
			}
			ends = nil
		}
		silent := dial(t, l)
		end(0, time.Second)
		silent.Close()

		slow := dial(t, l)
		for range 10 {
			say(t, slow)
			time.Sleep(50 * time.Second)
		}
		end(0, 10*time.Second)
		slow.Close()

		deaf := dial(t, l) // sends and does not read
		go deaf.Write(make([]byte, 100))
		end(time.Minute/8, time.Minute*7/8)
		deaf.Close()
		if n := s.Stats(); n.Idle != 3 || n.Failed != 3 {
			t.Fatalf("%+v", n)
		}
	})
}

// TestServerDeadlines wants deadlines of Handle's own to hold, and to be told from the server's.
func TestServerDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := make(chan error, 1)
		s := &serve.Server{IdleTimeout: time.Minute, HandshakeTimeout: -1}
		s.Handle = func(ctx context.Context, conn transports.Conn) error {
			if _, ok := transports.Unwrap(conn).(*pipe.Conn); !ok {
				t.Errorf("%T", transports.Unwrap(conn))
			}
			for _, own := range []time.Duration{time.Second, time.Hour} {
				start := time.Now()
				if err := conn.SetDeadline(start.Add(own)); err != nil {
					t.Error(err)
				}
				_, err := conn.Read(make([]byte, 1))
				most := min(own, time.Minute)
				if took := time.Since(start); took > most || took < most*7/8 || errors.Is(err, serve.ErrIdle) != (own > time.Minute) {
					t.Errorf("after %v: %v", took, err)
				}
				if own < time.Minute && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error(err)
				}
				if err := conn.SetDeadline(time.Time{}); err != nil {
					t.Error(err)
				}
			}
			ends <- nil
			return nil
		}
		l, _ := serving(t, s, nil)
		defer s.Close()
		c := dial(t, l)
		defer c.Close()
		<-ends
	})
}

func TestServerHosts(t *testing.T) {
	l, err := tcp.Listen(t.Context(), "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &serve.Server{Handle: echo, MaxPerHost: 2}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	connect := func() *tcp.Conn {
		t.Helper()
		c, err := tcp.Dial(t.Context(), l.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	a, b := connect(), connect()
	say(t, a)
	say(t, b)
	if _, err := connect().Read(make([]byte, 1)); err == nil {
		t.Fatal("a third client was let in")
	}
	if n := s.Stats(); n.FromHost != 1 || n.Clients != 2 {
		t.Fatalf("%+v", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != serve.ErrClosed {
		t.Fatal(err)
	}
	if _, err := b.Read(make([]byte, 1)); err == nil {
		t.Fatal("a connection is open after Close")
	}
}

// failing is a listener whose Accept fails for a while.
type failing struct {
	transports.Listener
	errs []error
}

type passingError struct{ error }

func (passingError) Temporary() bool { return true }

func (f *failing) Accept(ctx context.Context) (transports.Conn, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, err
	}
	return f.Listener.Accept(ctx)
}

func TestServerAcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipe.Listen(nil)
		broken := errors.New("broken")
		f := &failing{Listener: l, errs: []error{passingError{broken}, passingError{broken}}}
		s := &serve.Server{Handle: echo}
		served := make(chan error, 1)
		go func() { served <- s.Serve(f) }()
		time.Sleep(time.Minute)
		c := dial(t, l)
		say(t, c)
		c.Close()
		s.Close()
		<-served

		s = &serve.Server{Handle: echo}
		if err := s.Serve(&failing{Listener: pipe.Listen(nil), errs: []error{broken}}); err != broken {
			t.Fatal(err)
		}
		s.Close()
	})
}

// trickle reads a client's connection at 10 bytes a second.
func trickle(c net.Conn, n int) (got int) {
	p := make([]byte, 10)
	for got < n {
		time.Sleep(time.Second)
		k, err := c.Read(p)
		if got += k; err != nil {
			return got
		}
	}
	return got
}

// TestServerSlowClients wants a client that takes a little now and then not to be idle, and one that stops to be, however the bytes are written.
func TestServerSlowClients(t *testing.T) {
	for name, write := range map[string]func(c transports.Conn, p []byte) (int64, error){
		"Write": func(c transports.Conn, p []byte) (int64, error) { n, err := c.Write(p); return int64(n), err },
		"WriteBuffers": func(c transports.Conn, p []byte) (int64, error) {
			return c.WriteBuffers([][]byte{p[:7], nil, p[7:900], p[900:]})
		},
	} {
		for _, all := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				const size = 3000
				type end struct {
					n   int64
					err error
				}
				ends := make(chan end, 1)
				s := &serve.Server{IdleTimeout: 5 * time.Second}
				s.Handle = func(ctx context.Context, conn transports.Conn) error {
					p := make([]byte, size)
					for i := range p {
						p[i] = byte(i)
					}
					n, err := write(conn, p)
					ends <- end{n, err}
					return err
				}
				l, _ := serving(t, s, &pipe.ListenOptions{Options: pipe.Options{Buffer: 16}})
				defer s.Close()
				c := dial(t, l)
				defer c.Close()
				if all {
					if got := trickle(c, size); got != size {
						t.Fatalf("%s: %d bytes", name, got)
					}
					if e := <-ends; e.n != size || e.err != nil {
						t.Fatalf("%s: %+v", name, e)
					}
					return
				}
				got := trickle(c, 500)
				e := <-ends
				if !errors.Is(e.err, serve.ErrIdle) || e.n < int64(got) || e.n >= size {
					t.Fatalf("%s: %+v after %d bytes", name, e, got)
				}
				synctest.Wait()
				if n := s.Stats(); n.Idle != 1 {
					t.Fatalf("%+v", n)
				}
			})
		}
	}
}

// busy is a listener whose Close waits for what it tells the server about.
type busy struct {
	transports.Listener
	tell func()
}

func (b *busy) Close() error {
	err := b.Listener.Close()
	b.tell()
	return err
}

// TestServerBusyListener wants a server to be usable, and Shutdown to obey its context, while a listener closes.
func TestServerBusyListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &serve.Server{Handle: echo}
		told := make(chan struct{})
		l := &busy{pipe.Listen(nil), func() { s.Stats(); <-told }}
		go s.Serve(l)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		close(told)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// asker is a log that asks the server about itself.
type asker struct {
	slog.Handler
	ask func()
}

func (a asker) Handle(ctx context.Context, r slog.Record) error {
	a.ask()
	return a.Handler.Handle(ctx, r)
}

// TestServerLogAsks wants what is logged to be logged outside of the server's lock.
func TestServerLogAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &serve.Server{MaxClients: 1, IdleTimeout: time.Second, HandshakeTimeout: time.Second, Handle: echo}
		var asked atomic.Int64
		s.Log = slog.New(asker{slog.NewTextHandler(io.Discard, nil), func() { s.Stats(); asked.Add(1) }})
		l, _ := serving(t, s, nil)
		a, b := dial(t, l), dial(t, l) // one is refused, the other idle
		time.Sleep(time.Minute)
		synctest.Wait()
		a.Close()
		b.Close()
		if err := s.Close(); err != nil || asked.Load() != 2 {
			t.Fatal(asked.Load(), err)
		}
	})
}
