// Package sizes writes numbers of bytes for errors.
package sizes

import "fmt"

// Text returns n bytes in the largest unit that they fill: exactly where that is a whole number, else with one place.
func Text(n int64) string {
	for _, u := range [...]struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		switch {
		case n < u.size:
		case n%u.size == 0:
			return fmt.Sprintf("%d %s", n/u.size, u.name)
		case n < 10<<10: // the number says more
		default:
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return exactly(n)
}

func exactly(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// Over returns n and a limit that it exceeds, both exactly where rounding would hide the difference.
func Over(n, limit int64) (have, most string) {
	if n-limit < limit/50 {
		return exactly(n), exactly(limit)
	}
	return Text(n), Text(limit)
}
