package feed_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// edges are values of each type that are easily lost: the first and last, those next to nothing, and none.
var edges = map[reflect.Type][]any{
	reflect.TypeFor[bool]():    {true, false, true},
	reflect.TypeFor[int8]():    {int8(math.MinInt8), int8(math.MaxInt8), int8(-1)},
	reflect.TypeFor[int16]():   {int16(math.MinInt16), int16(math.MaxInt16), int16(-1)},
	reflect.TypeFor[int32]():   {int32(math.MinInt32), int32(math.MaxInt32), int32(-1)},
	reflect.TypeFor[int64]():   {int64(math.MinInt64), int64(math.MaxInt64), int64(-1)},
	reflect.TypeFor[uint8]():   {uint8(math.MaxUint8), uint8(0), uint8(1)},
	reflect.TypeFor[uint16]():  {uint16(math.MaxUint16), uint16(0), uint16(1)},
	reflect.TypeFor[uint32]():  {uint32(math.MaxUint32), uint32(0), uint32(1)},
	reflect.TypeFor[uint64]():  {uint64(math.MaxUint64), uint64(0), uint64(1)},
	reflect.TypeFor[float32](): {float32(math.NaN()), float32(math.Inf(-1)), float32(math.Copysign(0, -1)), float32(math.SmallestNonzeroFloat32)},
	reflect.TypeFor[float64](): {math.NaN(), math.Inf(1), math.Copysign(0, -1), math.SmallestNonzeroFloat64},
	reflect.TypeFor[string]():  {"", "Ä\x00日本", strings.Repeat("long ", 100), "né utf8", "seventeen bytes!!", "16 bytes of text"},
	reflect.TypeFor[[]byte]():  {[]byte{}, []byte{0}, bytes.Repeat([]byte{0xff}, 300)},
	reflect.TypeFor[time.Time](): {
		time.Unix(0, 0).UTC(), time.Date(1677, 9, 21, 0, 12, 44, 0, time.UTC), time.Date(2262, 4, 11, 23, 47, 15, 0, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2026, 2, 28, 1, 2, 3, 0, time.UTC),
	},
	reflect.TypeFor[time.Duration](): {time.Duration(0), time.Duration(math.MaxInt64), time.Duration(math.MinInt64), 24*time.Hour - 1, time.Hour},
	reflect.TypeFor[rt.Float16]():    {rt.Float16(0x7e01), rt.Float16(0x8000), rt.Float16(1), rt.Float16(0xfc00)},
	reflect.TypeFor[rt.Date]():       {rt.Date(math.MinInt32), rt.Date(math.MaxInt32), rt.Date(0), rt.Date(20000)},
	reflect.TypeFor[rt.DateMillis](): {rt.DateMillis(-86_400_000), rt.DateMillis(0), rt.DateMillis(1_728_000_000_000)},
	reflect.TypeFor[rt.Decimal32]():  {rt.Decimal32(999_999_999), rt.Decimal32(-999_999_999), rt.Decimal32(0)},
	reflect.TypeFor[rt.Decimal64]():  {rt.Decimal64(999_999_999_999_999_999), rt.Decimal64(-999_999_999_999_999_999), rt.Decimal64(1)},
	reflect.TypeFor[rt.Decimal128](): {column.Decimal128From(-1), rt.Decimal128{Lo: 1, Hi: 5}, rt.Decimal128{Lo: math.MaxUint64, Hi: -5}},
	reflect.TypeFor[rt.Decimal256](): {column.Decimal256From(-1), rt.Decimal256{1, 0, 0, 0}, rt.Decimal256{0, 0, 0, 0}, rt.Decimal256{math.MaxUint64}},
	reflect.TypeFor[[3]byte]():       {[3]byte{1, 2, 3}, [3]byte{}, [3]byte{255, 255, 255}},
	reflect.TypeFor[[16]byte]():      {[16]byte{0: 1, 15: 2}, [16]byte{}, [16]byte{7: 255}},
	reflect.TypeFor[[70]byte]():      {[70]byte{0: 1, 69: 2}, [70]byte{}},
	reflect.TypeFor[struct{}]():      {struct{}{}},
	reflect.TypeFor[feed.Mood]():     {feed.Calm, feed.Angry, feed.Happy},
	reflect.TypeFor[feed.Side]():     {feed.SideBuy, feed.SideShort, feed.SideSell},
	reflect.TypeFor[feed.Venue]():    {feed.VenueXetr, feed.VenueXnas, feed.VenueUnknown},
}

