//go:build !purego

package asm

import "unsafe"

// PastCache reports whether so many rows are worth a [Gather] of each column.
func PastCache[R any](rows []R) bool {
	var row R
	return useAVX2 && uintptr(len(rows)) >= pastCache/max(1, unsafe.Sizeof(row)) // sizes, of which nothing is dereferenced
}

// Gather sets dst[i] to a field of rows[i], for all rows, past the caches. First is that field of the first row. It reports false, and
// does nothing, where there is no kernel or where dst does not lie at a multiple of 16; the caller then has a loop.
// [Gathered] comes after the last one.
func Gather[T Word, R any](dst []T, rows []R, first *T) bool {
	if len(rows) == 0 || !useAVX2 {
		return false
	}
	dst = dst[:len(rows)]
	row, field := uintptr(unsafe.Pointer(&rows[0])), uintptr(unsafe.Pointer(first))
	stride := unsafe.Sizeof(rows[0])
	if uintptr(unsafe.Pointer(&dst[0]))%16 != 0 || stride < 8 || field < row || field-row > stride-8 {
		return false
	}
	// Long enough: first lies in the first row with all of its eight bytes, so that i strides on it lies in row i, and dst has as many
	// words as there are rows. Aligned: dst is, as was just seen, and what is read may lie anywhere. Alive: both are held by the caller's
	// slices until this returns. T has no pointers, so that the collector need not see what is written.
	n := len(rows) &^ 7
	gather64AVX2((*byte)(unsafe.Pointer(&dst[0])), (*byte)(unsafe.Pointer(first)), int(stride), n)
	for i := n; i < len(rows); i++ {
		dst[i] = *(*T)(unsafe.Add(unsafe.Pointer(first), uintptr(i)*stride))
	}
	return true
}

// Gathered ends what [Gather] has begun: others see it from now on before what is written later.
func Gathered() {
	if useAVX2 {
		fence()
	}
}
