//go:build !amd64 || purego

package asm

// There are no kernels here: each front is empty.

func countFront([]byte) (count, n int)                  { return 0, 0 }
func shiftFront(_, _ []byte, _ int) (n int)             { return 0 }
func packFront([]byte, []bool) (n int)                  { return 0 }
func unpackFront([]bool, []byte) (n int)                { return 0 }
func ascending32Front([]int32) (n int, ok bool)         { return 0, true }
func ascending64Front([]int64) (n int, ok bool)         { return 0, true }
func narrow64Front([]int32, []int64, int64) (n int)     { return 0 }
func widen32Front([]int64, []int32, int64) (n int)      { return 0 }
func scale64Front(_, _ []int64, _ int64) (int64, int)   { return 0, 0 }
func widenFront[D, S Index]([]D, []S) (n int)           { return 0 }
func withinFront[I Index]([]I, uint64) (n int, ok bool) { return 0, true }
func nullsFront(_, _, _ []byte, _ int) (n int)          { return 0 }
func textFront([]byte) (n int, valid, ascii bool)       { return 0, true, true }
func findFront([]uint32, []byte, uint32, byte, byte, byte) (n, done int) {
	return 0, 0
}
func swap16Front(_, _ []byte) (n int) { return 0 }
func swap32Front(_, _ []byte) (n int) { return 0 }
func swap64Front(_, _ []byte) (n int) { return 0 }
func joinFront([]byte, []Slots, int, int) (rows, size int, ok bool) {
	return 0, 0, false
}
