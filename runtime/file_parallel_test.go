package rt_test

import (
	"bytes"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Several goroutines read one file whose columns are all converted, and each gets the rows that one alone reads.
func TestParallelFits(t *testing.T) {
	s := &ipc.Schema{Fields: []ipc.Field{
		{Name: "size", Type: ipc.Int32},
		{Name: "symbol", Type: ipc.LargeUtf8},
		{Name: "price", Type: ipc.Float32},
		{Name: "time", Type: ipc.Timestamp(column.Millisecond, "UTC")},
	}}
	const batches, rows = 8, 3
	var buf bytes.Buffer
	w := ipc.NewFileWriter(&buf, s, nil)
	for i := range int32(batches) {
		offsets, text := it.LargeTexts("a", fmt.Sprint("symbol ", i), "")
		d := func(buffers ...[]byte) column.Data {
			c := column.Data{Len: rows}
			copy(c.Buffers[1:], buffers)
			return c
		}
		if err := w.Write(t.Context(), rows, []column.Data{
			d(it.I32(i, 2, 3)), d(offsets, text), d(it.I32(0x3f800000, 0x40000000, 0)), d(it.I64(int64(i), 1, 2)),
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := rt.NewFileReader(feed.TradeTable, bytes.NewReader(buf.Bytes()), int64(buf.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	read := func(i int) []feed.Trade {
		b, err := r.Batch(i)
		if err != nil {
			t.Error(err)
			return nil
		}
		defer b.Release()
		return b.AppendTo(nil)
	}
	var want [batches][]feed.Trade
	for i := range want {
		if want[i] = read(i); len(want[i]) != rows || want[i][1].Symbol != fmt.Sprint("symbol ", i) || want[i][0].Size != int64(i) || want[i][1].Price != 2 {
			t.Fatalf("batch %d is %+v", i, want[i])
		}
	}
	const readers, each = 4, 50
	var wg sync.WaitGroup
	for k := range readers {
		wg.Go(func() {
			for i := range each {
				at := (i*3 + k) % batches
				if got := read(at); !reflect.DeepEqual(got, want[at]) {
					t.Errorf("batch %d is %+v, want %+v", at, got, want[at])
				}
				r.Stats()
			}
		})
	}
	wg.Wait()
	if s := r.Stats(); s.Converted != (batches+readers*each)*4 || s.Absent != batches+readers*each {
		t.Errorf("%+v, want %d columns converted and a fourth of that absent", s, (batches+readers*each)*4)
	}
}
