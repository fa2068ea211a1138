package transports

import "syscall"

// goneErrnos are what reads and writes return when there is nobody at the other end.
var goneErrnos = []syscall.Errno{
	syscall.WSAECONNRESET, syscall.WSAECONNABORTED, syscall.ERROR_BROKEN_PIPE,
	232, // ERROR_NO_DATA: the pipe is being closed
}
