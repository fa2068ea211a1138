package wt

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/qlogwriter"
	"github.com/quic-go/webtransport-go"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/pending"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

// ListenOptions are the settings of [Listen].
type ListenOptions struct {
	Options

	// TLS says who this end is and whom it trusts. It must have a certificate. With CAFile every client must have one too.
	TLS secured.Config
	// Path is the only one that is answered; others are 404. "" means every path.
	Path string
	// Origins are the hosts of pages whose scripts may connect, such as "app.example" or "*.example.com". Pages of this server's own
	// host always may, and so may what is no browser and sends no Origin.
	Origins []string
	// MaxPending is how many clients may be between their handshake and Accept. Beyond it the one that has been there for the
	// longest gives way to a new one. Zero means 1,024.
	MaxPending int

	// Authorize is asked about each peer before its request is granted; Peer.Identity is the *[http.Request], whose TLS field has the
	// certificates. An error refuses the peer with status 403, or that of its method StatusCode() int. ctx is the request's. Nil lets everyone in.
	Authorize func(ctx context.Context, peer *transports.Peer) error
	// Refused is told about each peer that was not let in and why. It may be called by several goroutines at once. Nil tells nobody.
	Refused func(peer *transports.Peer, err error)
}

const maxPending = 1024

// Listener accepts WebTransport sessions, of each its first stream. Its methods may be called by any number of goroutines.
type Listener struct {
	opts    ListenOptions
	ql      *quic.Listener
	udp     *net.UDPConn
	addr    net.Addr
	server  *webtransport.Server
	counter count.Listener
	waiting pending.Set // those that Accept has not returned

	ready chan *Conn
	done  chan struct{}

	mu     sync.Mutex
	isShut bool
	alive  int // connections, those in their handshake too
}

// Listen listens on addr, "host:port"; an empty host means all addresses, port 0 a free port, which Addr then tells. ctx bounds the
// resolving of the host. opts must have TLS with a certificate.
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
	t, err := opts.TLS.Server(http3.NextProtoH3)
	if err != nil {
		return nil, listenError(addr, err)
	}
	l := &Listener{opts: *opts, ready: make(chan *Conn), done: make(chan struct{})}
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
	pc, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, listenError(addr, err)
	}
	l.udp = pc.(*net.UDPConn)
	if l.ql, err = quic.Listen(l.udp, http3.ConfigureTLSConfig(t), config); err != nil {
		_ = l.udp.Close()
		return nil, listenError(addr, err)
	}
	l.addr = transports.Addr{Transport: name, Name: l.ql.Addr().String() + opts.Path}
	l.server = &webtransport.Server{
		H3: &http3.Server{
			Handler: http.HandlerFunc(l.serve), Logger: slog.New(slog.DiscardHandler), MaxHeaderBytes: 32 << 10,
			ConnContext: func(ctx context.Context, c *quic.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		},
		ReorderingTimeout: opts.handshake(),
		CheckOrigin:       func(*http.Request) bool { return true }, // serve has looked at it
	}
	go l.take()
	return l, nil
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

// closeTime is how long the socket is kept after the last connection, to tell late packets that there is none.
const closeTime = 500 * time.Millisecond

// count counts connections, and closes the socket after the last one of a listener that is closed.
func (l *Listener) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive += n
	if l.isShut && l.alive == 0 {
		time.AfterFunc(closeTime, func() { _ = l.udp.Close() }) // a second call does no harm
	}
}

// failed is told why a connection has ended, and tells the user about those whose handshake failed.
func (l *Listener) failed(remote net.Addr, err error) {
	var e *quic.TransportError
	if !errors.As(err, &e) || !e.ErrorCode.IsCryptoError() {
		return
	}
	hint, cause := handshake(e)
	l.refuse(&transports.Peer{Transport: name, Addr: addrOf(remote)}, &transports.Error{
		Transport: name, Addr: remote.String(), Op: "handshake", Err: cause, Hint: hint,
	})
}

func (l *Listener) refuse(peer *transports.Peer, err error) {
	l.counter.Refused()
	if l.opts.Refused != nil {
		l.opts.Refused(peer, err)
	}
}

