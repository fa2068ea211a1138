// Package transports says what a connection is: one ordered, reliable stream of bytes each way, with gathered writes,
// half-close and deadlines where the wire has them.
//
// It holds the contract and no wire. Each wire is a package of its own below this one, so that a program links only
// what it imports:
//
//	        HalfClose        Duplex         Deadline               Gather
//	tcp     yes              yes            yes                    yes: writev
//	tls     yes              yes            yes                    no: it is encrypted, small parts are copied together
//	uds     yes              yes            yes                    yes: writev
//	stdio   unless one file  with two ways  for pipes and sockets  yes: writev, on Linux, macOS and OpenBSD;
//	        is both ways                    that can be polled     elsewhere small parts are copied together
//	ws      no: its end is   yes            yes, but inside a      no: a client must mask every byte; small parts are
//	        that of both ways               frame for reads        copied together
//	quic    yes              yes, but for   yes                    no: it is encrypted, small parts are copied together
//	                         one-way streams
//	wt      yes              yes            yes                    no: as quic
//	http    yes, but for a   over HTTP/2    yes                    no: all is copied once, out of net/http's reach
//	        server both ways both ways
//	pipe    yes              yes            yes                    no: all of it is memory, copied once
//
// The columns are the fields of [Caps], and [Conn.Caps] tells them of one connection. What a wire does not have returns
// an error wrapping [errors.ErrUnsupported].
//
// # Which bytes
//
// None: a transport adds no byte of its own and keeps no boundaries. What one end writes is what the other end reads,
// in order, cut anywhere.
//
// # Shapes
//
// The code that calls a connection does not import this package. It works over [io.Reader] and [io.Writer] and finds
// the rest by assertion:
//
//	interface{ WriteBuffers(bufs [][]byte) (int64, error) }
//	interface{ CloseWrite() error }
//	interface{ SetReadDeadline(t time.Time) error }
//	interface{ SetWriteDeadline(t time.Time) error }
//
// A [Conn] has all of these and is a [net.Conn] too, so TLS or an HTTP server can stand on any of them. Connections of tcp and uds, except
// on Windows, also have
//
//	interface{ ReadLazily(memory func() []byte, back func()) (n int, err error) }
//
// which waits without memory and then needs one read for a message: frame.LazyReader says how.
//
// # URIs
//
// [Open] and [Listen] connect by URI, of the schemes whose packages the program imports. [ParseURI] is for those who also look
// at what the URI says about the stream.
//
//	tcp://host:port            package tcp      usertimeout=
//	tls://host:port            package tls      ca= cert= key= servername= usertimeout=
//	quic://host:port           package quic     ca= cert= key= servername= idle= keepalive=
//	http://host:port/path      package http     version= origin=
//	https://host:port/path     package http     ca= cert= key= servername= version= origin=
//	h3://host:port/path        package http/h3  ca= cert= key= servername= idle= origin=
//	uds:///path, uds:path      package uds      mode=
//	wt://host:port/path        package wt       ca= cert= key= servername= idle= keepalive= origin=
//	ws://host/path             package ws       origin= usertimeout=
//	wss://host/path            package ws       the same, and those of tls://
//	stdio:, -                  package stdio
//
// All have timeout=, and the parameters of [StreamOptions]. With "+listen" behind the scheme Open waits for the other end
// rather than dialling it. With streams= there are several: streams of one connection over quic, requests of one over HTTP/2, else
// connections. Credentials are given by [Options], never in a URI.
//
// # Errors
//
// Except for [io.EOF], which a Read returns as it is when the peer has half-closed or closed, errors are of type
// *[Error]; what is wrong with a URI is a *[URIError]. With [errors.Is] they match, on every transport:
//
//   - [os.ErrDeadlineExceeded] after a deadline; the connection stays usable,
//   - [net.ErrClosed] after this end's own Close, or for a write after its CloseWrite,
//   - [ErrPeerClosed] when the other end is gone,
//   - [errors.ErrUnsupported] for what the wire does not have,
//   - the context's error when a Dial or an Accept was given up.
//
// # A transport of your own
//
// Whatever is an io.ReadWriter can carry a stream. To be used like the ones here, implement [Conn] and [Listener] and
// run [github.com/lightstream-go/lightstream/transports/transporttest] over them. [Register] gives it a scheme.
package transports
