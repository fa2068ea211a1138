// Package wire stands between a protocol on a socket, such as TLS or WebSocket, and the socket. It does two things that a
// socket does not.
//
// What is written is put together: such protocols write records or frames each by itself, or in pieces of 4 KiB, and the
// cost of small calls is a multiple of that of large ones.
//
// A deadline never fails a write of the protocol, which would give up the connection since a part of a frame may be out. The
// rest of what was taken is kept, and goes out in the background as it would from the buffer of a socket. Calls that could
// not hand over everything are told.
package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/transports"
)

// ErrTruncated is the end of the connection without that of the protocol on it.
var ErrTruncated = fmt.Errorf("the connection was cut before its end: %w", transports.ErrPeerClosed)

// Batch is how much is put together before it is written: less costs calls, more falls out of the cache.
const Batch = 128 << 10

const (
	large  = 16<<10 + 512 // what is longer is written from where it is; a record of TLS is not
	pooled = Batch + 2*large
)

// Conn is such a connection. Reads and addresses are those of the socket.
type Conn struct {
	net.Conn
	received atomic.Int64
	cut      atomic.Bool

	mu       sync.Mutex
	buf      *[]byte // what is not out yet, from the pool; nil for none
	sent     int     // how many bytes of buf are out
	batching bool    // Finish is called by whoever has set it
	late     bool    // a deadline has come since then
	err      error   // why nothing more can be written
	vec      net.Buffers
	two      [2][]byte
	drained  chan struct{} // closed when nothing is kept any more; nil if nothing goes out in the background

	// Of the call between Begin and Finish.
	accepted int64 // bytes that are out, or will be
	waiting  int   // bytes that the protocol has taken and that are not out

	limits   sync.Mutex
	limit    time.Time     // the deadline of writes
	draining bool          // the socket has none, since what is kept goes out in the background
	changed  chan struct{} // closed when limit changes, for those who wait; nil for nobody
}

// New returns a connection on nc.
func New(nc net.Conn) *Conn { return &Conn{Conn: nc} }

var batches = sync.Pool{New: func() any {
	b := make([]byte, 0, pooled)
	return &b
}}

// Read counts, and tells an end that the protocol has not announced.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	if err == io.EOF { //nolint:errorlint // a socket returns io.EOF itself
		c.cut.Store(true)
		err = ErrTruncated
	}
	return n, err
}

// Cut tells whether the end of the connection was read.
func (c *Conn) Cut() bool { return c.cut.Load() }

// Received returns how many bytes were read.
func (c *Conn) Received() int64 { return c.received.Load() }

// Write takes what the protocol writes. It fails only if the connection does.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return 0, c.err
	case c.batching && !c.late && len(p) > large:
		c.flush(p)
	default:
		c.keep(p)
		if !c.batching || !c.late && len(*c.buf)-c.sent >= Batch+large {
			c.flush(nil)
		}
	}
	if c.err != nil {
		return 0, c.err
	}
	return len(p), nil
}

func (c *Conn) keep(p []byte) {
	if len(p) == 0 && c.buf != nil {
		return
	}
	if c.buf == nil {
		c.buf, _ = batches.Get().(*[]byte)
	}
	*c.buf = append(*c.buf, p...)
}

// flush writes what is kept and then p. What a deadline holds up goes out in the background.
func (c *Conn) flush(p []byte) {
	switch {
	case c.err != nil || c.buf == nil && len(p) == 0:
		return
	case c.drained != nil:
		c.keep(p)
		return
	}
	var kept []byte
	if c.buf != nil {
		kept = (*c.buf)[c.sent:]
	}
	var (
		n   int64
		err error
	)
	if len(p) == 0 {
		var m int
		m, err = c.Conn.Write(kept)
		n = int64(m)
	} else {
		// One call where the socket can; TLS gets two.
		c.two = [2][]byte{kept, p}
		c.vec = c.two[:]
		n, err = c.vec.WriteTo(c.Conn)
		c.vec, c.two = nil, [2][]byte{}
	}
	switch {
	case err == nil:
		c.release()
	case errors.Is(err, os.ErrDeadlineExceeded) && !Fragile(c.Conn):
		c.late = true
		if n < int64(len(kept)) {
			c.sent += int(n)
		} else {
			p = p[n-int64(len(kept)):]
			c.release()
		}
		c.keep(p)
		c.drained = make(chan struct{})
		c.drain(true)
		go c.background()
	default:
		c.err = err
		c.release()
	}
}

