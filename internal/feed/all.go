package feed

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen every.fbs

// All has a column of each type, in each form that a row can hold it.
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
