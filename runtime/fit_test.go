package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

var (
	ints = map[string]struct {
		ours   ipc.Type
		theirs arrow.DataType
		most   uint64
		least  int64
	}{
		"int8": {ipc.Int8, arrow.PrimitiveTypes.Int8, math.MaxInt8, math.MinInt8}, "uint8": {ipc.Uint8, arrow.PrimitiveTypes.Uint8, math.MaxUint8, 0},
		"int16": {ipc.Int16, arrow.PrimitiveTypes.Int16, math.MaxInt16, math.MinInt16}, "uint16": {ipc.Uint16, arrow.PrimitiveTypes.Uint16, math.MaxUint16, 0},
		"int32": {ipc.Int32, arrow.PrimitiveTypes.Int32, math.MaxInt32, math.MinInt32}, "uint32": {ipc.Uint32, arrow.PrimitiveTypes.Uint32, math.MaxUint32, 0},
		"int64": {ipc.Int64, arrow.PrimitiveTypes.Int64, math.MaxInt64, math.MinInt64}, "uint64": {ipc.Uint64, arrow.PrimitiveTypes.Uint64, math.MaxUint64, 0},
	}
	textTypes = []arrow.DataType{arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView}
)

// fitCase is a column of a stream, a column of a table, and what is read: values, or an error with a text.
type fitCase struct {
	name string
	have arrowColumn
	want rt.Column
	opts *rt.ReaderOptions
	read string
	err  string
}

func (c *fitCase) run(t *testing.T) {
	t.Helper()
	got, err := fits(arrowStream(t, c.have), c.opts, c.want)
	switch {
	case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
		t.Errorf("%s: %v, want an error that says %q", c.name, err, c.err)
	case c.err == "" && (err != nil || got[0] != c.read):
		t.Errorf("%s: %v, %v; want %q", c.name, got, err, c.read)
	}
}

func TestFitWidensIntegers(t *testing.T) {
	for from, h := range ints {
		for to, w := range ints {
			c := fitCase{
				name: from + " to " + to, want: null(col("x", w.ours)),
				have: arrowOf("x", h.theirs, true, fmt.Sprintf("[%d, null, %d, 7]", h.least, h.most)),
				read: fmt.Sprintf("%d null %d 7", h.least, h.most),
			}
			if h.least < w.least || h.most > w.most {
				c.err = fmt.Sprintf("no conversion without loss; make it %s", from)
			}
			c.run(t)
		}
	}
}

func TestFitWidensFloats(t *testing.T) {
	halves := it.I16(0x3c00, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, -0x400, 0x7e00, -0x8000, -0x4400)
	const as32 = "1 5.9604645e-08 6.097555e-05 6.1035156e-05 65504 +Inf -Inf NaN -0 -1"
	const as64 = "1 5.960464477539063e-08 6.097555160522461e-05 6.103515625e-05 65504 +Inf -Inf NaN -0 -1"
	in := slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Float(arrowfb.PrecisionHalf)}), it.NewBatch(10).Add(10, 0, nil, halves).Message(), it.End)
	for _, c := range []struct {
		want ipc.Type
		read string
	}{{ipc.Float32, as32}, {ipc.Float64, as64}} {
		if got, err := fits(in, nil, col("x", c.want)); err != nil || got[0] != c.read {
			t.Errorf("%v: %q, %v; want %q", c.want, got, err, c.read)
		}
	}
	for _, c := range []fitCase{
		{name: "float32 to float64", have: arrowOf("x", arrow.PrimitiveTypes.Float32, true, "[0.5, null, -1]"), want: null(col("x", ipc.Float64)), read: "0.5 null -1"},
		{name: "float64 to float32", have: arrowOf("x", arrow.PrimitiveTypes.Float64, true, "[0.5]"), want: null(col("x", ipc.Float32)), err: "no conversion"},
		{name: "int32 to float64", have: arrowOf("x", arrow.PrimitiveTypes.Int32, true, "[5]"), want: null(col("x", ipc.Float64)), err: "no conversion"},
		{name: "float32 to int64", have: arrowOf("x", arrow.PrimitiveTypes.Float32, true, "[5]"), want: null(col("x", ipc.Int64)), err: "no conversion"},
		{name: "bool to int8", have: arrowOf("x", arrow.FixedWidthTypes.Boolean, true, "[true]"), want: null(col("x", ipc.Int8)), err: "no conversion"},
		{name: "int8 to bool", have: arrowOf("x", arrow.PrimitiveTypes.Int8, true, "[1]"), want: null(col("x", ipc.Bool)), err: "no conversion"},
		{name: "bool", have: arrowOf("x", arrow.FixedWidthTypes.Boolean, true, "[true, null, false]"), want: null(col("x", ipc.Bool)), read: "true null false"},
		{name: "text to int64", have: arrowOf("x", arrow.BinaryTypes.String, true, `["5"]`), want: null(col("x", ipc.Int64)), err: "no conversion"},
		{name: "int64 to timestamp", have: arrowOf("x", arrow.PrimitiveTypes.Int64, true, `[5]`), want: null(col("x", ipc.Timestamp(column.Second, "UTC"))), err: "no conversion"},
	} {
		c.run(t)
	}
}

