package lanes

import (
	"context"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Columns is a batch of any schema, as [ipc.Writer.Write] takes it. That of a received batch b is Columns{b.Len(), ipc.Columns(b)}.
type Columns struct {
	Rows    int
	Columns []column.Data
	// Metadata are the entries that are attached to the batch. Where the lanes are ordered, the number takes the place of one that
	// it has already.
	Metadata []ipc.KeyValue
}

// Untyped makes an [ipc.Writer] a lane. The reader of such a lane is an [ipc.Reader], which is a Source as it is.
func Untyped(w *ipc.Writer) Sink[Columns] { return &untyped{Writer: w} }

type untyped struct {
	*ipc.Writer
	number []ipc.KeyValue
}

func (u *untyped) SetMetadata(entries []ipc.KeyValue) { u.number = entries }

func (u *untyped) Write(ctx context.Context, b Columns) error {
	entries := slices.Clone(u.number)
	for _, kv := range b.Metadata {
		if kv.Key != Sequence || len(u.number) == 0 {
			entries = append(entries, kv)
		}
	}
	u.Writer.SetMetadata(entries)
	return u.Writer.Write(ctx, b.Rows, b.Columns)
}
