package column

import (
	"errors"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/internal/decimal"
)

// ErrDecimal tells of a text that is no decimal of the scale that is wanted.
var ErrDecimal = errors.New("not a decimal of this scale")

// ParseDecimal returns the unscaled decimal that s stands for: "12.34" with scale 4 is 123400. Text of the result is the way back.
// A sign may stand before the digits, and zeros anywhere; more digits behind the point than scale are no rounding but an error that wraps
// [ErrDecimal], and so are exponents and spaces. The error wraps [ErrPrecision] if s does not fit T; a column may have less digits than
// that.
func ParseDecimal[T Decimal](s string, scale int) (v T, err error) {
	var words [4]uint64
	n := 1
	switch any(v).(type) {
	case Decimal128:
		n = 2
	case Decimal256:
		n = 4
	}
	p := []byte(s)
	if !decimal.Parse(p, scale, words[:n]) {
		if decimal.Parse(p, scale, words[:]) {
			return v, tooWide(v, s, scale)
		}
		return v, fmt.Errorf("%w: %.100q, want digits with at most %d behind the point that are not 0, such as %s", ErrDecimal, s, max(scale, 0), Decimal32(0).Text(scale))
	}
	switch p := any(&v).(type) {
	case *Decimal32:
		if i := int64(words[0]); i < math.MinInt32 || i > math.MaxInt32 {
			return v, tooWide(v, s, scale)
		}
		*p = Decimal32(words[0])
	case *Decimal64:
		*p = Decimal64(words[0])
	case *Decimal128:
		*p = Decimal128{words[0], int64(words[1])}
	case *Decimal256:
		*p = words
	}
	return v, nil
}

func tooWide[T Decimal](v T, s string, scale int) error {
	return fmt.Errorf("%w: %.100q with scale %d does not fit a %T", ErrPrecision, s, scale, v)
}
