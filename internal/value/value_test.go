package value

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// ints lays out numbers of 1, 2, 4 or 8 bytes.
func ints(width int, values ...int64) []byte {
	var b []byte
	for _, v := range values {
		b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(v))[:width]...)
	}
	return b
}

func fixed(f ipc.Type, b []byte) (ipc.Field, column.Data) {
	return ipc.Field{Name: "x", Type: f, Nullable: true}, column.Data{Len: 1, Buffers: [3][]byte{nil, b}}
}

// TestScalars has the text and the JSON of a value of each type.
func TestScalars(t *testing.T) {
	f32 := func(x float32) []byte { return ints(4, int64(math.Float32bits(x))) }
	f64 := func(x float64) []byte { return ints(8, int64(math.Float64bits(x))) }
	interval := func(variant int) ipc.Type { return ipc.Type{Kind: ipc.KindInterval, Variant: variant} }
	for _, c := range []struct {
		typ  ipc.Type
		b    []byte
		text string
		json string
	}{
		{ipc.Bool, []byte{1}, "true", "true"},
		{ipc.Int8, ints(1, -128), "-128", "-128"},
		{ipc.Uint8, ints(1, -1), "255", "255"},
		{ipc.Int16, ints(2, -2), "-2", "-2"},
		{ipc.Uint32, ints(4, -1), "4294967295", "4294967295"},
		{ipc.Int64, ints(8, math.MinInt64), "-9223372036854775808", "-9223372036854775808"},
		{ipc.Uint64, ints(8, -1), "18446744073709551615", "18446744073709551615"},
		{ipc.Float16, ints(2, 0x3555), "0.33325195", "0.333251953125"},
		{ipc.Float32, f32(0.1), "0.1", "0.10000000149011612"},
		{ipc.Float64, f64(1e300), "1e+300", "1e+300"},
		{ipc.Float64, f64(math.NaN()), "NaN", `"NaN"`},
		{ipc.Float32, f32(float32(math.Inf(-1))), "-Infinity", `"-Infinity"`},
		{ipc.Decimal(32, 9, 2), ints(4, -5), "-0.05", `"-0.05"`},
		{ipc.Decimal(64, 18, 0), ints(8, 12), "12", `"12"`},
		{ipc.Decimal(128, 38, 3), ints(8, -1500, -1), "-1.500", `"-1.500"`},
		{ipc.Decimal(256, 76, 1), ints(8, 0, 1, 0, 0), "1844674407370955161.6", `"1844674407370955161.6"`},
		{ipc.Date32, ints(4, -1), "1969-12-31", `"1969-12-31"`},
		{ipc.Date32, ints(4, 2932897), "+10000-01-01", `"+10000-01-01"`},
		{ipc.Date32, ints(4, -719529), "-0001-12-31", `"-0001-12-31"`},
		{ipc.Date64, ints(8, 86_400_000), "1970-01-02", `"1970-01-02"`},
		{ipc.Date64, ints(8, 86_400_001), "1970-01-02T00:00:00.001", `"1970-01-02T00:00:00.001"`},
		{ipc.Time32(column.Second), ints(4, 86399), "23:59:59", `"23:59:59"`},
		{ipc.Time32(column.Millisecond), ints(4, 1), "00:00:00.001", `"00:00:00.001"`},
		{ipc.Time64(column.Nanosecond), ints(8, 1), "00:00:00.000000001", `"00:00:00.000000001"`},
		{ipc.Time64(column.Microsecond), ints(8, -1), "-1", `"-1"`},
		{ipc.Timestamp(column.Second, ""), ints(8, -1), "1969-12-31T23:59:59", `"1969-12-31T23:59:59"`},
		{ipc.Timestamp(column.Microsecond, "Europe/Berlin"), ints(8, -1), "1969-12-31T23:59:59.999999Z", `"1969-12-31T23:59:59.999999Z"`},
		{ipc.Timestamp(column.Nanosecond, "UTC"), ints(8, math.MinInt64), "1677-09-21T00:12:43.145224192Z", `"1677-09-21T00:12:43.145224192Z"`},
		{ipc.Timestamp(column.Second, "UTC"), ints(8, math.MaxInt64), "9223372036854775807", `"9223372036854775807"`},
		{ipc.Duration(column.Second), ints(8, -7), "-7", "-7"},
		{interval(0), ints(4, -14), "-14", "-14"},
		{interval(1), ints(4, 3, -5), `{"days":3,"milliseconds":-5}`, `{"days":3,"milliseconds":-5}`},
		{interval(2), append(ints(4, 1, -2), ints(8, 3)...), `{"months":1,"days":-2,"nanoseconds":3}`, `{"months":1,"days":-2,"nanoseconds":3}`},
		{ipc.FixedSizeBinary(4), []byte("\x00\xff ~"), "AP8gfg==", `"AP8gfg=="`},
	} {
		f, d := fixed(c.typ, c.b)
		p := PrinterOf(&f)
		if text := string(p.AppendText(nil, &d, 0)); text != c.text {
			t.Errorf("%v: text %s, want %s", c.typ, text, c.text)
		}
		if text := string(p.AppendJSON(nil, &d, 0)); text != c.json || !json.Valid([]byte(text)) {
			t.Errorf("%v: JSON %s, want %s", c.typ, text, c.json)
		}
	}
}

