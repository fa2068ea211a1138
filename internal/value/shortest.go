package value

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
)

// Floats are printed as the shortest decimals that are read back as them, and of those as the nearest. Package strconv does the same; here
// it is done for the numbers that stand without an exponent, whose powers of ten are few, and straight to the text.
//
// Source: Raffaello Giulietti, "The Schubfach way to render doubles".

const (
	leastPower, mostPower = -6, 24 // of ten, that bring the digits of 1e-6 to 1e21 before the point
	leastShort, mostShort = 1e-6, 1e21
)

// power is the first 128 bits of a power of ten, rounded up, the highest of which is one.
type power struct{ high, low uint64 }

var powersOfTen = func() (list [mostPower - leastPower + 1]power) {
	for i := range list {
		e := int64(i + leastPower)
		v := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(e, -e)), nil)
		if e < 0 {
			v.Div(new(big.Int).Lsh(big.NewInt(1), uint(v.BitLen()+127)), v) // of no finite expansion
			v.Add(v, big.NewInt(1))
		} else {
			v.Lsh(v, uint(128-v.BitLen())) // exact
		}
		list[i] = power{new(big.Int).Rsh(v, 64).Uint64(), v.Uint64()}
	}
	return list
}()

// times returns the upper bits of the product with c, the lowest of which is one too where some below it are.
func (p *power) times(c uint64) uint64 {
	carry, _ := bits.Mul64(p.low, c)
	high, low := bits.Mul64(p.high, c)
	low, more := bits.Add64(low, carry, 0)
	high += more
	if low > 1 {
		high |= 1
	}
	return high
}

// shortest returns the shortest decimal that is read back as x, from 1e-6 to 1e21: digits × 10^exponent, which may end in zeros.
func shortest(x float64) (digits uint64, exponent int) {
	word := math.Float64bits(x)
	fraction, q := word&(1<<52-1), int(word>>52)-1075
	c := fraction | 1<<52
	if q <= 0 && q > -53 && c&(1<<-q-1) == 0 {
		return c >> -q, 0 // an integer
	}
	// What is read back as x are the numbers between its neighbours, as quarters of its last place. Below a power of two the next is nearer.
	below, odd := uint64(2), c&1
	log := q * 1262611 // of ten, of 2^q, in 22 bits
	if fraction == 0 {
		below, log = 1, log-524031
	}
	k := log >> 22
	p := &powersOfTen[-k-leastPower]
	shift := q + (-k*1741647)>>19 + 1
	least, v, most := p.times((4*c-below)<<shift), p.times(4*c<<shift), p.times((4*c+2)<<shift)
	least, most = least+odd, most-odd // of an odd number the ends are read back as its neighbours
	// One digit less where one such decimal is between the ends, else the nearer of two or the one that is. Which it is cannot be foreseen,
	// so that there is no branch.
	whole := v / 4
	tenth := whole / 10
	upper := bit(40*tenth+40 <= most)
	shorter := (bit(least <= 40*tenth) ^ upper) & bit(tenth > 0)
	tenth += upper
	upper = bit(4*whole+4 <= most)
	both := 1 ^ upper ^ bit(least <= 4*whole)
	middle := 4*whole + 2
	upper ^= (upper ^ (bit(v > middle) | bit(v == middle)&whole)) & both
	whole += upper
	return whole ^ (whole^tenth)&-shorter, k + int(shorter)
}

func bit(v bool) (b uint64) { // compiles to a move
	if v {
		b = 1
	}
	return b
}

// eightDigits returns a number below 1e8 as digits, the first in the lowest byte, each from 0 to 9.
func eightDigits(n uint64) uint64 {
	upper := n * 109951163 >> 40 // n / 1e4, of what is below 4e8
	n = upper | (n-1e4*upper)<<32
	hundreds := n * 10486 >> 20 & (0x7F | 0x7F<<32)
	n = hundreds | (n-100*hundreds)<<16
	tens := n * 103 >> 10 & (0xF | 0xF<<16 | 0xF<<32 | 0xF<<48)
	return tens | (n-10*tens)<<8
}

const zeroDigits = ones * '0'

// shortText is how many bytes appendShort writes at most, with what it writes behind the end.
const shortText = 64

// all is how many digits a number is brought to.
const all = 19

// wholePowers are powers of ten.
var wholePowers = func() (list [all + 1]uint64) {
	v := uint64(1)
	for i := range list {
		list[i] = v
		v *= 10
	}
	return list
}()

// appendShort appends a number from 1e-6 to 1e21, or one as far below zero, without an exponent.
func appendShort(dst []byte, x float64) []byte {
	from := len(dst)
	dst = slices.Grow(dst, shortText)[:from+shortText]
	return dst[:from+putShort((*[shortText]byte)(dst[from:]), x)]
}

// putShort is appendShort to memory that is there. It returns how long the text is.
func putShort(b *[shortText]byte, x float64) int {
	at := 0
	if b[0] = '-'; x < 0 {
		at, x = 1, -x
	}
	number, exponent := shortest(x)
	digits := bits.Len64(number) * 1233 >> 12
	digits += int(bit(number >= wholePowers[digits]))
	number *= wholePowers[all-digits] // so that the first digit is in its place
	top := number / 1e16
	number -= top * 1e16
	hundreds := top * 41 >> 12
	top -= 100 * hundreds
	tens := top * 103 >> 10
	first := hundreds | tens<<8 | (top-10*tens)<<16
	middle, last := eightDigits(number/1e8), eightDigits(number%1e8)
	some := all - bits.LeadingZeros64(last)>>3 // digits up to the last that is not zero
	if last == 0 {
		if some = all - 8 - bits.LeadingZeros64(middle)>>3; middle == 0 {
			some = (bits.Len64(first) + 7) >> 3
		}
	}
	first, middle, last = first|zeroDigits, middle|zeroDigits, last|zeroDigits
	point := digits + exponent
	if point <= 0 {
		*(*[8]byte)(b[at:]) = [8]byte{'0', '.', '0', '0', '0', '0', '0', '0'}
		at += 2 - point
		le.PutUint64(b[at:], first)
		le.PutUint64(b[at+3:], middle)
		le.PutUint64(b[at+11:], last)
		return at + some
	}
	var text [48]byte // so that 24 bytes can be copied from any digit on
	le.PutUint64(text[0:], first)
	le.PutUint64(text[3:], middle)
	le.PutUint64(text[11:], last)
	*(*[24]byte)(b[at:]) = [24]byte(text[:])
	switch {
	case exponent >= 0:
		at += digits
		*(*[8]byte)(b[at:]) = [8]byte{'0', '0', '0', '0', '0', '0', '0', '0'}
		at += exponent
	default:
		at += point
		if some > point {
			b[at] = '.'
			*(*[24]byte)(b[at+1:]) = [24]byte(text[point:])
			at += 1 + some - point
		}
	}
	return at
}
