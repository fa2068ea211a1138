package value

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
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

// TestShortTexts wants a text of any short length, with a byte of each kind at any place and with others behind it, to be printed as
// AppendString prints it.
func TestShortTexts(t *testing.T) {
	p := PrinterOf(&ipc.Field{Type: ipc.Utf8})
	for n := range 40 {
		for at := range n + 10 {
			for _, c := range []byte{'x', '"', '\\', '\n', 0, 0x1F, ' ', '!', 0x7E, 0x7F, 0x80, 0xC3, 0xFF} {
				for _, behind := range []int{0, 4, 60} {
					text := bytes.Repeat([]byte("a"), 3+n+behind)
					if at+3 < len(text) {
						text[at+3] = c
					}
					d := &column.Data{Len: 1, Buffers: [3][]byte{1: {3, 0, 0, 0, byte(3 + n), 0, 0, 0}, 2: text}}
					got, want := string(p.AppendValue([]byte("["), d, 0, true)), "["+string(AppendString(nil, text[3:3+n]))
					bad := p.Err() != nil
					if got != want || bad == utf8.Valid(text[3:3+n]) {
						t.Fatalf("%q is printed as %q, bad %v", text[3:3+n], got, bad)
					}
				}
			}
		}
	}
}

func TestAppendInt(t *testing.T) {
	for _, n := range []int64{0, 1, 9, 10, 99, 100, 12345, 9999999, 10000000, 99999999, 100000000, -1, -99999999, math.MinInt64, math.MaxInt64} {
		if got := string(appendInt([]byte("x"), n)); got != "x"+strconv.FormatInt(n, 10) {
			t.Errorf("%d is printed as %s", n, got)
		}
	}
}
