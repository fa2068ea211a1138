//go:build unix

package all_test

import "golang.org/x/sys/unix"

// files is how many file descriptors this process may have.
func files() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 256
	}
	return int(min(l.Cur, 1<<20)) //nolint:unconvert // its type differs
}
