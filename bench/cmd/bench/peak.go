package main

import (
	"fmt"
	"os"
	"strings"
)

// peakMemory returns the most memory that this process has had, in bytes, or zero where that is not known. Getrusage knows more than
// that: what the process had before it was this program.
func peakMemory() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kib float64
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	_, _ = fmt.Sscan(rest, &kib)
	return kib * 1024
}
