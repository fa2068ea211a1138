package http

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/transports/internal/pending"
	"github.com/lightstream-go/lightstream/transports/internal/requests"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

// A tlsListener shakes hands before it hands out connections, so that who does not succeed can be told. net/http would
// only log it.
type tlsListener struct {
	net.Listener
	config  *tls.Config
	within  time.Duration
	refused func(addr net.Addr, why error, hint string)

	ready   chan net.Conn
	shaking pending.Set
	done    chan struct{}
	once    sync.Once
	err     error // of Accept below; set before done is closed
}

func listenTLS(ln net.Listener, config *tls.Config, limit int, within time.Duration, refused func(net.Addr, error, string)) *tlsListener {
	l := &tlsListener{
		Listener: ln, config: config, within: requests.Or(within, requests.Timeout), refused: refused,
		ready: make(chan net.Conn), done: make(chan struct{}),
	}
	l.shaking.Limit = requests.Or(limit, requests.MaxPending)
	go l.accept()
	return l
}

func (l *tlsListener) accept() {
	for {
		c, err := l.Listener.Accept()
		if ne, ok := err.(interface{ Temporary() bool }); ok && ne.Temporary() { //nolint:errorlint // as net/http
			select { // such as having no file descriptor left
			case <-time.After(5 * time.Millisecond):
			case <-l.done:
			}
			continue
		}
		if err != nil {
			l.once.Do(func() {
				l.err = err
				close(l.done)
			})
			l.shaking.Close()
			return
		}
		var dropped atomic.Pointer[error]
		l.shaking.Add(c, l.within, func(why error) {
			silent := errors.Is(why, pending.ErrSilent)
			why = requests.Explain(why)
			dropped.Store(&why)
			if silent {
				_ = c.SetDeadline(time.Unix(1, 0)) // ends the handshake, and leaves room for a word
				return
			}
			_ = c.Close() // does so too
		})
		go l.handshake(&heard{Conn: c, tell: sync.OnceFunc(func() { l.shaking.Spoke(c) })}, &dropped)
	}
}

// heard tells that its first bytes have come.
type heard struct {
	net.Conn
	tell func()
	came atomic.Bool
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if n > 0 {
		h.came.Store(true)
		h.tell()
	}
	return n, err
}

func (l *tlsListener) handshake(c *heard, dropped *atomic.Pointer[error]) {
	t := tls.Server(c, l.config)
	err := t.HandshakeContext(context.Background()) // shaking ends it
	hint := ""
	if err != nil {
		silent := dropped.Load() != nil && !c.came.Load()
		if dropped.Load() == nil {
			hint, err = secured.Explain(err)
		}
		secured.Farewell(c.Conn, err, silent)
	}
	in := l.shaking.Remove(c.Conn)
	if in && err == nil {
		nc := net.Conn(t)
		if t.ConnectionState().NegotiatedProtocol != "h2" { // which net/http wants as it is
			nc = requests.Hear(t, true, l.refused)
		}
		select {
		case l.ready <- nc:
		case <-l.done:
			_ = c.Close()
		}
		return
	}
	_ = c.Close()
	select {
	case <-l.done:
		return
	default:
	}
	if why := dropped.Load(); why != nil && hint == "" {
		err = *why
	} else if err == nil { // it is being dropped
		err = requests.Explain(pending.ErrSilent)
	}
	l.refused(c.RemoteAddr(), err, hint)
}

// Accept returns a connection whose handshake has succeeded.
func (l *tlsListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, l.err
	}
}

// stateKey is the key of the *[tls.ConnectionState] of a connection in the context of its requests.
type stateKey struct{}

// secureContext and secureHandler give requests their TLS field, which net/http does for a *[tls.Conn] only.
func secureContext(ctx context.Context, nc net.Conn) context.Context {
	if t, ok := requests.Unwrap(nc).(*tls.Conn); ok {
		state := t.ConnectionState()
		return context.WithValue(ctx, stateKey{}, &state)
	}
	return ctx
}

func secureHandler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if state, ok := r.Context().Value(stateKey{}).(*tls.ConnectionState); ok && r.TLS == nil {
			r.TLS = state
		}
		h.ServeHTTP(w, r)
	})
}
