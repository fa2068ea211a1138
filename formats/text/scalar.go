package text

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// parseInt reads a sign and digits. Ok is false where that is not all, or where an int64 does not hold it.
func parseInt(s []byte) (v int64, ok bool) {
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	u, ok := parseUint(s)
	switch {
	case !ok:
		return 0, false
	case negative:
		return -int64(u), u <= 1<<63
	}
	return int64(u), u < 1<<63
}

// parseUint reads digits.
func parseUint(s []byte) (v uint64, ok bool) {
	if len(s) == 0 || len(s) > 20 {
		return parseLong(s)
	}
	for len(s) >= 8 {
		w := binary.LittleEndian.Uint64(s)
		if !eightDigits(w) {
			return 0, false
		}
		high, low := bits.Mul64(v, 1e8)
		sum, carry := bits.Add64(low, eightDigitsValue(w), 0)
		if v = sum; high != 0 || carry != 0 {
			return 0, false
		}
		s = s[8:]
	}
	for _, c := range s {
		d := uint64(c - '0')
		if d > 9 || v > (math.MaxUint64-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	return v, true
}

// parseLong is parseUint of what has more digits than an uint64, which may be zeros.
func parseLong(s []byte) (v uint64, ok bool) {
	zeros := 0
	for zeros < len(s) && s[zeros] == '0' {
		zeros++
	}
	if len(s) == 0 || len(s)-zeros > 20 || zeros == 0 {
		return 0, false
	}
	if zeros == len(s) {
		return 0, true
	}
	return parseUint(s[zeros:])
}

// eightDigits tells whether the eight bytes of w are all digits.
func eightDigits(w uint64) bool {
	return (w&0xF0F0F0F0F0F0F0F0)|((w+0x0606060606060606)&0xF0F0F0F0F0F0F0F0)>>4 == 0x3333333333333333
}

// eightDigitsValue returns the number that eight digits are, the first in the lowest byte.
func eightDigitsValue(w uint64) uint64 {
	w -= 0x3030303030303030
	w = w*10 + w>>8 // pairs in every other byte
	const mask = 0x000000FF000000FF
	return ((w&mask)*(100+1_000_000<<32) + (w>>16&mask)*(1+10_000<<32)) >> 32
}

var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimalParts reads a decimal number in the form of JSON, but for zeros before it and a sign, which may be there: its digits as an
// integer, where they fit, and the power of ten of the last.
func decimalParts(s []byte) (mantissa uint64, exponent int, negative, exact, ok bool) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	start := i
	exact = true
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			break
		}
		if mantissa >= 1e18 {
			exact = false
		} else {
			mantissa = mantissa*10 + uint64(d)
		}
	}
	digits := i - start
	if i < len(s) && s[i] == '.' {
		i++
		from := i
		for ; i+8 <= len(s) && mantissa < 1e10; i += 8 {
			w := binary.LittleEndian.Uint64(s[i:])
			if !eightDigits(w) {
				break
			}
			mantissa = mantissa*1e8 + eightDigitsValue(w)
		}
		for ; i < len(s); i++ {
			d := s[i] - '0'
			if d > 9 {
				break
			}
			if mantissa >= 1e18 {
				exact = false
			} else {
				mantissa = mantissa*10 + uint64(d)
			}
		}
		exponent = from - i
		digits += i - from
	}
	if digits == 0 {
		return 0, 0, false, false, false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		minus := false
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			minus = s[i] == '-'
			i++
		}
		from, e := i, 0
		for ; i < len(s) && s[i]-'0' <= 9; i++ {
			e = min(e*10+int(s[i]-'0'), 1e6)
		}
		if i == from {
			return 0, 0, false, false, false
		}
		if minus {
			e = -e
		}
		exponent += e
	}
	return mantissa, exponent, negative, exact, i == len(s)
}

// parseFloat reads a number as float64 or, with 32 bits, as the nearest float32; and NaN and infinities by their names.
func parseFloat(s []byte, width int) (v float64, ok bool) {
	mantissa, exponent, negative, exact, ok := decimalParts(s)
	if !ok {
		return parseNonFinite(s)
	}
	limit, most := uint64(1)<<53, 22
	if width == 32 {
		limit, most = 1<<24, 10
	}
	if exact && mantissa <= limit && exponent >= -most && exponent <= most { // one rounding, of numbers that are exact
		if exponent < 0 {
			v = float64(mantissa) / pow10[-exponent]
		} else {
			v = float64(mantissa) * pow10[exponent]
		}
		if width == 32 {
			if exponent < 0 {
				v = float64(float32(mantissa) / float32(pow10[-exponent]))
			} else {
				v = float64(float32(mantissa) * float32(pow10[exponent]))
			}
		}
		if negative {
			v = -v
		}
		return v, true
	}
	if width == 64 && exact {
		if v, ok = nearest(mantissa, exponent); ok {
			if negative {
				v = -v
			}
			return v, true
		}
	}
	v, err := strconv.ParseFloat(string(s), width)
	return v, err == nil
}

