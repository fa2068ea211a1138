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
	key   any
	timer *time.Timer
	stays stays
	drop  func(why error)
}

// stays is who gives way last.
type stays int

const (
	silent stays = iota
	spoken
	settled
)

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
		oldest = s.take(s.givesWay())
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

// givesWay returns the oldest of those that stay the least. s.mu is held.
func (s *Set) givesWay() *list.Element {
	least := s.order.Front()
	for at := least; at != nil && least.Value.(*entry).stays != silent; at = at.Next() {
		if at.Value.(*entry).stays < least.Value.(*entry).stays {
			least = at
		}
	}
	return least
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

// Has tells whether a peer is in.
func (s *Set) Has(key any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.byKey[key]
	return ok
}

// Spoke says that a peer has sent something: it gives way after those that have not.
func (s *Set) Spoke(key any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.byKey[key]; ok {
		e := at.Value.(*entry)
		e.stays = max(e.stays, spoken)
	}
}

// Settle says that a peer is silent no more: it has all the time, and gives way only if nobody else can. It tells whether it was in.
func (s *Set) Settle(key any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.byKey[key]
	if ok {
		e := at.Value.(*entry)
		e.stays = settled
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
