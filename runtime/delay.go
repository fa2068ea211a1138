package rt

import (
	"context"
	"time"

	"github.com/lightstream-go/lightstream/runtime/internal/ended"
)

// delay sends rows that have waited for long enough, between the calls of a writer. A nil delay does nothing.
type delay struct {
	most   time.Duration
	turn   chan struct{} // holds one while a call, or send, is under way
	timer  *time.Timer
	oldest time.Time // when the first waiting row came
	ctx    context.Context
	cancel context.CancelFunc
}

func newDelay(most time.Duration, send func(context.Context)) *delay {
	d := &delay{most: most, turn: make(chan struct{}, 1)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.timer = time.AfterFunc(time.Hour, func() {
		if d.enter(d.ctx) != nil {
			return
		}
		defer d.leave()
		if left := d.most - time.Since(d.oldest); left > 0 { // the batch that it was set for has gone
			d.timer.Reset(left)
			return
		}
		send(d.ctx)
	})
	d.timer.Stop()
	return d
}

// enter waits until nothing is under way.
func (d *delay) enter(ctx context.Context) error {
	if d == nil {
		return nil
	}
	select {
	case d.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ended.Err(ctx)
	}
}

func (d *delay) leave() {
	if d != nil {
		<-d.turn
	}
}

// begin notes that the first row of a batch has come.
func (d *delay) begin() {
	if d != nil {
		d.oldest = time.Now()
		d.timer.Reset(d.most)
	}
}

// interrupt ends what is sent because of the delay, now and later.
func (d *delay) interrupt() {
	if d != nil {
		d.cancel()
		d.timer.Stop()
	}
}
