package lanes

import (
	"context"
	"fmt"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Columns is a batch of any schema, as [ipc.Writer.Write] takes it. That of a received batch b is Columns{b.Len(), ipc.Columns(b)}.
type Columns struct {
	Rows    int
	Columns []column.Data
	// Metadata are the entries that are attached to the batch. Where the lanes are ordered, the number takes the place of one that
	// it has already, and so does the time of Options.Stamp.
	Metadata []ipc.KeyValue
}

// Untyped makes an [ipc.Writer] a lane. The reader of such a lane is an [ipc.Reader], which is a Source as it is.
func Untyped(w *ipc.Writer) Sink[Columns] { return &untyped{Writer: w} }

type untyped struct {
	*ipc.Writer
	numbered bool
	also     []ipc.KeyValue // beside those of a batch
}

func (u *untyped) SetMetadata(entries []ipc.KeyValue) { u.also = entries }

func (u *untyped) SetNumber(key string, n uint64) {
	u.numbered = true
	u.Writer.SetNumber(key, n)
}

func (u *untyped) Write(ctx context.Context, b Columns) error {
	entries := b.Metadata
	isOwn := func(kv ipc.KeyValue) bool {
		return u.numbered && kv.Key == Sequence || slices.ContainsFunc(u.also, func(own ipc.KeyValue) bool { return own.Key == kv.Key })
	}
	if slices.ContainsFunc(entries, isOwn) {
		entries = slices.DeleteFunc(slices.Clone(entries), isOwn)
	}
	if len(u.also) > 0 {
		entries = append(slices.Clip(entries), u.also...)
	}
	u.Writer.SetMetadata(entries)
	return u.Writer.Write(ctx, b.Rows, b.Columns)
}

// Alike makes an [ipc.Reader] a lane that must have the given schema, that of the first lane, and may count with [Count]. It looks at its
// own with the first batch: before, the other end may still be busy with the first lane.
func Alike(r *ipc.Reader, want *ipc.Schema) *AlikeReader { return &AlikeReader{r: r, want: want} }

// AlikeReader is what [Alike] returns.
type AlikeReader struct {
	r    *ipc.Reader
	want *ipc.Schema
	fine bool
}

// Next returns the next batch of the reader.
func (a *AlikeReader) Next(ctx context.Context) (b ipc.Batch, err error) {
	if !a.fine {
		schema, err := a.r.Schema(ctx)
		if err != nil {
			return b, err
		}
		if schema.Fingerprint() != a.want.Fingerprint() {
			return b, fmt.Errorf("its stream has the schema\n%v\nand the first lane's\n%v\nwant the same of all", schema, a.want)
		}
		a.fine = true
	}
	return a.r.Next(ctx)
}

// Stats returns those of the reader.
func (a *AlikeReader) Stats() ipc.Stats { return a.r.Stats() }
