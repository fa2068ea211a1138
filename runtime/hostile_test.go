package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// wellTyped checks an error that a typed reader of damaged input gave.
func wellTyped(t *testing.T, err error) {
	t.Helper()
	var (
		decode     *rt.DecodeError
		schema     *rt.SchemaError
		null       *rt.NullError
		convert    *rt.ConvertError
		unfinished *ipc.UnfinishedError
	)
	switch {
	case err == nil, errors.As(err, &unfinished), errors.As(err, &schema), errors.As(err, &null):
	case errors.As(err, &decode):
		if decode.Frame < 0 || decode.Offset < 0 {
			t.Fatal(err)
		}
	case errors.As(err, &convert):
		if convert.Row < 0 || convert.Column == "" {
			t.Fatalf("%v: row %d", err, convert.Row)
		}
	default:
		t.Fatalf("%T: %v", err, err)
	}
}

// hostile is a table that has to convert each column of what manyForms returns.
var hostile = []rt.Column{
	null(col("view", ipc.Utf8)), dictionary(null(col("view2", ipc.Utf8)), ipc.Int16), dictionary(null(col("large", ipc.Utf8)), ipc.Int8),
	dictionary(null(col("plain", ipc.Utf8)), ipc.Int32), null(col("large2", ipc.Utf8)), null(col("dict", ipc.Utf8)), dictionary(null(col("dict2", ipc.Utf8)), ipc.Int8),
	null(col("seconds", ipc.Timestamp(column.Nanosecond, "UTC"))), null(col("nanos", ipc.Timestamp(column.Second, "UTC"))), null(col("small", ipc.Int64)),
	null(col("half", ipc.Float64)), null(col("fixed", ipc.Binary)), col("strict", ipc.Int32), null(col("absent", ipc.Utf8)), null(col("bytes", ipc.Binary)),
}

// manyForms returns a stream of two batches with a dictionary that changes between them.
func manyForms() []byte {
	fields := []it.Field{
		{Name: "view", Type: it.Utf8View, Nullable: true},
		{Name: "view2", Type: it.Utf8View, Nullable: true},
		{Name: "large", Type: it.LargeUtf8, Nullable: true},
		{Name: "plain", Type: it.Utf8, Nullable: true},
		{Name: "large2", Type: it.LargeUtf8, Nullable: true},
		{Name: "dict", Type: it.Utf8View, Nullable: true, Dict: &it.Dict{ID: 1, Bits: 8}},
		{Name: "dict2", Type: it.Utf8View, Nullable: true, Dict: &it.Dict{ID: 1, Bits: 64}},
		{Name: "skipped", Type: it.Struct, Nullable: true, Children: []it.Field{{Name: "v", Type: it.BinaryView}}},
		{Name: "seconds", Type: it.Timestamp(arrowfb.TimeUnitSecond, "UTC"), Nullable: true},
		{Name: "nanos", Type: it.Timestamp(arrowfb.TimeUnitNanosecond, "Asia/Tokyo"), Nullable: true},
		{Name: "small", Type: it.Int(8, true), Nullable: true},
		{Name: "half", Type: it.Float(arrowfb.PrecisionHalf), Nullable: true},
		{Name: "fixed", Type: it.FixedBinary(3), Nullable: true},
		{Name: "strict", Type: it.Int(16, true), Nullable: true},
		{Name: "bytes", Type: it.BinaryView, Nullable: true},
	}
	views, data := it.Views("one that is longer than twelve", "short")
	large, largeText := it.LargeTexts("a", "bcd")
	plain, plainText := it.Texts("", "efg")
	valid := it.Bits(1, 0)
	batch := it.NewBatch(2).AddViews(2, 0, nil, views, data).AddViews(2, 1, valid, views, data).
		Add(2, 1, valid, large, largeText).Add(2, 0, nil, plain, plainText).Add(2, 0, nil, large, largeText).
		Add(2, 1, valid, []byte{1, 9}).Add(2, 0, nil, it.I64(0, 1)).
		Add(2, 0, nil).AddViews(2, 0, nil, views, data).
		Add(2, 1, valid, it.I64(5, 1<<62)).Add(2, 1, valid, it.I64(1e9, 3)).
		Add(2, 1, valid, it.I8(-5, 5)).Add(2, 0, nil, it.I16(0x3c00, 1)).Add(2, 0, nil, []byte("abcdef")).Add(2, 0, nil, it.I16(7, 8)).
		AddViews(2, 0, nil, views, data).Message()
	first := it.NewBatch(2).AddViews(2, 0, nil, views, data).Dictionary(1, false)
	more := it.NewBatch(2).AddViews(2, 0, nil, views, data).Dictionary(1, true)
	return slices.Concat(it.Schema(fields...), first, batch, more, batch, it.End)
}

