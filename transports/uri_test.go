package transports_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	_ "github.com/lightstream-go/lightstream/transports/stdio"
	_ "github.com/lightstream-go/lightstream/transports/tcp"
	_ "github.com/lightstream-go/lightstream/transports/uds"
)

// The scheme "web" stands for those that have a host, a path and a token. What it was called with is in webCalls.
var webCalls = make(chan *transports.Options, 1)

func init() {
	transports.Register(transports.Scheme{
		Name: "web", Form: transports.HostPath, Port: "80", Params: []string{"origin"}, Token: true,
		Dial: func(_ context.Context, u *transports.URI, o *transports.Options) (transports.Conn, error) {
			webCalls <- o
			return nil, u.ParamError("origin", errors.New("is for the end that listens"))
		},
	})
}

func TestParseURI(t *testing.T) {
	for _, tt := range []struct {
		uri, scheme, host, path string
		accepts                 bool
		printed                 string
	}{
		{"tcp://localhost:9000", "tcp", "localhost:9000", "", false, "tcp://localhost:9000"},
		{"TCP://localhost:9000/", "tcp", "localhost:9000", "", false, "tcp://localhost:9000"},
		{"tcp://[::1]:9000", "tcp", "[::1]:9000", "", false, "tcp://[::1]:9000"},
		{"tcp+listen://:0?usertimeout=3s", "tcp", ":0", "", true, "tcp+listen://:0"},
		{"web://example.com", "web", "example.com:80", "/", false, "web://example.com:80/"},
		{"web://example.com:8080/a%20b@c?origin=x", "web", "example.com:8080", "/a%20b@c", false, "web://example.com:8080/a%20b@c"},
		{"web://[fe80::1%25eth0]/", "web", "[fe80::1%eth0]:80", "/", false, "web://[fe80::1%25eth0]:80/"},
		{"uds:///run/my%20feed.sock", "uds", "", "/run/my feed.sock", false, "uds:///run/my%20feed.sock"},
		{"uds+listen:feed.sock", "uds", "", "feed.sock", true, "uds+listen:feed.sock"},
		{"uds:@feed", "uds", "", "@feed", false, "uds:@feed"},
		{"stdio:", "stdio", "", "", false, "stdio:"},
		{"stdio://", "stdio", "", "", false, "stdio:"},
		{"-", "stdio", "", "", false, "stdio:"},
		{"file:///data/a.arrow", "file", "", "/data/a.arrow", false, "file:///data/a.arrow"},
		{"file:a.arrow", "file", "", "a.arrow", false, "file:a.arrow"},
		{"a.arrow", "file", "", "a.arrow", false, "file:a.arrow"},
		{"/data/100%.arrow?x#y", "file", "", "/data/100%.arrow?x#y", false, "file:///data/100%25.arrow%3Fx%23y"},
		{`C:\data\a.arrow`, "file", "", `C:\data\a.arrow`, false, "file:C:%5Cdata%5Ca.arrow"},
		{"10:30.arrow", "file", "", "10:30.arrow", false, "file:10:30.arrow"},
	} {
		u, err := transports.ParseURI(tt.uri)
		if err != nil {
			t.Errorf("%s: %v", tt.uri, err)
			continue
		}
		if u.Scheme != tt.scheme || u.Host != tt.host || u.Path != tt.path || u.Accepts != tt.accepts || u.String() != tt.printed {
			t.Errorf("%s: %+v, printed as %s", tt.uri, u, u)
		}
		if again, err := transports.ParseURI(u.String()); err != nil {
			t.Errorf("%s: printed as %s, which is not parsed: %v", tt.uri, u, err)
		} else if again.Path != u.Path || again.Host != u.Host {
			t.Errorf("%s: parsed again as %+v, want %+v", tt.uri, again, u)
		}
	}
}

