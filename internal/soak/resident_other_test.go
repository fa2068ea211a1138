//go:build !linux

package soak

import (
	"runtime"
	"testing"
)

// resident returns what the runtime has of the system and has not given back: the resident memory is not told everywhere.
func resident(*testing.T) int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

func descriptors(*testing.T) int { return 0 }
