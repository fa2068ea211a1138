package wt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"

	"github.com/lightstream-go/lightstream/transports"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

// StatusError is an answer other than success to a client that wanted a session.
type StatusError struct {
	Code int // such as http.StatusForbidden
}

// Error returns the code with its name.
func (e *StatusError) Error() string {
	return fmt.Sprintf("the answer is %d %s", e.Code, http.StatusText(e.Code))
}

// gone is a cause that means that there is nobody at the other end. The libraries' own errors match net.ErrClosed, which is for this
// end's Close.
type gone struct {
	cause error
	text  string
}

func (g *gone) Error() string        { return g.text }
func (g *gone) Is(target error) bool { return target == transports.ErrPeerClosed }
func (g *gone) As(target any) bool   { return errors.As(g.cause, target) }

// wrap says where err happened and what to do about it.
func (c *Conn) wrap(op string, err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) && c.closed.Load() {
		err = net.ErrClosed
	}
	return c.explain(op, err)
}

func (c *Conn) explain(op string, err error) error {
	e := &transports.Error{Transport: name, Addr: c.peer, Op: op, Err: err}
	var (
		stream    *webtransport.StreamError
		session   *webtransport.SessionError
		transport *quic.TransportError
		idle      *quic.IdleTimeoutError
	)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
	case err == net.ErrClosed: //nolint:errorlint // its own
		if op == "write" && !c.closed.Load() {
			e.Hint = "CloseWrite was called before"
		}
	case errors.As(err, &session) && session.Remote && session.Message != "":
		e.Err = &gone{err, fmt.Sprintf("the peer closed the session and said %.200q", session.Message)}
	case errors.As(err, &stream) && op == "write":
		e.Err = &gone{err, "the peer closed the stream"}
	case errors.As(err, &stream):
		e.Err, e.Hint = &gone{err, "the peer broke off the stream"}, "look there for the reason"
	case errors.As(err, &idle):
		e.Err, e.Hint = &gone{err, "the peer stopped answering"}, "is its machine up and the network between?"
	case errors.As(err, &transport):
		hint, cause := handshake(transport)
		e.Err, e.Hint = &gone{cause, cause.Error()}, hint
	default:
		e.Err, e.Hint = &gone{err, "the peer closed the session"}, "look there for the reason"
	}
	return e
}

// handshake says what a transport error means.
func handshake(e *quic.TransportError) (hint string, err error) {
	if e.ErrorCode == quic.ConnectionRefused {
		return "is the listener shutting down, or are too many waiting for it?", errors.New("connection refused")
	}
	var cause error = e
	if e.Remote && e.ErrorCode.IsCryptoError() {
		cause = tls.AlertError(e.ErrorCode - 0x100)
	}
	if e.ErrorCode == noProtocol {
		if e.Remote {
			return "streams over QUIC without HTTP are quic://", errors.New("the peer speaks another protocol over QUIC than HTTP/3")
		}
		return "it must use wt://, or this end be quic://", errors.New("the peer does not speak HTTP/3")
	}
	if !e.Remote && e.ErrorCode == certificateRequired {
		cause = errors.New("tls: client didn't provide a certificate") // without the alert, which is what the peer is told
	}
	return secured.Explain(cause)
}

// Alerts of TLS as error codes of QUIC.
const (
	certificateRequired = 0x100 + 116
	noProtocol          = 0x100 + 120
)

// dialError says why dialling failed.
func dialError(ctx context.Context, addr string, answer *http.Response, err error) error {
	e := &transports.Error{Transport: name, Addr: addr, Op: "dial", Err: err}
	var (
		transport *quic.TransportError
		missing   *webtransport.RequirementsNotMetError
		dns       *net.DNSError
	)
	switch {
	case ctx.Err() != nil:
		e.Err = ctx.Err()
		if errors.Is(e.Err, context.DeadlineExceeded) {
			e.Hint = "is the other end listening, with WebTransport, and does UDP pass the network between?"
		}
	case answer != nil && (answer.StatusCode < 200 || answer.StatusCode > 299):
		e.Err = &StatusError{answer.StatusCode}
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			e.Hint = "it asks for other credentials or another origin"
		case http.StatusNotFound:
			e.Hint = "is the path right?"
		}
	case errors.As(err, &transport):
		e.Hint, e.Err = handshake(transport)
	case errors.As(err, &missing):
		e.Hint = "the other end speaks HTTP/3 without WebTransport; is it h3://?"
	case errors.As(err, &dns):
		e.Hint = "check the host name"
	default:
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			e.Hint = "is the other end listening, with WebTransport, and does UDP pass the network between?"
		}
	}
	return e
}

func listenError(addr string, err error) error {
	e := &transports.Error{Transport: name, Addr: addr, Op: "listen", Err: err}
	var addrErr *net.AddrError
	if errors.As(err, &addrErr) {
		e.Hint = `want "host:port"`
	}
	return e
}
