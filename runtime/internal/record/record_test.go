package record

import (
	"testing"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TestScratchEnds wants nothing behind scratch memory to be in reach: what is there was another batch's, and could be sent as padding.
func TestScratchEnds(t *testing.T) {
	h := NewPool(mem.NewPool(nil)).New(3, 1, 0)
	defer h.Release()
	Limit(h, 1<<20)
	for _, n := range []int{1, 63, 64, 100} {
		b, err := Scratch(h, n)
		if err != nil || len(b) != n || cap(b) != n {
			t.Errorf("%d bytes: length %d, capacity %d, %v", n, len(b), cap(b), err)
		}
	}
}
