package chunks

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Set is the memory of one batch: its columns.
type Set struct {
	Columns []*text.Column
	Data    []column.Data
	full    bool // a dictionary is
}

// renew begins all dictionaries anew, without a row.
func (s *Set) renew() {
	for _, c := range s.Columns {
		c.ResetDictionaries()
	}
	s.full = false
}

// SetOf returns columns of a schema, each with a builder of its own.
func SetOf(schema *ipc.Schema, opts *text.Options) (*Set, error) {
	s := &Set{}
	for i := range schema.Fields {
		c, err := text.ColumnOf(&schema.Fields[i], opts)
		if err != nil {
			return nil, err
		}
		s.Columns = append(s.Columns, c)
	}
	return s, nil
}

// Truncate drops the rows from n on.
func (s *Set) Truncate(n int) {
	for _, c := range s.Columns {
		b := c.Builder()
		b.Truncate(min(n, b.Len()))
	}
}

// Result is what was made of a part of a chunk.
type Result struct {
	Rows    int
	Full    bool // a dictionary was, for the record at the chunk's position, which begins the next batch
	Fresh   bool // dictionaries begin with this batch
	Set     *Set
	Rejects []Reject
	Skipped int64 // records that were passed over for another reason
	Err     error // that ends the reading, behind the rows
}

// Reject is a record that was passed over because of a value in it.
type Reject struct {
	Err  *text.ValueError
	Line []byte // the record as it was, a copy
	Pos  int    // in its chunk
}

// finish sets the data of the columns, and puts what was passed over in order.
func (r *Result) finish() {
	slices.SortStableFunc(r.Rejects, func(a, b Reject) int { return cmp.Compare(a.Pos, b.Pos) })
	for i, c := range r.Set.Columns {
		if err := c.Builder().Err(); err != nil && r.Err == nil {
			r.Err, r.Rows = err, 0
		}
		c.Builder().DataTo(&r.Set.Data[i])
	}
}

// Parser makes batches of chunks. Each is for one goroutine.
type Parser interface {
	// Parse adds rows of what is left of a chunk to the columns of the result.
	Parse(c *Chunk, r *Result)
}

// Stats counts what was done so far.
type Stats struct {
	Batches, Rows, Bytes, Rejected, Skipped int64
}

// Core reads batches. It is for one goroutine, but for Give.
type Core struct {
	Opts   *Options
	Source *Source
	First  *Chunk // that was looked at before
	NewSet func() (*Set, error)
	New    func() Parser
	stats  Stats

	err     error     // that ended the reading
	queue   []*Result // batches that were parsed
	chunks  []*Chunk  // that were read ahead
	parsers []Parser

	mu   sync.Mutex
	sets []*Set
}

// Stats returns what was done so far.
func (c *Core) Stats() Stats {
	s := c.stats
	s.Bytes = c.Source.bytes
	return s
}

// Start makes the memory of the first batch, whose error is that of a type that is not read.
func (c *Core) Start() error {
	s, err := c.take()
	if err == nil {
		c.Give(s)
	}
	return err
}

// take returns memory for a batch.
func (c *Core) take() (*Set, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.sets); n > 0 {
		s := c.sets[n-1]
		c.sets = c.sets[:n-1]
		return s, nil
	}
	s, err := c.NewSet()
	if err != nil {
		return nil, err
	}
	s.Data = make([]column.Data, len(s.Columns))
	return s, nil
}

// Give takes the memory of a batch that was released.
func (c *Core) Give(s *Set) {
	if s.full {
		s.renew()
	}
	for _, col := range s.Columns {
		col.Builder().Reset()
	}
	c.mu.Lock()
	if len(c.sets) < 2*c.Opts.Parallel+2 {
		c.sets = append(c.sets, s)
	}
	c.mu.Unlock()
}

// Next returns the next rows. The cause of ctx is looked at between chunks, and leaves the reader usable; all other errors come again.
func (c *Core) Next(ctx context.Context) (*Result, error) {
	for c.err == nil {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		for len(c.queue) > 0 {
			r := c.queue[0]
			c.queue = c.queue[1:]
			if err := c.account(r); err != nil {
				c.err = c.Opts.Named(err)
				break
			}
			if r.Rows > 0 {
				c.stats.Batches++
				c.stats.Rows += int64(r.Rows)
				return r, nil
			}
			if r.Set != nil {
				c.Give(r.Set)
			}
		}
		if c.err == nil {
			c.err = c.Opts.Named(c.work())
		}
	}
	return nil, c.err
}

