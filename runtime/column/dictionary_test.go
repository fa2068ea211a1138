package column

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Every string has one index, whatever its length and bytes.
func TestDictionaryAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	want := map[string]int{}
	d := NewDictionary(0)
	check := func(s string) {
		t.Helper()
		i, err := d.Index(s, 0)
		if err != nil {
			t.Fatal(err)
		}
		w, ok := want[s]
		if !ok {
			w = len(want)
			want[s] = w
		}
		if i != w || d.Values().At(i) != s {
			t.Fatalf("%q: index %d is %q, want index %d", s, i, d.Values().At(i), w)
		}
	}
	for n := range 40 { // zeros tell lengths apart
		check(strings.Repeat("\x00", n))
		check(strings.Repeat("\xff", n))
	}
	for n := 1; n < 12; n++ {
		for i := range n { // one byte that differs
			b := []byte(strings.Repeat("a", n))
			for c := range 256 {
				b[i] = byte(c)
				check(string(b))
			}
		}
	}
	for range 20_000 {
		b := make([]byte, r.IntN(12))
		for i := range b {
			b[i] = "ab\x00"[r.IntN(3)]
		}
		check(string(b))
	}
	if d.Len() != len(want) {
		t.Fatalf("%d values, want %d", d.Len(), len(want))
	}
	for s, w := range want {
		if i, err := d.IndexBytes([]byte(s), 0); i != w || err != nil {
			t.Fatalf("%q: %d, %v, want %d", s, i, err, w)
		}
	}
}

func TestDictionaryFull(t *testing.T) {
	d := NewDictionary(3)
	for i := range 3 {
		if _, err := d.Index(fmt.Sprint(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Index("3", 0); !errors.Is(err, ErrDictionaryFull) {
		t.Errorf("a fourth of three: %v", err)
	}
	if i, err := d.Index("2", 3); i != 2 || err != nil {
		t.Errorf("the third of three: %d, %v", i, err)
	}
	// A dictionary that is shared has values that a narrow index cannot tell apart.
	if _, err := d.Index("2", 2); !errors.Is(err, ErrDictionaryFull) {
		t.Errorf("the third with an index of two: %v", err)
	}
	wide := NewDictionary(0)
	for i := range 200 {
		if _, err := wide.Index(fmt.Sprint(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	var b DictBuilder[int8]
	b.Init(Config{Name: "c", Dictionary: wide})
	b.Append("127")
	if err := b.Err(); err != nil {
		t.Error(err)
	}
	b.Append("128")
	if err := b.Err(); !errors.Is(err, ErrDictionaryFull) {
		t.Errorf("index 128 of an int8: %v", err)
	}
	b.Reset()
	b.AppendAll([]string{"1", "128", "2"})
	var e *ValueError
	if err := b.Err(); !errors.As(err, &e) || e.Row != 1 || b.Len() != 3 {
		t.Errorf("index 128 of an int8 in row 1 of %d: %v", b.Len(), err)
	}
}

// TestDictionaryAppended looks values up that were appended, some of them more than once.
func TestDictionaryAppended(t *testing.T) {
	d := NewDictionary(0)
	for i := range 200 {
		d.Append(fmt.Sprint(i%150), false)
	}
	d.Append("", true)
	for i := range 150 {
		if at, err := d.Index(fmt.Sprint(i), 0); at != i || err != nil {
			t.Fatalf("%d is at %d, %v", i, at, err)
		}
	}
	if at, err := d.Index("new", 0); at != 201 || err != nil {
		t.Fatal(at, err)
	}
	if at, err := d.NullIndex(0); at != 200 || err != nil {
		t.Fatal(at, err)
	}
	if at, err := d.Index("", 0); at != 202 || err != nil { // is no null
		t.Fatal(at, err)
	}
}
