// Package asm holds the inner loops that whole batches pass through: bitmaps, bools, offsets, indices, text, byte order and hashes.
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
// # Portable code and kernels
//
// Each loop is there in portable Go, on every target and with every tag. Some loops have a kernel in assembly, which does the front
// of the work, in whole blocks or all of it, and says how far it came; the portable loop goes on from there. So a kernel needs no code
// for what is left over, and where there is none the same function begins at zero:
//
//	for i := countFront(b); i < len(b); …
//
// The functions called front are in front_amd64.go, which chooses by what the processor can do, and in front_portable.go, for other
// targets and the tag purego: there they come nowhere, and the compiler drops them. AVX2 is what kernels want; AVX-512 is used where
// it is faster for a whole operation. docs/kernels.md says what each gains.
//
// Loops that read several values at a time as a word are in files called words, which need unsafe but no certain processor; the tag
// purego leaves them out too.
//
// The kernels are written by the programs in _gen, a module of its own.
//
// Source: Arrow columnar format, "Validity bitmaps".
package asm
