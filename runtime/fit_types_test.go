package rt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var timeUnits = map[column.Unit]arrow.TimeUnit{
	column.Second: arrow.Second, column.Millisecond: arrow.Millisecond, column.Microsecond: arrow.Microsecond, column.Nanosecond: arrow.Nanosecond,
}

// TestFitSpans reads durations and times of day of each unit as those of each other.
func TestFitSpans(t *testing.T) {
	for hu, theirs := range timeUnits {
		for wu := range timeUnits {
			f := int64(hu)
			have := arrowOf("x", &arrow.DurationType{Unit: theirs}, true, fmt.Sprintf("[%d, null, %d]", 5*f, -f))
			c := fitCase{name: fmt.Sprint("duration ", hu, " to ", wu), have: have, want: null(col("x", ipc.Duration(wu))), read: "5s null -1s"}
			c.run(t)
			if wu < hu {
				c.have.values = []string{"[null, 1]"}
				c.err = "row 1: value does not fit the table's type exactly: 1 of duration"
				c.run(t)
			}
			if wu > hu {
				c.have.values = []string{"[9223372036854775807]"}
				c.err = "row 0: value does not fit the table's type exactly"
				c.run(t)
			}
		}
	}
	for hu, theirs := range timeUnits {
		for wu := range timeUnits {
			var have arrow.DataType = &arrow.Time32Type{Unit: theirs}
			if hu > column.Millisecond {
				have = &arrow.Time64Type{Unit: theirs}
			}
			want := ipc.Time32(wu)
			if wu > column.Millisecond {
				want = ipc.Time64(wu)
			}
			c := fitCase{
				name: fmt.Sprint(have, " to ", want), have: arrowOf("x", have, true, fmt.Sprintf("[%d, null]", 86399*int64(hu))),
				want: null(col("x", want)), read: "23h59m59s null",
			}
			c.run(t)
			if wu < hu {
				c.have.values = []string{"[0, 1]"}
				c.err = "row 1: value does not fit the table's type exactly: 1 of time"
				c.run(t)
			}
		}
	}
	for _, c := range []fitCase{
		{name: "duration to int64", have: arrowOf("x", arrow.FixedWidthTypes.Duration_ns, true, "[5]"), want: null(col("x", ipc.Int64)), err: "no conversion"},
		{name: "int64 to duration", have: arrowOf("x", arrow.PrimitiveTypes.Int64, true, "[5]"), want: null(col("x", ipc.Duration(column.Second))), err: "no conversion"},
		{name: "duration to time64", have: arrowOf("x", arrow.FixedWidthTypes.Duration_ns, true, "[5]"), want: null(col("x", ipc.Time64(column.Nanosecond))), err: "no conversion"},
	} {
		c.run(t)
	}
}

func TestFitDates(t *testing.T) {
	for _, c := range []fitCase{
		{name: "date32", have: arrowOf("x", arrow.FixedWidthTypes.Date32, true, `["2020-02-29", null, "1969-12-31"]`), want: null(col("x", ipc.Date32)), read: "2020-02-29 null 1969-12-31"},
		{name: "date32 to date64", have: arrowOf("x", arrow.FixedWidthTypes.Date32, true, `["2020-02-29", null, "1969-12-31"]`), want: null(col("x", ipc.Date64)), read: "2020-02-29 00:00:00 null 1969-12-31 00:00:00"},
		{name: "date64 to date32", have: arrowOf("x", arrow.FixedWidthTypes.Date64, true, `["2020-02-29", null, "1969-12-31"]`), want: null(col("x", ipc.Date32)), read: "2020-02-29 null 1969-12-31"},
		{name: "a date64 that is no day", have: arrowOf("x", arrow.FixedWidthTypes.Date64, true, `[null, 86400001]`), want: null(col("x", ipc.Date32)), err: "row 1: value does not fit"},
		{name: "a date64 too far", have: arrowOf("x", arrow.FixedWidthTypes.Date64, true, `[185542587187200000]`), want: null(col("x", ipc.Date32)), err: "row 0: value does not fit"},
		{name: "date to timestamp", have: arrowOf("x", arrow.FixedWidthTypes.Date32, true, `[]`), want: null(col("x", ipc.Timestamp(column.Second, ""))), err: "no conversion"},
		{name: "int32 to date", have: arrowOf("x", arrow.PrimitiveTypes.Int32, true, `[]`), want: null(col("x", ipc.Date32)), err: "no conversion"},
	} {
		c.run(t)
	}
}

func TestFitDecimals(t *testing.T) {
	theirs := func(bits, precision, scale int32) arrow.DataType {
		switch bits {
		case 32:
			return &arrow.Decimal32Type{Precision: precision, Scale: scale}
		case 64:
			return &arrow.Decimal64Type{Precision: precision, Scale: scale}
		case 128:
			return &arrow.Decimal128Type{Precision: precision, Scale: scale}
		}
		return &arrow.Decimal256Type{Precision: precision, Scale: scale}
	}
	const values = `["1234567.89", null, "-1234567.89", "-0.01"]`
	const read = "1234567.89 null -1234567.89 -0.01"
	for _, h := range []int{32, 64, 128, 256} {
		for _, w := range []int{32, 64, 128, 256} {
			c := fitCase{
				name: fmt.Sprint("decimal", h, " to decimal", w), have: arrowOf("x", theirs(int32(h), 9, 2), true, values),
				want: null(col("x", ipc.Decimal(w, 9, 2))), read: read,
			}
			if w < h {
				c.err = fmt.Sprintf("no conversion without loss; make it decimal%d(9, 2)", h)
			}
			c.run(t)
		}
	}
	for _, c := range []fitCase{
		{name: "more digits", have: arrowOf("x", theirs(128, 9, 2), true, values), want: null(col("x", ipc.Decimal(128, 38, 2))), read: read},
		{name: "fewer digits", have: arrowOf("x", theirs(128, 9, 2), true, values), want: null(col("x", ipc.Decimal(128, 8, 2))), err: "make it decimal128(9, 2)"},
		{name: "another scale", have: arrowOf("x", theirs(128, 9, 2), true, values), want: null(col("x", ipc.Decimal(128, 38, 3))), err: "make it decimal128(9, 2)"},
		{name: "an integer", have: arrowOf("x", arrow.PrimitiveTypes.Int32, true, "[]"), want: null(col("x", ipc.Decimal(128, 38, 0))), err: "no conversion"},
	} {
		c.run(t)
	}
}

func TestFitFixedBinary(t *testing.T) {
	fixed := func(n int) arrow.DataType { return &arrow.FixedSizeBinaryType{ByteWidth: n} }
	three := null(col("x", ipc.FixedSizeBinary(3)))
	const values = `["YWJj", null, "ZGVm"]`
	for _, c := range []fitCase{
		{name: "itself", have: arrowOf("x", fixed(3), true, values), want: three, read: "abc null def"},
		{name: "another width", have: arrowOf("x", fixed(4), true, "[]"), want: three, err: "no conversion; make it [4]byte"},
		{name: "binary", have: arrowOf("x", arrow.BinaryTypes.Binary, true, values), want: three, read: "abc null def"},
		{name: "large binary", have: arrowOf("x", arrow.BinaryTypes.LargeBinary, true, values), want: three, read: "abc null def"},
		{name: "binary view", have: arrowOf("x", arrow.BinaryTypes.BinaryView, true, values), want: three, read: "abc null def"},
		{name: "a binary that is too long", have: arrowOf("x", arrow.BinaryTypes.Binary, true, `[null, "YWJj", "YWJjZA=="]`), want: three, err: "row 2: value does not fit the table's type exactly: 4 bytes, the table has 3 in each row"},
		{name: "text", have: arrowOf("x", arrow.BinaryTypes.String, true, "[]"), want: three, err: "no conversion"},
		{name: "to large", have: arrowOf("x", fixed(3), true, values), want: null(col("x", ipc.LargeBinary)), read: "abc null def"},
		{name: "to views", have: arrowOf("x", fixed(3), true, values), want: null(col("x", ipc.BinaryView)), read: "abc null def"},
		{name: "to a dictionary", have: arrowOf("x", fixed(3), true, values), want: dictionary(null(col("x", ipc.Binary)), ipc.Uint8), read: "abc null def"},
	} {
		c.run(t)
	}
	in := indexStream(t, ipc.Binary, ipc.Int16, []string{"abc", "def"}, 0, -1, 1)
	if got, err := fits(in, nil, three); err != nil || got[0] != "abc null def" {
		t.Errorf("a dictionary of bytes: %q, %v", got, err)
	}
}

