package tls

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/transports"
)

// errTruncated is the end of the TCP connection without that of the TLS one. Package crypto/tls takes it for the end where it
// falls between two records, and then whoever can send a FIN could cut a stream.
var errTruncated = fmt.Errorf("the connection ended without a close_notify: %w", transports.ErrPeerClosed)

// wire is what package crypto/tls reads records from and writes them to. It does two things that a socket does not.
//
// Records are put together: crypto/tls writes each by itself, of at most 16 KiB, and the cost of calls of that size is a
// multiple of that of large ones.
//
// A deadline never fails a record. crypto/tls gives up a connection after a write that failed, since a part of a record may
// be out. Here the rest is kept, and goes out before what is written next.
type wire struct {
	net.Conn // reads, addresses and deadlines of reads
	received atomic.Int64

	// deadline is that of writes, in nanoseconds since 1970; 0 is none. The socket has it too.
	deadline atomic.Int64

	mu       sync.Mutex
	buf      *[]byte // records that are not out yet, from the pool; nil for none
	sent     int     // how many bytes of buf are out
	batching bool    // flush is called by whoever has set it
	err      error   // why nothing more can be written
}

const (
	maxRecord = 16 << 10 // of plain text
	overhead  = 5 + 1 + 16
	// batch is how much plain text is encrypted before it is written: less costs calls, more falls out of the cache.
	batch = 128 << 10
)

var batches = sync.Pool{New: func() any {
	b := make([]byte, 0, batch+(batch/maxRecord+2)*overhead)
	return &b
}}

// Read counts, and tells an end that TLS has not announced.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.received.Add(int64(n))
	if err == io.EOF { //nolint:errorlint // a socket returns io.EOF itself
		err = errTruncated
	}
	return n, err
}

// Write takes a record, or the messages of a handshake. It fails only if the connection does.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	if w.buf == nil {
		w.buf, _ = batches.Get().(*[]byte)
	}
	*w.buf = append(*w.buf, p...)
	if !w.batching {
		if err := w.flushLocked(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
	}
	return len(p), nil
}

// begin has Write keep records until flush, after what is left of earlier ones is out.
func (w *wire) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.flushLocked(); err != nil {
		return err
	}
	if w.late() {
		return os.ErrDeadlineExceeded
	}
	w.batching = true
	return nil
}

// flush writes what Write has kept. After os.ErrDeadlineExceeded the rest is still there.
func (w *wire) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flushLocked()
}

func (w *wire) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batching = false
}

func (w *wire) flushLocked() error {
	if w.err != nil {
		return w.err
	}
	if w.buf == nil {
		return nil
	}
	n, err := w.Conn.Write((*w.buf)[w.sent:])
	w.sent += n
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	default:
		w.err = err
	}
	*w.buf = (*w.buf)[:0]
	if cap(*w.buf) <= 2*batch { // it has not grown beyond what it was made for
		batches.Put(w.buf)
	}
	w.buf, w.sent = nil, 0
	return err
}

// late tells whether the deadline of writes has passed.
func (w *wire) late() bool {
	d := w.deadline.Load()
	return d != 0 && time.Now().UnixNano() >= d
}

func (w *wire) setWriteDeadline(t time.Time) error {
	switch {
	case t.IsZero():
		w.deadline.Store(0)
	case t.Unix() <= 0:
		w.deadline.Store(1) // UnixNano does not hold all times
	case t.Year() > 2200:
		w.deadline.Store(0)
	default:
		w.deadline.Store(t.UnixNano())
	}
	return w.Conn.SetWriteDeadline(t)
}

// SetWriteDeadline is called by crypto/tls, which bounds its last record by it and then sets one in the past. Deadlines are
// set by setWriteDeadline.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline is called by nobody.
func (w *wire) SetDeadline(time.Time) error { return errors.ErrUnsupported }
