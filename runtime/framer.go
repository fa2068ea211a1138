package rt

import (
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Framer makes and reads frames of one table, for protocols that carry them. A frame is what [Table.AppendBatch] makes, the
// complete dictionaries and a batch, and says itself where it ends. The schema is agreed elsewhere. No frame needs another: they
// may be lost, or come twice or in any order.
//
// It is for one goroutine at a time. The generator writes its name for each table.
type Framer[R, B any, W Builder[R]] struct {
	table *Table[R, B, W]
	core  readerCore
	in    *ipc.MessageDecoder
	err   error // of a table that cannot be decoded
}

// NewFramer returns a framer of frames of t. AllowMissingEnd of the options means nothing. Nil options mean all defaults.
func NewFramer[R, B any, W Builder[R]](t *Table[R, B, W], opts *ReaderOptions) *Framer[R, B, W] {
	f := &Framer[R, B, W]{table: t, core: readerCore{table: t.spec.Name, columns: t.spec.Columns}}
	if opts != nil {
		f.core.opts = *opts
	}
	f.in, f.err = ipc.NewMessageDecoder(t.schema, f.core.options())
	return f
}

// AppendFrame appends the rows of b to dst as a frame; see [Table.AppendBatch] for their alignment.
func (f *Framer[R, B, W]) AppendFrame(dst []byte, b W) ([]byte, error) {
	return f.table.AppendBatch(dst, b)
}

// Decode finds one frame at the start of buf. n == 0 and no error mean not enough yet. The batch's columns alias buf where they
// lie at multiples of 64 and are copied where not: until it is released buf must not change.
func (f *Framer[R, B, W]) Decode(buf []byte) (b B, n int, err error) {
	_, n, need, err := f.Measure(buf)
	if err != nil || need > len(buf) || n > len(buf) {
		return b, 0, err
	}
	if b, err = f.DecodeBody(nil, buf[:n:n], nil); err != nil {
		return b, 0, err
	}
	return b, n, nil
}

// Measure tells the length of the frame that starts with prefix, all of which is its body.
func (f *Framer[R, B, W]) Measure(prefix []byte) (head, body, need int, err error) {
	if f.err != nil {
		return 0, 0, 0, f.err
	}
	body, need, err = f.in.Measure(prefix)
	return 0, body, need, err
}

// DecodeBody returns the batch of the frame in body. It takes over one reference of owner, which may be nil, also when it fails:
// the batch keeps it until it is released. An error is mostly a *DecodeError.
func (f *Framer[R, B, W]) DecodeBody(_, body []byte, owner *mem.Block) (B, error) {
	var none B
	if f.core.opts.Reuse {
		f.core.last.Release()
	}
	if f.err != nil {
		if owner != nil {
			owner.Release()
		}
		return none, f.err
	}
	h, err := f.in.DecodeOwned(body, owner)
	if err != nil {
		return none, err
	}
	if err := f.core.fit.apply(h, &f.core.stats); err != nil {
		h.Release()
		return none, err
	}
	if f.core.opts.Reuse {
		f.core.last = h
	}
	return f.table.spec.NewBatch(h), nil
}

// Stats returns what the framer has read so far. It counts no bytes.
func (f *Framer[R, B, W]) Stats() Stats {
	if f.err != nil {
		return Stats{}
	}
	return f.core.merge(f.in.Stats())
}
