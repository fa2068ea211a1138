// Package chunks is what readers of text have in common: the input is read in chunks that end with a record, each is parsed into
// batches, several at once where that is wanted, and the batches come out in order.
//
//	input ── Source ──► Chunk ── Parser ──► Result ── Core ──► rows in a Set
//	         ends with           one for each          counts what
//	         a record            goroutine             was rejected
package chunks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/asm"
)

// Options are the settings that readers have in common, with their defaults.
type Options struct {
	Chunk, MaxRecord int // bytes
	Parallel         int
	MaxRejected      int64
	Rejected         io.Writer
	Head             []byte // a line before the first that Rejected takes, or nil
	OnRejected       func(*text.ValueError)
	OnSkipped        func(n int64) // of records more that were passed over for another reason, or nil
	Name             string        // of the input, "" for none
}

// Named puts the name of the input before an error that is not the end.
func (o *Options) Named(err error) error {
	if o.Name == "" || err == nil || err == io.EOF || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("lightstream: %s: %w", o.Name, shortened{err})
}

// MostRecord is the longest record that there may be: places in a chunk are 31 bits, and behind it stands what was made of its texts.
const MostRecord = 1<<30 - 1

// Chunk is a part of the input that begins and ends with a record.
type Chunk struct {
	Buf   []byte // N bytes of the input, and behind them what a parser has put there
	N     int
	Pos   int   // what is before it is done
	Line  int64 // of the first byte, from 1
	First bool  // the input begins here
	Final bool  // and ends here
	Bad   bool  // it is no valid UTF-8
}

// Place returns the line and column of a byte of the chunk.
func (c *Chunk) Place(pos int) (line int64, col int) {
	before := c.Buf[:min(pos, c.N)]
	return c.Line + int64(bytes.Count(before, []byte{'\n'})), len(before) - bytes.LastIndexByte(before, '\n')
}

// Error returns the error of a value at a byte of the chunk.
func (c *Chunk) Error(pos int, field, want string, err error, found []byte) *text.ValueError {
	line, col := c.Place(pos)
	return &text.ValueError{Line: line, Column: col, Path: field, Found: text.Shorten(found), Want: want, Err: err}
}

// Source reads chunks.
type Source struct {
	src   io.Reader
	opts  *Options
	end   func(data []byte) int
	rest  []byte // of the chunk before
	line  int64
	bytes int64
	begun bool
	ended bool
	free  [][]byte
}

// NewSource returns a source of chunks. End returns where the last record of some bytes ends that begin with one, and 0 where none does.
func NewSource(src io.Reader, opts *Options, end func(data []byte) int) *Source {
	return &Source{src: src, opts: opts, end: end, line: 1}
}

// Ended tells whether all of the input was read.
func (s *Source) Ended() bool { return s.ended }

var bom = []byte("\xEF\xBB\xBF")

// Next returns the next chunk, with at least one record in it or the end of the input.
func (s *Source) Next() (*Chunk, error) {
	c := &Chunk{Line: s.line}
	if n := len(s.free); n > 0 {
		c.Buf, s.free = s.free[n-1], s.free[:n-1]
	}
	size := s.opts.Chunk
	if !s.begun {
		size = max(size, len(bom)+1)
	}
	c.Buf = append(c.Buf[:0], s.rest...)
	s.rest = s.rest[:0]
	for {
		if err := s.fill(c, size); err != nil {
			return nil, err
		}
		if !s.begun {
			s.begun, c.First = true, true
			if bytes.HasPrefix(c.Buf, bom) {
				c.Buf = c.Buf[:copy(c.Buf, c.Buf[len(bom):])]
			}
			if bytes.HasPrefix(c.Buf, []byte("\xFF\xFE")) || bytes.HasPrefix(c.Buf, []byte("\xFE\xFF")) {
				return nil, fmt.Errorf("lightstream: %w: the input is UTF-16; convert it to UTF-8", text.ErrUTF8)
			}
		}
		c.N = len(c.Buf)
		if c.Final = s.ended; c.Final {
			break
		}
		if end := s.end(c.Buf); end > 0 {
			s.rest = append(s.rest, c.Buf[end:]...)
			c.Buf, c.N = c.Buf[:end], end
			break
		}
		if size = max(size, len(c.Buf)); size >= s.opts.MaxRecord {
			why := "look for a quote that is not closed"
			if bytes.IndexByte(c.Buf, '\n') < 0 && bytes.IndexByte(c.Buf, '\r') >= 0 {
				why += `, or convert lines that end with CR alone, such as by tr '\r' '\n'`
			}
			return nil, c.Error(0, "", fmt.Sprintf("a record of at most %d bytes; raise MaxRecord, or %s", s.opts.MaxRecord, why), text.ErrLimit, c.Buf)
		}
		size = min(2*size, s.opts.MaxRecord)
	}
	s.line += int64(bytes.Count(c.Buf, []byte{'\n'}))
	valid, _ := asm.CheckUTF8(c.Buf)
	c.Bad = !valid
	return c, nil
}

// fill reads until there are size bytes, or the end.
func (s *Source) fill(c *Chunk, size int) error {
	empty := 0
	for len(c.Buf) < size && !s.ended {
		if cap(c.Buf) < size {
			c.Buf = append(make([]byte, 0, size+size/16), c.Buf...)
		}
		n, err := s.src.Read(c.Buf[len(c.Buf):size])
		c.Buf = c.Buf[:len(c.Buf)+n]
		s.bytes += int64(n)
		switch {
		case err == io.EOF:
			s.ended = true
		case err != nil:
			return fmt.Errorf("lightstream: line %d: %w", s.line+int64(bytes.Count(c.Buf, []byte{'\n'})), shortened{err})
		case n != 0:
			empty = 0
		default:
			if empty++; empty > 100 {
				return io.ErrNoProgress
			}
		}
	}
	return nil
}

// Give takes the memory of a chunk back.
func (s *Source) Give(c *Chunk) {
	if cap(c.Buf) <= 4*s.opts.Chunk {
		s.free = append(s.free, c.Buf)
	}
}

// shortened is an error without the prefix that another puts before it.
type shortened struct{ error }

func (s shortened) Error() string { return strings.TrimPrefix(s.error.Error(), "lightstream: ") }
func (s shortened) Unwrap() error { return s.error }
