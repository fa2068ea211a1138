package text

import (
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Guess finds the narrowest of a few types that holds all of the texts that it is shown. The zero value has seen none.
type Guess struct {
	seen                                       bool
	notBool, notInt, notUint, notFloat         bool
	notDate, notNaive, notZoned, notTime, wide bool
	nanos                                      bool
}

// Seen tells whether there was a text.
func (g *Guess) Seen() bool { return g.seen }

// Add shows a text. An empty one is a string.
func (g *Guess) Add(s []byte) {
	g.seen = true
	if len(s) == 0 {
		g.notBool, g.notInt, g.notUint, g.notFloat, g.notDate, g.notNaive, g.notZoned, g.notTime = true, true, true, true, true, true, true, true
		return
	}
	if !g.notBool {
		_, ok := parseBool(s)
		g.notBool = !ok || len(s) == 1
	}
	if !g.notInt || !g.notUint || !g.notFloat {
		g.number(s)
	}
	if g.notDate && g.notNaive && g.notZoned && g.notTime {
		return
	}
	at, ok := parseInstant(s)
	bare := false // a day alone
	if ok {
		_, rest, _ := parseDay(s)
		bare = len(rest) == 0
	}
	g.notDate = g.notDate || !ok || !bare
	g.notNaive = g.notNaive || !ok || at.zoned
	g.notZoned = g.notZoned || !ok || !at.zoned
	if ok && at.nanos%1000 != 0 {
		g.nanos = true
	}
	if ok {
		_, fits := in(at.seconds, at.nanos, column.Nanosecond)
		g.wide = g.wide || !fits
	}
	_, nanos, rest, ok := parseClock(s)
	g.notTime = g.notTime || !ok || len(rest) != 0
	if ok && nanos%1000 != 0 {
		g.nanos = true
	}
}

// number looks whether s is a number. One with zeros before it or a plus is rather a text, which a number would not keep.
func (g *Guess) number(s []byte) {
	digits := s
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || digits[0] == '+' || len(digits) > 1 && digits[0] == '0' && digits[1] != '.' && digits[1]|0x20 != 'e' {
		g.notInt, g.notUint, g.notFloat = true, true, true
		return
	}
	if string(s) == "-0" {
		g.notInt, g.notUint = true, true
		return
	}
	v, ok := parseInt(s)
	if g.notInt = g.notInt || !ok; ok {
		if v < 0 {
			g.notUint = true
		}
		if v > 1<<53 || v < -1<<53 {
			g.notFloat = true // which would not keep it
		}
		return
	}
	if _, ok := parseUint(s); ok {
		g.notFloat = true
		return
	}
	g.notUint = true
	f, ok := parseFloat(s, 64)
	_, _, _, exact, decimal := decimalParts(s)
	if !ok || math.IsInf(f, 0) && decimal || !exact && decimal {
		g.notFloat = true
	}
}

// Type returns the type: bool, int64, uint64, float64, date32, time64, timestamp, or utf8, also where there was no text.
func (g *Guess) Type() ipc.Type {
	unit := column.Microsecond
	if g.nanos && !g.wide {
		unit = column.Nanosecond
	}
	switch {
	case !g.seen:
		return ipc.Utf8
	case !g.notBool:
		return ipc.Bool
	case !g.notInt:
		return ipc.Int64
	case !g.notUint:
		return ipc.Uint64
	case !g.notFloat:
		return ipc.Float64
	case !g.notDate:
		return ipc.Date32
	case g.nanos && g.wide: // no unit holds them all
		return ipc.Utf8
	case !g.notTime:
		return ipc.Time64(unit)
	case !g.notNaive:
		return ipc.Timestamp(unit, "")
	case !g.notZoned:
		return ipc.Timestamp(unit, "UTC")
	}
	return ipc.Utf8
}
