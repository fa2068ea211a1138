package mem

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestClasses(t *testing.T) {
	prev := 0
	for c := range classes {
		size := classSize(c)
		if size%Alignment != 0 || size <= prev {
			t.Fatalf("class %d has size %d after %d", c, size, prev)
		}
		if prev != 0 && size*4 > prev*5 {
			t.Fatalf("class %d: from %d to %d is more than a quarter", c, prev, size)
		}
		for _, n := range []int{prev + 1, (prev + size) / 2, size - 1, size} {
			if got := classOf(n); got != c {
				t.Fatalf("classOf(%d) = %d, want %d of size %d", n, got, c, size)
			}
		}
		prev = size
	}
	if classOf(0) != 0 || classSize(0) != 4096 || prev != 1<<30 {
		t.Errorf("classes are from %d to %d, want 4 KiB to 1 GiB", classSize(0), prev)
	}
}

func TestPoolReuse(t *testing.T) {
	p := NewPool(nil)
	for _, n := range append([]int{0}, sizes()...) {
		b := p.Get(n)
		wantAllocated(t, b.Bytes()[:n:b.Cap()], n, classSize(classOf(n)))
		if len(b.Bytes()) != n || !b.Exclusive() {
			t.Fatalf("%d: length %d, exclusive %v", n, len(b.Bytes()), b.Exclusive())
		}
		b.Release()
		if c := p.Get(n); c != b {
			t.Fatalf("%d: another block after a release", n)
		}
		b.Release()
	}
	s := p.Stats()
	if s.Misses == 0 || s.Misses > classes || s.Gets != s.Puts || s.InUseBytes != 0 || s.Dropped != 0 || s.KeptBytes == 0 {
		t.Errorf("%+v", s)
	}
	p.Trim()
	if s = p.Stats(); s.KeptBytes != 0 || s.Dropped != s.Misses {
		t.Errorf("after Trim: %+v", s)
	}
	if b := p.Get(1); p.Stats().Misses != s.Misses+1 || b == nil {
		t.Error("after Trim: no miss")
	}
}

func TestPoolTryKept(t *testing.T) {
	budget := NewBudget(64 << 10)
	p := NewPool(&PoolOptions{Budget: budget})
	if b := p.TryKept(20 << 10); b != nil || p.Stats().Gets != 0 || budget.Used() != 0 {
		t.Fatalf("%v of an empty pool, %+v, %d in use", b, p.Stats(), budget.Used())
	}
	kept := p.Get(20 << 10)
	kept.Release()
	for _, n := range []int{16 << 10, 24 << 10, maxClassSize + 1} { // of other sizes, and one that is never kept
		if b := p.TryKept(n); b != nil {
			t.Errorf("%d: a block of %d", n, b.Cap())
		}
	}
	b := p.TryKept(20<<10 - 1)
	if b != kept || len(b.Bytes()) != 20<<10-1 || !b.Exclusive() || budget.Used() != 20<<10 {
		t.Fatalf("another block than the one that was kept, or %d in use", budget.Used())
	}
	b.Release()
	other := p.Get(48 << 10)
	if b := p.TryKept(20 << 10); b != nil {
		t.Error("a block beyond the budget")
	}
	other.Release()
	if s := p.Stats(); s.Misses != 2 || s.Gets != 3 || s.Puts != 3 || s.InUseBytes != 0 || budget.Used() != 0 {
		t.Errorf("%+v, %d in use", s, budget.Used())
	}
}

func TestPoolZeroValue(t *testing.T) {
	var p Pool
	b := p.Get(100)
	b.Release()
	if p.Get(200) != b {
		t.Error("the zero Pool keeps nothing")
	}
}

func TestSharedPool(t *testing.T) {
	if a, b := SharedPool(), SharedPool(); a == nil || a != b {
		t.Error("want one pool")
	}
}

func TestBlockReferences(t *testing.T) {
	p := NewPool(nil)
	b := p.Get(10)
	b.Retain()
	if b.Exclusive() {
		t.Error("exclusive with two references")
	}
	b.Release()
	if !b.Exclusive() || p.Stats().Puts != 0 {
		t.Error("want one reference left")
	}
	b.Resize(4096)
	if len(b.Bytes()) != 4096 {
		t.Errorf("length %d after Resize", len(b.Bytes()))
	}
	b.Release()
	for range 3 {
		wantPanic(t, "mem: Block.Release: released more often than retained", b.Release)
		wantPanic(t, "mem: Block.Retain: block was released", b.Retain)
	}
	if s := p.Stats(); s.Puts != 1 || s.InUseBytes != 0 {
		t.Errorf("%+v, want one put", s)
	}
	if c := p.Get(5); c != b || !c.Exclusive() || len(c.Bytes()) != 5 {
		t.Error("the block is not as new")
	}
}

