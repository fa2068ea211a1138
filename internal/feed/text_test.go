package feed_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// textWriter is what a generated writer of text does.
type textWriter[R any] interface {
	Append(ctx context.Context, row R) error
	Close() error
}

// textReader is what a generated reader of text does.
type textReader[R any, B csv.Batch[R]] interface {
	Next(ctx context.Context) (B, error)
}

// textRoundTrip writes rows and reads them back.
func textRoundTrip[R any, B csv.Batch[R]](t *testing.T, list []R, write func(io.Writer) textWriter[R], read func(io.Reader, int) (textReader[R, B], error)) {
	t.Helper()
	for i := range list {
		valid(reflect.ValueOf(&list[i]).Elem())
	}
	var out bytes.Buffer
	w := write(&out)
	for i := range list {
		if err := w.Append(t.Context(), list[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, parallel := range []int{1, 3} {
		r, err := read(bytes.NewReader(out.Bytes()), parallel)
		if err != nil {
			t.Fatal(err)
		}
		var have []R
		for {
			b, err := r.Next(context.Background())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v\n%.2000s", err, out.String())
			}
			have = b.AppendTo(have)
			b.Release()
		}
		if len(have) != len(list) {
			t.Fatalf("%d rows, want %d", len(have), len(list))
		}
		for i := range list {
			if diff := feedtest.Difference(list[i], have[i]); diff != "" {
				t.Fatalf("row %d: %s", i, diff)
			}
		}
	}
}

// valid exchanges texts that are no UTF-8, which text formats do not carry.
func valid(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			valid(v.Elem())
		}
	case reflect.Struct:
		if null, ok := v.Addr().Interface().(*rt.Null[string]); ok {
			if s, ok := null.Get(); ok {
				*null = rt.Some(strings.ToValidUTF8(s, "?"))
			}
			return
		}
		if null, ok := v.Addr().Interface().(*rt.Null[rt.Float16]); ok {
			if h, ok := null.Get(); ok && h.Float32() != h.Float32() {
				*null = rt.Some(rt.Float16(0x7E00))
			}
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				valid(v.Field(i))
			}
		}
	case reflect.Uint16:
		if h, ok := v.Interface().(rt.Float16); ok && h.Float32() != h.Float32() { // text has one that is not a number
			v.SetUint(0x7E00)
		}
	case reflect.String:
		v.SetString(strings.ToValidUTF8(v.String(), "?"))
	}
}

func csvOptions(parallel int) *csv.Options {
	return &csv.Options{Nulls: []string{"null"}, Parallel: parallel, ChunkBytes: 2000}
}

// TestText reads rows of each table back from CSV and from lines of JSON.
func TestText(t *testing.T) {
	nulls := &csv.WriterOptions{Null: "null"}
	t.Run("trade", func(t *testing.T) {
		list := rows[feed.Trade](t, 300)
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.Trade] { return feed.NewTradeCSVWriter(w, nulls) },
			func(r io.Reader, n int) (textReader[feed.Trade, feed.TradeBatch], error) {
				return feed.NewTradeCSVReader(r, csvOptions(n))
			})
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.Trade] { return feed.NewTradeNDJSONWriter(w, nil) },
			func(r io.Reader, n int) (textReader[feed.Trade, feed.TradeBatch], error) {
				return feed.NewTradeNDJSONReader(r, &ndjson.Options{Parallel: n, ChunkBytes: 2000})
			})
	})
	t.Run("all", func(t *testing.T) {
		list := rows[feed.All](t, 50)
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.All] { return feed.NewAllCSVWriter(w, nulls) },
			func(r io.Reader, n int) (textReader[feed.All, feed.AllBatch], error) {
				return feed.NewAllCSVReader(r, csvOptions(n))
			})
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.All] { return feed.NewAllNDJSONWriter(w, nil) },
			func(r io.Reader, n int) (textReader[feed.All, feed.AllBatch], error) {
				return feed.NewAllNDJSONReader(r, &ndjson.Options{Parallel: n, ChunkBytes: 2000})
			})
	})
	t.Run("every", func(t *testing.T) {
		list := rows[feed.Every](t, 50)
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.Every] { return feed.NewEveryCSVWriter(w, nulls) },
			func(r io.Reader, n int) (textReader[feed.Every, feed.EveryBatch], error) {
				return feed.NewEveryCSVReader(r, csvOptions(n))
			})
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.Every] { return feed.NewEveryNDJSONWriter(w, nil) },
			func(r io.Reader, n int) (textReader[feed.Every, feed.EveryBatch], error) {
				return feed.NewEveryNDJSONReader(r, &ndjson.Options{Parallel: n, ChunkBytes: 2000})
			})
	})
	t.Run("nested", func(t *testing.T) {
		list := examples[feed.Nested](t, 30)
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.Nested] { return feed.NewNestedCSVWriter(w, nulls) },
			func(r io.Reader, n int) (textReader[feed.Nested, feed.NestedBatch], error) {
				return feed.NewNestedCSVReader(r, csvOptions(n))
			})
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.Nested] { return feed.NewNestedNDJSONWriter(w, nil) },
			func(r io.Reader, n int) (textReader[feed.Nested, feed.NestedBatch], error) {
				return feed.NewNestedNDJSONReader(r, &ndjson.Options{Parallel: n, ChunkBytes: 2000})
			})
	})
	t.Run("tree", func(t *testing.T) {
		list := examples[feed.Tree](t, 30)
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.Tree] { return feed.NewTreeCSVWriter(w, nulls) },
			func(r io.Reader, n int) (textReader[feed.Tree, feed.TreeBatch], error) {
				return feed.NewTreeCSVReader(r, csvOptions(n))
			})
		textRoundTrip(t, list, func(w io.Writer) textWriter[feed.Tree] { return feed.NewTreeNDJSONWriter(w, nil) },
			func(r io.Reader, n int) (textReader[feed.Tree, feed.TreeBatch], error) {
				return feed.NewTreeNDJSONReader(r, &ndjson.Options{Parallel: n, ChunkBytes: 2000})
			})
	})
}

