// Package tls carries a stream over TLS 1.3 on TCP: encrypted, with a server whose certificate is checked and, if it asks for
// that, clients whose certificates are. The bytes inside are those of package tcp.
//
// Nothing older is spoken, and nothing is ever sent in plain text: a peer that does not speak TLS is an error that says so.
// The end of a direction is TLS's own (close_notify), so a stream that somebody on the way has cut is told from one that
// has ended: its error matches [transports.ErrPeerClosed].
//
// Small parts of a gathered write are put together, records of TLS written in batches, and a deadline leaves the connection
// usable, which it does not in package crypto/tls.
package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/gather"
	"github.com/lightstream-go/lightstream/transports/internal/wire"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

const name = "tls"

// DialOptions are the settings of [Dial].
type DialOptions struct {
	// Socket has the settings of the socket. Its zero value means the defaults.
	Socket tcp.Socket
	// TLS says who this end is and whom it trusts. Its zero value is a client without a certificate that trusts the
	// authorities of the system and wants the host that is dialled.
	TLS Config
	// HandshakeTimeout bounds the handshake. Zero means 10 s, negative no bound but that of the context.
	HandshakeTimeout time.Duration
}

const handshakeTimeout = 10 * time.Second

// Dial connects to addr, "host:port", and shakes hands. ctx bounds both, not the connection; nil options mean all defaults.
//
// Errors are of type *[transports.Error] and wrap the cause, which is the context's error if ctx ended. With errors.Is they
// match those of this package: [ErrWrongName], [ErrExpired], [ErrUnknownAuthority], [ErrVersion], [ErrNotTLS], [ErrRefused].
// A server that wants a certificate says so only when the first bytes are read or written: that error matches [ErrNoCertificate].
func Dial(ctx context.Context, addr string, opts *DialOptions) (*Conn, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	config, err := opts.TLS.Client(hostOf(addr))
	if err != nil {
		return nil, &transports.Error{Transport: name, Addr: addr, Op: "dial", Err: err}
	}
	below, err := tcp.Dial(ctx, addr, &tcp.DialOptions{Socket: opts.Socket})
	if err != nil {
		return nil, renamed(err)
	}
	w := wire.New(below.NetConn())
	tc := tls.Client(w, config)
	if err := handshake(ctx, tc, w, opts.HandshakeTimeout); err != nil {
		_ = w.Close()
		if ended := ctx.Err(); ended != nil {
			err = ended
		}
		return nil, handshakeError(addr, "handshake", err, w.Received())
	}
	return newConn(tc, w, addr, nil), nil
}

// renamed gives an error of package tcp this transport's name.
func renamed(err error) error {
	var te *transports.Error
	if !errors.As(err, &te) {
		return err
	}
	again := *te
	again.Transport = name
	return &again
}

// handshake shakes hands until ctx ends, and no longer than timeout.
func handshake(ctx context.Context, tc *tls.Conn, w *wire.Conn, timeout time.Duration) error {
	if timeout == 0 {
		timeout = handshakeTimeout
	}
	if timeout < 0 {
		return tc.HandshakeContext(ctx)
	}
	// Not by the context, whose end closes the connection: a peer that is late is told so.
	if err := w.Conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if err := tc.HandshakeContext(ctx); err != nil {
		return err
	}
	return w.Conn.SetDeadline(time.Time{})
}

// Conn is a TLS connection, a [transports.Conn] with all of [transports.Caps] but Gather. Its methods may be called by any
// number of goroutines; writes are sent whole, one after the other.
type Conn struct {
	tc            *tls.Conn
	wire          *wire.Conn
	peer          string // as errors name it
	local, remote transports.Addr
	counter       *count.Listener

	mu    sync.Mutex // held by a write from its first byte to its last, so that writes do not interleave
	parts gather.Coalescer

	reading sync.Mutex
	pushed  []byte // a byte that was read while looking for an alert

	closed, writeClosed atomic.Bool
}

func newConn(tc *tls.Conn, w *wire.Conn, peer string, counter *count.Listener) *Conn {
	return &Conn{
		tc: tc, wire: w, peer: peer, counter: counter,
		local:  transports.Addr{Transport: name, Name: w.LocalAddr().String()},
		remote: transports.Addr{Transport: name, Name: w.RemoteAddr().String()},
	}
}

// Read reads what has arrived, at most one record of 16 KiB, waiting until something has. The error is a bare io.EOF after
// the peer's half-close or close, and one that matches [transports.ErrPeerClosed] if the connection ended without that.
func (c *Conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.closed.Load() {
		return 0, c.wrap("read", net.ErrClosed)
	}
	if len(c.pushed) > 0 {
		n := copy(p, c.pushed)
		c.pushed = c.pushed[n:]
		return n, nil
	}
	n, err := c.tc.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // that of close_notify
		err = c.wrap("read", err)
	}
	return n, err
}

// Write writes all of p. It returns when the kernel has taken it, which is before it has arrived. Of what a deadline cuts short
// up to 128 KiB are accepted and go out in the background.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.begin()
	if err != nil {
		return 0, c.wrap("write", err)
	}
	_, err = (*plain)(c).Write(p)
	n, err := c.wire.Finish(int64(len(p)), err)
	if err != nil {
		err = c.wrap("write", err)
	}
	return int(n), err
}

