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
	whole := v / 4
	if tenth := whole / 10; tenth > 0 {
		lower, upper := least <= 40*tenth, 40*tenth+40 <= most
		if lower != upper {
			if upper {
				tenth++
			}
			return tenth, k + 1
		}
	}
	lower, upper := least <= 4*whole, 4*whole+4 <= most
	if lower == upper {
		middle := 4*whole + 2
		upper = v > middle || v == middle && whole&1 != 0
	}
	if upper {
		whole++
	}
	return whole, k
}

// eightDigits returns a number below 1e8 as digits, the first in the lowest byte, each from 0 to 9.
func eightDigits(n uint64) uint64 {
	n = n/1e4 | n%1e4<<32
	hundreds := n * 10486 >> 20 & (0x7F | 0x7F<<32)
	n = hundreds | (n-100*hundreds)<<16
	tens := n * 103 >> 10 & (0xF | 0xF<<16 | 0xF<<32 | 0xF<<48)
	return tens | (n-10*tens)<<8
}

const zeroDigits = ones * '0'

// shortText is how many bytes appendShort writes at most, with what it writes behind the end.
const shortText = 64

// appendShort appends a number from 1e-6 to 1e21, or one as far below zero, without an exponent.
func appendShort(dst []byte, x float64) []byte {
	from, at := len(dst), 0
	dst = slices.Grow(dst, shortText)[:from+shortText]
	b := dst[from:]
	if b[0] = '-'; x < 0 {
		at, x = 1, -x
	}
	number, exponent := shortest(x)
	first, middle, last := eightDigits(number/1e16), eightDigits(number/1e8%1e8), eightDigits(number%1e8)
	const all = 24
	before, behind := bits.TrailingZeros64(first)>>3, bits.LeadingZeros64(last)>>3 // digits that are zero
	if first == 0 {
		if before = 8 + bits.TrailingZeros64(middle)>>3; middle == 0 {
			before = 16 + bits.TrailingZeros64(last)>>3
		}
	}
	if last == 0 {
		if behind = 8 + bits.LeadingZeros64(middle)>>3; middle == 0 {
			behind = 16 + bits.LeadingZeros64(first)>>3
		}
	}
	var text [2 * all]byte // so that as many bytes can be copied from any digit on
	le.PutUint64(text[0:], first|zeroDigits)
	le.PutUint64(text[8:], middle|zeroDigits)
	le.PutUint64(text[16:], last|zeroDigits)
	digits := all - before
	switch point := digits + exponent; {
	case point <= 0:
		*(*[8]byte)(b[at:]) = [8]byte{'0', '.', '0', '0', '0', '0', '0', '0'}
		at += 2 - point
		*(*[all]byte)(b[at:]) = [all]byte(text[before:])
		at += digits - behind
	case exponent >= 0:
		*(*[all]byte)(b[at:]) = [all]byte(text[before:])
		at += digits
		*(*[8]byte)(b[at:]) = [8]byte{'0', '0', '0', '0', '0', '0', '0', '0'}
		at += exponent
	default:
		*(*[all]byte)(b[at:]) = [all]byte(text[before:])
		at += point
		if behind < -exponent {
			b[at] = '.'
			*(*[all]byte)(b[at+1:]) = [all]byte(text[before+point:])
			at += 1 - exponent - behind
		}
	}
	return dst[:from+at]
}
