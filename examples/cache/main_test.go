package main

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"unsafe"

	"github.com/lightstream-go/lightstream/runtime/column"
)

func Example() {
	if err := run(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// Aarhus: made
	// Aarhus: 14.5 °C at 23:00, rain
	// Zagreb: made
	// Zagreb: 14.5 °C at 23:00, rain
	// Aarhus: found
	// Aarhus: 14.5 °C at 23:00, rain
	// Zagreb: found
	// Zagreb: 14.5 °C at 23:00, rain
	// Aarhus: of another version
	// Aarhus: made
	// Aarhus: 14.5 °C at 23:00, rain
}

func cell(t *testing.T) []byte {
	t.Helper()
	b := NewForecastBuilder(nil)
	b.Append(Forecast{Hour: 3, Celsius: 1.5, Sky: "snow"})
	c, err := encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestInPlace wants the columns of a cell to be its bytes.
func TestInPlace(t *testing.T) {
	c := cell(t)
	b, err := decode(c)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if got := b.Row(0); got != (Forecast{Hour: 3, Celsius: 1.5, Sky: "snow"}) {
		t.Errorf("%+v", got)
	}
	first, last := uintptr(unsafe.Pointer(&c[0])), uintptr(unsafe.Pointer(&c[len(c)-1]))
	if at := uintptr(unsafe.Pointer(&b.Celsius()[0])); (at < first || at > last) && column.Native { // else it is swapped
		t.Error("the column was copied")
	}
}

// TestDamage cuts and changes a cell: it is an error, or stale, never a batch of another schema.
func TestDamage(t *testing.T) {
	whole := cell(t)
	for n := range whole {
		if b, err := decode(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes: %v", n, len(whole), b)
		}
	}
	for i := range 16 {
		c := bytes.Clone(whole)
		c[i] ^= 1
		var stale *errStale
		if _, err := decode(c); !errors.As(err, &stale) {
			t.Errorf("byte %d of the fingerprint: %v", i, err)
		}
	}
}
