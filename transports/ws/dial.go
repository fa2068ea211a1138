package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/requests"
	"github.com/lightstream-go/lightstream/transports/internal/wire"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
)

// DialOptions are the settings of [Dial].
type DialOptions struct {
	// Socket has the settings of the socket. Its zero value means the defaults.
	Socket tcp.Socket
	// TLS is for wss: who this end is and whom it trusts. Its zero value trusts the authorities of the system and wants the
	// host that is dialled.
	TLS tls.Config
	// HandshakeTimeout bounds the handshakes, that of TLS too. Zero means 10 s, negative no bound but that of the context.
	HandshakeTimeout time.Duration
	// Header is sent with the request.
	Header http.Header
	// Token is sent as "Authorization: Bearer", over TLS or to this machine only: elsewhere it would be readable by whoever
	// is on the way, and is an error.
	Token string
	// Codecs are those of compressed bodies that this end reads, "zstd" and "lz4": a program that imports compress/zstd or
	// compress/lz4 reads them. A server may then send them, which http.Codecs tells it of the request; without any it sends plain ones.
	Codecs []string
	// MaxMessage is the largest message that is accepted, in bytes. Messages do not have to fit into memory; the limit
	// stops a peer that never ends one. Zero means the largest body and metadata that ipc.Limits allows by default, about 1 GiB;
	// negative means no limit.
	MaxMessage int64
}

const handshakeTimeout = 10 * time.Second

// StatusError is the answer of a server that does not take the connection.
type StatusError struct {
	Code int    // such as 403
	Text string // the start of what it said, one line
}

// Error returns code and text.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("the server answered %d %s", e.Code, http.StatusText(e.Code))
	if e.Text != "" {
		s += fmt.Sprintf(": %q", e.Text)
	}
	return s
}

// Temporary tells whether the server may answer otherwise later.
func (e *StatusError) Temporary() bool {
	switch e.Code {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Dial connects to a URL such as "ws://localhost:8080/feed" or "wss://feed.example/". ctx bounds connecting and the handshakes,
// not the connection; nil options mean all defaults. Redirections are not followed, and no proxy is used.
//
// Errors are of type *[transports.Error] and wrap the cause: the context's error if ctx ended, a *[StatusError] if the server
// answered otherwise, those of package tls.
func Dial(ctx context.Context, uri string, opts *DialOptions) (*Conn, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Host == "":
		return nil, &transports.Error{Transport: "ws", Op: "dial", Err: errors.New("the URL cannot be parsed"), Hint: "want ws://host:port/path or wss://host/path"}
	case u.Scheme != "ws" && u.Scheme != "wss":
		return nil, &transports.Error{Transport: "ws", Addr: u.Host, Op: "dial", Err: errors.New("the scheme is neither ws nor wss")}
	case u.User != nil:
		return nil, &transports.Error{Transport: u.Scheme, Addr: u.Host, Op: "dial", Err: errors.New("a user or a password in a URL is refused"), Hint: "use Token or Header"}
	}
	d := &dialler{opts: opts, secure: u.Scheme == "wss", name: u.Scheme, host: u.Host}
	header := opts.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if len(opts.Codecs) > 0 {
		header.Set("Accept", requests.Accept(opts.Codecs))
	}
	if opts.Token != "" {
		if !d.secure && !local(u.Hostname()) {
			return nil, d.fail("dial", errors.New("a token is not sent without TLS"), "use wss://")
		}
		header.Set("Authorization", "Bearer "+opts.Token)
	}
	timeout := opts.HandshakeTimeout
	if timeout == 0 {
		timeout = handshakeTimeout
	}
	shaking := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		shaking, cancel = context.WithTimeoutCause(ctx, timeout, errHandshake)
		defer cancel()
	}
	client := &http.Client{Transport: d, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c, resp, err := websocket.Dial(shaking, uri, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header})
	if err != nil {
		d.close()
		return nil, d.explain(ctx, shaking, resp, err)
	}
	return newConn(c, d.stream, true, d.name, u.Host, opts.MaxMessage, nil), nil
}

var errHandshake = errors.New("no answer to the handshake in time")

// local tells whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// dialler sends the one request of a handshake over a connection that it keeps.
type dialler struct {
	opts       *DialOptions
	secure     bool
	name, host string
	below      net.Conn
	stream     *stream
	head       head
}

// RoundTrip connects, sends the request and returns an answer whose body is the connection.
func (d *dialler) RoundTrip(r *http.Request) (*http.Response, error) {
	addr := r.URL.Host
	if r.URL.Port() == "" {
		port := "80"
		if d.secure {
			port = "443"
		}
		addr = net.JoinHostPort(r.URL.Hostname(), port)
	}
	t := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.dialPlain(ctx, addr) },
		DialTLSContext:    func(ctx context.Context, _, _ string) (net.Conn, error) { return d.dialTLS(ctx, addr) },
	}
	resp, err := t.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if body, ok := resp.Body.(io.ReadWriteCloser); ok && resp.StatusCode == http.StatusSwitchingProtocols {
		d.stream.from = body // with what was read ahead
		resp.Body = d.stream
	}
	return resp, nil
}

