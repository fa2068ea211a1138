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
// An empty buffer holds no slab: it waits for bytes in 4 KiB and takes a slab only when they have come.
type Buffer struct {
	pool  *mem.Pool
	chunk int
	slab  *mem.Block
	bytes []byte // of the slab
	r, w  int    // unread bytes are bytes[r:w]
	wait  []byte
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
	if b.r == b.w && b.slab != nil {
		b.slab.Release()
		b.slab, b.bytes, b.r, b.w = nil, nil, 0, 0
	}
}

// Share returns the slab of the unread bytes with one more reference: they stay as they are until it is released.
func (b *Buffer) Share() *mem.Block {
	b.slab.Retain()
	return b.slab
}

// Fill reads from src until at least need bytes are unread, and takes up to ahead bytes in all if they come with them. An
// error of src is returned when it leaves too few; io.EOF too.
func (b *Buffer) Fill(src io.Reader, need, ahead int) error {
	if b.Len() >= need {
		return nil
	}
	if b.Len() == 0 && b.slab == nil {
		if err := b.await(src, min(waitSize, max(need, ahead))); err != nil {
			return err
		}
	}
	if b.Len() >= need {
		return nil
	}
	if b.r+need > len(b.bytes) {
		b.move(need)
	}
	for empty := 0; b.Len() < need; {
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
			b.take(b.wait[:n], 0)
			return nil // an error comes again with the next read
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// move brings the unread bytes to the start of a slab that can hold need.
func (b *Buffer) move(need int) {
	if need <= len(b.bytes) && b.slab.Exclusive() {
		copy(b.bytes, b.Bytes())
		b.r, b.w = 0, b.w-b.r
		return
	}
	old, unread := b.slab, b.Bytes()
	b.take(unread, need)
	old.Release()
}

// take starts a new slab with p in it.
func (b *Buffer) take(p []byte, need int) {
	b.slab = b.pool.Get(max(b.chunk, need))
	b.bytes = b.slab.Bytes()
	b.r, b.w = 0, copy(b.bytes, p)
}

// Free gives the slab back. The buffer is empty afterwards.
func (b *Buffer) Free() {
	b.r = b.w
	b.Advance(0)
	b.wait = nil
}
