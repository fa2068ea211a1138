package peers

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// A cell is a value as both sides write it: nil, a bool, a json.Number or a string. See cells.py.
type cell any

// batch is the cells of a batch, column by column.
type batch struct {
	Rows    int      `json:"rows"`
	Columns [][]cell `json:"columns"`
}

const nan = "nan"

func intCell(v int64) cell   { return json.Number(strconv.FormatInt(v, 10)) }
func uintCell(v uint64) cell { return json.Number(strconv.FormatUint(v, 10)) }

func float64Cell(v float64) cell {
	if v != v {
		return nan
	}
	return fmt.Sprintf("%016x", math.Float64bits(v))
}

func float32Cell(v float32) cell {
	if v != v {
		return nan
	}
	return fmt.Sprintf("%08x", math.Float32bits(v))
}

// floatOf returns the value of a cell of the given number of bits.
func floatOf(c cell, bits int) float64 {
	text := c.(string)
	if text == nan {
		return math.NaN()
	}
	n, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		panic(err)
	}
	if bits == 32 {
		return float64(math.Float32frombits(uint32(n)))
	}
	return math.Float64frombits(n)
}

// timeCell returns a time in units since 1970. All times are in UTC, also those of columns without a zone.
func timeCell(t time.Time, unit column.Unit) cell {
	if t.Location() != time.UTC {
		panic(fmt.Sprintf("%v is not in UTC", t))
	}
	return intCell(t.Unix()*int64(unit) + int64(t.Nanosecond())/int64(column.Nanosecond/unit))
}

// cellOf returns the cell of a field of a row.
func cellOf(v reflect.Value, f *ipc.Field) cell {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return cellOf(v.Elem(), f)
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return timeCell(t, f.Type.Unit)
		}
		if !v.FieldByName("Valid").Bool() { // rt.Null
			return nil
		}
		return cellOf(v.FieldByName("V"), f)
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		return hex.EncodeToString(v.Bytes())
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return v.String()
	case reflect.Float32:
		return float32Cell(float32(v.Float()))
	case reflect.Float64:
		return float64Cell(v.Float())
	}
	if v.CanUint() {
		return uintCell(v.Uint())
	}
	return intCell(v.Int())
}

// setCell sets a field of a row.
func setCell(v reflect.Value, f *ipc.Field, c cell) {
	if v.Kind() == reflect.Pointer {
		if v.SetZero(); c != nil {
			v.Set(reflect.New(v.Type().Elem()))
			setCell(v.Elem(), f, c)
		}
		return
	}
	if c == nil {
		v.SetZero()
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(f.Type.Unit.Time(number(c))))
			return
		}
		v.FieldByName("Valid").SetBool(true)
		setCell(v.FieldByName("V"), f, c)
	case reflect.Slice:
		b, err := hex.DecodeString(c.(string))
		if err != nil {
			panic(err)
		}
		v.SetBytes(b)
	case reflect.Bool:
		v.SetBool(c.(bool))
	case reflect.String:
		v.SetString(c.(string))
	case reflect.Float32:
		v.SetFloat(floatOf(c, 32))
	case reflect.Float64:
		v.SetFloat(floatOf(c, 64))
	default:
		if v.CanUint() {
			n, err := strconv.ParseUint(string(c.(json.Number)), 10, 64)
			if err != nil {
				panic(err)
			}
			v.SetUint(n)
			return
		}
		v.SetInt(number(c))
	}
}

func number(c cell) int64 {
	n, err := c.(json.Number).Int64()
	if err != nil {
		panic(err)
	}
	return n
}

// texts are strings that something could go wrong with: empty, of the lengths at which views change their form, with the
// characters that other formats end at, outside ASCII.
var texts = []string{
	"", "a", "naïve 東京 🚕", "nul\x00inside", "\x00", "twelve bytes", "thirteen byte", "\"quoted\\\"\n\t", " blank ", "null", "NaN",
	"日本語のとても長い文字列は十二バイトより長い", strings.Repeat("long ", 60),
}

