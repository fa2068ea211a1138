// Package record keeps the memory of received batches: which columns a batch has, which blocks they lie in, and who still
// holds it.
//
// A [Handle] is a pointer to a record and the generation it was made in. Releasing ends the generation and gives the record
// to a later batch, so that an old handle is noticed, and a second Release does nothing.
package record

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// A record is the memory of one batch, or of a second handle on it.
type record struct {
	gen        atomic.Uint64
	rows       int
	seq        int64 // batches of the stream before it
	columns    []column.Data
	blocks     []*mem.Block  // body, realigned and converted columns
	first      [2]*mem.Block // memory of that
	scratch    []byte        // unused part of the last block
	room       int64         // how many more bytes scratch may take
	parts      [][]byte      // data buffers of view columns
	children   []column.Data
	body       []byte // as it was received, nil where there is none
	metadata   []frame.KeyValue
	pool       *Pool
	releasedAt string // debug builds
}

// Pool keeps the records of one reader for its next batches. It is safe for concurrent use, since batches may be released by
// any goroutine.
type Pool struct {
	last   atomic.Pointer[record] // the record that was released last, where nothing has taken it yet
	mu     sync.Mutex
	free   []*record
	blocks *mem.Pool
}

// NewPool returns a pool whose records take their scratch memory from blocks.
func NewPool(blocks *mem.Pool) *Pool { return &Pool{blocks: blocks} }

// maxFree is how many records a pool keeps.
const maxFree = 64

// New returns the handle of a new batch of n columns, which are zero, for the caller to set with [Columns].
func (p *Pool) New(rows, columns int, seq int64) Handle {
	r := p.last.Swap(nil)
	if r == nil {
		r = p.take()
	}
	r.rows, r.seq, r.room, r.body, r.metadata = rows, seq, math.MaxInt64, nil, nil
	if cap(r.columns) < columns {
		r.columns = make([]column.Data, columns)
	}
	r.columns = r.columns[:columns]
	return Handle{r, r.gen.Load()}
}

// take returns a record that is free, or a new one. Its columns are zero.
func (p *Pool) take() *record {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		r := p.free[n-1]
		p.free = p.free[:n-1]
		return r
	}
	r := &record{pool: p}
	r.blocks = r.first[:0]
	return r
}

func (p *Pool) put(r *record) {
	clear(r.columns[:cap(r.columns)]) // there may have been more of them before they became those of a table
	if p.last.CompareAndSwap(nil, r) {
		return
	}
	p.mu.Lock()
	if len(p.free) < maxFree {
		p.free = append(p.free, r)
	}
	p.mu.Unlock()
}

// Handle is a batch as its reader hands it out, without Go types. The zero value is no batch.
//
// Its accessors may be used by several goroutines at once; Release ends that.
type Handle struct {
	rec *record
	gen uint64
}

// live returns the record if the batch was not released.
func (h Handle) live() *record {
	if h.rec == nil || h.rec.gen.Load() != h.gen {
		h.dead()
	}
	return h.rec
}

func (h Handle) dead() {
	if h.rec == nil {
		panic("lightstream: the zero batch has no columns; it came with an error")
	}
	if mem.Debug && h.rec.releasedAt != "" {
		panic("lightstream: batch was released at " + h.rec.releasedAt)
	}
	panic("lightstream: batch was released")
}

// Len returns the number of rows.
func (h Handle) Len() int { return h.live().rows }

// NumColumns returns the number of columns.
func (h Handle) NumColumns() int { return len(h.live().columns) }

// Column returns column i as its buffers, which are read-only and valid until Release. The Data is, too.
func (h Handle) Column(i int) *column.Data { return &h.live().columns[i] }

// Seq returns how many batches of the stream came before this one.
func (h Handle) Seq() int64 { return h.live().seq }

// Metadata returns the entries that the sender has attached to the batch's message, nil where there are none. They are read-only,
// and stay when the batch is released.
func (h Handle) Metadata() []frame.KeyValue { return h.live().metadata }

// Release gives the batch's memory to later batches. Nothing that aliases the batch may be used afterwards. It is optional,
// since the garbage collector takes what was not released; a second call does nothing, by whichever goroutine.
func (h Handle) Release() {
	r := h.rec
	if r == nil || !r.gen.CompareAndSwap(h.gen, h.gen+1) {
		return
	}
	if mem.Debug {
		r.releasedAt = caller()
	}
	for i, b := range r.blocks {
		b.Release()
		r.blocks[i] = nil
	}
	clear(r.parts)
	clear(r.children)
	r.blocks, r.scratch, r.parts, r.children, r.body, r.metadata = r.blocks[:0], nil, r.parts[:0], r.children[:0], nil, nil
	r.pool.put(r)
}

// Retain returns a second handle on the batch, which is released on its own: the way to keep a batch for long. Where the batch
// would keep alive far more memory than its columns take, such as the slab that it shares with others, the second handle has a
// copy of them.
func (h Handle) Retain() Handle {
	n := Share(h)
	n.rec.copyOut()
	return n
}

// Share is Retain without a copy, for a short time.
func Share(h Handle) Handle {
	r := h.live()
	n := r.pool.New(r.rows, len(r.columns), r.seq)
	copy(n.rec.columns, r.columns)
	n.rec.body, n.rec.metadata = r.body, r.metadata
	for i := range n.rec.columns {
		deepCopy(n, &n.rec.columns[i]) // r's own go to another batch
	}
	for _, b := range r.blocks {
		b.Retain()
		n.rec.blocks = append(n.rec.blocks, b)
	}
	return n
}

