package pending

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestSet has peers that are taken, that are silent, that give way, and those of a set that is closed.
func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := make(map[int]error)
		var mu sync.Mutex // timers write it
		dropped := func() map[int]error {
			mu.Lock()
			defer mu.Unlock()
			return maps.Clone(all)
		}
		s := Set{Limit: 2}
		add := func(key int) {
			s.Add(key, time.Second, func(why error) {
				mu.Lock()
				defer mu.Unlock()
				all[key] = why
			})
		}
		add(1)
		add(2)
		if !s.Remove(1) || s.Remove(1) {
			t.Error("a peer is removed once")
		}
		time.Sleep(time.Second / 2)
		add(3)
		add(4) // in the place of 2
		if len(dropped()) != 1 || dropped()[2] != ErrEvicted {
			t.Errorf("dropped %v, want 2 to have given way", dropped())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(dropped()) != 3 || dropped()[3] != ErrSilent || dropped()[4] != ErrSilent || s.Len() != 0 {
			t.Errorf("dropped %v, %d left", dropped(), s.Len())
		}
		add(5)
		if !s.Settle(5) || s.Settle(7) {
			t.Error("Settle of a peer that is in, and of one that is not")
		}
		time.Sleep(2 * time.Second) // it has the time
		add(7)
		add(8) // in the place of 7, which is younger
		add(9) // in the place of 8
		if !s.Settle(9) {
			t.Error("Settle")
		}
		if len(dropped()) != 5 || dropped()[7] != ErrEvicted || dropped()[8] != ErrEvicted {
			t.Errorf("dropped %v, want 7 and 8 to have given way", dropped())
		}
		add(10) // nobody else can give way
		if dropped()[5] != ErrEvicted || s.Len() != 2 || !s.Remove(10) {
			t.Errorf("dropped %v, want 5 to have given way", dropped())
		}
		add(5)
		s.Close()
		add(6)
		if dropped()[5] != ErrClosed || dropped()[9] != ErrClosed || dropped()[6] != ErrClosed || s.Remove(5) || s.Len() != 0 {
			t.Errorf("dropped %v after Close", dropped())
		}
	})
}