func TestParseURIParameters(t *testing.T) {
	u, err := transports.ParseURI("tcp://localhost:9000?protocol=lightstream&streams=4&ordered=1&compression=zstd&announce=true&timeout=1m&usertimeout=20s")
	if err != nil {
		t.Fatal(err)
	}
	want := transports.StreamOptions{Protocol: transports.Lightstream, Streams: 4, Ordered: true, Compression: "zstd", Announce: true}
	if u.Stream != want || u.Timeout != time.Minute {
		t.Errorf("%+v, %v, want %+v", u.Stream, u.Timeout, want)
	}
	if d, err := u.Duration("usertimeout"); err != nil || d != 20*time.Second || u.Param("usertimeout") != "20s" || u.Param("no") != "" {
		t.Errorf("usertimeout is %v, %v", d, err)
	}
	u, err = transports.ParseURI("file:///a?compression=none&ordered=0&protocol=arrow&streams=1")
	if err != nil || u.Stream != (transports.StreamOptions{Streams: 1}) {
		t.Errorf("%+v, %v", u, err)
	}
	if got := transports.TLV.String() + transports.Protocol(7).String(); got != "tlvProtocol(7)" {
		t.Error(got)
	}
}

// TestParseURIErrors wants each error to say what is wrong and what would be right, and none of them to have a word that
// begins with SECRET.
func TestParseURIErrors(t *testing.T) {
	for _, tt := range []struct {
		uri, want string
		is        error
	}{
		{uri: "", want: "lightstream: URI: is empty"},
		{uri: "tcp://", want: "lightstream: tcp: has no host; want tcp://host:port"},
		{uri: "tcp:localhost:9000", want: "lightstream: tcp: has no host; want tcp://host:port"},
		{uri: "tcp+listen://localhost", want: "lightstream: tcp: \"localhost\" has no port; want tcp+listen://host:port"},
		{uri: "tcp://a b:1", want: "lightstream: tcp: cannot be parsed; want tcp://host:port"},
		{uri: "tcp://localhost:70000", want: "lightstream: tcp: has a port above 65535; want tcp://host:port"},
		{uri: "tcp://localhost:9000/feed", want: "lightstream: tcp: has a path; want tcp://host:port"},
		{uri: "tcp://localhost:port", want: "lightstream: tcp: cannot be parsed; want tcp://host:port"},
		{uri: "tcp://localhost:9000#x", want: "lightstream: tcp: cannot be parsed; want tcp://host:port"},
		{uri: "tcp://localhost:9000?%zz", want: "lightstream: tcp://localhost:9000: its parameters cannot be parsed; want name=value&name=value, with %XX for special characters"},
		{uri: "uds://run/feed.sock", want: "lightstream: uds: has a host; want uds:///path"},
		{uri: "uds://", want: "lightstream: uds: has no path; want uds:///path"},
		{uri: "uds:%zz", want: "lightstream: uds: cannot be parsed; want uds:///path"},
		{uri: "stdio://out", want: "lightstream: stdio: has an address; want stdio:"},
		{uri: "stdio+listen:", want: "lightstream: stdio+listen:: stdio cannot be listened on: unsupported operation", is: errors.ErrUnsupported},
		{uri: "file+listen:///a", want: "lightstream: file+listen:///a: file cannot be listened on: unsupported operation", is: errors.ErrUnsupported},
		{uri: "gopher://localhost", want: "lightstream: gopher: unknown scheme; known: flaky, h3, http, https, quic, stdio, tcp, tls, uds, web, ws, wss, wt, file", is: transports.ErrUnknownScheme},
		{
			uri: "quic://localhost:9000", is: transports.ErrNotLinked,
			want: `lightstream: quic: the scheme quic is not linked into this program; add import _ "github.com/lightstream-go/lightstream/transports/quic"`,
		},
		{
			uri: "https+listen://localhost", is: transports.ErrNotLinked,
			want: `lightstream: https: the scheme https is not linked into this program; add import _ "github.com/lightstream-go/lightstream/transports/http"`,
		},
		{
			uri:  "tcp://localhost:1?colour=SECRET",
			want: "lightstream: tcp://localhost:1: colour=: unknown parameter; known for tcp: announce, compression, ordered, protocol, streams, timeout, usertimeout",
		},
		{
			uri:  "web://h/?Access_Token=SECRET",
			want: "lightstream: web://h:80/: Access_Token=: unknown parameter; credentials do not belong into a URI, give them by options; known for web: announce, compression, ordered, origin, protocol, streams, timeout",
		},
		{uri: "file:///a?timeout=3s", want: "lightstream: file:///a: timeout=: unknown parameter; known for files: announce, compression, ordered, protocol, streams"},
		{uri: "tcp://h:1?protocol=udp", want: `lightstream: tcp://h:1: protocol=: found "udp"; want arrow, lightstream, tlv`},
		{uri: "tcp://h:1?streams=0", want: `lightstream: tcp://h:1: streams=: found "0"; want 1 to 1024`},
		{uri: "tcp://h:1?streams=1e3", want: `lightstream: tcp://h:1: streams=: found "1e3"; want 1 to 1024`},
		{uri: "tcp://h:1?streams=99999999999999999999", want: `lightstream: tcp://h:1: streams=: found "99999999999999999999"; want 1 to 1024`},
		{uri: "tcp://h:1?ordered=yes", want: `lightstream: tcp://h:1: ordered=: found "yes"; want 1 or 0`},
		{uri: "tcp://h:1?announce=", want: `lightstream: tcp://h:1: announce=: found ""; want 1 or 0`},
		{uri: "tcp://h:1?compression=" + strings.Repeat("g", 100), want: `lightstream: tcp://h:1: compression=: found "` + strings.Repeat("g", 40) + `..."; want zstd, lz4 or none`},
		{uri: "tcp://h:1?timeout=5", want: `lightstream: tcp://h:1: timeout=: found "5"; want a time such as 500ms or 5s`},
		{uri: "tcp://h:1?timeout=-1s", want: `lightstream: tcp://h:1: timeout=: found "-1s"; want a time such as 500ms or 5s`},
		{uri: "tcp://h:1?streams=2&streams=3", want: `lightstream: tcp://h:1: streams=: is given more than once`},

		{uri: "tcp://SECRET@h:1", want: "lightstream: tcp: a user or a password in a URI is refused; URIs end up in logs; give credentials by options"},
		{uri: "web://a:SECRET@h/x", want: "lightstream: web: a user or a password in a URI is refused; URIs end up in logs; give credentials by options"},
		{uri: "web://a:SECRET/1@h/x", want: "lightstream: web: cannot be parsed; want web://host:port/path"},
		{uri: "web://a:SECRET%@h/x", want: "lightstream: web: cannot be parsed; want web://host:port/path"},
		{uri: "uds://a:SECRET@/x", want: "lightstream: uds: a user or a password in a URI is refused; URIs end up in logs; give credentials by options"},
		{uri: "quic://a:SECRET@h:1", want: "lightstream: quic: the scheme quic is not linked into this program; ", is: transports.ErrNotLinked},
		{uri: "gopher://a:SECRET@h:1", want: "lightstream: gopher: unknown scheme; ", is: transports.ErrUnknownScheme},
		{uri: "tcp://h:1?x=SECRET\x00", want: "lightstream: tcp: cannot be parsed; "},
		{uri: "tcp://h:1?x=1;y=SECRET", want: "lightstream: tcp://h:1: its parameters cannot be parsed; "},
		{uri: "tcp://h:1?usertimeout=1s&usertimeout=SECRET", want: "lightstream: tcp://h:1: usertimeout=: is given more than once"},
	} {
		u, err := transports.ParseURI(tt.uri)
		if u != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) || !strings.HasSuffix(tt.want, "; ") && err.Error() != tt.want {
			t.Errorf("%q: %v, %v, want %s", tt.uri, u, err, tt.want)
			continue
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", tt.uri, err)
		}
		if e := (*transports.URIError)(nil); !errors.As(err, &e) || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%q: %v is a %T", tt.uri, err, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for uri, want := range map[string]string{
		"nothing.arrow":              "lightstream: file:nothing.arrow: a file is not a connection; os.Open opens it, and tcp://host:port or the like is a connection",
		"tcp://h:1?streams=2":        "lightstream: tcp://h:1: streams=: says what is sent, and this call only connects; use ParseURI, and obey its Stream",
		"tcp://h:1?ordered=1":        "lightstream: tcp://h:1: ordered=: says what is sent, and this call only connects; use ParseURI, and obey its Stream",
		"tcp://h:1?protocol=tlv":     "lightstream: tcp://h:1: protocol=: says what is sent, and this call only connects; use ParseURI, and obey its Stream",
		"tcp://h:1?announce=1":       "lightstream: tcp://h:1: announce=: says what is sent, and this call only connects; use ParseURI, and obey its Stream",
		"uds:///x?compression=lz4":   "lightstream: uds:///x: compression=: says what is sent, and this call only connects; use ParseURI, and obey its Stream",
		"tcp://h:1?usertimeout=soon": `lightstream: tcp://h:1: usertimeout=: found "soon"; want a time such as 500ms or 5s`,
		"gopher://h:1":               "lightstream: gopher: unknown scheme; known: flaky, h3, http, https, quic, stdio, tcp, tls, uds, web, ws, wss, wt, file",
	} {
		c, err := transports.Open(t.Context(), uri, nil)
		if c != nil || err == nil || err.Error() != want {
			t.Errorf("Open of %s: %v, %v, want %s", uri, c, err, want)
		}
		l, err := transports.Listen(t.Context(), uri, nil)
		if l != nil || err == nil || err.Error() != want {
			t.Errorf("Listen at %s: %v, %v, want %s", uri, l, err, want)
		}
	}
	for uri, want := range map[string]string{
		"uds:///x?mode=0600": "lightstream: uds:///x: mode=: is for the end that listens",
		"tcp://h:1":          "lightstream: tcp://h:1: tcp has no place for a token",
	} {
		c, err := transports.Open(t.Context(), uri, &transports.Options{Token: "SECRET"})
		if uri[0] == 'u' {
			c, err = transports.Open(t.Context(), uri, nil)
		}
		if c != nil || err == nil || err.Error() != want {
			t.Errorf("Open of %s: %v, %v, want %s", uri, c, err, want)
		}
	}
	for uri, want := range map[string]string{
		"uds:///x?mode=rw": "lightstream: uds:///x: mode=: want permissions in octal, such as 0660",
		"web://h:1/":       "lightstream: web://h:1/: web cannot be listened on: unsupported operation",
		"stdio:":           "lightstream: stdio:: stdio cannot be listened on: unsupported operation",
	} {
		l, err := transports.Listen(t.Context(), uri, nil)
		if l != nil || err == nil || err.Error() != want {
			t.Errorf("Listen at %s: %v, %v, want %s", uri, l, err, want)
		}
	}
	if _, err := transports.Open(t.Context(), "web://h/?origin=x", &transports.Options{Token: "SECRET", Role: transports.Sends}); err == nil ||
		err.Error() != "lightstream: web://h:80/: origin=: is for the end that listens" {
		t.Error(err)
	}
	if o := <-webCalls; o.Token != "SECRET" || o.Role != transports.Sends {
		t.Errorf("the transport got %+v", o)
	}
}

