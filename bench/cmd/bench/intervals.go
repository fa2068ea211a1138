package main

import (
	"math/bits"
	"slices"
	"time"
)

// collection is how often the collector of a worker in Go runs while intervals are kept.
const collection = 50 * time.Millisecond

// intervals count how long it took from one batch to the next at a receiver: to the nanosecond below 32 ns, and above it within 1/16. The
// peers in other languages count with the same buckets.
type intervals [16 * 60]int64

func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	e := max(bits.Len64(v)-5, 0)
	return 16*e + int(v>>e)
}

// nanos is the middle of a bucket.
func nanos(bucket int) float64 {
	if bucket < 32 {
		return float64(bucket)
	}
	e := bucket/16 - 1
	return (float64(bucket%16+16) + 0.5) * float64(uint64(1)<<e)
}

func (h *intervals) add(d time.Duration) { h[bucket(d)]++ }

// counted are the buckets in which there are any, each with how many.
func (h *intervals) counted() (list [][2]int64) {
	for i, n := range h {
		if n != 0 {
			list = append(list, [2]int64{int64(i), n})
		}
	}
	return list
}

// take adds what a receiver has counted.
func (h *intervals) take(list [][2]int64) bool {
	for _, c := range list {
		if c[0] < 0 || c[0] >= int64(len(h)) || c[1] < 0 {
			return false
		}
		h[c[0]] += c[1]
	}
	return true
}

// quantiles returns the seconds that half, 99 and 99.9 of a hundred do not exceed, as many of them as there are intervals for: of fewer
// than a hundred the last but one in a hundred is none.
func (h *intervals) quantiles() (n int64, list []float64) {
	for _, c := range h {
		n += c
	}
	for _, q := range []struct {
		below, of int64 // below of so many
	}{{1, 2}, {99, 100}, {999, 1000}} {
		if n < q.of {
			break
		}
		rest := n * q.below / q.of
		i := slices.IndexFunc(h[:], func(c int64) bool {
			rest -= c
			return rest < 0
		})
		list = append(list, nanos(i)/1e9)
	}
	return n, list
}
