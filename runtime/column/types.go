package column

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strings"
	"time"
)

// Float16 is a half-precision number: 1 bit of sign, 5 of exponent, 10 of fraction, as IEEE 754 has it.
type Float16 uint16

// Float32 returns the number, which a float32 holds exactly.
func (f Float16) Float32() float32 {
	sign, exponent, fraction := uint32(f>>15)<<31, uint32(f>>10&31), uint32(f&1023)
	switch exponent {
	case 31: // infinity, or not a number with its payload
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	case 0: // subnormal: fraction × 2^-24
		return math.Float32frombits(math.Float32bits(float32(fraction)/(1<<24)) | sign)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// Float16Of returns the half nearest to v, to even where two are as near; infinity beyond 65,504 and what rounds to it.
func Float16Of(v float32) Float16 {
	b := math.Float32bits(v)
	sign, exponent, fraction := Float16(b>>16&0x8000), int(b>>23&255), b&(1<<23-1)
	switch {
	case exponent == 255 && fraction != 0:
		return sign | 31<<10 | Float16(fraction>>13) | 1<<9 // quiet
	case exponent > 142:
		return sign | 31<<10
	case exponent < 102:
		return sign
	}
	drop := uint(13)
	h := uint32(0)
	if exponent >= 113 {
		h = uint32(exponent-112) << 10
	} else { // subnormal
		fraction |= 1 << 23
		drop += uint(113 - exponent)
	}
	rest := fraction & (1<<drop - 1)
	h += fraction >> drop
	if half := uint32(1) << (drop - 1); rest > half || rest == half && h&1 == 1 {
		h++ // a carry goes on into the exponent, as it must
	}
	return sign | Float16(h)
}

// String returns the shortest decimal that means the same float32.
func (f Float16) String() string { return fmt.Sprint(f.Float32()) }

// Date is a day: how many days after 1970-01-01.
type Date int32

// DateOf returns the day of t in t's own location. One beyond the years that a Date can hold, which go from -5877641 to 5881580,
// is cut to the nearest that it can.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	days := time.Date(min(max(y, -6e6), 6e6), m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
	return Date(min(max(days, math.MinInt32), math.MaxInt32))
}

const secondsPerDay = 24 * 60 * 60

// Time returns the start of the day in UTC.
func (d Date) Time() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// String returns the day as YYYY-MM-DD.
func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// DateMillis is a day as Arrow's date64 has it: milliseconds after 1970-01-01, a multiple of a day's 86,400,000.
type DateMillis int64

// Time returns the moment in UTC, the start of a day where the value is a multiple of one.
func (d DateMillis) Time() time.Time { return time.UnixMilli(int64(d)).UTC() }

// Date returns the day.
func (d DateMillis) Date() Date {
	const millis = secondsPerDay * 1000
	q := int64(d) / millis
	if int64(d)%millis < 0 {
		q--
	}
	return Date(q)
}

// String returns the day as YYYY-MM-DD.
func (d DateMillis) String() string { return d.Time().Format(time.DateOnly) }

// MonthDayNano is a span of the calendar whose parts do not make each other up: a month has no fixed number of days, nor a day
// of nanoseconds.
type MonthDayNano struct {
	Months, Days int32
	Nanos        int64
}

// Decimal32 is an unscaled decimal of up to 9 digits.
type Decimal32 int32

// Decimal64 is an unscaled decimal of up to 18 digits.
type Decimal64 int64

// Decimal128 is an unscaled decimal of up to 38 digits: a two's complement number of 128 bits.
type Decimal128 struct {
	Lo uint64
	Hi int64
}

// Decimal256 is an unscaled decimal of up to 76 digits: a two's complement number of 256 bits, the lowest word first.
type Decimal256 [4]uint64

// ErrPrecision tells of a decimal with more digits than its column has.
var ErrPrecision = errors.New("decimal has more digits than its column")

// Big returns d as a big integer.
func (d Decimal32) Big() *big.Int { return big.NewInt(int64(d)) }

// Big returns d as a big integer.
func (d Decimal64) Big() *big.Int { return big.NewInt(int64(d)) }

// Big returns d as a big integer.
func (d Decimal128) Big() *big.Int { return bigOf([]uint64{d.Lo, uint64(d.Hi)}) }

// Big returns d as a big integer.
func (d Decimal256) Big() *big.Int { return bigOf(d[:]) }

// bigOf returns a two's complement number, the lowest word first.
func bigOf(words []uint64) *big.Int {
	negative := int64(words[len(words)-1]) < 0
	b := make([]big.Word, 0, 8)
	carry := uint64(1)
	for _, w := range words {
		if negative {
			w, carry = bits.Add64(^w, carry, 0)
		}
		b = append(b, big.Word(w))
		if bits.UintSize == 32 {
			b = append(b, big.Word(w>>32))
		}
	}
	v := new(big.Int).SetBits(b)
	if negative {
		v.Neg(v)
	}
	return v
}

// wordsOf sets words to v in two's complement. It returns false if v does not fit.
func wordsOf(words []uint64, v *big.Int) bool {
	abs, negative := new(big.Int).Abs(v), v.Sign() < 0
	if negative {
		abs.Sub(abs, big.NewInt(1)) // -v = ^(v-1)
	}
	if abs.BitLen() >= 64*len(words) {
		return false
	}
	buf := make([]byte, 8*len(words))
	abs.FillBytes(buf)
	for i := range words {
		w := uint64(0)
		for _, b := range buf[len(buf)-8*i-8 : len(buf)-8*i] {
			w = w<<8 | uint64(b)
		}
		if negative {
			w = ^w
		}
		words[i] = w
	}
	return true
}

// Decimal128Of returns v, or an error that wraps [ErrPrecision] if it does not fit 128 bits.
func Decimal128Of(v *big.Int) (Decimal128, error) {
	var w [2]uint64
	if !wordsOf(w[:], v) {
		return Decimal128{}, fmt.Errorf("%w: %v does not fit 128 bits; use a Decimal256", ErrPrecision, v)
	}
	return Decimal128{w[0], int64(w[1])}, nil
}

// Decimal256Of returns v, or an error that wraps [ErrPrecision] if it does not fit 256 bits.
func Decimal256Of(v *big.Int) (Decimal256, error) {
	var w Decimal256
	if !wordsOf(w[:], v) {
		return Decimal256{}, fmt.Errorf("%w: %v does not fit 256 bits, and there is no wider decimal; lower the scale", ErrPrecision, v)
	}
	return w, nil
}

// Decimal128From returns the integer v.
func Decimal128From(v int64) Decimal128 { return Decimal128{uint64(v), v >> 63} }

// Decimal256From returns the integer v.
func Decimal256From(v int64) Decimal256 {
	s := uint64(v >> 63)
	return Decimal256{uint64(v), s, s, s}
}

// Text writes an unscaled decimal with its point: scale digits stand behind it, none where scale is 0 or less.
func (d Decimal32) Text(scale int) string { return decimalText(d.Big(), scale) }

// Text writes an unscaled decimal with its point: scale digits stand behind it, none where scale is 0 or less.
func (d Decimal64) Text(scale int) string { return decimalText(d.Big(), scale) }

// Text writes an unscaled decimal with its point: scale digits stand behind it, none where scale is 0 or less.
func (d Decimal128) Text(scale int) string { return decimalText(d.Big(), scale) }

// Text writes an unscaled decimal with its point: scale digits stand behind it, none where scale is 0 or less.
func (d Decimal256) Text(scale int) string { return decimalText(d.Big(), scale) }

func decimalText(v *big.Int, scale int) string {
	digits := new(big.Int).Abs(v).String()
	sign := ""
	if v.Sign() < 0 {
		sign = "-"
	}
	switch {
	case v.Sign() == 0 && scale <= 0:
		return "0"
	case scale <= 0:
		return sign + digits + strings.Repeat("0", -scale)
	case len(digits) <= scale:
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// Decimal is an unscaled decimal of any width.
type Decimal interface {
	Decimal32 | Decimal64 | Decimal128 | Decimal256
	comparable
	Big() *big.Int
	Text(scale int) string
}

// negative tells whether a two's complement number is below zero, and less whether a < b.
func (d Decimal128) less(e Decimal128) bool { return d.Hi < e.Hi || d.Hi == e.Hi && d.Lo < e.Lo }

func (d Decimal256) less(e Decimal256) bool {
	if a, b := int64(d[3]), int64(e[3]); a != b {
		return a < b
	}
	for i := 2; i >= 0; i-- {
		if d[i] != e[i] {
			return d[i] < e[i]
		}
	}
	return false
}

// fits returns a test for decimals of a precision: between -10^precision and 10^precision, both excluded.
func fits[T Decimal](precision int) func(T) bool {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	limit.Sub(limit, big.NewInt(1)) // the largest
	switch any(*new(T)).(type) {
	case Decimal32, Decimal64:
		most := int64(math.MaxInt64)
		if limit.IsInt64() {
			most = limit.Int64()
		}
		return func(v T) bool {
			var n int64
			switch d := any(v).(type) {
			case Decimal32:
				n = int64(d)
			case Decimal64:
				n = int64(d)
			}
			return n <= most && n >= -most
		}
	case Decimal128:
		top, err := Decimal128Of(limit)
		bottom, _ := Decimal128Of(new(big.Int).Neg(limit))
		return func(v T) bool {
			d := any(v).(Decimal128)
			return err != nil || !top.less(d) && !d.less(bottom)
		}
	}
	top, err := Decimal256Of(limit)
	bottom, _ := Decimal256Of(new(big.Int).Neg(limit))
	return func(v T) bool {
		d := any(v).(Decimal256)
		return err != nil || !top.less(d) && !d.less(bottom)
	}
}
