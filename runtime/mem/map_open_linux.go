package mem

import (
	"os"

	"golang.org/x/sys/unix"
)

// openFile is [os.Open] without what that does to wait for files that are pipes or devices, which take more system calls than
// mapping the file.
func openFile(name string) (*os.File, error) {
	for {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_LARGEFILE, 0)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), name), nil
		case unix.EINTR:
		default:
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
}
