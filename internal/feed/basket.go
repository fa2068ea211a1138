package feed

import rt "github.com/lightstream-go/lightstream/runtime"

// Basket is a message with a field of each type that leads to others.
//
//lightstream:message
type Basket struct {
	ID      int64
	Sizes   []int64
	Prices  []float64 `arrow:"prices,required"`
	Flags   []bool
	Sides   []side
	Small   []int8
	Names   []string
	Labels  []label `arrow:"labels,required"`
	Main    Lot
	Hedge   rt.Null[Lot]
	Other   *Lot
	Lots    []Lot
	From    Place
	To      rt.Null[Place]
	Via     *Place
	Corners []Place
}

// Lot is one of a basket.
type Lot struct {
	Symbol string
	Side   side
	Qty    int32 `arrow:"qty,default=100"`
	Limit  *float64
	Dones  []Done
	Notes  []string
	At     rt.Null[Place]
}

// Done is a part of a leg that was done.
type Done struct {
	Price float64
	Venue rt.Null[string]
	Key   []byte
}

// Place lies in place: its fields are always there, and can never change.
//
//lightstream:struct
type Place struct {
	Live  bool
	X     int32
	Y     float64
	Key   [3]byte
	Side  side
	Steps [3]uint16
	Area  Area
	Areas [2]Area
}

// Area is a part of a point.
//
//lightstream:struct
type Area struct {
	W uint8
	H float32
}

//lightstream:protocol Desk = Basket
