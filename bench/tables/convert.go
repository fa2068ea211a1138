package tables

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

// Reading is a row of six numbers.
//
//lightstream:table
type Reading struct {
	Time     int64   `arrow:"time,timestamp(ns,UTC)"`
	Sensor   int32   `arrow:"sensor"`
	Value    float64 `arrow:"value"`
	Lower    float64 `arrow:"lower"`
	Upper    float64 `arrow:"upper"`
	Sequence int64   `arrow:"sequence"`
}

// Typed is what the streams of the tables below are read as.
//
//lightstream:table
type Typed struct {
	Value    int64     `arrow:"value"`
	Time     time.Time `arrow:"time"`
	Category string    `arrow:"category,dict"`
}

// Nullable has its values nullable.
//
//lightstream:table
type Nullable struct {
	Value    rt.Null[int64] `arrow:"value"`
	Time     time.Time      `arrow:"time"`
	Category string         `arrow:"category,dict"`
}

// Micros has its times in microseconds.
//
//lightstream:table
type Micros struct {
	Value    int64     `arrow:"value"`
	Time     time.Time `arrow:"time,timestamp(us,UTC)"`
	Category string    `arrow:"category,dict"`
}

// Narrow has its dictionary's indices in a byte.
//
//lightstream:table
type Narrow struct {
	Value    int64     `arrow:"value"`
	Time     time.Time `arrow:"time"`
	Category string    `arrow:"category,dict(uint8)"`
}
