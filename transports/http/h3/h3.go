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

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

const name = "h3"

func init() {
	transports.Register(transports.Scheme{
		Name: name, Form: transports.HostPath, Port: "443", Params: append(slices.Clone(secured.Params), "idle"), Token: true,
		Dial: dialURI, Listen: listenURI,
	})
}

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
	server *http3.Server
	quic   *quic.Transport
	ql     *quic.Listener
	down   chan struct{}
	once   sync.Once
}

// Listen listens on addr, "host:port", as [http.Listen] does. opts must have TLS with a certificate; Refused and Drained are
// not looked at.
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
	q := &quic.Transport{Conn: socket}
	ql, err := q.Listen(http3.ConfigureTLSConfig(t), config(idle))
	if err != nil {
		_ = socket.Close()
		return fail(err)
	}
	l := &Listener{quic: q, ql: ql, down: make(chan struct{})}
	o := *opts
	o.Drained = l.down
	l.Listener = http.NewListener(transports.Addr{Transport: "https", Name: ql.Addr().String() + opts.Path}, &o)
	l.server = &http3.Server{
		Handler: nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if opts.Path != "" && r.URL.Path != opts.Path {
				nethttp.NotFound(w, r)
				return
			}
			l.ServeHTTP(Abortable(w), r)
		}),
		Logger: slog.New(slog.DiscardHandler),
	}
	go func() { _ = l.server.ServeListener(ql) }()
	return l, nil
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

func dialURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Conn, error) {
	config, err := secured.FromURI(u)
	if err != nil {
		return nil, err
	}
	o := http.Options{TLS: *config, Token: opts.Token}
	if c := u.Stream.Compression; c != "" {
		o.Codecs = []string{c} // who asks for a codec reads it
	}
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

func listenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
	config, err := secured.FromURI(u)
	if err != nil {
		return nil, err
	}
	if config.ServerName != "" {
		return nil, u.ParamError("servername", errors.New("is for the end that dials"))
	}
	o := http.ListenOptions{
		TLS: *config, Role: opts.Role, HandlerOptions: http.HandlerOptions{Authorize: opts.Authorize},
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
