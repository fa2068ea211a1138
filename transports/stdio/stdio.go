// Package stdio carries a stream over standard input and output, or over any pair of files such as the pipes to a
// child process: raw bytes, and the end is the end of the file.
//
// What a file can do depends on what it is. Pipes and sockets that the Go runtime can poll have deadlines, and Close
// interrupts a blocked call; the pipes that a shell connects are inherited in blocking mode, and on Linux they are
// opened afresh so that they can be polled too, without changing them for other processes. Regular files, terminals
// and inherited sockets have no deadlines. [Conn.Caps] tells.
//
// Writing to a pipe that nobody reads any more is an error that matches [transports.ErrPeerClosed]; on Unix systems it
// never ends the process by SIGPIPE, standard output included.
package stdio

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

const name = "stdio"

// Open returns a connection over os.Stdin and os.Stdout, which belong to it from then on: CloseWrite closes standard
// output, so that whoever reads it sees the end. To receive only, and go on printing, use New(os.Stdin, nil).
func Open() *Conn { return New(os.Stdin, os.Stdout) }

// New returns a connection that reads from in and writes to out, which belong to it from then on: CloseWrite closes
// out, Close closes both. Either may be nil, and then that direction is not there: its calls return an error wrapping
// errors.ErrUnsupported. in and out may be the same file, such as one end of a socket pair; that cannot be half-closed.
//
// A file whose Fd method was called before is in blocking mode and has no deadlines.
func New(in, out *os.File) *Conn {
	c := &Conn{same: in != nil && in == out}
	switch {
	case c.same:
		c.in = newEnd(in, os.O_RDWR)
		c.out = c.in
		c.addr = c.in.name
	case in != nil && out != nil:
		c.in, c.out = newEnd(in, os.O_RDONLY), newEnd(out, os.O_WRONLY)
		c.addr = c.in.name + "," + c.out.name
	case in != nil:
		c.in = newEnd(in, os.O_RDONLY)
		c.addr = c.in.name
	case out != nil:
		c.out = newEnd(out, os.O_WRONLY)
		c.addr = c.out.name
	}
	if c.out != nil {
		c.vec.init(c.out.file)
	}
	return c
}

// Conn is a connection over two files, a [transports.Conn]. Its methods may be called by any number of goroutines;
// writes are sent whole, one after the other.
type Conn struct {
	in, out *end // nil if that direction is not there
	same    bool // one file for both
	addr    string

	mu  sync.Mutex // held by a write from its first byte to its last, so that writes do not interleave
	vec vector
	one [1][]byte // the argument of Write as a vector

	closed, writeClosed atomic.Bool
}

// end is one file, ready for use.
type end struct {
	file      *os.File // reads, writes and deadlines
	inherited *os.File // the file that was given, if file is another description of the same pipe, else nil
	name      string
	pollable  bool // has deadlines, and is interrupted by Close
	once      sync.Once
	err       error
}

func newEnd(f *os.File, flag int) *end {
	e := &end{file: f, name: f.Name(), pollable: pollable(f)}
	if !e.pollable {
		if again := reopen(f, flag); again != nil {
			e.file, e.inherited, e.pollable = again, f, true
		}
	}
	return e
}

// close closes the file, and the inherited one too: the pipe ends only when its last description is gone.
func (e *end) close() error {
	e.once.Do(func() {
		e.err = e.file.Close()
		if e.inherited != nil {
			e.err = errors.Join(e.err, e.inherited.Close())
		}
	})
	return e.err
}

// Read reads what is there, waiting until something is. The error is a bare io.EOF at the end of the file: when the
// other end of a pipe was closed.
func (c *Conn) Read(p []byte) (int, error) {
	if c.in == nil {
		return 0, c.wrap("read", nil, errOneWay)
	}
	n, err := c.in.file.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a file returns io.EOF itself
		err = c.wrap("read", c.in, err)
	}
	return n, err
}

