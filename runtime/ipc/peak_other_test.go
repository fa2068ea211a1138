//go:build !linux

package ipc_test

func peakMemory() int64 { return 0 }
