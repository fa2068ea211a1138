package transports

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// A URI says where the other end of a stream is and what is on the wire, such as
//
//	tcp://localhost:9000
//	tls+listen://:9000?cert=feed.pem&key=feed.key&ca=clients.pem
//	uds:///run/feed.sock?compression=zstd
//
// [ParseURI] makes one. The fields may be read and changed before Open or Listen is called, which any number of
// goroutines may do at once.
type URI struct {
	// Scheme is the transport's name in URIs, without "+listen", or "file" for a path.
	Scheme string
	// Accepts tells that the scheme ended in "+listen": Open waits for the other end rather than dialling it.
	Accepts bool
	// Host is "host:port", with the scheme's own port if none was given. The host is empty for all addresses.
	Host string
	// Path is that of a socket or a file, or of what is asked of a server: this one begins with "/" and has its %XX.
	Path string
	// Timeout (timeout=5s) bounds connecting, which includes a handshake: for an end that dials all of Open, for one
	// that listens the handshake of each peer, and with Accepts the wait for the peer too. Zero is no bound but those
	// that the transport has.
	Timeout time.Duration
	// Stream says what is sent over the connection.
	Stream StreamOptions

	params map[string]string // those of the transport
	scheme *Scheme           // nil for files
}

// StreamOptions are the parameters of a URI that are not the transport's business. Whoever calls [URI.Open] looks at
// them; [Open] and [Listen], which have nobody to hand them to, refuse them.
type StreamOptions struct {
	// Protocol (protocol=) is what the bytes are. The zero value is Arrow.
	Protocol Protocol
	// Streams (streams=4) is the number of parallel streams. Zero and one mean a single stream.
	Streams int
	// Ordered (ordered=1) numbers the batches of parallel streams, so that the reader has them in one order.
	Ordered bool
	// Compression (compression=) of the bodies that are sent: "zstd", "lz4" or, for none, "".
	Compression string
	// Announce (announce=1) asks for the announcement of the Lightstream protocol. Both ends must.
	Announce bool
}

// Protocol is what the bytes of a stream are.
type Protocol int

const (
	Arrow       Protocol = iota // an Arrow IPC stream
	Lightstream                 // frames with tables and messages
	TLV                         // frames with a type, a length and a value
)

var protocols = []string{Arrow: "arrow", Lightstream: "lightstream", TLV: "tlv"}

// String returns the name as it stands in URIs.
func (p Protocol) String() string {
	if p < 0 || int(p) >= len(protocols) {
		return fmt.Sprintf("Protocol(%d)", int(p))
	}
	return protocols[p]
}

// streamParams are the parameters of StreamOptions.
var streamParams = []string{"announce", "compression", "ordered", "protocol", "streams"}

// A Form is what stands between the scheme and the parameters of a URI.
type Form int

const (
	HostPort Form = iota // tcp://host:port
	HostPath             // ws://host/path, ws://host:port/path
	FilePath             // uds:///path, uds:path
	Bare                 // stdio:
)

// example returns how URIs of a scheme look.
func (f Form) example(scheme string) string {
	switch f {
	case HostPath:
		return scheme + "://host:port/path"
	case FilePath:
		return scheme + ":///path"
	case Bare:
		return scheme + ":"
	default:
		return scheme + "://host:port"
	}
}

var (
	// ErrUnknownScheme means that the scheme of a URI is none that this module has and none that was registered.
	ErrUnknownScheme = errors.New("unknown scheme")
	// ErrNotLinked means that the program does not import the package of a URI's scheme.
	ErrNotLinked = errors.New("is not linked into this program")
)

// URIError says what is wrong with a URI. Neither it nor any other error has what could be a secret: users, values of
// unknown parameters, and whatever could not be parsed are left out.
type URIError struct {
	URI   string // scheme and, if they could be parsed, host and path
	Param string // the parameter that is wrong, or ""
	Err   error  // never nil
	Hint  string // what would be right, or ""
}

// Error returns one line: where, what was found and what would be right.
func (e *URIError) Error() string {
	var b strings.Builder
	b.WriteString("lightstream: ")
	b.WriteString(e.URI)
	b.WriteString(": ")
	if e.Param != "" {
		b.WriteString(e.Param)
		b.WriteString("=: ")
	}
	b.WriteString(e.Err.Error())
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *URIError) Unwrap() error { return e.Err }

