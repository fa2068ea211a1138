package mem

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
)

// ErrBudget is wrapped by every error that says that a [Budget] is used up.
var ErrBudget = errors.New("memory budget exceeded")

// BudgetError says how much was asked of a [Budget] that had too little left. It wraps [ErrBudget].
type BudgetError struct {
	Need, Used, Max int64 // bytes asked for; bytes in use at that time; limit of the budget
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("mem: %v: need %d bytes, %d of %d are in use; raise the budget, or release memory sooner", ErrBudget, e.Need, e.Used, e.Max)
}

// Unwrap returns [ErrBudget].
func (e *BudgetError) Unwrap() error { return ErrBudget }

// A Budget limits how much memory is in use at a time. Pools, and with them connections, may share one: whoever comes
// last is refused, not whoever uses most. All methods can be used by any number of goroutines.
type Budget struct {
	used atomic.Int64
	max  int64
}

// NewBudget returns a budget of max bytes. Zero or less means that all but empty reservations are refused.
func NewBudget(max int64) *Budget { return &Budget{max: max} }

// Reserve takes n bytes from the budget, or else returns a *[BudgetError] and takes nothing. n must not be negative.
func (b *Budget) Reserve(n int64) error {
	if n < 0 {
		panic("mem: Budget.Reserve: negative size")
	}
	for {
		used := b.used.Load()
		if n > max(b.max-used, 0) {
			return &BudgetError{Need: n, Used: used, Max: b.max}
		}
		if b.used.CompareAndSwap(used, used+n) {
			return nil
		}
	}
}

// Release gives n bytes back. It panics if more is given back than was taken.
func (b *Budget) Release(n int64) {
	if n < 0 {
		panic("mem: Budget.Release: negative size")
	}
	if b.used.Add(-n) < 0 {
		b.used.Add(n)
		panic("mem: Budget.Release: more bytes given back than were reserved")
	}
}

// Used returns how many bytes are taken at the moment. It can exceed Max, as [Pool.Get] is never refused.
func (b *Budget) Used() int64 { return b.used.Load() }

// Max returns the limit.
func (b *Budget) Max() int64 { return b.max }

// debt is what one block has taken from a budget. It is not part of the block, so that it can be paid after the block
// is gone.
type debt struct {
	budget *Budget
	owed   atomic.Int64
}

// pay gives back what is owed, once.
func (d *debt) pay() {
	if n := d.owed.Swap(0); n != 0 {
		d.budget.Release(n)
	}
}

// A Lease is what memory outside of blocks takes from the budget of a pool: it is counted like a block, and what it took returns
// with its last reference, or when the collector finds it unreachable. A nil Lease takes nothing, without end.
type Lease struct {
	Block
	debt *debt
}

// Lease returns a lease with one reference that has taken nothing yet, or nil where the pool has no budget.
func (p *Pool) Lease() *Lease {
	if p.budget == nil {
		return nil
	}
	l := &Lease{debt: &debt{budget: p.budget}}
	l.class, l.free = unclassed, l.debt.pay
	l.refs.Store(1)
	runtime.AddCleanup(&l.Block, (*debt).pay, l.debt) // which is where the lease begins
	return l
}

// Add takes n more bytes. The error is a *[BudgetError] where the budget does not have enough left.
func (l *Lease) Add(n int64) error {
	if l == nil {
		return nil
	}
	if err := l.debt.budget.Reserve(n); err != nil {
		return err
	}
	l.debt.owed.Add(n)
	return nil
}
