// Package fanout sends one Arrow stream to any number of readers, encoded once.
//
// A [Hub] is what the writer of the source writes to: it has Write and WriteBuffers, like a connection. Each reader is a call of
// [Hub.Send] with its own connection:
//
//	hub := fanout.New(nil)
//	w := feed.NewTradeWriter(hub, nil) // one encoder for all
//	...
//	err := hub.Send(ctx, conn)         // in a goroutine for each reader
//
// # Who gets what
//
// A reader gets the schema, the dictionaries as they are when it joins, and every batch from then on: a stream that is complete in
// itself, with no byte of an earlier batch. It ends as the source ends: with an end marker after the writer's Close, without
// one after [Hub.Close] or where the source breaks off.
//
// # Slow readers
//
// What a reader has not taken yet waits in memory, at most Options.MaxBatches and MaxBytes for each. A reader that has more is
// slow, and Options.Slow says what happens: the source waits, the reader misses its oldest batches, or it is let go.
// Schemas and dictionaries are never dropped, so what a reader gets is always right; what it missed is counted.
//
// The messages of all readers are the same memory, counted by reference.
package fanout

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/ended"
	"github.com/lightstream-go/lightstream/runtime/internal/wire"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Slow is what happens with a reader that has as much waiting as the options allow.
type Slow int

const (
	// Wait makes the source wait: no reader misses anything, and the slowest sets the pace.
	Wait Slow = iota
	// DropOldest drops the oldest batches that wait for the reader.
	DropOldest
	// Disconnect ends the reader's Send with ErrSlow.
	Disconnect
)

// String returns the name of the policy.
func (s Slow) String() string {
	switch s {
	case Wait:
		return "wait"
	case DropOldest:
		return "drop oldest"
	case Disconnect:
		return "disconnect"
	}
	return fmt.Sprintf("Slow(%d)", int(s))
}

var (
	// ErrSlow is returned by Send for a reader that fell behind, with the policy Disconnect.
	ErrSlow = errors.New("lightstream: the reader fell too far behind and was disconnected")
	// ErrAborted is returned by Send, and by later writes, after Close, or where the source ended without an end marker.
	ErrAborted = errors.New("lightstream: the source of the fan-out was aborted")
	// ErrEnded is returned by writes after the end of the stream.
	ErrEnded = errors.New("lightstream: the stream of the fan-out has ended")
	// ErrFull is returned by Send when there are as many readers as Options.MaxReaders.
	ErrFull = errors.New("lightstream: the fan-out has no room for another reader")
)

// Options are the settings of a [Hub]. The zero value means all defaults.
type Options struct {
	// Slow is what happens with slow readers.
	Slow Slow
	// MaxBatches is how many batches may wait for one reader. Zero means 64.
	MaxBatches int
	// MaxBytes is how many bytes of messages may wait for one reader; one message more is let in. Zero means 64 MiB.
	MaxBytes int64
	// MaxReaders is how many readers there may be at a time. Zero means any number.
	MaxReaders int
	// MaxDictionaries is how many bytes of memory the schema and the dictionaries may take that are kept for readers that join
	// late. Zero means 256 MiB. A source that needs more gets an error wrapping frame.ErrLimit.
	MaxDictionaries int64
	// MaxMetadata and MaxBody are the longest metadata and body of a message, in bytes. Zero means 16 MiB and 1 GiB.
	MaxMetadata, MaxBody int64
	// Pool supplies the memory. Nil means the shared pool.
	Pool *mem.Pool
}

// Stats counts what a [Hub] has done so far.
type Stats struct {
	Readers      int   // that there are now
	Joined       int64 // readers, in all
	Batches      int64 // that came from the source
	Bytes        int64 // that came from the source, in whole messages
	Dictionaries int64 // dictionary messages that came from the source
	Sent         int64 // bytes that the readers' connections have accepted
	Dropped      int64 // batches that a reader missed, summed over the readers
	Disconnected int64 // readers that were let go because they were slow
	Waited       int64 // times that the source waited for a reader
	Waiting      int64 // bytes that wait for readers now; a message that waits for two counts twice
	Kept         int64 // bytes of memory with schema and dictionaries that are kept for those who join
}

