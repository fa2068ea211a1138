package rt_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"math"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// foreignSchema is that of columns that a table of trades can be made of, in other types and with one that it does not want.
var foreignSchema = &ipc.Schema{Fields: []ipc.Field{
	{Name: "price", Type: ipc.Float64},
	{Name: "other", Type: ipc.Int8},
	{Name: "size", Type: ipc.Int32, Nullable: true},
	{Name: "symbol", Type: ipc.LargeUtf8},
	{Name: "time", Type: ipc.Timestamp(column.Second, "UTC")},
}}

func foreignColumns() []column.Data {
	return []column.Data{
		{Len: 2, Buffers: [3][]byte{nil, column.Bytes([]float64{1.5, 2.5})}},
		{},
		{Len: 2, Buffers: [3][]byte{nil, column.Bytes([]int32{10, 20})}},
		{Len: 2, Buffers: [3][]byte{nil, column.Bytes([]int64{0, 3, 4}), []byte("ABCX")}},
		{Len: 2, Buffers: [3][]byte{nil, column.Bytes([]int64{1_767_344_400, 0})}},
	}
}

// Columns of another library become a batch without being copied, where their types are those of the table.
func ExampleAdopter() {
	adopter, err := rt.NewAdopter(feed.TradeTable, foreignSchema, nil)
	if err != nil {
		log.Fatal(err)
	}
	batch, err := adopter.Adopt(2, foreignColumns(), func() { fmt.Println("the columns are the library's again") })
	if err != nil {
		log.Fatal(err)
	}
	for i := range batch.Len() {
		row := batch.Row(i)
		fmt.Println(row.Time.Format("2006-01-02"), row.Symbol, row.Price, row.Size)
	}
	batch.Release()
	// Output:
	// 2026-01-02 ABC 1.5 10
	// 1970-01-01 X 2.5 20
	// the columns are the library's again
}

