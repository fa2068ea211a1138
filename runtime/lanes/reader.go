package lanes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/runtime/internal/ended"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Source is the reader of one lane, such as a generated one or an [ipc.Reader]: B is a batch. It must not have the option Reuse.
type Source[B any] interface {
	Next(ctx context.Context) (B, error)
}

// Error says what is wrong with a lane.
type Error struct {
	Lane  int    // from 0
	Lanes int    // how many there are
	Batch uint64 // of ordered lanes: the number that is concerned. Of others: how many batches the lane has given
	Err   error  // wraps ErrGap, or what the lane's reader returned
}

// Error returns one line.
func (e *Error) Error() string {
	return fmt.Sprintf("lightstream: lane %d of %d, batch %d: %v", e.Lane, e.Lanes, e.Batch, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reader puts the batches of several lanes together. It is for one goroutine at a time.
type Reader[B any] struct {
	opts  Options
	lanes []*inLane[B]
	came  chan came[B]
	ctx   context.Context // of the goroutines
	stop  context.CancelFunc
	wg    sync.WaitGroup
	begun bool

	next uint64
	err  error // of every later call
}

// came is what a lane has brought.
type came[B any] struct {
	lane  int
	batch B
	err   error
}

type inLane[B any] struct {
	source Source[B]
	more   chan struct{} // lets the lane's goroutine read on

	// Ordered lanes hold back what has come too early.
	held  bool
	batch B
	seq   uint64
	want  uint64 // the number of its next one, 0 before the first
	seen  uint64 // batches that came
	err   error  // the lane has ended, with io.EOF or otherwise
}

// NewReader returns a reader of the given lanes. Nothing else may read there. It panics without lanes. Nil options mean all defaults.
func NewReader[B any](lanes []Source[B], opts *Options) *Reader[B] {
	if len(lanes) == 0 {
		panic("lightstream: lanes.NewReader without a lane")
	}
	r := &Reader[B]{came: make(chan came[B])}
	if opts != nil {
		r.opts = *opts
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	for _, s := range lanes {
		r.lanes = append(r.lanes, &inLane[B]{source: s, more: make(chan struct{}, 1)})
	}
	return r
}

// Next returns the next batch, io.EOF after the last one when every lane has ended with its marker, and else an *[Error]. Cancelling
// ctx leaves everything as it is.
//
// Ordered, a batch is given out when all before it have been. Where one is missing, which shows when every lane that has not ended has brought
// a later one, the error wraps [ErrGap] and names its number; the same with one that comes a second time. A lane that broke off is an
// error when its batch is the next, not before.
func (r *Reader[B]) Next(ctx context.Context) (b B, err error) {
	if r.err != nil {
		return b, r.err
	}
	if err := ended.Err(ctx); err != nil {
		return b, err
	}
	r.begin()
	for {
		b, done, err := r.ready()
		if err != nil {
			r.fail(err)
		}
		if done || err != nil {
			return b, err
		}
		select {
		case c := <-r.came:
			if b, done, err = r.take(c); err != nil {
				r.fail(err)
			}
			if done || err != nil {
				return b, err
			}
		case <-ctx.Done():
			return b, ended.Err(ctx)
		}
	}
}

// Batches yields the batches, and an error once, last. It releases none of them.
func (r *Reader[B]) Batches(ctx context.Context) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for {
			b, err := r.Next(ctx)
			if err == io.EOF {
				return
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Close stops the goroutines of the lanes and drops what they have brought. Where a lane's connection has no read deadlines, close it before:
// Close waits until the lane's Read has returned. It is needed where a program does not read to the end.
func (r *Reader[B]) Close() error {
	if r.err == nil {
		r.err = ipc.ErrClosed
	}
	r.stop()
	r.wg.Wait()
	for _, l := range r.lanes {
		if l.held {
			release(l.batch)
			l.held = false
		}
	}
	return nil
}

// begin starts a goroutine for each lane.
func (r *Reader[B]) begin() {
	if r.begun {
		return
	}
	r.begun = true
	for i, l := range r.lanes {
		r.wg.Go(func() { r.run(i, l) })
	}
}

// run reads a lane: one batch ahead.
func (r *Reader[B]) run(i int, l *inLane[B]) {
	for {
		b, err := l.source.Next(r.ctx)
		select {
		case r.came <- came[B]{i, b, err}:
		case <-r.ctx.Done():
			if err == nil {
				release(b)
			}
			return
		}
		if err != nil {
			return
		}
		select {
		case <-l.more:
		case <-r.ctx.Done():
			return
		}
	}
}

// release gives up a batch that nobody will see.
func release[B any](b B) {
	if r, ok := any(b).(interface{ Release() }); ok {
		r.Release()
	}
}

// fail ends the reader.
func (r *Reader[B]) fail(err error) {
	r.err = err
	r.stop()
}

// ready looks for what can be given out of what is held: a batch, the end, or an error. Without done there is nothing yet.
func (r *Reader[B]) ready() (b B, done bool, err error) {
	waiting, open := 0, 0
	at := -1 // the lane whose held batch is the earliest
	for i, l := range r.lanes {
		if l.err == nil {
			if open++; !l.held {
				waiting++
			}
		}
		if l.held && (at < 0 || l.seq < r.lanes[at].seq) {
			at = i
		}
	}
	if at >= 0 {
		switch l := r.lanes[at]; {
		case l.seq == r.next:
			r.next++
			return r.give(l), true, nil
		case l.seq < r.next:
			return b, true, r.wrong(at, l.seq, fmt.Errorf("%w: it came on another lane too; %d is next", ErrGap, r.next))
		case waiting == 0:
			return b, true, r.missing(at)
		}
	}
	if i := r.broken(); i >= 0 {
		return b, true, r.wrong(i, r.next, r.lanes[i].err)
	}
	if open == 0 && at < 0 {
		for i, l := range r.lanes {
			if l.err != io.EOF {
				return b, true, r.wrong(i, r.number(l), l.err)
			}
		}
		return b, true, io.EOF
	}
	return b, false, nil
}

// broken returns the ordered lane that cannot bring the next batch, which is its own, because it broke off; -1 if there is none.
func (r *Reader[B]) broken() int {
	if !r.opts.Ordered {
		return -1
	}
	fresh, at := 0, -1 // lanes that have brought nothing yet
	for i, l := range r.lanes {
		failed := l.err != nil && l.err != io.EOF
		switch {
		case l.want == 0:
			if fresh++; failed {
				at = i
			}
		case l.held:
			if l.seq == r.next {
				return -1
			}
		case l.want == r.next:
			if failed {
				return i
			}
			return -1
		}
	}
	if fresh == 1 { // whose numbers are those that no other lane has
		return at
	}
	return -1
}

// missing says why the next batch has not come although every lane has brought a later one or has ended.
func (r *Reader[B]) missing(later int) error {
	at := -1 // the lane on which it was to come
	for i, l := range r.lanes {
		if l.want == r.next || l.want == 0 && at < 0 {
			at = i
		}
	}
	if at < 0 { // two lanes have the same numbers
		return r.wrong(later, r.next, fmt.Errorf("%w: it is missing, and batch %d has come", ErrGap, r.lanes[later].seq))
	}
	if l := r.lanes[at]; l.err != nil && l.err != io.EOF {
		return r.wrong(at, r.next, l.err)
	}
	return r.wrong(at, r.next, fmt.Errorf("%w: it is missing: its lane has ended, and batch %d has come on lane %d", ErrGap, r.lanes[later].seq, later))
}

// follows wants the numbers of a lane to be as far apart as there are lanes.
func (r *Reader[B]) follows(l *inLane[B], seq uint64) error {
	n := uint64(len(r.lanes))
	switch {
	case l.seen == 1 && seq >= n:
		return fmt.Errorf("%w: it is missing: its lane begins with batch %d, and with %d lanes each begins with one before %d", ErrGap, seq, n, n)
	case l.seen > 1 && seq > l.want:
		return fmt.Errorf("%w: it is missing: batch %d came on its lane in place of %d", ErrGap, seq, l.want)
	case l.seen > 1 && seq < l.want:
		return fmt.Errorf("%w: batch %d came on its lane in place of %d", ErrGap, seq, l.want)
	}
	l.want = seq + n
	return nil
}

// number is the batch that an error of a lane concerns.
func (r *Reader[B]) number(l *inLane[B]) uint64 {
	if r.opts.Ordered {
		return r.next
	}
	return l.seen
}

func (r *Reader[B]) wrong(lane int, batch uint64, err error) error {
	return &Error{Lane: lane, Lanes: len(r.lanes), Batch: batch, Err: err}
}

// give takes a held batch out, and lets its lane read on.
func (r *Reader[B]) give(l *inLane[B]) B {
	b := l.batch
	var none B
	l.batch, l.held = none, false
	l.more <- struct{}{}
	return b
}

// take looks at what a lane has brought.
func (r *Reader[B]) take(c came[B]) (b B, done bool, err error) {
	l := r.lanes[c.lane]
	if c.err != nil {
		l.err = c.err
		if !r.opts.Ordered && c.err != io.EOF {
			return b, true, r.wrong(c.lane, l.seen, c.err)
		}
		return b, false, nil
	}
	l.seen++
	if !r.opts.Ordered {
		l.more <- struct{}{}
		return c.batch, true, nil
	}
	seq, err := sequenceOf(c.batch)
	if err != nil {
		release(c.batch)
		return b, true, r.wrong(c.lane, r.next, err)
	}
	if err := r.follows(l, seq); err != nil {
		release(c.batch)
		l.err = err // which is told when what comes before has been given out
		return b, false, nil
	}
	l.batch, l.seq, l.held = c.batch, seq, true
	return b, false, nil
}

// SentAt returns when a batch of any table or schema was sent, by the clock of the machine that sent it, and false where its sender has not said so:
// ours does with Options.Stamp. What is no number of nanoseconds is none.
func SentAt[B any](b B) (time.Time, bool) {
	entries, _ := entriesOf(b)
	for _, kv := range entries {
		if kv.Key == SentNanos {
			n, err := strconv.ParseInt(kv.Value, 10, 64)
			return time.Unix(0, n), err == nil
		}
	}
	return time.Time{}, false
}

// entriesOf returns what is attached to a batch, and false for what is none.
func entriesOf[B any](b B) ([]ipc.KeyValue, bool) {
	switch h := any(b).(type) {
	case interface{ Metadata() []ipc.KeyValue }:
		return h.Metadata(), true
	case interface{ Handle() ipc.Batch }:
		return h.Handle().Metadata(), true
	}
	return nil, false
}

// sequenceOf returns the number of a batch.
func sequenceOf[B any](b B) (uint64, error) {
	entries, ok := entriesOf(b)
	if !ok {
		return 0, fmt.Errorf("a %T has neither Metadata nor Handle, of which ordered lanes need one", b)
	}
	for _, kv := range entries {
		if kv.Key != Sequence {
			continue
		}
		n, err := strconv.ParseUint(kv.Value, 10, 64)
		if err != nil || strconv.FormatUint(n, 10) != kv.Value {
			return 0, fmt.Errorf("%w: %s is %.24q, want a number in decimal", ErrGap, Sequence, kv.Value)
		}
		return n, nil
	}
	return 0, errors.New("the batch has no number (" + Sequence + "): the sender's lanes are not ordered; read them without Ordered, or order them there too")
}
