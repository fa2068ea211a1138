package uds

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
)

func setSocketMode(uintptr, fs.FileMode) {} // access follows the directory's

func refused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }

func addressInUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }
