package http

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
)

// HandlerOptions are what [Handler] and [Listen] share.
type HandlerOptions struct {
	// Origins are the origins, such as "https://example.com", whose pages may ask (CORS), or "*" for all. Requests from
	// pages of others are refused, but for those of the server's own. Nil means none.
	Origins []string

	// Authorize is asked about each request before any of its body is read; Peer.Identity is the *[http.Request]. An error
	// refuses it, with 403, the code of a *[StatusError] or that of its method StatusCode() int. Nil lets everyone in.
	Authorize func(ctx context.Context, peer *transports.Peer) error
}

// Handler is an [http.Handler] of streams. Its functions run for one request each, with a connection that is closed when
// they return, and a context that ends when the request is given up.
//
// An error before the first byte of a response is the answer to the request: code and text of a *[StatusError], else 500
// without what the error says, which may not be for strangers. After the first byte it breaks off the response, so that
// the reader sees that the stream is not finished. So does a connection that was closed before CloseWrite.
type Handler struct {
	// Send serves GET: what it writes to c is the response. Nil means that GET is refused.
	Send func(ctx context.Context, c *Conn) error
	// Receive serves POST: what it reads from c is the body of the request. The answer is 204 if it returns nil. Over
	// HTTP/2 and HTTP/3 it may write, which makes the response as Send does. Nil means that POST is refused.
	Receive func(ctx context.Context, c *Conn) error

	HandlerOptions
}

// ServeHTTP serves one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.begin(w, r, h.Send != nil, h.Receive != nil) {
		return
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", ContentType)
		return
	}
	serve := h.Send
	if r.Method == http.MethodPost {
		serve = h.Receive
	}
	x := newExchange(w, r, r.ProtoMajor >= 2, nil)
	x.start()
	err := serve(r.Context(), x.conn)
	if why := x.conn.refused.Load(); why != nil && err == nil {
		err = &StatusError{http.StatusUnprocessableEntity, *why}
	}
	if err == nil && x.conn.out != nil {
		x.conn.out.finish(io.EOF) // does nothing after a Close that came before
	}
	if in := x.conn.in; err != nil && r.ProtoMajor == 1 && in != nil && !in.atEnd() {
		in.drain()
		_ = x.conn.Close()
		x.refuseAndDrain(err)
		return
	}
	x.end()
	began := x.hasBegun()
	post := r.Method == http.MethodPost
	switch {
	case !began && err != nil:
		w.Header().Del("Cache-Control")
		refuse(w, err, http.StatusInternalServerError)
	case !began && post:
		w.Header().Del("Content-Type")
		w.WriteHeader(http.StatusNoContent)
	case err != nil, x.broken():
		x.abort()
	}
}

// begin answers what is not a request for a stream, and refuses what it has to.
func (o *HandlerOptions) begin(w http.ResponseWriter, r *http.Request, get, post bool) bool {
	if r.ProtoMajor != 1 || r.Method != http.MethodPost {
		return o.admit(w, r, get, post)
	}
	ctl := http.NewResponseController(w)
	_ = ctl.EnableFullDuplex() // else net/http reads before it answers
	if o.admit(w, r, get, post) {
		return true
	}
	_ = ctl.Flush()
	_ = ctl.SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.Copy(io.Discard, r.Body)
	return false
}

