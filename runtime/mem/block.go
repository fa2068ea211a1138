package mem

import "sync/atomic"

// A Block is a reference-counted piece of memory. It is made with one reference, by [Pool.Get], [Pool.TryGet] or
// [Wrap], and gives its memory back when the last one is released. Its methods can be used by any number of goroutines
// at once; what they do with the bytes is theirs to coordinate.
//
// Release is optional for memory of the Go heap: a forgotten block, or a slice of a forgotten block, is collected when
// nothing refers to it, and the pool has to allocate instead of reusing.
//
// A Block is not a handle: after its last release it may be handed out again, with other contents, and a further
// Release by its former owner would then hit the new one. Whoever shares blocks with code that may release twice puts
// a handle of its own in between.
type Block struct {
	at   site // first, as a field of size zero at the end would take space
	refs atomic.Int32
	n    int
	mem  []byte // all of it: len == cap

	pool  *Pool  // nil if wrapped
	class int    // which of the pool's lists it belongs to, or unclassed
	next  *Block // in that list
	debt  *debt  // what is owed to the pool's budget, nil without one
	free  func() // nil for memory of the Go heap
}

// unclassed is the class of blocks that no list takes.
const unclassed = -1

// Wrap returns a block with one reference over foreign memory, such as a mapped file or a buffer of another library.
// free, if not nil, is called once, by the goroutine that releases the last reference. From then on the block is
// empty. The block has the length of p as its capacity, and the alignment that p has.
//
// Not even a debug build fills p when it is released, as it may be read-only or belong to others.
//
// A wrapped block that is forgotten never calls free.
func Wrap(p []byte, free func()) *Block {
	b := &Block{mem: p[:len(p):len(p)], n: len(p), class: unclassed, free: free}
	b.refs.Store(1)
	return b
}

// Bytes returns the memory of the block, with the length that was asked for and all of its capacity. It is valid until
// the block's last reference is released. Without a preceding write its contents are unspecified.
func (b *Block) Bytes() []byte { return b.mem[:b.n] }

// Cap returns the number of bytes that the block can hold.
func (b *Block) Cap() int { return len(b.mem) }

// Resize changes the length of [Block.Bytes] to n, which must be at most [Block.Cap], else it panics. Contents stay.
// Only the holder of the one reference may call it.
func (b *Block) Resize(n int) {
	if uint(n) > uint(len(b.mem)) {
		panic("mem: Block.Resize: length exceeds the capacity")
	}
	b.n = n
}

// Retain adds a reference. It panics if the block has none left.
func (b *Block) Retain() {
	for {
		r := b.refs.Load()
		if r <= 0 {
			panic("mem: Block.Retain: block was released" + b.where())
		}
		if b.refs.CompareAndSwap(r, r+1) {
			return
		}
	}
}

// Exclusive reports whether there is exactly one reference. If it is the caller's, then it stays so until the caller
// shares it, and the caller may write to the block and resize it.
func (b *Block) Exclusive() bool { return b.refs.Load() == 1 }

// Release drops a reference. With the last one the memory goes back to its pool, or to the function given to [Wrap].
// Releasing more often than there are references panics, if the block has not been handed out again meanwhile.
func (b *Block) Release() {
	// Nothing is subtracted before it is known to be there: a block that lies in a pool may be handed out at any time,
	// and its count then belongs to somebody else.
	for {
		r := b.refs.Load()
		if r <= 0 {
			panic("mem: Block.Release: released more often than retained" + b.where())
		}
		if b.refs.CompareAndSwap(r, r-1) {
			if r == 1 {
				b.last()
			}
			return
		}
	}
}

// last does what follows from the release of the last reference.
func (b *Block) last() {
	b.at.record()
	if b.pool != nil {
		poison(b.mem)
		b.pool.put(b)
		return
	}
	b.giveUp()
}

// giveUp returns the memory to where it came from. The block is empty then.
func (b *Block) giveUp() {
	free := b.free
	b.mem, b.n, b.free = nil, 0, nil
	if free != nil {
		free()
	}
}

// ReleasedAt returns the place in the source, as file:line, that released the block's last reference most recently.
// Without the build tag lightstream_debug, or before the first release, it returns the empty string.
//
// The place is the innermost caller outside of this module and of generated code, as that is where a user of the
// library can do something about it.
func (b *Block) ReleasedAt() string { return b.at.String() }

func (b *Block) where() string {
	if s := b.at.String(); s != "" {
		return ", last at " + s
	}
	return ""
}
