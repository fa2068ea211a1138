//go:build !windows

package transports

import "syscall"

// goneErrnos are what reads and writes return when there is nobody at the other end.
var goneErrnos = []syscall.Errno{syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNABORTED}
