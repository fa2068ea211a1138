package wire

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/runtime/internal/ended"
)

// Canceller interrupts reads or writes when a context ends, by a deadline in the past. It is armed once for a context and
// stays armed while the next call brings one with the same Done channel, since arming allocates.
type Canceller struct {
	Set  func(time.Time) error // nil where there are no deadlines
	done <-chan struct{}
	stop func() bool

	mu     sync.Mutex
	round  int  // counts armings, so that a late call knows it is late
	fired  bool // the deadline is set
	active bool // a call is under way
}

// past is before any clock.
var past = time.Unix(1, 0)

// Arm prepares a call with ctx. It returns the cause, and leaves no deadline, if ctx has ended.
func (c *Canceller) Arm(ctx context.Context) error {
	if err := ended.Err(ctx); err != nil {
		c.Disarm()
		return err
	}
	if c.Set == nil {
		return nil
	}
	if ctx.Done() == c.done {
		return c.enter(ctx)
	}
	c.Disarm()
	if ctx.Done() == nil {
		return nil
	}
	c.mu.Lock()
	round := c.round
	c.mu.Unlock()
	c.done = ctx.Done()
	c.stop = context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.round == round && c.active { // else the next call sees that ctx has ended
			c.fired = true
			_ = c.Set(past) // where it fails, the cancel takes effect at the next call
		}
	})
	return c.enter(ctx)
}

// enter begins a call that the context may interrupt.
func (c *Canceller) enter(ctx context.Context) error {
	if c.stop == nil {
		return nil
	}
	c.mu.Lock()
	c.active = true
	c.mu.Unlock()
	if err := ended.Err(ctx); err != nil { // perhaps before the call was active
		c.Disarm()
		return err
	}
	return nil
}

// Leave ends the call: a context that ends from now on does not touch the connection.
func (c *Canceller) Leave() {
	if c.stop == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active = false
	if c.fired {
		c.fired = false
		_ = c.Set(time.Time{})
	}
}

// Disarm forgets the context, and takes its deadline back.
func (c *Canceller) Disarm() {
	if c.stop == nil {
		return
	}
	c.stop()
	c.stop, c.done = nil, nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
	c.active = false
	if c.fired {
		c.fired = false
		_ = c.Set(time.Time{})
	}
}

// Cause returns why a call failed: the context's cause where its end was what interrupted it.
func (c *Canceller) Cause(ctx context.Context, err error) error {
	if end := ended.Err(ctx); end != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return end
	}
	return err
}
