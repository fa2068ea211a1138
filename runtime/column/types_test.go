package column_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
)

func TestFloat16(t *testing.T) {
	// Every half goes to float32 and back; each float32 goes to the half that is nearest.
	for h := range 1 << 16 {
		f := column.Float16(h).Float32()
		got := column.Float16Of(f)
		if f != f {
			if got&0x7C00 != 0x7C00 || got&1023 == 0 {
				t.Fatalf("%#x, not a number, came back as %#x", h, got)
			}
			continue
		}
		if got != column.Float16(h) {
			t.Fatalf("%#x = %v came back as %#x", h, f, got)
		}
	}
	for h := range uint16(0x7BFF) { // between each and the next
		a, b := column.Float16(h).Float32(), column.Float16(h+1).Float32()
		mid := (a + b) / 2
		even := column.Float16(h + h&1)
		if got := column.Float16Of(mid); got != even {
			t.Fatalf("%v is between %#x and %#x and became %#x, want the even one", mid, h, h+1, got)
		}
		if got := column.Float16Of(math.Nextafter32(mid, a)); got != column.Float16(h) {
			t.Fatalf("below %v: %#x, want %#x", mid, got, h)
		}
		if got := column.Float16Of(-math.Nextafter32(mid, b)); got != column.Float16(h+1)|0x8000 {
			t.Fatalf("above %v: %#x, want %#x", mid, got, h+1)
		}
	}
	if got := column.Float16Of(65520); got != 0x7C00 {
		t.Fatalf("65520 became %#x, want infinity", got)
	}
}

func TestDates(t *testing.T) {
	for _, day := range []string{"1970-01-01", "1969-12-31", "2024-02-29", "0001-01-01", "1583-10-15", "9999-12-31"} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		d := column.DateOf(at.Add(23 * time.Hour))
		if d.String() != day || d.Time() != at {
			t.Errorf("%s became %v, %v", day, d, d.Time())
		}
		if m := column.DateMillis(at.UnixMilli() + 5); m.Date() != d || m.String() != day {
			t.Errorf("%s in milliseconds became %v", day, m.Date())
		}
	}
	for year, want := range map[int]column.Date{5_881_581: math.MaxInt32, 1e8: math.MaxInt32, -5_877_642: math.MinInt32, -1e8: math.MinInt32} {
		if got := column.DateOf(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("year %d: day %d, want %d", year, got, want)
		}
	}
}

// TestTimesOfDaySet fills columns of times of day in place. What is no time of day is noticed there too.
func TestTimesOfDaySet(t *testing.T) {
	const day = 24 * 60 * 60
	for _, v := range []int64{-1, 0, day*1e6 - 1, day * 1e6, math.MaxInt64} {
		var b column.DurationBuilder
		b.Init(column.Config{Name: "t", Unit: column.Microsecond, OfDay: true})
		b.Extend(3)[1] = v
		var at *column.ValueError
		if err := b.Err(); (err == nil) != (v >= 0 && v < day*1e6) || err != nil && (!errors.As(err, &at) || at.Row != 1 || !errors.Is(err, column.ErrTimeRange)) {
			t.Errorf("%d µs: %v", v, err)
		}
		if b.Reset(); b.Err() != nil {
			t.Errorf("after Reset: %v", b.Err())
		}
		var d column.DurationBuilder
		d.Init(column.Config{Name: "d", Unit: column.Microsecond})
		if d.Extend(1)[0] = v; d.Err() != nil {
			t.Errorf("a span of %d µs: %v", v, d.Err())
		}
	}
	for _, v := range []int32{-1, 0, day - 1, day} {
		var b column.Time32Builder
		b.Init(column.Config{Name: "t", Unit: column.Second, OfDay: true})
		b.Extend(1)
		b.Values()[0] = v
		if err := b.Err(); (err == nil) != (v >= 0 && v < day) {
			t.Errorf("%d s: %v", v, err)
		}
	}
}

func TestDecimals(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		v := new(big.Int)
		for range 1 + r.IntN(8) {
			v.Lsh(v, 32).Or(v, big.NewInt(int64(r.Uint32())))
		}
		if r.IntN(2) == 0 {
			v.Neg(v)
		}
		d, err := column.Decimal256Of(v)
		if fits := v.BitLen() < 256 || v.Cmp(new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 255))) == 0; fits != (err == nil) {
			t.Fatalf("%v: %v", v, err)
		}
		if err == nil && d.Big().Cmp(v) != 0 {
			t.Fatalf("%v became %v", v, d.Big())
		}
		e, err := column.Decimal128Of(v)
		if fits := v.BitLen() < 128; fits && (err != nil || e.Big().Cmp(v) != 0) {
			t.Fatalf("%v became %v, %v", v, e.Big(), err)
		}
	}
	for _, c := range []struct {
		v     int64
		scale int
		want  string
	}{{0, 0, "0"}, {0, 2, "0.00"}, {5, 2, "0.05"}, {-5, 2, "-0.05"}, {12345, 2, "123.45"}, {-12345, 0, "-12345"}, {12, -3, "12000"}, {0, -3, "0"}} {
		if got := column.Decimal128From(c.v).Text(c.scale); got != c.want {
			t.Errorf("%d with scale %d: %s, want %s", c.v, c.scale, got, c.want)
		}
		if got := column.Decimal256From(c.v).Text(c.scale); got != c.want {
			t.Errorf("%d with scale %d: %s, want %s", c.v, c.scale, got, c.want)
		}
	}
}

