package rt_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestRowsOfShortViews reads rows of texts that stand in their views, from batches without a data buffer. The rows keep their texts
// when later batches have taken the memory.
func TestRowsOfShortViews(t *testing.T) {
	var stream bytes.Buffer
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.StringView}}, nil)
	w := aipc.NewWriter(&stream, aipc.WithSchema(schema))
	text := func(i int) string { return strings.Repeat(fmt.Sprint(i%10), 1+i%12) }
	const batches = 40
	for i := range batches {
		b := array.NewStringViewBuilder(memory.DefaultAllocator)
		b.Append(text(i))
		if err := w.Write(array.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var have []string
	r := openBag(stream.Bytes(), nil, rt.Column{Field: ipc.Field{Name: "s", Type: ipc.Type{Kind: ipc.KindUtf8View}}})
	for batch, err := range r.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		have = rt.AppendRows(batch.h, have, func(h rt.Handle) rt.Handle { return h }, func(h rt.Handle, rows []string, from int) {
			for i := range rows {
				rows[i] = rt.TextViews(h, 0).At(from + i)
			}
		})
		batch.h.Release()
	}
	if len(have) != batches {
		t.Fatalf("%d rows, want %d", len(have), batches)
	}
	for i, s := range have {
		if s != text(i) {
			t.Errorf("row %d is %q, want %q", i, s, text(i))
		}
	}
}