// maxPower is the largest power of ten in powers, and minus that the smallest.
const maxPower = 60

// powers are the first 64 bits of the powers of ten, the highest of which is one.
var powers = func() (list [2*maxPower + 1]uint64) {
	one := big.NewInt(1)
	for e := range list {
		v := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(e-maxPower, maxPower-e))), nil)
		if e < maxPower {
			v.Div(new(big.Int).Lsh(one, uint(v.BitLen()+64)), v)
		}
		if n := v.BitLen(); n > 64 {
			v.Rsh(v, uint(n-64))
		} else {
			v.Lsh(v, uint(64-n))
		}
		list[e] = v.Uint64()
	}
	return list
}()

// nearest returns the float64 nearest to mantissa × 10^exponent. The product of the mantissa with the first bits of the power is too small
// by less than one mantissa in its lower word; ok is false where that could change what it is rounded to.
//
// Source: Daniel Lemire, "Number Parsing at a Gigabyte per Second".
func nearest(mantissa uint64, exponent int) (v float64, ok bool) {
	if mantissa == 0 || exponent < -maxPower || exponent > maxPower {
		return 0, mantissa == 0
	}
	zeros := bits.LeadingZeros64(mantissa)
	high, low := bits.Mul64(mantissa<<zeros, powers[exponent+maxPower])
	const below = 1<<9 - 1 // bits that are rounded away, but for the one that tells which way, at least
	if high&below == below {
		return 0, false
	}
	top := high >> 63
	m := high >> (top + 9) // 54 bits
	if low == 0 && high&below == 0 && m&3 == 1 {
		return 0, false // in the middle, or just above it
	}
	m = (m + m&1) >> 1
	e := exponent*217706>>16 + 64 + 1023 - zeros - 1 + int(top)
	if m>>53 != 0 {
		m >>= 1
		e++
	}
	return math.Float64frombits(uint64(e)<<52 | m&(1<<52-1)), true // whose exponent is far from both ends
}

func parseNonFinite(s []byte) (float64, bool) {
	switch string(s) {
	case "NaN", "nan", "NAN":
		return math.NaN(), true
	case "Infinity", "+Infinity", "inf", "+inf", "Inf", "+Inf", "infinity", "INF":
		return math.Inf(1), true
	case "-Infinity", "-inf", "-Inf", "-infinity", "-INF":
		return math.Inf(-1), true
	}
	return 0, false
}

// parseHalf reads the nearest float16.
func parseHalf(s []byte) (column.Float16, bool) {
	v, ok := parseFloat(s, 64)
	if !ok {
		return 0, false
	}
	f := float32(v)
	if wide := float64(f); wide != v && !math.IsInf(v, 0) && !math.IsNaN(v) { // keep what was cut, for one rounding and not two
		if math.Abs(wide) > math.Abs(v) {
			f = math.Float32frombits(math.Float32bits(f) - 1)
		}
		f = math.Float32frombits(math.Float32bits(f) | 1)
	}
	h := column.Float16Of(f)
	if h&0x7FFF == 31<<10 && !math.IsInf(v, 0) {
		return 0, false
	}
	return h, true
}

func parseBool(s []byte) (v, ok bool) {
	switch string(s) {
	case "true", "True", "TRUE", "1":
		return true, true
	case "false", "False", "FALSE", "0":
		return false, true
	}
	return false, false
}

const secondsPerDay = 24 * 60 * 60

