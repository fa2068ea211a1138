package stdio

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// reopen returns another description of the pipe f, in non-blocking mode, or nil if there cannot be one. The mode is
// the description's, which f may share with other processes; so it is not changed there.
func reopen(f *os.File, flag int) *os.File {
	info, err := f.Stat()
	if err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		return nil
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	var again *os.File
	if err := raw.Control(func(fd uintptr) {
		path := "/proc/self/fd/" + strconv.FormatUint(uint64(fd), 10)
		again, _ = os.OpenFile(path, flag|syscall.O_NONBLOCK, 0) // without /proc, say: nil
	}); err != nil || again == nil {
		return nil
	}
	if !pollable(again) {
		_ = again.Close()
		return nil
	}
	return again
}
