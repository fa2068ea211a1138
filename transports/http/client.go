package http

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/requests"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

// Version is a version of HTTP.
type Version int

const (
	Auto  Version = iota // HTTP/2 for Both and over TLS with who has it, else HTTP/1.1
	HTTP1                // HTTP/1.1
	HTTP2                // HTTP/2, without TLS by prior knowledge
)

// Options are the settings of [Get], [Post] and [Both].
type Options struct {
	// TLS says who this end is and whom it trusts, for https. Its zero value is a client without a certificate that trusts
	// the authorities of the system and wants the host of the URL.
	TLS secured.Config
	// Version is that of HTTP.
	Version Version
	// Codecs are those of compressed bodies that this end reads, "zstd" and "lz4": a program that imports
	// compress/zstd or compress/lz4 reads them. Nil means that bodies are to be plain.
	Codecs []string
	// Token is sent as "Authorization: Bearer". It is refused for http, but to this machine.
	Token string
	// Header has more headers. It is not changed.
	Header http.Header
	// Linger is how long Close waits for the answer to a request whose body was ended. Zero means 10 s.
	Linger time.Duration

	// Transport makes the request in place of a connection of its own; then TLS and Version are its business. Nil means a
	// new connection for each call, without a proxy.
	Transport http.RoundTripper

	shared *shared // by several calls, nil for none
}

// shared is what makes the requests of several calls: on one connection where that is HTTP/2.
type shared struct {
	streams int             // how many there will be
	own     *http.Transport // nil before the first
	asked   atomic.Bool
}

// Get asks for a stream. The connection receives. ctx bounds the call, up to the head of the response, not the
// connection; nil options mean all defaults. Redirects are not followed.
//
// Errors are of type *[transports.Error] and wrap the cause: the context's error if ctx ended, a *[StatusError] for an
// answer that is no stream, those of package tls below transports for certificates.
func Get(ctx context.Context, rawURL string, opts *Options) (*Conn, error) {
	q, err := newRequest(http.MethodGet, rawURL, opts)
	if err != nil {
		return nil, err
	}
	if err := q.start(ctx); err != nil {
		return nil, err
	}
	select {
	case <-q.answered:
	case <-ctx.Done():
	}
	if err := q.failure(ctx); err != nil {
		q.give(err)
		return nil, q.fail("dial", err)
	}
	return q.conn, nil
}

// Post sends a stream. The connection sends; its Close returns the answer. ctx bounds connecting, not the connection; nil
// options mean all defaults.
//
// Errors are those of [Get]; that of an answer, which may come at any time, is returned by Write or Close.
func Post(ctx context.Context, rawURL string, opts *Options) (*Conn, error) {
	q, err := newRequest(http.MethodPost, rawURL, opts)
	if err != nil {
		return nil, err
	}
	if err := q.start(ctx); err != nil {
		return nil, err
	}
	return q.conn, nil
}

// Both sends a stream and receives one, over HTTP/2. ctx bounds connecting, not the connection; nil options mean all
// defaults.
//
// Errors are those of [Get]; that of an answer is returned by Read, Write or Close.
func Both(ctx context.Context, rawURL string, opts *Options) (*Conn, error) {
	q, err := newRequest("", rawURL, opts)
	if err != nil {
		return nil, err
	}
	if err := q.start(ctx); err != nil {
		return nil, err
	}
	return q.conn, nil
}

// A request is one exchange of a client.
type request struct {
	conn      *Conn
	http      *http.Request
	transport http.RoundTripper
	own       *http.Transport // the same, if it is of this request
	linger    time.Duration
	cancel    context.CancelCauseFunc
	asked     *atomic.Bool // the server asked for a certificate, and this end has none

	connected chan struct{} // closed when there is a connection
	once      sync.Once
	answered  chan struct{} // closed when there is a response, or none will come
	response  *http.Response
	err       error
	taken     chan struct{} // closed when net/http reads no more of the body
	ended     chan struct{} // closed when the response was read ahead, to its end or not, and the body is taken
}

