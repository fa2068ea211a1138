package value

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestPrintSlots wants each text in its slot to be what AppendValue prints, with its end, those of nulls to be empty, and only what is too long
// to be left out.
func TestPrintSlots(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const rows = 200
	words := func(width int) []byte { // values of each size, under nulls too
		b := make([]byte, rows*width)
		for i := range rows {
			var v uint64
			switch r.IntN(8) {
			case 0:
				v = math.Float64bits([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 5e-324, -math.MaxFloat64, 1e21, 1e-6, -1e-7}[r.IntN(10)])
			case 1:
				v = math.Float64bits((r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(40)-15)))
			case 2:
				v = math.Float64bits(r.Float64())
			case 3:
				v = uint64(1_700_000_000_000_000 + r.Int64N(1e12))
			default:
				v = r.Uint64() >> r.IntN(64)
			}
			if r.IntN(4) == 0 {
				v = -v
			}
			for k := range width {
				b[i*width+k] = byte(v >> (8 * k))
			}
		}
		return b
	}
	types := []ipc.Type{
		ipc.Int32, ipc.Int64, ipc.Float64, ipc.Bool, {Kind: ipc.KindDuration, Unit: column.Second},
	}
	for _, unit := range []column.Unit{column.Second, column.Millisecond, column.Microsecond, column.Nanosecond} {
		types = append(types, ipc.Type{Kind: ipc.KindTimestamp, Unit: unit}, ipc.Type{Kind: ipc.KindTimestamp, Unit: unit, Zone: "UTC"})
	}
	var s Slots
	printed, left := 0, 0
	for _, typ := range types {
		f := &ipc.Field{Name: "c", Type: typ, Nullable: true}
		p, single := PrinterOf(f), PrinterOf(f)
		for round := range 50 {
			width := max(1, ipc.ValueWidth(typ))
			d := &column.Data{Len: rows, Buffers: [3][]byte{1: words(width)}}
			if round%3 != 0 {
				d.Buffers[0] = words(1)[:(rows+7)/8]
			}
			from := 8 * r.IntN(rows/8)
			n := min(r.IntN(SlotRows+1), rows-from)
			valid := Valid(d, from, n)
			if !p.PrintSlots(&s, d, from, n, valid, ';') {
				t.Fatalf("%s is not printed", f.TypeString())
			}
			for j := range n {
				want := ";"
				if null := d.IsNull(from + j); null != (valid>>j&1 == 0) {
					t.Fatalf("row %d of %d: null %v", j, n, null)
				} else if !null {
					want = string(single.AppendValue(nil, d, from+j, false)) + ";"
				}
				if size := int(s.Size[j]); size == 0 {
					left++
					outside := typ.Kind == ipc.KindTimestamp && (!strings.Contains(want, "T") || want[0] == '-' || want[0] == '+') // of four digits of a year
					if !outside && !(typ.Kind == ipc.KindFloat && strings.ContainsAny(want, "NI")) {
						t.Fatalf("%s: %q was left out", f.TypeString(), want)
					}
				} else if got := string(s.At(j)[:size]); got != want {
					t.Fatalf("%s: row %d is %q, want %q", f.TypeString(), j, got, want)
				} else {
					printed++
				}
			}
		}
	}
	if printed < 10_000 || left < 100 {
		t.Errorf("%d texts were printed and %d left out", printed, left)
	}
	if p := PrinterOf(&ipc.Field{Type: ipc.Utf8}); p.PrintSlots(&s, &column.Data{}, 0, 0, 0, ',') {
		t.Error("texts are printed")
	}
}

// TestPrintEntries wants the value of a dictionary in each slot, whatever stands under nulls, and long ones to be left out.
func TestPrintEntries(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s Slots
	for _, index := range []ipc.Type{ipc.Int8, ipc.Uint16, ipc.Int32, ipc.Uint32, ipc.Int64} {
		for _, values := range []int{0, 1, 100} {
			p := PrinterOf(&ipc.Field{Type: ipc.Utf8, Dictionary: &ipc.DictionaryEncoding{Index: index}, Nullable: true})
			dictionary := column.NewDictionary(0)
			for i := range values {
				dictionary.Append(fmt.Sprint("v", i, strings.Repeat("x", i)), false)
			}
			const rows = 100
			width := index.Bits / 8
			d := &column.Data{Len: rows, Buffers: [3][]byte{make([]byte, (rows+7)/8), make([]byte, rows*width)}, Dictionary: dictionary, Values: dictionary.Values()}
			for i := range rows {
				for k := range width {
					d.Buffers[1][i*width+k] = 0xEE // of no value
				}
				if values > 0 && r.IntN(3) > 0 {
					d.Buffers[0][i/8] |= 1 << (i % 8)
					clear(d.Buffers[1][i*width : (i+1)*width])
					d.Buffers[1][i*width] = byte(r.IntN(values))
				}
			}
			var e Entries
			if !p.Entries(&e, d, rows, func(dst, text []byte) []byte { return append(dst, text...) }) {
				t.Fatal("no entries")
			}
			for from := 0; from < rows; from += SlotRows {
				n := min(rows-from, SlotRows)
				p.PrintEntries(&s, &e, d, from, n, Valid(d, from, n), ',')
				for j := range n {
					want := ","
					if !d.IsNull(from + j) {
						want = string(p.AppendText(nil, d, from+j)) + ","
					}
					if len(want) > SlotSize {
						want = ""
					}
					if got := string(s.At(j)[:s.Size[j]]); got != want {
						t.Fatalf("%v, %d values, row %d: %q, want %q", index, values, from+j, got, want)
					}
				}
			}
		}
	}
}