// TestOpenAndListen connects by URI over each transport that is linked.
func TestOpenAndListen(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "s")
	for _, listen := range []string{"tcp://127.0.0.1:0?usertimeout=1m", "tcp+listen://127.0.0.1:0", "uds://" + sock + "?mode=0600"} {
		if strings.Contains(listen, "usertimeout") && !userTimeout() {
			listen = "tcp://127.0.0.1:0"
		}
		asked := 0
		l, err := transports.Listen(t.Context(), listen, &transports.Options{
			Authorize: func(context.Context, *transports.Peer) error { asked++; return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		dialled, err := transports.Open(t.Context(), uriOf(l.Addr())+"?timeout=1h", nil)
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		talk(t, dialled, accepted)
		if asked != 1 {
			t.Errorf("%s: Authorize was asked %d times", listen, asked)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func userTimeout() bool {
	l, err := transports.Listen(context.Background(), "tcp://127.0.0.1:0?usertimeout=1m", nil)
	if err == nil {
		_ = l.Close()
	}
	return !errors.Is(err, errors.ErrUnsupported)
}

// uriOf returns the URI of a listener's address.
func uriOf(a net.Addr) string {
	if a.Network() == "uds" {
		return "uds://" + a.String()
	}
	return a.Network() + "://" + a.String()
}

// talk sends a word each way and closes both ends.
func talk(t *testing.T, a, b transports.Conn) {
	t.Helper()
	if _, err := io.WriteString(a, "ping"); err != nil {
		t.Error(err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(b); err != nil || string(got) != "ping" {
		t.Errorf("received %q, %v", got, err)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Error(err)
	}
}

// TestOpenAccepts has both ends call Open.
func TestOpenAccepts(t *testing.T) {
	type end struct {
		c   transports.Conn
		err error
	}
	addr := make(chan net.Addr, 1)
	accepted := make(chan end, 1)
	go func() {
		c, err := transports.Open(t.Context(), "tcp+listen://127.0.0.1:0", &transports.Options{Listening: func(a net.Addr) { addr <- a }})
		accepted <- end{c, err}
	}()
	var uri string
	select {
	case a := <-addr:
		uri = uriOf(a)
	case e := <-accepted:
		t.Fatal(e.err)
	}
	dialled, err := transports.Open(t.Context(), uri, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := <-accepted
	if e.err != nil {
		t.Fatal(e.err)
	}
	talk(t, dialled, e.c)
	if _, err := transports.Open(t.Context(), uri, nil); err == nil {
		t.Error("the listener is still there")
	}

	// Nobody comes.
	if _, err := transports.Open(t.Context(), "tcp+listen://127.0.0.1:0?timeout=1ms", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("timeout: %v", err)
	}
}

func TestSchemes(t *testing.T) {
	if got, want := transports.Schemes(), []string{"flaky", "stdio", "tcp", "uds", "web"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	dial := func(context.Context, *transports.URI, *transports.Options) (transports.Conn, error) { return nil, nil }
	for _, s := range []transports.Scheme{
		{Name: "tcp", Dial: dial}, {Name: "", Dial: dial}, {Name: "a+listen", Dial: dial}, {Name: "file", Dial: dial}, {Name: "new"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was registered", s.Name)
				}
			}()
			transports.Register(s)
		}()
	}
}

func FuzzParseURI(f *testing.F) {
	for _, seed := range []string{"tcp://h:1?streams=2", "uds:@x", "-", "web+listen://[::1]:1/%41?origin=1&timeout=3s", "C:\\a", "file:a?b", "\x00/a?streams", "tcp://[\xff:1Hh]:1", "tcp://[fe80::1%25eth0]:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := transports.ParseURI(text)
		if (u == nil) != (err != nil) {
			t.Fatalf("%v and %v", u, err)
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x00") {
				t.Errorf("%q", err)
			}
			return
		}
		again, err := transports.ParseURI(u.String())
		if err != nil {
			t.Fatalf("%s: %v", u, err)
		}
		if again.Scheme != u.Scheme || again.Host != u.Host || again.Path != u.Path || again.Accepts != u.Accepts {
			t.Fatalf("%+v, want %+v", again, u)
		}
	})
}
