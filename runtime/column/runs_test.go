package column_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
)

type textRuns = column.RunBuilder[int32, string, *column.TextBuilder]

func newTextRuns(c column.Config) *textRuns {
	b := column.RunBuilderOf[int32](new(column.TextBuilder), (*column.TextBuilder).Append, column.Same[string])
	c.Name = "venue"
	c.Children = []column.Config{{Name: "venue", Nullable: c.Nullable}}
	b.Init(c)
	return b
}

// viewRuns returns the rows of a builder of texts as its view has them.
func viewRuns(b *textRuns) column.Runs[string, column.Texts] {
	d := b.Data()
	return column.RunsOf(&d, 32, column.TextsOf(d.Child(1)))
}

// Each value of a run is stored once, and read at each of its rows.
func TestRuns(t *testing.T) {
	b := newTextRuns(column.Config{Nullable: true})
	want := []string{"a", "a", "null", "null", "b", "a", "a", "a"}
	for _, s := range want {
		if s == "null" {
			b.AppendNull()
		} else {
			b.Append(s)
		}
	}
	if b.Len() != 8 || b.NumRuns() != 4 {
		t.Fatalf("%d rows in %d runs", b.Len(), b.NumRuns())
	}
	check := func(v column.Runs[string, column.Texts], want []string) {
		t.Helper()
		if v.Len() != len(want) {
			t.Fatalf("%d rows, want %d", v.Len(), len(want))
		}
		n := 0
		for i, s := range v.All() {
			other, ok := v.Get(i)
			if null := want[i] == "null"; i != n || v.IsNull(i) != null || ok == null || other != s || s != v.At(i) || !null && s != want[i] {
				t.Errorf("row %d: %q, want %q", i, s, want[i])
			}
			n++
		}
		if n != len(want) {
			t.Errorf("All yields %d rows of %d", n, len(want))
		}
		runs, from := 0, 0
		for k, end := range v.Runs() {
			for i := from; i < end; i++ {
				if v.Find(i) != k {
					t.Errorf("row %d is in run %d, want %d", i, v.Find(i), k)
				}
			}
			runs, from = runs+1, end
		}
		if runs != v.NumRuns() || from != v.Len() {
			t.Errorf("%d runs up to row %d, want %d up to %d", runs, from, v.NumRuns(), v.Len())
		}
	}
	v := viewRuns(b)
	for from := range len(want) + 1 {
		for to := from; to <= len(want); to++ {
			check(v.Slice(from, to), want[from:to])
			if mid := from + (to-from)/2; mid < to {
				check(v.Slice(from, to).Slice(mid-from, to-from), want[mid:to])
			}
		}
	}
	for _, i := range []int{-1, 8} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("row %d of 8", i)
				}
			}()
			v.At(i)
		}()
	}
	for n := len(want); n >= 0; n-- {
		b.Truncate(n)
		check(viewRuns(b), want[:n])
		if n == 5 { // the middle of what was a run
			b.Append("b")
			check(viewRuns(b), append(slices.Clone(want[:5]), "b"))
			b.Truncate(5)
		}
	}
	b.Reset()
	b.AppendRun("x", 1000)
	b.AppendRun("x", 24)
	b.AppendRun("y", 0)
	if v := viewRuns(b); b.NumRuns() != 1 || v.Len() != 1024 || v.At(1023) != "x" {
		t.Errorf("%d runs of %d rows", b.NumRuns(), v.Len())
	}
}

