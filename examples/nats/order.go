package main

import "time"

//go:generate go tool lightstream-gen

// Order is an order as it is today: the fee has come later, and is absent in what was published before.
//
//lightstream:table
type Order struct {
	ID     int64     `arrow:"id"`
	Time   time.Time `arrow:"time,timestamp(us,UTC)"`
	Symbol string    `arrow:"symbol,dict"`
	Price  float64   `arrow:"price"`
	Fee    *float64  `arrow:"fee"`
}

// FirstOrder is an order as it was.
//
//lightstream:table
type FirstOrder struct {
	ID     int64     `arrow:"id"`
	Time   time.Time `arrow:"time,timestamp(us,UTC)"`
	Symbol string    `arrow:"symbol,dict"`
	Price  float64   `arrow:"price"`
}
