// Package tables holds the tables that interop cells are written from and read into, beside those of internal/feed.
package tables

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen

// Text has the forms in which a table holds text and bytes, for streams that hold them in others.
//
//lightstream:table
type Text struct {
	Text      string  `arrow:"text"`
	NullText  *string `arrow:"null_text"`
	Dict8     string  `arrow:"dict8,dict(int8)"`
	Dict16    string  `arrow:"dict16,dict(int16)"`
	Dict32    string  `arrow:"dict32,dict"`
	NullDict  *string `arrow:"null_dict,dict"`
	Bytes     []byte  `arrow:"bytes,required"`
	NullBytes []byte  `arrow:"null_bytes"`
}

// Word has dictionaries that change from batch to batch.
//
//lightstream:table
type Word struct {
	N     int32           `arrow:"n"`
	Word  string          `arrow:"word,dict(int16)"`
	Maybe rt.Null[string] `arrow:"maybe,dict"`
}

// Wide has types that those of many streams widen to.
//
//lightstream:table
type Wide struct {
	Int16    int16            `arrow:"int16"`
	Int32    int32            `arrow:"int32"`
	Int64    int64            `arrow:"int64"`
	Uint16   uint16           `arrow:"uint16"`
	Uint32   uint32           `arrow:"uint32"`
	Uint64   uint64           `arrow:"uint64"`
	Float32  rt.Null[float32] `arrow:"float32"`
	Float64  float64          `arrow:"float64"`
	Half     float64          `arrow:"half"`
	Finer    time.Time        `arrow:"finer,timestamp(ns,UTC)"`
	Coarser  *time.Time       `arrow:"coarser,timestamp(ms,UTC)"`
	Naive    time.Time        `arrow:"naive,timestamp(us,UTC),naive=UTC"`
	Wall     time.Time        `arrow:"wall,timestamp(ns)"`
	Fixed    []byte           `arrow:"fixed,required"`
	Absent   *int32           `arrow:"absent"`
	Default  int64            `arrow:"default,default=-7"`
	Renamed  string           `arrow:"renamed,was=former"`
	NullWord *string          `arrow:"null_word,dict"`
}

// Strict has a column for each rule by which a stream is refused.
//
//lightstream:table
type Strict struct {
	ID   int64     `arrow:"id"`
	Time time.Time `arrow:"time"`
}

// Flight is a flight of examples/flights.
//
//lightstream:table
type Flight struct {
	Date        time.Time `arrow:"date,timestamp(us)"`
	Delay       int32     `arrow:"delay"`
	Distance    int32     `arrow:"distance"`
	Origin      string    `arrow:"origin,dict"`
	Destination string    `arrow:"destination,dict"`
}

// Tick is a row of internal/testdata/peers/ticks, without its decimal and its time of day.
//
//lightstream:table
type Tick struct {
	Time    time.Time `arrow:"ts,timestamp(ns)"`
	Symbol  string    `arrow:"symbol,dict(int16)"`
	Bid     float64   `arrow:"bid"`
	Ask     float64   `arrow:"ask"`
	BidSize int32     `arrow:"bid_size"`
	AskSize *int32    `arrow:"ask_size"`
	Flags   uint16    `arrow:"flags"`
	Venue   []byte    `arrow:"venue,required"` // fixed-size binary of 4
	Spread  *float32  `arrow:"spread"`
}

// Trip is a row of internal/testdata/peers/taxi, without its decimals and its date.
//
//lightstream:table
type Trip struct {
	ID              int64           `arrow:"trip_id"`
	Vendor          string          `arrow:"vendor,dict(int8)"`
	Pickup          time.Time       `arrow:"pickup,timestamp(us)"`
	Dropoff         *time.Time      `arrow:"dropoff,timestamp(us,America/New_York)"`
	Passengers      rt.Null[uint8]  `arrow:"passengers"`
	Distance        float64         `arrow:"distance"`
	Payment         *string         `arrow:"payment,dict"`
	StoreAndForward *bool           `arrow:"store_and_forward"`
	Zone            rt.Null[string] `arrow:"zone"`
}

