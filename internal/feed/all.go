package feed

import (
	"fmt"
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen -features=csv,ndjson every.fbs tree.fbs

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

	Half       rt.Float16
	Fixed3     [3]byte
	UUID       [16]byte `arrow:"uuid,uuid"`
	Day        rt.Date
	DayMillis  rt.DateMillis
	DayTime    time.Time     `arrow:",date32"`
	DayTime64  time.Time     `arrow:",date64"`
	ClockS     time.Duration `arrow:",time32(s)"`
	ClockMS    time.Duration `arrow:",time32"`
	ClockUS    time.Duration `arrow:",time64(us)"`
	ClockNS    time.Duration `arrow:",time64(ns)"`
	SpanS      time.Duration `arrow:",duration(s)"`
	SpanMS     time.Duration `arrow:",duration(ms)"`
	SpanUS     time.Duration `arrow:",duration(us)"`
	SpanNS     time.Duration
	Dec32      rt.Decimal32  `arrow:",decimal(9,2)"`
	Dec64      rt.Decimal64  `arrow:",decimal(18,4)"`
	Dec128     rt.Decimal128 `arrow:",decimal(38,10)"`
	Dec256     rt.Decimal256 `arrow:",decimal(76,0)"`
	RawTime    int64         `arrow:",timestamp(us,UTC)"`
	LargeText  string        `arrow:",large"`
	ViewText   string        `arrow:",view"`
	LargeBytes []byte        `arrow:",large,required"`
	ViewBytes  []byte        `arrow:",view,required"`
	DictU8     string        `arrow:",dict(uint8)"`
	DictU16    string        `arrow:",dict(uint16)"`
	DictU32    string        `arrow:",dict(uint32)"`
	DictU64    string        `arrow:",dict(uint64)"`
	Dict64     string        `arrow:",dict(int64)"`
	DictBytes  []byte        `arrow:",dict,required"`
	DictInt8   int8          `arrow:",dict(uint8)"`
	DictInt64  int64         `arrow:",dict"`
	DictUint32 uint32        `arrow:",dict(int16)"`
	Mood       Mood          `arrow:",dict(uint8)"`
	MoodNumber Mood
	Nothing    struct{}

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

	NullHalf       rt.Null[rt.Float16]
	NullFixed3     rt.Null[[3]byte]
	NullUUID       rt.Null[[16]byte] `arrow:"null_uuid,uuid"`
	NullDay        rt.Null[rt.Date]
	NullDayMillis  rt.Null[rt.DateMillis]
	NullDayTime    rt.Null[time.Time]     `arrow:",date32"`
	NullDayTime64  rt.Null[time.Time]     `arrow:",date64"`
	NullClockS     rt.Null[time.Duration] `arrow:",time32(s)"`
	NullClockUS    rt.Null[time.Duration] `arrow:",time64(us)"`
	NullSpanMS     rt.Null[time.Duration] `arrow:",duration(ms)"`
	NullSpanNS     rt.Null[time.Duration]
	NullDec32      rt.Null[rt.Decimal32]  `arrow:",decimal(9,2)"`
	NullDec64      rt.Null[rt.Decimal64]  `arrow:",decimal(18,4)"`
	NullDec128     rt.Null[rt.Decimal128] `arrow:",decimal(38,10)"`
	NullDec256     rt.Null[rt.Decimal256] `arrow:",decimal(76,0)"`
	NullRawTime    rt.Null[int64]         `arrow:",timestamp(us,UTC)"`
	NullLargeText  rt.Null[string]        `arrow:",large"`
	NullViewText   rt.Null[string]        `arrow:",view"`
	NullLargeBytes []byte                 `arrow:",large"`
	NullViewBytes  []byte                 `arrow:",view"`
	NullDictU8     rt.Null[string]        `arrow:",dict(uint8)"`
	NullDictBytes  []byte                 `arrow:",dict(uint16)"`
	NullDictInt64  rt.Null[int64]         `arrow:",dict"`
	NullMood       rt.Null[Mood]          `arrow:",dict"`
	NullMoodNumber rt.Null[Mood]

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

	PtrHalf       *rt.Float16
	PtrFixed3     *[3]byte
	PtrUUID       *[16]byte `arrow:"ptr_uuid,uuid"`
	PtrDay        *rt.Date
	PtrDayTime    *time.Time     `arrow:",date32"`
	PtrClockMS    *time.Duration `arrow:",time32"`
	PtrClockNS    *time.Duration `arrow:",time64"`
	PtrSpanS      *time.Duration `arrow:",duration(s)"`
	PtrDec128     *rt.Decimal128 `arrow:",decimal(38,10)"`
	PtrRawTime    *int64         `arrow:",timestamp(us)"`
	PtrLargeText  *string        `arrow:",large"`
	PtrViewText   *string        `arrow:",view"`
	PtrDictInt8   *int8          `arrow:",dict(uint8)"`
	PtrMood       *Mood          `arrow:",dict(int8)"`
	PtrMoodNumber *Mood

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
	Key       Key `arrow:"key,uuid"`
	NullKey   rt.Null[Key]
	PtrKey    *Key
	LargeName Name  `arrow:"large_name,large"`
	PtrViewed *Name `arrow:"ptr_viewed,view"`

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
	Key   [16]byte
)

// Mood is a number with a name.
type Mood int8

// The values of Mood.
const (
	Calm  Mood = 0
	Happy Mood = 2
	Angry Mood = -1
)

// String returns the name.
func (m Mood) String() string {
	switch m {
	case Calm:
		return "calm"
	case Happy:
		return "happy"
	case Angry:
		return "angry"
	}
	return fmt.Sprintf("Mood(%d)", int8(m))
}

// ParseMood returns the mood of that name.
func ParseMood(name string) (Mood, error) {
	for _, m := range []Mood{Calm, Happy, Angry} {
		if m.String() == name {
			return m, nil
		}
	}
	return 0, fmt.Errorf("%q is no mood", name)
}
