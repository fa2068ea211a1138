package asm

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
	"testing"
)

// Equal strings hash alike wherever they lie.
func TestHashStringPlace(t *testing.T) {
	r := newRand()
	for n := range maxLen + 1 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		want := HashString(string(b))
		for start := range 9 {
			s := strings.Repeat("x", start) + string(b) + "y"
			if got := HashString(s[start : start+n]); got != want {
				t.Fatalf("length %d at %d: got %x, want %x", n, start, got, want)
			}
		}
	}
}

// keys are sets of strings that look like what dictionaries hold, or like trouble.
func keys() map[string][]string {
	sets := map[string][]string{}
	add := func(name, format string, n int) {
		for i := range n {
			sets[name] = append(sets[name], fmt.Sprintf(format, i))
		}
	}
	add("decimal", "%d", 100_000)
	add("padded", "%08d", 100_000)
	add("long", "https://example.com/a/rather/long/path/with/%d/inside/of/it/and/more/behind", 100_000)
	add("tickers", "SYM%X", 100_000)
	for n := range 2000 {
		sets["runs"] = append(sets["runs"], strings.Repeat("a", n))
		sets["zeros"] = append(sets["zeros"], strings.Repeat("\x00", n))
	}
	for a := range 256 {
		for b := range 256 {
			sets["pairs"] = append(sets["pairs"], string([]byte{byte(a), byte(b)}))
			sets["ends"] = append(sets["ends"], string([]byte{byte(a), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(b)}))
		}
		sets["bytes"] = append(sets["bytes"], string([]byte{byte(a)}))
	}
	// One bit set, at each place of each length.
	for n := range 80 {
		for i := range 8 * n {
			b := make([]byte, n)
			putBit(b, i, true)
			sets["bits"] = append(sets["bits"], string(b))
		}
	}
	return sets
}

// Tables use some bits of the hash, high or low ones: keys spread over a table of twice their number much like random
// numbers would.
func TestHashStringSpread(t *testing.T) {
	for name, set := range keys() {
		full := make(map[uint64]string, len(set))
		for _, k := range set {
			h := HashString(k)
			if other, ok := full[h]; ok {
				t.Errorf("%s: %q and %q have the same hash", name, k, other)
			}
			full[h] = k
		}
		width := bits.Len(uint(len(set)))
		for _, shift := range []int{0, 20, 64 - width} {
			slots := make([]bool, 1<<width)
			used := 0
			for _, k := range set {
				i := HashString(k) >> shift & (1<<width - 1)
				if !slots[i] {
					slots[i] = true
					used++
				}
			}
			size, n := float64(len(slots)), float64(len(set))
			want := size * (1 - math.Pow(1-1/size, n)) // of random numbers
			// The standard deviation is less than sqrt(n/8); the seeds are random, and nobody likes a test that
			// fails once a year.
			if off := math.Abs(float64(used) - want); off > 10*math.Sqrt(n/8)+1 {
				t.Errorf("%s, bits from %d: %d of %d slots used by %d keys, want %.0f", name, shift, used, len(slots), len(set), want)
			}
		}
	}
}

func TestHashStringAllocs(t *testing.T) {
	b := []byte("a key that came as bytes")
	if n := testing.AllocsPerRun(100, func() { sink += int(HashString(string(b))) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
