package workload

import (
	"bytes"
	"context"

	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Texts returns the columns of text of batch number seed, "name" and "cat", and their schema.
func Texts(rows int, seed uint64) (*ipc.Schema, []column.Data) {
	ctx := context.Background()
	var out bytes.Buffer
	w := tables.NewSampleWriter(&out, nil)
	check(w.Write(ctx, Builder(rows, seed)))
	check(w.Close())
	r := ipc.NewReader(&out, nil)
	schema, err := r.Schema(ctx)
	check(err)
	batch, err := r.Next(ctx)
	check(err)
	const first, last = 4, 5 // columns of the table
	return &ipc.Schema{Fields: schema.Fields[first : last+1]}, ipc.Columns(batch)[first : last+1]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
