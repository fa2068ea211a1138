//go:build linux && !purego

package stdio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// iovecs keeps the memory of a vector, which unix.Writev would allocate for each call.
type iovecs struct{ iov []unix.Iovec }

// writev writes bufs, of which there is at least one and none is empty, with one system call.
func (v *iovecs) writev(fd int, bufs [][]byte) (int, error) {
	v.iov = v.iov[:0]
	for _, p := range bufs {
		iov := unix.Iovec{Base: &p[0]}
		iov.SetLen(len(p))
		v.iov = append(v.iov, iov)
	}
	// v.iov is on the heap, has at least one element, and its Base fields are pointers, so that it and the bytes it
	// points to stay alive during the call; the conversion to uintptr is in the call, as the rules of unsafe want.
	// #nosec G103
	n, _, errno := unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v.iov[0])), uintptr(len(v.iov)))
	clear(v.iov)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
