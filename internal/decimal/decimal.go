// Package decimal reads decimal numbers as unscaled integers: 12.34 of scale 4 is 123400.
package decimal

import "math/bits"

// Parse reads a decimal of the given scale into little-endian words. Ok is false where it is none, where digits would be lost, or
// where the words do not hold it.
func Parse(s []byte, scale int, words []uint64) bool {
	clear(words)
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	digits, point, places := 0, false, 0
	integer := len(s) // digits before the point
	for i, c := range s {
		if c == '.' {
			integer = i
			break
		}
	}
	for i, c := range s {
		if c == '.' && !point {
			point = true
			continue
		}
		if c-'0' > 9 {
			return false
		}
		digits++
		if point {
			if places++; places > scale {
				if c != '0' {
					return false
				}
				continue
			}
		} else if scale < 0 && i >= integer+scale { // zeros that the scale stands for
			if c != '0' {
				return false
			}
			continue
		}
		if !mulAdd(words, uint64(c-'0')) {
			return false
		}
	}
	if digits == 0 {
		return false
	}
	for ; places < scale; places++ {
		if !mulAdd(words, 0) {
			return false
		}
	}
	if negative {
		carry := uint64(1)
		for i := range words {
			words[i], carry = bits.Add64(^words[i], 0, carry)
		}
	}
	return true
}

// mulAdd makes v ten times as much and a digit more. It returns false where that has a bit too many, counting that of the sign.
func mulAdd(v []uint64, digit uint64) bool {
	for i := range v {
		high, low := bits.Mul64(v[i], 10)
		low, carry := bits.Add64(low, digit, 0)
		v[i], digit = low, high+carry
	}
	return digit == 0 && v[len(v)-1]>>63 == 0
}
