package lanes

import (
	"context"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Columns is a batch of any schema, as [ipc.Writer.Write] takes it. That of a received batch b is Columns{b.Len(), ipc.Columns(b)}.
type Columns struct {
	Rows    int
	Columns []column.Data
}

// Untyped makes an [ipc.Writer] a lane. The reader of such a lane is an [ipc.Reader], which is a Source as it is.
func Untyped(w *ipc.Writer) Sink[Columns] { return untyped{w} }

type untyped struct{ *ipc.Writer }

func (u untyped) Write(ctx context.Context, b Columns) error {
	return u.Writer.Write(ctx, b.Rows, b.Columns)
}
