package tables

import "time"

// Flight is a flight whose airports stand in dictionaries.
//
//lightstream:table
type Flight struct {
	Date        time.Time `arrow:"date,timestamp(us)"`
	Delay       int32     `arrow:"delay"`    // minutes
	Distance    int32     `arrow:"distance"` // miles
	Origin      string    `arrow:"origin,dict"`
	Destination string    `arrow:"destination,dict"`
}

// TextFlight is a flight whose airports are plain text.
//
//lightstream:table
type TextFlight struct {
	Date        time.Time `arrow:"date,timestamp(us)"`
	Delay       int32     `arrow:"delay"`    // minutes
	Distance    int32     `arrow:"distance"` // miles
	Origin      string    `arrow:"origin"`
	Destination string    `arrow:"destination"`
}
