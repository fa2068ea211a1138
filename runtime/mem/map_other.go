//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package mem

import (
	"errors"
	"os"
)

func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return errors.ErrUnsupported }
