//go:build unix

package tcp

import (
	"errors"
	"syscall"
)

func setSocketInt(fd uintptr, opt, value int) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, opt, value)
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func addressInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