// TestFitForms reads each layout of text and bytes as each other.
func TestFitForms(t *testing.T) {
	const long = "one that is longer than twelve"
	forms := []struct {
		ours, bytes ipc.Type
		text, bin   arrow.DataType
	}{
		{ipc.Utf8, ipc.Binary, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary},
		{ipc.LargeUtf8, ipc.LargeBinary, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.LargeBinary},
		{ipc.Utf8View, ipc.BinaryView, arrow.BinaryTypes.StringView, arrow.BinaryTypes.BinaryView},
	}
	for _, h := range forms {
		for _, w := range forms {
			for _, values := range []string{`["a", null, "` + long + `", "", "twelve bytes"]`, `[null]`, `[""]`} {
				want := strings.NewReplacer("[", "", "]", "", `"`, "", ",", "").Replace(values)
				c := fitCase{name: fmt.Sprint(h.text, " to ", w.ours), have: arrowOf("x", h.text, true, "[]", values), want: null(col("x", w.ours)), read: strings.TrimSpace(want)}
				c.run(t)
			}
			c := fitCase{name: fmt.Sprint(h.bin, " to ", w.bytes), have: arrowOf("x", h.bin, true, `["YQ==", null, "b25lIHRoYXQgaXMgbG9uZ2VyIHRoYW4gdHdlbHZl"]`), want: null(col("x", w.bytes)), read: "a null " + long}
			c.run(t)
			for _, i := range ints {
				in := indexStream(t, h.ours, i.ours, []string{"a", long}, 0, -1, 1)
				if got, err := fits(in, nil, null(col("x", w.ours))); err != nil || got[0] != "a null "+long {
					t.Errorf("dictionary<%v, %v> to %v: %q, %v", i.theirs, h.text, w.ours, got, err)
				}
				c := fitCase{name: fmt.Sprint(h.text, " to a dictionary by ", i.ours), have: arrowOf("x", h.text, true, `["a", null, "b", "a"]`), want: dictionary(null(col("x", ipc.Utf8)), i.ours), read: "a null b a"}
				c.run(t)
			}
		}
	}
}

// TestFitIntDictionaries reads dictionaries of integers by each index as by each other, and plain ones.
func TestFitIntDictionaries(t *testing.T) {
	for _, h := range ints {
		in := indexStream(t, ipc.Int64, h.ours, []string{"\x05\x00\x00\x00\x00\x00\x00\x00", "\xf9\xff\xff\xff\xff\xff\xff\xff"}, 0, -1, 1, 0)
		for _, w := range ints {
			if got, err := fits(in, nil, dictionary(null(col("x", ipc.Int64)), w.ours)); err != nil || got[0] != "5 null -7 5" {
				t.Errorf("by %v to by %v: %q, %v", h.ours, w.ours, got, err)
			}
		}
		if got, err := fits(in, nil, null(col("x", ipc.Int64))); err != nil || got[0] != "5 null -7 5" {
			t.Errorf("by %v to int64: %q, %v", h.ours, got, err)
		}
		for _, want := range []rt.Column{null(col("x", ipc.Int16)), dictionary(null(col("x", ipc.Int16)), ipc.Int8), dictionary(null(col("x", ipc.Utf8)), ipc.Int8)} {
			if _, err := fits(in, nil, want); err == nil || !strings.Contains(err.Error(), "no conversion") {
				t.Errorf("to %v: %v", &want, err)
			}
		}
		c := fitCase{name: "plain", have: arrowOf("x", arrow.PrimitiveTypes.Int16, true, "[1, null, -1, 1]"), want: dictionary(null(col("x", ipc.Int16)), h.ours), read: "1 null -1 1"}
		c.run(t)
	}
}

