package ipc

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// ProtocolFrame is a frame of the Lightstream protocol: a batch for the tag of a table, else a payload.
type ProtocolFrame struct {
	Tag     byte
	Batch   Batch
	Payload []byte // aliases what was decoded
	owner   *mem.Block
}

// Release gives up the memory of a payload. That of a batch is given up with the batch.
func (f *ProtocolFrame) Release() {
	if f.owner != nil {
		f.owner.Release()
		f.owner, f.Payload = nil, nil
	}
}

// ProtocolFramer makes and reads frames of the Lightstream protocol, which [frame.Lightstream] draws, without a connection: for
// a protocol that carries them. Frames of one direction lean on each other, as on a connection: the first one of a table has its
// schema, and later ones only what has been added to its dictionaries. So none may be lost, come twice or in another order.
//
// One goroutine may make frames while another reads. After an error a direction is of no use any more.
type ProtocolFramer struct {
	framing frame.Lightstream

	reader   ReaderOptions                   // but for Select
	selects  []func(*Schema) ([]bool, error) // by tag, of tables
	in       []*MessageDecoder               // by tag, nil before the first frame of a table
	received Stats

	tables []*Schema  // by tag, nil but for tables
	how    encoding   // of their batches
	out    []*encoder // by tag, nil before the first batch of a table
	schema []bool     // by tag: the schema was sent
	sent   Stats

	attached [][]KeyValue // by tag, to the next batches
	others   []Attached   // by tag, to other messages
}

var (
	_ frame.Decoder[ProtocolFrame]      = (*ProtocolFramer)(nil)
	_ frame.SizedDecoder[ProtocolFrame] = (*ProtocolFramer)(nil)
)

// NewProtocolFramer returns a framer of a protocol with these members. Announce, Heartbeats and KeepOpen of the options are for
// connections and mean nothing. Nil options mean all defaults.
func NewProtocolFramer(members []Member, opts *ProtocolOptions) (*ProtocolFramer, error) {
	o := ProtocolOptions{}
	if opts != nil {
		o = *opts
	}
	o.Announce = false
	return newProtocolFramer(members, &o)
}

