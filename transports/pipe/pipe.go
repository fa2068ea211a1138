// Package pipe carries a stream through memory, inside one process: what tests use in place of a network, and parts of
// a program that are joined by streams.
//
// Unlike [net.Pipe] a connection has a buffer of fixed size each way, so a write returns when its bytes fit and blocks
// when they do not, as on a socket; half-close, deadlines and gathered writes work. Nothing waits except on condition
// variables and timers, so everything works, with exact times, inside a testing/synctest bubble.
package pipe

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
)

const (
	transport     = "pipe"
	defaultName   = "memory"
	defaultBuffer = 64 << 10
)

// Options are the settings of [New] and of each connection of a [Listener].
type Options struct {
	// Name is what addresses and errors call the pipe. Empty means "memory".
	Name string
	// Buffer is how many bytes each direction holds before writes block. Zero means 64 KiB, less than zero 1. It is
	// allocated by the first write.
	Buffer int
}

// New returns the two ends of a new connection. What is written to one is read from the other. Nil options mean all
// defaults.
func New(opts *Options) (*Conn, *Conn) {
	o := opts.orDefaults()
	var there, back half
	there.init(o.Buffer)
	back.init(o.Buffer)
	return &Conn{in: &back, out: &there, name: o.Name}, &Conn{in: &there, out: &back, name: o.Name}
}

func (o *Options) orDefaults() Options {
	var set Options
	if o != nil {
		set = *o
	}
	if set.Name == "" {
		set.Name = defaultName
	}
	if set.Buffer == 0 {
		set.Buffer = defaultBuffer
	}
	set.Buffer = max(set.Buffer, 1)
	return set
}

// Conn is one end of a connection, a [transports.Conn]. Its methods may be called by any number of goroutines; writes
// are sent whole, one after the other.
type Conn struct {
	in, out *half
	name    string
	counter *count.Listener

	closed, writeClosed atomic.Bool
}

// Read reads what is in the buffer, waiting until something is. The error is a bare io.EOF after the other end's
// CloseWrite or Close, once everything before was read.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // only the bare one is the end
		err = c.wrap("read", err)
	}
	return n, err
}

// Write copies all of p into the buffer, waiting for room. Once the other end is closed the error matches
// [transports.ErrPeerClosed].
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	if err != nil {
		err = c.wrap("write", err)
	}
	return n, err
}

// WriteBuffers copies all parts into the buffer, waiting for room. It neither keeps nor changes bufs and does not
// allocate.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) {
	n, err := c.out.writeBuffers(bufs)
	if err != nil {
		err = c.wrap("write", err)
	}
	return n, err
}

// CloseWrite ends the direction to the other end: its reads get io.EOF after what was written. Reading goes on.
func (c *Conn) CloseWrite() error {
	if c.closed.Load() {
		return c.wrap("close write", net.ErrClosed)
	}
	c.writeClosed.Store(true)
	c.out.closeWrite(io.EOF)
	return nil
}

// Close closes this end; blocked calls return. The other end can still read what was written. It returns nil.
func (c *Conn) Close() error {
	c.close(io.EOF, transports.ErrPeerClosed)
	return nil
}

// CloseWithError closes this end as Close does, but gives the other end cause instead of a clean end: its reads, after
// what was written, and its writes return an error wrapping cause. So tests can break a connection in the middle of a
// message. With nil it is Close.
func (c *Conn) CloseWithError(cause error) {
	if cause == nil {
		_ = c.Close()
		return
	}
	c.close(cause, cause)
}

func (c *Conn) close(end, gone error) {
	if c.closed.Swap(true) {
		return
	}
	c.counter.Closed()
	c.out.closeWrite(end)
	c.in.closeRead(gone)
	// Timers that are still running would only keep the connection from being collected.
	c.out.setWriteDeadline(time.Time{})
	c.in.setReadDeadline(time.Time{})
}

// SetDeadline bounds reads and writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.wrap("set deadline", net.ErrClosed)
	}
	c.in.setReadDeadline(t)
	return nil
}

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.wrap("set deadline", net.ErrClosed)
	}
	c.out.setWriteDeadline(t)
	return nil
}

// LocalAddr returns the pipe's name as a [transports.Addr], as RemoteAddr does.
func (c *Conn) LocalAddr() net.Addr { return c.RemoteAddr() }

// RemoteAddr returns the pipe's name as a [transports.Addr].
func (c *Conn) RemoteAddr() net.Addr { return transports.Addr{Transport: transport, Name: c.name} }

