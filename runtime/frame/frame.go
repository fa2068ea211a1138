package frame

import (
	"errors"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Decoder finds one frame of type F at the start of buf.
type Decoder[F any] interface {
	// Decode returns the frame and how many bytes it took; n == 0 and no error mean not enough yet.
	// The frame may alias buf, until the next call.
	Decode(buf []byte) (f F, n int, err error)
}

// SizedDecoder is found by assertion on a [Decoder]: it can tell the size of a frame from its first bytes, so that
// [Stream] reads the body straight into its final aligned memory.
type SizedDecoder[F any] interface {
	// Measure tells how long head and body of the frame are that starts with prefix. While it cannot tell, need is how
	// many bytes of prefix it wants, more than there are, and the rest is zero.
	Measure(prefix []byte) (head, body, need int, err error)

	// DecodeBody makes the frame that Measure has just measured. The head is valid until the next call. The body lies in
	// owner, of which DecodeBody takes over one reference, also when it fails.
	DecodeBody(head, body []byte, owner *mem.Block) (F, error)
}

// Encoder makes frames.
type Encoder[F any] interface {
	// AppendFrame appends one frame to dst.
	AppendFrame(dst []byte, f F) ([]byte, error)
}

// The conditions that a [DecodeError] wraps.
var (
	// ErrTruncated tells that the input ends inside a frame.
	ErrTruncated = errors.New("input ends inside a frame")
	// ErrLimit tells that the input asks for more than a limit allows. The text names the limit.
	ErrLimit = errors.New("over a limit")
	// ErrMalformed tells that the input breaks the rules of its format.
	ErrMalformed = errors.New("malformed input")
	// ErrUnsupported tells that the input is right but uses what is not read here.
	ErrUnsupported = errors.New("not supported")
)

// DecodeError says where decoding stopped.
type DecodeError struct {
	Source string // what the frames come from, such as "tcp 10.0.0.7:9000"; may be empty
	Frame  int64  // frames before this one
	Offset int64  // bytes from the start of the frame, -1 where it is about all of it
	Path   string // what was read there, such as "trades.price.validity"; may be empty
	Err    error  // wraps one of the conditions above, or what the source returned
}

func (e *DecodeError) Error() string {
	source, path := "", ""
	if e.Source != "" {
		source = e.Source + ", "
	}
	if e.Path != "" {
		path = " (" + e.Path + ")"
	}
	if e.Offset < 0 {
		return fmt.Sprintf("lightstream: %sframe %d%s: %v", source, e.Frame, path, e.Err)
	}
	return fmt.Sprintf("lightstream: %sframe %d, byte %d%s: %v", source, e.Frame, e.Offset, path, e.Err)
}

func (e *DecodeError) Unwrap() error { return e.Err }

// condition is an error with a text of its own that wraps a condition without repeating its text.
type condition struct {
	text string
	is   error
}

func (c *condition) Error() string { return c.text }
func (c *condition) Unwrap() error { return c.is }

// Errorf returns an error that wraps is and has the given text alone.
func Errorf(is error, format string, args ...any) error {
	return &condition{fmt.Sprintf(format, args...), is}
}

// At returns a [DecodeError] for the current frame; [Stream] fills in its number.
func At(offset int64, path string, err error) *DecodeError {
	return &DecodeError{Offset: offset, Path: path, Err: err}
}