func TestWrap(t *testing.T) {
	data := []byte{1, 2, 3, 4}
	freed := 0
	b := Wrap(data[:3], func() { freed++ })
	if b.Cap() != 3 || len(b.Bytes()) != 3 || cap(b.Bytes()) != 3 || &b.Bytes()[0] != &data[0] {
		t.Errorf("capacity %d, bytes %v", b.Cap(), b.Bytes())
	}
	b.Retain()
	b.Release()
	if freed != 0 {
		t.Error("freed with a reference left")
	}
	b.Release()
	if freed != 1 || b.Bytes() != nil || b.Cap() != 0 {
		t.Errorf("freed %d times, bytes %v", freed, b.Bytes())
	}
	wantPanic(t, "mem: Block.Release", b.Release)
	if freed != 1 {
		t.Errorf("freed %d times", freed)
	}
	if data[0] != 1 {
		t.Error("foreign memory was written to")
	}
	Wrap(nil, nil).Release()
}

func TestPoolMaxKept(t *testing.T) {
	p := NewPool(&PoolOptions{MaxKept: 64 << 10})
	get := func(n, times int) (blocks []*Block) {
		for range times {
			blocks = append(blocks, p.Get(n))
		}
		return blocks
	}
	put := func(blocks []*Block) {
		for _, b := range blocks {
			b.Release()
		}
	}
	kept := func(want int64) {
		t.Helper()
		if s := p.Stats(); s.KeptBytes != want || s.KeptBytes != listed(p) {
			t.Fatalf("%d bytes kept, %d in the lists, want %d", s.KeptBytes, listed(p), want)
		}
	}
	put(get(8<<10, 10)) // two too many
	kept(64 << 10)
	if s := p.Stats(); s.Dropped != 2 {
		t.Fatalf("%+v, want 2 dropped", s)
	}
	put(get(20<<10, 1)) // takes the place of three
	kept(5*8<<10 + 20<<10)
	put(get(64<<10, 1)) // of all
	kept(64 << 10)
	b := get(4<<10, 1)
	put(get(64<<10, 1)) // the small one was asked for before
	put(b)              // and does not push out the large one
	kept(64 << 10)
	put(get(64<<10+1, 1)) // never
	kept(64 << 10)
	p.Get(64 << 10)
	kept(0)

	p = NewPool(&PoolOptions{MaxKept: -1})
	put(get(1, 3))
	kept(0)
}

