package text

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// fieldTexts are texts on both sides of what the loops over fields read themselves.
var fieldTexts = bytes.Split([]byte(`0|-0|+1|7|-7|12345678|-12345678|123456789|99999999999999999|1234567890123456|12345678901234567|9223372036854775807|9223372036854775808|`+
	`-9223372036854775808|-9223372036854775809|18446744073709551615|18446744073709551616|00000000000000000000000001|127|128|-128|-129|255|256|65535|65536|2147483648|`+
	`1.5|-1.5|0.1|.5|5.|-|+|--1|1-|1e3|1E-3|1.25e+2|0.6697967132597208|0.06697967132597208|0.006697967132597208|0.0006697967132597208|123456789.987654321|9007199254740993|`+
	`9007199254740992.5|0.30000000000000004|1.7976931348623157e308|4.9e-324|2e308|NaN|-Infinity|inf|nan|1.2.3|12a|1 |a|0x10|1_000|123:|1/2|1.2345678:|`+
	"true\x00|false\x00|fals\x00|tru\x00|"+
	`true|false|TRUE|False|1|tru|truex|falsey|fals|t|f|`+
	`2026-11-28|2026-11-28T01:02:03|2026-11-28T01:02:03Z|2026-11-28 01:02:03|2026-11-28t01:02:03|2026-11-28T01:02:03.5|2026-11-28T01:02:03.5Z|2026-11-28T01:02:03.123456|`+
	`2026-11-28T01:02:03.123456Z|2026-11-28T01:02:03.12345678|2026-11-28T01:02:03.123456789|2026-11-28T01:02:03.123456789Z|2026-11-28T01:02:03.1234567890|2026-11-28T01:02:03.|`+
	`2026-11-28T01:02:03.Z|2026-02-29T00:00:00|2024-02-29T00:00:00|2024-02-30T00:00:00|2026-13-01T00:00:00|2026-00-01T00:00:00|2026-01-00T00:00:00|2026-01-32T00:00:00|`+
	`2026-11-28T24:00:00|2026-11-28T23:60:00|2026-11-28T23:59:60|2026-11-28T01:02:03+01:00|2026-11-28T01:02|0001-01-01T00:00:00|9999-12-31T23:59:59.999999|1677-09-21T00:12:43|`+
	`1677-09-21T00:12:43.145224192|2262-04-11T23:47:16.854775807|2262-04-11T23:47:17|1969-12-31T23:59:59.999999|2026-1:-28T01:02:03|2026-11-28T01:02:0:|2026/11/28T01:02:03|`+
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00:00|"+
	`-0001-01-01T00:00:00|word|a word of more than sixteen bytes|a text of far more bytes than what is copied at once, whatever it is|é`), []byte("|"))

