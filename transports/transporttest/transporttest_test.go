package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/pipe"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

var pipeCaps = transports.Caps{HalfClose: true, Duplex: true, Deadline: true}

// over runs the suite over in-memory pipes, whose dialled ends wrap changes.
func over(t *testing.T, caps transports.Caps, wrap func(transports.Conn) transports.Conn) {
	listen := func(context.Context) (transports.Listener, error) {
		return listener{pipe.Listen(nil), wrap}, nil
	}
	dial := func(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
		c, err := l.(listener).Dial(ctx)
		if err != nil {
			return nil, err
		}
		return wrap(c), nil
	}
	transporttest.Run(t, dial, listen, caps)
}

type listener struct {
	*pipe.Listener
	wrap func(transports.Conn) transports.Conn
}

func (l listener) Accept(ctx context.Context) (transports.Conn, error) {
	c, err := l.Listener.Accept(ctx)
	if err != nil {
		return nil, err
	}
	return l.wrap(c), nil
}

// bare is a connection that has nothing but Read and Write, and says so.
type bare struct{ transports.Conn }

func (bare) Caps() transports.Caps { return transports.Caps{} }

func (b bare) CloseWrite() error { return b.refuse("close write") }

func (b bare) SetDeadline(time.Time) error      { return b.refuse("set deadline") }
func (b bare) SetReadDeadline(time.Time) error  { return b.refuse("set deadline") }
func (b bare) SetWriteDeadline(time.Time) error { return b.refuse("set deadline") }

func (b bare) refuse(op string) error {
	return &transports.Error{Transport: "pipe", Addr: "memory", Op: op, Err: errors.ErrUnsupported}
}

func TestBareTransport(t *testing.T) {
	over(t, transports.Caps{}, func(c transports.Conn) transports.Conn { return bare{c} })
}

// The faults are what transports get wrong; the suite must see each of them, in the case that is about it.

type plainErrors struct{ transports.Conn }

func (c plainErrors) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if te := (*transports.Error)(nil); errors.As(err, &te) {
		err = te.Err
	}
	return n, err
}

type wrappedEOF struct{ transports.Conn }

func (c wrappedEOF) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		err = errors.Join(err)
	}
	return n, err
}

type eatsBuffers struct{ transports.Conn }

func (c eatsBuffers) WriteBuffers(bufs [][]byte) (int64, error) {
	n, err := c.Conn.WriteBuffers(bufs)
	clear(bufs)
	return n, err
}

type cutsVectors struct{ transports.Conn }

func (c cutsVectors) WriteBuffers(bufs [][]byte) (int64, error) {
	return c.Conn.WriteBuffers(bufs[:min(len(bufs), transports.MaxParts)])
}

type loosePieces struct{ transports.Conn }

func (c loosePieces) WriteBuffers(bufs [][]byte) (n int64, err error) {
	for _, p := range bufs {
		m, err := c.Conn.Write(p)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

type closesOnce struct {
	transports.Conn
	closed *bool
}

func (c closesOnce) Close() error {
	if *c.closed {
		return errors.New("closed already")
	}
	*c.closed = true
	return c.Conn.Close()
}

// swallows takes all that is written into memory and sends it when it can.
type swallows struct {
	transports.Conn
	mu      sync.Mutex
	waiting bytes.Buffer
}

func (c *swallows) WriteBuffers(bufs [][]byte) (n int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range bufs {
		c.waiting.Write(p)
		n += int64(len(p))
	}
	return n, nil
}

type leaks struct {
	transports.Conn
	never chan struct{}
}

func (c leaks) Close() error {
	go func() { <-c.never }()
	return c.Conn.Close()
}

type otherCaps struct{ transports.Conn }

func (otherCaps) Caps() transports.Caps { return transports.Caps{HalfClose: true, Duplex: true} }

type lateCloseWrite struct {
	transports.Conn
	ended bool
}

func (c *lateCloseWrite) CloseWrite() error {
	if c.ended {
		return errors.New("ended already")
	}
	c.ended = true
	return c.Conn.CloseWrite()
}

var faults = map[string]struct {
	wrap func(transports.Conn) transports.Conn
	in   string // the case that must fail
}{
	"plain errors":        {func(c transports.Conn) transports.Conn { return plainErrors{c} }, "close unblocks a read"},
	"wrapped EOF":         {func(c transports.Conn) transports.Conn { return wrappedEOF{c} }, "half-close"},
	"eats its argument":   {func(c transports.Conn) transports.Conn { return eatsBuffers{c} }, "gathered writes"},
	"cuts long vectors":   {func(c transports.Conn) transports.Conn { return cutsVectors{c} }, "gathered writes"},
	"writes loose pieces": {func(c transports.Conn) transports.Conn { return loosePieces{c} }, "concurrent writes are whole"},
	"closes once": {func(c transports.Conn) transports.Conn {
		return closesOnce{c, new(bool)}
	}, "close twice"},
	"unbounded buffer":  {func(c transports.Conn) transports.Conn { return &swallows{Conn: c} }, "slow reader stops the writer"},
	"leaks a goroutine": {func(c transports.Conn) transports.Conn { return leaks{c, make(chan struct{})} }, "addresses"},
	"other caps":        {func(c transports.Conn) transports.Conn { return otherCaps{c} }, "what is not there is refused"},
	"half-closes once":  {func(c transports.Conn) transports.Conn { return &lateCloseWrite{Conn: c} }, "write after CloseWrite"},
}

// TestFault is run by TestFaults, in a process of its own.
func TestFault(t *testing.T) {
	fault, ok := faults[os.Getenv("TRANSPORT_FAULT")]
	if !ok {
		t.Skip("run by TestFaults")
	}
	over(t, pipeCaps, fault.wrap)
}

func TestFaults(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			run := strings.ReplaceAll(fault.in, " ", "_")
			cmd := exec.Command(program, "-test.run=^TestFault$/^"+run+"$", "-test.timeout=1m")
			cmd.Env = append(os.Environ(), "TRANSPORT_FAULT="+name)
			out, err := cmd.CombinedOutput()
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
				t.Fatalf("the suite passed: %v\n%s", err, out)
			}
			if !strings.Contains(string(out), "--- FAIL: TestFault/"+run) || strings.Contains(string(out), "panic:") {
				t.Errorf("the suite did not fail in %q:\n%s", fault.in, out)
			}
		})
	}
}

func TestMain(m *testing.M) {
	if os.Getenv("TRANSPORT_FAULT") != "" {
		os.Exit(m.Run())
	}
	transporttest.Main(m)
}
