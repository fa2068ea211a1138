package tcp

import (
	"errors"

	"golang.org/x/sys/windows"
)

func setSocketInt(fd uintptr, opt, value int) error {
	return windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, opt, value)
}

func refused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }

func addressInUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }
