package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// checked is a protocol of our own. It puts a sequence number and a checksum around each batch:
//
//	 0   4  CKS1
//	 4   4  length of the payload
//	 8   8  sequence number, from 0
//	16   4  CRC-32C of the payload and of bytes 0 to 16
//	20  44  zeros, so that the payload starts at a multiple of 64 and its columns lie as Arrow wants them
//	64   n  payload: a frame of TradeFramer
//
// Numbers are little-endian. What is in the payload is the generated framer's business, and where the bytes come from that of
// frame.Stream.
type checked struct {
	trades *TradeFramer
	sent   uint64 // frames made
	next   uint64 // the sequence number that has to come
}

// numbered is a frame.
type numbered struct {
	seq    uint64
	trades TradeBatch
}

const (
	magic      = "CKS1"
	headSize   = 64
	summed     = 16 // bytes of the head that the checksum covers
	maxPayload = 64 << 20
)

var (
	errChecksum = errors.New("the checksum is wrong")
	errSequence = errors.New("frames are missing or out of order")

	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

var (
	_ frame.Encoder[*TradeBuilder] = (*checked)(nil)
	_ frame.Decoder[numbered]      = (*checked)(nil)
	_ frame.SizedDecoder[numbered] = (*checked)(nil)
)

func newChecked() *checked { return &checked{trades: NewTradeFramer(nil)} }

func checksum(head, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(payload, castagnoli), castagnoli, head[:summed])
}

// AppendFrame appends the rows of b as a frame with the next sequence number.
func (c *checked) AppendFrame(dst []byte, b *TradeBuilder) ([]byte, error) {
	start := len(dst)
	out := append(dst, make([]byte, headSize)...)
	out, err := c.trades.AppendFrame(out, b)
	if err != nil {
		return dst, err
	}
	head, payload := out[start:start+headSize], out[start+headSize:]
	if len(payload) > maxPayload {
		return dst, frame.Errorf(frame.ErrLimit, "a payload of %d bytes, at most %d are allowed; send smaller batches", len(payload), maxPayload)
	}
	copy(head, magic)
	binary.LittleEndian.PutUint32(head[4:], uint32(len(payload)))
	binary.LittleEndian.PutUint64(head[8:], c.sent)
	binary.LittleEndian.PutUint32(head[16:], checksum(head, payload))
	c.sent++
	return out, nil
}

// Measure tells how long the frame is that starts with prefix.
func (c *checked) Measure(prefix []byte) (head, body, need int, err error) {
	if len(prefix) < headSize {
		return 0, 0, headSize, nil
	}
	length := binary.LittleEndian.Uint32(prefix[4:])
	switch {
	case string(prefix[:len(magic)]) != magic:
		return 0, 0, 0, frame.At(0, "magic", frame.Errorf(frame.ErrMalformed, "%q, want %q", prefix[:len(magic)], magic))
	case length > maxPayload:
		return 0, 0, 0, frame.At(4, "length", frame.Errorf(frame.ErrLimit, "%d bytes, at most %d are allowed", length, maxPayload))
	case !bytes.Equal(prefix[20:headSize], make([]byte, headSize-20)):
		return 0, 0, 0, frame.At(20, "padding", frame.Errorf(frame.ErrMalformed, "something other than zeros"))
	}
	return headSize, int(length), 0, nil
}

// DecodeBody checks the frame and hands its payload on, with the memory that it lies in.
func (c *checked) DecodeBody(head, body []byte, owner *mem.Block) (numbered, error) {
	if err := c.check(head, body); err != nil {
		if owner != nil {
			owner.Release()
		}
		return numbered{}, err
	}
	batch, err := c.trades.DecodeBody(nil, body, owner)
	if err != nil {
		return numbered{}, err
	}
	c.next++
	return numbered{c.next - 1, batch}, nil
}

func (c *checked) check(head, body []byte) error {
	if have, want := binary.LittleEndian.Uint32(head[16:]), checksum(head, body); have != want {
		return frame.At(16, "checksum", frame.Errorf(errChecksum, "CRC-32C %#08x, want %#08x", have, want))
	}
	if seq := binary.LittleEndian.Uint64(head[8:]); seq != c.next {
		return frame.At(8, "sequence", frame.Errorf(errSequence, "frame %d comes where %d should", seq, c.next))
	}
	return nil
}

// Decode finds one frame at the start of buf. frame.Stream uses Measure and DecodeBody in its place.
func (c *checked) Decode(buf []byte) (f numbered, n int, err error) {
	head, body, need, err := c.Measure(buf)
	if err != nil || need > len(buf) || body > min(len(buf), math.MaxInt32)-head {
		return f, 0, err
	}
	if f, err = c.DecodeBody(buf[:head], buf[head:head+body:head+body], nil); err != nil {
		return f, 0, err
	}
	return f, head + body, nil
}
