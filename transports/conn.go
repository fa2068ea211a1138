package transports

import (
	"context"
	"io"
	"net"
	"time"
)

// MaxParts is the most parts that one vector has on its way to the kernel, as the limit of Linux and macOS is 1,024.
// WriteBuffers takes any number and sends more than one vector above it.
const MaxParts = 1024

// Conn is one connection: an ordered, reliable stream of bytes each way.
//
// One goroutine may read while another writes, and any goroutine may call Close, CloseWrite or a deadline method at
// any time. Reads from several goroutines at once each get some of the bytes. Writes from several goroutines at once
// are each sent whole, Write and WriteBuffers alike, in an order that nobody promises.
//
// It has the methods of [net.Conn], so it is one.
type Conn interface {
	// Read reads what is there, at least one byte unless p is empty, and waits if nothing is.
	// The error is a bare io.EOF once the peer has half-closed or closed and everything before that was read.
	//
	// Write returns when the transport has accepted all of p, or with an error and how many bytes it took.
	// Accepted is not arrived. Write neither keeps nor changes p.
	//
	// Close ends both directions and frees the connection; a second Close does nothing and returns nil. Where
	// Caps has Deadline, calls that are blocked return. What was written before is still sent, unless bytes
	// received from the peer were never read: then TCP resets the connection and may drop them. To be sure that
	// the last bytes arrive, CloseWrite and read to the end.
	io.ReadWriteCloser

	// WriteBuffers writes the parts one after the other, as one gathered write where the wire has that and without
	// allocating in the steady state. It neither keeps nor changes bufs or the bytes in it, retries short writes,
	// skips empty parts, and returns how many bytes were accepted. It does not cut by size: callers that have
	// tens of megabytes to send do better with about one per call.
	WriteBuffers(bufs [][]byte) (int64, error)

	// CloseWrite ends the direction to the peer: its reads get io.EOF after what was written. Reading goes on. Later
	// writes return an error wrapping net.ErrClosed; a second CloseWrite does nothing and returns nil. Without
	// HalfClose in Caps it returns an error wrapping errors.ErrUnsupported and does nothing.
	CloseWrite() error

	// SetDeadline, SetReadDeadline and SetWriteDeadline bound the calls that are blocked now and all later ones, as
	// those of net.Conn do: past the deadline a call returns an error wrapping os.ErrDeadlineExceeded. The zero time
	// takes a deadline away, and then the connection is usable again; a write that was cut short has sent as many
	// bytes as it returned. Without Deadline in Caps they return an error wrapping errors.ErrUnsupported.
	SetDeadline(t time.Time) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error

	// LocalAddr and RemoteAddr name the ends for people and logs. Network() is the transport's name as it stands
	// in URIs and errors, such as "tcp". They are never nil and stay the same after Close.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr

	// Caps tells what this connection has. It does not change.
	Caps() Caps
}

// Caps tells what a connection has beyond Read and Write. The zero value is a wire that carries bytes one way and
// can neither be half-closed nor interrupted.
type Caps struct {
	// HalfClose: CloseWrite works. It leaves the other direction, where there is one, open.
	HalfClose bool
	// Duplex: bytes go both ways at the same time.
	Duplex bool
	// Deadline: the three deadline methods work, and Close makes blocked calls return.
	Deadline bool
	// Gather: WriteBuffers hands the parts over without copying them together first.
	Gather bool
}

// Listener waits for connections. Any number of goroutines may call its methods at once.
type Listener interface {
	// Accept waits for the next connection. ctx bounds this call only: the connection outlives it, and a listener
	// whose Accept was given up can be asked again. After Close the error wraps net.ErrClosed. An error of the
	// system that may pass, such as having no file descriptor left, is returned too, and Accept may be called again.
	Accept(ctx context.Context) (Conn, error)

	// Close stops listening. Accepts that are waiting return; connections that were accepted stay open. A second
	// Close does nothing and returns nil.
	Close() error

	// Addr is what diallers dial. It is never nil and stays the same after Close.
	Addr() net.Addr
}

// ListenerStats counts what a listener has done so far. The listeners of the packages below have a method Stats that returns it,
// for any goroutine at any time; the connections' own numbers are those of their readers and writers.
type ListenerStats struct {
	Accepted   int64 // connections that Accept has returned
	Open       int64 // of these, those that are not closed at this end
	Refused    int64 // connections that Authorize did not let in
	OutOfFiles int64 // calls of Accept that failed because no file descriptor was left
	Failed     int64 // calls that failed otherwise; the end of their context, and Close, do not count
}

// Peer is what a listener knows about who connected, before any byte that was received is looked at.
type Peer struct {
	// Transport is the transport's name, such as "tcp".
	Transport string
	// Addr is the other end, as RemoteAddr of the connection gives it.
	Addr net.Addr
	// Identity is what the transport knows beyond the address, nil for nothing: a *uds.Credentials on a Unix socket
	// of Linux. Each transport's ListenOptions say which type it is.
	Identity any
}

// Addr is the [net.Addr] of wires that the package net has no type for.
type Addr struct {
	Transport string // what Network returns, such as "uds"
	Name      string // what String returns, such as "/run/feed.sock"
}

// Network returns a.Transport.
func (a Addr) Network() string { return a.Transport }

// String returns a.Name.
func (a Addr) String() string { return a.Name }

var (
	_ net.Conn = Conn(nil)
	_ net.Addr = Addr{}
)

// Unwrap returns the connection of the listener for one that package serve has handed to its Handle, which wraps that, and any other as
// it is.
func Unwrap(conn Conn) Conn {
	if c, ok := conn.(interface{ Unwrap() Conn }); ok {
		return c.Unwrap()
	}
	return conn
}

// Refuse closes a connection whose peer does or sends what this end is not for, so that the peer gets an error rather than an end. Over ws, wss, quic
// and wt, and over http, https and h3 to who POSTs, the error has the text, which should be short; tcp and tls have no place for it. Where the wire
// has no such thing, as a Unix socket, it is Close.
func Refuse(conn Conn, why string) error {
	if c, ok := Unwrap(conn).(interface{ Refuse(why string) error }); ok {
		return c.Refuse(why)
	}
	return conn.Close()
}