func TestFitTimes(t *testing.T) {
	units := []struct {
		ours   column.Unit
		theirs arrow.TimeUnit
	}{{column.Second, arrow.Second}, {column.Millisecond, arrow.Millisecond}, {column.Microsecond, arrow.Microsecond}, {column.Nanosecond, arrow.Nanosecond}}
	for _, h := range units {
		for _, w := range units {
			f := int64(h.ours) // five seconds
			have := arrowOf("x", &arrow.TimestampType{Unit: h.theirs, TimeZone: "Europe/Berlin"}, true, fmt.Sprintf("[%d, null, %d]", 5*f, -f))
			c := fitCase{name: fmt.Sprint(h.ours, " to ", w.ours), have: have, want: null(col("x", ipc.Timestamp(w.ours, "UTC"))), read: "1970-01-01T00:00:05Z null 1969-12-31T23:59:59Z"}
			c.run(t)
			// One more of the unit fits a unit that is as fine.
			c.have.values = []string{fmt.Sprintf("[null, %d]", 5*f+1)}
			c.read = "null " + h.ours.Time(5*f+1).Format(time.RFC3339Nano)
			if w.ours < h.ours {
				c.err = "row 1: value does not fit the table's type exactly"
			}
			c.run(t)
			// The largest is too far for one that is finer; a null row may hold anything.
			c.have.values = []string{fmt.Sprintf("[0, %d]", int64(math.MaxInt64))}
			switch c.err = ""; {
			case w.ours > h.ours:
				c.err = "too far from 1970"
			case w.ours < h.ours:
				c.err = "no whole number of unit"
			default:
				continue // no other form of it
			}
			c.run(t)
		}
	}
	us := func(zone string) arrow.DataType { return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone} }
	naive := null(col("x", ipc.Timestamp(column.Nanosecond, "UTC")))
	naive.NaiveUTC = true
	for _, c := range []fitCase{
		{name: "zone to zone", have: arrowOf("x", us("Asia/Tokyo"), true, "[1]"), want: null(col("x", ipc.Timestamp(column.Microsecond, "UTC"))), read: "1970-01-01T00:00:00.000001Z"},
		{name: "naive to naive", have: arrowOf("x", us(""), true, "[1]"), want: null(col("x", ipc.Timestamp(column.Microsecond, ""))), read: "1970-01-01T00:00:00.000001Z"},
		{name: "naive to zone", have: arrowOf("x", us(""), true, "[1]"), want: null(col("x", ipc.Timestamp(column.Nanosecond, "UTC"))), err: "add timestamp(us) or naive=UTC"},
		{name: "naive=UTC", have: arrowOf("x", us(""), true, "[1]"), want: naive, read: "1970-01-01T00:00:00.000001Z"},
		{name: "naive=UTC with a zone", have: arrowOf("x", us("UTC"), true, "[1]"), want: naive, read: "1970-01-01T00:00:00.000001Z"},
		{name: "zone to naive", have: arrowOf("x", us("UTC"), true, "[1]"), want: null(col("x", ipc.Timestamp(column.Nanosecond, ""))), err: "the stream has instants, the table wall-clock times; add timestamp(us,UTC)"},
		{name: "date32", have: arrowOf("x", arrow.FixedWidthTypes.Date32, true, `["2020-01-01"]`), want: naive, err: "no conversion"},
	} {
		c.run(t)
	}
}

// TestFitText reads each form of text as each other: plain, and dictionaries of each width.
func TestFitText(t *testing.T) {
	const values = `["a", null, "one that is longer than twelve", "", "a"]`
	const read = "a null one that is longer than twelve  a"
	indices := []arrow.DataType{}
	for _, i := range ints {
		indices = append(indices, i.theirs)
	}
	wants := []rt.Column{null(col("x", ipc.Utf8))}
	for _, index := range []ipc.Type{ipc.Int8, ipc.Int16, ipc.Int32} {
		wants = append(wants, dictionary(null(col("x", ipc.Utf8)), index))
	}
	for _, text := range textTypes {
		haves := []arrow.DataType{text}
		for _, index := range indices {
			haves = append(haves, &arrow.DictionaryType{IndexType: index, ValueType: text})
		}
		for _, have := range haves {
			for _, want := range wants {
				for _, level := range []ipc.Level{ipc.Structure, ipc.Contents, ipc.UTF8} {
					in := dictionaryStream(t, have, values)
					got, err := fits(in, &rt.ReaderOptions{Validate: level}, want)
					if err != nil || got[0] != read {
						t.Errorf("%v to %s: %q, %v", have, want.TypeString(), got, err)
					}
				}
			}
		}
	}
	for _, c := range []fitCase{
		{name: "text to bytes", have: arrowOf("x", arrow.BinaryTypes.String, true, `["a"]`), want: null(col("x", ipc.Binary)), err: "no conversion"},
		{name: "bytes to text", have: arrowOf("x", arrow.BinaryTypes.Binary, true, `["YQ=="]`), want: null(col("x", ipc.Utf8)), err: "no conversion"},
		{name: "large bytes", have: arrowOf("x", arrow.BinaryTypes.LargeBinary, true, `["YQ==", null, ""]`), want: null(col("x", ipc.Binary)), read: "a null"},
		{name: "bytes views", have: arrowOf("x", arrow.BinaryTypes.BinaryView, true, `["YQ==", null, "b25lIHRoYXQgaXMgbG9uZ2VyIHRoYW4gdHdlbHZl"]`), want: null(col("x", ipc.Binary)), read: "a null one that is longer than twelve"},
		{name: "fixed-size bytes", have: arrowOf("x", &arrow.FixedSizeBinaryType{ByteWidth: 3}, true, `["YWJj", null, "ZGVm"]`), want: null(col("x", ipc.Binary)), read: "abc null def"},
	} {
		c.run(t)
	}
	// A dictionary of something else is no text.
	in := slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Int(64, true), Dict: &it.Dict{Bits: 8}}), it.End)
	if _, err := fits(in, nil, null(col("x", ipc.Utf8))); err == nil || !strings.Contains(err.Error(), "dictionary<uint8, int64>") {
		t.Error(err)
	}
}

// dictionaryStream has one column. What arrow-go does not make of JSON is made by hand.
func dictionaryStream(t *testing.T, typ arrow.DataType, values string) []byte {
	t.Helper()
	d, ok := typ.(*arrow.DictionaryType)
	if !ok {
		return arrowStream(t, arrowOf("x", typ, true, values))
	}
	width := d.IndexType.(arrow.FixedWidthDataType).BitWidth()
	signed := strings.HasPrefix(d.IndexType.Name(), "int")
	long := "one that is longer than twelve"
	field := it.Field{Name: "x", Nullable: true, Dict: &it.Dict{ID: 4, Bits: int32(width), Signed: signed}}
	values3 := []string{"", "a", long}
	var dict []byte
	switch d.ValueType.ID() {
	case arrow.STRING_VIEW:
		field.Type = it.Utf8View
		views, data := it.Views(values3...)
		dict = it.NewBatch(3).AddViews(3, 0, nil, views, data).Dictionary(4, false)
	case arrow.LARGE_STRING:
		field.Type = it.LargeUtf8
		offsets, data := it.LargeTexts(values3...)
		dict = it.NewBatch(3).Add(3, 0, nil, offsets, data).Dictionary(4, false)
	default:
		field.Type = it.Utf8
		dict = it.Dictionary(4, false, values3...)
	}
	indices := make([]byte, 5*width/8) // little-endian
	for i, x := range []byte{1, 0xFF, 2, 0, 1} {
		indices[i*width/8] = x
	}
	return slices.Concat(it.Schema(field), dict, it.NewBatch(5).Add(5, 1, it.Bits(1, 0, 1, 1, 1), indices).Message(), it.End)
}