func (o *HandlerOptions) admit(w http.ResponseWriter, r *http.Request, get, post bool) bool {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	if !o.admitOrigin(header, r) {
		http.Error(w, "pages of this origin may not ask here", http.StatusForbidden)
		return false
	}
	var methods []string
	if get {
		methods = append(methods, http.MethodGet, http.MethodHead)
	}
	if post {
		methods = append(methods, http.MethodPost)
	}
	allowed := strings.Join(append(methods, http.MethodOptions), ", ")
	if r.Method == http.MethodOptions {
		header.Set("Allow", allowed)
		header.Set("Access-Control-Allow-Methods", allowed)
		header.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type")
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	if !slices.Contains(methods, r.Method) {
		header.Set("Allow", allowed)
		http.Error(w, "this takes "+allowed, http.StatusMethodNotAllowed)
		return false
	}
	if o.Authorize != nil {
		peer := &transports.Peer{Transport: schemeOf(r), Addr: transports.Addr{Transport: schemeOf(r), Name: r.RemoteAddr}, Identity: r}
		if err := o.Authorize(r.Context(), peer); err != nil {
			refuse(w, err, http.StatusForbidden)
			return false
		}
	}
	return true
}

// drainTime is how long a server of HTTP/1.1 goes on to read a request that it has refused. One that closes the connection
// at once takes the answer back with it, as the client has not read that yet.
const drainTime = time.Second

// refuseAndDrain answers with err while the client still sends.
func (x *exchange) refuseAndDrain(err error) {
	x.w.Header().Set("Connection", "close")
	refuse(x.w, err, http.StatusInternalServerError)
	_ = x.ctl.Flush()
	_ = x.ctl.SetReadDeadline(time.Now().Add(drainTime))
	x.pumps.Wait()
}

// refuse answers with the code of err, or another.
func refuse(w http.ResponseWriter, err error, code int) {
	text := http.StatusText(code) // what other errors say may not be for strangers
	var (
		status *StatusError
		other  interface{ StatusCode() int }
	)
	switch {
	case errors.As(err, &status) && status.Code >= 400 && status.Code <= 599:
		code, text = status.Code, status.Text
		if text == "" {
			text = http.StatusText(code)
		}
	case errors.As(err, &other):
		code = other.StatusCode()
		text = http.StatusText(code)
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	// As [http.Error] does it, but with a length: a client that still sends must see the end of the answer before that of the request.
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n")
}

// admitOrigin tells whether the page that asks may do so, if it is one that asks.
func (o *HandlerOptions) admitOrigin(header http.Header, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	header.Add("Vary", "Origin")
	switch {
	case slices.Contains(o.Origins, "*"):
		header.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(o.Origins, origin):
		header.Set("Access-Control-Allow-Origin", origin)
	default:
		_, host, _ := strings.Cut(origin, "://")
		return host != "" && strings.EqualFold(host, r.Host)
	}
	return true
}

func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// An exchange is a request and its response as they are served.
type exchange struct {
	w     http.ResponseWriter
	r     *http.Request
	ctl   *http.ResponseController
	conn  *Conn
	pumps sync.WaitGroup

	sent     chan struct{} // closed when all that is sent was sent, or cannot be
	received chan struct{} // closed when the body of the request was read ahead, to its end or not

	mu    sync.Mutex
	began bool // the response has
}

// newExchange begins to serve r. Of a POST it is both ways if duplex.
func newExchange(w http.ResponseWriter, r *http.Request, duplex bool, counter *count.Listener) *exchange {
	local := r.Host
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		local = a.String()
	}
	post := r.Method == http.MethodPost
	x := &exchange{
		w: w, r: r, ctl: http.NewResponseController(w), sent: make(chan struct{}), received: make(chan struct{}),
	}
	x.conn = newConn(schemeOf(r), r, local, r.RemoteAddr, !post || duplex, post)
	x.conn.counter, x.conn.served = counter, true
	x.conn.release = func(bool) error { return nil } // end does it
	if x.conn.out != nil {
		header := w.Header()
		header.Set("Content-Type", ContentType)
		header.Set("Cache-Control", "no-store")
		header.Add("Vary", "Accept")
	}
	return x
}

// start begins to send and to receive.
func (x *exchange) start() {
	if x.conn.out != nil {
		x.pumps.Go(x.send)
	}
	if x.conn.in != nil {
		x.pumps.Go(x.receive)
	}
}

// begin tells whether the response has begun, and begins it.
func (x *exchange) begin() (already bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	already = x.began
	x.began = true
	return already
}

// send copies what is written to the response, and flushes it when there is no more at hand.
func (x *exchange) send() {
	defer close(x.sent)
	out := x.conn.out
	var buf []byte
	for {
		if len(buf) < maxSend {
			if n := out.wait(); n > int64(len(buf)) {
				buf = make([]byte, min(max(n, minSend), maxSend)) // not before there is something, and no larger than that
			}
		}
		n, err := out.Read(buf)
		if n > 0 {
			x.begin()
			if _, werr := x.w.Write(buf[:n]); werr != nil {
				out.leave(werr)
				return
			}
			if out.idle() {
				if ferr := x.ctl.Flush(); ferr != nil {
					out.leave(ferr)
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// What is copied at a time for a response: as much as a write has, within these. Each time wakes a goroutine of net/http, so that large
// batches want large buffers; a client to which little is sent at a time has a small one.
const (
	minSend = 32 << 10
	maxSend = 512 << 10
)

// receive reads the body of the request ahead.
func (x *exchange) receive() {
	defer close(x.received)
	_ = x.conn.in.pump(x.r.Body)
}

// end closes the connection and stops.
func (x *exchange) end() {
	_ = x.conn.Close()
	x.stop()
}

// stop waits until w and the body of the request are not used any more. What was written before is sent.
func (x *exchange) stop() {
	c := x.conn
	if c.in != nil && !c.in.atEnd() {
		_ = x.ctl.SetReadDeadline(time.Unix(1, 0)) // ends a read of the body
	}
	if x.r.Context().Err() != nil || c.out != nil && c.out.wasCut() {
		_ = x.ctl.SetWriteDeadline(time.Unix(1, 0)) // nobody is there, or it is broken anyway; ends a write
	}
	x.pumps.Wait()
}

// broken tells whether the response is to be broken off.
func (x *exchange) broken() bool {
	return x.conn.out != nil && x.conn.out.ended() != io.EOF //nolint:errorlint // what finish was given
}

// abort breaks off the response. It does not return, unless w knows a way of its own.
func (x *exchange) abort() {
	if a, ok := x.w.(interface{ Abort() }); ok {
		a.Abort()
		return
	}
	panic(http.ErrAbortHandler) // how handlers of net/http do it
}

func (x *exchange) hasBegun() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.began
}
