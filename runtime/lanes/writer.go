// Package lanes deals the batches of one table out to several streams, its lanes, and puts them together again.
//
// A lane is any connection with a complete Arrow stream of its own: schema, dictionaries and end marker. Batch k goes on lane k mod N.
//
//	batch    0 1 2 3 4 5 6
//	lane 0   0     3     6
//	lane 1     1     4
//	lane 2       2     5
//
// With Options.Ordered the writer attaches k to each batch, and the reader gives the batches out in that order: it holds back one
// batch of each lane at most, and a gap, a batch that comes twice, and a lane that ends early are errors that name the number.
// Without it the reader gives out whatever comes first.
//
// Lanes pay where one connection is not enough: where each is its own TCP stream over a long or lossy path, or where encoding and
// compressing keep several cores busy. They cost a goroutine for each lane that is read.
//
// # Bytes
//
// A lane has no header. In ordered lanes the metadata of each RecordBatch message has the entry ls.seq_id, whose value is k in
// decimal, from 0. With Options.Stamp there is also ls.sent_ns, the nanoseconds since 1970 at which the batch was sent. Any reader of Arrow can
// read a lane by itself.
package lanes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/runtime/internal/ended"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const (
	// Sequence is the key of the entry that numbers the batches of ordered lanes.
	Sequence = "ls.seq_id"
	// SentNanos is the key of the entry that says when a batch was sent, in nanoseconds since 1970 (UTC).
	SentNanos = "ls.sent_ns"
)

// ErrGap is wrapped by the errors of lanes whose batches are not one after the other.
var ErrGap = errors.New("the batches of the lanes have a gap")

// Options are the settings of both ends. The two ends must agree.
type Options struct {
	// Ordered numbers the batches and reads them in their order.
	Ordered bool
	// Stamp attaches the time of sending to each batch, by the clock of this machine; [SentAt] reads it. It costs building the metadata of each
	// message anew, and means nothing to a reader.
	Stamp bool
}

// Sink is the writer of one lane, such as a generated one: W is what it writes, such as a *TradeBuilder.
type Sink[W any] interface {
	Write(ctx context.Context, b W) error
	SetMetadata(entries []ipc.KeyValue)
	Close() error
	Abort()
}

// Writer deals batches out to lanes. Any number of goroutines may call Write at once, each with a builder of its own: as many as there are
// lanes keep them all busy.
type Writer[W any] struct {
	opts  Options
	lanes []*outLane[W]
	turn  chan struct{} // holds one while a number is given out

	mu     sync.Mutex
	next   uint64
	err    error // of every later call
	closed bool
}

type outLane[W any] struct {
	sink Sink[W]
	free chan struct{} // holds one while the lane is written to
}

// NewWriter returns a writer of the given lanes, which are its own until Close or Abort: nothing else may be written there. Lane i must
// be the i-th that the reader has. It panics without lanes. Nil options mean all defaults.
func NewWriter[W any](lanes []Sink[W], opts *Options) *Writer[W] {
	if len(lanes) == 0 {
		panic("lightstream: lanes.NewWriter without a lane")
	}
	w := &Writer[W]{turn: make(chan struct{}, 1)}
	if opts != nil {
		w.opts = *opts
	}
	for _, sink := range lanes {
		w.lanes = append(w.lanes, &outLane[W]{sink, make(chan struct{}, 1)})
	}
	return w
}

// Write sends a batch on the next lane, and waits until that is free and has accepted it. The order of batches is that in which calls got
// their lanes.
//
// Where Write fails and nothing was sent, its number goes to the next batch. Where another has already been numbered after
// it, the order has a gap that nobody can fill: all later calls return an error, and the lanes are to be aborted.
func (w *Writer[W]) Write(ctx context.Context, b W) error {
	if e, ok := any(b).(interface{ Err() error }); ok { // before it takes a number
		if err := e.Err(); err != nil {
			return err
		}
	}
	k, lane, err := w.take(ctx)
	if err != nil {
		return err
	}
	defer func() { <-lane.free }()
	var stamp []ipc.KeyValue
	if w.opts.Stamp {
		stamp = []ipc.KeyValue{{Key: SentNanos, Value: strconv.FormatInt(time.Now().UnixNano(), 10)}}
		lane.sink.SetMetadata(stamp)
	}
	if w.opts.Ordered {
		if sink, ok := lane.sink.(interface{ SetNumber(key string, n uint64) }); ok {
			sink.SetNumber(Sequence, k)
		} else {
			lane.sink.SetMetadata(append(stamp, ipc.KeyValue{Key: Sequence, Value: strconv.FormatUint(k, 10)}))
		}
	}
	if err := lane.sink.Write(ctx, b); err != nil {
		return w.failed(k, err)
	}
	return nil
}

// take gives out the next number, and its lane.
func (w *Writer[W]) take(ctx context.Context) (uint64, *outLane[W], error) {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, nil, ended.Err(ctx)
	}
	defer func() { <-w.turn }()
	for {
		k, err := w.state()
		if err != nil {
			return 0, nil, err
		}
		lane := w.lanes[k%uint64(len(w.lanes))]
		select {
		case lane.free <- struct{}{}:
		case <-ctx.Done():
			return 0, nil, ended.Err(ctx)
		}
		if w.number(k) {
			return k, lane, nil
		}
		<-lane.free // meanwhile a call has failed
	}
}

func (w *Writer[W]) state() (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return 0, w.err
	case w.closed:
		return 0, ipc.ErrClosed
	}
	return w.next, nil
}

// number gives out k if it is still the next.
func (w *Writer[W]) number(k uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || w.next != k {
		return false
	}
	w.next = k + 1
	return true
}

// failed takes the number of a batch back that was not sent.
func (w *Writer[W]) failed(k uint64, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.opts.Ordered:
	case w.next == k+1:
		w.next = k
	case w.err == nil:
		w.err = fmt.Errorf("lightstream: batch %d was not sent, and later ones were: %w: %w", k, ErrGap, err)
	}
	return err
}

// Batches returns how many batches were numbered, which those are that are sent or on their way.
func (w *Writer[W]) Batches() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// Close waits for the calls under way, and closes the lanes. It returns the first error. Where the batches have a gap it aborts them instead.
func (w *Writer[W]) Close() error {
	w.wait()
	defer w.leave()
	first, err := w.end()
	if !first {
		return nil
	}
	for _, l := range w.lanes {
		if err != nil && w.opts.Ordered {
			l.sink.Abort()
			continue
		}
		if e := l.sink.Close(); e != nil && err == nil {
			err = e
		}
	}
	return err
}

// Abort waits for the calls under way, whose contexts should have ended, and aborts the lanes: the reader gets no end markers.
func (w *Writer[W]) Abort() {
	w.wait()
	defer w.leave()
	if first, _ := w.end(); first {
		for _, l := range w.lanes {
			l.sink.Abort()
		}
	}
}

// end makes later calls fail, and returns whether it is the first, and why they do already.
func (w *Writer[W]) end() (first bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first = !w.closed
	w.closed = true
	return first, w.err
}

// wait takes the turn and every lane.
func (w *Writer[W]) wait() {
	w.turn <- struct{}{}
	for _, l := range w.lanes {
		l.free <- struct{}{}
	}
}

func (w *Writer[W]) leave() {
	for _, l := range w.lanes {
		<-l.free
	}
	<-w.turn
}
