//go:build !purego

package asm

import "unsafe"

// countFront counts the ones of the first n bytes.
func countFront(b []byte) (count, n int) {
	if useAVX512 {
		return countBitsAVX512(b), len(b)
	}
	if n = len(b) &^ 63; n >= minCountAVX2 && useAVX2 {
		return countBitsAVX2(b[:n]), n
	}
	return 0, 0
}

// minCountAVX2 is from how many bytes on looking up half bytes is faster than counting words.
const minCountAVX2 = 256

// shiftFront sets the first n bytes of dst to the bits of src, which is longer, from bit 0 < s < 8 on.
func shiftFront(dst, src []byte, s int) (n int) {
	// The kernel reads eight bytes behind those that it has set.
	if n = min(len(dst), len(src)-8) &^ 63; n <= 0 || !useAVX2 {
		return 0
	}
	shiftBytesAVX2(dst[:n], src[:n+8], s)
	return n
}

// packFront packs the first n bools, a multiple of 8.
func packFront(dst []byte, src []bool) (n int) {
	if n = len(src) &^ 63; n == 0 || !useAVX2 {
		return 0
	}
	packBoolsAVX2(dst[:n/8], src[:n])
	return n
}

// unpackFront unpacks the first n bools, a multiple of 8.
func unpackFront(dst []bool, bitmap []byte) (n int) {
	if n = len(dst) &^ 63; n == 0 || !useAVX2 {
		return 0
	}
	unpackBoolsAVX2(dst[:n], bitmap[:n/8])
	return n
}

// ascending32Front reports whether the first n offsets are at least 0 and none less than the one before it, nor offset n if it is at
// least 0.
func ascending32Front(o []int32) (n int, ok bool) {
	if len(o) <= 8 || !useAVX2 {
		return 0, true
	}
	if useAVX512 && len(o) > 16 {
		return len(o) - 1, ascending32AVX512(o)
	}
	return len(o) - 1, ascending32AVX2(o)
}

// ascending64Front is ascending32Front for 64-bit offsets.
func ascending64Front(o []int64) (n int, ok bool) {
	if len(o) <= 4 || !useAVX2 {
		return 0, true
	}
	return len(o) - 1, ascending64AVX2(o)
}

// narrow64Front sets the first n of dst.
func narrow64Front(dst []int32, src []int64, by int64) (n int) {
	if n = len(src) &^ 15; n == 0 || !useAVX2 {
		return 0
	}
	narrow64AVX2(dst[:n], src[:n], by)
	return n
}

// widen32Front sets the first n of dst.
func widen32Front(dst []int64, src []int32, by int64) (n int) {
	if n = len(src) &^ 15; n == 0 || !useAVX2 {
		return 0
	}
	widen32AVX2(dst[:n], src[:n], by)
	return n
}

// scale64Front sets the first n of dst, and returns the bits of so many of src.
func scale64Front(dst, src []int64, by int64) (bits int64, n int) {
	if n = len(src) &^ 15; n == 0 || by < 0 || by >= 1<<32 || !useAVX2 {
		return 0, 0
	}
	return scale64AVX2(dst[:n], src[:n], uint32(by)), n
}

// widenFront sets the first n of dst.
func widenFront[D, S Index](dst []D, src []S) (n int) {
	if n = len(src) &^ 31; n == 0 || sizeOf[S]() != 1 || sizeOf[D]() != 4 || !useAVX2 {
		return 0
	}
	widen8AVX2(bytesOf(dst[:n]), bytesOf(src[:n]))
	return n
}

// withinFront reports whether the first n indices, taken as unsigned, are at most last, which an I can be.
func withinFront[I Index](idx []I, last uint64) (n int, ok bool) {
	b := bytesOf(idx)
	if len(b) < 32 || !useAVX2 {
		return 0, true
	}
	switch sizeOf[I]() {
	case 1:
		ok = within8AVX2(b, uint8(last))
	case 2:
		ok = within16AVX2(b, uint16(last))
	case 4:
		ok = within32AVX2(b, uint32(last))
	default:
		ok = within64AVX2(b, 1<<63-1-last)
	}
	return len(idx), ok
}

// nullsFront sets the first n rows, a multiple of 8.
func nullsFront(dst, src, bitmap []byte, width int) (n int) {
	if !useAVX2 {
		return 0
	}
	switch b := bitmap[:len(src)/width/8]; width {
	case 4:
		zeroNulls32AVX2(dst, src, b)
		return 8 * len(b)
	case 8:
		zeroNulls64AVX2(dst, src, b)
		return 8 * len(b)
	}
	return 0
}

// textFront reports whether the first n bytes are valid UTF-8, but that the last character may go on behind them, and whether all are
// ASCII.
func textFront(b []byte) (n int, valid, ascii bool) {
	if n = len(b) &^ 63; n == 0 || !useAVX2 {
		return 0, true, true
	}
	valid, ascii = validUTF8AVX2(b[:n])
	return n, valid, ascii
}

// findFront sets the places in the first done bytes, a multiple of 64, and returns how many these are.
func findFront(dst []uint32, src []byte, first uint32, a, b, c byte) (n, done int) {
	if done = len(src) &^ 63; done == 0 || !useAVX2 {
		return 0, 0
	}
	return findPlacesAVX2(dst[:done], src[:done], first, a, b, c), done
}

// swap16Front swaps the first n bytes of src.
func swap16Front(dst, src []byte) (n int) {
	if n = len(src) &^ 63; n == 0 || !useAVX2 {
		return 0
	}
	swap16AVX2(dst[:n], src[:n])
	return n
}

// swap32Front swaps the first n bytes of src.
func swap32Front(dst, src []byte) (n int) {
	if n = len(src) &^ 63; n == 0 || !useAVX2 {
		return 0
	}
	swap32AVX2(dst[:n], src[:n])
	return n
}

// swap64Front swaps the first n bytes of src.
func swap64Front(dst, src []byte) (n int) {
	if n = len(src) &^ 63; n == 0 || !useAVX2 {
		return 0
	}
	swap64AVX2(dst[:n], src[:n])
	return n
}

// joinFront joins all n rows, which are not none and which the columns have, as is there room for them; or it does nothing.
func joinFront(dst []byte, columns []Slots, from, n int) (rows, size int, ok bool) {
	if !useAVX2 {
		return 0, 0, false
	}
	// Long enough: rows from to from+n are in the arrays of the first column, and those of the next are the size of a Slots behind them.
	// Bytes have no alignment. Alive: the pointers are into columns, which the caller's slice holds until this returns.
	first := &columns[0]
	rows, size = joinSlotsAVX2(dst, &first.Text[from*SlotSize], (*byte)(unsafe.Pointer(&first.Size[from])), len(columns), n)
	return rows, size, true
}
