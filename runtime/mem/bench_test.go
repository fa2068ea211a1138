package mem

import (
	"fmt"
	"testing"
)

var benchSizes = []int{4 << 10, 64 << 10, 1 << 20, 16 << 20}

func sizeName(n int) string {
	if n >= 1<<20 {
		return fmt.Sprintf("size=%dM", n>>20)
	}
	return fmt.Sprintf("size=%dK", n>>10)
}

// A block from the pool beside new memory from the Go heap, neither of them touched.
func BenchmarkGet(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(sizeName(n)+"/pool", func(b *testing.B) {
			p := NewPool(nil)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				p.Get(n).Release()
			}
		})
		b.Run(sizeName(n)+"/alloc", func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				Alloc(n)
			}
		})
	}
}

func BenchmarkGetBudget(b *testing.B) {
	p := NewPool(&PoolOptions{Budget: NewBudget(1 << 30)})
	b.ReportAllocs()
	for b.Loop() {
		block, err := p.TryGet(4096)
		if err != nil {
			b.Fatal(err)
		}
		block.Release()
	}
}

func BenchmarkGetParallel(b *testing.B) {
	p := NewPool(nil)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p.Get(4096).Release()
		}
	})
}

// A pool that must give up one block for each that it takes back.
func BenchmarkGetEvict(b *testing.B) {
	p := NewPool(&PoolOptions{MaxKept: 64 << 10})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		p.Get([]int{40 << 10, 48 << 10}[n&1]).Release()
	}
}

func BenchmarkRetainRelease(b *testing.B) {
	block := NewPool(nil).Get(1)
	for b.Loop() {
		block.Retain()
		block.Release()
	}
}

// A builder's buffer of one megabyte, filled from nothing, beside append without alignment.
func BenchmarkGrow(b *testing.B) {
	piece := make([]byte, 1000)
	b.Run("grow", func(b *testing.B) {
		b.SetBytes(1 << 20)
		b.ReportAllocs()
		for b.Loop() {
			var s []byte
			for len(s) < 1<<20 {
				s = append(Grow(s, len(piece)), piece...)
			}
		}
	})
	b.Run("append", func(b *testing.B) {
		b.SetBytes(1 << 20)
		b.ReportAllocs()
		for b.Loop() {
			var s []byte
			for len(s) < 1<<20 {
				s = append(s, piece...)
			}
		}
	})
}
