package mem

import (
	"bytes"
	"fmt"
	"math"
	"testing"
)

// What arrow-go calls memory.Allocator, word for word.
type arrowAllocator interface {
	Allocate(size int) []byte
	Reallocate(size int, b []byte) []byte
	Free(b []byte)
}

var (
	_ Allocator      = arrowAllocator(nil)
	_ arrowAllocator = Allocator(nil)
)

// sizes are those up to some pages, and some around each size class of the Go heap and the edges of those of the pool.
func sizes() []int {
	var s []int
	for n := 1; n <= 1500; n++ {
		s = append(s, n)
	}
	for n := 1536; n <= 40<<10; n += 64 {
		s = append(s, n-1, n, n+1)
	}
	for n := 64 << 10; n <= 4<<20; n *= 2 {
		s = append(s, n-1, n, n+1, n+n/4+1)
	}
	return s
}

func allZero(b []byte) bool { return bytes.Count(b, []byte{0}) == len(b) }

// wantAllocated checks what is true of each allocation: length, capacity, alignment.
func wantAllocated(t *testing.T, b []byte, length, capacity int) {
	t.Helper()
	if len(b) != length || cap(b) != capacity {
		t.Fatalf("length %d, capacity %d, want %d, %d", len(b), cap(b), length, capacity)
	}
	if !IsAligned(b, Alignment) {
		t.Fatalf("%d bytes start at %#x, want a multiple of 64", length, address(b))
	}
}

func TestAlloc(t *testing.T) {
	var keep [][]byte // so that neighbours of each size are tried
	for _, n := range sizes() {
		keep = keep[:0]
		for range 3 {
			b := Alloc(n)
			wantAllocated(t, b, n, Pad(n))
			if !allZero(b[:cap(b)]) {
				t.Fatalf("%d bytes are not all zero", n)
			}
			for i := range b {
				b[i] = 0xEE // to be found if memory is used again uncleared
			}
			keep = append(keep, b)
		}
	}
	if b := Alloc(0); len(b) != 0 {
		t.Errorf("Alloc(0) has length %d", len(b))
	}
}

func TestOutOfRange(t *testing.T) {
	p := NewPool(nil)
	for name, f := range map[string]func(){
		"Alloc negative":      func() { Alloc(-1) },
		"Alloc huge":          func() { Alloc(math.MaxInt) },
		"Allocate negative":   func() { GoAllocator{}.Allocate(-1) },
		"Reallocate negative": func() { GoAllocator{}.Reallocate(-1, make([]byte, 4)) },
		"Grow negative":       func() { Grow(nil, -1) },
		"Grow huge":           func() { Grow(make([]byte, 65), math.MaxInt-64) },
		"Get negative":        func() { p.Get(-1) },
		"Get huge":            func() { p.Get(math.MaxInt) },
		"TryGet negative":     func() { _, _ = p.TryGet(-1) },
		"Reserve negative":    func() { _ = NewBudget(1).Reserve(-1) },
		"Release negative":    func() { NewBudget(1).Release(-1) },
		"Release too much":    func() { NewBudget(1).Release(1) },
		"Resize negative":     func() { p.Get(1).Resize(-1) },
		"Resize huge":         func() { p.Get(1).Resize(minClassSize + 1) },
	} {
		t.Run(name, func(t *testing.T) { wantPanic(t, "mem: ", f) })
	}
}

// wantPanic runs f, which must panic with a text that begins with prefix.
func wantPanic(t *testing.T, prefix string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if s := fmt.Sprint(recover()); len(s) < len(prefix) || s[:len(prefix)] != prefix {
			t.Errorf("panic is %q, want one that begins with %q", s, prefix)
		}
	}()
	f()
}

