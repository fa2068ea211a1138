package tls

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/wire"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

// ListenOptions are the settings of [Listen].
type ListenOptions struct {
	// Socket has the settings of each accepted connection. Its zero value means the defaults.
	Socket tcp.Socket
	// TLS says who this end is and whom it trusts. It must have a certificate. With CAFile every client must have one too.
	TLS Config
	// HandshakeTimeout bounds the handshake of each peer. Zero means 10 s, negative no bound.
	HandshakeTimeout time.Duration
	// MaxPending is how many peers may be in their handshake or waiting for Accept. Beyond it the one that has been in its
	// handshake for the longest gives way to a new one, of those that have sent nothing if there are any. Zero means 1,024.
	MaxPending int

	// Authorize is asked about each peer before Accept returns it; Peer.Identity is the *[tls.ConnectionState], whose
	// PeerCertificates are verified where clients must have certificates. An error refuses the peer: the connection is
	// closed and Accept waits for the next. ctx is Accept's. Nil lets everyone in whose handshake succeeds.
	Authorize func(ctx context.Context, peer *transports.Peer) error

	// Refused is told about each peer that was not let in and why: because its handshake failed, with an error that matches
	// those of this package, or by Authorize. It may be called by several goroutines at once. Nil tells nobody.
	Refused func(peer *transports.Peer, err error)
}

const maxPending = 1024

// Listen listens on addr, "host:port"; an empty host means all addresses, port 0 a free port, which Addr then tells. ctx
// bounds the resolving of the host.
//
// Errors are of type *[transports.Error] and wrap the cause.
func Listen(ctx context.Context, addr string, opts *ListenOptions) (*Listener, error) {
	if opts == nil {
		opts = &ListenOptions{}
	}
	config, err := opts.TLS.Server()
	if err != nil {
		return nil, &transports.Error{Transport: name, Addr: addr, Op: "listen", Err: err, Hint: "see ListenOptions.TLS (cert=, key=, ca=)"}
	}
	below, err := tcp.Listen(ctx, addr, &tcp.ListenOptions{Socket: opts.Socket})
	if err != nil {
		return nil, renamed(err)
	}
	l := &Listener{
		below: below, config: config, timeout: opts.HandshakeTimeout, limit: opts.MaxPending,
		authorize: opts.Authorize, refused: opts.Refused,
		addr:  transports.Addr{Transport: name, Name: below.Addr().String()},
		ready: make(chan accepted), done: make(chan struct{}),
	}
	if l.limit <= 0 {
		l.limit = maxPending
	}
	l.room = sync.NewCond(&l.mu)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.wg.Go(l.run)
	return l, nil
}

// Listener accepts TLS connections. Peers shake hands side by side and before Accept, so one that is slow delays no other.
// Its methods may be called by any number of goroutines.
type Listener struct {
	below     *tcp.Listener
	config    *tls.Config
	timeout   time.Duration
	limit     int
	authorize func(context.Context, *transports.Peer) error
	refused   func(*transports.Peer, error)
	addr      transports.Addr
	counter   count.Listener

	ready  chan accepted // to Accept
	done   chan struct{} // closed by Close
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	room    *sync.Cond
	pending int       // peers that Accept has not taken
	shaking list.List // *shaker of those in their handshake, the oldest first
	closed  bool
}

// shaker is a peer in its handshake.
type shaker struct {
	wire    *wire.Conn
	evicted bool // it had to give way; of the listener's mutex
}

var errEvicted = errors.New("its handshake had to give way: too many peers are in theirs")

type accepted struct {
	conn *Conn
	err  error
}

// run accepts connections and starts their handshakes.
func (l *Listener) run() {
	for {
		if !l.reserve() {
			return
		}
		c, err := l.below.Accept(l.ctx)
		switch {
		case err == nil:
			s := &shaker{wire: wire.New(c.(*tcp.Conn).NetConn())}
			l.mu.Lock()
			at := l.shaking.PushBack(s)
			l.mu.Unlock()
			l.wg.Go(func() { l.shake(s, at) })
		case l.ctx.Err() != nil:
			return
		default: // such as having no file descriptor left: whoever accepts learns it
			l.deliver(accepted{err: renamed(err)})
		}
	}
}

// reserve waits until there is room for one peer more. If all are in use, an old handshake is ended.
func (l *Listener) reserve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.pending >= l.limit && !l.closed {
		if gives := l.givesWay(); gives != nil {
			s := l.shaking.Remove(gives).(*shaker)
			s.evicted = true
			_ = s.wire.Close() // ends its handshake, which releases
		}
		l.room.Wait()
	}
	l.pending++
	return !l.closed
}

// givesWay returns the oldest of the peers that have sent nothing, or else the oldest. l.mu is held.
func (l *Listener) givesWay() *list.Element {
	for at := l.shaking.Front(); at != nil; at = at.Next() {
		if at.Value.(*shaker).wire.Received() == 0 {
			return at
		}
	}
	return l.shaking.Front()
}