// take serves connections until the listener is closed.
func (l *Listener) take() {
	for {
		qc, err := l.ql.Accept(context.Background())
		if err != nil {
			return // it is closed
		}
		// A client whose stream does not come in time, or that has to give way, loses its connection.
		l.waiting.Add(qc, l.opts.handshake(), func(why error) {
			_ = qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeRequestRejected), why.Error())
			if errors.Is(why, pending.ErrClosed) {
				return
			}
			l.refuse(&transports.Peer{Transport: name, Addr: addrOf(qc.RemoteAddr())}, &transports.Error{
				Transport: name, Addr: qc.RemoteAddr().String(), Op: "handshake", Err: why,
			})
		})
		context.AfterFunc(qc.Context(), func() { l.waiting.Remove(qc) })
		go func() { _ = l.server.ServeQUICConn(qc) }()
	}
}

// serve answers a request for a session, and hands its first stream to Accept.
func (l *Listener) serve(w http.ResponseWriter, r *http.Request) {
	qc, ok := r.Context().Value(connKey{}).(*quic.Conn)
	if !ok || l.opts.Path != "" && r.URL.Path != l.opts.Path {
		http.NotFound(w, r)
		return
	}
	peer := &transports.Peer{Transport: name, Addr: addrOf(qc.RemoteAddr()), Identity: r}
	fail := func(code int, err error) {
		l.refuse(peer, &transports.Error{Transport: name, Addr: qc.RemoteAddr().String(), Op: "handshake", Err: err})
		w.WriteHeader(code)
	}
	if r.Method != http.MethodConnect {
		l.refuse(peer, &transports.Error{
			Transport: name, Addr: qc.RemoteAddr().String(), Op: "handshake",
			Err: errors.New("the peer asks over HTTP/3 without WebTransport"), Hint: "it must use wt://, or this end be h3://",
		})
		http.Error(w, "This port speaks WebTransport: use wt://.", http.StatusBadRequest)
		return
	}
	if !l.mayAsk(r) {
		fail(http.StatusForbidden, errors.New("pages of this origin may not connect"))
		return
	}
	if l.opts.Authorize != nil {
		if err := l.opts.Authorize(r.Context(), peer); err != nil {
			code := http.StatusForbidden
			var other interface{ StatusCode() int }
			if errors.As(err, &other) {
				code = other.StatusCode()
			}
			l.refuse(peer, err)
			w.WriteHeader(code)
			return
		}
	}
	session, err := l.server.Upgrade(w, r)
	if err != nil {
		fail(http.StatusBadRequest, err)
		return
	}
	s, err := session.AcceptStream(qc.Context()) // which ends if it takes too long
	if err != nil || !l.waiting.Settle(qc) {
		return
	}
	c := newConn(qc, session, s, qc.RemoteAddr().String(), false, l.opts.lingers(), &l.counter)
	c.request = r
	c.watch()
	select {
	case l.ready <- c:
	case <-qc.Context().Done():
	case <-l.done:
		c.end()
	}
}

// mayAsk tells whether the page that asks may do so, if it is one that asks.
func (l *Listener) mayAsk(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || slices.ContainsFunc(l.opts.Origins, func(pattern string) bool {
		ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(u.Host))
		return ok && err == nil
	})
}

// Accept waits for the next stream of a peer that is let in; it is a *[Conn]. ctx bounds the wait, not the connection. After Close the
// error wraps [net.ErrClosed].
func (l *Listener) Accept(ctx context.Context) (transports.Conn, error) {
	for {
		select {
		case <-l.done: // first, as the others may be ready too
			return nil, l.wrap("accept", net.ErrClosed)
		default:
		}
		if err := ctx.Err(); err != nil {
			return nil, l.wrap("accept", err)
		}
		select {
		case c := <-l.ready:
			if l.waiting.Remove(c.qc) {
				l.counter.Accepted()
				return c, nil
			} // else it is being closed
		case <-l.done:
		case <-ctx.Done():
		}
	}
}

func (l *Listener) wrap(op string, err error) error {
	return &transports.Error{Transport: name, Addr: l.addr.String(), Op: op, Err: err}
}

// Close stops listening; accepted streams stay open. The port is free when their connections have ended.
func (l *Listener) Close() error {
	l.mu.Lock()
	shut := l.isShut
	l.isShut = true
	l.mu.Unlock()
	if shut {
		return nil
	}
	close(l.done)
	l.waiting.Close()
	err := l.ql.Close()
	l.count(0)
	if err != nil {
		return l.wrap("close", err)
	}
	return nil
}

// Stats returns what the listener has done so far.
func (l *Listener) Stats() transports.ListenerStats { return l.counter.Stats() }

// Addr returns the address that is listened on, with the port that was chosen for port 0, and the path.
func (l *Listener) Addr() net.Addr { return l.addr }

var _ transports.Listener = (*Listener)(nil)
