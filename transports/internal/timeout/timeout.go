// Package timeout has the deadline of one direction of a connection that waits on condition variables.
package timeout

import (
	"sync"
	"time"
)

// A Deadline bounds one end of a direction, whose mutex guards it.
type Deadline struct {
	Passed bool

	timer *time.Timer
	sets  int // counts the settings, as a timer that was stopped may be running already
}

// Set moves the deadline, under mu, and wakes who waits when it passes. The zero time takes it away.
func (d *Deadline) Set(mu *sync.Mutex, waiting *sync.Cond, t time.Time) {
	mu.Lock()
	defer mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.sets++
	d.Passed = false
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.Passed = true
		waiting.Broadcast()
		return
	}
	sets := d.sets
	d.timer = time.AfterFunc(left, func() {
		mu.Lock()
		defer mu.Unlock()
		if d.sets == sets {
			d.Passed = true
			waiting.Broadcast()
		}
	})
}
