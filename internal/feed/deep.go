package feed

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

// Deep has a column of each type at depth three and four, unions and runs too: below structs in maps in lists, in arrays in lists, and in lists in structs.
//
//lightstream:table
type Deep struct {
	ID     int64
	Lists  []map[string]*Leaves
	Arrays [][2]Leaves
	Boxes  *Crate
	Maps   map[string][]rt.Null[Options]
}

// Crate has lists of leaves.
type Crate struct {
	Legs    []*Leaves `arrow:",large"`
	Options []Options `arrow:",view"`
}

// Leaves has a field of each type, which may not be null.
type Leaves struct {
	Bool      bool
	Int8      int8
	Int16     int16
	Int32     int32
	Int64     int64
	Uint8     uint8
	Uint16    uint16
	Uint32    uint32
	Uint64    uint64
	Half      rt.Float16
	Float     float32
	Double    float64
	Text      string
	Large     string `arrow:",large"`
	View      string `arrow:",view"`
	Bytes     []byte `arrow:",required"`
	LargeBin  []byte `arrow:",large,required"`
	ViewBin   []byte `arrow:",view,required"`
	Fixed     [5]byte
	UUID      [16]byte `arrow:"uuid,uuid"`
	Day       rt.Date
	DayMillis rt.DateMillis
	ClockS    time.Duration `arrow:",time32(s)"`
	ClockMS   time.Duration `arrow:",time32(ms)"`
	ClockUS   time.Duration `arrow:",time64(us)"`
	ClockNS   time.Duration `arrow:",time64(ns)"`
	SpanS     time.Duration `arrow:",duration(s)"`
	SpanNS    time.Duration
	Second    time.Time `arrow:",timestamp(s,UTC)"`
	Milli     time.Time `arrow:",timestamp(ms,UTC)"`
	Micro     time.Time `arrow:",timestamp(us)"`
	Nano      time.Time
	Raw       int64         `arrow:",timestamp(us,UTC)"`
	Dec32     rt.Decimal32  `arrow:",decimal(9,2)"`
	Dec64     rt.Decimal64  `arrow:",decimal(18,2)"`
	Dec128    rt.Decimal128 `arrow:",decimal(38,10)"`
	Dec256    rt.Decimal256 `arrow:",decimal(76,10)"`
	Word      string        `arrow:",dict(int8)"`
	Number    int64         `arrow:",dict"`
	Tag       []byte        `arrow:",dict,required"`
	Mood      Mood          `arrow:",dict"`
	Event     Event
	Sparse    Event `arrow:",sparse"`
	Answer    Answer
	Venue     string    `arrow:",ree"`
	Since     time.Time `arrow:",timestamp(us,UTC),ree(int16)"`
}

// Options has a field of each type, which may be null.
type Options struct {
	Bool   rt.Null[bool]
	Int8   *int8
	Int64  rt.Null[int64]
	Half   rt.Null[rt.Float16]
	Double *float64
	Text   rt.Null[string]
	Large  *string         `arrow:",large"`
	View   rt.Null[string] `arrow:",view"`
	Bytes  []byte
	Fixed  rt.Null[[5]byte]
	UUID   *[16]byte `arrow:"uuid,uuid"`
	Day    rt.Null[rt.Date]
	Clock  *time.Duration         `arrow:",time32(ms)"`
	Span   rt.Null[time.Duration] `arrow:",duration(us)"`
	Milli  *time.Time             `arrow:",timestamp(ms,UTC)"`
	Dec128 rt.Null[rt.Decimal128] `arrow:",decimal(38,10)"`
	Word   rt.Null[string]        `arrow:",dict(uint16)"`
	Number *int32                 `arrow:",dict"`
	Mood   rt.Null[Mood]          `arrow:",dict(int16)"`
	None   struct{}
	Event  Event
	Desk   rt.Null[string] `arrow:",ree"`
	Level  *float64        `arrow:",ree(int64)"`
	Raw    []byte          `arrow:",ree"`
	Named  *Mood           `arrow:",dict,ree"`
}