func TestAdopt(t *testing.T) {
	a, err := rt.NewAdopter(feed.TradeTable, foreignSchema, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range foreignSchema.Fields {
		if a.Wants(i) != (i != 1) {
			t.Errorf("column %d is wanted: %v", i, a.Wants(i))
		}
	}
	columns, released := foreignColumns(), 0
	b, err := a.Adopt(2, columns, func() { released++ })
	if err != nil {
		t.Fatal(err)
	}
	second := b.Retain()
	b.Release()
	b.Release()
	if released != 0 || second.Price()[1] != 2.5 {
		t.Errorf("released %d times, price %v", released, second.Price())
	}
	if column.Native && &second.Price()[0] != &column.View[float64](columns[0].Buffers[1])[0] {
		t.Error("prices were copied")
	}
	second.Release()
	if released != 1 {
		t.Errorf("released %d times", released)
	}
	if s := a.Stats(); s.Batches != 1 || s.Rows != 2 || s.InPlace != 1 || s.Converted != 3 || s.Absent != 1 {
		t.Errorf("%+v", s)
	}
	if _, err := a.Adopt(2, foreignColumns(), nil); err != nil {
		t.Error(err)
	}
}

func TestAdoptRefuses(t *testing.T) {
	pool := mem.NewPool(nil)
	a, err := rt.NewAdopter(feed.TradeTable, foreignSchema, &rt.ReaderOptions{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(d []column.Data) []column.Data
		want   string
		is     error
	}{
		{func(d []column.Data) []column.Data { return d[:4] }, "4 columns, the schema has 5", nil},
		{func(d []column.Data) []column.Data { d[0].Len = 1; return d }, `column "price" has 1 rows in a batch of 2`, nil},
		{func(d []column.Data) []column.Data { d[0].Buffers[1] = d[0].Buffers[1][:15]; return d }, "column price.values: 15 bytes, the rows need 16", rt.ErrMalformed},
		{func(d []column.Data) []column.Data { d[3].Buffers[2] = d[3].Buffers[2][:3]; return d }, "column symbol.offsets: from 0 to 4 of 3 bytes", rt.ErrMalformed},
		{func(d []column.Data) []column.Data { d[3].Buffers[1] = column.Bytes([]int64{0, 9, 4}); return d }, "column symbol.offsets: offset 1 is 9", rt.ErrMalformed},
		{func(d []column.Data) []column.Data { d[2].Nulls, d[2].Buffers[0] = 1, []byte{1}; return d }, `column "size" is null in row 1`, nil},
		{func(d []column.Data) []column.Data { d[4].Buffers[1] = column.Bytes([]int64{0, 1 << 60}); return d }, "for unit ns; give the table's column unit s", rt.ErrInexact},
	} {
		_, err := a.Adopt(2, c.change(foreignColumns()), func() { t.Error("released") })
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if n := pool.Stats().InUseBytes; n != 0 {
		t.Errorf("%d bytes in use after errors", n)
	}
	_, err = rt.NewAdopter(feed.TradeTable, &ipc.Schema{}, nil)
	var e *rt.SchemaError
	if !errors.As(err, &e) || len(e.Differences) != 4 {
		t.Error(err)
	}
}

// TestAdoptPadding sends a batch that was converted from columns with padding, in memory that was used before.
func TestAdoptPadding(t *testing.T) {
	pool := mem.NewPool(nil)
	for _, n := range []int{1, 4 << 10, 8 << 10, 16 << 10} {
		b := pool.Get(n)
		for i := range b.Bytes()[:b.Cap()] {
			b.Bytes()[:b.Cap()][i] = 0xAA
		}
		b.Release()
	}
	var symbols column.DictBuilder[int32]
	symbols.Init(column.Config{Name: "note"})
	symbols.AppendAll([]string{"a", "b", "a", "c", "a"})
	have := &ipc.Schema{Fields: []ipc.Field{{Name: "note", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)}}}
	table := rt.NewTable(rt.TableSpec[struct{}, rt.Handle, *nothingBuilder]{
		Name:       "note",
		Columns:    []rt.Column{{Field: ipc.Field{Name: "note", Type: ipc.Utf8}}},
		NewBatch:   func(h rt.Handle) rt.Handle { return h },
		NewBuilder: func(*rt.BuilderOptions) *nothingBuilder { return nil },
	})
	a, err := rt.NewAdopter(table, have, &rt.ReaderOptions{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	h, err := a.Adopt(5, []column.Data{symbols.Data()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var sent bytes.Buffer
	if err := ipc.NewWriter(&sent, table.Schema(), nil).Write(t.Context(), h.Len(), ipc.Columns(h)); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(sent.Bytes(), []byte{0xAA}); n > 0 {
		t.Errorf("%d bytes of released memory were sent", n)
	}
}

// nothingBuilder is the builder of a table that is only read.
type nothingBuilder struct{ rt.BuilderBase }

func (*nothingBuilder) Append(struct{})       {}
func (*nothingBuilder) AppendRows([]struct{}) {}

// TestAdoptTooFar converts seconds that are more nanoseconds than an int64 has, on either side of 1970.
func TestAdoptTooFar(t *testing.T) {
	a, err := rt.NewAdopter(feed.TradeTable, foreignSchema, nil)
	if err != nil {
		t.Fatal(err)
	}
	const most = math.MaxInt64 / 1_000_000_000
	for seconds, fits := range map[int64]bool{most: true, -most: true, most + 1: false, -most - 1: false, math.MaxInt64: false, math.MinInt64: false} {
		columns := foreignColumns()
		columns[4].Buffers[1] = column.Bytes([]int64{0, seconds})
		batch, err := a.Adopt(2, columns, nil)
		switch {
		case !fits:
			var e *rt.ConvertError
			if !errors.As(err, &e) || e.Column != "time" || e.Row != 1 || !errors.Is(err, rt.ErrInexact) {
				t.Errorf("%d s: %v", seconds, err)
			}
		case err != nil:
			t.Errorf("%d s: %v", seconds, err)
		default:
			if at := batch.Row(1).Time; at.Unix() != seconds {
				t.Errorf("%d s: %v", seconds, at)
			}
		}
	}
}
