package sock

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
)

// deadlineListener is what *net.TCPListener and *net.UnixListener have beyond net.Listener.
type deadlineListener interface {
	net.Listener
	SetDeadline(t time.Time) error
}

// Listener is a listening stream socket whose Accept takes a context.
type Listener struct {
	ln        deadlineListener
	transport string
	addr      string // as errors name it
	Counter   count.Listener

	// The deadline by which a context interrupts Accept belongs to the socket, not to one call. So calls take turns
	// at the socket: whoever has put a value into turn owns the deadline.
	turn   chan struct{}
	done   chan struct{} // closed by Close
	closed atomic.Bool
}

// NewListener wraps a *net.TCPListener or *net.UnixListener. addr is what errors call it.
func NewListener(ln net.Listener, transport, addr string) *Listener {
	return &Listener{
		ln: ln.(deadlineListener), transport: transport, addr: addr,
		turn: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// Accept waits for the next connection, until ctx is done or Close was called.
func (l *Listener) Accept(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.wrap("accept", err)
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-l.done:
		return nil, l.wrap("accept", net.ErrClosed)
	case <-ctx.Done():
		return nil, l.wrap("accept", ctx.Err())
	}

	expired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = l.ln.SetDeadline(time.Unix(1, 0)) // fails only on a closed socket, whose Accept returns anyway
		close(expired)
	})
	nc, err := l.ln.Accept()
	if !stop() {
		<-expired // else it could interrupt whoever comes next
		_ = l.ln.SetDeadline(time.Time{})
	}
	switch {
	case err == nil:
		return nc, nil
	case l.closed.Load():
		err = net.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		err = ctx.Err()
	}
	l.Counter.Failed(err, outOfFiles(err))
	return nil, l.wrap("accept", err)
}

// Close closes the socket once.
func (l *Listener) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	close(l.done)
	if err := l.ln.Close(); err != nil {
		return l.wrap("close", err)
	}
	return nil
}

// NetListener returns the socket below.
func (l *Listener) NetListener() net.Listener { return l.ln }

func (l *Listener) wrap(op string, err error) error {
	e := &transports.Error{Transport: l.transport, Addr: l.addr, Op: op, Err: err}
	if outOfFiles(err) {
		e.Hint = "this process has no file descriptor left; raise its limit or close connections"
	}
	return e
}
