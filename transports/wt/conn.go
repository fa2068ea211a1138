package wt

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/gather"
)

// Conn is the stream of a WebTransport session, a [transports.Conn] with HalfClose, Duplex and Deadline. Its methods may be called by
// any number of goroutines; writes are sent whole, one after the other.
type Conn struct {
	qc            *quic.Conn
	session       *webtransport.Session
	stream        *webtransport.Stream
	peer          string // as errors name it
	local, remote net.Addr
	dialled       bool
	linger        time.Duration
	counter       *count.Listener
	request       *http.Request // of an accepted connection

	mu       sync.Mutex // held by a write from its first byte to its last, so that writes do not interleave
	coalesce gather.Coalescer

	closed, writeClosed, eof atomic.Bool
	sent                     atomic.Bool // a byte
	refuses                  atomic.Bool // this end has closed the session with a reason, which is to arrive

	// A session is closed by whoever knows that both ends are through with it: a dialling end that has sent nothing and has read the
	// end, or an end that has read the end, or closed, and was told by the other one that it has closed its stream: the farewell.
	ends     sync.Mutex
	read     bool // the end was read, or nobody will read it
	finished bool // this end has ended its direction
	farewell bool // came
	over     bool // the session is closed or being closed here
}

func newConn(qc *quic.Conn, session *webtransport.Session, s *webtransport.Stream, peer string, dialled bool, linger time.Duration, counter *count.Listener) *Conn {
	return &Conn{
		qc: qc, session: session, stream: s, peer: peer, dialled: dialled, linger: linger, counter: counter,
		local: addrOf(qc.LocalAddr()), remote: addrOf(qc.RemoteAddr()),
	}
}

func addrOf(a net.Addr) net.Addr { return transports.Addr{Transport: name, Name: a.String()} }

// lingerMost is how long a connection whose stream is closed here waits for the other end, in all.
const lingerMost = time.Minute

// Codes that ends of this package send.
const (
	codeClosed  webtransport.StreamErrorCode = 0 // the stream was closed before it was read to its end
	codeCut     webtransport.StreamErrorCode = 1 // the stream was closed inside a write
	codeRefused webtransport.StreamErrorCode = 2 // nobody takes the stream

	codeUnexpected webtransport.SessionErrorCode = 4 // the stream is not what this end takes
)

// Read reads what has arrived, waiting until something has. The error is a bare io.EOF after the peer's half-close or close, and one
// that matches [transports.ErrPeerClosed] if it broke off the stream or the connection was lost.
func (c *Conn) Read(p []byte) (int, error) {
	if c.eof.Load() && !c.closed.Load() {
		return 0, io.EOF // the connection below may be gone by now
	}
	n, err := c.stream.Read(p)
	switch {
	case err == nil:
	case err == io.EOF && !c.closed.Load(): //nolint:errorlint // of a stream
		c.eof.Store(true)
		c.settle(func() { c.read = true })
	case err == io.EOF: //nolint:errorlint // of a stream
		err = c.wrap("read", net.ErrClosed)
	default:
		err = c.wrap("read", err)
	}
	return n, err
}

// Write writes all of p. It returns when all but the last packet of it has been sent, which is before it has arrived.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writable(); err != nil {
		return 0, err
	}
	n, err := c.stream.Write(p)
	return n, c.wrote(int64(n), err)
}

// WriteBuffers writes all parts. Those below 4 KiB are copied together, others go to the packets from where they are.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writable(); err != nil {
		return 0, err
	}
	n, err := c.coalesce.WriteTo(c.stream, bufs)
	return n, c.wrote(n, err)
}

func (c *Conn) wrote(n int64, err error) error {
	if n > 0 {
		c.sent.Store(true)
	}
	if err != nil {
		return c.wrap("write", err)
	}
	return nil
}

func (c *Conn) writable() error {
	if c.closed.Load() || c.writeClosed.Load() {
		return c.wrap("write", net.ErrClosed)
	}
	return nil
}

// CloseWrite sends FIN after what was written, once a write that is under way has returned. Reading goes on.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return c.wrap("close write", net.ErrClosed)
	}
	if c.writeClosed.Swap(true) {
		return nil
	}
	_ = c.stream.Close() // fails if the peer reads no more: that direction is closed already
	c.settle(func() { c.finished = true })
	return nil
}