// GrownLabel is a row of internal/testdata/peers/dictionary_deltas.
//
//lightstream:table
type GrownLabel struct {
	N     int32   `arrow:"n"`
	Label *string `arrow:"label,dict(int16)"`
}

// ReplacedLabel is a row of internal/testdata/peers/dictionary_replaced, without its dictionary of integers.
//
//lightstream:table
type ReplacedLabel struct {
	Label *string `arrow:"label,dict(int8)"`
}

// ViewText is a row of internal/testdata/peers/view_text.
//
//lightstream:table
type ViewText struct {
	Text *string `arrow:"text"`
	Blob []byte  `arrow:"blob"`
}

// Moment is a row of internal/testdata/peers/calendar: its timestamps.
//
//lightstream:table
type Moment struct {
	Second *time.Time `arrow:"ts_s,timestamp(s)"`
	Milli  *time.Time `arrow:"ts_ms,timestamp(ms,UTC)"`
	Micro  *time.Time `arrow:"ts_us,timestamp(us,UTC)"`
	Nano   *time.Time `arrow:"ts_ns,timestamp(ns,UTC)"`
}

// Note is a row of internal/testdata/peers/annotated, without its UUID and its struct.
//
//lightstream:table
type Note struct {
	ID   int32    `arrow:"id"`
	Temp *float32 `arrow:"temp"` // float16
}

// Reading is a row of internal/testdata/peers/telemetry_core, whose other columns are nested.
//
//lightstream:table
type Reading struct {
	Device string    `arrow:"device"`
	Time   time.Time `arrow:"time,timestamp(ms,UTC)"`
	OK     bool      `arrow:"ok"`
}

// Order is a row of internal/testdata/peers/js_native, without its list.
//
//lightstream:table
type Order struct {
	ID    int32     `arrow:"id"`
	Time  time.Time `arrow:"ts,timestamp(ms)"`
	Price *float64  `arrow:"price"`
	Qty   *int64    `arrow:"qty"`
	Side  *string   `arrow:"side,dict(int16)"`
	Note  *string   `arrow:"note"`
	Flag  *bool     `arrow:"flag"`
}

