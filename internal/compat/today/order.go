// Package today has the nested table of package v1, and what the generator makes of it today.
package today

import rt "github.com/lightstream-go/lightstream/runtime"

//go:generate go run ../../../cmd/lightstream-gen

// Order has columns below columns, a union, runs and dictionaries.
//
//lightstream:table
type Order struct {
	ID     int64
	Symbol string `arrow:",dict"`
	Legs   []Leg
	Event  Event
	Past   []Event `arrow:",required"`
	Venue  string  `arrow:",ree"`
	Desk   *string `arrow:",dict,ree"`
	Marks  map[string]float64
	Band   [2]float64
	Tags   []string `arrow:",item(dict)"`
}

// Leg is a part of an order.
type Leg struct {
	Side  string `arrow:",dict(int8)"`
	Price rt.Null[float64]
	Sizes []int32 `arrow:",large"`
}

// Event is what happened last.
//
//lightstream:union Ack | Reject = 5 | null
type Event interface{ isEvent() }

type (
	// Ack has a column below it.
	Ack struct{ Fills []Leg }
	// Reject is a text.
	Reject string
)

func (Ack) isEvent()    {}
func (Reject) isEvent() {}