func (d *dialler) dialPlain(ctx context.Context, addr string) (net.Conn, error) {
	c, err := tcp.Dial(ctx, addr, &tcp.DialOptions{Socket: d.opts.Socket})
	if err != nil {
		return nil, err
	}
	return d.keep(c.NetConn()), nil
}

func (d *dialler) dialTLS(ctx context.Context, addr string) (net.Conn, error) {
	c, err := tls.Dial(ctx, addr, &tls.DialOptions{Socket: d.opts.Socket, TLS: d.opts.TLS, HandshakeTimeout: -1})
	if err != nil {
		return nil, err
	}
	return d.keep(c), nil
}

func (d *dialler) keep(nc net.Conn) net.Conn {
	w := wire.New(nc)
	d.below, d.stream = nc, &stream{wire: w, from: w}
	return &patient{Conn: w, asked: make(chan struct{}), head: &d.head}
}

// patient is a connection that is not read before something was written. Package http takes what comes earlier for an answer to
// nothing, and logs it.
type patient struct {
	*wire.Conn
	asked chan struct{}
	once  sync.Once
	head  *head
}

func (p *patient) Read(b []byte) (int, error) {
	<-p.asked
	n, err := p.Conn.Read(b)
	p.head.add(b[:n])
	return n, err
}

// head is the first bytes that came, by which a peer is known that speaks something else.
type head struct {
	mu    sync.Mutex
	bytes []byte
}

func (h *head) add(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if room := len("HTTP/") - len(h.bytes); room > 0 {
		h.bytes = append(h.bytes, p[:min(room, len(p))]...)
	}
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.bytes)
}

func (p *patient) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	p.once.Do(func() { close(p.asked) })
	return n, err
}

func (p *patient) Close() error {
	p.once.Do(func() { close(p.asked) })
	return p.Conn.Close()
}

func (d *dialler) close() {
	if d.below != nil {
		_ = d.below.Close()
	}
}

func (d *dialler) fail(op string, err error, hint string) error {
	return &transports.Error{Transport: d.name, Addr: d.host, Op: op, Err: err, Hint: hint}
}

// explain says why a handshake failed.
func (d *dialler) explain(ctx, shaking context.Context, resp *http.Response, err error) error {
	var below *transports.Error
	switch {
	case ctx.Err() != nil:
		return d.fail("dial", ctx.Err(), "")
	case context.Cause(shaking) == errHandshake: //nolint:errorlint // set above
		return d.fail("handshake", &timeoutError{}, "is it a WebSocket server?")
	case errors.As(err, &below) && below.Op != "read" && below.Op != "write":
		again := *below
		again.Transport, again.Addr = d.name, d.host
		return &again
	case resp != nil:
		e := &StatusError{Code: resp.StatusCode}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return d.fail("handshake", errors.New(strings.TrimPrefix(err.Error(), "failed to WebSocket dial: ")), "is it a WebSocket server?")
		}
		if resp.Body != nil {
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
			e.Text, _, _ = strings.Cut(strings.TrimSpace(string(text)), "\n")
		}
		hint := "is it a WebSocket server, and the path right?"
		switch {
		case e.Code == http.StatusUnauthorized:
			hint = "it wants a token or other credentials"
		case e.Code == http.StatusForbidden:
			hint = "it does not let this client in"
		case e.Code >= 300 && e.Code < 400:
			hint = "redirections are not followed; dial where it leads"
		case e.Code == http.StatusBadRequest && strings.Contains(e.Text, "TLS") || strings.Contains(e.Text, "HTTPS"):
			hint = "it speaks TLS, use wss://"
		}
		return d.fail("handshake", e, hint)
	}
	switch head := d.head.String(); {
	case strings.HasPrefix(head, "\x15\x03"):
		return d.fail("handshake", errors.New("the peer speaks TLS"), "use wss://")
	case strings.HasPrefix(head, "\xff\xff\xff\xff"):
		return d.fail("handshake", errors.New("the peer speaks Arrow without WebSocket"), "use tcp:// or tls://")
	case !strings.HasPrefix("HTTP/", head):
		return d.fail("handshake", errors.New("the peer does not speak HTTP"), "is it a WebSocket server?")
	case d.stream != nil && d.stream.wire.Cut():
		return d.fail("handshake", fmt.Errorf("the peer closed the connection in the handshake: %w", transports.ErrPeerClosed), "is it a WebSocket server?")
	case below != nil: // without the words of those between
		return d.fail("handshake", below.Err, below.Hint)
	}
	return d.fail("handshake", err, "")
}

// timeoutError is a deadline that has passed.
type timeoutError struct{}

func (*timeoutError) Error() string   { return errHandshake.Error() }
func (*timeoutError) Timeout() bool   { return true }
func (*timeoutError) Temporary() bool { return true }
func (*timeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}
