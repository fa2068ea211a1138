package transports

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
)

// Options are what [Open] and [Listen] take beside the URI. Each transport looks at those that concern it.
type Options struct {
	// Role is what this end is going to do. The zero value is both ways, which not every transport has: HTTP/1.1
	// sends or receives.
	Role Role

	// Token is sent by an end that dials, as "Authorization: Bearer", where the wire has a place for it; else it is an
	// error. It is only sent over TLS or to this machine. It never belongs into the URI.
	Token string

	// Authorize is asked about each peer before an end that listens takes it, as in the ListenOptions of the transport.
	// Nil lets everyone in.
	Authorize func(ctx context.Context, peer *Peer) error

	// Refused is told by an end that listens about each peer that was not let in and why, where the transport has a
	// handshake. It may be called by several goroutines at once. Nil tells nobody.
	Refused func(peer *Peer, err error)

	// Wrap is a func(http.Handler) http.Handler for an end that listens for ws, wss, http or https: it has the requests first, as Wrap
	// of the ListenOptions of these transports has them. Others do not look at it. It is of no type of package http since
	// programs that use no such transport do not link that. Nil leaves all requests to the listener.
	Wrap any

	// Codecs are those of compressed bodies that an end reads that dials, "zstd" and "lz4". A server is told, over http, https, h3, ws, wss and
	// wt, and sends plain bodies to who says nothing. Other wires have no place for it. compression= in a URI says the same for its one codec.
	Codecs []string

	// Retry has an end that dials try again. Nil means that it dials once.
	Retry *Retry

	// Listening is told the address once an end listens, which is of use with port 0. Nil tells nobody.
	Listening func(addr net.Addr)
}

// Role is what an end of a connection will do. Most transports need not know; one that asks for data or brings it, such
// as HTTP, does.
type Role int

const (
	SendsAndReceives Role = iota // only where Caps has Duplex
	Sends
	Receives
)

// A Scheme is how a transport is reached by URI.
type Scheme struct {
	// Name stands before the colon, in lower case: letters, digits, "-" and ".".
	Name string
	// Form is what stands behind it. Port is that of URIs without one; "" means that a URI must have one.
	Form Form
	Port string
	// Params are the names of the transport's own parameters, whose values [URI.Param] returns. "timeout" and those of
	// StreamOptions are not among them.
	Params []string
	// Token tells that Dial sends Options.Token.
	Token bool

	// Opener connects to URIs of the scheme and, where it is an [URIListener], listens at them.
	Opener Opener
}

// Opener connects to URIs of a scheme. Params that one of its methods has no use for it refuses by [URI.ParamError].
//
// It is an interface, and not a function, for the sake of programs that open no URI: the linker leaves out methods that nobody calls.
type Opener interface {
	// DialURI connects to u. opts is not nil.
	DialURI(ctx context.Context, u *URI, opts *Options) (Conn, error)
}

// URIListener is an [Opener] of a scheme that can be listened at.
type URIListener interface {
	Opener
	ListenURI(ctx context.Context, u *URI, opts *Options) (Listener, error)
}

// SeveralDialer is an [Opener] that connects to u once, for n streams of that connection. For others [URI.OpenAll] calls DialURI n times. The
// listener of such a scheme may be a [SeveralListener].
type SeveralDialer interface {
	Opener
	DialSeveral(ctx context.Context, u *URI, opts *Options, n int) ([]Conn, error)
}

// SeveralListener is a [Listener] that takes n streams of one connection. Of others [URI.OpenAll] calls Accept n times.
type SeveralListener interface {
	Listener
	AcceptSeveral(ctx context.Context, n int) ([]Conn, error)
}

var registry struct {
	sync.RWMutex
	schemes map[string]*Scheme
}

// imports says which package of this module has a scheme.
var imports = map[string]string{
	"tcp": "tcp", "tls": "tls", "uds": "uds", "stdio": "stdio", "ws": "ws", "wss": "ws", "http": "http", "https": "http",
	"quic": "quic", "h3": "http/h3", "wt": "wt",
}

// Register makes a transport known to [Open] and [Listen]. The packages below this one do it when they are imported. It
// panics if the name is taken, or is not one, or there is no Opener, since that is a mistake of the program.
func Register(s Scheme) {
	if s.Name == "" || !isScheme(s.Name, ".-") || s.Name == "file" || s.Opener == nil {
		panic(fmt.Sprintf("transports: the scheme %q cannot be registered", s.Name))
	}
	s.Params = slices.Clone(s.Params)
	registry.Lock()
	defer registry.Unlock()
	if registry.schemes[s.Name] != nil {
		panic(fmt.Sprintf("transports: the scheme %q is registered twice", s.Name))
	}
	if registry.schemes == nil {
		registry.schemes = make(map[string]*Scheme)
	}
	registry.schemes[s.Name] = &s
}

// Schemes returns the names of the schemes that are linked, sorted.
func Schemes() []string {
	registry.RLock()
	defer registry.RUnlock()
	names := make([]string, 0, len(registry.schemes))
	for name := range registry.schemes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func registered(name string) *Scheme {
	registry.RLock()
	defer registry.RUnlock()
	return registry.schemes[name]
}

// known tells whether a scheme is linked or could be.
func known(name string) bool { return imports[name] != "" || registered(name) != nil }

// lookup returns a scheme that is linked.
func lookup(name string) (*Scheme, error) {
	if s := registered(name); s != nil {
		return s, nil
	}
	if pkg := imports[name]; pkg != "" {
		return nil, &URIError{
			URI: name, Err: notLinked(name),
			Hint: fmt.Sprintf("add import _ %q", "github.com/lightstream-go/lightstream/transports/"+pkg),
		}
	}
	all := Schemes()
	for name := range imports {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return nil, &URIError{URI: shorten(name), Err: ErrUnknownScheme, Hint: "known: " + strings.Join(all, ", ") + ", file"}
}

// notLinked is an ErrNotLinked that names the scheme.
type notLinked string

func (n notLinked) Error() string        { return "the scheme " + string(n) + " " + ErrNotLinked.Error() }
func (n notLinked) Is(target error) bool { return target == ErrNotLinked }

// Open connects to a URI: [ParseURI] and [URI.Open] in one, for callers who bring their own protocol. Parameters of
// StreamOptions are refused, since nobody would obey them.
//
// The package of the scheme must be imported; [github.com/lightstream-go/lightstream/transports/all] imports every one.
func Open(ctx context.Context, uri string, opts *Options) (Conn, error) {
	u, err := parseBare(uri)
	if err != nil {
		return nil, err
	}
	return u.Open(ctx, opts)
}

// Listen listens at a URI: [ParseURI] and [URI.Listen] in one, as [Open] is.
func Listen(ctx context.Context, uri string, opts *Options) (Listener, error) {
	u, err := parseBare(uri)
	if err != nil {
		return nil, err
	}
	return u.Listen(ctx, opts)
}

var errStream = errors.New("says what is sent, and this call only connects")

func parseBare(uri string) (*URI, error) {
	u, err := ParseURI(uri)
	if err != nil {
		return nil, err
	}
	for i, set := range []bool{
		u.Stream.Announce, u.Stream.Compression != "", u.Stream.Ordered, u.Stream.Protocol != Arrow, u.Stream.Streams > 1,
	} {
		if set {
			return nil, &URIError{URI: u.String(), Param: streamParams[i], Err: errStream, Hint: "use ParseURI, and obey its Stream"}
		}
	}
	return u, nil
}
