package http

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/requests"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

// ListenOptions are the settings of [Listen] and [NewListener].
type ListenOptions struct {
	// TLS says who this end is and whom it trusts. With a certificate it listens for https, else for http. With CAFile
	// every client must have a certificate too. It is for Listen only.
	TLS secured.Config

	// Path is the path of requests that are taken, "" for all; others are answered by 404. It is for Listen only.
	Path string

	// Role is what this end is going to do: the zero value takes GET and POST, Sends takes GET alone and Receives POST
	// alone. A POST is a connection both ways if it comes over HTTP/2 or HTTP/3 and asks for a stream by its Accept.
	Role transports.Role

	// Wrap has the requests first: it is given the handler of the listener and returns one that may answer others, with a page
	// for instance. Nil leaves all requests to the listener. It is for Listen only.
	Wrap func(http.Handler) http.Handler

	// Duplex makes each POST over HTTP/2 or HTTP/3 a connection both ways, whatever its Accept says: clients of the Lightstream
	// protocol POST in order to receive, too. By URI it is set by protocol=lightstream.
	Duplex bool

	// HandshakeTimeout bounds the handshake of TLS, and then the first request of each connection. Zero means 10 s. It is for Listen only.
	HandshakeTimeout time.Duration
	// MaxPending is how many connections there may be that have sent no request, how many again whose requests were answered, and how many
	// in the handshake of TLS. Beyond it the one that has been so for the longest gives way to a new one, of those that have sent nothing if
	// there are any. Zero means 1,024. It is for Listen only.
	MaxPending int

	// Refused is told about each peer whose TLS handshake failed, that sent no request in time or something else than HTTP, or that asked for a
	// WebSocket, and why. It may be called by several goroutines at once. Nil tells nobody. It is for Listen only.
	Refused func(peer *transports.Peer, err error)

	// AnswerTime is how long the answer to a POST that only sends waits after its end for the connection to be closed, or refused. Zero
	// means a second, a negative time none.
	AnswerTime time.Duration

	// Drained is for NewListener: it is closed when the program's server has answered all after Close, for which Close of
	// the last connection waits, as Close does with Listen. Nil means that nothing is waited for.
	Drained <-chan struct{}

	HandlerOptions

	streams int // that a connection is expected to have, 0 for one
}

// Listener hands out a connection for each request, and is an [http.Handler], for servers of the program's own. Its
// methods may be called by any number of goroutines.
//
// A GET is answered with 200 when it was accepted. A POST that only sends is answered when it was received to the end: with 204 when the
// connection is closed, or after AnswerTime if it still is not, and with 422 by [Conn.Refuse]. That it was also read can be told by a [Handler]
// only.
type Listener struct {
	opts    ListenOptions
	addr    net.Addr
	counter count.Listener
	server  *http.Server // nil with NewListener
	ln      net.Listener

	queue chan *exchange
	done  chan struct{}
	down  chan struct{} // closed when the server has answered all after Close
	once  sync.Once
	err   error // of closing
}

// NewListener returns a listener that is asked by a server of the program's own, at an address that Addr then returns:
// "http" or "https" as the network, host and path as the name.
func NewListener(addr net.Addr, opts *ListenOptions) *Listener {
	if opts == nil {
		opts = &ListenOptions{}
	}
	return &Listener{opts: *opts, addr: addr, queue: make(chan *exchange), done: make(chan struct{}), down: make(chan struct{})}
}

// idleTimeout is how long a connection is kept without a request.
const idleTimeout = 2 * time.Minute

// Listen listens on addr, "host:port", for HTTP/1.1 and HTTP/2, the latter without TLS by prior knowledge; an empty host
// means all addresses, port 0 a free port, which Addr then tells. ctx bounds the resolving of the host.
//
// Errors are of type *[transports.Error] and wrap the cause.
func Listen(ctx context.Context, addr string, opts *ListenOptions) (*Listener, error) {
	if opts == nil {
		opts = &ListenOptions{}
	}
	scheme := "http"
	var config *tls.Config
	if t := opts.TLS; t.CertFile != "" || t.KeyFile != "" || t.CAFile != "" || t.Base != nil {
		scheme = "https"
		c, err := t.Server("h2", "http/1.1")
		if err != nil {
			return nil, listenError(scheme, addr, err)
		}
		config = c
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, listenError(scheme, addr, err)
	}
	l := NewListener(transports.Addr{Transport: scheme, Name: ln.Addr().String() + opts.Path}, opts)
	l.ln = ln
	var handler http.Handler = http.HandlerFunc(l.serve)
	if opts.Wrap != nil {
		handler = opts.Wrap(handler)
	}
	l.server = &http.Server{
		Handler: handler, TLSConfig: config, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 64 << 10, Protocols: protocols(true, true), HTTP2: http2Streams(opts.streams),
		ErrorLog: log.New(io.Discard, "", 0), // of strangers there is no end
	}
	refused := func(addr net.Addr, why error, hint string) {
		l.counter.Refused()
		if opts.Refused != nil {
			at := transports.Addr{Transport: scheme, Name: addr.String()}
			opts.Refused(&transports.Peer{Transport: scheme, Addr: at}, &transports.Error{
				Transport: scheme, Addr: at.Name, Op: "handshake", Err: why, Hint: hint,
			})
		}
	}
	if config != nil {
		l.server.ConnContext, l.server.Handler = secureContext, secureHandler(handler)
		l.server.Protocols.SetUnencryptedHTTP2(false) // it is agreed upon in the handshake
	}
	requests.Bound(l.server, opts.MaxPending, opts.HandshakeTimeout, refused)
	if config == nil {
		ln = requests.Listen(ln, false, refused)
	} else {
		ln = listenTLS(ln, config, opts.MaxPending, opts.HandshakeTimeout, refused)
	}
	go func() { _ = l.server.Serve(ln) }()
	return l, nil
}

