// Package sock is what the stream sockets of the kernel, TCP and Unix, have in common: gathered writes that do not
// allocate, and errors that name the transport.
package sock

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
)

// halfCloser is what *net.TCPConn and *net.UnixConn have beyond net.Conn.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// Conn is a connected stream socket. Its methods are those of transports.Conn, without the addresses.
type Conn struct {
	nc        halfCloser
	transport string
	peer      string // as errors name it
	counter   *count.Listener

	mu  sync.Mutex  // held by a write from its first byte to its last, so that writes do not interleave
	vec [][]byte    // the part headers of the vector on its way; net.Buffers eats its argument
	nb  net.Buffers // a window on vec; a field, because one on the stack would escape with every call

	lazy lazy // of lazy reads

	closed, writeClosed atomic.Bool
}

// NewConn wraps a *net.TCPConn or *net.UnixConn. peer is what errors call the other end. The counter of the listener that accepted
// it, which may be nil, is told when it is closed.
func NewConn(nc net.Conn, transport, peer string, counter *count.Listener) *Conn {
	return &Conn{nc: nc.(halfCloser), transport: transport, peer: peer, counter: counter}
}

// NetConn returns the socket below.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Peer returns what errors call the other end.
func (c *Conn) Peer() string { return c.peer }

// Read reads what is there.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.nc.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a socket returns io.EOF itself
		err = c.wrap("read", err)
	}
	return n, err
}

// Write writes all of p.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.nc.Write(p)
	if err != nil {
		err = c.wrap("write", err)
	}
	return n, err
}

// WriteBuffers writes all of bufs, in vectors of at most transports.MaxParts parts.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sent int64
	for {
		c.vec = c.vec[:0]
		for len(bufs) > 0 && len(c.vec) < transports.MaxParts {
			if len(bufs[0]) > 0 {
				c.vec = append(c.vec, bufs[0])
			}
			bufs = bufs[1:]
		}
		if len(c.vec) == 0 {
			return sent, nil
		}
		c.nb = c.vec
		n, err := c.nb.WriteTo(c.nc) // loops over short writes
		sent += n
		clear(c.vec) // an idle connection must not keep the caller's memory alive
		c.nb = nil
		if err != nil {
			return sent, c.wrap("write", err)
		}
	}
}

// CloseWrite sends FIN.
func (c *Conn) CloseWrite() error {
	if c.closed.Load() {
		return c.wrap("close write", net.ErrClosed)
	}
	if c.writeClosed.Swap(true) {
		return nil
	}
	if err := c.nc.CloseWrite(); err != nil {
		if errors.Is(err, syscall.ENOTCONN) {
			return nil // the peer has reset the connection: that direction is closed already
		}
		return c.wrap("close write", err)
	}
	return nil
}

// Close closes the socket once.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.counter.Closed()
	if err := c.nc.Close(); err != nil {
		return c.wrap("close", err)
	}
	return nil
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error { return c.deadline(c.nc.SetDeadline(t)) }

// SetReadDeadline bounds reads.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.deadline(c.nc.SetReadDeadline(t)) }

// SetWriteDeadline bounds writes.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.deadline(c.nc.SetWriteDeadline(t)) }

// Caps tells that a stream socket has all there is.
func (c *Conn) Caps() transports.Caps {
	return transports.Caps{HalfClose: true, Duplex: true, Deadline: true, Gather: true}
}

func (c *Conn) deadline(err error) error {
	if err != nil {
		err = c.wrap("set deadline", err)
	}
	return err
}

// wrap says where err happened and what to do about it.
func (c *Conn) wrap(op string, err error) error {
	e := &transports.Error{Transport: c.transport, Addr: c.peer, Op: op, Err: err}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
	case c.closed.Load() || errors.Is(err, net.ErrClosed):
		// A write that Close interrupts can fail with EPIPE as well, by a hair.
		e.Err = net.ErrClosed
	case op == "write" && c.writeClosed.Load():
		e.Err, e.Hint = net.ErrClosed, "CloseWrite was called before"
	case errors.Is(err, syscall.ETIMEDOUT):
		e.Hint = "the peer stopped answering; is its machine up and the network between?"
	case op == "write" && errors.Is(e, transports.ErrPeerClosed):
		e.Hint = "the peer is gone; look there for the reason"
		// A port for TLS or HTTP says so, and who only writes would never read it.
		switch head := string(peek(c.nc, make([]byte, 4))); {
		case strings.HasPrefix(head, "\x15\x03"), strings.HasPrefix(head, "\x16\x03"):
			e.Hint = "the peer speaks TLS, use tls://"
		case head == "HTTP":
			e.Hint = "the peer speaks HTTP, use http://"
		case head == "GET ", head == "POST", head == "PRI ":
			e.Hint = "the peer is an HTTP client; it must use tcp://, or this end be http://"
		}
	case op == "read" && errors.Is(e, transports.ErrPeerClosed):
		e.Hint = "the peer died, or closed without reading all it was sent"
	}
	return e
}
