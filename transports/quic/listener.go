package quic

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/qlogwriter"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/pending"
)

// Listener accepts streams, or sessions. Its methods may be called by any number of goroutines.
type Listener struct {
	ql        *quic.Listener
	addr      net.Addr
	linger    time.Duration
	authorize func(context.Context, *transports.Peer) error
	refused   func(*transports.Peer, error)
	counter   count.Listener
	waiting   pending.Set // connections without a stream
	within    time.Duration

	udp     *net.UDPConn    // nil for the caller's
	conns   chan *quic.Conn // with a handshake that has succeeded
	streams chan stream
	done    chan struct{} // closed by Close

	mu     sync.Mutex
	isShut bool
	alive  int                // connections, those in their handshake too
	links  map[*link]struct{} // authorized, and no stream of theirs was accepted
}

type stream struct {
	link *link
	conn *Conn
}

// Listen listens on addr, "host:port"; an empty host means all addresses, port 0 a free port, which Addr then tells. ctx
// bounds the resolving of the host. opts must have TLS with a certificate.
//
// Errors are of type *[transports.Error] and wrap the cause.
func Listen(ctx context.Context, addr string, opts *ListenOptions) (*Listener, error) {
	if opts == nil {
		opts = &ListenOptions{}
	}
	if err := ctx.Err(); err != nil {
		return nil, listenError(addr, err)
	}
	config, err := opts.config()
	if err != nil {
		return nil, listenError(addr, err)
	}
	t, err := opts.TLS.Server(alpn)
	if err != nil {
		return nil, listenError(addr, err)
	}
	l := &Listener{
		linger: opts.lingers(), authorize: opts.Authorize, refused: opts.Refused,
		conns: make(chan *quic.Conn), streams: make(chan stream), done: make(chan struct{}),
		links: make(map[*link]struct{}), within: or(opts.HandshakeTimeout, 10*time.Second),
	}
	l.waiting.Limit = or(opts.MaxPending, maxPending)
	config.GetConfigForClient = func(info *quic.ClientInfo) (*quic.Config, error) {
		c := config.Clone()
		c.GetConfigForClient = nil
		c.Tracer = func(ctx context.Context, _ bool, _ quic.ConnectionID) qlogwriter.Trace {
			l.count(1)
			context.AfterFunc(ctx, func() {
				l.count(-1)
				l.failed(info.RemoteAddr, context.Cause(ctx))
			})
			return nil // it is not traced: this is where quic-go hands out the context
		}
		return c, nil
	}
	var ql *quic.Listener
	if opts.PacketConn != nil {
		ql, err = quic.Listen(opts.PacketConn, t, config)
	} else {
		var addrs []*net.UDPAddr
		if addrs, err = resolve(ctx, addr); err != nil {
			return nil, listenError(addr, err)
		}
		if l.udp, err = net.ListenUDP("udp", addrs[0]); err != nil {
			return nil, listenError(addr, err)
		}
		ql, err = quic.Listen(l.udp, t, config)
	}
	if err != nil {
		if l.udp != nil {
			_ = l.udp.Close()
		}
		return nil, listenError(addr, err)
	}
	l.ql, l.addr = ql, addrOf(ql.Addr())
	go l.take()
	return l, nil
}

const maxPending = 1024

// closeTime is how long the socket is kept after the last connection, to tell late packets that there is none.
const closeTime = 500 * time.Millisecond

// count counts connections, and closes the socket after the last one of a listener that is closed.
func (l *Listener) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive += n
	if l.udp != nil && l.isShut && l.alive == 0 {
		time.AfterFunc(closeTime, func() { _ = l.udp.Close() }) // a second call does no harm
	}
}

// failed is told why a connection has ended, and tells the user about those whose handshake failed.
func (l *Listener) failed(remote net.Addr, err error) {
	var e *quic.TransportError
	if !errors.As(err, &e) || !e.ErrorCode.IsCryptoError() {
		return
	}
	l.counter.Refused()
	if l.refused != nil {
		hint, cause := handshake(e)
		l.refused(&transports.Peer{Transport: name, Addr: addrOf(remote)}, &transports.Error{
			Transport: name, Addr: remote.String(), Op: "handshake", Err: cause, Hint: hint,
		})
	}
}

// take hands connections to Accept until the listener is closed.
func (l *Listener) take() {
	for {
		qc, err := l.ql.Accept(context.Background())
		if err != nil {
			return // it is closed
		}
		select {
		case l.conns <- qc:
		case <-qc.Context().Done():
		case <-l.done:
			_ = qc.CloseWithError(codeListener, "")
		}
	}
}

// Accept waits for the next stream of a peer that Authorize lets in; it is a *[Conn]. Of a connection with several
// streams each is returned. ctx bounds the wait, not the connection. After Close the error wraps [net.ErrClosed].
func (l *Listener) Accept(ctx context.Context) (transports.Conn, error) {
	for {
		qc, s, err := l.next(ctx, l.streams)
		switch {
		case err != nil:
			return nil, err
		case qc != nil:
			if lk := l.admit(ctx, qc, false); lk != nil {
				lk.waits = func() bool { return l.waiting.Has(qc) }
				lk.refused = func(err error) {
					l.counter.Refused()
					if l.refused != nil {
						l.refused(&transports.Peer{Transport: name, Addr: lk.remote}, err)
					}
				}
				l.expect(qc)
				go l.takeStreams(lk)
				go lk.watch()
			}
		case l.accepted(s):
			return s.conn, nil
		}
	}
}

