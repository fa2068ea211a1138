package ipc

import (
	"errors"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/internal/sizes"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// MessageEncoder encodes batches of one schema into byte slices, for brokers, caches and database cells. It keeps nothing
// from one call to the next but memory: each result has complete dictionaries. It is for one goroutine at a time.
type MessageEncoder struct{ enc *encoder }

// NewMessageEncoder returns an encoder of batches of the given schema.
func NewMessageEncoder(schema *Schema) (*MessageEncoder, error) {
	enc, err := newEncoder(schema, encoding{})
	if err != nil {
		return nil, err
	}
	return &MessageEncoder{enc}, nil
}

// AppendSchema appends the schema message to dst.
func (e *MessageEncoder) AppendSchema(dst []byte) []byte {
	return appendHead(dst, schemaMessage(e.enc.schema, nil), 0)
}

// AppendBatch appends the dictionaries and the batch to dst. Where dst's memory and length are multiples of 64, so is each
// buffer.
func (e *MessageEncoder) AppendBatch(dst []byte, rows int, columns []column.Data) ([]byte, error) {
	e.enc.begin()
	for i := range e.enc.sent {
		e.enc.sent[i].dictionary = nil
	}
	if err := e.enc.addBatch(rows, columns, nil); err != nil {
		return dst, err
	}
	for _, p := range e.enc.parts {
		dst = append(dst, p...)
	}
	return dst, nil
}

// AppendEnd appends the end marker.
func (e *MessageEncoder) AppendEnd(dst []byte) []byte { return AppendEnd(dst) }

// AppendEnd appends the end marker of a stream to dst.
func AppendEnd(dst []byte) []byte { return append(dst, endMarker...) }

// MessageDecoder decodes batches from byte slices whose schema is agreed elsewhere. It is for one goroutine at a time; its
// batches are for any.
type MessageDecoder struct {
	framer frame.IPC
	dec    *decoder
	sel    func(*Schema) ([]bool, error)
	failed int // where in the payload the message begins that decode refused
}

// NewMessageDecoder returns a decoder of batches of the given schema. Nil options mean all defaults.
func NewMessageDecoder(schema *Schema, opts *ReaderOptions) (*MessageDecoder, error) {
	d := newMessageDecoder(opts)
	m, _, err := new(frame.IPC).Decode(appendHead(nil, schemaMessage(schema.WithIDs(), nil), 0))
	if err == nil {
		err = d.other(&m)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// newMessageDecoder returns a decoder without a schema.
func newMessageDecoder(opts *ReaderOptions) *MessageDecoder {
	if opts == nil {
		opts = &ReaderOptions{}
	}
	d := &MessageDecoder{dec: newDecoder(opts.Limits, opts.Validate, opts.Align, opts.Pool), sel: opts.Select}
	d.framer = frame.IPC{MaxMetadata: d.dec.limits.MaxMetadata, MaxBody: d.dec.limits.MaxBody}
	return d
}

// Decode returns the batch in p: what AppendBatch made, with or without an end marker. Its columns alias p where they lie at
// multiples of 64, and are copied elsewhere: p must not change before the batch is released.
func (d *MessageDecoder) Decode(p []byte) (Batch, error) {
	d.forget()
	defer d.dec.free() // the dictionaries are the batch's now
	return d.decode(p)
}

// DecodeOwned is Decode of bytes that lie in owner, of which it takes over one reference, also when it fails: the batch keeps
// them until it is released.
func (d *MessageDecoder) DecodeOwned(p []byte, owner *mem.Block) (Batch, error) {
	h, err := d.Decode(p)
	switch {
	case owner == nil:
	case err != nil:
		owner.Release()
	default:
		record.Own(h, owner)
	}
	return h, err
}

// Measure tells how many bytes at the start of prefix are one batch with the dictionaries before it. While it cannot tell, need
// is how many bytes of prefix it wants, more than there are.
func (d *MessageDecoder) Measure(prefix []byte) (n, need int, err error) {
	for messages := 0; ; messages++ {
		head, body, more, err := d.framer.Measure(prefix[n:])
		switch {
		case err != nil:
			return 0, 0, d.fail(Batch{}, int64(messages), n, err)
		case more > 0:
			return 0, n + more, nil
		case d.framer.MeasuredEnd():
			err = frame.At(0, "", frame.Errorf(ErrMalformed, "the end marker where a batch should be; what ends with one is a stream, to be read with a reader"))
		case messages == d.dec.limits.MaxMessages:
			err = frame.At(0, "", frame.Errorf(ErrLimit, "more than %d messages without a batch exceed Limits.MaxMessages; raise it if the peer is trusted", d.dec.limits.MaxMessages))
		case int64(n) > d.dec.limits.MaxBody || head+body > math.MaxInt-n:
			have, most := sizes.Over(int64(n), d.dec.limits.MaxBody)
			err = frame.At(0, "", frame.Errorf(ErrLimit, "dictionaries of %s exceed Limits.MaxBody (%s); raise it or send smaller batches", have, most))
		}
		if err != nil {
			return 0, 0, d.fail(Batch{}, int64(messages), n, err)
		}
		if n += head + body; d.framer.MeasuredBatch() {
			return n, 0, nil
		}
		if n > len(prefix) {
			return 0, n, nil
		}
	}
}

// forget drops the dictionaries of the last message.
func (d *MessageDecoder) forget() {
	for _, dict := range d.dec.dicts { // those of another message are nothing to this one
		if dict.came {
			dict.empty()
		}
	}
	d.dec.entries, d.dec.texts, d.dec.came = 0, 0, 0
}

// decode returns the batch in p. A decoder without a schema takes it from the first message.
func (d *MessageDecoder) decode(p []byte) (Batch, error) {
	d.framer.Restart()
	var h Batch
	for at, frames := 0, int64(0); ; frames++ {
		if at == len(p) {
			if h == (Batch{}) {
				return h, d.fail(h, frames, at, frame.At(0, "", frame.Errorf(ErrTruncated, "no batch in %d bytes", len(p))))
			}
			return h, nil
		}
		m, n, err := d.framer.Decode(p[at:])
		switch {
		case err != nil:
		case n == 0:
			err = frame.At(int64(len(p)-at), "", ErrTruncated)
		case m.End:
			if h == (Batch{}) {
				err = frame.At(0, "", frame.Errorf(ErrMalformed, "the end marker comes before a batch"))
			} else if at+n != len(p) {
				err = frame.At(int64(n), "", frame.Errorf(ErrMalformed, "%d bytes follow the end marker", len(p)-at-n))
			}
		case m.Batch != nil && h != (Batch{}):
			err = frame.At(0, "", frame.Errorf(ErrMalformed, "a second batch; decode each alone, or read a stream"))
		case m.Batch != nil && d.dec.schema == nil:
			err = frame.At(0, "message.header", frame.Errorf(ErrMalformed, "a batch before the schema"))
		case m.Batch != nil:
			h, err = d.dec.batch(&m)
			d.framer.Forget()
		default:
			err = d.other(&m)
		}
		if err != nil {
			return Batch{}, d.fail(h, frames, at, err)
		}
		at += n
	}
}

// other takes a message that is no record batch.
func (d *MessageDecoder) other(m *frame.Message) error {
	fb, isSchema := m.Root.HeaderSchema()
	switch {
	case isSchema && d.dec.schema == nil:
		if err := d.dec.attach(m.Root, &d.dec.attachedSchema); err != nil {
			return err
		}
		return d.dec.setSchema(fb, d.sel)
	case isSchema:
		return frame.At(0, "message.header", frame.Errorf(ErrMalformed, "a schema where it is agreed already; what begins with one is a stream, to be read with a reader"))
	case d.dec.schema == nil:
		return frame.At(0, "message.header", frame.Errorf(ErrMalformed, "a message of type %v before the schema", m.Root.HeaderType()))
	}
	if dictionary, ok := m.Root.HeaderDictionaryBatch(); ok {
		return d.dec.dictionary(m, dictionary, true)
	}
	return header(m.Root)
}

// fail gives an error its place, and a batch back.
func (d *MessageDecoder) fail(h Batch, frames int64, at int, err error) error {
	h.Release()
	d.failed = at
	if e, ok := errors.AsType[*frame.DecodeError](err); ok {
		e.Frame = frames
	}
	return err
}

// Stats returns what the decoder has done so far.
func (d *MessageDecoder) Stats() Stats { return d.dec.stats }
