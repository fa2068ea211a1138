// Package asm holds the inner loops that whole batches pass through: bitmaps, bools, offsets, indices and hashes.
//
// Bitmaps are those of Arrow: value i is bit i%8, counted from the least significant one, of byte i/8.
//
//	byte    0                       1
//	bit     7  6  5  4  3  2  1  0  7  6  5  4  3  2  1  0
//	value   7  6  5  4  3  2  1  0 15 14 13 12 11 10  9  8
//
// Functions check their arguments as slicing does and panic like it; none reads or writes outside of its slices.
// A count that is zero or negative means that there is nothing to do.
//
// Source: Arrow columnar format, "Validity bitmaps".
package asm
