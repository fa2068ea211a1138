package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

func TestTLVRoundTrip(t *testing.T) {
	var tlv frame.TLV
	sizes := []int{0, 1, 2, 1000, 70_000, 300_000, 0, 5}
	var in []byte
	for i, n := range sizes {
		var err error
		if in, err = tlv.AppendFrame(in, frame.TLVFrame{Type: byte(250 + i), Value: text(n)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, src := range sources {
		pool := mem.NewPool(nil)
		n := 0
		for f, err := range frame.NewStream(src.of(in), tlv, &frame.StreamOptions{Pool: pool}).All() {
			if err != nil {
				t.Fatal(err)
			}
			if f.Type != byte(250+n) || !bytes.Equal(f.Value, text(sizes[n])) {
				t.Fatalf("%s: frame %d: type %d, %d bytes", src.name, n, f.Type, len(f.Value))
			}
			f.Release()
			f.Release() // nothing is left to release
			n++
		}
		if n != len(sizes) {
			t.Fatalf("%s: %d frames, want %d", src.name, n, len(sizes))
		}
		if used := pool.Stats().InUseBytes; used != 0 {
			t.Errorf("%s: %d bytes are held at the end", src.name, used)
		}
	}
	// The same without a stream.
	for i := 0; len(in) > 0; i++ {
		f, n, err := tlv.Decode(in)
		if err != nil || n != 5+sizes[i] || f.Type != byte(250+i) || !bytes.Equal(f.Value, text(sizes[i])) {
			t.Fatal(f.Type, n, err)
		}
		for cut := range min(n, 100) {
			if _, k, err := tlv.Decode(in[:cut]); k != 0 || err != nil {
				t.Fatalf("%d of %d bytes: %d, %v", cut, n, k, err)
			}
		}
		f.Release()
		in = in[n:]
	}
}

func TestTLVLimits(t *testing.T) {
	head := func(n uint32) []byte { return binary.LittleEndian.AppendUint32([]byte{7}, n) }
	for _, c := range []struct {
		tlv frame.TLV
		n   uint32
		ok  bool
	}{
		{frame.TLV{}, 64 << 20, true},
		{frame.TLV{}, 64<<20 + 1, false},
		{frame.TLV{}, math.MaxUint32, false},
		{frame.TLV{MaxValue: 10}, 10, true},
		{frame.TLV{MaxValue: 10}, 11, false},
	} {
		_, n, err := c.tlv.Decode(head(c.n))
		if c.ok != (err == nil) || n != 0 {
			t.Errorf("%+v, %d bytes: %d, %v", c.tlv, c.n, n, err)
		}
		if c.ok {
			continue
		}
		s := frame.NewStream(bytes.NewReader(head(c.n)), c.tlv, nil)
		_, err = s.Next()
		var e *frame.DecodeError
		if !errors.As(err, &e) || !errors.Is(err, frame.ErrLimit) || e.Offset != 1 || e.Path != "length" || !strings.Contains(err.Error(), "TLV.MaxValue") {
			t.Errorf("%+v, %d bytes: %v", c.tlv, c.n, err)
		}
	}
}
