package text

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/decimal"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// TestNumbers compares with package strconv.
func TestNumbers(t *testing.T) {
	texts := []string{"0", "-0", "+1", "1e5", "1E-5", ".5", "5.", ".", "", "-", "+", "e5", "1e", "1e+", "0x10", "1_000", "00012", "9007199254740993", "123456789012345678901234567890", "1e400", "-1e-400", "0.1", "3.4028236e38", "1.7976931348623157e308", "18446744073709551615", "18446744073709551616", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "00000000000000000000000018446744073709551615", "12345678", "1234567a", "0.3333333333333333333", "99999999999999999999"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		f := math.Float64frombits(r.Uint64())
		texts = append(texts, strconv.FormatFloat(f, 'g', -1, 64), strconv.FormatFloat(float64(float32(r.NormFloat64())), 'f', -1, 32),
			strconv.FormatFloat(math.Round(r.NormFloat64()*1e4)/100, 'f', -1, 64), strconv.FormatInt(r.Int64()>>r.IntN(60), 10), strconv.FormatUint(r.Uint64()>>r.IntN(60), 10))
	}
	same := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b }
	for _, s := range texts {
		v, ok := parseInt([]byte(s))
		want, err := strconv.ParseInt(s, 10, 64)
		if ok != (err == nil) || ok && v != want {
			t.Errorf("parseInt(%q) = %d, %v, want %d, %v", s, v, ok, want, err)
		}
		u, ok := parseUint([]byte(s))
		wantU, err := strconv.ParseUint(s, 10, 64)
		if ok != (err == nil) || ok && u != wantU {
			t.Errorf("parseUint(%q) = %d, %v, want %d, %v", s, u, ok, wantU, err)
		}
		if s == "0x10" || s == "1_000" {
			continue
		}
		for _, width := range []int{32, 64} {
			f, ok := parseFloat([]byte(s), width)
			wantF, err := strconv.ParseFloat(s, width)
			if ok != (err == nil) || ok && !same(f, wantF) {
				t.Errorf("parseFloat(%q, %d) = %v, %v, want %v, %v", s, width, f, ok, wantF, err)
			}
		}
	}
	for h := range 1 << 16 { // every half reads back
		v := column.Float16(h)
		f := v.Float32()
		if f != f || math.IsInf(float64(f), 0) {
			continue
		}
		if have, ok := parseHalf(strconv.AppendFloat(nil, float64(f), 'f', -1, 32)); !ok || have != v {
			t.Fatalf("half %v is read as %v, %v", v, have, ok)
		}
	}
	if h, ok := parseHalf([]byte("1.00048828125001")); !ok || h != 0x3C01 { // just above the middle of two
		t.Errorf("half %#x, %v: rounded twice", uint16(h), ok)
	}
}

// TestTimes compares with package time, for each day of some centuries and others.
func TestTimes(t *testing.T) {
	for day := int64(-800_000); day < 800_000; day += 13 {
		at := time.Unix(day*secondsPerDay, 0).UTC()
		if at.Year() < 0 || at.Year() > 9999 {
			continue
		}
		have, rest, ok := parseDay([]byte(at.Format(time.DateOnly)))
		if !ok || have != day || len(rest) != 0 {
			t.Fatalf("%v: %d, %v, want %d", at, have, ok, day)
		}
	}
	for s, want := range map[string]int64{
		"2024-02-29T12:34:56.000123Z": 1709210096000123000, "2024-02-29 12:34:56.000123+00": 1709210096000123000,
		"2024-02-29T07:34:56.000123-0500": 1709210096000123000, "2024-02-29T18:04:56.000123+05:30": 1709210096000123000,
		"1969-12-31T23:59:59.999999999Z": -1, "1677-09-21T00:12:43.145224192Z": math.MinInt64, "2262-04-11T23:47:16.854775807Z": math.MaxInt64,
		"2024-02-29T12:34Z": 1709210040000000000, "2024-02-29T12:34:56.1230000000Z": 1709210096123000000,
	} {
		if v, ok := parseTimestamp([]byte(s), column.Nanosecond, true, false); !ok || v != want {
			t.Errorf("%s: %d, %v, want %d", s, v, ok, want)
		}
	}
	for _, s := range []string{
		"", "2024", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00",
		"2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224191Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.0000000001Z", "2024-01-01T00:00:00+1", "2024-01-01T00:00:00+25:00",
		"12345678", "12024-01-01T00:00:00Z", "2024-1-1T00:00:00Z", "2024-01-01X00:00:00Z",
	} {
		if v, ok := parseTimestamp([]byte(s), column.Nanosecond, true, false); ok {
			t.Errorf("%q is read as %d", s, v)
		}
	}
	if v, ok := parseTimestamp([]byte("2024-01-01T00:00:00.5Z"), column.Second, true, false); ok {
		t.Errorf("half a second is read as %d", v)
	}
	if v, ok := parseTimestamp([]byte("9223372036854775807"), column.Second, true, false); !ok || v != math.MaxInt64 {
		t.Errorf("a number beyond the calendar is read as %d, %v", v, ok)
	}
	if _, ok := parseTimeOfDay([]byte("3600"), column.Second); ok {
		t.Error("a number within the day is a time")
	}
}

func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		s     string
		scale int
		want  int64
		ok    bool
	}{
		{"-1.5", 3, -1500, true},
		{"1", 2, 100, true},
		{"1.005", 2, 0, false},
		{"1.000", 2, 100, true},
		{"1500", -2, 15, true},
		{"1550", -2, 0, false},
		{"", 2, 0, false},
		{".", 2, 0, false},
		{"-", 2, 0, false},
		{"1.2.3", 2, 0, false},
		{".5", 1, 5, true},
		{"1e3", 0, 0, false},
		{"0", -3, 0, true},
		{"9223372036854775807", 0, math.MaxInt64, true},
		{"9223372036854775808", 0, 0, false},
		{"00.10", 1, 1, true},
	} {
		var w [1]uint64
		ok := decimal.Parse([]byte(c.s), c.scale, w[:])
		if ok != c.ok || ok && int64(w[0]) != c.want {
			t.Errorf("%q of scale %d: %d, %v, want %d, %v", c.s, c.scale, int64(w[0]), ok, c.want, c.ok)
		}
	}
}