func (l *Listener) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending--
	l.room.Signal()
}

// shake shakes hands with one peer.
func (l *Listener) shake(s *shaker, at *list.Element) {
	w := s.wire
	tc := tls.Server(w, l.config)
	err := handshake(l.ctx, tc, w, l.timeout)
	peer := w.RemoteAddr().String()
	if err == nil && !l.leave(s, at) {
		if !l.deliver(accepted{conn: newConn(tc, w, peer, &l.counter)}) {
			_ = w.Close()
		}
		return
	}
	if l.ctx.Err() == nil {
		l.counter.Refused()
		if l.refused != nil {
			why := handshakeError(peer, "handshake", err, w.Received())
			if l.evicted(s) {
				why.Err, why.Hint = errEvicted, "see ListenOptions.MaxPending"
			}
			l.refused(l.peer(w, nil), why)
		}
		Farewell(w.Conn, err, errors.Is(err, os.ErrDeadlineExceeded) && w.Received() == 0)
	}
	l.leave(s, at)
	_ = w.Close()
	l.release()
}

// leave takes a peer from those that may have to give way, and tells whether it had to.
func (l *Listener) leave(s *shaker, at *list.Element) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shaking.Remove(at) // does nothing if reserve has
	return s.evicted
}

func (l *Listener) evicted(s *shaker) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.evicted
}

// deliver hands over to Accept.
func (l *Listener) deliver(a accepted) bool {
	defer l.release()
	select {
	case l.ready <- a:
		return true
	case <-l.done:
		return false
	}
}

// lingering bounds how long a refused peer may take to read why.
const lingering = time.Second

// Farewell tells a peer whose handshake failed with err why, where crypto/tls has not: in plain text, if that is what it sent. silent says
// that it sent nothing. Then it waits until the peer has read this, not for long: to close a socket with unread bytes resets the connection and would
// drop the words. It does not close conn. It is for transports over TLS.
func Farewell(conn net.Conn, err error, silent bool) {
	_ = conn.SetDeadline(time.Now().Add(lingering))
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &header) && isHTTP(header.RecordHeader[:]):
		_, _ = io.WriteString(conn, plainAnswer)
	case errors.As(err, &header), silent:
		_, _ = io.WriteString(conn, plainAlert)
	}
	if half, ok := conn.(*net.TCPConn); ok && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, onlyReader{conn}, 1<<20)
	}
}

// onlyReader hides the methods by which io.Copy would do better, and allocate more.
type onlyReader struct{ io.Reader }

func isHTTP(head []byte) bool {
	for _, method := range []string{"GET ", "POST ", "PUT ", "HEAD ", "OPTIO", "PRI "} {
		if string(head[:min(len(head), len(method))]) == method {
			return true
		}
	}
	return false
}

func (l *Listener) peer(w *wire.Conn, state *tls.ConnectionState) *transports.Peer {
	p := &transports.Peer{Transport: name, Addr: transports.Addr{Transport: name, Name: w.RemoteAddr().String()}}
	if state != nil {
		p.Identity = state
	}
	return p
}

// Accept waits for the next peer whose handshake succeeds and that Authorize lets in; it is a *[Conn]. ctx bounds the wait,
// not the connection. After Close the error wraps [net.ErrClosed]; after any other error Accept can be called again.
func (l *Listener) Accept(ctx context.Context) (transports.Conn, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, l.wrap(err)
		}
		var a accepted
		select {
		case a = <-l.ready:
		case <-l.done:
			return nil, l.wrap(net.ErrClosed)
		case <-ctx.Done():
			return nil, l.wrap(ctx.Err())
		}
		if a.err != nil {
			l.counter.Failed(a.err, false)
			return nil, a.err
		}
		if l.authorize != nil {
			state := a.conn.ConnectionState()
			peer := l.peer(a.conn.wire, &state)
			if err := l.authorize(ctx, peer); err != nil {
				l.counter.Refused()
				_ = a.conn.wire.Close() // nothing was sent that could be lost
				if l.refused != nil {
					l.refused(peer, err)
				}
				continue
			}
		}
		l.counter.Accepted()
		return a.conn, nil
	}
}

func (l *Listener) wrap(err error) error {
	return &transports.Error{Transport: name, Addr: l.addr.Name, Op: "accept", Err: err}
}

// Close stops listening and ends handshakes that are under way; accepted connections stay open.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.room.Broadcast()
	l.mu.Unlock()
	l.cancel()
	close(l.done)
	err := l.below.Close()
	l.mu.Lock()
	for e := l.shaking.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*shaker).wire.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
	if err != nil {
		return renamed(err)
	}
	return nil
}

// Stats returns what the listener has done so far. Refused counts handshakes that failed as well.
func (l *Listener) Stats() transports.ListenerStats { return l.counter.Stats() }

// Addr returns the address that is listened on, with the port that was chosen for port 0, as a [transports.Addr].
func (l *Listener) Addr() net.Addr { return l.addr }

var _ transports.Listener = (*Listener)(nil)