// All has a column of each type that the peers exchange, in each form that a row can hold it.
//
//lightstream:table
type All struct {
	Bool    bool
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Float32 float32
	Float64 float64
	Second  time.Time `arrow:",timestamp(s,UTC)"`
	Milli   time.Time `arrow:",timestamp(ms,Europe/Berlin)"`
	Micro   time.Time `arrow:",timestamp(us)"`
	Nano    time.Time
	Text    string
	Dict8   string `arrow:",dict(int8)"`
	Dict16  string `arrow:",dict(int16)"`
	Dict32  string `arrow:",dict"`
	Bytes   []byte `arrow:",required"`

	NullBool    rt.Null[bool]
	NullInt8    rt.Null[int8]
	NullInt16   rt.Null[int16]
	NullInt32   rt.Null[int32]
	NullInt64   rt.Null[int64]
	NullUint8   rt.Null[uint8]
	NullUint16  rt.Null[uint16]
	NullUint32  rt.Null[uint32]
	NullUint64  rt.Null[uint64]
	NullFloat32 rt.Null[float32]
	NullFloat64 rt.Null[float64]
	NullSecond  rt.Null[time.Time] `arrow:",timestamp(s,UTC)"`
	NullMilli   rt.Null[time.Time] `arrow:",timestamp(ms,Europe/Berlin)"`
	NullMicro   rt.Null[time.Time] `arrow:",timestamp(us)"`
	NullNano    rt.Null[time.Time]
	NullText    rt.Null[string]
	NullDict8   rt.Null[string] `arrow:",dict(int8)"`
	NullDict16  rt.Null[string] `arrow:",dict(int16)"`
	NullDict32  rt.Null[string] `arrow:",dict"`
	NullBytes   []byte

	PtrBool    *bool
	PtrInt8    *int8
	PtrInt16   *int16
	PtrInt32   *int32
	PtrInt64   *int64
	PtrUint8   *uint8
	PtrUint16  *uint16
	PtrUint32  *uint32
	PtrUint64  *uint64
	PtrFloat32 *float32
	PtrFloat64 *float64
	PtrSecond  *time.Time `arrow:",timestamp(s,UTC)"`
	PtrMilli   *time.Time `arrow:",timestamp(ms,Europe/Berlin)"`
	PtrMicro   *time.Time `arrow:",timestamp(us)"`
	PtrNano    *time.Time
	PtrText    *string
	PtrDict8   *string `arrow:",dict(int8)"`
	PtrDict16  *string `arrow:",dict(int16)"`
	PtrDict32  *string `arrow:",dict"`

	// Types of the package's own.
	Level     Level
	NullLevel rt.Null[Level]
	PtrLevel  *Level
	Flag      Flag
	PtrFlag   *Flag
	Name      Name
	PtrName   *Name
	Kind      Name  `arrow:"kind,dict(int8)"`
	PtrKind   *Name `arrow:"ptr_kind,dict"`
	Blob      Blob

	// Len is called otherwise in a batch, which has a method of this name.
	Len     uint32
	Type    string    `arrow:"type,default=none,was=kind_of"`
	Rank    int32     `arrow:"the rank,go=Place,default=-1"`
	At      time.Time `arrow:"at,timestamp(us,UTC),naive=UTC"`
	Scratch []int     `arrow:"-"`
}

// Types that rows hold and columns know nothing of.
type (
	Level float64
	Flag  bool
	Name  string
	Blob  []byte
)

// Known has what the Rust Lightstream has types for.
//
//lightstream:table
type Known struct {
	Bool      bool             `arrow:"bool"`
	NullBool  *bool            `arrow:"null_bool"`
	Int8      int8             `arrow:"int8"`
	Int16     *int16           `arrow:"int16"`
	Int32     int32            `arrow:"int32"`
	Int64     *int64           `arrow:"int64"`
	Uint8     uint8            `arrow:"uint8"`
	Uint16    *uint16          `arrow:"uint16"`
	Uint32    uint32           `arrow:"uint32"`
	Uint64    *uint64          `arrow:"uint64"`
	Float32   rt.Null[float32] `arrow:"float32"`
	Float64   float64          `arrow:"float64"`
	Text      string           `arrow:"text"`
	NullText  *string          `arrow:"null_text"`
	Large     *string          `arrow:"large,large"`
	Micro     time.Time        `arrow:"micro,timestamp(us,UTC)"`
	Nano      *time.Time       `arrow:"nano,timestamp(ns)"`
	Dict8     string           `arrow:"dict8,dict(int8)"`
	NullDict8 *string          `arrow:"null_dict8,dict(int8)"`
	Dict16    string           `arrow:"dict16,dict(int16)"`
	Dict32    *string          `arrow:"dict32,dict"`
	Dict64    string           `arrow:"dict64,dict(int64)"`
}

// Deal has unions of both layouts, and runs.
//
//lightstream:table
type Deal struct {
	ID     int64            `arrow:"id"`
	Event  Event            `arrow:"event"`
	Sparse Event            `arrow:"sparse,sparse"`
	Events []Event          `arrow:"events,required"`
	Venue  string           `arrow:"venue,ree"`
	Price  rt.Null[float64] `arrow:"price,ree(int16)"`
}

// Event is what happens to a deal.
//
//lightstream:union Fill | note: Remark = 5 | null
type Event interface{ isEvent() }

// Fill is a part of a deal.
type Fill struct {
	Price float64
	Sizes []int64
}

// Remark is what somebody said.
type Remark string

func (Fill) isEvent()   {}
func (Remark) isEvent() {}
