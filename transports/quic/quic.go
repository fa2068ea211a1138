// Package quic carries streams over QUIC: each Conn is one stream of a connection, raw bytes with no header, always over
// TLS 1.3.
//
// [Dial] makes a connection with one bidirectional stream, which is what other implementations of Lightstream do, and
// [DialSession] one for any number of them, in both directions, whose losses do not hold up one another.
//
// # When the other end sees a stream
//
// A stream is seen by the other end with its first byte, or with its end. So [Listener.Accept] returns when the dialling
// end has sent something. An end that dials in order to receive sets DialOptions.Receives, by which its own direction is
// ended at once. If both ends send, that which dialled is the first to.
//
// # Ends
//
// CloseWrite is FIN, and the reader gets io.EOF. Close in the middle of a write breaks the stream off, and the reader gets
// an error that matches [transports.ErrPeerClosed]. Closing a QUIC connection drops what the other end has not read yet, so
// it is done when both ends are through; see [Conn.Close].
//
// # Wire
//
// ALPN "ls", version 1 of QUIC, no 0-RTT, no datagrams. An end that has closed its streams and still waits for the other
// one opens a unidirectional stream and ends it without a byte; see link.go.
package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

const (
	name = "quic"
	alpn = "ls"
)

// Options are what can be set on a connection, at either end. Each zero field means the default.
type Options struct {
	// StreamWindow and ConnWindow are the most bytes that the peer may have sent and this end has not read, on one
	// stream and on all of a connection. Windows begin small and grow to this as the bandwidth and the delay of the path
	// need it. They bound what a connection holds in memory. Zero means 8 MiB and 16 MiB; with several streams ConnWindow
	// is to be larger than StreamWindow, else one that nobody reads stops the others.
	StreamWindow, ConnWindow int64
	// MaxStreams is how many streams the peer may have open at the same time, of each kind. Zero means 100.
	MaxStreams int

	// HandshakeTimeout bounds the handshake. Zero means 10 s.
	HandshakeTimeout time.Duration
	// IdleTimeout is after how long without a word from the peer a connection is given up; the smaller of those of both
	// ends counts. Zero means 30 s.
	IdleTimeout time.Duration
	// KeepAlive is how long a connection is silent before this end asks whether the other one is there. Zero means 10 s,
	// less than zero never, so that a connection that is idle for IdleTimeout ends.
	KeepAlive time.Duration
	// Linger is how long Close of a connection's last stream waits for the peer to read what was sent. A program that
	// ends before the peer has read cuts the stream, as nobody else keeps the bytes. Zero means 5 s, less than zero that
	// Close does not wait.
	Linger time.Duration
}

// initialWindow is where windows begin. quic-go's 512 KiB stop a sender for its first round trips.
const (
	streamWindow  = 8 << 20
	connWindow    = 16 << 20
	initialWindow = 1 << 20
)

func (o *Options) config() (*quic.Config, error) {
	if o.StreamWindow < 0 || o.ConnWindow < 0 || o.MaxStreams < 0 || o.HandshakeTimeout < 0 || o.IdleTimeout < 0 {
		return nil, errors.New("an option is negative")
	}
	c := &quic.Config{
		Versions:                   []quic.Version{quic.Version1},
		MaxStreamReceiveWindow:     uint64(or(o.StreamWindow, streamWindow)),
		MaxConnectionReceiveWindow: uint64(or(o.ConnWindow, connWindow)),
		MaxIncomingStreams:         int64(or(o.MaxStreams, 100)),
		HandshakeIdleTimeout:       or(o.HandshakeTimeout, 10*time.Second) / 2, // doubled for the handshake as a whole
		MaxIdleTimeout:             or(o.IdleTimeout, 30*time.Second),
		KeepAlivePeriod:            max(or(o.KeepAlive, 10*time.Second), 0),
	}
	c.InitialStreamReceiveWindow = min(initialWindow, c.MaxStreamReceiveWindow)
	c.InitialConnectionReceiveWindow = min(initialWindow*3/2, c.MaxConnectionReceiveWindow)
	c.MaxIncomingUniStreams = c.MaxIncomingStreams
	return c, nil
}

func (o *Options) lingers() time.Duration { return max(or(o.Linger, 5*time.Second), 0) }

