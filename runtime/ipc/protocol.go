package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
)

// Member is what stands behind a tag of a protocol, whose place in the list is the tag.
type Member struct {
	Name   string
	Kind   frame.Kind
	Schema *Schema                       // of a table that is sent
	Select func(*Schema) ([]bool, error) // of a table that is received; see [ReaderOptions]
}

// ProtocolOptions are the settings of a connection that speaks the Lightstream protocol.
type ProtocolOptions struct {
	// Reader are the settings for the tables that are received; its Select and AllowMissingEnd mean nothing. Nil means all
	// defaults.
	Reader *ReaderOptions
	// MaxPayload is the longest payload accepted, in bytes. Zero means 64 MiB.
	MaxPayload int
	// Announce sends what the tags are before the first frame, and wants the same of the peer. Both ends must agree.
	Announce bool
	// Dictionaries is how dictionaries that change are sent. Zero means [AutoDictionaries].
	Dictionaries Dictionaries
	// KeepOpen leaves out the half-close with which Close ends the direction.
	KeepOpen bool
}

// ProtocolFrame is what Recv returns: a batch for the tag of a table, else a payload, which is valid until the next Recv.
type ProtocolFrame struct {
	Tag     byte
	Batch   Batch
	Payload []byte
}

// ProtocolConn sends and receives tables and messages on one connection, told apart by tags: the Lightstream protocol, which
// [frame.Lightstream] draws. One goroutine may send while another receives.
type ProtocolConn struct {
	opts    ProtocolOptions
	framing frame.Lightstream
	name    string

	// Receiving.
	stream    *frame.Stream[frame.LightstreamFrame]
	in        []*MessageDecoder // by tag, nil but for tables
	readers   canceller
	announced bool // the peer's announcement has been read
	ends      bool // the peer will send an end frame
	last      frame.LightstreamFrame
	rerr      error
	received  Stats

	// Sending.
	send    *sender
	out     []*encoder // by tag, nil but for tables
	schema  []bool     // by tag: the schema was sent
	writers canceller
	started bool
	closed  bool
	head    []byte
	parts   [][]byte
	one     [1][]byte
	werr    error
	stats   Stats
}

// NewProtocolConn returns a connection over conn, which it does not own. It sends nothing yet. Nil options mean all defaults.
func NewProtocolConn(conn io.ReadWriter, members []Member, opts *ProtocolOptions) (*ProtocolConn, error) {
	c := &ProtocolConn{name: SourceName(conn), send: newSender(conn)}
	if opts != nil {
		c.opts = *opts
	}
	c.framing = frame.Lightstream{MaxPayload: c.opts.MaxPayload, Announced: c.opts.Announce}
	c.in, c.out, c.schema = make([]*MessageDecoder, len(members)), make([]*encoder, len(members)), make([]bool, len(members))
	for i := range members {
		if err := c.register(i, &members[i]); err != nil {
			return nil, err
		}
	}
	reader := ReaderOptions{}
	if c.opts.Reader != nil {
		reader = *c.opts.Reader
	}
	c.stream = frame.NewStream[frame.LightstreamFrame](conn, &c.framing, &frame.StreamOptions{Pool: reader.Pool, Chunk: slabSize})
	if d, ok := conn.(interface{ SetReadDeadline(time.Time) error }); ok {
		c.readers.set = d.SetReadDeadline
	}
	c.writers.set = c.send.deadline()
	return c, nil
}

func (c *ProtocolConn) register(i int, m *Member) (err error) {
	switch m.Kind {
	case frame.Table:
		if _, err = c.framing.RegisterTable(m.Name, m.Schema.Fingerprint()); err != nil {
			return err
		}
		if c.out[i], err = newEncoder(m.Schema, false, c.opts.Dictionaries); err != nil {
			return fmt.Errorf("lightstream: table %q: %w", m.Name, err)
		}
		reader := ReaderOptions{}
		if c.opts.Reader != nil {
			reader = *c.opts.Reader
		}
		reader.Select = m.Select
		c.in[i] = newMessageDecoder(&reader)
	case frame.Flatbuffer:
		_, err = c.framing.RegisterFlatbuffer(m.Name)
	default:
		_, err = c.framing.RegisterMessage(m.Name)
	}
	return err
}

