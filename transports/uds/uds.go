// Package uds carries a stream over a Unix domain socket, between processes of one machine: raw bytes, with no header,
// no handshake and no end but the half-close.
//
// A socket is a file. The listener makes it, readable and writable for its own user only unless told otherwise, and
// removes it on Close. A file that a crashed process left is replaced; one that somebody listens on, or that is not a
// socket, never is. On Linux a path that starts with "@" is an abstract name instead: no file, gone with its listener,
// and open to every process of the network namespace, so that only ListenOptions.Authorize guards it.
package uds

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/sock"
)

const name = "uds"

// DialOptions are the settings of [Dial]. There are none yet.
type DialOptions struct{}

// ListenOptions are the settings of [Listen].
type ListenOptions struct {
	// Mode is the permissions of the socket file; connecting takes the permission to write. Zero means 0600, this
	// user only. Abstract names have no permissions, and Windows has its own.
	Mode fs.FileMode

	// Authorize is asked about each peer before Accept returns it. On Linux Peer.Identity is a *[Credentials], elsewhere
	// nil. An error refuses the peer: the connection is closed and Accept waits for the next, telling nobody, so
	// log here what should be logged. ctx is Accept's. Nil lets everyone in whom the file's mode lets in.
	Authorize func(ctx context.Context, peer *transports.Peer) error
}

// Credentials are those of the process that connected, as the kernel noted them at that moment.
type Credentials struct {
	PID      int // may have ended since, and the number be another's
	UID, GID int // effective ids
}

// Dial connects to the socket at path. ctx bounds the connecting, not the connection; nil options mean all defaults.
//
// Errors are of type *[transports.Error] and wrap the cause, which is the context's error if ctx ended.
func Dial(ctx context.Context, path string, _ *DialOptions) (*Conn, error) {
	if err := checkPath(path); err != nil {
		return nil, pathError("dial", path, err)
	}
	nc, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		e := pathError("dial", path, err)
		switch {
		case ctx.Err() != nil:
			e.Err = ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			e.Hint = "is the other end listening, and at this path?"
		case refused(err) && abstract(path):
			e.Hint = "is the other end listening?"
		case refused(err):
			e.Hint = "its listener is gone and left the file; start the other end"
		case errors.Is(err, fs.ErrPermission):
			e.Hint = "the socket is its owner's; run as the same user or set ListenOptions.Mode there"
		}
		return nil, e
	}
	return newConn(nc, path, nil), nil
}

// Conn is a connection over a Unix socket, a [transports.Conn] with everything in [transports.Caps]. Its methods may be
// called by any number of goroutines; writes are sent whole, one after the other.
type Conn struct{ sock *sock.Conn }

func newConn(nc net.Conn, path string, counter *count.Listener) *Conn {
	return &Conn{sock.NewConn(nc, name, path, counter)}
}

// Read reads what has arrived, waiting until something has. The error is a bare io.EOF after the peer's half-close or
// close, and one that matches [transports.ErrPeerClosed] if the peer closed without reading all it was sent.
func (c *Conn) Read(p []byte) (int, error) { return c.sock.Read(p) }

// Write writes all of p. It returns when the kernel has taken it, which is before the peer has read it.
func (c *Conn) Write(p []byte) (int, error) { return c.sock.Write(p) }

// WriteBuffers writes all parts with one writev, or several above [transports.MaxParts] parts. It neither keeps nor
// changes bufs and does not allocate once the largest number of parts was seen.
func (c *Conn) WriteBuffers(bufs [][]byte) (int64, error) { return c.sock.WriteBuffers(bufs) }

// CloseWrite ends the direction to the peer after what was written. Reading goes on.
func (c *Conn) CloseWrite() error { return c.sock.CloseWrite() }

// Close closes the connection; blocked calls return. The peer can still read what was written.
func (c *Conn) Close() error { return c.sock.Close() }

// SetDeadline bounds reads and writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.sock.SetDeadline(t) }

