//go:build !purego

package asm

import "unsafe"

// bytesOf returns the memory of s as bytes, in the host's order.
func bytesOf[T Index | bool](s []T) []byte {
	// Long enough: the result spans exactly the len(s) elements, whose total size was an int when s was made.
	// Aligned: bytes have no alignment. Alive: the result points into the same object as s, as the collector sees it.
	// T has no pointers. Nil and empty slices give a slice of length 0.
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*sizeOf[T]())
}

// sizeOf returns the size of a T in bytes.
func sizeOf[T Index | bool]() int {
	var v T
	return int(unsafe.Sizeof(v)) // a constant of T's shape; nothing is dereferenced
}
