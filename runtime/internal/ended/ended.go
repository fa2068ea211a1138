// Package ended makes the error of a context that has ended.
package ended

import "context"

// Err returns why ctx has ended, nil if it has not: its cause, which also is [context.Canceled] or
// [context.DeadlineExceeded] to errors.Is.
func Err(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != err {
		return &both{cause, err}
	}
	return err
}

// both is a cause that is a context's own error, too.
type both struct{ cause, err error }

func (b *both) Error() string   { return b.cause.Error() }
func (b *both) Unwrap() []error { return []error{b.cause, b.err} }