// A Hub sends the stream that is written to it to all of its readers. One goroutine writes at a time; everything else may be called
// by any number of goroutines at once.
type Hub struct {
	opts Options

	// The message that is being written.
	ipc  frame.IPC
	head []byte     // its first bytes, until its length is known
	need int        // how many of them it takes to know more
	body *mem.Block // then all of it, which grows
	have int        // how much of body is there
	all  int        // how long it will be
	size int        // its metadata and what stands before
	most int        // the longest message so far

	broken atomic.Bool // there will be no end marker

	mu      sync.Mutex
	joined  map[*reader]struct{}
	schema  message
	dicts   []dictionary // in the order in which they first came: values before those that are made of them
	kept    int64        // bytes of both
	end     error        // io.EOF after the end marker
	closed  bool
	stats   Stats
	waiting bool          // the source waits for room
	room    chan struct{} // tells it that there may be some
	late    deadline
}

// message is what waits for a reader, with a reference of its own to the block.
type message struct {
	block      *mem.Block
	batch      bool
	dictionary bool
	delta      bool
	own        bool  // the reader got it when it joined
	id         int64 // of the dictionary
}

func (m *message) size() int64 { return int64(len(m.block.Bytes())) }

// memory is what the message keeps from others: small ones lie in blocks with room to spare.
func (m *message) memory() int64 { return int64(m.block.Cap()) }

func (m *message) release() {
	if m.block != nil {
		m.block.Release()
	}
}

// dictionary is what a reader that joins gets of one: the values, and deltas.
type dictionary struct {
	id       int64
	messages []message
}

// reader is one call of Send.
type reader struct {
	queue   []message
	batches int       // in the queue
	going   []message // taken from it and on their way
	bytes   int64     // of both
	own     int64     // of these, what it got when it joined, which does not make it slow
	stopped bool
	wake    chan struct{}
	cancel  context.CancelCauseFunc

	parts [][]byte // of going
	size  int64    // of going
}

// gone takes a message off the count of what waits.
func (r *reader) gone(m *message) {
	r.bytes -= m.size()
	if m.own {
		r.own -= m.size()
	}
}

