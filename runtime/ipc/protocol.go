package ipc

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/wire"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Member is what stands behind a tag of a protocol, whose place in the list is the tag.
type Member struct {
	Name   string
	Kind   frame.Kind
	Schema *Schema                       // of a table; one that is only received, and not announced, may be any
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
	// Heartbeats announces that heartbeats may come, which Heartbeat sends. It needs Announce.
	Heartbeats bool
	// Dictionaries is how dictionaries that change are sent. Zero means [AutoDictionaries].
	Dictionaries Dictionaries
	// Compression is how the bodies of tables are compressed, as in [WriterOptions]. Zero means not at all.
	Compression Compression
	// KeepOpen leaves out the half-close with which Close ends the direction. Without Announce the peer sees no end then before the
	// connection is closed.
	KeepOpen bool
}

// ProtocolConn sends and receives tables and messages on one connection, told apart by tags: the Lightstream protocol, which
// [frame.Lightstream] draws. One goroutine may send while another receives.
type ProtocolConn struct {
	framer *ProtocolFramer
	opts   ProtocolOptions
	name   string

	// Receiving.
	stream    *frame.Stream[frame.LightstreamFrame]
	readers   wire.Canceller
	announced bool // the peer's announcement has been read
	ends      bool // the peer will send an end frame
	beats     bool // the peer may send heartbeats
	last      ProtocolFrame
	rerr      error

	// Sending.
	send    *wire.Sender
	writers wire.Canceller
	started bool
	closed  bool
	unended error // why Close could not end the direction
	head    []byte
	parts   [][]byte
	one     [1][]byte
	werr    error
}

// NewProtocolConn returns a connection over conn, which it does not own. It sends nothing yet. Nil options mean all defaults.
func NewProtocolConn(conn io.ReadWriter, members []Member, opts *ProtocolOptions) (*ProtocolConn, error) {
	if conn == nil {
		return nil, errors.New("lightstream: the connection is nil; give the protocol an io.ReadWriter")
	}
	c := &ProtocolConn{name: SourceName(conn), send: wire.NewSender(conn)}
	if opts != nil {
		c.opts = *opts
	}
	if c.opts.Heartbeats && !c.opts.Announce {
		return nil, errors.New("lightstream: ProtocolOptions.Heartbeats without Announce: they are part of an announcement; set both or neither")
	}
	var err error
	if c.framer, err = newProtocolFramer(members, &c.opts); err != nil {
		return nil, err
	}
	var pool *mem.Pool
	if c.opts.Reader != nil {
		pool = c.opts.Reader.Pool
	}
	c.stream = frame.NewStream[frame.LightstreamFrame](conn, &c.framer.framing, &frame.StreamOptions{Pool: pool, Chunk: slabSize})
	if d, ok := conn.(interface{ SetReadDeadline(time.Time) error }); ok {
		c.readers.Set = d.SetReadDeadline
	}
	c.writers.Set = c.send.Deadline()
	return c, nil
}

// SendBatch sends a batch of the table with the given tag, after its schema if it is the first, and what the peer lacks of its
// dictionaries. It returns when the connection has accepted the bytes. Errors are those of [Writer.Write].
func (c *ProtocolConn) SendBatch(ctx context.Context, tag byte, rows int, columns []column.Data) error {
	if err := c.sendable(ctx, tag, frame.Table); err != nil {
		return err
	}
	e, err := c.framer.encode(tag, rows, columns)
	if err != nil {
		c.writers.Leave()
		return err
	}
	if err := c.write(ctx, tag, e.parts, e.size); err != nil {
		return err
	}
	c.framer.encoded(tag, rows)
	return nil
}

// SetMetadata attaches entries to the message of each batch of a table that SendBatch sends from now on. Nil attaches none. Tags of no table
// are left alone.
func (c *ProtocolConn) SetMetadata(tag byte, entries []KeyValue) { c.framer.SetMetadata(tag, entries) }

// SetAttached attaches entries to the message of a table's schema, if that has not been sent, and to those of dictionaries that are sent
// from now on, as that of [Writer] does.
func (c *ProtocolConn) SetAttached(tag byte, a Attached) { c.framer.SetAttached(tag, a) }

// Attached returns what the peer has attached to the messages of a table that are not batches, of those that were read so far.
func (c *ProtocolConn) Attached(tag byte) Attached { return c.framer.Attached(tag) }

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
	if err := c.open(); err != nil {
		return err
	}
	if err := c.framer.right(tag, kind); err != nil {
		return err
	}
	if err := c.writers.Arm(ctx); err != nil {
		return unsent(c.name, c.framer.sent.Batches, err)
	}
	return nil
}

// open returns why nothing can be sent any more.
func (c *ProtocolConn) open() error {
	if c.werr == nil && c.closed {
		return ErrClosed
	}
	return c.werr
}

// Heartbeat sends an empty frame that tells the peer that this end is there. It needs [ProtocolOptions] with Heartbeats.
func (c *ProtocolConn) Heartbeat(ctx context.Context) error {
	if !c.opts.Heartbeats {
		return errors.New("lightstream: a heartbeat that is not announced; set ProtocolOptions.Announce and Heartbeats")
	}
	if err := c.open(); err != nil {
		return err
	}
	if err := c.writers.Arm(ctx); err != nil {
		return unsent(c.name, c.framer.sent.Batches, err)
	}
	return c.write(ctx, frame.TagHeartbeat, nil, 0)
}

// write sends a frame, after the announcement if it is the first.
func (c *ProtocolConn) write(ctx context.Context, tag byte, payload [][]byte, size int64) (err error) {
	c.head = c.head[:0]
	if c.opts.Announce && !c.started {
		c.head = c.framer.framing.AppendAnnouncement(c.head, c.opts.Heartbeats)
	}
	if c.head, err = c.framer.framing.AppendHead(c.head, tag, uint64(size)); err != nil {
		c.writers.Leave()
		return err
	}
	return c.flush(ctx, payload, size)
}

