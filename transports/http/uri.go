package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/requests"
	secured "github.com/lightstream-go/lightstream/transports/tls"
)

func init() {
	transports.Register(transports.Scheme{
		Name: "http", Form: transports.HostPath, Port: "80", Params: []string{"version", "origin"}, Token: true,
		Opener: opener{},
	})
	transports.Register(transports.Scheme{
		Name: "https", Form: transports.HostPath, Port: "443", Params: append(slices.Clone(secured.Params), "version", "origin"), Token: true,
		Opener: opener{},
	})
}

// opener opens URIs.
type opener struct{}

func (opener) DialURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Conn, error) {
	return dialWith(ctx, u, opts, nil)
}

// DialSeveral makes n requests, on one connection where that is HTTP/2.
func (opener) DialSeveral(ctx context.Context, u *transports.URI, opts *transports.Options, n int) ([]transports.Conn, error) {
	on := &shared{streams: n}
	conns := make([]transports.Conn, 0, n)
	for range n {
		c, err := dialWith(ctx, u, opts, on)
		if err != nil {
			for _, c := range conns {
				_ = c.Close()
			}
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func dialWith(ctx context.Context, u *transports.URI, opts *transports.Options, on *shared) (transports.Conn, error) {
	o := Options{shared: on, Token: opts.Token, Codecs: u.Codecs(opts)}
	if err := o.fromURI(u); err != nil {
		return nil, err
	}
	call := Both
	switch opts.Role {
	case transports.Sends:
		call = Post
	case transports.Receives:
		call = Get
	}
	c, err := call(ctx, u.Scheme+"://"+u.Host+u.Path, &o)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (o *Options) fromURI(u *transports.URI) error {
	if err := requests.NoOrigins(u); err != nil {
		return err
	}
	switch v := u.Param("version"); v {
	case "":
	case "1", "1.1":
		o.Version = HTTP1
	case "2":
		o.Version = HTTP2
	default:
		return u.ParamError("version", errors.New("want 1.1 or 2"))
	}
	config, err := secured.FromURI(u)
	if err == nil {
		o.TLS = *config
	}
	return err
}

func (opener) ListenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
	config, err := secured.FromURI(u)
	switch {
	case err != nil:
		return nil, err
	case config.ServerName != "":
		return nil, u.ParamError("servername", errors.New("is for the end that dials"))
	case u.Param("version") != "":
		return nil, u.ParamError("version", errors.New("is for the end that dials"))
	case u.Scheme == "https" && config.CertFile == "":
		return nil, u.ParamError("cert", errors.New("a server needs a certificate and its key"))
	}
	origins, err := requests.Origins(u)
	if err != nil {
		return nil, err
	}
	o := ListenOptions{
		TLS: *config, Role: opts.Role, Refused: opts.Refused, HandlerOptions: HandlerOptions{Authorize: opts.Authorize, Origins: origins},
		Duplex: u.Stream.Protocol == transports.Lightstream, streams: u.Stream.Streams,
	}
	if u.Path != "/" {
		o.Path = u.Path
	}
	if opts.Wrap != nil {
		wrap, ok := opts.Wrap.(func(http.Handler) http.Handler)
		if !ok {
			return nil, listenError(u.Scheme, u.Host, fmt.Errorf("Options.Wrap is a %T, want a func(http.Handler) http.Handler", opts.Wrap))
		}
		o.Wrap = wrap
	}
	l, err := Listen(ctx, u.Host, &o)
	if err != nil {
		return nil, err
	}
	return l, nil
}