// or returns v, or what zero means.
func or[T comparable](v, zero T) T {
	if v == *new(T) {
		return zero
	}
	return v
}

// DialOptions are the settings of [Dial] and [DialSession].
type DialOptions struct {
	Options

	// TLS says who this end is and whom it trusts. Its zero value is a client without a certificate that trusts the
	// authorities of the system and wants the host that is dialled.
	TLS secured.Config

	// Receives tells that this end only receives: its own direction of the stream is ended at once, by which the other
	// end sees the stream. For Dial only.
	Receives bool

	// PacketConn is what packets are sent and received by, in place of a socket of its own. It stays the caller's, to be
	// closed after the connection; it is for one connection. Nil means a new socket.
	PacketConn net.PacketConn
}

// ListenOptions are the settings of [Listen].
type ListenOptions struct {
	Options

	// TLS says who this end is and whom it trusts. It must have a certificate. With CAFile every client must have one too.
	TLS secured.Config

	// MaxPending is how many connections may be without a stream, for which each has HandshakeTimeout from when Accept has let it in.
	// Beyond it the one that has been for the longest gives way to a new one. Zero means 1,024. It is not for AcceptSession.
	MaxPending int

	// Authorize is asked about each connection before Accept returns the first of its streams; Peer.Identity is a
	// *[tls.ConnectionState], whose PeerCertificates are verified where clients must have certificates. An error refuses
	// the peer: the connection is closed, which tells the peer so, and Accept waits for the next. ctx is Accept's. Nil lets
	// everyone in whose handshake succeeds.
	Authorize func(ctx context.Context, peer *transports.Peer) error

	// Refused is told about each peer that was not let in and why: because its handshake failed over its certificate or
	// protocol, with an error that matches those of package tls, or by Authorize. It may be called by several goroutines at
	// once. Nil tells nobody.
	Refused func(peer *transports.Peer, err error)

	// PacketConn is what packets are sent and received by, in place of a socket of its own. It stays the caller's, to be
	// closed after the listener and all connections. Nil means a new socket.
	PacketConn net.PacketConn
}

// Dial connects to addr, "host:port", and opens a stream. Closing the stream closes the connection. ctx bounds the
// resolving, connecting and handshake, not the connection; nil options mean all defaults.
//
// That the listener wants a certificate and has got none, or does not like it, it tells only after Dial: then the first
// Read or Write fails, and its error says so.
//
// Errors are of type *[transports.Error] and wrap the cause, which is the context's error if ctx ended. With errors.Is they
// match those of package tls below transports.
func Dial(ctx context.Context, addr string, opts *DialOptions) (*Conn, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	l, err := dial(ctx, addr, opts, false)
	if err != nil {
		return nil, err
	}
	s, err := l.qc.OpenStreamSync(ctx)
	if err != nil {
		_ = l.qc.CloseWithError(codeDone, "")
		return nil, dialError(ctx, addr, err)
	}
	c := l.add(s.StreamID(), s, s, nil)
	if opts.Receives {
		_ = c.CloseWrite() // a new stream can be ended
	}
	go l.watch()
	return c, nil
}

func dial(ctx context.Context, addr string, opts *DialOptions, session bool) (*link, error) {
	if err := ctx.Err(); err != nil {
		return nil, dialError(ctx, addr, err)
	}
	config, err := opts.config()
	if err != nil {
		return nil, dialError(ctx, addr, err)
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, dialError(ctx, addr, err)
	}
	t, err := opts.TLS.Client(host, alpn)
	if err != nil {
		return nil, dialError(ctx, addr, err)
	}
	addrs, err := resolve(ctx, addr)
	if err != nil {
		return nil, dialError(ctx, addr, err)
	}
	var first error
	for _, to := range addrs { // of a name with IPv6 and IPv4 both are tried, the first ones first
		qc, err := dialUDP(ctx, to, opts.PacketConn, t, config)
		if err == nil {
			return newLink(qc, addr, true, session, opts.lingers()), nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil || answered(err) {
			break
		}
	}
	return nil, dialError(ctx, addr, first)
}

// answered tells whether somebody was there, so that another address would be of no use.
func answered(err error) bool {
	var late net.Error
	return !errors.As(err, &late) || !late.Timeout()
}

func dialUDP(ctx context.Context, to *net.UDPAddr, pc net.PacketConn, t *tls.Config, config *quic.Config) (*quic.Conn, error) {
	if pc != nil {
		return quic.Dial(ctx, pc, to, t, config)
	}
	network := "udp6"
	if to.IP.To4() != nil {
		network = "udp4"
	}
	udp, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, err
	}
	qc, err := quic.Dial(ctx, udp, to, t, config)
	if err != nil {
		_ = udp.Close()
		return nil, err
	}
	context.AfterFunc(qc.Context(), func() { _ = udp.Close() }) // after the last packet
	return qc, nil
}

