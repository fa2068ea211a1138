package main

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen

// Reading is what a weather station measures at a time.
//
//lightstream:table
type Reading struct {
	Time        time.Time        `arrow:"time,timestamp(ms,UTC)"`
	Temperature float64          `arrow:"temperature"` // degrees Celsius
	Wind        float64          `arrow:"wind"`        // metres a second
	Pressure    float32          `arrow:"pressure"`    // hectopascals
	Sky         string           `arrow:"sky,dict"`    // clear, clouds, rain
	Rain        rt.Null[float32] `arrow:"rain"`        // millimetres an hour, null where none falls
	Gusts       []float32        `arrow:"gusts"`       // of the last second
	Mast        Mast             `arrow:"mast"`        // the instruments
	Turns       uint64           `arrow:"turns"`       // of the cups, since they were built
}

// Mast is where the instruments are.
type Mast struct {
	Height  int16   `arrow:"height"`  // metres
	Voltage float32 `arrow:"voltage"` // of the battery
}
