// Package h3 carries streams as the bodies of HTTP/3 requests and responses. It is package http over QUIC: its handlers
// serve HTTP/3 in any [http3.Server], and its connections are what this one makes. Programs that do not import it do not
// link QUIC.
//
// In URIs it is h3://host:port/path, always over TLS.
//
// A response that is broken off after its first byte ends with a reset, before which what was written arrives where both
// ends can (RESET_STREAM_AT), as those of this package do. A request is ended where it is closed between two writes, and
// broken off inside of one.
package h3

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	nethttp "net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/qlogwriter"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	"github.com/lightstream-go/lightstream/transports/internal/pending"
	"github.com/lightstream-go/lightstream/transports/internal/requests"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

const name = "h3"

func init() {
	transports.Register(transports.Scheme{
		Name: name, Form: transports.HostPath, Port: "443", Params: append(slices.Clone(secured.Params), "idle", "origin"), Token: true,
		Opener: opener{},
	})
}

// opener opens URIs.
type opener struct{}

// config has windows for bulk, as package quic.
func config(idle time.Duration) *quic.Config {
	return &quic.Config{
		Versions:                       []quic.Version{quic.Version1},
		InitialStreamReceiveWindow:     1 << 20,
		InitialConnectionReceiveWindow: 3 << 19,
		MaxStreamReceiveWindow:         8 << 20,
		MaxConnectionReceiveWindow:     16 << 20,
		MaxIdleTimeout:                 idle,
		KeepAlivePeriod:                10 * time.Second,

		EnableStreamResetPartialDelivery: true,
	}
}

// Get is [http.Get] over HTTP/3. The URL is of https; Version and Transport of opts are not looked at.
func Get(ctx context.Context, rawURL string, opts *http.Options) (*http.Conn, error) {
	return call(ctx, http.Get, rawURL, opts, idleTimeout)
}

// Post is [http.Post] over HTTP/3.
func Post(ctx context.Context, rawURL string, opts *http.Options) (*http.Conn, error) {
	return call(ctx, http.Post, rawURL, opts, idleTimeout)
}

// Both is [http.Both] over HTTP/3. Its Close drops what the other end has not read yet, unless this end has read to the
// end of the response: CloseWrite and read to the end to be sure.
func Both(ctx context.Context, rawURL string, opts *http.Options) (*http.Conn, error) {
	return call(ctx, http.Both, rawURL, opts, idleTimeout)
}

// idleTimeout is after how long without a word from the other end a connection is given up.
const idleTimeout = 30 * time.Second

type callFunc func(ctx context.Context, rawURL string, opts *http.Options) (*http.Conn, error)

func call(ctx context.Context, f callFunc, rawURL string, opts *http.Options, idle time.Duration) (*http.Conn, error) {
	var o http.Options
	if opts != nil {
		o = *opts
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" {
		return nil, &transports.Error{Transport: "https", Op: "dial", Err: errors.New("not a URL"), Hint: "HTTP/3 wants https://host:port/path"}
	}
	t, err := o.TLS.Client(u.Hostname(), http3.NextProtoH3)
	if err != nil {
		return nil, &transports.Error{Transport: "https", Addr: u.Host, Op: "dial", Err: err}
	}
	x := &exchange{}
	x.Transport = &http3.Transport{TLSClientConfig: t, QUICConfig: config(idle), DisableCompression: true, Dial: x.dial}
	o.Transport = x
	c, err := f(ctx, rawURL, &o)
	if err != nil {
		x.CloseExchange()
	}
	return c, err
}

// exchange is the transport of one request. Its socket is its own: that of http3.Transport stays open where closing a connection fails.
type exchange struct {
	*http3.Transport
	mu     sync.Mutex
	quic   *quic.Transport // nil before it dials
	closed bool
}

func (x *exchange) dial(ctx context.Context, addr string, t *tls.Config, c *quic.Config) (*quic.Conn, error) {
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	from, err := x.open()
	if err != nil {
		return nil, err
	}
	return from.DialEarly(ctx, to, t, c)
}

// open returns the socket.
func (x *exchange) open() (*quic.Transport, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, net.ErrClosed
	}
	if x.quic == nil {
		udp, err := net.ListenUDP("udp", nil)
		if err != nil {
			return nil, err
		}
		x.quic = &quic.Transport{Conn: udp}
	}
	return x.quic, nil
}

// RoundTrip makes the request. What went wrong in the handshake is said in words, also where it shows only after that.
func (x *exchange) RoundTrip(r *nethttp.Request) (*nethttp.Response, error) {
	answer, err := x.Transport.RoundTrip(r)
	var e *quic.TransportError
	if errors.As(err, &e) && e.ErrorCode.IsCryptoError() {
		if e.ErrorCode == noProtocol {
			return answer, &handshakeError{"the peer speaks another protocol over QUIC than HTTP/3", "streams over QUIC without HTTP are quic://", err}
		}
		if hint, cause := explain(e); hint != "" {
			return answer, &handshakeError{cause.Error(), hint, cause}
		}
	}
	return answer, err
}