// account counts what was passed over, and returns the error of what may not be.
func (c *Core) account(res *Result) error {
	if c.stats.Skipped += res.Skipped; res.Skipped != 0 && c.Opts.OnSkipped != nil {
		c.Opts.OnSkipped(res.Skipped)
	}
	for i := range res.Rejects {
		r := &res.Rejects[i]
		if c.Opts.MaxRejected >= 0 && c.stats.Rejected >= c.Opts.MaxRejected {
			if c.Opts.MaxRejected > 0 {
				return fmt.Errorf("%w (%w: %d before this one)", r.Err, text.ErrRejected, c.stats.Rejected)
			}
			return r.Err
		}
		c.stats.Rejected++
		if c.Opts.OnRejected != nil {
			c.Opts.OnRejected(r.Err)
		}
		if c.Opts.Rejected != nil {
			if head := c.Opts.Head; head != nil {
				c.Opts.Head = nil
				if _, err := c.Opts.Rejected.Write(head); err != nil {
					return fmt.Errorf("lightstream: writing rejected records: %w", err)
				}
			}
			if _, err := c.Opts.Rejected.Write(r.Line); err != nil {
				return fmt.Errorf("lightstream: writing rejected records: %w", err)
			}
		}
	}
	return res.Err
}

// read returns the next chunk, nil at the end.
func (c *Core) read() (*Chunk, error) {
	if ch := c.First; ch != nil {
		c.First = nil
		return ch, nil
	}
	if c.Source.ended {
		return nil, nil
	}
	return c.Source.Next()
}

// parse makes a batch of what is left of a chunk, or of as many rows as one may have.
func (c *Core) parse(p Parser, ch *Chunk) *Result {
	r := &Result{}
	if r.Set, r.Err = c.take(); r.Err != nil {
		ch.Pos = ch.N
		return r
	}
	p.Parse(ch, r)
	if r.Full && r.Rows == 0 && len(r.Rejects) == 0 && r.Skipped == 0 { // by what batches before this one have put there
		r.Set.renew()
		*r = Result{Set: r.Set, Fresh: true}
		p.Parse(ch, r)
	}
	r.Set.full = r.Full
	r.finish()
	if len(r.Rejects) > 0 && c.Opts.MaxRejected == 0 || r.Err != nil {
		ch.Pos = ch.N // nobody will see what is behind it
	}
	return r
}

// work parses the next chunks: one, or as many at once as there may be, while those after them are read.
func (c *Core) work() error {
	for len(c.parsers) < c.Opts.Parallel {
		c.parsers = append(c.parsers, c.New())
	}
	if len(c.chunks) == 0 {
		if err := c.ahead(); err != nil && len(c.chunks) == 0 {
			return err
		} else if err != nil && err != io.EOF {
			c.chunks = append(c.chunks, nil) // after what came before it
			c.queue = append(c.queue[:0], &Result{Err: err})
		}
	}
	if c.Opts.Parallel == 1 {
		ch := c.chunks[0]
		c.queue = append(c.queue[:0], c.parse(c.parsers[0], ch))
		if ch.Pos >= ch.N {
			c.chunks = c.chunks[:0]
			c.Source.Give(ch)
		}
		return nil
	}
	var failed []*Result
	now := c.chunks
	if n := len(now); now[n-1] == nil {
		now, failed = now[:n-1], c.queue
	}
	c.chunks, c.queue = nil, nil
	results := make([][]*Result, len(now))
	var wg sync.WaitGroup
	for i, ch := range now {
		p := c.parsers[i]
		wg.Go(func() {
			for ch.Pos < ch.N {
				results[i] = append(results[i], c.parse(p, ch))
			}
		})
	}
	var err error
	if failed == nil {
		err = c.ahead()
	}
	wg.Wait()
	for i, list := range results {
		c.queue = append(c.queue, list...)
		c.Source.Give(now[i])
	}
	if c.queue = append(c.queue, failed...); err != nil && err != io.EOF {
		for i := range c.chunks { // which were read before it
			for c.chunks[i].Pos < c.chunks[i].N {
				c.queue = append(c.queue, c.parse(c.parsers[0], c.chunks[i]))
			}
		}
		c.queue, c.chunks = append(c.queue, &Result{Err: err}), nil
	}
	return nil
}

// ahead reads as many chunks as are parsed at once. The error is io.EOF where there are no more.
func (c *Core) ahead() error {
	for len(c.chunks) < c.Opts.Parallel {
		ch, err := c.read()
		if err == nil && ch == nil {
			err = io.EOF
		}
		if err != nil {
			return err
		}
		c.chunks = append(c.chunks, ch)
	}
	return nil
}
