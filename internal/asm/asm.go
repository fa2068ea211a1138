// Package asm holds the inner loops that whole batches pass through: bitmaps, bools, offsets, indices and hashes.
//
// Bitmaps are those of Arrow: value i is bit i%8, counted from the least significant one, of byte i/8.
//
//	byte    0                       1
//	bit     7  6  5  4  3  2  1  0  7  6  5  4  3  2  1  0
//	value   7  6  5  4  3  2  1  0 15 14 13 12 11 10  9  8
//
// A function panics, like an index out of range, if a slice is too short for its count, and neither reads nor writes
// behind the length of a slice. A count that is zero or negative means that there is nothing to do.
//
// Source: Arrow columnar format, "Validity bitmaps".
package asm
