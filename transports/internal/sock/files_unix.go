//go:build unix

package sock

import (
	"errors"
	"syscall"
)

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
