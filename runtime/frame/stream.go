package frame

import (
	"errors"
	"io"
	"iter"
	"math"

	"github.com/lightstream-go/lightstream/runtime/internal/sizes"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// StreamOptions are the settings of a [Stream].
type StreamOptions struct {
	// Pool supplies the memory. Nil means the shared pool.
	Pool *mem.Pool
	// Chunk is the size of a slab, in bytes: how much is read ahead, and twice the size of the largest frame that is not
	// given memory of its own. Zero means 64 KiB.
	Chunk int
	// MaxFrame is the largest frame accepted, in bytes. Zero means 64 MiB; a [SizedDecoder] has limits of its own, and
	// zero means no other.
	MaxFrame int
}

const (
	// alignedBody is from how many bytes on a body is read to where it lies at a multiple of 64, at the price of a read for each.
	// A smaller one, and one that has come with smaller ones before it, is left where it is: whoever wants it aligned copies it.
	alignedBody = 16 << 10
	// cacheLine is the multiple.
	cacheLine = 64
)

// firstBody is the least that a body is given at once where its length says more.
const firstBody = 16 << 20

// Stream decodes the frames of a byte stream. It is for one goroutine at a time.
type Stream[F any] struct {
	streamCore
	dec   Decoder[F]
	sized SizedDecoder[F] // dec, or nil
}

// streamCore is what a stream has and does whatever the type of its frames. Its methods are compiled once.
type streamCore struct {
	src     io.Reader
	measure measurer // the decoder, or nil where it is not sized
	pool    *mem.Pool
	buf     *Buffer
	max     int
	frames  int64
	bytes   int64
	largest int  // body completed so far
	lazy    bool // src is a LazyReader
	head    int  // of the last frame
	size    int  // of the last frame
	long    bool // the last frame was more than an empty buffer waits for
	large   bool // the last frame had memory of its own
	alone   bool // the last frame was read without those after it
	err     error
}

// NewStream returns a stream of the frames in src. Nil options mean all defaults.
func NewStream[F any](src io.Reader, dec Decoder[F], opts *StreamOptions) *Stream[F] {
	if opts == nil {
		opts = &StreamOptions{}
	}
	if src == nil {
		src = nowhere{}
	}
	s := &Stream[F]{dec: dec}
	if sized, ok := dec.(SizedDecoder[F]); ok {
		s.sized, s.measure = sized, sized
	}
	s.init(src, opts)
	return s
}

// measurer is the method of a [SizedDecoder] that does not tell the type of its frames.
type measurer interface {
	Measure(prefix []byte) (head, body, more int, err error)
}

func (s *streamCore) init(src io.Reader, opts *StreamOptions) {
	s.src, s.pool, s.max = src, opts.Pool, opts.MaxFrame
	_, s.lazy = src.(LazyReader)
	if s.pool == nil {
		s.pool = mem.SharedPool()
	}
	switch {
	case s.max > 0:
	case s.measure != nil:
		s.max = math.MaxInt
	default:
		s.max = 64 << 20
	}
	s.buf = NewBuffer(s.pool, opts.Chunk)
}

// nowhere stands for a source that is nil, and says so.
type nowhere struct{}

func (nowhere) Read([]byte) (int, error) {
	return 0, errors.New("the source is nil; give the reader an io.Reader")
}

// Next returns the next frame. The error is io.EOF when the source ended between frames, and a *DecodeError otherwise; the
// same error comes again with every later call, unless it came from the source between two frames.
func (s *Stream[F]) Next() (f F, err error) {
	if s.err != nil {
		return f, s.err
	}
	if s.sized != nil {
		f, err = s.nextSized()
	} else {
		f, err = s.nextPlain()
	}
	if err != nil {
		var none F
		return none, err
	}
	s.frames++
	return f, nil
}

// All yields the frames until the source ends, and an error once, last.
func (s *Stream[F]) All() iter.Seq2[F, error] {
	return func(yield func(F, error) bool) {
		for {
			f, err := s.Next()
			if err == io.EOF {
				return
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// Frames returns the number of frames so far.
func (s *Stream[F]) Frames() int64 { return s.frames }

// Bytes returns the number of bytes in those frames.
func (s *Stream[F]) Bytes() int64 { return s.bytes }

// Err returns the error that every later call of Next returns, nil while there is none.
func (s *Stream[F]) Err() error { return s.err }

// Buffered returns the bytes that were read and belong to no frame yet, valid until the next call of Next.
func (s *Stream[F]) Buffered() []byte { return s.buf.Bytes() }

// Peek returns the bytes at the start of the next frame, n or fewer where the source ends.
func (s *Stream[F]) Peek(n int) ([]byte, error) {
	err := s.buf.Fill(s.src, n, s.ahead())
	return s.buf.Bytes(), err
}

// Discard takes n of the buffered bytes from the stream.
func (s *Stream[F]) Discard(n int) { s.buf.Advance(n) }

// Free gives the stream's memory back and makes every later call fail. Frames that were handed out are not touched.
func (s *Stream[F]) Free() {
	s.buf.Free()
	if s.err == nil {
		s.err = errFreed
	}
}

var errFreed = errors.New("lightstream: the stream was closed")

func (s *Stream[F]) nextPlain() (f F, err error) {
	s.buf.Advance(0) // the last frame ends here
	for need := 1; ; {
		if err := s.fill(need, need-1+s.buf.chunk); err != nil {
			return f, err
		}
		unread := s.buf.Bytes()
		f, n, err := s.dec.Decode(unread)
		switch {
		case err != nil:
			return f, s.fail(err)
		case n < 0 || n > len(unread):
			return f, s.fail(At(0, "", Errorf(ErrMalformed, "the decoder took %d of %d bytes", n, len(unread))))
		case n > s.max:
			return f, s.fail(s.tooLarge(n))
		case n > 0:
			// The frame may alias the slab until the next call: that is when it is given up.
			s.buf.r += n
			s.bytes += int64(n)
			return f, nil
		case len(unread) >= s.max:
			return f, s.fail(At(0, "", Errorf(ErrLimit, "no frame ends within %d bytes, StreamOptions.MaxFrame is %d; raise it or send smaller frames", len(unread), s.max)))
		}
		need = len(unread) + 1
	}
}

func (s *streamCore) tooLarge(n int) error {
	have, most := sizes.Over(int64(n), int64(s.max))
	return At(0, "", Errorf(ErrLimit, "a frame of %s exceeds StreamOptions.MaxFrame (%s); raise it or send smaller frames", have, most))
}

// ahead returns how much is worth reading for the head of the next frame, which mostly is one like the last.
func (s *streamCore) ahead() int {
	switch {
	case s.large:
		return s.head // most of what comes behind it belongs elsewhere
	case s.lazy && s.buf.Len() == 0:
		if s.alone {
			return s.size + s.head
		}
	case s.alone:
		return waitSize
	case s.long && s.buf.Len() == 0:
		// A frame like the last one takes another read anyway, into the slab: what an empty buffer waits in is copied to there.
		return s.head
	}
	return s.buf.chunk
}

func (s *Stream[F]) nextSized() (f F, err error) {
	head, body, block, err := s.read()
	if err != nil {
		return f, err
	}
	f, err = s.sized.DecodeBody(head, body, block)
	// The frame may alias its head until the next call: that is when the slab is given up, also where nothing else is in it.
	s.buf.r += min(s.buf.Len(), len(head)+len(body))
	s.bytes += int64(len(head) + len(body))
	if err != nil {
		return f, s.fail(err)
	}
	return f, nil
}

// read returns the next frame of a sized decoder, its body with what keeps it. It stays in the buffer, where it is there.
func (s *streamCore) read() (headBytes, bodyBytes []byte, block *mem.Block, err error) {
	s.buf.Advance(0) // the head of the last frame ends here
	for need := 1; ; {
		if err := s.fill(need, s.ahead()); err != nil {
			return nil, nil, nil, err
		}
		prefix := s.buf.Bytes()
		head, body, more, err := s.measure.Measure(prefix)
		if err != nil {
			return nil, nil, nil, s.fail(err)
		}
		switch {
		case more > len(prefix):
			need = more
		case head < 0 || body < 0 || head > math.MaxInt-body || head+body == 0:
			return nil, nil, nil, s.fail(At(0, "", Errorf(ErrMalformed, "the decoder measured a frame of %d and %d bytes", head, body)))
		case head > len(prefix):
			need = head
		default:
			need = 0
		}
		if more := max(need, head+body); more > s.max {
			return nil, nil, nil, s.fail(s.tooLarge(more))
		}
		if need > 0 {
			continue
		}
		s.head, s.size, s.long = head, head+body, head+body > waitSize
		s.buf.lazy.skew = -head & (cacheLine - 1)
		if s.large = head+body > s.buf.chunk/2; s.large {
			block, err := s.largeBody(head, body)
			if err != nil {
				return nil, nil, nil, err
			}
			return s.buf.Bytes()[:head], block.Bytes(), block, nil
		}
		ahead := s.buf.chunk
		unaligned := body >= alignedBody && s.buf.unaligned(head)
		if s.alone = unaligned || s.lazy && body >= alignedBody && (head+body)%cacheLine != 0; s.alone {
			ahead = head + body + head // the next head, so that one read does
		}
		if unaligned {
			if err := s.buf.align(head, ahead); err != nil {
				return nil, nil, nil, err
			}
		}
		if err := s.fill(head+body, ahead); err != nil {
			return nil, nil, nil, err
		}
		all := s.buf.Bytes()
		bodyBytes, block = s.share(head, all[head:head+body:head+body])
		return all[:head], bodyBytes, block, nil
	}
}

// share returns a body that lies in the slab behind a head, and what keeps it there. In a debug build that is a copy in memory of
// its own, as aligned as the body is: what its release fills is that body, at once, and not a slab with others in it later.
func (s *streamCore) share(head int, body []byte) ([]byte, *mem.Block) {
	if mem.Debug {
		if block, err := s.pool.TryGet(cacheLine + len(body)); err == nil {
			own := block.Bytes()[(s.buf.r+head)%cacheLine:][:len(body):len(body)]
			copy(own, body)
			return own, block
		}
	}
	return body, s.buf.Share()
}

// largeBody reads the body into memory of its own. What a length announces is not believed: beyond a first block the
// memory grows as bytes arrive. What the pool keeps is there already.
func (s *streamCore) largeBody(head, body int) (block *mem.Block, err error) {
	block = s.pool.TryKept(body)
	if block == nil {
		if block, err = s.block(0, min(body, max(firstBody, 2*s.largest))); err != nil {
			return nil, s.fail(At(int64(head), "body", err))
		}
	}
	prefix := s.buf.Bytes()
	n := copy(block.Bytes(), prefix[head:min(len(prefix), head+body)])
	for empty := 0; n < body; {
		if n == len(block.Bytes()) {
			bigger, err := s.block(n, min(body, 2*n))
			if err != nil {
				block.Release()
				return nil, s.fail(At(int64(head), "body", err))
			}
			copy(bigger.Bytes(), block.Bytes())
			block.Release()
			block = bigger
		}
		p := block.Bytes()[n:]
		k, err := s.src.Read(p[:min(len(p), maxRead)])
		if k < 0 || k > len(p) {
			k, err = 0, errBadRead
		}
		if n += k; n == body {
			break
		}
		if empty++; k != 0 {
			empty = 0
		} else if empty == maxEmptyReads {
			err = io.ErrNoProgress
		}
		if err != nil {
			block.Release()
			return nil, s.broken(int64(head+n), err)
		}
	}
	s.largest = max(s.largest, body)
	return block, nil
}

// block returns a block of size bytes, or fewer, but more than have, where the pool's budget is short: the memory grows as bytes
// arrive.
func (s *streamCore) block(have, size int) (*mem.Block, error) {
	for {
		block, err := s.pool.TryGet(size)
		if err == nil || size <= have+s.buf.chunk {
			return block, err
		}
		size = max(have+(size-have)/2, have+s.buf.chunk)
	}
}

// fill makes need bytes of the next frame available.
func (s *streamCore) fill(need, ahead int) error {
	err := s.buf.Fill(s.src, need, ahead)
	switch {
	case err == nil:
		return nil
	case s.buf.Len() == 0: // between frames: io.EOF, or something that may pass, such as a deadline
		return err
	}
	return s.broken(int64(s.buf.Len()), err)
}

// broken is the end of a source inside a frame.
func (s *streamCore) broken(offset int64, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = ErrTruncated
	}
	return s.fail(At(offset, "", err))
}

// fail makes err the answer of all later calls.
func (s *streamCore) fail(err error) error {
	at, ok := errors.AsType[*DecodeError](err)
	if ok {
		at.Frame = s.frames
	} else {
		at = &DecodeError{Frame: s.frames, Err: err}
	}
	s.err = at
	return s.err
}
