package ipc

import (
	"encoding/binary"

	"github.com/lightstream-go/lightstream/internal/asm"
)

// A swap copies values of a big-endian buffer as little-endian ones. Both have the same length, a multiple of the values'.
type swap func(dst, src []byte)

var be = binary.BigEndian

func swap2(dst, src []byte) { asm.Swap16(dst, src) }
func swap4(dst, src []byte) { asm.Swap32(dst, src) }
func swap8(dst, src []byte) { asm.Swap64(dst, src) }

// swap16 and swap32 are for decimals, which are one number of 16 or 32 bytes.
func swap16(dst, src []byte) { swapWords(dst, src, 16) }
func swap32(dst, src []byte) { swapWords(dst, src, 32) }

func swapWords(dst, src []byte, width int) {
	for i := 0; i+width <= len(src); i += width {
		for k := 0; k < width; k += 8 {
			le.PutUint64(dst[i+width-8-k:], be.Uint64(src[i+k:]))
		}
	}
}

// swapMonthDayNano is for months and days of 4 bytes each, and nanoseconds of 8.
func swapMonthDayNano(dst, src []byte) {
	for i := 0; i+16 <= len(src); i += 16 {
		swap4(dst[i:i+8], src[i:i+8])
		swap8(dst[i+8:i+16], src[i+8:i+16])
	}
}

// swapViews is for lengths, and the places of values that are too long to stand in the view.
func swapViews(dst, src []byte) {
	for i := 0; i+16 <= len(src); i += 16 {
		copy(dst[i:i+16], src[i:i+16])
		swap4(dst[i:i+4], src[i:i+4])
		if le.Uint32(dst[i:]) > 12 {
			swap4(dst[i+8:i+16], src[i+8:i+16])
		}
	}
}

// valueSwap returns the swap of a column of fixed width.
func (p *columnPlan) valueSwap() swap {
	if p.indexBits == 0 {
		switch t := p.field.Type; {
		case t.Kind == KindFixedSizeBinary:
			return nil
		case t.Kind == KindInterval && t.Variant == 1: // days and milliseconds
			return swap4
		case t.Kind == KindInterval && t.Variant == 2:
			return swapMonthDayNano
		}
	}
	switch p.width {
	case 2:
		return swap2
	case 4:
		return swap4
	case 8:
		return swap8
	case 16:
		return swap16
	case 32:
		return swap32
	}
	return nil
}
