package main

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen

// Tick is what something cost at a time.
//
//lightstream:table
type Tick struct {
	Symbol string  `arrow:"symbol,dict"`
	Price  float64 `arrow:"price"`
}
