package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/coder/websocket"
	"github.com/quic-go/quic-go"

	"github.com/lightstream-go/lightstream/transports"
	ourhttp "github.com/lightstream-go/lightstream/transports/http"
	ourquic "github.com/lightstream-go/lightstream/transports/quic"
	"github.com/lightstream-go/lightstream/transports/stdio"
	"github.com/lightstream-go/lightstream/transports/tcp"
	ourtls "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/uds"
	"github.com/lightstream-go/lightstream/transports/ws"
)

// Streams go over tcp, uds and pipe, which the receiver listens on, or over tls, ws, quic and http2, which the sender listens on. This
// project's own use its transports. Others use package net, files, and for the last four what these transports stand on, with the
// same version of TLS and the same windows.

// isOurs reports whether a peer uses this project's transports.
func isOurs(p peer) bool { return p == ours || p == protocol || p == structure }

// netName is what package net calls a network.
var netName = map[string]string{"tcp": "tcp", "uds": "unix"}

// certificate writes a certificate for 127.0.0.1 and its key to files in dir.
func certificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	cert, secret := certFiles(dir)
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(secret, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

func certFiles(dir string) (cert, key string) {
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

// secured returns what both ends of raw streams set, at the listening end with the certificate.
func secured(t *task, names ...string) (*tls.Config, error) {
	cert, key := certFiles(t.Dir)
	c := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: names, ServerName: "127.0.0.1"}
	if t.Listen {
		pair, err := tls.LoadX509KeyPair(cert, key)
		c.Certificates = []tls.Certificate{pair}
		return c, err
	}
	text, err := os.ReadFile(cert)
	c.RootCAs = x509.NewCertPool()
	c.RootCAs.AppendCertsFromPEM(text)
	return c, err
}

// windows are those that transports/quic has.
var windows = &quic.Config{
	InitialStreamReceiveWindow: 1 << 20, MaxStreamReceiveWindow: 8 << 20,
	InitialConnectionReceiveWindow: 3 << 19, MaxConnectionReceiveWindow: 16 << 20,
}

// frames are what transports/http sets.
var frames = &http.HTTP2Config{MaxReadFrameSize: 1 << 20, MaxReceiveBufferPerStream: 8 << 20, MaxReceiveBufferPerConnection: 16 << 20}

func openPipe(t *task, name string) (wire, error) {
	mode := os.O_RDONLY
	if t.Send {
		mode = os.O_WRONLY
	}
	f, err := os.OpenFile(name, mode, 0) // waits for the other end
	if err != nil || !isOurs(t.Peer) {
		return f, err
	}
	if t.Send {
		return stdio.New(nil, f), nil
	}
	return stdio.New(f, nil), nil
}

func dial(t *task, network, addr string) func() (wire, error) {
	ctx := context.Background()
	cert, _ := certFiles(t.Dir)
	trusts := ourtls.Config{CAFile: cert}
	mine := isOurs(t.Peer)
	return func() (wire, error) {
		switch {
		case network == "pipe":
			return openPipe(t, addr)
		case network == "tls" && mine:
			return ourtls.Dial(ctx, addr, &ourtls.DialOptions{TLS: trusts})
		case network == "ws" && mine:
			return ws.Dial(ctx, "ws://"+addr, nil)
		case network == "quic" && mine:
			return ourquic.Dial(ctx, addr, &ourquic.DialOptions{TLS: trusts, Receives: true})
		case network == "http2" && mine:
			return ourhttp.Get(ctx, "http://"+addr, &ourhttp.Options{Version: ourhttp.HTTP2})
		case network == "tcp" && mine:
			return tcp.Dial(ctx, addr, nil)
		case network == "uds" && mine:
			return uds.Dial(ctx, addr, nil)
		case network == "tls":
			c, err := secured(t)
			if err != nil {
				return nil, err
			}
			return tls.Dial("tcp", addr, c)
		case network == "ws":
			c, _, err := websocket.Dial(ctx, "ws://"+addr, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
			if err != nil {
				return nil, err
			}
			c.SetReadLimit(-1)
			return &rawWebSocket{conn: c}, nil
		case network == "quic":
			c, err := secured(t, "bench")
			if err != nil {
				return nil, err
			}
			conn, err := quic.DialAddr(ctx, addr, c, windows)
			if err != nil {
				return nil, err
			}
			s, err := conn.AcceptUniStream(ctx)
			return &rawQUIC{Reader: s, end: func() error { return conn.CloseWithError(0, "") }}, err
		case network == "http2":
			client := &http.Transport{Protocols: new(http.Protocols), HTTP2: frames}
			client.Protocols.SetUnencryptedHTTP2(true)
			r, err := (&http.Client{Transport: client}).Get("http://" + addr)
			if err != nil {
				return nil, err
			}
			return &rawHTTP{Reader: r.Body, end: func() error {
				defer client.CloseIdleConnections()
				return r.Body.Close()
			}}, nil
		}
		return net.Dial(netName[network], addr)
	}
}

func listen(t *task, network, addr string) (accept func() (wire, error), bound string, err error) {
	ctx := context.Background()
	cert, key := certFiles(t.Dir)
	if network == "pipe" {
		return func() (wire, error) { return openPipe(t, addr) }, addr, nil
	}
	if isOurs(t.Peer) {
		self := ourtls.Config{CertFile: cert, KeyFile: key}
		var l transports.Listener
		switch network {
		case "tcp":
			l, err = tcp.Listen(ctx, addr, nil)
		case "uds":
			l, err = uds.Listen(ctx, addr, nil)
		case "tls":
			l, err = ourtls.Listen(ctx, addr, &ourtls.ListenOptions{TLS: self})
		case "ws":
			l, err = ws.Listen(ctx, addr, nil)
		case "quic":
			l, err = ourquic.Listen(ctx, addr, &ourquic.ListenOptions{TLS: self})
		case "http2":
			l, err = ourhttp.Listen(ctx, addr, &ourhttp.ListenOptions{Role: transports.Sends})
		}
		if err != nil {
			return nil, "", err
		}
		return func() (wire, error) { return l.Accept(ctx) }, l.Addr().String(), nil
	}
	if network == "quic" {
		c, err := secured(t, "bench")
		if err != nil {
			return nil, "", err
		}
		l, err := quic.ListenAddr(addr, c, windows)
		if err != nil {
			return nil, "", err
		}
		return func() (wire, error) {
			conn, err := l.Accept(ctx)
			if err != nil {
				return nil, err
			}
			s, err := conn.OpenUniStreamSync(ctx)
			return &rawQUIC{Writer: s, end: func() error {
				err := s.Close()
				<-conn.Context().Done() // the receiver has it all
				return err
			}}, err
		}, l.Addr().String(), nil
	}
	l, err := net.Listen(cmp.Or(netName[network], "tcp"), addr)
	if err != nil {
		return nil, "", err
	}
	bound = l.Addr().String()
	conns := make(chan wire)
	switch network {
	case "tls":
		c, err := secured(t)
		if err != nil {
			return nil, "", err
		}
		l = tls.NewListener(l, c)
	case "ws":
		go func() {
			_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled}); err == nil {
					conns <- &rawWebSocket{conn: c}
				}
			}))
		}()
	case "http2":
		s := &http.Server{Protocols: new(http.Protocols), HTTP2: frames, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			done := make(chan struct{})
			conns <- &rawHTTP{Writer: w, end: func() error { close(done); return nil }}
			<-done
		})}
		s.Protocols.SetUnencryptedHTTP2(true)
		go func() { _ = s.Serve(l) }()
	}
	return func() (wire, error) {
		if network == "ws" || network == "http2" {
			return <-conns, nil
		}
		return l.Accept()
	}, bound, nil
}

// rawWebSocket sends each write as a message and reads on from message to message.
type rawWebSocket struct {
	conn    *websocket.Conn
	message io.Reader
}

func (c *rawWebSocket) Write(p []byte) (int, error) {
	return len(p), c.conn.Write(context.Background(), websocket.MessageBinary, p)
}

func (c *rawWebSocket) Read(p []byte) (int, error) {
	for {
		if c.message == nil {
			_, r, err := c.conn.Reader(context.Background())
			if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
				return 0, io.EOF
			}
			if err != nil {
				return 0, err
			}
			c.message = r
		}
		n, err := c.message.Read(p)
		if err != io.EOF {
			return n, err
		}
		if c.message = nil; n > 0 {
			return n, nil
		}
	}
}

func (c *rawWebSocket) Close() error {
	_ = c.conn.Close(websocket.StatusNormalClosure, "") // the other end may have closed
	return nil
}

// rawQUIC and rawHTTP are a direction of a stream, and what ends it.
type rawQUIC struct {
	io.Reader
	io.Writer
	end func() error
}

func (c *rawQUIC) Close() error { return c.end() }

type rawHTTP struct {
	io.Reader
	io.Writer
	end func() error
}

func (c *rawHTTP) Close() error { return c.end() }
