package feed

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

// Mixed has unions and run-end encoded columns, flat and below others.
//
//lightstream:table
type Mixed struct {
	ID     int64
	Event  Event
	Sparse Event `arrow:",sparse"`
	Answer Answer
	Events []Event `arrow:",required"`
	Pair   [2]Answer
	ByName map[string]Event
	Order  *Ticket

	Venue  string            `arrow:",ree"`
	Desk   *Name             `arrow:",ree(int16)"`
	Level  rt.Null[float64]  `arrow:",ree(int64)"`
	Raw    []byte            `arrow:",ree"`
	Since  time.Time         `arrow:",timestamp(us,UTC),ree"`
	Halted bool              `arrow:",ree"`
	Key    [16]byte          `arrow:",uuid,ree"`
	Mood   *Mood             `arrow:",dict,ree"`
	Tags   []rt.Null[string] `arrow:",item(ree)"`
}

// Event is what happens to an order.
//
//lightstream:union Ack | Reject = 5 | note: Remark(dict) | Mark | Expiry(timestamp(ms,UTC)) | Gone | null
type Event interface{ isEvent() }

type (
	// Ack has columns below it.
	Ack struct {
		Price float64
		Fills []Fill
		Why   Answer
	}
	// Reject is a member of two unions.
	Reject struct{ Reason string }
	// Remark is a text.
	Remark string
	// Mark is a number.
	Mark float64
	// Expiry is a time.
	Expiry time.Time
	// Gone is nothing but itself.
	Gone struct{}
)

func (Ack) isEvent()    {}
func (Reject) isEvent() {}
func (Remark) isEvent() {}
func (Mark) isEvent()   {}
func (Expiry) isEvent() {}
func (Gone) isEvent()   {}

// Answer is never nil.
//
//lightstream:union Reject | Maybe | List
type Answer interface{ isAnswer() }

type (
	// Maybe may be null itself.
	Maybe rt.Null[int32]
	// List is a list.
	List []string
)

func (Reject) isAnswer() {}
func (Maybe) isAnswer()  {}
func (List) isAnswer()   {}

// Ticket is a struct with a union and runs.
type Ticket struct {
	Events []Event
	Venue  string `arrow:",dict,ree"`
	Answer Answer
}