// ParseURI parses a URI of a scheme that is linked, with all of its parameters checked. What has no scheme is the path
// of a file, as it stands, and "-" is "stdio:".
//
// Errors are of type *[URIError] and wrap [ErrUnknownScheme] or [ErrNotLinked] where that is the cause. A user or a
// password in a URI is refused: URIs end up in logs, lists of processes and histories of shells.
func ParseURI(uri string) (*URI, error) {
	name, accepts, ok := cutScheme(uri)
	if !ok {
		if uri == "" {
			return nil, &URIError{URI: "URI", Err: errors.New("is empty")}
		}
		if path, query, found := strings.Cut(uri, "?"); found {
			name, _, _ := strings.Cut(query, "=")
			if slices.Contains(streamParams, name) {
				path = printable(path)
				return nil, &URIError{URI: path, Param: name, Err: errors.New("is a parameter, and this is a path"), Hint: "want file:" + path + "?" + name + "=..."}
			}
		}
		return &URI{Scheme: "file", Path: uri}, nil
	}
	u := &URI{Scheme: name, Accepts: accepts}
	form, port := FilePath, ""
	if name != "file" {
		s, err := lookup(name)
		if err != nil {
			return nil, err
		}
		u.scheme, form, port = s, s.Form, s.Port
	}
	if uri == "-" {
		uri = "stdio:"
	}
	if err := u.parse(uri, form, port); err != nil {
		return nil, err
	}
	return u, nil
}

// cutScheme returns the scheme of a URI in lower case, and false for a path.
func cutScheme(uri string) (name string, accepts, ok bool) {
	if uri == "-" {
		return "stdio", false, true
	}
	name, rest, found := strings.Cut(uri, ":")
	name = strings.ToLower(name)
	if !found || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789+.-") != "" {
		return "", false, false
	}
	name, accepts = strings.CutSuffix(name, "+listen")
	// "C:\feed.arrow" and "feed:1.arrow" are paths. "tcp:localhost:9000" is a mistake, and told so.
	if !accepts && !strings.HasPrefix(rest, "//") && name != "file" && !known(name) {
		return "", false, false
	}
	return name, accepts, true
}

var errMalformed = errors.New("cannot be parsed")

// parse fills u from its text. Of the text, errors have only what was understood.
func (u *URI) parse(text string, form Form, port string) error {
	fail := func(err error) error {
		hint := "want " + form.example(u.Scheme)
		if u.Accepts {
			hint = "want " + form.example(u.Scheme+"+listen")
		}
		return &URIError{URI: u.Scheme, Err: err, Hint: hint}
	}
	p, err := url.Parse(text)
	if err != nil || strings.Contains(text, "#") {
		return fail(errMalformed) // the error of package url has all of the text
	}
	if p.User != nil {
		return &URIError{
			URI: u.Scheme, Err: errors.New("a user or a password in a URI is refused"),
			Hint: "URIs end up in logs; give credentials by options",
		}
	}
	switch form {
	case HostPort, HostPath:
		if p.Opaque != "" || p.Host == "" {
			return fail(errors.New("has no host"))
		}
		if form == HostPort && p.Path != "" && p.Path != "/" {
			return fail(errors.New("has a path"))
		}
		host, given := p.Hostname(), p.Port()
		if given == "" {
			given = port
		}
		if given == "" {
			return fail(fmt.Errorf("%q has no port", host))
		}
		if _, err := strconv.ParseUint(given, 10, 16); err != nil {
			return fail(errors.New("has a port above 65535"))
		}
		if !validHost(host) {
			return fail(errors.New("has a host that is no name and no address"))
		}
		u.Host = net.JoinHostPort(host, given)
		if form == HostPath {
			if u.Path = p.EscapedPath(); u.Path == "" {
				u.Path = "/"
			}
		}
	case FilePath:
		if p.Host != "" {
			return fail(errors.New("has a host"))
		}
		if u.Path = p.Path; p.Opaque != "" {
			if u.Path, err = url.PathUnescape(p.Opaque); err != nil {
				return fail(errMalformed)
			}
		}
		if u.Path == "" {
			return fail(errors.New("has no path"))
		}
	case Bare:
		if p.Opaque != "" || p.Host != "" || p.Path != "" && p.Path != "/" {
			return fail(errors.New("has an address"))
		}
	}
	if u.Accepts && (u.scheme == nil || u.scheme.Listen == nil) {
		return &URIError{URI: u.String(), Err: fmt.Errorf("%s cannot be listened on: %w", u.Scheme, errors.ErrUnsupported)}
	}
	query, err := url.ParseQuery(p.RawQuery)
	if err != nil {
		return &URIError{URI: u.String(), Err: errors.New("its parameters cannot be parsed"), Hint: "want name=value&name=value, with %XX for special characters"}
	}
	return u.parseQuery(query)
}

