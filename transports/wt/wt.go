// Package wt carries streams over WebTransport, which browsers speak: each Conn is one bidirectional stream of a session of its own,
// raw bytes with no header, always over TLS 1.3. It is experimental: the protocol is a draft, and what is here follows it.
//
// # When the other end sees a stream
//
// The end that dials opens the stream, and the other end sees it with its first byte, or with its end. So [Listener.Accept] returns
// when the dialling end has sent something. An end that dials in order to receive sets DialOptions.Receives, by which its own
// direction is ended at once. If both ends send, that which dialled is the first to.
//
// # Ends
//
// CloseWrite is FIN, and the reader gets io.EOF. Close in the middle of a write breaks the stream off, and the reader gets an error
// that matches [transports.ErrPeerClosed]. Closing a session drops what the other end has not read yet, so it is done when both
// ends are through; see [Conn.Close].
//
// # Wire
//
// HTTP/3 with an extended CONNECT at any path, the first bidirectional stream that the client opens in the session; no datagrams are
// used. An end that has closed its stream and still waits for the other one opens a unidirectional stream and ends it without a byte.
package wt

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/requests"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

const name = "wt"

// Options are what can be set on a connection, at either end. Each zero field means the default.
type Options struct {
	// StreamWindow and ConnWindow are the most bytes that the peer may have sent and this end has not read, on a stream and on
	// all of a connection. They bound what a connection holds in memory. Zero means 8 MiB and 16 MiB.
	StreamWindow, ConnWindow int64

	// HandshakeTimeout bounds the handshake, and at a listener also how long a client may take until its stream comes. Zero means 10 s.
	HandshakeTimeout time.Duration
	// IdleTimeout is after how long without a word from the peer a connection is given up; the smaller of those of both ends
	// counts. Zero means 30 s.
	IdleTimeout time.Duration
	// KeepAlive is how long a connection is silent before this end asks whether the other one is there. Zero means 10 s, less than
	// zero never.
	KeepAlive time.Duration
	// Linger is how long Close waits for the peer to read what was sent. Zero means 5 s, less than zero that Close does not wait.
	Linger time.Duration
}

const (
	streamWindow  = 8 << 20
	connWindow    = 16 << 20
	initialWindow = 1 << 20
)

func (o *Options) config() (*quic.Config, error) {
	if o.StreamWindow < 0 || o.ConnWindow < 0 || o.HandshakeTimeout < 0 || o.IdleTimeout < 0 {
		return nil, errors.New("an option is negative")
	}
	c := &quic.Config{
		Versions:                   []quic.Version{quic.Version1},
		MaxStreamReceiveWindow:     uint64(or(o.StreamWindow, streamWindow)),
		MaxConnectionReceiveWindow: uint64(or(o.ConnWindow, connWindow)),
		MaxIncomingStreams:         16,
		MaxIncomingUniStreams:      16, // HTTP/3 has three of its own
		HandshakeIdleTimeout:       o.handshake() / 2,
		MaxIdleTimeout:             or(o.IdleTimeout, 30*time.Second),
		KeepAlivePeriod:            max(or(o.KeepAlive, 10*time.Second), 0),

		EnableDatagrams:                  true, // the protocol wants both
		EnableStreamResetPartialDelivery: true,
	}
	c.InitialStreamReceiveWindow = min(initialWindow, c.MaxStreamReceiveWindow)
	c.InitialConnectionReceiveWindow = min(initialWindow*3/2, c.MaxConnectionReceiveWindow)
	return c, nil
}

func (o *Options) handshake() time.Duration { return or(o.HandshakeTimeout, 10*time.Second) }

func (o *Options) lingers() time.Duration { return max(or(o.Linger, 5*time.Second), 0) }

// or returns v, or what zero means.
func or[T comparable](v, zero T) T {
	if v == *new(T) {
		return zero
	}
	return v
}