// drain sets the socket's deadline for writes in the background, and for others.
func (c *Conn) drain(on bool) {
	c.limits.Lock()
	defer c.limits.Unlock()
	c.draining = on
	limit := c.limit
	if on {
		limit = time.Time{}
	}
	_ = c.Conn.SetWriteDeadline(limit) // fails only on a closed socket
}

// background writes what is kept until nothing is, or the connection is closed.
func (c *Conn) background() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.err == nil && c.sent < len(*c.buf) {
		p := (*c.buf)[c.sent:] // more may be kept behind it meanwhile
		c.mu.Unlock()
		n, err := c.Conn.Write(p)
		c.mu.Lock()
		c.sent += n
		c.err = err
	}
	c.release()
	c.drain(false)
	close(c.drained)
	c.drained = nil
}

// release gives the buffer back.
func (c *Conn) release() {
	if c.buf != nil && cap(*c.buf) <= pooled {
		*c.buf = (*c.buf)[:0]
		batches.Put(c.buf)
	}
	c.buf, c.sent = nil, 0
}

// Fragile tells whether a deadline breaks writes of nc for ever, as it does those of crypto/tls.
func Fragile(nc net.Conn) bool {
	_, fragile := nc.(interface{ VerifyHostname(host string) error })
	return fragile
}

// Abandon closes what is below a connection of crypto/tls that is broken, whose own Close would wait for a peer that does not read.
func (c *Conn) Abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if below, ok := c.Conn.(interface{ NetConn() net.Conn }); ok && c.err != nil {
		_ = below.NetConn().Close()
	}
}

// Begin begins a call that writes, after what is left of earlier ones is out.
func (c *Conn) Begin() error {
	for {
		c.mu.Lock()
		drained := c.drained
		if drained == nil {
			err := c.begin()
			c.mu.Unlock()
			return err
		}
		c.mu.Unlock()
		if err := c.wait(drained); err != nil {
			return err
		}
	}
}

func (c *Conn) begin() error {
	c.accepted, c.waiting, c.late = 0, 0, false
	c.flush(nil)
	switch {
	case c.err != nil:
		return c.err
	case c.late || c.expired():
		return os.ErrDeadlineExceeded
	}
	c.batching = true
	return nil
}

// wait waits until what is kept is out, or the deadline of writes has come.
func (c *Conn) wait(drained <-chan struct{}) error {
	for {
		c.limits.Lock()
		limit := c.limit
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.limits.Unlock()
		var timer <-chan time.Time
		if !limit.IsZero() {
			if !time.Now().Before(limit) {
				return os.ErrDeadlineExceeded
			}
			timer = time.After(time.Until(limit)) // collected when it is not referred to any more
		}
		select {
		case <-drained:
			return nil
		case <-changed:
		case <-timer:
		}
	}
}

// Room returns how much the protocol may be given before it is to be told by Took.
func (c *Conn) Room() int { return Batch - c.waiting }

// Took says that the protocol has taken n bytes more of the call's, and writes a full batch.
func (c *Conn) Took(n int) error {
	if c.waiting += n; c.waiting < Batch {
		return nil
	}
	return c.settle()
}

// Finish ends the call, which has failed if err is not nil, and returns how many of its total bytes were accepted: those that
// are out, and after a deadline those that go out in the background. A call all of whose bytes are accepted has not failed.
func (c *Conn) Finish(total int64, err error) (int64, error) {
	if err == nil {
		err = c.settle()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batching = false
	if errors.Is(err, os.ErrDeadlineExceeded) && c.accepted == total {
		err = nil
	}
	return c.accepted, err
}

// settle writes what waits.
func (c *Conn) settle() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush(nil)
	waiting := int64(c.waiting)
	c.waiting = 0
	if c.err != nil {
		return c.err
	}
	c.accepted += waiting
	if c.late {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// expired tells whether the deadline of writes has passed.
func (c *Conn) expired() bool {
	c.limits.Lock()
	defer c.limits.Unlock()
	return !c.limit.IsZero() && !time.Now().Before(c.limit)
}

// LimitWrites sets the deadline of writes.
func (c *Conn) LimitWrites(t time.Time) error {
	c.limits.Lock()
	defer c.limits.Unlock()
	c.limit = t
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
	if c.draining {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

// SetWriteDeadline is called by protocols, such as crypto/tls, which bounds its last record by it and then sets one in the
// past. It does nothing: deadlines are set by LimitWrites.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline is called by protocols too, for their handshake, which is bounded otherwise. It does nothing.
func (c *Conn) SetDeadline(time.Time) error { return nil }
