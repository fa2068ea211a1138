//go:build !purego

package mem

import "unsafe"

// address returns where b starts. Its capacity must not be 0.
func address(b []byte) uintptr {
	// The pointer becomes a number and is never turned back, so nothing needs to be kept alive, and the number is
	// only looked at modulo a power of two. Heap memory does not move; the answer for memory on a stack is that of
	// the moment.
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))
}
