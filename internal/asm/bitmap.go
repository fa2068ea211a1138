package asm

import (
	"encoding/binary"
	"math/bits"
)

// The loops below have the form
//
//	for ; i <= len(b)-32; i += 32 {
//		c := (*[32]byte)(b[i:])
//
// as the compiler then needs one comparison for the whole block, and each load is a single instruction where the
// processor has it. Byte order is little-endian because of what bitmaps are, whatever the host's.

// CountBits returns how many of the first n bits are set.
func CountBits(bitmap []byte, n int) int {
	if n <= 0 {
		return 0
	}
	b := bitmap[: (n+7)/8 : len(bitmap)]
	count := 0
	if n&7 != 0 {
		last := len(b) - 1
		count = bits.OnesCount8(b[last] << (-n & 7))
		b = b[:last]
	}
	front, i := countFront(b)
	count += front
	for ; i <= len(b)-32; i += 32 {
		c := (*[32]byte)(b[i:])
		count += bits.OnesCount64(binary.LittleEndian.Uint64(c[0:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(c[8:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(c[16:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(c[24:]))
	}
	for ; i <= len(b)-8; i += 8 {
		count += bits.OnesCount64(binary.LittleEndian.Uint64(b[i:]))
	}
	if i < len(b) {
		count += bits.OnesCount64(loadTail(b[i:]))
	}
	return count
}

// loadTail returns up to seven bytes as a word with zeros behind them.
func loadTail(b []byte) uint64 {
	switch {
	case len(b) >= 4:
		return uint64(binary.LittleEndian.Uint32(b)) |
			uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))<<(8*(len(b)-4)&63)
	case len(b) >= 2:
		return uint64(binary.LittleEndian.Uint16(b)) |
			uint64(binary.LittleEndian.Uint16(b[len(b)-2:]))<<(8*(len(b)-2)&63)
	case len(b) == 1:
		return uint64(b[0])
	}
	return 0
}

// SetBits sets the bits [from, from+n).
func SetBits(bitmap []byte, from, n int) {
	if n <= 0 {
		return
	}
	b := bitmap[from>>3 : (from+n+7)>>3 : len(bitmap)]
	head := byte(0xFF) << (from & 7)
	tail := byte(0xFF) >> (-(from + n) & 7)
	last := len(b) - 1
	if last == 0 {
		b[0] |= head & tail
		return
	}
	b[0] |= head
	b[last] |= tail
	b = b[1:last]
	i := 0
	for ; i <= len(b)-32; i += 32 {
		c := (*[32]byte)(b[i:])
		binary.LittleEndian.PutUint64(c[0:], ^uint64(0))
		binary.LittleEndian.PutUint64(c[8:], ^uint64(0))
		binary.LittleEndian.PutUint64(c[16:], ^uint64(0))
		binary.LittleEndian.PutUint64(c[24:], ^uint64(0))
	}
	for ; i < len(b); i++ {
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
	b := bitmap[: (n+7)/8 : len(bitmap)]
	i := 0
	for ; i <= len(b)-32; i += 32 {
		c := (*[32]byte)(b[i:])
		if binary.LittleEndian.Uint64(c[0:])&binary.LittleEndian.Uint64(c[8:])&
			binary.LittleEndian.Uint64(c[16:])&binary.LittleEndian.Uint64(c[24:]) != ^uint64(0) {
			break
		}
	}
	for ; i <= len(b)-8; i += 8 {
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
	dst = dst[dstBit>>3 : (dstBit+n+7)>>3 : len(dst)]
	src = src[srcBit>>3 : (srcBit+n+7)>>3 : len(src)]
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
	} else if whole > 0 {
		shiftBytes(dst[:whole], src[:whole+1], srcBit)
	}

	// What is left of the last byte.
	if k := n & 7; k != 0 {
		mask := byte(1<<k - 1)
		dst[whole] = dst[whole]&^mask | loadBits(src[whole:], srcBit, k)&mask
	}
}

// loadBits returns k <= 8 bits of src from bit 0 <= at < 8 on, and anything above them.
func loadBits(src []byte, at, k int) byte {
	v := src[0] >> (at & 7)
	if at+k > 8 {
		v |= src[1] << (-at & 7)
	}
	return v
}

// shiftBytes sets dst to the bits of src from bit 0 < s < 8 on. src is one byte longer than dst.
func shiftBytes(dst, src []byte, s int) {
	src = src[:len(dst)+1]
	i := shiftFront(dst, src, s)
	for ; i <= len(dst)-32; i += 32 {
		d, c := (*[32]byte)(dst[i:]), (*[33]byte)(src[i:])
		w0 := binary.LittleEndian.Uint64(c[0:])
		w1 := binary.LittleEndian.Uint64(c[8:])
		w2 := binary.LittleEndian.Uint64(c[16:])
		w3 := binary.LittleEndian.Uint64(c[24:])
		binary.LittleEndian.PutUint64(d[0:], w0>>(s&63)|w1<<(-s&63))
		binary.LittleEndian.PutUint64(d[8:], w1>>(s&63)|w2<<(-s&63))
		binary.LittleEndian.PutUint64(d[16:], w2>>(s&63)|w3<<(-s&63))
		binary.LittleEndian.PutUint64(d[24:], w3>>(s&63)|uint64(c[32])<<(-s&63))
	}
	for ; i <= len(dst)-8; i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		binary.LittleEndian.PutUint64(dst[i:], w>>(s&63)|uint64(src[i+8])<<(-s&63))
	}
	for ; i < len(dst); i++ {
		dst[i] = src[i]>>(s&7) | src[i+1]<<(-s&7)
	}
}