func TestReallocate(t *testing.T) {
	var a GoAllocator
	b := a.Allocate(100)
	for i := range b {
		b[i] = byte(i)
	}
	for _, n := range []int{100, 128, 3, 128, 129, 5000, 0} {
		c := a.Reallocate(n, b)
		if len(c) != n || !IsAligned(c, 64) {
			t.Fatalf("to %d: length %d, aligned %v", n, len(c), IsAligned(c, 64))
		}
		for i := range min(n, 3) {
			if c[i] != byte(i) {
				t.Fatalf("to %d: byte %d is %d", n, i, c[i])
			}
		}
		if n > 0 {
			b = c
		}
		a.Free(nil)
	}
	// Memory of others is brought into line.
	odd := Alloc(200)[1:]
	odd[0] = 7
	if c := a.Reallocate(50, odd); !IsAligned(c, 64) || len(c) != 50 || c[0] != 7 {
		t.Errorf("from an odd address: length %d, aligned %v, first byte %d", len(c), IsAligned(c, 64), c[0])
	}
}

func TestGrow(t *testing.T) {
	var b []byte
	grown, copied := 0, 0
	for n := 0; n < 1<<20; {
		k := n%997 + 1
		g := Grow(b, k)
		if len(g) != n || cap(g) < n+k || cap(g)%64 != 0 || !IsAligned(g, 64) {
			t.Fatalf("%d for %d more: length %d, capacity %d, aligned %v", n, k, len(g), cap(g), IsAligned(g, 64))
		}
		if n > 0 && cap(b) >= n+k && &g[0] != &b[0] {
			t.Fatalf("%d for %d more: moved, with a capacity of %d", n, k, cap(b))
		}
		if cap(g) != cap(b) {
			grown++
			copied += n
			if cap(g) < 2*cap(b) {
				t.Fatalf("capacity %d grew to %d, want twice as much", cap(b), cap(g))
			}
			if !allZero(g[n:cap(g)]) {
				t.Fatalf("%d for %d more: not zero behind the length", n, k)
			}
		}
		b = g[:n+k]
		for i := n; i < n+k; i++ {
			b[i] = byte(i*31) | 1
		}
		n += k
	}
	for i, v := range b {
		if v != byte(i*31)|1 {
			t.Fatalf("byte %d is %#x", i, v)
		}
	}
	if grown > 20 || copied > 2<<20 {
		t.Errorf("grown %d times and copied %d bytes for %d", grown, copied, len(b))
	}
	// What is behind the length is not copied, and what is asked for at once is not rounded up by much.
	b = bytes.Repeat([]byte{1}, 100)[:10:20]
	g := Grow(b, 1000)
	if cap(g) != Pad(1010) || !allZero(g[10:cap(g)]) || !bytes.Equal(g, b) {
		t.Errorf("capacity %d, want %d and 10 bytes kept", cap(g), Pad(1010))
	}
	if Grow(nil, 0) != nil {
		t.Error("Grow(nil, 0) is not nil")
	}
	if n := testing.AllocsPerRun(100, func() { Grow(g, cap(g)+1) }); n != 1 && !raceEnabled {
		t.Errorf("%v allocations, want 1", n)
	}
}

func TestIsAligned(t *testing.T) {
	b := Alloc(256)
	for i := range 129 {
		for to := 1; to <= 64; to *= 2 {
			if got, want := IsAligned(b[i:], to), i%to == 0; got != want {
				t.Errorf("at %d to %d: %v", i, to, got)
			}
		}
	}
	if !IsAligned(nil, 64) || !IsAligned(b[64:64], 64) || IsAligned(b[1:1], 2) {
		t.Error("empty slices: an address counts if there is one")
	}
}

func TestPad(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 64, 63: 64, 64: 64, 65: 128, 1000: 1024} {
		if Pad(n) != want || Pad64(int64(n)) != int64(want) {
			t.Errorf("%d: Pad %d, Pad64 %d, want %d", n, Pad(n), Pad64(int64(n)), want)
		}
	}
	if Pad64(1<<40+1) != 1<<40+64 {
		t.Error("Pad64 of more than 32 bits")
	}
}
