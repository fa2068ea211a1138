package mem

import (
	"math/bits"
	"runtime"
	"sync"
	"weak"
)

// PoolOptions are the settings of a [Pool].
type PoolOptions struct {
	// MaxKept is how much released memory the pool keeps for reuse, in bytes. Zero means 64 MiB; a negative value
	// means none. Memory in use does not count. Blocks of the Go heap of 1 MiB and more for which there is no room are
	// garbage, which is used again where the collector has not taken it yet.
	MaxKept int64

	// Allocator is where memory comes from that the pool does not have. Nil means [DefaultAllocator].
	//
	// Memory that an allocator returns at an address that is not a multiple of 64 is used from the next one on, so
	// up to 63 bytes more are asked of all but [GoAllocator].
	Allocator Allocator

	// Budget limits the memory in use, which is the capacity of all blocks handed out and not yet released. Nil
	// means no limit. Memory that the pool keeps does not count against it, only against MaxKept.
	//
	// The share of a block that is forgotten rather than released returns to the budget when the garbage collector
	// finds the block's memory unreachable. Until then a program that forgets may be refused: it should release, or
	// leave room for what is allocated between two collections. With an Allocator other than GoAllocator the share
	// returns with the block itself, though slices of it may live on.
	Budget *Budget
}

// Smallest and largest sizes that the pool has lists for, and the number of lists: powers of two and three steps
// between each two.
const (
	minClassBits = 12
	maxClassBits = 30
	minClassSize = 1 << minClassBits
	maxClassSize = 1 << maxClassBits
	classes      = (maxClassBits-minClassBits)*4 + 1

	defaultMaxKept = 64 << 20

	minSpare = 1 << 20
)

// classOf returns the list for n bytes: the first one with classSize(c) >= n. n must be at most maxClassSize.
func classOf(n int) int {
	if n <= minClassSize {
		return 0
	}
	// With m = n-1 in [2^k, 2^(k+1)), the two bits after the leading one are the quarter that m lies in, and the
	// size wanted is the upper end of that quarter.
	m := uint(n - 1)
	k := bits.Len(m) - 1
	return (k-minClassBits)*4 + int(m>>(k-2))&3 + 1
}

// classSize returns the capacity of the blocks in list c.
func classSize(c int) int { return (4 + c&3) << (minClassBits - 2 + c>>2) }

// A Pool hands out blocks and takes them back when they are released. Sizes are rounded up to 4 KiB, 5, 6, 7, 8, 10,
// 12, 14, 16 KiB and so on up to 1 GiB, so at most a fifth of a block of more than 4 KiB is unused; beyond that they
// are exact but for padding, and never kept. Once a steady load has all its blocks, Get and Release allocate nothing.
//
// When it may keep no more, the pool gives up sizes that were not asked for lately for the sake of those that were. Large
// blocks of the Go heap that it gave up are found again until the garbage collector has taken them, so that a load of larger
// batches than the pool may keep does not allocate, and zero, each one anew.
//
// All methods can be used by any number of goroutines. The zero value is ready for use: it has default options and takes
// its memory from [GoAllocator].
type Pool struct {
	alloc  Allocator // nil means GoAllocator
	budget *Budget
	max    int64 // as in the options

	mu    sync.Mutex
	stats PoolStats
	lists [classes]list
}

// list holds the blocks of one size that are not in use.
type list struct {
	head  *Block
	spare weak.Pointer[Block] // what was given up and is not collected yet, which has the next one
	asked int64               // PoolStats.Gets after the last Get of this size
}

// PoolStats are the counters of a [Pool].
type PoolStats struct {
	Gets    int64 // blocks handed out
	Misses  int64 // of these, newly allocated
	Puts    int64 // blocks that came back
	Dropped int64 // of those, given up, at once or later, also where they were found again

	KeptBytes  int64 // memory ready for reuse
	InUseBytes int64 // memory handed out minus memory given back; a block that is forgotten stays counted
}

// NewPool returns an empty pool. Nil options are all defaults.
func NewPool(o *PoolOptions) *Pool {
	if o == nil {
		o = &PoolOptions{}
	}
	p := &Pool{alloc: o.Allocator, budget: o.Budget, max: o.MaxKept}
	if p.alloc == nil {
		p.alloc = DefaultAllocator
	}
	switch p.alloc.(type) {
	case GoAllocator, *GoAllocator:
		p.alloc = nil
	}
	return p
}

var shared = sync.OnceValue(func() *Pool { return NewPool(nil) })

// SharedPool returns the pool that everything uses that was not given one. It has default options.
func SharedPool() *Pool { return shared() }

// Get returns a block of n bytes with one reference. Its contents are unspecified: use [clear] on what will not be
// overwritten. It panics if n is negative.
//
// Get takes its memory from the pool's budget, but is never refused: it can drive the budget over its limit. Whatever
// allocates on behalf of a peer uses [Pool.TryGet].
func (p *Pool) Get(n int) *Block {
	size, class := p.size(n)
	if p.budget != nil {
		p.budget.used.Add(int64(size))
	}
	return p.get(n, size, class)
}

// TryGet is [Pool.Get], but returns a *[BudgetError], which wraps [ErrBudget], if the pool's budget does not have
// enough left.
func (p *Pool) TryGet(n int) (*Block, error) {
	size, class := p.size(n)
	if p.budget != nil {
		if err := p.budget.Reserve(int64(size)); err != nil {
			return nil, err
		}
	}
	return p.get(n, size, class), nil
}

