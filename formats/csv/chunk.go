package csv

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/formats/text"
)

// chunk is a part of the input that begins with a record.
type chunk struct {
	buf   []byte // n bytes of the input, and behind them the texts of fields whose quotes were doubled
	n     int
	pos   int   // the records before it are done
	line  int64 // of the first byte, from 1
	final bool  // the input ends here
	bad   bool  // it is no valid UTF-8
}

// undouble writes a field with doubled quotes behind the chunk, with one for each two.
func (c *chunk) undouble(f span) span {
	from := len(c.buf)
	for at := f.start; ; {
		n := bytes.IndexByte(c.buf[at:f.end], '"')
		if n < 0 {
			c.buf = append(c.buf, c.buf[at:f.end]...)
			break
		}
		c.buf = append(c.buf, c.buf[at:at+uint32(n)+1]...)
		at += uint32(n) + 2
	}
	return span{uint32(from), uint32(len(c.buf))}
}

// place returns the line and column of a byte of the chunk.
func (c *chunk) place(pos int) (line int64, col int) {
	before := c.buf[:min(pos, c.n)]
	return c.line + int64(bytes.Count(before, []byte{'\n'})), len(before) - bytes.LastIndexByte(before, '\n')
}

// source reads chunks.
type source struct {
	src   io.Reader
	opts  *Options
	split *splitter
	rest  []byte // of the chunk before
	line  int64
	bytes int64
	begun bool
	ended bool
	free  [][]byte
}

var bom = []byte("\xEF\xBB\xBF")

// next returns the next chunk, with at least one record in it or the end of the input.
func (s *source) next() (*chunk, error) {
	c := &chunk{line: s.line, pos: 0}
	if n := len(s.free); n > 0 {
		c.buf, s.free = s.free[n-1], s.free[:n-1]
	}
	size := s.opts.ChunkBytes
	if !s.begun {
		size = max(size, len(bom)+1)
	}
	c.buf = append(c.buf[:0], s.rest...)
	s.rest = s.rest[:0]
	for {
		if err := s.fill(c, size); err != nil {
			return nil, err
		}
		if !s.begun {
			s.begun = true
			if bytes.HasPrefix(c.buf, bom) {
				c.buf = c.buf[:copy(c.buf, c.buf[len(bom):])]
			}
			if bytes.HasPrefix(c.buf, []byte("\xFF\xFE")) || bytes.HasPrefix(c.buf, []byte("\xFE\xFF")) {
				return nil, fmt.Errorf("lightstream: %w: the input is UTF-16; convert it to UTF-8", text.ErrUTF8)
			}
		}
		c.n = len(c.buf)
		if c.final = s.ended; c.final {
			break
		}
		if end := s.split.lastEnd(c.buf); end > 0 {
			s.rest = append(s.rest, c.buf[end:]...)
			c.buf, c.n = c.buf[:end], end
			break
		}
		if size = max(size, len(c.buf)); size >= s.opts.MaxRecord {
			line, col := c.place(0)
			return nil, &text.ValueError{
				Line: line, Column: col, Found: text.Shorten(c.buf), Err: text.ErrLimit,
				Want: fmt.Sprintf("a record of at most %d bytes; raise MaxRecord, or look for a quote that is not closed", s.opts.MaxRecord),
			}
		}
		size = min(2*size, s.opts.MaxRecord)
	}
	s.line += int64(bytes.Count(c.buf, []byte{'\n'}))
	c.bad = !utf8.Valid(c.buf)
	return c, nil
}

// fill reads until there are size bytes, or the end.
func (s *source) fill(c *chunk, size int) error {
	empty := 0
	for len(c.buf) < size && !s.ended {
		if cap(c.buf) < size {
			c.buf = append(make([]byte, 0, size+size/16), c.buf...)
		}
		n, err := s.src.Read(c.buf[len(c.buf):size])
		c.buf = c.buf[:len(c.buf)+n]
		s.bytes += int64(n)
		switch {
		case err == io.EOF:
			s.ended = true
		case err != nil:
			return fmt.Errorf("lightstream: line %d: %w", s.line+int64(bytes.Count(c.buf, []byte{'\n'})), err)
		case n == 0:
			if empty++; empty > 100 {
				return io.ErrNoProgress
			}
		}
	}
	return nil
}

// give takes the memory of a chunk back.
func (s *source) give(c *chunk) {
	if cap(c.buf) <= 4*s.opts.ChunkBytes {
		s.free = append(s.free, c.buf)
	}
}

// maxChunk is the longest chunk: places in one are 31 bits, and texts with doubled quotes stand behind it.
const maxChunk = math.MaxInt32 / 2
