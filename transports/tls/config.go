package tls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"

	"github.com/lightstream-go/lightstream/transports"
)

// Config says who this end is and whom it trusts. The zero value is a client without a certificate that trusts the
// authorities of the system. The other transports over TLS use it too.
//
// Whatever it says, nothing older than TLS 1.3 is spoken, and sessions are not resumed: each connection is checked anew.
type Config struct {
	// CertFile and KeyFile are files in PEM: the certificate of this end, with those between it and its authority
	// behind it, and its private key. A server must have them, or Base has. A client needs them for a server that asks
	// for a certificate. They are read again when they have changed; what cannot be read, such as a pair of which only
	// one has been replaced, leaves the old pair in use.
	CertFile, KeyFile string

	// CAFile is a file in PEM with the authorities that are trusted. A client trusts them for the server and no longer
	// those of the system. A server with it demands a certificate from every client (mutual TLS). It is read again
	// when it has changed.
	CAFile string

	// ServerName is the name that a client wants in the server's certificate. "" means the host that is dialled.
	ServerName string

	// Reloaded is told after the files had changed whether they could be read. It may be called by several goroutines at
	// once. Nil tells nobody.
	Reloaded func(err error)

	// Base has whatever else there is to set, such as certificates that are not in files. It is not changed. To accept
	// any server, as by InsecureSkipVerify alone, is refused: set VerifyConnection with it.
	Base *tls.Config
}

// Client returns a configuration for dialling host, with the names of protocols for ALPN. The files are read, and the
// certificate again when it has changed.
func (c *Config) Client(host string, protocols ...string) (*tls.Config, error) {
	t, err := c.base(protocols)
	if err != nil {
		return nil, err
	}
	switch {
	case c.ServerName != "":
		t.ServerName = c.ServerName
	case t.ServerName == "":
		t.ServerName = host
	}
	f, err := c.files()
	if err != nil {
		return nil, err
	}
	if c.CAFile != "" {
		t.RootCAs = f.current().authorities
	}
	if c.CertFile != "" {
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return f.current().certificate, nil
		}
	}
	return t, nil
}

// Server returns a configuration for listening, with the names of protocols for ALPN. The files are read, and again when
// they have changed.
func (c *Config) Server(protocols ...string) (*tls.Config, error) {
	t, err := c.base(protocols)
	if err != nil {
		return nil, err
	}
	f, err := c.files()
	if err != nil {
		return nil, err
	}
	if c.CertFile == "" && len(t.Certificates) == 0 && t.GetCertificate == nil && t.GetConfigForClient == nil {
		return nil, errors.New("a server needs a certificate and its key")
	}
	t.SessionTicketsDisabled = true
	if c.CertFile != "" {
		t.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current().certificate, nil }
	}
	if c.CAFile != "" {
		t.ClientAuth = tls.RequireAndVerifyClientCert
		t.ClientCAs = f.current().authorities
		t.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			now := f.current().authorities
			if now == t.ClientCAs {
				return nil, nil // t itself
			}
			again := t.Clone()
			again.GetConfigForClient = nil
			again.ClientCAs = now
			return again, nil
		}
	}
	return t, nil
}

func (c *Config) base(protocols []string) (*tls.Config, error) {
	t := &tls.Config{}
	if c.Base != nil {
		t = c.Base.Clone()
	}
	switch {
	case t.MaxVersion != 0 && t.MaxVersion < tls.VersionTLS13:
		return nil, errors.New("Base.MaxVersion is below TLS 1.3")
	case t.InsecureSkipVerify && t.VerifyConnection == nil:
		return nil, errors.New("Base.InsecureSkipVerify accepts any server; set VerifyConnection with it, or trust its authority by CAFile")
	}
	t.MinVersion = tls.VersionTLS13
	// Records of a packet's size for the first megabyte help pages to show early and slow down everything else.
	t.DynamicRecordSizingDisabled = true
	if len(protocols) > 0 {
		t.NextProtos = protocols
	}
	return t, nil
}

// files are what the files of a Config held when they were read last.
type files struct {
	paths    [3]string // certificate, key, authorities; "" for those that are not given
	reloaded func(error)

	mu     sync.Mutex
	seen   [3]fs.FileInfo // of those that were tried last
	loaded contents
}

type contents struct {
	certificate *tls.Certificate
	authorities *x509.CertPool
}

// files reads the files of c.
func (c *Config) files() (*files, error) {
	if (c.CertFile == "") != (c.KeyFile == "") {
		return nil, errors.New("a certificate and its key come together, and one is missing")
	}
	f := &files{paths: [3]string{c.CertFile, c.KeyFile, c.CAFile}, reloaded: c.Reloaded}
	var err error
	f.seen, _ = f.stat() // before they are read, so that a change between is seen
	f.loaded, err = f.load()
	return f, err
}

func (f *files) stat() (infos [3]fs.FileInfo, changed bool) {
	for i, p := range f.paths {
		if p == "" {
			continue
		}
		infos[i], _ = os.Stat(p) // nil if it is not there, which is a change too
		was := f.seen[i]
		if (was == nil) != (infos[i] == nil) || was != nil && (!os.SameFile(was, infos[i]) ||
			!was.ModTime().Equal(infos[i].ModTime()) || was.Size() != infos[i].Size()) {
			changed = true
		}
	}
	return infos, changed
}

func (f *files) load() (contents, error) {
	var c contents
	if f.paths[0] != "" {
		pair, err := tls.LoadX509KeyPair(f.paths[0], f.paths[1])
		if err != nil {
			return contents{}, fmt.Errorf("certificate %s, key %s: %w", f.paths[0], f.paths[1], err)
		}
		c.certificate = &pair
	}
	if f.paths[2] != "" {
		text, err := os.ReadFile(f.paths[2])
		if err != nil {
			return contents{}, fmt.Errorf("authorities: %w", err)
		}
		c.authorities = x509.NewCertPool()
		if !c.authorities.AppendCertsFromPEM(text) {
			return contents{}, fmt.Errorf("authorities: no certificate in %s", f.paths[2])
		}
	}
	return c, nil
}

// current returns what the files hold, or held when they could be read last.
func (f *files) current() contents {
	now, changed, err := f.refresh()
	if changed && f.reloaded != nil {
		f.reloaded(err)
	}
	return now
}

func (f *files) refresh() (_ contents, changed bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	infos, changed := f.stat()
	if !changed {
		return f.loaded, false, nil
	}
	f.seen = infos
	c, err := f.load()
	if err == nil {
		f.loaded = c
	}
	return f.loaded, true, err
}

// Params are the parameters of URIs that [FromURI] reads, for transports over TLS: ca=, cert= and key= are the files of
// Config, and servername= is its ServerName.
var Params = []string{"ca", "cert", "key", "servername"}

// FromURI returns the Config that the parameters of u make.
func FromURI(u *transports.URI) (*Config, error) {
	c := &Config{CertFile: u.Param("cert"), KeyFile: u.Param("key"), CAFile: u.Param("ca"), ServerName: u.Param("servername")}
	switch {
	case c.KeyFile != "" && c.CertFile == "":
		return nil, u.ParamError("key", errors.New("stands without cert="))
	case c.CertFile != "" && c.KeyFile == "":
		return nil, u.ParamError("cert", errors.New("stands without key="))
	}
	return c, nil
}

// hostOf returns the host of "host:port".
func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}
