package rt

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/ended"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// BatcherOptions are the settings of a [Batcher].
type BatcherOptions struct {
	// BatchRows is how many rows make a batch. Zero means 65,536.
	BatchRows int
	// BatchBytes is about how many bytes make a batch. Zero means 1 MiB.
	BatchBytes int
	// MaxDelay is how long the oldest waiting row may wait before it is sent. Zero means 10 ms; below zero rows wait for a full
	// batch, Flush or Close.
	MaxDelay time.Duration
	// RefuseFull makes Append return [ErrFull] where it would block.
	RefuseFull bool
	// Builder are the settings of the builders. Nil means all defaults.
	Builder *BuilderOptions
}

// ErrFull tells that a batch is waiting to be sent, and the next one is full. The row was not taken.
var ErrFull = errors.New("lightstream: the batcher is full; the destination is slower than the rows come")

// Batcher collects rows of many goroutines into batches: one is filled while one is sent. It writes through a [Writer], which
// must not be used beside it.
//
// A row that Append took is sent once, in the order in which the rows were taken, unless the destination fails: then every
// later call returns that error, which tells how many batches the destination had accepted.
type Batcher[R, B any, W Builder[R]] struct {
	out  *Writer[R, B, W]
	opts BatcherOptions
	wake chan struct{} // tells the sender to look; holds one
	done chan struct{} // closed when the sender has ended

	mu      sync.Mutex
	fill    W // rows are appended here
	spare   W // empty, or being sent
	base    *BuilderBase
	busy    bool          // spare is being sent, or is to be as soon as the sender looks: the two fields below
	rows    int           // of spare
	columns []column.Data // of spare
	full    bool          // fill takes no more rows
	flush   bool          // fill is to be sent although it is not full
	closed  bool          // no more rows
	oldest  time.Time     // when the first row of fill came
	taken   int64         // rows
	sent    int64         // rows
	changed chan struct{} // closed when full, sent or err has changed; nil while nobody waits
	err     error
	stats   Stats // of the writer, after the last batch
	dropped int64 // rows
}

// NewBatcher returns a batcher that writes through out, which it closes with its own Close. Nil options mean all defaults.
func NewBatcher[R, B any, W Builder[R]](out *Writer[R, B, W], opts *BatcherOptions) *Batcher[R, B, W] {
	b := &Batcher[R, B, W]{out: out, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if opts != nil {
		b.opts = *opts
	}
	if b.opts.BatchRows <= 0 {
		b.opts.BatchRows = 64 << 10
	}
	if b.opts.BatchBytes <= 0 {
		b.opts.BatchBytes = 1 << 20
	}
	if b.opts.MaxDelay == 0 {
		b.opts.MaxDelay = 10 * time.Millisecond
	}
	b.fill = out.table.NewBuilder(b.opts.Builder)
	var second BuilderOptions
	if b.opts.Builder != nil {
		second = *b.opts.Builder
	}
	second.Dictionaries = b.fill // both fill the same dictionaries
	b.spare = out.table.NewBuilder(&second)
	b.base = b.fill.base()
	go b.run()
	return b
}

// Append adds a row. Where the batch being filled is full and one is being sent it waits until ctx is done, or returns
// [ErrFull] with RefuseFull. A row with a value that does not fit is not taken: its error, a *column.ValueError, is returned,
// and the batcher stays usable. Any number of goroutines may call it.
func (b *Batcher[R, B, W]) Append(ctx context.Context, row R) error {
	b.mu.Lock()
	for {
		again, err := b.append(ctx, row)
		if !again {
			return err
		}
	}
}

// append is Append with the lock, which it gives up. It tells whether to call it again, with the lock still held.
func (b *Batcher[R, B, W]) append(ctx context.Context, row R) (again bool, err error) {
	for b.full || b.closed || b.err != nil {
		switch {
		case b.err != nil:
			defer b.mu.Unlock()
			return false, b.err
		case b.closed:
			b.mu.Unlock()
			return false, ipc.ErrClosed
		case !b.busy: // the sender has not looked yet
			b.swap()
			b.look()
			continue
		case b.opts.RefuseFull:
			b.dropped++
			b.mu.Unlock()
			return false, ErrFull
		}
		if err := b.wait(ctx); err != nil {
			b.mu.Unlock()
			return false, err
		}
	}
	base := b.base
	n := base.Len()
	b.fill.Append(row)
	if base.failed {
		err := base.Err()
		base.Truncate(n)
		if n != 0 && full(err) { // the batch can take no more rows: the row is for the next one
			b.full = true
			b.look()
			return true, nil
		}
		b.dropped++
		b.mu.Unlock()
		return false, err
	}
	b.taken++
	wake := false
	if n == 0 && b.opts.MaxDelay > 0 {
		b.oldest = time.Now()
		wake = true
	}
	if n+1 >= b.opts.BatchRows || base.size() >= b.opts.BatchBytes {
		b.full, wake = true, true
	}
	b.mu.Unlock()
	if wake {
		b.look()
	}
	return false, nil
}

// look tells the sender that something has changed.
func (b *Batcher[R, B, W]) look() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// wait gives up the lock until something has changed or ctx is done.
func (b *Batcher[R, B, W]) wait(ctx context.Context) error {
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	changed := b.changed
	b.mu.Unlock()
	defer b.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ended.Err(ctx)
	}
}