// A column of nothing but nulls is that of any type, if it is nullable.
func TestFitNothing(t *testing.T) {
	for _, want := range []ipc.Type{
		ipc.Null, ipc.Bool, ipc.Int64, ipc.Float16, ipc.Utf8, ipc.LargeUtf8, ipc.Utf8View, ipc.Binary, ipc.Date32, ipc.FixedSizeBinary(3),
		ipc.Decimal(256, 76, 0), ipc.Time32(column.Second), ipc.Duration(column.Second), ipc.Timestamp(column.Second, "UTC"),
	} {
		c := fitCase{name: want.String(), have: arrowOf("x", arrow.Null, true, "[null, null]"), want: null(col("x", want)), read: "null null"}
		c.run(t)
		if got, err := fits(arrowStream(t, arrowOf("y", arrow.Null, true, "[null, null]")), nil, null(col("x", want)), null(col("y", ipc.Null))); err != nil || got[0] != "null null" {
			t.Errorf("absent %v: %q, %v", want, got, err)
		}
	}
	c := fitCase{name: "a dictionary", have: arrowOf("x", arrow.Null, true, "[null, null]"), want: dictionary(null(col("x", ipc.Utf8)), ipc.Uint8), read: "null null"}
	c.run(t)
	c = fitCase{name: "not null", have: arrowOf("x", arrow.Null, true, "[null]"), want: col("x", ipc.Int8), err: "the stream has nothing but nulls; make it nullable"}
	c.run(t)
	c = fitCase{name: "values to nothing", have: arrowOf("x", arrow.PrimitiveTypes.Int8, true, "[1]"), want: null(col("x", ipc.Null)), err: "no conversion"}
	c.run(t)
}

// TestFitNullsOfTypes meets nulls in columns that are not nullable.
func TestFitNullsOfTypes(t *testing.T) {
	for _, c := range []struct {
		have arrow.DataType
		json string
		want ipc.Type
		zero string
	}{
		{arrow.FixedWidthTypes.Date32, `["2020-02-29", null]`, ipc.Date32, "2020-02-29 null"}, // the zero time
		{arrow.FixedWidthTypes.Duration_s, `[1, null]`, ipc.Duration(column.Second), "1s 0s"},
		{arrow.FixedWidthTypes.Time64us, `[1, null]`, ipc.Time64(column.Microsecond), "1\u00b5s 0s"},
		{&arrow.Decimal128Type{Precision: 9, Scale: 1}, `["1.5", null]`, ipc.Decimal(128, 9, 1), "1.5 0.0"},
		{&arrow.FixedSizeBinaryType{ByteWidth: 3}, `["YWJj", null]`, ipc.FixedSizeBinary(3), "abc \x00\x00\x00"},
		{arrow.BinaryTypes.Binary, `["YWJj", null]`, ipc.FixedSizeBinary(3), "abc null"},
		{arrow.BinaryTypes.BinaryView, `["YWJj", null]`, ipc.FixedSizeBinary(3), "abc null"},
		{&arrow.FixedSizeBinaryType{ByteWidth: 3}, `["YWJj", null]`, ipc.BinaryView, "abc null"},
		{arrow.BinaryTypes.LargeString, `["abc", null, "d"]`, ipc.LargeUtf8, "abc null d"},
		{arrow.BinaryTypes.StringView, `["abc", null, "d"]`, ipc.Utf8View, "abc null d"},
	} {
		in := arrowStream(t, arrowOf("x", c.have, true, c.json))
		want := col("x", c.want)
		var null *rt.NullError
		if _, err := fits(in, nil, want); !errors.As(err, &null) || null.Row != 1 || null.Column != "x" {
			t.Errorf("%v: %v, want a NullError", c.have, err)
		}
		if got, err := fits(in, &rt.ReaderOptions{Nulls: rt.ZeroNulls}, want); err != nil || got[0] != c.zero {
			t.Errorf("%v: %q, %v; want %q", c.have, got, err, c.zero)
		}
	}
}

