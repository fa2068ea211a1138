package frame

import (
	"encoding/binary"
	"math"

	"github.com/lightstream-go/lightstream/runtime/internal/sizes"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TLVFrame is a typed value.
type TLVFrame struct {
	Type  byte
	Value []byte // aliases what was decoded
	owner *mem.Block
}

// Release gives the memory of a frame that came from a [Stream] to later ones. It is optional; Value must not be used
// afterwards.
func (f *TLVFrame) Release() {
	if f.owner != nil {
		f.owner.Release()
		f.owner, f.Value = nil, nil
	}
}

// TLV is the framing type, length, value: 1, 4 and length bytes. The zero value is ready to use.
type TLV struct {
	// MaxValue is the longest value accepted, in bytes. Zero means 64 MiB.
	MaxValue int
}

const tlvHead = 5

var (
	_ Decoder[TLVFrame]      = TLV{}
	_ SizedDecoder[TLVFrame] = TLV{}
	_ Encoder[TLVFrame]      = TLV{}
)

// Decode finds one frame at the start of buf. Its value aliases buf.
func (t TLV) Decode(buf []byte) (f TLVFrame, n int, err error) {
	head, body, need, err := t.Measure(buf)
	if err != nil || need > len(buf) || body > len(buf)-head {
		return f, 0, err
	}
	return TLVFrame{Type: buf[0], Value: buf[head : head+body : head+body]}, head + body, nil
}

// Measure tells the length of the frame that starts with prefix.
func (t TLV) Measure(prefix []byte) (head, body, need int, err error) {
	if len(prefix) < tlvHead {
		return 0, 0, tlvHead, nil
	}
	most := t.MaxValue
	if most <= 0 {
		most = 64 << 20
	}
	length := binary.LittleEndian.Uint32(prefix[1:])
	if uint64(length) > uint64(most) {
		have, max := sizes.Over(int64(length), int64(most))
		return 0, 0, 0, At(1, "length", Errorf(ErrLimit, "%s exceeds TLV.MaxValue (%s); raise it or send smaller frames", have, max))
	}
	return tlvHead, int(length), 0, nil
}

// DecodeBody makes the frame whose value is body.
func (t TLV) DecodeBody(head, body []byte, owner *mem.Block) (TLVFrame, error) {
	return TLVFrame{Type: head[0], Value: body, owner: owner}, nil
}

// AppendFrame appends f to dst. A value of 4 GiB or more is an error.
func (t TLV) AppendFrame(dst []byte, f TLVFrame) ([]byte, error) {
	if uint64(len(f.Value)) > math.MaxUint32 {
		return dst, Errorf(ErrLimit, "lightstream: a TLV value of %d bytes does not fit a 32-bit length; split it", len(f.Value))
	}
	dst = append(dst, f.Type)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(f.Value)))
	return append(dst, f.Value...), nil
}
