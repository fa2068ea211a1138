package ws

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/requests"
	"github.com/lightstream-go/lightstream/transports/internal/wire"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
)

// ListenOptions are the settings of [Listen] and [NewListener].
type ListenOptions struct {
	// Socket has the settings of each accepted connection. Its zero value means the defaults. NewListener does not look at it.
	Socket tcp.Socket
	// TLS makes it wss, with the certificate of this end. Nil means ws. NewListener does not look at it.
	TLS *tls.Config
	// HandshakeTimeout bounds the request of each peer, and the handshake of TLS. Zero means 10 s. NewListener leaves it to the
	// server that it is mounted on.
	HandshakeTimeout time.Duration
	// MaxPending is how many connections there may be that have sent no request, how many again whose requests were answered, and how many
	// in the handshake of TLS. Beyond it the one that has been so for the longest gives way to a new one, of those that have sent nothing if
	// there are any. Zero means 1,024. NewListener leaves it to the
	// server that it is mounted on.
	MaxPending int
	// Path is the only one that is answered by what Listen returns; others are 404. "" means every path.
	Path string

	// Wrap has the requests first: it is given the handler of the listener, which is for requests for a WebSocket, and returns
	// one that may answer others, with a page for instance. Nil leaves all requests to the listener. NewListener does not look
	// at it.
	Wrap func(http.Handler) http.Handler

	// Origins are the hosts of pages whose scripts may connect, such as "app.example" or "*.example.com", with a scheme or
	// without. Pages of this server's own host always may, and so may what is no browser and sends no Origin.
	Origins []string
	// MaxMessage is as in [DialOptions].
	MaxMessage int64

	// Authorize is asked about each peer before its request is granted; Peer.Identity is the *[http.Request], whose TLS field
	// has the certificates. An error refuses the peer with status 403, or with that of its method StatusCode() int. ctx is the
	// request's. Nil lets everyone in.
	Authorize func(ctx context.Context, peer *transports.Peer) error
	// Refused is told about each peer that was not let in and why. It may be called by several goroutines at once. Nil tells
	// nobody.
	Refused func(peer *transports.Peer, err error)
}

// NewListener returns a listener that is an [http.Handler]: mount it on a server of your own. Its connections outlive the
// requests.
func NewListener(opts *ListenOptions) *Listener {
	if opts == nil {
		opts = &ListenOptions{}
	}
	return &Listener{
		opts: *opts, addr: transports.Addr{Transport: "ws", Name: "handler"},
		ready: make(chan *Conn), done: make(chan struct{}),
	}
}

// Listen listens on addr, "host:port", with a server that does nothing else; an empty host means all addresses, port 0 a free
// port, which Addr then tells. ctx bounds the resolving of the host.
//
// Errors are of type *[transports.Error] and wrap the cause.
func Listen(ctx context.Context, addr string, opts *ListenOptions) (*Listener, error) {
	l := NewListener(opts)
	timeout := requests.Or(l.opts.HandshakeTimeout, handshakeTimeout)
	var (
		below transports.Listener
		err   error
	)
	l.addr.Transport = "ws"
	if l.opts.TLS != nil {
		l.addr.Transport = "wss"
		o := &tls.ListenOptions{Socket: l.opts.Socket, TLS: *l.opts.TLS, HandshakeTimeout: timeout, MaxPending: l.opts.MaxPending, Refused: l.opts.Refused}
		below, err = listening(tls.Listen(ctx, addr, o))
	} else {
		below, err = listening(tcp.Listen(ctx, addr, &tcp.ListenOptions{Socket: l.opts.Socket}))
	}
	if err != nil {
		var te *transports.Error
		if errors.As(err, &te) {
			again := *te
			again.Transport = l.addr.Transport
			err = &again
		}
		return nil, err
	}
	l.addr.Name = below.Addr().String()
	var handler http.Handler = l
	if l.opts.Path != "" {
		mux := http.NewServeMux()
		mux.Handle(l.opts.Path, l)
		handler = mux
	}
	if l.opts.Wrap != nil {
		handler = l.opts.Wrap(handler)
	}
	l.server = &http.Server{
		Handler: handler, IdleTimeout: timeout, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, requests.Unwrap(nc))
		},
	}
	refused := func(addr net.Addr, why error, hint string) {
		at := transports.Addr{Transport: l.addr.Transport, Name: addr.String()}
		l.refuse(&transports.Peer{Transport: at.Transport, Addr: at}, &transports.Error{
			Transport: at.Transport, Addr: at.Name, Op: "handshake", Err: why, Hint: hint,
		})
	}
	requests.Bound(l.server, l.opts.MaxPending, timeout, refused)
	ln := requests.Listen(netListener{below}, l.opts.TLS != nil, refused)
	l.failed = make(chan struct{})
	l.wg.Go(func() {
		if err := l.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			l.why = err
			close(l.failed)
		}
	})
	return l, nil
}

