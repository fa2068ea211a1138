package main

//go:generate go tool lightstream-gen

// Numeric is a row of four numbers.
//
//lightstream:table
type Numeric struct {
	I64 int64   `arrow:"i64"`
	F64 float64 `arrow:"f64"`
	I32 int32   `arrow:"i32"`
	F32 float32 `arrow:"f32"`
}
