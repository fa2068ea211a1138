// Package ws carries a stream over WebSocket, with or without TLS: through proxies and load balancers, on the port of a web
// server, and into browsers.
//
// The bytes are cut into binary messages of at most 1 MiB whose boundaries mean nothing, without a subprotocol and without
// extensions; compress bodies instead. A close frame with status 1000 is the end. It ends both directions at once: WebSocket
// has no half-close. A text message is refused with status 1003, and a connection that ends without a close frame is
// an error that matches [transports.ErrPeerClosed].
//
// Pings are answered, and the peer's close frame seen, while a Read waits.
package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/gather"
	"github.com/lightstream-go/lightstream/transports/internal/wire"
)

// ErrText means that the peer has sent a text message. Streams are binary.
var ErrText = errors.New("a text message, where a stream is binary")

// maxMessage is the largest message that is sent.
const maxMessage = 1 << 20

// Conn is a WebSocket connection, a [transports.Conn] with Duplex and Deadline of [transports.Caps]. Its methods may be called by
// any number of goroutines; writes are sent whole, one after the other.
type Conn struct {
	ws            *websocket.Conn
	stream        *stream
	client        bool
	transport     string // "ws" or "wss"
	peer          string // as errors name it
	local, remote transports.Addr
	counter       *count.Listener
	request       *http.Request // of an accepted connection

	mu    sync.Mutex // held by a write from its first byte to its last, so that writes do not interleave
	parts gather.Coalescer

	reading sync.Mutex
	message io.Reader // that is being read, or nil
	ended   error     // what reads return from now on

	gone   atomic.Bool // the peer has closed
	closed atomic.Bool
}

func newConn(c *websocket.Conn, s *stream, client bool, transport, peer string, limit int64, counter *count.Listener) *Conn {
	if limit == 0 {
		// Boundaries mean nothing, so a message of a peer that makes one of each batch may be as large as that.
		limits := (*ipc.Limits)(nil).WithDefaults()
		limit = limits.MaxBody + limits.MaxMetadata + 1<<10
	}
	c.SetReadLimit(max(limit, -1))
	return &Conn{
		ws: c, stream: s, client: client, transport: transport, peer: peer, counter: counter,
		local:  transports.Addr{Transport: transport, Name: s.wire.LocalAddr().String()},
		remote: transports.Addr{Transport: transport, Name: s.wire.RemoteAddr().String()},
	}
}

// Read reads from the message that is arriving straight into p, waiting until there is one. The error is a bare io.EOF after
// the peer's close frame, and one that matches [transports.ErrPeerClosed] if the connection ended without, or with another
// status than 1000.
//
// After a deadline the connection can be read again unless it came inside a frame of which a part had arrived: then
// later reads return the same error.
func (c *Conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	switch {
	case c.closed.Load():
		return 0, c.wrap("read", net.ErrClosed)
	case c.ended != nil:
		return 0, c.ended
	case len(p) == 0:
		return 0, nil
	}
	for {
		if c.message == nil {
			kind, message, err := c.ws.Reader(context.Background())
			if err != nil {
				return 0, c.readError(err)
			}
			if kind != websocket.MessageBinary {
				c.sendClose(websocket.StatusUnsupportedData, "a stream is binary")
				c.ended = c.wrap("read", ErrText)
				return 0, c.ended
			}
			c.message = message
		}
		n, err := c.message.Read(p)
		if err == io.EOF { //nolint:errorlint // the end of the message, which the library returns itself
			c.message, err = nil, nil
		}
		if err != nil {
			return 0, c.readError(err) // with it come bytes that are masked
		}
		if n > 0 {
			return n, nil
		}
	}
}

