// Package tcp carries a stream over TCP: raw bytes, with no header, no handshake and no end but FIN.
//
// Deadlines, half-close and gathered writes are the kernel's own. Nagle's algorithm is off, keep-alive is on, and
// socket buffers are left to the kernel, which grows them as needed: sizes set by hand made transfers slower.
package tcp

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/sock"
)

const name = "tcp"

// Socket is what can be set on a TCP socket. Each zero field means the default, so the zero value is all defaults.
type Socket struct {
	// KeepAliveIdle is how long a connection is silent before the first probe. Zero means 15 s, negative turns
	// keep-alive off.
	KeepAliveIdle time.Duration
	// KeepAliveInterval is the time between two probes. Zero means 15 s, negative what the system is set to.
	KeepAliveInterval time.Duration
	// KeepAliveCount is how many probes may stay unanswered before the connection is broken. Zero means 9,
	// negative what the system is set to.
	KeepAliveCount int

	// UserTimeout is how long sent bytes may stay unacknowledged before the connection is broken, rounded up to
	// milliseconds (TCP_USER_TIMEOUT). Keep-alive only notices a dead peer of an idle connection; this notices one
	// that dies while being sent to, and bounds connecting as well. Zero means what the system is set to, usually
	// about 15 minutes. Only Linux has it: elsewhere anything but zero is an error wrapping errors.ErrUnsupported.
	UserTimeout time.Duration

	// ReadBuffer and WriteBuffer fix the kernel's buffers for this socket, in bytes. Zero leaves them to the
	// kernel, which then tunes them itself and should be left to it unless a measurement says otherwise.
	ReadBuffer, WriteBuffer int
}

// DialOptions are the settings of [Dial].
type DialOptions struct {
	// Socket has the settings of the socket. Its zero value means the defaults.
	Socket Socket
}

// ListenOptions are the settings of [Listen].
type ListenOptions struct {
	// Socket has the settings of each accepted connection. Its zero value means the defaults.
	Socket Socket

	// Authorize is asked about each peer before Accept returns it; Peer.Identity is nil. An error refuses the peer:
	// the connection is closed and Accept waits for the next, telling nobody, so log here what should be logged.
	// ctx is Accept's. Nil lets everyone in.
	Authorize func(ctx context.Context, peer *transports.Peer) error
}

// Dial connects to addr, "host:port". ctx bounds the resolving and connecting, not the connection; nil options mean all
// defaults. All addresses of a host name are tried, IPv6 and IPv4 in parallel.
//
// Errors are of type *[transports.Error] and wrap the cause, which is the context's error if ctx ended.
func Dial(ctx context.Context, addr string, opts *DialOptions) (*Conn, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	control, err := opts.Socket.control()
	if err != nil {
		return nil, dialError(ctx, addr, err)
	}
	d := net.Dialer{Control: control, KeepAliveConfig: opts.Socket.keepAlive(), KeepAlive: -1}
	// Multipath TCP rejects some of the options above and gains nothing on the paths this is for.
	d.SetMultipathTCP(false)
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, dialError(ctx, addr, err)
	}
	return newConn(nc, addr, nil), nil
}

// Conn is a TCP connection, a [transports.Conn] with everything in [transports.Caps]. Its methods may be called by
// any number of goroutines; writes are sent whole, one after the other.
type Conn struct{ sock *sock.Conn }

func newConn(nc net.Conn, peer string, counter *count.Listener) *Conn {
	return &Conn{sock.NewConn(nc, name, peer, counter)}
}

// Read reads what has arrived, waiting until something has. The error is a bare io.EOF after the peer's half-close or
// close, and one that matches [transports.ErrPeerClosed] after a reset.
func (c *Conn) Read(p []byte) (int, error) { return c.sock.Read(p) }

// Write writes all of p. It returns when the kernel has taken it, which is before it has arrived.
func (c *Conn) Write(p []byte) (int, error) { return c.sock.Write(p) }

// WriteBuffers writes all parts with one writev, or several above [transports.MaxParts] parts. It neither keeps nor
// changes bufs and does not allocate once the largest number of parts was seen.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) { return c.sock.WriteBuffers(bufs) }

// CloseWrite sends FIN after what was written. Reading goes on.
func (c *Conn) CloseWrite() error { return c.sock.CloseWrite() }

// Close closes the connection; blocked calls return. What was written is still delivered in the background, unless
// received bytes were left unread: then the peer gets a reset, which may overtake it.
func (c *Conn) Close() error { return c.sock.Close() }

// Refuse resets the connection: the peer gets an error that matches [transports.ErrPeerClosed] in place of an end. TCP has no place for why.
func (c *Conn) Refuse(string) error {
	_ = c.NetConn().SetLinger(0)
	return c.Close()
}

// SetDeadline bounds reads and writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.sock.SetDeadline(t) }

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.sock.SetWriteDeadline(t) }

// LocalAddr returns this end's address, a *[net.TCPAddr].
func (c *Conn) LocalAddr() net.Addr { return c.sock.NetConn().LocalAddr() }

// RemoteAddr returns the other end's address, a *[net.TCPAddr].
func (c *Conn) RemoteAddr() net.Addr { return c.sock.NetConn().RemoteAddr() }

// Caps tells that the connection has everything.
func (c *Conn) Caps() transports.Caps { return c.sock.Caps() }