// newRequest prepares a request: GET, POST, or with no method POST both ways.
func newRequest(method, rawURL string, opts *Options) (*request, error) {
	if opts == nil {
		opts = &Options{}
	}
	both := method == ""
	if both {
		method = http.MethodPost
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, &transports.Error{Transport: "http", Op: "dial", Err: errors.New("not a URL"), Hint: "want http://host:port/path or https://, without a user"}
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.Fragment = ""
	name := u.Host + u.EscapedPath()
	fail := func(err error, hint string) error {
		return &transports.Error{Transport: u.Scheme, Addr: name, Op: "dial", Err: err, Hint: hint}
	}
	if opts.Token != "" && u.Scheme == "http" && !isLocal(u.Hostname()) {
		return nil, fail(errors.New("a token is not sent without TLS"), "use https://")
	}
	q := &request{
		linger: opts.Linger, connected: make(chan struct{}), answered: make(chan struct{}), ended: make(chan struct{}),
		taken:     make(chan struct{}),
		transport: opts.Transport, asked: new(atomic.Bool),
	}
	if s := opts.shared; s != nil {
		q.asked = &s.asked
		if s.own != nil {
			q.own, q.transport = s.own, s.own
		}
	}
	if q.linger == 0 {
		q.linger = 10 * time.Second
	}
	if q.transport == nil {
		version := opts.Version
		if both && version == Auto {
			version = HTTP2
		}
		if both && version == HTTP1 {
			return nil, fail(errors.ErrUnsupported, "HTTP/1.1 sends or receives; HTTP/2 does both")
		}
		var config *tls.Config
		if u.Scheme == "https" {
			if config, err = opts.TLS.Client(u.Hostname()); err != nil {
				return nil, fail(err, "")
			}
			if config.GetClientCertificate == nil && len(config.Certificates) == 0 {
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					q.asked.Store(true)
					return &tls.Certificate{}, nil
				}
			}
		}
		q.own = newTransport(version, config, u.Scheme)
		q.transport = q.own
		if s := opts.shared; s != nil {
			s.own = q.own
			s.own.HTTP2 = http2Streams(s.streams)
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	q.cancel = cancel
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		q.once.Do(func() {
			q.conn.local = transports.Addr{Transport: u.Scheme, Name: i.Conn.LocalAddr().String()}
			close(q.connected)
		})
	}})
	r := (&http.Request{
		Method: method, URL: u, Host: u.Host, Header: opts.Header.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	receives, sends := both || method == http.MethodGet, method == http.MethodPost
	q.conn = newConn(u.Scheme, r, "unconnected", name, sends, receives)
	if receives {
		r.Header.Set("Accept", requests.Accept(opts.Codecs))
	}
	if sends {
		r.Header.Set("Content-Type", ContentType)
		_, gentle := q.transport.(exchanger)
		r.Body, r.ContentLength = &requestBody{outlet: q.conn.out, gentle: gentle, taken: q.taken}, -1
	}
	if r.Header.Get("Accept-Encoding") == "" {
		r.Header.Set("Accept-Encoding", "identity") // else net/http asks for gzip
	}
	if opts.Token != "" {
		r.Header.Set("Authorization", "Bearer "+opts.Token)
	}
	q.http = r
	q.conn.release, q.conn.verdict = q.release, q.verdict
	return q, nil
}

// isLocal tells whether a host is this machine by its name.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func newTransport(version Version, config *tls.Config, scheme string) *http.Transport {
	t := &http.Transport{
		TLSClientConfig: config, DisableCompression: true, HTTP2: http2Config(),
		// A connection on which a request was broken off ends by this: closed at once, what it had sent before could be lost.
		IdleConnTimeout:     100 * time.Millisecond,
		TLSHandshakeTimeout: requests.Timeout, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10,
		DialContext: (&net.Dialer{}).DialContext,
	}
	switch {
	case version == HTTP2:
		t.Protocols = protocols(false, true)
	case version == HTTP1 || scheme == "http":
		t.Protocols = protocols(true, false)
	default:
		t.Protocols = protocols(true, true)
	}
	return t
}

