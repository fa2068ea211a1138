package ipc

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// maxSpread is over how many goroutines the buffers of one batch are spread at most.
const maxSpread = 8

// From how many bytes of buffers on their work is spread over cores: about a tenth of a millisecond of it. Less costs more than it saves.
const (
	spreadInflated = 256 << 10
	spreadLZ4      = 64 << 10
	spreadZSTD     = 16 << 10
)

// crew does pieces of work, by as many goroutines as there are cores. It is kept, so that nothing is allocated for the next work.
type crew struct {
	do   func(i int) error
	n    int
	next atomic.Int64
	errs []error
	wg   sync.WaitGroup
	run  func() // work, and then done
}

func newCrew(do func(i int) error) *crew {
	c := &crew{do: do}
	c.run = func() {
		defer c.wg.Done()
		c.work()
	}
	return c
}

// each does n pieces of work of size bytes in all, spread over cores if they are least or more, and returns the first error in their
// order.
func (c *crew) each(n int, size, least int64) error {
	workers := min(n, runtime.GOMAXPROCS(0), maxSpread)
	if size < least || workers < 2 {
		for i := range n {
			if err := c.do(i); err != nil {
				return err
			}
		}
		return nil
	}
	return c.spread(workers, n)
}

func (c *crew) spread(workers, n int) error {
	if cap(c.errs) < n {
		c.errs = make([]error, n)
	}
	c.errs, c.n = c.errs[:n], n
	clear(c.errs)
	c.next.Store(0)
	c.wg.Add(workers - 1)
	for range workers - 1 {
		go c.run()
	}
	c.work() // by this one, too
	c.wg.Wait()
	for _, err := range c.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *crew) work() {
	for {
		i := int(c.next.Add(1)) - 1
		if i >= c.n {
			return
		}
		c.errs[i] = c.do(i)
	}
}