// TestFitDictionaryNulls reads nulls that stand in the dictionary.
func TestFitDictionaryNulls(t *testing.T) {
	in := func(nullable bool) []byte {
		field := it.Field{Name: "x", Type: it.Utf8, Nullable: nullable, Dict: &it.Dict{ID: 4, Bits: 8, Signed: true}}
		return slices.Concat(it.Schema(field), it.NewBatch(2).Add(2, 1, it.Bits(1, 0), it.I32(0, 1, 1), []byte("a")).Dictionary(4, false),
			it.NewBatch(3).Add(3, 0, nil, it.I8(0, 1, 0)).Message(), it.End)
	}
	for _, want := range []rt.Column{null(col("x", ipc.Utf8)), dictionary(null(col("x", ipc.Utf8)), ipc.Int8), dictionary(null(col("x", ipc.Utf8)), ipc.Int32)} {
		if got, err := fits(in(true), nil, want); err != nil || got[0] != "a null a" {
			t.Errorf("%s: %q, %v", want.TypeString(), got, err)
		}
		want.Nullable = false
		var e *rt.NullError
		if _, err := fits(in(true), nil, want); !errors.As(err, &e) || e.Column != "x" || e.Row != 1 || e.Batch != 0 {
			t.Errorf("%s: %v", want.TypeString(), err)
		}
		if _, err := fits(in(false), nil, want); !errors.Is(err, rt.ErrMalformed) {
			t.Errorf("%s: %v", want.TypeString(), err)
		}
	}
}

// TestFitDictionaryValues reads dictionaries of values as plain ones of another type, wherever plain values of theirs would fit.
func TestFitDictionaryValues(t *testing.T) {
	const null64 = math.MaxInt64 // below a null
	for _, c := range []struct {
		have   it.Type
		values []byte // a value, a null, another
		want   rt.Column
		read   string
		err    string
	}{
		{it.Int(32, true), it.I32(5, 1, -7), null(col("x", ipc.Int32)), "-7 null 5", ""},
		{it.Int(32, true), it.I32(5, 1, -7), null(col("x", ipc.Int64)), "-7 null 5", ""},
		{it.Int(16, true), it.I16(5, 1, -7), null(col("x", ipc.Int64)), "-7 null 5", ""},
		{it.Int(8, false), []byte{5, 1, 200}, null(col("x", ipc.Int16)), "200 null 5", ""},
		{it.Int(64, true), it.I64(5, 1, -7), null(col("x", ipc.Int32)), "", "no conversion without loss; make it int64"},
		{it.Int(32, true), it.I32(5, 1, -7), null(col("x", ipc.Uint64)), "", "no conversion without loss; make it int32"},
		{it.Int(32, true), it.I32(5, 1, -7), null(col("x", ipc.Float64)), "", "no conversion"},
		{it.Int(32, true), it.I32(5, 1, -7), dictionary(null(col("x", ipc.Int64)), ipc.Int8), "", "no conversion; make it a dictionary of int32"},
		{it.Float(arrowfb.PrecisionSingle), it.I32(0x3f000000, 1, 0x40000000), null(col("x", ipc.Float64)), "2 null 0.5", ""},
		{it.Timestamp(arrowfb.TimeUnitMicrosecond, "UTC"), it.I64(1, null64, 2), null(col("x", ipc.Timestamp(column.Nanosecond, "UTC"))), "1970-01-01T00:00:00.000002Z null 1970-01-01T00:00:00.000001Z", ""},
		{it.Timestamp(arrowfb.TimeUnitMicrosecond, "UTC"), it.I64(1, 0, null64), null(col("x", ipc.Timestamp(column.Nanosecond, "UTC"))), "", `batch 0, column "x", row 0: value does not fit`},
		{it.Timestamp(arrowfb.TimeUnitMicrosecond, ""), it.I64(1, 0, 2), null(col("x", ipc.Timestamp(column.Nanosecond, "UTC"))), "", "add timestamp(us) or naive=UTC"},
	} {
		field := it.Field{Name: "x", Type: c.have, Nullable: true, Dict: &it.Dict{ID: 4, Bits: 8, Signed: true}}
		batch := it.NewBatch(3).Add(3, 0, nil, it.I8(2, 1, 0)).Message()
		head := slices.Concat(it.Schema(field), it.NewBatch(3).Add(3, 1, it.Bits(1, 0, 1), c.values).Dictionary(4, false))
		got, err := fits(slices.Concat(head, batch, it.End), nil, c.want)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v to %s: %q, %v; want %s", field.Type, c.want.TypeString(), got, err, c.err)
			}
			continue
		}
		if err != nil || got[0] != c.read {
			t.Errorf("%v to %s: %q, %v; want %q", field.Type, c.want.TypeString(), got, err, c.read)
			continue
		}
		if race || mem.Debug || !column.Native {
			continue
		}
		r := rt.NewReader(bagOf(c.want), io.MultiReader(bytes.NewReader(head), &repeated{p: batch}), &rt.ReaderOptions{Pool: mem.NewPool(nil)})
		next := func() {
			b, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b.h.Release()
		}
		for range 200 {
			next()
		}
		if a := testing.AllocsPerRun(500, next); a != 0 {
			t.Errorf("%v to %s: %v allocations a batch", field.Type, c.want.TypeString(), a)
		}
	}
}

