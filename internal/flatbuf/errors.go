package flatbuf

import (
	"errors"
	"fmt"
)

// What can be wrong with a buffer; [Error] wraps one of these.
var (
	ErrBounds   = errors.New("flatbuffer leads outside of itself")
	ErrAlign    = errors.New("flatbuffer is not aligned")
	ErrVTable   = errors.New("flatbuffer has a malformed vtable")
	ErrString   = errors.New("flatbuffer has a string without an end")
	ErrUnion    = errors.New("flatbuffer has a union whose tag and value do not fit")
	ErrRequired = errors.New("flatbuffer lacks a required field")
	ErrLimit    = errors.New("flatbuffer exceeds a limit")
)

// Error says where and why a buffer did not pass.
type Error struct {
	Offset int64  // bytes from the start of the buffer
	Path   string // names of fields from the root on, such as "message.header.nodes"
	Found  string // what is there
	Want   string // what would be right
	Err    error  // one of the sentinels of this package
}

// Error returns "flatbuffer byte 40 (message.header.nodes): found, want ...".
func (e *Error) Error() string {
	return fmt.Sprintf("flatbuffer byte %d (%s): %s, want %s", e.Offset, e.Path, e.Found, e.Want)
}

func (e *Error) Unwrap() error { return e.Err }
