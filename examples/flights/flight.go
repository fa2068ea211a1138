package main

import "time"

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen

// Flight is one domestic flight in the United States.
//
//lightstream:table
type Flight struct {
	Date        time.Time `arrow:"date,timestamp(us)"` // no zone: the wall clock at the origin, held as UTC
	Delay       int32     `arrow:"delay"`              // minutes; negative is early
	Distance    int32     `arrow:"distance"`           // miles
	Origin      string    `arrow:"origin,dict"`        // code of the airport
	Destination string    `arrow:"destination,dict"`   // code of the airport
}