// nestedForms is a table that has to convert columns of feed.Nested, or below them.
var nestedForms = []rt.Column{
	below(null(col("prices", ipc.LargeList)), col("item", ipc.Float64)),
	below(null(col("large", ipc.List)), col("item", ipc.Int64)),
	below(null(col("viewed", ipc.List)), col("item", ipc.LargeUtf8)),
	below(null(col("times", ipc.ListView)), col("item", ipc.Timestamp(column.Nanosecond, "UTC"))),
	below(null(col("ptr_vec", ipc.List)), dictionary(col("item", ipc.Utf8), ipc.Int16)),
	below(null(col("attrs", ipc.Map)), col("key", ipc.LargeUtf8), null(dictionary(col("value", ipc.Utf8), ipc.Int8))),
	below(null(col("ptr_leg", ipc.Struct)), null(col("absent", ipc.Utf8)), col("text", ipc.Utf8View),
		below(null(col("to", ipc.Struct)), col("y", ipc.Float64)),
		below(null(col("fills", ipc.LargeList)), below(col("item", ipc.Struct),
			below(null(col("sizes", ipc.LargeListView)), null(col("item", ipc.Int64))), null(col("raw", ipc.Binary))))),
	below(null(col("gone", ipc.Struct)), col("x", ipc.Int32), below(col("list", ipc.List), col("item", ipc.Utf8)),
		below(col("fixed", ipc.FixedSizeList(3)), col("item", ipc.Bool)), below(null(col("map", ipc.Map)), col("key", ipc.Utf8), col("value", ipc.Utf8View))),
}

// unionForms are tables that have to convert all columns of feed.Mixed.
var unionForms = [][]rt.Column{
	mixedColumns(func(c *rt.Column) { shuffled(c); otherMode(c); plainRuns(c) }),
	mixedColumns(func(c *rt.Column) { asRuns(c); runEnds(16)(c); otherMode(c) }),
	mixedColumns(func(c *rt.Column) { runEnds(64)(c); c.Nullable = c.Nullable && isUnion(c) }), // what is null is zero
}

// below gives a column others below it.
func below(c rt.Column, parts ...rt.Column) rt.Column {
	c.Parts = parts
	return c
}