// SetReadDeadline bounds reads, blocked ones too. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetWriteDeadline bounds writes, blocked ones too. The zero time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.sock.SetWriteDeadline(t) }

// LocalAddr returns the socket's path, as RemoteAddr does: the dialling end of a Unix socket has no name of its own.
func (c *Conn) LocalAddr() net.Addr { return c.RemoteAddr() }

// RemoteAddr returns the socket's path as a [transports.Addr], at both ends.
func (c *Conn) RemoteAddr() net.Addr { return transports.Addr{Transport: name, Name: c.sock.Peer()} }

// Caps tells that the connection has everything.
func (c *Conn) Caps() transports.Caps { return c.sock.Caps() }

// Credentials returns those of the process at the other end: of the dialler as it was when it dialled, of the listener
// as it was when it began to listen. Only Linux has them; elsewhere the error wraps errors.ErrUnsupported.
func (c *Conn) Credentials() (Credentials, error) {
	creds, err := credentials(c.NetConn())
	if err != nil {
		return Credentials{}, pathError("credentials", c.sock.Peer(), err)
	}
	return creds, nil
}

// NetConn returns the connection below, for what is not here: passing file descriptors, socket options. Writing to it
// while a write of c is under way mixes their bytes.
func (c *Conn) NetConn() *net.UnixConn { return c.sock.NetConn().(*net.UnixConn) }

// Listen makes a socket at path and listens on it. ctx bounds the call; nil options mean all defaults. The directory
// must exist.
//
// A socket file that nobody listens on is replaced. That is found out by dialling it, so of two processes that start at
// the same moment over one stale file the second gets an error and not the socket.
//
// Errors are of type *[transports.Error] and wrap the cause.
func Listen(ctx context.Context, path string, opts *ListenOptions) (*Listener, error) {
	if opts == nil {
		opts = &ListenOptions{}
	}
	mode := opts.Mode
	if mode == 0 {
		mode = 0o600
	}
	if mode != mode.Perm() {
		return nil, pathError("listen", path, fmt.Errorf("mode %v has more than permissions", mode))
	}
	if err := checkPath(path); err != nil {
		return nil, pathError("listen", path, err)
	}

	if err := ctx.Err(); err != nil {
		return nil, pathError("listen", path, err)
	}

	ln, file, err := bind(ctx, path, mode)
	if addressInUse(err) && !abstract(path) {
		if err = removeStale(ctx, path); err == nil {
			ln, file, err = bind(ctx, path, mode)
		}
	}
	if err != nil {
		return nil, listenError(path, err)
	}
	return &Listener{
		sock: sock.NewListener(ln, name, path), path: path, file: file, authorize: opts.Authorize,
	}, nil
}

// bind makes the socket file and listens. The file is nil for an abstract name.
func bind(ctx context.Context, path string, mode fs.FileMode) (net.Listener, fs.FileInfo, error) {
	lc := net.ListenConfig{}
	if !abstract(path) {
		// On Linux the file gets the mode that the socket has at this point (less the umask), so there is no
		// moment at which others could connect. Systems that do not know this refuse, and then the chmod
		// below is all there is.
		lc.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { setSocketMode(fd, mode) })
		}
	}
	ln, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, nil, err
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false) // it would remove whatever is at path by then; Close looks first
	if abstract(path) {
		return ln, nil, nil
	}
	file, err := os.Lstat(path)
	if err == nil && file.Mode().Perm() != mode {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		_ = ln.Close()
		_ = os.Remove(path)
		return nil, nil, err
	}
	return ln, file, nil
}

// errInUse means that a process listens at the path.
var errInUse = errors.New("another process listens there")

