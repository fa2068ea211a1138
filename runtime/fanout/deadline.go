package fanout

import (
	"sync"
	"time"
)

// deadline is a time after which a channel is closed.
type deadline struct {
	mu    sync.Mutex
	done  chan struct{}
	timer *time.Timer
}

func (d *deadline) init() { d.done = make(chan struct{}) }

// set moves the deadline; the zero time means none.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	select {
	case <-d.done:
		d.done = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		close(d.done)
		return
	}
	var own *time.Timer
	own = time.AfterFunc(wait, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer == own { // else it has been moved
			close(d.done)
			d.timer = nil
		}
	})
	d.timer = own
}

// passed returns the channel that is closed when the deadline, as it is now, has passed.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done
}
