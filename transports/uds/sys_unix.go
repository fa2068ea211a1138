//go:build unix

package uds

import (
	"errors"
	"io/fs"
	"syscall"
)

func setSocketMode(fd uintptr, mode fs.FileMode) {
	_ = syscall.Fchmod(int(fd), uint32(mode.Perm())) // refused outside Linux; see bind
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func addressInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
