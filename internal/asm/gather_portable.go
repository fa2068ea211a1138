//go:build !amd64 || purego

package asm

// PastCache reports whether so many rows are worth a [Gather] of each column, which has no kernel here.
func PastCache[R any]([]R) bool { return false }

// Gather leaves the work to the caller's loop.
func Gather[T Word, R any]([]T, []R, *T) bool { return false }

// Gathered has nothing to end.
func Gathered() {}
