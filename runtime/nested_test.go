package rt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// nestedStream returns a stream of the given rows.
func nestedStream(t testing.TB, rows ...feed.Nested) []byte {
	t.Helper()
	b := feed.NewNestedBuilder(nil)
	b.AppendRows(rows)
	p, err := feed.NestedTable.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Views of nested columns are parts of those below them, and copy nothing.
func TestNestedViews(t *testing.T) {
	two := int64(2)
	p := nestedStream(t,
		feed.Nested{Prices: []float64{1, 2, 3}, Spans: []*int64{nil, &two}, Attrs: map[string]string{"b": "2", "a": "1"}, Vec: [3]float32{1, 2, 3}},
		feed.Nested{Legs: []feed.Leg{{Text: "x", Ratio: 1}, {Text: "y", Ratio: 2, Fills: []feed.Fill{{At: time.Unix(1, 0), Sizes: []int64{7, 8}}}}}},
		feed.Nested{Prices: []float64{4}, PtrLeg: &feed.Leg{Text: "z"}, Grid: [][]float64{{1}, nil, {2, 3}}},
	)
	b, err := feed.NewNestedReader(bytes.NewReader(p), nil).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	prices := b.Prices()
	var third []float64 = prices.At(2)
	if !slices.Equal(prices.At(0), []float64{1, 2, 3}) || prices.At(1) != nil && prices.At(1).Len() != 0 || !prices.IsNull(1) || third[0] != 4 || cap(third) != 1 {
		t.Errorf("prices %v, %v, %v", prices.At(0), prices.At(1), third)
	}
	if &prices.At(2)[0] != &prices.Items()[3] {
		t.Error("a row of a list is a copy")
	}
	spans := b.Spans().At(0)
	if v, ok := spans.Get(1); !spans.IsNull(0) || v != 2 || !ok {
		t.Errorf("spans %v, %v, %v", spans.IsNull(0), v, ok)
	}
	attrs := b.Attrs().At(0)
	if attrs.Len() != 2 || attrs.Keys().At(0) != "a" || attrs.Values().At(1) != "2" {
		t.Errorf("entries %q and %q", attrs.Keys().At(0), attrs.Values().At(1))
	}
	legs := b.Legs().At(1)
	if legs.Len() != 2 || !slices.Equal(legs.Ratio(), []float64{1, 2}) || legs.Text().At(1) != "y" || !slices.Equal(legs.Fills().At(1).Sizes().At(0), []int64{7, 8}) {
		t.Errorf("legs %v, %q", legs.Ratio(), legs.Text().At(1))
	}
	if leg := b.PtrLeg(); !leg.IsNull(0) || leg.IsNull(2) || leg.Text().At(2) != "z" {
		t.Error("the struct that may be null")
	}
	if grid := b.Grid().At(2); grid.Len() != 3 || !grid.IsNull(1) || !slices.Equal(grid.At(2), []float64{2, 3}) {
		t.Errorf("grid of %d", grid.Len())
	}
	if n := testing.AllocsPerRun(100, func() {
		for i := range b.Len() {
			sum := 0.0
			for _, p := range b.Prices().At(i) {
				sum += p
			}
			legs := b.Legs().At(i)
			for k := range legs.Len() {
				sum += float64(len(legs.Text().At(k))) + legs.Ratio()[k]
			}
		}
	}); n != 0 && column.Native {
		t.Errorf("%v allocations to read a batch", n)
	}
	leg := b.PtrLeg()
	b.Release()
	for name, use := range map[string]func(){
		"accessor": func() { b.Legs() }, "field": func() { leg.Text() }, "IsNull": func() { leg.IsNull(0) },
	} {
		func() {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.Contains(s, "batch was released") {
					t.Errorf("%s after Release: %v", name, s)
				}
			}()
			use()
		}()
	}
}

// What is null or out of range below a null is nobody's business; elsewhere it is an error that names column and row.
func TestNestedFits(t *testing.T) {
	note := "n"
	p := nestedStream(t,
		feed.Nested{}, // no leg, whose note is null
		feed.Nested{PtrLeg: &feed.Leg{Note: &note}, Notes: []rt.Null[string]{rt.Some("a")}, Viewed: []string{"x", "y"}, Large: []int32{1}},
	)
	leg := func(note rt.Column) rt.Column { return below(null(col("ptr_leg", ipc.Struct)), note) }
	r := openBag(p, nil, leg(col("note", ipc.Utf8)), below(null(col("viewed", ipc.List)), col("item", ipc.Utf8)),
		below(null(col("large", ipc.ListView)), col("item", ipc.Int64)), below(null(col("absent", ipc.List)), leg(col("note", ipc.Utf8))))
	b, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := b.h.Column(0)
	if s := column.TextsOf(d.Child(0)).At(1); s != "n" {
		t.Errorf("note %q", s)
	}
	d = b.h.Column(1)
	if l := column.ListsOf(d, false, column.TextsOf(d.Child(0))).At(1); l.Len() != 2 || l.At(1) != "y" {
		t.Errorf("a list view of a dictionary as a list of texts: %d items", l.Len())
	}
	d = b.h.Column(2)
	if l := column.ListViewsOf(d, false, column.PlainOf[int64](d.Child(0))).At(1); !slices.Equal(l, []int64{1}) {
		t.Errorf("a large list as a list view: %v", l)
	}
	if d := b.h.Column(3); !d.IsNull(0) || !d.IsNull(1) {
		t.Error("an absent list has rows")
	}

	p = nestedStream(t, feed.Nested{}, feed.Nested{PtrLeg: &feed.Leg{}, Notes: []rt.Null[string]{rt.Some("a"), {}}})
	var e *rt.NullError
	if _, err := openBag(p, nil, leg(col("note", ipc.Utf8))).Next(t.Context()); !errors.As(err, &e) || e.Column != "ptr_leg.note" || e.Row != 1 {
		t.Errorf("a null in a field: %v", err)
	}
	if _, err := openBag(p, nil, below(null(col("notes", ipc.LargeList)), col("item", ipc.Utf8))).Next(t.Context()); !errors.As(err, &e) || e.Column != "notes.item" || e.Row != 1 {
		t.Errorf("a null among items: %v", err)
	}
	if b, err = openBag(p, &rt.ReaderOptions{Nulls: rt.ZeroNulls}, leg(col("note", ipc.Utf8))).Next(t.Context()); err != nil || column.TextsOf(b.h.Column(0).Child(0)).At(1) != "" {
		t.Errorf("ZeroNulls: %v", err)
	}
	var s *rt.SchemaError
	_, err = openBag(p, nil, leg(col("note", ipc.Int32)), below(null(col("prices", ipc.FixedSizeList(2))), col("item", ipc.Float64)),
		below(null(col("attrs", ipc.Map)), col("key", ipc.Utf8), col("value", ipc.Bool)), below(col("gone", ipc.Struct), col("x", ipc.Utf8))).Next(t.Context())
	if !errors.As(err, &s) || len(s.Differences) != 4 || s.Differences[0].Column != "ptr_leg.note" || s.Differences[3].Have != "(absent)" {
		t.Errorf("a schema that does not fit: %v", err)
	}
}