// tell wakes those who wait.
func (b *Batcher[R, B, W]) tell() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// Flush returns when all rows that were taken before it have been sent.
func (b *Batcher[R, B, W]) Flush(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for target := b.taken; b.err == nil && b.sent < target; {
		b.flush = true
		b.look()
		if err := b.wait(ctx); err != nil {
			return err
		}
	}
	return b.err
}

// Close takes no more rows, sends those that wait, and closes the writer. It is idempotent.
func (b *Batcher[R, B, W]) Close() error {
	b.mu.Lock()
	b.closed = true
	b.tell()
	b.mu.Unlock()
	b.look()
	<-b.done
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		b.out.Abort()
		return b.err
	}
	err := b.out.Close()
	b.stats = b.out.Stats()
	return err
}

// Stats returns what the batcher has done so far. Any goroutine may call it, at any time.
func (b *Batcher[R, B, W]) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.Dropped = b.dropped
	if b.err != nil { // what was taken and cannot be sent any more
		s.Dropped += b.taken - b.sent
	}
	return s
}

// run sends batches as they get ready.
func (b *Batcher[R, B, W]) run() {
	defer close(b.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		b.mu.Lock()
		rows, columns, ready := b.take(timer)
		ended := b.err != nil || b.closed && !ready && b.base.Len() == 0
		b.mu.Unlock()
		switch {
		case ended:
			return
		case ready:
			err := b.out.out.Write(context.Background(), rows, columns)
			if err == nil {
				err = b.out.out.Flush(context.Background()) // a batcher has the size that is wanted
			}
			b.mu.Lock()
			b.spare.Reset()
			b.busy = false
			b.stats = b.out.Stats()
			if err != nil {
				b.err = err
			} else {
				b.sent += int64(rows)
			}
			b.tell()
			b.mu.Unlock()
		default:
			select {
			case <-b.wake:
			case <-timer.C:
			}
		}
	}
}

// take returns the rows that are to be sent now, and sets the timer if there are rows that are to be sent later.
func (b *Batcher[R, B, W]) take(timer *time.Timer) (rows int, columns []column.Data, ready bool) {
	if b.err == nil && b.busy { // an Append was faster
		return b.rows, b.columns, true
	}
	n := b.base.Len()
	if n == 0 || b.err != nil {
		b.flush = false
		return 0, nil, false
	}
	if !b.full && !b.flush && !b.closed {
		if b.opts.MaxDelay < 0 {
			return 0, nil, false
		}
		if left := b.opts.MaxDelay - time.Since(b.oldest); left > 0 {
			timer.Reset(left)
			return 0, nil, false
		}
	}
	b.swap()
	return b.rows, b.columns, b.err == nil
}

// swap exchanges the builders, so that what was filled is sent.
func (b *Batcher[R, B, W]) swap() {
	// The dictionaries are read here, under the lock: rows of the next batch add to them while this one is sent.
	rows, columns, err := b.base.batch()
	if err != nil {
		b.err = err
		b.tell()
		return
	}
	b.rows, b.columns, b.busy = rows, columns, true
	b.fill, b.spare = b.spare, b.fill
	b.base = b.fill.base()
	b.full, b.flush = false, false
	b.tell()
}
