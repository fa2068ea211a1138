package model

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// IsTimed tells whether values of the type are times or decimals, whose defaults [ParseTimed] reads.
func (t Type) IsTimed() bool {
	switch t.Kind {
	case Timestamp, Date, Time, Duration, Decimal:
		return true
	}
	return false
}

// ExampleOf returns a default of a type that is timed.
func ExampleOf(t Type) string {
	switch t.Kind {
	case Timestamp:
		if t.Zone != "" {
			return "2026-01-31T09:30:00Z"
		}
		return "2026-01-31T09:30:00"
	case Date:
		return "2026-01-31"
	case Time:
		return "09:30:00"
	case Duration:
		return "1m30s"
	}
	return "0"
}

// ParseTimed reads a default of a time or decimal column: a timestamp in RFC 3339, without its offset where the type has no zone, a date, a time of
// day, a duration in Go's form, a decimal. It returns how tags write it and what the runtime takes: an int64 in the column's unit, or a decimal
// that has more bits. Where the text is none, remedy tells what would be.
func ParseTimed(t Type, text string) (canonical string, value any, remedy string) {
	ok := false
	switch t.Kind {
	case Timestamp:
		layout := "2006-01-02T15:04:05"
		if t.Zone != "" {
			layout = time.RFC3339
		}
		remedy = "write a time such as " + ExampleOf(t) + inUnit(t)
		var at time.Time
		var err error
		if at, err = time.Parse(layout, text); err != nil {
			return "", nil, remedy
		}
		at = at.UTC()
		if value, ok = count(at.Unix(), at.Nanosecond(), t.Unit); !ok {
			return "", nil, remedy
		}
		layout = "2006-01-02T15:04:05.999999999"
		if t.Zone != "" {
			layout += "Z07:00"
		}
		return at.Format(layout), value, ""
	case Date:
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return "", nil, "write a day such as " + ExampleOf(t)
		}
		days := at.Unix() / (24 * 60 * 60)
		if t.Bits == 64 {
			return text, days * 24 * 60 * 60 * 1000, ""
		}
		return text, days, ""
	case Time:
		remedy = "write a time of day such as " + ExampleOf(t) + inUnit(t)
		at, err := time.Parse("15:04:05", text)
		if err != nil {
			return "", nil, remedy
		}
		at = at.UTC()
		seconds := int64(at.Hour()*3600 + at.Minute()*60 + at.Second())
		if value, ok = count(seconds, at.Nanosecond(), t.Unit); !ok {
			return "", nil, remedy
		}
		return at.Format("15:04:05.999999999"), value, ""
	case Duration:
		remedy = "write a duration in Go's form such as " + ExampleOf(t) + inUnit(t)
		d, err := time.ParseDuration(text)
		if err != nil {
			return "", nil, remedy
		}
		if value, ok = count(int64(d/time.Second), int(d%time.Second), t.Unit); !ok {
			return "", nil, remedy
		}
		return d.String(), value, ""
	case Decimal:
		return parseDecimal(t, text)
	}
	return "", nil, "leave it out"
}

// inUnit says what a time has to be a multiple of.
func inUnit(t Type) string {
	if t.Unit == Nanosecond {
		return ", whose nanoseconds int64 holds"
	}
	return fmt.Sprintf(", a multiple of 1%s", t.Unit)
}

// count returns a time in a unit, if it is a multiple of that and fits. Nanoseconds may be negative where seconds are not above zero.
func count(seconds int64, nanos int, unit Unit) (int64, bool) {
	per := map[Unit]int64{Second: 1, Millisecond: 1e3, Microsecond: 1e6, Nanosecond: 1e9}[unit]
	v := new(big.Int).Mul(big.NewInt(seconds), big.NewInt(per))
	v.Add(v, big.NewInt(int64(nanos)/(1e9/per)))
	return v.Int64(), v.IsInt64() && int64(nanos)%(1e9/per) == 0
}

func parseDecimal(t Type, text string) (canonical string, value any, remedy string) {
	remedy = fmt.Sprintf("write a number of up to %d digits, %d of them after the point", t.Precision, max(t.Scale, 0))
	if t.Scale < 0 {
		remedy = fmt.Sprintf("write a number of up to %d digits and %d zeros", t.Precision, -t.Scale)
	}
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	fraction = strings.TrimRight(fraction, "0")
	if whole == "" || point && strings.HasSuffix(text, ".") || strings.Trim(whole+fraction, "0123456789") != "" || len(text) > 200 {
		return "", nil, remedy
	}
	digits = whole + fraction
	switch zeros := t.Scale - len(fraction); {
	case zeros >= 0:
		digits += strings.Repeat("0", zeros)
	case fraction != "" || strings.Trim(digits[max(len(digits)+zeros, 0):], "0") != "":
		return "", nil, remedy
	default:
		digits = "0" + digits[:max(len(digits)+zeros, 0)]
	}
	v, ok := new(big.Int).SetString(digits, 10)
	if !ok || len(strings.TrimLeft(digits, "0")) > t.Precision {
		return "", nil, remedy
	}
	if negative {
		v.Neg(v)
	}
	wide, err := column.Decimal256Of(v)
	if err != nil {
		return "", nil, remedy
	}
	canonical = wide.Text(t.Scale)
	if v.IsInt64() {
		return canonical, v.Int64(), ""
	}
	if t.Bits == 128 {
		narrow, err := column.Decimal128Of(v)
		if err != nil {
			return "", nil, remedy
		}
		return canonical, narrow, ""
	}
	return canonical, wide, ""
}
