package rt

import (
	"sync"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// codecs keeps encoders and decoders of a table for calls that have no connection.
type codecs struct {
	once        sync.Once
	fingerprint ipc.Fingerprint
	encoders    sync.Pool // of *ipc.MessageEncoder
	decoders    sync.Pool // of *messageDecoder
}

type messageDecoder struct {
	in    *ipc.MessageDecoder
	core  readerCore
	stats Stats
}

// Fingerprint returns the digest of the table's schema; see [ipc.Schema.Fingerprint].
func (t *Table[R, B, W]) Fingerprint() ipc.Fingerprint {
	t.codecs.once.Do(func() { t.codecs.fingerprint = t.schema.Fingerprint() })
	return t.codecs.fingerprint
}

func (t *Table[R, B, W]) encoder() (*ipc.MessageEncoder, error) {
	if e, ok := t.codecs.encoders.Get().(*ipc.MessageEncoder); ok {
		return e, nil
	}
	return ipc.NewMessageEncoder(t.schema)
}

// AppendSchema appends the table's schema message to dst.
func (t *Table[R, B, W]) AppendSchema(dst []byte) ([]byte, error) {
	e, err := t.encoder()
	if err != nil {
		return dst, err
	}
	defer t.codecs.encoders.Put(e)
	return e.AppendSchema(dst), nil
}

// AppendBatch appends the rows of b to dst as one batch with complete dictionaries, for a reader that has the schema:
// [Table.DecodeBatch] reads it. Complete are they with all values that b has ever held: [BuilderBase.ResetDictionaries] drops those of
// earlier messages. Where dst's memory and length are multiples of 64, so is each column in it.
func (t *Table[R, B, W]) AppendBatch(dst []byte, b W) ([]byte, error) {
	e, err := t.encoder()
	if err != nil {
		return dst, err
	}
	defer t.codecs.encoders.Put(e)
	rows, columns, err := b.base().batch()
	if err != nil {
		return dst, err
	}
	return e.AppendBatch(dst, rows, columns)
}

// AppendMessage appends the rows of b to dst as a stream of its own: schema, dictionaries, batch and end marker. Every Arrow
// reader reads it.
func (t *Table[R, B, W]) AppendMessage(dst []byte, b W) ([]byte, error) {
	out, err := t.AppendSchema(dst)
	if err != nil {
		return dst, err
	}
	n := len(dst)
	if out, err = t.AppendBatch(out, b); err != nil {
		return out[:n], err
	}
	return t.AppendEnd(out), nil
}

// AppendEnd appends the end marker to dst: what [Table.AppendSchema], any number of batches of [Table.AppendBatch] and the marker make
// is a stream.
func (t *Table[R, B, W]) AppendEnd(dst []byte) []byte { return ipc.AppendEnd(dst) }

// DecodeBatch returns the batch in p, as [Table.AppendBatch] made it. Its columns alias p where they lie at multiples of 64 and
// are copied where not: p must not change until the batch is released.
func (t *Table[R, B, W]) DecodeBatch(p []byte) (B, error) {
	var none B
	d, ok := t.codecs.decoders.Get().(*messageDecoder)
	if !ok {
		d = &messageDecoder{core: readerCore{table: t.spec.Name, columns: t.spec.Columns}}
		var err error
		if d.in, err = ipc.NewMessageDecoder(t.schema, d.core.options()); err != nil {
			return none, err
		}
	}
	defer t.codecs.decoders.Put(d)
	h, err := d.in.Decode(p)
	if err != nil {
		return none, err
	}
	if err := d.core.fit.apply(h, &d.stats); err != nil {
		h.Release()
		return none, err
	}
	return t.spec.NewBatch(h), nil
}