// TestTextUnions reads unions back as the same text. Of a null it does not tell which member it is of.
func TestTextUnions(t *testing.T) {
	list := examples[feed.Mixed](t, 100)
	text := func(rows []feed.Mixed) (lines, fields bytes.Buffer) {
		j, c := feed.NewMixedNDJSONWriter(&lines, nil), feed.NewMixedCSVWriter(&fields, &csv.WriterOptions{Null: "null"})
		for i := range rows {
			if err := errors.Join(j.Append(t.Context(), rows[i]), c.Append(t.Context(), rows[i])); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(j.Close(), c.Close()); err != nil {
			t.Fatal(err)
		}
		return lines, fields
	}
	collect := func(all iter.Seq2[feed.Mixed, error]) (rows []feed.Mixed) {
		for row, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		return rows
	}
	lines, fields := text(list)
	j, err := feed.NewMixedNDJSONReader(bytes.NewReader(lines.Bytes()), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := feed.NewMixedCSVReader(bytes.NewReader(fields.Bytes()), csvOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][]feed.Mixed{collect(j.Rows(context.Background())), collect(c.Rows(context.Background()))} {
		backLines, backFields := text(rows)
		if len(rows) != len(list) || backLines.String() != lines.String() || backFields.String() != fields.String() {
			a, b := strings.Split(backLines.String()+backFields.String(), "\n"), strings.Split(lines.String()+fields.String(), "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("%d rows: line %d:\n%s\nwant\n%s", len(rows), i, a[i], b[i])
				}
			}
		}
	}
}

// TestTextAllocations wants nothing to be allocated for a row: ten times the rows cost what chunks cost.
func TestTextAllocations(t *testing.T) {
	if race || mem.Debug || !column.Native {
		t.Skip("goals of release builds on native hosts")
	}
	line := `2024-01-31T12:34:56.123456789Z,AAPL,187.44,300,"a ""note"""` + "\n"
	object := `{"time":"2024-01-31T12:34:56.123456789Z","symbol":"AAPL","price":187.44,"size":300,"note":"a \"note\""}` + "\n"
	allocs := func(read func(n int)) float64 {
		return testing.AllocsPerRun(5, func() { read(20_000) }) - testing.AllocsPerRun(5, func() { read(2_000) })
	}
	drain := func(r textReader[feed.Trade, feed.TradeBatch], err error) {
		for err == nil {
			var b feed.TradeBatch
			if b, err = r.Next(context.Background()); err == nil {
				b.Release()
			}
		}
		if err != io.EOF {
			t.Fatal(err)
		}
	}
	all := "time,symbol,price,size,note\n" + strings.Repeat(line, 20_000)
	if n := allocs(func(n int) {
		drain(feed.NewTradeCSVReader(strings.NewReader(all[:len("time,symbol,price,size,note\n")+n*len(line)]), &csv.Options{ChunkBytes: 64 << 10}))
	}); n > 500 {
		t.Errorf("CSV: %v allocations more for 18,000 rows more", n)
	}
	lines := strings.Repeat(object, 20_000)
	if n := allocs(func(n int) {
		drain(feed.NewTradeNDJSONReader(strings.NewReader(lines[:n*len(object)]), &ndjson.Options{ChunkBytes: 64 << 10}))
	}); n > 500 {
		t.Errorf("JSON: %v allocations more for 18,000 rows more", n)
	}
	b := feed.NewTradeBuilder(nil)
	for _, trade := range manyTrades(20_000) {
		b.Append(trade)
	}
	for _, array := range []bool{false, true} {
		w := feed.NewTradeNDJSONWriter(io.Discard, &ndjson.WriterOptions{Array: array})
		if n := testing.AllocsPerRun(5, func() {
			if err := w.Write(context.Background(), b); err != nil {
				t.Fatal(err)
			}
		}); n > 4 {
			t.Errorf("%v allocations for 20,000 rows that are printed, an array: %v", n, array)
		}
	}
}

// manyTrades are rows for [TestTextAllocations].
func manyTrades(n int) []feed.Trade {
	list, note := make([]feed.Trade, n), `a "note"`
	for i := range list {
		list[i] = feed.Trade{Time: time.Unix(int64(i), 0), Symbol: "AAPL", Price: float64(i) / 8, Size: int64(i), Note: &note}
	}
	return list
}

// TestTextTable has what the reader of a table does where the input differs from it.
func TestTextTable(t *testing.T) {
	next := func(r *feed.TradeCSVReader, err error) (rows []feed.Trade, e error) {
		if err != nil {
			return nil, err
		}
		for row, err := range r.Rows(context.Background()) {
			if err != nil {
				return rows, err
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
	list, err := next(feed.NewTradeCSVReader(strings.NewReader("size,other,price,symbol,time\n3,x,1.5,AAPL,2024-01-31T00:00:00Z\n"), nil))
	if err != nil || len(list) != 1 || list[0].Size != 3 || list[0].Price != 1.5 || list[0].Symbol != "AAPL" || list[0].Note != nil || list[0].Time.Year() != 2024 {
		t.Errorf("%v, %v", list, err)
	}
	for in, want := range map[string]string{
		"size,price,symbol\n":                                 `no column "time" in the header`,
		"time,symbol,price,size\nx":                           "want 4 fields",
		"time,symbol,price,size\n2024-01-31T00:00:00,A,1,2\n": `line 2, column 1: field "time": value is of another type: a time without a zone, in a column that has one, which Values.NaiveUTC takes as UTC: found "2024-01-31T00:00:00", want timestamp[ns, UTC]`,
	} {
		if _, err := next(feed.NewTradeCSVReader(strings.NewReader(in), nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
	if _, err := feed.NewTradeCSVReader(strings.NewReader(""), &csv.Options{Schema: feed.TradeTable.Schema()}); err == nil {
		t.Error("a schema beside that of the table")
	}
	var out bytes.Buffer
	w := feed.NewTradeCSVWriter(&out, &csv.WriterOptions{Comma: '\t'})
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: time.Unix(0, 5), Symbol: "A\tB", Price: 2})
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := "time\tsymbol\tprice\tsize\tnote\n1970-01-01T00:00:00.000000005Z\t\"A\tB\"\t2\t0\t\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestTextSink writes rows, a builder and a received batch as text: the writers are those of any sink.
func TestTextSink(t *testing.T) {
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: time.Unix(0, 2), Symbol: "b"})
	var out, lines bytes.Buffer
	var sink rt.Sink = csv.NewWriter(&out, feed.TradeTable.Schema(), &csv.WriterOptions{NoHeader: true})
	w, err := rt.NewSinkWriter(feed.TradeTable, sink, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := feed.NewTradeCSVReader(strings.NewReader("time,symbol,price,size\n1970-01-01T00:00:00.000000003Z,c,0,0\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	received, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer received.Release()
	for _, w := range []*feed.TradeCSVWriter{w, feed.NewTradeNDJSONWriter(&lines, &ndjson.WriterOptions{OmitNulls: true})} {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(0, 1), Symbol: "a"}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if err := errors.Join(w.Write(t.Context(), b), w.WriteBatch(t.Context(), received), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if want := "1970-01-01T00:00:00.000000001Z,a,0,0,\n1970-01-01T00:00:00.000000002Z,b,0,0,\n1970-01-01T00:00:00.000000003Z,c,0,0,\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	if n := strings.Count(lines.String(), `"size":0}`); n != 3 {
		t.Errorf("%d lines without a null, of\n%s", n, lines.String())
	}
}
