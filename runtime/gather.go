package rt

import "github.com/lightstream-go/lightstream/internal/asm"

// PastCache reports whether rows are so many that generated code writes their columns past the processor's caches.
func PastCache[R any](rows []R) bool { return asm.PastCache(rows) }

// Gather sets dst[i] to a field of eight bytes of rows[i], for all rows, past the caches, and reports whether it did: there may be no
// kernel for it, and generated code then has its loop. First is that field of the first row.
func Gather[T ~int64 | ~uint64 | ~float64, R any](dst []T, rows []R, first *T) bool {
	return asm.Gather(dst, rows, first)
}

// Gathered comes after the last [Gather], before others may see the rows.
func Gathered() { asm.Gathered() }