// An exchanger is the transport of a single request, as package h3 has it. Over HTTP/3 a request that is broken off takes
// with it what was not read. So its body is ended where it was closed between writes: that the stream is not finished
// its reader sees by the stream's own end.
type exchanger interface {
	http.RoundTripper
	CloseExchange() // after the exchange
}

// requestBody is what net/http reads a request from.
type requestBody struct {
	*outlet
	gentle bool
	taken  chan struct{}
	once   sync.Once
}

// Read is that of the outlet.
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.outlet.Read(p)
	if err == errBroken && b.gentle && !b.wasCut() { //nolint:errorlint // the very same
		err = io.EOF
	}
	return n, err
}

// Close is called when it reads no more. After the end of the body that means nothing.
func (b *requestBody) Close() error {
	b.leave(errUnread)
	b.once.Do(func() { close(b.taken) })
	return nil
}

var errUnread = errors.New("the request is not read")

// start sends the request and waits until it is on a connection.
func (q *request) start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return q.fail("dial", err)
	}
	go q.run()
	select {
	case <-q.connected:
		return nil
	case <-q.answered:
	case <-ctx.Done():
	}
	err := q.failure(ctx)
	if err == nil {
		return nil // without a trace of the connection, by a transport of the user's
	}
	q.give(err)
	return q.fail("dial", err)
}

// failure returns why there is no stream, or nil.
func (q *request) failure(ctx context.Context) error {
	select {
	case <-q.answered:
		if q.err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		return q.err
	default:
		return ctx.Err()
	}
}

// run makes the request and reads its response.
func (q *request) run() {
	defer close(q.ended)
	c := q.conn
	response, err := q.transport.RoundTrip(q.http)
	if err == nil {
		err = check(response, c.in != nil)
	}
	q.response, q.err = response, err
	close(q.answered)
	if err != nil {
		if c.out != nil {
			c.out.leave(err)
		}
		if c.in != nil {
			c.in.fail(err)
		}
	} else if c.in != nil {
		_ = c.in.pump(response.Body)
	}
	if response != nil {
		if err == nil && c.in == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxText)) // so that HTTP/1.1 sees its end
		}
		if err == nil && c.out != nil {
			// A server may answer before it has read all. To close its answer is to break off the request.
			select {
			case <-q.taken:
			case <-q.http.Context().Done():
			}
		}
		_ = response.Body.Close()
	}
}

const maxText = 1 << 10

// check returns an error for a response that is not what was asked for.
func check(r *http.Response, stream bool) error {
	if r.StatusCode < 200 || r.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(r.Body, maxText))
		e := &StatusError{Code: r.StatusCode}
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "text/plain" {
			e.Text = plain(string(text))
		} else if to := r.Header.Get("Location"); to != "" {
			e.Text = "moved to " + plain(to)
		}
		return e
	}
	if !stream {
		return nil
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return fmt.Errorf("the response has the Content-Encoding %.40q, which was not asked for", enc)
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasPrefix(kind, "text/") || kind == "application/json" {
		return fmt.Errorf("the response is %.60s, not a stream", kind)
	}
	return nil
}

