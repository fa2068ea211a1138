package value

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestShortest wants floats to be printed as package strconv does it: at random, near powers of two and of ten, and with few digits.
func TestShortest(t *testing.T) {
	check := func(x float64) {
		if abs := math.Abs(x); abs < leastShort || abs >= mostShort {
			return
		}
		if got, want := string(appendShort(nil, x)), strconv.FormatFloat(x, 'f', -1, 64); got != want {
			t.Fatalf("%x is printed as %s, want %s", x, got, want)
		}
	}
	around := func(x float64) {
		for below, above, n := x, x, 0; n < 50; n++ {
			for _, v := range []float64{below, above} {
				check(v)
				check(-v)
			}
			below, above = math.Nextafter(below, 0), math.Nextafter(above, math.Inf(1))
		}
	}
	for e := -20; e <= 70; e++ {
		around(math.Ldexp(1, e))
	}
	for e := -6; e <= 21; e++ {
		x, _ := strconv.ParseFloat("1e"+strconv.Itoa(e), 64)
		for d := 1.0; d < 10; d++ {
			around(d * x)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	n := 3_000_000
	if testing.Short() {
		n /= 10
	}
	least, most := math.Float64bits(leastShort), math.Float64bits(mostShort)
	for i := range n {
		check(math.Float64frombits(least + r.Uint64N(most-least)))
		check(r.Float64())
		check(float64(r.IntN(1e9)) / 1e4)
		check(float64(r.Uint64() >> (i & 63)))
		v, _ := strconv.ParseFloat(strconv.Itoa(r.IntN(1e6))+"e"+strconv.Itoa(r.IntN(24)-9), 64)
		check(v)
	}
}

func TestEightDigits(t *testing.T) {
	for n := uint64(0); n < 1e8; n += 1 + n%997 {
		d, rest := eightDigits(n), n
		for i := 7; i >= 0; i-- {
			if got := d >> (8 * i) & 0xFF; got != rest%10 {
				t.Fatalf("digit %d of %d is %d", i, n, got)
			}
			rest /= 10
		}
	}
	if d := eightDigits(99_999_999); d != 0x0909090909090909 {
		t.Errorf("%x", d)
	}
}

func BenchmarkAppendShort(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 1024)
	for i := range values {
		values[i] = r.Float64()
	}
	buf := make([]byte, 0, 1024)
	b.Run("lightstream", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			buf = appendShort(buf[:0], values[i&1023])
		}
	})
	b.Run("strconv", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			buf = strconv.AppendFloat(buf[:0], values[i&1023], 'f', -1, 64)
		}
	})
}
