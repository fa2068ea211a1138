package column

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBoolsAppendTo compares the values of slices of bool columns, of all lengths and from each bit of a byte on, with those that are
// read one after the other.
func TestBoolsAppendTo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	step := 1
	if testing.Short() {
		step = 11
	}
	for _, nulls := range []int{0, 1, 10, 100} { // of a hundred rows
		var b BoolBuilder
		b.Init(Config{Name: "c", Nullable: true})
		for range 300 {
			b.AppendNullable(r.IntN(2) == 0, r.IntN(100) >= nulls)
		}
		d := b.Data()
		for from := range 20 {
			for n := 0; n <= 257; n += step {
				v := BoolsOf(&d).Slice(from, from+n)
				want := []bool{true}
				for i := range n {
					want = append(want, v.At(i))
				}
				if got := v.AppendTo([]bool{true}); !slices.Equal(got, want) {
					t.Fatalf("rows %d to %d, %d%% null:\ngot  %v\nwant %v", from, from+n, nulls, got, want)
				}
			}
		}
	}
}

func BenchmarkBools(b *testing.B) {
	for _, nulls := range []bool{false, true} {
		var c BoolBuilder
		c.Init(Config{Name: "c", Nullable: true})
		values := make([]bool, benchRows)
		for i := range values {
			values[i] = i%3 == 0
		}
		name := "/rows=1k"
		if nulls {
			name = "/nulls=10%/rows=1k"
		} else {
			b.Run("AppendAll"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.Reset()
					c.AppendAll(values)
				}
			})
		}
		c.Reset()
		for i, v := range values {
			c.AppendNullable(v, !nulls || i%10 != 0)
		}
		d := c.Data()
		b.Run("AppendTo"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				values = BoolsOf(&d).AppendTo(values[:0])
			}
		})
		b.Run("At"+name, func(b *testing.B) {
			v := BoolsOf(&d)
			for b.Loop() {
				for i := range values {
					values[i] = v.At(i)
				}
			}
		})
	}
}