// signal wakes the reader.
func (r *reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// stop ends its Send.
func (r *reader) stop(err error) {
	r.stopped = true
	r.cancel(err)
}

// New returns a hub without readers. Nil options mean all defaults.
func New(opts *Options) *Hub {
	h := &Hub{joined: map[*reader]struct{}{}, room: make(chan struct{}, 1)}
	if opts != nil {
		h.opts = *opts
	}
	if h.opts.MaxBatches <= 0 {
		h.opts.MaxBatches = 64
	}
	if h.opts.MaxBytes <= 0 {
		h.opts.MaxBytes = 64 << 20
	}
	if h.opts.MaxDictionaries <= 0 {
		h.opts.MaxDictionaries = 256 << 20
	}
	if h.opts.Pool == nil {
		h.opts.Pool = mem.SharedPool()
	}
	h.ipc = frame.IPC{MaxMetadata: h.opts.MaxMetadata, MaxBody: h.opts.MaxBody}
	h.late.init()
	return h
}

// String names the hub in errors of its writer.
func (h *Hub) String() string { return "fan-out" }

// Write takes bytes of the stream, cut anywhere. A whole message goes to the readers at once. With the policy Wait it waits, before
// it takes the first byte of a message, until every reader has room.
func (h *Hub) Write(p []byte) (n int, err error) {
	for n < len(p) {
		k, err := h.take(p[n:])
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// WriteBuffers is Write for several parts.
func (h *Hub) WriteBuffers(bufs [][]byte) (n int64, err error) {
	for _, p := range bufs {
		k, err := h.Write(p)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// take takes some bytes of p, which has some.
func (h *Hub) take(p []byte) (n int, err error) {
	if h.broken.Load() {
		h.forget()
		return 0, h.ready()
	}
	if h.body == nil {
		if len(h.head) == 0 {
			if err := h.ready(); err != nil {
				return 0, err
			}
			h.need = 4
		}
		n = min(len(p), h.need-len(h.head))
		h.head = append(h.head, p[:n]...)
		if len(h.head) < h.need {
			return n, nil
		}
		head, body, need, err := h.ipc.Measure(h.head)
		switch {
		case err != nil:
			h.fail(err)
			return 0, err
		case need > len(h.head):
			h.need = need
			return n, nil
		}
		// The announced length is not believed: more memory is taken as bytes come.
		h.all, h.size = head+body, head
		h.body, err = h.opts.Pool.TryGet(min(h.all, max(firstBlock, 2*h.most, len(h.head))))
		if err != nil {
			h.fail(err)
			return 0, err
		}
		h.have = copy(h.body.Bytes(), h.head)
		h.head = h.head[:0]
	} else {
		if h.have == len(h.body.Bytes()) {
			if err := h.grow(); err != nil {
				h.fail(err)
				h.forget()
				return 0, err
			}
		}
		n = copy(h.body.Bytes()[h.have:], p)
		h.have += n
	}
	if h.have < h.all {
		return n, nil
	}
	h.most = max(h.most, h.all)
	block := h.body
	h.body = nil
	return n, h.publish(block)
}

// firstBlock is the most memory that a message is given before its bytes have come, unless there was one half as long.
const firstBlock = 16 << 20

// grow moves what has come of a long message to a block with room for more.
func (h *Hub) grow() error {
	larger, err := h.opts.Pool.TryGet(min(h.all, 2*h.have))
	if err != nil {
		return err
	}
	copy(larger.Bytes(), h.body.Bytes()[:h.have])
	h.body.Release()
	h.body = larger
	return nil
}

// ready waits until a message may come.
func (h *Hub) ready() error {
	for waited := false; ; {
		h.mu.Lock()
		h.waiting = false
		switch {
		case h.end == io.EOF:
			h.mu.Unlock()
			return ErrEnded
		case h.end != nil:
			err := h.end
			h.mu.Unlock()
			return err
		case h.opts.Slow != Wait || !h.full():
			h.mu.Unlock()
			return nil
		}
		if h.waiting = true; !waited {
			h.stats.Waited++
			waited = true
		}
		h.mu.Unlock()
		select {
		case <-h.room:
		case <-h.late.passed():
			return os.ErrDeadlineExceeded
		}
	}
}

// full tells whether some reader has no room.
func (h *Hub) full() bool {
	for r := range h.joined {
		if h.over(r) {
			return true
		}
	}
	return false
}

func (h *Hub) over(r *reader) bool {
	return r.batches >= h.opts.MaxBatches || r.bytes-r.own >= h.opts.MaxBytes
}

// publish gives a whole message to the readers.
func (h *Hub) publish(block *mem.Block) error {
	all := block.Bytes()
	block.Retain() // DecodeBody takes over one reference
	m, err := h.ipc.DecodeBody(all[:h.size], all[h.size:], block)
	if err != nil {
		block.Release()
		h.fail(err)
		return err
	}
	m.Release()
	h.mu.Lock()
	defer h.mu.Unlock()
	defer block.Release()
	if h.end != nil {
		return h.end
	}
	if m.End {
		h.finish(io.EOF)
		return nil
	}
	h.stats.Bytes += int64(len(all))
	if zeros := bytes.IndexByte(all[:h.size], 0xFF); zeros > 0 && len(bytes.Trim(all[:zeros], "\x00")) == 0 &&
		binary.LittleEndian.Uint32(all[zeros:]) == 1<<32-1 {
		// Zeros that belong to the dictionary before it, which a reader that joins now would not get.
		if block, err = h.without(block, zeros); err != nil {
			h.finish(err)
			return err
		}
		defer block.Release()
	}
	msg := message{block: block, batch: m.Batch != nil}
	switch d, ok := m.Root.HeaderDictionaryBatch(); {
	case msg.batch:
		h.stats.Batches++
	case ok:
		h.stats.Dictionaries++
		msg.dictionary, msg.delta, msg.id = true, d.IsDelta(), d.ID()
		if err := h.keep(msg); err != nil {
			h.finish(err)
			return err
		}
	case h.schema.block == nil && m.Root.HeaderType() == arrowfb.MessageHeaderSchema:
		block.Retain()
		h.schema, h.kept = msg, msg.memory()
	default:
		err := fmt.Errorf("lightstream: a fan-out takes one stream of tables, and found a %v message in it: %w", m.Root.HeaderType(), frame.ErrMalformed)
		h.finish(err)
		return err
	}
	for r := range h.joined {
		h.queue(r, msg)
	}
	return nil
}

// without returns the message without the first n bytes.
func (h *Hub) without(block *mem.Block, n int) (*mem.Block, error) {
	all := block.Bytes()
	cut, err := h.opts.Pool.TryGet(len(all) - n)
	if err != nil {
		return nil, err
	}
	copy(cut.Bytes(), all[n:])
	return cut, nil
}

// keep keeps a dictionary for readers that join.
func (h *Hub) keep(m message) error {
	i := slices.IndexFunc(h.dicts, func(d dictionary) bool { return d.id == m.id })
	if i < 0 {
		i = len(h.dicts)
		h.dicts = append(h.dicts, dictionary{id: m.id})
	}
	d := &h.dicts[i]
	if !m.delta {
		for _, old := range d.messages {
			h.kept -= old.memory()
			old.release()
		}
		clear(d.messages)
		d.messages = d.messages[:0]
	}
	if h.kept+m.memory() > h.opts.MaxDictionaries {
		return fmt.Errorf("lightstream: schema and dictionaries in %d bytes of memory exceed the fan-out's Options.MaxDictionaries (%d): %w",
			h.kept+m.memory(), h.opts.MaxDictionaries, frame.ErrLimit)
	}
	m.block.Retain()
	d.messages = append(d.messages, m)
	h.kept += m.memory()
	return nil
}

// queue lets a message wait for a reader.
func (h *Hub) queue(r *reader, m message) {
	if r.stopped {
		return
	}
	switch over := h.over(r); {
	case over && h.opts.Slow == Disconnect:
		h.stats.Disconnected++
		r.stop(ErrSlow)
		return
	case over && h.opts.Slow == DropOldest:
		for r.batches > 0 && h.over(r) {
			h.drop(r)
		}
		if r.batches == 0 && !m.batch && !m.delta { // it stands behind other dictionaries
			h.supersede(r, len(r.queue), m.id)
		}
	}
	m.block.Retain()
	r.queue = append(r.queue, m)
	r.bytes += m.size()
	if m.batch {
		r.batches++
	}
	r.signal()
}

// drop takes the oldest batch out of a queue, and then the dictionaries before it that nobody needs without it.
func (h *Hub) drop(r *reader) {
	i := 0
	for !r.queue[i].batch {
		i++
	}
	h.stats.Dropped++
	h.remove(r, i)
	for ; i < len(r.queue) && !r.queue[i].batch; i++ {
		if m := r.queue[i]; !m.delta {
			i -= h.supersede(r, i, m.id)
		}
	}
}

// supersede removes the dictionaries with the given id from the first n messages of a queue, among which there is no batch, and
// returns how many there were.
func (h *Hub) supersede(r *reader, n int, id int64) (removed int) {
	for i := n - 1; i >= 0; i-- {
		if r.queue[i].dictionary && r.queue[i].id == id {
			h.remove(r, i)
			removed++
		}
	}
	return removed
}

func (h *Hub) remove(r *reader, i int) {
	m := r.queue[i]
	r.gone(&m)
	if m.batch {
		r.batches--
	}
	m.block.Release()
	r.queue = slices.Delete(r.queue, i, i+1)
}

// forget gives up a message that was begun.
func (h *Hub) forget() {
	if h.body != nil {
		h.body.Release()
		h.body = nil
	}
	h.head = h.head[:0]
}

// finish ends the stream for the readers, after what waits for them.
func (h *Hub) finish(err error) {
	if h.end == nil {
		h.end = err
		h.broken.Store(err != io.EOF)
	}
	for r := range h.joined {
		r.signal()
	}
}

// fail is finish for what came while the lock is not held.
func (h *Hub) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finish(err)
}

// CloseWrite is what the writer of the source calls at its end. Where the stream has no end marker, neither will the readers' streams.
func (h *Hub) CloseWrite() error {
	h.fail(ErrAborted)
	h.forget()
	return nil
}

// Close gives up what is kept for readers that join. Streams that have not ended with the source's end marker end without one. It does
// not wait for the readers: their calls of Send send what waits for them and return. A second Close does nothing.
func (h *Hub) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finish(ErrAborted)
	h.closed = true
	h.schema.release()
	h.schema = message{}
	for _, d := range h.dicts {
		for _, m := range d.messages {
			m.release()
		}
	}
	h.dicts, h.kept = nil, 0
	select {
	case h.room <- struct{}{}:
	default:
	}
	return nil
}

// SetWriteDeadline bounds how long a write waits for slow readers. A write that would wait longer returns an error wrapping
// [os.ErrDeadlineExceeded], between two messages: nothing of the next one was taken. The writers of this module can go on where it was
// their call's context that ended.
func (h *Hub) SetWriteDeadline(t time.Time) error {
	h.late.set(t)
	return nil
}

// Stats returns the counters.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Readers, s.Kept = len(h.joined), h.kept
	for r := range h.joined {
		s.Waiting += r.bytes
	}
	return s
}

// Send sends the stream to w until it ends, and returns nil then, after an end marker and a half-close where w has CloseWrite. It waits
// for the source as long as that has sent nothing. The stream has no end marker, and the error says why, when the context ends,
// when the reader is let go as a slow one ([ErrSlow]), when the source broke off ([ErrAborted]), or when w fails; w is then of no more use.
//
// Where w has SetWriteDeadline, the end of the context interrupts a write; else it takes effect with the next one. Send does not
// read from w and does not close it.
func (h *Hub) Send(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := h.join(cancel)
	if err != nil {
		return err
	}
	defer h.leave(r)
	out := wire.NewSender(w)
	c := wire.Canceller{Set: out.Deadline()}
	defer c.Disarm()
	var batches int64
	broken := func(err error) error {
		return fmt.Errorf("lightstream: fan-out to %s, of which it has accepted %d batches: %w", ipc.SourceName(w), batches, c.Cause(ctx, err))
	}
	for {
		more, err := h.next(r)
		switch {
		case !more && err == nil:
			select {
			case <-r.wake:
			case <-ctx.Done():
				return broken(ended.Err(ctx))
			}
			continue
		case !more && err != io.EOF:
			return broken(err)
		}
		if err := c.Arm(ctx); err != nil {
			return broken(err)
		}
		parts, size := r.parts, r.size
		if !more {
			parts, size = [][]byte{endMarker}, int64(len(endMarker))
		}
		n, err := out.Send(parts, size)
		c.Leave()
		batches += h.sent(r, n, err == nil)
		if err != nil {
			return broken(err)
		}
		if !more {
			break
		}
	}
	if e, ok := w.(interface{ CloseWrite() error }); ok {
		if err := e.CloseWrite(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return broken(err)
		}
	}
	return nil
}

// endMarker ends an Arrow stream.
var endMarker = []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}

// join makes a reader for which schema and dictionaries wait.
func (h *Hub) join(cancel context.CancelCauseFunc) (*reader, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.opts.MaxReaders > 0 && len(h.joined) >= h.opts.MaxReaders:
		return nil, fmt.Errorf("%w: Options.MaxReaders is %d", ErrFull, h.opts.MaxReaders)
	case h.closed && h.end == io.EOF:
		return nil, ErrEnded
	case h.end != nil && h.end != io.EOF:
		return nil, h.end
	}
	r := &reader{wake: make(chan struct{}, 1), cancel: cancel}
	if h.schema.block != nil {
		r.queue = append(r.queue, h.schema)
	}
	for _, d := range h.dicts {
		r.queue = append(r.queue, d.messages...)
	}
	for i := range r.queue {
		m := &r.queue[i]
		m.own = true
		m.block.Retain()
		r.bytes += m.size()
	}
	r.own = r.bytes
	h.joined[r] = struct{}{}
	h.stats.Joined++
	return r, nil
}

