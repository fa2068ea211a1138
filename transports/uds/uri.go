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
		Name: name, Form: transports.FilePath, Params: []string{"mode"}, Dial: dialURI, Listen: listenURI,
	})
}

func dialURI(ctx context.Context, u *transports.URI, _ *transports.Options) (transports.Conn, error) {
	if u.Param("mode") != "" {
		return nil, u.ParamError("mode", errors.New("is for the end that listens"))
	}
	c, err := Dial(ctx, u.Path, nil)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func listenURI(ctx context.Context, u *transports.URI, opts *transports.Options) (transports.Listener, error) {
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