// TestPoolSpare finds large blocks again that the pool has given up and the collector has not taken.
func TestPoolSpare(t *testing.T) {
	const size = 2 << 20
	p := NewPool(&PoolOptions{MaxKept: 64 << 10})
	a, b := p.Get(size), p.Get(size)
	a.Release()
	b.Release()
	if s := p.Stats(); s.KeptBytes != 0 || s.Dropped != 2 {
		t.Fatalf("%+v, want both given up", s)
	}
	if got := p.TryKept(size); got != b { // held by this test, so not collected
		t.Errorf("TryKept: %p, want %p", got, b)
	}
	if got := p.Get(size - 1); got != a || len(a.Bytes()) != size-1 || !a.Exclusive() {
		t.Errorf("Get: %p, want %p", got, a)
	}
	if s := p.Stats(); s.Misses != 2 {
		t.Errorf("%+v, want no further miss", s)
	}
	if got := p.TryKept(size); got != nil {
		t.Errorf("TryKept: %p, want none", got)
	}

	small := p.Get(128 << 10)
	small.Release()
	if p.Get(128<<10) == small {
		t.Error("a block that is not large was found again")
	}

	a.Release()
	p.Trim()
	if p.TryKept(size) != nil {
		t.Error("a block was found again after Trim")
	}

	b.Release()
	collected := make(chan bool)
	runtime.AddCleanup(b, func(c chan bool) { close(c) }, collected)
	a, b = nil, nil
	for range 100 {
		runtime.GC()
		select {
		case <-collected:
			if p.TryKept(size) != nil {
				t.Error("a block was found again that the collector has taken")
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the collector does not take what was given up")
}

// TestPoolSpareNone does not look for what may not be kept, or has to be given back.
func TestPoolSpareNone(t *testing.T) {
	for _, o := range []PoolOptions{{MaxKept: -1}, {MaxKept: 1, Allocator: &oddAllocator{}}} {
		p := NewPool(&o)
		b := p.Get(2 << 20)
		b.Release()
		if p.TryKept(2<<20) != nil {
			t.Errorf("%+v: found again", o)
		}
	}
}

// listed counts the bytes in the pool's lists.
func listed(p *Pool) (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.lists {
		for b := p.lists[c].head; b != nil; b = b.next {
			n += int64(len(b.mem))
		}
	}
	return n
}

// Beyond the largest class sizes are exact. The memory is not touched, so the machine need not have it.
func TestPoolLarge(t *testing.T) {
	if testing.Short() || ^uint(0)>>32 == 0 || raceEnabled || Debug {
		t.Skip("takes a GiB of address space, and in race and debug builds of memory")
	}
	p := NewPool(&PoolOptions{MaxKept: 4 << 30})
	b := p.Get(1<<30 + 1)
	wantAllocated(t, b.Bytes()[:1:b.Cap()], 1, 1<<30+64)
	b.Release()
	if s := p.Stats(); s.KeptBytes != 0 || s.Dropped != 1 {
		t.Errorf("%+v, want it dropped", s)
	}
	runtime.GC()
}

func TestPoolAllocs(t *testing.T) {
	for name, o := range map[string]*PoolOptions{
		"default":   nil,
		"budget":    {Budget: NewBudget(1 << 30)},
		"allocator": {Allocator: new(oddAllocator)},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPool(o)
			p.Get(10_000).Release()
			if n := testing.AllocsPerRun(100, func() {
				b := p.Get(10_000)
				b.Retain()
				b.Release()
				b.Release()
				b, err := p.TryGet(9_999)
				if err != nil {
					t.Fatal(err)
				}
				b.Release()
			}); n != 0 && !Debug {
				t.Errorf("%v allocations per Get and Release, want 0", n)
			}
		})
	}
}

func TestPoolConcurrent(t *testing.T) {
	budget := NewBudget(256 << 10)
	p := NewPool(&PoolOptions{MaxKept: 128 << 10, Budget: budget})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			var held []*Block
			for i := range 2000 {
				if len(held) > 4 || len(held) > 0 && r.IntN(2) == 0 {
					k := r.IntN(len(held))
					b := held[k]
					held = append(held[:k], held[k+1:]...)
					for _, v := range b.Bytes() {
						if v != byte(g) {
							t.Errorf("goroutine %d finds %d in its block", g, v)
							return
						}
					}
					if !b.Exclusive() {
						t.Error("block is shared")
					}
					// The last one to release may be any goroutine.
					for range r.IntN(3) {
						b.Retain()
						wg.Go(b.Release)
					}
					b.Release()
					continue
				}
				b, err := p.TryGet(r.IntN(32 << 10))
				switch {
				case errors.Is(err, ErrBudget):
					runtime.Gosched()
					continue
				case err != nil:
					t.Error(err)
				}
				for j := range b.Bytes() {
					b.Bytes()[j] = byte(g)
				}
				held = append(held, b)
				if i%100 == 0 {
					p.Stats()
				}
			}
			for _, b := range held {
				b.Release()
			}
		})
	}
	wg.Wait()
	s := p.Stats()
	if s.Gets != s.Puts || s.InUseBytes != 0 || s.KeptBytes > 128<<10 || s.KeptBytes != listed(p) || budget.Used() != 0 {
		t.Errorf("%+v, budget %d", s, budget.Used())
	}
	if int64(s.KeptBytes) == 0 || s.Misses == s.Gets {
		t.Errorf("%+v: nothing was reused", s)
	}
}

// Of many releases of one reference at once, exactly one succeeds.
func TestReleaseConcurrent(t *testing.T) {
	p := NewPool(nil)
	for range 200 {
		b := p.Get(1)
		var wg sync.WaitGroup
		panics := make(chan any, 4)
		for range cap(panics) {
			wg.Go(func() {
				defer func() { panics <- recover() }()
				b.Release()
			})
		}
		wg.Wait()
		good := 0
		for range cap(panics) {
			if <-panics == nil {
				good++
			}
		}
		if good != 1 {
			t.Fatalf("%d of %d releases succeeded", good, cap(panics))
		}
	}
	if s := p.Stats(); s.Misses != 1 || s.Puts != 200 {
		t.Errorf("%+v", s)
	}
}

