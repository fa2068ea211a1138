//go:build unix

package column

import (
	"errors"
	"math"
	"math/bits"
	"strings"
	"syscall"
	"testing"
)

// TestTooLong fills text columns up to what 32-bit offsets reach. The two gigabytes are mapped and never touched.
func TestTooLong(t *testing.T) {
	if bits.UintSize == 32 {
		t.Skip("there is no room for so much text")
	}
	most := math.MaxInt32
	m, err := syscall.Mmap(-1, 0, most+1<<16, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip(err)
	}
	defer syscall.Munmap(m)
	for _, step := range []int{1, 7, 10, 16, 17, 100, 1000} {
		var b TextBuilder
		b.Init(Config{Name: "c", Nullable: true})
		b.Append("")
		b.text = m[: most-3*step : most+shortCopy] // as grow leaves it
		row := strings.Repeat("x", step)
		for range 3 {
			b.Append(row)
		}
		if err := b.Err(); err != nil {
			t.Fatalf("rows of %d: %v", step, err)
		}
		if d := b.Data(); len(d.Buffers[2]) != most {
			t.Fatalf("rows of %d: %d bytes", step, len(d.Buffers[2]))
		}
		b.AppendNull()
		b.Append("")
		if err := b.Err(); err != nil {
			t.Fatalf("rows of %d: %v", step, err)
		}
		b.Append(row)
		b.AppendAll([]string{row, row})
		var e *ValueError
		if err := b.Err(); !errors.As(err, &e) || !errors.Is(err, ErrTooLong) || e.Column != "c" || e.Row != 6 {
			t.Fatalf("rows of %d: %v", step, err)
		}
		for i, o := range b.offsets {
			if o < 0 || i > 0 && o < b.offsets[i-1] {
				t.Fatalf("rows of %d: offset %d is %d", step, i, o)
			}
		}
		b.Truncate(5)
		if err := b.Err(); err != nil || b.Len() != 5 {
			t.Fatalf("rows of %d: %d rows after Truncate, %v", step, b.Len(), err)
		}
		b.Reset()
		b.AppendAll([]string{row, "", row})
		d := b.Data()
		if v := TextsOf(&d); v.Len() != 3 || v.At(2) != row || b.Err() != nil {
			t.Fatalf("rows of %d: after Reset %v, %v", step, v.At(2), b.Err())
		}
	}
}
