// Package transporttest is the test that every transport passes: one suite, run over a dialler and a listener.
//
//	func TestTransport(t *testing.T) {
//		listen := func(ctx context.Context) (transports.Listener, error) {
//			return tcp.Listen(ctx, "127.0.0.1:0", nil)
//		}
//		dial := func(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
//			return tcp.Dial(ctx, l.Addr().String(), nil)
//		}
//		caps := transports.Caps{HalfClose: true, Duplex: true, Deadline: true, Gather: true}
//		transporttest.Run(t, dial, listen, caps)
//	}
//
//	func TestMain(m *testing.M) { transporttest.Main(m) }
//
// What a transport does not have, by its [transports.Caps], is tested to be refused with errors.ErrUnsupported, and the
// cases that need it are skipped with that reason.
//
// # How the suite is built
//
// The suite is a list of named cases, in suites. A case gets an env, whose pair function connects a sender and a
// receiver; [Run] runs each case once with the dialler as the sender and once with the listener's end as the sender,
// and fails it if goroutines are left. To add cases, write them as a []testCase of their own and put that into suites:
// nothing else changes. The first list, byteCases, is about bytes, listenCases about the listener, and tableCases about
// tables: they stream batches with the readers and writers of the runtime, and are what users will see. protocolCases
// speak the Lightstream protocol, with generated types and without.
//
// No case depends on how fast the machine is: deadlines are long past, or never reached, or are the means by which a
// writer that must block is stopped.
package transporttest

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/transports"
)

// Role is what the dialling end of a connection will do.
type Role = transports.Role

const (
	SendsAndReceives = transports.SendsAndReceives // only if Caps has Duplex
	Sends            = transports.Sends
	Receives         = transports.Receives
)

type (
	// DialFunc connects to l, which ListenFunc has returned.
	DialFunc func(ctx context.Context, l transports.Listener, role Role) (transports.Conn, error)

	// ListenFunc makes a listener at an address of its own.
	ListenFunc func(ctx context.Context) (transports.Listener, error)
)

// Run runs the suite. caps is what every connection must say that it has; where that is not Duplex, an end that only
// receives has neither HalfClose nor Gather. The test must not be parallel to others, as goroutines are counted.
func Run(t *testing.T, dial DialFunc, listen ListenFunc, caps transports.Caps) {
	RunWith(t, dial, listen, caps, Options{})
}

// Options are what the suite has to know of some transports.
type Options struct {
	// DiallerFirst tells that Accept returns a connection when the dialling end has sent something, or has ended its
	// direction, as QUIC does it. The suite then lets an end that dials in order to send do that first.
	DiallerFirst bool
	// Dialled is what connections that were dialled have beyond caps. Where that is HalfClose, the suite ends their
	// direction by CloseWrite, and that of accepted ones by Close.
	Dialled transports.Caps
	// AbortDrops tells that Close, of an end that has not ended its direction, may drop what the other end has not read yet, as a
	// reset of a stream of HTTP/2 does. The other end must see an error all the same.
	AbortDrops bool
}

// RunWith is Run with options.
func RunWith(t *testing.T, dial DialFunc, listen ListenFunc, caps transports.Caps, opts Options) {
	for _, c := range slices.Concat(suites...) {
		t.Run(c.name, func(t *testing.T) {
			if c.once {
				runCase(t, c, &env{dial: dial, listen: listen, caps: caps, opts: opts})
				return
			}
			for _, diallerSends := range []bool{true, false} {
				name := "dialler sends"
				if !diallerSends {
					name = "listener sends"
				}
				t.Run(name, func(t *testing.T) {
					runCase(t, c, &env{dial: dial, listen: listen, caps: caps, opts: opts, diallerSends: diallerSends})
				})
			}
		})
	}
}

// suites are the cases that Run runs, in order.
var suites = [][]testCase{byteCases, listenCases, tableCases, protocolCases}

// A testCase is one property of a transport.
type testCase struct {
	name  string
	needs transports.Caps // without one of these the case is skipped
	once  bool            // for cases in which neither end is the sender
	run   func(t *testing.T, e *env)
}

func runCase(t *testing.T, c testCase, e *env) {
	switch {
	case c.needs.HalfClose && !e.caps.HalfClose:
		t.Skip("the transport has no half-close")
	case c.needs.Duplex && !e.caps.Duplex:
		t.Skip("the transport is not duplex")
	case c.needs.Deadline && !e.caps.Deadline:
		t.Skip("the transport has no deadlines")
	}
	before := goleak.IgnoreCurrent()
	// The first cleanup runs last: after those by which the case closes what it opened.
	t.Cleanup(func() {
		if !t.Failed() {
			if err := leaked(before); err != nil {
				t.Error(err)
			}
		}
	})
	c.run(t, e)
}

