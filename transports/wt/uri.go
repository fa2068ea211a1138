package wt

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/transports"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

func init() {
	transports.Register(transports.Scheme{
		Name: name, Form: transports.HostPath, Port: "443", Token: true,
		Params: append(slices.Clone(secured.Params), "idle", "keepalive", "origin"), Opener: opener{},
	})
}

// opener opens URIs.
type opener struct{}

func (opener) DialURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Conn, error) {
	config, err := secured.FromURI(u)
	if err != nil {
		return nil, err
	}
	if u.Param("origin") != "" {
		return nil, u.ParamError("origin", errors.New("is for the end that listens"))
	}
	o := DialOptions{TLS: *config, Token: opts.Token, Receives: opts.Role == transports.Receives}
	if opts.Role != transports.Sends {
		o.Codecs = u.Codecs(opts)
	}
	if o.Options, err = optionsOf(u); err != nil {
		return nil, err
	}
	c, err := Dial(ctx, "https://"+strings.ReplaceAll(u.Host, "%", "%25")+u.Path, &o)
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
	if u.Path != "/" {
		o.Path = u.Path
	}
	if origins := u.Param("origin"); origins != "" {
		o.Origins = strings.Split(origins, ",")
	}
	if o.Options, err = optionsOf(u); err != nil {
		return nil, err
	}
	l, err := Listen(ctx, u.Host, &o)
	if err != nil {
		return nil, err
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