// TestNull has a null of each kind: of the validity, of the type, and behind an index, a type id and a run.
func TestNull(t *testing.T) {
	item := ipc.Field{Name: "a", Type: ipc.Int8, Nullable: true}
	null := column.Data{Len: 1, Nulls: 1, Buffers: [3][]byte{{0}, {7}}}
	dictionary := column.NewDictionary(0)
	dictionary.Append("", true)
	for name, c := range map[string]struct {
		f ipc.Field
		d column.Data
	}{
		"validity":   {item, null},
		"type":       {ipc.Field{Type: ipc.Null}, column.Data{Len: 1, Nulls: 1}},
		"index":      {ipc.Field{Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}, column.Data{Len: 1, Buffers: [3][]byte{nil, {0}}, Dictionary: dictionary, Values: dictionary.Values()}},
		"sparse":     {ipc.Field{Type: ipc.Type{Kind: ipc.KindUnion, TypeIDs: []int32{5}}, Children: []ipc.Field{item}}, column.Data{Len: 1, Buffers: [3][]byte{nil, {5}}, Children: []column.Data{null}}},
		"own":        {ipc.Field{Type: ipc.Type{Kind: ipc.KindUnion}, Children: []ipc.Field{item}}, column.Data{Len: 1, Nulls: 1, Buffers: [3][]byte{{0}, {0}}, Children: []column.Data{{Len: 1, Buffers: [3][]byte{nil, {7}}}}}},
		"dense":      {ipc.Field{Type: ipc.Type{Kind: ipc.KindUnion, Variant: 1}, Children: []ipc.Field{item}}, column.Data{Len: 1, Buffers: [3][]byte{nil, {0}, ints(4, 0)}, Children: []column.Data{null}}},
		"run":        {ipc.Field{Type: ipc.Type{Kind: ipc.KindRunEndEncoded}, Children: []ipc.Field{{Type: ipc.Int16}, item}}, column.Data{Len: 1, Children: []column.Data{{Len: 1, Buffers: [3][]byte{nil, ints(2, 1)}}, null}}},
		"list":       {ipc.Field{Type: ipc.Type{Kind: ipc.KindList}, Children: []ipc.Field{item}}, column.Data{Len: 1, Nulls: 1, Buffers: [3][]byte{{0}, ints(4, 0, 1)}, Children: []column.Data{null}}},
		"fixed list": {ipc.Field{Type: ipc.Type{Kind: ipc.KindFixedSizeList, Width: 1}, Children: []ipc.Field{item}}, column.Data{Len: 1, Nulls: 1, Buffers: [3][]byte{{0}}, Children: []column.Data{null}}},
	} {
		p := PrinterOf(&c.f)
		if !p.IsNull(&c.d, 0) || string(p.AppendJSON(nil, &c.d, 0)) != "null" || len(p.AppendText(nil, &c.d, 0)) != 0 {
			t.Errorf("%s: %v, %s", name, p.IsNull(&c.d, 0), p.AppendJSON(nil, &c.d, 0))
		}
	}
}