// TestFitNulls reads columns that may hold nulls as columns that may not.
func TestFitNulls(t *testing.T) {
	second := &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}
	milli := &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
	for _, c := range []struct {
		theirs arrow.DataType
		want   rt.Column
		none   string // without nulls
		some   string
		zeroed string
	}{
		{arrow.PrimitiveTypes.Int32, col("x", ipc.Int32), "[1, 2]", "[null, 7]", "1 2 0 7"},
		{arrow.PrimitiveTypes.Int8, col("x", ipc.Int64), "[1, 2]", "[null, 7]", "1 2 0 7"},
		{arrow.PrimitiveTypes.Float64, col("x", ipc.Float64), "[1, 2]", "[null, 7]", "1 2 0 7"},
		{arrow.FixedWidthTypes.Boolean, col("x", ipc.Bool), "[true, true]", "[null, true]", "true true null true"},
		{second, col("x", ipc.Timestamp(column.Second, "UTC")), "[1]", "[null, 2]", "1970-01-01T00:00:01Z null 1970-01-01T00:00:02Z"},
		{milli, col("x", ipc.Timestamp(column.Second, "UTC")), "[1000]", "[null, 2000]", "1970-01-01T00:00:01Z null 1970-01-01T00:00:02Z"},
		{arrow.BinaryTypes.String, col("x", ipc.Utf8), `["a"]`, `[null, "b"]`, "a null b"},
		{arrow.BinaryTypes.LargeString, col("x", ipc.Utf8), `["a"]`, `[null, "b"]`, "a null b"},
		{arrow.BinaryTypes.StringView, dictionary(col("x", ipc.Utf8), ipc.Int16), `["a"]`, `[null, "b"]`, "a null b"},
		{arrow.BinaryTypes.String, dictionary(col("x", ipc.Utf8), ipc.Int8), `["a"]`, `[null, "b"]`, "a null b"},
		{arrow.BinaryTypes.Binary, col("x", ipc.Binary), `["YQ=="]`, `[null, "Yg=="]`, "a null b"},
	} {
		name := fmt.Sprint(c.theirs, " to ", c.want.String())
		if got, err := fits(arrowStream(t, arrowOf("x", c.theirs, true, c.none)), nil, c.want); err != nil || strings.Contains(got[0], "null") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		in := arrowStream(t, arrowOf("x", c.theirs, true, c.none, c.some))
		_, err := fits(in, nil, c.want)
		var e *rt.NullError
		if !errors.As(err, &e) || *e != (rt.NullError{Column: "x", Batch: 1, Row: 0}) ||
			err.Error() != `lightstream: batch 1: column "x" is null in row 0 and not nullable in the table; make it nullable, or read with Nulls: rt.ZeroNulls` {
			t.Errorf("%s: %v", name, err)
		}
		r := openBag(in, nil, c.want)
		r.Next(context.Background())
		_, first := r.Next(context.Background())
		if _, again := r.Next(context.Background()); again != first || first == nil {
			t.Errorf("%s: %v and then %v", name, first, again)
		}
		got, err := fits(in, &rt.ReaderOptions{Nulls: rt.ZeroNulls}, c.want)
		if err != nil || got[0] != c.zeroed {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.zeroed)
		}
	}
	// The zero value of a row's field is that of Go.
	in := arrowStream(t, arrowOf("time", &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, true, "[null]"),
		arrowOf("symbol", arrow.BinaryTypes.String, true, "[null]"), arrowOf("price", arrow.PrimitiveTypes.Float32, true, "[null]"),
		arrowOf("size", arrow.PrimitiveTypes.Uint8, true, "[null]"), arrowOf("note", arrow.BinaryTypes.StringView, true, "[null]"))
	for row, err := range feed.NewTradeReader(bytes.NewReader(in), &rt.ReaderOptions{Nulls: rt.ZeroNulls}).Rows(context.Background()) {
		if err != nil || row != (feed.Trade{}) {
			t.Errorf("%+v, %v", row, err)
		}
	}
}

// TestFitZeroValues reads nulls as zeros in slices, which have no validity.
func TestFitZeroValues(t *testing.T) {
	in := slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Int(32, true), Nullable: true}),
		it.NewBatch(3).Add(3, 1, it.Bits(1, 0, 1), it.I32(1, 99, 3)).Message(), it.End)
	r := openBag(in, &rt.ReaderOptions{Nulls: rt.ZeroNulls}, col("x", ipc.Int32))
	b, err := r.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := rt.Values[int32](b.h, 0); !slices.Equal(got, []int32{1, 0, 3}) {
		t.Error(got)
	}
	stamps := slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Timestamp(arrowfb.TimeUnitNanosecond, "UTC"), Nullable: true}),
		it.NewBatch(2).Add(2, 1, it.Bits(1, 0), it.I64(1, 99)).Message(), it.End)
	r = openBag(stamps, &rt.ReaderOptions{Nulls: rt.ZeroNulls}, col("x", ipc.Timestamp(column.Nanosecond, "UTC")))
	if b, err = r.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	if v := rt.Timestamps(b.h, 0, column.Nanosecond); v.Values()[1] != 0 || !v.At(1).IsZero() || v.At(0).IsZero() {
		t.Error(v.Values(), v.At(0), v.At(1))
	}
}

