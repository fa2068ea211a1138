package requests

import (
	"errors"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/transports/internal/pending"
)

// ErrIdle is given to a connection that has no request any more, when its time is over or others have come to be so behind it.
var ErrIdle = errors.New("it has sent no further request")

// Conns bounds the connections of a server on which no request is being answered: those that have not sent one, and those whose requests were
// answered. Neither take the place of the other. The fields must be set before its first use. Its methods may be called by any number of
// goroutines.
type Conns struct {
	Limit int           // of each of the two
	First time.Duration // for the first request
	Idle  time.Duration // for each of the others

	silent, idle pending.Set
	mu           sync.Mutex
	conns        map[any]*conn
}

type conn struct {
	drop func(why error)

	mu       sync.Mutex
	requests int // that are being answered
	closed   bool
}

// Opened adds a connection, by any key. drop closes it, and must not block: why wraps [ErrIdle] after a request, and else is what [pending.Set]
// gives.
func (c *Conns) Opened(key any, drop func(why error)) {
	c.mu.Lock()
	if c.conns == nil {
		c.conns = make(map[any]*conn)
		c.silent.Limit, c.idle.Limit = c.Limit, c.Limit
	}
	c.conns[key] = &conn{drop: drop}
	c.mu.Unlock()
	c.silent.Add(key, c.First, drop)
}

// Spoke says that a connection has sent something.
func (c *Conns) Spoke(key any) { c.silent.Spoke(key) }

// Began says that a request of a connection is being answered.
func (c *Conns) Began(key any) {
	nc := c.get(key)
	if nc == nil {
		return
	}
	nc.mu.Lock()
	defer nc.mu.Unlock()
	if nc.requests++; nc.requests == 1 {
		c.silent.Remove(key)
		c.idle.Remove(key)
	}
}

// Ended says that it was answered.
func (c *Conns) Ended(key any) {
	nc := c.get(key)
	if nc == nil {
		return
	}
	nc.mu.Lock() // over Add, so that the next request takes out what was added
	defer nc.mu.Unlock()
	if nc.requests--; nc.requests == 0 && !nc.closed {
		c.idle.Add(key, c.Idle, func(error) { nc.drop(ErrIdle) })
	}
}

// Closed says that a connection is the server's no more. Its requests may still be being answered.
func (c *Conns) Closed(key any) {
	nc := c.get(key)
	if nc == nil {
		return
	}
	nc.mu.Lock()
	defer nc.mu.Unlock()
	nc.closed = true
	c.silent.Remove(key)
	c.idle.Remove(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, key)
}

// CloseSilent drops the connections that have not sent a request, and those that come later.
func (c *Conns) CloseSilent() { c.silent.Close() }

func (c *Conns) get(key any) *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conns[key]
}
