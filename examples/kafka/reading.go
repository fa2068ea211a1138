package main

import "time"

//go:generate go tool lightstream-gen

// Reading is what a sensor measures, as it is today: the humidity has come later, and is null in what was produced before.
//
//lightstream:table
type Reading struct {
	Time     time.Time `arrow:"time,timestamp(ms,UTC)"`
	Sensor   string    `arrow:"sensor,dict"`
	Celsius  float64   `arrow:"celsius"`
	Humidity *float32  `arrow:"humidity"`
}

// FirstReading is a reading as it was.
//
//lightstream:table
type FirstReading struct {
	Time    time.Time `arrow:"time,timestamp(ms,UTC)"`
	Sensor  string    `arrow:"sensor,dict"`
	Celsius float64   `arrow:"celsius"`
}
