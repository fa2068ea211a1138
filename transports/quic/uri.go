package quic

import (
	"context"
	"errors"
	"slices"

	"github.com/lightstream-go/lightstream/transports"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

func init() {
	transports.Register(transports.Scheme{
		Name: name, Form: transports.HostPort, Params: append(slices.Clone(secured.Params), "idle", "keepalive"),
		Opener: opener{},
	})
}

// opener opens URIs.
type opener struct{}

func dialOptions(u *transports.URI, opts *transports.Options) (*DialOptions, error) {
	config, err := secured.FromURI(u)
	if err != nil {
		return nil, err
	}
	o := &DialOptions{TLS: *config, Receives: opts.Role == transports.Receives}
	o.Options, err = optionsOf(u)
	return o, err
}

func (opener) DialURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Conn, error) {
	o, err := dialOptions(u, opts)
	if err != nil {
		return nil, err
	}
	c, err := Dial(ctx, u.Host, o)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (opener) ListenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
	config, err := secured.FromURI(u)
	if err != nil {
		return nil, err
	}
	if config.ServerName != "" {
		return nil, u.ParamError("servername", errors.New("is for the end that dials"))
	}
	o := ListenOptions{TLS: *config, Authorize: opts.Authorize, Refused: opts.Refused}
	if o.Options, err = optionsOf(u); err != nil {
		return nil, err
	}
	if u.Stream.Streams > 1 {
		o.several(u.Stream.Streams)
	}
	l, err := Listen(ctx, u.Host, &o)
	if err != nil {
		return nil, err
	}
	if u.Stream.Streams > 1 {
		return acceptsSeveral{l, opts.Role}, nil
	}
	return l, nil
}

func optionsOf(u *transports.URI) (o Options, err error) {
	o.HandshakeTimeout = u.Timeout
	if o.IdleTimeout, err = u.Duration("idle"); err != nil {
		return o, err
	}
	o.KeepAlive, err = u.Duration("keepalive")
	return o, err
}