// resolve returns the addresses of "host:port", at least one.
func resolve(ctx context.Context, addr string) ([]*net.UDPAddr, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return nil, err
	}
	if host == "" {
		return []*net.UDPAddr{{Port: port}}, nil
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	var addrs []*net.UDPAddr
	for _, ip := range ips {
		addrs = append(addrs, &net.UDPAddr{IP: ip.IP, Zone: ip.Zone, Port: port})
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

// A Session is a connection with any number of streams, which either end opens. Its methods may be called by any number
// of goroutines.
//
// Nothing but Close, the peer's Close and a loss of the network ends it, and each end's Close drops what the peer has not
// read. So the end that has read everything closes it, and one that has sent waits for that by [Session.Wait].
type Session struct {
	link    *link
	counter *count.Listener
}

// DialSession connects to addr as [Dial] does, without opening a stream.
func DialSession(ctx context.Context, addr string, opts *DialOptions) (*Session, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	l, err := dial(ctx, addr, opts, true)
	if err != nil {
		return nil, err
	}
	return &Session{link: l}, nil
}

// OpenStream opens a bidirectional stream. It waits while the peer takes no more streams; ctx bounds that.
func (s *Session) OpenStream(ctx context.Context) (*Conn, error) {
	q, err := s.link.qc.OpenStreamSync(ctx)
	if err != nil {
		return nil, s.link.wrap("open stream", err)
	}
	return s.link.add(q.StreamID(), q, q, nil), nil
}

// OpenSender opens a unidirectional stream, on which this end sends. It waits while the peer takes no more streams; ctx
// bounds that.
func (s *Session) OpenSender(ctx context.Context) (*Conn, error) {
	q, err := s.link.qc.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, s.link.wrap("open stream", err)
	}
	return s.link.add(q.StreamID(), nil, q, nil), nil
}

// AcceptStream waits for a bidirectional stream of the peer, in the order in which it has opened them.
func (s *Session) AcceptStream(ctx context.Context) (*Conn, error) {
	q, err := s.link.qc.AcceptStream(ctx)
	if err != nil {
		return nil, s.link.wrap("accept stream", err)
	}
	return s.link.add(q.StreamID(), q, q, nil), nil
}

// AcceptReceiver waits for a unidirectional stream of the peer, in the order in which it has opened them.
func (s *Session) AcceptReceiver(ctx context.Context) (*Conn, error) {
	q, err := s.link.qc.AcceptUniStream(ctx)
	if err != nil {
		return nil, s.link.wrap("accept stream", err)
	}
	return s.link.add(q.StreamID(), q, nil, nil), nil
}

// Wait waits until the session has ended, by the peer's Close, which is nil, or by anything else, which is an error.
func (s *Session) Wait(ctx context.Context) error {
	select {
	case <-s.link.qc.Context().Done():
	case <-ctx.Done():
		return s.link.wrap("wait", ctx.Err())
	}
	err := context.Cause(s.link.qc.Context())
	var app *quic.ApplicationError
	if errors.As(err, &app) && app.ErrorCode == codeDone {
		return nil
	}
	return s.link.wrap("wait", err)
}

// Close ends the session and all of its streams.
func (s *Session) Close() error {
	s.link.mu.Lock()
	over := s.link.over
	s.link.over = true
	s.link.mu.Unlock()
	if !over {
		s.counter.Closed()
	}
	return s.link.qc.CloseWithError(codeDone, "")
}

// LocalAddr returns this end's address.
func (s *Session) LocalAddr() net.Addr { return s.link.local }

// RemoteAddr returns the other end's address.
func (s *Session) RemoteAddr() net.Addr { return s.link.remote }

// TLS returns the state of the connection's TLS, with the certificates of the peer.
func (s *Session) TLS() tls.ConnectionState { return s.link.qc.ConnectionState().TLS }
