package ws

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/lightstream-go/lightstream/transports/internal/wire"
)

// stream is what the library reads frames from and writes them to. It follows the frames that are read, to know whether a
// read that a deadline has interrupted can be repeated: the library forgets the part of a frame that it has.
type stream struct {
	wire *wire.Conn
	from io.Reader // the wire, with what was read ahead in the handshake before it

	ended atomic.Bool // this end has sent its close frame

	mu      sync.Mutex
	head    [14]byte
	have    int    // bytes of head
	payload uint64 // bytes of the frame that are to come
}

// Read reads and follows.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.follow(p[:n])
	return n, err
}

// Write is that of the wire. After this end's close frame the library's answer to that of the peer is one too many.
func (s *stream) Write(p []byte) (int, error) {
	if s.ended.Load() {
		return len(p), nil
	}
	return s.wire.Write(p)
}

// Close is that of the wire.
func (s *stream) Close() error { return s.wire.Close() }

// follow takes bytes that the library has got.
func (s *stream) follow(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		if s.payload > 0 {
			k := min(s.payload, uint64(len(p)))
			s.payload -= k
			p = p[k:]
			continue
		}
		s.head[s.have] = p[0]
		s.have++
		p = p[1:]
		if s.have < 2 {
			continue
		}
		need, short := 2, s.head[1]&0x7f
		switch short {
		case 126:
			need += 2
		case 127:
			need += 8
		}
		if s.head[1]&0x80 != 0 {
			need += 4 // the mask
		}
		if s.have < need {
			continue
		}
		s.payload = uint64(short)
		switch short {
		case 126:
			s.payload = uint64(s.head[2])<<8 | uint64(s.head[3])
		case 127:
			s.payload = 0
			for _, b := range s.head[2:10] {
				s.payload = s.payload<<8 | uint64(b)
			}
		}
		s.have = 0
	}
}

// between tells whether no part of a frame has been read without the rest.
func (s *stream) between() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.have == 0 && s.payload == 0
}
