package ipc_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestNoColumns reads and writes batches without columns: their metadata has empty vectors.
func TestNoColumns(t *testing.T) {
	littleEndian(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var theirs, ours bytes.Buffer
	schema := arrow.NewSchema(nil, nil)
	aw := aipc.NewWriter(&theirs, aipc.WithSchema(schema))
	w := ipc.NewWriter(&ours, &ipc.Schema{}, nil)
	for _, rows := range []int{0, 7, 3} {
		need(t, aw.Write(array.NewRecordBatch(schema, nil, int64(rows))))
		need(t, w.Write(ctx, rows, nil))
	}
	need(t, aw.Close())
	need(t, w.Close())
	for name, src := range map[string][]byte{"arrow-go": theirs.Bytes(), "ours": ours.Bytes()} {
		r := ipc.NewReader(bytes.NewReader(src), nil)
		for _, rows := range []int{0, 7, 3} {
			h, err := r.Next(ctx)
			need(t, err)
			if h.Len() != rows || h.NumColumns() != 0 {
				t.Errorf("%s: %d rows, %d columns, want %d and 0", name, h.Len(), h.NumColumns(), rows)
			}
			h.Release()
		}
		if _, err := r.Next(ctx); err != io.EOF {
			t.Errorf("%s: %v, want EOF", name, err)
		}
	}
	r, err := aipc.NewReader(&ours)
	need(t, err)
	for _, rows := range []int64{0, 7, 3} {
		if !r.Next() || r.RecordBatch().NumRows() != rows {
			t.Fatalf("arrow-go reads %v, %v; want %d rows", r.RecordBatch(), r.Err(), rows)
		}
	}
}

func need(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
