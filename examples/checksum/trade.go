package main

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen

// Trade is one execution.
//
//lightstream:table
type Trade struct {
	Symbol string  `arrow:"symbol,dict"`
	Price  float64 `arrow:"price"`
	Size   int64   `arrow:"size"`
}