// fill sets the fields of a row: present ones to their edges in turn, all others to what they are when absent.
func fill(t *testing.T, row any, turn int, present func(field int) bool) {
	t.Helper()
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		tag := v.Type().Field(i).Tag.Get("arrow")
		if tag == "-" {
			continue
		}
		set := func(t *testing.T, f reflect.Value, turn int) { set(t, f, turn, tag) }
		switch {
		case f.Kind() == reflect.Pointer:
			if present(i) {
				f.Set(reflect.New(f.Type().Elem()))
				set(t, f.Elem(), turn)
			}
		case f.Kind() == reflect.Struct && strings.HasPrefix(f.Type().Name(), "Null["):
			if present(i) {
				set(t, f.FieldByName("V"), turn)
				f.FieldByName("Valid").SetBool(true)
			}
		case f.Kind() == reflect.Slice && !strings.Contains(tag, "required"):
			if present(i) {
				set(t, f, turn)
			}
		default:
			set(t, f, turn)
		}
	}
}

func set(t *testing.T, f reflect.Value, turn int, tag string) {
	t.Helper()
	values := edges[f.Type()]
	for typ, list := range edges {
		if values == nil && typ.PkgPath() == "" && typ.Kind() == f.Kind() && typ.ConvertibleTo(f.Type()) {
			values = list
		}
	}
	if values == nil {
		t.Fatalf("no edges of %v", f.Type())
	}
	switch v := values[turn%len(values)].(type) {
	case time.Time:
		if strings.Contains(tag, "date") {
			v = v.Truncate(24 * time.Hour)
		}
		f.Set(reflect.ValueOf(v))
	case time.Duration:
		if strings.Contains(tag, "time") && (v < 0 || v >= 24*time.Hour) {
			v = 12*time.Hour + 1
		}
		f.Set(reflect.ValueOf(v.Truncate(unitOf(tag))))
	default:
		f.Set(reflect.ValueOf(v).Convert(f.Type()))
	}
}

// unitOf returns the unit that a tag says.
func unitOf(tag string) time.Duration {
	for text, unit := range map[string]time.Duration{"(s)": time.Second, "(ms)": time.Millisecond, "(us)": time.Microsecond} {
		if strings.Contains(tag, text) {
			return unit
		}
	}
	if strings.HasSuffix(tag, "time32") {
		return time.Millisecond
	}
	return time.Nanosecond
}

// difference returns the name of a field that differs, "" if none does. Values are compared bit by bit: NaN is NaN, and -0 is
// not 0.
func difference(a, b any) string {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !same(x.Field(i), y.Field(i)) {
			return x.Type().Field(i).Name
		}
	}
	return ""
}

func same(x, y reflect.Value) bool {
	switch x.Kind() {
	case reflect.Float32:
		return math.Float32bits(float32(x.Float())) == math.Float32bits(float32(y.Float()))
	case reflect.Float64:
		return math.Float64bits(x.Float()) == math.Float64bits(y.Float())
	case reflect.Slice:
		return reflect.DeepEqual(x.Interface(), y.Interface()) // nil is not empty
	case reflect.Pointer:
		return x.IsNil() == y.IsNil() && (x.IsNil() || same(x.Elem(), y.Elem()))
	case reflect.Struct:
		if t, ok := x.Interface().(time.Time); ok {
			u := y.Interface().(time.Time)
			return t.Equal(u) && t.Location() == u.Location()
		}
		if !strings.HasPrefix(x.Type().Name(), "Null[") {
			return x.Equal(y)
		}
		return same(x.FieldByName("V"), y.FieldByName("V")) && same(x.FieldByName("Valid"), y.FieldByName("Valid"))
	}
	return x.Equal(y)
}

// rows are rows of table R: all there, none there, and every mixture of the two.
func rows[R any](t *testing.T, n int) []R {
	list := make([]R, n)
	for i := range list {
		fill(t, &list[i], i, func(field int) bool {
			switch i % 4 {
			case 0:
				return true
			case 1:
				return false
			}
			return (i+field)%3 == 0
		})
	}
	return list
}

// batch is what a generated batch of rows R does.
type batch[R any] interface {
	Len() int
	Row(i int) R
	AppendTo(dst []R) []R
	Release()
}

