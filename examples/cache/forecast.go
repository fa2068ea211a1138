package main

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen

// Forecast is what the weather of an hour will be.
//
//lightstream:table
type Forecast struct {
	Hour    int32   `arrow:"hour"`
	Celsius float32 `arrow:"celsius"`
	Sky     string  `arrow:"sky"`
}