// SendBatch sends a batch of the table with the given tag, after its schema if it is the first, and what the peer lacks of its
// dictionaries. It returns when the connection has accepted the bytes. Errors are those of [Writer.Write].
func (c *ProtocolConn) SendBatch(ctx context.Context, tag byte, rows int, columns []column.Data) error {
	if err := c.sendable(ctx, tag, frame.Table); err != nil {
		return err
	}
	e := c.out[tag]
	e.begin()
	if !c.schema[tag] {
		e.addSchema(0)
	}
	if err := e.addBatch(rows, columns, nil); err != nil {
		return err
	}
	if err := c.write(ctx, tag, e.parts, e.size); err != nil {
		return err
	}
	c.schema[tag] = true
	e.counted(&c.stats)
	e.commit()
	c.stats.Batches++
	c.stats.Rows += int64(rows)
	return nil
}

// SendMessage sends a message with the given tag.
func (c *ProtocolConn) SendMessage(ctx context.Context, tag byte, payload []byte) error {
	if err := c.sendable(ctx, tag, frame.Opaque); err != nil {
		return err
	}
	c.one[0] = payload
	err := c.write(ctx, tag, c.one[:], int64(len(payload)))
	c.one[0] = nil
	return err
}

func (c *ProtocolConn) sendable(ctx context.Context, tag byte, kind frame.Kind) error {
	switch {
	case c.werr != nil:
		return c.werr
	case c.closed:
		return ErrClosed
	case int(tag) >= len(c.out):
		return fmt.Errorf("lightstream: tag %d of a protocol with %d members", tag, len(c.out))
	case (kind == frame.Table) != (c.out[tag] != nil):
		return fmt.Errorf("lightstream: tag %d is %v %q", tag, c.framing.Registrations()[tag].Kind, c.framing.Registrations()[tag].Name)
	}
	return c.writers.arm(ctx)
}

// write sends a frame, after the announcement if it is the first.
func (c *ProtocolConn) write(ctx context.Context, tag byte, payload [][]byte, size int64) (err error) {
	c.head = c.head[:0]
	if c.opts.Announce && !c.started {
		c.head = c.framing.AppendAnnouncement(c.head, false)
	}
	if c.head, err = c.framing.AppendHead(c.head, tag, uint64(size)); err != nil {
		return err
	}
	return c.flush(ctx, payload, size)
}

// flush sends what stands in head, and the payload.
func (c *ProtocolConn) flush(ctx context.Context, payload [][]byte, size int64) error {
	c.parts = append(append(c.parts[:0], c.head), payload...)
	n, err := c.send.send(c.parts, size+int64(len(c.head)))
	c.writers.leave()
	clear(c.parts)
	c.parts = c.parts[:0]
	if err != nil {
		cause := c.writers.cause(ctx, err)
		c.writers.disarm()
		if n == 0 && cause != err {
			return cause
		}
		c.werr = &WriteError{c.name, c.stats.Batches, c.stats.Rows, cause}
		return c.werr
	}
	c.started = true
	return nil
}

// Close ends the sending direction: with the end frame where the tags are announced, and with a half-close where the connection
// has one. It is idempotent. Receiving goes on.
func (c *ProtocolConn) Close() error {
	if c.closed || c.werr != nil {
		c.closed = true
		return c.werr
	}
	c.closed = true
	c.writers.disarm()
	if c.opts.Announce {
		if err := c.write(context.Background(), frame.TagEnd, nil, 0); err != nil {
			return err
		}
	}
	if w, ok := c.send.dst.(interface{ CloseWrite() error }); ok && !c.opts.KeepOpen {
		if err := w.CloseWrite(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			c.werr = &WriteError{c.name, c.stats.Batches, c.stats.Rows, err}
		}
	}
	return c.werr
}

