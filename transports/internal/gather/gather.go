// Package gather turns a gathered write into few plain ones, for wires that have no writev.
package gather

import "io"

const (
	small   = 4 << 10  // parts below this are copied together: a call more costs more than the copy
	staging = 64 << 10 // and at most so many bytes of them go out as one
)

// Len returns how many bytes bufs are.
func Len(bufs [][]byte) (n int64) {
	for _, p := range bufs {
		n += int64(len(p))
	}
	return n
}

// A Coalescer holds the buffer in which small parts are put together. The zero value is ready; its buffer is allocated
// on first need and kept, so a steady state allocates nothing. It must not be used by two goroutines at once.
type Coalescer struct{ buf []byte }

// WriteTo writes bufs to w in order: runs of small parts copied together, large parts as they are. It neither keeps
// nor changes bufs. It returns how many bytes w accepted, and the first error of w.
func (c *Coalescer) WriteTo(w io.Writer, bufs [][]byte) (int64, error) {
	var sent int64
	for _, p := range bufs {
		if len(p) < small && len(c.buf)+len(p) <= staging {
			if c.buf == nil {
				c.buf = make([]byte, 0, staging)
			}
			c.buf = append(c.buf, p...)
			continue
		}
		n, err := c.flush(w)
		sent += n
		if err != nil {
			return sent, err
		}
		if len(p) < small { // did not fit behind the others
			c.buf = append(c.buf, p...)
			continue
		}
		n, err = write(w, p)
		sent += n
		if err != nil {
			return sent, err
		}
	}
	n, err := c.flush(w)
	return sent + n, err
}

// flush writes what is staged and forgets it, also when that fails.
func (c *Coalescer) flush(w io.Writer) (int64, error) {
	staged := c.buf
	c.buf = c.buf[:0]
	if len(staged) == 0 {
		return 0, nil
	}
	return write(w, staged)
}

func write(w io.Writer, p []byte) (int64, error) {
	n, err := w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return int64(n), err
}