// handshakeError is the error of a handshake with what would help, which package http asks for.
type handshakeError struct {
	text, hint string
	cause      error
}

func (h *handshakeError) Error() string { return h.text }
func (h *handshakeError) Hint() string  { return h.hint }
func (h *handshakeError) Unwrap() error { return h.cause }

// CloseExchange is called by package http after the exchange.
func (x *exchange) CloseExchange() {
	_ = x.Transport.Close() // tells the other end
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed = true; x.quic != nil {
		_ = x.quic.Close()
		_ = x.quic.Conn.Close()
		x.quic = nil
	}
}

// Listener is a listener for HTTP/3. Its methods may be called by any number of goroutines.
type Listener struct {
	*http.Listener
	server  *http3.Server
	quic    *quic.Transport
	ql      *quic.Listener
	down    chan struct{}
	once    sync.Once
	counter count.Listener // of who was not let in
	refused func(*transports.Peer, error)
	conns   requests.Conns
}

// Listen listens on addr, "host:port", as [http.Listen] does. opts must have TLS with a certificate; Drained is not looked at.
func Listen(ctx context.Context, addr string, opts *http.ListenOptions) (*Listener, error) {
	return listen(ctx, addr, opts, idleTimeout)
}

func listen(ctx context.Context, addr string, opts *http.ListenOptions, idle time.Duration) (*Listener, error) {
	fail := func(err error) (*Listener, error) {
		return nil, &transports.Error{Transport: "https", Addr: addr, Op: "listen", Err: err}
	}
	if opts == nil {
		opts = &http.ListenOptions{}
	}
	t, err := opts.TLS.Server(http3.NextProtoH3)
	if err != nil {
		return fail(err)
	}
	var lc net.ListenConfig
	socket, err := lc.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return fail(err)
	}
	l := &Listener{quic: &quic.Transport{Conn: socket}, down: make(chan struct{}), refused: opts.Refused}
	within := requests.Or(opts.HandshakeTimeout, requests.Timeout)
	l.conns.Limit = requests.Or(opts.MaxPending, requests.MaxPending)
	l.conns.First, l.conns.Idle = within, unasked+time.Second
	qc := config(idle)
	qc.HandshakeIdleTimeout = (within + 1) / 2 // quic-go ends a handshake after twice as long
	qc.GetConfigForClient = func(info *quic.ClientInfo) (*quic.Config, error) {
		c := qc.Clone()
		c.GetConfigForClient = nil
		c.Tracer = func(ctx context.Context, _ bool, _ quic.ConnectionID) qlogwriter.Trace {
			context.AfterFunc(ctx, func() { l.failed(info.RemoteAddr, context.Cause(ctx)) })
			return nil // it is not traced: this is where quic-go hands out the context
		}
		return c, nil
	}
	ql, err := l.quic.Listen(http3.ConfigureTLSConfig(t), qc)
	if err != nil {
		_ = socket.Close()
		return fail(err)
	}
	l.ql = ql
	o := *opts
	o.Drained = l.down
	l.Listener = http.NewListener(transports.Addr{Transport: "https", Name: ql.Addr().String() + opts.Path}, &o)
	l.server = &http3.Server{
		Handler: nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			qc := r.Context().Value(connKey{})
			l.conns.Began(qc)
			defer l.conns.Ended(qc)
			if opts.Path != "" && r.URL.Path != opts.Path {
				nethttp.NotFound(w, r)
				return
			}
			l.ServeHTTP(Abortable(w), r)
		}),
		Logger: slog.New(slog.DiscardHandler), MaxHeaderBytes: 64 << 10, IdleTimeout: unasked,
		ConnContext: func(ctx context.Context, qc *quic.Conn) context.Context { return context.WithValue(ctx, connKey{}, qc) },
	}
	go l.take()
	return l, nil
}

// unasked is how long a connection is kept without a request.
const unasked = 2 * time.Minute

// connKey is the key of a request's connection in its context.
type connKey struct{}

// take serves connections until the listener is closed. One that sends no request in time, or has to give way, is
// closed.
func (l *Listener) take() {
	for {
		qc, err := l.ql.Accept(context.Background())
		if err != nil {
			return // it is closed
		}
		l.conns.Opened(qc, func(why error) {
			if errors.Is(why, requests.ErrIdle) {
				_ = qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), why.Error())
				return
			}
			_ = qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeRequestRejected), why.Error())
			if !errors.Is(why, pending.ErrClosed) {
				l.refuse(qc.RemoteAddr(), requests.Explain(why), "")
			}
		})
		context.AfterFunc(qc.Context(), func() { l.conns.Closed(qc) })
		go func() { _ = l.server.ServeQUICConn(qc) }()
	}
}

// failed is told why a connection has ended, and tells the user about those whose handshake failed.
func (l *Listener) failed(remote net.Addr, err error) {
	var e *quic.TransportError
	if !errors.As(err, &e) || !e.ErrorCode.IsCryptoError() {
		return
	}
	hint, cause := explain(e)
	l.refuse(remote, cause, hint)
}