func TestNested(t *testing.T) {
	number := ipc.Field{Name: "n", Type: ipc.Int8, Nullable: true}
	text := ipc.Field{Name: "t", Type: ipc.Utf8, Nullable: true}
	numbers := column.Data{Len: 3, Nulls: 1, Buffers: [3][]byte{{5}, {1, 2, 3}}}
	texts := column.Data{Len: 3, Buffers: [3][]byte{nil, ints(4, 0, 1, 1, 3), []byte("a\"b")}}
	pairs := ipc.Field{Name: "entries", Type: ipc.Type{Kind: ipc.KindStruct}, Children: []ipc.Field{text, number}}
	pair := column.Data{Len: 3, Children: []column.Data{texts, numbers}}
	kind := func(k ipc.Kind) ipc.Type { return ipc.Type{Kind: k} }
	for _, c := range []struct {
		f    ipc.Field
		d    column.Data
		want string
	}{
		{pairs, pair, `{"t":"a","n":1}{"t":"","n":null}{"t":"\"b","n":3}`},
		{ipc.Field{Type: kind(ipc.KindMap), Children: []ipc.Field{pairs}}, column.Data{Len: 2, Buffers: [3][]byte{nil, ints(4, 1, 3, 3)}, Children: []column.Data{pair}}, `[{"key":"","value":null},{"key":"\"b","value":3}][]`},
		{ipc.Field{Type: kind(ipc.KindLargeList), Children: []ipc.Field{number}}, column.Data{Len: 2, Buffers: [3][]byte{nil, ints(8, 0, 0, 2)}, Children: []column.Data{numbers}}, `[][1,null]`},
		{ipc.Field{Type: kind(ipc.KindListView), Children: []ipc.Field{number}}, column.Data{Len: 2, Buffers: [3][]byte{nil, ints(4, 2, 0), ints(4, 1, 3)}, Children: []column.Data{numbers}}, `[3][1,null,3]`},
		{ipc.Field{Type: ipc.Type{Kind: ipc.KindFixedSizeList, Width: 3}, Children: []ipc.Field{text}}, column.Data{Len: 1, Children: []column.Data{texts}}, `["a","","\"b"]`},
		{ipc.Field{Type: ipc.Type{Kind: ipc.KindUnion, Variant: 1, TypeIDs: []int32{7, 4}}, Children: []ipc.Field{number, text}}, column.Data{Len: 3, Buffers: [3][]byte{nil, {4, 7, 7}, ints(4, 2, 0, 2)}, Children: []column.Data{numbers, texts}}, `{"t":"\"b"}{"n":1}{"n":3}`},
		{ipc.Field{Type: kind(ipc.KindRunEndEncoded), Children: []ipc.Field{{Type: ipc.Int32}, text}}, column.Data{Len: 5, Children: []column.Data{{Len: 3, Buffers: [3][]byte{nil, ints(4, 2, 3, 5)}}, texts}}, `"a""a""""\"b""\"b"`},
	} {
		p, have := PrinterOf(&c.f), ""
		for i := range c.d.Len {
			have += string(p.AppendJSON(nil, &c.d, i))
		}
		if have != c.want {
			t.Errorf("%v:\n%s, want\n%s", c.f.TypeString(), have, c.want)
		}
	}
}

// TestRun finds runs in any order.
func TestRun(t *testing.T) {
	ends := &column.Data{Len: 4, Buffers: [3][]byte{nil, ints(2, 3, 4, 9, 10)}}
	want := []int{0, 0, 0, 1, 2, 2, 2, 2, 2, 3}
	for hint := range 4 {
		for i, run := range want {
			if have := Run(ends, 2, i, hint); have != run {
				t.Errorf("row %d from run %d: run %d, want %d", i, hint, have, run)
			}
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\r\t\x00\x1f\x7f", "zażółć 東京 \U0001F600", "\xff\xc0\x80", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var have, want string
		if err := json.Unmarshal(AppendString(nil, s), &have); err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(s)
		if err := json.Unmarshal(b, &want); err != nil || have != want {
			t.Fatalf("%q, want %q", have, want)
		}
	})
}

// doubling returns a list view of one row that stands for 2^levels items.
func doubling(levels int) (f ipc.Field, d column.Data) {
	f, d = ipc.Field{Name: "item", Type: ipc.Int8}, column.Data{Len: 2, Buffers: [3][]byte{nil, {7, 8}}}
	for range levels {
		f = ipc.Field{Name: "item", Type: ipc.Type{Kind: ipc.KindListView}, Children: []ipc.Field{f}}
		d = column.Data{Len: 2, Buffers: [3][]byte{nil, ints(4, 0, 0), ints(4, 2, 2)}, Children: []column.Data{d}}
	}
	return f, d
}

// TestMaxRowWithin wants no more printed of lists within lists than the limit and their ends, at whatever depth it is exceeded.
func TestMaxRowWithin(t *testing.T) {
	f, d := doubling(40)
	for _, most := range []int64{100, 1000, 4096, 5000} {
		p := PrinterOf(&f)
		p.SetMaxRow(most)
		for range 2 {
			if text := p.AppendJSON(nil, &d, 0); int64(len(text)) > most+200 {
				t.Errorf("%d bytes, want %d and some", len(text), most)
			}
			if err := p.Err(); !errors.Is(err, ipc.ErrLimit) {
				t.Error(err)
			}
		}
	}
}

// TestContextWithin has a context end before a row that would take long.
func TestContextWithin(t *testing.T) {
	f, d := doubling(20)
	p := PrinterOf(&f)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.SetContext(ctx)
	if text := p.AppendJSON(nil, &d, 0); len(text) > 1<<16 {
		t.Errorf("%d bytes", len(text))
	}
	if err := p.Err(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	p.SetContext(t.Context())
	if text := p.AppendJSON(nil, &d, 0); len(text) < 1<<21 || p.Err() != nil {
		t.Errorf("%d bytes", len(text))
	}
}
