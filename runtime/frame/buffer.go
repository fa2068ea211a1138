package frame

import (
	"errors"
	"io"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

const (
	// waitSize is how much memory an empty buffer waits in for the first bytes.
	waitSize = 4 << 10
	// maxRead is the most that is asked of one read: larger ones run slower over sockets.
	maxRead = 256 << 10
	// maxEmptyReads is how often a reader may return nothing and no error.
	maxEmptyReads = 100
)

// Buffer is a stream buffer: bytes are filled in behind and taken from the front. They lie in a reference-counted,
// 64-byte-aligned slab from a pool, so that frames can be views into it and outlive the next fill. The first unread byte
// after each move lies on a 64-byte boundary.
//
// An empty buffer holds no slab: it waits for bytes in 4 KiB, or in nothing where the source is a [LazyReader], and takes a slab only
// when they have come. Where no more than 4 KiB come at a time, the slab has as much too, so that a frame that is kept does not keep a
// large one.
type Buffer struct {
	pool  *mem.Pool
	chunk int
	slab  *mem.Block
	bytes []byte // of the slab
	r, w  int    // unread bytes are bytes[r:w]
	wait  []byte
	lazy  lazyMemory
}

// LazyReader is a source that takes memory only once there may be something to read, as connections over TCP and Unix sockets do. A
// [Buffer] then needs one read where it needs two of others: one of a few bytes that it waits for, and one of the rest.
type LazyReader interface {
	io.Reader
	// ReadLazily is Read into what memory returns. It calls memory before each attempt, and back after each that has read nothing,
	// because nothing has come yet, which is waited for then, because the source has ended, or because of an error.
	ReadLazily(memory func() []byte, back func()) (n int, err error)
}

// lazyMemory is what a buffer lends a lazy reader.
type lazyMemory struct {
	memory func() []byte // allocated once
	back   func()
	lent   []byte
	want   int  // how much is to be read at most
	skew   int  // how far behind a multiple of 64 the first byte is to lie
	few    bool // the last read would not have filled the least slab
}

// NewBuffer returns an empty buffer with slabs of chunk bytes; zero means 64 KiB. A nil pool means the shared one.
func NewBuffer(pool *mem.Pool, chunk int) *Buffer {
	if pool == nil {
		pool = mem.SharedPool()
	}
	if chunk <= 0 {
		chunk = 64 << 10
	}
	return &Buffer{pool: pool, chunk: max(mem.Pad(chunk), waitSize)}
}

// Bytes returns the unread bytes, valid until the next Fill, or longer with [Buffer.Share].
func (b *Buffer) Bytes() []byte { return b.bytes[b.r:b.w] }

// Len returns the number of unread bytes.
func (b *Buffer) Len() int { return b.w - b.r }

// Advance takes n bytes from the front.
func (b *Buffer) Advance(n int) {
	b.r += n
	if b.r == b.w {
		if b.slab != nil {
			b.slab.Release()
		}
		b.slab, b.bytes, b.r, b.w = nil, nil, 0, 0
	}
}

// Share returns the slab of the unread bytes, of which there must be some and which the last Fill brought in without an error,
// with one more reference: they stay as they are until it is released.
func (b *Buffer) Share() *mem.Block {
	b.slab.Retain()
	return b.slab
}

// Fill reads from src until at least need bytes are unread, and takes up to ahead bytes in all if they come with them. An
// error of src is returned when it leaves too few; io.EOF too. Where the pool's budget is used up the error wraps
// [mem.ErrBudget], and what was read stays unread.
//
// What need announces is not believed: beyond twice the chunk the memory grows as bytes arrive.
func (b *Buffer) Fill(src io.Reader, need, ahead int) error {
	if b.Len() >= need {
		return nil
	}
	if b.Len() == 0 && b.slab == nil {
		if lazy, ok := src.(LazyReader); ok {
			if err := b.awaitLazily(lazy, max(need, ahead)); err != nil {
				return err
			}
		} else if err := b.await(src, min(waitSize, max(need, ahead))); err != nil {
			return err
		}
	}
	if b.Len() >= need {
		return nil
	}
	if b.slab == nil || b.r+need > len(b.bytes) {
		if err := b.move(need); err != nil {
			return err
		}
	}
	for empty := 0; b.Len() < need; {
		if b.w == len(b.bytes) {
			if err := b.move(need); err != nil {
				return err
			}
		}
		to := min(len(b.bytes), b.r+max(need, ahead), b.w+maxRead)
		n, err := src.Read(b.bytes[b.w:to])
		if n < 0 || n > to-b.w {
			return errBadRead
		}
		b.w += n
		if b.Len() >= need {
			break
		}
		if err != nil {
			return err
		}
		if n != 0 {
			empty = 0
		} else if empty++; empty == maxEmptyReads {
			return io.ErrNoProgress
		}
	}
	return nil
}

var errBadRead = errors.New("the reader returned a count outside its buffer")

// await reads the first bytes into the waiting memory, and moves them into a slab.
func (b *Buffer) await(src io.Reader, most int) error {
	if b.wait == nil {
		b.wait = make([]byte, waitSize)
	}
	for range maxEmptyReads {
		n, err := src.Read(b.wait[:most])
		if n < 0 || n > most {
			return errBadRead
		}
		if n > 0 {
			size := b.chunk
			if n < most { // no more has come: what stays here must not keep a whole slab
				size = waitSize
			}
			return b.take(b.wait[:n], size) // an error of src comes again with the next read
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// awaitLazily reads the first bytes into a new slab, most of them at the most.
func (b *Buffer) awaitLazily(src LazyReader, most int) error {
	l := &b.lazy
	if l.memory == nil {
		l.memory, l.back = b.lend, b.takeBack
	}
	l.want = most
	for range maxEmptyReads {
		n, err := src.ReadLazily(l.memory, l.back)
		switch {
		case n < 0 || n > len(l.lent):
			b.takeBack()
			return errBadRead
		case n > 0:
			return b.keep(n) // an error of src comes again with the next read
		}
		b.takeBack()
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// lend starts a slab for a lazy reader, or gives it the waiting memory where the budget is short.
func (b *Buffer) lend() []byte {
	b.takeBack()
	l := &b.lazy
	size := b.chunk
	if l.few || l.skew+l.want <= waitSize {
		size = waitSize
	}
	slab, err := b.pool.TryGet(size)
	if err != nil {
		if b.wait == nil {
			b.wait = make([]byte, waitSize)
		}
		l.lent = b.wait[:min(l.want, waitSize)]
		return l.lent
	}
	b.slab, b.bytes, b.r, b.w = slab, slab.Bytes(), l.skew, l.skew
	l.lent = b.bytes[l.skew:min(l.skew+l.want, len(b.bytes))]
	return l.lent
}

// takeBack takes back what was lent, if anything was.
func (b *Buffer) takeBack() {
	b.lazy.lent = nil
	b.Advance(0)
}

// keep makes the first n bytes of what was lent the unread ones.
func (b *Buffer) keep(n int) error {
	read := b.lazy.lent[:n]
	b.lazy.lent, b.lazy.few = nil, n < waitSize-b.lazy.skew
	slab := b.slab
	if slab == nil {
		return b.take(read, waitSize)
	}
	b.w = b.r + n
	if n <= waitSize && len(b.bytes) > waitSize && b.take(read, waitSize) == nil { // what stays here must not keep a whole slab
		slab.Release()
	}
	return nil
}

// move brings the unread bytes to the start of a slab that can hold need, or the part of it that is believed.
func (b *Buffer) move(need int) error {
	if need <= len(b.bytes) && b.slab != nil && b.slab.Exclusive() {
		copy(b.bytes, b.Bytes())
		b.r, b.w = 0, b.w-b.r
		return nil
	}
	size := b.chunk
	if need > size { // at least doubled, so that growing byte by byte takes linear time
		size = max(min(need, 2*b.chunk), 2*b.Len())
	}
	old := b.slab
	least := max(b.chunk, b.Len()+waitSize)
	for err := b.take(b.Bytes(), size); err != nil; err = b.take(b.Bytes(), size) {
		if size /= 2; size < least { // what a length announces need not be there at once
			return err
		}
	}
	if old != nil {
		old.Release()
	}
	return nil
}

// unaligned tells whether what lies n bytes behind the first unread one does not lie at a multiple of 64, and would after align.
func (b *Buffer) unaligned(n int) bool { return (b.r+n)%cacheLine != 0 && b.Len() < n+waitSize }

// align moves the unread bytes, of which there are few, so that what lies n bytes behind the first lies at a multiple of 64, and
// makes room for need.
func (b *Buffer) align(n, need int) error {
	if b.r+cacheLine+need > len(b.bytes) {
		if err := b.move(min(cacheLine+need, b.chunk)); err != nil {
			return err
		}
	}
	// What was handed out lies before r, and what lies behind w is free.
	if by := (cacheLine - (b.r+n)%cacheLine) % cacheLine; b.w+by <= len(b.bytes) {
		copy(b.bytes[b.r+by:], b.Bytes())
		b.r, b.w = b.r+by, b.w+by
	}
	return nil
}

// take starts a new slab of size bytes with p in it. Where there is none p is what is unread.
func (b *Buffer) take(p []byte, size int) error {
	slab, err := b.pool.TryGet(size)
	if err != nil {
		if b.slab == nil {
			b.bytes, b.r, b.w = p, 0, len(p)
		}
		return err
	}
	b.slab, b.bytes = slab, slab.Bytes()
	b.r, b.w = 0, copy(b.bytes, p)
	return nil
}

// Free gives the slab back. The buffer is empty afterwards.
func (b *Buffer) Free() {
	b.r = b.w
	b.Advance(0)
	b.wait = nil
}
