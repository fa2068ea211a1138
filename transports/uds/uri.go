package uds

import (
	"context"
	"errors"
	"io/fs"
	"strconv"

	"github.com/lightstream-go/lightstream/transports"
)

func init() {
	transports.Register(transports.Scheme{
		Name: name, Form: transports.FilePath, Params: []string{"mode"}, Opener: opener{},
	})
}

// opener opens URIs.
type opener struct{}

func (opener) DialURI(ctx context.Context, u *transports.URI, _ *transports.Options) (transports.Conn, error) {
	if u.Param("mode") != "" {
		return nil, u.ParamError("mode", errors.New("is for the end that listens"))
	}
	c, err := Dial(ctx, u.Path, nil)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (opener) ListenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
	o := ListenOptions{Authorize: opts.Authorize}
	if mode := u.Param("mode"); mode != "" {
		m, err := strconv.ParseUint(mode, 8, 9)
		if err != nil || m == 0 {
			return nil, u.ParamError("mode", errors.New("want permissions in octal, such as 0660"))
		}
		o.Mode = fs.FileMode(m)
	}
	l, err := Listen(ctx, u.Path, &o)
	if err != nil {
		return nil, err
	}
	return l, nil
}
