// Package matrix holds the tables of the workloads beside the reference batch: numbers alone, text alone, and many columns.
package matrix

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

// Strings is a row of four texts.
//
//lightstream:table
type Strings struct {
	S0 string `arrow:"s0"`
	S1 string `arrow:"s1"`
	S2 string `arrow:"s2"`
	S3 string `arrow:"s3"`
}
