package http

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
)

// Conn is the body of a request, of its response, or both, a [transports.Conn] with HalfClose and Deadline for one that
// sends, Deadline for one that receives, and Duplex for both. A server has no HalfClose with both: net/http ends a request
// together with its response. Its methods may be called by any number of goroutines;
// writes are sent whole, one after the other, and flushed.
type Conn struct {
	in            *inlet  // nil if it only sends
	out           *outlet // nil if it only receives
	served        bool    // this is the end of the server
	peer          string  // as errors name it
	local, remote net.Addr
	request       *http.Request
	counter       *count.Listener
	done          chan struct{} // closed by Close

	closed  atomic.Bool
	refused atomic.Pointer[string] // what Refuse was given
	// release ends the exchange and returns its result. clean tells that this end's direction was ended before.
	release func(clean bool) error
	// verdict returns why a server reads no more, or the error that it is given. It is of the client's end.
	verdict func(err error) error
}

func newConn(scheme string, r *http.Request, local, remote string, sends, receives bool) *Conn {
	c := &Conn{
		peer: remote, request: r, done: make(chan struct{}),
		local:  transports.Addr{Transport: scheme, Name: local},
		remote: transports.Addr{Transport: scheme, Name: remote},
	}
	if sends {
		c.out = newOutlet()
	}
	if receives {
		c.in = newInlet()
	}
	return c
}

// Read reads what has arrived, waiting until something has. The error is a bare io.EOF after the end of the body, and
// one that matches [transports.ErrPeerClosed] if the body was broken off.
func (c *Conn) Read(p []byte) (int, error) {
	if c.in == nil {
		return 0, c.wrap("read", unsupported("the connection only sends"))
	}
	n, err := c.in.read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // the end of a body
		err = c.wrap("read", err)
	}
	return n, err
}

// Write writes all of p and returns when net/http has taken it.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.write(p)
	return int(n), err
}

// WriteBuffers writes all parts and returns when net/http has taken them. It neither keeps nor changes bufs.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) { return c.write(bufs...) }

func (c *Conn) write(bufs ...[]byte) (int64, error) {
	if c.out == nil {
		return 0, c.wrap("write", unsupported("the connection only receives"))
	}
	n, err := c.out.write(bufs...)
	if err == errUnread { //nolint:errorlint // the very same
		err = c.verdict(err)
	}
	if err != nil {
		err = c.wrap("write", err)
	}
	return n, err
}

// CloseWrite ends the body that this end sends, after what was written. Reading goes on.
func (c *Conn) CloseWrite() error {
	switch {
	case c.out == nil:
		return c.wrap("close write", unsupported("the connection only receives"))
	case c.served && c.in != nil:
		return c.wrap("close write", unsupported("net/http ends a request together with its response"))
	case c.closed.Load():
		return c.wrap("close write", net.ErrClosed)
	}
	c.out.finish(io.EOF)
	return nil
}

// Close ends the exchange; blocked calls return. A body that was not ended by CloseWrite is broken off, after what was
// written, so that the peer does not take it for a whole one. At the end that has sent a request whose body was ended,
// Close waits for the answer, up to Options.Linger, and returns an error if that is a refusal or does not come. At the end of
// a [Listener] it waits up to 5 s until what was written is on its way.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.counter.Closed()
	clean := c.out == nil
	if c.out != nil {
		end := errBroken
		if c.served && c.in != nil {
			end = io.EOF // there is no CloseWrite
		}
		c.out.close(end)
		clean = c.out.ended() == io.EOF //nolint:errorlint // what close was given
		c.out.setDeadline(time.Time{})
	}
	if c.in != nil {
		c.in.setDeadline(time.Time{})
		c.in.close()
	}
	close(c.done)
	if err := c.release(clean); err != nil {
		if errors.As(err, new(*StatusError)) { // the stream is over, as for Write
			err = &gone{err, err.Error()}
		}
		return c.explain("close", err)
	}
	return nil
}