// Main runs the tests of a package, for its TestMain, and fails if goroutines are left when all have ended. In a process that
// [RunProcesses] has started it is the other end of a connection instead.
func Main(m *testing.M) {
	if uri := os.Getenv(processURI); uri != "" {
		if err := runProcess(uri, os.Getenv(processRole)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if code == 0 {
		if err := leaked(); err != nil {
			fmt.Fprintf(os.Stderr, "when all tests had ended: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

// patience is how often goroutines are looked for, which takes about half a second if some are left; QUIC's time-out is 30 s from the
// last packet.
var patience = 150

// leaked tells whether goroutines are left. It has patience: QUIC keeps a socket that is closed for some round trips, to
// tell late packets so, and learns by a time-out alone that the other end is gone where its last packet was lost.
func leaked(opts ...goleak.Option) (err error) {
	for range patience {
		if err = goleak.Find(opts...); err == nil {
			return nil
		}
	}
	return err
}

// env is what a case works with.
type env struct {
	dial         DialFunc
	listen       ListenFunc
	caps         transports.Caps
	opts         Options
	diallerSends bool
}

// pair returns the ends of a new connection for one direction: the first sends, the second receives. They are closed
// when the test ends.
func (e *env) pair(t *testing.T) (sender, receiver transports.Conn) {
	t.Helper()
	role := Sends
	if !e.diallerSends {
		role = Receives
	}
	return e.connect(t, role)
}

// duplex returns the ends of a new connection for both directions. They are closed when the test ends.
func (e *env) duplex(t *testing.T) (a, b transports.Conn) {
	t.Helper()
	return e.connect(t, SendsAndReceives)
}

func (e *env) connect(t *testing.T, role Role) (a, b transports.Conn) {
	t.Helper()
	l := e.listener(t)
	dialled, accepted := e.dialAndAccept(t, l, role)
	if e.diallerSends {
		return dialled, accepted
	}
	return accepted, dialled
}

// listener returns a new listener, which is closed when the test ends.
func (e *env) listener(t *testing.T) transports.Listener {
	t.Helper()
	l, err := e.listen(t.Context())
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("closing the listener: %v", err)
		}
	})
	return l
}

func (e *env) dialAndAccept(t *testing.T, l transports.Listener, role Role) (dialled, accepted transports.Conn) {
	t.Helper()
	// At the same time, as either may need the other to go on.
	accept := start(func() (transports.Conn, error) { return l.Accept(t.Context()) })
	dialled, err := e.dial(t.Context(), l, role)
	if err != nil {
		_ = l.Close() // ends Accept
		<-accept
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = dialled.Close() }) // some cases break it on purpose
	e.greet(t, dialled, role)
	got := <-accept
	if got.err != nil {
		t.Fatalf("accept: %v", got.err)
	}
	t.Cleanup(func() { _ = got.val.Close() })
	e.greeted(t, got.val, role)
	return dialled, got.val
}

// greet sends the first byte of an end that has dialled, where the other end waits for that. If it fails it closes c.
func (e *env) greet(t *testing.T, c transports.Conn, role Role) {
	t.Helper()
	if !e.opts.DiallerFirst || role == Receives {
		return
	}
	if _, err := c.Write([]byte{'!'}); err != nil {
		t.Errorf("the first byte: %v", err)
		_ = c.Close()
	}
}

// greeted receives that byte.
func (e *env) greeted(t *testing.T, c transports.Conn, role Role) {
	t.Helper()
	if !e.opts.DiallerFirst || role == Receives {
		return
	}
	var b [1]byte
	if _, err := io.ReadFull(c, b[:]); err != nil || b[0] != '!' {
		t.Fatalf("the first byte is %q, %v", b, err)
	}
}

// result is what a function returned that ran in a goroutine.
type result[T any] struct {
	val T
	err error
}

// start runs f in a goroutine and returns a channel that gets what it returned. The channel has room for it, so that the
// goroutine ends even if nobody asks.
func start[T any](f func() (T, error)) <-chan result[T] {
	c := make(chan result[T], 1)
	go func() {
		v, err := f()
		c <- result[T]{v, err}
	}()
	return c
}
