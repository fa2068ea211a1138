package feed

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

// Nested has columns below columns, in each form that a row can hold them.
//
//lightstream:table
type Nested struct {
	ID      int64
	Point   Point
	Maybe   rt.Null[Point]
	PtrLeg  *Leg
	Prices  []float64
	Tags    []string    `arrow:",required"`
	Large   []int32     `arrow:",large"`
	Viewed  []string    `arrow:",view,item(dict(uint8))"`
	Times   []time.Time `arrow:",item(timestamp(us,UTC))"`
	Spans   []*int64
	Notes   []rt.Null[string]
	Names   []Name
	Blobs   [][]byte
	Vec     [3]float32
	NullVec rt.Null[Vector]
	PtrVec  *[2]string
	Attrs   map[string]string
	Counts  map[int32]rt.Null[int64] `arrow:",required,key(dict)"`
	ByKey   map[Key]Leg
	Legs    []Leg
	PtrLegs []*Leg `arrow:",large"`
	Grid    [][]float64
	Deep    map[string][]map[string]*Point
	Moods   []Mood `arrow:",item(dict)"`
}

// Point is a place.
type Point struct {
	X, Y float64
}

// Vector is an array with a name.
type Vector [4]int16

// Leg is a part of an order.
type Leg struct {
	Venue  string `arrow:"venue,dict"`
	Text   string
	Note   *string
	Ratio  float64
	Filled rt.Null[int32]
	Seen   *time.Time `arrow:",timestamp(ms,UTC)"`
	From   Point
	To     *Point
	Fills  []Fill
	Extra  map[string]float64
}

// Fill is a part of a leg.
type Fill struct {
	At    time.Time
	Sizes []int64
	Flags []bool
	Raw   []byte `arrow:",view"`
}
