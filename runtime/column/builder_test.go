package column

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

// cellText is a row as text, "" for a null; a valid row is never "".
type cellText = string

// filler is a builder as the test drives it: values are made of a number, and read back from what is sent.
type filler struct {
	b      Builder
	value  func(x int) cellText
	add    func(x int)
	null   func()
	extend func(x []int) // nil where there is no such method
	read   func(d *Data, i int) cellText
}

func number(x int) cellText { return fmt.Sprint(x) }

// text returns a string of any length around those at which copying changes.
func text(x int) string {
	s := fmt.Sprint(x, strings.Repeat("-", x%37))
	return s[:min(len(s), 1+x%40)]
}

func texts(x []int) []string {
	v := make([]string, len(x))
	for i := range v {
		v[i] = text(x[i])
	}
	return v
}

func fillers() map[string]func() *filler {
	nullable := Config{Name: "c", Nullable: true, Unit: Microsecond, Zoned: true}
	return map[string]func() *filler{
		"fixed": func() *filler {
			b := new(FixedBuilder[int32])
			b.Init(nullable)
			return &filler{
				b: b, value: number, add: func(x int) { b.Append(int32(x)) }, null: b.AppendNull,
				extend: func(x []int) {
					for i, v := range b.Extend(len(x)) {
						if v != 0 {
							panic("a row that is not zero")
						}
						b.Values()[len(b.Values())-len(x)+i] = int32(x[i])
					}
				},
				read: func(d *Data, i int) cellText { return number(int(NullableOf[int32](d).At(i))) },
			}
		},
		"bool": func() *filler {
			b := new(BoolBuilder)
			b.Init(nullable)
			return &filler{
				b: b, value: func(x int) cellText { return fmt.Sprint(x%3 == 0) },
				add: func(x int) { b.Append(x%3 == 0) }, null: b.AppendNull,
				extend: func(x []int) {
					v := make([]bool, len(x))
					for i := range v {
						v[i] = x[i]%3 == 0
					}
					b.AppendAll(v)
				},
				read: func(d *Data, i int) cellText { return fmt.Sprint(BoolsOf(d).At(i)) },
			}
		},
		"timestamp": func() *filler {
			b := new(TimestampBuilder)
			b.Init(nullable)
			at := func(x int) time.Time { return time.UnixMicro(int64(x) * 1_234_567).UTC() }
			return &filler{
				b: b, value: func(x int) cellText { return at(x).String() }, add: func(x int) { b.Append(at(x)) }, null: b.AppendNull,
				read: func(d *Data, i int) cellText { return TimestampsOf(d, Microsecond).At(i).String() },
			}
		},
		"text": func() *filler {
			b := new(TextBuilder)
			b.Init(nullable)
			return &filler{
				b: b, value: text, add: func(x int) { b.Append(text(x)) }, null: b.AppendNull,
				extend: func(x []int) { b.AppendAll(texts(x)) },
				read:   func(d *Data, i int) cellText { return TextsOf(d).At(i) },
			}
		},
		"dictionary": func() *filler {
			b := new(DictBuilder[int16])
			b.Init(nullable)
			return &filler{
				b: b, value: text, add: func(x int) { b.Append(text(x)) }, null: b.AppendNull,
				extend: func(x []int) { b.AppendAll(texts(x)) },
				read:   func(d *Data, i int) cellText { return DictOf[int16](d).At(i) },
			}
		},
	}
}

// Whatever is done to a builder, what it sends are the rows that were added and not cut off, padded with zeros.
func TestBuildersAgainstSlices(t *testing.T) {
	for name, make := range fillers() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				f, r := make(), rand.New(rand.NewPCG(seed, 7))
				var want []cellText
				nulls := []int{0, 2, 10, 50}[seed%4] // one row in so many, and 0 is none
				add := func() {
					if nulls > 0 && r.IntN(nulls) == 0 {
						f.null()
						want = append(want, "")
						return
					}
					x := r.IntN(2000)
					f.add(x)
					want = append(want, f.value(x))
				}
				for range 40 {
					switch op := r.IntN(20); {
					case op == 0:
						f.b.Reset()
						want = want[:0]
					case op < 4:
						n := r.IntN(len(want) + 1)
						f.b.Truncate(n)
						want = want[:n]
					case op < 8 && f.extend != nil:
						x := numbers(r)
						f.extend(x)
						for _, x := range x {
							want = append(want, f.value(x))
						}
					case op < 10:
						check(t, f, want)
					default:
						for range r.IntN(100) {
							add()
						}
					}
				}
				check(t, f, want)
			}
		})
	}
}

func numbers(r *rand.Rand) []int {
	x := make([]int, r.IntN(70))
	for i := range x {
		x[i] = r.IntN(2000)
	}
	return x
}