// Close closes the stream; blocked calls return. A write that it interrupts breaks the stream off, so that the peer does not take it
// for one that has ended. Of what was received and not read the rest is dropped.
//
// The session and its connection are closed when neither end needs them any more, since closing them drops what the peer has not read.
// Close waits for that for up to Options.Linger if something was sent. A connection that outlasts this is left alone for at most
// another minute, or until the process ends.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.counter.Closed()
	if c.mu.TryLock() {
		if !c.writeClosed.Load() {
			_ = c.stream.Close()
		}
		c.mu.Unlock()
	} else {
		c.stream.CancelWrite(codeCut)
	}
	c.stream.CancelRead(codeClosed)
	if c.settle(func() { c.read, c.finished = true, true }) {
		return c.refusal()
	}
	// Without credit for a stream, or on a connection that is closed, there is nothing to say.
	if s, err := c.session.OpenUniStream(); err == nil {
		_ = s.Close()
	}
	if c.sent.Load() && c.linger > 0 {
		timer := time.NewTimer(c.linger)
		defer timer.Stop()
		select {
		case <-c.qc.Context().Done():
			return c.refusal()
		case <-c.session.Context().Done():
			c.end()
			return c.refusal()
		case <-timer.C:
		}
	}
	timer := time.AfterFunc(lingerMost, c.end)
	context.AfterFunc(c.qc.Context(), func() { timer.Stop() })
	return nil
}

// refusal is why the other end has closed the session, nil where it is through with it, or has not closed it.
func (c *Conn) refusal() error {
	if !c.sent.Load() || c.session.Context().Err() == nil {
		return nil
	}
	var e *webtransport.SessionError
	_, err := c.session.AcceptUniStream(c.session.Context()) // which does not wait now
	if !errors.As(err, &e) || !e.Remote || e.ErrorCode == 0 {
		return nil
	}
	return c.explain("close", e)
}

// Refuse closes the stream and its session, and tells the peer why: its next calls return an error that has the text, and so does its Close
// where that has sent something.
func (c *Conn) Refuse(why string) error {
	if c.closed.Load() {
		return nil
	}
	c.ends.Lock()
	first := !c.over
	c.over = true
	c.ends.Unlock()
	if first {
		c.refuses.Store(true)
		_ = c.session.CloseWithError(codeUnexpected, why)
		timer := time.AfterFunc(c.linger, c.end) // unless the other end does it, when it has read why
		context.AfterFunc(c.qc.Context(), func() { timer.Stop() })
	}
	return c.Close()
}

// settle notes what note does, and closes the session if both ends are through with it.
func (c *Conn) settle(note func()) (over bool) {
	c.ends.Lock()
	note()
	first := false
	if !c.over && c.read {
		c.over = c.farewell || c.dialled && c.finished && !c.sent.Load()
		first = c.over
	}
	over = c.over
	c.ends.Unlock()
	if first {
		c.end()
	}
	return over
}

// end closes the session, and the connection with it.
func (c *Conn) end() {
	_ = c.session.CloseWithError(0, "")
	_ = c.qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
}

// watch waits for the farewell of the other end, and refuses streams that nobody takes.
func (c *Conn) watch() {
	go func() {
		for {
			s, err := c.session.AcceptStream(c.session.Context())
			if err != nil {
				return
			}
			s.CancelRead(codeRefused)
			s.CancelWrite(codeRefused)
		}
	}()
	go func() {
		for {
			s, err := c.session.AcceptUniStream(c.session.Context())
			if err != nil {
				break
			}
			if n, err := s.Read(make([]byte, 1)); n > 0 || err != io.EOF { //nolint:errorlint // of a stream
				s.CancelRead(codeRefused)
				continue
			}
			c.settle(func() { c.farewell = true })
		}
		if !c.dialled && !c.refuses.Load() { // a session that is closed by the other end leaves the connection to this one
			_ = c.qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
		}
	}()
}

// SetDeadline bounds reads and writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.stream.SetDeadline(t) }

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.stream.SetReadDeadline(t) }

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.stream.SetWriteDeadline(t) }

// LocalAddr returns this end's address.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Request returns the request of a connection that was accepted, for its path, query, headers and TLS state, and nil for one that was
// dialled. It must not be changed.
func (c *Conn) Request() *http.Request { return c.request }

// Caps tells what there is: all but Gather.
func (c *Conn) Caps() transports.Caps {
	return transports.Caps{HalfClose: true, Duplex: true, Deadline: true}
}

// TLS returns the state of the connection's TLS, with the certificates of the peer.
func (c *Conn) TLS() tls.ConnectionState { return c.qc.ConnectionState().TLS }

var _ transports.Conn = (*Conn)(nil)