// TestFitAbsent reads columns that the stream does not have.
func TestFitAbsent(t *testing.T) {
	in := arrowStream(t, arrowOf("other", arrow.PrimitiveTypes.Int32, true, "[1, 2, 3]", "[]", "[4]"))
	with := func(c rt.Column, v any) rt.Column { c.Default = v; return c }
	for _, c := range []struct {
		want rt.Column
		read string
	}{
		{null(col("x", ipc.Bool)), "null null null null"},
		{null(col("x", ipc.Int8)), "null null null null"},
		{null(col("x", ipc.Uint64)), "null null null null"},
		{null(col("x", ipc.Float32)), "null null null null"},
		{null(col("x", ipc.Timestamp(column.Second, ""))), "null null null null"},
		{null(col("x", ipc.Utf8)), "null null null null"},
		{null(col("x", ipc.Binary)), "null null null null"},
		{dictionary(null(col("x", ipc.Utf8)), ipc.Int8), "null null null null"},
		{dictionary(null(col("x", ipc.Utf8)), ipc.Int32), "null null null null"},
		{with(col("x", ipc.Bool), true), "true true true true"},
		{with(col("x", ipc.Bool), false), "false false false false"},
		{with(col("x", ipc.Int8), int64(-3)), "-3 -3 -3 -3"},
		{with(col("x", ipc.Int64), int64(math.MinInt64)), "-9223372036854775808 -9223372036854775808 -9223372036854775808 -9223372036854775808"},
		{with(col("x", ipc.Uint64), uint64(math.MaxUint64)), "18446744073709551615 18446744073709551615 18446744073709551615 18446744073709551615"},
		{with(col("x", ipc.Uint16), uint64(65535)), "65535 65535 65535 65535"},
		{with(col("x", ipc.Float32), 0.5), "0.5 0.5 0.5 0.5"},
		{with(col("x", ipc.Float64), -1e300), "-1e+300 -1e+300 -1e+300 -1e+300"},
		{with(col("x", ipc.Utf8), "text"), "text text text text"},
		{with(col("x", ipc.Binary), "bytes"), "bytes bytes bytes bytes"},
		{with(dictionary(col("x", ipc.Utf8), ipc.Int16), "text"), "text text text text"},
		{with(null(col("x", ipc.Int32)), int64(7)), "7 7 7 7"},
		{with(col("x", ipc.Date32), int64(-1)), "1969-12-31 1969-12-31 1969-12-31 1969-12-31"},
		{with(col("x", ipc.Date64), int64(86_400_000)), "1970-01-02 00:00:00 1970-01-02 00:00:00 1970-01-02 00:00:00 1970-01-02 00:00:00"},
		{with(col("x", ipc.Decimal(32, 9, 2)), int64(-125)), "-1.25 -1.25 -1.25 -1.25"},
		{with(col("x", ipc.Decimal(128, 38, 2)), int64(-125)), "-1.25 -1.25 -1.25 -1.25"},
		{with(col("x", ipc.Decimal(256, 76, 0)), int64(-7)), "-7 -7 -7 -7"},
		{with(col("x", ipc.Decimal(128, 38, 0)), column.Decimal128{Lo: 1, Hi: 1}), "18446744073709551617 18446744073709551617 18446744073709551617 18446744073709551617"},
		{with(col("x", ipc.Decimal(256, 76, 0)), column.Decimal256{1, 1}), "18446744073709551617 18446744073709551617 18446744073709551617 18446744073709551617"},
		{with(col("x", ipc.Timestamp(column.Second, "UTC")), int64(1)), "1970-01-01T00:00:01Z 1970-01-01T00:00:01Z 1970-01-01T00:00:01Z 1970-01-01T00:00:01Z"},
	} {
		if got, err := fits(in, nil, c.want, null(col("other", ipc.Int32))); err != nil || got[0] != c.read {
			t.Errorf("%v, default %v: %q, %v; want %q", &c.want, c.want.Default, got, err, c.read)
		}
		none := c.want
		none.Nullable, none.Default = false, nil
		remedy := "give a default"
		if none.Type.Kind == ipc.KindBinary { // tags have no way to write one
			remedy = "have the sender add it"
		}
		if _, err := fits(in, nil, none); err == nil || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%v: %v, want %q", &none, err, remedy)
		}
	}
	if _, err := fits(in, nil, col("x", ipc.Int32)); err == nil || !strings.Contains(err.Error(), "x       int32 not null  (absent)    make it nullable or give a default") {
		t.Error(err)
	}
	// A batch without columns of its own may claim any number of rows.
	claims := slices.Concat(it.Schema(it.Field{Name: "n", Type: it.Null}), it.NewBatch(1<<31-1).Add(1<<31-1, 1<<31-1).Message())
	for _, want := range []rt.Column{null(col("x", ipc.Int64)), with(col("x", ipc.Utf8), strings.Repeat("long", 100))} {
		if _, err := fits(claims, nil, want, null(col("n", ipc.Null))); !errors.Is(err, rt.ErrLimit) {
			t.Error(err)
		}
	}
	// Many such columns share one allowance.
	claims = slices.Concat(it.Schema(it.Field{Name: "n", Type: it.Null}), it.NewBatch(100_000).Add(100_000, 100_000).Message())
	many := []rt.Column{null(col("n", ipc.Null))}
	for i := range 20 {
		many = append(many, null(col(fmt.Sprint("x", i), ipc.Int64)))
	}
	limits := &ipc.Limits{MaxExpanded: 2 << 20}
	if _, err := fits(claims, &rt.ReaderOptions{Limits: limits}, many...); !errors.Is(err, rt.ErrLimit) || !strings.Contains(err.Error(), "Limits.MaxExpanded") {
		t.Error(err)
	}
	if _, err := fits(claims, &rt.ReaderOptions{Limits: limits}, many[:2]...); !errors.Is(err, rt.ErrUnfinished) {
		t.Error(err)
	}
}

// TestFitStranger refuses a stream that has no column of the table, which would be read as nulls and defaults alone.
func TestFitStranger(t *testing.T) {
	in := arrowStream(t, arrowOf("\tPrice ", arrow.PrimitiveTypes.Float64, true, "[1]"), arrowOf("b", arrow.PrimitiveTypes.Int32, true, "[1]"))
	fee := col("fee", ipc.Float64)
	fee.Default = 0.5
	var e *rt.SchemaError
	_, err := fits(in, nil, null(col("price", ipc.Float64)), fee)
	if !errors.As(err, &e) || len(e.Differences) != 2 ||
		e.Differences[0].Remedy != `the stream has "\tPrice ": rename one, or say that it was called so` ||
		e.Differences[1].Remedy != "the stream has none of the table's columns: read it as its own table" {
		t.Error(err)
	}
	r := openBag(in, nil, null(col("price", ipc.Float64)), fee, null(col("b", ipc.Int32)))
	if _, err := r.Next(t.Context()); err != nil {
		t.Error(err)
	}
	if s := r.Stats(); s.Absent != 2 || s.InPlace != 1 || s.Converted != 0 {
		t.Errorf("%+v, want 2 absent columns", s)
	}
}

