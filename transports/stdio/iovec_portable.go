//go:build darwin || openbsd || (linux && purego)

package stdio

import "golang.org/x/sys/unix"

// most is how many bytes are given to one call: macOS refuses more than an int32 counts.
const most = 1 << 30

// iovecs is the portable twin of the one that keeps memory.
type iovecs struct{}

// writev writes bufs, of which there is at least one and none is empty, with one system call, or a part of them.
func (*iovecs) writev(fd int, bufs [][]byte) (int, error) {
	if len(bufs[0]) > most {
		return unix.Write(fd, bufs[0][:most])
	}
	total := 0
	for i, p := range bufs {
		if len(p) > most-total {
			bufs = bufs[:i]
			break
		}
		total += len(p)
	}
	return unix.Writev(fd, bufs)
}
