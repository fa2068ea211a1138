package rt

import "github.com/lightstream-go/lightstream/runtime/column"

// The types of values that Go has none for, as rows hold them.
type (
	// Float16 is a half-precision number.
	Float16 = column.Float16
	// Date is a day: days after 1970-01-01.
	Date = column.Date
	// DateMillis is a day: milliseconds after 1970-01-01.
	DateMillis = column.DateMillis
	// Decimal32 is an unscaled decimal of up to 9 digits.
	Decimal32 = column.Decimal32
	// Decimal64 is an unscaled decimal of up to 18 digits.
	Decimal64 = column.Decimal64
	// Decimal128 is an unscaled decimal of up to 38 digits.
	Decimal128 = column.Decimal128
	// Decimal256 is an unscaled decimal of up to 76 digits.
	Decimal256 = column.Decimal256
)

// ParseDecimal returns the unscaled decimal that s stands for: "12.34" with scale 4 is 123400. Generated code has a constant for the scale
// of each decimal column. See [column.ParseDecimal].
func ParseDecimal[T column.Decimal](s string, scale int) (T, error) {
	return column.ParseDecimal[T](s, scale)
}
