//go:build linux || darwin || openbsd

package stdio

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lightstream-go/lightstream/transports"
)

const hasWritev = true

// A vector writes gathered parts to a file.
type vector struct {
	file *os.File
	raw  syscall.RawConn
	some func(fd uintptr) bool // v.writeSome; made once, as a method value allocates
	iov  iovecs

	parts [][]byte // on their way, without the empty ones
	rest  [][]byte // of parts, what is not yet written
	sent  int64
	err   error
}

func (v *vector) init(f *os.File) {
	v.file = f
	v.some = v.writeSome
	v.raw, v.err = f.SyscallConn()
}

// write writes all of bufs, in vectors of at most transports.MaxParts parts. One goroutine at a time may call it.
func (v *vector) write(bufs [][]byte) (int64, error) {
	if v.raw == nil {
		return 0, v.err
	}
	v.sent, v.err = 0, nil
	for {
		v.parts = v.parts[:0]
		for len(bufs) > 0 && len(v.parts) < transports.MaxParts {
			if len(bufs[0]) > 0 {
				v.parts = append(v.parts, bufs[0])
			}
			bufs = bufs[1:]
		}
		if len(v.parts) == 0 {
			return v.sent, nil
		}
		v.rest = v.parts
		err := v.raw.Write(v.some)
		if err == nil {
			err = v.err
		}
		clear(v.parts) // an idle connection must not keep the caller's memory alive
		v.rest = nil
		if err != nil {
			return v.sent, err
		}
	}
}

// writeSome writes until everything is written or an error, and returns false if the file takes no more for now.
func (v *vector) writeSome(fd uintptr) bool {
	for len(v.rest) > 0 {
		n, err := v.iov.writev(int(fd), v.rest)
		switch {
		case err == nil:
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return false
		default:
			v.err = os.NewSyscallError("writev", err)
			return true
		}
		v.sent += int64(n)
		for n > 0 {
			if p := v.rest[0]; n < len(p) {
				v.rest[0] = p[n:]
				break
			}
			n -= len(v.rest[0])
			v.rest = v.rest[1:]
		}
	}
	return true
}

// pollable tells whether the file has deadlines: the runtime can poll it and nothing has put it into blocking mode.
func pollable(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	nonblocking := false
	if err := raw.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		nonblocking = err == nil && flags&unix.O_NONBLOCK != 0
	}); err != nil || !nonblocking {
		return false
	}
	return f.SetDeadline(noDeadline) == nil
}