// NetConn returns the connection below, for what is not here: socket options, sendfile. Writing to it while a write of
// c is under way mixes their bytes.
func (c *Conn) NetConn() *net.TCPConn { return c.sock.NetConn().(*net.TCPConn) }

// Listen listens on addr, "host:port"; an empty host means all addresses, port 0 a free port, which Addr then tells.
// ctx bounds the resolving of the host; nil options mean all defaults.
//
// Errors are of type *[transports.Error] and wrap the cause.
func Listen(ctx context.Context, addr string, opts *ListenOptions) (*Listener, error) {
	if opts == nil {
		opts = &ListenOptions{}
	}
	if err := ctx.Err(); err != nil {
		return nil, listenError(addr, err)
	}
	control, err := opts.Socket.control() // accepted connections inherit what is set on the listener
	if err != nil {
		return nil, listenError(addr, err)
	}
	lc := net.ListenConfig{Control: control, KeepAliveConfig: opts.Socket.keepAlive(), KeepAlive: -1}
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, listenError(addr, err)
	}
	return &Listener{sock: sock.NewListener(ln, name, ln.Addr().String()), authorize: opts.Authorize}, nil
}

// Listener accepts TCP connections. Its methods may be called by any number of goroutines.
type Listener struct {
	sock      *sock.Listener
	authorize func(context.Context, *transports.Peer) error
}

// Accept waits for the next connection that Authorize lets in; it is a *[Conn]. ctx bounds the wait, not the
// connection. After Close the error wraps [net.ErrClosed]; after any other error Accept can be called again.
func (l *Listener) Accept(ctx context.Context) (transports.Conn, error) {
	for {
		nc, err := l.sock.Accept(ctx)
		if err != nil {
			return nil, err
		}
		if l.authorize != nil {
			if err := l.authorize(ctx, &transports.Peer{Transport: name, Addr: nc.RemoteAddr()}); err != nil {
				_ = nc.Close() // nothing was sent that could be lost
				l.sock.Counter.Refused()
				continue
			}
		}
		l.sock.Counter.Accepted()
		return newConn(nc, nc.RemoteAddr().String(), &l.sock.Counter), nil
	}
}

// Close stops listening; accepted connections stay open.
func (l *Listener) Close() error { return l.sock.Close() }

// Stats returns what the listener has done so far.
func (l *Listener) Stats() transports.ListenerStats { return l.sock.Counter.Stats() }

// Addr returns the address that is listened on, a *[net.TCPAddr], with the port that was chosen for port 0.
func (l *Listener) Addr() net.Addr { return l.sock.NetListener().Addr() }

var (
	_ transports.Conn     = (*Conn)(nil)
	_ transports.Listener = (*Listener)(nil)
)

func (s *Socket) keepAlive() net.KeepAliveConfig {
	if s.KeepAliveIdle < 0 {
		return net.KeepAliveConfig{} // with KeepAlive -1 beside it: off
	}
	return net.KeepAliveConfig{
		Enable: true, Idle: s.KeepAliveIdle, Interval: s.KeepAliveInterval, Count: s.KeepAliveCount,
	}
}

// control returns the function that sets up a new socket, or nil if there is nothing to set.
func (s *Socket) control() (func(network, addr string, raw syscall.RawConn) error, error) {
	switch {
	case s.UserTimeout < 0:
		return nil, errors.New("UserTimeout is negative")
	case s.ReadBuffer < 0 || s.WriteBuffer < 0:
		return nil, errors.New("ReadBuffer or WriteBuffer is negative")
	case *s == Socket{}:
		return nil, nil
	}
	set := *s
	return func(_, _ string, raw syscall.RawConn) error {
		var err error
		if e := raw.Control(func(fd uintptr) { err = set.apply(fd) }); e != nil {
			return e
		}
		return err
	}, nil
}

func (s *Socket) apply(fd uintptr) error {
	if s.UserTimeout > 0 {
		if err := setUserTimeout(fd, s.UserTimeout); err != nil {
			return err
		}
	}
	for _, buf := range []struct{ opt, bytes int }{{syscall.SO_RCVBUF, s.ReadBuffer}, {syscall.SO_SNDBUF, s.WriteBuffer}} {
		if buf.bytes == 0 {
			continue
		}
		if err := setSocketInt(fd, buf.opt, buf.bytes); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// is tells whether an error is, or wraps, an E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func dialError(ctx context.Context, addr string, err error) error {
	e := &transports.Error{Transport: name, Addr: addr, Op: "dial", Err: err}
	switch timeout, ok := errors.AsType[net.Error](err); {
	case ctx.Err() != nil:
		e.Err = ctx.Err()
	case refused(err):
		e.Hint = "is the other end listening?"
	case is[*net.DNSError](err):
		e.Hint = "check the host name"
	case is[*net.AddrError](err):
		e.Hint = `want "host:port"`
	case ok && timeout.Timeout():
		e.Hint = "nothing answers; check the address and the firewalls between"
	}
	return e
}

func listenError(addr string, err error) error {
	e := &transports.Error{Transport: name, Addr: addr, Op: "listen", Err: err}
	switch {
	case addressInUse(err):
		e.Hint = "another process listens there; stop it or choose another port (port 0 takes a free one)"
	case errors.Is(err, os.ErrPermission):
		e.Hint = "ports below 1024 need privileges; choose a higher one"
	case is[*net.DNSError](err):
		e.Hint = "check the host name"
	case is[*net.AddrError](err):
		e.Hint = `want "host:port" or ":port"`
	}
	return e
}
