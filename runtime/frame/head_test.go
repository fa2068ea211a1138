package frame_test

import (
	"bytes"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// headed has frames of an 8-byte head and bodies of one size, and hands out the head.
type headed struct{ body int }

func (h headed) Decode([]byte) ([]byte, int, error) { panic("a body that is not read into place") }

func (h headed) Measure(prefix []byte) (head, body, need int, err error) {
	if len(prefix) < 8 {
		return 0, 0, 8, nil
	}
	return 8, h.body, 0, nil
}

func (headed) DecodeBody(head, _ []byte, body *mem.Block) ([]byte, error) {
	body.Release()
	return head, nil
}

// TestHeadOutlivesNext uses the pool between two frames, as batches do. The head of a frame lay in a slab that was already given
// back, if nothing but the frame was in it.
func TestHeadOutlivesNext(t *testing.T) {
	for _, body := range []int{0, 100, 4096, 1 << 17, 1 << 20} {
		pool := mem.NewPool(nil)
		var src []byte
		for i := range byte(4) {
			src = append(src, bytes.Repeat([]byte{i + 1}, 8+body)...)
		}
		s := frame.NewStream(bytes.NewReader(src), headed{body}, &frame.StreamOptions{Pool: pool})
		for i := range byte(4) {
			head, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			// Whatever is free in the pool is taken and overwritten.
			for size := 1 << 12; size <= 1<<20; size *= 2 {
				b := pool.Get(size)
				clear(b.Bytes())
				defer b.Release()
			}
			if !bytes.Equal(head, bytes.Repeat([]byte{i + 1}, 8)) {
				t.Errorf("bodies of %d bytes: the head of frame %d is %v", body, i, head)
			}
		}
		s.Free()
	}
}
