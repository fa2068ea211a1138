//go:build unix

package sock

import (
	"net"
	"syscall"
)

// peek returns the first bytes of what has been received and not read, without waiting and without taking them.
func peek(nc net.Conn, p []byte) []byte {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	n := 0
	_ = raw.Control(func(fd uintptr) {
		n, _, _ = syscall.Recvfrom(int(fd), p, syscall.MSG_PEEK) // the runtime has sockets in non-blocking mode
	})
	return p[:max(n, 0)]
}
