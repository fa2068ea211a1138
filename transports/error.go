package transports

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
)

// ErrPeerClosed means that nobody is at the other end any more: it closed, it died, or the wire between was reset.
// Errors of Read and Write match it, whatever the system calls the condition (EPIPE, ECONNRESET, ...).
var ErrPeerClosed = errors.New("the peer closed the connection")

// Error says where in a transport something failed. It prints as
//
//	lightstream: tcp localhost:9000: dial: connection refused; is the other end listening?
//
// It is a [net.Error] as well, so code written for package net sees time-outs.
type Error struct {
	Transport string // such as "tcp"
	Addr      string // of the listener for its own errors, of the peer for all others
	Op        string // "dial", "listen", "accept", "read", "write", "close write", ...
	Err       error  // the cause, never nil
	Hint      string // what to do next, or ""
}

// Error returns one line: transport, address, what was being done, what was found and what to do next.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("lightstream: ")
	b.WriteString(e.Place())
	b.WriteString(": ")
	b.WriteString(e.Op)
	b.WriteString(": ")
	b.WriteString(bare(e.Err).Error())
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Place returns the transport and the address, as they stand in the text.
func (e *Error) Place() string {
	if e.Addr == "" {
		return e.Transport
	}
	return e.Transport + " " + e.Addr
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes the errors by which systems say that the peer is gone match [ErrPeerClosed].
func (e *Error) Is(target error) bool {
	return target == ErrPeerClosed && (e.Op == "read" || e.Op == "write") && peerClosed(e.Err)
}

// Timeout tells whether a deadline passed or the system gave up waiting.
func (e *Error) Timeout() bool {
	ne, ok := errors.AsType[net.Error](e.Err)
	return ok && ne.Timeout() || errors.Is(e.Err, os.ErrDeadlineExceeded)
}

// Temporary tells whether the call may be repeated. It is here because crypto/tls keeps a connection open after a
// time-out only if it has this method.
func (e *Error) Temporary() bool {
	te, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](e.Err)
	return ok && te.Temporary()
}

var _ net.Error = (*Error)(nil)

func peerClosed(err error) bool {
	if errors.Is(err, io.ErrClosedPipe) {
		return true
	}
	for _, gone := range goneErrnos {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}

// bare strips the layers whose text repeats what an Error says itself: operation, network and address.
func bare(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // one layer at a time is the point
		case *net.OpError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		case *fs.PathError:
			err = e.Err
		default:
			return err
		}
	}
}
