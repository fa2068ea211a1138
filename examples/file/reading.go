package main

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen

// Reading is what a sensor measured.
//
//lightstream:table
type Reading struct {
	Time    time.Time        `arrow:"time,timestamp(ms,UTC)"`
	Sensor  string           `arrow:"sensor,dict(int8)"`
	Celsius rt.Null[float32] `arrow:"celsius"` // null: the sensor did not answer
}
