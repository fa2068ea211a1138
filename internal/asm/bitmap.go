package asm

import (
	"encoding/binary"
	"math/bits"
)

// CountBits returns how many of the first n bits are set.
func CountBits(bitmap []byte, n int) int {
	if n <= 0 {
		return 0
	}
	b := bitmap[:(n+7)/8]
	count := 0
	if tail := n & 7; tail != 0 {
		last := len(b) - 1
		count = bits.OnesCount8(b[last] << (8 - tail))
		b = b[:last]
	}
	for len(b) >= 32 {
		count += bits.OnesCount64(binary.LittleEndian.Uint64(b)) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[8:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[16:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[24:]))
		b = b[32:]
	}
	for len(b) >= 8 {
		count += bits.OnesCount64(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	for _, c := range b {
		count += bits.OnesCount8(c)
	}
	return count
}

// SetBits sets the bits [from, from+n).
func SetBits(bitmap []byte, from, n int) {
	if n <= 0 {
		return
	}
	b := bitmap[from>>3 : (from+n+7)>>3]
	head := byte(0xFF) << (from & 7)
	tail := byte(0xFF) >> (-(from + n) & 7)
	last := len(b) - 1
	if last == 0 {
		b[0] |= head & tail
		return
	}
	b[0] |= head
	b[last] |= tail
	for b = b[1:last]; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, ^uint64(0))
	}
	for i := range b {
		b[i] = 0xFF
	}
}

// AllSet reports whether all of the first n bits are set.
func AllSet(bitmap []byte, n int) bool { return FirstZero(bitmap, n) < 0 }

// FirstZero returns the position of the first of n bits that is not set, or -1.
func FirstZero(bitmap []byte, n int) int {
	if n <= 0 {
		return -1
	}
	b := bitmap[:(n+7)/8]
	i := 0
	for ; len(b)-i >= 32; i += 32 {
		c := b[i : i+32]
		if binary.LittleEndian.Uint64(c)&binary.LittleEndian.Uint64(c[8:])&
			binary.LittleEndian.Uint64(c[16:])&binary.LittleEndian.Uint64(c[24:]) != ^uint64(0) {
			break
		}
	}
	for ; len(b)-i >= 8; i += 8 {
		if w := ^binary.LittleEndian.Uint64(b[i:]); w != 0 {
			return within(i*8+bits.TrailingZeros64(w), n)
		}
	}
	for ; i < len(b); i++ {
		if w := ^b[i]; w != 0 {
			return within(i*8+bits.TrailingZeros8(w), n)
		}
	}
	return -1
}

// within returns i if it is less than n, else -1.
func within(i, n int) int {
	if i < n {
		return i
	}
	return -1
}

// CopyBits copies the n bits of src from srcBit on to dst from dstBit on. All other bits of dst stay as they are. The
// bytes of the two ranges must not overlap.
func CopyBits(dst []byte, dstBit int, src []byte, srcBit, n int) {
	if n <= 0 {
		return
	}
	dst = dst[dstBit>>3 : (dstBit+n+7)>>3]
	src = src[srcBit>>3 : (srcBit+n+7)>>3]
	dstBit &= 7
	srcBit &= 7

	// Up to the first whole byte of dst.
	if dstBit != 0 {
		k := min(8-dstBit, n)
		mask := byte(1<<k-1) << dstBit
		dst[0] = dst[0]&^mask | loadBits(src, srcBit, k)<<dstBit&mask
		if n -= k; n == 0 {
			return
		}
		dst = dst[1:]
		srcBit += k
		src = src[srcBit>>3:]
		srcBit &= 7
	}

	// Whole bytes.
	whole := n >> 3
	if srcBit == 0 {
		copy(dst[:whole], src[:whole])
	} else {
		shiftBytes(dst[:whole], src[:whole+1], uint(srcBit))
	}

	// What is left of the last byte.
	if k := n & 7; k != 0 {
		mask := byte(1<<k - 1)
		dst[whole] = dst[whole]&^mask | loadBits(src[whole:], srcBit, k)&mask
	}
}

// loadBits returns k <= 8 bits of src from bit 0 <= at < 8 on, and anything above them.
func loadBits(src []byte, at, k int) byte {
	v := src[0] >> at
	if at+k > 8 {
		v |= src[1] << (8 - at)
	}
	return v
}

// shiftBytes sets dst to the bits of src from bit 0 < s < 8 on. src is one byte longer than dst.
func shiftBytes(dst, src []byte, s uint) {
	s &= 7
	for len(dst) >= 8 && len(src) >= 9 {
		w := binary.LittleEndian.Uint64(src)>>s | uint64(src[8])<<(64-s)
		binary.LittleEndian.PutUint64(dst, w)
		dst, src = dst[8:], src[8:]
	}
	for i := range dst {
		dst[i] = src[i]>>s | src[i+1]<<(8-s)
	}
}
