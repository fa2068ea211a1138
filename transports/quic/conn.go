package quic

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/gather"
)

// receiver and sender are the directions of a stream.
type receiver interface {
	Read(p []byte) (int, error)
	CancelRead(quic.StreamErrorCode)
	SetReadDeadline(t time.Time) error
}

type sender interface {
	Write(p []byte) (int, error)
	Close() error
	CancelWrite(quic.StreamErrorCode)
	SetWriteDeadline(t time.Time) error
}

// Conn is one QUIC stream, a [transports.Conn]. One of a bidirectional stream has HalfClose, Duplex and Deadline; one
// of a unidirectional stream sends, with HalfClose and Deadline, or receives, with Deadline. Its methods may be called
// by any number of goroutines; writes are sent whole, one after the other.
type Conn struct {
	link    *link
	id      atomic.Int64 // of the stream, -1 before the peer has opened it
	in      receiver     // nil if it only sends
	out     sender       // nil if it only receives
	counter *count.Listener

	mu       sync.Mutex // held by a write from its first byte to its last, so that writes do not interleave
	coalesce gather.Coalescer

	closed, writeClosed, eof atomic.Bool

	// Of link.mu:
	read     bool // the end of the other direction was read, or nobody will read it
	finished bool // this end has ended its direction
}

// Read reads what has arrived, waiting until something has. The error is a bare io.EOF after the peer's half-close or
// close, and one that matches [transports.ErrPeerClosed] if it broke off the stream or the connection was lost.
func (c *Conn) Read(p []byte) (int, error) {
	if c.in == nil {
		return 0, c.unsupported("read")
	}
	if c.eof.Load() && !c.closed.Load() {
		return 0, io.EOF // the connection below may be gone by now
	}
	n, err := c.in.Read(p)
	switch {
	case err == nil:
	case err == io.EOF && !c.closed.Load(): //nolint:errorlint // of a stream
		c.eof.Store(true)
		c.link.atEnd(c)
	case err == io.EOF: //nolint:errorlint // of a stream
		err = c.wrap("read", net.ErrClosed)
	default:
		err = c.wrap("read", err)
	}
	return n, err
}

// Write writes all of p. It returns when all but the last packet of it has been sent, which is before it has arrived.
func (c *Conn) Write(p []byte) (int, error) {
	if c.out == nil {
		return 0, c.unsupported("write")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writable(); err != nil {
		return 0, err
	}
	n, err := c.out.Write(p)
	if n > 0 {
		c.link.sent.Store(true)
	}
	if err != nil {
		err = c.wrap("write", err)
	}
	return n, err
}

// WriteBuffers writes all parts. Those below 4 KiB are copied together, others go to the packets from where they are.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) {
	if c.out == nil {
		return 0, c.unsupported("write")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writable(); err != nil {
		return 0, err
	}
	n, err := c.coalesce.WriteTo(c.out, bufs)
	if n > 0 {
		c.link.sent.Store(true)
	}
	if err != nil {
		err = c.wrap("write", err)
	}
	return n, err
}

func (c *Conn) writable() error {
	if c.closed.Load() || c.writeClosed.Load() {
		return c.wrap("write", net.ErrClosed)
	}
	return nil
}

// CloseWrite sends FIN after what was written, once a write that is under way has returned. Reading goes on.
func (c *Conn) CloseWrite() error {
	if c.out == nil {
		return c.unsupported("close write")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return c.wrap("close write", net.ErrClosed)
	}
	if c.writeClosed.Swap(true) {
		return nil
	}
	_ = c.out.Close() // fails if the peer reads no more: that direction is closed already
	c.link.finish(c)
	return nil
}

// Close closes the stream; blocked calls return. A write that it interrupts breaks the stream off, so that the peer does
// not take it for one that has ended. Of what was received and not read the rest is dropped.
//
// The connection is closed when neither end needs it any more, since closing it drops what the peer has not read. Close
// waits for that for up to Options.Linger if something was sent. A connection that outlasts this is left alone for at
// most another minute, or until the process ends. Where the peer has closed it with a reason, and so may not have read what was sent, that is
// the error.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.counter.Closed()
	if c.out != nil {
		if c.mu.TryLock() {
			if !c.writeClosed.Load() {
				_ = c.out.Close()
			}
			c.mu.Unlock()
		} else {
			c.out.CancelWrite(codeCut)
		}
	}
	if c.in != nil {
		c.in.CancelRead(codeClosed)
	}
	return c.link.closed(c)
}

// Refuse closes the stream and its connection, with all streams of it, and tells the peer why: its next calls return an error that has the text,
// and so does its Close where that has sent something.
func (c *Conn) Refuse(why string) error {
	if c.closed.Load() {
		return nil
	}
	_ = c.link.qc.CloseWithError(codeUnexpected, why)
	_ = c.Close()
	return nil
}

// SetDeadline bounds reads and writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error {
	if c.in != nil {
		_ = c.in.SetReadDeadline(t) // neither ever fails
	}
	if c.out != nil {
		_ = c.out.SetWriteDeadline(t)
	}
	return nil
}

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.in == nil {
		return c.unsupported("set deadline")
	}
	return c.in.SetReadDeadline(t)
}

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.out == nil {
		return c.unsupported("set deadline")
	}
	return c.out.SetWriteDeadline(t)
}

// LocalAddr returns this end's address.
func (c *Conn) LocalAddr() net.Addr { return c.link.local }

// RemoteAddr returns the other end's address.
func (c *Conn) RemoteAddr() net.Addr { return c.link.remote }

// Caps tells what there is: all but Gather, and for unidirectional streams not Duplex.
func (c *Conn) Caps() transports.Caps {
	return transports.Caps{HalfClose: c.out != nil, Duplex: c.in != nil && c.out != nil, Deadline: true}
}

// StreamID returns the number of the stream in its connection, -1 for one that the other end is to open and has not yet.
func (c *Conn) StreamID() int64 { return c.id.Load() }

// TLS returns the state of the connection's TLS, with the certificates of the peer.
func (c *Conn) TLS() tls.ConnectionState { return c.link.qc.ConnectionState().TLS }

func (c *Conn) unsupported(op string) error {
	what := "the stream only receives"
	if c.out != nil {
		what = "the stream only sends"
	}
	return &transports.Error{Transport: name, Addr: c.link.peer, Op: op, Err: errUnsupported(what)}
}

var _ transports.Conn = (*Conn)(nil)
