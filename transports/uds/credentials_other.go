//go:build !linux

package uds

import (
	"errors"
	"net"
)

func credentials(*net.UnixConn) (Credentials, error) { return Credentials{}, errors.ErrUnsupported }
