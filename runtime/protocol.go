package rt

import (
	"context"
	"encoding"
	"fmt"
	"io"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// ProtocolOptions are the settings of a connection that speaks a protocol.
type ProtocolOptions struct {
	// Reader are the settings for the tables that are received; its AllowMissingEnd and Reuse mean nothing. Nil means all
	// defaults.
	Reader *ReaderOptions
	// MaxPayload is the longest frame accepted, in bytes. Zero means 64 MiB.
	MaxPayload int
	// Announce sends what the members are before the first frame, and wants the same of the peer. Both ends must agree.
	Announce bool
	// Dictionaries is how dictionaries that change are sent. Zero means [ipc.AutoDictionaries].
	Dictionaries ipc.Dictionaries
	// KeepOpen leaves out the half-close with which Close ends the direction.
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

// Send sends the rows of b as a batch; see [Writer.Write].
func (t *ProtocolTable[R, B, W]) Send(ctx context.Context, c *ProtocolConn, b W) error {
	rows, columns, err := b.base().batch()
	if err != nil {
		return err
	}
	return c.conn.SendBatch(ctx, t.tag, rows, columns)
}

// Batch returns the batch of an item with the table's tag.
func (t *ProtocolTable[R, B, W]) Batch(i Item) B { return t.table.spec.NewBatch(i.handle) }

// MessageCodec turns messages into bytes and back. What Decode returns must not alias p.
type MessageCodec[T any] interface {
	Append(dst []byte, m T) ([]byte, error)
	Decode(p []byte) (T, error)
}

// ProtocolMessage is a kind of message of a protocol.
type ProtocolMessage[T any] struct {
	codec MessageCodec[T]
	tag   byte
}

// AddMessage adds messages of the given name and codec to p.
func AddMessage[T any](p *Protocol, name string, codec MessageCodec[T]) *ProtocolMessage[T] {
	return &ProtocolMessage[T]{codec, p.add(ipc.Member{Name: name}, nil)}
}

// Tag returns the message's tag.
func (m *ProtocolMessage[T]) Tag() byte { return m.tag }

// Send sends a message.
func (m *ProtocolMessage[T]) Send(ctx context.Context, c *ProtocolConn, v T) error {
	p, err := m.codec.Append(c.scratch[:0], v)
	if err != nil {
		return err
	}
	c.scratch = p[:0]
	return c.conn.SendMessage(ctx, m.tag, p)
}

// Message returns the message of an item with the message's tag.
func (m *ProtocolMessage[T]) Message(i Item) (T, error) { return m.codec.Decode(i.payload) }

// Bytes is the codec of messages that are bytes.
type Bytes struct{}

// Append appends m to dst.
func (Bytes) Append(dst, m []byte) ([]byte, error) { return append(dst, m...), nil }

// Decode returns a copy of p.
func (Bytes) Decode(p []byte) ([]byte, error) { return append([]byte(nil), p...), nil }

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

// Decode returns the message in p.
func (Binary[T, P]) Decode(p []byte) (*T, error) {
	m := new(T)
	return m, P(m).UnmarshalBinary(p)
}

// ProtocolConn is a connection that speaks a protocol. One goroutine may send while another receives.
type ProtocolConn struct {
	conn    *ipc.ProtocolConn
	readers []readerCore // by tag
	scratch []byte
	err     error // of all later receives
}

// Item is what was received: which member of the protocol, and a batch or a message of it. The batch is valid until it is
// released, the message until the next Recv.
type Item struct {
	tag     byte
	handle  Handle
	payload []byte
}

// Tag returns the member's tag.
func (i Item) Tag() byte { return i.tag }

// Conn returns a connection over conn, which it does not own. It sends nothing yet. Nil options mean all defaults.
func (p *Protocol) Conn(conn io.ReadWriter, opts *ProtocolOptions) (*ProtocolConn, error) {
	if opts == nil {
		opts = &ProtocolOptions{}
	}
	reader := ReaderOptions{}
	if opts.Reader != nil {
		reader = *opts.Reader
	}
	c := &ProtocolConn{readers: make([]readerCore, len(p.members))}
	members := append([]ipc.Member(nil), p.members...)
	for i := range members {
		c.readers[i] = readerCore{opts: reader, table: p.tables[i].name, columns: p.tables[i].columns, source: ipc.SourceName(conn)}
		members[i].Select = c.readers[i].selectColumns
	}
	var err error
	c.conn, err = ipc.NewProtocolConn(conn, members, &ipc.ProtocolOptions{
		Reader: c.readerOptions(&reader), MaxPayload: opts.MaxPayload, Announce: opts.Announce,
		Dictionaries: opts.Dictionaries, KeepOpen: opts.KeepOpen,
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *ProtocolConn) readerOptions(o *ReaderOptions) *ipc.ReaderOptions {
	return &ipc.ReaderOptions{Limits: o.Limits, Validate: o.Validate, Align: o.Align, Pool: o.Pool}
}

// Recv returns the next item. The error is io.EOF where the peer ended the direction, [ErrUnfinished] where it announced an end
// and did not send it, a *SchemaError where a table does not fit, the cause of ctx where that was cancelled, after which the
// connection is usable if that was between two frames, and else mostly a *DecodeError.
func (c *ProtocolConn) Recv(ctx context.Context) (Item, error) {
	if c.err != nil {
		return Item{}, c.err
	}
	f, err := c.conn.Recv(ctx)
	if err != nil {
		return Item{}, err
	}
	if f.Batch == (Handle{}) {
		return Item{tag: f.Tag, payload: f.Payload}, nil
	}
	r := &c.readers[f.Tag]
	if err := r.fit.apply(f.Batch, &r.stats); err != nil {
		f.Batch.Release()
		c.err = err
		return Item{}, err
	}
	return Item{tag: f.Tag, handle: f.Batch}, nil
}

// Close ends the sending direction. It is idempotent. Receiving goes on.
func (c *ProtocolConn) Close() error { return c.conn.Close() }
