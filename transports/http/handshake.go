package http

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"github.com/lightstream-go/lightstream/transports"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

// A tlsListener shakes hands before it hands out connections, so that who does not succeed can be told. net/http would
// only log it.
type tlsListener struct {
	net.Listener
	config  *tls.Config
	refused func(*transports.Peer, error)

	ready  chan *tls.Conn
	places chan struct{} // as many as there may be handshakes
	done   chan struct{}
	once   sync.Once
	err    error // of Accept below; set before done is closed
}

const maxHandshakes = 1024

func listenTLS(ln net.Listener, config *tls.Config, refused func(*transports.Peer, error)) *tlsListener {
	l := &tlsListener{
		Listener: ln, config: config, refused: refused,
		ready: make(chan *tls.Conn), places: make(chan struct{}, maxHandshakes), done: make(chan struct{}),
	}
	go l.accept()
	return l
}

func (l *tlsListener) accept() {
	for {
		c, err := l.Listener.Accept()
		if ne, ok := err.(interface{ Temporary() bool }); ok && ne.Temporary() { //nolint:errorlint // as net/http
			continue
		}
		if err != nil {
			l.once.Do(func() {
				l.err = err
				close(l.done)
			})
			return
		}
		select {
		case l.places <- struct{}{}:
			go l.handshake(c)
		default:
			_ = c.Close()
		}
	}
}

func (l *tlsListener) handshake(c net.Conn) {
	defer func() { <-l.places }()
	ctx, cancel := context.WithTimeout(context.Background(), headerTimeout)
	defer cancel()
	t := tls.Server(c, l.config)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		if l.refused != nil {
			hint, cause := secured.Explain(err)
			addr := transports.Addr{Transport: "https", Name: c.RemoteAddr().String()}
			l.refused(&transports.Peer{Transport: "https", Addr: addr}, &transports.Error{
				Transport: "https", Addr: addr.Name, Op: "handshake", Err: cause, Hint: hint,
			})
		}
		return
	}
	select {
	case l.ready <- t:
	case <-l.done:
		_ = c.Close()
	}
}

// Accept returns a connection whose handshake has succeeded.
func (l *tlsListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, l.err
	}
}