// AcceptSession waits for the next connection of a peer that Authorize lets in, without accepting a stream of it. A
// listener is for Accept or for AcceptSession: a connection goes to whichever is called. ctx bounds the wait, not the
// connection. After Close the error wraps [net.ErrClosed].
func (l *Listener) AcceptSession(ctx context.Context) (*Session, error) {
	for {
		qc, _, err := l.next(ctx, nil)
		if err != nil {
			return nil, err
		}
		lk := l.admit(ctx, qc, true)
		if lk != nil && l.accepted(stream{link: lk}) {
			return &Session{link: lk, counter: &l.counter}, nil
		}
	}
}

// next waits for a connection or a stream.
func (l *Listener) next(ctx context.Context, streams <-chan stream) (*quic.Conn, stream, error) {
	select {
	case <-l.done: // first, as the others may be ready too
		return nil, stream{}, l.wrap("accept", net.ErrClosed)
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, stream{}, l.wrap("accept", err)
	}
	select {
	case qc := <-l.conns:
		return qc, stream{}, nil
	case s := <-streams:
		return nil, s, nil
	case <-l.done:
		return nil, stream{}, l.wrap("accept", net.ErrClosed)
	case <-ctx.Done():
		return nil, stream{}, l.wrap("accept", ctx.Err())
	}
}

// admit returns the link of a new connection, or nil if it is refused.
func (l *Listener) admit(ctx context.Context, qc *quic.Conn, session bool) *link {
	lk := newLink(qc, qc.RemoteAddr().String(), false, session, l.linger)
	if l.authorize != nil {
		state := qc.ConnectionState().TLS
		peer := &transports.Peer{Transport: name, Addr: lk.remote, Identity: &state}
		if err := l.authorize(ctx, peer); err != nil {
			_ = qc.CloseWithError(codeUnauthorized, "")
			l.counter.Refused()
			if l.refused != nil {
				l.refused(peer, err)
			}
			return nil
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isShut {
		_ = qc.CloseWithError(codeListener, "")
		return nil
	}
	l.links[lk] = struct{}{}
	return lk
}

// expect closes a connection on which no stream comes in time, or that has to give way to others.
func (l *Listener) expect(qc *quic.Conn) {
	l.waiting.Add(qc, l.within, func(why error) {
		_ = qc.CloseWithError(codeSilent, why.Error())
		if !errors.Is(why, pending.ErrClosed) {
			l.counter.Refused()
			if l.refused != nil {
				addr := qc.RemoteAddr()
				l.refused(&transports.Peer{Transport: name, Addr: addrOf(addr)}, &transports.Error{
					Transport: name, Addr: addr.String(), Op: "handshake", Err: why,
				})
			}
		}
	})
	context.AfterFunc(qc.Context(), func() { l.waiting.Remove(qc) })
}

// takeStreams hands the streams of a connection to Accept, until the connection ends.
func (l *Listener) takeStreams(lk *link) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.links, lk)
	}()
	for {
		q, err := lk.qc.AcceptStream(lk.qc.Context())
		if err != nil {
			return
		}
		l.waiting.Remove(lk.qc)
		c := lk.add(q.StreamID(), q, q, &l.counter)
		select {
		case l.streams <- stream{lk, c}:
			continue
		case <-l.done:
		case <-lk.qc.Context().Done():
		}
		refuse(q)
		lk.drop(c)
	}
}

// accepted notes that a stream is returned by Accept, or a session, unless the listener was closed in the meantime.
func (l *Listener) accepted(s stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isShut {
		return false // Close closes the connection
	}
	delete(l.links, s.link)
	l.counter.Accepted()
	return true
}

// Close stops listening; accepted streams stay open, and no more of their connections' are taken. The port is free when the
// connections have ended.
func (l *Listener) Close() error {
	l.mu.Lock()
	shut := l.isShut
	l.isShut = true
	links := l.links
	l.links = nil
	l.mu.Unlock()
	if shut {
		return nil
	}
	close(l.done)
	l.waiting.Close()
	for lk := range links {
		_ = lk.qc.CloseWithError(codeListener, "")
	}
	err := l.ql.Close()
	l.count(0)
	if err != nil {
		return l.wrap("close", err)
	}
	return nil
}

// Stats returns what the listener has done so far. It counts streams, and sessions where these are accepted.
func (l *Listener) Stats() transports.ListenerStats { return l.counter.Stats() }

// Addr returns the address that is listened on, with the port that was chosen for port 0.
func (l *Listener) Addr() net.Addr { return l.addr }

func (l *Listener) wrap(op string, err error) error {
	return &transports.Error{Transport: name, Addr: l.addr.String(), Op: op, Err: err}
}

var _ transports.Listener = (*Listener)(nil)
