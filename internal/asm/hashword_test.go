package asm

import (
	"math"
	"math/bits"
	"testing"
)

// words are sets of words that look like the keys of short strings, or like trouble.
func words() map[string][]uint64 {
	sets := map[string][]uint64{}
	for i := range uint64(100_000) {
		sets["numbers"] = append(sets["numbers"], i)
		sets["upper half"] = append(sets["upper half"], i<<32)
		sets["even"] = append(sets["even"], i<<20)
	}
	for a := uint64('A'); a <= 'Z'; a++ {
		for b := uint64('A'); b <= 'Z'; b++ {
			for c := uint64('A'); c <= 'Z'; c++ {
				sets["airports"] = append(sets["airports"], a|b<<8|c<<16|4<<56)
			}
		}
	}
	for i := range 64 {
		for k := range i {
			sets["two bits"] = append(sets["two bits"], 1<<i|1<<k)
		}
	}
	return sets
}

func TestHashWordSpread(t *testing.T) {
	for name, set := range words() {
		width := bits.Len(uint(len(set)))
		for _, shift := range []int{0, 20, 64 - width} {
			slots := make([]bool, 1<<width)
			used := 0
			for _, k := range set {
				if i := HashWord(k) >> shift & (1<<width - 1); !slots[i] {
					slots[i] = true
					used++
				}
			}
			size, n := float64(len(slots)), float64(len(set))
			want := size * (1 - math.Pow(1-1/size, n)) // of random numbers, see TestHashStringSpread
			if off := math.Abs(float64(used) - want); off > 10*math.Sqrt(n/8)+1 {
				t.Errorf("%s, bits from %d: %d of %d slots used by %d keys, want %.0f", name, shift, used, len(slots), len(set), want)
			}
		}
	}
}