func (u *URI) parseQuery(query url.Values) error {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names) // the same error for the same URI
	for _, name := range names {
		if len(query[name]) > 1 {
			return u.paramError(name, "is given more than once", "")
		}
		if err := u.setParam(name, query[name][0]); err != nil {
			return err
		}
	}
	return nil
}

func (u *URI) setParam(name, value string) error {
	switch name {
	case "protocol":
		i := slices.Index(protocols, value)
		if i < 0 {
			return u.paramError(name, "found "+quote(value), "want "+strings.Join(protocols, ", "))
		}
		u.Stream.Protocol = Protocol(i)
	case "streams":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxStreams {
			return u.paramError(name, "found "+quote(value), fmt.Sprintf("want 1 to %d", maxStreams))
		}
		u.Stream.Streams = n
	case "ordered":
		return u.parseBool(name, value, &u.Stream.Ordered)
	case "announce":
		return u.parseBool(name, value, &u.Stream.Announce)
	case "compression":
		if value != "zstd" && value != "lz4" && value != "none" {
			return u.paramError(name, "found "+quote(value), "want zstd, lz4 or none")
		}
		if u.Stream.Compression = value; value == "none" {
			u.Stream.Compression = ""
		}
	case "timeout":
		if u.scheme == nil {
			return u.unknownParam(name)
		}
		d, err := u.parseDuration(name, value)
		if err != nil {
			return err
		}
		u.Timeout = d
	default:
		if u.scheme == nil || !slices.Contains(u.scheme.Params, name) {
			return u.unknownParam(name)
		}
		if u.params == nil {
			u.params = make(map[string]string)
		}
		u.params[name] = value
	}
	return nil
}

// maxStreams is more than any connection gains from. It is here so that a slip does not open 10,000.
const maxStreams = 1024

func (u *URI) parseBool(name, value string, to *bool) error {
	switch value {
	case "1", "true":
		*to = true
	case "0", "false":
		*to = false
	default:
		return u.paramError(name, "found "+quote(value), "want 1 or 0")
	}
	return nil
}

// quote returns the value of a known parameter for an error.
func quote(value string) string {
	if len(value) > 40 {
		value = value[:40] + "..."
	}
	return strconv.Quote(value)
}

// printable returns text, quoted if it would not stay on its line.
func printable(text string) string {
	if q := strconv.Quote(text); q != `"`+text+`"` {
		return q
	}
	return text
}

func (u *URI) paramError(name, found, hint string) error {
	return &URIError{URI: u.String(), Param: name, Err: errors.New(found), Hint: hint}
}

// unknownParam leaves out the value, which may be a secret.
func (u *URI) unknownParam(name string) error {
	e := &URIError{URI: u.String(), Param: shorten(name), Err: errors.New("unknown parameter")}
	if u.scheme == nil {
		e.Hint = "known for files: " + strings.Join(streamParams, ", ")
		return e
	}
	all := slices.Concat(streamParams, u.scheme.Params, []string{"timeout"})
	slices.Sort(all)
	e.Hint = "known for " + u.Scheme + ": " + strings.Join(all, ", ")
	for _, secret := range []string{"token", "pass", "auth", "secret", "bearer", "user", "cred", "apikey"} {
		if strings.Contains(strings.ToLower(name), secret) {
			e.Hint = "credentials do not belong into a URI, give them by options; " + e.Hint
			break
		}
	}
	return e
}