// Alerts of TLS as error codes of QUIC.
const (
	certificateRequired = 0x100 + 116
	noProtocol          = 0x100 + 120
)

// explain says what a failed handshake means.
func explain(e *quic.TransportError) (hint string, cause error) {
	switch {
	case e.ErrorCode == noProtocol:
		return "it must use h3:// or https://, or this end be quic://", errors.New("the peer does not speak HTTP/3")
	case e.Remote:
		return secured.Explain(tls.AlertError(e.ErrorCode - 0x100))
	case e.ErrorCode == certificateRequired:
		return secured.Explain(errors.New("tls: client didn't provide a certificate")) // without the alert, which is what the peer is told
	}
	return secured.Explain(e)
}

func (l *Listener) refuse(remote net.Addr, why error, hint string) {
	l.counter.Refused()
	if l.refused != nil {
		at := transports.Addr{Transport: "https", Name: remote.String()}
		l.refused(&transports.Peer{Transport: "https", Addr: at}, &transports.Error{Transport: "https", Addr: at.Name, Op: "handshake", Err: why, Hint: hint})
	}
}

// Stats returns what the listener has done so far. It counts requests, and among those refused connections too.
func (l *Listener) Stats() transports.ListenerStats {
	s := l.Listener.Stats()
	s.Refused += l.counter.Stats().Refused
	return s
}

// lateTime is how long the socket answers late packets after the last connection has ended. Handshakes that nobody goes on with would
// keep it longer.
const lateTime = 500 * time.Millisecond

// Close stops listening; connections that were accepted stay open. If there are none it waits up to 5 s until clients have
// read what they were sent.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.once.Do(func() {
		err = errors.Join(err, l.ql.Close())
		l.conns.CloseSilent()
		go func() {
			_ = l.server.Shutdown(context.Background()) // ends with the last connection
			close(l.down)
			time.Sleep(lateTime)
			_ = l.quic.Close()
			_ = l.quic.Conn.Close()
		}()
		if l.Stats().Open == 0 {
			timer := time.NewTimer(5 * time.Second)
			defer timer.Stop()
			select {
			case <-l.down:
			case <-timer.C:
			}
		}
	})
	return err
}

// Abortable wraps the ResponseWriter of an [http3.Server] so that a [http.Handler] breaks a response off behind what was
// written: the panic by which handlers do it otherwise drops that.
func Abortable(w nethttp.ResponseWriter) nethttp.ResponseWriter {
	if s, ok := w.(http3.HTTPStreamer); ok {
		return abortable{w, s}
	}
	return w
}

type abortable struct {
	nethttp.ResponseWriter
	streamer http3.HTTPStreamer
}

// Unwrap is for [nethttp.ResponseController].
func (a abortable) Unwrap() nethttp.ResponseWriter { return a.ResponseWriter }

// Abort is called by package http.
func (a abortable) Abort() {
	s := a.streamer.HTTPStream()
	s.QUICStream().SetReliableBoundary()
	s.CancelRead(quic.StreamErrorCode(http3.ErrCodeInternalError))
	s.CancelWrite(quic.StreamErrorCode(http3.ErrCodeInternalError))
}

var _ transports.Listener = (*Listener)(nil)

func (opener) DialURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Conn, error) {
	if err := requests.NoOrigins(u); err != nil {
		return nil, err
	}
	config, err := secured.FromURI(u)
	if err != nil {
		return nil, err
	}
	o := http.Options{TLS: *config, Token: opts.Token, Codecs: u.Codecs(opts)}
	f := callFunc(http.Both)
	switch opts.Role {
	case transports.Sends:
		f = http.Post
	case transports.Receives:
		f = http.Get
	}
	idle, err := idleOf(u)
	if err != nil {
		return nil, err
	}
	c, err := call(ctx, f, "https://"+u.Host+u.Path, &o, idle)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (opener) ListenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
	config, err := secured.FromURI(u)
	if err != nil {
		return nil, err
	}
	if config.ServerName != "" {
		return nil, u.ParamError("servername", errors.New("is for the end that dials"))
	}
	origins, err := requests.Origins(u)
	if err != nil {
		return nil, err
	}
	o := http.ListenOptions{
		TLS: *config, Role: opts.Role, Refused: opts.Refused, HandlerOptions: http.HandlerOptions{Authorize: opts.Authorize, Origins: origins},
		Duplex: u.Stream.Protocol == transports.Lightstream,
	}
	if u.Path != "/" {
		o.Path = u.Path
	}
	idle, err := idleOf(u)
	if err != nil {
		return nil, err
	}
	l, err := listen(ctx, u.Host, &o, idle)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func idleOf(u *transports.URI) (time.Duration, error) {
	idle, err := u.Duration("idle")
	if idle == 0 {
		idle = idleTimeout
	}
	return idle, err
}