// twoDigits reads a number of two digits at the start of s.
func twoDigits(s []byte) (int, bool) {
	if len(s) < 2 {
		return 0, false
	}
	a, b := s[0]-'0', s[1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// parseDay reads YYYY-MM-DD, or a year of more digits with its sign, at the start of s.
func parseDay(s []byte) (days int64, rest []byte, ok bool) {
	year, i := int64(0), 0
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		i = 1
	}
	signed := i
	for ; i < len(s) && s[i]-'0' <= 9 && i < 12; i++ {
		year = year*10 + int64(s[i]-'0')
	}
	if n := i - signed; n < 4 || n > 4 && signed == 0 {
		return 0, nil, false
	}
	if s = s[i:]; len(s) < 6 || s[0] != '-' || s[3] != '-' {
		return 0, nil, false
	}
	month, okMonth := twoDigits(s[1:])
	day, okDay := twoDigits(s[4:])
	if !okMonth || !okDay || month < 1 || month > 12 || day < 1 {
		return 0, nil, false
	}
	if negative {
		year = -year
	}
	if day > daysIn(year, month) {
		return 0, nil, false
	}
	return daysOf(year, month, day), s[6:], true
}

func daysIn(year int64, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// daysOf counts days from 1970-01-01, in years that begin with March.
func daysOf(year int64, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	y := year - era*400
	d := int64((153*(month-3)+2)/5 + day - 1)
	return era*146097 + y*365 + y/4 - y/100 + d - 719468
}

// parseClock reads HH:MM, HH:MM:SS or HH:MM:SS with up to nine digits of a second at the start of s.
func parseClock(s []byte) (seconds, nanos int64, rest []byte, ok bool) {
	hour, okHour := twoDigits(s)
	if !okHour || hour > 23 || len(s) < 5 || s[2] != ':' {
		return 0, 0, nil, false
	}
	minute, okMinute := twoDigits(s[3:])
	if !okMinute || minute > 59 {
		return 0, 0, nil, false
	}
	seconds, s = int64(hour*3600+minute*60), s[5:]
	if len(s) < 3 || s[0] != ':' {
		return seconds, 0, s, true
	}
	second, ok := twoDigits(s[1:])
	if !ok || second > 59 {
		return 0, 0, nil, false
	}
	seconds, s = seconds+int64(second), s[3:]
	if len(s) < 2 || s[0] != '.' {
		return seconds, 0, s, true
	}
	i := 1
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		if i <= 9 {
			nanos = nanos*10 + int64(s[i]-'0')
		} else if s[i] != '0' { // finer than a nanosecond
			return 0, 0, nil, false
		}
	}
	for n := i; n <= 9; n++ {
		nanos *= 10
	}
	return seconds, nanos, s[i:], i > 1
}

// parseZone reads Z, +HH, +HHMM or +HH:MM, or nothing.
func parseZone(s []byte) (offset int64, zoned, ok bool) {
	switch {
	case len(s) == 0:
		return 0, false, true
	case len(s) == 1 && (s[0] == 'Z' || s[0] == 'z'):
		return 0, true, true
	case len(s) < 3 || s[0] != '+' && s[0] != '-':
		return 0, false, false
	}
	hours, ok := twoDigits(s[1:])
	rest := s[3:]
	if len(rest) == 3 && rest[0] == ':' {
		rest = rest[1:]
	}
	minutes := 0
	if ok && len(rest) != 0 {
		minutes, ok = twoDigits(rest)
		ok = ok && len(rest) == 2
	}
	offset = int64(hours*3600 + minutes*60)
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true, ok && hours < 24 && minutes < 60
}

// instant is a timestamp as text has it.
type instant struct {
	seconds, nanos int64
	zoned          bool
}

// parseInstant reads a day, and the time of day behind a T or a space, with an offset or without.
func parseInstant(s []byte) (v instant, ok bool) {
	days, s, ok := parseDay(s)
	if !ok {
		return v, false
	}
	v.seconds = days * secondsPerDay
	if len(s) == 0 {
		return v, true
	}
	if s[0] != 'T' && s[0] != ' ' && s[0] != 't' {
		return v, false
	}
	seconds, nanos, s, ok := parseClock(s[1:])
	if !ok {
		return v, false
	}
	if len(s) > 1 && s[0] == ' ' { // before an offset
		s = s[1:]
	}
	offset, zoned, ok := parseZone(s)
	v.seconds, v.nanos, v.zoned = v.seconds+seconds-offset, nanos, zoned
	return v, ok
}

// in returns a number of seconds and nanoseconds in a unit. Ok is false where it does not fit or is not whole.
func in(seconds, nanos int64, unit column.Unit) (v int64, ok bool) {
	per := int64(unit)
	step := int64(column.Nanosecond) / per
	if nanos%step != 0 {
		return 0, false
	}
	part := nanos / step
	if seconds < 0 && part != 0 { // count down from the second after it, so that the products fit where their sum does
		seconds, part = seconds+1, part-per
	}
	if seconds > math.MaxInt64/per || seconds < math.MinInt64/per {
		return 0, false
	}
	v = seconds * per
	sum := v + part
	return sum, (sum >= v) == (part >= 0)
}

// maxSeconds is a million years or so: timestamps beyond it are printed, and read, as numbers.
const maxSeconds = 1_000_000 * 365 * secondsPerDay

// parseTimestamp reads a timestamp in a unit.
func parseTimestamp(s []byte, unit column.Unit, zoned, naiveUTC bool) (int64, bool) {
	at, ok := parseInstant(s)
	if !ok {
		v, ok := parseInt(s)
		seconds := v / int64(unit)
		return v, ok && (seconds > maxSeconds-1 || seconds < -maxSeconds+1)
	}
	if at.zoned != zoned && !(zoned && naiveUTC) {
		return 0, false
	}
	return in(at.seconds, at.nanos, unit)
}

// parseTimeOfDay reads a time of day in a unit. One outside of a day is a number.
func parseTimeOfDay(s []byte, unit column.Unit) (int64, bool) {
	seconds, nanos, rest, ok := parseClock(s)
	if !ok || len(rest) != 0 {
		v, ok := parseInt(s)
		return v, ok && (v < 0 || v >= secondsPerDay*int64(unit))
	}
	return in(seconds, nanos, unit)
}