func protocols(one, two bool) *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(one)
	p.SetHTTP2(two)
	p.SetUnencryptedHTTP2(two)
	return p
}

// http2Config has frames and windows for bulk: of frames of 16 KiB each costs two switches between goroutines.
func http2Config() *http.HTTP2Config { return http2Streams(1) }

// http2Streams is http2Config for a connection of several streams, those of which that nobody reads must not stop the others.
func http2Streams(n int) *http.HTTP2Config {
	const window = 8 << 20
	return &http.HTTP2Config{
		MaxReadFrameSize: 1 << 20, MaxReceiveBufferPerStream: window, MaxReceiveBufferPerConnection: min(max(16<<20, n*window), 1<<30),
		MaxConcurrentStreams: max(250, n+1),
		SendPingTimeout:      15 * time.Second, PingTimeout: 15 * time.Second,
	}
}

// answerTime is what [ListenOptions].AnswerTime is where it is not said.
const answerTime = time.Second

// serve is ServeHTTP for the path that is listened at.
func (l *Listener) serve(w http.ResponseWriter, r *http.Request) {
	if l.opts.Path != "" && r.URL.Path != l.opts.Path {
		http.NotFound(w, r)
		return
	}
	l.ServeHTTP(w, r)
}

// ServeHTTP offers a request to Accept, and serves it.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	role := l.opts.Role
	if l.refusesWebSocket(w, r) {
		return
	}
	both := r.ProtoMajor >= 2 && (l.opts.Duplex || acceptsStream(r))
	post := role != transports.Sends || both
	if !l.opts.begin(w, r, role != transports.Receives, post) {
		if r.Method == http.MethodGet || r.Method == http.MethodPost {
			l.counter.Refused()
		}
		return
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", ContentType)
		return
	}
	x := newExchange(w, r, r.Method == http.MethodPost && both, &l.counter)
	if l.opts.Duplex && x.conn.in != nil {
		x.conn.in.drain() // for await
	}
	over := make(chan struct{})
	defer close(over)
	x.conn.release = func(bool) error {
		l.flush(over)
		return nil
	}
	select {
	case l.queue <- x:
	case <-l.done:
		http.Error(w, "this is shutting down", http.StatusServiceUnavailable)
		return
	case <-r.Context().Done():
		return
	}
	c := x.conn
	if c.out != nil {
		w.WriteHeader(http.StatusOK)
		x.began = true
		_ = x.ctl.Flush()
	}
	x.start()
	sent, received, given := x.sent, x.received, r.Context().Done()
	var late <-chan time.Time
	if c.out == nil {
		sent = nil
	}
	for c.in != nil || sent != nil {
		select {
		case <-sent: // CloseWrite, or nobody reads
			sent = nil
			if c.in == nil {
				x.finish()
				return
			}
		case <-received:
			if received = nil; c.out != nil {
				continue
			}
			if !c.in.atEnd() && c.refused.Load() == nil {
				return // the connection has what is left to read
			}
			timer := time.NewTimer(cmp.Or(l.opts.AnswerTime, answerTime))
			defer timer.Stop()
			late = timer.C
		case <-late:
			w.WriteHeader(http.StatusNoContent)
			return // the connection has what is left to read
		case <-given:
			given = nil
			if c.out != nil {
				c.out.leave(context.Cause(r.Context()))
			}
			if c.in == nil {
				x.stop()
				x.abort()
			} // else what has come before is still there to be read
		case <-c.done:
			if c.out == nil {
				x.answer()
				return
			}
			if l.opts.Duplex && c.in != nil && c.out != nil {
				x.await()
			}
			x.stop()
			x.finish()
			return
		}
	}
}

