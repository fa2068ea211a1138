package lanes

import (
	"context"
	"sync"
)

// Counted is a lane whose statistics any goroutine may see while the lane is read: S is what the reader's Stats returns.
type Counted[B, S any] struct {
	in interface {
		Source[B]
		Stats() S
	}
	mu   sync.Mutex
	last S
}

// Count returns a lane that reads what in does.
func Count[B, S any](in interface {
	Source[B]
	Stats() S
},
) *Counted[B, S] {
	return &Counted[B, S]{in: in, last: in.Stats()}
}

// Next returns the next batch of the reader.
func (c *Counted[B, S]) Next(ctx context.Context) (B, error) {
	b, err := c.in.Next(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.in.Stats()
	return b, err
}

// Stats returns the reader's statistics, as they were when Next returned last.
func (c *Counted[B, S]) Stats() S {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}
