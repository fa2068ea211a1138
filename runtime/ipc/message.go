package ipc

import (
	"errors"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// MessageEncoder encodes batches of one schema into byte slices, for brokers, caches and database cells. It keeps nothing
// from one call to the next but memory: each result has complete dictionaries. It is for one goroutine at a time.
type MessageEncoder struct{ enc *encoder }

// NewMessageEncoder returns an encoder of batches of the given schema.
func NewMessageEncoder(schema *Schema) (*MessageEncoder, error) {
	enc, err := newEncoder(schema, false, AutoDictionaries)
	if err != nil {
		return nil, err
	}
	return &MessageEncoder{enc}, nil
}

// AppendSchema appends the schema message to dst.
func (e *MessageEncoder) AppendSchema(dst []byte) []byte {
	return appendHead(dst, schemaMessage(e.enc.schema), 0)
}

// AppendBatch appends the dictionaries and the batch to dst. Where dst's memory and length are multiples of 64, so is each
// buffer.
func (e *MessageEncoder) AppendBatch(dst []byte, rows int, columns []column.Data) ([]byte, error) {
	e.enc.begin()
	for i := range e.enc.sent {
		e.enc.sent[i].dictionary = nil
	}
	if err := e.enc.addBatch(rows, columns); err != nil {
		return dst, err
	}
	for _, p := range e.enc.parts {
		dst = append(dst, p...)
	}
	return dst, nil
}

// AppendEnd appends the end marker.
func (e *MessageEncoder) AppendEnd(dst []byte) []byte { return append(dst, endMarker...) }

// MessageDecoder decodes batches from byte slices whose schema is agreed elsewhere. It is for one goroutine at a time; its
// batches are for any.
type MessageDecoder struct {
	framer frame.IPC
	dec    *decoder
}

// NewMessageDecoder returns a decoder of batches of the given schema. Nil options mean all defaults.
func NewMessageDecoder(schema *Schema, opts *ReaderOptions) (*MessageDecoder, error) {
	if opts == nil {
		opts = &ReaderOptions{}
	}
	d := &MessageDecoder{dec: newDecoder(opts.Limits, opts.Validate, opts.Align, opts.Pool)}
	d.framer = frame.IPC{MaxMetadata: d.dec.limits.MaxMetadata, MaxBody: d.dec.limits.MaxBody}
	m, _, err := d.framer.Decode(appendHead(nil, schemaMessage(schema.withIDs()), 0))
	if err != nil {
		return nil, err
	}
	fb, _ := m.Root.HeaderSchema()
	if err := d.dec.setSchema(fb, opts.Select); err != nil {
		return nil, err
	}
	return d, nil
}

// Decode returns the batch in p: what AppendBatch made, with or without an end marker. Its columns alias p where they lie at
// multiples of 64, and are copied elsewhere: p must not change before the batch is released.
func (d *MessageDecoder) Decode(p []byte) (Batch, error) {
	for _, dict := range d.dec.dicts { // those of another message are nothing to this one
		if dict.values.Len() != 0 {
			dict.values = column.NewDictionary(0)
		}
	}
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
		case m.Batch != nil:
			h, err = d.dec.batch(&m)
		default:
			fb, ok := m.Root.HeaderDictionaryBatch()
			if !ok {
				err = header(m.Root)
				break
			}
			err = d.dec.dictionary(&m, fb, true)
		}
		if err != nil {
			return Batch{}, d.fail(h, frames, at, err)
		}
		at += n
	}
}

// fail gives an error its place, and a batch back.
func (d *MessageDecoder) fail(h Batch, frames int64, at int, err error) error {
	h.Release()
	var e *frame.DecodeError
	if errors.As(err, &e) {
		e.Frame = frames
	}
	return err
}

// Stats returns what the decoder has done so far.
func (d *MessageDecoder) Stats() Stats { return d.dec.stats }
