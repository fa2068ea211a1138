//go:build !linux

package tcp

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

func setUserTimeout(uintptr, time.Duration) error {
	return fmt.Errorf("UserTimeout cannot be set on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
