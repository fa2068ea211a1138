package tcp

import (
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func setUserTimeout(fd uintptr, d time.Duration) error {
	if most := math.MaxInt32 * time.Millisecond; d > most {
		return fmt.Errorf("UserTimeout is %v, at most %v can be set", d, most)
	}
	millis := (d + time.Millisecond - 1) / time.Millisecond
	err := unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(millis))
	return os.NewSyscallError("setsockopt TCP_USER_TIMEOUT", err)
}