func newProtocolFramer(members []Member, opts *ProtocolOptions) (*ProtocolFramer, error) {
	f := &ProtocolFramer{framing: frame.Lightstream{MaxPayload: opts.MaxPayload, Announced: opts.Announce}}
	f.how = encoding{mode: opts.Dictionaries, compression: opts.Compression}
	if f.how.compression != Uncompressed {
		if _, err := newDeflater(f.how.compression); err != nil {
			return nil, err
		}
	}
	n := len(members)
	if opts.Reader != nil {
		f.reader = *opts.Reader
	}
	f.selects = make([]func(*Schema) ([]bool, error), n)
	f.in, f.tables, f.out, f.schema = make([]*MessageDecoder, n), make([]*Schema, n), make([]*encoder, n), make([]bool, n)
	f.attached, f.others = make([][]KeyValue, n), make([]Attached, n)
	for i := range members {
		if err := f.register(i, &members[i]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *ProtocolFramer) register(i int, m *Member) (err error) {
	switch m.Kind {
	case frame.Table:
		if m.Schema == nil {
			return fmt.Errorf("lightstream: the table %q of a protocol has no schema; set Member.Schema, one without fields where the table is only received", m.Name)
		}
		if _, err = f.framing.RegisterTable(m.Name, m.Schema.Fingerprint()); err != nil {
			return err
		}
		f.tables[i], f.selects[i] = m.Schema, m.Select
	case frame.Flatbuffer:
		_, err = f.framing.RegisterFlatbuffer(m.Name)
	default:
		_, err = f.framing.RegisterMessage(m.Name)
	}
	return err
}

// Decode finds one frame at the start of buf. A payload aliases buf until the next call; the columns of a batch that lie at
// multiples of 64 do so until it is released.
func (f *ProtocolFramer) Decode(buf []byte) (ProtocolFrame, int, error) {
	in, n, err := f.framing.Decode(buf)
	if err != nil || n == 0 {
		return ProtocolFrame{}, 0, err
	}
	out, err := f.frame(in)
	return out, n, err
}

// Measure tells the length of the frame that starts with prefix.
func (f *ProtocolFramer) Measure(prefix []byte) (head, body, need int, err error) {
	return f.framing.Measure(prefix)
}

// DecodeBody makes the frame whose payload is body.
func (f *ProtocolFramer) DecodeBody(head, body []byte, owner *mem.Block) (ProtocolFrame, error) {
	in, err := f.framing.DecodeBody(head, body, owner)
	if err != nil {
		return ProtocolFrame{}, err
	}
	return f.frame(in)
}

// frame reads the payload of a table, and takes over that of any frame.
func (f *ProtocolFramer) frame(in frame.LightstreamFrame) (ProtocolFrame, error) {
	if f.tables[in.Tag] == nil {
		return ProtocolFrame{Tag: in.Tag, Payload: in.Payload, owner: in.TakeOwner()}, nil
	}
	d := f.in[in.Tag]
	if d == nil {
		reader := f.reader
		reader.Select = f.selects[in.Tag]
		d = newMessageDecoder(&reader)
		f.in[in.Tag] = d
	}
	h, err := d.decode(in.Payload)
	if err != nil {
		in.Release()
		if e, ok := errors.AsType[*frame.DecodeError](err); ok {
			name := f.framing.Registrations()[in.Tag].Name
			e.Frame, e.Offset = f.received.Batches, e.Offset+int64(frame.LightstreamHead+d.failed)
			e.Path = pathIn(name, e.Path)
		}
		return ProtocolFrame{}, err
	}
	if owner := in.TakeOwner(); owner != nil {
		record.Own(h, owner)
	}
	f.received.Batches++
	f.received.Rows += int64(h.Len())
	return ProtocolFrame{Tag: in.Tag, Batch: h}, nil
}

// pathIn puts the name of a table before a path in it.
func pathIn(table, path string) string {
	if path == "" {
		return table
	}
	return table + "." + path
}

// right tells what is wrong with sending something of a kind with a tag.
func (f *ProtocolFramer) right(tag byte, kind frame.Kind) error {
	if int(tag) >= len(f.out) {
		return fmt.Errorf("lightstream: tag %d of a protocol with %d members", tag, len(f.out))
	}
	if m := f.framing.Registrations()[tag]; (kind == frame.Table) != (m.Kind == frame.Table) {
		return fmt.Errorf("lightstream: tag %d is %v %q", tag, m.Kind, m.Name)
	}
	return nil
}

// encode lays out the messages of a batch: the schema if it is the table's first, what the reader lacks of its dictionaries, and
// the batch.
func (f *ProtocolFramer) encode(tag byte, rows int, columns []column.Data) (e *encoder, err error) {
	if e = f.out[tag]; e == nil {
		if e, err = newEncoder(f.tables[tag], f.how); err != nil {
			return nil, err
		}
		f.out[tag] = e
	}
	e.others = f.others[tag]
	e.begin()
	e.attach(f.attached[tag], "")
	if !f.schema[tag] {
		e.addSchema(0)
	}
	return e, e.addBatch(rows, columns, nil)
}

// encoded notes that the reader will get what was laid out.
func (f *ProtocolFramer) encoded(tag byte, rows int) {
	e := f.out[tag]
	f.schema[tag] = true
	e.counted(&f.sent)
	e.commit()
	f.sent.Batches++
	f.sent.Rows += int64(rows)
}

// AppendBatch appends a frame with a batch of the table with the given tag to dst. With an error dst is as it was, and the framer
// too.
func (f *ProtocolFramer) AppendBatch(dst []byte, tag byte, rows int, columns []column.Data) ([]byte, error) {
	if err := f.right(tag, frame.Table); err != nil {
		return dst, err
	}
	e, err := f.encode(tag, rows, columns)
	if err != nil {
		return dst, err
	}
	out, err := f.framing.AppendHead(dst, tag, uint64(e.size))
	if err != nil {
		return dst, err
	}
	for _, p := range e.parts {
		out = append(out, p...)
	}
	f.encoded(tag, rows)
	return out, nil
}

// SetMetadata attaches entries to the message of each batch of a table that AppendBatch makes from now on. Nil attaches none. Tags of no
// table are left alone.
func (f *ProtocolFramer) SetMetadata(tag byte, entries []KeyValue) {
	if int(tag) < len(f.attached) {
		f.attached[tag] = slices.Clone(entries)
	}
}

// SetAttached attaches entries to the message of a table's schema, if that has not been made, and to those of dictionaries that are made
// from now on, as that of [Writer] does.
func (f *ProtocolFramer) SetAttached(tag byte, a Attached) {
	if int(tag) < len(f.others) {
		f.others[tag] = a.Clone()
	}
}

// Attached returns what the other end has attached to the messages of a table that are not batches, of those that were decoded so far.
func (f *ProtocolFramer) Attached(tag byte) Attached {
	if int(tag) >= len(f.in) || f.in[tag] == nil {
		return Attached{}
	}
	return f.in[tag].dec.attached()
}

// AppendMessage appends a frame with a message with the given tag to dst.
func (f *ProtocolFramer) AppendMessage(dst []byte, tag byte, payload []byte) ([]byte, error) {
	if err := f.right(tag, frame.Opaque); err != nil {
		return dst, err
	}
	return f.framing.AppendFrame(dst, frame.LightstreamFrame{Tag: tag, Payload: payload})
}

// Registrations returns the members by tag. It is read-only.
func (f *ProtocolFramer) Registrations() []frame.Registration { return f.framing.Registrations() }

// Stats returns what was received and what was made so far. Neither counts bytes.
func (f *ProtocolFramer) Stats() (received, sent Stats) {
	received = f.received
	for _, d := range f.in {
		if d != nil {
			received.Realigned += d.dec.stats.Realigned
			received.Replaced += d.dec.stats.Replaced
			received.Deltas += d.dec.stats.Deltas
		}
	}
	return received, f.sent
}