// DialOptions are the settings of [Dial].
type DialOptions struct {
	Options

	// TLS says who this end is and whom it trusts. Its zero value is a client without a certificate that trusts the authorities
	// of the system and wants the host of the URL.
	TLS secured.Config
	// Token is sent as "Authorization: Bearer".
	Token string
	// Codecs are those of compressed bodies that this end reads, "zstd" and "lz4": a program that imports compress/zstd or
	// compress/lz4 reads them. A server may then send them, which http.Codecs tells it of the request; without any it sends plain ones.
	Codecs []string
	// Header has more headers of the request. It is not changed.
	Header http.Header

	// Receives tells that this end only receives: its own direction of the stream is ended at once, by which the other end sees
	// the stream.
	Receives bool
}

// Dial connects to a URL, https://host:port/path, and opens a stream. Closing the stream closes the connection. ctx bounds the
// resolving, connecting and handshake, not the connection; nil options mean all defaults.
//
// Errors are of type *[transports.Error] and wrap the cause: the context's error if ctx ended, a *[StatusError] for a refusal, those of
// package tls below transports for certificates.
func Dial(ctx context.Context, rawURL string, opts *DialOptions) (*Conn, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, &transports.Error{Transport: name, Op: "dial", Err: errors.New("not a URL"), Hint: "want https://host:port/path, without a user"}
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.Fragment = ""
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "443")
	}
	peer := u.Host + u.EscapedPath()
	if err := ctx.Err(); err != nil {
		return nil, dialError(ctx, peer, nil, err)
	}
	config, err := opts.config()
	if err != nil {
		return nil, dialError(ctx, peer, nil, err)
	}
	t, err := opts.TLS.Client(u.Hostname(), http3.NextProtoH3)
	if err != nil {
		return nil, dialError(ctx, peer, nil, err)
	}
	// The library takes a context to bound the session, and waits for settings of the peer, which need not come.
	ctx, cancel := context.WithTimeout(ctx, opts.handshake())
	defer cancel()
	header := opts.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	if opts.Token != "" {
		header.Set("Authorization", "Bearer "+opts.Token)
	}
	if len(opts.Codecs) > 0 {
		header.Set("Accept", requests.Accept(opts.Codecs))
	}
	var qc *quic.Conn
	d := &webtransport.Transport{
		TLSClientConfig: t, QUICConfig: config,
		DialAddr: func(ctx context.Context, addr string, t *tls.Config, config *quic.Config) (*quic.Conn, error) {
			var err error
			qc, err = dialAny(ctx, addr, t, config)
			return qc, err
		},
	}
	answer, session, err := d.Dial(ctx, u.String(), header)
	if err != nil {
		return nil, dialError(ctx, peer, answer, err)
	}
	s, err := session.OpenStreamSync(ctx)
	if err != nil {
		_ = session.CloseWithError(0, "")
		return nil, dialError(ctx, peer, nil, err)
	}
	c := newConn(qc, session, s, peer, true, opts.lingers(), nil)
	if opts.Receives {
		_ = c.CloseWrite() // a new stream can be ended
	}
	c.watch()
	return c, nil
}

// dialAny tries the addresses of a host one after the other.
func dialAny(ctx context.Context, addr string, t *tls.Config, config *quic.Config) (qc *quic.Conn, first error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, ip := range ips {
		network := "udp6"
		if ip.IP.To4() != nil {
			network = "udp4"
		}
		udp, err := net.ListenUDP(network, nil)
		if err == nil {
			if qc, err = quic.Dial(ctx, udp, &net.UDPAddr{IP: ip.IP, Zone: ip.Zone, Port: port}, t, config); err == nil {
				context.AfterFunc(qc.Context(), func() { _ = udp.Close() }) // after the last packet
				return qc, nil
			}
			_ = udp.Close()
		}
		if first == nil {
			first = err
		}
		var late net.Error
		if ctx.Err() != nil || !errors.As(err, &late) || !late.Timeout() { // somebody was there
			break
		}
	}
	return nil, first
}