// Recv returns the next frame. The error is io.EOF where the peer ended the direction, and else as that of [Reader.Next].
func (c *ProtocolConn) Recv(ctx context.Context) (ProtocolFrame, error) {
	c.last.Release()
	if c.rerr != nil {
		return ProtocolFrame{}, c.rerr
	}
	for {
		f, err := c.next(ctx)
		if err != nil {
			return ProtocolFrame{}, err
		}
		switch {
		case c.opts.Announce && f.Tag == frame.TagEnd:
			f.Release()
			return ProtocolFrame{}, c.fail(io.EOF)
		case c.opts.Announce && f.Tag == frame.TagHeartbeat:
			f.Release()
			continue
		case c.in[f.Tag] == nil:
			c.last = f
			return ProtocolFrame{Tag: f.Tag, Payload: f.Payload}, nil
		}
		h, err := c.in[f.Tag].decode(f.Payload)
		if err != nil {
			f.Release()
			return ProtocolFrame{}, c.fail(fmt.Errorf("lightstream: frame %d, table %q: %w", c.stream.Frames()-1, c.framing.Registrations()[f.Tag].Name, err))
		}
		if owner := f.TakeOwner(); owner != nil {
			record.Own(h, owner)
		}
		c.received.Batches++
		c.received.Rows += int64(h.Len())
		return ProtocolFrame{Tag: f.Tag, Batch: h}, nil
	}
}

// next reads the next frame, after the peer's announcement.
func (c *ProtocolConn) next(ctx context.Context) (frame.LightstreamFrame, error) {
	if err := c.readers.arm(ctx); err != nil {
		return frame.LightstreamFrame{}, err
	}
	var f frame.LightstreamFrame
	var err error
	if c.opts.Announce && !c.announced {
		err = c.announcement()
	}
	if err == nil {
		f, err = c.stream.Next()
	}
	c.readers.leave()
	if err == nil {
		return f, nil
	}
	if cause := c.readers.cause(ctx, err); cause != err {
		c.readers.disarm()
		if len(c.stream.Buffered()) != 0 || c.stream.Err() != nil {
			return f, c.fail(interrupted(c.name, c.stream.Frames(), cause))
		}
		return f, cause
	}
	if err == io.EOF && (c.ends || c.opts.Announce && !c.announced) {
		err = &UnfinishedError{c.name, c.received.Batches, c.received.Rows}
	}
	return f, c.fail(err)
}

// announcement reads and checks the peer's announcement.
func (c *ProtocolConn) announcement() error {
	for need := 1; ; {
		p, err := c.stream.Peek(need)
		if err == io.EOF && len(p) != 0 {
			return frame.At(int64(len(p)), "announcement", ErrTruncated)
		}
		if err != nil {
			return err
		}
		n, ends, _, err := c.framing.CheckAnnouncement(p)
		if err != nil {
			return err
		}
		if n != 0 {
			c.announced, c.ends = true, ends
			c.stream.Discard(n)
			return nil
		}
		need = len(p) + 1
	}
}

// fail makes err the answer of all later calls of Recv.
func (c *ProtocolConn) fail(err error) error {
	var e *frame.DecodeError
	if errors.As(err, &e) {
		e.Source = c.name
	}
	c.rerr = err
	c.readers.disarm()
	c.stream.Free()
	return err
}

// Registrations returns the members by tag. It is read-only.
func (c *ProtocolConn) Registrations() []frame.Registration { return c.framing.Registrations() }

// Stats returns what was received and what was sent so far.
func (c *ProtocolConn) Stats() (received, sent Stats) {
	received, sent = c.received, c.stats
	received.Bytes, sent.Bytes = c.stream.Bytes(), c.send.sent
	for _, d := range c.in {
		if d != nil {
			received.Realigned += d.dec.stats.Realigned
			received.Replaced += d.dec.stats.Replaced
			received.Deltas += d.dec.stats.Deltas
		}
	}
	return received, sent
}
