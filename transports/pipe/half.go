package pipe

import (
	"net"
	"os"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/transports/internal/timeout"
)

// half is one direction: a ring of bytes between a writer and a reader.
//
// Whoever waits does so on a condition variable and holds nothing meanwhile, so that in a synctest bubble a blocked
// Read or Write counts as blocked.
type half struct {
	mu       sync.Mutex
	readable sync.Cond // bytes came, or something else that a reader must know
	writable sync.Cond // room came, or something else that a writer must know

	ring  []byte // made by the first write, of size bytes
	size  int
	start int // of the oldest byte
	n     int // bytes in the ring

	busy bool  // a write is between its first byte and its last
	end  error // set when the writer's end closes the direction: what the reader gets after the last byte
	gone error // set when the reader's end closes: what a write gets

	readBy, writeBy timeout.Deadline
}

func (h *half) init(size int) {
	h.size = size
	h.readable.L = &h.mu
	h.writable.L = &h.mu
}

// read takes what is there, waiting until something is.
func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.gone != nil:
			return 0, net.ErrClosed
		case h.readBy.Passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case h.n > 0:
			n := h.take(p)
			h.writable.Broadcast()
			return n, nil
		case h.end != nil:
			return 0, h.end
		}
		h.readable.Wait()
	}
}

// take moves bytes from the ring to p.
func (h *half) take(p []byte) int {
	taken := 0
	for h.n > 0 && taken < len(p) {
		run := h.ring[h.start:min(h.start+h.n, h.size)] // up to the end of the ring; the rest is at its start
		n := copy(p[taken:], run)
		taken += n
		h.n -= n
		h.start = (h.start + n) % h.size
	}
	return taken
}

// write is one Write, writeBuffers one WriteBuffers. Neither lets another write in between.
func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(); err != nil {
		return 0, err
	}
	defer h.finish()
	return h.put(p)
}

func (h *half) writeBuffers(bufs [][]byte) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(); err != nil {
		return 0, err
	}
	defer h.finish()
	var sent int64
	for _, p := range bufs {
		n, err := h.put(p)
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// begin waits until no other write is under way.
func (h *half) begin() error {
	for {
		if err := h.writeErr(); err != nil {
			return err
		}
		if !h.busy {
			h.busy = true
			return nil
		}
		h.writable.Wait()
	}
}

func (h *half) finish() {
	h.busy = false
	h.writable.Broadcast()
}

// put moves p into the ring, waiting for room.
func (h *half) put(p []byte) (int, error) {
	put := 0
	for put < len(p) {
		if err := h.writeErr(); err != nil {
			return put, err
		}
		if h.n == h.size {
			h.writable.Wait()
			continue
		}
		if h.ring == nil {
			h.ring = make([]byte, h.size)
		}
		at := (h.start + h.n) % h.size
		n := copy(h.ring[at:min(at+h.size-h.n, h.size)], p[put:])
		put += n
		h.n += n
		h.readable.Broadcast()
	}
	return put, nil
}

func (h *half) writeErr() error {
	switch {
	case h.end != nil:
		return net.ErrClosed
	case h.writeBy.Passed:
		return os.ErrDeadlineExceeded
	}
	return h.gone
}

// closeWrite ends the direction from the writer's end: the reader gets err after the last byte.
func (h *half) closeWrite(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.end == nil {
		h.end = err
	}
	h.wake()
}

// closeRead ends the direction from the reader's end: writes get err, and what was not read is dropped.
func (h *half) closeRead(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone == nil {
		h.gone = err
	}
	h.ring, h.start, h.n = nil, 0, 0
	h.wake()
}

func (h *half) wake() {
	h.readable.Broadcast()
	h.writable.Broadcast()
}

func (h *half) setReadDeadline(t time.Time)  { h.readBy.Set(&h.mu, &h.readable, t) }
func (h *half) setWriteDeadline(t time.Time) { h.writeBy.Set(&h.mu, &h.writable, t) }