func TestFitNames(t *testing.T) {
	int32s := func(name, values string) arrowColumn { return arrowOf(name, arrow.PrimitiveTypes.Int32, true, values) }
	was := null(col("new", ipc.Int32))
	was.Was = "old"
	for _, c := range []struct {
		name string
		have []arrowColumn
		want []rt.Column
		read string
		err  string
	}{
		{"in order", []arrowColumn{int32s("a", "[1]"), int32s("b", "[2]")}, []rt.Column{null(col("a", ipc.Int32)), null(col("b", ipc.Int32))}, "1|2", ""},
		{"another order", []arrowColumn{int32s("b", "[2]"), int32s("a", "[1]")}, []rt.Column{null(col("a", ipc.Int32)), null(col("b", ipc.Int32))}, "1|2", ""},
		{"more than is wanted", []arrowColumn{int32s("z", "[3]"), int32s("b", "[2]"), int32s("a", "[1]")}, []rt.Column{null(col("a", ipc.Int32))}, "1", ""},
		{"old name", []arrowColumn{int32s("old", "[1]")}, []rt.Column{was}, "1", ""},
		{"old and new name", []arrowColumn{int32s("old", "[1]"), int32s("new", "[2]")}, []rt.Column{was}, "2", ""},
		{"old name in two columns", []arrowColumn{int32s("old", "[1]")}, []rt.Column{was, null(col("old", ipc.Int32))}, "1|1", ""},
		{"old name twice", []arrowColumn{int32s("old", "[1]"), int32s("old", "[1]")}, []rt.Column{was}, "", "columns 0 and 1 of the stream have this name"},
		{"old name twice, new name once", []arrowColumn{int32s("old", "[1]"), int32s("old", "[1]"), int32s("new", "[2]")}, []rt.Column{was}, "2", ""},
		{"name twice", []arrowColumn{int32s("a", "[1]"), int32s("b", "[0]"), int32s("a", "[2]")}, []rt.Column{null(col("a", ipc.Int32))}, "", "a       int32  (twice)     columns 0 and 2 of the stream have this name; rename one"},
		{"twice and not wanted", []arrowColumn{int32s("z", "[1]"), int32s("z", "[0]"), int32s("a", "[2]")}, []rt.Column{null(col("a", ipc.Int32))}, "2", ""},
		{"no name", []arrowColumn{int32s("", "[1]")}, []rt.Column{null(col("", ipc.Int32))}, "1", ""},
		{"other case", []arrowColumn{int32s("A", "[1]")}, []rt.Column{col("a", ipc.Int32)}, "", "(absent)"},
	} {
		got, err := fits(arrowStream(t, c.have...), nil, c.want...)
		if c.err != "" {
			var e *rt.SchemaError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.name, err, c.err)
			}
		} else if err != nil || strings.Join(got, "|") != c.read {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.read)
		}
	}
}

// TestFitSkips reads one column of streams that have columns of every other type before and behind it.
func TestFitSkips(t *testing.T) {
	wanted := arrowOf("x", arrow.PrimitiveTypes.Int32, false, "[1, 2, 3]", "[4, 5, 6]")
	item := arrow.PrimitiveTypes.Int16
	others := []arrowColumn{}
	add := func(typ arrow.DataType, values string) {
		others = append(others, arrowOf(fmt.Sprint("o", len(others)), typ, true, values, values))
	}
	add(arrow.Null, "[null, null, null]")
	add(arrow.ListOf(item), "[[1], null, [2, 3]]")
	add(arrow.LargeListOf(arrow.BinaryTypes.StringView), `[["a"], null, ["one that is longer than twelve"]]`)
	add(arrow.FixedSizeListOf(2, item), "[[1, 2], null, [3, 4]]")
	add(arrow.ListViewOf(arrow.BinaryTypes.StringView), `[["a"], null, ["one that is longer than twelve"]]`)
	add(arrow.StructOf(arrow.Field{Name: "a", Type: item, Nullable: true}, arrow.Field{Name: "b", Type: arrow.BinaryTypes.StringView, Nullable: true}), `[{"a": 1}, null, {"b": "x"}]`)
	add(arrow.MapOf(arrow.BinaryTypes.String, item), `[[{"key": "k", "value": 1}], null, []]`)
	add(&arrow.Decimal128Type{Precision: 10, Scale: 2}, `["1.25", null, "3"]`)
	add(&arrow.Decimal256Type{Precision: 10, Scale: 2}, `["1.25", null, "3"]`)
	add(&arrow.FixedSizeBinaryType{ByteWidth: 3}, `["YWJj", null, "ZGVm"]`)
	add(arrow.FixedWidthTypes.Date64, "[1, null, 3]")
	add(arrow.FixedWidthTypes.Time32s, "[1, null, 3]")
	add(arrow.FixedWidthTypes.Duration_ms, "[1, null, 3]")
	add(arrow.FixedWidthTypes.MonthInterval, `[{"months": 1}, null, {"months": 2}]`)
	add(arrow.FixedWidthTypes.MonthDayNanoInterval, `[{"months": 1}, null, {"days": 2}]`)
	add(arrow.FixedWidthTypes.Float16, "[1, null, 3]")
	add(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Int64}, "[1, null, 3]")
	add(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint16, ValueType: &arrow.FixedSizeBinaryType{ByteWidth: 3}}, `["YWJj", null, "ZGVm"]`)
	add(arrow.ListOf(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}), `[["a"], null, ["b", "a"]]`)
	add(arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int16, arrow.BinaryTypes.String), `["a", "a", null]`)
	add(arrow.BinaryTypes.StringView, `["a", null, "one that is longer than twelve"]`)
	for i, o := range others {
		for _, in := range [][]byte{arrowStream(t, o, wanted), arrowStream(t, wanted, o), arrowStream(t, o, wanted, o)} {
			if got, err := fits(in, nil, col("x", ipc.Int32)); err != nil || got[0] != "1 2 3 4 5 6" {
				t.Errorf("beside %v: %q, %v", others[i].field.Type, got, err)
			}
		}
	}
	in := arrowStream(t, append(slices.Clone(others), wanted)...)
	if got, err := fits(in, nil, col("x", ipc.Int32)); err != nil || got[0] != "1 2 3 4 5 6" {
		t.Errorf("beside all: %q, %v", got, err)
	}
	// Unions, which arrow-go does not make of JSON, and in version V4 with a validity buffer.
	for _, version := range []arrowfb.MetadataVersion{arrowfb.MetadataVersionV4, arrowfb.MetadataVersionV5} {
		for _, mode := range []arrowfb.UnionMode{arrowfb.UnionModeSparse, arrowfb.UnionModeDense} {
			var own [][]byte
			if version == arrowfb.MetadataVersionV4 {
				own = append(own, nil)
			}
			own = append(own, it.I8(0, 1))
			if mode == arrowfb.UnionModeDense {
				own = append(own, it.I32(0, 1))
			}
			fields := []it.Field{
				{Name: "u", Type: it.Union(mode, 0, 1), Children: []it.Field{{Name: "a", Type: it.Int(8, true)}, {Name: "b", Type: it.Utf8View}}},
				{Name: "x", Type: it.Int(32, true)},
			}
			views, data := it.Views("s", "one that is longer than twelve")
			b := it.NewBatch(2).Add(2, 0, own...).Add(2, 0, nil, it.I8(1, 2)).AddViews(2, 0, nil, views, data).Add(2, 0, nil, it.I32(8, 9))
			b.Version = version
			schema := it.Message(it.Meta(version, it.SchemaHeader(arrowfb.EndiannessLittle, fields...), 0), nil)
			if got, err := fits(slices.Concat(schema, b.Message(), it.End), nil, col("x", ipc.Int32)); err != nil || got[0] != "8 9" {
				t.Errorf("beside a union of mode %v, version %v: %q, %v", mode, version, got, err)
			}
		}
	}
}