// TestNames reads names as the numbers that have them.
func TestNames(t *testing.T) {
	want := dictionary(null(col("x", ipc.Utf8)), ipc.Int8)
	want.Names = rt.NamesOf(feed.ParseMood)
	for _, c := range []fitCase{
		{name: "plain text", have: arrowOf("x", arrow.BinaryTypes.String, true, `["happy", null, "calm"]`, `["angry", "calm"]`), want: want, read: "happy null calm angry calm"},
		{name: "an unknown name", have: arrowOf("x", arrow.BinaryTypes.String, true, `["happy", "glad"]`), want: want, err: `column "x", row 1: unknown name: "glad" is none of feed.Mood; generate the table`},
		{name: "numbers", have: arrowOf("x", arrow.PrimitiveTypes.Int8, true, `[1]`), want: want, err: "no conversion"},
	} {
		c.run(t)
	}
	in := indexStream(t, ipc.Utf8, ipc.Int32, []string{"calm", "happy", "angry"}, 1, -1, 2)
	if got, err := fits(in, nil, want); err != nil || got[0] != "happy null angry" {
		t.Errorf("a dictionary: %q, %v", got, err)
	}
	if _, err := fits(arrowStream(t, arrowOf("x", arrow.BinaryTypes.String, true, `["glad"]`)), nil, want); !errors.Is(err, rt.ErrUnknownName) {
		t.Errorf("%v is no ErrUnknownName", err)
	}
	// A name that no row has does no harm.
	in = indexStream(t, ipc.Utf8, ipc.Int8, []string{"glad", "calm"}, 1, 1)
	if got, err := fits(in, nil, want); err != nil || got[0] != "calm calm" {
		t.Errorf("a name that no row has: %q, %v", got, err)
	}
}

// Spans that a time.Duration cannot hold are cut, and seen as they are.
func TestLongDurations(t *testing.T) {
	in := arrowStream(t, arrowOf("x", arrow.FixedWidthTypes.Duration_s, true, "[9223372036854775807, -9223372036854775807]"))
	b, err := openBag(in, nil, null(col("x", ipc.Duration(column.Second)))).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := rt.Durations(b.h, 0, column.Second)
	if v.At(0) != time.Duration(1<<63-1) || v.At(1) != time.Duration(-1<<63) || v.Raw(0) != 1<<63-1 {
		t.Errorf("%v, %v, %d", v.At(0), v.At(1), v.Raw(0))
	}
}

// indexStream has one column of a dictionary; index -1 is a null.
func indexStream(t *testing.T, typ, index ipc.Type, values []string, indices ...int) []byte {
	t.Helper()
	d := column.Data{Len: len(indices), Dictionary: column.NewDictionary(0)}
	for _, v := range values {
		d.Dictionary.Append(v, false)
	}
	d.Values = d.Dictionary.Values()
	d.Buffers[0] = make([]byte, (d.Len+7)/8)
	for i, x := range indices {
		if x < 0 {
			d.Nulls++
			x = 0
		} else {
			d.Buffers[0][i/8] |= 1 << (i % 8)
		}
		d.Buffers[1] = append(d.Buffers[1], binary.LittleEndian.AppendUint64(nil, uint64(x))[:index.Bits/8]...)
	}
	c := dictionary(null(col("x", typ)), index)
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, &ipc.Schema{Fields: []ipc.Field{c.Field}}, nil)
	if err := errors.Join(w.Write(t.Context(), d.Len, []column.Data{d}), w.Close()); err != nil {
		t.Fatal(err)
	}
	return stream.Bytes()
}