// copyOut moves the columns into a block of their own if the blocks they lie in have more than eight times as many bytes, and as
// the smallest block has.
func (r *record) copyOut() {
	size, held := 0, 0
	each := func(use func(b []byte) []byte) {
		for i := range r.columns {
			eachBuffer(&r.columns[i], use)
		}
	}
	each(func(b []byte) []byte {
		size += mem.Pad(len(b))
		return b
	})
	for _, b := range r.blocks {
		held += b.Cap()
	}
	if held <= 8*max(size, 4<<10) {
		return
	}
	block, err := r.pool.blocks.TryGet(size)
	if err != nil {
		return
	}
	to := block.Bytes()
	each(func(b []byte) []byte {
		n := copy(to, b)
		c := to[:n:n]
		to = to[mem.Pad(n):]
		return c
	})
	kept := r.blocks[:0]
	for _, b := range r.blocks {
		if b.Cap() == 0 { // it stands for something else that the columns have still, such as the values of a dictionary
			kept = append(kept, b)
		} else {
			b.Release()
		}
	}
	clear(r.blocks[len(kept):])
	r.blocks, r.body = append(kept, block), nil
}

// eachBuffer changes the buffers of a column, and of those below it. Those that are absent stay so.
func eachBuffer(d *column.Data, use func(b []byte) []byte) {
	for i, b := range d.Buffers {
		if b != nil {
			d.Buffers[i] = use(b)
		}
	}
	for i, b := range d.Variadic {
		d.Variadic[i] = use(b)
	}
	for i := range d.Children {
		eachBuffer(&d.Children[i], use)
	}
}

// Columns returns the columns of a batch that is being made, to be set.
func Columns(h Handle) []column.Data { return h.live().columns }

// SetBody notes the body that a batch was received in.
func SetBody(h Handle, body []byte) { h.live().body = body }

// Body returns the body that a batch was received in, nil where it came otherwise.
func Body(h Handle) []byte { return h.live().body }

// SetMetadata sets the entries that came with a batch.
func SetMetadata(h Handle, entries []frame.KeyValue) { h.live().metadata = entries }

// SetSeq sets how many batches come before one that was not read in order.
func SetSeq(h Handle, seq int64) { h.live().seq = seq }

// SetColumns exchanges the columns of a batch that is being made for others.
func SetColumns(h Handle, columns []column.Data) {
	r := h.live()
	r.columns = append(r.columns[:0], columns...)
}

// Own makes the batch the owner of a reference to block.
func Own(h Handle, block *mem.Block) {
	r := h.live()
	r.blocks = append(r.blocks, block)
}

// Limit bounds the scratch memory of a batch that is being made, in bytes.
func Limit(h Handle, n int64) { h.live().room = n }

// Reserve makes room for n bytes of scratch memory in one block. The error wraps [mem.ErrBudget], or [frame.ErrLimit] where the
// batch has reached its own limit.
func Reserve(h Handle, n int) error {
	r := h.live()
	if len(r.scratch) >= n {
		return nil
	}
	if r.room -= int64(n); r.room < 0 {
		return frame.Errorf(frame.ErrLimit, "the columns of the batch need too much memory to be converted; raise Limits.MaxExpanded, or let the sender make smaller batches")
	}
	block, err := r.pool.blocks.TryGet(n)
	if err != nil {
		return err
	}
	r.blocks = append(r.blocks, block)
	r.scratch = block.Bytes()
	return nil
}

// Scratch returns n bytes that live as long as the batch, at a multiple of 64. Their content is unspecified.
func Scratch(h Handle, n int) ([]byte, error) {
	r := h.live()
	size := mem.Pad(n)
	if err := Reserve(h, size); err != nil {
		return nil, err
	}
	b := r.scratch[:n:n] // what is behind it is nobody's to send
	r.scratch = r.scratch[size:]
	return b, nil
}

// Parts returns room for n buffers that lives as long as the batch.
func Parts(h Handle, n int) [][]byte {
	r := h.live()
	if cap(r.parts)-len(r.parts) < n {
		r.parts = make([][]byte, 0, max(2*cap(r.parts), n, 8)) // what was handed out keeps the old memory
	}
	from := len(r.parts)
	r.parts = r.parts[:from+n]
	return r.parts[from : from+n : from+n]
}

// Children returns room for n columns below a nested one that lives as long as the batch. They are zero.
func Children(h Handle, n int) []column.Data {
	r := h.live()
	if cap(r.children)-len(r.children) < n {
		r.children = make([]column.Data, 0, max(2*cap(r.children), n, 8)) // what was handed out keeps the old memory
	}
	from := len(r.children)
	r.children = r.children[:from+n]
	return r.children[from : from+n : from+n]
}

// deepCopy gives a column of a batch lists of the batch's own of its data buffers and children.
func deepCopy(h Handle, d *column.Data) {
	if len(d.Variadic) != 0 { // an empty list says that the column has views
		list := Parts(h, len(d.Variadic))
		copy(list, d.Variadic)
		d.Variadic = list
	}
	if len(d.Children) != 0 {
		list := Children(h, len(d.Children))
		copy(list, d.Children)
		d.Children = list
	}
	for i := range d.Children {
		deepCopy(h, &d.Children[i])
	}
}