// testRoundTrip sends rows each way that a writer takes them, and reads them each way that a reader gives them.
func testRoundTrip[R any, B batch[R], W rt.Builder[R]](t *testing.T, table *rt.Table[R, B, W], all []R) {
	ctx := t.Context()
	senders := map[string]func(w *rt.Writer[R, B, W]) error{
		"Append": func(w *rt.Writer[R, B, W]) error {
			for _, row := range all {
				if err := w.Append(ctx, row); err != nil {
					return err
				}
			}
			return nil
		},
		"Write": func(w *rt.Writer[R, B, W]) error {
			b := table.NewBuilder(nil)
			for _, row := range all {
				b.Append(row)
			}
			return w.Write(ctx, b)
		},
		"AppendRows": func(w *rt.Writer[R, B, W]) error {
			b := table.NewBuilder(nil)
			half := len(all) / 2
			for _, part := range [][]R{all[:half], nil, all[half:]} {
				b.AppendRows(part)
				if err := w.Write(ctx, b); err != nil {
					return err
				}
				b.Reset()
			}
			return nil
		},
	}
	receivers := map[string]func(r *rt.Reader[R, B]) ([]R, error){
		"Rows": func(r *rt.Reader[R, B]) (got []R, err error) {
			for row, err := range r.Rows(ctx) {
				if err != nil {
					return nil, err
				}
				got = append(got, row)
			}
			return got, nil
		},
		"AppendTo": func(r *rt.Reader[R, B]) (got []R, err error) {
			for b, err := range r.Batches(ctx) {
				if err != nil {
					return nil, err
				}
				got = b.AppendTo(got)
				b.Release()
			}
			return got, nil
		},
		"Row": func(r *rt.Reader[R, B]) (got []R, err error) {
			for b, err := range r.Batches(ctx) {
				if err != nil {
					return nil, err
				}
				for i := range b.Len() {
					got = append(got, b.Row(i))
				}
				b.Release()
			}
			return got, nil
		},
	}
	for from, send := range senders {
		var stream bytes.Buffer
		w := rt.NewWriter(table, &stream, &rt.WriterOptions{BatchRows: 250})
		if err := errors.Join(send(w), w.Close()); err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		for to, receive := range receivers {
			t.Run(from+"-"+to, func(t *testing.T) {
				got, err := receive(rt.NewReader(table, bytes.NewReader(stream.Bytes()), nil))
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(all) {
					t.Fatalf("%d rows, want %d", len(got), len(all))
				}
				for i := range all {
					if name := difference(all[i], got[i]); name != "" {
						t.Fatalf("row %d, field %s: got\n%+v, want\n%+v", i, name, got[i], all[i])
					}
				}
			})
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 7, 600} {
		t.Run("All", func(t *testing.T) { testRoundTrip(t, feed.AllTable, rows[feed.All](t, n)) })
		t.Run("Every", func(t *testing.T) { testRoundTrip(t, feed.EveryTable, rows[feed.Every](t, n)) })
		t.Run("Trade", func(t *testing.T) { testRoundTrip(t, feed.TradeTable, rows[feed.Trade](t, n)) })
	}
}

// Fields that are no columns are left alone.
func TestSkippedField(t *testing.T) {
	b := feed.NewAllBuilder(nil)
	row := rows[feed.All](t, 1)[0]
	row.Scratch = []int{1}
	b.Append(row)
	var stream bytes.Buffer
	w := feed.NewAllWriter(&stream, nil)
	if err := errors.Join(w.Write(t.Context(), b), w.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := feed.NewAllReader(&stream, nil).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s := got.Row(0).Scratch; s != nil {
		t.Errorf("Scratch = %v, want nothing", s)
	}
}

// Columns are filled one by one in the memory that is sent.
func TestColumns(t *testing.T) {
	b := feed.NewTradeBuilder(nil)
	copy(b.Price().Extend(3), []float64{1.5, 2.5, 3.5})
	copy(b.Size().Extend(3), []int64{1, 2, 3})
	for range 3 {
		b.Time().Append(time.Unix(1, 0))
		b.Symbol().Append("ABC")
		b.Note().AppendNull()
	}
	var stream bytes.Buffer
	w := feed.NewTradeWriter(&stream, nil)
	if err := errors.Join(w.Write(t.Context(), b), w.Close()); err != nil {
		t.Fatal(err)
	}
	r := feed.NewTradeReader(&stream, nil)
	got, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Price(); len(p) != 3 || p[2] != 3.5 {
		t.Errorf("Price() = %v", p)
	}
	if !got.Note().IsNull(1) || got.Symbol().At(2) != "ABC" || got.Len() != 3 {
		t.Errorf("Note, Symbol or Len of %+v", got.Row(1))
	}
	if _, err := r.Next(context.Background()); err != io.EOF {
		t.Errorf("Next: %v, want io.EOF", err)
	}
}

// A value that does not fit names its column and row.
func TestValueError(t *testing.T) {
	b := feed.NewAllBuilder(nil)
	row := rows[feed.All](t, 1)[0]
	b.Append(row)
	late := time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
	row.PtrNano = &late
	b.Append(row)
	var bad *column.ValueError
	if err := b.Err(); !errors.As(err, &bad) || bad.Column != "ptr_nano" || bad.Row != 1 || !errors.Is(err, column.ErrTimeRange) {
		t.Errorf("Err() = %v, want that of ptr_nano, row 1", err)
	}
}