// TestSchemaError has the exact text of the error, as users see it.
func TestSchemaError(t *testing.T) {
	in := arrowStream(t, arrowOf("time", &arrow.TimestampType{Unit: arrow.Microsecond}, true, "[1]"), arrowOf("symbol", arrow.BinaryTypes.String, true, `["A"]`),
		arrowOf("price", arrow.BinaryTypes.StringView, true, `["1"]`), arrowOf("note", arrow.ListOf(arrow.PrimitiveTypes.Int8), true, "[null]"))
	r := feed.NewTradeReader(bytes.NewReader(in), nil)
	_, err := r.Next(context.Background())
	const want = `lightstream: schema does not fit table "trade" (4 differences)
  column  want                         stream has
  time    timestamp[ns, UTC] not null  timestamp[us]     add timestamp(us) or naive=UTC
  price   float64 not null             utf8_view         no conversion
  size    int64 not null               (absent)          make it nullable or give a default
  note    utf8                         list<item: int8>  no conversion`
	var e *rt.SchemaError
	if !errors.As(err, &e) || err.Error() != want || len(e.Differences) != 4 || e.Table != "trade" {
		t.Errorf("%v\nwant\n%s", err, want)
	}
	if _, again := r.Next(context.Background()); again != err {
		t.Errorf("and then %v", again)
	}
	one := &rt.SchemaError{Source: "tcp 10.0.0.7:9000", Table: "t", Differences: []rt.Difference{{Column: "a_long_name", Want: "int8", Have: "utf8", Remedy: "no conversion"}}}
	const text = `lightstream: tcp 10.0.0.7:9000: schema does not fit table "t" (1 difference)
  column       want  stream has
  a_long_name  int8  utf8        no conversion`
	if one.Error() != text {
		t.Errorf("%v\nwant\n%s", one, text)
	}
}

// TestFitFullDictionary reads text as a dictionary of at most 128 values.
func TestFitFullDictionary(t *testing.T) {
	batch := func(from, n int) string {
		var s []string
		for i := range n {
			s = append(s, fmt.Sprintf("%q", fmt.Sprint("v", from+i)))
		}
		return "[" + strings.Join(s, ",") + "]"
	}
	want := dictionary(null(col("x", ipc.Utf8)), ipc.Int8)
	// Many batches have ever new values, each of them few enough.
	in := arrowStream(t, arrowOf("x", arrow.BinaryTypes.String, true, batch(0, 100), batch(100, 100), batch(200, 128), batch(250, 128), batch(0, 1)))
	r := openBag(in, nil, want)
	var kept []bagBatch
	for b, err := range r.Batches(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, b)
	}
	for i, first := range []int{0, 100, 200, 250, 0} {
		if v := rt.Dict[int8](kept[i].h, 0); v.At(0) != fmt.Sprint("v", first) || v.At(v.Len()-1) != fmt.Sprint("v", first+v.Len()-1) {
			t.Errorf("batch %d begins with %q", i, v.At(0))
		}
	}
	// One has too many.
	_, err := fits(arrowStream(t, arrowOf("x", arrow.BinaryTypes.String, true, batch(0, 1), batch(0, 129))), nil, want)
	var e *rt.ConvertError
	if !errors.As(err, &e) || !errors.Is(err, column.ErrDictionaryFull) || e.Row != 128 || e.Batch != 1 || e.Column != "x" {
		t.Error(err)
	}
	// An index of the stream that the table's type does not hold.
	values := make([]string, 129)
	for i := range values {
		values[i] = fmt.Sprint("v", i)
	}
	wide := func(index ...int16) []byte {
		return slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Utf8, Nullable: true, Dict: &it.Dict{ID: 1, Bits: 16, Signed: true}}), it.Dictionary(1, false, values...),
			it.NewBatch(int64(len(index))).Add(int64(len(index)), 0, nil, it.I16(index...)).Message(), it.End)
	}
	if got, err := fits(wide(127, 0), nil, want); err != nil || got[0] != "v127 v0" {
		t.Error(got, err)
	}
	if _, err := fits(wide(0, 128), nil, want); !errors.As(err, &e) || !errors.Is(err, rt.ErrInexact) || e.Row != 1 {
		t.Error(err)
	}
}