// Caps tells that the connection has everything but a wire.
func (c *Conn) Caps() transports.Caps {
	return transports.Caps{HalfClose: true, Duplex: true, Deadline: true}
}

func (c *Conn) wrap(op string, err error) error {
	e := &transports.Error{Transport: transport, Addr: c.name, Op: op, Err: err}
	if op == "write" && errors.Is(err, net.ErrClosed) && !c.closed.Load() && c.writeClosed.Load() {
		e.Hint = "CloseWrite was called before"
	}
	return e
}

// ListenOptions are the settings of [Listen].
type ListenOptions struct {
	// Options are those of each connection; Name is the listener's too.
	Options Options

	// Authorize is asked about each peer before Accept returns it; Peer.Identity is nil. An error refuses the peer:
	// the connection is closed and Accept waits for the next. ctx is Accept's. Nil lets everyone in.
	Authorize func(ctx context.Context, peer *transports.Peer) error
}

// backlog is how many connections may wait for Accept before Dial waits too.
const backlog = 128

// Listen returns a listener that [Listener.Dial] dials. Nil options mean all defaults. There is no register of names:
// who has the listener can dial it.
func Listen(opts *ListenOptions) *Listener {
	if opts == nil {
		opts = &ListenOptions{}
	}
	return &Listener{
		opts: opts.Options.orDefaults(), authorize: opts.Authorize,
		queue: make(chan *Conn, backlog), done: make(chan struct{}),
	}
}

// Listener accepts connections through memory. Its methods may be called by any number of goroutines.
type Listener struct {
	opts      Options
	authorize func(context.Context, *transports.Peer) error

	counter count.Listener

	queue  chan *Conn // dialled and not yet accepted
	done   chan struct{}
	closed atomic.Bool
}

// Dial connects to the listener. It does not wait for Accept unless 128 connections do already; ctx bounds that.
func (l *Listener) Dial(ctx context.Context) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.wrap("dial", err)
	}
	near, far := New(&l.opts)
	select {
	case <-l.done: // first, as the queue may have room
		return nil, l.refused()
	default:
	}
	select {
	case l.queue <- far:
	case <-l.done:
		return nil, l.refused()
	case <-ctx.Done():
		return nil, l.wrap("dial", ctx.Err())
	}
	if l.closed.Load() {
		l.drain() // Close may have looked before far was there
	}
	return near, nil
}

// Accept waits for the next connection that Authorize lets in; it is a *[Conn]. ctx bounds the wait, not the
// connection. After Close the error wraps [net.ErrClosed].
func (l *Listener) Accept(ctx context.Context) (transports.Conn, error) {
	for {
		switch {
		case l.closed.Load():
			return nil, l.wrap("accept", net.ErrClosed)
		case ctx.Err() != nil:
			return nil, l.wrap("accept", ctx.Err())
		}
		select {
		case c := <-l.queue:
			if l.authorize != nil &&
				l.authorize(ctx, &transports.Peer{Transport: transport, Addr: c.RemoteAddr()}) != nil {
				_ = c.Close()
				l.counter.Refused()
				continue
			}
			l.counter.Accepted()
			c.counter = &l.counter
			return c, nil
		case <-l.done:
		case <-ctx.Done():
		}
	}
}

// Close stops listening. Connections that wait for Accept are closed, accepted ones stay open. It returns nil.
func (l *Listener) Close() error {
	if !l.closed.Swap(true) {
		close(l.done)
		l.drain()
	}
	return nil
}

// drain closes the connections that nobody will accept.
func (l *Listener) drain() {
	for {
		select {
		case c := <-l.queue:
			_ = c.Close()
		default:
			return
		}
	}
}

// Stats returns what the listener has done so far.
func (l *Listener) Stats() transports.ListenerStats { return l.counter.Stats() }

// Addr returns the name as a [transports.Addr].
func (l *Listener) Addr() net.Addr { return transports.Addr{Transport: transport, Name: l.opts.Name} }

var (
	_ transports.Conn     = (*Conn)(nil)
	_ transports.Listener = (*Listener)(nil)
)

// errRefused stands for the system's "connection refused".
var errRefused = errors.New("connection refused")

func (l *Listener) refused() error {
	e := l.wrap("dial", errRefused)
	e.Hint = "its listener was closed"
	return e
}

func (l *Listener) wrap(op string, err error) *transports.Error {
	return &transports.Error{Transport: transport, Addr: l.opts.Name, Op: op, Err: err}
}