// readError returns what a read returns whose error is err, and remembers it unless reading can go on.
func (c *Conn) readError(err error) error {
	var closing websocket.CloseError
	switch {
	case errors.As(err, &closing):
		c.gone.Store(true)
		switch closing.Code {
		case websocket.StatusNormalClosure, websocket.StatusNoStatusRcvd:
			c.ended = io.EOF
		default:
			c.ended = c.wrap("read", &statusError{closing})
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.stream.between() {
			return c.wrap("read", os.ErrDeadlineExceeded)
		}
		e := c.wrap("read", os.ErrDeadlineExceeded)
		e.Hint = "it came inside a frame, and the connection cannot be read any more"
		c.ended = e
	case c.closed.Load():
		return c.wrap("read", net.ErrClosed)
	case errors.Is(err, websocket.ErrMessageTooBig):
		e := c.wrap("read", errTooBig)
		e.Hint = "raise MaxMessage, or send smaller batches"
		c.ended = e
	case errors.Is(err, wire.ErrTruncated):
		c.ended = c.wrap("read", wire.ErrTruncated)
	default:
		c.ended = c.wrap("read", err)
	}
	return c.ended
}

var errTooBig = errors.New("a message is larger than MaxMessage")

// Write writes all of p as messages of at most 1 MiB. It returns when the kernel has taken them, which is before they have
// arrived. Of what a deadline cuts short the message under way is accepted, and goes out in the background.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.begin()
	if err != nil {
		return 0, c.writeError(err)
	}
	_, err = (*frames)(c).Write(p)
	n, err := c.stream.wire.Finish(int64(len(p)), err)
	if err != nil {
		err = c.writeError(err)
	}
	return int(n), err
}

// WriteBuffers writes all parts: small ones are copied together, large ones are messages of their own and, by a server, written
// from where they are. A client must mask, and so copy, every byte. It neither keeps nor changes bufs.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.begin()
	if err != nil {
		return 0, c.writeError(err)
	}
	_, err = c.parts.WriteTo((*frames)(c), bufs)
	n, err := c.stream.wire.Finish(gather.Len(bufs), err)
	if err != nil {
		err = c.writeError(err)
	}
	return n, err
}

func (c *Conn) begin() error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	return c.stream.wire.Begin()
}

// frames is where the parts of a write go.
type frames Conn

// Write makes messages of p.
func (c *frames) Write(p []byte) (int, error) {
	n := 0
	for len(p) > 0 {
		m := min(maxMessage, len(p))
		if err := c.ws.Write(context.Background(), websocket.MessageBinary, p[:m]); err != nil {
			return n, err
		}
		n += m
		p = p[m:]
		if err := c.stream.wire.Took(m); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *Conn) writeError(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = os.ErrDeadlineExceeded
	case c.closed.Load():
		err = net.ErrClosed
	case c.gone.Load() || errors.Is(err, net.ErrClosed):
		// The library closes the connection when it has read the peer's close frame.
		err = transports.ErrPeerClosed
	}
	return c.wrap("write", err)
}

// CloseWrite returns an error wrapping errors.ErrUnsupported: WebSocket has no half-close.
func (c *Conn) CloseWrite() error {
	return c.wrap("close write", fmt.Errorf("WebSocket has no half-close: %w", errors.ErrUnsupported))
}

// closeTimeout bounds how long Close waits for a peer that does not read.
const closeTimeout = time.Second

// Close ends both directions, with a close frame of status 1000, and closes the connection; blocked calls return. What was
// written is still delivered in the background, unless received bytes were left unread, or the peer does not read: then the
// end may be missing, and the peer's error matches [transports.ErrPeerClosed]. It does not wait for the peer's close frame.
func (c *Conn) Close() error { return c.closeWith(websocket.StatusNormalClosure, "") }

// maxReason is how long the reason of a close frame may be, which is in one control frame with its status.
const maxReason = 125 - 2

// Refuse closes the connection as Close does, with status 1008 and a reason of up to 123 bytes, by which the peer's reads return an error
// that has it, and its [Conn.Finish].
func (c *Conn) Refuse(why string) error {
	for len(why) > maxReason {
		_, n := utf8.DecodeLastRuneInString(why)
		why = why[:len(why)-n]
	}
	return c.closeWith(websocket.StatusPolicyViolation, why)
}