// leave forgets a reader.
func (h *Hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.joined, r)
	r.stopped = true
	for _, m := range slices.Concat(r.going, r.queue) {
		m.release()
	}
	r.going, r.queue = nil, nil
	h.hasRoom()
}

// next takes what goes out next from a reader's queue: about as much as one write has. Without more, err tells whether the stream has ended.
func (h *Hub) next(r *reader) (more bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(r.queue) == 0 {
		return false, h.end
	}
	r.size, r.parts = 0, r.parts[:0]
	n := 0
	for n < len(r.queue) && (n == 0 || r.size+r.queue[n].size() <= wire.WriteSize) && n < wire.MaxParts {
		m := r.queue[n]
		r.parts = append(r.parts, m.block.Bytes())
		r.size += m.size()
		if m.batch {
			r.batches--
		}
		n++
	}
	r.going = append(r.going[:0], r.queue[:n]...)
	r.queue = slices.Delete(r.queue, 0, n)
	return true, nil
}

// sent tells that n bytes of what next took have been accepted, and whether that was all, and returns the number of batches.
func (h *Hub) sent(r *reader, n int64, all bool) (batches int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.Sent += n
	if !all {
		for _, m := range r.going {
			if n -= m.size(); n >= 0 && m.batch {
				batches++
			}
		}
		return batches
	}
	for _, m := range r.going {
		if m.batch {
			batches++
		}
		r.gone(&m)
		m.release()
	}
	r.going = r.going[:0]
	h.hasRoom()
	return batches
}

// hasRoom wakes the source where it waits.
func (h *Hub) hasRoom() {
	if h.waiting {
		select {
		case h.room <- struct{}{}:
		default:
		}
	}
}
