// Package requests bounds the connections of a server of package http on which no request is being answered: how many there are, and how
// long the first request of one may take.
package requests

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/transports/internal/pending"
)

// MaxPending is the default of ListenOptions.MaxPending.
const MaxPending = 1024

// Timeout is the default of ListenOptions.HandshakeTimeout.
const Timeout = 10 * time.Second

// errSilent is given to a client that sends no request, or no whole one.
var errSilent = errors.New("it has sent no request in time")

// Explain returns why a client is dropped that [pending.Set] drops with why.
func Explain(why error) error {
	switch {
	case errors.Is(why, pending.ErrSilent):
		return errSilent
	case errors.Is(why, pending.ErrEvicted):
		return errors.New("it had to give way: too many clients have sent no request yet, see ListenOptions.MaxPending")
	}
	return why
}

// Or returns the default for zero.
func Or[T int | time.Duration](v, zero T) T {
	if v <= 0 {
		return zero
	}
	return v
}

// Refused is told about a client that was not let in, why, and what to do.
type Refused func(addr net.Addr, why error, hint string)

type key struct{}

// Bound has s, which does not serve yet, close a connection without a request where there would be more than limit: the oldest of those that
// have sent nothing, or else the oldest. Those whose first request does not come within timeout are closed too. refused is told about clients that
// never sent one. Of connections whose requests were answered there may be as many again, and the oldest gives way.
func Bound(s *http.Server, limit int, timeout time.Duration, refused Refused) {
	timeout = Or(timeout, Timeout)
	conns := &Conns{
		Limit: Or(limit, MaxPending), First: timeout,
		Idle: s.IdleTimeout + time.Second, // which is the server's to end, but where it still reads the body of the last request
	}
	s.ReadHeaderTimeout = timeout + time.Second // of later requests, and behind that of conns
	s.ConnState = func(nc net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			conns.Opened(nc, func(why error) {
				if h, ok := nc.(*heard); ok && errors.Is(why, pending.ErrSilent) {
					h.farewell()
				}
				_ = nc.Close()
				if !errors.Is(why, ErrIdle) {
					refused(nc.RemoteAddr(), Explain(why), "")
				}
			})
		case http.StateActive: // a byte has come
			conns.Spoke(nc)
		case http.StateClosed, http.StateHijacked:
			conns.Closed(nc)
		}
	}
	within := s.ConnContext
	s.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		if within != nil {
			ctx = within(ctx, nc)
		}
		return context.WithValue(ctx, key{}, nc)
	}
	handler := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc := r.Context().Value(key{})
		conns.Began(nc) // late, where HTTP/2 has already seen the end of the request's stream
		defer conns.Ended(nc)
		handler.ServeHTTP(w, r)
	})
}

// Listen has refused be told about clients of ln that speak something else than HTTP. Package http answers them, and tells nobody. secure says
// that what ln gives is what TLS carries.
func Listen(ln net.Listener, secure bool, refused Refused) net.Listener {
	return &listener{ln, secure, refused}
}

type listener struct {
	net.Listener
	secure  bool
	refused Refused
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Hear(c, l.secure, l.refused), nil
}

// Hear is [Listen] for one connection.
func Hear(c net.Conn, secure bool, refused Refused) net.Conn {
	return &heard{Conn: c, secure: secure, refused: refused}
}

// heard is a connection whose first bytes are looked at.
type heard struct {
	net.Conn
	secure  bool
	refused Refused // nil once they have come
	came    atomic.Bool
}

// farewell tells a client that has sent nothing that it is its turn here: one that speaks something else may wait for this end.
func (h *heard) farewell() {
	if h.came.Load() {
		return
	}
	_ = h.Conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // nothing was written, so that there is room
	_, _ = io.WriteString(h.Conn, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n"+
		"This port speaks HTTP, and no request has come.\n")
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if n > 0 && h.refused != nil {
		h.came.Store(true)
		refused := h.refused
		h.refused = nil
		if hint, why := foreign(p[:n], h.secure); why != nil {
			refused(h.RemoteAddr(), why, hint)
		}
	}
	return n, err
}

// CloseWrite is what package http looks for, so that a client gets to read why.
func (h *heard) CloseWrite() error {
	if c, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// foreign says what a client speaks that begins so, if that is not HTTP.
func foreign(p []byte, secure bool) (hint string, why error) {
	switch {
	case p[0] >= 'A' && p[0] <= 'Z':
		return "", nil
	case secure && p[0] == 0xff:
		return "it must use https:// or wss://, or this end be tls://", errors.New("the peer speaks Arrow over TLS without HTTP")
	case secure:
		return "", errors.New("what the peer speaks over TLS is not HTTP")
	case p[0] == 0x16:
		return "it must use http:// or ws://, or this end have a certificate", errors.New("the peer speaks TLS")
	case p[0] == 0xff:
		return "it must use http:// or ws://, or this end be tcp://", errors.New("the peer speaks Arrow without HTTP")
	}
	return "", errors.New("the peer does not speak HTTP")
}

// Unwrap returns what is below a connection of [Listen] or [Hear].
func Unwrap(c net.Conn) net.Conn {
	if h, ok := c.(*heard); ok {
		return h.Conn
	}
	return c
}