// plain keeps the first line of a text, without what terminals obey.
func plain(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

// release ends the exchange, at the Close of the connection.
func (q *request) release(clean bool) (err error) {
	if clean && q.conn.out != nil {
		if q.conn.in == nil {
			err = q.result()
		} else {
			select { // both ways: a response that has not ended is given up
			case <-q.answered:
				if q.err != nil {
					err = q.err
				}
			default:
			}
		}
	}
	broken := q.conn.out != nil && !clean
	if broken {
		// net/http sees the end of the body and breaks off the request itself.
		select {
		case <-q.answered:
		case <-time.After(q.linger):
		}
	}
	q.cancel(net.ErrClosed)
	<-q.ended
	if !broken {
		q.closeIdle()
	} else if x, ok := q.transport.(exchanger); ok {
		x.CloseExchange()
	}
	return err
}

func (q *request) closeIdle() {
	if q.own != nil {
		q.own.CloseIdleConnections()
	} else if x, ok := q.transport.(exchanger); ok {
		x.CloseExchange()
	}
}

// result waits for the answer, and until all was sent.
func (q *request) result() error {
	timer := time.NewTimer(q.linger)
	defer timer.Stop()
	select {
	case <-q.answered:
		if q.err != nil {
			return q.err
		}
	case <-timer.C:
		return fmt.Errorf("the peer has not answered for %v, and may not have read all", q.linger)
	}
	select {
	case <-q.ended:
		return nil
	case <-timer.C:
		return fmt.Errorf("the peer has answered and has not read all for %v", q.linger)
	}
}

// verdict waits for the answer of a server that has stopped reading, which says why.
func (q *request) verdict(err error) error {
	timer := time.NewTimer(q.linger)
	defer timer.Stop()
	select {
	case <-q.answered:
		if q.err != nil {
			return q.err
		}
	case <-timer.C:
	}
	return err
}

// give gives the request up, if it has not ended.
func (q *request) give(err error) {
	q.cancel(err)
	<-q.ended
	q.closeIdle()
}

// fail returns the error of a request that did not come to be.
func (q *request) fail(op string, err error) error {
	e := q.conn.explain(op, err).(*transports.Error)
	var told interface { // of a transport that knows more, as that of package h3
		error
		Hint() string
	}
	if errors.As(err, &told) {
		e.Err, e.Hint = told, told.Hint()
		return e
	}
	if hint, cause := secured.Explain(err); hint != "" {
		e.Hint, e.Err = hint, cause
		return e
	}
	if q.asked.Load() && q.response == nil {
		// The alert of the server is lost if its end of the connection is closed before it is read.
		e.Err = fmt.Errorf("%w: it closed the connection (%w)", secured.ErrNoCertificate, err)
		e.Hint = "set CertFile and KeyFile (cert=, key=)"
		return e
	}
	var (
		dns   *net.DNSError
		where *net.OpError
		late  net.Error
	)
	switch text := err.Error(); {
	case strings.Contains(text, "readLoopPeekFail"): // net/http does not say more
		e.Err = errors.New("the peer spoke before it was asked")
		e.Hint = "it does not speak HTTP; Arrow without it is tcp://"
	case errors.As(err, &dns):
		e.Err, e.Hint = dns, "check the host name"
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "http2: frame too large"), strings.Contains(text, "server preface"):
		e.Hint = "the peer does not speak this version of HTTP, or speaks Arrow without it (tcp://)"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		e.Hint = "the peer speaks no TLS; use http://"
	case errors.As(err, &where) && where.Op == "dial":
		e.Hint = "is the other end listening?"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, transports.ErrPeerClosed):
		e.Err = &unanswered{err}
		e.Hint = "is it a server of " + strings.ToUpper(e.Transport) + "? One that speaks Arrow without HTTP is tcp:// or tls://"
	case errors.As(err, &late) && late.Timeout():
		e.Hint = "nothing answers; is the other end listening, and does the network between let it pass?"
	}
	return e
}

// unanswered is the error of a request that was cut off.
type unanswered struct{ cause error }

func (u *unanswered) Error() string        { return "the peer closed the connection without an answer" }
func (u *unanswered) Unwrap() error        { return u.cause }
func (u *unanswered) Is(target error) bool { return target == transports.ErrPeerClosed }