func check(t *testing.T, f *filler, want []cellText) {
	t.Helper()
	d := f.b.Data()
	if err := f.b.Err(); err != nil {
		t.Fatal(err)
	}
	nulls := 0
	for _, w := range want {
		if w == "" {
			nulls++
		}
	}
	if f.b.Len() != len(want) || d.Len != len(want) || d.Nulls != nulls {
		t.Fatalf("%d rows, %d in the data, %d nulls, want %d with %d nulls", f.b.Len(), d.Len, d.Nulls, len(want), nulls)
	}
	if (d.Buffers[0] != nil) != (nulls != 0) {
		t.Fatalf("%d nulls and %d bytes of validity", nulls, len(d.Buffers[0]))
	}
	if nulls != 0 && len(d.Buffers[0]) != (len(want)+7)/8 {
		t.Fatalf("%d bytes of validity for %d rows", len(d.Buffers[0]), len(want))
	}
	for i, w := range want {
		if d.IsNull(i) != (w == "") {
			t.Fatalf("row %d: null is %v, want %q", i, d.IsNull(i), w)
		}
		if w != "" && f.read(&d, i) != w {
			t.Fatalf("row %d: %q, want %q", i, f.read(&d, i), w)
		}
	}
	for k, b := range d.Buffers {
		if !d.Padded || cap(b) < mem.Pad(len(b)) {
			t.Fatalf("buffer %d of %d bytes has room for %d", k, len(b), cap(b))
		}
		if tail := b[len(b):mem.Pad(len(b))]; len(bytes.Trim(tail, "\x00")) != 0 {
			t.Fatalf("buffer %d ends in %x", k, tail)
		}
		bits := k == 0 || k == 1 && fmt.Sprintf("%T", f.b) == "*column.BoolBuilder"
		if n := len(want) & 7; bits && n != 0 && len(b) != 0 && b[len(b)-1]>>n != 0 {
			t.Fatalf("bits behind row %d are set: %08b", len(want), b[len(b)-1])
		}
	}
}

// A null in a column that is not nullable is an error until the row is cut off, and no null.
func TestNotNullable(t *testing.T) {
	var b FixedBuilder[int64]
	b.Init(Config{Name: "c"})
	b.Append(1)
	b.AppendNull()
	b.Append(2)
	var e *ValueError
	if err := b.Err(); !errors.As(err, &e) || e.Row != 1 || !errors.Is(err, ErrNotNullable) {
		t.Fatalf("got %v", err)
	}
	if d := b.Data(); d.Nulls != 0 || d.Buffers[0] != nil {
		t.Fatalf("%d nulls", d.Nulls)
	}
	b.Truncate(1)
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
}

// Text of every short length lies where it belongs, whatever was there before.
func TestTextLengths(t *testing.T) {
	long := strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 2)
	var b TextBuilder
	b.Init(Config{Name: "c"})
	for range 2 { // the second time over the bytes of the first
		b.Reset()
		var want []string
		for n := range len(long) {
			for from := range min(5, len(long)-n) {
				want = append(want, long[from:from+n])
				b.Append(long[from : from+n])
			}
		}
		b.AppendAll(want)
		want = append(want, want...)
		d := b.Data()
		c := TextsOf(&d)
		for i, w := range want {
			if got := c.At(i); got != w {
				t.Fatalf("row %d: %q, want %q", i, got, w)
			}
		}
	}
}

// A builder that has its memory needs no more.
func TestBuildersDoNotAllocate(t *testing.T) {
	if !Native {
		t.Skip("columns are converted here")
	}
	config := Config{Name: "c", Nullable: true, Unit: Nanosecond, Zoned: true}
	var (
		fixed      FixedBuilder[float64]
		bools      BoolBuilder
		timestamp  TimestampBuilder
		text       TextBuilder
		binary     BinaryBuilder
		dictionary DictBuilder[uint8]
	)
	at := time.Now()
	builders := []Builder{&fixed, &bools, &timestamp, &text, &binary, &dictionary}
	for _, b := range builders {
		b.Init(config)
	}
	n := testing.AllocsPerRun(20, func() {
		for _, b := range builders {
			b.Reset()
		}
		for i := range 1000 {
			valid := i%10 != 3
			fixed.AppendNullable(1, valid)
			bools.AppendNullable(true, valid)
			timestamp.AppendNullable(at, valid)
			text.AppendNullable("some text, not all that short", valid)
			binary.AppendNullable([]byte("abc"), valid)
			dictionary.AppendNullable("def", valid)
		}
		for _, b := range builders {
			if d := b.Data(); d.Nulls != 100 || b.Err() != nil {
				t.Fatal(d.Nulls, b.Err())
			}
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestZeroBuilders uses builders that were not initialised. What they cannot do they say in words.
func TestZeroBuilders(t *testing.T) {
	for name, append := range map[string]func(){
		"timestamp":  func() { new(TimestampBuilder).Append(time.Now()) },
		"duration":   func() { new(DurationBuilder).Append(time.Second) },
		"time":       func() { new(Time32Builder).Append(time.Second) },
		"decimal":    func() { new(DecimalBuilder[Decimal64]).Append(1) },
		"dictionary": func() { new(DictBuilder[int32]).Append("a") },
	} {
		func() {
			defer func() {
				if r := recover(); r != unmade {
					t.Errorf("%s: %v", name, r)
				}
			}()
			append()
		}()
	}
}

// Rows below a null take no entry of a dictionary that has others, whichever row comes first; without others there is one that they
// refer to.
func TestDictBuilderBlank(t *testing.T) {
	var b DictBuilder[int8]
	b.Init(Config{Name: "s", MaxEntries: 2})
	for _, values := range [][]string{{"a", "b"}, {}} {
		b.ResetDictionary()
		b.AppendBlank(1)
		b.AppendAll(values)
		if err := b.Err(); err != nil {
			t.Fatal(err)
		}
		d := b.Data()
		if n := d.Values.Len(); n != max(len(values), 1) || CheckIndices(&d, 8, true) >= 0 {
			t.Errorf("%d values after %q, indices % x", n, values, d.Buffers[1])
		}
	}
}