// Finish says that this end has sent all, by a close frame of status 1000, and waits until the peer closes, at most so long. It returns an error
// where the peer has closed with a status that says that something is wrong. A peer that is gone without one, or takes longer, is none: many
// do not answer a close frame. What the peer has sent is dropped. Nothing can be written after it; Close must still be called.
func (c *Conn) Finish(wait time.Duration) error {
	if c.closed.Load() {
		return c.wrap("finish", net.ErrClosed)
	}
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	c.sendClose(websocket.StatusNormalClosure, "")
	c.stream.ended.Store(true)
	for dropped := make([]byte, 4<<10); ; {
		if _, err := c.Read(dropped); errors.As(err, new(*statusError)) {
			return err
		} else if err != nil {
			return nil
		}
	}
}

// statusError is a close frame that says that something is wrong.
type statusError struct{ websocket.CloseError }

func (e *statusError) Error() string {
	return fmt.Sprintf("the peer ended the connection with status %d, %.200q", e.Code, e.Reason)
}
func (e *statusError) Is(target error) bool { return target == transports.ErrPeerClosed }

func (c *Conn) closeWith(code websocket.StatusCode, reason string) error {
	if c.closed.Swap(true) {
		return nil
	}
	c.counter.Closed()
	c.sendClose(code, reason)
	wire.Discard(c.stream.wire.Conn)
	c.abandon()
	_ = c.ws.CloseNow() // an error means that it was closed before
	_ = c.stream.wire.Close()
	return nil
}

// abandon is for a connection that a write has broken. A write that is blocked holds the wire, and the close of its socket ends it.
func (c *Conn) abandon() {
	if c.mu.TryLock() {
		defer c.mu.Unlock()
		c.stream.wire.Abandon()
	}
}

// sendClose sends a close frame, unless a write is blocked or the peer has closed. The library would wait for the peer's.
func (c *Conn) sendClose(code websocket.StatusCode, reason string) {
	if c.gone.Load() || !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	w := c.stream.wire
	_ = w.LimitWrites(time.Now().Add(closeTimeout))
	if w.Begin() != nil {
		return // the peer gets its error by the connection's end
	}
	frame := []byte{0x88, byte(2 + len(reason)), byte(code >> 8), byte(code)}
	if c.client {
		frame = []byte{0x88, 0x80 | byte(2+len(reason)), 0, 0, 0, 0, byte(code >> 8), byte(code)} // a mask of zeros is one
	}
	_, err := w.Write(append(frame, reason...))
	_, _ = w.Finish(0, err)
}

// SetDeadline bounds reads and writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.deadline(c.stream.wire.SetReadDeadline(t))
}

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline. On a connection of a crypto/tls server
// that a handler was mounted on, a write that a deadline has interrupted is the last one.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.deadline(c.stream.wire.LimitWrites(t)) }

func (c *Conn) deadline(err error) error {
	if err != nil {
		return c.wrap("set deadline", err)
	}
	return nil
}

// LocalAddr returns this end's address as a [transports.Addr].
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address as a [transports.Addr].
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Request returns the request of a connection that was accepted, for its path, query, headers and TLS state, and nil for one that was
// dialled. It must not be changed.
func (c *Conn) Request() *http.Request { return c.request }

// Caps tells that there is no half-close, and that what is sent is copied in parts.
func (c *Conn) Caps() transports.Caps { return transports.Caps{Duplex: true, Deadline: true} }

// wrap says where err happened and what to do about it.
func (c *Conn) wrap(op string, err error) *transports.Error {
	e := &transports.Error{Transport: c.transport, Addr: c.peer, Op: op, Err: err}
	switch {
	case errors.Is(err, net.ErrClosed):
		e.Err = net.ErrClosed
	case errors.Is(err, ErrText):
		e.Hint = "send binary messages; in a browser: ArrayBuffer, not a string"
	case errors.Is(e, transports.ErrPeerClosed):
		e.Hint = "the peer is gone, or the connection was cut; look there for the reason"
	}
	return e
}

var _ transports.Conn = (*Conn)(nil)
