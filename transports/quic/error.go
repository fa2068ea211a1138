package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/quic-go/quic-go"

	"github.com/lightstream-go/lightstream/transports"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

// What ends of this package tell each other by the codes of streams and connections.
const (
	codeClosed  quic.StreamErrorCode = 0 // the stream was closed before it was read to its end
	codeCut     quic.StreamErrorCode = 1 // the stream was closed inside a write
	codeRefused quic.StreamErrorCode = 2 // nobody takes the stream

	codeDone         quic.ApplicationErrorCode = 0 // both ends are through
	codeUnauthorized quic.ApplicationErrorCode = 1 // Authorize did not let the peer in
	codeListener     quic.ApplicationErrorCode = 2 // the listener was closed before the connection was accepted
	codeAbandoned    quic.ApplicationErrorCode = 3 // the other end has not read for too long
	codeUnexpected   quic.ApplicationErrorCode = 4 // a stream that this end has no use for
	codeSilent       quic.ApplicationErrorCode = 5 // no stream came in time
)

// gone is a cause that means that there is nobody at the other end. quic-go's own errors match net.ErrClosed, which
// is for this end's Close.
type gone struct {
	cause error
	text  string
}

func (g *gone) Error() string        { return g.text }
func (g *gone) Is(target error) bool { return target == transports.ErrPeerClosed }
func (g *gone) As(target any) bool   { return errors.As(g.cause, target) }

// lost is a cause in plain words that means the same.
type lost struct{ error }

func (l *lost) Is(target error) bool { return target == transports.ErrPeerClosed }
func (l *lost) Unwrap() error        { return l.error }

// errUnsupported is an errors.ErrUnsupported with a reason.
type errUnsupported string

func (e errUnsupported) Error() string        { return string(e) }
func (e errUnsupported) Is(target error) bool { return target == errors.ErrUnsupported }

// wrap says where err happened and what to do about it.
func (c *Conn) wrap(op string, err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) && c.closed.Load() {
		err = net.ErrClosed
	}
	e := c.link.wrap(op, err)
	if op == "write" && errors.Is(err, net.ErrClosed) && !c.closed.Load() && c.writeClosed.Load() {
		e.Hint = "CloseWrite was called before"
	}
	return e
}

func (l *link) wrap(op string, err error) *transports.Error {
	e := &transports.Error{Transport: name, Addr: l.peer, Op: op, Err: err}
	var (
		stream    *quic.StreamError
		app       *quic.ApplicationError
		transport *quic.TransportError
		idle      *quic.IdleTimeoutError
		reset     *quic.StatelessResetError
	)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), err == net.ErrClosed: //nolint:errorlint // its own
	case errors.As(err, &stream) && stream.Remote:
		e.Err, e.Hint = &gone{err, "the peer broke off the stream"}, "look there for the reason"
		if stream.ErrorCode == codeRefused {
			e.Err, e.Hint = &gone{err, "the peer takes no more streams"}, "its listener was closed"
		} else if op == "write" {
			e.Err = &gone{err, "the peer closed the stream"}
		}
	case errors.As(err, &app):
		e.Hint, e.Err = closedWith(app)
	case errors.As(err, &idle):
		e.Err, e.Hint = &gone{err, "the peer stopped answering"}, "is its machine up and the network between?"
	case errors.As(err, &reset):
		e.Err, e.Hint = &gone{err, "the peer does not know this connection"}, "was it started anew?"
	case errors.As(err, &transport):
		hint, cause := handshake(transport)
		e.Err, e.Hint = &lost{cause}, hint
	}
	return e
}

// closedWith says what the code means with which a connection was closed.
func closedWith(app *quic.ApplicationError) (hint string, err error) {
	if !app.Remote && app.ErrorCode == codeUnexpected && app.ErrorMessage != "" {
		return "", errors.New("the other end opens streams that this one does not take: " + app.ErrorMessage)
	}
	if !app.Remote {
		return "", net.ErrClosed
	}
	text := "the peer closed the connection"
	switch app.ErrorCode {
	case codeUnauthorized:
		return "it asks for other credentials or another address", &gone{app, "the peer did not let this end in"}
	case codeListener:
		return "", &gone{app, "the peer's listener was closed"}
	case codeAbandoned:
		return "", &gone{app, "the peer has given up waiting for this end to read"}
	}
	if app.ErrorMessage != "" {
		text += fmt.Sprintf(" and said %.200q", app.ErrorMessage)
	}
	return "", &gone{app, text}
}

// handshake says what a transport error means.
func handshake(e *quic.TransportError) (hint string, err error) {
	if e.ErrorCode == quic.ConnectionRefused {
		return "is the listener shutting down, or are too many waiting for it?", errors.New("connection refused")
	}
	var cause error = e
	if e.Remote && e.ErrorCode.IsCryptoError() {
		cause = tls.AlertError(e.ErrorCode - 0x100)
		if e.ErrorCode == noProtocol {
			return `is it a server of HTTP/3? That is h3:// or wt://`, &plain{e, `the peer speaks another protocol over QUIC than "` + alpn + `"`}
		}
	}
	if e.ErrorCode == noProtocol && !e.Remote {
		return `it must use quic://, or this end be h3:// or wt:// if it speaks HTTP/3`, &plain{e, `the peer speaks another protocol over QUIC than "` + alpn + `"`}
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

// plain is an error of quic-go in plain words.
type plain struct {
	cause error
	text  string
}

func (p *plain) Error() string      { return p.text }
func (p *plain) As(target any) bool { return errors.As(p.cause, target) }

// dialError says why dialling failed.
func dialError(ctx context.Context, addr string, err error) error {
	e := &transports.Error{Transport: name, Addr: addr, Op: "dial", Err: err}
	var (
		version   *quic.VersionNegotiationError
		transport *quic.TransportError
		app       *quic.ApplicationError
		idle      *quic.IdleTimeoutError
		late      *quic.HandshakeTimeoutError
		addrErr   *net.AddrError
		dns       *net.DNSError
	)
	switch {
	case ctx.Err() != nil:
		e.Err = ctx.Err()
	case errors.As(err, &transport):
		e.Hint, e.Err = handshake(transport)
	case errors.As(err, &idle), errors.As(err, &late):
		e.Err, e.Hint = &unanswered{err}, "is the other end listening, with QUIC, and does UDP pass the network between?"
	case errors.As(err, &version):
		e.Hint = "the other end does not speak version 1 of QUIC"
	case errors.As(err, &app):
		e.Hint, e.Err = closedWith(app)
	case errors.As(err, &addrErr):
		e.Hint = `want "host:port"`
	case errors.As(err, &dns):
		e.Hint = "check the host name"
	}
	return e
}

// unanswered is a handshake that nobody answered. It is a time-out.
type unanswered struct{ error }

func (u *unanswered) Error() string   { return "no answer" }
func (u *unanswered) Timeout() bool   { return true }
func (u *unanswered) Temporary() bool { return true }
func (u *unanswered) Unwrap() error   { return u.error }

func listenError(addr string, err error) error {
	e := &transports.Error{Transport: name, Addr: addr, Op: "listen", Err: err}
	var addrErr *net.AddrError
	switch {
	case errors.As(err, &addrErr):
		e.Hint = `want "host:port"`
	case addressInUse(err):
		e.Hint = "choose another port, or stop who has it; a listener that was closed keeps its port while it has connections"
	}
	return e
}
