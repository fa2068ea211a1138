// Package mem provides the memory that batches live in: slices that start at a multiple of 64 bytes, reference-counted
// blocks of them, a pool that reuses blocks by size, and a budget that several connections share.
//
// A piece of memory of this package looks like this:
//
//	0                 length             capacity
//	| asked for       | slack            |
//	^ multiple of 64                     ^ multiple of 64
//
// The slack is zero in memory from [Alloc] and unspecified in memory from a [Pool].
//
// Everything lives on the Go heap unless it was given to [Wrap] or comes from a foreign [Allocator]: memory that is
// never released is found by the garbage collector like any other.
package mem

import "math"

// Alignment is the number of bytes that the address of every allocation is a multiple of.
//
// Source: Arrow columnar format, "Buffer Alignment and Padding".
const Alignment = 64

// An Allocator hands out slices of bytes. It has the three methods of arrow-go's memory.Allocator, so that each can be
// used in place of the other.
type Allocator interface {
	// Allocate returns size bytes.
	Allocate(size int) []byte
	// Reallocate returns size bytes that begin with those of b, as far as they fit. It may return b's own memory,
	// and b is not to be used afterwards.
	Reallocate(size int, b []byte) []byte
	// Free takes back memory of this allocator. It is not to be used afterwards.
	Free(b []byte)
}

// GoAllocator allocates from the Go heap. Allocations are zeroed, start at a multiple of [Alignment] and have a
// capacity that is a multiple of it. The zero value is ready for use, by any number of goroutines.
type GoAllocator struct{}

var _ Allocator = GoAllocator{}

// DefaultAllocator is where [Pool] takes its memory from when its options name no other allocator. It is read whenever
// a pool is made; to replace it, do so before that.
var DefaultAllocator Allocator = GoAllocator{}

// Allocate is [Alloc].
func (GoAllocator) Allocate(size int) []byte { return Alloc(size) }

// Reallocate returns b cut or extended to size bytes: in place if b is aligned and has the capacity, and else as a
// copy. Bytes after the old length are zero in a copy and what they were before when extended in place.
func (GoAllocator) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) && size >= 0 && IsAligned(b, Alignment) {
		return b[:size]
	}
	c := Alloc(size)
	copy(c, b)
	return c
}

// Free does nothing: the garbage collector does.
func (GoAllocator) Free([]byte) {}

// Alloc returns n zero bytes that start at a multiple of [Alignment], with a capacity of [Pad](n). It returns nil if n
// is 0 and panics if n is negative or too large, as make does.
func Alloc(n int) []byte {
	if n == 0 {
		return nil
	}
	if n < 0 || n > maxAlloc {
		panic("mem: Alloc: length out of range")
	}
	// Go's size classes of 64 and more are multiples of 64 whenever the request is, and its pages are, so this is
	// aligned already with all toolchains at hand. It is no promise of the language, hence the second try.
	size := Pad(n)
	b := make([]byte, size)
	if !IsAligned(b, Alignment) {
		b = make([]byte, size+Alignment-1)
		b = b[-address(b)&(Alignment-1):]
	}
	return b[:n:size]
}

// maxAlloc leaves room for padding and alignment in an int.
const maxAlloc = math.MaxInt - 2*Alignment

// Grow returns b with room for n more bytes: the same slice if its capacity is at least len(b)+n, and else one of the
// same length and contents in memory like that of [Alloc], with at least twice the capacity, so that repeated growth
// costs time in proportion to the final size. Behind its length, new memory is zero; whatever b had there is not
// copied. Grow panics if n is negative or len(b)+n too large.
func Grow(b []byte, n int) []byte {
	if n < 0 || n > maxAlloc-len(b) {
		panic("mem: Grow: length out of range")
	}
	size := len(b) + n
	if size <= cap(b) {
		return b
	}
	if c := cap(b); c < maxAlloc/2 {
		size = max(size, 2*c+1)
	}
	size = Pad(size)
	// Appending zeros made on the spot allocates without clearing the part that is copied to. As size is more than
	// twice the length, append adds nothing for further growth.
	g := append(b[:len(b):len(b)], make([]byte, size-len(b))...)
	if !IsAligned(g, Alignment) {
		g = Alloc(size)
		copy(g, b)
	}
	return g[:len(b):size]
}

// IsAligned reports whether b starts at a multiple of to, which must be a power of two. A slice without capacity has
// no address that matters and is aligned.
func IsAligned(b []byte, to int) bool {
	return cap(b) == 0 || address(b)&uintptr(to-1) == 0
}

// Pad returns n rounded up to a multiple of [Alignment]. n must not be negative, nor within 63 of the largest int.
func Pad(n int) int { return (n + Alignment - 1) &^ (Alignment - 1) }

// Pad64 is [Pad] for an int64, such as a length from the wire.
func Pad64(n int64) int64 { return (n + Alignment - 1) &^ (Alignment - 1) }