// shorten keeps names of parameters, which come from outside, to a size for one line.
func shorten(name string) string {
	q := strconv.Quote(name)
	if q = q[1 : len(q)-1]; len(q) > 40 {
		q = q[:40] + "..."
	}
	return q
}

// String returns scheme, host and path, without parameters, so it can be logged.
func (u *URI) String() string {
	scheme := u.Scheme
	if u.Accepts {
		scheme += "+listen"
	}
	path := url.URL{Path: u.Path}
	switch {
	case u.Host != "":
		return scheme + "://" + strings.ReplaceAll(u.Host, "%", "%25") + u.Path // a "%" is that of an IPv6 zone
	case strings.HasPrefix(u.Path, "/"):
		return scheme + "://" + path.EscapedPath()
	default:
		return scheme + ":" + path.EscapedPath()
	}
}

// validHost tells whether a host is an address or may be a name. Package url looks at little of what is between brackets.
func validHost(host string) bool {
	bad := func(r rune) bool {
		return r == utf8.RuneError || r == ' ' || !unicode.IsGraphic(r) || strings.ContainsRune(`[]/?#"\`, r)
	}
	if strings.ContainsFunc(host, bad) {
		return false
	}
	if strings.ContainsAny(host, ":%") {
		_, err := netip.ParseAddr(host)
		return err == nil
	}
	return true
}

// Param returns the value of one of the transport's own parameters, "" if it is not given.
func (u *URI) Param(name string) string { return u.params[name] }

// Duration returns the value of one of the transport's own parameters that is a time above zero, and zero if it is not
// given.
func (u *URI) Duration(name string) (time.Duration, error) {
	value, given := u.params[name]
	if !given {
		return 0, nil
	}
	return u.parseDuration(name, value)
}

func (u *URI) parseDuration(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, u.paramError(name, "found "+quote(value), "want a time such as 500ms or 5s")
	}
	return d, nil
}

// ParamError is for transports: it says that the value of a parameter is wrong, and why. The value is not in the error.
func (u *URI) ParamError(name string, err error) error {
	return &URIError{URI: u.String(), Param: name, Err: err}
}

// Codecs is for transports: the codecs that an end says it reads, those of opts and that of compression=.
func (u *URI) Codecs(opts *Options) []string {
	c := u.Stream.Compression
	if c == "" || slices.Contains(opts.Codecs, c) {
		return opts.Codecs
	}
	return append(slices.Clip(opts.Codecs), c) // who asks for a codec reads it
}

// Hostname and Port return the parts of Host.
func (u *URI) Hostname() string { host, _, _ := net.SplitHostPort(u.Host); return host }

// Port returns the port of Host.
func (u *URI) Port() string { _, port, _ := net.SplitHostPort(u.Host); return port }

// Open connects to u: it dials, or with Accepts listens, takes the first connection that comes and listens no more. ctx
// bounds this, not the connection. nil options mean all defaults. What is in Stream is the caller's to obey.
//
// Errors are of type *[Error] or *[URIError].
func (u *URI) Open(ctx context.Context, opts *Options) (Conn, error) {
	conns, err := u.open(ctx, opts, 1)
	if err != nil {
		return nil, err
	}
	return conns[0], nil
}

// OpenAll is Open for as many connections as Stream.Streams says, at least one, in the order in which they were dialled or came. Where the wire
// has several streams on one connection they are such: over QUIC, and over HTTP/2 where this end dials.
//
// Timeout bounds all of them together. The other end must open as many: who takes fewer leaves this end waiting, or its streams
// unread. Over QUIC the roles must be one of [Sends] and one of [Receives], or both neither.
func (u *URI) OpenAll(ctx context.Context, opts *Options) ([]Conn, error) {
	return u.open(ctx, opts, max(u.Stream.Streams, 1))
}

func (u *URI) open(ctx context.Context, opts *Options, n int) (conns []Conn, err error) {
	o, err := u.options(opts)
	if err != nil {
		return nil, err
	}
	if u.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, u.Timeout)
		defer cancel()
	}
	defer func() {
		if err == nil {
			return
		}
		for _, c := range conns {
			_ = c.Close()
		}
		if n > 1 {
			err = &countError{err, len(conns), n}
		}
		conns = nil
	}()
	next := func() (Conn, error) { return u.dial(ctx, o) }
	if !u.Accepts && n > 1 && u.scheme.DialSeveral != nil {
		return u.dialSeveral(ctx, o, n)
	}
	if u.Accepts {
		var refused refusals
		own := *o
		own.Refused = refused.also(o.Refused)
		o = &own
		l, err := u.scheme.Listen(ctx, u, o)
		if err != nil {
			return nil, err
		}
		if o.Listening != nil {
			o.Listening(l.Addr())
		}
		defer func() {
			if closed := l.Close(); closed != nil && err == nil {
				err = closed
			}
		}()
		if s, ok := l.(SeveralListener); ok && n > 1 {
			conns, err := s.AcceptSeveral(ctx, n)
			return conns, refused.add(err)
		}
		next = func() (Conn, error) {
			c, err := l.Accept(ctx)
			return c, refused.add(err)
		}
	}
	for range n {
		c, err := next()
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func (u *URI) dial(ctx context.Context, o *Options) (Conn, error) {
	if o.Retry != nil {
		return retry(ctx, o.Retry, func(ctx context.Context) (Conn, error) { return u.scheme.Dial(ctx, u, o) })
	}
	return u.scheme.Dial(ctx, u, o)
}

func (u *URI) dialSeveral(ctx context.Context, o *Options, n int) ([]Conn, error) {
	if o.Retry != nil {
		return retry(ctx, o.Retry, func(ctx context.Context) ([]Conn, error) { return u.scheme.DialSeveral(ctx, u, o, n) })
	}
	return u.scheme.DialSeveral(ctx, u, o, n)
}

// countError says which of several connections there was not.
type countError struct {
	error
	have, want int
}

func (e *countError) Error() string {
	return fmt.Sprintf("%v (connection %d of %d: does the other end say streams=%d too?)", e.error, e.have+1, e.want, e.want)
}

func (e *countError) Unwrap() error { return e.error }

// refusals are the peers that were not let in while somebody waited for one.
type refusals struct {
	mu   sync.Mutex
	n    int
	last error
}

// also counts, and tells next too.
func (r *refusals) also(next func(*Peer, error)) func(*Peer, error) {
	return func(p *Peer, err error) {
		r.mu.Lock()
		r.n, r.last = r.n+1, err
		r.mu.Unlock()
		if next != nil {
			next(p, err)
		}
	}
}

// add adds them to the error of who waited in vain.
func (r *refusals) add(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil || r.n == 0 {
		return err
	}
	return &refusedError{err, r.n, r.last}
}

// refusedError is the error of an Accept that refused somebody.
type refusedError struct {
	error
	n    int
	last error
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%v; %d were refused, the last one: %v", e.error, e.n, e.last)
}

func (e *refusedError) Unwrap() []error { return []error{e.error, e.last} }

// Listen listens at u, with or without Accepts. ctx bounds the call, not the listener. nil options mean all defaults.
// What is in Stream is the caller's to obey.
//
// Errors are of type *[Error] or *[URIError].
func (u *URI) Listen(ctx context.Context, opts *Options) (Listener, error) {
	o, err := u.options(opts)
	if err != nil {
		return nil, err
	}
	if u.scheme.Listen == nil {
		return nil, &URIError{URI: u.String(), Err: fmt.Errorf("%s cannot be listened on: %w", u.Scheme, errors.ErrUnsupported)}
	}
	l, err := u.scheme.Listen(ctx, u, o)
	if err == nil && o.Listening != nil {
		o.Listening(l.Addr())
	}
	return l, err
}

// options checks opts for u.
func (u *URI) options(opts *Options) (*Options, error) {
	switch {
	case opts == nil:
		opts = &Options{}
	case u.scheme != nil && opts.Token != "" && !u.scheme.Token:
		return nil, &URIError{URI: u.String(), Err: fmt.Errorf("%s has no place for a token", u.Scheme)}
	}
	if u.scheme == nil {
		return nil, &URIError{URI: u.String(), Err: errors.New("a file is not a connection"), Hint: "os.Open opens it, and tcp://host:port or the like is a connection"}
	}
	return opts, nil
}
