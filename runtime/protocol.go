package rt

import (
	"context"
	"encoding"
	"fmt"
	"io"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// ProtocolOptions are the settings of a connection that speaks a protocol.
type ProtocolOptions struct {
	// Reader are the settings for the tables that are received; its AllowMissingEnd means nothing. Of its limits MaxExpanded is one
	// of each message too. Nil means all defaults.
	Reader *ReaderOptions
	// MaxPayload is the longest frame accepted, in bytes. Zero means 64 MiB.
	MaxPayload int
	// Announce sends what the members are before the first frame and an end frame with Close, and wants the same of the peer: a
	// direction that was cut off is [ErrUnfinished] then. Both ends must agree. Leave it out for peers that know no announcements.
	Announce bool
	// Heartbeats announces that heartbeats may come, which Heartbeat sends. It needs Announce.
	Heartbeats bool
	// Dictionaries is how dictionaries that change are sent. Zero means [ipc.AutoDictionaries].
	Dictionaries ipc.Dictionaries
	// Compression is how the columns of tables are compressed, as in [WriterOptions]. Zero means not at all.
	Compression ipc.Compression
	// KeepOpen leaves out the half-close with which Close ends the direction. Without Announce the peer sees no end then before the
	// connection is closed.
	KeepOpen bool
}

// Protocol is a set of tables and messages that go over one connection: the Lightstream protocol. Both ends add the same members
// in the same order. It must not change once a connection was made of it.
type Protocol struct {
	members []ipc.Member
	tables  []protocolTable // by tag, without columns for messages
}

type protocolTable struct {
	name    string
	columns []Column
}

// ProtocolTable is a table of a protocol.
type ProtocolTable[R, B any, W Builder[R]] struct {
	table *Table[R, B, W]
	tag   byte
}

// AddTable adds a table to p.
func AddTable[R, B any, W Builder[R]](p *Protocol, t *Table[R, B, W]) *ProtocolTable[R, B, W] {
	tag := p.add(ipc.Member{Name: t.spec.Name, Kind: frame.Table, Schema: t.schema}, t.spec.Columns)
	return &ProtocolTable[R, B, W]{t, tag}
}

// add panics beyond 256 members: protocols are written down when a program is, not made of what comes in.
func (p *Protocol) add(m ipc.Member, columns []Column) byte {
	if len(p.members) == 256 {
		panic(fmt.Sprintf("lightstream: %q is member 257 of a protocol, which has tags for 256", m.Name))
	}
	p.members = append(p.members, m)
	p.tables = append(p.tables, protocolTable{m.Name, columns})
	return byte(len(p.members) - 1)
}

// Tag returns the table's tag.
func (t *ProtocolTable[R, B, W]) Tag() byte { return t.tag }

// Send sends the rows of b as a batch; see [Writer.Write]. The rows stay in b: call Reset before the next batch.
func (t *ProtocolTable[R, B, W]) Send(ctx context.Context, c *ProtocolConn, b W) error {
	rows, columns, err := b.base().batch()
	if err != nil {
		return err
	}
	return c.conn.SendBatch(ctx, t.tag, rows, columns)
}

// AppendFrame appends a frame with the rows of b to dst; see [Table.AppendBatch] for their alignment.
func (t *ProtocolTable[R, B, W]) AppendFrame(dst []byte, f *ProtocolFramer, b W) ([]byte, error) {
	rows, columns, err := b.base().batch()
	if err != nil {
		return dst, err
	}
	return f.framer.AppendBatch(dst, t.tag, rows, columns)
}

// SetMetadata attaches entries to the message of each batch that Send sends from now on; a receiver finds them in the batch's Metadata.
// Nil attaches none. It is for the goroutine that sends.
func (t *ProtocolTable[R, B, W]) SetMetadata(c *ProtocolConn, entries []ipc.KeyValue) {
	c.conn.SetMetadata(t.tag, entries)
}

// SetFrameMetadata is SetMetadata for AppendFrame.
func (t *ProtocolTable[R, B, W]) SetFrameMetadata(f *ProtocolFramer, entries []ipc.KeyValue) {
	f.framer.SetMetadata(t.tag, entries)
}

// Batch returns the batch of an item with the table's tag.
func (t *ProtocolTable[R, B, W]) Batch(i Item) B { return t.table.spec.NewBatch(i.handle) }

// MessageCodec turns messages into bytes and back. It is used by several goroutines.
type MessageCodec[T any] interface {
	// Append appends m to dst.
	Append(dst []byte, m *T) ([]byte, error)
	// Decode sets all of m to the message in p. It may use memory that m has already, and must keep nothing of p.
	Decode(p []byte, m *T) error
}

// ProtocolMessage is a kind of message of a protocol.
type ProtocolMessage[T any] struct {
	codec MessageCodec[T]
	tag   byte
}

// limitedCodec is a codec that can be told how much memory a message may take.
type limitedCodec[T any] interface {
	decodeLimit(p []byte, m *T, maxExpanded int64) error
}

// AddMessage adds messages of the given name and codec to p.
func AddMessage[T any](p *Protocol, name string, codec MessageCodec[T]) *ProtocolMessage[T] {
	return &ProtocolMessage[T]{codec, p.add(ipc.Member{Name: name}, nil)}
}

// AddFlatbuffer adds messages that are flatbuffers to p, as generated types are. It differs from [AddMessage] only in what an
// announcement says of them.
func AddFlatbuffer[T any](p *Protocol, name string, codec MessageCodec[T]) *ProtocolMessage[T] {
	return &ProtocolMessage[T]{codec, p.add(ipc.Member{Name: name, Kind: frame.Flatbuffer}, nil)}
}

// Tag returns the message's tag.
func (m *ProtocolMessage[T]) Tag() byte { return m.tag }

// Send sends a message. See [ProtocolMessage.SendPtr].
func (m *ProtocolMessage[T]) Send(ctx context.Context, c *ProtocolConn, v T) error {
	return m.SendPtr(ctx, c, &v)
}

// SendPtr sends a message that somebody has already, without an allocation of its own. A message that its codec refuses is not
// sent; the connection stays usable.
func (m *ProtocolMessage[T]) SendPtr(ctx context.Context, c *ProtocolConn, v *T) error {
	p, err := m.codec.Append(c.scratch[:0], v)
	if err != nil {
		return err
	}
	c.scratch = p[:0]
	return c.conn.SendMessage(ctx, m.tag, p)
}

// AppendFrame appends a frame with a message to dst.
func (m *ProtocolMessage[T]) AppendFrame(dst []byte, f *ProtocolFramer, v *T) ([]byte, error) {
	p, err := m.codec.Append(f.scratch[:0], v)
	if err != nil {
		return dst, err
	}
	f.scratch = p[:0]
	return f.framer.AppendMessage(dst, m.tag, p)
}

// Message returns the message of an item with the message's tag.
func (m *ProtocolMessage[T]) Message(i Item) (v T, err error) { return v, m.Read(i, &v) }

// Read sets v to the message of an item with the message's tag, and uses what memory v has.
func (m *ProtocolMessage[T]) Read(i Item, v *T) error {
	var err error
	if limited, ok := any(m.codec).(limitedCodec[T]); ok {
		err = limited.decodeLimit(i.payload, v, i.maxExpanded)
	} else {
		err = m.codec.Decode(i.payload, v)
	}
	if err != nil {
		return fmt.Errorf("lightstream: message with tag %d: %w", m.tag, err)
	}
	return nil
}

// Bytes is the codec of messages that are bytes.
type Bytes struct{}

// Append appends m to dst.
func (Bytes) Append(dst []byte, m *[]byte) ([]byte, error) { return append(dst, *m...), nil }

// Decode sets m to a copy of p, in the memory that m has.
func (Bytes) Decode(p []byte, m *[]byte) error {
	*m = append((*m)[:0], p...)
	return nil
}

// Binary is the codec of messages T whose pointers marshal themselves, as those of [encoding.BinaryAppender] or
// [encoding.BinaryMarshaler], and [encoding.BinaryUnmarshaler], do.
type Binary[T any, P interface {
	*T
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}] struct{}

// Append appends m to dst.
func (Binary[T, P]) Append(dst []byte, m *T) ([]byte, error) {
	if a, ok := any(m).(encoding.BinaryAppender); ok {
		return a.AppendBinary(dst)
	}
	p, err := P(m).MarshalBinary()
	return append(dst, p...), err
}

// Decode sets m to the message in p.
func (Binary[T, P]) Decode(p []byte, m *T) error { return P(m).UnmarshalBinary(p) }

// decodeLimit is Decode with the limit of a connection, which generated messages know.
func (c Binary[T, P]) decodeLimit(p []byte, m *T, maxExpanded int64) error {
	if l, ok := any(m).(interface {
		UnmarshalLimit(p []byte, maxExpanded int64) error
	}); ok {
		return l.UnmarshalLimit(p, maxExpanded)
	}
	return c.Decode(p, m)
}

// ProtocolConn is a connection that speaks a protocol. One goroutine may send while another receives.
type ProtocolConn struct {
	conn    *ipc.ProtocolConn
	in      items
	scratch []byte
	err     error // of all later receives
}

// Item is what was received: which member of the protocol, and a batch or a message of it. The batch is valid until it is
// released, or with Reuse until the next Recv; the message is valid until the next Recv.
type Item struct {
	tag         byte
	handle      Handle
	payload     []byte
	maxExpanded int64
}

// Tag returns the member's tag.
func (i Item) Tag() byte { return i.tag }

// Handle returns the batch of an item of a table, the zero Handle of any other.
func (i Item) Handle() Handle { return i.handle }

// Conn returns a connection over conn, which it does not own. It sends nothing yet. Nil options mean all defaults.
func (p *Protocol) Conn(conn io.ReadWriter, opts *ProtocolOptions) (*ProtocolConn, error) {
	c := &ProtocolConn{}
	members := c.in.init(p, opts, ipc.SourceName(conn))
	var err error
	if c.conn, err = ipc.NewProtocolConn(conn, members, opts.ipc()); err != nil {
		return nil, err
	}
	return c, nil
}

// ipc returns the options as the layer below has them.
func (o *ProtocolOptions) ipc() *ipc.ProtocolOptions {
	if o == nil {
		o = &ProtocolOptions{}
	}
	r := o.Reader
	if r == nil {
		r = &ReaderOptions{}
	}
	return &ipc.ProtocolOptions{
		Reader:     &ipc.ReaderOptions{Limits: r.Limits, Validate: r.Validate, Align: r.Align, Pool: r.Pool},
		MaxPayload: o.MaxPayload, Announce: o.Announce, Heartbeats: o.Heartbeats, Dictionaries: o.Dictionaries, Compression: o.Compression, KeepOpen: o.KeepOpen,
	}
}

// items fits the batches of a direction to their tables.
type items struct {
	readers     []readerCore // by tag
	reuse       bool
	maxExpanded int64 // of a message, 0 for the default
	last        Handle
}

// init returns the protocol's members as they select their columns.
func (in *items) init(p *Protocol, opts *ProtocolOptions, source string) []ipc.Member {
	reader := ReaderOptions{}
	if opts != nil && opts.Reader != nil {
		reader = *opts.Reader
	}
	in.reuse = reader.Reuse
	if reader.Limits != nil {
		in.maxExpanded = reader.Limits.MaxExpanded
	}
	in.readers = make([]readerCore, len(p.members))
	members := append([]ipc.Member(nil), p.members...)
	for i := range members {
		in.readers[i] = readerCore{opts: reader, table: p.tables[i].name, columns: p.tables[i].columns, source: source}
		members[i].Select = in.readers[i].selectColumns
	}
	return members
}

// item fits a batch to its table.
func (in *items) item(f ipc.ProtocolFrame) (Item, error) {
	if f.Batch == (Handle{}) {
		return Item{tag: f.Tag, payload: f.Payload, maxExpanded: in.maxExpanded}, nil
	}
	r := &in.readers[f.Tag]
	if err := r.fit.apply(f.Batch, &r.stats); err != nil {
		f.Batch.Release()
		return Item{}, err
	}
	if in.reuse {
		in.last = f.Batch
	}
	return Item{tag: f.Tag, handle: f.Batch}, nil
}

// Items is what the items of a generated connection or framer point into. It is for generated code.
//
// All items lie in one place, so that nothing is allocated for one. In debug builds (tag lightstream_debug) each has a place of its own,
// and the one before is emptied: whoever kept a pointer beyond the next item finds a batch that panics, or a message without values.
type Items[T any] struct {
	place T
	last  *T // debug builds
}

// Next returns where the next item goes, and ends the life of the one before.
func (s *Items[T]) Next() *T {
	if !mem.Debug {
		return &s.place
	}
	if s.last != nil {
		var none T
		*s.last = none
	}
	s.last = new(T)
	return s.last
}

// next ends the life of the last batch.
func (in *items) next() {
	if in.reuse {
		in.last.Release()
	}
}

// stats adds what was fitted to what the layer below has counted.
func (in *items) stats(s ipc.Stats) Stats {
	out := statsOf(s)
	for i := range in.readers {
		out.InPlace += in.readers[i].stats.InPlace
		out.Converted += in.readers[i].stats.Converted
		out.Absent += in.readers[i].stats.Absent
	}
	return out
}

// Recv returns the next item. The error is io.EOF where the peer ended the direction, [ErrUnfinished] where it announced an end
// and did not send it, a *SchemaError where a table does not fit, the cause of ctx where that was cancelled, after which the
// connection is usable if that was between two frames, and else mostly a *DecodeError.
func (c *ProtocolConn) Recv(ctx context.Context) (Item, error) {
	if c.err != nil {
		return Item{}, c.err
	}
	c.in.next()
	f, err := c.conn.Recv(ctx)
	if err != nil {
		return Item{}, err
	}
	item, err := c.in.item(f)
	c.err = err
	return item, err
}

// Heartbeat sends an empty frame that tells the peer that this end is there. It needs Announce and Heartbeats in the options.
// What receives passes over it.
func (c *ProtocolConn) Heartbeat(ctx context.Context) error { return c.conn.Heartbeat(ctx) }

// Close ends the sending direction: with the end frame of Announce, and with a half-close where the connection has one. Over a wire
// that has none, such as WebSocket, without Announce it ends nothing and returns an error that wraps [errors.ErrUnsupported]: close the
// connection, or set Announce. A conn without CloseWrite is the caller's to end. Close is idempotent. Receiving goes on.
func (c *ProtocolConn) Close() error { return c.conn.Close() }

// Stats returns what was received and what was sent so far. The batches and rows are those of all tables.
func (c *ProtocolConn) Stats() (received, sent Stats) {
	in, out := c.conn.Stats()
	return c.in.stats(in), statsOf(out)
}

// ProtocolFramer makes and reads the frames of a protocol without a connection, to be carried by another protocol. Frames of one
// direction lean on each other: none may be lost, come twice or in another order. One goroutine may make frames while another
// reads.
type ProtocolFramer struct {
	framer  *ipc.ProtocolFramer
	in      items
	last    ipc.ProtocolFrame // a message
	scratch []byte
}

var (
	_ frame.Decoder[Item]      = (*ProtocolFramer)(nil)
	_ frame.SizedDecoder[Item] = (*ProtocolFramer)(nil)
)

// Framer returns a framer. What the options say of connections means nothing. Nil options mean all defaults.
func (p *Protocol) Framer(opts *ProtocolOptions) (*ProtocolFramer, error) {
	f := &ProtocolFramer{}
	members := f.in.init(p, opts, "")
	var err error
	if f.framer, err = ipc.NewProtocolFramer(members, opts.ipc()); err != nil {
		return nil, err
	}
	return f, nil
}

// Decode finds one frame at the start of buf. n == 0 and no error mean not enough yet. A batch, or a message, may alias buf until
// the next call.
func (f *ProtocolFramer) Decode(buf []byte) (i Item, n int, err error) {
	f.in.next()
	in, n, err := f.framer.Decode(buf)
	if err != nil || n == 0 {
		return Item{}, 0, err
	}
	if i, err = f.in.item(in); err != nil {
		return Item{}, 0, err
	}
	return i, n, nil
}

// Measure tells the length of the frame that starts with prefix.
func (f *ProtocolFramer) Measure(prefix []byte) (head, body, need int, err error) {
	return f.framer.Measure(prefix)
}

// DecodeBody makes the frame whose payload is body, of which it takes over one reference of owner. A batch keeps that until it is
// released; a message is valid until the next call.
func (f *ProtocolFramer) DecodeBody(head, body []byte, owner *mem.Block) (Item, error) {
	f.in.next()
	f.last.Release()
	in, err := f.framer.DecodeBody(head, body, owner)
	if err != nil {
		return Item{}, err
	}
	if in.Batch == (Handle{}) {
		f.last = in
	}
	return f.in.item(in)
}

// Stats returns what was received and what was made so far. Neither counts bytes.
func (f *ProtocolFramer) Stats() (received, sent Stats) {
	in, out := f.framer.Stats()
	return f.in.stats(in), statsOf(out)
}
