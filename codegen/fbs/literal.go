package fbs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// literalKind says how a value is written.
type literalKind uint8

const (
	litInt literalKind = iota + 1
	litFloat
	litString
	litIdent // a name, which may have dots: a constant, true, false, inf, nan, null
	litList  // [], the empty vector
)

// literal is a value as written in a schema.
type literal struct {
	pos  Pos
	kind literalKind
	text string // as written, with its sign
	str  string // what a string says
}

// String returns the value as written, for an error.
func (v *literal) String() string { return clip(v.text) }

func isRange(err error) bool { return errors.Is(err, strconv.ErrRange) }

// parseInt reads an integer of the language for kind k. Unsigned ones come back with the same bits. The error is one
// for a message: it says what would be right.
func parseInt(text string, k Kind) (int64, error) {
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(text, "+")
	}
	base := 10
	if isHexNumber(digits) {
		digits, base = digits[2:], 16
	}
	lo, hi := k.integerRange()
	v, err := strconv.ParseUint(digits, base, 64)
	if err != nil && !isRange(err) {
		return 0, fmt.Errorf("a whole number")
	}
	if err != nil || !negative && v > hi || negative && v > uint64(-lo) {
		return 0, fmt.Errorf("%d to %d, the range of %v", lo, hi, k)
	}
	if negative {
		return -int64(v), nil
	}
	return int64(v), nil
}

// parseFloat reads a floating-point number of the language: a whole number, 1.5, .5, 1e9, 0x1.8p3.
func parseFloat(text string) (float64, error) {
	if isHexNumber(strings.TrimLeft(text, "+-")) && !strings.ContainsAny(text, "pP") {
		text += "p0" // which Go wants
	}
	if strings.Contains(text, "_") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// namedFloats are floating-point values with a name, without sign.
var namedFloats = map[string]float64{"inf": math.Inf(1), "infinity": math.Inf(1), "nan": math.NaN()}

// floatName returns the value of a name with or without a sign.
func floatName(text string) (float64, bool) {
	v, ok := namedFloats[strings.TrimLeft(text, "+-")]
	if ok && strings.HasPrefix(text, "-") {
		v = -v
	}
	return v, ok
}
