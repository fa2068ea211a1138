package http

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/transports/internal/timeout"
)

// Bodies of net/http have no deadlines that leave them usable, so each direction passes through one of the two below.
// Both copy once.

// An outlet is what a connection sends: a write waits until the bytes were taken from where they are. The other end of
// it is the body of a request, or what is copied to a response.
type outlet struct {
	mu       sync.Mutex
	readable sync.Cond
	writable sync.Cond

	vec  [][]byte // what is left of the write that is under way
	left int64    // bytes in it
	busy bool     // there is such a write
	end  error    // what the reader gets after the last byte
	cut  bool     // it ended inside a write
	gone error    // what a write gets as nobody reads
	by   timeout.Deadline
}

func newOutlet() *outlet {
	o := &outlet{}
	o.readable.L, o.writable.L = &o.mu, &o.mu
	return o
}

// write waits until all of bufs was taken.
func (o *outlet) write(bufs ...[]byte) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.busy {
		if err := o.refusal(); err != nil {
			return 0, err
		}
		o.writable.Wait()
	}
	if err := o.refusal(); err != nil {
		return 0, err
	}
	o.busy = true
	var total int64
	for _, p := range bufs {
		if len(p) > 0 {
			o.vec = append(o.vec, p)
			total += int64(len(p))
		}
	}
	o.left = total
	o.readable.Broadcast()
	var err error
	for o.left > 0 {
		if err = o.refusal(); err != nil {
			break
		}
		o.writable.Wait()
	}
	sent := total - o.left
	clear(o.vec[:cap(o.vec)]) // an idle connection must not keep the caller's memory alive
	o.vec, o.left, o.busy = o.vec[:0], 0, false
	o.writable.Broadcast()
	return sent, err
}

func (o *outlet) refusal() error {
	switch {
	case o.end != nil:
		return net.ErrClosed
	case o.gone != nil:
		return o.gone
	case o.by.Passed:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Read takes what is being written. It is for net/http.
func (o *outlet) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.left == 0 {
		switch {
		case o.gone != nil:
			return 0, o.gone
		case o.end != nil:
			return 0, o.end
		case len(p) == 0:
			return 0, nil
		}
		o.readable.Wait()
	}
	n := 0
	at := 0
	for ; at < len(o.vec); at++ {
		k := copy(p[n:], o.vec[at])
		n += k
		if o.vec[at] = o.vec[at][k:]; len(o.vec[at]) > 0 {
			break
		}
	}
	rest := copy(o.vec, o.vec[at:])
	clear(o.vec[rest:])
	o.vec = o.vec[:rest]
	if o.left -= int64(n); o.left == 0 {
		o.writable.Broadcast()
	}
	return n, nil
}

// wait waits until there is something to read, or an end, and returns how many bytes that are.
func (o *outlet) wait() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.left == 0 && o.gone == nil && o.end == nil {
		o.readable.Wait()
	}
	return o.left
}

// idle tells whether there is nothing to read.
func (o *outlet) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.left == 0
}

// finish ends the direction: the reader gets err after what was written. The first call counts.
func (o *outlet) finish(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.end == nil {
		o.end = err
	}
	o.wake()
}

// close is finish, but for a write that is under way, which it cuts: then the reader gets errBroken.
func (o *outlet) close(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.end == nil && o.left > 0 {
		err, o.cut = errBroken, true
	}
	if o.end == nil {
		o.end = err
	}
	o.wake()
}

// wasCut tells whether close has cut a write.
func (o *outlet) wasCut() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.cut
}

// leave says that nobody reads any more: writes get err.
func (o *outlet) leave(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gone == nil {
		o.gone = err
	}
	o.wake()
}

// ended returns what the direction was ended with, or nil.
func (o *outlet) ended() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.end
}

func (o *outlet) wake() {
	o.readable.Broadcast()
	o.writable.Broadcast()
}

func (o *outlet) setDeadline(t time.Time) { o.by.Set(&o.mu, &o.writable, t) }

// An inlet is what a connection receives: it reads ahead from a body, into one of two buffers while the other one is read.
type inlet struct {
	mu       sync.Mutex
	readable sync.Cond
	writable sync.Cond

	queue  []chunk  // what was read from the body, in order
	bufs   [][]byte // free ones
	made   int      // how many there are
	size   int      // of those to come
	end    error    // what Read returns after that
	closed bool
	drains bool // what comes after that is read all the same
	by     timeout.Deadline
}

// A chunk is a buffer with what was read into it and not out of it.
type chunk struct{ buf, rest []byte }

// Buffers grow while the body fills them: the peer sends faster than they are read, and each of them wakes a goroutine.
const (
	inletBuffer    = 128 << 10
	maxInletBuffer = 512 << 10
	inletBufs      = 2
)

func newInlet() *inlet {
	i := &inlet{size: inletBuffer}
	i.readable.L, i.writable.L = &i.mu, &i.mu
	return i
}

// pump reads from body to its end or until the inlet is closed, and returns how that ended.
func (i *inlet) pump(body io.Reader) error {
	for {
		buf := i.buffer()
		if buf == nil {
			return net.ErrClosed
		}
		n, err := body.Read(buf)
		i.mu.Lock()
		if n == len(buf) {
			i.size = max(i.size, min(2*n, maxInletBuffer))
		}
		if n > 0 && !i.closed {
			i.queue = append(i.queue, chunk{buf, buf[:n]})
		} else {
			i.bufs = append(i.bufs, buf)
		}
		if err != nil && i.end == nil {
			i.end = err
		}
		i.readable.Broadcast()
		i.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// buffer waits for a free buffer. It returns nil once the inlet is closed.
func (i *inlet) buffer() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	for {
		switch n := len(i.bufs); {
		case i.closed && !i.drains:
			return nil
		case n > 0:
			buf := i.bufs[n-1]
			i.bufs = i.bufs[:n-1]
			if len(buf) < i.size {
				buf = make([]byte, i.size)
			}
			return buf
		case i.made < inletBufs:
			i.made++
			return make([]byte, i.size)
		}
		i.writable.Wait()
	}
}

func (i *inlet) read(p []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for {
		switch {
		case i.closed:
			return 0, net.ErrClosed
		case i.by.Passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(i.queue) > 0:
			first := &i.queue[0]
			n := copy(p, first.rest)
			if first.rest = first.rest[n:]; len(first.rest) == 0 {
				i.bufs = append(i.bufs, first.buf)
				i.queue = append(i.queue[:0], i.queue[1:]...)
				i.writable.Broadcast()
			}
			return n, nil
		case i.end != nil:
			return 0, i.end
		}
		i.readable.Wait()
	}
}

// drain has the pump go on after close, to no avail but that the peer can send until it sees its answer.
func (i *inlet) drain() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.drains = true
}

// close drops what was not read.
func (i *inlet) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	for _, c := range i.queue {
		i.bufs = append(i.bufs, c.buf)
	}
	i.queue = nil
	if !i.drains {
		i.bufs = nil
	}
	i.readable.Broadcast()
	i.writable.Broadcast()
}

// atEnd tells whether the body was read to its end.
func (i *inlet) atEnd() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.end == io.EOF //nolint:errorlint // of a body
}

// fail ends the direction with err after what has come, unless it has ended.
func (i *inlet) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.end == nil {
		i.end = err
	}
	i.readable.Broadcast()
}

func (i *inlet) setDeadline(t time.Time) { i.by.Set(&i.mu, &i.readable, t) }
