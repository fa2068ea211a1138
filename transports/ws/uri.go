package ws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
)

func init() {
	params := []string{"origin", "usertimeout"}
	transports.Register(transports.Scheme{
		Name: "ws", Form: transports.HostPath, Port: "80", Params: params, Token: true, Opener: opener{},
	})
	transports.Register(transports.Scheme{
		Name: "wss", Form: transports.HostPath, Port: "443", Params: slices.Concat(params, tls.Params), Token: true, Opener: opener{},
	})
}

// opener opens URIs.
type opener struct{}

func (opener) DialURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Conn, error) {
	if u.Param("origin") != "" {
		return nil, u.ParamError("origin", errors.New("is for the end that listens"))
	}
	config, err := tls.FromURI(u)
	if err != nil {
		return nil, err
	}
	o := DialOptions{TLS: *config, Token: opts.Token}
	if opts.Role != transports.Sends {
		o.Codecs = u.Codecs(opts)
	}
	if u.Timeout > 0 {
		o.HandshakeTimeout = -1 // it bounds all, and is in ctx
	}
	if o.Socket, err = socketOf(u); err != nil {
		return nil, err
	}
	c, err := Dial(ctx, u.Scheme+"://"+strings.ReplaceAll(u.Host, "%", "%25")+u.Path, &o)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (opener) ListenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
	o := ListenOptions{HandshakeTimeout: u.Timeout, Authorize: opts.Authorize, Refused: opts.Refused}
	if u.Path != "/" {
		o.Path = u.Path
	}
	if u.Scheme == "wss" {
		config, err := tls.FromURI(u)
		if err != nil {
			return nil, err
		}
		if config.ServerName != "" {
			return nil, u.ParamError("servername", errors.New("is for the end that dials"))
		}
		o.TLS = config
	}
	if origins := u.Param("origin"); origins != "" {
		o.Origins = strings.Split(origins, ",")
	}
	var err error
	if o.Socket, err = socketOf(u); err != nil {
		return nil, err
	}
	if o.Wrap, err = wrapping(u, opts); err != nil {
		return nil, err
	}
	l, err := Listen(ctx, u.Host, &o)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// wrapping returns what Options.Wrap is.
func wrapping(u *transports.URI, opts *transports.Options) (func(http.Handler) http.Handler, error) {
	if opts.Wrap == nil {
		return nil, nil
	}
	wrap, ok := opts.Wrap.(func(http.Handler) http.Handler)
	if !ok {
		return nil, &transports.Error{Transport: u.Scheme, Addr: u.Host, Op: "listen", Err: fmt.Errorf("Options.Wrap is a %T, want a func(http.Handler) http.Handler", opts.Wrap)}
	}
	return wrap, nil
}

func socketOf(u *transports.URI) (s tcp.Socket, err error) {
	s.UserTimeout, err = u.Duration("usertimeout")
	return s, err
}
