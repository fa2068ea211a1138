package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugeHeap asks the system for huge pages for all of this process's heap, and has it put those together that are there already.
func hugeHeap() error {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer f.Close()
	const huge = 2 << 20
	areas := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		var from, to uintptr
		var mode string
		// What is large and of no file is the heap.
		if _, err := fmt.Sscanf(s.Text(), "%x-%x %s", &from, &to, &mode); err != nil || mode != "rw-p" || strings.ContainsAny(s.Text(), "/[") && !strings.Contains(s.Text(), "Go: heap") {
			continue
		}
		if from, to = (from+huge-1)&^(huge-1), to&^(huge-1); from >= to || to-from < 2*huge {
			continue
		}
		// Nothing is read or written through this slice, which names memory that the process has mapped, to the system alone.
		area := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&from))), to-from)
		if err := unix.Madvise(area, unix.MADV_HUGEPAGE); err != nil {
			return fmt.Errorf("madvise: %w", err)
		}
		_ = unix.Madvise(area, unix.MADV_COLLAPSE) // as far as it can: of what is not there yet it cannot
		areas++
	}
	if areas == 0 {
		return errors.New("the heap was not found")
	}
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return err
	}
	if strings.Contains(string(text), "AnonHugePages:         0 kB") {
		return errors.New("the system gives no huge pages")
	}
	return nil
}
