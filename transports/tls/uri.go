package tls

import (
	"context"
	"errors"
	"slices"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

func init() {
	transports.Register(transports.Scheme{
		Name: name, Form: transports.HostPort, Params: append(slices.Clone(Params), "usertimeout"), Opener: opener{},
	})
}

// opener opens URIs.
type opener struct{}

func (opener) DialURI(ctx context.Context, u *transports.URI, _ *transports.Options) (transports.Conn, error) {
	config, err := FromURI(u)
	if err != nil {
		return nil, err
	}
	o := DialOptions{TLS: *config, HandshakeTimeout: -1} // that of the URI bounds all, and is in ctx
	if u.Timeout == 0 {
		o.HandshakeTimeout = 0
	}
	if o.Socket, err = socketOf(u); err != nil {
		return nil, err
	}
	c, err := Dial(ctx, u.Host, &o)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (opener) ListenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
	config, err := FromURI(u)
	if err != nil {
		return nil, err
	}
	if config.ServerName != "" {
		return nil, u.ParamError("servername", errors.New("is for the end that dials"))
	}
	o := ListenOptions{TLS: *config, HandshakeTimeout: u.Timeout, Authorize: opts.Authorize, Refused: opts.Refused}
	if o.Socket, err = socketOf(u); err != nil {
		return nil, err
	}
	l, err := Listen(ctx, u.Host, &o)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func socketOf(u *transports.URI) (s tcp.Socket, err error) {
	s.UserTimeout, err = u.Duration("usertimeout")
	return s, err
}
