package stdio

import (
	"context"
	"os"

	"github.com/lightstream-go/lightstream/transports"
)

func init() {
	transports.Register(transports.Scheme{Name: name, Form: transports.Bare, Opener: opener{}})
}

// opener opens URIs.
type opener struct{}

// DialURI takes only the file that is needed, so that a program that receives can go on printing.
func (opener) DialURI(ctx context.Context, _ *transports.URI, opts *transports.Options) (transports.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, &transports.Error{Transport: name, Op: "open", Err: err}
	}
	switch opts.Role {
	case transports.Sends:
		return New(nil, os.Stdout), nil
	case transports.Receives:
		return New(os.Stdin, nil), nil
	default:
		return Open(), nil
	}
}
