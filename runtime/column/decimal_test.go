package column_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// parsed is what a text becomes in a width, as a big integer.
func parsed[T interface {
	column.Decimal
	Big() *big.Int
}](s string, scale int) (*big.Int, error) {
	v, err := column.ParseDecimal[T](s, scale)
	return v.Big(), err
}

// TestParseDecimal reads texts in each width: what fits none is another error than what is no decimal.
func TestParseDecimal(t *testing.T) {
	widths := []func(string, int) (*big.Int, error){parsed[column.Decimal32], parsed[column.Decimal64], parsed[column.Decimal128], parsed[column.Decimal256]}
	nines := func(n int) string { return strings.Repeat("9", n) }
	for _, c := range []struct {
		s     string
		scale int
		want  string
		from  int // the first width that holds it
	}{
		{"12.34", 4, "123400", 0},
		{"-0.5", 1, "-5", 0},
		{"+.5", 3, "500", 0},
		{"7", 0, "7", 0},
		{"7.", 2, "700", 0},
		{"1.500", 1, "15", 0},
		{"12000", -3, "12", 0},
		{"0", 2, "0", 0},
		{"-0", 2, "0", 0},
		{nines(9), 0, nines(9), 0},
		{"2147483648", 0, "2147483648", 1},
		{"-2147483649", 0, "-2147483649", 1},
		{nines(18), 0, nines(18), 1},
		{"-" + nines(38), 0, "-" + nines(38), 2},
		{nines(66) + ".0123456789", 10, nines(66) + "0123456789", 3},
	} {
		for i, parse := range widths {
			got, err := parse(c.s, c.scale)
			switch {
			case i < c.from && !errors.Is(err, column.ErrPrecision):
				t.Errorf("%s in width %d: %v, %v, want ErrPrecision", c.s, i, got, err)
			case i >= c.from && (err != nil || got.String() != c.want):
				t.Errorf("%s in width %d: %v, %v, want %s", c.s, i, got, err, c.want)
			}
		}
	}
	for _, s := range []string{"", "-", ".", "1e3", " 1", "1 ", "12.345", "0x1", "1,5", "NaN", "1.2.3", "--1"} {
		for i, parse := range widths {
			if got, err := parse(s, 2); !errors.Is(err, column.ErrDecimal) || got.Sign() != 0 {
				t.Errorf("%q in width %d: %v, %v, want ErrDecimal", s, i, got, err)
			}
		}
	}
	if _, err := column.ParseDecimal[column.Decimal256](nines(100), 0); !errors.Is(err, column.ErrDecimal) && !errors.Is(err, column.ErrPrecision) {
		t.Error(err)
	}
}

// TestParseDecimalText reads what Text writes.
func TestParseDecimalText(t *testing.T) {
	for _, scale := range []int{-3, 0, 1, 10, 40} {
		for _, v := range []int64{0, 1, -1, 12345, -999_999_999_999_999_999} {
			d := column.Decimal256From(v)
			if back, err := column.ParseDecimal[column.Decimal256](d.Text(scale), scale); err != nil || back != d {
				t.Errorf("%s with scale %d: %v, %v", d.Text(scale), scale, back, err)
			}
		}
	}
}