// flush sends what stands in head, and the payload.
func (c *ProtocolConn) flush(ctx context.Context, payload [][]byte, size int64) error {
	c.parts = append(append(c.parts[:0], c.head), payload...)
	n, err := c.send.Send(c.parts, size+int64(len(c.head)))
	c.writers.Leave()
	clear(c.parts)
	c.parts = c.parts[:0]
	if err != nil {
		cause := c.writers.Cause(ctx, err)
		c.writers.Disarm()
		if n == 0 && cause != err {
			return unsent(c.name, c.framer.sent.Batches, cause)
		}
		c.werr = &WriteError{c.name, c.framer.sent.Batches, c.framer.sent.Rows, cause}
		return c.werr
	}
	c.started = true
	return nil
}

// Close ends the sending direction: with the end frame where the tags are announced, and with a half-close where the connection
// has one. Over a wire that says that it has none, such as WebSocket, without Announce, the peer sees no end before the connection is
// closed: Close then returns an error that wraps [errors.ErrUnsupported], unless KeepOpen is set. A conn without CloseWrite is the
// caller's to end. Close is idempotent. Receiving goes on.
func (c *ProtocolConn) Close() error {
	if c.closed || c.werr != nil {
		c.closed = true
		if c.werr == nil {
			return c.unended
		}
		return c.werr
	}
	c.closed = true
	c.writers.Disarm()
	if c.opts.Announce {
		if err := c.write(context.Background(), frame.TagEnd, nil, 0); err != nil {
			return err
		}
	}
	w, ok := c.send.Dst.(interface{ CloseWrite() error })
	if !ok || c.opts.KeepOpen {
		return nil
	}
	switch err := w.CloseWrite(); {
	case err == nil:
	case !errors.Is(err, errors.ErrUnsupported):
		c.werr = &WriteError{c.name, c.framer.sent.Batches, c.framer.sent.Rows, err}
		return c.werr
	case !c.opts.Announce:
		c.unended = frame.Errorf(errors.ErrUnsupported, "lightstream: %sthis wire has no half-close, so that the peer sees no end of what was sent: close the connection, or set Announce at both ends", prefix(c.name))
	}
	return c.unended
}

// Recv returns the next frame. A payload is valid until the next call, whether it is released or not. The error is io.EOF where the
// peer ended the direction, and else as that of [Reader.Next].
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
		if c.opts.Announce && f.Tag >= frame.TagHeartbeat {
			f.Release()
			if err := c.control(f.Tag); err != nil {
				return ProtocolFrame{}, c.fail(err)
			}
			continue
		}
		out, err := c.framer.frame(f)
		if err != nil {
			return ProtocolFrame{}, c.fail(err)
		}
		if out.Batch == (Batch{}) {
			c.last = out
			out.owner = nil // the next Recv gives it up, and the caller's Release does nothing
		} else {
			c.stream.Discard(0) // as in Reader.Next
		}
		return out, nil
	}
}

// control takes a frame that an announcement brought in.
func (c *ProtocolConn) control(tag byte) error {
	what, announced := "a heartbeat", c.beats
	if tag == frame.TagEnd {
		what, announced = "an end frame", c.ends
	}
	switch {
	case !announced:
		return frame.At(0, "tag", frame.Errorf(ErrMalformed, "%s, and the peer's announcement says that none will come", what))
	case tag == frame.TagEnd:
		return io.EOF
	}
	return nil
}

// next reads the next frame, after the peer's announcement.
func (c *ProtocolConn) next(ctx context.Context) (frame.LightstreamFrame, error) {
	if err := c.readers.Arm(ctx); err != nil {
		return frame.LightstreamFrame{}, gaveUp(c.name, c.stream.Frames(), err)
	}
	var f frame.LightstreamFrame
	var err error
	if c.opts.Announce && !c.announced {
		err = c.announcement()
	}
	if err == nil {
		f, err = c.stream.Next()
	}
	c.readers.Leave()
	if err == nil {
		return f, nil
	}
	if cause := c.readers.Cause(ctx, err); cause != err {
		c.readers.Disarm()
		if len(c.stream.Buffered()) != 0 || c.stream.Err() != nil {
			return f, c.fail(interrupted(c.name, c.stream.Frames(), cause))
		}
		return f, gaveUp(c.name, c.stream.Frames(), cause)
	}
	if err == io.EOF && (c.ends || c.opts.Announce && !c.announced) {
		err = &UnfinishedError{c.name, c.framer.received.Batches, c.framer.received.Rows}
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
		n, ends, beats, err := c.framer.framing.CheckAnnouncement(p)
		if err != nil {
			return err
		}
		if n != 0 {
			c.announced, c.ends, c.beats = true, ends, beats
			c.stream.Discard(n)
			return nil
		}
		need = len(p) + 1
	}
}

// fail makes err the answer of all later calls of Recv.
func (c *ProtocolConn) fail(err error) error {
	if e, ok := errors.AsType[*frame.DecodeError](err); ok {
		e.Source, e.Frame = c.name, max(c.stream.Frames()-1, e.Frame)
	}
	c.rerr = err
	c.readers.Disarm()
	c.stream.Free()
	return err
}

// Stats returns what was received and what was sent so far.
func (c *ProtocolConn) Stats() (received, sent Stats) {
	received, sent = c.framer.Stats()
	received.Bytes, sent.Bytes = c.stream.Bytes(), c.send.Sent
	return received, sent
}

// Registrations returns the members by tag. It is read-only.
func (c *ProtocolConn) Registrations() []frame.Registration { return c.framer.Registrations() }
