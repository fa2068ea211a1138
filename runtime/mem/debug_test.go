package mem

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// release is where the blocks of the test below are released; it returns the line.
func release(b *Block) int {
	_, _, line, _ := runtime.Caller(0)
	b.Release()
	return line + 1
}

// Without the tag lightstream_debug, the same things do not happen.
func TestReleaseIsRecorded(t *testing.T) {
	p := NewPool(nil)
	b := p.Get(100)
	whole := b.Bytes()[:b.Cap()]
	for i := range whole {
		whole[i] = 1
	}
	if b.ReleasedAt() != "" {
		t.Errorf("released at %q before it was", b.ReleasedAt())
	}
	b.Retain()
	b.Release()
	if b.ReleasedAt() != "" || whole[0] != 1 {
		t.Errorf("released at %q with a reference left", b.ReleasedAt())
	}
	line := release(b)
	poisoned := bytes.Count(whole, []byte{0xDB})
	if !Debug {
		if b.ReleasedAt() != "" || poisoned != 0 {
			t.Errorf("released at %q, %d bytes filled, in a build without the tag", b.ReleasedAt(), poisoned)
		}
		return
	}
	place := fmt.Sprintf("/debug_test.go:%d", line)
	if !strings.HasSuffix(b.ReleasedAt(), place) {
		t.Errorf("released at %q, want %q", b.ReleasedAt(), place)
	}
	if poisoned != len(whole) {
		t.Errorf("%d of %d bytes filled", poisoned, len(whole))
	}
	defer func() {
		if s := fmt.Sprint(recover()); !strings.HasSuffix(s, place) {
			t.Errorf("panic is %q, want the place %s", s, place)
		}
	}()
	b.Release()
}

// Foreign memory may be read-only, or in use by others.
func TestWrappedIsNotFilled(t *testing.T) {
	data := []byte{1, 2, 3}
	b := Wrap(data, nil)
	line := release(b)
	if !bytes.Equal(data, []byte{1, 2, 3}) {
		t.Errorf("foreign memory is %x", data)
	}
	if place := fmt.Sprintf("/debug_test.go:%d", line); Debug && !strings.HasSuffix(b.ReleasedAt(), place) {
		t.Errorf("released at %q, want %q", b.ReleasedAt(), place)
	}
}