// Refuse closes the connection so that the peer gets an error. A server answers a request that only sends with 422 and why, of up to 1,000 bytes,
// which the peer's Write or Close returns; it can do so until AnswerTime, of [ListenOptions], after the end of the request. Where a response has begun, as for a GET and
// both ways, that is broken off. A client breaks the request off, if it has not ended: one that only receives cannot tell a server that has
// sent all.
func (c *Conn) Refuse(why string) error {
	if c.closed.Load() {
		return nil
	}
	for len(why) > maxReason {
		_, n := utf8.DecodeLastRuneInString(why)
		why = why[:len(why)-n]
	}
	c.refused.Store(&why)
	switch {
	case c.out != nil:
		c.out.finish(errBroken)
	case c.served && c.request.ProtoMajor == 1:
		c.in.drain() // so that the client can send until it sees its answer
	}
	return c.Close()
}

// maxReason is how long the text of a refusal may be; clients read somewhat more.
const maxReason = 1000

// errBroken is what the other side of an outlet gets when its body is broken off.
var errBroken = errors.New("the body was broken off")

// SetDeadline bounds reads and writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.wrap("set deadline", net.ErrClosed)
	}
	if c.in != nil {
		c.in.setDeadline(t)
	}
	if c.out != nil {
		c.out.setDeadline(t)
	}
	return nil
}

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.in == nil {
		return c.wrap("set deadline", unsupported("the connection only sends"))
	}
	if c.closed.Load() {
		return c.wrap("set deadline", net.ErrClosed)
	}
	c.in.setDeadline(t)
	return nil
}

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.out == nil {
		return c.wrap("set deadline", unsupported("the connection only receives"))
	}
	if c.closed.Load() {
		return c.wrap("set deadline", net.ErrClosed)
	}
	c.out.setDeadline(t)
	return nil
}

// LocalAddr returns this end's address.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Caps tells what there is. It never has Gather.
func (c *Conn) Caps() transports.Caps {
	return transports.Caps{HalfClose: c.out != nil && !(c.served && c.in != nil), Duplex: c.in != nil && c.out != nil, Deadline: true}
}

// Request returns the request, for its path, query, headers and TLS state. It must not be changed, nor its body read.
func (c *Conn) Request() *http.Request { return c.request }

// unsupported is an errors.ErrUnsupported with a reason.
type unsupported string

func (u unsupported) Error() string        { return string(u) }
func (u unsupported) Is(target error) bool { return target == errors.ErrUnsupported }

// gone is a cause that means that there is nobody at the other end.
type gone struct {
	cause error
	text  string
}

func (g *gone) Error() string        { return g.text }
func (g *gone) Is(target error) bool { return target == transports.ErrPeerClosed }
func (g *gone) Unwrap() error        { return g.cause }

func (c *Conn) wrap(op string, err error) error {
	e := &transports.Error{Transport: c.remote.Network(), Addr: c.peer, Op: op, Err: err}
	var status *StatusError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errors.ErrUnsupported):
	case c.closed.Load():
		e.Err = net.ErrClosed
	case err == net.ErrClosed: //nolint:errorlint // of an outlet
		e.Hint = "CloseWrite was called before"
	case errors.As(err, &status):
		e.Err, e.Hint = &gone{err, err.Error()}, status.hint()
	default:
		e.Err, e.Hint = &gone{err, "the peer broke off the stream"}, "look there for the reason"
	}
	return e
}

// explain is wrap for what is not about one direction.
func (c *Conn) explain(op string, err error) error {
	e := &transports.Error{Transport: c.remote.Network(), Addr: c.peer, Op: op, Err: err}
	var status *StatusError
	if errors.As(err, &status) {
		e.Hint = status.hint()
	}
	return e
}

var _ transports.Conn = (*Conn)(nil)

// StatusError is an answer other than success: at the end that asks what came, and for [Handler] what its functions
// return to choose the answer.
type StatusError struct {
	Code int    // such as http.StatusNotFound
	Text string // plain, for people
}

// Error returns the code with its name, and the text.
func (e *StatusError) Error() string {
	s := "the answer is " + statusText(e.Code)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

func (e *StatusError) hint() string {
	switch e.Code {
	case http.StatusUnauthorized:
		return "give a token by options"
	case http.StatusNotFound:
		return "is the path right?"
	case http.StatusMethodNotAllowed:
		return "a sender POSTs and a receiver GETs; is the other end of the same role?"
	}
	return ""
}

func statusText(code int) string {
	if text := http.StatusText(code); text != "" {
		return strconv.Itoa(code) + " " + text
	}
	return strconv.Itoa(code)
}
