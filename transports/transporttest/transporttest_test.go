package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
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
		runtime.Gosched() // lets the others in
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

// forgetsTail keeps small writes until more comes, and CloseWrite does not send them.
type forgetsTail struct {
	transports.Conn
	tail []byte
}

func (c *forgetsTail) Write(p []byte) (int, error) {
	if len(c.tail) > 0 {
		if _, err := c.Conn.Write(c.tail); err != nil {
			return 0, err
		}
		c.tail = nil
	}
	if len(p) < 64 {
		c.tail = bytes.Clone(p)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// swapsParts gathers neighbours of the same size in another order.
type swapsParts struct{ transports.Conn }

func (c swapsParts) WriteBuffers(bufs [][]byte) (int64, error) {
	bufs = slices.Clone(bufs)
	for i := 1; i < len(bufs); i++ {
		if n := len(bufs[i]); n > 256 && n == len(bufs[i-1]) {
			bufs[i], bufs[i-1] = bufs[i-1], bufs[i]
		}
	}
	return c.Conn.WriteBuffers(bufs)
}

// dropsQueue sends what is large a little later, and Close does not wait for that.
type dropsQueue struct {
	transports.Conn
	mu    sync.Mutex
	queue []byte
}

func (c *dropsQueue) flush() error {
	p := c.queue
	c.queue = nil
	if len(p) == 0 {
		return nil
	}
	_, err := c.Conn.Write(p)
	return err
}

func (c *dropsQueue) Write(p []byte) (int, error) {
	n, err := c.WriteBuffers([][]byte{p})
	return int(n), err
}

func (c *dropsQueue) WriteBuffers(bufs [][]byte) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.flush(); err != nil {
		return 0, err
	}
	if p := bytes.Join(bufs, nil); len(p) > 5000 && len(p) < 200_000 {
		c.queue = p
		return int64(len(p)), nil
	}
	return c.Conn.WriteBuffers(bufs)
}

func (c *dropsQueue) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.flush(), c.Conn.CloseWrite())
}

// masks changes what it is given, as WebSocket does on its way.
type masks struct{ transports.Conn }

func (c masks) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	for i := range p {
		//lint:ignore SA1023 this is the fault
		p[i] ^= 0x5a
	}
	return n, err
}

// keepsWrite sends what Write was given with the call after that.
type keepsWrite struct {
	transports.Conn
	kept []byte
}

func (c *keepsWrite) Write(p []byte) (int, error) {
	if _, err := c.Conn.Write(c.kept); err != nil {
		return 0, err
	}
	c.kept = p
	return len(p), nil
}

func (c *keepsWrite) WriteBuffers(bufs [][]byte) (int64, error) {
	if _, err := c.Write(nil); err != nil {
		return 0, err
	}
	return c.Conn.WriteBuffers(bufs)
}

func (c *keepsWrite) CloseWrite() error {
	if _, err := c.Write(nil); err != nil {
		return err
	}
	return c.Conn.CloseWrite()
}

// oneDeadline ends writes with the deadline of reads.
type oneDeadline struct{ transports.Conn }

func (c oneDeadline) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		_ = c.Conn.SetWriteDeadline(t)
	}
	return c.Conn.SetReadDeadline(t)
}

// countsNothing says of a write that was cut short that nothing was sent.
type countsNothing struct{ transports.Conn }

func (c countsNothing) WriteBuffers(bufs [][]byte) (int64, error) {
	n, err := c.Conn.WriteBuffers(bufs)
	if err != nil {
		n = 0
	}
	return n, err
}

var faults = map[string]struct {
	wrap func(transports.Conn) transports.Conn
	in   string // the case that must fail
}{
	"forgets the tail":       {func(c transports.Conn) transports.Conn { return &forgetsTail{Conn: c} }, "batches: many"},
	"swaps parts":            {func(c transports.Conn) transports.Conn { return swapsParts{c} }, "batches: many"},
	"swaps parts of frames":  {func(c transports.Conn) transports.Conn { return swapsParts{c} }, "protocol: tables and messages"},
	"drops its queue":        {func(c transports.Conn) transports.Conn { return &dropsQueue{Conn: c} }, "batches: sender dies between messages"},
	"masks in place":         {func(c transports.Conn) transports.Conn { return masks{c} }, "many small messages"},
	"keeps its argument":     {func(c transports.Conn) transports.Conn { return &keepsWrite{Conn: c} }, "many small messages"},
	"keeps the last batch":   {func(c transports.Conn) transports.Conn { return &keepsWrite{Conn: c} }, "batches: one row each"},
	"one deadline":           {func(c transports.Conn) transports.Conn { return oneDeadline{c} }, "deadline of both"},
	"cancels both ways":      {func(c transports.Conn) transports.Conn { return oneDeadline{c} }, "batches: one direction is cancelled"},
	"does not count":         {func(c transports.Conn) transports.Conn { return countsNothing{c} }, "batches: write is cancelled in a message"},
	"unbounded with batches": {func(c transports.Conn) transports.Conn { return &swallows{Conn: c} }, "batches: slow reader stops the writer"},
	"plain errors":           {func(c transports.Conn) transports.Conn { return plainErrors{c} }, "close unblocks a read"},
	"wrapped EOF":            {func(c transports.Conn) transports.Conn { return wrappedEOF{c} }, "half-close"},
	"eats its argument":      {func(c transports.Conn) transports.Conn { return eatsBuffers{c} }, "gathered writes"},
	"cuts long vectors":      {func(c transports.Conn) transports.Conn { return cutsVectors{c} }, "gathered writes"},
	"writes loose pieces":    {func(c transports.Conn) transports.Conn { return loosePieces{c} }, "concurrent writes are whole"},
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
			cmd := exec.Command(program, "-test.run=^TestFault$/^"+run+"$", "-test.timeout=3m")
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

// TestFaultsOfTables wants all cases that are about bytes and listeners to pass with faults that only batches show: else
// those could do without this half of the suite.
func TestFaultsOfTables(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"swaps parts", "drops its queue"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(program, "-test.run=^TestFault$", "-test.skip=^TestFault$/^(batches|protocol):", "-test.timeout=3m", "-test.v")
			cmd.Env = append(os.Environ(), "TRANSPORT_FAULT="+name)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS: TestFault/many_small_messages") {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

func TestMain(m *testing.M) {
	if os.Getenv("TRANSPORT_FAULT") != "" {
		transporttest.Impatient()
		os.Exit(m.Run())
	}
	transporttest.Main(m)
}