// TestFields wants the loops over the fields of a column to add and refuse what reading them one by one does.
func TestFields(t *testing.T) {
	field := func(kind ipc.Kind, set func(t *ipc.Type)) *ipc.Field {
		f := &ipc.Field{Name: "c", Nullable: true, Type: ipc.Type{Kind: kind}}
		set(&f.Type)
		return f
	}
	var fields []*ipc.Field
	for _, bits := range []int{8, 16, 32, 64} {
		for _, signed := range []bool{true, false} {
			fields = append(fields, field(ipc.KindInt, func(t *ipc.Type) { t.Bits, t.Signed = bits, signed }))
		}
	}
	for _, bits := range []int{32, 64} {
		fields = append(fields, field(ipc.KindFloat, func(t *ipc.Type) { t.Bits = bits }))
	}
	for _, unit := range []column.Unit{column.Second, column.Millisecond, column.Microsecond, column.Nanosecond} {
		for _, zone := range []string{"", "UTC"} {
			fields = append(fields, field(ipc.KindTimestamp, func(t *ipc.Type) { t.Unit, t.Zone = unit, zone }))
		}
	}
	for _, kind := range []ipc.Kind{ipc.KindBool, ipc.KindUtf8, ipc.KindLargeUtf8, ipc.KindUtf8View} {
		fields = append(fields, field(kind, func(*ipc.Type) {}))
	}
	of := func(f *ipc.Field) *Column {
		c, err := ColumnOf(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	r := rand.New(rand.NewPCG(1, 2))
	read := map[bool]int{}
	for _, f := range fields {
		bulk, single := of(f), of(f)
		for round := range 300 {
			bulk.Builder().Reset()
			single.Builder().Reset()
			// Two columns side by side, of which the second is read; some fields are empty, in quotes, or missing.
			var data []byte
			var spans []Span
			rows := 1 + r.IntN(20)
			put := func(s []byte, mark uint32) {
				spans = append(spans, Span{uint32(len(data)) | mark, uint32(len(data) + len(s))})
				data = append(append(data, s...), ',')
			}
			for range rows {
				put([]byte("other")[:r.IntN(6)], 0)
				switch r.IntN(8) {
				case 0:
					put(nil, 0)
				case 1:
					put(nil, Quoted)
				case 2:
					spans = append(spans, Missing)
				default:
					put(fieldTexts[r.IntN(len(fieldTexts))], 0)
				}
			}
			if round%2 == 0 {
				data = data[: len(data)-1 : len(data)-1] // nothing behind the last field
			}
			var places []uint32
			for _, s := range spans {
				places = append(places, s.Start-1, s.End)
			}
			in := Fields{data, places, 2, 4, rows}
			for i := 0; i < rows; i++ {
				next, err := bulk.AppendFields(&in, i)
				if next < i || next > rows {
					t.Fatalf("%s: row %d after %d of %d", f.TypeString(), next, i, rows)
				}
				for ; i < next; i++ {
					read[true]++
					s := in.text(i)
					var err error
					if len(s) == 0 && (!single.Empty() || spans[2*i+1].Start&Quoted == 0 || spans[2*i+1] == Missing) {
						err = single.AppendNull()
					} else {
						err = single.AppendText(s)
					}
					if err != nil {
						t.Fatalf("%s: %q was read, one by one it is %v", f.TypeString(), s, err)
					}
				}
				if i == rows {
					break
				}
				s := in.text(i)
				if len(s) == 0 {
					continue // for the caller
				}
				read[false]++
				from := single.Builder().Len()
				if single.AppendText(s) == nil {
					t.Fatalf("%s: %q was not read (%v), one by one it is", f.TypeString(), s, err)
				}
				single.Builder().Truncate(from)
				bulk.Builder().Truncate(from)
			}
			a, b := bulk.Builder().Data(), single.Builder().Data()
			if a.Len != b.Len || a.Nulls != b.Nulls {
				t.Fatalf("%s of %q: %d rows with %d nulls, want %d with %d", f.TypeString(), data, a.Len, a.Nulls, b.Len, b.Nulls)
			}
			for i := range a.Buffers {
				if !bytes.Equal(a.Buffers[i], b.Buffers[i]) {
					t.Fatalf("%s of %q: buffer %d is\n%x, want\n%x", f.TypeString(), data, i, a.Buffers[i], b.Buffers[i])
				}
			}
		}
	}
	if read[true] < 1000 || read[false] < 1000 {
		t.Errorf("read and refused: %v", read)
	}
}

// TestDictFields wants the indices that looking up each text gives, of dictionaries with few values and with more than are kept, and of one
// in the place of another.
func TestDictFields(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f := &ipc.Field{Name: "c", Nullable: true, Type: ipc.Utf8, Dictionary: &ipc.DictionaryEncoding{Index: ipc.Int32}}
	var bulk, single column.DictBuilder[int32]
	for _, b := range []*column.DictBuilder[int32]{&bulk, &single} {
		b.Init(column.Config{Name: "c", Nullable: true})
	}
	c := Dict(&bulk)
	c.Bind(f, nil)
	for _, values := range []int{1, 3, 300, 1000, 20_000} {
		bulk.ResetDictionary()
		single.ResetDictionary()
		for range 40 {
			var data []byte
			places := []uint32{^uint32(0)}
			const rows = 500
			for range rows {
				n := r.IntN(values)
				s := fmt.Sprintf("%s%d", "category-and-more"[:n%17], n)
				if r.IntN(8) == 0 {
					s = ""
				}
				single.AppendNullable(s, s != "")
				data = append(append(data, s...), ',')
				places = append(places, uint32(len(data)-1))
			}
			in := Fields{Data: append(data, "behind the last field"...), Places: places, Step: 1, Rows: rows}
			for i := 0; i < rows; i++ {
				var err error
				if i, err = c.AppendFields(&in, i); err != nil {
					t.Fatal(err)
				}
				if i < rows {
					if err := c.AppendText(in.text(i)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		a, b := bulk.Data(), single.Data()
		if a.Len != b.Len || !bytes.Equal(a.Buffers[0], b.Buffers[0]) || !bytes.Equal(a.Buffers[1], b.Buffers[1]) || !slices.Equal(a.Values.Strings(), b.Values.Strings()) {
			t.Fatalf("%d values: %d rows with %d nulls and %d values, want %d with %d and %d, or others", values, a.Len, a.Nulls, a.Values.Len(), b.Len, b.Nulls, b.Values.Len())
		}
		bulk.Reset()
		single.Reset()
	}
}