// removeStale removes the socket file at path if nobody listens on it.
func removeStale(ctx context.Context, path string) error {
	before, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its owner has just removed it
	}
	if err != nil {
		return err
	}
	if before.Mode().Type() != fs.ModeSocket && runtime.GOOS != "windows" { // which reports sockets as irregular files
		return errors.New("there is a file that is not a socket")
	}
	// A socket also refuses between being made and being listened on, microseconds later; hence a second look.
	for _, pause := range []time.Duration{0, 20 * time.Millisecond} {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		nc, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			_ = nc.Close()
			return errInUse
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !refused(err) {
			return err // full backlog, no permission, ...: somebody may well be there
		}
	}
	return removeOnly(path, before)
}

// removeOnly removes the file at path if it is the one given, as another process may have put its own there since. To
// see which file it is that goes, it is moved aside first.
func removeOnly(path string, file fs.FileInfo) error {
	aside := fmt.Sprintf("%s.%d.stale", path, os.Getpid())
	if err := os.Rename(path, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if now, err := os.Lstat(aside); err != nil || !os.SameFile(file, now) {
		if err := os.Link(aside, path); err == nil || errors.Is(err, fs.ErrExist) {
			_ = os.Remove(aside) // it is back, or a third process has the path by now
		}
		return errInUse
	}
	return os.Remove(aside)
}

// Listener accepts connections on a Unix socket. Its methods may be called by any number of goroutines.
type Listener struct {
	sock      *sock.Listener
	path      string
	file      fs.FileInfo // the socket file that is ours, nil for abstract names
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
		if l.authorize != nil && l.authorize(ctx, l.peer(nc.(*net.UnixConn))) != nil {
			_ = nc.Close() // nothing was sent that could be lost
			l.sock.Counter.Refused()
			continue
		}
		l.sock.Counter.Accepted()
		return newConn(nc, l.path, &l.sock.Counter), nil
	}
}

func (l *Listener) peer(uc *net.UnixConn) *transports.Peer {
	p := &transports.Peer{Transport: name, Addr: l.Addr()}
	if creds, err := credentials(uc); err == nil {
		p.Identity = &creds
	}
	return p
}

// Close removes the socket file, if it still is this listener's, and stops listening; accepted connections stay open.
func (l *Listener) Close() error {
	if l.file != nil {
		// First the file, so that no dialler finds one that refuses.
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(l.file, now) {
			_ = os.Remove(l.path) // else the next Listen does it
		}
	}
	return l.sock.Close()
}

// Stats returns what the listener has done so far.
func (l *Listener) Stats() transports.ListenerStats { return l.sock.Counter.Stats() }

// Addr returns the path as a [transports.Addr].
func (l *Listener) Addr() net.Addr { return transports.Addr{Transport: name, Name: l.path} }

var (
	_ transports.Conn     = (*Conn)(nil)
	_ transports.Listener = (*Listener)(nil)
)

func abstract(path string) bool { return strings.HasPrefix(path, "@") }

// longestPath is what fits into sockaddr_un with its final zero: 108 bytes on Linux and Windows, 104 elsewhere.
func longestPath() int {
	switch runtime.GOOS {
	case "linux", "windows":
		return 107
	}
	return 103
}

// checkPath gives names to what the system would call an invalid argument.
func checkPath(path string) error {
	switch {
	case path == "":
		return errors.New("the path is empty")
	case abstract(path) && runtime.GOOS != "linux":
		return fmt.Errorf("abstract names are for Linux only: %w", errors.ErrUnsupported)
	case len(path) > longestPath():
		return fmt.Errorf("the path has %d bytes, at most %d fit into a socket address", len(path), longestPath())
	case strings.ContainsRune(path, 0):
		return errors.New("the path contains a zero byte")
	}
	return nil
}

func pathError(op, path string, err error) *transports.Error {
	return &transports.Error{Transport: name, Addr: path, Op: op, Err: err}
}

func listenError(path string, err error) *transports.Error {
	e := pathError("listen", path, err)
	switch {
	case errors.Is(err, errInUse):
		e.Hint = "stop it or choose another path"
	case addressInUse(err):
		e.Hint = "another process listens there; stop it or choose another name"
	case errors.Is(err, fs.ErrNotExist):
		e.Hint = "its directory must exist"
	}
	return e
}
