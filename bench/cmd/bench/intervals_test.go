package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestIntervals wants the quantiles of what was counted to be those of a sorted list, within a bucket.
func TestIntervals(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 99, 100, 999, 1000, 50_000} {
		var h, again intervals
		var list []time.Duration
		for range n {
			d := time.Duration(math.Exp(r.Float64() * 23)) // 1 ns to 10 s
			list = append(list, d)
			h.add(d)
		}
		if !again.take(h.counted()) || again != h {
			t.Fatal("what was counted is not what was taken")
		}
		slices.Sort(list)
		count, got := again.quantiles()
		want := 0
		for _, least := range []int{2, 100, 1000} {
			if n >= least {
				want++
			}
		}
		if count != int64(n) || len(got) != want {
			t.Fatalf("%d quantiles of %d intervals, want %d of %d", len(got), count, want, n)
		}
		for i, q := range got {
			at := list[int(float64(n)*[]float64{0.5, 0.99, 0.999}[i]+1e-9)].Seconds()
			if q < at*31/32-1e-12 || q > at*33/32+1e-12 {
				t.Errorf("quantile %d of %d is %v, want %v", i, n, q, at)
			}
		}
	}
	for _, d := range []time.Duration{-1, 0, 31, 32, 33, math.MaxInt64} {
		if i := bucket(d); i < 0 || i >= len(intervals{}) {
			t.Errorf("%d ns are bucket %d", d, i)
		}
	}
	if new(intervals).take([][2]int64{{16 * 60, 1}}) || new(intervals).take([][2]int64{{-1, 1}}) || new(intervals).take([][2]int64{{0, -1}}) {
		t.Error("counts that no histogram has were taken")
	}
}