// Write writes all of p. It returns when the system has taken it.
func (c *Conn) Write(p []byte) (int, error) {
	if c.out == nil {
		return 0, c.wrap("write", nil, errOneWay)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.one[0] = p
	n, err := c.vec.write(c.one[:])
	c.one[0] = nil
	if err != nil {
		err = c.wrap("write", c.out, err)
	}
	return int(n), err
}

// WriteBuffers writes all parts: with one writev per [transports.MaxParts] parts on Linux, macOS and OpenBSD, without
// allocating on Linux once the largest number of parts was seen; elsewhere small parts are copied together. It neither
// keeps nor changes bufs.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) {
	if c.out == nil {
		return 0, c.wrap("write", nil, errOneWay)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.vec.write(bufs)
	if err != nil {
		err = c.wrap("write", c.out, err)
	}
	return n, err
}

// CloseWrite closes the file that is written to. Reading goes on. If both directions are one file the error wraps
// errors.ErrUnsupported.
func (c *Conn) CloseWrite() error {
	switch {
	case c.out == nil:
		return c.wrap("close write", nil, errOneWay)
	case c.same:
		return c.wrap("close write", c.out, errOneFile)
	case c.closed.Load():
		return c.wrap("close write", c.out, net.ErrClosed)
	case c.writeClosed.Swap(true):
		return nil
	}
	if err := c.out.close(); err != nil {
		return c.wrap("close write", c.out, err)
	}
	return nil
}

// Close closes both files. Blocked calls return where Caps has Deadline; elsewhere they stay blocked until the other
// end writes, reads or closes.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	var err error
	for _, e := range []*end{c.out, c.in} {
		if e == nil {
			continue
		}
		if failed := e.close(); failed != nil {
			err = errors.Join(err, c.wrap("close", e, failed))
		}
	}
	return err
}

// SetDeadline bounds reads and writes, of the directions that are there. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error {
	if c.in != nil {
		if err := c.SetReadDeadline(t); err != nil {
			return err
		}
	}
	if c.out != nil && !c.writeClosed.Load() {
		return c.SetWriteDeadline(t)
	}
	return nil
}

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline. For a file without deadlines the
// error wraps errors.ErrUnsupported.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.setDeadline(c.in, (*os.File).SetReadDeadline, t)
}

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline. For a file without deadlines the
// error wraps errors.ErrUnsupported.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(c.out, (*os.File).SetWriteDeadline, t)
}

func (c *Conn) setDeadline(e *end, set func(*os.File, time.Time) error, t time.Time) error {
	const op = "set deadline"
	switch {
	case e == nil:
		return c.wrap(op, nil, errOneWay)
	case !e.pollable:
		return c.wrap(op, e, errNoDeadline)
	}
	if err := set(e.file, t); err != nil {
		return c.wrap(op, e, err)
	}
	return nil
}

// LocalAddr returns the names of the files as a [transports.Addr], as RemoteAddr does.
func (c *Conn) LocalAddr() net.Addr { return c.RemoteAddr() }

// RemoteAddr returns the names of the files as a [transports.Addr], such as "/dev/stdin,/dev/stdout".
func (c *Conn) RemoteAddr() net.Addr { return transports.Addr{Transport: name, Name: c.addr} }

// Caps tells what the files allow: Duplex if there are two directions, HalfClose if what is written to is a file of its
// own, Deadline if all files can be polled. One file that can be polled has its own deadline also without that.
func (c *Conn) Caps() transports.Caps {
	return transports.Caps{
		HalfClose: c.out != nil && !c.same,
		Duplex:    c.in != nil && c.out != nil,
		Deadline:  (c.in == nil || c.in.pollable) && (c.out == nil || c.out.pollable),
		Gather:    c.out != nil && hasWritev,
	}
}

var _ transports.Conn = (*Conn)(nil)

var noDeadline time.Time

var (
	errOneWay     = fmt.Errorf("there is no file for this direction: %w", errors.ErrUnsupported)
	errOneFile    = fmt.Errorf("one file is both directions: %w", errors.ErrUnsupported)
	errNoDeadline = fmt.Errorf("this file has no deadlines: %w", errors.ErrUnsupported)
)

// wrap says where err happened and what to do about it. e is nil if there is no such file.
func (c *Conn) wrap(op string, e *end, err error) error {
	te := &transports.Error{Transport: name, Addr: c.addr, Op: op, Err: err}
	if e != nil {
		te.Addr = e.name
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errors.ErrUnsupported):
	case c.closed.Load() || errors.Is(err, os.ErrClosed):
		te.Err = net.ErrClosed
	case op == "write" && c.writeClosed.Load():
		te.Err, te.Hint = net.ErrClosed, "CloseWrite was called before"
	case errors.Is(te, transports.ErrPeerClosed):
		te.Hint = "whoever read it has closed it or ended"
	}
	return te
}
