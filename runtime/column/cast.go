package column

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