func TestBudget(t *testing.T) {
	budget := NewBudget(20 << 10)
	p, q := NewPool(&PoolOptions{Budget: budget}), NewPool(&PoolOptions{Budget: budget})
	a, err := p.TryGet(8 << 10)
	if err != nil {
		t.Fatal(err)
	}
	b, err := q.TryGet(8<<10 - 100) // counts with its capacity
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.TryGet(5 << 10)
	var e *BudgetError
	if c != nil || !errors.Is(err, ErrBudget) || !errors.As(err, &e) || *e != (BudgetError{5 << 10, 16 << 10, 20 << 10}) {
		t.Fatalf("got %v and %v", c, err)
	}
	if want := "mem: memory budget exceeded: need 5120 bytes, 16384 of 20480 are in use; raise the budget, or release memory sooner"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if s := p.Stats(); s.Gets != 1 {
		t.Errorf("%+v: a refusal counts as a Get", s)
	}
	a.Release()
	if budget.Used() != 8<<10 || budget.Max() != 20<<10 {
		t.Errorf("%d of %d in use", budget.Used(), budget.Max())
	}
	if c, err = q.TryGet(5 << 10); err != nil {
		t.Fatal(err)
	}
	// Get goes over the limit, and what comes after it is refused.
	a = p.Get(1 << 20)
	if err := budget.Reserve(1); !errors.Is(err, ErrBudget) {
		t.Errorf("over the limit: %v", err)
	}
	if err := budget.Reserve(0); err != nil {
		t.Error(err)
	}
	for _, b := range []*Block{a, b, c} {
		b.Release()
	}
	if budget.Used() != 0 {
		t.Errorf("%d bytes in use in the end", budget.Used())
	}
	if err := NewBudget(0).Reserve(1); err == nil {
		t.Error("a budget of nothing has something")
	}
}

// A forgotten block gives its share of the budget back when its memory is collected, and no sooner.
func TestBudgetForgotten(t *testing.T) {
	for name, o := range map[string]*PoolOptions{
		"default":   {},
		"allocator": {Allocator: new(oddAllocator)},
	} {
		t.Run(name, func(t *testing.T) {
			budget := NewBudget(1 << 20)
			o.Budget = budget
			p := NewPool(o)
			p.Get(4096).Release() // also used a second time
			kept := p.Get(4096).Bytes()
			p.Get(8192)
			p.Get(100_000).Release() // nothing twice
			p.Trim()
			want := int64(4096)
			if o.Allocator != nil {
				want = 0 // of other allocators' memory the collector knows nothing
			}
			collectUntil(t, func() bool { return budget.Used() == want })
			if p.Stats().InUseBytes != 4096+8192 {
				t.Errorf("%+v, want the forgotten ones in use", p.Stats())
			}
			runtime.KeepAlive(&kept[0])
			collectUntil(t, func() bool { return budget.Used() == 0 })
		})
	}
}

func collectUntil(t *testing.T, done func() bool) {
	t.Helper()
	for range 200 {
		runtime.GC()
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the collector did not find it")
}

// oddAllocator returns memory at odd addresses and counts.
type oddAllocator struct {
	mu   sync.Mutex
	live map[*byte]int
}

func (a *oddAllocator) Allocate(n int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := Alloc(n + 1)[1:]
	if a.live == nil {
		a.live = map[*byte]int{}
	}
	a.live[&b[0]] = n
	return b
}

func (a *oddAllocator) Reallocate(int, []byte) []byte { panic("not used") }

func (a *oddAllocator) Free(b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n, ok := a.live[&b[0]]; !ok || n != len(b) {
		panic("freed what was not allocated")
	}
	delete(a.live, &b[0])
}

func TestPoolAllocator(t *testing.T) {
	a := new(oddAllocator)
	p := NewPool(&PoolOptions{Allocator: a, MaxKept: 8 << 10})
	var blocks []*Block
	for _, n := range []int{1, 4096, 5000, 70_000} {
		b := p.Get(n)
		wantAllocated(t, b.Bytes()[:n:b.Cap()], n, classSize(classOf(n)))
		clear(b.Bytes())
		blocks = append(blocks, b)
	}
	if len(a.live) != len(blocks) {
		t.Fatalf("%d allocations live, want %d", len(a.live), len(blocks))
	}
	for _, b := range blocks {
		b.Release()
	}
	if len(a.live) == 0 || p.Stats().KeptBytes > 8<<10 {
		t.Errorf("%d allocations live, %d bytes kept", len(a.live), p.Stats().KeptBytes)
	}
	p.Trim()
	if len(a.live) != 0 {
		t.Errorf("%d allocations live in the end", len(a.live))
	}
	// An allocator replaces the default one for the pools that are made from then on.
	defer func(old Allocator) { DefaultAllocator = old }(DefaultAllocator)
	DefaultAllocator = a
	b := NewPool(nil).Get(1)
	if len(a.live) != 1 {
		t.Error("DefaultAllocator was not asked")
	}
	b.Release()
}