// What a run is made of is the value, bit by bit, and never memory of the caller's.
func TestRunsOfValues(t *testing.T) {
	f := column.RunBuilderOf[int16](new(column.FixedBuilder[float64]), (*column.FixedBuilder[float64]).Append, column.SameFloat[float64])
	f.Init(column.Config{Children: []column.Config{{}}})
	f.AppendAll([]float64{0, 0, math.Copysign(0, -1), 1, 1})
	if f.NumRuns() != 3 {
		t.Errorf("0, -0 and 1 are %d runs", f.NumRuns())
	}
	raw := column.RunBuilderOf[int64](new(column.BinaryBuilder), (*column.BinaryBuilder).Append, column.SameBytes)
	raw.Init(column.Config{Nullable: true, Children: []column.Config{{Nullable: true}}})
	buf := []byte("ab")
	raw.Append(buf)
	buf[0] = 'x'
	raw.Append(buf)
	raw.AppendAll([][]byte{nil, nil, {}, []byte("xb")})
	d := raw.Data()
	v := column.RunsOf(&d, 64, column.BinariesOf(d.Child(1)))
	if raw.NumRuns() != 5 || string(v.At(0)) != "ab" || string(v.At(1)) != "xb" || !v.IsNull(3) || v.IsNull(4) || v.At(4) == nil {
		t.Errorf("%d runs: %q, %q, null %v, %v", raw.NumRuns(), v.At(0), v.At(1), v.IsNull(3), v.IsNull(4))
	}
}

// Errors name the column and the first row of the run.
func TestRunErrors(t *testing.T) {
	at := column.RunBuilderOf[int16](new(column.TimestampBuilder), (*column.TimestampBuilder).Append, column.Same[time.Time])
	at.Init(column.Config{Name: "at", Children: []column.Config{{Name: "at", Unit: column.Nanosecond, Zoned: true}}})
	at.AppendRun(time.Unix(1, 0), 3)
	at.AppendRun(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), 2)
	at.Append(time.Unix(2, 0))
	wantError := func(err error, row int, is error) {
		t.Helper()
		var e *column.ValueError
		if !errors.As(err, &e) || e.Row != row || !errors.Is(err, is) {
			t.Errorf("%v, want row %d: %v", err, row, is)
		}
	}
	wantError(at.Err(), 3, column.ErrTimeRange)
	at.Truncate(3)
	if err := at.Err(); err != nil {
		t.Error(err)
	}
	at.AppendPtr(nil)
	wantError(at.Err(), 3, column.ErrNotNullable)
	if at.Len() != 4 {
		t.Errorf("%d rows", at.Len())
	}
	at.Reset()
	at.AppendRun(time.Unix(1, 0), math.MaxInt16)
	if at.Err() != nil {
		t.Error(at.Err())
	}
	at.Append(time.Unix(1, 0))
	wantError(at.Err(), math.MaxInt16, column.ErrRunEnds)
	at.Reset()
	at.AppendRun(time.Unix(1, 0), -1)
	wantError(at.Err(), 0, column.ErrRunLength)
	if err := at.Err(); errors.Is(err, column.ErrRunEnds) || !strings.HasSuffix(err.Error(), ": -1; give one or more; 0 adds nothing") {
		t.Error(err)
	}
	at.Reset()
	at.AppendRun(time.Unix(1, 0), 2)
	at.EndRun(3) // without its value
	at.AppendBlank(1)
	wantError(at.Err(), 2, column.ErrUneven)
	at.Reset()
	at.AppendRun(time.Unix(1, 0), 2)
	at.Values().Append(time.Unix(2, 0)) // without its run
	wantError(at.Err(), 2, column.ErrUneven)
}

// TestRepeatRun fills runs from outside: only a run whose value was added there goes on, not one of rows below a null, whose value is
// whatever came first.
func TestRepeatRun(t *testing.T) {
	b := newTextRuns(column.Config{})
	b.AppendBlank(1)
	if b.RepeatRun(1) {
		t.Error("a row below a null is repeated")
	}
	b.Values().Append("a")
	b.EndRun(1)
	if !b.RepeatRun(2) {
		t.Error("a run that was ended is not repeated")
	}
	b.AppendBlank(1)
	b.Append("a")
	if b.RepeatRun(1) {
		t.Error("a row of Append is repeated")
	}
	c := viewRuns(b)
	if err := b.Err(); err != nil || b.Len() != 6 || b.NumRuns() != 3 {
		t.Fatalf("%d rows in %d runs: %v", b.Len(), b.NumRuns(), err)
	}
	for i, want := range []string{"", "a", "a", "a", "a", "a"} {
		if got := c.At(i); got != want {
			t.Errorf("row %d is %q, want %q", i, got, want)
		}
	}
	b.Reset()
	if b.RepeatRun(1) {
		t.Error("a row of another batch is repeated")
	}
}