// TryKept is [Pool.TryGet] for memory that is there already: it allocates none, and returns nil where there is no block of the size, or
// the budget does not have enough left.
func (p *Pool) TryKept(n int) *Block {
	size, class := p.size(n)
	if class == unclassed {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &p.lists[class]
	spare := l.spare.Value() // held, so that it is still there below
	if l.head == nil && spare == nil || p.budget != nil && p.budget.Reserve(int64(size)) != nil {
		return nil
	}
	return lend(p.takeLocked(class, size), n, size)
}

func (p *Pool) size(n int) (size, class int) {
	switch {
	case n < 0 || n > maxAlloc:
		panic("mem: Pool.Get: length out of range")
	case n > maxClassSize:
		return Pad(n), unclassed
	}
	class = classOf(n)
	return classSize(class), class
}

// get returns a block for which the budget has been charged.
func (p *Pool) get(n, size, class int) *Block {
	b := p.take(class, size)
	if b == nil {
		b = p.make(size, class)
	}
	return lend(b, n, size)
}

// lend gives a block its length and its first reference.
func lend(b *Block, n, size int) *Block {
	if b.debt != nil {
		b.debt.owed.Store(int64(size))
	}
	b.n = n
	b.refs.Store(1)
	return b
}

// take counts a Get and returns a kept block, or nil.
func (p *Pool) take(class, size int) *Block {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takeLocked(class, size)
}

func (p *Pool) takeLocked(class, size int) *Block {
	p.stats.Gets++
	p.stats.InUseBytes += int64(size)
	if class != unclassed {
		l := &p.lists[class]
		l.asked = p.stats.Gets
		if b := l.head; b != nil {
			l.head, b.next = b.next, nil
			p.stats.KeptBytes -= int64(size)
			return b
		}
		if b := l.spare.Value(); b != nil {
			l.spare, b.next = weak.Make(b.next), nil
			return b
		}
	}
	p.stats.Misses++
	return nil
}

// make returns a new block, without a reference.
func (p *Pool) make(size, class int) *Block {
	b := &Block{pool: p, class: class}
	if p.alloc == nil {
		b.mem = Alloc(size)
	} else {
		b.mem, b.free = foreign(p.alloc, size)
	}
	if p.budget != nil {
		b.debt = &debt{budget: p.budget}
		if p.alloc == nil {
			runtime.AddCleanup(&b.mem[0], (*debt).pay, b.debt)
		} else {
			runtime.AddCleanup(b, (*debt).pay, b.debt)
		}
	}
	return b
}

// put takes back a block whose last reference is gone.
func (p *Pool) put(b *Block) {
	if b.debt != nil {
		b.debt.pay()
	}
	var drop *Block
	size := int64(len(b.mem))
	p.mu.Lock()
	p.stats.Puts++
	p.stats.InUseBytes -= size
	if b.class != unclassed && p.makeRoom(b.class, size, &drop) {
		l := &p.lists[b.class]
		b.next, l.head = l.head, b
		p.stats.KeptBytes += size
	} else {
		b.next, drop = drop, b
		p.stats.Dropped++
	}
	drop = p.spareLocked(drop)
	p.mu.Unlock()
	giveUp(drop)
}

// spareLocked puts what may be used again into the lists of its class, and returns the others.
func (p *Pool) spareLocked(list *Block) (others *Block) {
	for list != nil {
		b := list
		list = b.next
		if b.class != unclassed && p.alloc == nil && p.max >= 0 && len(b.mem) >= minSpare {
			l := &p.lists[b.class]
			b.next = l.spare.Value()
			l.spare = weak.Make(b)
		} else {
			b.next, others = others, b
		}
	}
	return others
}

// makeRoom reports whether size more bytes may be kept, after moving kept blocks of sizes asked for less recently than
// class to the list drop as far as that is needed.
func (p *Pool) makeRoom(class int, size int64, drop **Block) bool {
	most := p.max
	if most == 0 {
		most = defaultMaxKept
	}
	if size > most {
		return false
	}
	for p.stats.KeptBytes+size > most {
		oldest := class
		for i := range p.lists {
			if p.lists[i].head != nil && p.lists[i].asked < p.lists[oldest].asked {
				oldest = i
			}
		}
		if oldest == class {
			return false
		}
		l := &p.lists[oldest]
		b := l.head
		l.head = b.next
		b.next, *drop = *drop, b
		p.stats.KeptBytes -= int64(len(b.mem))
		p.stats.Dropped++
	}
	return true
}

// foreign returns size aligned bytes of an allocator that need not align, and what gives them back.
func foreign(a Allocator, size int) (aligned []byte, free func()) {
	raw := a.Allocate(size)
	aligned = raw
	if !IsAligned(raw, Alignment) {
		a.Free(raw)
		raw = a.Allocate(size + Alignment - 1)
		aligned = raw[-address(raw)&(Alignment-1):]
	}
	return aligned[:size:size], func() { a.Free(raw) }
}

// Stats returns the counters.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Trim gives up all kept memory, for instance when a busy time is over.
func (p *Pool) Trim() {
	var drop *Block
	p.mu.Lock()
	for i := range p.lists {
		l := &p.lists[i]
		l.spare = weak.Pointer[Block]{}
		for l.head != nil {
			b := l.head
			l.head = b.next
			b.next, drop = drop, b
			p.stats.Dropped++
		}
	}
	p.stats.KeptBytes = 0
	p.mu.Unlock()
	giveUp(drop)
}

// giveUp calls the method for each block of a list that nobody else has.
func giveUp(list *Block) {
	for list != nil {
		b := list
		list, b.next = b.next, nil
		b.giveUp()
	}
}
