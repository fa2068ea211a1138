package value

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// TestClock compares with package time, day after day and within one.
func TestClock(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	layouts := map[column.Unit]string{
		column.Second: "2006-01-02T15:04:05", column.Millisecond: "2006-01-02T15:04:05.000",
		column.Microsecond: "2006-01-02T15:04:05.000000", column.Nanosecond: "2006-01-02T15:04:05.000000000",
	}
	for unit, layout := range layouts {
		for _, zoned := range []bool{false, true} {
			c := clock{unit: unit, digits: digits(unit), zoned: zoned}
			suffix := ""
			if zoned {
				suffix = "Z"
			}
			seconds := []int64{0, -1, 86399, 86400, -86400, -86401, 951782399, 951782400, 9e9, -9e9}
			for range 2000 {
				seconds = append(seconds, r.Int64N(18e9)-9e9, seconds[len(seconds)-1]+r.Int64N(100))
			}
			for _, s := range seconds {
				part := r.Int64N(int64(unit))
				want := time.Unix(s, part*int64(column.Nanosecond/unit)).UTC().Format(layout) + suffix
				if got := string(c.append(nil, s*int64(unit)+part)); got != want {
					t.Fatalf("%d.%d in %v: %s, want %s", s, part, unit, got, want)
				}
			}
		}
	}
}

// TestPlainRun wants what the table says, with each byte at each place.
func TestPlainRun(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				s := bytes.Repeat([]byte{'a'}, n)
				s[at] = byte(c)
				want := n
				if escaped[c] != 0 {
					want = at
				}
				if got := plainRun(s); got != want {
					t.Fatalf("%q: %d, want %d", s, got, want)
				}
				if got := plainRun(string(s)); got != want {
					t.Fatalf("string %q: %d, want %d", s, got, want)
				}
			}
		}
	}
}
