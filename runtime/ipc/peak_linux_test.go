package ipc_test

import (
	"os"
	"syscall"
)

// peakMemory returns the most bytes that a process had in memory.
func peakMemory(p *os.ProcessState) int64 {
	return int64(p.SysUsage().(*syscall.Rusage).Maxrss) << 10
}
