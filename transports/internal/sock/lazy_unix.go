//go:build unix

package sock

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// lazy is what a lazy read has between its attempts.
type lazy struct {
	mu     sync.Mutex // held by a read from its first attempt to its last
	raw    syscall.RawConn
	try    func(fd uintptr) bool // allocated once
	memory func() []byte
	back   func()
	n      int
	err    error
}

// ReadLazily reads what is there into what memory returns, as frame.LazyReader says.
func (c *Conn) ReadLazily(memory func() []byte, back func()) (int, error) {
	l := &c.lazy
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.raw == nil {
		raw, err := c.nc.(syscall.Conn).SyscallConn()
		if err != nil {
			return 0, c.wrap("read", err)
		}
		l.raw, l.try = raw, l.attempt
	}
	l.memory, l.back, l.n, l.err = memory, back, 0, nil
	err := l.raw.Read(l.try)
	l.memory, l.back = nil, nil // an idle connection must not keep the caller's memory alive
	switch {
	case err != nil:
		if op, ok := errors.AsType[*net.OpError](err); ok {
			op.Op = "read"
		}
	case l.err == io.EOF: //nolint:errorlint // attempt sets it
		return 0, io.EOF
	case l.err != nil:
		err = &net.OpError{
			Op: "read", Net: c.nc.LocalAddr().Network(), Source: c.nc.LocalAddr(), Addr: c.nc.RemoteAddr(),
			Err: os.NewSyscallError("read", l.err),
		}
	default:
		return l.n, nil
	}
	return 0, c.wrap("read", err)
}

// attempt reads once, and tells whether there is nothing to wait for.
func (l *lazy) attempt(fd uintptr) bool {
	p := l.memory()
	n, err := syscall.Read(int(fd), p)
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), p)
	}
	switch {
	case n > 0:
		l.n, l.err = n, nil
		return true
	case err == nil && len(p) > 0:
		err = io.EOF
	}
	l.back()
	l.err = err
	return err != syscall.EAGAIN
}
