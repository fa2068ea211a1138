package column

import (
	"fmt"
	"reflect"
)

// Fixed are the Go types that a fixed-width column can be a slice of.
type Fixed interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Value are the Go types that lie in a column as they are in memory.
type Value interface {
	Fixed | Decimal128 | Decimal256 | MonthDayNano
}

// Index are the Go types of dictionary indices.
type Index interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// mustBeFixed panics where values of T are not made of numbers of a fixed width alone, such as [16]byte. What is generated
// always is, and a constraint cannot say it of arrays of any length.
func mustBeFixed[T any]() {
	if t := reflect.TypeFor[T](); !isFixed(t) {
		panic(fmt.Sprintf("lightstream: %v has no fixed width, and cannot be the value of a column", t))
	}
}

func isFixed(t reflect.Type) bool {
	switch k := t.Kind(); {
	case k == reflect.Array:
		return isFixed(t.Elem())
	case k == reflect.Struct:
		return t == reflect.TypeFor[Decimal128]() || t == reflect.TypeFor[MonthDayNano]()
	default:
		return k >= reflect.Int8 && k <= reflect.Int64 || k >= reflect.Uint8 && k <= reflect.Uint64 || k == reflect.Float32 || k == reflect.Float64
	}
}