// listening keeps a nil pointer from being a listener.
func listening[L transports.Listener](l L, err error) (transports.Listener, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

// netListener is a transport's listener as package http wants it.
type netListener struct{ transports.Listener }

func (n netListener) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept(context.Background())
	if err != nil {
		return nil, err
	}
	if t, ok := c.(*tcp.Conn); ok {
		return t.NetConn(), nil
	}
	return c, nil
}

// Listener accepts WebSocket connections. It is an [http.Handler]. Its methods may be called by any number of goroutines.
type Listener struct {
	opts    ListenOptions
	addr    transports.Addr
	server  *http.Server // nil for a handler
	counter count.Listener

	ready chan *Conn // to Accept
	done  chan struct{}
	once  sync.Once
	wg    sync.WaitGroup

	failed chan struct{} // closed when the server has stopped by itself, because of why; nil for a handler
	why    error
}

// ServeHTTP answers a request for a WebSocket, and returns when Accept has the connection. One that Authorize or the check of
// its origin does not let in gets status 403.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-l.done:
		http.Error(w, "the feed has ended", http.StatusServiceUnavailable)
		return
	default:
	}
	transport := "ws"
	if below, ok := r.Context().Value(connKey{}).(*tls.Conn); ok {
		state := below.ConnectionState()
		r.TLS = &state
	}
	if r.TLS != nil {
		transport = "wss"
	}
	peer := &transports.Peer{Transport: transport, Addr: transports.Addr{Transport: transport, Name: r.RemoteAddr}, Identity: r}
	if l.opts.Authorize != nil {
		if err := l.opts.Authorize(r.Context(), peer); err != nil {
			l.refuse(peer, err)
			code := http.StatusForbidden
			var status interface{ StatusCode() int }
			if errors.As(err, &status) {
				code = status.StatusCode()
			}
			if code == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			http.Error(w, "this client may not connect", code)
			return
		}
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		l.refuse(peer, &transports.Error{
			Transport: transport, Addr: r.RemoteAddr, Op: "handshake",
			Err: errors.New("the peer is an HTTP client that asks for no WebSocket"), Hint: "it must use ws:// or wss://",
		})
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "This is a WebSocket: use ws:// or wss://.", http.StatusUpgradeRequired)
		return
	}
	h := &hijacker{ResponseWriter: w}
	c, err := websocket.Accept(h, r, &websocket.AcceptOptions{OriginPatterns: l.opts.Origins})
	if err != nil {
		l.refuse(peer, &transports.Error{Transport: transport, Addr: r.RemoteAddr, Op: "handshake", Err: err})
		if h.stream != nil {
			_ = h.stream.Close()
		}
		return
	}
	conn := newConn(c, h.stream, false, transport, r.RemoteAddr, l.opts.MaxMessage, &l.counter)
	conn.request = r
	select {
	case l.ready <- conn:
	case <-l.done:
		_ = c.CloseNow()
	}
}

func (l *Listener) refuse(peer *transports.Peer, err error) {
	l.counter.Refused()
	if l.opts.Refused != nil {
		l.opts.Refused(peer, err)
	}
}

// hijacker puts a stream between the library and the connection of a request.
type hijacker struct {
	http.ResponseWriter
	stream *stream
}

// Hijack is called by the library.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w := wire.New(requests.Unwrap(nc))
	h.stream = &stream{wire: w, from: w}
	ahead, _ := rw.Reader.Peek(rw.Reader.Buffered())
	h.stream.follow(ahead) // the library reads these first
	rw.Writer.Reset(w)
	return &hijacked{w, h.stream}, rw, nil
}

// hijacked is a wire whose reads are followed.
type hijacked struct {
	*wire.Conn
	stream *stream
}

func (h *hijacked) Read(p []byte) (int, error) { return h.stream.Read(p) }

// Accept waits for the next peer that is let in; it is a *[Conn]. ctx bounds the wait, not the connection. After Close the
// error wraps [net.ErrClosed].
func (l *Listener) Accept(ctx context.Context) (transports.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.wrap(err)
	}
	select {
	case c := <-l.ready:
		l.counter.Accepted()
		return c, nil
	case <-l.done:
		return nil, l.wrap(net.ErrClosed)
	case <-l.failed:
		l.counter.Failed(l.why, false)
		return nil, l.wrap(l.why)
	case <-ctx.Done():
		return nil, l.wrap(ctx.Err())
	}
}

func (l *Listener) wrap(err error) error {
	return &transports.Error{Transport: l.addr.Transport, Addr: l.addr.Name, Op: "accept", Err: err}
}

// Close stops listening; accepted connections stay open. A handler answers with status 503 from then on.
func (l *Listener) Close() error {
	var err error
	l.once.Do(func() {
		close(l.done)
		if l.server != nil {
			err = l.server.Close()
		}
		l.wg.Wait()
	})
	return err
}

// Stats returns what the listener has done so far.
func (l *Listener) Stats() transports.ListenerStats { return l.counter.Stats() }

// Addr returns the address that is listened on, with the port that was chosen for port 0, as a [transports.Addr]. For a handler it
// is a name without a meaning.
func (l *Listener) Addr() net.Addr { return l.addr }

var (
	_ transports.Listener = (*Listener)(nil)
	_ http.Handler        = (*Listener)(nil)
)
