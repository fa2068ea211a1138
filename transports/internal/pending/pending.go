// Package pending bounds the peers that have connected and were not accepted yet: how many, and for how long.
package pending

import (
	"container/list"
	"errors"
	"sync"
	"time"
)

var (
	// ErrSilent is given to a peer that has taken too long.
	ErrSilent = errors.New("it has opened no stream in time")
	// ErrEvicted is given to a peer in whose place another one came.
	ErrEvicted = errors.New("it had to give way: too many peers wait with no stream, see ListenOptions.MaxPending")
	// ErrClosed is given to all when the listener is closed.
	ErrClosed = errors.New("the listener was closed")
)

// Set holds the peers, by any key. Limit must be set before its first use. Its methods may be called by any number of goroutines.
type Set struct {
	Limit int

	mu     sync.Mutex
	order  list.List // of *entry, the oldest first
	byKey  map[any]*list.Element
	closed bool
}

type entry struct {
	key     any
	timer   *time.Timer
	settled bool
	drop    func(why error)
}

// Add adds a peer. If it is not removed in time, or must give way, or the set is closed, it is taken out and drop is called, which must
// not block.
func (s *Set) Add(key any, within time.Duration, drop func(why error)) {
	e := &entry{key: key, drop: drop}
	var oldest *entry
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		drop(ErrClosed)
		return
	}
	if s.order.Len() >= s.Limit {
		at := s.order.Front()
		for at != nil && at.Value.(*entry).settled {
			at = at.Next()
		}
		if at == nil {
			at = s.order.Front()
		}
		oldest = s.take(at)
	}
	if s.byKey == nil {
		s.byKey = make(map[any]*list.Element)
	}
	s.byKey[key] = s.order.PushBack(e)
	e.timer = time.AfterFunc(within, func() {
		if s.Remove(key) {
			drop(ErrSilent)
		}
	})
	s.mu.Unlock()
	if oldest != nil {
		oldest.drop(ErrEvicted)
	}
}

// take takes an entry out. s.mu is held.
func (s *Set) take(at *list.Element) *entry {
	e := s.order.Remove(at).(*entry)
	e.timer.Stop()
	delete(s.byKey, e.key)
	return e
}

// Remove takes a peer out, and tells whether it was in.
func (s *Set) Remove(key any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.byKey[key]
	if ok {
		s.take(at)
	}
	return ok
}

// Settle says that a peer is silent no more: it has all the time, and gives way only if nobody else can. It tells whether it was in.
func (s *Set) Settle(key any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.byKey[key]
	if ok {
		e := at.Value.(*entry)
		e.settled = true
		ok = e.timer.Stop() // else it is being dropped
	}
	return ok
}

// Len returns how many there are.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.Len()
}

// Close drops all, and whoever is added later.
func (s *Set) Close() {
	var all []*entry
	s.mu.Lock()
	s.closed = true
	for s.order.Len() > 0 {
		all = append(all, s.take(s.order.Front()))
	}
	s.mu.Unlock()
	for _, e := range all {
		e.drop(ErrClosed)
	}
}
