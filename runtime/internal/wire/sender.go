// Package wire has what everything that sends to a destination or waits for one shares: how parts become writes, and how a
// context interrupts a read or a write.
package wire

import (
	"errors"
	"io"
	"time"
)

const (
	// stageSize is up to how many bytes are staged into one write: a copy costs less there than a vector.
	stageSize = 4 << 10
	// WriteSize is about how many bytes one gathered write has: larger ones run slower over sockets.
	WriteSize = 1 << 20
	// MaxParts is how many parts one gathered write has at most.
	MaxParts = 1024
	// coalesceSize is up to how many bytes are put together for a destination that cannot gather.
	coalesceSize = 64 << 10
)

// Sender writes lists of parts to a destination in as few and as large writes as it takes well.
type Sender struct {
	// Dst is the destination.
	Dst    io.Writer
	gather interface {
		WriteBuffers(bufs [][]byte) (int64, error)
	}
	stage  []byte
	vector [][]byte
	// Sent is how many bytes dst has accepted.
	Sent int64
}

// nowhere stands for a destination that is nil, and says so.
type nowhere struct{}

func (nowhere) Write([]byte) (int, error) {
	return 0, errors.New("the destination is nil; give the writer an io.Writer")
}

// NewSender returns a sender to dst, which gathers if it has WriteBuffers. Where dst is nil every write is an error that says so.
func NewSender(dst io.Writer) *Sender {
	if dst == nil {
		dst = nowhere{}
	}
	s := &Sender{Dst: dst}
	s.gather, _ = dst.(interface {
		WriteBuffers(bufs [][]byte) (int64, error)
	})
	return s
}

// Deadline returns the destination's SetWriteDeadline, or nil.
func (s *Sender) Deadline() func(time.Time) error {
	if d, ok := s.Dst.(interface{ SetWriteDeadline(time.Time) error }); ok {
		return d.SetWriteDeadline
	}
	return nil
}

// Send writes parts of size bytes in all, and returns how many went out.
func (s *Sender) Send(parts [][]byte, size int64) (n int64, err error) {
	switch {
	case size <= stageSize:
		n, err = s.staged(parts)
	case s.gather != nil:
		n, err = s.gathered(parts, size)
	default:
		n, err = s.coalesced(parts)
	}
	s.Sent += n
	return n, err
}

func (s *Sender) staged(parts [][]byte) (int64, error) {
	b := s.stage[:0]
	for _, p := range parts {
		b = append(b, p...)
	}
	s.stage = b
	return s.write(b)
}

func (s *Sender) write(b []byte) (int64, error) {
	n, err := s.Dst.Write(b)
	if n < 0 || n > len(b) {
		n, err = 0, io.ErrShortWrite
	}
	if n < len(b) && err == nil {
		err = io.ErrShortWrite
	}
	return int64(n), err
}

func (s *Sender) gathered(parts [][]byte, all int64) (total int64, err error) {
	if all <= WriteSize && len(parts) <= MaxParts {
		if total, err = s.gather.WriteBuffers(parts); err == nil && total < all {
			err = io.ErrShortWrite
		}
		return total, err
	}
	v, size := s.vector[:0], 0
	flush := func() error {
		n, err := s.gather.WriteBuffers(v)
		clear(v)
		total += n
		if err == nil && n < int64(size) {
			err = io.ErrShortWrite
		}
		v, size = v[:0], 0
		return err
	}
	for _, p := range parts {
		for len(p) > 0 {
			k := min(len(p), WriteSize-size)
			v = append(v, p[:k])
			p, size = p[k:], size+k
			if size == WriteSize || len(v) == MaxParts {
				if err := flush(); err != nil {
					return total, err
				}
			}
		}
	}
	if size > 0 {
		err = flush()
	}
	s.vector = v[:0]
	return total, err
}

func (s *Sender) coalesced(parts [][]byte) (total int64, err error) {
	b := s.stage[:0]
	flush := func() error {
		if len(b) == 0 {
			return nil
		}
		n, err := s.write(b)
		total += n
		b = b[:0]
		return err
	}
	for _, p := range parts {
		if len(b)+len(p) > coalesceSize {
			if err := flush(); err != nil {
				return total, err
			}
		}
		if len(p) < coalesceSize {
			b = append(b, p...)
			continue
		}
		for len(p) > 0 {
			k := min(len(p), WriteSize)
			n, err := s.write(p[:k])
			total += n
			if err != nil {
				return total, err
			}
			p = p[k:]
		}
	}
	err = flush()
	s.stage = b
	return total, err
}
