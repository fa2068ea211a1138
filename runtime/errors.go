package rt

import (
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// DecodeError says where decoding stopped.
type DecodeError = frame.DecodeError

// WriteError tells that the destination failed, and how much it had accepted.
type WriteError = ipc.WriteError

// The conditions that errors of readers and writers wrap; see packages frame and ipc.
var (
	ErrTruncated   = frame.ErrTruncated
	ErrLimit       = frame.ErrLimit
	ErrMalformed   = frame.ErrMalformed
	ErrUnsupported = frame.ErrUnsupported
	ErrUnfinished  = ipc.ErrUnfinished
	ErrAborted     = ipc.ErrAborted
	ErrClosed      = ipc.ErrClosed
	ErrReplaced    = ipc.ErrReplaced
	ErrChanged     = ipc.ErrChanged
)
