//go:build unix

package main

import "golang.org/x/sys/unix"

// passedOn tells whether the program was started with an open file of that number: those that it opens itself are closed for others.
func passedOn(n int) bool {
	flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}