// nestedRows returns a stream of rows with columns below columns.
func nestedRows(tb testing.TB, n int) []byte {
	tb.Helper()
	b := feed.NewNestedBuilder(nil)
	for i := range n {
		b.Append(rapid.Custom(feedtest.Draw[feed.Nested]).Example(i))
	}
	p, err := feed.NestedTable.AppendMessage(nil, b)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// everything returns a small stream of a table with each type.
func everything(tb testing.TB, n int) []byte {
	tb.Helper()
	b := feed.NewAllBuilder(nil)
	for range n {
		b.Append(randomAll(seeded(), "x"))
	}
	p, err := feed.AllTable.AppendMessage(nil, b)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// readers read a stream typed, and with it every value where they were checked. At level Structure a view of what was not checked
// may panic, but not the reader.
var readers = map[string]func(p []byte, opts *rt.ReaderOptions) (rows int, err error){
	"trades": func(p []byte, opts *rt.ReaderOptions) (rows int, err error) {
		for b, err := range feed.NewTradeReader(bytes.NewReader(p), opts).Batches(context.Background()) {
			if err != nil {
				return rows, err
			}
			if opts.Validate != ipc.Structure {
				for i := range min(b.Len(), 100) {
					b.Row(i)
				}
			}
			rows += b.Len()
			b.Release()
		}
		return rows, nil
	},
	"rows of trades": func(p []byte, opts *rt.ReaderOptions) (rows int, err error) {
		if opts.Validate == ipc.Structure {
			return 0, nil
		}
		for _, err := range feed.NewTradeReader(bytes.NewReader(p), opts).Rows(context.Background()) {
			if rows++; err != nil || rows > 1000 {
				return rows, err
			}
		}
		return rows, nil
	},
	"everything": func(p []byte, opts *rt.ReaderOptions) (rows int, err error) {
		for b, err := range feed.NewAllReader(bytes.NewReader(p), opts).Batches(context.Background()) {
			if err != nil {
				return rows, err
			}
			if opts.Validate != ipc.Structure && b.Len() < 1000 {
				b.AppendTo(nil)
			}
			rows += b.Len()
			b.Release()
		}
		return rows, nil
	},
	"nested": func(p []byte, opts *rt.ReaderOptions) (rows int, err error) {
		for b, err := range feed.NewNestedReader(bytes.NewReader(p), opts).Batches(context.Background()) {
			if err != nil {
				return rows, err
			}
			if opts.Validate != ipc.Structure && b.Len() < 1000 {
				b.AppendTo(nil)
				for i := range min(b.Len(), 3) {
					b.Row(i)
				}
			}
			rows += b.Len()
			b.Release()
		}
		return rows, nil
	},
	"nested in other forms": func(p []byte, opts *rt.ReaderOptions) (rows int, err error) {
		r := openBag(p, opts, nestedForms...)
		for {
			b, err := r.Next(context.Background())
			if err == io.EOF {
				return rows, nil
			}
			if err != nil {
				return rows, err
			}
			rows += b.h.Len()
			b.h.Release()
		}
	},
	"unions": func(p []byte, opts *rt.ReaderOptions) (rows int, err error) {
		for b, err := range feed.NewMixedReader(bytes.NewReader(p), opts).Batches(context.Background()) {
			if err != nil {
				return rows, err
			}
			if opts.Validate != ipc.Structure && b.Len() < 1000 {
				b.AppendTo(nil)
				for i := range min(b.Len(), 3) {
					b.Row(i)
				}
			}
			rows += b.Len()
			b.Release()
		}
		return rows, nil
	},
	"unions in other forms": func(p []byte, opts *rt.ReaderOptions) (rows int, err error) {
		for i, columns := range unionForms {
			if i == 2 && opts.Nulls != rt.ZeroNulls {
				break
			}
			r := openBag(p, opts, columns...)
			for {
				b, err := r.Next(context.Background())
				if err == io.EOF {
					break
				}
				if err != nil {
					return rows, err
				}
				rows += b.h.Len()
				b.h.Release()
			}
		}
		return rows, nil
	},
	"mixed": func(p []byte, opts *rt.ReaderOptions) (rows int, err error) {
		r := openBag(p, opts, hostile...)
		for {
			b, err := r.Next(context.Background())
			if err == io.EOF {
				return rows, nil
			}
			if err != nil {
				return rows, err
			}
			for i := range hostile {
				if opts.Validate != ipc.Structure && b.h.Len() < 1000 {
					if n := len(texts(b.h, i, &hostile[i])); n != b.h.Len() {
						return rows, fmt.Errorf("column %d has %d values in %d rows", i, n, b.h.Len())
					}
				}
			}
			rows += b.h.Len()
			b.h.Release()
		}
	},
}

// seedsOfTables are streams, and the readers that read them to the end.
func seedsOfTables(tb testing.TB) map[string][]byte {
	tb.Helper()
	m := map[string][]byte{"trades": tradeStream(tb, 2, 5), "everything": everything(tb, 3), "mixed": manyForms(), "nested": nestedRows(tb, 2)}
	m["unions"] = mixedStream(tb, mixedRows(4))
	m["rows of trades"], m["nested in other forms"], m["unions in other forms"] = m["trades"], m["nested"], m["unions"]
	for name, p := range m {
		if rows, err := readers[name](p, &rt.ReaderOptions{}); err != nil || rows == 0 {
			tb.Fatalf("%s: %d rows, %v", name, rows, err)
		}
	}
	return m
}

// TestTypedTruncation cuts streams at every byte.
func TestTypedTruncation(t *testing.T) {
	pool := mem.NewPool(nil)
	for name, in := range seedsOfTables(t) {
		step := 1
		if len(in) > 16<<10 || race {
			step = 31 // a large one by samples
		}
		for cut := 0; cut < len(in); cut += step {
			_, err := readers[name](in[:cut], &rt.ReaderOptions{Pool: pool})
			if wellTyped(t, err); !errors.Is(err, rt.ErrTruncated) && !errors.Is(err, rt.ErrUnfinished) {
				t.Fatalf("%s, %d of %d bytes: %v", name, cut, len(in), err)
			}
			if used := pool.Stats().InUseBytes; used != 0 {
				t.Fatalf("%s, %d of %d bytes: %d bytes are held at the end", name, cut, len(in), used)
			}
		}
	}
}

// TestTypedBitFlips flips each bit of streams, at the levels in turn.
func TestTypedBitFlips(t *testing.T) {
	levels := []ipc.Level{ipc.Contents, ipc.Structure, ipc.UTF8}
	for name, in := range seedsOfTables(t) {
		p := slices.Clone(in)
		budget := mem.NewBudget(8 << 20)
		opts := rt.ReaderOptions{Pool: mem.NewPool(&mem.PoolOptions{Budget: budget})}
		step := 1
		switch {
		case len(in) > 4<<10 && race:
			step = 1009
		case len(in) > 16<<10 || testing.Short() || race:
			step = 101
		case len(in) > 4<<10:
			step = 5 // each byte still
		}
		turn, refused := 0, 0
		var first, before, after runtime.MemStats
		runtime.ReadMemStats(&first)
		if _, err := readers[name](p, &opts); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&before)
		most := max(256<<10, 2*int64(before.TotalAlloc-first.TotalAlloc)) // twice what it takes as it is
		for i := 0; i < 8*len(p); i += step {
			turn++
			opts.Validate, opts.Nulls = levels[turn%3], rt.Nulls(turn/3%2)
			p[i/8] ^= 1 << (i % 8)
			_, err := readers[name](p, &opts)
			p[i/8] ^= 1 << (i % 8)
			if wellTyped(t, err); err != nil {
				refused++
			}
			if used := budget.Used(); used != 0 {
				t.Fatalf("%s, bit %d: %d bytes are held at the end: %v", name, i, used, err)
			}
		}
		runtime.ReadMemStats(&after)
		if each := int64(after.TotalAlloc-before.TotalAlloc) / int64(8*len(p)/step); refused == 0 || each > most && !mem.Debug {
			t.Errorf("%s: %d refused, %d bytes allocated for each", name, refused, each)
		}
	}
}

// FuzzTables reads any bytes as tables, at each level. What one level accepts those below it accept too.
func FuzzTables(f *testing.F) {
	n := 0
	for _, p := range seedsOfTables(f) {
		f.Add(p, false)
		n++
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, in []byte, zero bool) {
		budget := mem.NewBudget(64 << 20)
		opts := rt.ReaderOptions{Pool: mem.NewPool(&mem.PoolOptions{Budget: budget}), Limits: &ipc.Limits{MaxExpanded: 16 << 20}}
		if zero {
			opts.Nulls = rt.ZeroNulls
		}
		for name, read := range readers {
			var below error
			for _, level := range []ipc.Level{ipc.Structure, ipc.Contents, ipc.UTF8} {
				opts.Validate = level
				_, err := read(in, &opts)
				if wellTyped(t, err); err == nil && below != nil {
					t.Fatalf("%s: level %d accepts what the one below it refuses: %v", name, level, below)
				}
				if below = err; budget.Used() != 0 {
					t.Fatalf("%s, level %d: %d bytes are held at the end: %v", name, level, budget.Used(), err)
				}
			}
		}
	})
}

// seeded returns random numbers that are the same each time.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(11, 12)) }
