//go:build unix

package wire

import (
	"net"
	"syscall"
)

// Discard takes away what has been received and not read, up to 64 KiB and without waiting. A socket that is closed with
// such bytes resets the connection, and the peer could lose the end of what it was sent; the close_notify of a peer is
// such bytes.
func Discard(nc net.Conn) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 4<<10)
	_ = raw.Control(func(fd uintptr) {
		for range 16 {
			n, err := syscall.Read(int(fd), buf) // the runtime has sockets in non-blocking mode
			if n <= 0 || err != nil {
				return
			}
		}
	})
}
