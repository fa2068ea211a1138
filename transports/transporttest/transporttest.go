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
// tables: they stream batches with the readers and writers of the runtime, and are what users will see.
//
// No case depends on how fast the machine is: deadlines are long past, or never reached, or are the means by which a
// writer that must block is stopped.
package transporttest

import (
	"context"
	"fmt"
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

// Run runs the suite. caps is what every connection must say that it has. The test must not be parallel to others, as
// goroutines are counted.
func Run(t *testing.T, dial DialFunc, listen ListenFunc, caps transports.Caps) {
	for _, c := range slices.Concat(suites...) {
		t.Run(c.name, func(t *testing.T) {
			if c.once {
				runCase(t, c, &env{dial: dial, listen: listen, caps: caps})
				return
			}
			for _, diallerSends := range []bool{true, false} {
				name := "dialler sends"
				if !diallerSends {
					name = "listener sends"
				}
				t.Run(name, func(t *testing.T) {
					runCase(t, c, &env{dial: dial, listen: listen, caps: caps, diallerSends: diallerSends})
				})
			}
		})
	}
}

// suites are the cases that Run runs, in order.
var suites = [][]testCase{byteCases, listenCases, tableCases}

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
			goleak.VerifyNone(t, before)
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
	goleak.VerifyTestMain(m)
}

// env is what a case works with.
type env struct {
	dial         DialFunc
	listen       ListenFunc
	caps         transports.Caps
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
	got := <-accept
	if got.err != nil {
		t.Fatalf("accept: %v", got.err)
	}
	t.Cleanup(func() { _ = got.val.Close() })
	return dialled, got.val
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