// TestFitLimits expands and encodes text that is small on the wire and large in memory.
func TestFitLimits(t *testing.T) {
	limits := &ipc.Limits{MaxExpanded: 1 << 20, MaxDictionaryEntries: 100, MaxDictionaryBytes: 1 << 16}
	long := strings.Repeat("x", 1000)
	indices := make([]byte, 5000)
	dict := slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Utf8, Dict: &it.Dict{ID: 1, Bits: 8}}), it.Dictionary(1, false, long),
		it.NewBatch(5000).Add(5000, 0, nil, indices).Message(), it.End)
	var views []byte
	for i := range uint32(2000) {
		views = append(views, it.View(900, "x", 0, i%100)...)
	}
	for i := range uint32(2000) { // as many values, each at a place of its own
		copy(views[16*i+4:], it.I32(int32(i)))
	}
	spread := []byte(strings.Repeat("0123456789", 1000))
	for i := range uint32(100) {
		spread[i*97] = byte(i)
	}
	view := slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Utf8View}), it.NewBatch(2000).AddViews(2000, 0, nil, views, spread).Message(), it.End)
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	offsets, text := it.Texts(many...)
	plain := slices.Concat(it.Schema(it.Field{Name: "x", Type: it.Utf8}), it.NewBatch(101).Add(101, 0, nil, offsets, text).Message(), it.End)
	for _, c := range []struct {
		name string
		in   []byte
		want rt.Column
		says string
	}{
		{"dictionary to text", dict, col("x", ipc.Utf8), "Limits.MaxExpanded"},
		{"views to text", view, col("x", ipc.Utf8), "Limits.MaxExpanded"},
		{"views to dictionary", view, dictionary(col("x", ipc.Utf8), ipc.Int32), "Limits.MaxDictionaryBytes"},
		{"text to dictionary", plain, dictionary(col("x", ipc.Utf8), ipc.Int32), "Limits.MaxDictionaryEntries"},
	} {
		_, err := fits(c.in, &rt.ReaderOptions{Limits: limits}, c.want)
		var e *rt.ConvertError
		if !errors.As(err, &e) || !errors.Is(err, rt.ErrLimit) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := fits(c.in, nil, c.want); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestFitDoesNotAllocate converts batches in each way, with memory that is given back.
func TestFitDoesNotAllocate(t *testing.T) {
	if mem.Debug || !column.Native {
		t.Skip("memory is reused by builds for speed only")
	}
	values := `["a", null, "one that is longer than twelve", "", "a"]`
	second := &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}
	nano := &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}
	text := null(col("x", ipc.Utf8))
	mood := dictionary(text, ipc.Int8)
	mood.Names = rt.NamesOf(feed.ParseMood)
	with := func(c rt.Column, v any) rt.Column { c.Default = v; return c }
	for _, c := range []struct {
		have arrow.DataType
		json string
		want rt.Column
	}{
		{arrow.PrimitiveTypes.Int8, "[1, null]", null(col("x", ipc.Int64))},
		{arrow.PrimitiveTypes.Int64, "[1, null]", null(col("x", ipc.Int64))},
		{arrow.PrimitiveTypes.Float32, "[1, null]", null(col("x", ipc.Float64))},
		{second, "[1, null]", null(col("x", ipc.Timestamp(column.Nanosecond, "UTC")))},
		{nano, "[1000000000, null]", null(col("x", ipc.Timestamp(column.Second, "UTC")))},
		{arrow.BinaryTypes.String, values, text},
		{arrow.BinaryTypes.LargeString, values, text},
		{arrow.BinaryTypes.StringView, values, text},
		{arrow.BinaryTypes.String, values, dictionary(text, ipc.Int8)},
		{arrow.BinaryTypes.StringView, values, dictionary(text, ipc.Int32)},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint16, ValueType: arrow.BinaryTypes.String}, values, text},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint16, ValueType: arrow.BinaryTypes.String}, values, dictionary(text, ipc.Int8)},
		{&arrow.FixedSizeBinaryType{ByteWidth: 3}, `["YWJj", null]`, null(col("x", ipc.Binary))},
		{&arrow.FixedSizeBinaryType{ByteWidth: 3}, `["YWJj", null]`, null(col("x", ipc.BinaryView))},
		{arrow.BinaryTypes.Binary, `["YWJj", null]`, null(col("x", ipc.FixedSizeBinary(3)))},
		{arrow.FixedWidthTypes.Date32, `[1, null]`, null(col("x", ipc.Date64))},
		{arrow.FixedWidthTypes.Time32s, `[1, null]`, null(col("x", ipc.Time64(column.Nanosecond)))},
		{arrow.FixedWidthTypes.Duration_s, `[1, null]`, null(col("x", ipc.Duration(column.Nanosecond)))},
		{&arrow.Decimal128Type{Precision: 9, Scale: 2}, `["1.50", null]`, null(col("x", ipc.Decimal(256, 76, 2)))},
		{arrow.PrimitiveTypes.Int64, "[1, null]", dictionary(null(col("x", ipc.Int64)), ipc.Uint8)},
		{arrow.BinaryTypes.String, values, null(col("x", ipc.LargeUtf8))},
		{arrow.BinaryTypes.String, values, null(col("x", ipc.Utf8View))},
		{arrow.BinaryTypes.StringView, values, null(col("x", ipc.LargeUtf8))},
		{arrow.BinaryTypes.LargeString, values, null(col("x", ipc.Utf8View))},
		{arrow.BinaryTypes.String, `["happy", null, "calm"]`, mood},
		{arrow.PrimitiveTypes.Int8, "[1, 2]", null(col("absent", ipc.Int64))},
		{arrow.PrimitiveTypes.Int8, "[1, 2]", null(col("absent", ipc.Utf8))},
		{arrow.PrimitiveTypes.Int8, "[1, 2]", with(col("absent", ipc.Float32), 0.5)},
		{arrow.PrimitiveTypes.Int8, "[1, 2]", with(col("absent", ipc.Utf8), "text")},
		{arrow.PrimitiveTypes.Int8, "[1, 2]", with(dictionary(col("absent", ipc.Utf8), ipc.Int32), "text")},
		{arrow.PrimitiveTypes.Int8, "[1, 2]", with(col("absent", ipc.Bool), true)},
	} {
		in := arrowStream(t, arrowOf("x", c.have, true, c.json))
		one := arrowStream(t, arrowOf("x", c.have, true))
		// The last batch again and again.
		head, end := len(one)-8, len(in)-8
		at := batchStart(t, in, head)
		src := io.MultiReader(bytes.NewReader(in[:end]), &repeated{p: in[at:end]})
		columns := []rt.Column{c.want}
		if c.want.Name == "absent" { // one that is there beside it
			columns = append(columns, null(col("x", ipc.Int8)))
		}
		r := rt.NewReader(bagOf(columns...), src, &rt.ReaderOptions{Pool: mem.NewPool(nil)})
		next := func() {
			b, err := r.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			b.h.Release()
		}
		for range 200 {
			next()
		}
		if a := testing.AllocsPerRun(500, next); a != 0 {
			t.Errorf("%v to %s: %v allocations a batch", c.have, &c.want, a)
		}
	}
}

// batchStart returns where the record batch begins that is the last message of a stream.
func batchStart(t *testing.T, in []byte, from int) int {
	t.Helper()
	last := from
	for at := from; at < len(in)-8; {
		n := 8 + int(uint32(in[at+4])|uint32(in[at+5])<<8|uint32(in[at+6])<<16)
		m, err := arrowfb.VerifyMessage(in[at+8:at+n], arrowfb.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		last = at
		at += n + int(m.BodyLength())
	}
	return last
}

// repeated is a source without end.
type repeated struct {
	p  []byte
	at int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.p[r.at:])
	r.at = (r.at + n) % len(r.p)
	return n, nil
}