// answer ends a request that only sends, whose connection is closed.
func (x *exchange) answer() {
	c := x.conn
	why := c.refused.Load()
	switch {
	case why == nil:
		x.stop()
		if c.in.atEnd() {
			x.w.WriteHeader(http.StatusNoContent)
		}
	case x.r.ProtoMajor == 1 && !c.in.atEnd():
		x.refuseAndDrain(&StatusError{http.StatusUnprocessableEntity, *why})
	default:
		x.stop()
		refuse(x.w, &StatusError{http.StatusUnprocessableEntity, *why}, http.StatusUnprocessableEntity)
	}
}

// refusesWebSocket answers a request for a WebSocket, whose client could make nothing of a stream.
func (l *Listener) refusesWebSocket(w http.ResponseWriter, r *http.Request) bool {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return false
	}
	scheme := schemeOf(r)
	peer := transports.Addr{Transport: scheme, Name: r.RemoteAddr}
	l.counter.Refused()
	if l.opts.Refused != nil {
		l.opts.Refused(&transports.Peer{Transport: scheme, Addr: peer, Identity: r}, &transports.Error{
			Transport: scheme, Addr: peer.Name, Op: "handshake",
			Err: errors.New("the peer asks for a WebSocket"), Hint: "it must use http:// or https://, or this end be ws:// or wss://",
		})
	}
	w.Header().Set("Connection", "close")
	http.Error(w, "This is no WebSocket: use http:// or https://.", http.StatusBadRequest)
	return true
}

// await waits, not for long, for the end of a request that was not read to it. Some clients end their own direction only with the
// first bytes of the answer, and take it for an error when net/http resets a request whose end has not come.
func (x *exchange) await() {
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	for _, over := range []<-chan struct{}{x.sent, x.received} {
		select {
		case <-over:
		case <-timer.C:
			return
		case <-x.r.Context().Done():
			return
		}
	}
}

// flushTime is how long Close of a connection waits until what was written is on its way, as a program may end after it.
const flushTime = 5 * time.Second

// flush waits until an exchange is over, and after Close, with the last one, until the server is down.
func (l *Listener) flush(over <-chan struct{}) {
	timer := time.NewTimer(flushTime)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
		return
	}
	select {
	case <-l.done:
	default:
		return
	}
	if l.counter.Stats().Open > 0 {
		return
	}
	select {
	case <-l.down:
	case <-timer.C:
		return
	}
	if l.opts.Drained != nil {
		select {
		case <-l.opts.Drained:
		case <-timer.C:
		}
	}
}

// finish breaks off the response if it was not ended.
func (x *exchange) finish() {
	if x.broken() {
		x.stop()
		x.abort()
	}
}

// Accept waits for the next request that is let in; its connection is a *[Conn]. ctx bounds the wait, not the connection.
// After Close the error wraps [net.ErrClosed].
func (l *Listener) Accept(ctx context.Context) (transports.Conn, error) {
	for {
		select {
		case <-l.done: // first, as the queue may be ready too
			return nil, l.wrap("accept", net.ErrClosed)
		default:
		}
		if err := ctx.Err(); err != nil {
			return nil, l.wrap("accept", err)
		}
		select {
		case x := <-l.queue:
			l.counter.Accepted()
			return x.conn, nil
		case <-l.done:
		case <-ctx.Done():
		}
	}
}

// Close stops listening; connections that were accepted stay open.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		if l.server == nil {
			close(l.down)
			return
		}
		if err := l.ln.Close(); err != nil {
			l.err = l.wrap("close", err)
		}
		go func() {
			_ = l.server.Shutdown(context.Background()) // ends with the last connection
			close(l.down)
		}()
	})
	return l.err
}

// Stats returns what the listener has done so far. It counts requests.
func (l *Listener) Stats() transports.ListenerStats { return l.counter.Stats() }

// Addr returns the address that is listened on, with the port that was chosen for port 0.
func (l *Listener) Addr() net.Addr { return l.addr }

func (l *Listener) wrap(op string, err error) error {
	return &transports.Error{Transport: l.addr.Network(), Addr: l.addr.String(), Op: op, Err: err}
}

func listenError(scheme, addr string, err error) error {
	e := &transports.Error{Transport: scheme, Addr: addr, Op: "listen", Err: err}
	var (
		dns     *net.DNSError
		address *net.AddrError
	)
	switch {
	case errors.As(err, &dns):
		e.Hint = "check the host name"
	case errors.As(err, &address):
		e.Hint = `want "host:port" or ":port"`
	}
	return e
}

var (
	_ transports.Listener = (*Listener)(nil)
	_ http.Handler        = (*Listener)(nil)
)