var blobs = []string{"", "00", "ff", "fffe00", "000000000000000000000000", "00000000000000000000000001", hex.EncodeToString([]byte("text")), strings.Repeat("80", 200)}

// edges returns values of a type that something could go wrong with.
func edges(t ipc.Type) (cells []cell) {
	ints := func(values ...int64) {
		for _, v := range values {
			cells = append(cells, intCell(v))
		}
	}
	switch t.Kind {
	case ipc.KindBool:
		return []cell{true, false}
	case ipc.KindInt:
		if t.Signed {
			ints(0, 1, -1, -1<<(t.Bits-1), 1<<(t.Bits-1)-1, 42)
			return cells
		}
		most := ^uint64(0) >> (64 - t.Bits)
		for _, v := range []uint64{0, 1, most, most/2 + 1, most / 2, 42} {
			cells = append(cells, uintCell(v))
		}
	case ipc.KindFloat:
		if t.Bits == 16 { // as bits: 0, -0, 1, the least, the largest, infinities
			return []cell{"0000", "8000", "3c00", "0001", "83ff", "7bff", "fbff", "7c00", "fc00", nan, "3555"}
		}
		for _, v := range []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, math.Pi, math.Inf(1), math.Inf(-1), math.NaN()} {
			if t.Bits == 32 {
				cells = append(cells, float32Cell(float32(v)))
			} else {
				cells = append(cells, float64Cell(v))
			}
		}
		if t.Bits == 32 {
			return append(cells, float32Cell(math.MaxFloat32), float32Cell(-math.SmallestNonzeroFloat32))
		}
		return append(cells, float64Cell(math.MaxFloat64), float64Cell(-math.SmallestNonzeroFloat64))
	case ipc.KindTimestamp:
		ints(0, 1, -1)
		if t.Unit == column.Nanosecond {
			ints(math.MaxInt64, math.MinInt64, 1_710_000_000_123_456_789)
			return cells
		}
		u := int64(t.Unit)
		ints(-62135596800*u, 253402300800*u-1, 1_710_000_000*u+u/3) // the years 1 to 9999
	case ipc.KindFixedSizeBinary:
		for _, b := range []string{"00", "ff", "41"} {
			cells = append(cells, strings.Repeat(b, t.Width))
		}
	default:
		from := texts
		if t.IsBinary() {
			from = blobs
		}
		for _, s := range from {
			cells = append(cells, s)
		}
	}
	return cells
}

// differ tells where two lists of batches differ, "" where they do not.
func differ(got, want []batch, names []string) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d batches, want %d", len(got), len(want))
	}
	for b := range want {
		if got[b].Rows != want[b].Rows || len(got[b].Columns) != len(want[b].Columns) {
			return fmt.Sprintf("batch %d: %d rows in %d columns, want %d in %d", b, got[b].Rows, len(got[b].Columns), want[b].Rows, len(want[b].Columns))
		}
		for c, w := range want[b].Columns {
			g := got[b].Columns[c]
			if len(g) != len(w) {
				return fmt.Sprintf("batch %d, column %q: %d cells, want %d", b, names[c], len(g), len(w))
			}
			for row := range w {
				if g[row] != w[row] {
					return fmt.Sprintf("batch %d, column %q, row %d: %q, want %q", b, names[c], row, fmt.Sprint(g[row]), fmt.Sprint(w[row]))
				}
			}
		}
	}
	return ""
}

// merge makes one batch of all; of none, one without rows.
func merge(batches []batch, columns int) []batch {
	all := batch{Columns: make([][]cell, columns)}
	for _, b := range batches {
		all.Rows += b.Rows
		for i, c := range b.Columns {
			all.Columns[i] = append(all.Columns[i], c...)
		}
	}
	return []batch{all}
}
