package frame_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

// benchLoop yields the same bytes again and again.
type benchLoop struct {
	p  []byte
	at int
}

func (r *benchLoop) Read(p []byte) (int, error) {
	n := copy(p, r.p[r.at:])
	r.at = (r.at + n) % len(r.p)
	return n, nil
}

// BenchmarkStream reads frames of values that are views into a slab, and of values that have memory of their own.
func BenchmarkStream(b *testing.B) {
	for _, size := range []int{16, 1 << 10, 16 << 10, 1 << 20, 16 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			p, err := frame.TLV{}.AppendFrame(nil, frame.TLVFrame{Type: 1, Value: bytes.Repeat([]byte{7}, size)})
			if err != nil {
				b.Fatal(err)
			}
			s := frame.NewStream(&benchLoop{p: p}, frame.TLV{}, nil)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				f, err := s.Next()
				if err != nil {
					b.Fatal(err)
				}
				f.Release()
			}
		})
	}
}