// TestDecimalPrecision puts the largest value of each precision, and the next, into a column.
func TestDecimalPrecision(t *testing.T) {
	for precision := 1; precision <= 76; precision++ {
		limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
		largest := new(big.Int).Sub(limit, big.NewInt(1))
		if precision <= 38 {
			try(t, precision, column.Decimal128Of, largest, limit)
		}
		try(t, precision, column.Decimal256Of, largest, limit)
		if precision <= 18 {
			of := func(v *big.Int) (column.Decimal64, error) { return column.Decimal64(v.Int64()), nil }
			try(t, precision, of, largest, limit)
		}
	}
}

func try[T column.Decimal](t *testing.T, precision int, of func(*big.Int) (T, error), largest, limit *big.Int) {
	t.Helper()
	for _, v := range []*big.Int{largest, limit} {
		for _, sign := range []int64{1, -1} {
			d, err := of(new(big.Int).Mul(v, big.NewInt(sign)))
			if err != nil {
				t.Fatal(err)
			}
			var b column.DecimalBuilder[T]
			b.Init(column.Config{Name: "d", Precision: precision})
			b.Append(d)
			if refused := b.Err() != nil; refused != (v == limit) {
				t.Fatalf("%v in a column of %d digits: %v", d.Text(0), precision, b.Err())
			}
		}
	}
}

// TestTruncateMaps cuts maps off, and fills the rows again. Keys and values stay as many.
func TestTruncateMaps(t *testing.T) {
	keys, values := new(column.TextBuilder), new(column.FixedBuilder[int64])
	b := column.MapOf(keys, (*column.TextBuilder).AppendAll, strings.Compare, values, (*column.FixedBuilder[int64]).AppendAll)
	b.Init(column.Config{Name: "m", Children: []column.Config{{Children: []column.Config{{Name: "key"}, {Name: "value"}}}}})
	b.AppendAll([]map[string]int64{{"a": 1}, {"b": 2, "c": 3}, {"d": 4, "e": 5, "f": 6}})
	for _, n := range []int{7, 3, 2, 1, 0} { // 7 are not there
		b.Truncate(n)
		b.Append(map[string]int64{"z": 9})
		n = min(n, 3)
		if err := b.Err(); err != nil || b.Len() != n+1 || keys.Len() != values.Len() || values.Values()[values.Len()-1] != 9 {
			t.Errorf("after %d rows: %v, %d rows, %d keys, %d values", n, err, b.Len(), keys.Len(), values.Len())
		}
		b.Truncate(n)
	}
}

// TestTruncateBeyond asks for more rows than there are. Nothing of an earlier use comes back.
func TestTruncateBeyond(t *testing.T) {
	text, fixed := new(column.TextViewBuilder), new(column.FixedBinaryBuilder)
	builders := map[string]column.Builder{
		"int64": new(column.FixedBuilder[int64]), "bool": new(column.BoolBuilder), "utf8": new(column.TextBuilder), "large": new(column.LargeTextBuilder),
		"view": text, "fixed": fixed, "null": new(column.NullBuilder), "dictionary": new(column.DictBuilder[int8]),
		"list":  column.ListOf(new(column.FixedBuilder[int8]), (*column.FixedBuilder[int8]).AppendAll),
		"array": column.FixedListOf(new(column.FixedBuilder[int8]), func(a *[2]int8) []int8 { return a[:] }, (*column.FixedBuilder[int8]).AppendAll),
	}
	for _, sparse := range []bool{false, true} {
		u := new(column.UnionBuilder)
		u.Members(0, new(column.FixedBuilder[int8]))
		builders[fmt.Sprint("union, sparse ", sparse)] = u
	}
	for name, b := range builders {
		b.Init(column.Config{Name: name, Nullable: true, Width: 2, Sparse: strings.HasSuffix(name, "true"), Children: []column.Config{{Name: "item"}}})
		b.AppendBlank(9)
		b.Reset()
		b.AppendBlank(2)
		b.Truncate(5)
		if d := b.Data(); b.Len() != 2 || d.Len != 2 || b.Err() != nil {
			t.Errorf("%s: %d rows, %d sent, %v", name, b.Len(), d.Len, b.Err())
		}
	}
}
