//go:build !linux && !darwin && !openbsd

package stdio

import (
	"os"

	"github.com/lightstream-go/lightstream/transports/internal/gather"
)

const hasWritev = false

// A vector writes gathered parts to a file, small ones copied together.
type vector struct {
	file *os.File
	c    gather.Coalescer
}

func (v *vector) init(f *os.File) { v.file = f }

// write writes all of bufs. One goroutine at a time may call it.
func (v *vector) write(bufs [][]byte) (int64, error) {
	if len(bufs) == 1 { // a plain Write: nothing to put together
		n, err := v.file.Write(bufs[0])
		return int64(n), err
	}
	return v.c.WriteTo(v.file, bufs)
}

// pollable tells whether the file has deadlines.
func pollable(f *os.File) bool { return f.SetDeadline(noDeadline) == nil }
