package tcp

import (
	"context"

	"github.com/lightstream-go/lightstream/transports"
)

func init() {
	transports.Register(transports.Scheme{
		Name: name, Form: transports.HostPort, Params: []string{"usertimeout"}, Opener: opener{},
	})
}

// opener opens URIs.
type opener struct{}

func (opener) DialURI(ctx context.Context, u *transports.URI, _ *transports.Options) (transports.Conn, error) {
	s, err := socketOf(u)
	if err != nil {
		return nil, err
	}
	c, err := Dial(ctx, u.Host, &DialOptions{Socket: s})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (opener) ListenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
	s, err := socketOf(u)
	if err != nil {
		return nil, err
	}
	l, err := Listen(ctx, u.Host, &ListenOptions{Socket: s, Authorize: opts.Authorize})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func socketOf(u *transports.URI) (s Socket, err error) {
	s.UserTimeout, err = u.Duration("usertimeout")
	return s, err
}