// WriteBuffers writes all parts: small ones are copied together, large ones encrypted from where they are. It neither keeps
// nor changes bufs and does not allocate in the steady state.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.begin()
	if err != nil {
		return 0, c.wrap("write", err)
	}
	_, err = c.parts.WriteTo((*plain)(c), bufs)
	n, err := c.wire.Finish(gather.Len(bufs), err)
	if err != nil {
		err = c.wrap("write", err)
	}
	return n, err
}

func (c *Conn) begin() error {
	if c.closed.Load() || c.writeClosed.Load() {
		return net.ErrClosed
	}
	return c.wire.Begin()
}

// plain is where the parts of a write go.
type plain Conn

// Write encrypts p and writes full batches.
func (c *plain) Write(p []byte) (int, error) {
	n := 0
	for len(p) > 0 {
		m, err := c.tc.Write(p[:min(c.wire.Room(), len(p))])
		n += m
		p = p[m:]
		if err == nil {
			err = c.wire.Took(m)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// CloseWrite sends close_notify after what was written. Reading goes on.
func (c *Conn) CloseWrite() error {
	if c.closed.Load() {
		return c.wrap("close write", net.ErrClosed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	again := c.writeClosed.Swap(true)
	err := c.endWrites()
	if again && !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(&transports.Error{Op: "write", Err: err}, transports.ErrPeerClosed) {
		return nil // the peer has reset the connection: that direction is closed already
	}
	if err != nil {
		err = c.wrap("close write", err)
	}
	return err
}

// endWrites sends what is kept and close_notify.
func (c *Conn) endWrites() error {
	if err := c.wire.Begin(); err != nil {
		return err
	}
	_, err := c.wire.Finish(0, c.tc.CloseWrite()) // which sends it once
	return err
}

// closeTimeout bounds how long Close waits for a peer that does not read.
const closeTimeout = time.Second

// Close ends both directions, with close_notify, and closes the connection; blocked calls return. What was written is still
// delivered in the background, unless received bytes were left unread, or the peer does not read: then the end may be
// missing, and the peer's error matches [transports.ErrPeerClosed].
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.counter.Closed()
	if c.mu.TryLock() { // else a write is blocked, and closing the socket ends it
		_ = c.wire.LimitWrites(time.Now().Add(closeTimeout))
		_ = c.endWrites() // the peer gets its error if this fails
		c.mu.Unlock()
		wire.Discard(c.wire.Conn)
	}
	if err := c.wire.Close(); err != nil {
		return c.wrap("close", err)
	}
	return nil
}

// Refuse breaks the connection off: the peer gets an error that matches [transports.ErrPeerClosed] in place of an end. TLS has no place for why.
func (c *Conn) Refuse(string) error {
	if c.closed.Swap(true) {
		return nil
	}
	c.counter.Closed()
	if t, ok := c.wire.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = t.SetLinger(0)
	}
	if err := c.wire.Close(); err != nil {
		return c.wrap("close", err)
	}
	return nil
}

// SetDeadline bounds reads and writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.deadline(c.wire.SetReadDeadline(t)) }

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.deadline(c.wire.LimitWrites(t)) }

func (c *Conn) deadline(err error) error {
	if err != nil {
		err = c.wrap("set deadline", err)
	}
	return err
}

// LocalAddr returns this end's address as a [transports.Addr].
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address as a [transports.Addr].
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Caps tells that the connection has everything but Gather: what is sent is encrypted first.
func (c *Conn) Caps() transports.Caps {
	return transports.Caps{HalfClose: true, Duplex: true, Deadline: true}
}

// ConnectionState tells what was agreed upon and whose certificates the peer has shown.
func (c *Conn) ConnectionState() tls.ConnectionState { return c.tc.ConnectionState() }

// wrap says where err happened and what to do about it.
func (c *Conn) wrap(op string, err error) error {
	e := &transports.Error{Transport: name, Addr: c.peer, Op: op, Err: err}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return e
	case c.closed.Load() || errors.Is(err, net.ErrClosed):
		e.Err = net.ErrClosed
		if !c.closed.Load() {
			e.Hint = "CloseWrite was called before"
		}
		return e
	case op == "write" && c.reading.TryLock():
		// The reason may have been sent: an alert lies among what has been received. With the connection broken, reading
		// it does not wait. A Read that is under way gets it itself.
		if errors.Is(e, transports.ErrPeerClosed) && len(c.pushed) == 0 {
			b := make([]byte, 1)
			n, why := c.tc.Read(b)
			c.pushed = b[:n]
			if _, ok := alertOf(why); ok {
				e.Err = why
			}
		}
		c.reading.Unlock()
	}
	if hint, why := Explain(e.Err); hint != "" {
		e.Err, e.Hint = why, hint
	} else if errors.Is(e, transports.ErrPeerClosed) {
		e.Hint = "the peer is gone, or the connection was cut; look there for the reason"
	}
	return e
}

var _ transports.Conn = (*Conn)(nil)