// A stream whose own schema says that a field is not nullable is held to it: a null is refused that a row leads to, and passes below another.
func TestNestedVisibleNull(t *testing.T) {
	of := func(nullable bool) *ipc.Schema {
		x := ipc.Field{Name: "x", Type: ipc.Int8, Nullable: nullable}
		return &ipc.Schema{Fields: []ipc.Field{{Name: "s", Type: ipc.Struct, Nullable: true, Children: []ipc.Field{x}}}}
	}
	schema := func(b []byte) int { return 8 + int(binary.LittleEndian.Uint32(b[4:])) }
	for valid, want := range map[byte]bool{0b101: true, 0b001: false} { // of x; row 1 of s is null
		x := column.Data{Len: 3, Nulls: 3 - bits.OnesCount8(valid), Buffers: [3][]byte{{valid}, {1, 2, 3}}}
		s := column.Data{Len: 3, Nulls: 1, Buffers: [3][]byte{{0b101}}, Children: []column.Data{x}}
		var strict, loose bytes.Buffer
		w := ipc.NewWriter(&loose, of(true), nil)
		if err := errors.Join(w.Write(t.Context(), 3, []column.Data{s}), w.Close(), ipc.NewWriter(&strict, of(false), nil).Close()); err != nil {
			t.Fatal(err)
		}
		p := append(strict.Bytes()[:schema(strict.Bytes()):schema(strict.Bytes())], loose.Bytes()[schema(loose.Bytes()):]...)
		_, err := openBag(p, nil, below(null(col("s", ipc.Struct)), col("x", ipc.Int8))).Next(t.Context())
		if (err == nil) != want || err != nil && (!errors.Is(err, ipc.ErrMalformed) || !strings.Contains(err.Error(), "(s.x.validity)") || !strings.Contains(err.Error(), "row 2")) {
			t.Errorf("validity %03b: %v", valid, err)
		}
	}
}

// What a builder of a nested column refuses names the column below it and the row.
func TestNestedBuilderErrors(t *testing.T) {
	b := feed.NewNestedBuilder(nil)
	b.Append(feed.Nested{})
	b.Append(feed.Nested{Moods: []feed.Mood{feed.Happy, 100}})
	var e *column.ValueError
	if err := b.Err(); !errors.As(err, &e) || e.Column != "moods.item" || e.Row != 1 || !errors.Is(err, column.ErrUnnamed) {
		t.Errorf("%v", err)
	}
	b.Truncate(1)
	if err := b.Err(); err != nil || b.Len() != 1 {
		t.Errorf("after Truncate: %v", err)
	}
	b.Prices().Items().Append(1)
	if err := b.Err(); !errors.Is(err, column.ErrUneven) {
		t.Errorf("items without a row: %v", err)
	}
	b.Reset()
	b.Point().X().Append(1)
	if err := b.Err(); !errors.Is(err, column.ErrUneven) {
		t.Errorf("a struct with fields of different length: %v", err)
	}
}

// Rows are added without an allocation for each.
func TestNestedAppendAllocations(t *testing.T) {
	row := feed.Nested{
		Prices: []float64{1, 2, 3}, Tags: []string{"a", "b"}, PtrLeg: &feed.Leg{Fills: []feed.Fill{{At: time.Unix(1, 0), Sizes: []int64{1}}}},
		Attrs: map[string]string{"a": "b"}, Legs: make([]feed.Leg, 2), Grid: [][]float64{{1}, {2}}, PtrVec: &[2]string{"x", "y"},
	}
	b := feed.NewNestedBuilder(nil)
	fill := func() {
		b.Reset()
		for range 100 {
			b.Append(row)
		}
	}
	fill()
	if n := testing.AllocsPerRun(20, fill); n != 0 && column.Native && !race {
		t.Errorf("%v allocations for 100 rows", n)
	}
}
