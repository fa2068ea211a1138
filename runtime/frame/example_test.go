package frame_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// netstring is a framer in a few lines: "5:hello," is one frame.
type netstring struct{ max int }

func (d netstring) Decode(buf []byte) ([]byte, int, error) {
	size := 0
	for i, c := range buf {
		switch {
		case c >= '0' && c <= '9' && size <= d.max:
			size = 10*size + int(c-'0')
		case c == ':' && i > 0 && size <= d.max:
			end := i + 1 + size
			if end >= len(buf) {
				return nil, 0, nil // not enough yet
			}
			if buf[end] != ',' {
				return nil, 0, frame.At(int64(end), "end", frame.Errorf(frame.ErrMalformed, "%q, want a comma", buf[end]))
			}
			return buf[i+1 : end], end + 1, nil
		default:
			return nil, 0, frame.At(int64(i), "length", frame.Errorf(frame.ErrMalformed, "%q in a length of at most %d", c, d.max))
		}
	}
	return nil, 0, nil
}

func (netstring) AppendFrame(dst []byte, p []byte) ([]byte, error) {
	return append(fmt.Appendf(dst, "%d:%s", len(p), p), ','), nil
}

var (
	_ frame.Decoder[[]byte] = netstring{}
	_ frame.Encoder[[]byte] = netstring{}
)

// A framer of one's own gets buffering, limits and iteration from a Stream.
func ExampleNewStream() {
	in := strings.NewReader("5:hello,6:framer,0:,3:abcd")
	for p, err := range frame.NewStream(in, netstring{max: 1 << 20}, nil).All() {
		if err != nil {
			var e *frame.DecodeError
			fmt.Println(err)
			fmt.Println(errors.Is(err, frame.ErrMalformed), errors.As(err, &e) && e.Frame == 3)
			break
		}
		fmt.Printf("%q\n", p)
	}
	// Output:
	// "hello"
	// "framer"
	// ""
	// lightstream: frame 3, byte 5 (end): 'd', want a comma
	// true true
}

// pair is a frame whose size is known from its first byte.
type pair struct {
	key   string
	value []byte
	owner *mem.Block
}

type pairs struct{}

func (pairs) Measure(prefix []byte) (head, body, need int, err error) {
	if len(prefix) < 2 {
		return 0, 0, 2, nil
	}
	return 2 + int(prefix[0]), int(prefix[1]), 0, nil
}

func (pairs) DecodeBody(head, body []byte, owner *mem.Block) (pair, error) {
	return pair{string(head[2:]), body, owner}, nil
}

func (d pairs) Decode(buf []byte) (p pair, n int, err error) {
	head, body, need, err := d.Measure(buf)
	if err != nil || need > len(buf) || head+body > len(buf) {
		return p, 0, err
	}
	p, err = d.DecodeBody(buf[:head], buf[head:head+body], nil)
	return p, head + body, err
}

// The body of a frame whose size is known is a view into memory that the frame holds until it is released.
func ExampleSizedDecoder() {
	s := frame.NewStream(strings.NewReader("\x03\x05onefirst\x03\x06twosecond"), pairs{}, nil)
	var kept []pair
	for p, err := range s.All() {
		if err != nil {
			fmt.Println(err)
			return
		}
		kept = append(kept, p)
	}
	for _, p := range kept {
		fmt.Printf("%s=%s\n", p.key, p.value)
		p.owner.Release()
	}
	// Output:
	// one=first
	// two=second
}

func ExampleTLV() {
	var tlv frame.TLV
	p, _ := tlv.AppendFrame(nil, frame.TLVFrame{Type: 1, Value: []byte("price")})
	p, _ = tlv.AppendFrame(p, frame.TLVFrame{Type: 2, Value: []byte("101.5")})
	fmt.Printf("% x\n", p[:5])
	for f, err := range frame.NewStream(bytes.NewReader(p), tlv, nil).All() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d %s\n", f.Type, f.Value)
		f.Release()
	}
	// Output:
	// 01 05 00 00 00
	// 1 price
	// 2 101.5
}

func ExampleBuffer() {
	b := frame.NewBuffer(nil, 0)
	src := strings.NewReader("headbody and more")
	if err := b.Fill(src, 8, 64<<10); err != nil {
		fmt.Println(err)
		return
	}
	body, slab := b.Bytes()[4:8], b.Share() // stays as it is until slab is released
	b.Advance(8)
	fmt.Printf("%s, %q is left\n", body, b.Bytes())
	slab.Release()
	b.Free()
	// Output:
	// body, " and more" is left
}

// Messages of an Arrow stream, without looking into their bodies.
func ExampleIPC() {
	b := feed.NewTradeBuilder(nil)
	p, err := feed.TradeTable.AppendMessage(nil, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	for m, err := range frame.NewStream(bytes.NewReader(p), new(frame.IPC), nil).All() {
		switch {
		case err != nil:
			fmt.Println(err)
			return
		case m.End:
			fmt.Println("end")
		case m.Batch != nil:
			fmt.Printf("batch of %d rows in %d buffers\n", m.Batch.Rows(), m.Batch.NumBuffers())
		default:
			fmt.Println(m.Root.HeaderType())
		}
		m.Release()
	}
	// Output:
	// Schema
	// DictionaryBatch
	// batch of 0 rows in 11 buffers
	// end
}
